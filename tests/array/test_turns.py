"""Sparse rows without shadows: cycles by loops from the definition, and figures.

`planes = msb_first` has one finish a pass, `shadow = off` serves rows as they ask.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tpe
from tests.contract.combos import operands
from tpe.array.base import TERMS, Handshake
from tpe.base.errors import TpeError
from tpe.numbers.digits import ENCODINGS

FALLING, DIRECT = {"planes": "msb_first"}, {"shadow": "off"}
LANES = {"opt3": 1, "opt4c": 1, "opt4e": 4}


# ---- the rule by loops ----


def plane_steps(e: tpe.Engine, row: Any) -> list[int]:
    """Steps of each plane of a row of A, least significant first: of its slowest lane."""
    lanes = LANES[e.pe.name]
    padded = np.pad(row, (0, -len(row) % (4 * lanes)))
    digits = np.array(ENCODINGS[e.encoder].encode(padded, 8))
    found = []
    for plane in digits.T:
        groups = [max(1, int((plane[i : i + 4] != 0).sum())) for i in range(0, len(plane), 4)]
        found.append(max(sum(groups[lane::lanes]) for lane in range(lanes)))
    return found


def plain_end(e: tpe.Engine, tile: list[list[int]]) -> int:
    """Edges until all rows hold their last plane in their psums, each stepped cycle by cycle."""
    falls = e.params["planes"] == "msb_first"
    rows = [deque(reversed(planes) if falls else planes) for planes in tile]
    if falls:
        rows = [deque([sum(planes)]) for planes in rows]
    line: deque[int] = deque()  # rows that wait, with a plane in their psums
    edge = 2  # the first group is in the front behind edge 0, its first digit's B is read behind 1
    while any(rows):
        served = line.popleft() if line else None
        for r, planes in enumerate(rows):
            if not planes or (r in line and r != served):
                continue
            planes[0] -= 1
            if planes[0] == 0:
                planes.popleft()
                if planes:
                    line.append(r)  # from the next edge on, the lowest row first
        edge += 1
    return edge


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_cycles_and_their_terms_are_those_of_plain_loops(data: Any) -> None:
    pe = data.draw(st.sampled_from(sorted(LANES)))
    choice = data.draw(st.sampled_from([FALLING, DIRECT]))
    size = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3))
    encoder = data.draw(st.sampled_from(["ent", "booth"]))
    e = tpe.Engine(pe, "matrix2d", size, depth=32, encoder=encoder, **choice)
    m, n = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 5))
    k = data.draw(st.integers(1, 80))
    a, b = operands(e, m, n, k, seed=k)
    a[np.random.default_rng(m).random(a.shape) < data.draw(st.sampled_from([0, 0.6, 1]))] = 0
    run = e.run(a, b)
    tiles, tail = 0, 0
    padded = np.pad(a, ((0, -m % size[0]), (0, 0)))
    for start in range(0, len(padded), size[0]):
        for first in range(0, k, 32):
            part = padded[start : start + size[0], first : first + 32]
            tiles += plain_end(e, [plane_steps(e, row) for row in part])
            tail += size[0] + 3 - (first + 32 < k)
    loads = k * (-(-m // size[0]) if k > 32 else 1)
    assert run.cycles == (tiles + tail + loads) * -(-n // size[1])
    terms = run.terms
    assert terms.load == loads * -(-n // size[1]) and terms.stall == 0
    assert all(getattr(terms, name) >= 0 for name in TERMS)
    other = tpe.Engine(pe, "matrix2d", size, depth=32, encoder=encoder).run(a, b).terms
    for name in ("useful", "empty_group", "edge", "load"):  # planes and groups are the same
        assert getattr(terms, name) == getattr(other, name)


def test_the_order_of_service_by_hand() -> None:
    # One group, digits of int8 at EN-T: 1 is 1 at plane 0, 5 is 1 at planes 0 and 1, and so on.
    one = tpe.Engine("opt4c", "matrix2d", (3, 1), shadow="off")
    a = np.zeros((3, 4), int)
    # All rows have planes of one step: they ask at edges 3, 3, 3, then each behind its turn.
    run = one.run(a, np.ones((4, 1), int))
    # Row 0 is served at 3, 6, 9, rows 1 and 2 one and two later; row 2 ends a step behind 11.
    assert run.cycles == 4 + 12 + 3 + 3
    assert run.terms.lane_sync == Fraction(12 - 2 - 4)
    falls = tpe.Engine("opt4c", "matrix2d", (3, 1), planes="msb_first")
    assert falls.run(a, np.ones((4, 1), int)).cycles == 4 + (2 + 4) + 3 + 3
    # Row 1 has two steps at plane 0 and asks at edge 4: behind row 2, which asked at edge 3.
    a[1, :2] = 1
    tile = [plane_steps(one, row) for row in a]
    assert tile == [[1, 1, 1, 1], [2, 1, 1, 1], [1, 1, 1, 1]]
    assert one.run(a, np.ones((4, 1), int)).cycles == 4 + plain_end(one, tile) + 3 + 3


@settings(max_examples=40, deadline=None)
@given(
    idle=st.integers(0, 2**32 - 2),
    k=st.integers(1, 40),
    pe=st.sampled_from(sorted(LANES)),
    choice=st.sampled_from([FALLING, DIRECT]),
    drift=st.sampled_from([0, 1, 5]),
)
def test_stalls_only_add(idle: int, k: int, pe: str, choice: Any, drift: int) -> None:
    e = tpe.Engine(pe, "matrix2d", (4, 2), depth=32, drift=drift, **choice)
    a, b = operands(e, 5, 3, k, seed=k)
    free = e.run(a, b).cycles
    run = e.run(a, b, handshake=Handshake(idle, 0))
    # Rows that ask may do so in an order that happens to be better: then nothing is a stall.
    assert run.terms.stall == max(0, run.cycles - free)
    assert choice == DIRECT or run.cycles >= free
    assert all(getattr(run.terms, name) >= 0 for name in TERMS)
    far = tpe.Engine(pe, "matrix2d", (4, 2), depth=32, drift=64, **choice).run(a, b).cycles
    passes = 2 * 2 * (-(-k // 32))
    unbound = tpe.Engine(pe, "matrix2d", (4, 2), depth=32, **choice).run(a, b).cycles
    assert free == unbound or drift > 0
    if choice == FALLING:
        assert far <= free or drift == 0
    if k <= 32:  # a bound that is never met costs the FIFO's own cycle a pass
        assert far == unbound + passes


# ---- figures: K, rows, normal:20, EN-T ----


def lane_sync_share(k: int, rows: int, **choice: Any) -> tuple[float, float]:
    """Cycles of the rows' own planes that are lost to the finish, and cycles an operand."""
    values = np.random.default_rng(7).normal(0, 20, (64 * rows, k))
    a = np.clip(np.rint(values), -128, 127).astype(int)
    e = tpe.Engine("opt4c", "matrix2d", (rows, 1), **choice)
    steps = np.array([sum(plane_steps(e, row)) for row in a]).reshape(-1, rows)
    run = e.run(a, np.ones((k, 1), int))
    free = int(steps.max(axis=1).sum())
    spent = float(run.terms.compute)
    return spent / free - 1, float(run.rows()[0]["cycles_per_operand"])


