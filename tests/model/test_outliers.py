"""Columns of outliers on an engine of their own, against the definition in rationals and fp16."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tests.workloads.test_workloads import fails
from tpe.cli.main import app

MAC = tpe.Engine("mac", "matrix2d", "4x4")
FMA = tpe.Engine("fma", "matrix2d", "4x4", a_type="fp16", b_type="fp16")


def integers_by_hand(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Vector-wise int8 in rationals, an element at a time."""
    c = np.zeros((len(x), w.shape[1]))
    for m, row in enumerate(x):
        for n, column in enumerate(w.T):
            total, scales = Fraction(0), []
            for side in (row, column):
                largest = max((abs(Fraction(float(v))) for v in side), default=Fraction(0))
                scales.append(largest / 127 or Fraction(1))
            for p, q in zip(row, column, strict=True):
                codes = [round(Fraction(float(v)) / s) for v, s in zip((p, q), scales, strict=True)]
                total += codes[0] * codes[1]
            c[m, n] = float(scales[0] * scales[1] * total)
    return c


def halves_by_hand(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """fp16 operands, each product added to a float32 psum and rounded to it once, in order."""
    half = [side.astype(np.float16).astype(np.float64) for side in (x, w)]
    psum = np.zeros((len(x), w.shape[1]), np.float32)
    for k in range(x.shape[1]):
        # Products of fp16 have 22 bits and sums here at most 2**29 apart: float64 is exact.
        psum = (psum.astype(np.float64) + np.outer(half[0][:, k], half[1][k])).astype(np.float32)
    return psum.astype(np.float64)


def data(seed: int, m: int, k: int, n: int, large: list[int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, w = rng.uniform(-2, 2, (m, k)), rng.normal(0, 0.5, (k, n))
    for place, column in enumerate(large):
        x[place % m, column] = (-1) ** place * (20 + 7 * place)
    return x, w


@pytest.mark.parametrize(
    ("m", "k", "n", "large"),
    [
        (5, 23, 6, [3, 17]),
        (1, 1, 1, []),
        (1, 1, 1, [0]),
        (3, 9, 2, list(range(9))),
        (7, 30, 3, [0, 29]),
    ],
)
def test_it_is_the_sum_of_both_parts(m: int, k: int, n: int, large: list[int]) -> None:
    x, w = data(m, m, k, n, large)
    product = tpe.outlier_matmul(MAC, FMA, x, w)
    rest = [column for column in range(k) if column not in large]
    wanted = integers_by_hand(x[:, rest], w[rest]) + halves_by_hand(x[:, large], w[large])
    assert product.columns.tolist() == large and product.share == len(large) / k
    assert product.C.dtype == np.float64
    np.testing.assert_allclose(product.C, wanted, rtol=1e-13, atol=1e-13)
    assert (product.run is None) == (not rest) and (product.outliers is None) == (not large)


def test_cycles_are_those_of_both_engines() -> None:
    """Of a sparse engine too: what it runs are the codes of the columns that are left."""
    x, w = data(1, 6, 40, 5, [2, 30, 31])
    sparse = tpe.Engine("opt4c", "matrix2d", "4x4")
    product = tpe.outlier_matmul(sparse, FMA, x, w)
    rest = np.delete(np.arange(40), [2, 30, 31])
    codes = [
        np.rint(side / (abs(side).max(axis=axis, keepdims=True) / 127)).astype(int)
        for side, axis in ((x[:, rest], 1), (w[rest], 0))
    ]
    ours, theirs = sparse.run(*codes).cycles, FMA.run("gemm:6x5x3").cycles
    assert product.cycles == (ours, theirs)
    assert ours != sparse.run("gemm:6x5x37", seed=5).cycles  # the codes matter
    assert product.run and product.run.layers[0].k == 37 and product.run.C is None


def test_outliers_are_what_int8_cannot_hold() -> None:
    """One column 50 times the others: int8 alone loses them; with the column apart it does not."""
    x, w = data(3, 16, 64, 8, [])
    x[:, 5] *= 50
    exact = x @ w
    apart = abs(tpe.outlier_matmul(MAC, FMA, x, w).C - exact).max()
    together = abs(tpe.matmul(MAC, x, w) - exact).max()
    assert apart < together / 5
    never = tpe.outlier_matmul(MAC, FMA, x, w, threshold=float("inf"))
    assert (never.C == tpe.matmul(MAC, x, w)).all() and never.cycles[1] == 0


def test_the_threshold_itself_is_no_outlier() -> None:
    x = np.array([[6.0, -6.0, np.nextafter(-6.0, -7.0)]], np.float64)
    product = tpe.outlier_matmul(MAC, FMA, x, np.ones((3, 1)))
    assert product.columns.tolist() == [2]
    assert tpe.outlier_matmul(MAC, FMA, x, np.ones((3, 1)), 5).share == 1


def test_shapes_and_types_are_matmuls() -> None:
    x, w = data(4, 6, 8, 3, [1])
    cube = x.reshape(2, 3, 8).astype(np.float32)
    product = tpe.outlier_matmul(MAC, FMA, cube, w.astype(np.float32))
    assert product.C.shape == (2, 3, 3) and product.C.dtype == np.float32
    line = tpe.outlier_matmul(MAC, FMA, x[0], w)
    assert line.C.shape == (3,) and line.columns.tolist() == [1]
    empty = tpe.outlier_matmul(MAC, FMA, np.zeros((2, 0)), np.zeros((0, 3)))
    assert empty.C.tolist() == [[0.0] * 3] * 2 and empty.cycles == (0, 0) and empty.share == 0
    none = tpe.outlier_matmul(MAC, FMA, np.zeros((0, 4)), np.ones((4, 3)))
    assert none.C.shape == (0, 3) and none.cycles == (0, 0)


UINT = tpe.Engine("mac", "matrix2d", "4x4", a_type="uint8", b_type="int8")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((FMA, FMA, [[1]], [[1]]), "engine: fma_matrix2d_4x4 takes fp16 x fp16; legal: signed int"),
        ((UINT, FMA, [[1]], [[1]]), "takes uint8 x int8; legal: signed integers on both sides"),
        ((MAC, MAC, [[1]], [[1]]), "outliers: mac_matrix2d_4x4 takes int8 x int8; legal: floating"),
        ((MAC, FMA, [[1]], [[1]], 0), "threshold = 0 is not legal: a number above 0"),
        ((MAC, FMA, [[1]], [[1]], float("nan")), "threshold = nan is not legal"),
        ((MAC, FMA, [[1]], [[1]], True), "threshold = True is not legal"),
        ((MAC, FMA, [[1, 2]], [[1]]), "x is of shape (1, 2) and w of (1, 1); legal"),
        ((MAC, FMA, [[np.nan]], [[1]]), "x holds nan; legal: finite numbers"),
        ((MAC, FMA, [[1.0]], [[np.inf]]), "w holds inf; legal: finite numbers"),
        ((MAC, "fma", [[1.0]], [[1]]), "engine"),
    ],
)
def test_what_is_refused(arguments: tuple[Any, ...], part: str) -> None:
    fails(lambda: tpe.outlier_matmul(*arguments), part)


def test_a_model_is_evaluated_with_outliers_apart(tmp_path: Path) -> None:
    """Digits: pixels are within 0 to 1, activations behind fc1 and fc2 reach past 6."""
    plain = tpe.evaluate_model("digits_mlp", MAC, 30)
    result = tpe.evaluate_model("digits_mlp", MAC, 30, outliers=FMA)
    never = tpe.evaluate_model("digits_mlp", MAC, 30, outliers=FMA, threshold=1e9)
    shares = [one.metrics["outlier_share"] for one in (result, never)]
    assert shares[0] and 0 < shares[0] < 0.6 and shares[1] == 0
    assert never.metrics["score_error"] == pytest.approx(plain.metrics["score_error"], rel=1e-3)
    assert result.metrics["outlier_cycles"] and never.metrics["outlier_cycles"] == 0
    assert "outlier_share" not in plain.metrics
    sizes = ((64, 64), (32, 64), (10, 32))
    alone = sum(MAC.run(f"gemm:30x{n}x{k}").cycles for n, k in sizes)
    assert never.metrics["cycles"] == alone
    file = tmp_path / "e.json"
    line = f"evaluate digits_mlp --pe mac --size 4x4 --samples 30 --outliers fma --json {file}"
    done = CliRunner().invoke(app, line.split())
    assert done.exit_code == 0, done.output
    content = json.loads(file.read_text())
    assert content["metrics"] == tpe.evaluate_model("digits_mlp", MAC, 30, outliers=FMA).metrics
    assert "--outliers fma --threshold 6.0" in content["command"]
    assert content["outliers"]["a_type"] == "fp16"
    bad = CliRunner().invoke(app, "evaluate digits_mlp --threshold 3".split())
    assert bad.exit_code == 2 and "--outliers" in bad.output
