"""What the user hands an engine, checked: shapes, types, ranges, and room in the accumulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import IntFormat
from tpe.numbers.matrices import as_matrix, shape_text

Ints = np.ndarray[Any, np.dtype[Any]]


def as_operands(
    a: Any, b: Any, a_format: IntFormat, b_format: IntFormat, layer: str
) -> tuple[Ints, Ints]:
    """A (M, K) and B (K, N) as integer arrays in the range of their formats; else `TpeError`."""
    a = as_matrix(a, f"layer '{layer}': A", "M x K")
    b = as_matrix(b, f"layer '{layer}': B", "K x N")
    if a.shape[1] != b.shape[0]:
        raise TpeError(
            f"layer '{layer}': A is {shape_text(a)} and B {shape_text(b)}; "
            "legal: M x K and K x N with the same K"
        )
    check_range(a, a_format, f"layer '{layer}': A", "a_type")
    check_range(b, b_format, f"layer '{layer}': B", "b_type")
    return a, b


def check_range(x: Ints, number: IntFormat, where: str, field: str) -> None:
    """`TpeError` naming the first value that leaves the format."""
    limits = np.iinfo(x.dtype)
    if number.low <= limits.min and limits.max <= number.high:
        return  # the array's own type cannot leave the range
    low, high = int(x.min()), int(x.max())
    if number.low <= low and high <= number.high:
        return
    worst = low if low < number.low else high
    position = [int(i) for i in np.argwhere(x == worst)[0]]
    raise TpeError(
        f"{where} holds {worst} at {position}; legal for {field} = {number.name}: "
        f"{number.low} to {number.high}"
    )


def check_accumulator(layer: str, k: int, a: IntFormat, b: IntFormat, acc_bits: int) -> None:
    """Raise if a sum of `k` products of these formats may leave `acc_bits`, by interval arithmetic.

    >>> check_accumulator("fc1", 1024, IntFormat("int8", 8, True), IntFormat("int8", 8, True), 24)
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
