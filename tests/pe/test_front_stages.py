"""Stages of a front whose bit weights are outermost, in RTL: values, cycles, faults, proofs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, break_module
from tests.contract.combos import TYPES, UNSIGNED, operands, types_of
from tests.pe.test_lean_digits import LEAN, NARROW, SLOW_SINK, answers, engine
from tpe.array.base import ALWAYS, Handshake
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.formal.solve import PROVED, REFUTED
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS, corners

HANDSHAKES = (ALWAYS, STALLS, SLOW_SINK, Handshake(0x5A5A_1F0F, 0x0FF0_6C36))
# Orders of bit weights, who waits where, what bounds rows, and where B has its words from.
ORDERS: list[dict[str, Any]] = [
    {},
    {"planes": "msb_first"},
    {"shadow": "off"},
    {"drift": 2, "b_supply": "ported"},
    {"drift": 1, "overlap": "load", "planes": "msb_first"},
    {"overlap": "load", "shadow": "off", "finish_stages": 2},
    LEAN,
]
FEW = [  # PE, order, stages: each PE, order and number of stages is there
    ("opt4c", 0, 2),
    ("opt4e", 1, 3),
    ("opt4e", 2, 2),
    ("opt4e", 3, 3),
    ("opt3", 4, 2),
    ("opt4c", 5, 3),
    ("opt3", 6, 3),
]


def cases(e: tpe.Engine) -> list[Case]:
    """Several tiles and passes; K of one group, with empty groups; sources that are late."""
    found = []
    for k in (1, 5, 17, 70):
        a, b = operands(e, e.rows + 2, e.cols + 1, k, seed=k)
        found += [Case(e, a, b, h) for h in HANDSHAKES]
        a = a * (np.random.default_rng(k).random(a.shape) < 0.3)
        found += [Case(e, a, b, h) for h in (ALWAYS, STALLS)]
        found.append(Case(e, a, b, a_hold=0x0F0F_3355, b_hold=0x1248_F00F))
    return found


def test_stages_equal_the_rtl_in_values_and_cycles() -> None:
    assert_all_agree(
        [x for pe, i, n in FEW for x in cases(engine(pe, front_stages=n, **ORDERS[i]))]
    )


@pytest.mark.full
@pytest.mark.parametrize("pe", ["opt3", "opt4c", "opt4e"])
def test_every_order_and_size_with_stages_equals_the_rtl(pe: str) -> None:
    found = []
    for stages in (2, 3):
        for order in ORDERS:
            found += cases(engine(pe, front_stages=stages, **order))
        for size in ((1, 1), (1, 4), (6, 1)):
            found += cases(engine(pe, size, front_stages=stages))
    assert_all_agree(found)


@pytest.mark.full
def test_types_encoders_and_a_long_k_with_stages_equal_the_rtl() -> None:
    found = []
    pes = ("opt4c", "opt4e", "opt3")
    for i, types in enumerate(TYPES):
        e = engine(pes[i % 3], (2, 2), front_stages=2 + i % 2, **types_of(*types))
        found += [Case(e, *operands(e, 4, 3, k, seed=k), STALLS) for k in (1, 4, 70)]
        found += list(corners(e, 5))
    for i, (a_type, b_type, mode, a_zero, b_zero) in enumerate(UNSIGNED[::3]):
        types = {"a_type": a_type, "b_type": b_type, "zero_points": mode}
        e = engine(pes[i % 3], (2, 2), front_stages=3 - i % 2, **types)
        zeros = {"a_zero": a_zero, "b_zero": b_zero}
        found += [Case(e, *operands(e, 4, 3, k, seed=2), STALLS, **zeros) for k in (5, 40)]
    for stages, more in ((2, {"encoder": "booth"}), (3, {"encoder": "booth", **LEAN})):
        found += cases(engine("opt4c", (2, 2), front_stages=stages, **more))
    e = engine("opt4c", (2, 3), front_stages=3, encode="weights", gating="clock")
    found.append(Case(e, *operands(e, 4, 5, 33, seed=6), STALLS))
    for depth in (1024, 8192):
        e = engine("opt4c", (2, 2), depth=depth, front_stages=3)
        a, b = operands(e, 3, 2, 5000, seed=1)
        a[:, 1000:2000] = 0
        found += [Case(e, a, b, h) for h in (ALWAYS, STALLS)]
    assert_all_agree(found)


# ---- the rule of stages ----


@pytest.mark.parametrize("order", [{}, {"planes": "msb_first"}, {"shadow": "off"}], ids=str)
def test_a_stage_is_a_cycle_of_every_pass_and_no_other(order: dict[str, Any]) -> None:
    for pe in ("opt3", "opt4c", "opt4e"):
        plain = engine(pe, (2, 2), depth=64, **order)
        a, b = operands(plain, 6, 4, 200, seed=4)  # slots of two rows come before they are due
        before, passes = plain.run(a, b).terms, 3 * 2 * 4
        for stages in (2, 3):
            after = engine(pe, (2, 2), depth=64, front_stages=stages, **order).run(a, b).terms
            assert after == replace(before, fill_drain=before.fill_drain + passes * (stages - 1))


def test_one_stage_has_the_front_that_it_had() -> None:
    for pe in ("opt3", "opt4c", "opt4e"):
        inside = set(emit.engine_modules(engine(pe)))
        assert {"tpe_front_sparse", "tpe_front_lane"} <= inside
        assert not [name for name in inside if name.endswith(("_staged", "_cut"))]
        inside = set(emit.engine_modules(engine(pe, front_stages=2)))
        assert "tpe_front_lane_staged" in inside and "tpe_front_lane" not in inside


def test_other_values_are_refused() -> None:
    with pytest.raises(tpe.TpeError, match="front_stages = 4 is not legal: an integer from 1 to 3"):
        engine("opt4e", front_stages=4)
    with pytest.raises(
        tpe.TpeError, match="cell_stages = 2 is not legal with planes = 'lsb_first'"
    ):
        engine("opt4c", front_stages=2, cell_stages=2)


def test_stages_lint_without_a_warning() -> None:
    for pe, more in (("opt4c", {"a_type": "int2", "b_type": "int3"}), ("opt4e", LEAN)):
        modules = emit.engine_modules(engine(pe, front_stages=3, **more))
        assert lint(emit.rename(modules, "mine"), "mine") == ""


# ---- a test that cannot fail shows nothing ----

LANE, ROW = "tpe_front_lane_staged", "tpe_front_sparse_staged"
FAULTS = [
    (LANE, "&& !goes_q && allowed_i", "&& !goes_q", "opt4e"),
    (LANE, "load : move[(s == Last) ? s : s+1]", "1'b0 : move[(s == Last) ? s : s+1]", "opt4c"),
    (LANE, "? |rest : load", "? 1'b0 : load", "opt4c"),
    (LANE, "goes_q ? lane : lane_in", "lane_in", "opt4c"),
    (LANE, "tail_q[Last] ? '0 : group_next_q", "group_next_q", "opt4c"),
    (LANE, "if (en_i && move[0]) plane_in", "if (en_i) plane_in", "opt4c"),
    (LANE, ".en_i   (en_i && move[0])", ".en_i   (en_i)", "opt4c"),
    (ROW, "met     = &(closed_q & (last | ~valid))", "met     = &closed_q", "opt4e"),
    (ROW, "if (valid_o) begun_q <= !met", "if (valid_o) begun_q <= 1'b1", "opt4e"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[0]}: {f[2]}")
def test_a_fault_is_seen(fault: tuple[str, str, str, str], monkeypatch: Any) -> None:
    module, right, wrong, pe = fault
    e = engine(pe, (4, 1), front_stages=3)
    break_module(monkeypatch, e, module, right, wrong)
    a, b = operands(e, 9, 2, 40, seed=2)
    a[:, 4:8], a[1::2, :16] = 0, 0
    outcomes = cosimulate([Case(e, a[:, :k], b[:k], h) for k in (4, 40) for h in (ALWAYS, STALLS)])
    assert not all(outcome.ok for outcome in outcomes)


# ---- proofs ----


def test_digits_a_cycle_late_are_proved() -> None:
    for encoder in ("ent", "booth"):
        found = answers(engine("opt4c", encoder=encoder, front_stages=3), ("encode_cut",), {})
        assert found == {"encode_cut": PROVED}


@pytest.mark.parametrize("stages", [2, pytest.param(3, marks=pytest.mark.full)])
def test_every_digit_of_a_group_leaves_once(stages: int) -> None:
    e = engine("opt4c", (2, 2), front_stages=stages, **NARROW)
    assert answers(e, ("front",), {}) == {"front": PROVED}


@pytest.mark.full
@pytest.mark.parametrize("choice", [LEAN, {"planes": "msb_first"}, {"shadow": "off"}], ids=str)
@pytest.mark.parametrize("pe", ["opt3", "opt4c"])
def test_rows_and_arrays_with_stages_are_proved(pe: str, choice: dict[str, Any]) -> None:
    names = ("front", "row", "array")
    found = answers(engine(pe, (2, 2), front_stages=3, **NARROW, **choice), names, {})
    assert found == dict.fromkeys(names, PROVED)


PROOF_FAULTS = [
    ("encode_cut", "tpe_encode_cut", "sign_q ^ negative", "sign ^ negative"),
    ("encode_cut", "tpe_encode_cut", "(t >= 3'd3)", "(t > 3'd3)"),
    ("front", LANE, "&& !goes_q && allowed_i", "&& !goes_q"),
    ("front", LANE, "goes_q ? rest : rest_in", "goes_q ? rest_q : rest_in"),
    ("front", LANE, "first_q <= !goes_q &&", "first_q <="),
    ("front", LANE, "close_q && !goes_q", "close_q"),
    ("front", LANE, "if (closes_o) plane_next_q", "if (load) plane_next_q"),
]


@pytest.mark.parametrize("fault", PROOF_FAULTS, ids=lambda f: f"{f[1]}: {f[3]}")
def test_a_fault_is_refuted(fault: tuple[str, str, str, str]) -> None:
    lemma, module, right, wrong = fault
    good = sources.text(module)
    assert good.count(right) == 1
    e = engine("opt4c", (2, 2), front_stages=3, **NARROW)
    assert answers(e, (lemma,), {module: good.replace(right, wrong)}) == {lemma: REFUTED}
