"""A whole GEMM of a tensor core, fast: the rule of `tpe.numbers.tensor_cores`, over columns.

Operands are decoded once, into an exponent and a significand each; that of a zero is so low that it
is never the largest. A step goes twice over its lanes, for the largest exponent and for the sum,
both over the columns of a block, which are vector loops of int32. Sums are then cut or rounded as
whole numbers of a place, in float64. What is not finite is rare, and done again word by word, by
`tpe.numbers.fused_words`: outputs of operands that are not, and those that became so.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tpe.base.jit import compiled, kernel
from tpe.numbers.fused_words import (
    BITS,
    FINITE,
    FLOOR,
    KEPT,
    LANES,
    NEAREST,
    RULES,
    A,
    B,
    D,
    decoded,
    fused_step,
    late_sum,
    rule_number,
)
from tpe.numbers.operands import Ints
from tpe.numbers.tensor_cores import FusedDot
from tpe.numbers.threads import by_rows
from tpe.numbers.words import I32, I64

F64 = np.ndarray[Any, np.dtype[np.float64]]
F32 = np.ndarray[Any, np.dtype[np.float32]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Decoded = tuple[I32, I32]  # exponents, significands
Room = tuple[tuple[I32, I32, I32], tuple[I64, I64, I64], tuple[F32, F32]]

COLUMNS = 512  # of a block: what a step needs of them stays in the first cache
GROUP = 8  # lanes whose sum fits int32: of 4 * 2**25 at most each
_UNROLLED = 4  # lanes in one pass over the columns; every step has a multiple of them
_NEVER = -(1 << 20)  # an exponent of zero: with any other's it is not the largest
_PLACES = 52  # fraction bits of a float64
_BIAS = 1023


@kernel()
def split_codes(
    codes: I64, row: I64, place: int, shift: int, exponents: I32, significands: I32
) -> bool:
    """Exponents and significands, shifted left, of a matrix of codes; whether all are finite."""
    finite = True
    for i in range(codes.shape[0]):
        for j in range(codes.shape[1]):
            kind, significand, exponent = decoded(codes[i, j], row, place)
            finite &= kind <= FINITE
            significands[i, j] = (significand << shift) if kind == FINITE else 0
            exponents[i, j] = exponent if kind == FINITE else _NEVER
    return finite


@kernel()
def highest(ae: I32, be: I32, m: int, first: int, last: int, top: I32) -> None:
    """The largest exponents of a step, where `top` (columns) has not a larger one."""
    for k in range(first, last, _UNROLLED):
        e0, e1, e2, e3 = ae[m, k], ae[m, k + 1], ae[m, k + 2], ae[m, k + 3]
        b0, b1, b2, b3 = be[k], be[k + 1], be[k + 2], be[k + 3]
        for n in range(top.size):
            x = max(np.int32(e0 + b0[n]), np.int32(e1 + b1[n]))
            y = max(np.int32(e2 + b2[n]), np.int32(e3 + b3[n]))
            top[n] = max(top[n], max(x, y))


@kernel()
def cut(product: Any, distance: Any) -> Any:
    """A product shifted right, cut towards zero, in int32.

    The mask tells the compiler that the shift is one of 32 bits.
    """
    sign = np.int32(product >> 31)
    size = np.int32((abs(product) & 0x7FFF_FFFF) >> (np.int32(min(distance, np.int32(31))) & 31))
    return np.int32(np.int32(size ^ sign) - sign)


@kernel()
def summed(a: Decoded, b: Decoded, m: int, first: int, last: int, top: I32, part: I32) -> None:
    """The sum of a group's products, each cut at the place that `top` gives, into `part`."""
    ae, am = a
    be, bm = b
    part[:] = 0
    for k in range(first, last, _UNROLLED):
        e0, e1, e2, e3 = ae[m, k], ae[m, k + 1], ae[m, k + 2], ae[m, k + 3]
        w0, w1, w2, w3 = am[m, k], am[m, k + 1], am[m, k + 2], am[m, k + 3]
        b0, b1, b2, b3 = be[k], be[k + 1], be[k + 2], be[k + 3]
        v0, v1, v2, v3 = bm[k], bm[k + 1], bm[k + 2], bm[k + 3]
        for n in range(top.size):
            t = top[n]
            x = cut(np.int32(w0 * v0[n]), np.int32(t - e0 - b0[n]))
            y = cut(np.int32(w1 * v1[n]), np.int32(t - e1 - b1[n]))
            z = cut(np.int32(w2 * v2[n]), np.int32(t - e2 - b2[n]))
            w = cut(np.int32(w3 * v3[n]), np.int32(t - e3 - b3[n]))
            part[n] += np.int32(np.int32(x + y) + np.int32(z + w))


