"""Sparse PEs without shadows, in RTL: values, cycles, what they are made of, faults.

`planes = msb_first` keeps all bit weights of a pass in one pair; with `shadow = off` rows ask.
"""

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
from tpe.hdl.simulate import cell_cosim, slang
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.elaborate import elaborated
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS, corners
from tpe.testing.rtl import disturb

PES = ("opt3", "opt4c", "opt4e")
FALLING, DIRECT = {"planes": "msb_first"}, {"shadow": "off"}
SLOW_SINK = Handshake(0, 0x7FFF_FFFE)
pes = pytest.mark.parametrize("pe", PES)
choices = pytest.mark.parametrize("choice", [FALLING, DIRECT], ids=["msb_first", "off"])


def engine(pe: str, size: tuple[int, int] = (3, 2), **parameters: Any) -> tpe.Engine:
    """Short passes, so that K = 40 takes several."""
    depth = {"opt4e": 32}.get(pe, 16)
    return tpe.Engine(pe, "matrix2d", size, **{"depth": depth, **parameters})


def shapes(e: tpe.Engine) -> list[Case]:
    """K of one group and of several passes, dense, sparse and constant A, sources that hesitate."""
    cases = []
    for k in (1, 4, 7, 33, 70):
        a, b = operands(e, e.rows + 2, e.cols + 1, k, seed=k)
        cases += [Case(e, a, b, h) for h in (ALWAYS, STALLS, SLOW_SINK)]
        a = a * (np.random.default_rng(k).random(a.shape) < 0.3)
        cases += [Case(e, a, b, h) for h in (ALWAYS, STALLS)]
        cases.append(Case(e, a, b, a_hold=0x0F0F_3355, b_hold=0x1248_F00F))
    low = np.full((e.rows + 1, 40), -128)
    top = np.where(np.arange(40) % 16 < 8, -128, 0)[None, :] + np.zeros((e.rows, 1), int)
    for x in (low, 0 * low, low * 0 + 1, top):  # whole planes of zeros, below, above, all
        cases += [Case(e, x, low.T[:, : e.cols], h) for h in (ALWAYS, STALLS)]
    return cases


@pytest.mark.parametrize(
    ("pe", "choice"),
    [
        pytest.param("opt4c", FALLING, id="msb_first-opt4c"),
        pytest.param("opt4c", DIRECT, id="off-opt4c"),
        pytest.param("opt4e", FALLING, id="msb_first-opt4e"),
        pytest.param("opt4e", DIRECT, id="off-opt4e", marks=pytest.mark.full),
        pytest.param("opt3", FALLING, id="msb_first-opt3", marks=pytest.mark.full),
        pytest.param("opt3", DIRECT, id="off-opt3", marks=pytest.mark.full),
    ],
)  # opt3's cell and row are opt4c's
def test_sizes_drift_and_loads_equal_the_rtl(pe: str, choice: dict[str, Any]) -> None:
    cases = []
    for size in ((3, 2), (1, 1), (6, 1)):
        cases += shapes(engine(pe, size, **choice))
    for more in ({"drift": 1}, {"drift": 3, "overlap": "load"}, {"overlap": "load"}):
        cases += shapes(engine(pe, **choice, **more))[:24]
    assert_all_agree(cases)


@pytest.mark.parametrize(
    "choice",
    [FALLING, pytest.param(DIRECT, marks=pytest.mark.full)],
    ids=["msb_first", "off"],
)
def test_types_encoders_and_cells_equal_the_rtl(choice: dict[str, Any]) -> None:
    cases = []
    for i, types in enumerate(TYPES):
        e = engine(PES[i % 3], (2, 2), **choice, **types_of(*types))
        cases += [Case(e, *operands(e, 4, 3, k, seed=k), STALLS) for k in (1, 4, 70)]
        cases += list(corners(e, 5))
    for i, (a_type, b_type, mode, a_zero, b_zero) in enumerate(UNSIGNED[::3]):
        types = {"a_type": a_type, "b_type": b_type, "zero_points": mode}
        e = engine(PES[i % 3], (2, 2), **choice, **types)
        zeros = {"a_zero": a_zero, "b_zero": b_zero}
        cases += [Case(e, *operands(e, 4, 3, k, seed=2), STALLS, **zeros) for k in (5, 40)]
    for i, more in enumerate(
        (
            {"encoder": "booth", "negate": "free_bits"},
            {"tree": "wallace", "overflow": "saturate", "acc_bits": 16},
            {"gating": "clock", "encode": "weights"},
        )
    ):
        e = engine(PES[i], (2, 2), **choice, **more)
        cases += [Case(e, *operands(e, 4, 3, 40, seed=5), h) for h in (ALWAYS, STALLS)]
    assert_all_agree(cases)


# ---- the cell ----


