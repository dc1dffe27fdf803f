"""Operands as memory images: the hexadecimal words that `$readmemh` and `$writememh` use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Ints = np.ndarray[Any, np.dtype[Any]]


def pack(fields: Ints, bits: int) -> bytes:
    """Words (rows) of equal fields, the first field lowest, as lines of hexadecimal.

    >>> pack(np.array([[1, -1], [2, 0]]), 4)
    b'f1\\n02\\n'
    """
    wide = np.asarray(fields, np.int64)
    flags = (wide[:, :, None] >> np.arange(bits)) & 1
    return to_hex(flags.reshape(len(wide), -1).astype(np.uint8))


def to_hex(flags: Ints) -> bytes:
    """Words (rows) of bits, the lowest first, as lines of hexadecimal."""
    data = np.packbits(flags, axis=1, bitorder="little")[:, ::-1]
    digits = np.frombuffer(data.tobytes().hex().encode(), np.uint8).reshape(len(flags), -1)
    newlines = np.full((len(flags), 1), ord("\n"), np.uint8)
    return np.hstack([digits, newlines]).tobytes()


def unpack(path: Path, count: int, fields: int, bits: int) -> Ints:
    """The signed fields (count, fields) of a memory image of `count` words."""
    lines = image_lines(path)
    if len(lines) != count:
        raise ValueError(f"{path.name} holds {len(lines)} words, {count} expected")
    return unpack_lines(lines, fields, bits)


def image_lines(path: Path) -> list[str]:
    """The words of a memory image as `$writememh` leaves it, in hexadecimal."""
    return [x for x in path.read_text().split("\n") if x and not x.startswith(("//", "@"))]


def unpack_lines(lines: Sequence[str], fields: int, bits: int) -> Ints:
    """The signed fields (len(lines), fields) of words in hexadecimal; higher bits are ignored."""
    width = -(-fields * bits // 8) * 2
    data = bytes.fromhex("".join(line.rjust(width, "0")[-width:] for line in lines))
    raw = np.frombuffer(data, np.uint8).reshape(len(lines), -1)[:, ::-1]
    flags = np.unpackbits(raw, axis=1, bitorder="little")[:, : fields * bits]
    weights = 1 << np.arange(bits, dtype=np.int64)
    weights[-1] = -weights[-1]
    return flags.reshape(len(lines), fields, bits) @ weights
