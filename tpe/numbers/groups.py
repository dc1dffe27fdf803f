"""Groups of operands and what a bit-serial or bit-slice PE reads off them: digits, slices, columns.

A PE takes `lanes` consecutive operands of K as one group and goes on when all of them are done. How
long that takes is each PE's own rule, in its file under `tpe/pe`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tpe.numbers.digits import encoding
from tpe.numbers.operands import Ints

SLICE_BITS = 3  # magnitude bits of a signed 4-bit slice


def grouped(x: Ints, lanes: int) -> Ints:
    """X (..., K) in groups of `lanes` consecutive k, K padded with zeros: (..., groups, lanes).

    >>> grouped(np.array([[1, 2, 3]]), 2).tolist()
    [[[1, 2], [3, 0]]]
    """
    pad = -x.shape[-1] % lanes
    padded: Ints = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, pad)]) if pad else x
    return padded.reshape(*x.shape[:-1], -1, lanes)


def digit_masks(x: Ints, bits: int, digits: str) -> Ints:
    """Which digits of every operand are non-zero, bit p for digit p; `digits` names an encoding.

    >>> [bin(mask) for mask in digit_masks(np.array([5, -128]), 8, "magnitude")]
    ['0b101', '0b10000000']
    """
    masks: Ints = encoding(digits).nonzero_masks(bits)[np.asarray(x, np.int64) & ((1 << bits) - 1)]
    return masks


def digit_counts(x: Ints, bits: int, digits: str) -> Ints:
    """Non-zero digits of every operand.

    >>> digit_counts(np.array([7, 0, -128]), 8, "csd").tolist()
    [2, 0, 1]
    """
    return np.bitwise_count(digit_masks(x, bits, digits)).astype(np.int64)


def slices(bits: int) -> int:
    """Signed 4-bit slices of an operand: 1 for 4 bits, and one more for every 3 bits beyond.

    >>> [slices(bits) for bits in (2, 4, 7, 8, 10, 13, 16)]
    [1, 1, 2, 3, 3, 4, 5]
    """
    return max(1, -(-(bits - 1) // SLICE_BITS))


def slice_digits(x: Ints, bits: int) -> Ints:
    """Signed slices of every operand, least significant first: (..., slices), of weight 8**i.

    The sign times the octal digits of the magnitude, so that numbers near zero have zero slices
    on top whatever their sign; the top slice takes what is left, down to -8.

    >>> slice_digits(np.array([-1, 100, -128]), 8).tolist()
    [[-1, 0, 0], [4, 4, 1], [0, 0, -2]]
    """
    count = slices(bits)
    magnitude = np.abs(np.asarray(x, np.int64))
    low = [(magnitude >> (SLICE_BITS * i)) & 7 for i in range(count - 1)]
    top = magnitude >> (SLICE_BITS * (count - 1))
    found: Ints = np.stack([*low, top], axis=-1) * np.sign(x)[..., None]
    return found


@lru_cache(maxsize=64)
def _slice_table(bits: int) -> Ints:
    """Which slices are non-zero, by the operand as an unsigned word: bit i for slice i."""
    words = np.arange(1 << bits)
    values = np.where(words < 1 << (bits - 1), words, words - (1 << bits))
    nonzero = slice_digits(values, bits) != 0
    table: Ints = (nonzero << np.arange(slices(bits))).sum(axis=-1)
    table.setflags(write=False)
    return table


def slice_masks(x: Ints, bits: int) -> Ints:
    """Which signed slices of every operand are non-zero, bit i for slice i."""
    masks: Ints = _slice_table(bits)[np.asarray(x, np.int64) & ((1 << bits) - 1)]
    return masks


def columns_in_use(masks: Ints) -> Ints:
    """How many bits are set in any of the masks along the last axis."""
    union = np.bitwise_or.reduce(masks, axis=-1)
    count: Ints = np.bitwise_count(union).astype(np.int64)
    return count
