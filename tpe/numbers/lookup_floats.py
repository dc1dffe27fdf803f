"""Tables of activations of floating point: what they hold, with every rounding in its place.

The activations of a group are brought to one exponent, sums of them are integers:

1. e = the largest exponent of the group's activations that are not zero; each significand, with
   `align_bits` bits below its last one, is shifted right as far as its own exponent is below e,
   and what leaves is dropped: cut towards zero.
2. Entries are sums of these, as `tpe.numbers.lookup_tables` says: exact. All of a table count
   2**(e - bias - fraction bits - align_bits).
3. With `table_bits` = n > 0 entries have n bits, and the table a scale, a power of two: 2**s for
   the least s at which the sum of the sizes of 1., divided by it and cut, has n - 1 bits. An entry
   is divided by it, to nearest, ties to even, and 2**(n-1) becomes 2**(n-1) - 1.
4. A group with a NaN or an infinity has a table of NaN: planes of one weight take an infinity with
   both signs.

Where exponents differ by `align_bits` at most 1. loses nothing: 14 is exact for e4m3fn, 29 for e5m2
and fp16. Reference: arXiv:2408.06003, whose tables of INT8 step 3. is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tpe.base.jit import compiled, kernel
from tpe.numbers.bipolar import BipolarFormat
from tpe.numbers.floats import FP32, FloatFormat
from tpe.numbers.fma_gemm import F64, odd_sums
from tpe.numbers.formats import Format
from tpe.numbers.lookup_gemm import merged_words, padded, signs_by_word
from tpe.numbers.lookup_tables import TableKind, entries, entry_bits, planes, tables, value_bits
from tpe.numbers.operands import Ints
from tpe.numbers.threads import by_rows
from tpe.numbers.words import I64, wrap

_TABLES_AT_ONCE = 1 << 20  # float64 that a block of rows has


@dataclass(frozen=True)
class FloatTables:
    """Tables of one kind, of groups of `group` activations of a format.

    align_bits -- kept below the last bit of the largest;  table_bits -- of an entry; 0: all

    >>> from tpe.numbers.floats import E4M3FN
    >>> rule = FloatTables(E4M3FN, "half", 4, align_bits=14, table_bits=8)
    >>> rule.size_bits, rule.entry_bits, rule.exponent_bits, rule.code_bits
    (18, 8, 6, 71)
    """

    a: FloatFormat
    kind: str
    group: int
    align_bits: int
    table_bits: int = 0

    @property
    def size_bits(self) -> int:
        """Bits of an activation's size, aligned."""
        return self.a.fraction_bits + 1 + self.align_bits

    @property
    def exact_bits(self) -> int:
        """Bits of an exact sum, signed."""
        return entry_bits(self.kind, self.size_bits + 1, self.group)

    @property
    def quantised(self) -> bool:
        """Whether entries have fewer bits than their sums."""
        return 0 < self.table_bits < self.exact_bits

    @property
    def entry_bits(self) -> int:
        """Bits of an entry, signed."""
        return self.table_bits if self.quantised else self.exact_bits

    @property
    def value_bits(self) -> int:
        """Bits of an entry at either sign."""
        return self.entry_bits if self.quantised else value_bits(self.size_bits + 1, self.group)

    @property
    def exponent_bits(self) -> int:
        """Bits of a table's exponent: e + s."""
        return self.a.exponent_bits + 2

    @property
    def code_bits(self) -> int:
        """Bits of a table: its entries, its exponent, whether it is NaN."""
        return entries(self.kind, self.group) * self.entry_bits + self.exponent_bits + 1

    @property
    def unit(self) -> int:
        """The power of two that an entry counts where the table's exponent is 0."""
        return -self.a.bias - self.a.fraction_bits - self.align_bits


def aligned(codes: Ints, rule: FloatTables) -> tuple[Ints, Ints, Any]:
    """Groups at one exponent: codes (..., G) -> whole numbers (..., G), e, whether one is NaN.

    >>> from tpe.numbers.floats import BF16
    >>> rule = FloatTables(BF16, "half", 2, align_bits=0)
    >>> [x.tolist() for x in aligned(np.array([0xC040, 0x3F81]), rule)]  # -3, 1 + 2**-7
    [[-192, 64], 128, False]
    """
    a = rule.a
    bits = np.asarray(codes, np.int64) & ((1 << a.bits) - 1)
    field = bits >> a.fraction_bits & ((1 << a.exponent_bits) - 1)
    size = bits & ((1 << a.fraction_bits) - 1) | (field > 0).astype(np.int64) << a.fraction_bits
    field = np.maximum(field, 1)
    top = np.where(size > 0, field, 0).max(axis=-1)
    down = np.clip(top[..., None] - field, 0, 63)
    size = (size << rule.align_bits) >> down
    missing = ~np.isfinite(a.values(bits))
    return np.where(bits >> (a.bits - 1), -size, size), top, missing.any(axis=-1)


def float_tables(codes: Ints, rule: FloatTables) -> tuple[Ints, Ints, Any]:
    """Tables of groups, codes (..., G) -> entries (..., entries), exponents e + s, NaN or not.

    >>> from tpe.numbers.floats import BF16
    >>> one, three = 0x3F80, 0x4040
    >>> table, top, _ = float_tables(np.array([one, three]), FloatTables(BF16, "half", 2, 0))
    >>> (table * 2.0 ** (top - 127 - 7)).tolist()
    [-4.0, -2.0]
    >>> eight, up, _ = float_tables(np.array([one, three]), FloatTables(BF16, "half", 2, 0, 4))
    >>> eight.tolist(), (eight * 2.0 ** (up - 127 - 7)).tolist()
    ([-4, -2], [-4.0, -2.0])
    """
    numbers, top, missing = aligned(codes, rule)
    table = tables(numbers, rule.kind)
    if not rule.quantised:
        return table, top, missing
    size = abs(numbers).sum(axis=-1)
    shift = np.maximum(
        np.frexp(size.astype(np.float64))[1].astype(np.int64) - rule.table_bits + 1, 0
    )
    return _scaled(table, shift[..., None], rule.table_bits), top + shift, missing


