"""What a nest means, contains, takes and looks like: free functions of a frozen `Nest`.

`evaluate` is its value, `intervals` and `inventory` its hardware, `firings` and `cycles` its cost
on real operands, `render` its pseudo-code. Source of the notation: arXiv:2503.06342.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tpe.base.errors import TpeError
from tpe.nest.notation import (
    BW,
    CHAIN,
    ENCODE,
    HALF_REDUCE,
    MAP,
    SHIFT,
    SPACE,
    SPARSE,
    SPARSE_OP,
    SYNC,
    TIME,
    Dim,
    K,
    M,
    N,
    Nest,
    Place,
    Step,
    bind,
)
from tpe.numbers import digits
from tpe.numbers.digits import Encoding, IntArray
from tpe.numbers.formats import IntFormat

Interval = tuple[int, int]
Spans = tuple[Interval, ...]  # one per bit weight, or one if BW is summed

_CHUNK = 1 << 22  # elements of the (M, N, K, BW) working array held at once: 32 MiB


def evaluate(
    nest: Nest, a: ArrayLike, b: ArrayLike, encoding: str | Encoding, bits: int
) -> IntArray:
    """C = A @ B as the steps compute it: int64 (M, N), exact.

    `a` (M, K) holds signed `bits`-bit integers, `b` (K, N) any integers whose products and sums
    fit 63 bits. The loops need not be bound. Raises `TpeError` for other shapes or types, an
    operand out of range, or a nest with fewer bit weights than the encoding has digits.

    >>> from tpe.nest.notation import mac, tile
    >>> evaluate(mac(*tile(8, 8, 4)), [[1, -128]], [[3], [2]], "ent", 8).tolist()
    [[-253]]
    """
    enc = digits.encoding(encoding)
    x, y = _matrix(a, "A"), _matrix(b, "B")
    if x.shape[1] != y.shape[0]:
        raise TpeError(f"A is {x.shape} and B is {y.shape}; A's columns must be B's rows")
    _planes(nest, enc, bits)
    coded = enc.encode(x, bits)
    rows = max(1, _CHUNK // (y.size * coded.shape[2]))
    chunks = (coded[i : i + rows] for i in range(0, x.shape[0], rows))
    return np.concatenate([_rows(nest, chunk, y.T, enc.radix_bits) for chunk in chunks])


def _rows(nest: Nest, coded: NDArray[np.int8], b_t: IntArray, radix_bits: int) -> IntArray:
    x = coded[:, None].astype(np.int64)  # axes M, N, K, BW throughout
    for step in nest.steps:
        if step.op == MAP:
            x = x * b_t[None, :, :, None]
        if step.op == SHIFT:
            x = x * (np.int64(1) << radix_bits * np.arange(x.shape[3], dtype=np.int64))
        if step.sums:
            x = x.sum(axis=tuple(dim.value for dim in step.sums), keepdims=True)
    return x[:, :, 0, 0]


def _matrix(x: ArrayLike, name: str) -> IntArray:
    values = np.asarray(x)
    if values.ndim != 2 or 0 in values.shape:
        raise TpeError(f"{name} has shape {values.shape}; a matrix with no empty side is needed")
    if not np.issubdtype(values.dtype, np.integer) or values.dtype == np.uint64:
        raise TpeError(f"{name} is {values.dtype}; the nest computes on integers within int64")
    return values.astype(np.int64)


def _planes(nest: Nest, enc: Encoding, bits: int) -> int:
    """Bit weights of the nest, checked to hold the encoding's digits."""
    planes, count = nest.trips({BW}, *Place), enc.count(bits)
    if planes < count:
        raise TpeError(
            f"the nest has {planes} bit weights, but {enc.name} of {bits} bits has {count} digits: "
            f"tile(..., digits={count})"
        )
    return planes


# ---- the hardware ----


@dataclass(frozen=True)
class Unit:
    """One row of the bill of materials.

    `copies`: instances. `fan_in`: words entering per activation, 1 where nothing is summed.
    `bits`: needed width of a result. `runs`: activations of all copies over the bound nest if no
    digit were zero.
    """

    op: str
    copies: int
    fan_in: int
    bits: int
    runs: int


