"""How far an engine's results are from the exact ones: bias, size, distribution, growth with K.

For every K a matrix A (rows, K) and a B (K, columns) are drawn in the engine's formats and
multiplied by the engine. Its results are held against `exact`, the sums of products without any
rounding, and against `fp64`, what float64 makes of them, k ascending, rounded at every product and
every sum. All errors of one K are divided by one number, which `relative` names, so that results
near zero do not decide what is said of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import isfinite, log, sqrt
from typing import Any

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.engine.parameters import checked_seed
from tpe.model.engine import Engine
from tpe.numbers.block_operands import BlockOperand
from tpe.numbers.blocks import Blocks
from tpe.numbers.exact_sums import exact_sums
from tpe.numbers.float_arrays import rounded
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import Array, Format
from tpe.numbers.matrices import check_count
from tpe.numbers.multiplier_table import TableErrors
from tpe.workloads import Workload

LENGTHS = (16, 64, 256, 1024, 4096)
OUTPUTS = 32  # rows of A, and columns of B
REFERENCES = ("exact", "fp64")
RELATIVE = {"results": "mean |A B|", "products": "mean |A| |B|"}  # -> in words, of what
QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
BINS = 41
MOST_LENGTH, MOST_OUTPUTS = 1 << 20, 1 << 12
Draw = Callable[[np.random.Generator, tuple[int, int]], Any]


@dataclass(frozen=True)
class ErrorRow:
    """The errors of one K against one reference; all but counts and `unit` are in units of `unit`.

    outputs             -- results that were measured; not_finite -- those left out besides: they,
                           or what float64 makes of them, are infinite or NaN
    differing           -- how many are not the reference exactly
    unit                -- what errors are divided by; the mean of |A B| or of |A| |B| over outputs
    bias                -- the mean of result - reference, with its sign
    bias_standard_error -- of it, as if outputs were drawn apart: they share rows and columns
    outward_bias        -- the mean of (result - reference) x the reference's sign: above 0 where
                           results are too large, which bias hides if both signs are as frequent
    mean_absolute, root_mean_square, largest -- of |result - reference|
    quantiles           -- of result - reference, at `QUANTILES`
    edges, counts       -- its histogram: counts[i] outputs from edges[i] to edges[i + 1]
    reference_error     -- how far the reference itself is from the exact sum, at most
    """

    k: int
    reference: str
    outputs: int
    not_finite: int
    differing: int
    unit: float
    bias: float
    bias_standard_error: float
    outward_bias: float
    mean_absolute: float
    root_mean_square: float
    largest: float
    quantiles: tuple[float, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    reference_error: float

    def to_json(self) -> dict[str, Any]:
        """The row as data; what is not finite is None."""
        return {
            name: None if isinstance(value, float) and not isfinite(value) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, eq=False)
class ErrorStudy:
    """The result of `error`: a row for every K and reference, by K."""

    engine: Engine
    operands: str
    relative: str
    seed: int
    rows: tuple[ErrorRow, ...]

    def find(self, k: int, reference: str = "exact") -> ErrorRow:
        """The row of a K and a reference; TpeError if there is none."""
        for row in self.rows:
            if (row.k, row.reference) == (k, reference):
                return row
        raise TpeError(f"no row of K = {k} and reference = {reference}; legal: those of the study")

    def of(self, reference: str) -> list[ErrorRow]:
        """The rows of a reference, K ascending."""
        return [row for row in self.rows if row.reference == reference]

    def growth(self, reference: str = "exact") -> float | None:
        """The exponent e of mean |error| ~ K**e by least squares of logarithms.

        None where fewer than two lengths have an error.
        """
        rows = [row for row in self.of(reference) if 0 < row.mean_absolute < np.inf]
        if len(rows) < 2:
            return None
        x = [log(row.k) for row in rows]
        return float(np.polyfit(x, [log(row.mean_absolute) for row in rows], 1)[0])

    @property
    def multiplier(self) -> TableErrors | None:
        """The errors of the products themselves, over all pairs of operands; None without a table.

        >>> study = error("table_mult", lengths=[2], rows=2, columns=2, table="kulkarni")
        >>> round(100 * study.multiplier.error_rate, 1)
        33.4
        """
        table = self.engine.pe.kernel.table
        return table.errors if table else None

    def to_json(self) -> dict[str, Any]:
        """The result as data."""
        return {
            "engine": self.engine.describe(),
            "operands": self.operands,
            "relative": self.relative,
            "seed": self.seed,
            "quantile_levels": list(QUANTILES),
            "growth": {reference: self.growth(reference) for reference in REFERENCES},
            "rows": [row.to_json() for row in self.rows],
            "multiplier": self.multiplier.to_json() if self.multiplier else None,
        }


def error(
    engine: str | Engine,
    operands: str | Draw = "uniform",
    lengths: Sequence[int] = LENGTHS,
    *,
    rows: int = OUTPUTS,
    columns: int = OUTPUTS,
    relative: str = "results",
    seed: int = 0,
    array: str | None = None,
    size: Any = None,
    progress: Callable[[str], None] | None = None,
    **parameters: Any,
) -> ErrorStudy:
    """Measure an engine's errors on drawn operands of several K, as `tpe error` does.

    engine    an `Engine`, or a PE's name with `array`, `size` and `parameters` as `Engine` has them
    operands  uniform or normal:SIGMA, as `gemm:` workloads have them; or a function that draws a
              matrix, (generator, shape) -> numbers, rounded here to a floating-point format, or
              quantised in blocks along K: errors are those of the sums alone
    lengths   the K's, each from 1 to 2**20
    rows, columns  of C: so many outputs are measured for every K
    relative  what errors are divided by: results, the mean of |A B|; products, the mean of |A| |B|
    progress  called with what begins

    Integer engines have no error but where they wrap or saturate. Raises TpeError for what is not
    legal, and for what the engine refuses.

    >>> study = error("mac", lengths=[8, 32], rows=4, columns=4)
    >>> [(row.k, row.reference, row.largest, row.differing) for row in study.rows]
    [(8, 'exact', 0.0, 0), (8, 'fp64', 0.0, 0), (32, 'exact', 0.0, 0), (32, 'fp64', 0.0, 0)]
    """
    if not isinstance(engine, Engine):
        engine = Engine(engine, array, size, **parameters)
    elif array is not None or size is not None or parameters:
        raise TpeError("array, size or parameters beside an Engine; legal: beside a PE's name")
    if relative not in RELATIVE:
        raise unknown("relative", relative, RELATIVE)
    seed = checked_seed(seed)
    shape = (check_count(rows, "rows", MOST_OUTPUTS), check_count(columns, "columns", MOST_OUTPUTS))
    found: list[ErrorRow] = []
    for k in _checked_lengths(lengths):
        if progress:
            progress(f"K = {k}")
        a, b = _operands(engine, operands, (shape[0], k, shape[1]), seed)
        c = engine.run(a, b, values="fast").C
        found += _measured(np.asarray(c), _numbers(a), _numbers(b), relative)
    name = operands if isinstance(operands, str) else getattr(operands, "__name__", "function")
    return ErrorStudy(engine, name, relative, seed, tuple(found))


def _operands(
    engine: Engine, operands: str | Draw, shape: tuple[int, int, int], seed: int
) -> tuple[Array | Blocks, Array | Blocks]:
    """A (M, K) and B (K, N) in the engine's formats."""
    m, k, n = shape
    if isinstance(operands, str):
        workload: Workload = engine.find(f"gemm:{m}x{n}x{k}:{operands}", seed)
        (layer,) = workload.layers
        a, b = layer.activations, layer.weights
    else:
        rng = np.random.default_rng([seed, k])
        a, b = operands(rng, (m, k)), operands(rng, (k, n))
    return _in_format(a, engine.a_format, 1), _in_format(b, engine.b_format, 0)


