"""Lean cells of digits inside a group: what is left to a row, few carries, no enables; faults."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.contract.agreement import assert_all_agree, assert_no_latch, break_module
from tests.contract.combos import TYPES, UNSIGNED, operands, types_of
from tests.pe.test_inner import engine, shapes
from tpe.array.base import ALWAYS
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.formal.prove import prove
from tpe.hdl.simulate import cell_cosim, slang
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.elaborate import elaborated
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS, corners
from tpe.testing.rtl import disturb

ROW: dict[str, Any] = {"negate": "row", "biased": "on"}
LEAN: dict[str, Any] = {**ROW, "hold": "zero"}
# Each choice by itself and with others, where it stands in a cell of every number of stages.
CHOICES: list[dict[str, Any]] = [
    LEAN,
    {**LEAN, "carry_every": 2, "lanes": 2, "window": 1, "group": 8, "cell_stages": 2},
    {**LEAN, "carry_every": 4, "window": 2, "cell_stages": 3, "front_stages": 3},
    {"negate": "free_bits", "biased": "on", "hold": "zero", "lanes": 2, "cell_stages": 4},
]
SINGLE: list[dict[str, Any]] = [
    {"negate": "row"},
    {"biased": "on"},
    {"hold": "zero"},
    {"carry_every": 2},
    {"carry_every": 4},
]
BEHIND: dict[str, Any] = {"front_stages": 3, "cell_stages": 3, "finish_stages": 3}
choices = pytest.mark.parametrize("choice", CHOICES, ids=str)
# ... of which one stays in the landing tier.
few = pytest.mark.parametrize(
    "choice",
    [pytest.param(x, marks=[pytest.mark.full] * (x != CHOICES[1])) for x in CHOICES],
    ids=str,
)


def test_tiles_that_overlap_equal_the_rtl() -> None:
    cases = shapes(engine((3, 2), **CHOICES[1], overlap="drain"))
    cases += shapes(engine((3, 2), **CHOICES[2], finish_stages=3, overlap="stream"))
    assert_all_agree(cases)


@pytest.mark.full
def test_each_choice_by_itself_types_and_sizes_equal_the_rtl() -> None:
    cases = shapes(engine((3, 2), **CHOICES[0])) + shapes(engine((3, 2), **CHOICES[3]))
    for i, (choice, lanes) in enumerate(product(SINGLE, (1, 2))):
        overlap = ("none", "drain", "stream")[i % 3]
        stages = {"cell_stages": 1 + i % 4, "finish_stages": 1 + i % 3, "front_stages": 1 + i % 2}
        cases += shapes(engine((2, 2), lanes=lanes, overlap=overlap, **choice, **stages))
    for i, types in enumerate(TYPES):
        e = engine((2, 2), **CHOICES[i % 4], **types_of(*types))
        cases += [Case(e, *operands(e, 4, 3, k, seed=k), STALLS) for k in (1, 4, 33)]
        cases += list(corners(e, 5))
    for i, (a_type, b_type, mode, a_zero, b_zero) in enumerate(UNSIGNED[::3]):
        types = {"a_type": a_type, "b_type": b_type, "zero_points": mode}
        e = engine((2, 2), **CHOICES[i % 4], **types)
        zeros = {"a_zero": a_zero, "b_zero": b_zero}
        cases += [Case(e, *operands(e, 4, 3, k, seed=2), STALLS, **zeros) for k in (5, 40)]
    for size in ((1, 1), (5, 1)):
        cases += shapes(engine(size, **CHOICES[2], overlap="stream"))[:10]
    for more in ({"encoder": "booth", "tree": "wallace"}, {"gating": "clock", "encode": "weights"}):
        cases += shapes(engine((2, 2), **LEAN, lanes=2, **more))[:10]
    assert_all_agree(cases)


@few
def test_the_cell_on_all_pairs_and_on_random_steps(choice: dict[str, Any]) -> None:
    e = engine((1, 1), **choice)
    a, b = (x.ravel() for x in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)))
    steps, index = cell_cosim.steps_of_pairs(e, a, b, e.widths.lanes - 1)
    assert (cell_cosim.rtl_steps(e, steps)[index].sum(axis=1) == a * b).all()
    random = disturb(e, steps)
    taken = np.flatnonzero(random.en & random.valid)
    shown = cell_cosim.model_steps(e, random)[taken]
    assert (cell_cosim.rtl_steps(e, random)[taken] == shown).all()
    assert len(set(shown.tolist())) > 1000


def test_cycles_are_those_of_plain_cells() -> None:
    a, b = operands(engine((3, 2)), 7, 5, 60, seed=3)
    for stages in ({}, BEHIND):
        plain = engine((3, 2), lanes=2, window=1, **stages).run(a, b)
        lean = engine((3, 2), lanes=2, window=1, **stages, **LEAN, carry_every=2).run(a, b)
        assert lean.terms == plain.terms


# ---- what it is made of ----


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("every", [1, 2, 4])
def test_what_elaborates_keeps_few_carries_and_counts_a_row(lanes: int, every: int) -> None:
    e = engine((3, 2), **LEAN, lanes=lanes, carry_every=every)
    acc, cells, cols = e.widths.acc, 6, 2
    found: Counter[tuple[str, int]] = Counter()
    for unit in elaborated(emit.engine_modules(e), "tpe_engine"):
        found[unit.op, unit.fan_in] += unit.copies
    assert found["row_term", lanes + 1] == 3
    rows = {3: cols}  # a column's finish takes the term of a row
    if every == 1:
        rows[lanes + 2] = rows.get(lanes + 2, 0) + cells
    else:
        rows[3] += cells * lanes  # ... a cell its words one after another
    assert {fan_in: n for (op, fan_in), n in found.items() if op == "half_reduce"} == rows
    carries = acc if every == 1 else (acc - 1) // every
    assert emit.rtl_widths(e)["PsumWidth"] == acc + carries
    assert e.pe.kernel.psum.words(e.widths) == (acc, carries)


@choices
def test_every_choice_lints_without_a_warning(choice: dict[str, Any]) -> None:
    for types in ({}, {"a_type": "int2", "b_type": "int3"}):
        modules = emit.rename(emit.engine_modules(engine(**choice, **types)), "mine")
        assert lint(modules, "mine") == ""
        findings = slang.check(modules, "mine")
        assert not findings.errors + findings.warnings, findings


def test_yosys_reads_it_and_finds_no_latch(tmp_path: Any) -> None:
    modules = emit.rename(emit.engine_modules(engine(**CHOICES[1])), "mine")
    assert_no_latch(modules, "mine", tmp_path)


# ---- proofs ----

NARROW: dict[str, Any] = {"a_type": "int4", "b_type": "int4", "acc_bits": 16}
PROOFS = [
    (ROW, "step"),
    ({**LEAN, **NARROW}, "step"),
    ({**LEAN, **NARROW, "carry_every": 4, "cell_stages": 2}, "step"),
    ({"biased": "on", "hold": "zero", "negate": "free_bits", **NARROW, "cell_stages": 3}, "step"),
    ({**LEAN, "carry_every": 2}, "finish"),
    ({**LEAN, "carry_every": 4, "finish_stages": 3}, "finish"),
    (LEAN, "finish"),
    (LEAN, "front"),
    ({**LEAN, "lanes": 2}, "front"),
    ({**LEAN, "front_stages": 2}, "front"),
]
LONG = [
    ({**LEAN, **NARROW, "carry_every": 2, "lanes": 2, "window": 1, "cell_stages": 3}, "step"),
    ({**LEAN, "front_stages": 3, "window": 1, "finish_stages": 2}, "front"),
]


@pytest.mark.parametrize(
    ("parameters", "lemma"),
    [*PROOFS, *(pytest.param(*x, marks=pytest.mark.full) for x in LONG)],
    ids=str,
)
def test_a_step_its_finish_and_its_front_are_proved(parameters: dict[str, Any], lemma: str) -> None:
    report = prove(engine((2, 2), **parameters), only=(lemma,))
    assert [(proof.lemma, proof.result) for proof in report.proofs] == [(lemma, "proved")]


CELL, COUNT, FINISH = "tpe_pe_opt4c_inner", "tpe_row_inner", "tpe_finish_kept"
KEPT = {**LEAN, "carry_every": 2, "cell_stages": 3}
PROOF_FAULTS: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("step", CELL, "multiple ^ {step,", "multiple ^ {1'b0,", ROW),
    ("step", CELL, ".d_i (valid_i),", ".d_i (1'b1),", KEPT),
    ("step", CELL, "(CellStages >= 3) ? 1 : 0)\n        ) u_step", "0)\n        ) u_step", KEPT),
    ("step", CELL, "sign       = 1'b0", "sign       = multiple_m[BWidth+1]", ROW),
    ("step", CELL, "ones = 1'b0", "ones = negative_m", ROW),
    ("step", CELL, "begins = first_i && valid_i", "begins = first_i", LEAN),
    ("step", CELL, ".sum_i  (sums[l*", ".sum_i  (sums[0*", {**LEAN, "carry_every": 4, "lanes": 2}),
    ("step", COUNT, "code_i[l*CodeWidth+2] &&", "code_i[l*CodeWidth+1] &&", ROW),
    ("step", COUNT, "weight << (BWidth + 1)", "AWidth << (BWidth + 1)", ROW),
    ("step", COUNT, "l < NumOps - 1", "l < 1", {**ROW, "lanes": 2}),
    ("step", COUNT, ".Cycles(CellLatency)\n  ) u_stages (", ".Cycles(0)\n  ) u_stages (", KEPT),
    ("step", COUNT, "$signed(staged)", "$unsigned(staged)", ROW),
    ("step", COUNT, "en_i && valid)", "en_i)", LEAN),
    (
        "finish",
        FINISH,
        ".Negate       (Negate)",
        ".Negate       (0)",
        {"negate": "row", "carry_every": 2},
    ),
    ("finish", "tpe_kept_pair", "psum_i[Width+i/Every-1]", "1'b0", KEPT),
    ("front", "tpe_front_group", "none[0] = !busy_q", "none[0] = 1'b0", LEAN),
    ("front", "tpe_front_group", "lone_q || !busy_q", "lone_q", {**LEAN, "lanes": 2}),
    (
        "front",
        "tpe_front_group_staged",
        "Hold == tpe_pkg::HoldZero && !busy_q",
        "1'b0",
        {**LEAN, "front_stages": 2},
    ),
]


@pytest.mark.parametrize("fault", PROOF_FAULTS, ids=lambda f: f"{f[1]}: {f[3]}")
def test_a_fault_is_refuted(fault: tuple[str, str, str, str, dict[str, Any]]) -> None:
    lemma, module, right, wrong, choice = fault
    text = sources.text(module)
    assert text.count(right) == 1
    e = engine((2, 2), **NARROW, **choice)
    report = prove(e, only=(lemma,), replaced={module: text.replace(right, wrong)})
    assert [proof.result for proof in report.proofs] == ["refuted"]


# ---- a test that cannot fail shows nothing ----

WINDOW, STAGED = "tpe_matrix2d_window", "tpe_matrix2d_window_staged"
GATED = "          .en_i ({}),\n          .clk_o"
COUNTED = "u_row (\n          .clk_i,\n          .rst_ni,\n          .en_i   ({})"
FAULTS = [
    (WINDOW, GATED.format("en"), GATED.format("1'b1"), {}),
    (WINDOW, COUNTED.format("en"), COUNTED.format("1'b1"), {}),
    (WINDOW, ".term_i   (term)", ".term_i   ('0)", {}),
    (WINDOW, ".CellLatency(CellLatency)", ".CellLatency(0)", {"cell_stages": 2}),
    (STAGED, GATED.format("en_cells[r]"), GATED.format("1'b1"), BEHIND),
    (STAGED, COUNTED.format("en_cells[r]"), COUNTED.format("1'b1"), BEHIND),
    (STAGED, ".term_i   (term)", ".term_i   ({Rows{term[0]}})", BEHIND),
    (STAGED, ".CellLatency(CellLatency)", ".CellLatency(1)", BEHIND),
    ("tpe_front_group", "none[0] = !busy_q", "none[0] = 1'b0", {}),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[0]}: {f[2]}")
def test_a_fault_is_seen(fault: tuple[str, str, str, dict[str, Any]], monkeypatch: Any) -> None:
    module, right, wrong, stages = fault
    e = engine((5, 1), **LEAN, carry_every=2, overlap="stream", **stages)
    break_module(monkeypatch, e, module, right, wrong)
    a, b = operands(e, 11, 2, 70, seed=2)
    a[:, 4:8], a[1::2, :16], a[3, :4] = 0, 0, 0
    outcomes = cosimulate([Case(e, a[:, :k], b[:k], h) for k in (4, 70) for h in (ALWAYS, STALLS)])
    assert not all(outcome.ok for outcome in outcomes)
