"""Matrix products of which every step is a fused multiply-add, rounded once, in float64.

A product of two operands of 24 significant bits is exact in float64; a sum of it and a narrow one
is not, and rounding twice is wrong now and then. So the first rounding is to odd: what is beyond
53 bits makes the last one of them odd, and the second rounding sees on which side of a tie it is
(S. Boldo, G. Melquiond, IEEE Trans. Computers 57(4), 2008).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.jit import compiled, kernel
from tpe.numbers.floats import FP32, FloatFormat
from tpe.numbers.formats import Format
from tpe.numbers.operands import Ints
from tpe.numbers.threads import by_rows
from tpe.numbers.words import I64, wrap

F64 = np.ndarray[Any, np.dtype[np.float64]]


@kernel()
def odd_sums(psum: F64, a: float, b: F64, total: F64, rest: F64) -> None:
    """a * b + psum in every cell, rounded to odd; `total` is overwritten, `rest` a row for use.

    `rest` is what `total` lacks, exactly (D. Knuth's sum of two).
    """
    bits = total.view(np.int64)
    for n in range(psum.size):
        product = a * b[n]
        total[n] = product + psum[n]
        other = total[n] - product
        rest[n] = (product - (total[n] - other)) + (psum[n] - other)
    for n in range(psum.size):
        inexact = abs(rest[n]) > 0.0 and bits[n] & 1 == 0  # of a NaN, no
        away = (rest[n] > 0.0) == (total[n] > 0.0)
        bits[n] += (1 if away else -1) if inexact else 0


@kernel()
def fused_in_fp32(a: F64, b: F64) -> F64:
    """A (M, K) @ B (K, N), the psum a float32 after every step, k ascending."""
    out = np.zeros((a.shape[0], b.shape[1]), np.float64)
    total, rest = np.empty(b.shape[1], np.float64), np.empty(b.shape[1], np.float64)
    for m in range(a.shape[0]):
        for k in range(a.shape[1]):
            odd_sums(out[m], a[m, k], b[k], total, rest)
            for n in range(total.size):
                out[m, n] = np.float32(total[n])
    return out


@kernel()
def fused_in_fp16(a: F64, b: F64) -> F64:
    """The same with a psum in fp16."""
    out = np.zeros((a.shape[0], b.shape[1]), np.float64)
    total, rest = np.empty(b.shape[1], np.float64), np.empty(b.shape[1], np.float64)
    bits, magic = total.view(np.int64), rest.view(np.int64)
    for m in range(a.shape[0]):
        for k in range(a.shape[1]):
            odd_sums(out[m], a[m, k], b[k], total, rest)
            for n in range(total.size):
                # Added and taken away again, 1.5 * 2**52 times the weight of the last bit of fp16
                # leaves what is rounded to it; that weight is 2**-24 at least.
                power = max((bits[n] >> 52) & 0x7FF, 1023 - 14)
                magic[n] = (power + 42) << 52 | 1 << 51
            for n in range(total.size):
                nearest = (abs(total[n]) + rest[n]) - rest[n]
                nearest = np.inf if nearest >= 65536.0 else nearest
                out[m, n] = np.copysign(nearest, total[n])
    return out


def fused_product(
    a: Ints, b: Ints, a_format: Format, b_format: Format, result: FloatFormat = FP32
) -> Ints:
    """Words of C (M, N), signed, in fp32 or fp16, from codes (M, K) and (K, N).

    >>> from tpe.numbers.floats import BF16
    >>> [hex(x) for x in fused_product(np.array([[0x3F80]]), np.array([[0x4040]]), BF16, BF16)[0]]
    ['0x40400000']
    """
    gemm = compiled(fused_in_fp32 if result is FP32 else fused_in_fp16)
    left, right = (
        np.ascontiguousarray(number.values(x), np.float64)
        for number, x in ((a_format, a), (b_format, b))
    )
    work = left.size * right.shape[1]
    with np.errstate(all="ignore"):
        sums = np.concatenate(by_rows(lambda rows: gemm(left[rows], right), len(left), work))
    words: I64 = wrap(result.codes(sums), result.bits)
    return words
