"""A refused word that holds an array by registers: values, cycles, refusals, faults."""

from __future__ import annotations

from typing import Any

import pytest

import tpe
from tests.contract.agreement import assert_all_agree, break_module
from tests.contract.combos import operands
from tests.pe.test_inner import SLOW_SINK
from tpe.array.base import ALWAYS, Exit, Handshake
from tpe.base.errors import TpeError
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS

BUSY = Handshake(busy=0x3333_3333)
HANDSHAKES = (ALWAYS, STALLS, SLOW_SINK, BUSY, Handshake(0x5A5A_1F0F, 0x0FF0_6C36))
LEAN: dict[str, Any] = {"negate": "row", "biased": "on", "hold": "zero"}
DEPTH: dict[str, Any] = {"depth": 8}
# Array, PE, parameters: every array, every way for tiles to follow, every kind of cell.
FORMS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "matrix2d": [
        ("mac", {}),
        ("mac", {**LEAN, "overlap": "drain"}),
        ("opt1", {**LEAN, "overlap": "stream", "stages": 2, "finish_stages": 2}),
        ("opt2", {"bw": "time", "overlap": "stream"}),
        ("stripes", {"lanes": 2}),
        ("bitlet", {"lanes": 2, "overlap": "drain", "cell_stages": 2}),
        ("laconic", {"lanes": 2, "overlap": "stream"}),
    ],
    "systolic_os": [
        ("opt1", {}),
        ("mac", {**LEAN, "overlap": "stream", "finish_stages": 2}),
        ("opt2", {"bw": "time", "overlap": "drain"}),
    ],
    "systolic_ws": [
        ("mac", {"psum_depth": 3}),
        ("opt1", {**LEAN, "psum_depth": 3, "overlap": "load"}),
        ("mac", {**LEAN, "psum_depth": 2, "overlap": "stream", "finish_stages": 2}),
    ],
    "systolic_is": [("opt2", {"psum_depth": 2, "overlap": "stream"})],
    "cube3d": [("mac", {"overlap": "stream"}), ("opt1", LEAN)],
    "adder_tree": [("mac", {"overlap": "drain"}), ("opt2", {})],
    "sparse": [
        ("opt4c", DEPTH),
        ("opt4c", {**DEPTH, **LEAN, "shadow": "off", "finish_stages": 2}),
        ("opt4c", {**DEPTH, "planes": "msb_first", "overlap": "load"}),
        ("opt3", {"depth": 12, "overlap": "load", "drift": 2}),
        ("opt4e", {"depth": 32, **LEAN, "carry_every": 2}),
    ],
}
SIZES = {"cube3d": (2, 2, 3), "adder_tree": (3, 2)}


def engine(place: str, pe: str, stall: str = "registered", **parameters: Any) -> tpe.Engine:
    array = "matrix2d" if place == "sparse" else place
    return tpe.Engine(pe, array, SIZES.get(array, (3, 2)), stall=stall, **parameters)


def cases(e: tpe.Engine) -> list[Case]:
    """Several tiles; K of one beat, and of several passes; several handshakes."""
    found = []
    for k in (1, 5, 17):
        a, b = operands(e, 2 * e.rows + 1, e.cols + 1, k, seed=k)
        found += [Case(e, a, b, h) for h in HANDSHAKES]
        found.append(Case(e, a, b, a_hold=0x0F0F_3355, b_hold=0x1248_F00F))
    return found


@pytest.mark.parametrize("place", FORMS)
def test_every_array_equals_the_rtl_in_values_and_cycles(place: str) -> None:
    assert_all_agree([x for pe, p in FORMS[place] for x in cases(engine(place, pe, **p))])


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (5, 1)], ids=str)
def test_odd_sizes_equal_the_rtl(size: tuple[int, int]) -> None:
    found = []
    for array, pe, own in (
        ("matrix2d", "mac", {"overlap": "stream"}),
        ("systolic_os", "mac", {"overlap": "drain"}),
        ("systolic_ws", "mac", {"overlap": "stream", "psum_depth": 2}),
        ("matrix2d", "opt4c", DEPTH),
    ):
        found += cases(tpe.Engine(pe, array, size, stall="registered", **own))
    assert_all_agree(found)


def test_a_finish_chain_behind_the_place_equals_the_rtl() -> None:
    found = []
    for pe, own in (("opt1", {}), ("opt4c", DEPTH)):
        e = engine("matrix2d", pe, acc_bits=20, overflow="flag", guard_bits=4, **own)
        found += [Case(e, *operands(e, 5, 4, 40, seed=3), h) for h in HANDSHAKES]
    e = engine("matrix2d", "mac", a_type="uint8", zero_points="offset", overlap="stream")
    found += [Case(e, *operands(e, 7, 4, k, seed=k), STALLS) for k in (1, 9)]
    assert_all_agree(found)


