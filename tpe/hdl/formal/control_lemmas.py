"""Which properties the control of an engine must have: no operand lost, none counted twice.

They speak of what happens over many cycles, so that they are decided at narrow widths and small
sizes, with the engine's own modules: from the reset, every input free, to a stated depth or, where
ABC finds an invariant, for any number of cycles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tpe.array.base import Overlap, Stall
from tpe.hdl.emit import record, rtl_widths
from tpe.hdl.formal.array_lemmas import (
    GROUP,
    ROUNDS,
    STREAM_BITS,
    array_lemma,
    array_module,
    follows_streams,
    skewed,
)
from tpe.hdl.formal.cell_lemmas import cell_form, cell_parameters, width_text
from tpe.hdl.formal.lemmas import Lemma, LemmaTemplate, at_widths, encoder, query
from tpe.hdl.formal.open_cell import array_widths, stand_ins
from tpe.hdl.formal.step_lemmas import stepped_parameters

if TYPE_CHECKING:
    from tpe.engine.config import Config

ROWS = COLS = 2  # of an array whose streams are followed
CELL_BITS = 3  # of a cell's: two digits
ROW_BITS = 5  # of a sparse row's: three digits
STEPPED_LANES = 2  # of a cell whose steps take several cycles
SLACK = 8  # cycles beyond the least that shows the property
GROUPS = 4  # that the index of a front counts
LINE = 3  # rows that wait for the finish in line
PARTS = 2  # of an array, each held by a register of its own


def control_claims(engine: Config) -> list[LemmaTemplate]:
    """The lemmas on the sequences of an engine's cell, control, array and front."""
    found = []
    if cell_form(engine) == "steps":
        found.append(LemmaTemplate("cell", _cell))
    if cell_form(engine) == "cycles":
        found.append(LemmaTemplate("cell", _cell_stepped))
    inside = set(query(engine, f"tpe_{array_module(engine)}", {}, {}).modules)
    if "tpe_tile_ctrl" in inside:
        found.append(LemmaTemplate("tile control", _tile_ctrl))
    if "tpe_drain" in inside:
        found.append(LemmaTemplate("drain", _drain))
    if engine.choices.stall is Stall.REGISTERED:
        found.append(LemmaTemplate("skid buffer", _skid_buffer))
    if follows_streams(engine):
        found.append(LemmaTemplate("array", array_lemma))
    if inside & {"tpe_front_lane", "tpe_front_lane_staged"}:
        found.append(LemmaTemplate("front", _front))
    if inside & {"tpe_front_group", "tpe_front_group_staged"}:
        found.append(LemmaTemplate("front", _front_group))
    if "tpe_sparse_row" in inside:
        found.append(LemmaTemplate("row", _row))
    if "tpe_oldest" in inside and not (record(engine).shadow or record(engine).falling):
        found.append(LemmaTemplate("turns", _turns))
    return found


def _small(engine: Config, bits: int) -> Config:
    """The engine with operands of so many bits and as few lanes as its PE takes."""
    return at_widths(engine, bits, bits, 2 * bits + 1, record(engine).pace.lanes[0])


