"""Tables of activations: every code of every width against sums by their definition."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tpe.numbers import lookup_tables as lut
from tpe.numbers.bipolar import BipolarFormat, reinterpreted, reinterpreted_zero
from tpe.numbers.formats import FORMATS, Format

A = {2: (-128, 127), 3: (-128, 127, -5), 4: (-128, -128, 127, 3), 5: (1, -2, 4, -8, 16)}
A[6] = (-128,) * 6


def by_definition(a: tuple[int, ...], negative: str, index: int) -> int:
    """Sum of a_k, each times 1 where bit k of index is set, else times -1, or 0."""
    other = {"minus": -1, "zero": 0}[negative]
    return sum(x * (1 if index >> k & 1 else other) for k, x in enumerate(a))


def total(a: tuple[int, ...], weights: np.ndarray, number: Format, kind: str) -> np.ndarray:
    """Look-ups of all planes, shifted and summed: (count, G) weights -> (count,)."""
    table = lut.tables(np.array(a), kind)
    words = lut.stored(weights, number, kind)
    assert ((words >= 0) & (words < 1 << number.bits)).all()
    count = lut.planes(kind, number.bits)
    return sum(lut.looked_up(table, words, p, kind, number.bits) << p for p in range(count))


def every(low: int, high: int, group: int) -> np.ndarray:
    return np.array(list(product(range(low, high + 1), repeat=group)))


@pytest.mark.parametrize("bits", range(1, 9))
def test_a_reinterpreted_weight_is_the_sum_of_its_signs(bits: int) -> None:
    q = np.arange(1 << bits)
    signs = sum((2 * (q >> b & 1) - 1) << b for b in range(bits))
    assert (reinterpreted(q, bits) == signs).all()
    for zero in (0, 1, (1 << bits) - 1):
        twice = reinterpreted(q, bits) - reinterpreted_zero(np.array(zero), bits)
        assert (twice == 2 * (q - zero)).all()


@pytest.mark.parametrize("group", lut.GROUPS)
def test_half_a_table_is_enough(group: int) -> None:
    """L[i] = -L[~i], by the sums themselves, and what the table keeps is L below the half."""
    a = A[group]
    table = lut.tables(np.array(a), "half").tolist()
    assert len(table) == lut.entries("half", group) == 2 ** (group - 1)
    for index in range(1 << group):
        whole = by_definition(a, "minus", index)
        assert whole == -by_definition(a, "minus", ~index & ((1 << group) - 1))
        if index < len(table):
            assert table[index] == whole
    full = lut.tables(np.array(a), "full").tolist()
    assert full == [by_definition(a, "zero", index) for index in range(1 << group)]


@pytest.mark.parametrize("kind", lut.TableKind)
@pytest.mark.parametrize("group", lut.GROUPS)
def test_entries_reach_the_bits_that_are_said(kind: str, group: int) -> None:
    for bits in (2, 5, 8):
        low, high = -(1 << bits - 1), (1 << bits - 1) - 1
        tops = [lut.tables(np.array(x), kind) for x in product((low, high), repeat=group)]
        least, most = min(x.min() for x in tops), max(x.max() for x in tops)
        half = 1 << lut.entry_bits(kind, bits, group) - 1
        assert -half <= least and most < half
        assert least < -half // 2 or most >= half // 2  # a bit less does not do


CASES = [(1, 4), (1, 6), (2, 2), (2, 3), (2, 4), (3, 2), (3, 4), (4, 3), (5, 2), (6, 2), (8, 2)]


@pytest.mark.parametrize(("bits", "group"), CASES)
def test_bipolar_weights_of_every_code(bits: int, group: int) -> None:
    number = BipolarFormat("", bits)
    codes = every(1 << bits, (2 << bits) - 1, group)
    exact = sum(a * number.values(codes[:, k]) for k, a in enumerate(A[group]))
    assert (total(A[group], codes, number, "half") == exact).all()


@pytest.mark.parametrize(("bits", "group"), [case for case in CASES if case[0] > 1])
def test_integers_of_every_code(bits: int, group: int) -> None:
    number, a = FORMATS[f"int{bits}"], A[group]
    weights = every(number.low, number.high, group)
    exact = sum(x * weights[:, k] for k, x in enumerate(a))
    twice = total(a, weights, number, "half") - sum(a)
    assert (twice % 2 == 0).all() and (twice // 2 == exact).all()
    assert (total(a, weights, number, "full") == exact).all()


@pytest.mark.parametrize("group", lut.GROUPS)
def test_ternary_groups_of_every_code(group: int) -> None:
    weights = every(-1, 1, group)
    exact = sum(x * weights[:, k] for k, x in enumerate(A[group]))
    assert (total(A[group], weights, lut.TERNARY, "ternary") == exact).all()
    table = lut.tables(np.array(A[group]), "ternary")
    assert len(table) == (3**group - 1) // 2  # and no sum is there twice, nor its negative
    unlike = lut.tables(4.0 ** np.arange(group), "ternary")
    assert len({abs(x) for x in unlike.tolist()}) == len(table)


def test_padding_adds_nothing_whatever_its_weight() -> None:
    a = (7, -128, 0, 0)
    for weights in every(-2, 1, 4):
        twice = total(a, weights[None], FORMATS["int2"], "half")[0] - sum(a)
        assert twice == 2 * (7 * weights[0] - 128 * weights[1])


def test_ternary_draws_are_of_three_values_alike() -> None:
    words = np.random.default_rng(0).integers(0, 1 << 63, 30_000, dtype=np.uint64) * np.uint64(2)
    counts = np.unique(lut.TERNARY.spread(words.copy(), None), return_counts=True)
    assert counts[0].tolist() == [-1, 0, 1] and (abs(counts[1] - 10_000) < 400).all()
    assert set(np.unique(lut.TERNARY.spread(words, 1.0))) == {-1, 0, 1}
