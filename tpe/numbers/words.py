"""Bit-level building blocks that the PEs' kernels share, and the loops that run them over a GEMM.

Everything here works on int64 holding unsigned words: a word of W bits is in 0 .. 2**W - 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.jit import kernel

I64 = np.ndarray[Any, np.dtype[np.int64]]


@kernel()
def digit(a: int, i: int, a_bits: int, encoder: int) -> int:
    """Digit i of weight 4**i of the signed operand `a`: Booth (encoder 0) or EN-T (encoder 1)."""
    if encoder == 0:
        below = (a >> (2 * i - 1)) & 1 if i > 0 else 0
        return below + ((a >> (2 * i)) & 1) - 2 * ((a >> (2 * i + 1)) & 1)
    magnitude = abs(a)
    top = (a_bits + 1) // 2 - 1
    carry = 0
    value = 0
    for j in range(i + 1):
        value = ((magnitude >> (2 * j)) & 3) + carry
        carry = 0
        if j < top and value >= 3:
            value -= 4
            carry = 1
    return -value if a < 0 else value


@kernel()
def compress(x: int, y: int, z: int, bits: int) -> tuple[int, int]:
    """One 3:2 row: x + y + z = sum + carry, modulo 2**bits."""
    mask = (1 << bits) - 1
    return x ^ y ^ z, (((x & y) | (x & z) | (y & z)) << 1) & mask


@kernel()
def signed(word: int, bits: int) -> int:
    """The two's-complement value of a word of `bits` bits."""
    word &= (1 << bits) - 1
    return word - (1 << bits) if word >> (bits - 1) else word


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
