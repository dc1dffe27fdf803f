"""The lemma on an array from end to end: what its streams bring is what leaves it, once.

A reference beside the array adds up what each accepted beat is worth and compares every word of C.
The source may be idle and the sink busy in any cycle. The arrays are small, the operands narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tpe.array.base import Overlap
from tpe.hdl.emit import record, rtl_widths
from tpe.hdl.emit.sources import text as source_text
from tpe.hdl.formal.cell_lemmas import cell_form, digits, width_text
from tpe.hdl.formal.lemmas import Lemma, at_widths, encoder, properties, query
from tpe.hdl.formal.lookup_lemmas import lookup_kind, plain_weights
from tpe.hdl.formal.memory_lemmas import misread
from tpe.hdl.formal.open_cell import PAIRS, array_widths, is_open, stand_ins
from tpe.hdl.formal.step_lemmas import stepped_parameters
from tpe.pe.lean import clock_holds

if TYPE_CHECKING:
    from tpe.engine.config import Config

STREAM_BITS = 2  # of the operands of an array whose streams are followed
DIGITS_BITS = 3  # of A where it takes two digits to see something
PSUMS = 2  # rows that a column's buffer holds
LANES = 2  # of a cell that keeps several weights
GROUP = 2  # operands of a group
ROUNDS = 2  # groups of a lane that B has room for
_LEAN = ("RowTerm", "Hold", "CarryEvery")
_LATCH = (
    ("always_ff @(negedge clk_i) en_q <= en_i", "always_latch if (!clk_i) en_q = en_i"),
    ("clk_i && en_q", "clk_i & en_q"),
)
_WORDS = ("AWidth", "BWidth", "AccWidth", "Lanes", "CodeWidth", "PsumWidth", "PlaneWidth")


@dataclass(frozen=True)
class Small:
    """An array small enough: its engine at narrow widths, rows, columns, what the property takes.

    cycles: how deep the proof goes; least: a depth that is proof enough. behind: the property's
    module that the array stands in, if it takes operands in another form.
    """

    engine: Config
    rows: int
    cols: int
    top: str
    parameters: Mapping[str, int]
    cycles: int
    least: int
    behind: str = ""


def array_module(engine: Config) -> str:
    """The stem of the RTL module of an engine's array."""
    return engine.array.rtl(record(engine))


def skewed(engine: Config) -> bool:
    """Whether operands pass from cell to cell, so that the last cell gets them last."""
    return engine.array.skewed


def uncovered_arrays(engine: Config) -> list[str]:
    """What of the engine's array no lemma speaks about from end to end, a line each."""
    if follows_streams(engine):
        return []
    if _many_fronts(engine):
        lanes = f"array matrix2d_indexed with {record(engine).pace.lanes[0]} lanes in a cell"
        return [f"{lanes}: no property follows how they meet, nor its streams from end to end"]
    return [f"array {array_module(engine)}: no property follows its streams from end to end"]


def follows_streams(engine: Config) -> bool:
    """Whether there is a lemma on an engine's array from end to end."""
    if record(engine).serial:
        return plain_weights(engine)
    known = array_module(engine) in _SMALL and (cell_form(engine) is not None or is_open(engine))
    return known and not _many_fronts(engine)


def _many_fronts(engine: Config) -> bool:
    """Whether a sparse cell is fed by several fronts at least: B is then too deep to follow."""
    return array_module(engine) == "matrix2d_indexed" and record(engine).pace.lanes[0] > 1


