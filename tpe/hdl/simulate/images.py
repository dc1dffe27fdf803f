"""A GEMM as the memory images of a bench: tiled, padded, in the order the harness sends it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tpe.array.base import ALWAYS, Handshake
from tpe.engine.config import Config
from tpe.engine.finish import NOTHING, Added, ChainInputs
from tpe.engine.task import Task, see
from tpe.hdl import emit
from tpe.hdl.emit import finish
from tpe.hdl.simulate import grouped
from tpe.hdl.simulate.hex import pack
from tpe.hdl.simulate.sizes import Counts, Sizes
from tpe.model.engine import Engine, Run
from tpe.model.selected import selected, stored
from tpe.numbers.digits import pack_digits
from tpe.numbers.operands import Ints, as_operands
from tpe.numbers.sparsity import Selection
from tpe.numbers.words import wrap
from tpe.numbers.zero_points import ZeroPoints, coded, offset
from tpe.pe.parameters import EncodeIn


@dataclass(frozen=True, eq=False)
class Case:
    """C = A @ B on one engine, A (M, K) and B (K, N), under a handshake.

    `a_hold` and `b_hold`: masks as those of the handshake, of cycles in which one stream alone is
    idle, so that A and B come in different cycles.
    """

    engine: Config
    a: Ints
    b: Ints
    handshake: Handshake = ALWAYS
    a_zero: int = 0
    b_zero: int = 0
    chain_inputs: ChainInputs = NOTHING
    a_hold: int = 0
    b_hold: int = 0

    @property
    def counted(self) -> bool:
        """Whether the model counts its cycles: not where A and B come and are taken apart."""
        if self.engine.scale_group:  # whose model knows no handshake
            return self.handshake == ALWAYS and not (self.a_hold or self.b_hold)
        paired = not _sizes(self).chained and not emit.record(self.engine).sparse
        return paired or not (self.a_hold or self.b_hold)

    @property
    def macs(self) -> int:
        """Its multiply-accumulates."""
        (m, k), n = self.a.shape, self.b.shape[1]
        return int(m * k * n)

    def run(self) -> Run:
        """What the model makes of it; a beat of a pair waits for both of its streams."""
        idle, busy = self.handshake.idle, self.handshake.busy
        if self.engine.scale_group:
            return Engine.of(self.engine).run(self.a, self.b)
        return Engine.of(self.engine).run(
            self.a,
            self.b,
            a_zero=self.a_zero,
            b_zero=self.b_zero,
            handshake=Handshake(idle | self.a_hold | self.b_hold, busy),
            **vars(self.chain_inputs),
        )

    def words(self, run: Run) -> Ints:
        """C of its run as words, signed; where groups have scales, with those that are drawn."""
        if self.engine.scale_group:
            return grouped.scaled_words(self.engine, self.a, self.b)
        return self.engine.arithmetic.words(run.C)


@dataclass(frozen=True)
class Images:
    """Memory images and settings of a case, as its harness takes them."""

    a: bytes
    b: bytes
    d: bytes  # what every word of C takes with it; empty if that is nothing
    settings: dict[str, int]
    m_tiles: int
    n_tiles: int

    @property
    def words(self) -> int:
        """Words of C."""
        return self.settings["words"]

    def write(self, folder: Path) -> None:
        """Leave the images in a folder."""
        for name, image in (("a.hex", self.a), ("b.hex", self.b), ("d.hex", self.d)):
            if image:
                (folder / name).write_bytes(image)

    def untiled(self, words: Ints, case: Case) -> Ints:
        """C (M, N) from the words that left, row by row of each tile, N outermost."""
        grid = case.engine.grid
        shaped = words.reshape(self.n_tiles, self.m_tiles, grid.m, grid.n)
        full: Ints = shaped.transpose(1, 2, 0, 3).reshape(
            self.m_tiles * grid.m, self.n_tiles * grid.n
        )
        return case.engine.sides.output(full)[: case.a.shape[0], : case.b.shape[1]]


def cycle_limit(cycles: int) -> int:
    """Cycles after which a bench ends a run that the model ends in `cycles`, stalls included."""
    return 2 * cycles + 1000


def first_flagged(case: Case) -> int:
    """The first word of C, as they leave, with the overflow flag: its number, or how many leave.

    By definition: the flag is up from the first word on of which a sum does not fit `acc_bits`.
    """
    engine, sizes = case.engine, _sizes(case)
    if not engine.chain.narrow:
        return sizes.settings()["words"]
    totals = (case.a.astype(np.int64) - case.a_zero) @ (case.b.astype(np.int64) - case.b_zero)
    added = engine.chain.values(case.chain_inputs, case.a.shape[0], case.b.shape[1], "case")
    totals = totals if added is None else totals + added.added
    half = 1 << (engine.chain.acc_bits - 1)
    over = ((totals < -half) | (totals >= half)).astype(np.int64)
    words = leaving(engine.sides.output(over), sizes.m_tiles, sizes.n_tiles, engine)
    flagged = np.flatnonzero(words.max(axis=1))
    return int(flagged[0]) if len(flagged) else len(words)


def counts(case: Case) -> Counts:
    """The memories' words, without making the images."""
    return _sizes(case).counts()