def inventory(
    nest: Nest,
    encoding: str | Encoding,
    a_format: IntFormat,
    b_format: IntFormat,
    acc_bits: int,
    k: int | None = None,
) -> tuple[Unit, ...]:
    """Bill of materials, one unit per step: what elaborated RTL must reproduce.

    Copies are the space trips of the step's dims, less those it is `shared` along; ahead of the
    selection of non-zero digits a sparse loop counts as space, since the front handles a whole
    group at once. A tree takes the space trips of its sum, two words each if pairs enter, plus
    its own feedback if the sum also runs over time: two words for half_reduce, one for accumulate.
    Along a chain every copy has that tree, and what the copy before passed on is its feedback.

    Width is that of `intervals`, in two's complement, the widest over the bit weights, and never
    beyond what reaches the accumulator: a value still to be shifted by s bits keeps at most
    acc_bits - s. A carry-save pair has the width of its resolved value, in each of its two words;
    built hardware keeps it wider, or resolves it, before it widens it: a pair is exact only modulo
    its width. encode: one digit; sparse: an index into its group; sync: one flag. A running sum may
    wrap on its way; modulo 2**bits it is right once complete.

    `k`: operands summed, by default what the bound loops cover. Raises `TpeError` as `intervals`.

    >>> from tpe.numbers.formats import int_format
    >>> from tpe.nest.notation import mac, tile
    >>> from tpe.nest.rewrites import opt1
    >>> int8, nest = int_format("int8"), opt1(mac(*tile(8, 8, 4)))
    >>> inventory(nest, "ent", int8, int8, acc_bits=32, k=64)[3]
    Unit(op='half_reduce', copies=64, fan_in=6, bits=22, runs=64)
    """
    enc = digits.encoding(encoding)
    if not isinstance(acc_bits, int) or not 2 <= acc_bits <= 64:
        raise TpeError(f"acc_bits = {acc_bits!r}; legal: 2 to 64")
    spans = intervals(nest, enc, a_format, b_format, k)
    return tuple(
        Unit(
            op=step.op.name,
            copies=_copies(nest, step),
            fan_in=_fan_in(nest, i),
            bits=_bits(nest, i, spans[i], enc.radix_bits, acc_bits),
            runs=_runs(nest, i),
        )
        for i, step in enumerate(nest.steps)
    )


def intervals(
    nest: Nest,
    encoding: str | Encoding,
    a_format: IntFormat,
    b_format: IntFormat,
    k: int | None = None,
) -> tuple[Spans, ...]:
    """The (lowest, highest) value of every step's result, one interval per bit weight left.

    Exact interval arithmetic: digits have the bounds they reach at their position over the range
    of `a_format`, a product the extremes over `b_format`, a sum over K is k times that, and once
    BW is summed the interval is the product's of the two operand ranges, which is tighter than
    the sum of the digits' intervals. Each end is reached by operands constant along K. An unsigned
    W-bit A is encoded at W + 2 bits. Raises `TpeError` if the nest has fewer bit weights than that
    needs digits, or k < 1.

    >>> from tpe.numbers.formats import int_format
    >>> from tpe.nest.notation import mac, tile
    >>> int8 = int_format("int8")
    >>> intervals(mac(*tile(8, 8, 4)), "ent", int8, int8)[3]    # one product
    ((-16256, 16384),)
    """
    enc = digits.encoding(encoding)
    bits = a_format.bits + (0 if a_format.signed else 2)
    planes = _planes(nest, enc, bits)
    terms = nest.trips({K}, *Place) if k is None else k
    if not isinstance(terms, int) or terms < 1:
        raise TpeError(f"k = {k!r}; legal: an integer of at least 1")
    coded = enc.encode(np.arange(a_format.low, a_format.high + 1), bits)
    spans: Spans = tuple((int(d.min()), int(d.max())) for d in coded.T)
    spans += ((0, 0),) * (planes - len(spans))
    b_span = (b_format.low, b_format.high)
    product = _times((a_format.low, a_format.high), b_span)
    out: list[Spans] = []
    for i, step in enumerate(nest.steps):
        if step.op == MAP:
            spans = tuple(_times(span, b_span) for span in spans)
        if step.op == SHIFT:
            spans = tuple(_times(s, (1 << enc.radix_bits * bw,)) for bw, s in enumerate(spans))
        if BW in step.sums:
            spans = (product if K in nest.remaining(i) else _times(product, (terms,)),)
        if K in step.sums:
            spans = tuple(_times(span, (terms,)) for span in spans)
        out.append(spans)
    return tuple(out)


