"""Signed-digit encodings of integers: which digits an operand becomes, and which of them are zero.

An encoding writes x as sum_i d_i * 2**(radix_bits * i), least significant digit first. The digits
are the loop dimension "bit weight" of arXiv:2503.06342; its cost is what the zeros save. Each
encoding is one record in `ENCODINGS`; every table below is derived from its rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tpe.base.errors import TpeError, unknown

MIN_BITS, MAX_BITS = 2, 17  # an unsigned 16-bit operand is coded as a signed one of 17 bits

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Encoding:
    """A rule that turns signed integers of 2 to 17 bits into digits of radix 2**radix_bits.

    Source: each record of `ENCODINGS` names its own.

    >>> ENCODINGS["ent"].encode(127, bits=8).tolist()       # 127 = 2 * 64 - 1
    [-1, 0, 0, 2]
    """

    name: str
    title: str
    source: str
    radix_bits: int
    rule: Callable[[IntArray, int], IntArray] = field(repr=False)
    """(values of any shape S, digit count) -> digits of shape S + (count,)"""

    def count(self, bits: int) -> int:
        """Digits of a signed `bits`-bit operand; radix 4 extends an odd width to an even one.

        Raises `TpeError` unless 2 <= bits <= 17.

        >>> [ENCODINGS[name].count(7) for name in ("booth", "csd")]
        [4, 7]
        """
        return -(-_check_bits(bits) // self.radix_bits)

    def encode(self, x: ArrayLike, bits: int) -> NDArray[np.int8]:
        """Digits of every element: int8, shape x.shape + (count(bits),), least significant first.

        Raises `TpeError` if x is not of an integer type or leaves -2**(bits-1)..2**(bits-1)-1.

        >>> ENCODINGS["csd"].encode([7, -3], bits=4).tolist()
        [[-1, 0, 0, 1], [1, 0, -1, 0]]
        """
        _check_bits(bits)
        values = _integers(x)
        _check_range(values, bits)
        digits: NDArray[np.int8] = _table(self, bits)[values.astype(np.int64) & ((1 << bits) - 1)]
        return digits

    def decode(self, digits: ArrayLike) -> IntArray:
        """The integers that digits of shape (..., count) stand for: int64, shape (...).

        >>> int(ENCODINGS["ent"].decode([-1, 0, 0, 2]))
        127
        """
        d = _integers(digits).astype(np.int64)
        if d.ndim == 0:
            raise TpeError("digits are one number; they need a last axis, least significant first")
        weights = np.int64(1) << (self.radix_bits * np.arange(d.shape[-1], dtype=np.int64))
        return np.asarray((d * weights).sum(axis=-1), dtype=np.int64)

    def bounds(self, bits: int) -> tuple[IntArray, IntArray]:
        """Smallest and largest digit at each position over all legal inputs: two (count,) arrays.

        Tight: read off the exhaustive table, so each bound is a digit that really occurs.

        >>> [bound.tolist() for bound in ENCODINGS["twos"].bounds(4)]
        [[0, 0, 0, -1], [1, 1, 1, 0]]
        """
        table = _table(self, _check_bits(bits))
        return table.min(axis=0).astype(np.int64), table.max(axis=0).astype(np.int64)

    def nonzero_masks(self, bits: int) -> NDArray[np.uint32]:
        """For every operand, which digits are non-zero: bit p of entry x & (2**bits - 1).

        A read-only uint32 array of 2**bits entries, computed once per width.

        >>> bin(ENCODINGS["booth"].nonzero_masks(8)[-128 & 255])
        '0b1000'
        """
        return _masks(self, _check_bits(bits))


def encoding(name: str | Encoding, field: str = "encoding") -> Encoding:
    """The encoding called `name`; `TpeError` naming `field` and the nearest one if there is none.

    >>> encoding("csd").radix_bits
    1
    """
    if isinstance(name, Encoding):
        return name
    if name not in ENCODINGS:
        raise unknown(field, name, ENCODINGS)
    return ENCODINGS[name]


def select(digit: IntArray) -> IntArray:
    """Radix-4 digits of -2..2, an integer or an array, as the select {neg, two, one} of the RTL.

    >>> select(np.array([-2, -1, 0, 1, 2])).tolist()
    [6, 5, 0, 1, 2]
    """
    size = np.abs(digit)
    lines: IntArray = (np.asarray(digit) < 0) * 4 + (size == 2) * 2 + (size == 1)
    return lines


def pack_digits(encoder: str, x: ArrayLike, bits: int) -> IntArray:
    """Operands as the word of digits that travels or is stored: int64 of x's shape.

    EN-T: the sign above two bits a digit, which are the digit times the sign, modulo 4, least
    significant digit lowest: 9 bits for int8 (arXiv:2404.11887). Booth: the select {neg, two, one}
    of every digit, 12 bits for int8. Raises `TpeError` as `Encoding.encode`.

    >>> bin(int(pack_digits("ent", -127, bits=8)))    # -(2 * 64 - 1)
    '0b110000011'
    """
    digits = encoding(encoder).encode(x, bits).astype(np.int64)
    places = np.arange(digits.shape[-1], dtype=np.int64)
    if encoder == "booth":
        return np.asarray((select(digits) << (3 * places)).sum(axis=-1), np.int64)
    negative = np.asarray(x, np.int64) < 0
    plain = np.where(negative[..., None], -digits, digits) & 3
    return np.asarray((plain << (2 * places)).sum(axis=-1) + (negative << (2 * len(places))))


# ---- checks and tables ----


def _check_bits(bits: int) -> int:
    if not isinstance(bits, int | np.integer) or not MIN_BITS <= bits <= MAX_BITS:
        raise TpeError(f"bits = {bits!r}: an encoded operand has {MIN_BITS} to {MAX_BITS} bits")
    return int(bits)


def _integers(x: ArrayLike) -> NDArray[np.integer]:
    values = np.asarray(x)
    if values.size == 0:
        return values.astype(np.int64)
    if not np.issubdtype(values.dtype, np.integer):
        raise TpeError(f"operands are {values.dtype}; an encoding takes integers")
    return values


def _check_range(values: NDArray[np.integer], bits: int) -> None:
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if values.size == 0 or (int(values.min()) >= low and int(values.max()) <= high):
        return
    where = np.argwhere((values < low) | (values > high))[0]
    position = [int(i) for i in where]
    value = int(values[tuple(where)])
    raise TpeError(f"operand at {position} is {value}; int{bits} takes {low}..{high}")


@lru_cache(maxsize=128)
def _table(encoding: Encoding, bits: int) -> NDArray[np.int8]:
    """Digits of every `bits`-bit operand, (2**bits, count), row x & (2**bits - 1)."""
    codes = np.arange(1 << bits, dtype=np.int64)
    values = np.where(codes < 1 << (bits - 1), codes, codes - (1 << bits))
    table = encoding.rule(values, encoding.count(bits)).astype(np.int8)
    table.setflags(write=False)
    return table


@lru_cache(maxsize=128)
def _masks(encoding: Encoding, bits: int) -> NDArray[np.uint32]:
    nonzero = _table(encoding, bits) != 0
    weights = np.uint32(1) << np.arange(nonzero.shape[-1], dtype=np.uint32)
    masks: NDArray[np.uint32] = (nonzero * weights).sum(axis=-1).astype(np.uint32)
    masks.setflags(write=False)
    return masks


# ---- the rules: (values, count) -> digits. Python's and numpy's >> keep the sign. ----


def _ent(x: IntArray, count: int) -> IntArray:
    """Magnitude in radix 4, 3 becoming -1 with a carry; the top digit takes its carry as it is."""
    sign, magnitude = np.sign(x), np.abs(x)
    carry = np.zeros_like(x)
    digits = np.empty((*x.shape, count), dtype=np.int64)
    for i in range(count):
        t = ((magnitude >> (2 * i)) & 3) + carry
        carry = (t >= 3).astype(np.int64) if i < count - 1 else np.zeros_like(x)
        digits[..., i] = sign * (t - 4 * carry)
    return digits


def _booth(x: IntArray, count: int) -> IntArray:
    """d_i = -2 b[2i+1] + b[2i] + b[2i-1], b[-1] = 0, on the sign-extended bits."""
    doubled = x << 1  # puts b[-1] = 0 at bit 0
    triples = [(doubled >> (2 * i)) & 7 for i in range(count)]
    return np.stack([-2 * (t >> 2) + ((t >> 1) & 1) + (t & 1) for t in triples], axis=-1)


def _csd(x: IntArray, count: int) -> IntArray:
    """Non-adjacent form: an odd rest gives the +-1 that makes it a multiple of 4."""
    digits = np.empty((*x.shape, count), dtype=np.int64)
    rest = x
    for i in range(count):
        digits[..., i] = np.where(rest & 1, 2 - (rest & 3), 0)
        rest = (rest - digits[..., i]) >> 1
    return digits


def _twos(x: IntArray, count: int) -> IntArray:
    """Bits of two's complement; the top bit weighs -2**(count-1), so its digit is 0 or -1."""
    digits = (x[..., None] >> np.arange(count, dtype=np.int64)) & 1
    digits[..., -1] *= -1
    return digits


def _magnitude(x: IntArray, count: int) -> IntArray:
    """Bits of |x|, each times the sign; the top column serves the most negative value alone."""
    bits = (np.abs(x)[..., None] >> np.arange(count, dtype=np.int64)) & 1
    return bits * np.sign(x)[..., None]


ENCODINGS: dict[str, Encoding] = {
    e.name: e
    for e in (
        Encoding("ent", "EN-T signed radix 4", "arXiv:2404.11887, arXiv:2503.06342", 2, _ent),
        Encoding("booth", "radix-4 modified Booth", "Booth 1951, MacSorley 1961", 2, _booth),
        Encoding("csd", "canonical signed digit", "Reitwiesner 1960 (non-adjacent form)", 1, _csd),
        Encoding("twos", "bits of two's complement", "two's complement", 1, _twos),
        Encoding("magnitude", "bits of sign-magnitude", "sign-magnitude", 1, _magnitude),
    )
}
