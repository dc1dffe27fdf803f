"""Lemmas of cells of bipolar operands: proved of them as they are, refuted of faulty ones."""

from __future__ import annotations

import pytest

from tests.hdl.test_prove import _fresh_cache, broken, results  # noqa: F401
from tpe.hdl.formal.prove import lemmas, prove
from tpe.hdl.formal.solve import PROVED, REFUTED
from tpe.model.engine import Engine

CELL = ("product", "accumulate", "clear", "hold", "valid", "finish", "cell")
NARROW = {"a_type": "bipolar3", "b_type": "bipolar2", "acc_bits": 16}


def engine(array: str = "matrix2d", **parameters: object) -> Engine:
    return Engine("bipolar", array, "2x2", **parameters)


def test_a_cell_at_full_width() -> None:
    """Of every code, padding too, all 8 x 8 bits; by the integer's lemmas, but none of digits."""
    report = prove(engine(), 60, only=CELL)
    assert report.full and results(report) == dict.fromkeys(CELL, PROVED)
    assert report.proofs[0].width == "8 as 9 bits x 8, acc 32"
    assert set(lemmas(engine())) == {*CELL, "tile control", "drain", "array"}
    assert report.uncovered == ()


def test_lanes_and_stages() -> None:
    lanes = ("product, lane 0", "product, lane 1")
    report = prove(engine(**NARROW, lanes=2, stages=3), 60, only=(*lanes, *CELL[1:]))
    assert report.full and set(results(report).values()) == {PROVED}


FAULTS = [
    ("product", " & {BWidth{there[l]}}", ""),
    ("product", "alike - (differ << 1)", "alike - differ"),
    ("product", "a[l][Low+p] ^ b", "a[l][Low+p] ~^ b"),
    ("accumulate", "first_s ? '0 : psum_i", "psum_i"),
    ("clear", "first_s ? '0 : psum_i", "psum_i"),
    ("hold", "en_i && valid_s", "valid_s"),
    ("valid", "en_i && valid_s", "en_i"),
]


@pytest.mark.parametrize(("lemma", "right", "wrong"), FAULTS, ids=lambda x: x[:24])
def test_a_fault_is_refuted(lemma: str, right: str, wrong: str) -> None:
    faulty = broken("tpe_pe_bipolar", right, wrong)
    report = prove(engine(**NARROW), 60, only=(lemma,), replaced=faulty)
    assert results(report) == {lemma: REFUTED}


@pytest.mark.full
@pytest.mark.parametrize("array", ["matrix2d", "systolic_os", "systolic_ws", "adder_tree"])
def test_arrays_from_end_to_end(array: str) -> None:
    e = engine(array, **NARROW)
    report = prove(e, 60, only=tuple(x for x in lemmas(e) if x not in CELL and "lane" not in x))
    assert report.ok and "array" in results(report), results(report)


@pytest.mark.full
@pytest.mark.parametrize("a_bits", range(1, 9))
def test_products_of_all_widths(a_bits: int) -> None:
    for b_bits in range(1, 9):
        e = engine(a_type=f"bipolar{a_bits}", b_type=f"bipolar{b_bits}")
        report = prove(e, 60, only=("product", "accumulate"))
        assert report.full, (b_bits, results(report))