def _times(x: Interval, y: tuple[int, ...]) -> Interval:
    corners = [p * q for p in x for q in y]
    return min(corners), max(corners)


def width(low: int, high: int) -> int:
    """Bits of the narrowest two's complement integer that holds both.

    >>> width(-128, 127), width(0, 128), width(0, 0)
    (8, 9, 1)
    """
    return max((~v if v < 0 else v).bit_length() + 1 for v in (low, high))


def _bits(nest: Nest, index: int, spans: Spans, radix_bits: int, acc_bits: int) -> int:
    op = nest.steps[index].op
    if op == SYNC:
        return 1
    if op == SPARSE_OP:
        return max(1, (nest.trips({K}, SPARSE) - 1).bit_length())
    if op == ENCODE:
        return max(width(*span) for span in spans)
    shifted = index >= nest.index(SHIFT)
    tops = [acc_bits - (0 if shifted else radix_bits * bw) for bw in range(len(spans))]
    return max(min(width(*span), top) for span, top in zip(spans, tops, strict=True))


def _copies(nest: Nest, step: Step) -> int:
    if step.stored:
        return 0
    places = (SPACE, CHAIN, SPARSE) if step.in_front else (SPACE, CHAIN)
    return nest.trips(step.over - step.shared, *places) * nest.trips(step.sums, CHAIN)


def _fan_in(nest: Nest, index: int) -> int:
    step = nest.steps[index]
    if not step.sums:
        return 1
    words = 2 if nest.entering(index) == "pair" else 1
    kept = 2 if step.op == HALF_REDUCE else 1
    feedback = any(nest.has(dim, TIME, SPARSE, CHAIN) for dim in step.sums)
    return nest.trips(step.sums, SPACE) * words + kept * feedback


def _runs(nest: Nest, index: int) -> int:
    """Turns of the step's copies times the steps in time until its dims are summed away."""
    step, left = nest.steps[index], nest.remaining(index)
    if step.stored:
        return 0
    group = step.over if step.in_front else left
    copies = nest.trips(step.over, SPACE, CHAIN) * nest.trips(step.sums, CHAIN)
    return copies * nest.trips(left, TIME) * nest.trips(group, SPARSE)


# ---- the cost on real operands ----


def firings(nest: Nest, a: ArrayLike, encoding: str | Encoding, bits: int) -> dict[str, int]:
    """Activations of every primitive on operand A (M, K): op name -> count, exact.

    As `Unit.runs` (steps of one op added up), but where zeros are skipped, what lies between the
    selection and the sum over K fires on non-zero digits only; that sum, if it merges lanes of K,
    fires whenever one of its lanes holds a digit. N is that of the bound nest. Raises `TpeError`
    as `cycles`.

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
            counts[step.op.name] += _runs(nest, i)
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
    values = _matrix(a, "A")
    planes = _planes(nest, enc, bits)
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


@lru_cache(maxsize=1024)  # networks repeat their shapes
def bound_inventory(
    nest: Nest,
    m: int,
    n: int,
    k: int,
    encoder: str,
    encoded: IntFormat,
    other: IntFormat,
    acc_bits: int,
    depth: int | None,
) -> tuple[Unit, ...]:
    """The inventory of a nest bound to a GEMM of M x N x K; see `inventory`."""
    return inventory(bind(nest, m, n, k), encoder, encoded, other, acc_bits, k=depth)
