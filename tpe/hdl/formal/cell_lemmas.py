"""Which properties an engine must have: a lemma each for its cell, its finish and its primitives.

The properties and the specifications they refer to are written by hand in `rtl/formal`; a lemma
binds one to the widths of an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tpe.base.files import data_folder
from tpe.hdl.emit import (
    hardware,
    pe_aliases,
    record,
    rtl_names,
    rtl_widths,
    sources,
    stored_formats,
    with_defaults,
)
from tpe.hdl.formal.solve import Query
from tpe.numbers.zero_points import ZeroPoints
from tpe.pe.paces import LockStep
from tpe.pe.parameters import EncodeIn

if TYPE_CHECKING:
    from tpe.engine.config import Config

KINDS = {"word": 0, "carry_save": 1, "bit_weights": 2}  # of a psum, as tpe_spec_psum has them
FINISHES = {"word": 0, "carry_save": 0, "bit_weights": 0, "total": 0, "plane": 1}  # 1: weighs it
CODES = 2  # Digits of tpe_spec_product: 0 an operand, 1 one digit, CODES + encoder all digits
_CELL = ("AWidth", "BWidth", "AccWidth", "Lanes", "CodeWidth", "PsumWidth", "PlaneWidth")


@dataclass(frozen=True)
class Lemma:
    """A property bound to widths: `query` decides it, `width` says for which widths it speaks."""

    name: str
    what: str
    width: str
    query: Query


Build = Callable[["Config", Mapping[str, str]], Lemma]


@dataclass(frozen=True)
class LemmaTemplate:
    """A lemma for any engine. `climbs`: its widths are the engine's own.

    Where these do not finish, the largest ones that do are looked for; `few`: of two lanes.
    """

    name: str
    build: Build
    climbs: bool = False
    few: bool = False


@cache
def properties() -> dict[str, Path]:
    """The modules of `rtl/formal` by name: specifications (tpe_spec_) and properties (tpe_prop_).

    >>> "tpe_prop_product" in properties()
    True
    """
    return {path.stem: path for path in sorted((data_folder("rtl") / "formal").glob("*.sv"))}


def at_widths(engine: Config, a: int, b: int, acc: int, lanes: int | None = None) -> Config:
    """The same engine with operands of a and b bits and an accumulator of acc bits.

    >>> from tpe.model.engine import Engine
    >>> at_widths(Engine("mac", "matrix2d", "2x2"), 3, 3, 8).widths.acc
    8
    """
    return engine.with_widths(a=a, b=b, acc=acc, **({"lanes": lanes} if lanes else {}))


def query(
    engine: Config,
    top: str,
    parameters: Mapping[str, int],
    overrides: Mapping[str, str],
    cycles: int = 1,
    start: Literal["any", "reset"] = "any",
) -> Query:
    """A property with these parameters, and every module under it at the widths of the engine.

    `overrides` (module -> text) takes the place of modules of `rtl/`.
    """
    texts = {**_own_modules(engine), **overrides}
    found: dict[str, str] = {}
    waiting = [top]
    widths = rtl_widths(engine)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name in sources.packages():
            found[name] = sources.text(name)
        elif name in properties():
            text = texts.get(name) or properties()[name].read_text()
            found[name] = with_defaults(text, parameters)
        else:
            found[name] = with_defaults(texts.get(name) or sources.text(name), widths)
        waiting += sources.needs(found[name])
    return Query(top, sources.packages_first(found), cycles, start)


def _own_modules(engine: Config) -> dict[str, str]:
    """What an engine has beside the modules of `rtl/`: aliases, and compressors rewired."""
    own = pe_aliases(engine)
    kind = engine.params.get("tree", "chain")
    if kind != "chain":
        from tpe.hdl.emit.compressors import tree_modules

        own |= tree_modules(kind, hardware(engine).trees(engine.widths, engine.params))
    return own


def uncovered(engine: Config) -> list[str]:
    """What of an engine's cell no lemma speaks about, a line each; empty if all is covered."""
    pe = record(engine)
    if cell_form(engine) is not None:
        return []
    psum, finish = pe.kernel.psum, hardware(engine).finish
    if pe.stepped and psum.kind == finish == "word":
        return [f"cell of {pe.name}: its record does not say how many cycles a step takes at most"]
    return [f"cell of {pe.name}: no specification of psum {psum.kind} and finish {finish}"]


