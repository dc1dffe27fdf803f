"""The loops that run a PE's kernel over a GEMM, or over the steps of one cell."""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.words import I64, digit, signed


@kernel(
    lambda t: t.int64[:, ::1](
        t.step, t.resolve, t.int64[:, ::1], t.int64[:, ::1], t.int64, t.int64, t.int64, t.int64
    )
)
def gemm_dense(
    step: Any, resolve: Any, a: I64, b: I64, bits: int, a_bits: int, acc_bits: int, encoder: int
) -> I64:
    """C (M, N) of A (M, K) and B (K, N), one operand a step, as the accumulator holds it."""
    c = np.zeros((a.shape[0], b.shape[1]), np.int64)
    for m in range(a.shape[0]):
        for n in range(b.shape[1]):
            word0, word1 = 0, 0
            for k in range(a.shape[1]):
                word0, word1 = step(a[m, k], b[k, n], 0, word0, word1, bits, a_bits, encoder)
            c[m, n] = signed(resolve(word0, word1, 0, 0, bits, acc_bits), acc_bits)
    return c


@kernel(
    lambda t: t.int64[:, ::1](
        t.step,
        t.resolve,
        t.int64[:, ::1],
        t.int64[:, ::1],
        t.int64,
        t.int64,
        t.int64,
        t.int64,
        t.int64,
    )
)
def gemm_planes(
    step: Any,
    resolve: Any,
    a: I64,
    b: I64,
    bits: int,
    a_bits: int,
    acc_bits: int,
    encoder: int,
    depth: int,
) -> I64:
    """C (M, N), one non-zero digit a step: passes of `depth` operands, planes outermost."""
    c = np.zeros((a.shape[0], b.shape[1]), np.int64)
    for m in range(a.shape[0]):
        for n in range(b.shape[1]):
            total = 0
            for start in range(0, a.shape[1], depth):
                for plane in range((a_bits + 1) // 2):
                    word0, word1 = 0, 0
                    for k in range(start, min(start + depth, a.shape[1])):
                        code = digit(a[m, k], plane, a_bits, encoder)
                        if code != 0:
                            word0, word1 = step(
                                code, b[k, n], plane, word0, word1, bits, a_bits, encoder
                            )
                    total = resolve(word0, word1, plane, total, bits, acc_bits)
            c[m, n] = signed(total, acc_bits)
    return c


@kernel(
    lambda t: t.int64[::1](t.step, t.resolve, t.int64[:, ::1], t.int64, t.int64, t.int64, t.int64)
)
def trace(
    step: Any, resolve: Any, steps: I64, bits: int, a_bits: int, acc_bits: int, encoder: int
) -> I64:
    """What a single cell resolves to after each of `steps`.

    Rows of `steps`: first, plane, then the code of every lane, then the b of every lane; the lanes
    of a step are added one after another. Returns words of acc_bits bits: finish(psum) with a zero
    accumulator.
    """
    out = np.zeros(steps.shape[0], np.int64)
    lanes = (steps.shape[1] - 2) // 2
    word0, word1 = 0, 0
    for t in range(steps.shape[0]):
        plane = steps[t, 1]
        if steps[t, 0]:
            word0, word1 = 0, 0
        for i in range(2, 2 + lanes):
            code, b = steps[t, i], steps[t, i + lanes]
            word0, word1 = step(code, b, plane, word0, word1, bits, a_bits, encoder)
        out[t] = resolve(word0, word1, plane, 0, bits, acc_bits)
    return out
