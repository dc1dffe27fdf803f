"""Bit-level building blocks that the PEs' kernels share.

Everything here works on int64 holding unsigned words: a word of W bits is in 0 .. 2**W - 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.jit import kernel

I64 = np.ndarray[Any, np.dtype[np.int64]]
I32 = np.ndarray[Any, np.dtype[np.int32]]
I16 = np.ndarray[Any, np.dtype[np.int16]]
Rows = np.ndarray[Any, Any]  # of any of these: a kernel that takes it is compiled for each

PAIRS = 0x5555_5555_5555_5555  # a one in every pair of bits


@kernel()
def recoded(a: int, a_bits: int, encoder: int) -> tuple[int, int]:
    """Pairs of bits and the carries between them: what the radix-4 digits of `a` are read from.

    Digit i is pair i, and the carry at bit 2i, less four times the carry at bit 2i + 2. EN-T
    (encoder 1) makes 3 of a pair of the magnitude -1 and 4 of it 0, and carries one. A pair and its
    carry of 3 or more are 4 or more with one added, so the carries are those of adding a one in
    every pair; the top pair keeps its own. Booth (encoder 0) carries the top bit of every pair.
    """
    if encoder == 0:
        return a, a << 1
    magnitude = abs(a)
    carries = (magnitude + PAIRS) ^ magnitude ^ PAIRS
    return magnitude, carries & ((1 << ((a_bits + 1) // 2 * 2)) - 1)


@kernel()
def lowest_digit(pairs: int, carries: int) -> int:
    """Digit 0 of what `recoded` gives: of the magnitude, with EN-T."""
    return (pairs & 3) + (carries & 1) - (carries & 4)


@kernel()
def digit(a: int, i: int, a_bits: int, encoder: int) -> int:
    """Digit i of weight 4**i of the signed operand `a`: Booth (encoder 0) or EN-T (encoder 1)."""
    pairs, carries = recoded(a, a_bits, encoder)
    value = lowest_digit(pairs >> (2 * i), carries >> (2 * i))
    return -value if encoder == 1 and a < 0 else value


@kernel()
def carry_save(x: int, y: int, z: int) -> tuple[int, int]:
    """One 3:2 row: x + y + z = sum + carry. A bit depends on none above it, so both may wrap."""
    return x ^ y ^ z, ((x & y) | (x & z) | (y & z)) << 1


@kernel()
def compress(x: int, y: int, z: int, bits: int) -> tuple[int, int]:
    """One 3:2 row: x + y + z = sum + carry, modulo 2**bits."""
    total, carry = carry_save(x, y, z)
    return total, carry & ((1 << bits) - 1)


@kernel()
def four_bits_times(x: int, b: int) -> int:
    """The four lowest bits of x times b: each selects b, shifted, or nothing.

    Four at a time, since a loop over many operands then loads and stores a quarter as often.
    """
    low = (b & -(x & 1)) + ((b << 1) & -((x >> 1) & 1))
    return low + ((b << 2) & -((x >> 2) & 1)) + ((b << 3) & -((x >> 3) & 1))


@kernel()
def magnitude_columns(codes: I64, b: I64, a_bits: int) -> I32:
    """B with A's sign, in every magnitude column of A (lanes, cells) that holds a one.

    Four columns share a row of the result, of weight 16**row, summed over the lanes. A row is of
    32 bits, of which a vector holds twice as many as of 64, and that is enough for more lanes than
    there can be: B has 17 bits at most, 15 times that 20, which leaves 4096 lanes.
    """
    cells = codes.shape[1]
    magnitude, signed_b = np.empty(cells, np.int32), np.empty(cells, np.int32)
    columns = np.zeros(((a_bits + 3) // 4, cells), np.int32)
    for lane in range(codes.shape[0]):
        for n in range(cells):
            magnitude[n] = abs(codes[lane, n])
            signed_b[n] = -b[lane, n] if codes[lane, n] < 0 else b[lane, n]
        for p in range(columns.shape[0]):
            for n in range(cells):
                columns[p, n] += four_bits_times(magnitude[n], signed_b[n])
                magnitude[n] >>= 4
    return columns


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