def _scaled(table: Ints, shift: Ints, bits: int) -> Ints:
    """Entries divided by 2**shift, to nearest, ties to even, within `bits` bits less the lowest."""
    floor = table >> shift
    rest, half = table - (floor << shift), (1 << shift) >> 1
    up = (shift > 0) & ((rest > half) | ((rest == half) & (floor & 1 == 1)))
    most = (1 << (bits - 1)) - 1
    found: Ints = np.clip(floor + up, -most, most)
    return found


def table_bits_of(codes: Ints, rule: FloatTables) -> Ints:
    """The bits of tables as cells get them, codes (..., G) -> (..., bits), 0 or 1, lowest first.

    Entries, entry 0 lowest, the exponent, and 1 of a table of NaN.
    """
    table, top, missing = float_tables(codes, rule)
    parts = (
        (table, rule.entry_bits),
        (top[..., None], rule.exponent_bits),
        (missing[..., None].astype(np.int64), 1),
    )
    lead = table.shape[:-1]
    bits = [(x[..., None] >> np.arange(n) & 1).reshape(*lead, -1) for x, n in parts]
    return np.concatenate(bits, axis=-1)


@kernel()
def look_up_in_fp32(table: Any, words: Any, out: F64) -> None:
    """Add to `out` (M, N), a float32 after every step, what planes of groups look up.

    table (M, groups, planes, sums), words (planes, groups, N); groups ascending, planes in them.
    """
    found, total = np.empty(out.shape[1], np.float64), np.empty(out.shape[1], np.float64)
    rest = np.empty(out.shape[1], np.float64)
    for m in range(out.shape[0]):
        for g in range(table.shape[1]):
            for p in range(table.shape[2]):
                sums, word = table[m, g, p], words[p, g]
                for n in range(found.size):
                    found[n] = sums[word[n]]
                odd_sums(out[m], 1.0, found, total, rest)
                for n in range(found.size):
                    out[m, n] = np.float32(total[n])


def float_lookup_product(
    a: Ints,
    b: Ints,
    a_format: Format,
    b_format: Format,
    rule: FloatTables,
) -> Ints:
    """Words of C (M, N), signed, in fp32, from codes (M, K) of activations and (K, N) of weights.

    What a plane p of a group's weights looks up counts 2**p and is added to the psum, rounded once
    to fp32, nearest, ties to even: groups ascending, planes ascending within them. Of integers by
    half tables a plane's sum is of a (2 q - 1): it counts 2**(p - 1), and plane 0 has the sum of
    all the group's activations taken off before, exactly, which is an entry, too.

    >>> from tpe.numbers.floats import BF16
    >>> from tpe.numbers.formats import FORMATS
    >>> one, three = 0x3F80, 0x4040
    >>> rule = FloatTables(BF16, "half", 4, 8)
    >>> a, b = np.array([[one, three]]), np.array([[-2], [1]])
    >>> hex(float_lookup_product(a, b, BF16, FORMATS["int2"], rule)[0, 0])
    '0x3f800000'
    """
    group = rule.group
    k = -(-a.shape[1] // group) * group
    left = np.pad(np.asarray(a, np.int64), ((0, 0), (0, k - a.shape[1])))
    words = merged_words(padded(b, k), b_format, rule.kind, group, 1)
    halved = rule.kind == TableKind.HALF and not isinstance(b_format, BipolarFormat)
    count, sums = planes(rule.kind, b_format.bits), 2 * entries(rule.kind, group)
    step = max(1, _TABLES_AT_ONCE // max(1, (k // group) * count * sums))
    look_up = compiled(look_up_in_fp32)
    by_plane = partial(_plane_tables, rule=rule, count=count, halved=halved)

    def block(rows: slice) -> F64:
        part = left[rows].reshape(-1, k // group, group)
        out = np.zeros((len(part), b.shape[1]), np.float64)
        for first in range(0, len(part), step):
            look_up(by_plane(part[first : first + step]), words, out[first : first + step])
        return out

    with np.errstate(all="ignore"):
        c = np.concatenate(by_rows(block, len(left), left.size * b.shape[1] * count))
    found: I64 = wrap(FP32.codes(c), FP32.bits)
    return found


def _plane_tables(groups: Ints, rule: FloatTables, count: int, halved: bool) -> F64:
    """(M, groups, G) -> (M, groups, planes, sums): what words of each plane find, as it counts."""
    table, top, missing = float_tables(groups, rule)
    whole = signs_by_word(table, rule.kind, rule.group)
    by_plane = np.repeat(whole[:, :, None], count, axis=2)
    if halved:
        by_plane[:, :, 0] += table[:, :, :1]
    if rule.kind == TableKind.FULL:
        by_plane[:, :, -1] *= -1
    power = (top + rule.unit - halved)[..., None] + np.arange(count)
    found = np.ldexp(by_plane.astype(np.float64), power[..., None])
    found[missing] = np.nan
    return np.ascontiguousarray(found)