def _sizes(case: Case) -> Sizes:
    (m, k), n = case.a.shape, case.b.shape[1]
    engine = case.engine
    return Sizes(engine, *engine.sides.pair(m, n), engine.stored_k(k))


def images(case: Case) -> Images:
    """Operands laid out in tiles; padding is whatever enters the array as zero."""
    engine, sizes = case.engine, _sizes(case)
    codes = as_operands(case.a, case.b, engine.a_format, engine.b_format, "case")
    a, b = engine.sides.operands(*codes)
    zeros = engine.sides.pair(case.a_zero, case.b_zero)
    digits = engine.choices.encode_in is EncodeIn.STORED
    if engine.selection:
        a, b = _as_stored(engine, engine.selection, a, b)
        digits = digits and not engine.selection.encoded  # of a sparse A they are in place
    if emit.hardware(engine).stored_b is not None:
        of_b = engine.sides.pair(engine.a_format, engine.b_format)[1]
        b = coded(b, zeros[1], of_b, engine.params["zero_points"])
    pads = [_padding(engine, side, zeros[side]) for side in (0, 1)]
    if engine.scale_group:
        a, b = grouped.regrouped(engine.scale_group, sizes.per_beat, a, b, pads)
    a_words, b_words = _laid_out(sizes, a, b, pads)
    b_words = emit.stored_b(engine, b_words)
    a_bits, b_bits = emit.port_bits(engine)
    if digits:
        a_words = pack_digits(engine.encoder, a_words, engine.widths.a)
    settings = sizes.settings() | {
        "a_zero": int(zeros[0]) & 0xFFFF_FFFF,
        "b_zero": int(zeros[1]) & 0xFFFF_FFFF,
        "idle": case.handshake.idle,
        "busy": case.handshake.busy,
        "a_hold": case.a_hold,
        "b_hold": case.b_hold,
    }
    return Images(
        pack(a_words, a_bits),
        pack(b_words, b_bits),
        _taken(case, sizes),
        settings,
        sizes.m_tiles,
        sizes.n_tiles,
    )


