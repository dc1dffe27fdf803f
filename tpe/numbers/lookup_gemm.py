"""Whole matrix products by tables of activations, exactly as `tpe.numbers.lookup_tables` has them.

For a row of A the tables of a group, both signs of each sum, stay in the first cache while words of
stored weights, a byte each, go by. Tables of neighbouring groups are added up beforehand, every sum
of one to every sum of the next, as far as a byte says which: a look-up then stands for one in each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.jit import compiled, kernel
from tpe.numbers.bipolar import BipolarFormat
from tpe.numbers.formats import Format, IntFormat
from tpe.numbers.lookup_tables import TableKind, entries, planes, stored, tables
from tpe.numbers.operands import Ints
from tpe.numbers.threads import by_rows

_BYTE = 8
_LARGEST = (1 << 31) - 1


@kernel()
def sums_of_look_ups(table: Any, words: Any, weights: Ints, out: Any) -> None:
    """Add to `out` (M, N) weights[p] * table[m, g, words[p, g, n]] for every plane p and group g.

    table (M, groups, sums), words (planes, groups, N).
    """
    rows, groups = table.shape[0], table.shape[1]
    by_fours = groups - groups % 4
    for m in range(rows):
        for g in range(0, by_fours, 4):
            first, second = table[m, g], table[m, g + 1]
            third, fourth = table[m, g + 2], table[m, g + 3]
            for p in range(weights.size):
                weight = out.dtype.type(weights[p])
                a, b = words[p, g], words[p, g + 1]
                c, d = words[p, g + 2], words[p, g + 3]
                for n in range(out.shape[1]):
                    out[m, n] += weight * (first[a[n]] + second[b[n]] + third[c[n]] + fourth[d[n]])
        for g in range(by_fours, groups):
            one = table[m, g]
            for p in range(weights.size):
                weight = out.dtype.type(weights[p])
                for n in range(out.shape[1]):
                    out[m, n] += weight * one[words[p, g, n]]


def lookup_product(a: Ints, b: Ints, number: Format, kind: str, group: int) -> Ints:
    """A (M, K) @ B (K, N), int64 and exact, of signed activations and weights of `number`.

    Bipolar weights are given as their codes, and count as the numbers that these stand for. No sum
    of A may leave int32.

    >>> from tpe.numbers.formats import FORMATS
    >>> a, b = np.array([[-128, 127, 3]]), np.array([[-2, 1], [1, -1], [0, 1]])
    >>> lookup_product(a, b, FORMATS["int2"], "half", 4).tolist()
    [[383, -252]]
    """
    if kind == TableKind.NONE:  # what it adds up is in the tables of the same weights
        kind = TableKind.FULL
    together = max(1, _BYTE // _word_bits(kind, group))
    k = -(-a.shape[1] // (group * together)) * group * together
    left = np.pad(np.asarray(a, np.int64), ((0, 0), (0, k - a.shape[1])))
    words = merged_words(padded(b, k), number, kind, group, together)
    count = planes(kind, number.bits)
    weights = 1 << np.arange(count)
    if kind == TableKind.FULL:
        weights[-1] *= -1
    largest = k * int(np.abs(left).max(initial=0)) << count
    dtype = np.int32 if largest <= _LARGEST else np.int64
    look_up = compiled(sums_of_look_ups)

    def block(rows: slice) -> Ints:
        part = left[rows]
        table = _merged_tables(part.reshape(len(part), k // group, group), kind, together)
        out = np.zeros((len(table), b.shape[1]), dtype)
        look_up(np.ascontiguousarray(table, dtype), words, weights, out)
        return out

    total = np.concatenate(by_rows(block, len(left), left.size * b.shape[1])).astype(np.int64)
    if kind == TableKind.HALF and not isinstance(number, BipolarFormat):
        total = (total - left.sum(axis=1)[:, None]) >> 1  # it is even
    return total


def tmac_product(a: Ints, q: Ints, bits: int) -> Ints:
    """A (M, K) @ (q - 2**(bits - 1)), int64 and exact, as T-MAC has it (arXiv:2407.00088).

    q (K, N): unsigned codes of 1 to 8 bits. Its tables are half tables of groups of four
    activations, and what it adds as a bias, half a group's sum, is what these leave out.

    >>> tmac_product(np.array([[5, -128]]), np.array([[0, 1], [3, 2]]), 2).tolist()
    [[-138, -5]]
    """
    number = IntFormat(f"int{bits}", bits, signed=True)
    return lookup_product(a, np.asarray(q, np.int64) - (1 << bits - 1), number, TableKind.HALF, 4)


def padded(b: Ints, k: int) -> Ints:
    """B with rows of code 0 up to `k`: whatever that is a weight of, its activation is 0."""
    return np.pad(np.asarray(b, np.int64), ((0, k - b.shape[0]), (0, 0)))


def _word_bits(kind: str, group: int) -> int:
    """Bits of a look-up: of the index, and of its sign."""
    if kind == TableKind.TERNARY:
        return entries(kind, group).bit_length() + 1
    return group


def merged_words(b: Ints, number: Format, kind: str, group: int, together: int) -> Any:
    """Look-ups (planes, merged groups, N) of B (K, N), that of the first group lowest."""
    grouped = b.reshape(len(b) // group, group, b.shape[1]).transpose(0, 2, 1)
    lanes = stored(grouped, number, kind)
    if kind == TableKind.TERNARY:
        flat = lanes @ (1 << number.bits * np.arange(group))
        top = group * number.bits - 1
        sign = (flat >> top) << (_word_bits(kind, group) - 1)
        found = (flat & ((1 << top) - 1) | sign)[None]
    else:
        ones = lanes[None] >> np.arange(number.bits)[:, None, None, None] & 1
        found = ones @ (1 << np.arange(group))
    shape = (len(found), found.shape[1] // together, together, b.shape[1])
    place = 1 << _word_bits(kind, group) * np.arange(together)
    merged = np.einsum("pgtn,t->pgn", found.reshape(shape), place)
    bits = _word_bits(kind, group) * together
    return np.ascontiguousarray(merged, np.uint8 if bits <= _BYTE else np.uint16)


def _merged_tables(groups: Ints, kind: str, together: int) -> Ints:
    """(M, groups, G) -> (M, merged groups, sums): what every word of a look-up finds."""
    table = signs_by_word(tables(groups, kind), kind, groups.shape[-1])
    parts = table.reshape(len(table), groups.shape[1] // together, together, table.shape[-1])
    merged = parts[:, :, 0]
    for t in range(1, together):
        merged = (parts[:, :, t, :, None] + merged[:, :, None, :]).reshape(
            *parts.shape[:2], parts.shape[-1] * merged.shape[-1]
        )
    return merged


def signs_by_word(table: Ints, kind: str, group: int) -> Ints:
    """A table's sums by the word that looks them up: a sign above the index, where there is one."""
    if kind == TableKind.FULL:
        return table
    if kind == TableKind.TERNARY:  # index 0 finds nothing, those beyond are none
        half = 1 << (_word_bits(kind, group) - 1)
        wide = np.zeros((*table.shape[:-1], half), np.int64)
        wide[..., 1 : table.shape[-1] + 1] = table
        table = wide
    return np.concatenate([table, -table], axis=-1)
