"""Products of an operand with structured sparsity: what is stored of it, times what is selected.

Each row of the sparse side (a row of the encoded operand, or a column of the other one) selects its
own operands of the other side, so that the GEMM falls into one for each of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tpe.engine.sparsity import of_weights
from tpe.engine.spec import EngineSpec
from tpe.numbers.operands import Ints
from tpe.numbers.sparsity import Compressed, Selection

Product = Callable[[Ints, Ints], Ints]


def checked_sparse(engine: EngineSpec, encoded: Ints, other: Ints, layer: str) -> None:
    """TpeError, naming the first group, if the side that is to be sparse is not."""
    selection = engine.selection
    if selection is None:
        return
    weights = of_weights(engine.params)
    name, line = ("B", "column") if weights else ("A", "row")
    _, nonzero = _sparse_side(engine, selection, encoded, other)
    selection.sparsity.check(nonzero, f"layer '{layer}': operands of {name}", line)


def as_sparse(engine: EngineSpec, a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """A (M, K) and B (K, N) with the side pruned that is to be sparse; as they are if none is."""
    if engine.selection is None:
        return a, b
    pattern = engine.selection.sparsity
    if of_weights(engine.params):
        return a, pattern.pruned(b.T).T
    return pattern.pruned(a), b


def stored(engine: EngineSpec, encoded: Ints, other: Ints) -> Compressed:
    """What is stored of the sparse side, a row for each row of A or column of B: (rows, K')."""
    selection = engine.selection
    assert selection is not None
    return selection.sparsity.compressed(*_sparse_side(engine, selection, encoded, other))


def selected(engine: EngineSpec, encoded: Ints, other: Ints, product: Product) -> Ints:
    """The product of an encoded operand (M, K) and another (K, N) by what cells select of them.

    product: of two matrices as cells take them, K' long. Without sparsity that of all of K.
    """
    selection = engine.selection
    if selection is None:
        return product(encoded, other)
    values, places = stored(engine, encoded, other)
    pattern = selection.sparsity
    k = np.arange(values.shape[1]) // pattern.n * pattern.m + places  # of every stored value
    missing = -encoded.shape[1] % pattern.m
    if selection.encoded:
        dense = np.pad(other, ((0, missing), (0, 0)))
        lines = [product(values[m : m + 1], dense[k[m]]) for m in range(len(values))]
        return np.concatenate(lines)
    dense = np.pad(encoded, ((0, 0), (0, missing)))
    columns = [product(dense[:, k[n]], values[n : n + 1].T) for n in range(len(values))]
    return np.concatenate(columns, axis=1)


def _sparse_side(
    engine: EngineSpec, selection: Selection, encoded: Ints, other: Ints
) -> tuple[Ints, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    """Codes of the sparse side, (rows, K), and which of them stand for no zero."""
    codes = encoded if selection.encoded else other.T
    number = engine.encoded_formats()[not selection.encoded]
    if engine.arithmetic.integral:
        return codes, codes != 0
    return codes, number.values(codes) != 0