Form = Literal["steps", "cycles", "planes"]


def cell_form(engine: Config) -> Form | None:
    """Which specification speaks about an engine's cell; None if none does.

    A step takes a cycle ("steps") or several ("cycles"), or it is one of one bit weight ("planes").

    >>> from tpe.model.engine import Engine
    >>> [cell_form(Engine(pe, "matrix2d", "2x2")) for pe in ("opt1", "laconic")]
    ['steps', 'cycles']
    """
    pe, psum, finish = record(engine), record(engine).kernel.psum, hardware(engine).finish
    if isinstance(pe.pace, LockStep):
        word = psum.kind == finish == "word"
        return "cycles" if word and pe.pace.longest is not None else None
    if finish == "total":
        return "planes" if psum.kind == "carry_save" and psum.pairs == 2 else None
    if psum.kind not in KINDS or psum.pairs != 1:
        return None
    return "steps" if finish in (psum.kind, "plane") else None


def claims(engine: Config) -> list[LemmaTemplate]:
    """The lemmas on the combinational parts and on single steps of an engine's cell and finish."""
    found = _cell_claims(engine) if cell_form(engine) == "steps" else []
    if cell_form(engine) is not None:
        found.append(LemmaTemplate("finish", _finish, climbs=True))
    return found + _primitive_claims(engine)


