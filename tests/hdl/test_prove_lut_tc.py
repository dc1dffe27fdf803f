"""Lemmas of look-ups in tables: proved of cells as they are, refuted of faulty ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hdl.test_prove import _fresh_cache, broken, results  # noqa: F401
from tpe.hdl.formal.prove import lemmas, prove
from tpe.hdl.formal.solve import PROVED, REFUTED
from tpe.model.engine import Engine

NARROW: dict[str, Any] = {"a_type": "int2", "b_type": "int2", "lanes": 2, "acc_bits": 16}
CELL = ("table", "planes", "step", "row")


def engine(**parameters: Any) -> Engine:
    return Engine("lut_tc", "matrix2d", "2x2", **parameters)


def test_a_table_at_full_width() -> None:
    report = prove(engine(), 60, only=("table",))
    assert report.full and results(report) == {"table": PROVED}
    assert report.proofs[0].width == "4 activations of 8 bits, weights of 8, half table"
    assert report.uncovered == (
        "array matrix2d_serial: no property follows its streams from end to end",
    )


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"b_type": "bipolar2"},
        {"table": "full", "stages": 2},
        {"b_type": "ternary"},
        pytest.param({"stages": 2}, marks=pytest.mark.full),
        pytest.param({"lanes": 3, "a_type": "int2"}, marks=pytest.mark.full),
        pytest.param({"b_type": "ternary", "lanes": 3, "a_type": "int2"}, marks=pytest.mark.full),
    ],
)
def test_a_narrow_cell(own: dict[str, Any]) -> None:
    e = engine(**{**NARROW, **own})
    found = lemmas(e)
    assert found == [*CELL[:3], "row" if own.keys() <= {"stages", "lanes", "a_type"} else "finish",
                     "tile control", "drain"]  # fmt: skip
    report = prove(e, 60, only=tuple(found[:4]))
    assert report.full and set(results(report).values()) == {PROVED}


FAULTS = [
    ("table", "tpe_lut_precompute", "sum[2**l+i] - a[l]", "sum[2**l+i]"),
    ("planes", "tpe_lut_precompute", "-a[Lanes-1]", "a[Lanes-1]"),
    ("step", "tpe_pe_lut_tc", "<< plane_s", "<< 1"),
    ("step", "tpe_pe_lut_tc", "en_i && valid_s", "valid_s"),
    ("step", "tpe_lut_mux", "negative_i ? -value : value", "value"),
    ("row", "tpe_row_lut_tc", "(AccWidth + 1)'(1) : sum_q", "'0 : sum_q"),
    ("row", "tpe_finish_halved", "psum_i[PsumWidth-1:1]", "psum_i[PsumWidth-2:0]"),
]


@pytest.mark.parametrize(("lemma", "module", "right", "wrong"), FAULTS, ids=lambda x: x[:24])
def test_a_fault_is_refuted(lemma: str, module: str, right: str, wrong: str) -> None:
    report = prove(engine(**NARROW), 60, only=(lemma,), replaced=broken(module, right, wrong))
    assert results(report) == {lemma: REFUTED}


@pytest.mark.full
@pytest.mark.parametrize("lanes", range(2, 6))
@pytest.mark.parametrize("kind", [{}, {"table": "full"}, {"b_type": "ternary"}])
def test_tables_of_all_groups(kind: dict[str, Any], lanes: int) -> None:
    report = prove(engine(lanes=lanes, **kind), 120, only=("table",))
    assert report.ok, results(report)
