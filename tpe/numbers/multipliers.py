"""Multipliers that come with tpe, from their definitions, and those of a user's file.

The definitions are of magnitudes, in Python's integers. With signed operands the product of both
magnitudes gets the sign of the exact one, as a sign-magnitude wrapper gives it: |-128| = 128 is an
unsigned number of 8 bits.

A file is named by its path. Its content is part of what an engine is, so that a name that was
looked at ends in `@` and the beginning of its SHA-256: `fast.npy@1c2b3a4d5e6f` is refused if the
file has changed since.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Any

import numpy as np

from tpe.base import registry
from tpe.base.errors import TpeError, one_line, pick
from tpe.base.files import decode, read_bytes
from tpe.numbers.formats import IntFormat, int_format
from tpe.numbers.multiplier_table import (
    MultiplierTable,
    check_narrow,
    multiplier_table,
    operands_by_code,
)
from tpe.numbers.operands import Ints

READERS = "tpe.multipliers"  # by a file's ending: (name, content, a, b) -> table
LARGEST_FILE = 4 << 20  # bytes; 65 536 numbers of 8 bytes, or of text, and some room
DIGITS = 12  # of a content's hash
_KEPT = 32  # tables in memory


# ---- definitions ----


def exact(a: int, b: int, bits: int) -> int:
    """a * b."""
    return a * b


def kulkarni(a: int, b: int, bits: int) -> int:
    """Blocks of 2 x 2 bits, exact but for 3 x 3 = 7; four of half the width added exactly.

    A width that is no power of 2 is that of the next one, its upper bits zero.

    >>> kulkarni(3, 3, 2), kulkarni(0b1111, 0b1111, 4), kulkarni(0b1011, 0b1101, 4)
    (7, 175, 135)
    """
    if bits <= 2:
        return 7 if a == b == 3 else a * b
    half = 1 << (bits - 1).bit_length() - 1  # of the next power of 2
    low = (1 << half) - 1
    a_high, a_low, b_high, b_low = a >> half, a & low, b >> half, b & low
    high = kulkarni(a_high, b_high, half)
    middle = kulkarni(a_high, b_low, half) + kulkarni(a_low, b_high, half)
    return (high << 2 * half) + (middle << half) + kulkarni(a_low, b_low, half)


def mitchell(a: int, b: int, bits: int) -> int:
    """Logarithms of base 2 as their leading one and the bits behind it, added, and back.

    With a = 2**i (1 + x) and b = 2**j (1 + y) the product is 2**(i + j) (1 + x + y), or
    2**(i + j + 1) (x + y) where x + y >= 1. All bits of x and y are kept, with which both are
    integers: nothing is truncated. A product with zero is zero.

    >>> mitchell(3, 3, 8), mitchell(5, 6, 8), mitchell(4, 7, 8), mitchell(0, 9, 8)
    (8, 28, 28, 0)
    """
    if a == 0 or b == 0:
        return 0
    one_a, one_b = 1 << a.bit_length() - 1, 1 << b.bit_length() - 1
    fractions = (a - one_a) * one_b + (b - one_b) * one_a  # x + y, in units of 2**-(i + j)
    one = one_a * one_b
    return one + fractions if fractions < one else 2 * fractions


@dataclass(frozen=True)
class Multiplier:
    """A multiplier by its definition: (magnitude, magnitude, bits of the wider) -> product."""

    name: str
    title: str
    source: str
    product: Callable[[int, int, int], int]

    def table(self, a: IntFormat, b: IntFormat) -> MultiplierTable:
        """Its table for operands of these formats, of at most 8 bits.

        >>> from tpe.numbers.formats import FORMATS
        >>> table = MULTIPLIERS["kulkarni"].table(FORMATS["uint2"], FORMATS["uint2"])
        >>> table.products.tolist()[3]
        [0, 3, 6, 7]
        """
        return _defined(self, a, b)


@lru_cache(maxsize=_KEPT)
def _defined(multiplier: Multiplier, a: IntFormat, b: IntFormat) -> MultiplierTable:
    bits = max(a.bits, b.bits)
    x, y = operands_by_code(a), operands_by_code(b)
    sizes = [range(int(np.abs(side).max()) + 1) for side in (x, y)]
    of_sizes = np.array([[multiplier.product(m, n, bits) for n in sizes[1]] for m in sizes[0]])
    signs = np.multiply.outer(np.where(x < 0, -1, 1), np.where(y < 0, -1, 1))
    products = of_sizes[np.ix_(np.abs(x), np.abs(y))] * signs
    return multiplier_table(products, a, b, multiplier.name)


MULTIPLIERS = {
    multiplier.name: multiplier
    for multiplier in (
        Multiplier("mitchell", "sums of logarithms", "doi:10.1109/TEC.1962.5219391", mitchell),
        Multiplier("kulkarni", "2 x 2 blocks, 3 x 3 = 7", "doi:10.1109/VLSID.2011.51", kulkarni),
        Multiplier("exact", "every product exact", "the definition", exact),
    )
}


# ---- by name ----


def legal_names() -> tuple[str, ...]:
    """What a multiplier may be called, for a person.

    >>> legal_names()[:3]
    ('mitchell', 'kulkarni', 'exact')
    """
    return (*MULTIPLIERS, *(f"FILE{ending}" for ending in registry.homes(READERS)))


def checked_name(text: object) -> str:
    """The full name of a multiplier: one of `MULTIPLIERS`, or PATH@HASH of a file.

    Raises TpeError, one line, for an unknown name, a file that cannot be read, and one that is not
    what its hash says.

    >>> checked_name("Mitchell")
    'mitchell'
    >>> checked_name("mitchel")
    Traceback (most recent call last):
    tpe.TpeError: unknown multiplier 'mitchel' (did you mean 'mitchell'?); legal: mitchell, \
