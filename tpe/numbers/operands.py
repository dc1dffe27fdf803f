"""What the user hands an engine, checked: shapes, types, ranges, and room in the accumulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Format
from tpe.numbers.matrices import shape_text

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


def check_accumulator(layer: str, k: int, a: Format, b: Format, acc_bits: int) -> None:
    """Raise if a sum of `k` products of these formats may leave `acc_bits`, by interval arithmetic.

    >>> from tpe.numbers.formats import FORMATS
    >>> check_accumulator("fc1", 1024, FORMATS["int8"], FORMATS["int8"], 24)
    Traceback (most recent call last):
    tpe.TpeError: layer 'fc1': K = 1024 products of int8 and int8 need an accumulator of \
26 bits, acc_bits = 24; set acc_bits = 26, or overflow = wrap
    """
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    low, high = k * min(corners), k * max(corners)
    needed = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + 1
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
