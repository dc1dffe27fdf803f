"""Lean cells of sparse PEs: what their rows count, and carries that are kept now and then."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, assert_no_latch, break_module
from tests.contract.combos import TYPES, UNSIGNED, operands, types_of
from tpe.array.base import ALWAYS, Handshake
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.formal.prove import all_claims
from tpe.hdl.formal.solve import PROVED, REFUTED, decide
from tpe.hdl.simulate import slang
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.elaborate import elaborated
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS, corners

ROW = {"negate": "row", "biased": "on"}
LEAN = {**ROW, "hold": "zero", "carry_every": 2}
FALLING, ASKING = {**LEAN, "planes": "msb_first"}, {**LEAN, "carry_every": 4, "shadow": "off"}
SLOW_SINK = Handshake(0, 0x7FFF_FFFE)
choices = pytest.mark.parametrize("choice", [LEAN, FALLING, ASKING], ids=["lsb", "msb", "asking"])


def engine(pe: str, size: tuple[int, int] = (3, 2), **parameters: Any) -> tpe.Engine:
    """Short passes, so that K = 40 takes several."""
    depth = {"opt4e": 32}.get(pe, 16)
    return tpe.Engine(pe, "matrix2d", size, **{"depth": depth, **parameters})


def shapes(e: tpe.Engine) -> list[Case]:
    """K of one group and of several passes, dense, sparse and constant A; a sink that stalls."""
    cases = []
    for k in (1, 7, 33, 70):
        a, b = operands(e, e.rows + 2, e.cols + 1, k, seed=k)
        cases += [Case(e, a, b, h) for h in (ALWAYS, STALLS, SLOW_SINK)]
        cases.append(Case(e, a * (np.random.default_rng(k).random(a.shape) < 0.3), b, STALLS))
    low = np.full((e.rows + 1, 40), -128)
    for x in (low, 0 * low, 0 * low - 2):  # every digit negative, none, the most negative one
        cases += [Case(e, x, low.T[:, : e.cols], h) for h in (ALWAYS, STALLS)]
    return cases


@choices
def test_sizes_drift_and_loads_equal_the_rtl(choice: dict[str, Any]) -> None:
    cases = []
    for pe, size in (("opt3", (3, 2)), ("opt4c", (1, 1)), ("opt4c", (4, 2)), ("opt4e", (3, 2))):
        cases += shapes(engine(pe, size, **choice))
    cases += shapes(engine("opt4c", **choice, drift=1, overlap="load"))[:12]
    assert_all_agree(cases)


@pytest.mark.full
@choices
def test_types_encoders_and_each_by_itself_equal_the_rtl(choice: dict[str, Any]) -> None:
    cases, pes = [], ("opt3", "opt4c", "opt4e")
    for i, types in enumerate(TYPES):
        e = engine(pes[i % 3], (2, 2), **choice, **types_of(*types))
        cases += [Case(e, *operands(e, 4, 3, k, seed=k), STALLS) for k in (1, 4, 70)]
        cases += list(corners(e, 5))
    for i, (a_type, b_type, mode, a_zero, b_zero) in enumerate(UNSIGNED[::3]):
        types = {"a_type": a_type, "b_type": b_type, "zero_points": mode}
        e = engine(pes[i % 3], (2, 2), **choice, **types)
        zeros = {"a_zero": a_zero, "b_zero": b_zero}
        cases += [Case(e, *operands(e, 4, 3, k, seed=2), STALLS, **zeros) for k in (5, 40)]
    for name, value in choice.items():
        cases += shapes(engine("opt4c", (2, 2), **{name: value}))
    for more in ({"encoder": "booth"}, {"gating": "clock", "encode": "weights"}):
        cases += shapes(engine("opt4c", (2, 2), **choice, **more))[:10]
    assert_all_agree(cases)


@pytest.mark.parametrize("pe", ["opt4c", "opt4e"])
@choices
def test_what_elaborates_keeps_few_carries_and_counts_a_row(
    pe: str, choice: dict[str, Any]
) -> None:
    e = engine(pe, **choice)
    found: Counter[tuple[str, int]] = Counter()
    for unit in elaborated(emit.engine_modules(e), "tpe_engine"):
        found[unit.op, unit.fan_in] += unit.copies
    lanes = e.widths.lanes
    assert found["row_term", lanes + 1] == 3
    words = 1 if lanes == 1 else 2  # that a cell adds one after another: 6 cells
    assert found["half_reduce", 3] == 6 * words + 2  # ... and a column its row's term
    assert found["half_reduce", lanes] == (6 if lanes > 1 else 0)
    bits, every = e.pe.kernel.psum.word_bits(e.widths), int(choice["carry_every"])
    assert emit.rtl_widths(e)["PsumWidth"] == bits + (bits - 1) // every


@choices
def test_every_choice_lints_without_a_warning(choice: dict[str, Any]) -> None:
    for pe, types in (("opt4c", {}), ("opt4e", {"a_type": "int2", "b_type": "int3"})):
        modules = emit.rename(emit.engine_modules(engine(pe, **choice, **types)), "mine")
        assert lint(modules, "mine") == ""
        findings = slang.check(modules, "mine")
        assert not findings.errors + findings.warnings, findings


def test_yosys_reads_it_and_finds_no_latch(tmp_path: Any) -> None:
    modules = emit.rename(emit.engine_modules(engine("opt4e", **FALLING)), "mine")
    assert_no_latch(modules, "mine", tmp_path)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"carry_every": 2, "negate": "free_bits"}, "legal: 1, or negate = adder or row"),
        ({"carry_every": 4, "planes": "msb_first"}, "legal: 1, 2"),
        ({"carry_every": 3}, "carry_every = 3 is not legal: 1 | 2 | 4"),
        ({"planes": "inner", "carry_every": 2, "negate": "free_bits"}, "negate = adder or row"),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, Any], line: str) -> None:
    with pytest.raises(tpe.TpeError, match=line.replace("|", r"\|")):
        engine("opt4c", **given)


# ---- proofs ----

NARROW = {"a_type": "int4", "b_type": "int4", "acc_bits": 16}
STEPS = ("product", "accumulate", "clear", "valid", "cell", "kept_pair", "finish", "row", "front")


def answers(e: tpe.Engine, names: tuple[str, ...], given: dict[str, str]) -> dict[str, str]:
    """Result of every lemma of these names."""
    wanted = [claim for claim in all_claims(e) if claim.name.split(",")[0] in names]
    assert wanted
    return {claim.name: decide(claim.build(e, given).query, 300).result for claim in wanted}


@choices
@pytest.mark.parametrize(
    "pe", ["opt4c", *(pytest.param(x, marks=pytest.mark.full) for x in ("opt3", "opt4e"))]
)
def test_psum_and_term_are_the_textbook_sum(pe: str, choice: dict[str, Any]) -> None:
    found = answers(engine(pe, (2, 2), **NARROW, **choice), STEPS, {})
    assert found == dict.fromkeys(found, PROVED)


@pytest.mark.full
@choices
@pytest.mark.parametrize("pe", ["opt3", "opt4c"])
def test_every_beat_counts_once(pe: str, choice: dict[str, Any]) -> None:
    assert answers(engine(pe, (2, 2), **choice), ("array",), {}) == {"array": PROVED}


KEPT, STEP, ROWS = "tpe_accumulate_kept", "tpe_pe_opt4c", "tpe_row_digits"
PROOF_FAULTS = [
    ("accumulate", KEPT, "= carry_i[i/Every-1]", "= 1'b0", "opt4c", LEAN),
    ("accumulate", KEPT, "op[2] = carry[i]", "op[2] = 1'b0", "opt4c", ASKING),
    ("product", STEP, "step && Biased != 0", "Biased == 0", "opt4c", LEAN),
    ("valid", STEP, "step && Biased != 0", "Biased != 0", "opt4c", LEAN),
    ("valid", STEP, "(first_i && step)", "first_i", "opt4c", LEAN),
    ("accumulate", STEP, ".sum_i  (sums[w*", ".sum_i  (sums[0*", "opt4e", LEAN),
    ("product", ROWS, "digit[i][2] &&", "digit[i][1] &&", "opt4c", LEAN),
    ("product", ROWS, "- Excess", "", "opt4e", FALLING),
    ("product", ROWS, "l < NumOps - 1", "l < 1", "opt4e", LEAN),
    ("kept_pair", "tpe_kept_pair", "psum_i[Width+i/Every-1]", "1'b0", "opt4c", LEAN),
    ("kept_pair", "tpe_kept_pair", "{term_i, carry, sum}", "{carry, carry, sum}", "opt4c", FALLING),
    (
        "accumulate",
        "tpe_pe_opt4c_falling",
        "<< (2 / CarryEvery)",
        "<< 2",
        "opt4c",
        FALLING,
    ),
    ("valid", "tpe_pe_opt4c_falling", " && (valid_i ||", " || (valid_i &&", "opt4c", FALLING),
]


@pytest.mark.parametrize("fault", PROOF_FAULTS, ids=lambda f: f"{f[1]}: {f[3]}")
def test_a_fault_is_refuted(fault: tuple[str, str, str, str, str, dict[str, Any]]) -> None:
    lemma, module, right, wrong, pe, choice = fault
    good = sources.text(module)
    assert right in good
    e = engine(pe, (2, 2), **NARROW, **choice)
    assert REFUTED in answers(e, (lemma,), {module: good.replace(right, wrong)}).values()


TERM, GATE = (
    "      .en_i   ({}),\n      .valid_i(active_q[0])",
    "        .en_i ({}),\n        .clk_o",
)
FAULTS = [
    ("tpe_sparse_row", "(shift_q ? term << 2 : term)", "(term)", FALLING),
    ("tpe_sparse_row", "shadow_term_q  <= term;", "shadow_term_q  <= '0;", LEAN),
    ("tpe_sparse_row", "else if (Hold !=", "else if (1'b0 && Hold !=", FALLING),
    ("tpe_sparse_row", TERM.format("en"), TERM.format("1'b1"), ASKING),
    ("tpe_sparse_row", GATE.format("en"), GATE.format("1'b1"), ASKING),
    ("tpe_matrix2d_indexed", ".term_i(row_term)", ".term_i(term[0])", LEAN),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[1]}: {f[3]}")
def test_a_fault_is_seen(fault: tuple[str, str, str, dict[str, Any]], monkeypatch: Any) -> None:
    module, right, wrong, choice = fault
    e = engine("opt4c", (4, 1), **choice)
    break_module(monkeypatch, e, module, right, wrong)
    a, b = operands(e, 9, 2, 40, seed=2)
    a[:, 4:8], a[1::2, :16], a[::4, :4] = 0, 0, 0  # empty groups: within, all, the first alone
    outcomes = cosimulate([Case(e, a[:, :k], b[:k], h) for k in (4, 40) for h in (ALWAYS, STALLS)])
    assert not all(outcome.ok for outcome in outcomes)
