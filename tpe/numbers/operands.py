"""What the user hands an engine, checked: shapes, types, ranges, and room in the accumulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Format
from tpe.numbers.matrices import shape_text

Ends = tuple[int, int] | None  # the least and the largest of products; None: of the exact ones
Ints = np.ndarray[Any, np.dtype[Any]]


def as_operands(
    a: Any, b: Any, a_format: Format, b_format: Format, layer: str
) -> tuple[Ints, Ints]:
    """The codes of A (M, K) and B (K, N), which must be of their formats; else `TpeError`."""
    a_codes = a_format.read(a, f"layer '{layer}': A", "M x K", "a_type")
    b_codes = b_format.read(b, f"layer '{layer}': B", "K x N", "b_type")
    if a_codes.shape[1] != b_codes.shape[0]:
        raise TpeError(
            f"layer '{layer}': A is {shape_text(a_codes)} and B {shape_text(b_codes)}; "
            "legal: M x K and K x N with the same K"
        )
    return a_codes, b_codes


def product_range(a: Format, b: Format) -> tuple[int, int]:
    """The least and the largest product of two operands of these formats."""
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    return min(corners), max(corners)


def signed_bits(low: int, high: int) -> int:
    """Bits of the shortest two's-complement word that holds all of `low` to `high`.

    >>> signed_bits(-128, 127), signed_bits(0, 128), signed_bits(0, 0)
    (8, 9, 1)
    """
    return max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + 1


def check_accumulator(
    layer: str,
    k: int,
    a: Format,
    b: Format,
    acc_bits: int,
    products: Ends = None,
) -> None:
    """Raise if a sum of `k` products of these formats may leave `acc_bits`, by interval arithmetic.

    products: the least and the largest, where they are others than the exact ones.

    >>> from tpe.numbers.formats import FORMATS
    >>> check_accumulator("fc1", 1024, FORMATS["int8"], FORMATS["int8"], 24)
    Traceback (most recent call last):
    tpe.TpeError: layer 'fc1': K = 1024 products of int8 and int8 need an accumulator of \
26 bits, acc_bits = 24; set acc_bits = 26, or overflow = wrap
    """
    low, high = products or product_range(a, b)
    needed = signed_bits(k * low, k * high)
    if needed > acc_bits:
        fix = (
            f"set acc_bits = {needed}, or overflow = wrap"
            if needed <= 48
            else "set overflow = wrap"
        )
        raise TpeError(
            f"layer '{layer}': K = {k} products of {a.name} and {b.name} need an accumulator of "
            f"{needed} bits, acc_bits = {acc_bits}; {fix}"
        )