def _in_format(x: Any, number: Format, axis: int) -> Array | Blocks:
    """Numbers of a format; `axis`: that of K, along which blocks are."""
    if isinstance(number, BlockOperand):
        return number.blocked(x, "operands", axis, tensor_scale=1.0)
    return rounded(x, number) if isinstance(number, FloatFormat) else np.asarray(x)


def _numbers(x: Array | Blocks) -> Array:
    return x.values() if isinstance(x, Blocks) else x


def _measured(c: Array, a: Array, b: Array, relative: str) -> list[ErrorRow]:
    """The rows of one K."""
    sums = exact_sums(a, b)
    with np.errstate(all="ignore"):
        fp64 = _in_order(a.astype(np.float64), b.astype(np.float64))
        size = np.abs(a.astype(np.float64)) @ np.abs(b.astype(np.float64))
    kept = np.isfinite(c) & np.isfinite(fp64) & np.isfinite(size)
    exact = sums.values()
    unit = float(np.abs(exact if relative == "results" else size)[kept].mean()) if kept.any() else 0
    off = {
        "exact": sums.differences(np.where(kept, c, 0)),
        "fp64": np.where(kept, c, 0).astype(np.float64) - np.where(kept, fp64, 0),
    }
    signs = np.sign(exact)
    own = sums.differences(np.where(kept, fp64, 0))[kept]
    own_error = {"exact": 0.0, "fp64": float(np.abs(own).max(initial=0.0))}
    return [
        _row(
            a.shape[1],
            name,
            off[name][kept],
            signs[kept],
            unit,
            int((~kept).sum()),
            own_error[name],
        )
        for name in REFERENCES
    ]


