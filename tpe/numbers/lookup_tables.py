"""Dot products by tables of activations that bits of weights look up (arXiv:2408.06003).

A group of G activations a is summed once in every way that its weights may want, and each bit plane
of the weights picks a sum. With `half` a plane's bits stand for +1 and -1: a weight q of W bits,
unsigned, is q' = 2 q - (2**W - 1), the bipolar number of its bits (`tpe.numbers.bipolar`), and

    sum of a q'  =  sum over planes b of 2**b L[q_b],   L[i] = sum over k of (i_k ? a_k : -a_k)

Since L[i] = -L[~i], a table holds the half whose last lane is 0; a plane whose last bit is 1 has
its other bits inverted, beforehand, and what it looks up is negated. Of weights w in two's
complement q = w + 2**(W-1), so that w = (q' - 1) / 2 and

    sum of a w  =  (sum of a q'  -  sum of a) / 2.

`full` is the conventional table, of the bits 0 and 1 as they are: 2**G sums, and the top plane is
negative. `ternary` has weights of -1, 0 and 1: a group is a number of G digits in balanced ternary,
whose size picks one of (3**G - 1) / 2 sums and whose sign negates it, all in one look-up
(arXiv:2604.25183). `none` is no table: a group's activations as they are, of which a plane adds up
those whose bit is 1, bit-serially, as PEs without tables do; weights are those of `full`.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from tpe.numbers.bipolar import BipolarFormat
from tpe.numbers.formats import Array, Format, IntFormat
from tpe.numbers.operands import Ints

GROUPS = range(2, 7)  # activations of a table


class TableKind(StrEnum):
    """What a table holds of a group of activations; see this module."""

    HALF = "half"
    FULL = "full"
    TERNARY = "ternary"
    NONE = "none"


class TernaryFormat(IntFormat):
    """-1, 0 and 1, in two bits of two's complement.

    >>> TERNARY.low, TERNARY.high, TERNARY.read([[-1, 0, 1]], "B", "K x N", "b_type").tolist()
    (-1, 1, [[-1, 0, 1]])
    """

    @property
    def low(self) -> int:
        """Smallest value."""
        return -1

    def spread(self, bits: Array, sigma: float | None) -> Array:
        """Uniform over the three values; or normal, rounded, what it cannot hold drawn again."""
        if sigma is not None:
            return super().spread(bits, sigma)
        thirds = (bits >> np.uint64(32)) * np.uint64(3) >> np.uint64(32)
        values: Array = thirds.astype(np.int64) - 1
        return values


TERNARY = TernaryFormat("ternary", 2, True)


def entries(kind: str, group: int) -> int:
    """Sums that a table of a group keeps; of `ternary` without that of no weight, 0.

    >>> [entries(kind, 4) for kind in TableKind]
    [8, 16, 40, 4]
    """
    if kind == TableKind.TERNARY:
        return sum(3**lane for lane in range(group))
    if kind == TableKind.NONE:
        return group
    return 1 << (group - (kind == TableKind.HALF))


def entry_bits(kind: str, a_bits: int, group: int) -> int:
    """Bits of a sum that a table keeps, signed, of activations of `a_bits` bits.

    A half table has the sum of all of them negative: of the lowest, `group` * 2**(a_bits - 1). The
    others have one activation positive in every sum.

    >>> [entry_bits(kind, 8, 4) for kind in TableKind]
    [11, 10, 10, 8]
    """
    if kind == TableKind.NONE:
        return a_bits
    most = group << (a_bits - 1)  # in size
    return (most - (kind != TableKind.HALF)).bit_length() + 1


def value_bits(a_bits: int, group: int) -> int:
    """Bits of what is looked up, at its sign: of the lowest activations, negated, too.

    >>> value_bits(8, 4)
    11
    """
    return (group << (a_bits - 1)).bit_length() + 1


def planes(kind: str, b_bits: int) -> int:
    """Look-ups that a group of weights takes."""
    return 1 if kind == TableKind.TERNARY else b_bits


def tables(a: Ints, kind: str) -> Ints:
    """The tables of groups of activations, (..., G) -> (..., entries), by their definition.

    >>> tables(np.array([1, 10, 100]), "half").tolist()
    [-111, -109, -91, -89]
    >>> tables(np.array([1, 10]), "full").tolist(), tables(np.array([1, 10]), "ternary").tolist()
    ([0, 1, 10, 11], [1, 9, 10, 11])
    """
    group = a.shape[-1]
    if kind == TableKind.NONE:
        return a.astype(np.int64)
    if kind == TableKind.TERNARY:
        signs = ternary_digits(np.arange(1, entries(kind, group) + 1), group)
    else:
        ones = np.arange(entries(kind, group))[:, None] >> np.arange(group) & 1
        signs = 2 * ones - 1 if kind == TableKind.HALF else ones
    sums: Ints = a.astype(np.int64) @ signs.T
    return sums


def ternary_digits(numbers: Ints, group: int) -> Ints:
    """Digits -1, 0 and 1 of numbers, lowest first, (...,) -> (..., group).

    >>> ternary_digits(np.array([2, -4]), 3).tolist()
    [[-1, 1, 0], [-1, -1, 0]]
    """
    half = (3**group - 1) // 2  # of ones alone: with it every digit is 0, 1 or 2
    digits: Ints = (np.asarray(numbers)[..., None] + half) // 3 ** np.arange(group) % 3 - 1
    return digits


def plane_bits(weights: Ints, number: Format) -> Ints:
    """The bits q of weights whose planes are looked up in half tables.

    Of bipolar numbers, which come as codes, they are the number's; an integer w has q = w +
    2**(W-1), the bits of the bipolar number 2 w + 1.

    >>> plane_bits(np.array([-2, -1, 0, 1]), IntFormat("int2", 2, True)).tolist()
    [0, 1, 2, 3]
    """
    if isinstance(number, BipolarFormat):
        codes: Ints = np.asarray(weights, np.int64)
    else:
        codes = BipolarFormat("", number.bits).codes(2 * np.asarray(weights, np.int64) + 1)
    return codes & ((1 << number.bits) - 1)


def stored(weights: Ints, number: Format, kind: str) -> Ints:
    """Weights of groups as they are stored for look-ups, (..., G): words of `number.bits` bits.

    half: bit b of the last word is the sign of plane b's look-up, those of the others are its
    index, inverted where the sign is 1. full, none: the weights' bits. ternary: the size of
    the group's number from the first word's lowest bit on, its sign in the last word's highest.

    >>> stored(np.array([[0, -1, 1], [1, 1, -2]]), IntFormat("int2", 2, True), "half").tolist()
    [[1, 2, 3], [3, 3, 0]]
    >>> stored(np.array([[1, -1]]), TERNARY, "ternary").tolist()
    [[2, 2]]
    """
    ones = (1 << number.bits) - 1
    if kind == TableKind.HALF:
        bits = plane_bits(weights, number)
        last = bits[..., -1:]
        return np.concatenate([bits[..., :-1] ^ last, last], axis=-1)
    if kind in (TableKind.FULL, TableKind.NONE):
        return np.asarray(weights, np.int64) & ones
    group = weights.shape[-1]
    values = np.asarray(weights, np.int64) @ 3 ** np.arange(group)
    word = np.abs(values) | (values < 0).astype(np.int64) << (group * number.bits - 1)
    words: Ints = word[..., None] >> number.bits * np.arange(group) & ones
    return words


def looked_up(table: Ints, words: Ints, plane: int, kind: str, b_bits: int) -> Ints:
    """What one plane of stored weights looks up, at its sign, not yet shifted.

    table (..., entries), words (..., G): what leads them broadcasts. Of `full` and `none` the top
    plane is negative.

    >>> a, w = np.array([3, 5]), np.array([-1, 1])
    >>> words = stored(w, IntFormat("int2", 2, True), "half")
    >>> [int(looked_up(tables(a, "half"), words, p, "half", 2)) for p in (0, 1)]
    [8, 2]
    >>> (8 + 2 * 2 - a.sum()) // 2 == a @ w
    np.True_
    """
    if kind == TableKind.TERNARY:
        return _of_ternary(table, words, b_bits)
    bits = words >> plane & 1
    if kind == TableKind.NONE:
        total: Ints = (table * bits).sum(axis=-1)
        return -total if plane == b_bits - 1 else total
    if kind == TableKind.FULL:
        index, negative = bits @ (1 << np.arange(words.shape[-1])), plane == b_bits - 1
        found = _taken(table, index)
        return -found if negative else found
    index = bits[..., :-1] @ (1 << np.arange(words.shape[-1] - 1))
    found = _taken(table, index)
    return np.where(bits[..., -1] == 1, -found, found)


def _of_ternary(table: Ints, words: Ints, b_bits: int) -> Ints:
    group = words.shape[-1]
    word = words @ (1 << b_bits * np.arange(group))
    sign = word >> (group * b_bits - 1)
    size = word & ((1 << (group * b_bits - 1)) - 1)
    found = np.where(size > 0, _taken(table, np.maximum(size - 1, 0)), 0)
    return np.where(sign == 1, -found, found)


def _taken(table: Ints, index: Ints) -> Ints:
    lead = np.broadcast_shapes(table.shape[:-1], index.shape)
    wide = np.broadcast_to(table, (*lead, table.shape[-1]))
    found: Ints = np.take_along_axis(wide, np.broadcast_to(index, lead)[..., None], axis=-1)
    return found[..., 0]
