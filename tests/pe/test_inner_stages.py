"""Pipeline stages of OPT4C with the digits of a K group inside, in RTL: values, cycles, faults."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, break_module
from tests.contract.combos import operands
from tests.pe.test_inner import SLOW_SINK, engine
from tpe.array.base import ALWAYS, Handshake
from tpe.base.errors import TpeError
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS

HANDSHAKES = (ALWAYS, STALLS, SLOW_SINK, Handshake(0x5A5A_1F0F, 0x0FF0_6C36))
# Stages of front, cell, finish; lanes, group, window of each in the order of the tests.
STAGES = [x for x in product((1, 2, 3), (1, 2, 4), (1, 3)) if x != (1, 1, 1)]  # 3 has what 2 has
FORMS = list(product((1, 2), (4, 8, 16), (0, 1, 2)))


def staged(number: int, size: tuple[int, int] = (3, 2), **parameters: Any) -> tpe.Engine:
    """Stages and a form: all of either come, and every window with every front."""
    front, cell, finish = STAGES[number % len(STAGES)]
    lanes, group, window = FORMS[(5 * number + number // len(STAGES)) % len(FORMS)]
    stages = {"front_stages": front, "cell_stages": cell, "finish_stages": finish}
    return engine(size, lanes=lanes, group=group, window=window, **stages, **parameters)


def cases(e: tpe.Engine) -> list[Case]:
    """Several tiles; K short and long against the rows, with empty groups; several handshakes."""
    found = []
    for k in (1, 5, 17, 40):
        a, b = operands(e, 2 * e.rows + 1, e.cols + 1, k, seed=k)
        found += [Case(e, a, b, h) for h in HANDSHAKES]
        a = a * (np.random.default_rng(k).random(a.shape) < 0.3)
        found += [Case(e, a, b, h) for h in HANDSHAKES]
        found.append(Case(e, a, b, a_hold=0x0F0F_3355, b_hold=0x1248_F00F))
    return found


def test_every_form_comes_with_stages() -> None:
    seen = [staged(i).params for i in range(3 * len(STAGES))]
    names = ("lanes", "group", "window")
    assert {tuple(p[n] for n in names) for p in seen} == set(FORMS)
    pairs = {(p["front_stages"], p["window"]) for p in seen}
    assert pairs == set(product((1, 2, 3), (0, 1, 2)))


@pytest.mark.parametrize("overlap", ["none", "drain", "stream"])
@pytest.mark.parametrize(
    "part", [0, *(pytest.param(i, marks=pytest.mark.full) for i in range(1, 6))]
)
def test_stages_equal_the_rtl_in_values_and_cycles(part: int, overlap: str) -> None:
    numbers = range(part + 6 * ["none", "drain", "stream"].index(overlap), 51, 18)
    assert_all_agree([x for i in numbers for x in cases(staged(i, overlap=overlap))])


@pytest.mark.parametrize(
    "size", [(1, 1), *(pytest.param(x, marks=pytest.mark.full) for x in ((1, 4), (8, 1)))], ids=str
)
def test_odd_sizes_with_stages_equal_the_rtl(size: tuple[int, int]) -> None:
    found = []
    for i, overlap in enumerate(("none", "drain", "stream")):
        most = {"front_stages": 3, "cell_stages": 3, "finish_stages": 2, "overlap": overlap}
        found += cases(engine(size, window=i, **most))
    assert_all_agree(found)


def test_a_long_k_and_other_types_with_stages_equal_the_rtl() -> None:
    most = {"front_stages": 3, "cell_stages": 2, "finish_stages": 3, "overlap": "stream"}
    e = engine((2, 2), window=1, lanes=2, negate="free_bits", **most)
    a, b = operands(e, 5, 3, 5003, seed=1)
    a[:, 1000:2000] = 0
    found = [Case(e, a, b, h) for h in (ALWAYS, STALLS)]
    for types in (("int2", "int3"), ("int16", "int5"), ("uint4", "int8")):
        e = engine((2, 2), window=1, a_type=types[0], b_type=types[1], **most)
        found += [Case(e, *operands(e, 5, 3, k, seed=k), h) for k in (1, 33) for h in HANDSHAKES]
    e = engine((2, 3), encode="weights", encoder="booth", gating="clock", **most)
    found.append(Case(e, *operands(e, 4, 5, 33, seed=6), STALLS))
    assert_all_agree(found)


# ---- the rule of stages ----


@pytest.mark.parametrize("overlap", ["none", "drain", "stream"])
def test_a_stage_is_a_cycle_of_fill_drain_and_no_other(overlap: str) -> None:
    plain = engine((3, 2), window=1, overlap=overlap)
    a, b = operands(plain, 10, 4, 60, seed=4)
    tiles = 4 * 2
    before = plain.run(a, b).terms
    for front, cell, finish in STAGES:
        stages = {"front_stages": front, "cell_stages": cell, "finish_stages": finish}
        after = engine((3, 2), window=1, overlap=overlap, **stages).run(a, b).terms
        outside, inside = (front - 1) + (finish - 1), cell - 1
        each = {"none": outside + inside, "drain": inside, "stream": 0}[overlap]
        more = (tiles - 1) * each + outside + inside
        assert after.fill_drain == before.fill_drain + more
        assert after == replace(before, fill_drain=after.fill_drain)


def test_stages_of_a_cell_are_those_of_inner_planes() -> None:
    with pytest.raises(TpeError, match="cell_stages = 2 is not legal with planes = 'lsb_first'"):
        tpe.Engine("opt4c", "matrix2d", (2, 2), cell_stages=2)


@pytest.mark.parametrize("name", ["front_stages", "cell_stages"])
def test_other_numbers_of_stages_are_refused(name: str) -> None:
    with pytest.raises(TpeError, match=f"{name} = 9 is not legal: an integer from 1 to"):
        engine(**{name: 9})


# ---- a test that cannot fail shows nothing ----

FAULTS = [
    ("tpe_matrix2d_window_staged", "!(push ? all_room[1] : all_room[0])", "!all_room[0]"),
    ("tpe_matrix2d_window_staged", "!(push ? all_idle[1] : all_idle[0])", "!all_idle[0]"),
    ("tpe_matrix2d_window_staged", "(beat && a_last_i) || (shut_q && !over)", "1'b0"),
    ("tpe_matrix2d_window_staged", "b_in_q <= b_ahead[Ahead]", "b_in_q <= b_ahead[Last]"),
    ("tpe_matrix2d_window_staged", ".coming_i(coming)", ".coming_i(1'b0)"),
    ("tpe_matrix2d_window_staged", "coming = inside_q", "coming = 1'b0"),
    ("tpe_word_stage", "!(spilt_d && (coming_i || (valid_i && spilt_q)))", "1'b1"),
    ("tpe_word_stage", "!free && (spilt_q || valid_i)", "!free && valid_i"),
    ("tpe_word_stage", "if (!spilt_q) spill_q", "if (spilt_q) spill_q"),
]


@pytest.mark.parametrize(
    "fault",
    [pytest.param(f, marks=[pytest.mark.full] if i % 2 else []) for i, f in enumerate(FAULTS)],
    ids=lambda f: f"{f[0]}: {f[2]}",
)
def test_a_fault_is_seen(fault: tuple[str, str, str], monkeypatch: Any) -> None:
    module, right, wrong = fault
    # With four rows the last word of a tile is refused a place, with five one that is not the last;
    # with a register inside the finish more of them are on their way.
    finish = 3 if right == "coming = inside_q" else 2
    rows = 4 if wrong == "!free && valid_i" else 5 if finish == 2 else 7
    e = engine((rows, 2), window=1, lanes=2, front_stages=3, cell_stages=2, finish_stages=finish)
    break_module(monkeypatch, e, module, right, wrong)
    a, b = operands(e, 7, 4, 70, seed=2)
    a[:, 4:8], a[1::2, :16], a[3, :4] = 0, 0, 0
    found = [Case(e, a[:, :k], b[:k], h) for k in (4, 70) for h in HANDSHAKES]
    outcomes = cosimulate(found)
    assert not all(outcome.ok for outcome in outcomes)
