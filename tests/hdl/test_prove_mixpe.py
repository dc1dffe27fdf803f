"""Lemmas of cells that shift and add: proved of them as they are, refuted of faulty ones."""

from __future__ import annotations

import pytest

from tests.hdl.test_prove import _fresh_cache, broken, results  # noqa: F401
from tpe.hdl.formal.prove import lemmas, prove
from tpe.hdl.formal.solve import PROVED, REFUTED
from tpe.model.engine import Engine

CELL = ("product", "product by digits", "accumulate", "clear", "hold", "valid", "finish", "cell")
NARROW = {"a_type": "int4", "b_type": "int3", "acc_bits": 16}


def engine(array: str = "matrix2d", **parameters: object) -> Engine:
    return Engine("mixpe", array, "2x2", **parameters)


def test_a_cell_at_full_width() -> None:
    """All pairs of int8 and int4, and sums of 32 bits."""
    report = prove(engine(), 60, only=CELL)
    assert report.full and results(report) == dict.fromkeys(CELL, PROVED)
    assert report.proofs[0].width == "8 x 4, acc 32"
    assert set(lemmas(engine())) == {*CELL, "tile control", "drain", "array"}
    assert report.uncovered == ()


@pytest.mark.full
def test_lanes_and_stages_and_bits_of_the_other_operand() -> None:
    lanes = ("product, lane 0", "product, lane 1")
    own = {**NARROW, "lanes": 2, "stages": 2, "encode": "weights"}
    report = prove(engine(**own), 60, only=(*lanes, *CELL[2:]))
    assert report.full and set(results(report).values()) == {PROVED}


FAULTS = [
    ("product", "tpe_shift_add", "product_o -= row", "product_o += row"),
    ("product", "tpe_shift_add", "(word << i)", "word"),
    ("accumulate", "tpe_pe_mixpe", "first_s ? '0 : psum_i", "psum_i"),
    ("clear", "tpe_pe_mixpe", "first_s ? '0 : psum_i", "psum_i"),
    ("hold", "tpe_pe_mixpe", "en_i && valid_s", "valid_s"),
    ("valid", "tpe_pe_mixpe", "en_i && valid_s", "en_i"),
]


@pytest.mark.parametrize(("lemma", "module", "right", "wrong"), FAULTS, ids=lambda x: x[:24])
def test_a_fault_is_refuted(lemma: str, module: str, right: str, wrong: str) -> None:
    faulty = broken(module, right, wrong)
    report = prove(engine(**NARROW), 60, only=(lemma,), replaced=faulty)
    assert results(report) == {lemma: REFUTED}


@pytest.mark.full
@pytest.mark.parametrize("array", ["matrix2d", "systolic_os", "systolic_ws"])
def test_arrays_from_end_to_end(array: str) -> None:
    e = engine(array, **NARROW)
    report = prove(e, 60, only=tuple(x for x in lemmas(e) if x not in CELL and "lane" not in x))
    assert report.ok and "array" in results(report), results(report)
