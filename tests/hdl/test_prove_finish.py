"""Proofs of finishes with a register inside, and of what stands around them; and faults."""

from __future__ import annotations

from typing import Any

import pytest

from tpe.hdl.emit import sources
from tpe.hdl.formal.prove import prove
from tpe.model.engine import Engine

ROW: dict[str, Any] = {"negate": "row", "biased": "on"}
NARROW: dict[str, Any] = {"a_type": "int4", "b_type": "int4", "acc_bits": 16}
MSB = {"planes": "msb_first"}
INNER = {"planes": "inner", "finish_stages": 3}
STREAM = {"overlap": "stream"}


def engine(pe: str, array: str, **parameters: Any) -> Engine:
    return Engine(pe, array, (2, 2), **{"finish_stages": 2, **parameters})


CASES: list[tuple[str, str, dict[str, Any], str]] = [
    ("mac", "matrix2d", ROW, "finish"),
    ("opt1", "matrix2d", {}, "finish"),
    ("opt1", "matrix2d", ROW, "finish"),
    ("opt2", "matrix2d", {**ROW, **NARROW}, "finish"),
    ("opt2", "matrix2d", {"bw": "time"}, "finish"),
    ("opt4c", "matrix2d", {}, "finish"),
    ("opt4c", "matrix2d", MSB, "finish"),
    ("opt4c", "matrix2d", INNER, "finish"),
    ("opt1", "matrix2d", {}, "drain"),
    ("mac", "matrix2d", {**ROW, **STREAM}, "drain"),
    ("opt1", "systolic_os", STREAM, "drain"),
    ("opt4c", "matrix2d", INNER, "drain"),
]
FULL: list[tuple[str, str, dict[str, Any], str]] = [
    ("opt2", "matrix2d", {}, "finish"),
    ("opt1", "matrix2d", {}, "array"),
    ("opt1", "systolic_os", STREAM, "array"),
    ("opt1", "systolic_ws", {}, "array"),
    ("opt1", "systolic_ws", STREAM, "array"),
    ("opt4c", "matrix2d", {}, "array"),
    ("opt4c", "matrix2d", {"shadow": "off"}, "array"),
]


@pytest.mark.parametrize(
    ("pe", "array", "parameters", "lemma"),
    [*CASES, *(pytest.param(*case, marks=pytest.mark.full) for case in FULL)],
)
def test_it_is_proved(pe: str, array: str, parameters: dict[str, Any], lemma: str) -> None:
    report = prove(engine(pe, array, **parameters), 60, only=(lemma,))
    assert [(proof.lemma, proof.result) for proof in report.proofs] == [(lemma, "proved")]
    if lemma == "finish":
        assert report.proofs[0].what.endswith(", a cycle later")


FAULTS: list[tuple[str, str, str, str, str, dict[str, Any]]] = [
    ("finish", "tpe_add_cut", "{carry_q, low_q[LowWidth]}", "{carry_q, low[LowWidth]}", "opt1", {}),
    ("finish", "tpe_add_cut", "{carry_q, low_q[LowWidth]}", "{carry_q, 1'b0}", "mac", ROW),
    ("finish", "tpe_add_cut", "if (en_i) begin", "begin", "opt2", {"bw": "time", **NARROW}),
    ("finish", "tpe_finish_bit_weights", "= sum_q", "= sum_all", "opt2", NARROW),
    ("finish", "tpe_finish_plane", "kept = kept_q", "kept = weighted", "opt4c", {}),
    ("finish", "tpe_finish_pass", "if (en_i) kept_q", "kept_q", "opt4c", MSB),
    ("drain", "tpe_drain", "word_valid = valid_q", "word_valid = row_valid_q", "opt1", {}),
    ("drain", "tpe_drain", "word_last  = last_q", "word_last  = row_last_q", "opt1", STREAM),
    ("drain", "tpe_drain", "else if (en) valid_q", "else valid_q", "opt1", {}),
    ("drain", "tpe_drain", "&& en_col[c])", "&& 1'b1)", "mac", ROW),
    ("array", "tpe_matrix2d_indexed", "next_fresh = fresh_q", "next_fresh = fresh", "opt4c", {}),
    ("array", "tpe_matrix2d_indexed", "= word_row_q;", "= row_q;", "opt4c", {"shadow": "off"}),
    ("array", "tpe_systolic_ws", ".d_i (ends)", ".d_i (valid_line[Leave])", "opt1", {}),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[1]}: {fault[3]}")
def test_a_fault_is_refuted(fault: tuple[str, str, str, str, str, dict[str, Any]]) -> None:
    lemma, module, right, wrong, pe, own = fault
    text = sources.text(module)
    assert text.count(right) == 1
    e = engine(pe, "systolic_ws" if "_ws" in module else "matrix2d", **own)
    # Of the search for equal parts, which finds no fault, no more than six seconds.
    report = prove(e, 12, only=(lemma,), replaced={module: text.replace(right, wrong)})
    assert [proof.result for proof in report.proofs] == ["refuted"]
