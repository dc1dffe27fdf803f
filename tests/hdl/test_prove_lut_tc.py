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
    assert report.uncovered == () and "array" in lemmas(engine())
    assert prove(engine(b_type="ternary"), 60, only=("tile control",)).uncovered == (
        "array matrix2d_serial: no property follows its streams from end to end",
    )


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"b_type": "bipolar2"},
        {"table": "full", "stages": 2},
        {"b_type": "ternary"},
        {"table": "none"},
        {"inversion": "cell"},
        pytest.param({"stages": 2}, marks=pytest.mark.full),
        pytest.param({"lanes": 3, "a_type": "int2"}, marks=pytest.mark.full),
        pytest.param({"b_type": "ternary", "lanes": 3, "a_type": "int2"}, marks=pytest.mark.full),
    ],
)
def test_a_narrow_cell(own: dict[str, Any]) -> None:
    e = engine(**{**NARROW, **own})
    found = [name for name in lemmas(e) if name != "array"]
    halved = own.keys() <= {"stages", "lanes", "a_type", "inversion"}
    assert found == [*CELL[:3], "row" if halved else "finish", "tile control", "drain"]
    inside = tuple(name for name in found[:4] if name != "row")
    report = prove(e, 60, only=inside)
    assert report.full and results(report) == dict.fromkeys(inside, PROVED)


@pytest.mark.full
@pytest.mark.parametrize("stages", [1, 2])
def test_the_term_of_a_row(stages: int) -> None:
    """At full width; where operands are narrow an array from end to end has it, too."""
    report = prove(engine(stages=stages), 120, only=("row",))
    assert report.full and results(report) == {"row": PROVED}


FAULTS = [
    ("table", "tpe_lut_precompute", "sum[2**l+i] - a[l]", "sum[2**l+i]"),
    ("planes", "tpe_lut_precompute", "-a[Lanes-1]", "a[Lanes-1]"),
    ("step", "tpe_pe_lut_tc", "<< plane_s", "<< 1"),
    ("step", "tpe_pe_lut_tc", "en_i && valid_s", "valid_s"),
    ("step", "tpe_lut_mux", "negative_i ? -value : value", "value"),
    ("row", "tpe_row_lut_tc", "(AccWidth + 1)'(1) : sum_q", "'0 : sum_q"),
    ("row", "tpe_finish_halved", "psum_i[PsumWidth-1:1]", "psum_i[PsumWidth-2:0]"),
    ("array", "tpe_matrix2d_serial", "first_q && begins", "first_q"),
    ("array", "tpe_matrix2d_serial", ".Cycles(Behind)", ".Cycles(Behind - 1)"),
    ("array", "tpe_matrix2d_serial", "(step_plane_q == '0) ? code[r] : '0", "code[r]"),
]


@pytest.mark.parametrize(("lemma", "module", "right", "wrong"), FAULTS, ids=lambda x: x[:24])
def test_a_fault_is_refuted(lemma: str, module: str, right: str, wrong: str) -> None:
    report = prove(engine(**NARROW), 60, only=(lemma,), replaced=broken(module, right, wrong))
    assert results(report) == {lemma: REFUTED}


@pytest.mark.parametrize(
    "own",
    [
        {},
        pytest.param({"table": "full", "stages": 2}, marks=pytest.mark.full),
        pytest.param({"table": "none"}, marks=pytest.mark.full),
    ],
)
def test_an_array_from_end_to_end(own: dict[str, Any]) -> None:
    report = prove(engine(**{**NARROW, **own}), 120, only=("array", "tile control", "drain"))
    assert report.ok, results(report)
    assert "2 x 1, 2 x 2, acc" in report.proofs[-1].width


@pytest.mark.full
@pytest.mark.parametrize("lanes", range(2, 6))
@pytest.mark.parametrize("kind", [{}, {"table": "full"}, {"b_type": "ternary"}])
def test_tables_of_all_groups(kind: dict[str, Any], lanes: int) -> None:
    report = prove(engine(lanes=lanes, **kind), 120, only=("table",))
    assert report.ok, results(report)
