"""Lemmas on cells whose step is not one cycle of one product: several cycles, or one bit weight.

A step of several cycles (`stripes`, `laconic`, `bitlet`) is followed from any state of the cell,
for as many cycles as it may take; together the lemmas say what it does whatever came before:

- `accumulate`: after these cycles the psum is what it was, or zero, plus the sum of a * b.
- `product`: the same for a first step with operands in one lane; `accumulate by bits` for all
  lanes of a cell that goes through the bits of A. Both finish at widths where the first does not.
- `pace` and `over`: the cell says in time that a step is over, and then its psum stays.

Where a cell has stages, all of it is as many cycles later, and `ready_o` is not.

A cell that keeps the pair of its bit weight apart from the total (`opt2`, `bw = time`) is followed
through one step: what becomes of the pair (`product`, `accumulate`) and of the total (`fold`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tpe.hdl.emit import record, rtl_widths
from tpe.hdl.formal.cell_lemmas import cell_form, cell_ports, digits, width_text
from tpe.hdl.formal.lemmas import Build, Lemma, LemmaTemplate, encoder, query
from tpe.pe.paces import LockStep

if TYPE_CHECKING:
    from tpe.engine.config import Config
    from tpe.hdl.formal.solve import Engine as Solver

ALL, ALONE, BY_BITS = 0, 1, 2  # of tpe_prop_steps
PAIR_ALONE, PAIR, TOTAL, STAYS, CLEAR = range(5)  # Watch, of tpe_prop_planes


def step_claims(engine: Config) -> list[LemmaTemplate]:
    """The lemmas on the cell of an engine whose steps are several cycles, or one bit weight."""
    form = cell_form(engine)
    if form == "cycles":
        return _cycles_claims(engine)
    return _planes_claims(engine) if form == "planes" else []


def stepped_parameters(engine: Config) -> dict[str, int]:
    """The parameters of the properties of a cell whose steps take several cycles."""
    latency = rtl_widths(engine)["CellLatency"]
    return {
        **cell_ports(engine),
        "Most": record(engine).longest(engine.widths),
        "Latency": latency,
    }


def _cycles_claims(engine: Config) -> list[LemmaTemplate]:
    found = [LemmaTemplate("product", _steps(ALONE), climbs=True, few=True)]
    pace = record(engine).pace
    if isinstance(pace, LockStep) and pace.depends == "nothing":
        found.append(LemmaTemplate("accumulate by bits", _steps(BY_BITS), climbs=True, few=True))
    return [
        *found,
        LemmaTemplate("accumulate", _steps(ALL), climbs=True, few=True),
        LemmaTemplate("pace", _pace, climbs=True, few=True),
        *(
            LemmaTemplate(name, _stay(case), climbs=True, few=True)
            for case, name in enumerate(_STAYS)
        ),
    ]


_STEPS = {
    ALL: ("accumulate", "a step adds the sum of a * b to psum, or to 0"),
    ALONE: ("product", "first step, one lane busy: psum = a * b"),
    BY_BITS: ("accumulate by bits", "a step adds the sum of bit * b * 2**i"),
}


def _steps(which: int) -> Build:
    name, what = _STEPS[which]
    solver: Solver = "fraig" if which == BY_BITS else "bdd"

    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        parameters = {**stepped_parameters(engine), "Alone": which}
        cycles = parameters["Most"] + parameters["Latency"] + 1
        made = query(engine, "tpe_prop_steps", parameters, overrides, cycles)
        return Lemma(name, what, width_text(engine), replace(made, engine=solver))

    return build


def _pace(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    parameters = stepped_parameters(engine)
    most = parameters["Most"]
    made = query(engine, "tpe_prop_pace", parameters, overrides, most + 1)
    return Lemma("pace", f"a step is over within {most} cycles", width_text(engine), made)


_STAYS = {
    "over": "a step that is over stays over, its psum too",
    "hold": "en_i = 0: psum and ready_o stay",
    "valid": "valid_i = 0: psum stays",
}


def _stay(case: int) -> Build:
    name, what = list(_STAYS.items())[case]

    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        latency = rtl_widths(engine)["CellLatency"]
        parameters = {**cell_ports(engine), "Case": case, "Latency": latency}
        made = query(engine, "tpe_prop_stay", parameters, overrides, latency + 3)
        return Lemma(name, what, width_text(engine), made)

    return build


def _planes_claims(engine: Config) -> list[LemmaTemplate]:
    lanes = range(engine.widths.lanes)
    names = [f"product, lane {i}" if len(lanes) > 1 else "product" for i in lanes]
    products = [
        LemmaTemplate(x, _planes(x, PAIR_ALONE, i), climbs=True) for i, x in enumerate(names)
    ]
    return [
        *products,
        LemmaTemplate("accumulate", _planes("accumulate", PAIR), climbs=True, few=True),
        LemmaTemplate("fold", _planes("fold", TOTAL), climbs=True),
        LemmaTemplate("clear", _planes("clear", CLEAR), climbs=True),
        LemmaTemplate("hold and valid", _planes("hold and valid", STAYS), climbs=True),
    ]


_WATCHED = {
    PAIR_ALONE: "first step: the plane's pair = digit * b",
    PAIR: "pair = pair if the plane is the same, + first steps of the lanes",
    TOTAL: "total = total + pair * 4**plane if another plane begins",
    STAYS: "en_i = 0 or valid_i = 0: psum stays",
    CLEAR: "first step: the psum before is without effect",
}


def _planes(name: str, watch: int, lane: int = 0) -> Build:
    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        parameters = {**cell_ports(engine), "Watch": watch, "WatchLane": lane}
        parameters |= {"Digits": digits(engine), "Encoder": encoder(engine)}
        made = query(engine, "tpe_prop_planes", parameters, overrides, 3)
        if watch in (PAIR, TOTAL):
            made = replace(made, engine="sat")
        width = f"{width_text(engine)}, {rtl_widths(engine)['Planes']} planes"
        return Lemma(name, _WATCHED[watch], width, made)

    return build
