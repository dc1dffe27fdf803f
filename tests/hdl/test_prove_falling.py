"""Proofs of sparse PEs without shadows: cells that move up, rows, whose turn it is; faults."""

from __future__ import annotations

from typing import Any

import pytest

import tpe
from tpe.hdl.emit import sources
from tpe.hdl.formal.array_lemmas import uncovered_arrays
from tpe.hdl.formal.cell_lemmas import uncovered
from tpe.hdl.formal.prove import lemmas, prove

FALLING, DIRECT = {"planes": "msb_first"}, {"shadow": "off"}


def engine(pe: str, **parameters: Any) -> tpe.Engine:
    return tpe.Engine(pe, "matrix2d", (2, 2), **parameters)


STEP = ("product", "accumulate", "clear", "hold", "valid")
# The PE, what it chooses, and the lemmas.
CASES = [
    ("opt4c", FALLING, (*STEP, "finish", "cell", "front", "row")),
    ("opt4c", {**FALLING, "negate": "free_bits", "encoder": "booth"}, (*STEP, "front")),
    pytest.param(
        ("opt4e", FALLING, ("product, lane 3", *STEP[1:], "finish")), marks=pytest.mark.full
    ),
    ("opt3", FALLING, (*STEP, "row")),
    ("opt4c", DIRECT, ("row", "turns")),
    ("opt3", DIRECT, ("row",)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cell_row_and_turns_are_proved(case: tuple[str, dict[str, Any], tuple[str, ...]]) -> None:
    pe, choice, names = case
    report = prove(engine(pe, **choice), only=names)
    assert {proof.lemma: proof.result for proof in report.proofs} == dict.fromkeys(names, "proved")
    assert report.full


def test_what_the_lemmas_speak_of() -> None:
    falls, asks = engine("opt4c", **FALLING), engine("opt4c", **DIRECT)
    assert lemmas(falls) == lemmas(engine("opt4c"))
    assert [name for name in lemmas(asks) if name != "turns"] == lemmas(falls)
    assert lemmas(asks).count("turns") == 1
    assert {*STEP, "finish", "cell", "array", "front", "row"} < set(lemmas(falls))
    for e in (falls, asks):
        assert uncovered(e) == uncovered_arrays(e) == []


CELL = "tpe_pe_opt4c_falling"
FAULTS = [
    (FALLING, "accumulate", CELL, "psum_i[0+:PairWidth] << 2", "psum_i[0+:PairWidth]"),
    (FALLING, "accumulate", CELL, "{carry_up, sum_up} : psum_i", "{carry_up, sum_up} : '0"),
    (FALLING, "clear", CELL, ".first_i,", ".first_i(first_i && !plane_i[0]),"),
    (FALLING, "cell", CELL, "(up ?", "((plane_i[0] && en_i && !valid_i) ?"),
    (FALLING, "finish", "tpe_finish_pass", "({kept, acc_i})", "({AccWidth'(0), kept})"),
    (
        FALLING,
        "front",
        "tpe_front_lane",
        "nonzero_d[g] = |digit[g][L",
        "nonzero_d[g] = &digit[g][L",
    ),
    (FALLING, "row", "tpe_sparse_row", "last_q && (final_q || MsbFirst == 0)", "last_q"),
    (
        FALLING,
        "row",
        "tpe_sparse_row",
        ": whole_q && !take_i;",
        ": 1'b0;",
    ),
    (DIRECT, "row", "tpe_sparse_row", "assign en       = !whole_q || slot_i;", "assign en = 1'b1;"),
    (DIRECT, "row", "tpe_sparse_row", "en && last_q && !final_q", "last_q && final_q"),
    (DIRECT, "turns", "tpe_oldest", "ask_i[other] && other < r", "ask_i[other] && other > r"),
    (DIRECT, "turns", "tpe_oldest", "waiting_q & ~grant_o;", "waiting_q;"),
    (DIRECT, "turns", "tpe_oldest", "<= left[other] ||", "<="),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[2]}: {fault[4]}")
def test_a_fault_is_refuted(fault: tuple[dict[str, Any], str, str, str, str]) -> None:
    choice, lemma, module, right, wrong = fault
    text = sources.text(module)
    assert text.count(right) == 1
    small = {"a_type": "int4", "b_type": "int4", "acc_bits": 16}
    e = engine("opt4c", **choice, **small)
    report = prove(e, only=(lemma,), replaced={module: text.replace(right, wrong)})
    assert [proof.result for proof in report.proofs] == ["refuted"]
