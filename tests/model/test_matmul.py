"""`tpe.matmul`: real matrices through an engine, against the definition by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import tpe
from tpe.numbers.float_arrays import rounded

INTEGER = tpe.Engine("opt4c", "matrix2d", "4x4")
FLOAT = tpe.Engine("lmul", "matrix2d", "4x4")


def real(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(0, 2, shape).astype(np.float32)


def by_hand(x: np.ndarray, w: np.ndarray, high: int) -> np.ndarray:
    """Vector-wise quantisation in rationals, an element at a time."""
    c = np.empty((len(x), w.shape[1]))
    for m, row in enumerate(x):
        for n, column in enumerate(w.T):
            sides = []
            for side in (row, column):
                values = [Fraction(float(value)) for value in side]
                scale = max(abs(value) for value in values) / high or Fraction(1)
                sides.append((scale, [round(value / scale) for value in values]))
            (a_scale, a), (b_scale, b) = sides
            total = sum(p * q for p, q in zip(a, b, strict=True))
            c[m, n] = float(a_scale * b_scale * total)
    return c


@pytest.mark.parametrize(
    ("engine", "high"),
    [
        (INTEGER, 127),
        (tpe.Engine("mac", "os", "4x4", a_type="int4", b_type="int4"), 7),
        (tpe.Engine("mac", "ws", "4x4", zero_points="subtract"), 127),
        (tpe.Engine("opt1", "ws", "4x4", encode="weights"), 127),
    ],
)
def test_integers_are_quantised_by_vectors(engine: tpe.Engine, high: int) -> None:
    rng = np.random.default_rng(3)
    x, w = real(rng, 5, 9), real(rng, 9, 4)
    x[2], w[:, 1] = 0, 0  # whose scale is open
    c = tpe.matmul(engine, x, w)
    assert c.dtype == np.float32
    np.testing.assert_allclose(c, by_hand(x, w, high), rtol=1e-6, atol=0)
    # what quantising costs: half a step of every operand
    steps = 0.5 * (np.abs(x).max(1)[:, None] / high), 0.5 * (np.abs(w).max(0)[None] / high)
    bound = steps[0] * np.abs(w).sum(0) + steps[1] * np.abs(x).sum(1)[:, None]
    bound = bound + 9 * steps[0] * steps[1]
    assert (np.abs(c - x.astype(np.float64) @ w) <= bound * (1 + 1e-6)).all()


def test_unsigned_activations_and_offset_zero_points() -> None:
    rng = np.random.default_rng(4)
    x, w = np.abs(real(rng, 3, 8)), real(rng, 8, 5)
    ours = [
        tpe.matmul(tpe.Engine("mac", "os", "4x4", a_type="uint8", zero_points=mode), x, w)
        for mode in ("none", "offset")
    ]
    assert (ours[0] == ours[1]).all()
    assert np.abs(ours[0] - x @ w).max() < 0.2


def test_a_row_does_not_depend_on_the_others() -> None:
    rng = np.random.default_rng(5)
    x, w = real(rng, 2, 3, 6), real(rng, 6, 4)
    for engine in (INTEGER, FLOAT):
        c = tpe.matmul(engine, x, w)
        assert c.shape == (2, 3, 4)
        for place in np.ndindex(2, 3):
            assert (tpe.matmul(engine, x[place], w) == c[place]).all()


def test_floats_are_rounded_and_multiplied_as_run_does() -> None:
    rng = np.random.default_rng(6)
    x, w = real(rng, 4, 7), real(rng, 7, 3)
    x[0, 0], w[1, 1] = np.inf, np.nan
    run = FLOAT.run(rounded(x, "bf16"), rounded(w, "bf16"), values="bits")
    np.testing.assert_array_equal(tpe.matmul(FLOAT, x, w), run.C)


def test_scales_that_are_given() -> None:
    x, w = np.array([[1.0, 2.6], [300.0, -1.4]]), np.array([[1.0], [2.0]])
    c = tpe.matmul(INTEGER, x, w, (1.0, 1.0))
    assert c.dtype == np.float64
    assert c.tolist() == [[7.0], [125.0]]  # 300 saturates
    assert tpe.matmul(INTEGER, x, w, ([1.0, 4.0], [0.5])).tolist() == [[7.0], [300.0]]
    assert tpe.matmul(INTEGER, x, w, (None, 1.0)) == pytest.approx(x @ w, rel=0.02)
    # A power of two is exact in floating point: nothing changes.
    plain = tpe.matmul(FLOAT, x, w)
    assert (tpe.matmul(FLOAT, x, w, (4.0, 0.5)) == plain).all()


def test_nothing_to_sum_is_zero() -> None:
    assert tpe.matmul(INTEGER, np.zeros((0, 3)), np.ones((3, 2))).shape == (0, 2)
    assert tpe.matmul(FLOAT, np.zeros((2, 0)), np.ones((0, 2))).tolist() == [[0, 0], [0, 0]]


WIDE = tpe.Engine("mac", "os", "2x2", acc_bits=16)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("mac", [[1.0]], [[1.0]]), "engine is a str; legal: an Engine, a Config"),
        (
            (tpe.Config("bipolar", "os", "2x2"), [[1.0]], [[1.0]]),
            "takes bipolar8 x bipolar8; legal: integers or floating point on both sides",
        ),
        (
            (tpe.Config("mac", "os", "2x2", relu="on", bias="on"), [[1.0]], [[1.0]]),
            "has bias, relu; legal: an engine without finish stages",
        ),
        (
            (INTEGER, [[1.0, 2.0]], [[1.0]]),
            r"x is of shape (1, 2) and w of (1, 1); legal: (..., K)",
        ),
        ((INTEGER, 1.0, [[1.0]]), "x is of shape () and w of (1, 1)"),
        ((INTEGER, ["a"], [[1.0]]), "x is <U1; legal: integers or floats"),
        ((INTEGER, [[1.0], [2.0, 3.0]], [[1.0]]), "x is no rectangular array"),
        ((INTEGER, [[np.nan]], [[1.0]]), "x holds nan; legal for int8: finite numbers"),
        ((INTEGER, [[1.0]], [[-np.inf]]), "w holds -inf; legal for int8: finite numbers"),
        (
            (tpe.Config("mac", "os", "2x2", a_type="uint8"), [[-1.5]], [[1.0]]),
            "x holds -1.5; legal for uint8: 0 and above, or a signed type",
        ),
        ((WIDE, np.ones((1, 9)), np.ones((9, 1))), "K = 9 products of int8 and int8 need an accum"),
        ((INTEGER, [[1.0]], [[1.0]], 2.0), "scales is no pair; legal: (x_scale, w_scale)"),
        ((INTEGER, [[1.0]], [[1.0]], (0, 1)), "x_scale holds 0; legal: finite numbers above 0"),
        (
            (INTEGER, [[1.0]], [[1.0]], (1, [1, 2])),
            "w_scale is of shape (2,); legal: one number, or (1,)",
        ),
    ],
)
def test_bad_input_is_one_line(given: Any, text: str) -> None:
    with pytest.raises(tpe.TpeError) as caught:
        tpe.matmul(*given)
    assert text in str(caught.value) and "\n" not in str(caught.value)
