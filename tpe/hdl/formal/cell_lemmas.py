"""Which properties the cell and the finish of an engine must have: a lemma each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from tpe.hdl.emit import (
    finish_bits,
    hardware,
    record,
    rtl_widths,
)
from tpe.hdl.formal.lemmas import (
    Build,
    Lemma,
    LemmaTemplate,
    encoder,
    is_bipolar,
    multiplier,
    of_integers,
    query,
)
from tpe.hdl.formal.primitive_lemmas import primitive_claims
from tpe.pe.lean import clock_holds
from tpe.pe.paces import LockStep
from tpe.pe.parameters import BIASED, HOLD, NEGATE

if TYPE_CHECKING:
    from tpe.engine.config import Config

# Of a psum, as tpe_spec_psum has them; what rounds is told apart by its bits alone.
KINDS = {"word": 0, "carry_save": 1, "bit_weights": 2, "fp": 0}
KEPT = {2: 3, 4: 4}  # ... of one that keeps a carry every so many bits
# ... and what a finish makes of its number: 1 weighs it and adds, 3 adds it as it is.
FINISHES = {
    **dict.fromkeys(("word", "carry_save", "bit_weights", "total", "kept"), 0),
    "plane": 1,
    "pass": 3,
}
WEIGHED, TERM = 1, 2  # ... a finish that adds the term of its row
# Digits of tpe_spec_product: 0 an operand, 1 one digit, CODES + encoder all digits, 4 bipolar,
# LOOKED_UP + multiplier an operand of another product.
CODES, BIPOLAR, LOOKED_UP = 2, 4, 5
_CELL = ("AWidth", "BWidth", "AccWidth", "Lanes", "CodeWidth", "PsumWidth", "PlaneWidth")


def uncovered(engine: Config) -> list[str]:
    """What of an engine's cell no lemma speaks about, a line each; empty if all is covered."""
    pe = record(engine)
    if clock_holds(engine.params):
        return ["hold: the lemmas let a row have its clock, stopped or not"]
    if cell_form(engine) is not None:
        return []
    psum, finish = pe.kernel.psum, hardware(engine).finish
    if pe.stepped and psum.kind == finish == "word":
        return [f"cell of {pe.name}: its record does not say how many cycles a step takes at most"]
    return [f"cell of {pe.name}: no specification of psum {psum.kind} and finish {finish}"]


Form = Literal["steps", "cycles", "planes", "digits"]


def cell_form(engine: Config) -> Form | None:
    """Which specification speaks about an engine's cell; None if none does.

    A step takes a cycle ("steps") or several ("cycles"), it is one of one bit weight ("planes"), or
    it takes digits of any ("digits").

    >>> from tpe.model.engine import Engine
    >>> [cell_form(Engine(pe, "matrix2d", "2x2")) for pe in ("opt1", "laconic")]
    ['steps', 'cycles']
    """
    pe, psum, finish = record(engine), record(engine).kernel.psum, hardware(engine).finish
    if not of_integers(engine):
        return None
    if isinstance(pe.pace, LockStep):
        word = psum.kind == finish == "word"
        return "cycles" if word and pe.pace.longest is not None else None
    if pe.grouped:
        pair = psum.kind == "carry_save" and finish in ("carry_save", "kept")
        return "digits" if pair else None
    if finish == "total":
        return "planes" if psum.kind == "carry_save" and psum.pairs == 2 else None
    if psum.kind not in KINDS or psum.pairs != 1:
        return None
    return "steps" if finish in (psum.kind, "plane", "pass") else None


def claims(engine: Config) -> list[LemmaTemplate]:
    """The lemmas on the combinational parts and on single steps of an engine's cell and finish."""
    widths = rtl_widths(engine)
    found = _cell_claims(engine) if cell_form(engine) == "steps" else []
    if cell_form(engine) == "digits":
        found.append(LemmaTemplate("step", _digits_step, climbs=True))
    if cell_form(engine) is not None:
        found.append(finish_claim())
    if record(engine).sparse and (widths["RowTerm"] or widths["CarryEvery"] > 1):
        found.append(LemmaTemplate("kept_pair", _kept_pair, climbs=True))
    return found + primitive_claims(engine)


def finish_claim() -> LemmaTemplate:
    """The lemma on what a finish makes of a psum."""
    return LemmaTemplate("finish", _finish, climbs=True)