def _row(
    k: int,
    reference: str,
    off: Array,
    signs: Array,
    unit: float,
    not_finite: int,
    reference_error: float,
) -> ErrorRow:
    """A row from the differences of the results that are finite."""
    if not off.size:
        unknown_ones = (float("nan"),) * 6
        return ErrorRow(k, reference, 0, not_finite, 0, 0.0, *unknown_ones, (), (), (), 0.0)
    errors = off / unit if unit else off  # without a result but 0 there is nothing to divide by
    size = np.abs(errors)
    largest = float(size.max())
    low, high = float(errors.min()), float(errors.max())
    if low == high:  # one value, in the middle
        low, high = low - (largest or 1.0), high + (largest or 1.0)
    counts, edges = np.histogram(errors, BINS, (low, high))
    return ErrorRow(
        k=k,
        reference=reference,
        outputs=off.size,
        not_finite=not_finite,
        differing=int(np.count_nonzero(off)),
        unit=unit,
        bias=float(errors.mean()),
        bias_standard_error=float(errors.std()) / sqrt(off.size),
        outward_bias=float((errors * signs).mean()),
        mean_absolute=float(size.mean()),
        root_mean_square=float(sqrt(np.mean(errors**2))),
        largest=largest,
        quantiles=tuple(float(q) for q in np.quantile(errors, QUANTILES)),
        edges=tuple(float(edge) for edge in edges),
        counts=tuple(int(count) for count in counts),
        reference_error=reference_error / unit if unit else reference_error,
    )


def _in_order(a: Array, b: Array) -> Array:
    """A @ B in float64, k ascending: the same on every machine, which BLAS is not."""
    total = np.zeros((a.shape[0], b.shape[1]))
    for k in range(a.shape[1]):
        total += a[:, k, None] * b[None, k]
    return total


def _checked_lengths(lengths: Sequence[int]) -> list[int]:
    """The K's, each once, ascending."""
    if isinstance(lengths, str) or not isinstance(lengths, Sequence) or not lengths:
        raise TpeError(f"lengths = {lengths!r} is not legal: a list of one K or more")
    return sorted({check_count(k, "lengths", MOST_LENGTH) for k in lengths})
