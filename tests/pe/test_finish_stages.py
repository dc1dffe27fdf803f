"""A register inside the finish of every PE that adds in it: values, cycles, refusals, faults."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, break_module
from tests.contract.combos import operands
from tests.pe.test_inner import SLOW_SINK
from tpe import array as arrays
from tpe.array.base import ALWAYS, Handshake
from tpe.base.errors import TpeError
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.elaborate import elaborated
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.pe import get
from tpe.testing.cases import takes

HANDSHAKES = (ALWAYS, STALLS, SLOW_SINK, Handshake(0x5A5A_1F0F, 0x0FF0_6C36))
ROW: dict[str, Any] = {"negate": "row", "biased": "on"}
# Every kind of finish, with a term of its row and without: PE, parameters.
KEPT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("mac", ROW),
    ("opt1", {}),
    ("opt1", ROW),
    ("opt2", {}),
    ("opt2", ROW),
    ("opt2", {"bw": "time"}),
)
SPARSE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("opt4c", {"depth": 8}),
    ("opt4c", {"depth": 8, "shadow": "off"}),
    ("opt4c", {"depth": 8, "planes": "msb_first", "overlap": "load"}),
    ("opt3", {"depth": 12, "overlap": "load", "drift": 2}),
    ("opt4e", {"depth": 32, "shadow": "off"}),
)
OVERLAPS = ("none", "stream", "drain")
FORMS = {  # of arrays whose psums stay, every kind of finish with one way for tiles to follow
    **{
        array: [(pe, {**p, "overlap": OVERLAPS[(i + more) % 3]}) for i, (pe, p) in enumerate(KEPT)]
        for array, more in (("matrix2d", 0), ("systolic_os", 1))
    },
    "cube3d": [("opt1", ROW), ("opt2", {"overlap": "drain"})],
    "adder_tree": [("opt1", {"overlap": "stream"}), ("opt2", {})],
    "systolic_ws": [
        ("opt1", {"psum_depth": 3, "overlap": "none"}),
        ("opt2", {"psum_depth": 3, "overlap": "load"}),
        ("opt1", {"psum_depth": 3, "overlap": "stream"}),
    ],
    "systolic_is": [("opt1", {"psum_depth": 2, "overlap": "stream"})],
    "sparse": list(SPARSE),
}
SIZES = {"cube3d": (2, 2, 3), "adder_tree": (3, 2)}


def engine(place: str, pe: str, stages: int = 2, **parameters: Any) -> tpe.Engine:
    array = "matrix2d" if place == "sparse" else place
    size = SIZES.get(array, (3, 2))
    return tpe.Engine(pe, array, size, finish_stages=stages, **parameters)


def cases(e: tpe.Engine) -> list[Case]:
    """Several tiles; K of one beat, and of several passes; several handshakes."""
    found = []
    for k in (1, 5, 17):
        a, b = operands(e, 2 * e.rows + 1, e.cols + 1, k, seed=k)
        found += [Case(e, a, b, h) for h in HANDSHAKES]
        found.append(Case(e, a, b, a_hold=0x0F0F_3355, b_hold=0x1248_F00F))
    low = np.full((e.rows + 1, 9), -128)
    return [*found, Case(e, low, low.T[:, : e.cols], STALLS)]


@pytest.mark.parametrize("place", FORMS)
def test_values_and_cycles_equal_the_rtl(place: str) -> None:
    assert_all_agree([x for pe, p in FORMS[place] for x in cases(engine(place, pe, **p))])


@pytest.mark.full
@pytest.mark.parametrize("place", ["matrix2d", "systolic_os"])
def test_every_kind_of_finish_with_every_overlap(place: str) -> None:
    forms = [(pe, {**p, "overlap": o}) for pe, p in KEPT for o in OVERLAPS]
    assert_all_agree([x for pe, p in forms for x in cases(engine(place, pe, **p))])


@pytest.mark.parametrize(
    "size",
    [(1, 1), *(pytest.param(size, marks=pytest.mark.full) for size in ((5, 1), (1, 3)))],
    ids=str,
)
def test_odd_sizes_equal_the_rtl(size: tuple[int, int]) -> None:
    found = []
    for array, pe, own in (
        ("matrix2d", "opt1", {"overlap": "stream"}),
        ("systolic_os", "opt2", {"overlap": "drain"}),
        ("systolic_ws", "opt1", {"psum_depth": 1}),
        ("matrix2d", "opt4c", {"depth": 8}),
        ("matrix2d", "opt4c", {"depth": 8, "shadow": "off"}),
    ):
        found += cases(tpe.Engine(pe, array, size, finish_stages=2, **own))
    assert_all_agree(found)


def test_other_types_and_a_finish_chain_equal_the_rtl() -> None:
    found = []
    for a_type, b_type, pe, own in (
        ("int2", "int3", "opt2", {}),
        ("int16", "int5", "opt4c", {"depth": 8}),
        ("uint4", "int8", "mac", ROW),
    ):
        e = engine("matrix2d", pe, a_type=a_type, b_type=b_type, **own)
        found += [Case(e, *operands(e, 4, 3, k, seed=k), STALLS) for k in (1, 33)]
    for pe in ("opt1", "opt4c"):
        e = engine("matrix2d", pe, acc_bits=20, overflow="flag", guard_bits=4, encode="weights")
        found.append(Case(e, *operands(e, 5, 4, 40, seed=3), STALLS))
    assert_all_agree(found)


# ---- the rule ----


@pytest.mark.parametrize("place", FORMS)
def test_a_stage_is_a_cycle_of_fill_drain_and_no_other(place: str) -> None:
    """Of every tile, or of every pass; once where tiles, or passes, follow each other."""
    for pe, own in FORMS[place]:
        plain, cut = (engine(place, pe, stages, **own) for stages in (1, 2))
        a, b = operands(plain, 7, 5, 18, seed=4)
        before, after = plain.run(a, b).terms, cut.run(a, b).terms
        tiles = -(-7 // plain.grid.m) * -(-5 // plain.grid.n)
        if place == "sparse":
            tiles *= -(-18 // own["depth"])
        chained = plain.array.chained
        if chained:  # a pass that ends K, of every block
            m, n = (5, 7) if place == "systolic_is" else (7, 5)
            tiles = -(-m // own["psum_depth"]) * -(-n // plain.grid.n)
        once = own.get("overlap", "none") in ("drain", "stream")
        if chained and own["overlap"] == "load":  # what waits for a load anyway
            assert 0 < after.fill_drain - before.fill_drain <= tiles
            continue
        assert after.fill_drain == before.fill_drain + (1 if once else tiles)
        hidden = replace(before, fill_drain=after.fill_drain)
        assert after == (replace(hidden, load=after.load) if place == "sparse" else hidden)


def test_a_finish_has_the_same_primitives() -> None:
    for place, pe, own in (
        ("matrix2d", "opt1", {}),
        ("matrix2d", "mac", ROW),
        ("sparse", "opt3", {}),
    ):
        plain, cut = (engine(place, pe, stages, **own) for stages in (1, 2))
        found = [elaborated(emit.engine_modules(e), "tpe_engine") for e in (plain, cut)]
        assert found[0] == found[1]
        assert plain.inventory() == cut.inventory()


# ---- what is legal ----


def test_a_finish_of_wires_has_no_stages() -> None:
    with pytest.raises(TpeError, match="finish_stages = 2 is not legal where no row has a term"):
        tpe.Engine("mac", "matrix2d", (2, 2), finish_stages=2)
    with pytest.raises(TpeError, match="finish_stages = 3 is not legal: an integer from 1 to 2"):
        tpe.Engine("opt1", "matrix2d", (2, 2), finish_stages=3)
    with pytest.raises(TpeError, match="with planes = 'msb_first': legal: 1, 2, or planes = inner"):
        tpe.Engine("opt4c", "matrix2d", (2, 2), planes="msb_first", finish_stages=3)
    for name in ("stripes", "laconic", "bitlet", "bipolar", "lmul", "fma"):
        assert get(name).parameter("finish_stages") is None


def test_every_pe_that_adds_in_its_finish_has_them_wherever_it_stands() -> None:
    for name in ("mac", "opt1", "opt2", "opt3", "opt4c", "opt4e"):
        pe = get(name)
        for array in map(arrays.get, arrays.usable()):
            term = {"negate": "row"} if name == "mac" else {}
            if takes(array, pe, term):
                assert takes(array, pe, {**term, "finish_stages": 2}), (name, array.name)


def test_a_finish_without_its_ports_is_told_so(monkeypatch: Any) -> None:
    old = sources.text("tpe_finish_carry_save").replace(
        "    input  wire  logic                    clk_i,\n", ""
    )
    monkeypatch.setattr(
        sources, "text", lambda name, own=sources.text: old if "finish" in name else own(name)
    )
    with pytest.raises(
        TpeError, match="module tpe_finish_carry_save has no port clk_i; legal: the"
    ):
        emit.pe_aliases(engine("matrix2d", "opt1"))


# ---- a test that cannot fail shows nothing ----

FAULTS: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("tpe_drain", "word_valid = valid_q", "word_valid = row_valid_q", "opt1", {}),
    ("tpe_drain", "word_last  = last_q", "word_last  = row_last_q", "opt1", {}),
    ("tpe_drain", "&& en_col[c])", "&& 1'b1)", "opt1", {}),
    ("tpe_drain", "&& en_col[c])", "&& c_ready_i)", "opt1", {"overlap": "stream"}),
    ("tpe_add_cut", "{carry_q, low_q[LowWidth]}", "{carry_q, low[LowWidth]}", "mac", ROW),
    ("tpe_add_cut", "{carry_q, low_q[LowWidth]}", "{carry_q, 1'b0}", "opt1", {}),
    ("tpe_add_cut", "high_sum[HighWidth-2:0] & high", "high_sum[HighWidth-2:0] | high", "opt1", {}),
    ("tpe_finish_bit_weights", "carry_last = carry_q", "carry_last = carry_all", "opt2", {}),
    ("tpe_finish_plane", "kept = kept_q", "kept = weighted", "opt4c", {"depth": 8}),
    ("tpe_matrix2d_indexed", "next_row   = row_q", "next_row   = row", "opt4c", {"depth": 8}),
    ("tpe_matrix2d_indexed", "next_fresh = fresh_q", "next_fresh = fresh", "opt4c", {"depth": 8}),
    ("tpe_matrix2d_indexed", "word_row   = word_row_q", "word_row   = row_q", "opt3", {"depth": 8}),
    ("tpe_matrix2d_indexed", "(|(word_row & next_row))", "1'b0", "opt4c", {"depth": 8}),
    ("tpe_matrix2d_indexed", "(|(word_row & next_row))", "1'b1", "opt4c", {"depth": 8}),
    ("tpe_matrix2d_indexed", "|(c_row_q & next_row)", "1'b0", "opt3", {"depth": 8}),
    ("tpe_matrix2d_indexed", "if (c_row_q[r])", "if (word_row[r])", "opt4c", {"depth": 8}),
    ("tpe_systolic_ws", ".d_i (ends)", ".d_i (valid_line[Leave])", "opt1", {"psum_depth": 3}),
    (
        "tpe_ws_column",
        "&& en_i)",
        "&& 1'b1)",
        "opt1",
        {"psum_depth": 3},
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[0]}: {f[2]}")
def test_a_fault_is_seen(
    fault: tuple[str, str, str, str, dict[str, Any]], monkeypatch: Any
) -> None:
    module, right, wrong, pe, own = fault
    array = "systolic_ws" if "_ws" in module else "matrix2d"
    e = tpe.Engine(pe, array, (3, 2), finish_stages=2, **own)
    break_module(monkeypatch, e, module, right, wrong)
    assert not all(outcome.ok for outcome in cosimulate(cases(e)))
