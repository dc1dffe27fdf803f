"""OPT4C with the digits of a K group inside, in RTL: values, cycles, what it is made of, faults."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, assert_no_latch, break_module
from tests.contract.combos import TYPES, operands, types_of
from tpe.array.base import ALWAYS, Handshake
from tpe.hdl import emit
from tpe.hdl.simulate import cell_cosim, slang
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.elaborate import elaborated
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS, corners
from tpe.testing.rtl import disturb

FORMS = list(product((4, 8, 16), (1, 2), (0, 1, 2)))  # group, lanes, window
SLOW_SINK = Handshake(0, 0x7FFF_FFFE)
forms = pytest.mark.parametrize(
    "form", FORMS, ids=lambda form: "group{}-lanes{}-window{}".format(*form)
)


def engine(size: tuple[int, int] = (3, 2), **parameters: Any) -> tpe.Engine:
    return tpe.Engine("opt4c", "matrix2d", size, planes="inner", **parameters)


def of_form(form: tuple[int, int, int], **parameters: Any) -> tpe.Engine:
    group, lanes, window = form
    return engine(group=group, lanes=lanes, window=window, **parameters)


def shapes(e: tpe.Engine) -> list[Case]:
    """M and N that are no multiples of the size, short and long K, empty groups, stalls."""
    cases = []
    for k in (1, 3, 4, 5, 33):
        a, b = operands(e, e.rows + 1, e.cols + 1, k, seed=k)
        cases += [Case(e, a, b, h) for h in (ALWAYS, STALLS, SLOW_SINK)]
        a = a * (np.random.default_rng(k).random(a.shape) < 0.4)
        cases += [Case(e, a, b, h) for h in (ALWAYS, STALLS)]
        cases.append(Case(e, a, b, a_hold=0x0F0F_3355, b_hold=0x1248_F00F))
    low = np.full((e.rows + 1, 9), -128)
    cases += [Case(e, x, low.T[:, : e.cols], STALLS) for x in (low, 0 * low)]
    return cases


@pytest.mark.parametrize("window", [0, 1, 2])
@pytest.mark.parametrize("lanes", [1, 2])
def test_every_form_equals_the_rtl_in_values_and_cycles(lanes: int, window: int) -> None:
    assert_all_agree([x for g in (4, 8, 16) for x in shapes(of_form((g, lanes, window)))])


def test_a_register_of_the_finish_chain_behind_it_equals_the_rtl() -> None:
    """Words leave it when the sink is willing, a cycle behind the array at the soonest."""
    cases, saturated = [], {"overflow": "saturate", "acc_bits": 20}
    for overlap, stages in (("none", 1), ("drain", 2), ("stream", 3)):
        e = engine((2, 2), window=1, overlap=overlap, finish_stages=stages, **saturated)
        for k in (1, 6, 33):
            a, b = operands(e, 5, 5, k, seed=k)
            hands = (ALWAYS, STALLS, SLOW_SINK, Handshake(0x1248_8421, 0x5A5A_1234))
            cases += [Case(e, a, b, h) for h in hands]
    assert_all_agree(cases)


def test_sizes_types_and_choices_equal_the_rtl() -> None:
    cases = []
    for size in ((1, 1), (1, 3), (5, 1)):
        cases += shapes(engine(size, window=2))[:9]
    for i, types in enumerate(TYPES):
        e = of_form(FORMS[i], **types_of(*types))
        cases += [Case(e, *operands(e, 4, 3, k, seed=k), STALLS) for k in (1, 4, 33)]
        cases += list(corners(e, 5))
    unsigned = {"a_type": "uint8", "b_type": "uint7", "zero_points": "subtract"}
    e = of_form((8, 2, 1), **unsigned)
    cases.append(Case(e, *operands(e, 4, 3, 21, seed=2), STALLS, a_zero=3, b_zero=100))
    for choice in ({"encoder": "booth"}, {"tree": "wallace", "lanes": 2}, {"gating": "clock"}):
        e = engine(**choice, negate="adder" if "tree" in choice else "free_bits")
        cases += [Case(e, *operands(e, 4, 3, 33, seed=5), h) for h in (ALWAYS, STALLS)]
    e = engine(encode="weights", window=1)
    cases.append(Case(e, *operands(e, 4, 5, 33, seed=6), STALLS))
    assert_all_agree(cases)


@pytest.mark.parametrize("overlap", ["drain", "stream"])
def test_tiles_that_overlap_equal_the_rtl(overlap: str) -> None:
    cases = []
    for size, form in (((1, 1), (4, 1, 0)), ((2, 2), (4, 2, 1)), ((5, 2), (8, 1, 2))):
        group, lanes, window = form
        e = engine(size, overlap=overlap, group=group, lanes=lanes, window=window)
        for k in (1, 5, 17, 40):
            a, b = operands(e, 3 * size[0] + 1, size[1] + 1, k, seed=k)
            a = a * (np.random.default_rng(k).random(a.shape) < 0.5)
            cases += [Case(e, a, b, h) for h in (ALWAYS, STALLS, SLOW_SINK)]
    assert_all_agree(cases)


# ---- the cell ----


@pytest.mark.parametrize(
    "parameters",
    [{}, {"lanes": 2, "window": 2, "negate": "free_bits"}, {"group": 16, "encoder": "booth"}],
    ids=str,
)
def test_the_cell_on_all_pairs_and_on_random_steps(parameters: dict[str, Any]) -> None:
    e = engine((1, 1), **parameters)
    a, b = (x.ravel() for x in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)))
    for lane in range(e.widths.lanes):
        steps, index = cell_cosim.steps_of_pairs(e, a, b, lane)
        for shown in (cell_cosim.rtl_steps(e, steps), cell_cosim.model_steps(e, steps)):
            assert (shown[index].sum(axis=1) == a * b).sum() == 65536
    random = disturb(e, steps)
    taken = np.flatnonzero(random.en & random.valid)
    assert set(random.plane) == set(range(4)) and (np.diff(random.plane) < 0).any()
    shown = cell_cosim.model_steps(e, random)[taken]
    assert (cell_cosim.rtl_steps(e, random)[taken] == shown).all()
    assert len(set(shown.tolist())) > 1000


# ---- what it is made of ----


@pytest.mark.parametrize("form", [(4, 1, 0), (8, 2, 1), (16, 1, 2)], ids=str)
def test_what_elaborates_is_what_the_rule_needs(form: tuple[int, int, int]) -> None:
    group, lanes, _ = form
    e = of_form(form)
    acc, digits, cells = e.widths.acc, e.widths.digits, 6
    found: Counter[tuple[str, int]] = Counter()
    for unit in elaborated(emit.engine_modules(e), "tpe_engine"):
        found[unit.op, unit.fan_in] += unit.copies
        if unit.op in ("half_reduce", "add"):
            assert unit.bits == acc
    assert found == {
        ("encode", 1): 3 * group,
        ("sparse", 1): 3 * lanes * group * digits,
        ("map", 1): cells * lanes,
        ("shift", 1): cells * lanes,
        ("half_reduce", lanes + 2): cells,
        ("add", 1): 2,
    }


@forms
def test_every_form_lints_without_a_warning(form: tuple[int, int, int]) -> None:
    for types in ({}, {"a_type": "int2", "b_type": "int3"}, {"a_type": "uint16"}):
        modules = emit.rename(emit.engine_modules(of_form(form, **types)), "mine")
        assert lint(modules, "mine") == ""
        findings = slang.check(modules, "mine")
        assert not findings.errors + findings.warnings, findings


@pytest.mark.parametrize("form", [(4, 1, 0), (8, 2, 1), (4, 1, 2)], ids=str)
def test_yosys_reads_it_and_finds_no_latch(form: tuple[int, int, int], tmp_path: Any) -> None:
    modules = emit.rename(emit.engine_modules(of_form(form)), "mine")
    assert_no_latch(modules, "mine", tmp_path)


# ---- a test that cannot fail shows nothing ----

FAULTS = [
    ("tpe_front_group", "(two[2*i] && one[2*i+1])", "1'b0"),
    ("tpe_front_group", "none[1] = lone_q;", "none[1] = 1'b0;"),
    ("tpe_front_group", "(start_q || |flag_q)", "|flag_q"),
    ("tpe_front_group", "else if (en_i && busy_q && over) begin", "else if (en_i && busy_q) begin"),
    ("tpe_front_group", "push && fill == FillWidth'(i)", "push && fill_q == FillWidth'(i)"),
    ("tpe_pe_opt4c_inner", "{Above{ones}}", "{Above{1'b0}}"),
    ("tpe_pe_opt4c_inner", "index == IndexWidth'(i)", "index[1:0] == 2'(i)"),
    ("tpe_matrix2d_window", "closed_q && (&idle)", "closed_q && (|idle)"),
    ("tpe_matrix2d_window", "put_q <= beat;", "put_q <= 1'b1;"),
    ("tpe_matrix2d_window", "assign stream = open && !closed_q;", "assign stream = open;"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[0]}: {f[2]}")
def test_a_fault_is_seen(fault: tuple[str, str, str], monkeypatch: Any) -> None:
    module, right, wrong = fault
    e = of_form((4, 2, 2), negate="free_bits")
    break_module(monkeypatch, e, module, right, wrong)
    a, b = operands(e, 7, 4, 70, seed=2)
    a[:, 4:8], a[1::2, :16], a[3, :4] = 0, 0, 0
    outcomes = cosimulate([Case(e, a, b, h) for h in (ALWAYS, STALLS)])
    assert not all(outcome.ok for outcome in outcomes)
