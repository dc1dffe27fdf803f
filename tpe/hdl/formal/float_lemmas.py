"""Lemmas on the parts of a cell of floating point: product, alignment, normalisation, rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tpe.hdl.emit import rtl_widths, sources
from tpe.hdl.emit.rtl_names import number
from tpe.hdl.formal.float_cell_lemmas import sum_claims
from tpe.hdl.formal.lemmas import Build, Lemma, LemmaTemplate, own_modules, query
from tpe.numbers.floats import FP32, FloatFormat

if TYPE_CHECKING:
    from tpe.engine.config import Config

FIXED_BITS = 8  # of an operand, up to which products are compared as fixed-point numbers, too
MOST_BITS, FEW_BITS = 10, 7  # fraction bits whose product finishes; those taken for more
GUARDS = 4  # bits below the last one that a rounding is proved with


def float_claims(engine: Config) -> list[LemmaTemplate]:
    """The lemmas on what of `rtl/fp` the engine's cell and finish are made of."""
    inside = set(sources.closure(own_modules(engine)))
    found = []
    if "tpe_fp_multiply" in inside:
        found += [LemmaTemplate(f"product {side}", _product(side)) for side in _sides(engine)]
    if "tpe_fp_approx_normalise" in inside:
        found.append(LemmaTemplate("approximate normaliser", _approx_normalise))
        found.append(LemmaTemplate("align", _align))
    if "tpe_fp_dot" in inside:
        found += [LemmaTemplate("largest", _largest), LemmaTemplate("align", _align_all)]
        found.append(LemmaTemplate("align twice", _align_twice))
    if {"tpe_fp_normalise", "tpe_fp_round"} <= inside:
        found.append(LemmaTemplate("normaliser", _normalise))
    if "tpe_fp_fused_add" in inside:
        found.append(LemmaTemplate("align", _align_fused))
    if "tpe_fp_round" in inside:
        found.append(LemmaTemplate("round", _round))
    return found + sum_claims(inside)


def _formats(engine: Config) -> tuple[FloatFormat, FloatFormat]:
    one, other = engine.encoded_formats()
    assert isinstance(one, FloatFormat) and isinstance(other, FloatFormat)
    return one, other


def _sides(engine: Config) -> tuple[str, ...]:
    """The names of the operands' formats, each once."""
    return tuple(dict.fromkeys(x.name for x in _formats(engine)))


def _product(name: str) -> Build:
    """Of two operands of this format."""

    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        form = next(x for x in _formats(engine) if x.name == name)
        fraction = form.fraction_bits if form.fraction_bits <= MOST_BITS else FEW_BITS
        fixed = form.bits <= FIXED_BITS
        parameters = {
            "ExpWidth": form.exponent_bits,
            "FracWidth": fraction,
            "Special": number("Special", form.nan),
            "Fixed": int(fixed),
        }
        made = query(engine, "tpe_prop_fp_product", parameters, overrides)
        made = replace(made, engine="bdd")
        what = "sign, exponent and significand are the product's"
        return Lemma(f"product {name}", what, f"{fraction} of {form.fraction_bits} bits", made)

    return build


def _result(engine: Config) -> FloatFormat:
    result = engine.arithmetic.result
    assert isinstance(result, FloatFormat)
    return result


def _sum_bits(engine: Config) -> int:
    """Bits of a term of `tpe_fp_fused_add`."""
    product = sum(x.fraction_bits + 1 for x in _formats(engine))
    return max(product, _result(engine).fraction_bits + 1) + 3


def _exponent_bits(engine: Config) -> int:
    """Bits of the exponents that `tpe_fp_fused_add` compares, and `tpe_fp_dot`."""
    return max(x.exponent_bits for x in (*_formats(engine), _result(engine))) + 2


