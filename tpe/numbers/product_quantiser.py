"""Matrix products without multiplications: product quantisation by a hash, as MADDNESS does it.

The operands of K fall into contiguous subspaces, each with a codebook of 2**depth prototypes. A row
of x is hashed to one prototype of each: a balanced tree of `depth` comparisons, in which all nodes
of a level compare one dimension, each with its own threshold. The products of all prototypes with w
are known beforehand, a table, so that C[m, n] is a sum of one entry a codebook (arXiv:2106.10860).

Learnt as there: split dimensions greedily, of the few with the most squared error; thresholds that
leave the least; prototypes by ridge regression over all of K at once. Other than there, tables of
int8 have one scale a column and no offset, and their entries are summed exactly, not averaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.numbers.formats import FORMATS, Array
from tpe.numbers.matrices import check_count
from tpe.numbers.operands import Ints
from tpe.numbers.quantise import as_reals, finite, largest_scale, quantised

TABLES = ("float", "int8")  # what entries are: float64, or integers with a scale a column
MOST_DEPTH = 8  # a code is a byte
TRIED = 4  # dimensions of a subspace that a level is tried with
RIDGE = 1.0  # what the squares of prototypes weigh


@dataclass(frozen=True, eq=False)
class ProductQuantiser:
    """Codebooks of C subspaces of K; see this module.

    dimensions (C, depth)        -- of x, the one that each level compares
    thresholds (C, 2**depth - 1) -- of each node, those of a level after those above it; infinite
                                    where nothing goes to the right
    prototypes (C, 2**depth, K)  -- by code; each reaches over all of K
    """

    dimensions: Ints
    thresholds: Array
    prototypes: Array

    @property
    def depth(self) -> int:
        """Comparisons of a row with one codebook."""
        return int(self.dimensions.shape[1])

    def encode(self, x: Any) -> Ints:
        """Codes (M, C), uint8, of rows x (M, K): to the right where x is not below a threshold."""
        rows = _matrix(x, "x", self.prototypes.shape[2])
        codes = np.zeros((len(rows), len(self.dimensions)), np.int64)
        for number, (dimensions, thresholds) in enumerate(
            zip(self.dimensions, self.thresholds, strict=True)
        ):
            code = codes[:, number]
            for level, dimension in enumerate(dimensions):
                right = rows[:, dimension] >= thresholds[(1 << level) - 1 + code]
                code[:] = 2 * code + right
        return codes.astype(np.uint8)

    def tables(self, w: Any) -> Array:
        """Products of all prototypes with w (K, N): (C, 2**depth, N), float64."""
        products: Array = self.prototypes @ _matrix(w, "w", self.prototypes.shape[2], axis=0)
        return products

    def matmul(self, x: Any, w: Any, tables: str = "float") -> Array:
        """x (M, K) @ w (K, N), approximately: sums of entries, float64.

        tables: `float`, or `int8`: each column's entries rounded to int8 by one scale, summed as
        integers, scaled back. Raises TpeError for shapes that do not fit, for what is no finite
        number and for unknown tables.
        """
        if tables not in TABLES:
            raise unknown("tables", tables, TABLES)
        codes, entries = self.encode(x), self.tables(w)
        scale: Array = np.ones((1, 1))
        if tables == "int8":
            flat = entries.reshape(-1, entries.shape[2])
            scale = largest_scale(flat, FORMATS["int8"], axis=0)
            entries = quantised(entries, FORMATS["int8"], scale).astype(np.int64)
        total = np.zeros((len(codes), entries.shape[2]), entries.dtype)
        for code, table in zip(codes.T, entries, strict=True):
            total += table[code]
        return total * scale


def product_quantiser(x: Any, codebooks: int, depth: int = 4) -> ProductQuantiser:
    """Codebooks learnt from rows x (rows, K), finite numbers, like those to be multiplied.

    codebooks: 1 to K, each of K / codebooks dimensions, the first ones of one more where K leaves
    some over. depth: 1 to 8. Raises TpeError for anything else.

    >>> x = [[0, 0], [0, 1], [4, 0], [4, 1]]
    >>> learnt = product_quantiser(x, codebooks=2, depth=1)
    >>> learnt.encode(x).tolist(), learnt.thresholds.ravel().tolist()
    ([[0, 0], [0, 1], [1, 0], [1, 1]], [2.0, 0.5])
    """
    rows = _matrix(x, "x", None).astype(np.float64)
    count = rows.shape[1]
    check_count(codebooks, "codebooks", count)
    check_count(depth, "depth", MOST_DEPTH)
    if not len(rows):
        raise TpeError("x has no row; legal: one or more to learn from")
    subspaces = np.array_split(np.arange(count), codebooks)
    trees = [_tree(rows, subspace, depth) for subspace in subspaces]
    dimensions = np.array([tree[0] for tree in trees], np.int64)
    thresholds = np.array([tree[1] for tree in trees])
    bare = ProductQuantiser(dimensions, thresholds, np.zeros((codebooks, 1 << depth, count)))
    return ProductQuantiser(dimensions, thresholds, _prototypes(rows, bare))


# ---- learning ----


def _tree(rows: Array, subspace: Ints, depth: int) -> tuple[list[int], list[float]]:
    """Split dimensions by level, and thresholds node by node."""
    buckets = [np.arange(len(rows))]
    dimensions: list[int] = []
    thresholds: list[float] = []
    for _ in range(depth):
        errors = sum(_squared_error(rows[np.ix_(bucket, subspace)]) for bucket in buckets)
        tried = subspace[np.argsort(-np.asarray(errors), kind="stable")[:TRIED]]
        options = [list(_splits(rows, buckets, subspace, int(one))) for one in tried]
        best = min(range(len(tried)), key=lambda i: sum(loss for _, loss in options[i]))
        dimension = int(tried[best])
        level = [threshold for threshold, _ in options[best]]
        dimensions.append(dimension)
        thresholds += level
        buckets = [
            part
            for bucket, threshold in zip(buckets, level, strict=True)
            for right in (rows[bucket, dimension] >= threshold,)
            for part in (bucket[~right], bucket[right])
        ]
    return dimensions, thresholds


def _squared_error(x: Array) -> Array:
    """By dimension, the squared distances of rows from their mean."""
    return ((x - x.mean(axis=0)) ** 2).sum(axis=0) if len(x) else np.zeros(x.shape[1])


def _splits(
    rows: Array, buckets: list[Ints], subspace: Ints, dimension: int
) -> Iterator[tuple[float, float]]:
    """Of every bucket the threshold that leaves the least squared error, and what it leaves."""
    for bucket in buckets:
        order = bucket[np.argsort(rows[bucket, dimension], kind="stable")]
        x, key = rows[np.ix_(order, subspace)], rows[order, dimension]
        cuts = np.flatnonzero(np.diff(key) > 0) + 1  # rows before a cut go to the left
        if not cuts.size:
            yield np.inf, float(_squared_error(x).sum())
            continue
        ahead = _errors_of_heads(x)[cuts - 1]
        behind = _errors_of_heads(x[::-1])[len(x) - cuts - 1]
        best = int(np.argmin(ahead + behind))
        threshold = _between(key[cuts[best] - 1], key[cuts[best]])
        yield threshold, float(ahead[best] + behind[best])


def _between(low: float, high: float) -> float:
    """A number above `low`, at most `high`: the middle, where floats have one."""
    middle = float(low / 2 + high / 2)
    return middle if low < middle <= high else float(high)


def _errors_of_heads(x: Array) -> Array:
    """Entry i: the squared error of the first i + 1 rows, over all dimensions."""
    count = np.arange(1, len(x) + 1)
    centred = x - x.mean(axis=0)  # so that what is subtracted is not much larger than what is left
    total, squares = np.cumsum(centred, axis=0), np.cumsum((centred**2).sum(axis=1))
    errors: Array = squares - (total**2).sum(axis=1) / count
    return errors


def _prototypes(rows: Array, quantiser: ProductQuantiser) -> Array:
    """Prototypes whose sums are nearest to the rows: ridge regression on codes, one of many."""
    codes = quantiser.encode(rows).astype(np.int64)
    books, size, count = quantiser.prototypes.shape
    chosen = np.zeros((len(rows), books * size))
    np.put_along_axis(chosen, codes + size * np.arange(books), 1.0, axis=1)
    normal = chosen.T @ chosen + RIDGE * np.eye(books * size)
    return np.linalg.solve(normal, chosen.T @ rows).reshape(books, size, count)


# ---- what is given ----


def _matrix(x: Any, where: str, count: int | None, axis: int = 1) -> Array:
    """A matrix of finite numbers; K is its `axis`, not 0, and `count` where that is known."""
    matrix = as_reals(x, where)
    if matrix.ndim != 2 or matrix.shape[axis] == 0 or count not in (None, matrix.shape[axis]):
        wanted = "a matrix" if count is None else f"a matrix with K = {count}"
        raise TpeError(f"{where} is of shape {matrix.shape}; legal: {wanted}")
    return finite(matrix, where)
