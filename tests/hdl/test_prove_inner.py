"""Proofs of OPT4C with the digits of a K group inside: its cell's step, its front; and faults."""

from __future__ import annotations

from typing import Any

import pytest

import tpe
from tpe.hdl.emit import sources
from tpe.hdl.formal.array_lemmas import uncovered_arrays
from tpe.hdl.formal.cell_lemmas import uncovered
from tpe.hdl.formal.prove import lemmas, prove


def engine(**parameters: Any) -> tpe.Engine:
    return tpe.Engine("opt4c", "matrix2d", (2, 2), planes="inner", **parameters)


SMALL = {"a_type": "int3", "b_type": "int3", "acc_bits": 16}
WIDER = {"a_type": "int4", "b_type": "int4", "acc_bits": 16}
# The parameters, and the lemma.
CASES = [
    ({}, "step"),
    ({}, "front"),
    ({"window": 1}, "front"),
    ({"lanes": 2}, "front"),
    ({"lanes": 2, "window": 1, "negate": "free_bits", **SMALL}, "step"),
    *(({"cell_stages": stages}, "step") for stages in (2, 3, 4)),
    ({"front_stages": 2}, "front"),
    *(
        pytest.param(given, lemma, marks=pytest.mark.full)
        for given, lemma in (
            ({"lanes": 2, "window": 1, "negate": "free_bits", **WIDER}, "step"),
            ({"front_stages": 3, "window": 2}, "front"),
            ({"front_stages": 2, "lanes": 2}, "front"),
            ({"front_stages": 3, "window": 1, "finish_stages": 2}, "front"),
        )
    ),
]


@pytest.mark.parametrize(("parameters", "lemma"), CASES, ids=str)
def test_step_and_front_are_proved(parameters: dict[str, Any], lemma: str) -> None:
    report = prove(engine(**parameters), only=(lemma,))
    assert [(proof.lemma, proof.result) for proof in report.proofs] == [(lemma, "proved")]
    assert report.full


def test_what_the_lemmas_speak_of() -> None:
    e = engine()
    assert lemmas(e)[:2] == ["step", "finish"]
    assert lemmas(e)[-3:] == ["tile control", "drain", "front"]
    assert uncovered(e) == []
    (line,) = uncovered_arrays(e)
    assert line == "array matrix2d_window: no property follows its streams from end to end"


FAULTS = [
    ("step", "tpe_pe_opt4c_inner", "{Above{ones}}", "{Above{1'b0}}"),
    ("step", "tpe_pe_opt4c_inner", "if (run && take) begin", "if (take) begin"),
    ("step", "tpe_pe_opt4c_inner", "index == IndexWidth'(i)", "index[1:0] == 2'(i)"),
    ("front", "tpe_front_group", "none[1] = lone_q;", "none[1] = 1'b0;"),
    (
        "front",
        "tpe_front_group",
        "push && fill == FillWidth'(i)",
        "push && fill_q == FillWidth'(i)",
    ),
    ("front", "tpe_front_group", "room_o = over || fill_q", "room_o = fill_q"),
    ("front", "tpe_front_group", "else if (en_i && busy_q && over)", "else if (en_i && busy_q)"),
    ("front", "tpe_front_group", "(start_q || |flag_q)", "|flag_q"),
    (
        "front",
        "tpe_front_group",
        "kept[1][i] = turned_rest[NumCodes-1-i]",
        "kept[1][i] = flag_q[i]",
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[1]}: {fault[3]}")
def test_a_fault_is_refuted(fault: tuple[str, str, str, str]) -> None:
    lemma, module, right, wrong = fault
    text = sources.text(module)
    assert text.count(right) == 1
    e = engine(window=1, lanes=2, negate="free_bits")
    report = prove(e, only=(lemma,), replaced={module: text.replace(right, wrong)})
    assert [proof.result for proof in report.proofs] == ["refuted"]


STAGED_FAULTS = [
    ("step", "tpe_pe_opt4c_inner", ".Cycles(CellStages - 1)", ".Cycles(CellStages - 2)"),
    (
        "step",
        "tpe_pe_opt4c_inner",
        ".en_i(run),\n        .d_i ({plane_b, negative_d, multiple_d})",
        ".en_i(1'b1),\n        .d_i ({plane_b, negative_d, multiple_d})",
    ),
    ("step", "tpe_pe_opt4c_inner", ".digit_i   (digit_b)", ".digit_i   (digit)"),
    ("front", "tpe_front_group_staged", "(fill == FillWidth'(i))", "(fill_q == FillWidth'(i))"),
    ("front", "tpe_front_group_staged", "!left[2*Lanes];", "1'b1;"),
    ("front", "tpe_front_group_staged", "rest_q & ~sent", "rest_q & ~found[0+:NumCodes]"),
    ("front", "tpe_front_group_staged", "here = found_q[l*NumCodes+:NumCodes] & ~", "here = ~"),
    ("front", "tpe_front_group_staged", "goes_q ? second_q : steps[0]", "steps[0]"),
    ("front", "tpe_front_group_staged", "{none[1] || fill", "{fill"),
    ("front", "tpe_front_group_staged", "(Early ? shift_i : enter_i)", "enter_i"),
    ("front", "tpe_front_group_staged", "cells_q <= en_i;", "cells_q <= 1'b1;"),
    ("front", "tpe_front_group_staged", "(start_q || |found_q", "(|found_q"),
]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(x, marks=[pytest.mark.full] if "plane_b, neg" in x[3] else [])
        for x in STAGED_FAULTS
    ],
    ids=lambda fault: f"{fault[1]}: {fault[3]}",
)
def test_a_fault_in_a_stage_is_refuted(fault: tuple[str, str, str, str]) -> None:
    lemma, module, right, wrong = fault
    text = sources.text(module)
    assert text.count(right) == 1
    stages = {"front_stages": 3, "cell_stages": 3, "finish_stages": 2}
    e = engine(window=1, lanes=2, negate="free_bits", **stages)
    report = prove(e, only=(lemma,), replaced={module: text.replace(right, wrong)})
    assert [proof.result for proof in report.proofs] == ["refuted"]