def test_rows_that_ask_lose_little_where_shadows_lose_nothing() -> None:
    lost, _ = lane_sync_share(64, 16, **DIRECT)
    assert lost == pytest.approx(0.034, abs=0.006)
    assert lane_sync_share(64, 16)[0] == 0
    assert lane_sync_share(64, 16, **FALLING)[0] == 0


# ---- what does not go together ----


@pytest.mark.parametrize("pe", sorted(LANES))
def test_no_shadow_is_left_out_where_there_is_none(pe: str) -> None:
    said = f"pe {pe}: shadow = 'off' is not legal with planes = 'msb_first', where no bit weight"
    with pytest.raises(TpeError, match=said):
        tpe.Engine(pe, "matrix2d", (2, 2), planes="msb_first", shadow="off")
    with pytest.raises(TpeError, match=r"unknown shadow 'none'.*; legal: on, off"):
        tpe.Engine(pe, "matrix2d", (2, 2), shadow="none")


def test_inner_has_no_shadow_either_and_few_have_inner() -> None:
    with pytest.raises(TpeError, match="shadow = 'off' is not legal with planes = 'inner'"):
        tpe.Engine("opt4c", "matrix2d", (2, 2), planes="inner", shadow="off")
    with pytest.raises(TpeError, match=r"unknown planes 'inner'.*; legal: lsb_first, msb_first"):
        tpe.Engine("opt3", "matrix2d", (2, 2), planes="inner")
    with pytest.raises(TpeError, match="group = 8 is not legal with planes = 'msb_first'"):
        tpe.Engine("opt4c", "matrix2d", (2, 2), planes="msb_first", group=8)


# ---- the pair ----


@pytest.mark.parametrize(
    ("depth", "bits"), [(64, 22), (1024, 26), (4096, 28), (65536, 32)], ids=str
)
def test_the_pair_holds_a_pass_and_no_bit_more(depth: int, bits: int) -> None:
    e = tpe.Engine("opt4c", "matrix2d", (1, 1), planes="msb_first", depth=depth, overflow="wrap")
    assert e.pe.kernel.psum.words(e.widths) == (bits, bits)
    if bits < e.widths.acc:
        low = np.full((1, depth), -128)
        assert e.run(low, low.T, values="bits").C.item() == depth * 16384
        assert depth * 16384 >= 2 ** (bits - 2)  # the sign bit, and the top one below


def test_guard_bits_widen_what_bounds_the_pair() -> None:
    e = tpe.Engine(
        "opt4c", "matrix2d", (1, 1), planes="msb_first", acc_bits=24, overflow="saturate"
    )
    assert e.widths.acc == 32 and e.pe.kernel.psum.words(e.widths) == (28, 28)


# ---- without operands ----


@pytest.mark.parametrize("choice", [FALLING, DIRECT], ids=str)
def test_cycles_of_operands_that_are_not_made_are_estimated(choice: dict[str, Any]) -> None:
    e = tpe.Engine("opt4c", "matrix2d", (4, 4), depth=32, **choice)
    size = "gemm:4090x30x70:normal:20"
    bare, whole = e.run(size, values="none"), e.run(size)
    spread = bare.rows()[0]["cycles_standard_error"]
    assert 0 < spread < 0.01 * whole.cycles
    assert abs(bare.cycles - whole.cycles) < 4 * spread
    assert bare.terms.load == whole.terms.load
    assert float(bare.terms.fill_drain) == pytest.approx(float(whole.terms.fill_drain), abs=20)