def array_lemma(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    """Every accepted beat counts once in C, and words leave once; for a small array."""
    module = array_module(engine)
    made = _SMALL[module](engine)
    own = {made.top: properties()[made.top].read_text()}
    if made.top == "tpe_prop_array":
        array = made.behind or f"tpe_{module}"
        own = {made.top: _bound(own[made.top], array)}
    gated = clock_holds(engine.params) and (engine.array.chained or record(engine).sparse)
    texts = {**overrides, **own, **misread(overrides), **(_latched(overrides) if gated else {})}
    texts |= {} if made.behind else stand_ins(engine)
    asked = query(made.engine, made.top, made.parameters, texts, made.cycles, "reset")
    asked = replace(asked, least=made.least, gated=gated)
    narrow = width_text(made.engine) if made.behind else _narrow_text(made.engine)
    width = f"{made.rows} x {made.cols}, {narrow}"
    return Lemma("array", "every accepted beat counts once in C; words leave once", width, asked)


def _latched(overrides: Mapping[str, str]) -> dict[str, str]:
    """`tpe_clock_gate`, or what `overrides` has in its place, by the latch that Yosys knows.

    Psums that move have to stop with the array, and those of a row that waits for its finish with
    the step behind them. Others stay in their cells and do not mind a clock that runs: a step of
    zeros leaves them as they are, which is the stronger claim.
    """
    gate = overrides.get("tpe_clock_gate") or source_text("tpe_clock_gate")
    for register, latch in _LATCH:
        gate = gate.replace(register, latch)
    return {"tpe_clock_gate": gate}


def _narrow_text(engine: Config) -> str:
    w = engine.widths
    if is_open(engine):
        return f"psums lists of {PAIRS} pairs of operands of {w.a} bit"
    return f"{w.a} x {w.b}, acc {w.acc}" if record(engine).sparse else width_text(engine)


def _bound(text: str, module: str) -> str:
    """The property of streams, about `module` instead of tpe_array: its own parameters alone."""
    text_of = properties()[module].read_text() if module in properties() else source_text(module)
    known = text_of.split("\n) (\n")[0]
    for name in ("Planes", "CellLatency", "Overlap"):
        if f" {name} " not in known:
            text = text.replace(f"      .{name:<11}({name}),\n", "")
            text = text.replace(f",\n      .{name:<11}({name})\n", "\n")
    return text.replace("tpe_array", module)


def _lock_step(engine: Config) -> Small:
    """Arrays in which all operands move together: matrix2d and systolic_os."""
    planes = rtl_widths(engine)["Planes"] > 1
    bits = DIGITS_BITS if planes else STREAM_BITS
    acc = bits + STREAM_BITS + 1
    small = at_widths(engine, bits, STREAM_BITS, acc, record(engine).pace.lanes[0])
    rows, cols = (1, 2) if planes else (2, 2)
    small, widths = array_widths(engine, small)
    flush = widths["CellLatency"] + 1
    if skewed(engine):
        flush = widths["CellLatency"] + rows + cols - 1
    beats = widths["Planes"] + int(planes)  # of the shortest tile, and the step that closes it
    behind = 2 + widths["FinishLatency"]  # registers behind a psum
    tile = beats + rows + flush + behind
    names = (*_WORDS, "Planes", "CellLatency", "Overlap", "InOrder")
    parameters = {name: widths[name] for name in names if name in widths}
    parameters |= _sized(small, rows, cols)
    more, inside = _following(engine, rows + beats, flush + int(planes) + behind + rows, rows)
    parameters |= inside
    return Small(small, rows, cols, "tpe_prop_array", parameters, tile + more + 4, tile + more + 2)


def _following(engine: Config, end: int, leaving: int, rows: int) -> tuple[int, dict[str, int]]:
    """Where tiles overlap: cycles more, and the whole tiles that may be inside.

    end: cycles from the end of a tile to that of the next one, which is to be seen. leaving: those
    until all of its words have left; the ends of tiles are as far apart as their rows are many.
    """
    if engine.choices.overlap is Overlap.NONE:
        return 0, {}
    return end, {"Tiles": 2 + leaving // rows}


def _stepped(engine: Config) -> Small:
    """matrix2d in lock-step; two rows, whose paces differ, and two lanes."""
    acc = DIGITS_BITS + STREAM_BITS + 1
    small = at_widths(engine, DIGITS_BITS, STREAM_BITS, acc, 2)
    rows, cols = 2, 1
    names = (*_WORDS, "CellLatency", "Overlap")
    parameters = {name: rtl_widths(small)[name] for name in names} | _sized(small, rows, cols)
    step, latency = stepped_parameters(small)["Most"] + 1, parameters["CellLatency"]
    tile = step + rows + 1 + latency + 2
    more, inside = _following(engine, rows + step, 1 + latency + 2 + rows, rows)
    parameters |= inside
    return Small(small, rows, cols, "tpe_prop_array", parameters, tile + more + 4, tile + more + 2)


def _serial(engine: Config) -> Small:
    """matrix2d of planes of B; two rows, which have terms, and a group of two lanes."""
    acc = 2 * STREAM_BITS + 2
    small = at_widths(engine, STREAM_BITS, STREAM_BITS, acc, record(engine).pace.lanes[0])
    rows, cols, widths = 2, 1, rtl_widths(small)
    names = (*_WORDS, "CellLatency", "RowTerm", "BitPlanes", "Overlap")
    parameters = {name: widths[name] for name in names} | _sized(small, rows, cols)
    parameters |= {"TableWidth": widths["CodeWidth"], "CodeWidth": widths["AWidth"]}
    parameters |= lookup_kind(engine)
    step, latency = widths["BitPlanes"] + 1, 1 + widths["CellLatency"]
    tile = step + rows + 1 + latency + 2
    more, inside = _following(engine, rows + step, 1 + latency + 2 + rows, rows)
    parameters |= inside
    top, behind = "tpe_prop_array", "tpe_prop_stored"
    return Small(small, rows, cols, top, parameters, tile + more + 4, tile + more + 2, behind)


def _stationary(engine: Config) -> Small:
    """systolic_ws; deep enough for a pass that leaves psums and the next, which goes on.

    One of them has two rows, or no wrong word of the buffer would be seen.
    """
    lanes = min(engine.widths.lanes, LANES)
    b_bits = STREAM_BITS if lanes == 1 else 1  # of twice as many weights
    small = at_widths(engine, STREAM_BITS, b_bits, STREAM_BITS + b_bits + 1, lanes)
    rows, cols = 2, 2
    small, widths = array_widths(engine, small)
    names = (*_WORDS, "CellLatency", "FinishLatency", "RowTerm", "Hold", "Overlap", "InOrder")
    parameters = {name: widths[name] for name in names if name in widths}
    parameters |= _sized(small, rows, cols)
    parameters |= {"PsumDepth": PSUMS}
    latency = widths["CellLatency"] + widths["FinishLatency"]
    one = 2 * rows + 1 + cols + latency + 1  # cycles of a pass of one row
    if engine.choices.overlap is Overlap.STREAM:
        both = one + 2 * rows + cols + 1  # ... and of the next one, which begins behind its load
        return Small(small, rows, cols, "tpe_prop_ws_stream", parameters, both + 4, both + 3)
    parameters["Stall"] = widths["Stall"]
    return Small(small, rows, cols, "tpe_prop_ws", parameters, 2 * one + 6, 2 * one + 3)


def _indexed(engine: Config) -> Small:
    """matrix2d of sparse PEs; two rows, whose paces differ, and two bit weights."""
    acc = DIGITS_BITS + STREAM_BITS + 1
    depth = GROUP * ROUNDS
    small = at_widths(engine, DIGITS_BITS, STREAM_BITS, acc, 1).with_widths(depth=depth)
    rows, cols = 2, 1
    widths = rtl_widths(small)
    names = (*_WORDS, "OwnFronts", "Overlap", "Drift", "MsbFirst", "Shadow", "Stall", *_LEAN)
    parameters = {name: widths[name] for name in names} | _sized(small, rows, cols)
    parameters |= {"Group": GROUP, "Depth": depth}
    planes = small.widths.digits
    steps = 2 * planes  # with a group a plane, of two steps at most
    tile = depth // ROUNDS + steps + rows + 6 + widths["FinishLatency"] + record(engine).ahead
    return Small(small, rows, cols, "tpe_prop_indexed", parameters, tile + 8, tile + 2)


def _sized(engine: Config, rows: int, cols: int) -> dict[str, int]:
    return {"Rows": rows, "Cols": cols, "Digits": digits(engine), "Encoder": encoder(engine)}


_SMALL = {
    "matrix2d": _lock_step,
    "systolic_os": _lock_step,
    "matrix2d_stepped": _stepped,
    "matrix2d_serial": _serial,
    "systolic_ws": _stationary,
    "matrix2d_indexed": _indexed,
}
