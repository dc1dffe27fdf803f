"""What floating-point datapaths are made of, as kernels: unpack, multiply exactly, add, round.

Formats are the kernels' to know at run time: `layout` packs one into an integer. A number that is
finite is (-1)**negative * significand * 2**exponent, both integers.
"""

from __future__ import annotations

from tpe.base.errors import TpeError
from tpe.base.jit import kernel
from tpe.numbers.float_words import bit_length
from tpe.numbers.floats import FloatFormat

FINITE, INFINITE, NAN = range(3)  # what a number is
SPECIAL = {"ieee": 0, "top": 1, "none": 2}  # which codes are no numbers: `FloatFormat.nan`
_IEEE, _ONES = SPECIAL["ieee"], SPECIAL["top"]
LAYOUT_BITS = 11
_EXPONENT, _FRACTION = 4, 5  # bits of a layout's fields, lowest first; two more for SPECIAL
_TOP = 61  # where the highest one of the larger term of a sum is put: room for a carry, and a sign


def layout(number: FloatFormat) -> int:
    """A format as an integer of `LAYOUT_BITS` bits.

    Raises TpeError for a format without sign or subnormals, of an odd bias, or with an infinity
    and NaN that are not IEEE 754's.

    >>> from tpe.numbers.floats import BF16
    >>> bin(layout(BF16))
    '0b1111000'
    """
    ieee = number.infinity == (number.nan == "ieee")
    bias = (1 << (number.exponent_bits - 1)) - 1
    if not (number.signed and number.subnormals and ieee and number.bias == bias):
        raise TpeError(f"{number.name} is not legal here: signed formats of bias {bias} and IEEE")
    special = SPECIAL[number.nan]
    fields = number.exponent_bits | number.fraction_bits << _EXPONENT
    return fields | special << (_EXPONENT + _FRACTION)


@kernel()
def fields(form: int) -> tuple[int, int, int]:
    """Exponent bits, fraction bits and SPECIAL of a layout.

    >>> from tpe.numbers.floats import E4M3FN
    >>> fields(layout(E4M3FN))
    (4, 3, 1)
    """
    return form & 15, (form >> 4) & 31, (form >> 9) & 3


@kernel()
def code_parts(
    code: int, exponent_bits: int, fraction_bits: int, special: int
) -> tuple[int, int, int, int]:
    """(what it is, negative, exponent field, significand) of a code of any format.

    special: one of SPECIAL. The significand is in units of the last fraction bit, with its hidden
    one; the field of a subnormal and of zero is 1, as their weight is.

    >>> code_parts(0xC040, 8, 7, SPECIAL["ieee"])  # -3 in bf16
    (0, 1, 128, 192)
    """
    top = (1 << exponent_bits) - 1
    fraction = code & ((1 << fraction_bits) - 1)
    field = (code >> fraction_bits) & top
    negative = (code >> (fraction_bits + exponent_bits)) & 1
    what = FINITE
    if field == top:
        if special == _IEEE:
            what = NAN if fraction else INFINITE
        elif special == _ONES and fraction == (1 << fraction_bits) - 1:
            what = NAN
    significand = fraction + ((1 << fraction_bits) if field else 0)
    return what, negative, max(field, 1), significand


@kernel()
def unpacked(code: int, form: int) -> tuple[int, int, int, int]:
    """(what it is, negative, exponent, significand) of a code; of zero the exponent is the least.

    >>> from tpe.numbers.floats import BF16
    >>> unpacked(0xC040, layout(BF16)), unpacked(0x7F80, layout(BF16))[0]
    ((0, 1, -6, 192), 1)
    """
    exponent_bits, fraction_bits, special = fields(form)
    what, negative, field, significand = code_parts(code, exponent_bits, fraction_bits, special)
    bias = (1 << (exponent_bits - 1)) - 1
    return what, negative, field - bias - fraction_bits, significand


