"""Lemmas on cells of floating point: sums and L-Mul by their definitions, and the whole cell.

What rounds is compared with exact sums of fixed-point numbers, in narrow formats, of which all
pairs are decided; the parts of a rounding have lemmas of their own at full width. `cell` says at
full width that these parts are what a step is made of, and that nothing but registers is around.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from tpe.hdl.emit import record, rtl_widths
from tpe.hdl.formal.cell_lemmas import cell_ports, idle_claims
from tpe.hdl.formal.lemmas import Lemma, LemmaTemplate, query
from tpe.hdl.formal.open_cell import has_step, step_text
from tpe.numbers.floats import FloatFormat

if TYPE_CHECKING:
    from tpe.engine.config import Config

EXPONENT_BITS = 3  # of the narrow formats in which sums are compared with exact ones
FEW, MANY = 2, 4  # their fraction bits: fewer than a product has, and more
SUM_EXPONENT_BITS, SUM_BITS = 5, 6  # of a narrow sum that is approximately normalised
SLACK = 3  # cycles behind the step that shows a fault of a cell
_CHOICES = ("NormK", "NormLambda", "Normaliser", "Align", "PsumForm")
_LMUL = ("LmulOffset", "Subnormals", "ProductOverflow")


def sum_claims(inside: Collection[str]) -> list[LemmaTemplate]:
    """The lemmas on the sums, and on the products of L-Mul, of a cell with these modules."""
    known = {
        "tpe_lmul": LemmaTemplate("product", _lmul),
        "tpe_fp_widen": LemmaTemplate("widen", _widen),
        "tpe_fp_add": LemmaTemplate("sum", _add),
        "tpe_fp_fused_add": LemmaTemplate("sum", _fused_add),
        "tpe_fp_approx_add": LemmaTemplate("sum", _approx_add),
    }
    return [claim for module, claim in known.items() if module in inside]


def float_cell_claims(engine: Config) -> list[LemmaTemplate]:
    """The lemmas on a whole cell of floating point; of what a step is only where that is known."""
    return [*idle_claims(), *([LemmaTemplate("cell", _cell)] if has_step(engine) else [])]


def uncovered_float_cell(engine: Config) -> list[str]:
    """What of a cell and a finish of floating point no lemma speaks about, a line each."""
    name, missing = record(engine).name, []
    if not has_step(engine):
        missing.append(f"cell of {name}: how its parts go together; tpe verify simulates it")
    wide = rtl_widths(engine)["PsumWidth"] != engine.widths.acc
    if record(engine).kernel.psum.kind != "word" or wide:
        missing.append(f"finish of {name}: how its parts go together; tpe verify simulates it")
    return missing


def _chosen(engine: Config, names: Collection[str]) -> dict[str, int]:
    """The engine's own parameters of these names of the RTL, as numbers."""
    own = record(engine).parameters
    return {p.rtl: p.rtl_value(engine.params[p.name]) for p in own if p.rtl in names}


def _operand(engine: Config) -> tuple[FloatFormat, dict[str, int]]:
    """The format of A, and what describes it to a property."""
    form, _ = engine.encoded_formats()
    assert isinstance(form, FloatFormat)
    special = rtl_widths(engine)["ASpecial"]
    own = {"ExpWidth": form.exponent_bits, "FracWidth": form.fraction_bits, "Special": special}
    return form, own


def _lmul(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    form, parameters = _operand(engine)
    parameters |= _chosen(engine, _LMUL)
    made = query(engine, "tpe_prop_lmul", parameters, overrides)
    choice = "offset", "subnormals", "product_overflow"
    what = "r = x + y - bias + offset, on signed integers"
    return Lemma("product", what, ", ".join([form.name, *(engine.params[x] for x in choice)]), made)


def _widen(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    form, parameters = _operand(engine)
    keeps = engine.params["subnormals"] == "keep" or engine.params["product_overflow"] == "wrap"
    made = query(engine, "tpe_prop_fp_widen", parameters | {"HasSubnormals": int(keeps)}, overrides)
    return Lemma("widen", "the same number", f"{form.name} to fp32", made)


def _add(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    parameters = {"ExpWidth": EXPONENT_BITS, "FracWidth": MANY}
    made = query(engine, "tpe_prop_fp_add", parameters, overrides)
    what = "the code nearest to the exact sum, ties to even"
    return Lemma("sum", what, f"e{EXPONENT_BITS}m{MANY}", made)


def _fused_add(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    """In a narrow format; of a product and a psum, the wider one as in the engine."""
    operands, result = engine.encoded_formats(), engine.arithmetic.result
    assert isinstance(result, FloatFormat)
    product = sum(x.fraction_bits + 1 for x in operands if isinstance(x, FloatFormat))
    wider = product > result.fraction_bits + 1
    fraction, bits = (FEW, 2 * FEW + 2) if wider else (MANY, MANY)
    parameters = {"ExpWidth": EXPONENT_BITS, "FracWidth": fraction, "ProdWidth": bits}
    parameters |= {"ProdExp": EXPONENT_BITS + 2}
    made = query(engine, "tpe_prop_fp_fused_add", parameters, overrides)
    what = "the code nearest to psum + product, ties to even"
    return Lemma("sum", what, f"e{EXPONENT_BITS}m{fraction}, products of {bits} bits", made)


def _approx_add(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    parameters = _chosen(engine, _CHOICES)
    bits = max(SUM_BITS, parameters["NormK"] + parameters["NormLambda"] + 1)
    parameters |= {"ExpWidth": SUM_EXPONENT_BITS, "Width": bits}
    made = query(engine, "tpe_prop_fp_approx_add", parameters, overrides)
    what = "align, add, halve a carry, move up: as defined, on signed integers"
    return Lemma(
        "sum", what, f"significands of {bits} bits, exponents of {SUM_EXPONENT_BITS}", made
    )


def _cell(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    latency = rtl_widths(engine)["CellLatency"]
    parameters = {**cell_ports(engine), "Latency": latency}
    texts = {**overrides, **step_text(engine)}
    cycles = 2 * (latency + 1) + SLACK
    made = query(engine, "tpe_prop_cell_next", parameters, texts, cycles, "reset")
    operands = " x ".join(x.name for x in engine.encoded_formats())
    what = "registers around product and sum, no more; a first step starts from zero"
    return Lemma("cell", what, f"{operands}, psum {parameters['PsumWidth']}", made)


__all__ = ["float_cell_claims", "sum_claims", "uncovered_float_cell"]