@kernel()
def closed(total: I64, top: I32, row: I64, bits: I64, whole: I64, exponent: I32) -> None:
    """D of every column: `whole` in units of its last place, `exponent` that of its point.

    bits: room for float64 seen as integers. A float64 holds every sum exactly.
    """
    floats = bits.view(np.float64)
    kept, lowest, unit = row[KEPT], 1 - row[D + 2], row[BITS]
    for n in range(total.size):
        floats[n] = np.float64(total[n])
    for n in range(total.size):
        high = ((bits[n] >> _PLACES) & 0x7FF) - _BIAS + top[n] - unit
        exponent[n] = max(high, lowest)
    for n in range(total.size):  # total in units of D's last place
        bits[n] = (_BIAS + top[n] - unit - exponent[n] + kept) << _PLACES
    if row[NEAREST]:
        magic = 1.5 * 2.0**_PLACES  # whose last place is a one: adding it rounds
        for n in range(total.size):
            whole[n] = np.int64((np.float64(total[n]) * floats[n] + magic) - magic)
    else:
        for n in range(total.size):
            whole[n] = np.int64(np.float64(total[n]) * floats[n])
    for n in range(total.size):  # a carry out of the fraction
        carried = abs(whole[n]) >> (kept + 1)
        whole[n] = whole[n] >> carried
        exponent[n] = exponent[n] + carried if whole[n] else _NEVER


@kernel()
def floats_of(whole: I64, exponent: I32, kept: int, bits: I64, out: F32) -> None:
    """What D of every column is, as float32, which holds all that D can be."""
    floats = bits.view(np.float64)
    for n in range(whole.size):
        bits[n] = (_BIAS + max(exponent[n], np.int32(-512)) - kept) << _PLACES
    for n in range(whole.size):
        out[n] = np.float32(np.float64(whole[n]) * floats[n])


@kernel()
def split_floats(values: F32, row: I64, whole: I64, exponent: I32) -> None:
    """Values of D's format as `closed` has them; what is not finite counts as zero."""
    kept, lowest = row[D + 1], 1 - row[D + 2]
    drop = kept - row[KEPT]
    for n in range(values.size):
        value = np.float64(values[n])
        whole[n], exponent[n] = 0, _NEVER
        if value != 0 and math.isfinite(value):
            exponent[n] = max(math.frexp(value)[1] - 1, lowest)
            size = np.int64(math.ldexp(abs(value), kept - exponent[n])) >> drop
            whole[n] = -size if value < 0 else size


