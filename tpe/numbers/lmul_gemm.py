"""Matrix products of L-Mul, fast: operands decoded once, loops over columns of C.

What operands add is a magnitude, an integer; that of a zero is so low that no sum with it is a
number. The magnitude of a product is looked up as a float32, or, in bf16, it is the upper half of
one; its sign is that of both.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tpe.base.jit import compiled, kernel
from tpe.numbers.floats import BF16, FP32, FloatFormat
from tpe.numbers.formats import Format
from tpe.numbers.lmul import Convention, lmul_code, packed
from tpe.numbers.operands import Ints
from tpe.numbers.threads import by_rows
from tpe.numbers.words import wrap

_LOW = -(1 << 20)  # magnitude of a zero
I32 = np.ndarray[Any, np.dtype[np.int32]]
F32 = np.ndarray[Any, np.dtype[np.float32]]


@kernel()
def sums_of_bf16(a: I32, a_sign: I32, b: I32, b_sign: I32, least: int, most: int) -> F32:
    """C (M, N) in float32, added up k ascending; magnitudes and signs (bit 31) of A and B."""
    rows, cols = a.shape[0], b.shape[1]
    out = np.zeros((rows, cols), np.float32)
    words = np.empty(cols, np.int32)
    products = words.view(np.float32)
    low, high = np.int32(least), np.int32(most)
    for m in range(rows):
        for k in range(a.shape[1]):
            x, sign = a[m, k], a_sign[m, k]
            for n in range(cols):
                total = np.int32(x + b[k, n])
                size = min(total, high) if total >= low else np.int32(0)
                words[n] = np.int32(size << 16) | np.int32(sign ^ b_sign[k, n])
            for n in range(cols):
                out[m, n] += products[n]
    return out


@kernel()
def sums_of_any(
    a: I32, a_sign: I32, b: I32, b_sign: I32, least: int, most: int, wraps: int, table: F32
) -> F32:
    """The same, the value of a magnitude from a table; `wraps`: magnitudes are taken modulo it."""
    rows, cols = a.shape[0], b.shape[1]
    out = np.zeros((rows, cols), np.float32)
    for m in range(rows):
        for k in range(a.shape[1]):
            x, sign = a[m, k], a_sign[m, k]
            for n in range(cols):
                total = x + b[k, n]
                size = total & (wraps - 1) if wraps else min(total, most)
                value = table[size if total >= least else 0]
                out[m, n] += value if sign == b_sign[k, n] else -value
    return out


@kernel()
def sums_of_codes(a: Ints, b: Ints, settings: int, table: F32) -> F32:
    """C of codes of which some are not finite, a code a product; the values from a table."""
    rows, cols = a.shape[0], b.shape[1]
    out = np.zeros((rows, cols), np.float32)
    for m in range(rows):
        for k in range(a.shape[1]):
            for n in range(cols):
                out[m, n] += table[lmul_code(a[m, k], b[k, n], settings)]
    return out


def lmul_product(
    a: Ints, b: Ints, a_format: Format, b_format: Format, number: FloatFormat, how: Convention
) -> Ints:
    """Words of C (M, N) in fp32, signed, from codes (M, K) and (K, N), both of `number`.

    Products are added in float32, which rounds each sum once, to nearest, ties to even.

    >>> from tpe.numbers.lmul import convention
    >>> one = np.array([[0x3F80]])
    >>> usual = convention(BF16, "paper", "flush", "inf")
    >>> hex(lmul_product(one, one, BF16, BF16, BF16, usual)[0, 0])
    '0x3f880000'
    """
    mask = (1 << number.bits) - 1
    a, b = (np.ascontiguousarray(x & mask) for x in (a, b))
    work = a.size * b.shape[1]
    with np.errstate(all="ignore"):
        sums = np.concatenate(by_rows(lambda rows: _sums(a[rows], b, number, how), len(a), work))
    words: Ints = wrap(FP32.codes(sums), FP32.bits)
    return words


def _sums(a: Ints, b: Ints, number: FloatFormat, how: Convention) -> F32:
    size = 1 << (number.bits - 1)
    finite = all((x & (size - 1)).max(initial=0) <= number.largest_code for x in (a, b))
    values = _values(number)
    if not finite:
        return np.asarray(compiled(sums_of_codes)(a, b, packed(number, how), values))
    m = number.fraction_bits
    least = 1 if how.keep else 1 << m
    offset = how.added - (number.bias << m)
    (left, left_sign), (right, right_sign) = (_decoded(x, size, least) for x in (a, b))
    left += np.int32(offset)
    most = number.largest_code + (how.overflow == 0)
    wraps = size if how.overflow == 2 else 0
    operands = left, left_sign, right, right_sign, least, most
    if number is BF16 and not wraps:
        return np.asarray(compiled(sums_of_bf16)(*operands))
    return np.asarray(compiled(sums_of_any)(*operands, wraps, values[:size]))


def _decoded(codes: Ints, size: int, least: int) -> tuple[I32, I32]:
    """Magnitudes, and signs in bit 31."""
    magnitude = codes & (size - 1)
    low = np.where(magnitude < least, _LOW, magnitude).astype(np.int32)
    sign = np.where(codes >= size, np.int32(-(1 << 31)), np.int32(0)).astype(np.int32)
    return low, sign


@cache
def _values(number: FloatFormat) -> F32:
    """The value of every code."""
    return np.asarray(number.values(np.arange(1 << number.bits)), np.float32)