def _as_stored(engine: Config, selection: Selection, a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """A (M, ...) and B (..., N) along K as they come: one with its places, one as it is offered."""
    values, places = stored(engine, a, b)
    steps = -(-values.shape[1] // selection.lanes)
    bits = emit.port_bits(engine)[not selection.encoded] - selection.sparsity.place_bits
    if selection.encoded and engine.choices.encode_in is EncodeIn.STORED:
        values = pack_digits(engine.encoder, values, engine.widths.a)
    placed = (values & ((1 << bits) - 1)) | places << bits
    if selection.encoded:
        return placed, selection.spread(b.T, steps).T
    return selection.spread(a, steps), placed.T


def _laid_out(sizes: Sizes, a: Ints, b: Ints, pads: list[int]) -> tuple[Ints, Ints]:
    """Beats of A and of B, a row each, in the order of their addresses."""
    engine = sizes.engine
    a_beat, b_beat = (sizes.per_beat * many for many in emit.port_lanes(engine))
    if sizes.chained:
        a_tiles = tiled(a, 1, a_beat, pads[0])  # (M, tiles of K, operands)
        b_tiles = tiled(b.T, engine.grid.n, b_beat, pads[1])
        cells = b_tiles.reshape(-1, engine.grid.n, engine.grid.chain, b_beat // engine.grid.chain)
        falling = cells.transpose(0, 2, 1, 3)[:, ::-1]  # by row of the array, the last first
        b_words = falling.reshape(-1, engine.grid.n * cells.shape[3])
        return a_tiles.transpose(1, 0, 2).reshape(-1, a_beat), b_words
    a_tiles = tiled(a, engine.grid.m, a_beat, pads[0])
    b_tiles = tiled(b.T, engine.grid.n, 1 if emit.record(engine).sparse else b_beat, pads[1])
    return a_tiles.reshape(-1, a_tiles.shape[2]), b_tiles.reshape(-1, b_tiles.shape[2])


def _padding(engine: Config, side: int, zero: int) -> int:
    mode = engine.params["zero_points"]
    if mode == ZeroPoints.SUBTRACT:
        return int(zero)
    stored = emit.stored_formats(engine)[side]
    return offset(stored, mode) + (engine.arithmetic.b_padding(stored) if side else 0)


def _taken(case: Case, sizes: Sizes) -> bytes:
    """What words of C take with them through the finish chain, in the order they leave."""
    engine = case.engine
    if engine.scale_group:
        tiles = sizes.m_tiles, sizes.n_tiles
        given = grouped.taken(engine, tiles, case.a.shape[1], case.b.shape[1])
        return finish.image(engine, given)
    task = Task("case", "gemm", case.a, case.b, a_zero=case.a_zero, b_zero=case.b_zero)
    seen = see(task, engine.a_format, engine.b_format, engine.params["zero_points"])
    added = engine.chain.values(case.chain_inputs, case.a.shape[0], case.b.shape[1], "case")
    values = {} if added is None else _per_column(engine, sizes, added)
    more = [x for x in (seen.correction, None if added is None else added.c0) if x is not None]
    if more:
        c = engine.sides.output(np.sum(more, axis=0))
        values["c_add_i"] = leaving(c, sizes.m_tiles, sizes.n_tiles, engine)
    return finish.image(engine, values)


def _per_column(engine: Config, sizes: Sizes, added: Added) -> dict[str, Ints]:
    """Values of the columns of C for every word: one per column of the array, or one."""
    wide = {field.port: field.wide for field in finish.fields(engine)}
    found = {"out_zero_i": np.full((sizes.counts().c, 1), added.zero)}
    for port, values in finish.per_column(added).items():
        full = np.zeros((sizes.m_tiles * engine.grid.m, sizes.n_tiles * engine.grid.n), np.int64)
        if engine.sides.turned:
            full[: values.size] = values[:, None]
        else:
            full[:, : values.size] = values
        words = leaving(full, sizes.m_tiles, sizes.n_tiles, engine)
        found[port] = words if wide.get(port) else words[:, :1]
    return found


def expected(case: Case, c: Ints, m_tiles: int, n_tiles: int) -> Ints:
    """Words of C (M, N) in the order they leave, with what the RTL makes of the padding around."""
    engine, grid = case.engine, case.engine.grid
    m, n = engine.sides.pair(m_tiles * grid.m, n_tiles * grid.n)
    if engine.scale_group:
        return leaving(np.pad(c, ((0, m - len(c)), (0, n - c.shape[1]))), m_tiles, n_tiles, engine)
    full = _of_padding(case, m, n)
    added = engine.chain.values(case.chain_inputs, c.shape[0], c.shape[1], "case")
    if added is not None:
        padded = added.padded(m, n)
        full = engine.chain.finished(padded.added, padded)
    full[: c.shape[0], : c.shape[1]] = c
    return leaving(engine.sides.output(full), m_tiles, n_tiles, engine)


def _of_padding(case: Case, m: int, n: int) -> Ints:
    """Words (M, N) of operands that are padded by codes, before the finish chain."""
    engine = case.engine
    if engine.arithmetic.pads_with_zeros:
        return np.zeros((m, n), np.int64)
    formats = engine.a_format, engine.b_format
    a, b = as_operands(case.a, case.b, *formats, "case")
    pads = engine.sides.pair(*(_padding(engine, side, 0) for side in (0, 1)))
    a = np.pad(a, ((0, m - len(a)), (0, 0)), constant_values=pads[0])
    b = np.pad(b, ((0, 0), (0, n - b.shape[1])), constant_values=pads[1])
    product = partial(_product, engine)
    words = selected(engine, *engine.sides.operands(a, b), product)
    return wrap(engine.sides.output(words), engine.widths.acc)


def _product(engine: Config, encoded: Ints, other: Ints) -> Ints:
    return engine.arithmetic.product(encoded, other, *engine.encoded_formats())


def leaving(c: Ints, m_tiles: int, n_tiles: int, engine: Config) -> Ints:
    """C, its encoded side first, in the order its words leave: (words, columns), zero-padded."""
    grid = engine.grid
    full = np.zeros((m_tiles * grid.m, n_tiles * grid.n), np.int64)
    full[: c.shape[0], : c.shape[1]] = c
    shaped = full.reshape(m_tiles, grid.m, n_tiles, grid.n).transpose(2, 0, 1, 3)
    return shaped.reshape(-1, grid.n)


def tiled(x: Ints, rows: int, lanes: int, pad: int) -> Ints:
    """X (any rows, K) in tiles of `rows`, beats of `lanes` k: (tiles, beats, rows * lanes)."""
    tiles, beats = -(-x.shape[0] // rows), -(-x.shape[1] // lanes)
    padded = np.full((tiles * rows, beats * lanes), pad, np.int64)
    padded[: x.shape[0], : x.shape[1]] = x
    shaped = padded.reshape(tiles, rows, beats, lanes).transpose(0, 2, 1, 3)
    return shaped.reshape(tiles, beats, rows * lanes)