@kernel()
def exact_product(x: int, y: int, x_form: int, y_form: int) -> tuple[int, int, int, int]:
    """(what it is, negative, exponent, significand) of the product of two codes, all its bits.

    NaN of a NaN, and of an infinity times zero.

    >>> from tpe.numbers.floats import BF16
    >>> exact_product(0x3FC0, 0xC000, layout(BF16), layout(BF16))
    (0, 1, -13, 24576)
    """
    x_what, x_negative, x_exponent, x_significand = unpacked(x, x_form)
    y_what, y_negative, y_exponent, y_significand = unpacked(y, y_form)
    what = max(x_what, y_what)
    significand = x_significand * y_significand
    if what == INFINITE and significand == 0:  # an infinity's own has a hidden one
        what = NAN
    return what, x_negative ^ y_negative, x_exponent + y_exponent, significand


@kernel()
def rounded_word(negative: int, exponent: int, significand: int, form: int) -> int:
    """The code nearest to a number, ties to even; subnormals kept, overflow to infinity.

    The significand has 63 bits at most; if there are ones below it, its lowest bit stands for them.

    >>> from tpe.numbers.floats import FP32
    >>> hex(rounded_word(1, 0, 3, layout(FP32))), hex(rounded_word(0, 128, 1, layout(FP32)))
    ('0xc0400000', '0x7f800000')
    """
    exponent_bits, fraction_bits, _ = fields(form)
    sign = negative << (exponent_bits + fraction_bits)
    if significand == 0:
        return sign
    lowest = (
        1 - ((1 << (exponent_bits - 1)) - 1) - fraction_bits
    )  # weight of the last bit, at least
    length = bit_length(significand)
    drop = max(length - fraction_bits - 1, lowest - exponent)
    if drop > length:
        return sign  # less than half of the smallest
    if drop <= 0:
        whole = significand << -drop
    else:
        whole, rest = significand >> drop, significand & ((1 << drop) - 1)
        half = 1 << (drop - 1)
        if rest > half or (rest == half and whole & 1):
            whole += 1
    # A carry out of the fraction moves on into the exponent.
    word = whole + ((exponent + drop - lowest) << fraction_bits)
    return sign | min(word, ((1 << exponent_bits) - 1) << fraction_bits)


@kernel()
def at_the_top(exponent: int, significand: int) -> tuple[int, int]:
    """The same number with its highest one at bit `_TOP`; of zero a very low exponent."""
    if significand == 0:
        return -(1 << 20), 0
    up = _TOP + 1 - bit_length(significand)
    return exponent - up, significand << up


@kernel()
def fused_sum(
    what: int, negative: int, exponent: int, significand: int, word: int, form: int
) -> int:
    """A code plus a number, of 48 significant bits at most, rounded once: a fused multiply-add.

    A sum of zero is positive unless both are negative zeros. Infinities of opposite signs, and NaN,
    give the one NaN.

    >>> from tpe.numbers.floats import FP32
    >>> hex(fused_sum(0, 0, -1, 3, 0x3F800000, layout(FP32)))  # 1.5 + 1
    '0x40200000'
    """
    exponent_bits, fraction_bits, _ = fields(form)
    top = ((1 << exponent_bits) - 1) << fraction_bits
    sign = 1 << (exponent_bits + fraction_bits)
    other_what, other_negative, other_exponent, other = unpacked(word, form)
    if max(what, other_what) != FINITE:
        opposed = what == other_what and negative != other_negative
        if max(what, other_what) == NAN or opposed:
            return top | (1 << (fraction_bits - 1))
        return top | (sign if (negative if what == INFINITE else other_negative) else 0)
    exponent, significand = at_the_top(exponent, significand)
    other_exponent, other = at_the_top(other_exponent, other)
    if exponent < other_exponent:
        exponent, other_exponent = other_exponent, exponent
        significand, other, negative, other_negative = other, significand, other_negative, negative
    # 13 zeros at least below the larger one: what is lost of the smaller one lies far below the
    # last bit of the sum.
    distance = min(exponent - other_exponent, _TOP + 1)
    lost = 1 if other & ((1 << distance) - 1) else 0
    other = (other >> distance) | lost
    total = (-significand if negative else significand) + (-other if other_negative else other)
    if total == 0:
        return sign if negative and other_negative else 0
    return rounded_word(int(total < 0), exponent, abs(total), form)
