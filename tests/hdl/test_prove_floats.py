"""Lemmas of floating-point cells: proved of the parts as they are, refuted of faulty ones."""

from __future__ import annotations

import pytest

from tests.hdl.test_prove import _fresh_cache, broken, results  # noqa: F401
from tpe.base.errors import TpeError
from tpe.hdl.formal.prove import lemmas, prove
from tpe.hdl.formal.solve import PROVED, REFUTED
from tpe.model.engine import Engine

EIGHT = {"a_type": "e4m3fn", "b_type": "e5m2"}


def engine(pe: str, **parameters: object) -> Engine:
    return Engine(pe, "matrix2d", "2x2", **parameters)


def test_parts_of_bf16_at_full_width() -> None:
    """Normaliser, alignment and rounder; products of four of the seven fraction bits."""
    report = prove(engine("fma_approxnorm"), 60)
    assert set(results(report).values()) == {PROVED} and report.full
    assert [p.lemma for p in report.proofs] == lemmas(engine("fma_approxnorm"))
    assert "cell of fma_approxnorm" in report.uncovered[0]


def test_parts_of_eight_bits_at_full_width() -> None:
    other = {"normaliser": "exact", "psum_form": "twos_complement", "align": "sticky"}
    for e in (engine("fma_approxnorm", **EIGHT, **other), engine("fma", **EIGHT, c_type="fp16")):
        report = prove(e, 60)
        assert set(results(report).values()) == {PROVED}, results(report)
        assert {"product e4m3fn", "product e5m2"} <= set(results(report))


FUSED = {"arch": "ada", "a_type": "e4m3fn", "b_type": "e5m2"}


def test_parts_of_a_tensor_core_at_full_width() -> None:
    """Of 8-bit operands all; of bf16 products of four fraction bits, c among nine terms."""
    for choice in (FUSED, {"arch": "ampere", "a_type": "bf16"}):
        e = engine("tensorcore", **choice)
        report = prove(e, 60)
        assert set(results(report).values()) == {PROVED}, results(report)
        assert {"largest", "align", "align twice", "normaliser", "round"} < set(results(report))


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
    with pytest.raises(TpeError, match="no proofs of pe bipolar"):
        prove(engine("bipolar"))
