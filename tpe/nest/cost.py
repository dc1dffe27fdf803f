"""What a nest takes on real operands: how often its primitives fire, and its cycles."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tpe.base.errors import TpeError
from tpe.nest.notation import CHAIN, SPACE, SPARSE, TIME, Dim, K, M, N, Nest, Place
from tpe.nest.readings import is_apart, matrix_of, planes_of, runs_of
from tpe.nest.row_terms import row_units
from tpe.numbers import digits
from tpe.numbers.digits import Encoding


def firings(nest: Nest, a: ArrayLike, encoding: str | Encoding, bits: int) -> dict[str, int]:
    """Activations of every primitive on operand A (M, K): op name -> count, exact.

    As `Unit.runs` (units of one op added up, row terms among them), but where zeros are skipped,
    what lies between the selection and the sum over K fires on non-zero digits only; that sum, if
    it merges lanes of K, fires whenever one of its lanes holds a digit. N is that of the bound
    nest. Raises `TpeError` as `cycles`.

    >>> from tpe.nest.notation import bind, mac, tile
    >>> from tpe.nest.rewrites import opt4
    >>> nest = bind(opt4(mac(*tile(2, 8, 4))), m=2, n=8, k=4)
    >>> firings(nest, [[1, 0, 0, 0], [127, 0, 0, 0]], "ent", 8)["map"]    # 3 digits, 8 columns
    24
    """
    nonzero = _nonzero(nest, a, encoding, bits)
    counts: Counter[str] = Counter()
    for i, step in enumerate(nest.steps):
        if nest.sparse and not step.in_front and K in nest.remaining(i):
            hits = _busy_steps(nonzero) if K in step.sums else int(nonzero.sum())
            counts[step.op.name] += hits * nest.trips({N}, SPACE, TIME)
        else:
            counts[step.op.name] += runs_of(nest, i) * (2 if is_apart(nest, i) else 1)
    for unit in row_units(nest):
        counts[unit.op] += unit.runs
    return dict(counts)


def cycles(nest: Nest, a: ArrayLike, encoding: str | Encoding, bits: int) -> int:
    """Compute cycles on operand A (M, K), without fill, drain, load or stall.

    Dense: the product of the time trips. Sparse: a group of consecutive k at one bit weight takes
    max(1, non-zero digits); rows (M in space) run free and meet once per output tile, lanes of K
    in space take the groups in turn and meet at each bit weight. A is zero-padded to the bound M
    and K. Raises `TpeError` if A does not fit the bound nest, or as `evaluate`.

    >>> from tpe.nest.notation import bind, mac, tile
    >>> from tpe.nest.rewrites import opt4
    >>> nest = bind(opt4(mac(*tile(2, 8, 4))), m=2, n=8, k=4)
    >>> cycles(nest, [[1, 0, 0, 0], [127, 127, 127, 127]], "ent", 8)    # 4 + 1 + 1 + 4
    10
    """
    nonzero = _nonzero(nest, a, encoding, bits)
    if not nest.sparse:
        return nest.trips(Dim, TIME)
    per_group = np.maximum(1, nonzero.sum(axis=3))  # rows, time, lanes, BW
    per_row = per_group.sum(axis=1).max(axis=1).sum(axis=1)
    tiles = per_row.reshape(-1, nest.trips({M}, SPACE))
    return int(tiles.max(axis=1).sum()) * nest.trips({N}, TIME)


def _nonzero(nest: Nest, a: ArrayLike, encoding: str | Encoding, bits: int) -> NDArray[np.bool_]:
    """Which digits are non-zero: (bound M, K in time, K in space, K in group, BW), zero-padded."""
    enc = digits.encoding(encoding)
    values = matrix_of(a, "A")
    planes = planes_of(nest, enc, bits)
    rows, depth = nest.trips({M}, *Place), nest.trips({K}, *Place)
    if values.shape[0] > rows or values.shape[1] > depth:
        raise TpeError(
            f"A is {values.shape}, but the nest covers M = {rows} and K = {depth}: bind it to the "
            "problem first"
        )
    padded = np.zeros((rows, depth, planes), dtype=np.bool_)
    padded[: values.shape[0], : values.shape[1], : enc.count(bits)] = enc.encode(values, bits) != 0
    # Group i of consecutive k goes to lane i mod lanes.
    lanes = nest.trips({K}, SPACE, CHAIN)
    return padded.reshape(rows, -1, lanes, nest.trips({K}, SPARSE), planes)


def _busy_steps(nonzero: NDArray[np.bool_]) -> int:
    """Steps, over all rows and bit weights, in which at least one lane holds a non-zero digit."""
    digits_in = nonzero.sum(axis=3)  # rows, time, lanes, BW
    spent = np.maximum(1, digits_in)
    start = np.cumsum(spent, axis=1) - spent
    rows, _, _, group, planes = nonzero.shape
    length = int((start + spent).max())
    busy = np.zeros((rows, length, planes), dtype=np.bool_)
    for place in range(group):  # the digits of a group follow one another
        row, time, lane, plane = np.nonzero(digits_in > place)
        busy[row, start[row, time, lane, plane] + place, plane] = True
    return int(busy.sum())
