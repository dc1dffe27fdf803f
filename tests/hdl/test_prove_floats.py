"""Lemmas of floating-point cells: proved of the parts as they are, refuted of faulty ones."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from operator import mul

import pytest

from tests.hdl.test_prove import _fresh_cache, broken, results  # noqa: F401
from tpe.base.errors import TpeError
from tpe.hdl.formal.array_lemmas import array_lemma, follows_streams
from tpe.hdl.formal.prove import lemmas, prove
from tpe.hdl.formal.solve import PROVED, REFUTED
from tpe.model.engine import Engine
from tpe.numbers.arithmetic import INTEGER
from tpe.numbers.lmul import OFFSETS, OVERFLOWS, SUBNORMALS
from tpe.pe import get

EIGHT = {"a_type": "e4m3fn", "b_type": "e5m2"}


def engine(pe: str, **parameters: object) -> Engine:
    return Engine(pe, "matrix2d", "2x2", **parameters)


def test_parts_of_bf16_at_full_width() -> None:
    """Products, sums, the whole cell and the array around it; of the finish its parts."""
    report = prove(engine("fma_approxnorm"), 60)
    assert set(results(report).values()) == {PROVED} and report.full
    assert [p.lemma for p in report.proofs] == lemmas(engine("fma_approxnorm"))
    assert {"product bf16", "sum", "cell", "drain", "array"} <= set(results(report))
    assert report.uncovered == (
        "finish of fma_approxnorm: how its parts go together; tpe verify simulates it",
    )


def test_parts_of_eight_bits_at_full_width() -> None:
    other = {"normaliser": "exact", "psum_form": "twos_complement", "align": "sticky"}
    for e in (engine("fma_approxnorm", **EIGHT, **other), engine("fma", **EIGHT, c_type="fp16")):
        report = prove(e, 60)
        assert set(results(report).values()) == {PROVED}, results(report)
        assert {"product e4m3fn", "product e5m2"} <= set(results(report))


FUSED = {"arch": "ada", "a_type": "e4m3fn", "b_type": "e5m2"}


@pytest.mark.parametrize(
    "choice",
    [FUSED, pytest.param({"arch": "ampere", "a_type": "bf16"}, marks=pytest.mark.full)],
    ids=lambda x: x["arch"],
)
def test_parts_of_a_tensor_core_at_full_width(choice: dict[str, str]) -> None:
    """Of 8-bit operands all; of bf16 products of four fraction bits, c among nine terms."""
    report = prove(engine("tensorcore", **choice), 60)
    assert set(results(report).values()) == {PROVED}, results(report)
    assert {"largest", "align", "align twice", "normaliser", "round"} < set(results(report))


L_MUL = [
    {"a_type": "e5m2", "b_type": "e5m2", "subnormals": "keep", "product_overflow": "wrap"},
    {"a_type": "fp16", "b_type": "fp16", "offset": "none", "product_overflow": "saturate"},
    {"a_type": "e4m3fn", "b_type": "e4m3fn"},
    {},
]


@pytest.mark.parametrize("choice", L_MUL, ids=lambda x: x.get("a_type", "bf16"))
def test_l_mul_at_full_width(choice: dict[str, object]) -> None:
    report = prove(engine("lmul", **choice), 60, only=("product", "widen", "cell"))
    assert report.ok and report.full, results(report)


@pytest.mark.full
@pytest.mark.parametrize("form", ["bf16", "fp16", "e4m3fn", "e5m2"])
def test_every_choice_of_l_mul(form: str) -> None:
    types = {"a_type": form, "b_type": form}
    for offset, subnormals, overflow in product(OFFSETS, SUBNORMALS, OVERFLOWS):
        choice = {"offset": offset, "subnormals": subnormals, "product_overflow": overflow}
        report = prove(engine("lmul", **types, **choice), 60, only=("product", "widen", "cell"))
        assert report.ok and report.full, (choice, results(report))


CHOICES = [
    {"align": "sticky", "normaliser": "exact"},
    {"psum_form": "twos_complement", "norm_k": 2, "norm_lambda": 2},
    {"psum_form": "twos_complement", "align": "sticky", "normaliser": "none", "stages": 2},
]


@pytest.mark.full
@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_sums_and_cells_of_every_choice(choice: dict[str, object]) -> None:
    report = prove(engine("fma_approxnorm", **choice), 60, only=("sum", "cell"))
    assert report.ok and report.full, results(report)


ARRAYS = [
    ("fma", "systolic_os", {"stages": 2, **EIGHT}),
    ("fma_approxnorm", "matrix2d", {"overlap": "stream", "finish_stages": 2}),
    ("lmul", "systolic_ws", {}),
    ("fma", "systolic_ws", {"overlap": "stream"}),
]


@pytest.mark.full
@pytest.mark.parametrize(("pe", "array", "choice"), ARRAYS, ids=str)
def test_arrays_of_lists(pe: str, array: str, choice: dict[str, object]) -> None:
    """An array that brings every cell the right operands in order, whatever it makes of them."""
    e = Engine(pe, array, "2x2", **choice)
    assert follows_streams(e) and "lists" in array_lemma(e, {}).width
    report = prove(e, 60, only=tuple(x for x in lemmas(e) if x in ("cell", "drain", "array")))
    assert report.ok, report.proofs


CELLS = [
    ("lmul", "product", "tpe_lmul", "(a_inf && b_zero)", "1'b0"),
    ("lmul", "widen", "tpe_fp_widen", "+ Rebias - shift", "- shift"),
    ("lmul", "sum", "tpe_fp_add", "normal[1] | normal[0] | normal[3]", "1'b1"),
    ("lmul", "cell", "tpe_pe_lmul", "first_i ? '0 : psum_i", "psum_i"),
    ("fma", "sum", "tpe_fp_fused_add", "prod_sign_i && sign;", "sign;"),
    ("fma", "cell", "tpe_pe_fma", "ProdExp'(Bias + 1)", "ProdExp'(Bias)"),
    ("fma", "hold", "tpe_pe_fma", "en_i && valid", "valid"),
    ("fma_approxnorm", "sum", "tpe_fp_approx_add", "- ExpWidth'(shift)", ""),
    ("fma_approxnorm", "cell", "tpe_pe_fma_approxnorm", "else if (zero)", "else if (1'b0)"),
]  # fmt: skip


@pytest.mark.parametrize(("pe", "lemma", "module", "right", "wrong"), CELLS, ids=lambda x: x[:24])
def test_a_fault_of_a_cell_is_refuted(
    pe: str, lemma: str, module: str, right: str, wrong: str
) -> None:
    e = engine(pe, a_type="e5m2", b_type="e5m2")
    report = prove(e, 60, only=(lemma,), replaced=broken(module, right, wrong))
    assert results(report) == {lemma: REFUTED}


STREAMS = [
    ("systolic_os", "tpe_systolic_os", ".Cycles(r)", ".Cycles(0)"),
    ("matrix2d", "tpe_matrix2d", "first_q <= first && !close", "first_q <= 1'b0"),
]


@pytest.mark.parametrize(("array", "module", "right", "wrong"), STREAMS, ids=lambda x: x[:24])
def test_a_fault_of_an_array_is_refuted(array: str, module: str, right: str, wrong: str) -> None:
    e = Engine("fma", array, "2x2")
    report = prove(e, 60, only=("array",), replaced=broken(module, right, wrong))
    assert results(report) == {"array": REFUTED}


FAULTS = [
    ("approximate normaliser", "tpe_fp_approx_normalise", "[Width-1-NormK-:NormLambda]",
     "[Width-NormK-:NormLambda]"),
    ("normaliser", "tpe_fp_zeros", "empty[2*i] && empty[2*i+1]", "empty[2*i]"),
    ("round", "tpe_fp_round", "half && (rest || sig_i[LowWidth])", "half"),
    ("round", "tpe_fp_round", "sig_i[SigWidth-1] ? exp_i : '0", "exp_i"),
    ("align", "tpe_fp_align", "shifted = x_i >> distance_i", "shifted = x_i >> distance_i[3:0]"),
    ("product e5m2", "tpe_fp_unpack", "exponent[0] || !one", "exponent[0]"),
    ("product e4m3fn", "tpe_fp_unpack", "top && fraction == '1", "top"),
]  # fmt: skip


OF_DOTS = [
    ("largest", "tpe_fp_largest", "top[2*i] > top[2*i+1]", "top[2*i] >> 1 > top[2*i+1]"),
    ("align twice", "tpe_fp_align", "shifted = x_i >> distance_i",
     "shifted = x_i >> distance_i[3:0]"),
    ("round", "tpe_fp_round", "Nearest != 0 && half", "half"),
]  # fmt: skip


@pytest.mark.parametrize(("lemma", "module", "right", "wrong"), OF_DOTS, ids=lambda x: str(x)[:24])
def test_a_fault_of_a_dot_product_is_refuted(
    lemma: str, module: str, right: str, wrong: str
) -> None:
    e = engine("tensorcore", **FUSED)
    report = prove(e, 60, only=(lemma,), replaced=broken(module, right, wrong))
    assert results(report) == {lemma: REFUTED}


@pytest.mark.parametrize(("lemma", "module", "right", "wrong"), FAULTS, ids=lambda x: str(x)[:24])
def test_a_fault_is_refuted(lemma: str, module: str, right: str, wrong: str) -> None:
    e = engine("fma_approxnorm", **EIGHT)
    report = prove(e, 60, only=(lemma,), replaced=broken(module, right, wrong))
    assert results(report) == {lemma: REFUTED}


def test_a_pe_without_such_parts_is_refused() -> None:
    other = replace(INTEGER, name="unknown", product=mul)
    unknown = replace(get("mac"), arithmetic=other)
    with pytest.raises(TpeError, match=r"no proofs of pe mac: .* it computes in unknown"):
        prove(Engine(unknown, "matrix2d", "2x2"))
