"""Lemmas on the primitives that a cell, a front or a finish consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tpe.hdl.emit import hardware, record, rtl_names, rtl_widths, sources, stored_formats
from tpe.hdl.formal.lemmas import (
    Build,
    Lemma,
    LemmaTemplate,
    encoder,
    own_modules,
    properties,
    query,
)
from tpe.numbers.zero_points import ZeroPoints
from tpe.pe.parameters import EncodeIn, Negate

if TYPE_CHECKING:
    from tpe.engine.config import Config

CUT = 3  # cycles that show a register: an operand, the next one or none, and what it leaves


def primitive_claims(engine: Config) -> list[LemmaTemplate]:
    """The primitives that the cell, the front or the finish consists of."""
    inside = set(sources.closure(own_modules(engine)))
    found = []
    if "tpe_encode" in inside:
        found.append(LemmaTemplate("encode", _encode, climbs=True))
    if "tpe_encode_cut" in inside and rtl_widths(engine)["FrontStages"] > 2:
        found.append(LemmaTemplate("encode_cut", _encode_cut, climbs=True))
    if engine.choices.encode_in is EncodeIn.EDGE:
        found.append(LemmaTemplate("encode_row", _encode_row, climbs=True))
    if "tpe_map" in inside:
        found.append(LemmaTemplate("map", _map, climbs=True))
    complements = engine.params.get("negate", Negate.ADDER) != Negate.ADDER
    if complements and "tpe_map_complement" in inside:
        found.append(LemmaTemplate("map_complement", _map_complement, climbs=True))
    for ops, width in sorted(set(hardware(engine).trees(engine.widths, engine.params))):
        found.append(_compressor(engine, ops, width))
        if complements and "tpe_half_reduce_ones" in inside and ops > 2:
            name = f"half_reduce_ones {ops}:2"
            found.append(LemmaTemplate(name, _half_reduce(ops, width, ones=True)))
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


def _encode_cut(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    parameters = {"Width": engine.widths.a, "Encoder": encoder(engine)}
    made = query(engine, "tpe_prop_encode_cut", parameters, overrides, CUT, "reset")
    what = f"{engine.encoder}: a cycle late, digits legal, sum of digit * 4**i = a"
    return Lemma("encode_cut", what, f"{engine.widths.a}", made)


def _encode_row(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    bits = rtl_widths(engine)["CodeWidth"]
    parameters = {"Width": engine.widths.a, "Encoder": encoder(engine), "CodeWidth": bits}
    made = query(engine, "tpe_prop_encode_row", parameters, overrides)
    what = f"{engine.encoder}: the word that travels stands for a"
    return Lemma("encode_row", what, f"{engine.widths.a} as {bits}", made)


def _map(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    made = query(engine, "tpe_prop_map", {"BWidth": engine.widths.b}, overrides)
    return Lemma("map", "partial product = digit * b", f"{engine.widths.b}", made)


def _map_complement(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    parameters = {"BWidth": engine.widths.b, "Complement": 1}
    made = query(engine, "tpe_prop_map", parameters, overrides)
    return Lemma("map_complement", "word + its 1 = digit * b", f"{engine.widths.b}", made)


def _compressor(engine: Config, ops: int, width: int) -> LemmaTemplate:
    """Of any words, or of those whose shape is known to a tree that asks."""
    name, given = f"half_reduce {ops}:2", (engine.widths, engine.params)
    built = hardware(engine)
    entries = built.shapes(*given).get((ops, width))
    if entries is None or engine.params.get("tree") != "three_greedy":
        return LemmaTemplate(name, _half_reduce(ops, width))
    return LemmaTemplate(name, _half_reduce(ops, width, zeros=[x.zeros for x in entries]))


def _half_reduce(
    ops: int, width: int, ones: bool = False, zeros: Sequence[int] | None = None
) -> Build:
    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        parameters = {"NumOps": ops, "Width": width, "Ones": int(ones)}
        if zeros is not None:
            parameters["Shaped"] = int(ops > 2)
            bits = sum(mask << (width * i) for i, mask in enumerate(zeros))
            text = properties()["tpe_prop_half_reduce"].read_text()
            known = text.replace("Zeros = '0;", f"Zeros = {ops * width}'h{bits:x};")
            overrides = {"tpe_prop_half_reduce": known, **overrides}
        made = replace(query(engine, "tpe_prop_half_reduce", parameters, overrides), engine="bdd")
        name = f"half_reduce{'_ones' * ones} {ops}:2"
        what = f"sum + carry = sum of words{' and ones' * ones}"
        return Lemma(name, what, f"{width}", made)

    return build


def _sparse(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    pe = record(engine)
    group = pe.group if pe.sparse else max(2, engine.widths.lanes)  # of a front, or of the lanes
    if pe.grouped:
        group = pe.group * engine.widths.digits
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
