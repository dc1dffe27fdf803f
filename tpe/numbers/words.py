"""Bit-level building blocks that the PEs' kernels share.

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


def wrap(c: I64, bits: int) -> I64:
    """`c` as a two's-complement accumulator of `bits` bits holds it.

    >>> wrap(np.array([127, 128, -129]), 8).tolist()
    [127, -128, 127]
    """
    half = 1 << (bits - 1)
    if c.size == 0 or (-half <= c.min() and c.max() < half):
        return c
    wrapped: I64 = ((c + half) & ((1 << bits) - 1)) - half
    return wrapped
