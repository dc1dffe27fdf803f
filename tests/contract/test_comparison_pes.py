"""Lock-step PEs beyond the common contract: cycles by loops, lanes, RTL that a fault makes fail."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tpe
from tests.contract.agreement import build_instead
from tests.contract.combos import TYPES, operands, types_of
from tpe import pe as pes
from tpe.array.base import ALWAYS, Handshake
from tpe.hdl.simulate.cosim import bench_design, cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.numbers.digits import ENCODINGS
from tpe.pe.base import PE

STEPPED = [pes.get(name) for name in pes.names() if pes.get(name).stepped]
WITH_RTL = [pe for pe in STEPPED if pe.rtl]
# lanes, a_type, b_type, acc_bits: beyond the 16 lanes of the common contract
LANES = (
    (1, "int16", "int16", 48),
    (2, "int3", "int16", 24),
    (3, "int7", "int5", 17),
    (7, "int8", "int8", 16),
    (64, "int2", "int4", 24),
)

stepped = pytest.mark.parametrize("pe", STEPPED, ids=lambda pe: pe.name)
with_rtl = pytest.mark.parametrize("pe", WITH_RTL, ids=lambda pe: pe.name)


def test_who_is_there() -> None:
    names = {pe.name for pe in STEPPED}
    assert names >= set("stripes bitfusion pragmatic laconic bitlet bitwave sibia".split())
    assert {pe.name for pe in WITH_RTL} >= {"stripes", "laconic", "bitlet"}
    for pe in STEPPED:
        run = tpe.Engine(pe, "matrix2d", (1, 1)).run([[1]], [[1]])
        checked = "contract tests" if pe.rtl else "model only"
        assert run.to_frame()["rtl_checked"].tolist() == [checked]


@stepped
@pytest.mark.parametrize("array", ["systolic_os", "adder_tree", "cube3d"])
def test_they_stand_in_matrix2d_alone(pe: PE, array: str) -> None:
    with pytest.raises(tpe.TpeError, match=f"legal arrays for {pe.name}: matrix2d;"):
        tpe.Engine(pe, array)


# ---- cycles by loops ----


def plain_work(engine: tpe.Engine, a: list[int], b: list[int]) -> int:
    """What one PE works on one group, 0 if nothing: by loops, from the operands' digits."""
    pe, w = engine.pe, engine.widths
    assert pe is not None
    if pe.name == "stripes":
        return w.a
    if pe.name == "bitfusion":
        bricks = [next(n for n in (1, 2, 4, 8) if 2 * n + 1 >= bits) for bits in (w.a, w.b)]
        return -(-w.lanes * bricks[0] * bricks[1] // 16)
    if pe.name == "laconic":
        pairs = zip(_digits(engine.encoder, a, w.a), _digits(engine.encoder, b, w.b), strict=True)
        return max(np.count_nonzero(x) * np.count_nonzero(y) for x, y in pairs)
    if pe.name == "sibia":
        slices = [_octal(x, -(-(w.a - 1) // 3)) for x in a]
        return max(map(np.count_nonzero, slices)) * max(1, -(-(w.b - 1) // 3))
    columns = np.array([[abs(x) >> p & 1 for p in range(w.a)] for x in a])
    per_rule = {
        "pragmatic": columns.sum(axis=1).max(),
        "bitlet": columns.sum(axis=0).max(),
        "bitwave": columns.any(axis=0).sum(),
    }
    return int(per_rule[pe.name])


def _digits(encoder: str, x: list[int], bits: int) -> Any:
    return ENCODINGS[encoder].encode(np.array(x), bits)


def _octal(x: int, count: int) -> list[int]:
    rest, digits = abs(x), []
    for _ in range(max(1, count) - 1):
        rest, low = divmod(rest, 8)
        digits.append(low)
    return [*digits, rest]


def plain_tiles(engine: tpe.Engine, a: Any, b: Any) -> list[list[list[int]]]:
    """Work of every PE, of every group, of every tile, N outermost; operands padded with zeros."""
    rows, cols, lanes = engine.rows, engine.cols, engine.widths.lanes
    m, n, k = (
        -(-size // step) * step
        for size, step in zip(
            (a.shape[0], b.shape[1], a.shape[1]), (rows, cols, lanes), strict=True
        )
    )
    left, right = np.zeros((m, k), int), np.zeros((k, n), int)
    left[: a.shape[0], : a.shape[1]], right[: b.shape[0], : b.shape[1]] = a, b
    return [
        [
            [
                plain_work(
                    engine, left[r, g : g + lanes].tolist(), right[g : g + lanes, c].tolist()
                )
                for r in range(top, top + rows)
                for c in range(first, first + cols)
            ]
            for g in range(0, k, lanes)
        ]
        for first in range(0, n, cols)
        for top in range(0, m, rows)
    ]


def plain_walk(tiles: list[list[int]], rows: int, handshake: Handshake) -> int:
    """Cycles of groups that last so long, by an array stepped through one cycle at a time."""
    cycle, begun = 0, None
    for groups in tiles:
        waiting, left = list(groups), 0  # left: cycles of the group in the operand registers
        flush, drained = 0, 0
        while True:
            if waiting and left <= 1 and handshake.source(cycle):
                begun = cycle if begun is None else begun
                left = waiting.pop(0)
            elif left > 0:
                left -= 1
                if left == 0 and not waiting:
                    flush = cycle + 3  # psum, row register, C register: then the first word
            if flush and cycle >= flush and handshake.sink(cycle):
                drained += 1
            cycle += 1
            if drained == rows:
                break
    assert begun is not None
    return cycle - begun


@stepped
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_cycles_and_their_terms_by_loops(pe: PE, data: Any) -> None:
    size = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    m, n, k = (data.draw(st.integers(1, most)) for most in (5, 5, 20))
    lanes = data.draw(st.integers(1, 6))
    types = types_of(*data.draw(st.sampled_from(TYPES)))
    engine = tpe.Engine(pe, "matrix2d", size, lanes=lanes, **types)
    a, b = operands(engine, m, n, k, seed=k)
    a[np.random.default_rng(m).random(a.shape) < 0.5] = 0
    tiles = plain_tiles(engine, a, b)
    pes_count = size[0] * size[1]
    slowest = [[max(1, *group) for group in tile] for tile in tiles]
    terms = engine.run(a, b).terms
    padded = Fraction(-k % lanes, lanes) if pe.pace.depends == "nothing" else Fraction(0)
    work = sum(sum(map(sum, tile)) for tile in tiles)
    edge = sum(sum(tile[-1]) for tile in tiles) * padded / pes_count
    assert terms.compute == sum(map(sum, slowest))
    assert terms.fill_drain == len(tiles) * (size[0] + 3)
    assert terms.edge == edge
    assert terms.useful == Fraction(work, pes_count) - edge
    empty = sum(work == 0 for tile in tiles for group in tile for work in group)
    assert terms.empty_group == Fraction(empty, pes_count)
    assert terms.load == terms.stall == 0
    idle, busy = (data.draw(st.integers(0, 2**32 - 2)) for _ in range(2))
    stalled = engine.run(a, b, handshake=Handshake(idle, busy))
    assert stalled.cycles == plain_walk(slowest, size[0], Handshake(idle, busy))
    assert plain_walk(slowest, size[0], ALWAYS) == terms.total


# ---- RTL ----


def zeroed(x: Any, seed: int) -> Any:
    """X with half of its operands and every third row of it zero: empty groups and whole ones."""
    x = x * (np.random.default_rng(seed).random(x.shape) < 0.5)
    x[::3] = 0
    return x


@with_rtl
def test_lanes_and_types_in_rtl(pe: PE) -> None:
    cases = []
    for lanes, *types in LANES:
        engine = tpe.Engine(pe, "matrix2d", (1, 2), lanes=lanes, **types_of(*types))
        for k in (1, lanes, lanes + 1, 2 * lanes + 3):
            a, b = operands(engine, 2, 3, k, seed=k)
            cases.append(Case(engine, a, b))
            cases.append(Case(engine, zeroed(a, k), zeroed(b.T, k).T, STALLS))
    outcomes = cosimulate(cases)
    assert [o for o in outcomes if not o.ok] == [] and len(outcomes) == len(cases) > 0


FAULTS = [
    ("stripes", "tpe_pe_stripes", "start_s ? -sum_wide", "start_s ? sum_wide"),
    ("stripes", "tpe_pe_stripes", "last || (!start_i && over_q);\n\n", "1'b1;\n\n"),
    ("bitlet", "tpe_pe_bitlet", "assign ready_o = ~|rest;", "assign ready_o = ~|now;"),
    ("bitlet", "tpe_pe_bitlet", "a[AWidth-1] ? -a : a", "a[AWidth-1] ? ~a : a"),
    ("laconic", "tpe_pe_laconic", "a_minus ^ b_minus", "a_minus | b_minus"),
    ("laconic", "tpe_pe_laconic", "!active[l] ? '0 :", "1'b0 ? '0 :"),
    ("laconic", "tpe_matrix2d_stepped", "!(&ready)", "!(|ready)"),
    ("laconic", "tpe_matrix2d_stepped", "start_q <= beat;", "start_q <= valid_q;"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[1]}: {f[3].strip()}")
def test_a_fault_is_seen(fault: tuple[str, str, str, str], monkeypatch: Any) -> None:
    pe, module, right, wrong = fault
    engine = tpe.Engine(pe, "matrix2d", (2, 2), lanes=4)
    design = bench_design([engine])
    name = next(m for m in design.sources if m.endswith(module.removeprefix("tpe")))
    text = design.sources[name]
    assert text.count(right) == 1
    broken = replace(design, sources={**design.sources, name: text.replace(right, wrong)})
    build_instead(monkeypatch, broken)
    a, b = operands(engine, 4, 4, 9, seed=2)
    a[:, 4:8], b[8] = 0, 0  # an empty group, and one whose other side alone is zero
    outcomes = cosimulate([Case(engine, a, b)])
    assert not outcomes[0].ok