def value_parameters(engine: Config) -> dict[str, int]:
    """How the psum of an engine is read: parameters of `tpe_spec_psum`."""
    pe, w = record(engine), engine.widths
    weights = w.digits if pe.kernel.psum.kind == "bit_weights" else 1
    kept = KEPT.get(engine.params.get("carry_every", 1))
    return {
        "Kind": KINDS[pe.kernel.psum.kind] if kept is None else kept,
        "Weights": weights,
        "Width": pe.kernel.psum.word_bits(w),
    }


def cell_ports(engine: Config) -> dict[str, int]:
    """The parameters that the ports of a cell depend on."""
    widths = rtl_widths(engine)
    return {name: widths[name] for name in _CELL}


def cell_parameters(engine: Config) -> dict[str, int]:
    """The parameters that every property of a cell takes whose steps take a cycle."""
    latency = rtl_widths(engine)["CellLatency"]
    read = {**cell_ports(engine), **value_parameters(engine)}
    hold = rtl_widths(engine)["Hold"]
    return {**read, "Latency": latency, "Digits": digits(engine), "Hold": hold}


def digits(engine: Config) -> int:
    """What a code of an engine is: the parameter Digits of `tpe_spec_product`."""
    if record(engine).sparse:
        return 1
    if is_bipolar(engine):
        return BIPOLAR
    other = multiplier(engine)
    if other is not None:
        return LOOKED_UP + other
    encoded = engine.params.get("encode_in", "cell") != "cell"
    return CODES + encoder(engine) if encoded else 0


def width_text(engine: Config) -> str:
    """The widths of an engine's cell, for a person.

    >>> from tpe.model.engine import Engine
    >>> width_text(Engine("opt1", "matrix2d", "2x2"))
    '8 x 8, acc 32'
    """
    w = engine.widths
    lanes = f", {w.lanes} lanes" if w.lanes > 1 else ""
    if digits(engine) == 1:
        return f"digit x {w.b}, pair {record(engine).kernel.psum.word_bits(w)}{lanes}"
    code = (
        f" as {rtl_widths(engine)['CodeWidth']} bits" if CODES <= digits(engine) <= BIPOLAR else ""
    )
    return f"{w.a}{code} x {w.b}, acc {w.acc}{lanes}"


def _cell_claims(engine: Config) -> list[LemmaTemplate]:
    lanes = range(engine.widths.lanes)
    found = [
        LemmaTemplate(_lane("product", i, engine), _product(i, False), climbs=True) for i in lanes
    ]
    if digits(engine) != 1 and digits(engine) < BIPOLAR:
        for i in lanes:
            found.append(
                LemmaTemplate(_lane("product by digits", i, engine), _product(i, True), True)
            )
    return [
        *found,
        *(
            LemmaTemplate(_pair(i, engine), _accumulate(i), climbs=True)
            for i in range(_pairs(engine))
        ),
        *(x for x in idle_claims() if x.name != "hold" or not clock_holds(engine.params)),
    ]


def idle_claims() -> list[LemmaTemplate]:
    """The lemmas on when a psum stays, and when nothing of it does; of any arithmetic."""
    return [
        LemmaTemplate("clear", _clear, climbs=True),
        LemmaTemplate("hold", _idle(True), climbs=True),
        LemmaTemplate("valid", _idle(False), climbs=True),
    ]


def _lane(name: str, lane: int, engine: Config) -> str:
    return f"{name}, lane {lane}" if engine.widths.lanes > 1 else name


def _product(lane: int, by_digits: bool) -> Build:
    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        parameters = cell_parameters(engine)
        parameters |= {"WatchLane": lane, "ByDigits": int(by_digits)}
        parameters["Encoder"] = encoder(engine)
        made = query(engine, "tpe_prop_product", parameters, overrides, parameters["Latency"] + 2)
        if not by_digits:
            made = replace(made, engine="bdd")
        what = "first step: psum = a * b"
        if by_digits:
            what = "first step: psum = sum of digit * b * 4**i"
        elif digits(engine) == 1:
            what = "first step: psum = digit * b"
        name = _lane("product by digits" if by_digits else "product", lane, engine)
        return Lemma(name, what, width_text(engine), made)

    return build


def _pairs(engine: Config) -> int:
    """Pairs of a psum that are told apart: one, where they have a term of the row in common."""
    return 1 if hardware(engine).row != "none" else value_parameters(engine)["Weights"]


def _pair(pair: int, engine: Config) -> str:
    return f"accumulate, pair {pair}" if _pairs(engine) > 1 else "accumulate"


