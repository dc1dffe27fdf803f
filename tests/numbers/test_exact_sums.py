"""Exact sums of products, against Python's fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain

import numpy as np
import pytest

import tpe
from tpe.numbers.formats import number_format


def by_fractions(a: np.ndarray, b: np.ndarray) -> list[list[Fraction]]:
    left, right = ([[Fraction(v) for v in row] for row in m.tolist()] for m in (a, b.T))
    return [
        [sum((x * y for x, y in zip(r, c, strict=True)), Fraction(0)) for c in right] for r in left
    ]


def any_codes(name: str, shape: tuple[int, int], seed: int) -> np.ndarray:
    """Finite numbers of any code."""
    number = number_format(name)
    rng = np.random.default_rng(seed)
    values = tpe.from_codes(rng.integers(0, 1 << number.bits, shape), name)
    return np.where(np.isfinite(values), values, 0)


@pytest.mark.parametrize(
    ("first", "second"),
    [("bf16", "bf16"), ("fp16", "e4m3fn"), ("fp32", "fp32"), ("e5m2", "e2m1"), ("tf32", "bf16")],
)
def test_sums_of_any_codes_are_exact(first: str, second: str) -> None:
    a, b = any_codes(first, (3, 70), 1), any_codes(second, (70, 4), 2)
    sums = tpe.exact_sums(a, b)
    expected = by_fractions(a, b)
    unit = Fraction(2) ** sums.exponent
    assert [[unit * whole for whole in row] for row in sums.integers.tolist()] == expected
    assert sums.values().tolist() == [[float(x) for x in row] for row in expected]
    c = np.clip(a.astype(np.float64) @ b, -3e38, 3e38).astype(np.float32)
    pairs = zip(c.ravel().tolist(), chain(*expected), strict=True)
    assert sums.differences(c).ravel().tolist() == [float(Fraction(v) - x) for v, x in pairs]


def test_what_cancels_leaves_what_is_small() -> None:
    a = np.array([[2.0**100, 1.0, -(2.0**100), 2.0**-60]])
    assert tpe.exact_sums(a, np.ones((4, 1))).values()[0, 0] == 1.0
    assert tpe.exact_sums(a, np.ones((4, 1))).differences(np.ones((1, 1)))[0, 0] == -(2.0**-60)


def test_a_long_sum_of_full_limbs_is_exact() -> None:
    """Beyond a block of K, of limbs that are all ones: products that fill float64."""
    k = 3 * (1 << 13) + 5
    top = float((1 << 53) - 1)
    sums = tpe.exact_sums(np.full((2, k), top), np.full((k, 1), -top))
    assert sums.exponent == 0
    assert (sums.integers == -k * ((1 << 53) - 1) ** 2).all()
    ints = np.random.default_rng(3).integers(-128, 128, (5, 4096))
    assert (tpe.exact_sums(ints, ints.T).values() == ints @ ints.T).all()


def test_zeros_and_the_ends_of_float64() -> None:
    assert tpe.exact_sums(np.zeros((2, 3)), np.ones((3, 2))).values().tolist() == [[0, 0], [0, 0]]
    tiny, huge = 5e-324, 1.7e308
    assert tpe.exact_sums([[tiny]], [[1.0]]).values()[0, 0] == tiny
    assert tpe.exact_sums([[tiny]], [[huge]]).values()[0, 0] == float(
        Fraction(tiny) * Fraction(huge)
    )
    assert tpe.exact_sums([[huge, -huge]], [[huge], [huge]]).values()[0, 0] == 0
    assert tpe.exact_sums([[huge]], [[-huge]]).values()[0, 0] == -np.inf


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        ([[np.nan]], [[1.0]], "A holds nan; legal: finite numbers"),
        ([[1.0]], [[1.0], [2.0]], "A is 1 x 1 and B 2 x 1; legal: M x K and K x N"),
        ([[1.0]], [[2**60 + 1]], r"B holds integers beyond 2\*\*53"),
        ([1.0], [[1.0]], r"A have 1 dimension\(s\), not 2"),
        ([["x"]], [[1.0]], "A is <U1; legal: integers or floats"),
    ],
)
def test_what_has_no_exact_sum(a: object, b: object, text: str) -> None:
    with pytest.raises(tpe.TpeError, match=text):
        tpe.exact_sums(a, b)
