"""Products whose columns of large activations go through an engine of floating point: LLM.int8().

A few columns of a transformer's activations are tens of times larger than the others, and would
take the scale of whole rows (arXiv:2208.07339). They, and the rows of the weights that they meet,
are multiplied in fp16 by an engine of their own; all others as integers, every row of x and every
column of w by its own scale. Both parts are added.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.engine.config import Config, checked_config
from tpe.model.engine import Engine, Run
from tpe.model.matmul import matmul
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import Array, IntFormat
from tpe.numbers.quantise import as_reals, finite, largest_scale, quantised

THRESHOLD = 6.0
"""Magnitude beyond which an activation is an outlier, that of the paper."""


@dataclass(frozen=True, eq=False)
class OutlierProduct:
    """x @ w in two parts.

    C         reals (..., N), float32 or float64: the sum of both parts
    columns   (outliers,) which of K were outliers, ascending
    k         how many there are of K
    run       of the others on the engine of integers, without C; None if there are none
    outliers  of the outliers on the engine of floating point; None if there are none
    """

    C: Array
    columns: Array
    k: int
    run: Run | None
    outliers: Run | None

    @property
    def share(self) -> float:
        """Outliers' part of K; 0 of an empty sum."""
        return len(self.columns) / self.k if self.k else 0.0

    @property
    def cycles(self) -> tuple[int, int]:
        """Clock cycles of the engine of integers and of that of floating point, 0 without work.

        Each counts its own clock; whether they work at once is not said here.
        """
        return self.run.cycles if self.run else 0, self.outliers.cycles if self.outliers else 0


def outlier_matmul(
    engine: Config, outliers: Config, x: Any, w: Any, threshold: float = THRESHOLD
) -> OutlierProduct:
    """x (..., K) @ w (K, N), columns of x with outliers on an engine of their own.

    engine: of signed integers on both sides; it takes every row of x and every column of w, their
    outliers left out, by the scale that puts its largest magnitude on the format's largest integer.
    outliers: of floating point (fp16) on both sides; takes the other columns, rounded.
    threshold: a column with any |x| beyond it is an outlier, above 0; infinite: none is.
    Both are as `tpe.matmul` takes them and computes; the parts are added in float64.

    Returns C in float64 if x or w is float64 or holds integers, else float32.
    Raises TpeError, one line: engines, shapes, numbers that are not finite, as `matmul`.

    >>> mac = Engine("mac", "matrix2d", "2x2")
    >>> fma = Engine("fma", "matrix2d", "2x2", a_type="fp16", b_type="fp16")
    >>> product = outlier_matmul(mac, fma, [[0.5, 60.0, 1.0]], [[1.0], [0.5], [-0.25]])
    >>> product.C.round(2).tolist(), product.columns.tolist(), round(product.share, 2)
    ([[30.25]], [1], 0.33)
    """
    first, second = _engines(engine, outliers)
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not threshold > 0:
        raise TpeError(f"threshold = {threshold!r} is not legal: a number above 0")
    left, right = as_reals(x, "x"), as_reals(w, "w")
    _check(left, right)
    dtype = np.result_type(left.dtype, right.dtype, np.float32)
    rows = left.reshape(prod(left.shape[:-1]), left.shape[-1]).astype(np.float64)
    weights = right.astype(np.float64)
    large = (np.abs(rows) > threshold).any(axis=0)
    total = np.zeros((rows.shape[0], weights.shape[1]))
    runs: list[Run | None] = []
    for runner, chosen in ((first, ~large), (second, large)):
        a, b = rows[:, chosen], weights[chosen]
        total += matmul(runner, a, b)
        runs.append(_run(runner, a, b) if a.size and b.size else None)
    c = total.astype(dtype).reshape(*left.shape[:-1], weights.shape[1])
    return OutlierProduct(c, np.flatnonzero(large), rows.shape[1], runs[0], runs[1])


def _engines(engine: Config, outliers: Config) -> tuple[Engine, Engine]:
    """Both engines, checked: of signed integers, and of floating point."""
    first, second = (Engine.of(checked_config(one)) for one in (engine, outliers))
    for runner, field, kind, legal in (
        (first, "engine", IntFormat, "signed integers on both sides"),
        (second, "outliers", FloatFormat, "floating point on both sides"),
    ):
        numbers = runner.a_format, runner.b_format
        if not all(isinstance(x, kind) and x.signed for x in numbers):
            names = " x ".join(number.name for number in numbers)
            raise TpeError(f"{field}: {runner.name} takes {names}; legal: {legal}")
    return first, second


def _check(x: Array, w: Array) -> None:
    if x.ndim < 1 or w.ndim != 2 or x.shape[-1] != w.shape[0]:
        raise TpeError(
            f"x is of shape {x.shape} and w of {w.shape}; legal: (..., K) and (K, N) with the "
            "same K"
        )
    for value, where in ((x, "x"), (w, "w")):
        finite(value, where)


def _run(engine: Engine, a: Array, b: Array) -> Run:
    """The cycles of a part: its operands as they enter the engine, no C."""
    operands = []
    for values, number, axis in ((a, engine.a_format, 1), (b, engine.b_format, 0)):
        if isinstance(number, IntFormat):
            operands.append(quantised(values, number, largest_scale(values, number, axis)))
        else:
            with np.errstate(over="ignore"):
                operands.append(number.values(number.codes(values)))  # type: ignore[attr-defined]
    return engine.run(*operands, values="none")