@pytest.mark.parametrize(
    ("pe", "parameters"),
    [
        ("opt4c", {}),
        ("opt3", {"encoder": "booth"}),
        pytest.param("opt4e", {"negate": "free_bits"}, marks=pytest.mark.full),
    ],
    ids=str,
)
def test_the_cell_on_all_pairs_and_on_random_steps(pe: str, parameters: dict[str, Any]) -> None:
    e = engine(pe, (1, 1), **FALLING, **parameters)
    a, b = (x.ravel() for x in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)))
    for lane in range(e.widths.lanes):
        steps, index = cell_cosim.steps_of_pairs(e, a, b, lane)
        assert index.shape == (65536, 1) and steps.plane[:4].tolist() == [0, 1, 1, 1]
        for shown in (cell_cosim.rtl_steps(e, steps), cell_cosim.model_steps(e, steps)):
            assert (shown[index].sum(axis=1) == a * b).sum() == 65536
    random = disturb(e, steps)
    taken = np.flatnonzero(random.en & random.valid)
    assert set(random.plane) == {0, 1} and (np.diff(random.plane) < 0).any()
    shown = cell_cosim.model_steps(e, random)[taken]
    assert (cell_cosim.rtl_steps(e, random)[taken] == shown).all()
    assert len(set(shown.tolist())) > 1000


# ---- what it is made of ----


@pes
def test_what_elaborates_is_one_pair_and_one_finish_a_column(pe: str) -> None:
    e = engine(pe, **FALLING)
    w, cells = e.widths, 6
    pair = (w.depth * 2**14).bit_length() + 1
    fronts = cells if e.pe.own_front else 3 * w.lanes
    found: Counter[tuple[str, int]] = Counter()
    for unit in elaborated(emit.engine_modules(e), "tpe_engine"):
        found[unit.op, unit.fan_in] += unit.copies
        if unit.op == "half_reduce":
            assert unit.bits == pair
    assert found == {
        ("encode", 1): 4 * fronts,
        ("sparse", 1): 4 * fronts,
        ("map", 1): cells * w.lanes,
        ("half_reduce", w.lanes + 2): cells,
        ("add", 1): 2,
        ("accumulate", 2): 2,
    }
    assert not e.has_nest
    rows = e.run(*operands(e, 3, 3, 9, seed=1)).rows()
    assert rows[0]["cycles"] > 0


@pes
@choices
def test_every_choice_lints_without_a_warning(pe: str, choice: dict[str, Any]) -> None:
    for types in ({}, {"a_type": "int2", "b_type": "int3"}, {"a_type": "uint16"}, {"drift": 2}):
        for size in ((1, 1), (3, 2)):
            modules = emit.rename(emit.engine_modules(engine(pe, size, **choice, **types)), "mine")
            assert lint(modules, "mine") == ""
            findings = slang.check(modules, "mine")
            assert not findings.errors + findings.warnings, findings


@pytest.mark.parametrize(("pe", "choice"), [("opt3", FALLING), ("opt4e", DIRECT)], ids=str)
def test_yosys_reads_it_and_finds_no_latch(pe: str, choice: dict[str, Any], tmp_path: Any) -> None:
    modules = emit.rename(emit.engine_modules(engine(pe, **choice)), "mine")
    assert_no_latch(modules, "mine", tmp_path)


# ---- a test that cannot fail shows nothing ----

UP = "psum_i[PsumWidth-1:PairWidth]"
CODE = "assign code_d[g]    = digit[g]"
AHEAD = "left[other] || (ask_i[other] && other {} r)"
FAULTS = [
    (FALLING, "tpe_pe_opt4c_falling", f"{UP} << (2 / CarryEvery)", UP),
    (FALLING, "tpe_front_lane", f"{CODE}[LastPlane-plane_next_q];", f"{CODE}[plane_next_q];"),
    (FALLING, "tpe_sparse_row", "(read_first_q || |read_code_q[f])", "|read_code_q[f]"),
    (FALLING, "tpe_sparse_row", "last_q && (final_q || MsbFirst == 0)", "last_q"),
    (FALLING, "tpe_finish_pass", "({kept, acc_i})", "({kept, AccWidth'(0)})"),
    (DIRECT, "tpe_sparse_row", "assign en       = !whole_q || slot_i;", "assign en = 1'b1;"),
    (DIRECT, "tpe_sparse_row", "en && last_q && !final_q", "en && last_q"),
    (DIRECT, "tpe_oldest", AHEAD.format("<"), AHEAD.format(">")),
    (DIRECT, "tpe_oldest", "assign left = waiting_q & ~grant_o;", "assign left = waiting_q;"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[1]}: {f[3]}")
def test_a_fault_is_seen(fault: tuple[dict[str, Any], str, str, str], monkeypatch: Any) -> None:
    choice, module, right, wrong = fault
    e = engine("opt4c", (4, 1), **choice)
    break_module(monkeypatch, e, module, right, wrong)
    a, b = operands(e, 9, 2, 40, seed=2)
    a[:, 4:8], a[1::2, :16], a[::4, :4] = 0, 0, 0  # empty groups: within, all, the first alone
    outcomes = cosimulate([Case(e, a[:, :k], b[:k], h) for k in (4, 40) for h in (ALWAYS, STALLS)])
    assert not all(outcome.ok for outcome in outcomes)
