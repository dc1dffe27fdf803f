"""OPT4C with the digits of a K group inside: cycles by loops from the definition, and figures."""

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
from tpe.array.base import ALWAYS, TERMS, Handshake
from tpe.base.errors import TpeError
from tpe.numbers.digits import ENCODINGS


def engine(size: tuple[int, int] = (2, 3), **parameters: Any) -> tpe.Engine:
    return tpe.Engine("opt4c", "matrix2d", size, planes="inner", **parameters)


# ---- the rule by loops ----


def digits_of(e: tpe.Engine, a: Any) -> list[list[list[int]]]:
    """Non-zero digits of every group of every row of A, rows padded to whole tiles, K to groups."""
    group, rows = e.params["group"], e.rows
    found = []
    for m in range(-(-len(a) // rows) * rows):
        row = []
        for start in range(0, a.shape[1], group):
            mine = a[m, start : start + group] if m < len(a) else []
            row.append(
                sum(int(d != 0) for x in mine for d in ENCODINGS[e.encoder].encode([x], 8)[0])
            )
        found.append(row)
    return found


def plain_end(tile: list[list[int]], lanes: int, window: int) -> int:
    """Cycles until all rows have ended a tile: every row stepped by itself, cycle by cycle."""
    groups = len(tile[0])
    ended = [0] * len(tile)  # groups that a row is through with
    spent = [0] * len(tile)  # cycles it has worked on the next one
    cycle = 0
    while min(ended) < groups:
        slowest = min(ended)
        for r, row in enumerate(tile):
            if ended[r] == groups or ended[r] > slowest + window:
                continue  # it would lead by more than the window
            spent[r] += 1
            if spent[r] == max(1, -(-row[ended[r]] // lanes)):
                ended[r], spent[r] = ended[r] + 1, 0
        cycle += 1
    return cycle


GAPS = {"none": lambda rows: rows + 4, "drain": lambda rows: 2, "stream": lambda rows: 0}


def plain_walk(tiles: list[list[list[int]]], e: tpe.Engine, handshake: Handshake = ALWAYS) -> int:
    """Cycles of tiles by rows with queues of groups, the clock stopped while a word is refused."""
    rows, window, lanes = e.rows, e.params["window"], e.params["lanes"]
    overlap = e.params["overlap"]
    waiting = deque(deque(zip(*tile, strict=True)) for tile in tiles)
    beats: deque[Any] = waiting.popleft()
    queues: list[deque[int]] = [deque() for _ in range(rows)]
    words: deque[int] = deque()  # the enabled cycles in which they are offered
    cycle, clock, begun = 0, 0, None
    opens = last_opens = 0
    busy = False  # a tile is in work
    while beats or waiting or words or any(queues):
        if words and words[0] == clock:
            if not handshake.sink(cycle):
                cycle += 1
                continue
            words.popleft()
        for queue in queues:
            if queue:
                queue[0] -= 1
                if queue[0] == 0:
                    queue.popleft()
        if busy and not beats and not any(queues):  # digit, psum, row of psums, word
            words.extend(range(clock + 4, clock + 4 + rows))
            opens, last_opens, busy = clock + GAPS[overlap](rows), clock + rows - 1, False
            beats = waiting.popleft() if waiting else beats
        free = beats and all(len(queue) <= window for queue in queues) and clock >= opens
        if free and (len(beats) > 1 or clock >= last_opens) and handshake.source(cycle):
            begun = cycle if begun is None else begun
            busy = True
            for queue, digits in zip(queues, beats.popleft(), strict=True):
                queue.append(max(1, -(-digits // lanes)))
        cycle, clock = cycle + 1, clock + 1
    assert begun is not None
    return cycle - begun


def tiles_of(e: tpe.Engine, a: Any, n: int) -> list[list[list[int]]]:
    """The tiles in the order in which they are computed."""
    rows = digits_of(e, a)
    return [rows[m : m + e.rows] for m in range(0, len(rows), e.rows)] * -(-n // e.cols)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_cycles_and_their_terms_are_those_of_plain_loops(data: Any) -> None:
    size = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    lanes, window = data.draw(st.sampled_from([1, 2])), data.draw(st.integers(0, 2))
    encoder = data.draw(st.sampled_from(["ent", "booth"]))
    overlap = data.draw(st.sampled_from(["none", "drain", "stream"]))
    e = engine(
        size,
        group=data.draw(st.sampled_from([4, 8, 16])),
        lanes=lanes,
        window=window,
        encoder=encoder,
        overlap=overlap,
    )
    m, n, k = (
        data.draw(st.integers(1, 8)),
        data.draw(st.integers(1, 5)),
        data.draw(st.integers(1, 50)),
    )
    a, b = operands(e, m, n, k, seed=k)
    a[np.random.default_rng(m).random(a.shape) < data.draw(st.sampled_from([0, 0.6, 1]))] = 0
    tiles = tiles_of(e, a, n)
    terms = e.run(a, b).terms
    ends = sum(plain_end(tile, lanes, window) for tile in tiles)
    digits = sum(sum(map(sum, tile)) for tile in tiles)
    empty = sum(x == 0 for tile in tiles for row in tile for x in row)
    assert terms.compute == ends
    assert terms.useful == Fraction(digits, size[0] * lanes)
    assert terms.empty_group == Fraction(empty, size[0])
    if overlap == "none":
        assert terms.fill_drain == len(tiles) * (size[0] + 4)
    assert terms.load == terms.edge == terms.stall == 0
    assert all(getattr(terms, name) >= 0 for name in TERMS)
    assert plain_walk(tiles, e) == terms.total
    handshake = Handshake(*(data.draw(st.integers(0, 2**32 - 2)) for _ in range(2)))
    run = e.run(a, b, handshake=handshake)
    assert run.cycles == plain_walk(tiles, e, handshake)
    assert run.terms.compute == ends


@pytest.mark.parametrize("overlap", ["drain", "stream"])
def test_tiles_that_overlap_fill_and_drain_once(overlap: str) -> None:
    # 9 groups of one digit a row: a tile of 9 cycles, as long as its rows or longer.
    a, b = np.zeros((12, 36), int), np.ones((36, 4), int)
    a[:, ::4] = 1
    run = engine((3, 2), overlap=overlap).run(a, b)
    assert run.cycles == 8 * 9 + 7 * GAPS[overlap](3) + 3 + 4
    # 1 group: the last beat, its only one, waits for the rows of the tile before.
    run = engine((3, 2), overlap=overlap).run(a[:, :4], b[:4])
    assert run.cycles == 8 * 1 + 7 * 2 + 3 + 4


def test_the_rule_by_hand() -> None:
    # Digits a group: row 0 has 1, 4; row 1 has 3, 1. Lock-step: 3 + 4. With a window row 0 goes on.
    a = np.zeros((2, 8), int)
    a[0, 0], a[0, 4:] = 1, 1
    a[1, :3], a[1, 4] = 1, 1
    b = np.ones((8, 1), int)
    cycles = [engine((2, 1), window=w).run(a, b).terms.compute for w in range(3)]
    assert cycles == [7, 5, 5]
    assert engine((2, 1), lanes=2).run(a, b).terms.compute == 2 + 2
    assert engine((2, 1), group=8).run(a, b).terms.compute == 5


# ---- figures ----


def cycles_an_operand(rows: int, window: int) -> float:
    values = np.random.default_rng(7).normal(0, 20, (160 * rows if rows < 4 else 640, 256))
    a = np.clip(np.rint(values), -128, 127).astype(int)
    row = engine((rows, 1), window=window).run(a, np.ones((256, 1), int)).rows()[0]
    return float(row["cycles_per_operand"])


# Of an experiment on other operands of the same distribution: K = 256, normal:20, groups of 4.
LOCK_STEP = {1: 2.11, 2: 2.34, 4: 2.51, 8: 2.66, 16: 2.78, 32: 2.88}
TWO_GROUPS = {16: 2.24, 32: 2.27}  # B of two groups is there: a row may lead by one


@pytest.mark.parametrize("rows", LOCK_STEP)
def test_cycles_an_operand_in_lock_step(rows: int) -> None:
    assert cycles_an_operand(rows, 0) == pytest.approx(LOCK_STEP[rows], rel=0.01)


@pytest.mark.parametrize("rows", TWO_GROUPS)
def test_cycles_an_operand_within_a_window(rows: int) -> None:
    assert cycles_an_operand(rows, 1) == pytest.approx(TWO_GROUPS[rows], rel=0.01)
    assert cycles_an_operand(rows, 2) < cycles_an_operand(rows, 1)


# ---- what does not go together ----


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"planes": "inner", "drift": 2}, "drift = 2 is not legal with planes = 'inner'"),
        ({"planes": "inner", "overlap": "load"}, "overlap = 'load' is not legal with planes"),
        ({"overlap": "stream"}, "overlap = 'stream' is not legal with planes = 'lsb_first'"),
        ({"group": 8}, "group = 8 is not legal with planes = 'lsb_first'"),
        ({"lanes": 2}, "lanes = 2 is not legal with planes = 'lsb_first'"),
        ({"window": 1}, "window = 1 is not legal with planes = 'lsb_first'"),
        ({"planes": "inner", "tree": "dadda", "negate": "free_bits"}, "tree = 'dadda'"),
    ],
)
def test_what_does_not_go_together_is_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(TpeError, match=said):
        tpe.Engine("opt4c", "matrix2d", (2, 2), **parameters)


def test_depth_means_nothing_where_no_b_is_resident() -> None:
    a, b = operands(engine(), 5, 4, 100, seed=1)
    runs = [engine(depth=depth).run(a, b, values="bits") for depth in (8, 4096)]
    assert runs[0].cycles == runs[1].cycles
    assert all((run.C == a @ b).all() for run in runs)


# ---- without operands ----


@pytest.mark.parametrize(
    "parameters",
    [{}, {"window": 2, "lanes": 2, "group": 8, "overlap": "stream"}],
    ids=str,
)
def test_cycles_of_operands_that_are_not_made_are_estimated(parameters: dict[str, Any]) -> None:
    e = engine((4, 4), **parameters)
    size = "gemm:8190x30x70:normal:20"
    bare, whole = e.run(size, values="none"), e.run(size)
    spread = bare.rows()[0]["cycles_standard_error"]
    assert 0 < spread < 0.01 * whole.cycles
    assert abs(bare.cycles - whole.cycles) < 4 * spread
    for term in ("useful", "empty_group", "lane_sync", "fill_drain"):
        exact = getattr(whole.terms, term)
        assert float(getattr(bare.terms, term)) == pytest.approx(float(exact), rel=0.05, abs=20)
    digits = [run.rows()[0]["nonzero_digits_per_operand"] for run in (bare, whole)]
    assert digits[0] == pytest.approx(digits[1], rel=0.02)


def test_operands_that_are_given_need_no_values() -> None:
    a, b = operands(engine(), 5, 4, 21, seed=3)
    slow = Handshake(idle=0b1011, busy=0b100)
    bare, whole = (engine().run(a, b, values=v, handshake=slow) for v in ("none", "fast"))
    assert bare.cycles == whole.cycles and bare.terms == whole.terms


def test_a_tile_too_long_to_be_drawn_is_refused() -> None:
    with pytest.raises(TpeError, match="K = 100000000 is too long for tiles of 2 rows"):
        engine(overflow="wrap").run("gemm:1000000x30x100000000")