def value_parameters(engine: Config) -> dict[str, int]:
    """How the psum of an engine is read: parameters of `tpe_spec_psum`."""
    pe, w = record(engine), engine.widths
    weights = w.digits if pe.kernel.psum.kind == "bit_weights" else 1
    return {
        "Kind": KINDS[pe.kernel.psum.kind],
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
    return {**read, "Latency": latency, "Digits": digits(engine)}


def digits(engine: Config) -> int:
    """What a code of an engine is: the parameter Digits of `tpe_spec_product`."""
    if record(engine).sparse:
        return 1
    encoded = engine.params.get("encode_in", "cell") != "cell"
    return CODES + encoder(engine) if encoded else 0


def encoder(engine: Config) -> int:
    """The recoding of an engine's A as the RTL's parameter; 0 if there is none to choose."""
    chosen = record(engine).parameter("encoder")
    return chosen.rtl_value(engine.params["encoder"]) if chosen else 0


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
    code = f" as {rtl_widths(engine)['CodeWidth']} bits" if digits(engine) >= CODES else ""
    return f"{w.a}{code} x {w.b}, acc {w.acc}{lanes}"


def _cell_claims(engine: Config) -> list[LemmaTemplate]:
    lanes = range(engine.widths.lanes)
    found = [
        LemmaTemplate(_lane("product", i, engine), _product(i, False), climbs=True) for i in lanes
    ]
    if digits(engine) != 1:
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
    return value_parameters(engine)["Weights"]


def _pair(pair: int, engine: Config) -> str:
    return f"accumulate, pair {pair}" if _pairs(engine) > 1 else "accumulate"


def _accumulate(pair: int) -> Build:
    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        there = min(pair, _pairs(engine) - 1)  # a narrower engine has fewer
        parameters = {**cell_parameters(engine), "WatchPair": there}
        made = query(
            engine, "tpe_prop_accumulate", parameters, overrides, parameters["Latency"] + 2
        )
        if engine.widths.lanes > 1:
            made = replace(made, engine="sat")
        what = "later step: psum = psum_i + first steps of the lanes"
        return Lemma(_pair(there, engine), what, width_text(engine), made)

    return build


def _clear(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    parameters = cell_parameters(engine)
    made = query(engine, "tpe_prop_clear", parameters, overrides, parameters["Latency"] + 2)
    return Lemma("clear", "first step: psum_i is without effect", width_text(engine), made)


def _idle(hold: bool) -> Build:
    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        parameters = {**cell_parameters(engine), "Hold": int(hold)}
        cycles = 2 if hold else parameters["Latency"] + 2
        made = query(engine, "tpe_prop_idle", parameters, overrides, cycles)
        if hold:
            return Lemma("hold", "en_i = 0: psum stays", width_text(engine), made)
        return Lemma("valid", "valid_i = 0: psum stays", width_text(engine), made)

    return build


def _finish(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    widths = rtl_widths(engine)
    names = ("AccWidth", "PsumWidth", "PlaneWidth")
    parameters = {name: widths[name] for name in names} | value_parameters(engine)
    parameters["Plane"] = FINISHES[hardware(engine).finish]
    what = "c = the number of the psum"
    if parameters["Plane"]:
        what = "c = acc + number of the pair * 4**plane"
    width = f"psum {widths['PsumWidth']}, acc {widths['AccWidth']}"
    made = replace(query(engine, "tpe_prop_finish", parameters, overrides), engine="bdd")
    return Lemma("finish", what, width, made)


def _primitive_claims(engine: Config) -> list[LemmaTemplate]:
    """The primitives that the cell, the front or the finish consists of."""
    inside = set(sources.closure(_own_modules(engine)))
    found = []
    if "tpe_encode" in inside:
        found.append(LemmaTemplate("encode", _encode, climbs=True))
    if engine.choices.encode_in is EncodeIn.EDGE:
        found.append(LemmaTemplate("encode_row", _encode_row, climbs=True))
    if "tpe_map" in inside:
        found.append(LemmaTemplate("map", _map, climbs=True))
    for ops, width in sorted(set(hardware(engine).trees(engine.widths, engine.params))):
        found.append(LemmaTemplate(f"half_reduce {ops}:2", _half_reduce(ops, width)))
    if "tpe_sparse" in inside:
        found.append(LemmaTemplate("sparse", _sparse))
    for side in "ab":
        if _operand_format(engine, side) is not None:
            found.append(LemmaTemplate(f"operand {side}", _operand(side)))
    return found


def _encode(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    parameters = {"Width": engine.widths.a, "Encoder": encoder(engine)}
    what = f"{engine.encoder}: digits legal, sum of digit * 4**i = a"
    made = query(engine, "tpe_prop_encode", parameters, overrides)
    return Lemma("encode", what, f"{engine.widths.a}", made)


def _encode_row(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    bits = rtl_widths(engine)["CodeWidth"]
    parameters = {"Width": engine.widths.a, "Encoder": encoder(engine), "CodeWidth": bits}
    made = query(engine, "tpe_prop_encode_row", parameters, overrides)
    what = f"{engine.encoder}: the word that travels stands for a"
    return Lemma("encode_row", what, f"{engine.widths.a} as {bits}", made)


def _map(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    made = query(engine, "tpe_prop_map", {"BWidth": engine.widths.b}, overrides)
    return Lemma("map", "partial product = digit * b", f"{engine.widths.b}", made)


def _half_reduce(ops: int, width: int) -> Build:
    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        made = query(engine, "tpe_prop_half_reduce", {"NumOps": ops, "Width": width}, overrides)
        made = replace(made, engine="bdd")
        return Lemma(f"half_reduce {ops}:2", "sum + carry = sum of words", f"{width}", made)

    return build


def _sparse(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    pe = record(engine)
    group = pe.group if pe.sparse else max(2, engine.widths.lanes)  # of a front, or of the lanes
    made = query(engine, "tpe_prop_sparse", {"Group": group}, overrides)
    return Lemma("sparse", "index of the lowest flag; the others remain", f"{group} flags", made)


def _operand_format(engine: Config, side: str) -> tuple[int, int] | None:
    """(bits, signed) of a side as stored, if `tpe_operand` converts it; else None."""
    number = dict(zip("ab", stored_formats(engine), strict=True))[side]
    if number.signed and engine.choices.zero_points is not ZeroPoints.SUBTRACT:
        return None
    return number.bits, int(number.signed)


def _operand(side: str) -> Build:
    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        form = _operand_format(engine, side)
        assert form is not None
        bits, is_signed = form
        mode = engine.params["zero_points"]
        zero = rtl_names.number("Zero", mode)
        out = bits + int(mode == ZeroPoints.SUBTRACT or (mode == ZeroPoints.NONE and not is_signed))
        parameters = {"InWidth": bits, "OutWidth": out, "Signed": is_signed, "Zero": zero}
        made = query(engine, "tpe_prop_operand", parameters, overrides)
        return Lemma(f"operand {side}", "x_o = x less its zero point", f"{bits} to {out}", made)

    return build