def _cell(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    # Lanes whose words and whose row's term make one number: operands of a digit, each in two bits.
    together = record(engine).sparse and rtl_widths(engine)["RowTerm"] and engine.widths.lanes > 1
    small = _small(engine, STREAM_BITS if together else CELL_BITS)
    parameters = {**cell_parameters(small), "Moves": int(record(small).falling)}
    cycles = 2 * (parameters["Latency"] + 2) + SLACK
    made = query(small, "tpe_prop_cell", parameters, overrides, cycles, "reset")
    what = "every valid step counts once, with its own flags"
    return Lemma("cell", what, width_text(small), made)


def _cell_stepped(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    small = at_widths(engine, CELL_BITS, STREAM_BITS, CELL_BITS + STREAM_BITS + 1, STEPPED_LANES)
    parameters = stepped_parameters(small)
    # the reset, two steps, and the cycles behind them
    least = 2 * (parameters["Most"] + 1) + 2 + parameters["Latency"]
    made = query(small, "tpe_prop_cell_stepped", parameters, overrides, least + SLACK, "reset")
    what = "every step counts once, however long it lasts"
    return Lemma("cell", what, width_text(small), replace(made, least=least))


def _flush(engine: Config) -> int:
    """Cycles from the last beat to the last psum, as the array sets them."""
    skew = engine.rows + engine.cols - 1 if skewed(engine) else 1
    return skew + _settling(engine)


def _settling(engine: Config) -> int:
    """Registers of the cells that the control waits for; not where steps may hold it meanwhile."""
    return 0 if engine.stepped else rtl_widths(engine)["CellLatency"]


def _tile_ctrl(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    if _overlaps(engine):
        return _tile_overlap(engine, overrides)
    parameters = {"Rows": engine.rows, "FlushCycles": _flush(engine)}
    cycles = engine.rows + parameters["FlushCycles"] + SLACK
    made = query(engine, "tpe_prop_tile_ctrl", parameters, overrides, cycles, "reset")
    what = "stream, flush, every row once, in order"
    width = f"{parameters['Rows']} rows, flush {parameters['FlushCycles']}"
    return Lemma("tile control", what, width, made)


def _overlaps(engine: Config) -> bool:
    """Whether a tile is streamed while another one drains."""
    return engine.choices.overlap in (Overlap.DRAIN, Overlap.STREAM)


def _tile_overlap(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    """The same where tiles overlap: the gap and the flush as the array sets them."""
    widths = rtl_widths(engine)
    closing = int(widths["Planes"] > 1)
    first = 1 + closing + _settling(engine)
    psums = 1 + closing + widths["CellLatency"]
    last = psums + (engine.rows + engine.cols - 2 if skewed(engine) else 0)
    gap = last if engine.choices.overlap is Overlap.DRAIN else closing
    parameters = {"Rows": engine.rows, "FlushCycles": first, "GapCycles": gap}
    parameters |= {"Overlap": widths["Overlap"], "Held": int(engine.stepped)}
    cycles = engine.rows + last + SLACK
    made = query(engine, "tpe_prop_tile_overlap", parameters, overrides, cycles, "reset")
    what = "every tile's rows once, in order, behind its last beat; room for them"
    width = f"{engine.rows} rows, flush {first}, gap {gap}"
    return Lemma("tile control", what, width, made)


def _drain(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    small = _small(engine, STREAM_BITS)
    small, widths = array_widths(engine, small)
    names = ("AccWidth", "PsumWidth", "PlaneWidth", "FinishLatency", "Stall")
    parameters = {name: widths[name] for name in names} | {"Rows": ROWS, "Cols": COLS}
    top, what = "tpe_prop_drain", "every row leaves once; a refused word stays"
    if _overlaps(engine):
        top, what = "tpe_prop_drain_overlap", f"{what}; cells go on meanwhile"
        parameters |= {"Overlap": widths["Overlap"], "Skewed": int(skewed(engine))}
    texts = {**overrides, **stand_ins(engine)}
    made = query(small, top, parameters, texts, ROWS + SLACK, "reset")
    return Lemma("drain", what, f"{ROWS} x {COLS}, acc {widths['AccWidth']}", made)


def _skid_buffer(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    """A word has as many bits as tell words apart, the array two parts that are held."""
    parameters = {"Width": STREAM_BITS, "Copies": PARTS}
    made = query(engine, "tpe_prop_skid_buffer", parameters, overrides, SLACK, "reset")
    what = "every word leaves once, in order; the array is held behind a refusal alone"
    return Lemma("skid buffer", what, f"words of {STREAM_BITS} bits, {PARTS} parts", made)


def _front(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    """One lane's; behind stages fewer groups are counted, whose digits are on their way longer."""
    small, ahead = _small(engine, CELL_BITS), record(engine).ahead
    widths, group = rtl_widths(small), record(engine).group
    names = ("AWidth", "CodeWidth", "PlaneWidth", "MsbFirst")
    parameters = {name: widths[name] for name in names}
    groups = ROUNDS if ahead else GROUPS
    parameters |= {"Group": group, "IndexWidth": (group * groups - 1).bit_length()}
    parameters["Encoder"] = encoder(engine)
    top, cycles = "tpe_prop_front", 2 * group + SLACK
    what = "every non-zero digit of a group leaves once"
    if ahead:
        top, cycles = "tpe_prop_front_lane", ahead + group + SLACK
        parameters["FrontStages"] = widths["FrontStages"]
        what = f"{what}, in its steps; room for groups"
    made = query(small, top, parameters, overrides, cycles, "reset")
    if ahead:  # the reset, the stages, the steps of a group and of the next one's first
        made = replace(made, least=1 + ahead + group + 3)
    return Lemma("front", what, f"{group} operands of {CELL_BITS} bits", made)


def _front_group(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    """A small group, and as many lanes and groups that wait as the engine has."""
    pe, lanes = record(engine), engine.widths.lanes
    small = at_widths(engine, CELL_BITS, CELL_BITS, 2 * CELL_BITS + 1, lanes)
    widths = rtl_widths(small)
    names = ("AWidth", "Lanes", "Window", "CodeWidth", "PlaneWidth")
    parameters = {name: widths[name] for name in names}
    # What counts ahead is of use from the third step on: there are as many digits as four have.
    group = GROUP * lanes if pe.ahead else GROUP
    parameters |= {"Group": group, "Encoder": encoder(engine), "Hold": widths["Hold"]}
    parameters["CodeWidth"] -= (pe.group // group).bit_length() - 1
    top, cycles = "tpe_prop_front_group", 2 * group + SLACK
    if pe.ahead:
        top = "tpe_prop_front_staged"
        parameters |= {name: widths[name] for name in ("FrontStages", "EnAhead")}
    made = query(small, top, parameters, overrides, cycles, "reset")
    what = "every non-zero digit of a group leaves once, in its steps; room for groups"
    width = f"{group} operands of {CELL_BITS} bits, {lanes} a step, {pe.window} groups wait"
    return Lemma("front", what, width, made)


def _row(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    """Three planes: one in the finish's hands, one that waits for it, one behind both."""
    lanes = record(engine).pace.lanes[0]
    small = at_widths(engine, ROW_BITS, STREAM_BITS, ROW_BITS + STREAM_BITS + 1, lanes)
    widths = rtl_widths(small)
    names = ("AWidth", "BWidth", "AccWidth", "Lanes", "CodeWidth", "PsumWidth", "PlaneWidth")
    parameters = {name: widths[name] for name in (*names, "OwnFronts", "MsbFirst", "Shadow")}
    parameters |= {name: widths[name] for name in ("Hold", "CarryEvery", "FrontStages")}
    index = (GROUP * lanes * ROUNDS - 1).bit_length()
    parameters |= {"Group": GROUP, "IndexWidth": index}
    planes = small.widths.digits
    # the planes, the registers ahead of them and behind them, and quiet
    ahead = record(engine).ahead
    least = 1 + planes + 4 + GROUP * (2 * ahead + 1) + 5 + 2 + ahead
    made = query(small, "tpe_prop_row", parameters, overrides, least + SLACK, "reset")
    what = "every plane waits for the finish and is taken once, in order"
    return Lemma("row", what, f"{lanes} x {GROUP} operands of {ROW_BITS} bits", made)


def _turns(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    """As few rows as may meet in every order: one that is served, two that wait."""
    made = query(engine, "tpe_prop_oldest", {"Rows": LINE}, overrides, SLACK + LINE, "reset")
    what = "a row that asks has the finish once, the one that waits longest first"
    return Lemma("turns", what, f"{LINE} rows", made)
