"""What a nest means and contains: free functions of a frozen `Nest`.

`evaluate` is its value, `intervals` and `inventory` its hardware; `tpe.nest.cost` has its firings
and cycles, `tpe.nest.render` its pseudo-code. Source of the notation: arXiv:2503.06342.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tpe.base.errors import TpeError
from tpe.nest.forms import Form
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
    K,
    Nest,
    Place,
    bind,
)
from tpe.nest.row_terms import has_term, left, mapped_span, row_units
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
    x, y = matrix_of(a, "A"), matrix_of(b, "B")
    if x.shape[1] != y.shape[0]:
        raise TpeError(f"A is {x.shape} and B is {y.shape}; A's columns must be B's rows")
    planes_of(nest, enc, bits)
    coded = enc.encode(x, bits)
    rows = max(1, _CHUNK // (y.size * coded.shape[2]))
    chunks = (coded[i : i + rows] for i in range(0, x.shape[0], rows))
    return np.concatenate([_rows(nest, chunk, y.T, enc.radix_bits) for chunk in chunks])


def _rows(nest: Nest, coded: NDArray[np.int8], b_t: IntArray, radix_bits: int) -> IntArray:
    x = digit = coded[:, None].astype(np.int64)  # axes M, N, K, BW throughout
    b_bits = width(int(b_t.min()), int(b_t.max()))
    for step in nest.steps:
        if step.op == MAP:
            x = x * b_t[None, :, :, None] - left(nest, digit, b_bits)
        if step.op == SHIFT:
            x = x * (np.int64(1) << radix_bits * np.arange(x.shape[3], dtype=np.int64))
        if step.sums:
            x = x.sum(axis=tuple(dim.value for dim in step.sums), keepdims=True)
    if not has_term(nest):
        return x[:, :, 0, 0]
    weight = np.int64(1) << radix_bits * np.arange(digit.shape[3], dtype=np.int64)
    whole: IntArray = x[:, :, 0, 0] + (left(nest, digit, b_bits) * weight).sum(axis=(2, 3))
    return whole


def matrix_of(x: ArrayLike, name: str) -> IntArray:
    values = np.asarray(x)
    if values.ndim != 2 or 0 in values.shape:
        raise TpeError(f"{name} has shape {values.shape}; a matrix with no empty side is needed")
    if not np.issubdtype(values.dtype, np.integer) or values.dtype == np.uint64:
        raise TpeError(f"{name} is {values.dtype}; the nest computes on integers within int64")
    return values.astype(np.int64)


def planes_of(nest: Nest, enc: Encoding, bits: int) -> int:
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
    found = []
    for i, step in enumerate(nest.steps):
        bits = _bits(nest, i, spans[i], enc.radix_bits, acc_bits)
        unit = Unit(step.op.name, _copies(nest, i), _fan_in(nest, i), bits, runs_of(nest, i))
        words = spans[i - 1] if i else ()
        found += _apart(nest, i, unit, words, acc_bits)
    bits_of = {unit.op: unit.bits for unit in found}
    beside = [
        Unit(x.op, x.copies, x.fan_in, acc_bits if x.whole else bits_of[x.op], x.runs)
        for x in row_units(nest)
    ]
    return (*found, *beside)


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
    planes = planes_of(nest, enc, bits)
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
            spans = tuple(
                mapped_span(nest, span, _times(span, b_span), b_format.bits) for span in spans
            )
        if step.op == SHIFT:
            spans = tuple(_times(s, (1 << enc.radix_bits * bw,)) for bw, s in enumerate(spans))
        if BW in step.sums:
            one = _summed(spans) if has_term(nest) else product
            spans = (one if K in nest.remaining(i) else _times(product, (terms,)),)
        if Form.MERGED in nest.forms and BW in step.sums:
            spans = tuple(_times(span, (min(terms, nest.trips({K}, SPACE)),)) for span in spans)
        if K in step.sums:
            spans = tuple(_times(span, (terms,)) for span in spans)
        if Form.MERGED in nest.forms and K in step.sums:
            spans = (_times(product, (terms,)),)
        if has_term(nest) and not {K, BW} & (nest.remaining(i) - step.sums):
            spans = (_times(product, (terms,)),)  # what is complete, its row's term added
        out.append(spans)
    return tuple(out)


def _summed(spans: Spans) -> Interval:
    """The interval of the sum over the bit weights."""
    return sum(low for low, _ in spans), sum(high for _, high in spans)


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
    needed = _unsigned if Form.BIAS in nest.forms else width
    return max(min(needed(*span), top) for span, top in zip(spans, tops, strict=True))


def _unsigned(low: int, high: int) -> int:
    """`width`, without a sign where nothing is negative."""
    return max(1, high.bit_length()) if low >= 0 else width(low, high)


def _apart(nest: Nest, index: int, unit: Unit, words: Spans, acc_bits: int) -> list[Unit]:
    """A compressor with a running pair, or the two that it is where the pair is added apart.

    `words`: the intervals of what enters it. Where the top is incremented the second one reaches a
    bit above the sum of the words.
    """
    if not is_apart(nest, index):
        return [unit]
    one = _times(_summed(words), (nest.trips({K}, SPACE),))
    needed = _unsigned if Form.BIAS in nest.forms else width
    bits = min(needed(*one), acc_bits)
    pair = min(unit.bits, bits + 1) if Form.INCREMENTED_TOP in nest.forms else unit.bits
    return [replace(unit, fan_in=unit.fan_in - 2, bits=bits), replace(unit, fan_in=4, bits=pair)]


def merged_lanes(nest: Nest, index: int) -> int:
    """Lanes whose words a step takes together: all between the sum over BW and that over K."""
    step, left = nest.steps[index], nest.remaining(index)
    words_met = BW not in left - step.sums
    if Form.MERGED not in nest.forms or not words_met or K not in left - step.sums:
        return 1
    return nest.trips({K}, SPACE)


def is_apart(nest: Nest, index: int) -> bool:
    """Whether a step is two compressors: that of its words, and that which adds a running pair."""
    step = nest.steps[index]
    return Form.APART in nest.forms and step.op == HALF_REDUCE and K in step.sums


def _copies(nest: Nest, index: int) -> int:
    step = nest.steps[index]
    if step.stored:
        return 0
    places = (SPACE, CHAIN, SPARSE) if step.in_front else (SPACE, CHAIN)
    copies = nest.trips(step.over - step.shared, *places) * nest.trips(step.sums, CHAIN)
    return copies // merged_lanes(nest, index)


def _fan_in(nest: Nest, index: int) -> int:
    step = nest.steps[index]
    if not step.sums:
        return 1
    words = 2 if nest.entering(index) == "pair" else 1
    kept = 2 if step.op == HALF_REDUCE else 1
    feedback = any(nest.has(dim, TIME, SPARSE, CHAIN) for dim in step.sums)
    met = Form.MERGED in nest.forms and K in step.sums  # its lanes have, ahead of it
    places = 1 if met else nest.trips(step.sums, SPACE) * merged_lanes(nest, index)
    return places * words + kept * feedback


def runs_of(nest: Nest, index: int) -> int:
    """Turns of the step's copies times the steps in time until its dims are summed away."""
    step, left = nest.steps[index], nest.remaining(index)
    if step.stored:
        return 0
    group = step.over if step.in_front else left
    copies = nest.trips(step.over, SPACE, CHAIN) * nest.trips(step.sums, CHAIN)
    runs = copies * nest.trips(left, TIME) * nest.trips(group, SPARSE)
    return runs // merged_lanes(nest, index)


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
