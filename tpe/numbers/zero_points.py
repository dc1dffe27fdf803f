"""What an array sees of an operand: unsigned ones widened, zero points taken out exactly.

The PEs are signed. C[m, n] = sum_k (a - a_zero) (b - b_zero) reaches them in one of three ways,
the engine's parameter `zero_points`:

none      no zero points. A signed operand goes in as it is; an unsigned one of W bits is
          zero-extended to W + 1, which is one digit more where W is even.
subtract  the zero point is subtracted as the operand enters: W + 1 bits, any zero point, no
          correction afterwards, and an operand at the zero point is a true zero.
offset    an unsigned operand goes in less 2**(W-1), W bits wide; a signed one as it is. What that
          leaves out is added to each output exactly:
          a_rest sum_k b' + b_rest sum_k a' + K a_rest b_rest, where a - a_zero = a' + a_rest.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np

from tpe.numbers.formats import CodedFormat, Format, IntFormat
from tpe.numbers.operands import Ints


class ZeroPoints(StrEnum):
    """How zero points are taken out of operands; see this module."""

    NONE = "none"
    SUBTRACT = "subtract"
    OFFSET = "offset"


MODES = tuple(map(str, ZeroPoints))
Zero = int | Ints  # one for the side, or one per row of A (M,) or per column of B (N,)


def coded_format(number: Format, mode: str) -> Format:
    """The signed format in which an array works on operands of `number`.

    >>> uint8 = IntFormat("uint8", 8, False)
    >>> [coded_format(uint8, mode).bits for mode in MODES]
    [9, 9, 8]
    """
    if mode == ZeroPoints.SUBTRACT:
        reach = number.high - number.low
        return CodedFormat(f"{number.name} less zero", number.bits + 1, True, -reach, reach)
    if number.signed:
        return number
    if mode == ZeroPoints.OFFSET:
        return IntFormat(f"{number.name} less {1 << (number.bits - 1)}", number.bits, True)
    return CodedFormat(number.name, number.bits + 1, True, 0, number.high)


def difference_format(number: Format, mode: str) -> Format:
    """The range of an operand less its zero point: what C is a sum of."""
    return coded_format(number, mode if mode == ZeroPoints.NONE else ZeroPoints.SUBTRACT)


def offset(number: Format, mode: str) -> int:
    """What `offset` takes off every operand before it enters: 2**(W-1) if unsigned, else 0."""
    return 1 << (number.bits - 1) if mode == ZeroPoints.OFFSET and not number.signed else 0


def coded(x: Ints, zero: Zero, number: Format, mode: str) -> Ints:
    """Operands as they enter the array; `zero` broadcasts against `x`."""
    taken = zero if mode == ZeroPoints.SUBTRACT else offset(number, mode)
    if not np.any(taken):
        return x
    wide = np.int16 if number.bits < 15 else np.int32
    difference: Ints = x.astype(wide) - np.asarray(taken, wide)
    return difference


def correction(a: Ints, b: Ints, a_rest: Any, b_rest: Any) -> Ints:
    """What `offset` adds to A' @ B', (M, N); the rests broadcast against (M, 1) and (1, N)."""
    a_rest, b_rest = np.asarray(a_rest, np.int64), np.asarray(b_rest, np.int64)
    rows = a.sum(axis=1, dtype=np.int64)[:, None]
    columns = b.sum(axis=0, dtype=np.int64)[None, :]
    total: Ints = a_rest * columns + rows * b_rest + a.shape[1] * a_rest * b_rest
    return total