@kernel()
def row_of_c(
    a: Decoded, b: Decoded, m: int, row: I64, late: bool, period: int, c: F32, room: Room
) -> bool:
    """One row of C for a block of columns, in `c`, which holds what is summed to; all finite?

    late: c is added behind the step, in float32. period: steps after which the sum so far is added
    to `c` in float32, and begins anew; 0: never, c is what the first step begins with.
    """
    (top, part, exponent), (total, bits, whole), (value, partial) = room
    kept, lanes, finite = row[KEPT], row[LANES], True
    up = row[BITS] - kept
    whole[:], exponent[:], partial[:] = 0, _NEVER, 0
    if late and not period:
        partial[:] = c
    elif not period:
        split_floats(c, row, whole, exponent)
    for first in range(0, b[0].shape[0], lanes):
        for n in range(top.size):
            top[n] = max(np.int32(row[FLOOR]), exponent[n])
        highest(a[0], b[0], m, first, first + lanes, top)
        for n in range(top.size):
            size = (abs(whole[n]) << up) >> min(top[n] - exponent[n], 62)
            total[n] = -size if whole[n] < 0 else size
        for k in range(first, first + lanes, GROUP):
            summed(a, b, m, k, min(k + GROUP, first + lanes), top, part)
            for n in range(top.size):
                total[n] += part[n]
        closed(total, top, row, bits, whole, exponent)
        for n in range(top.size):
            finite &= exponent[n] <= row[D + 2]
        ends = period > 0 and (first // lanes + 1) % period == 0
        if late or ends:
            floats_of(whole, exponent, kept, bits, value)
            whole[:], exponent[:] = 0, _NEVER
            for n in range(top.size):
                partial[n] += value[n]
        if ends:
            for n in range(top.size):
                c[n] += partial[n]
            partial[:] = 0
    if not late:
        floats_of(whole, exponent, kept, bits, partial)
    for n in range(top.size):
        c[n] = c[n] + partial[n] if period else partial[n]
    return finite


@kernel()
def rows_of_c(
    a: Decoded, b: Decoded, row: I64, late: bool, period: int, c: F32, odd: Flags
) -> None:
    """C (M, N) of decoded operands; `odd` (M,) says of a row that something was not finite."""
    columns = c.shape[1]
    narrow = (np.empty(columns, np.int32), np.empty(columns, np.int32), np.empty(columns, np.int32))
    wide = np.empty(columns, np.int64), np.empty(columns, np.int64), np.empty(columns, np.int64)
    floats = np.empty(columns, np.float32), np.empty(columns, np.float32)
    for m in range(c.shape[0]):
        odd[m] = not row_of_c(a, b, m, row, late, period, c[m], (narrow, wide, floats))


@kernel()
def words_of_c(a: I64, b: I64, row: I64, late: bool, period: int, c: I64, wanted: Flags) -> None:
    """The same word by word, for the outputs that are wanted, whatever the operands are."""
    lanes = row[LANES]
    for m in range(c.shape[0]):
        for n in range(c.shape[1]):
            if not wanted[m, n]:
                continue
            running, partial = (c[m, n], 0) if period else (0, c[m, n])
            for k in range(0, a.shape[1], lanes):
                end = min(k + lanes, a.shape[1])
                codes = a[m, k:end].copy().reshape((end - k, 1))
                others = b[k:end, n].copy().reshape((end - k, 1))
                if late:
                    partial = late_sum(partial, fused_step(codes, others, 0, 0, row))
                else:
                    partial = fused_step(codes, others, 0, partial, row)
                if period and (k // lanes + 1) % period == 0:
                    running, partial = late_sum(running, partial), 0
            c[m, n] = late_sum(running, partial) if period else partial


def words_product(
    a: Ints,
    b: Ints,
    rule: FusedDot,
    c: Ints | None = None,
    late: bool = False,
    period: int = 0,
) -> Ints:
    """Words of D (M, N), not negative, from codes A (M, K) and B (K, N) and words of c (M, N).

    late, period: see `row_of_c`. c: zeros by default.

    >>> from tpe.numbers.tensor_cores import fused_dot
    >>> one = np.full((2, 20), 0x3F80)  # in bf16
    >>> [hex(x) for x in words_product(one, one.T, fused_dot("ampere", "bf16", "bf16"))[0]]
    ['0x41a00000', '0x41a00000']
    """
    row = RULES[rule_number(rule)]
    left, right = (np.ascontiguousarray(x, np.int64) for x in (a, b))
    shape = (left.shape[0], right.shape[1])
    start = np.zeros(shape, np.int64) if c is None else np.array(c, np.int64)
    up = rule.fraction_bits - rule.a.fraction_bits - rule.b.fraction_bits
    (a_split, a_odd), (b_split, b_odd) = _split(left, row, A, up, 1), _split(right, row, B, 0, 0)
    values = rule.d.values(start).astype(np.float32)
    odd = a_odd[:, None] | b_odd[None, :] | ~np.isfinite(values)
    values[odd] = 0
    for n in range(0, shape[1], COLUMNS):
        block = slice(n, n + COLUMNS)
        exponents, significands = (np.ascontiguousarray(x[:, block]) for x in b_split)
        part = np.ascontiguousarray(values[:, block])
        odd[:, block] |= _rows(a_split, (exponents, significands), row, late, period, part)[:, None]
        values[:, block] = part
    words = _words(values, rule)
    if odd.any():
        words = np.where(odd, start, words)
        compiled(words_of_c)(left, right, row, late, period, words, odd)
    return words


def _split(codes: I64, row: I64, place: int, up: int, axis: int) -> tuple[Decoded, Flags]:
    """Decoded operands, K filled up with zeros to whole steps; the lines that are not finite."""
    lanes, size = int(row[LANES]), codes.shape[axis]
    shape = list(codes.shape)
    shape[axis] += -size % lanes
    exponents, significands = np.full(shape, _NEVER, np.int32), np.zeros(shape, np.int32)
    inner = (
        exponents[: codes.shape[0], : codes.shape[1]],
        significands[: codes.shape[0], : codes.shape[1]],
    )
    odd = np.zeros(codes.shape[1 - axis], np.bool_)
    if not compiled(split_codes)(codes, row, place, up, *inner):
        odd = compiled(unusual)(codes, row, place, axis)
    return (exponents, significands), odd


@kernel()
def unusual(codes: I64, row: I64, place: int, axis: int) -> Flags:
    """The lines across `axis` of a matrix in which a code is not finite."""
    odd = np.zeros(codes.shape[1 - axis], np.bool_)
    for i in range(codes.shape[0]):
        for j in range(codes.shape[1]):
            if decoded(codes[i, j], row, place)[0] > FINITE:
                odd[i if axis == 1 else j] = True
    return odd


def _rows(a: Decoded, b: Decoded, row: I64, late: bool, period: int, c: F32) -> Flags:
    """`rows_of_c` on threads; the rows of C that are to be done again."""
    odd = np.zeros(len(c), np.bool_)
    run = compiled(rows_of_c)

    def part(rows: slice) -> None:
        run((a[0][rows], a[1][rows]), b, row, late, period, c[rows], odd[rows])

    by_rows(part, len(c), c.size * b[0].shape[0])
    return odd


def _words(values: F32, rule: FusedDot) -> Ints:
    """Words of D's format, with its NaN; the values are of that format."""
    kind: Any = (np.float16, np.uint16) if rule.nearest else (np.float32, np.uint32)
    with np.errstate(over="ignore"):  # what is beyond the largest is done again
        words: Ints = values.astype(kind[0]).view(kind[1]).astype(np.int64)
    return np.where(np.isnan(values), rule.d.nan_code, words)