# ---- the rule ----


@pytest.mark.parametrize("place", FORMS)
def test_without_a_busy_sink_nothing_is_added(place: str) -> None:
    for pe, own in FORMS[place]:
        direct, registered = (engine(place, pe, stall, **own) for stall in ("direct", "registered"))
        a, b = operands(direct, 7, 5, 18, seed=4)
        assert registered.run(a, b).terms == direct.run(a, b).terms


@pytest.mark.parametrize("place", FORMS)
def test_words_leave_in_the_same_cycles_where_tiles_do_not_overlap(place: str) -> None:
    """The array is held a cycle later and let go a cycle later: nothing is lost or won."""
    for pe, own in FORMS[place]:
        if own.get("overlap", "none") in ("drain", "stream"):
            continue
        direct, registered = (engine(place, pe, stall, **own) for stall in ("direct", "registered"))
        a, b = operands(direct, 7, 5, 18, seed=4)
        for handshake in HANDSHAKES:
            cycles = [e.run(a, b, handshake=handshake).cycles for e in (direct, registered)]
            assert cycles[0] == cycles[1]


def test_a_held_array_by_hand() -> None:
    """A tile behind another: what is refused in one cycle holds the array in the next one."""
    leaves = Exit(Handshake(busy=0b0000_0110), registered=True)
    held = [leaves.holds(cycle, word=True) for cycle in range(5)]
    assert held == [False, False, True, True, False]
    leaves = Exit(Handshake(busy=0b0000_0110), registered=False)
    assert [leaves.holds(cycle, word=True) for cycle in range(4)] == [False, True, True, False]
    leaves = Exit(Handshake(busy=0b0000_0010), registered=True)  # no word when the sink is busy
    assert not any(leaves.holds(cycle, word=cycle != 1) for cycle in range(4))


def test_planes_inside_a_group_have_it_by_their_finish() -> None:
    says = "stall = 'registered' is not legal with planes = 'inner', whose finish_stages = 2"
    with pytest.raises(TpeError, match=says):
        engine("matrix2d", "opt4c", planes="inner")
    with pytest.raises(TpeError, match="unknown stall 'late'; legal: direct, registered"):
        engine("matrix2d", "mac", stall="late")


# ---- a test that cannot fail shows nothing ----

FAULTS = [
    ("matrix2d", "tpe_skid_buffer", "if (!full_q) spill_q", "if (full_q) spill_q"),
    ("matrix2d", "tpe_skid_buffer", "full_q ? spill_q : word_i", "word_i"),
    ("matrix2d", "tpe_skid_buffer", "(held_q | {Copies{valid_i}})", "{Copies{valid_i}}"),
    ("matrix2d", "tpe_skid_buffer", "assign en_o    = ~held_q", "assign en_o    = '1"),
    ("matrix2d", "tpe_drain", ".valid_i(c_valid_q)", ".valid_i(word_valid)"),
    ("kept", "tpe_matrix2d", ".en_i       (en_drain)", ".en_i       (en)"),
    ("systolic_ws", "tpe_systolic_ws", "c_valid_q && en && c_last_q", "c_valid_o && c_ready_i"),
    ("sparse", "tpe_matrix2d_indexed", "(loaded_q || !load_i) && gone", "(loaded_q || !load_i)"),
    ("sparse", "tpe_matrix2d_indexed", "!loaded_q && gone;", "!loaded_q;"),
    ("sparse", "tpe_sparse_drain", "row_o & full_i & ", "row_o & "),
    ("sparse", "tpe_sparse_drain", "| ~final_i);", "| 1'b1);"),
    ("sparse", "tpe_sparse_drain", "final_next_i)) || drain_d)", "final_next_i)))"),
    ("sparse", "tpe_sparse_row", "~{(Cols + 2){slot_next_i}}", "'1"),
    ("sparse", "tpe_turns", "next_o = slot_next", "next_o = slot_q"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[1]}: {f[3]}")
def test_a_fault_is_seen(fault: tuple[str, str, str, str], monkeypatch: Any) -> None:
    place, module, right, wrong = fault
    pe, own = {
        "systolic_ws": ("mac", {"psum_depth": 3}),
        "sparse": ("opt4c", DEPTH),
        "kept": ("mac", {}),
    }.get(place, ("mac", {"overlap": "stream"}))
    array = "matrix2d" if place == "kept" else place
    e = engine(array, pe, **own)
    break_module(monkeypatch, e, module, right, wrong)
    a, b = operands(e, 7, 4, 17, seed=2)
    outcomes = cosimulate([Case(e, a[:, :k], b[:k], h) for k in (1, 17) for h in HANDSHAKES])
    assert not all(outcome.ok for outcome in outcomes)
