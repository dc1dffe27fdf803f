"""Lemmas of selects before cells: proved as they are, refuted of faulty ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hdl.test_prove import _fresh_cache, broken, results  # noqa: F401
from tpe.hdl.formal.prove import lemmas, prove
from tpe.hdl.formal.solve import PROVED, REFUTED
from tpe.model.engine import Engine

NARROW: dict[str, Any] = {"a_type": "int4", "b_type": "int3", "acc_bits": 16}
ACTIVATIONS = {"sparse_operand": "activations"}


def engine(pe: str = "mac", **own: Any) -> Engine:
    return Engine(pe, "matrix2d", "2x2", **{"sparsity": "2:4", **own})


FORMS: list[dict[str, Any]] = [
    {},
    {"lanes": 2, **ACTIVATIONS},
    {"lanes": 6, "encode_in": "edge"},
    {"sparsity": "1:4", "lanes": 3},
    {"sparsity": "1:2", **ACTIVATIONS, "encode_in": "stored", "encoder": "ent"},
]


@pytest.mark.parametrize("own", FORMS, ids=str)
def test_every_lane_gets_its_word_at_full_width(own: dict[str, Any]) -> None:
    report = prove(engine(**own), 20, only=("select",))
    assert report.full and results(report) == {"select": PROVED}


@pytest.mark.parametrize("own", [{}, ACTIVATIONS, {"sparsity": "1:4"}], ids=str)
def test_stored_times_selected_is_the_group(own: dict[str, Any]) -> None:
    report = prove(engine(**NARROW, **own), 20, only=("select sum",))
    assert report.full and results(report) == {"select sum": PROVED}


def test_cells_and_array_have_the_lemmas_of_the_dense_engine() -> None:
    dense = engine(sparsity="none")
    assert lemmas(engine()) == ["select", "select sum", *lemmas(dense)]
    own = prove(engine(**NARROW), 20, only=("clear", "valid", "encode"))
    assert results(own) == results(
        prove(engine(**NARROW, sparsity="none"), 20, only=("clear", "valid", "encode"))
    )
    assert own.full and own.uncovered[0].startswith("array: its lemmas are of operands as wide as")


FAULTS = [
    ("select", "tpe_select", "op[place_i]", "op[place_i ^ PlaceWidth'(1)]"),
    ("select", "tpe_select_cell", "offered[l/SelectN*GroupBits", "offered[0*GroupBits"),
    ("select", "tpe_select_cell", "[l*LaneWidth+StoredWidth+:", "[0*LaneWidth+StoredWidth+:"),
    ("select", "tpe_select_cell", "= sparse[l*LaneWidth+:", "= sparse[0*LaneWidth+:"),
    ("select sum", "tpe_select", "op[place_i]", "op[~place_i]"),
]  # fmt: skip


@pytest.mark.parametrize(("lemma", "module", "right", "wrong"), FAULTS, ids=lambda x: x[:30])
def test_a_fault_is_refuted(lemma: str, module: str, right: str, wrong: str) -> None:
    faulty = broken(module, right, wrong)
    report = prove(engine(**NARROW, lanes=4), 20, only=(lemma,), replaced=faulty)
    assert results(report) == {lemma: REFUTED}


@pytest.mark.full
def test_all_lemmas_of_a_narrow_engine() -> None:
    report = prove(engine("opt1", **NARROW), 60)
    assert report.ok, results(report)
