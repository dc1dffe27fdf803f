"""Co-simulation of one cell and its finish, step by step, against the PE's kernels."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tpe.base.jit import compiled
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.emit.templates import template
from tpe.hdl.simulate.build import Design, build
from tpe.hdl.simulate.cosim import simulate
from tpe.hdl.simulate.hex import Ints, to_hex, unpack
from tpe.hdl.simulate.images import cycle_limit
from tpe.model import kernels
from tpe.numbers.digits import encoding, pack_digits, select
from tpe.numbers.words import wrap
from tpe.pe.paces import Planes
from tpe.pe.parameters import ENCODERS

WORDS = 1 << 19  # steps a bench memory holds
SETTINGS = ["a_len", "freeze", "cycle_limit"]
FREEZE = 0x1248_0A90  # cycles in which a cell stands still in the midst of a step


@dataclass(frozen=True)
class CellStimulus:
    """Steps of one cell: equal arrays. `en` 0 freezes it, `valid` 0 leaves its psum alone.

    `code` and `b` are (steps, lanes), or (steps,) for one lane.
    """

    first: Ints
    code: Ints  # operands, or digits of -2..2 for a digit-serial PE
    b: Ints
    plane: Ints
    en: Ints
    valid: Ints

    def __len__(self) -> int:
        return len(self.code)


def steps_of_pairs(engine: Config, a: Ints, b: Ints, lane: int = 0) -> tuple[CellStimulus, Ints]:
    """Every pair (a[i], b[i]) on one lane as a sum of its own; the other lanes hold zeros.

    Returns what `steps_of_dots` does.
    """
    sides = np.zeros((2, len(a), engine.widths.lanes), np.int64)
    sides[0, :, lane], sides[1, :, lane] = a, b
    return steps_of_dots(engine, sides[0], sides[1])


def steps_of_dots(engine: Config, a: Ints, b: Ints) -> tuple[CellStimulus, Ints]:
    """Every dot product over the lanes, a (count, lanes) by b, as a sum of its own.

    The second result, (count, reads), says after which steps to read: the dot product is the sum
    of what is shown there. A sparse PE shows plane after plane, each weighed by the finish; a PE
    whose K is streamed once per plane shows the total after the step that closes the last.
    """
    pe, w = emit.record(engine), engine.widths
    count, lanes = a.shape
    if pe.sparse:
        taken = w.digits
        digits = encoding(engine.encoder).encode(a, w.a).astype(np.int64)
        code = digits.transpose(0, 2, 1).reshape(-1, lanes)
        first = np.ones(count * taken, np.int64)
        index = np.arange(count * taken).reshape(-1, taken)
    else:
        planes = pe.planes(w)
        taken = planes + int(planes > 1)
        code = np.repeat(np.asarray(a, np.int64), taken, axis=0)
        first = np.tile(np.arange(taken) == 0, count).astype(np.int64)
        index = np.arange(count)[:, None] * taken + taken - 1
    plane = np.tile(np.arange(taken), count)
    ones = np.ones(count * taken, np.int64)
    return CellStimulus(first, code, np.repeat(b, taken, axis=0), plane, ones, ones), index


def model_steps(engine: Config, steps: CellStimulus) -> Ints:
    """What the finish shows after each step, by the PE's kernels: words of acc_bits, signed."""
    pe, w = emit.record(engine), engine.widths
    taken = np.flatnonzero(steps.en & steps.valid)
    first, plane = steps.first[taken], steps.plane[taken]
    code, b = _by_lane(steps.code)[taken], _by_lane(steps.b)[taken]
    if isinstance(pe.pace, Planes):
        digits = encoding(engine.encoder).encode(code, w.a).astype(np.int64)
        shown = _folded(engine, first, plane, digits, b)
    else:
        shown = _traced(engine, first, plane, code, b)
    words = np.zeros(len(steps), np.int64)
    words[taken] = wrap(np.asarray(shown), w.acc)
    return words


def _traced(engine: Config, first: Ints, plane: Ints, code: Ints, b: Ints) -> Ints:
    """What the finish shows of one pair or word after each step."""
    pe, w = emit.record(engine), engine.widths
    traced: Ints = compiled(kernels.trace)(
        compiled(pe.kernel.step),
        compiled(pe.kernel.resolve),
        *(np.array(x, np.int64, order="C") for x in (first, plane, code, b)),
        len(pe.kernel.psum.words(w)),
        pe.kernel.facts(w, ENCODERS[engine.encoder]),
    )
    return traced