def _accumulate(pair: int) -> Build:
    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        there = min(pair, _pairs(engine) - 1)  # a narrower engine has fewer
        falling = record(engine).falling
        parameters = {**cell_parameters(engine), "WatchPair": there, "Moves": int(falling)}
        parameters["Together"] = int(_pairs(engine) < value_parameters(engine)["Weights"])
        made = query(
            engine, "tpe_prop_accumulate", parameters, overrides, parameters["Latency"] + 2
        )
        if engine.widths.lanes > 1:
            made = replace(made, engine="sat")
        before = "psum_i, or 4 psum_i," if falling else "psum_i"
        what = f"later step: psum = {before} + first steps of the lanes"
        return Lemma(_pair(there, engine), what, width_text(engine), made)

    return build


def _clear(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    parameters = cell_parameters(engine)
    made = query(engine, "tpe_prop_clear", parameters, overrides, parameters["Latency"] + 2)
    return Lemma("clear", "first step: psum_i is without effect", width_text(engine), made)


def _idle(hold: bool) -> Build:
    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        parameters = {**cell_parameters(engine), "Frozen": int(hold)}
        cycles = 2 if hold else parameters["Latency"] + 2
        made = query(engine, "tpe_prop_idle", parameters, overrides, cycles)
        if hold:
            return Lemma("hold", "en_i = 0: psum stays", width_text(engine), made)
        return Lemma("valid", "valid_i = 0: psum stays", width_text(engine), made)

    return build


def _digits_step(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    w, widths = engine.widths, rtl_widths(engine)
    latency = widths["CellLatency"]
    parameters = {**cell_ports(engine), "Offered": widths["Offered"], "Latency": latency}
    parameters |= {"Kind": value_parameters(engine)["Kind"]}
    for choice in (HOLD, NEGATE, BIASED):
        parameters[choice.rtl] = choice.rtl_value(engine.params[choice.name])
    # The step's way to the psum, a cycle that is held on it, and the one behind.
    cycles = latency + 3 if latency else 2
    made = query(engine, "tpe_prop_cell_group", parameters, overrides, cycles)
    what = "a step adds digit * b * 4**i of every lane, its own b; else psum stays"
    if widths["RowTerm"]:
        what = "a step adds digit * b * 4**i of every lane to psum + term; else both stay"
    lanes = f", {w.lanes} lanes" if w.lanes > 1 else ""
    width = f"digit of {w.a} bits x one of {widths['Offered']} of {w.b}, acc {w.acc}{lanes}"
    return Lemma("step", what, width, made)


def _kept_pair(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    widths, read = rtl_widths(engine), value_parameters(engine)
    parameters = {"Kind": read["Kind"], "Width": read["Width"], "PsumWidth": widths["PsumWidth"]}
    parameters |= {"Every": widths["CarryEvery"], "RowTerm": widths["RowTerm"]}
    made = replace(query(engine, "tpe_prop_kept_pair", parameters, overrides), engine="bdd")
    what = "ahead of the finish: the number of the psum + the term of its row"
    return Lemma("kept_pair", what, f"psum {widths['PsumWidth']}", made)


def _finish(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    widths = rtl_widths(engine)
    names = ("AccWidth", "PlaneWidth")
    parameters = {name: widths[name] for name in names} | value_parameters(engine)
    parameters["PsumWidth"] = finish_bits(engine)
    if record(engine).sparse:  # what it reads is a pair, whatever its cells keep
        parameters["Kind"] = KINDS[record(engine).kernel.psum.kind]
    parameters["Plane"] = FINISHES[hardware(engine).finish]
    what = "c = the number of the psum"
    if widths["RowTerm"] and not record(engine).sparse:
        parameters["Plane"], what = TERM, "c = the number of the psum + the term of its row"
    elif parameters["Plane"]:
        weight = " * 4**plane" if parameters["Plane"] == WEIGHED else ""
        what = f"c = acc + number of the pair{weight}"
    latency = parameters["Latency"] = widths["FinishLatency"]
    # With a register inside: a number that goes in, a cycle in which it is held, and its word.
    cycles = latency + 2 if latency else 1
    what += ", a cycle later" if latency else ""
    width = f"psum {parameters['PsumWidth']}, acc {widths['AccWidth']}"
    made = replace(query(engine, "tpe_prop_finish", parameters, overrides, cycles), engine="bdd")
    return Lemma("finish", what, width, made)
