"""Lemmas of cells around approximate multipliers: proved as they are, refuted of faulty ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hdl.test_prove import _fresh_cache, broken, results  # noqa: F401
from tpe.base.errors import TpeError
from tpe.hdl.formal.prove import lemmas, prove
from tpe.hdl.formal.solve import PROVED, REFUTED
from tpe.model.engine import Engine
from tpe.numbers.multipliers import MULTIPLIERS

CELL = ("product", "accumulate", "clear", "hold", "valid", "finish", "cell")
NARROW: dict[str, Any] = {"a_type": "int4", "b_type": "int3", "acc_bits": 16}


def engine(array: str = "matrix2d", **own: Any) -> Engine:
    return Engine("table_mult", array, "2x2", **own)


@pytest.mark.parametrize("types", ["int8", "uint8"])
@pytest.mark.parametrize("table", MULTIPLIERS)
def test_products_are_the_definition_s_at_full_width(table: str, types: str) -> None:
    e = engine(table=table, a_type=types, b_type=types)
    report = prove(e, 60, only=("product", "accumulate"))
    assert report.full and results(report) == {"product": PROVED, "accumulate": PROVED}
    assert report.uncovered == ()


@pytest.mark.parametrize(
    "table",
    [pytest.param(x, marks=() if x == "kulkarni" else pytest.mark.full) for x in MULTIPLIERS],
)
def test_a_cell_of_narrow_operands(table: str) -> None:
    """A magnitude is taken at the operand's own width: -8 of four bits is 8, not 248."""
    lanes = ("product, lane 0", "product, lane 1")
    report = prove(engine(table=table, **NARROW, lanes=2), 60, only=(*lanes, *CELL[1:-1]))
    assert report.full and set(results(report).values()) == {PROVED}
    assert set(lemmas(engine(table=table))) == {*CELL, "tile control", "drain", "array"}


PE = "tpe_pe_table_mult"
FAULTS = [
    ("mitchell", "product", "tpe_mult_mitchell", "{15'd0, 1'b1, log[6:0]}", "{16'd0, log[6:0]}"),
    ("mitchell", "product", "tpe_mult_mitchell", "7'(a_i << (3'd7 - a_one))", "7'(a_i)"),
    ("mitchell", "product", "tpe_mult_mitchell", "(a_i == '0 || b_i == '0)", "(a_i == '0)"),
    ("kulkarni", "product", "tpe_mult_kulkarni", ") | (a_i[2*i]", ") ^ (a_i[2*i]"),
    ("kulkarni", "product", "tpe_mult_kulkarni", "(2 * (i + j))", "(2 * i + j)"),
    ("exact", "product", PE, "a[l][AWidth-1] ^ b[l][BWidth-1]", "a[l][AWidth-1] | b[l][BWidth-1]"),
    ("exact", "product", PE, "? -a[l] : a[l]", "? ~a[l] : a[l]"),
    ("exact", "accumulate", PE, "first_i ? '0 : psum_i", "psum_i"),
    ("exact", "hold", PE, "en_i && valid_i", "valid_i"),
    ("exact", "valid", PE, "en_i && valid_i", "en_i"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "lemma", "module", "right", "wrong"), FAULTS)
def test_a_fault_is_refuted(table: str, lemma: str, module: str, right: str, wrong: str) -> None:
    faulty = broken(module, right, wrong)
    report = prove(engine(table=table), 60, only=(lemma,), replaced=faulty)
    assert results(report) == {lemma: REFUTED}


def test_a_file_has_no_rtl_to_prove(tmp_path: Any) -> None:
    (tmp_path / "t.csv").write_text("\n".join(",".join("0" * 4) for _ in range(4)))
    e = engine(table=str(tmp_path / "t.csv"), a_type="int2", b_type="int2")
    with pytest.raises(TpeError, match="model only"):
        prove(e)


@pytest.mark.full
@pytest.mark.parametrize("table", MULTIPLIERS)
def test_a_cell_over_many_cycles(table: str) -> None:
    assert results(prove(engine(table=table, **NARROW), 60, only=("cell",))) == {"cell": PROVED}


@pytest.mark.full
@pytest.mark.parametrize("array", ["matrix2d", "systolic_os", "systolic_ws", "adder_tree"])
def test_arrays_from_end_to_end(array: str) -> None:
    e = engine(array, table="kulkarni", **NARROW)
    report = prove(e, 60, only=tuple(x for x in lemmas(e) if x not in CELL and "lane" not in x))
    assert report.ok and "array" in results(report), results(report)
