"""A GEMM as the memory images of a bench: tiled, padded, in the order the harness sends it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tpe.array.base import ALWAYS, Handshake
from tpe.engine import Engine
from tpe.hdl import emit
from tpe.hdl.pack import pack
from tpe.operands import Ints
from tpe.zero_points import Task, offset, see


@dataclass(frozen=True, eq=False)
class Case:
    """C = A @ B on one engine, A (M, K) and B (K, N), under a handshake."""

    engine: Engine
    a: Ints
    b: Ints
    handshake: Handshake = ALWAYS
    a_zero: int = 0
    b_zero: int = 0


@dataclass(frozen=True)
class Images:
    """Memory images and settings of a case, as its harness takes them."""

    a: bytes
    b: bytes
    d: bytes  # what is added to every word of C; empty if nothing is
    settings: dict[str, int]
    words: int  # of C
    m_tiles: int
    n_tiles: int

    def write(self, folder: Path) -> None:
        """Leave the images in a folder."""
        for name, image in (("a.hex", self.a), ("b.hex", self.b), ("d.hex", self.d)):
            if image:
                (folder / name).write_bytes(image)

    def untiled(self, words: Ints, case: Case) -> Ints:
        """C (M, N) from the words that left, row by row of each tile, N outermost."""
        engine = case.engine
        shaped = words.reshape(self.n_tiles, self.m_tiles, engine.rows, engine.cols)
        full: Ints = shaped.transpose(1, 2, 0, 3).reshape(
            self.m_tiles * engine.rows, self.n_tiles * engine.cols
        )
        if engine.params["encode"] == "weights":
            full = full.T
        return full[: case.a.shape[0], : case.b.shape[1]]


@dataclass(frozen=True)
class Counts:
    """Words of the three memories that a case takes."""

    a: int
    b: int
    c: int


def counts(case: Case) -> Counts:
    """The memories' words, without making the images."""
    engine, pe = case.engine, emit.record(case.engine)
    transposed = engine.params["encode"] == "weights"
    m, k = case.a.shape
    n = case.b.shape[1]
    m, n = (n, m) if transposed else (m, n)
    m_tiles, n_tiles = -(-m // engine.rows), -(-n // engine.cols)
    lanes = pe.group if pe.sparse else engine.widths.lanes
    beats = -(-k // lanes)
    b_beats = k if pe.sparse else beats
    return Counts(m_tiles * beats, n_tiles * b_beats, m_tiles * n_tiles * engine.rows)


def images(case: Case) -> Images:
    """Operands laid out in tiles; padding is whatever enters the array as zero."""
    engine, pe, w = case.engine, emit.record(case.engine), case.engine.widths
    transposed = engine.params["encode"] == "weights"
    a, b = (case.b.T, case.a.T) if transposed else (case.a, case.b)
    zeros = (case.b_zero, case.a_zero) if transposed else (case.a_zero, case.b_zero)
    lanes = pe.group if pe.sparse else w.lanes
    beats = -(-a.shape[1] // lanes)
    a_pad, b_pad = (_padding(engine, side, zeros[side]) for side in (0, 1))
    a_tiles = tiled(a, engine.rows, lanes, a_pad)
    b_tiles = tiled(b.T, engine.cols, 1 if pe.sparse else w.lanes, b_pad)
    if pe.sparse:
        b_tiles = b_tiles[:, : a.shape[1]]
    m_tiles, n_tiles = len(a_tiles), len(b_tiles)
    a_format, b_format = emit.stored_formats(engine)
    settings = {
        "m_tiles": m_tiles,
        "n_tiles": n_tiles,
        "a_beats": beats,
        "b_beats": b_tiles.shape[1],
        "pass_beats": w.depth // lanes if pe.sparse else beats,
        "a_zero": int(zeros[0]) & 0xFFFF_FFFF,
        "b_zero": int(zeros[1]) & 0xFFFF_FFFF,
        "idle": case.handshake.idle,
        "busy": case.handshake.busy,
    }
    return Images(
        pack(a_tiles.reshape(m_tiles * beats, -1), a_format.bits),
        pack(b_tiles.reshape(n_tiles * b_tiles.shape[1], -1), b_format.bits),
        _correction(case, m_tiles, n_tiles),
        settings,
        m_tiles * n_tiles * engine.rows,
        m_tiles,
        n_tiles,
    )


def _padding(engine: Engine, side: int, zero: int) -> int:
    mode = engine.params["zero_points"]
    if mode == "subtract":
        return int(zero)
    return offset(emit.stored_formats(engine)[side], mode)


def _correction(case: Case, m_tiles: int, n_tiles: int) -> bytes:
    """What is added to C, in the order its words leave."""
    engine = case.engine
    task = Task("case", "gemm", case.a, case.b, a_zero=case.a_zero, b_zero=case.b_zero)
    seen = see(task, engine.a_format, engine.b_format, engine.params["zero_points"])
    if seen.correction is None:
        return b""
    c = seen.correction.T if engine.params["encode"] == "weights" else seen.correction
    full = np.zeros((m_tiles * engine.rows, n_tiles * engine.cols), np.int64)
    full[: c.shape[0], : c.shape[1]] = c
    shaped = full.reshape(m_tiles, engine.rows, n_tiles, engine.cols).transpose(2, 0, 1, 3)
    return pack(shaped.reshape(-1, engine.cols), engine.widths.acc)


def tiled(x: Ints, rows: int, lanes: int, pad: int) -> Ints:
    """X (any rows, K) in tiles of `rows`, beats of `lanes` k: (tiles, beats, rows * lanes)."""
    tiles, beats = -(-x.shape[0] // rows), -(-x.shape[1] // lanes)
    padded = np.full((tiles * rows, beats * lanes), pad, np.int64)
    padded[: x.shape[0], : x.shape[1]] = x
    shaped = padded.reshape(tiles, rows, beats, lanes).transpose(0, 2, 1, 3)
    return shaped.reshape(tiles, beats, rows * lanes)
