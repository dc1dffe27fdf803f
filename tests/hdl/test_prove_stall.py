"""Proofs of arrays that a refused word holds by registers, and of the place it waits in; faults."""

from __future__ import annotations

from typing import Any

import pytest

from tpe.hdl.emit import sources
from tpe.hdl.formal.prove import prove
from tpe.model.engine import Engine

STREAM = {"overlap": "stream"}
FINISH: dict[str, Any] = {"negate": "row", "biased": "on", "finish_stages": 2}


def engine(pe: str, array: str, **parameters: Any) -> Engine:
    return Engine(pe, array, (2, 2), **{"stall": "registered", **parameters})


CASES: list[tuple[str, str, dict[str, Any], str]] = [
    ("mac", "matrix2d", {}, "skid buffer"),
    ("mac", "matrix2d", {}, "drain"),
    ("mac", "matrix2d", {**FINISH, **STREAM}, "drain"),
    ("opt1", "systolic_os", STREAM, "drain"),
    ("mac", "matrix2d", {}, "array"),
]
FULL: list[tuple[str, str, dict[str, Any], str]] = [
    ("mac", "matrix2d", STREAM, "array"),
    ("mac", "systolic_os", {"overlap": "drain"}, "array"),
    ("mac", "systolic_ws", {}, "array"),
    ("mac", "systolic_ws", STREAM, "array"),
    ("stripes", "matrix2d", {}, "array"),
    ("opt4c", "matrix2d", {}, "array"),
    ("opt4c", "matrix2d", {"shadow": "off", "overlap": "load"}, "array"),
]


@pytest.mark.parametrize(
    ("pe", "array", "parameters", "lemma"),
    [*CASES, *(pytest.param(*case, marks=pytest.mark.full) for case in FULL)],
)
def test_it_is_proved(pe: str, array: str, parameters: dict[str, Any], lemma: str) -> None:
    report = prove(engine(pe, array, **parameters), 60, only=(lemma,))
    assert [(proof.lemma, proof.result) for proof in report.proofs] == [(lemma, "proved")]


FAULTS: list[tuple[str, str, str, str, str, dict[str, Any]]] = [
    ("skid buffer", "tpe_skid_buffer", "<= (full_q || valid_i)", "<= valid_i", "mac", {}),
    (
        "skid buffer",
        "tpe_skid_buffer",
        "(held_q | {Copies{valid_i}})",
        "{Copies{valid_i}}",
        "mac",
        {},
    ),
    ("skid buffer", "tpe_skid_buffer", "full_q ? spill_q : word_i", "word_i", "mac", {}),
    ("skid buffer", "tpe_skid_buffer", "if (!full_q) spill_q", "spill_q", "mac", {}),
    ("skid buffer", "tpe_skid_buffer", "= full_q || valid_i", "= valid_i", "mac", {}),
    ("skid buffer", "tpe_skid_buffer", "= ~held_q", "= ~{Copies{held_q[0]}} | 2", "mac", {}),
    ("drain", "tpe_drain", ".valid_i(c_valid_q)", ".valid_i(word_valid)", "opt1", STREAM),
    ("drain", "tpe_drain", "= Apart || en;", "= en;", "mac", {}),
    ("array", "tpe_matrix2d", ".en_i   (en_row)", ".en_i   ('1)", "mac", STREAM),
    ("array", "tpe_systolic_ws", "c_valid_q && en && c_last_q", "c_valid_q && c_last_q", "mac", {}),
    ("array", "tpe_matrix2d_indexed", "!load_i) && gone", "!load_i)", "opt4c", {}),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[1]}: {fault[3]}")
def test_a_fault_is_refuted(fault: tuple[str, str, str, str, str, dict[str, Any]]) -> None:
    lemma, module, right, wrong, pe, own = fault
    text = sources.text(module)
    assert text.count(right) == 1
    e = engine(pe, "systolic_ws" if "_ws" in module else "matrix2d", **own)
    report = prove(e, 60, only=(lemma,), replaced={module: text.replace(right, wrong)})
    assert [proof.result for proof in report.proofs] == ["refuted"]
