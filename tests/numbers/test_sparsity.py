"""N:M sparsity: what is kept, what is stored, which group is refused, what stands at a cell."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

import tpe
from tpe.base.errors import TpeError
from tpe.numbers.sparsity import PATTERNS, Selection


def kept_by_hand(group: list[int], n: int) -> list[int]:
    """The group with zeros for all but the n largest magnitudes, by sorting Python's integers."""
    order = sorted(range(len(group)), key=lambda i: (-abs(group[i]), i))
    return [x if i in order[:n] else 0 for i, x in enumerate(group)]


@pytest.mark.parametrize("name", PATTERNS)
def test_the_largest_magnitudes_of_every_group_stay(name: str) -> None:
    pattern = PATTERNS[name]
    for group in product((-128, -3, 0, 3, 127), repeat=pattern.m):
        assert tpe.prune(np.array(group, np.int8), name).tolist() == kept_by_hand(
            list(group), pattern.n
        )


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 7, 8, 33])
def test_pruning_leaves_type_and_shape_and_is_done_once(name: str, k: int) -> None:
    rng = np.random.default_rng(k)
    for dtype in (np.int8, np.uint8, np.float32):
        x = rng.integers(0, 100, (k, 3)).astype(dtype)
        pruned = tpe.prune(x, name)
        assert pruned.dtype == x.dtype and pruned.shape == x.shape
        assert (tpe.prune(pruned, name) == pruned).all()
        assert (tpe.prune(x.T, name, axis=1) == pruned.T).all()
        PATTERNS[name].check(pruned.T != 0, "w", "column")


def test_ends_of_the_integers_are_compared_exactly() -> None:
    low = -(2**63)
    assert tpe.prune([low, 2**63 - 1, low + 2, 0], "1:4").tolist() == [low, 0, 0, 0]
    wide = np.array([2**63, 2**64 - 1], np.uint64)
    assert tpe.prune(wide, "1:2").tolist() == [0, 2**64 - 1]


@pytest.mark.parametrize("bad", [[np.nan, 1.0], [True], "text", [[]]])
def test_what_is_not_pruned(bad: object) -> None:
    with pytest.raises(TpeError, match="legal"):
        tpe.prune(bad)


@pytest.mark.parametrize("name", PATTERNS)
def test_what_is_stored_says_the_operand(name: str) -> None:
    pattern = PATTERNS[name]
    for k in (1, 2, 3, 4, 5, 7, 16, 41):
        x = np.array(tpe.prune(np.random.default_rng(k).integers(-9, 10, (5, k)), name, axis=1))
        values, places = pattern.compressed(x, x != 0)
        groups = -(-k // pattern.m)
        assert values.shape == places.shape == (5, groups * pattern.n)
        again = np.zeros((5, groups * pattern.m), np.int64)
        for row, q in np.ndindex(values.shape):
            again[row, q // pattern.n * pattern.m + places[row, q]] += values[row, q]
        assert (again[:, :k] == x).all() and not again[:, k:].any()
        rising = places.reshape(5, groups, pattern.n)
        assert (np.diff(rising, axis=2) > 0).all()


def test_every_set_of_places() -> None:
    for count in (0, 1, 2):
        for at in combinations(range(4), count):
            x = np.array([[7 if i in at else 0 for i in range(4)]])
            values, places = PATTERNS["2:4"].compressed(x, x != 0)
            rest = [i for i in range(4) if i not in at]
            assert places.tolist() == [sorted([*at, *rest[: 2 - count]])]
            assert (values[0] != 0).tolist() == [place in at for place in places[0]]


def test_the_first_group_that_is_too_full_is_named() -> None:
    flags = np.zeros((3, 9), bool)
    flags[1, 4:7] = flags[2, :4] = True
    with pytest.raises(TpeError) as told:
        PATTERNS["2:4"].check(flags, "operands of B", "column")
    assert str(told.value) == (
        "operands of B are not 2:4: column 1 is not 0 at k = 4, 5, 6; legal: at most 2 of k = 4 "
        "to 7, as tpe.prune leaves them"
    )


def test_what_is_stored_and_used_of_k() -> None:
    for pattern in PATTERNS.values():
        for k in range(1, 40):
            lengths = [min(pattern.m, k - start) for start in range(0, k, pattern.m)]
            assert pattern.stored(k) == pattern.n * len(lengths)
            assert pattern.used(k) == sum(min(pattern.n, length) for length in lengths)


@pytest.mark.parametrize("lanes", [1, 2, 4, 6])
def test_every_stored_value_finds_its_group_at_its_cell(lanes: int) -> None:
    pattern = PATTERNS["2:4"]
    selection = Selection(pattern, False, lanes)
    dense = np.arange(100, 121)[None]  # K = 21: six groups
    steps = -(-pattern.stored(21) // lanes)
    offered = selection.spread(dense, steps).reshape(steps, selection.offered)
    for q in range(pattern.stored(21)):
        step, lane = divmod(q, lanes)
        first = q // 2 * 4
        wanted = [100 + k if k < 21 else 0 for k in range(first, first + 4)]
        group = lane // 2
        assert offered[step, group * 4 : group * 4 + 4].tolist() == wanted


@pytest.mark.parametrize("lanes", [3, 5])
def test_lanes_that_cut_a_group(lanes: int) -> None:
    with pytest.raises(TpeError, match=rf"lanes = {lanes} .* a multiple of 2, or a divisor"):
        Selection(PATTERNS["2:4"], True, lanes)
