"""L-Mul (arXiv:2410.00907): products of floating-point codes by one integer addition.

As hardware: r = x + y - (bias << m) + added, on exponent and fraction bits together, m mantissa
fraction bits; the sign is that of a product. A carry out of the fractions moves on into the
exponent, which doubles what is behind it: so it is no sum of fractions, which is what the paper's
formula says, (1 + x_m + y_m + 2**-l) 2**(x_e + y_e), `formula` here. The two differ on 44, 53 and
55 % of the fractions for m = 3, 4, 7.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tpe.base.errors import TpeError
from tpe.base.jit import kernel
from tpe.numbers.float_parts import LAYOUT_BITS, fields, layout
from tpe.numbers.floats import FloatFormat
from tpe.numbers.operands import Ints

OFFSETS = ("paper", "none")
SUBNORMALS = ("flush", "keep")
OVERFLOWS = ("inf", "saturate", "wrap")
_ADDED_BITS = 8
_LARGEST_L = 4


class Convention(NamedTuple):
    """What the paper leaves open, or implementations do differently.

    added -- to a sum, in units of the last fraction bit: 2**(m - l), or 0
    keep  -- whether a subnormal code is added like any other, and stays where it comes out; else it
             is zero, in and out
    overflow -- number among `OVERFLOWS`: what a sum above the largest code is
    """

    added: int
    keep: int
    overflow: int


def shift_of(fraction_bits: int) -> int:
    """l(m) of the paper: m for m <= 3, 3 for m = 4, 4 above.

    >>> [shift_of(m) for m in (2, 3, 4, 7, 10)]
    [2, 3, 3, 4, 4]
    """
    return fraction_bits if fraction_bits <= 3 else min(fraction_bits - 1, _LARGEST_L)


def convention(number: FloatFormat, offset: str, subnormals: str, overflow: str) -> Convention:
    """The words of `OFFSETS`, `SUBNORMALS` and `OVERFLOWS`, for a format.

    >>> from tpe.numbers.floats import BF16
    >>> convention(BF16, "paper", "flush", "inf")
    Convention(added=8, keep=0, overflow=0)
    """
    m = number.fraction_bits
    added = 1 << (m - shift_of(m)) if offset == OFFSETS[0] else 0
    return Convention(added, SUBNORMALS.index(subnormals), OVERFLOWS.index(overflow))


def packed(number: FloatFormat, how: Convention) -> int:
    """A format and a convention as the integer that `lmul_code` takes."""
    upper = how.added | how.keep << _ADDED_BITS | how.overflow << (_ADDED_BITS + 1)
    return layout(number) | upper << LAYOUT_BITS


@kernel()
def convention_of(settings: int) -> tuple[int, int, int]:
    """The fields of a `Convention` that was packed."""
    upper = settings >> LAYOUT_BITS
    return upper & ((1 << _ADDED_BITS) - 1), (upper >> _ADDED_BITS) & 1, upper >> (_ADDED_BITS + 1)


@kernel()
def lmul_code(x: int, y: int, settings: int) -> int:
    """The product of two codes, a code of their format. `settings`: see `packed`.

    A zero times a number is a zero of their sign, and so is a sum below the least code. NaN, and
    infinity times zero, give the one NaN; infinity times anything else is infinity. Above the
    largest code: infinity, or NaN in a format without it; the largest code; or what is left of the
    sum without its carry.

    >>> from tpe.numbers.floats import BF16
    >>> usual = packed(BF16, convention(BF16, "paper", "flush", "inf"))
    >>> hex(lmul_code(0x3F80, 0x3F80, usual)), hex(lmul_code(0x3FC0, 0xBFC0, usual))
    ('0x3f88', '0xc008')
    """
    exponent_bits, fraction_bits, special = fields(settings & ((1 << LAYOUT_BITS) - 1))
    added, keep, overflow = convention_of(settings)
    sign_bit = 1 << (exponent_bits + fraction_bits)
    top = ((1 << exponent_bits) - 1) << fraction_bits
    ieee = special == 0
    nan = top | (1 << (fraction_bits - 1)) if ieee else sign_bit - 1
    largest = top - 1 if ieee else sign_bit - 2
    sign = (x ^ y) & sign_bit
    x, y = x & (sign_bit - 1), y & (sign_bit - 1)
    if max(x, y) > (top if ieee else largest):
        return nan
    least = 1 if keep else 1 << fraction_bits
    nothing = min(x, y) < least
    if ieee and max(x, y) == top:
        return nan if nothing else sign | top
    bias = (1 << (exponent_bits - 1)) - 1
    total = x + y - (bias << fraction_bits) + added
    if nothing or total < least:
        return sign
    if overflow == 2:
        return sign | (total & (sign_bit - 1))
    if total <= largest:
        return sign | total
    if overflow == 1:
        return sign | largest
    return sign | top if ieee else nan


def formula(x: Ints, y: Ints, number: FloatFormat, offset: str = OFFSETS[0]) -> np.ndarray:
    """The paper's formula as printed, in float64, of codes of finite numbers.

    (1 + x_m + y_m + 2**-l) 2**(x_e + y_e) with the sign of a product; zero where an operand is zero
    or subnormal. Raises TpeError for codes that are no finite number.

    >>> from tpe.numbers.floats import BF16
    >>> formula(np.array([0x3FC0]), np.array([0x3FC0]), BF16).tolist()
    [2.0625]
    """
    m = number.fraction_bits
    added = 2.0 ** -shift_of(m) if offset == OFFSETS[0] else 0.0
    magnitude = (1 << (number.bits - 1)) - 1
    if any((v & magnitude).max(initial=0) > number.largest_code for v in (x, y)):
        raise TpeError(f"codes of {number.name} hold infinity or NaN; legal: finite numbers")
    (ex, ey), (fx, fy) = (
        ((v & magnitude) >> m for v in (x, y)),
        (v & ((1 << m) - 1) for v in (x, y)),
    )
    size = np.ldexp(1 + (fx + fy) / (1 << m) + added, ex + ey - 2 * number.bias)
    size = np.where((ex == 0) | (ey == 0), 0.0, size)
    negative = ((x ^ y) >> (number.bits - 1)) & 1
    return np.where(negative == 1, -size, size)