kulkarni, exact, FILE.csv, FILE.npy, FILE.sv, FILE.v
    """
    path, expected = _split(os.fspath(text) if isinstance(text, os.PathLike) else str(text))
    if not _is_file(path):
        return pick("multiplier", path, legal_names())
    return f"{path}@{_digest(_content(path, expected))}"


def _is_file(path: str) -> bool:
    """Whether it is called as a file that is read; else it is a name."""
    return PurePath(path).suffix.lower() in registry.homes(READERS)


def _content(path: str, expected: str) -> bytes:
    """What a file holds; TpeError if its hash is another than the one expected, if one is."""
    content = read_bytes(path, "multiplier", LARGEST_FILE)
    digest = _digest(content)
    if expected not in ("", digest):
        raise TpeError(
            f"{path}: its content is {digest}, and {expected} was asked for: it has changed; "
            f"legal: the file as it was, or {path} for the new one"
        )
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def named_table(name: str, a: IntFormat, b: IntFormat) -> MultiplierTable:
    """The table of a multiplier, as `checked_name` takes its name, for operands of these formats.

    Raises TpeError, one line, as `checked_name`, and for a file that is no table of the formats.
    """
    check_narrow(a, b)
    path, expected = _split(name)
    if not _is_file(path):
        return MULTIPLIERS[checked_name(path)].table(a, b)
    return _of_file(path, _content(path, expected), a, b)


def table_of(
    multiplier: Any, a_type: str | IntFormat = "uint8", b_type: str | IntFormat | None = None
) -> MultiplierTable:
    """The table of a multiplier, and with it how far it is off (`errors`).

    multiplier: the name of one that comes with tpe, the path of a .npy, .csv, .v or .sv file, or
    its products, integers (2**bits of A, 2**bits of B) by codes of operands. a_type, b_type:
    formats of the first and the second operand, at most 8 bits; b_type is a_type if none is given.
    Raises TpeError, one line, for a name, a file or products that are none of the formats.

    >>> errors = table_of("mitchell").errors
    >>> round(100 * errors.mean_relative, 2), round(100 * errors.largest_relative, 1)
    (3.79, 11.1)
    """
    a, b = int_format(a_type, "a_type"), int_format(b_type or a_type, "b_type")
    if isinstance(multiplier, str | os.PathLike):
        return named_table(os.fspath(multiplier), a, b)
    return multiplier_table(multiplier, a, b)


@lru_cache(maxsize=_KEPT)
def _of_file(path: str, content: bytes, a: IntFormat, b: IntFormat) -> MultiplierTable:
    reader = registry.find(READERS, PurePath(path).suffix.lower())
    table: MultiplierTable = reader(path, content, a, b)
    return table


def _split(name: str) -> tuple[str, str]:
    """A path, and the hash behind it; without one, the name and nothing."""
    path, at, digest = name.rpartition("@")
    is_hash = len(digest) == DIGITS and set(digest) <= set("0123456789abcdef")
    return (path, digest) if at and is_hash else (name, "")


# ---- files ----


def read_npy(path: str, content: bytes, a: IntFormat, b: IntFormat) -> MultiplierTable:
    """A table as `numpy.save` writes it: integers, a row for every code of the first operand."""
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # a broken header raises whatever numpy's parser raises
        raise TpeError(f"{path}: no array of numpy's: {one_line(error)}") from None
    return multiplier_table(array, a, b, path)


def read_csv(path: str, content: bytes, a: IntFormat, b: IntFormat) -> MultiplierTable:
    """A table as text: a line for every code of the first operand, integers between commas."""
    lines = decode(path, content, "multiplier").split("\n")
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    products = [_integers(path, number, line, 1 << b.bits) for number, line in rows]
    return multiplier_table(np.array(products, np.int64), a, b, path)


def _integers(path: str, number: int, line: str, count: int) -> Ints:
    words = line.split(",")
    if len(words) != count:
        raise TpeError(f"{path}:{number}: {len(words)} numbers; legal: {count}, a product each")
    try:
        return np.array([int(word) for word in words], np.int64)
    except (ValueError, OverflowError):
        wrong = next(word.strip() for word in words if not _is_integer(word))
        raise TpeError(f"{path}:{number}: '{wrong[:40]}' is no integer of 64 bits") from None


def _is_integer(word: str) -> bool:
    try:
        return -(1 << 63) <= int(word) < 1 << 63
    except ValueError:
        return False
