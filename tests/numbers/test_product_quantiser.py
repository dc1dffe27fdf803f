"""Product quantisation: its hash, its splits, its prototypes and its tables, by definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tpe
from tpe.numbers.product_quantiser import RIDGE, ProductQuantiser, product_quantiser


def drawn(rows: int, k: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 3)) @ rng.normal(size=(3, k)) + 0.1 * rng.normal(size=(rows, k))


def slow_code(row: np.ndarray, quantiser: ProductQuantiser, book: int) -> int:
    """Down the tree, node by node."""
    node = 0
    for level in range(quantiser.depth):
        right = row[quantiser.dimensions[book, level]] >= quantiser.thresholds[book, node]
        node = 2 * node + 1 + int(right)
    return node - ((1 << quantiser.depth) - 1)


@pytest.mark.parametrize(
    ("k", "codebooks", "depth"), [(1, 1, 1), (7, 3, 4), (5, 5, 2), (16, 1, 8), (9, 2, 3)]
)
def test_codes_and_sums_are_those_of_the_definition(k: int, codebooks: int, depth: int) -> None:
    x, w = drawn(60, k), np.random.default_rng(1).normal(size=(k, 3))
    learnt = product_quantiser(x, codebooks, depth)
    assert learnt.prototypes.shape == (codebooks, 1 << depth, k)
    other = drawn(11, k, seed=2)
    codes = learnt.encode(other)
    assert codes.dtype == np.uint8 and codes.shape == (11, codebooks)
    for row, found in zip(other, codes, strict=True):
        assert found.tolist() == [slow_code(row, learnt, book) for book in range(codebooks)]
    near = np.array(
        [sum(learnt.prototypes[c, code] for c, code in enumerate(row)) for row in codes]
    )
    assert np.allclose(learnt.matmul(other, w), near @ w)
    subspaces = np.array_split(np.arange(k), codebooks)
    for dimensions, subspace in zip(learnt.dimensions, subspaces, strict=True):
        assert set(dimensions) <= set(subspace)


def test_a_split_is_the_best_there_is() -> None:
    x = drawn(25, 3)
    learnt = product_quantiser(x, 1, 1)

    def left_over(dimension: int, threshold: float) -> float:
        right = x[:, dimension] >= threshold
        parts = [x[right], x[~right]]
        return sum(((part - part.mean(axis=0)) ** 2).sum() for part in parts if len(part))

    every = [left_over(d, value) for d in range(3) for value in x[:, d]]
    found = left_over(int(learnt.dimensions[0, 0]), float(learnt.thresholds[0, 0]))
    assert found == pytest.approx(min(every))


def test_prototypes_are_the_ridge_regressions() -> None:
    """Where they are best the derivative of squared distances and squared prototypes is zero."""
    x = drawn(40, 6)
    learnt = product_quantiser(x, 2, 2)
    codes = learnt.encode(x)
    off = sum(learnt.prototypes[c][codes[:, c]] for c in range(2)) - x
    for c in range(2):
        for code in range(4):
            slope = off[codes[:, c] == code].sum(axis=0) + RIDGE * learnt.prototypes[c, code]
            assert np.allclose(slope, 0, atol=1e-9)


def test_more_codebooks_are_nearer_and_int8_tables_nearly_as_good() -> None:
    x, w = drawn(400, 16), np.random.default_rng(1).normal(size=(16, 5))
    exact = x @ w
    off = []
    for codebooks in (1, 4, 16):
        learnt = product_quantiser(x, codebooks)
        plain, whole = learnt.matmul(x, w), learnt.matmul(x, w, tables="int8")
        off.append(np.abs(plain - exact).mean())
        step = np.abs(learnt.tables(w)).max(axis=(0, 1)) / 127
        assert (np.abs(whole - plain) <= codebooks * step / 2 + 1e-12).all()
        assert (whole != plain).any()
        assert np.allclose(whole / step, np.rint(whole / step))
    assert off[2] < off[1] < off[0] < np.abs(exact).mean()


def test_rows_that_cannot_be_told_apart() -> None:
    """Nothing is split, nothing goes to the right, and one prototype stands for all."""
    learnt = product_quantiser(np.full((9, 2), 3.0), 2, 2)
    assert np.isinf(learnt.thresholds).all()
    assert (learnt.encode([[1e300, -1e300]]) == 0).all()
    assert np.allclose(learnt.matmul([[3.0, 3.0]], np.eye(2)), 3 * 18 / 19)
    one = product_quantiser([[5.0]], 1)
    assert one.matmul([[7.0]], [[2.0]]).tolist() == [[pytest.approx(5.0)]]


def test_neighbouring_floats_are_told_apart() -> None:
    low = 1.0
    high = np.nextafter(low, 2.0)
    learnt = product_quantiser([[low], [high]], 1, 1)
    assert learnt.encode([[low], [high]]).tolist() == [[0], [1]]


@pytest.mark.parametrize(
    ("x", "codebooks", "depth", "text"),
    [
        ([[1.0, 2.0]], 3, 4, "codebooks = 3 is not legal: an integer from 1 to 2"),
        ([[1.0, 2.0]], 0, 4, "codebooks = 0 is not legal"),
        ([[1.0, 2.0]], True, 4, "codebooks = True is not legal"),
        ([[1.0]], 1, 9, "depth = 9 is not legal: an integer from 1 to 8"),
        (np.zeros((0, 2)), 1, 4, "x has no row"),
        (np.zeros((2, 0)), 1, 4, r"x is of shape \(2, 0\); legal: a matrix"),
        ([1.0, 2.0], 1, 4, r"x is of shape \(2,\)"),
        ([[np.nan]], 1, 4, "x holds nan; legal: finite numbers"),
        ([["a"]], 1, 4, "x is <U1; legal: integers or floats"),
    ],
)
def test_what_is_refused(x: Any, codebooks: Any, depth: int, text: str) -> None:
    with pytest.raises(tpe.TpeError, match=text):
        product_quantiser(x, codebooks, depth)


def test_products_that_do_not_fit_are_refused() -> None:
    learnt = product_quantiser(drawn(9, 4), 2, 2)
    with pytest.raises(tpe.TpeError, match=r"x is of shape \(1, 3\); legal: a matrix with K = 4"):
        learnt.matmul(np.zeros((1, 3)), np.zeros((4, 1)))
    with pytest.raises(tpe.TpeError, match=r"w is of shape .*; legal: a matrix with K = 4"):
        learnt.matmul(np.zeros((1, 4)), np.zeros((3, 1)))
    with pytest.raises(tpe.TpeError, match="w holds inf"):
        learnt.matmul(np.zeros((1, 4)), np.full((4, 1), np.inf))
    with pytest.raises(tpe.TpeError, match=r"unknown tables 'int4' .*; legal: float, int8"):
        learnt.matmul(np.zeros((1, 4)), np.zeros((4, 1)), "int4")