def _folded(engine: Config, first: Ints, plane: Ints, digits: Ints, b: Ints) -> Ints:
    """The total of the planes that are over, after each step; digits (steps, lanes, planes).

    A step of another plane, or of plane `planes`, which has no digits, ends the one before it.
    """
    without = np.concatenate([digits, np.zeros_like(digits[..., :1])], axis=2)
    chosen = np.take_along_axis(without, plane[:, None, None], axis=2)[..., 0]
    other = np.append(True, plane[1:] != plane[:-1])
    value = _traced(engine, np.where(other, 1, first), plane, chosen, b)
    ended = np.where(other & (first == 0), np.roll(value, 1), 0)
    total = np.cumsum(ended)
    start = np.maximum.accumulate(np.where(first == 1, np.arange(len(first)), 0))
    kept: Ints = total - total[start]
    return kept


def _by_lane(x: Ints) -> Ints:
    return np.reshape(x, (len(x), -1))


def rtl_steps(engine: Config, steps: CellStimulus) -> Ints:
    """The same of the RTL in Verilator; meaningful where a step was taken.

    Raises RuntimeError if the cell does not end its steps in twice their longest time.
    """
    pe, w = emit.record(engine), engine.widths
    latency = pe.latency(engine.params)
    flush = latency + 1
    memory = _memory(engine, steps, flush)
    enabled = np.flatnonzero(np.append(steps.en, np.ones(flush, np.int64)))
    home = build(design(engine))
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        job = Path(folder) / "0"
        job.mkdir()
        (job / "a.hex").write_bytes(memory)
        count = len(steps) + flush
        settings = {"sel": 0, "a_len": count, "freeze": FREEZE}
        settings["cycle_limit"] = cycle_limit(count * pe.longest(w))  # FREEZE takes a third of them
        (measured,) = simulate(home, [{"folder": str(job), **settings}], Path(folder))
        if "deadlock" in measured:
            raise RuntimeError(f"the cell of {pe.name} hangs: {measured['deadlock']}")
        words = unpack(job / "c.hex", len(enabled), 1, w.acc)[:, 0]
    # Word i of the enabled cycles shows the psum before the step of cycle i - latency.
    position = np.cumsum(steps.en) - 1
    shown: Ints = words[position + 1 + latency]
    return shown


def design(engine: Config) -> Design:
    """A simulator with one cell of the engine's PE."""
    w = emit.rtl_widths(engine)
    widths = ("AWidth", "BWidth", "AccWidth", "CodeWidth", "PsumWidth", "PlaneWidth")
    names = (*widths, "Lanes", "CellLatency")
    parameters = [(name, w[name]) for name in names] + [("MemWords", WORDS)]
    modules = sources.closure({"tpe_pe_harness": _harness(engine), **emit.pe_aliases(engine)})
    harness = {"module": "tpe_pe_harness", "parameters": parameters, "settings": SETTINGS}
    modules["tpe_bench"] = template("bench.sv.j2", harnesses=[harness], settings=SETTINGS)
    return Design(modules, "tpe_bench")


def _harness(engine: Config) -> str:
    """The harness of a cell; with start_i and ready_o where a step lasts several cycles."""
    text = sources.bench_text("tpe_pe_harness")
    if not emit.record(engine).stepped:
        return text
    for old, new in (
        ("  assign ready = 1'b1;  // replaced by the ready_o of a cell that has one\n", ""),
        (".first_i(first),\n", ".start_i(!begun_q),\n      .first_i(first),\n"),
        (".psum_o (psum)\n", ".psum_o (psum),\n      .ready_o(ready)\n"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def _memory(engine: Config, steps: CellStimulus, flush: int) -> bytes:
    """Words {en, valid, first, plane, code, b}; the last `flush` are enabled but not valid."""
    w = emit.rtl_widths(engine)
    fields = (
        (steps.b, w["BWidth"]),
        (_code_words(engine, steps.code), w["CodeWidth"]),
        (steps.plane, w["PlaneWidth"]),
        (steps.first, 1),
        (steps.valid, 1),
        (steps.en, 1),
    )
    body = np.hstack([_bits(x, bits) for x, bits in fields])
    tail = np.zeros((flush, body.shape[1]), np.uint8)
    tail[:, -1] = 1
    return to_hex(np.vstack([body, tail]))


def _bits(x: Ints, bits: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The bits of every step, lowest first, lane 0 lowest."""
    flags = (_by_lane(x)[..., None] >> np.arange(bits)) & 1
    return flags.astype(np.uint8).reshape(len(x), -1)


def _code_words(engine: Config, code: Ints) -> Ints:
    """Digits as the select {neg, two, one}; operands as they are, or coded if they travel so."""
    if emit.record(engine).sparse:
        return select(code)
    if engine.params.get("encode_in", "cell") != "cell":
        return pack_digits(engine.encoder, code, engine.widths.a)
    return code