def _align_fused(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    return _aligned(engine, overrides, _sum_bits(engine), _exponent_bits(engine), 0, "sticky")


def _align(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    signed = int(engine.params["psum_form"] == "twos_complement")
    bits = _significand_bits(engine) + signed
    exponent = rtl_widths(engine)["PsumWidth"] - _significand_bits(engine) - 3
    return _aligned(engine, overrides, bits, exponent, signed, engine.params["align"])


def _aligned(
    engine: Config, overrides: Mapping[str, str], bits: int, exponent: int, signed: int, kind: str
) -> Lemma:
    parameters = {
        "Width": bits,
        "DistWidth": exponent,
        "Signed": signed,
        "Align": number("Align", kind),
    }
    made = query(engine, "tpe_prop_fp_align", parameters, overrides)
    return Lemma("align", f"every bit is one from above, {kind}", f"{bits} by {exponent}", made)


@dataclass(frozen=True)
class _Dot:
    """Widths of `tpe_fp_dot`: of its terms, of the sum of them, of exponents; and how many."""

    terms: int
    term_bits: int
    sum_bits: int
    exponent_bits: int

    @staticmethod
    def of(engine: Config) -> _Dot:
        """Those of an engine."""
        w, fused = rtl_widths(engine), engine.params["c_add"] == "fused"
        terms = w["Lanes"] + fused
        integer_bits = max((4 * terms - 1).bit_length(), w["FloorBelow"] + 1)
        bits = w["AlignBits"]
        return _Dot(terms, bits + 2, bits + integer_bits, _exponent_bits(engine))


def _largest(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    dot = _Dot.of(engine)
    parameters = {"Terms": dot.terms, "Width": dot.exponent_bits - 1}
    made = query(engine, "tpe_prop_fp_largest", parameters, overrides)
    width = f"{dot.terms} of {dot.exponent_bits - 1}"
    return Lemma("largest", "nothing is larger, and it is there, or zero", width, made)


def _align_all(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    dot = _Dot.of(engine)
    return _aligned(engine, overrides, dot.term_bits, dot.exponent_bits, 0, "truncate")


def _align_twice(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    dot = _Dot.of(engine)
    parameters = {"Width": dot.term_bits, "DistWidth": dot.exponent_bits}
    made = query(engine, "tpe_prop_fp_align_twice", parameters, overrides)
    width = f"{dot.term_bits} by {dot.exponent_bits}"
    return Lemma("align twice", "two alignments cut what one of both distances cuts", width, made)


def _significand_bits(engine: Config) -> int:
    return int(engine.params["int_bits"]) + int(engine.params["psum_fraction_bits"])


def _approx_normalise(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    bits, kind = _significand_bits(engine), engine.params["normaliser"]
    k, lam = engine.params["norm_k"], engine.params["norm_lambda"]
    parameters = {
        "Width": bits,
        "NormK": k,
        "NormLambda": lam,
        "Normaliser": number("Normaliser", kind),
    }
    made = query(engine, "tpe_prop_fp_approx_normalise", parameters, overrides)
    what = (
        f"{kind}: the value stays, no shift beyond the leading zeros, as many at 0, k, k + lambda"
    )
    return Lemma("approximate normaliser", what, f"{bits}, k = {k}, lambda = {lam}", made)


def _normalise(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    room = _exponent_bits(engine)
    if "AlignBits" in rtl_widths(engine):
        bits = _Dot.of(engine).sum_bits
    else:
        fused = "psum_form" not in engine.params
        bits = _sum_bits(engine) + 1 if fused else _significand_bits(engine) + 1
    parameters = {"Width": bits, "RoomWidth": room}
    made = query(engine, "tpe_prop_fp_normalise", parameters, overrides)
    return Lemma("normaliser", "the value stays, the highest one is on top", f"{bits}", made)


def _round(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    result, kept = _result(engine), rtl_widths(engine).get("KeptBits")
    fraction = kept or result.fraction_bits
    cut = kept is not None and result.bits == FP32.bits
    parameters = {
        "ExpWidth": result.exponent_bits,
        "FracWidth": fraction,
        "SigWidth": fraction + 1 + GUARDS,
        "InWidth": _exponent_bits(engine),
        "Nearest": int(not cut),
        "NanOnes": int(kept is not None),
    }
    made = query(engine, "tpe_prop_fp_round", parameters, overrides)
    what = "cut towards zero" if cut else "the nearest code, ties to even"
    what = f"{what}, infinity above all"
    return Lemma("round", what, f"{result.name}, {GUARDS} bits below its last", made)
