"""One fused step of a tensor core, bit by bit: words in, a word out; the rule as a row of integers.

The rules themselves are `tpe.numbers.tensor_cores`'s. A row of `RULES` holds one, so that a kernel
is told which by a number.
"""

from __future__ import annotations

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.float_parts import FINITE as _NUMBER
from tpe.numbers.float_parts import NAN, SPECIAL, code_parts
from tpe.numbers.float_words import bit_length, fp32_sum
from tpe.numbers.floats import FloatFormat
from tpe.numbers.tensor_cores import FusedDot, all_rules
from tpe.numbers.words import I64

FORMAT = 4  # integers of a format in a row
A, B, D, LANES, BITS, FLOOR, KEPT, NEAREST = 0, FORMAT, 2 * FORMAT, *range(3 * FORMAT, 17)
"""Where a row has the formats of A, B and D, and the numbers of a rule."""
ZERO, FINITE, INFINITE, MISSING = range(4)  # what a word stands for


def _format_row(number: FloatFormat) -> list[int]:
    return [number.exponent_bits, number.fraction_bits, number.bias, SPECIAL[number.nan]]


def rule_row(rule: FusedDot) -> I64:
    """A rule as the kernels here take it: a row of integers."""
    formats = [x for number in (rule.a, rule.b, rule.d) for x in _format_row(number)]
    own = [rule.lanes, rule.fraction_bits, rule.floor, rule.kept_bits, int(rule.nearest)]
    return np.array(formats + own, np.int64)


RULES: I64 = np.stack([rule_row(rule) for rule in all_rules()])
_NUMBERS = {rule: number for number, rule in enumerate(all_rules())}


def rule_number(rule: FusedDot) -> int:
    """Its place in `RULES`.

    >>> rule_number(all_rules()[3])
    3
    """
    return _NUMBERS[rule]


@kernel()
def decoded(word: int, row: I64, place: int) -> tuple[int, int, int]:
    """What a word stands for, its significand with the sign, its exponent.

    place: where the row has the word's format. The significand is in units of the last fraction
    bit; a subnormal has the exponent of the smallest normal number.

    >>> [int(x) for x in decoded(0xC200, RULES[0], A)]  # -3 in fp16
    [1, -1536, 1]
    """
    what, negative, field, significand = code_parts(
        word, row[place], row[place + 1], row[place + 3]
    )
    sign = -1 if negative else 1
    if what != _NUMBER:
        return (MISSING if what == NAN else INFINITE), sign, 0
    return (FINITE if significand else ZERO), sign * significand, field - row[place + 2]


@kernel()
def aligned(significand: int, by: int) -> int:
    """A significand shifted left by `by` bits, or right, cut towards zero.

    >>> aligned(-5, 1), aligned(-5, -1), aligned(5, -99)
    (-10, -2, 0)
    """
    size = abs(significand)
    size = size << by if by >= 0 else size >> min(-by, 62)
    return -size if significand < 0 else size


@kernel()
def result_word(total: int, unit: int, row: I64) -> int:
    """D, the word of total * 2**unit, cut or rounded as the row says; zero is +0."""
    if total == 0:
        return 0
    fraction_bits, bias, kept = int(row[D + 1]), int(row[D + 2]), int(row[KEPT])
    size = abs(total)
    exponent = max(bit_length(size) - 1 + unit, 1 - bias)
    drop = exponent - kept - unit
    if drop > 60:  # less than a quarter of the last place
        return 0
    whole = size >> drop if drop > 0 else size << -drop
    if row[NEAREST] and drop > 0:
        rest, half = size & ((1 << drop) - 1), 1 << (drop - 1)
        if rest > half or (rest == half and whole & 1):
            whole += 1
    if whole == 0:
        return 0
    # A carry out of the fraction moves on into the exponent; a subnormal has none to add.
    word = (whole << (fraction_bits - kept)) + ((exponent + bias - 1) << fraction_bits)
    infinity = ((1 << int(row[D])) - 1) << fraction_bits
    sign = 1 << (fraction_bits + int(row[D]))
    return (sign if total < 0 else 0) | min(word, infinity)


@kernel()
def special_word(missing: int, positive: int, negative: int, row: I64) -> int:
    """D of a step with a NaN, or with infinities of either sign."""
    fraction_bits, exponent_bits = int(row[D + 1]), int(row[D])
    if missing or (positive and negative):
        return (1 << (fraction_bits + exponent_bits)) - 1
    infinity = ((1 << exponent_bits) - 1) << fraction_bits
    return infinity | (negative << (fraction_bits + exponent_bits))


@kernel()
def fused_step(codes: I64, b: I64, cell: int, c: int, row: I64) -> int:
    """D of one step: `codes` and `b` (lanes, cells) of one cell, and c, a word of D's format.

    Lanes may be fewer than the rule's: those that are left out are zero.

    >>> one = np.full((4, 1), 0x3C00)  # in fp16
    >>> hex(fused_step(one, one, 0, 0x3F800000, RULES[0]))  # 4 + 1 in fp32
    '0x40a00000'
    """
    largest, missing, positive, negative = row[FLOOR], 0, 0, 0
    kind, c_whole, c_exponent = decoded(c, row, D)
    if kind == FINITE:
        largest = max(largest, c_exponent)
    missing |= kind == MISSING
    positive |= kind == INFINITE and c_whole > 0
    negative |= kind == INFINITE and c_whole < 0
    for lane in range(codes.shape[0]):
        x_kind, x, x_exponent = decoded(codes[lane, cell], row, A)
        y_kind, y, y_exponent = decoded(b[lane, cell], row, B)
        if x_kind == FINITE and y_kind == FINITE:
            largest = max(largest, x_exponent + y_exponent)
        elif x_kind == MISSING or y_kind == MISSING:
            missing = 1
        elif x_kind == INFINITE or y_kind == INFINITE:
            missing |= x_kind == ZERO or y_kind == ZERO
            positive |= (x < 0) == (y < 0)
            negative |= (x < 0) != (y < 0)
    if missing or positive or negative:
        return special_word(missing, positive, negative, row)
    bits, unit = row[BITS], largest - row[BITS]
    total = 0
    if kind == FINITE:
        total = aligned(c_whole, bits - row[D + 1] - (largest - c_exponent))
    for lane in range(codes.shape[0]):
        _, x, x_exponent = decoded(codes[lane, cell], row, A)
        _, y, y_exponent = decoded(b[lane, cell], row, B)
        if x and y:
            by = bits - row[A + 1] - row[B + 1] - (largest - x_exponent - y_exponent)
            total += aligned(x * y, by)
    return result_word(total, unit, row)


@kernel()
def late_sum(x: int, y: int) -> int:
    """x + y of fp32 words, rounded to nearest even, with the NaN of tensor cores.

    >>> hex(late_sum(0x3F800000, 0x7FC00000))
    '0x7fffffff'
    """
    total = fp32_sum(x, y)
    return 0x7FFF_FFFF if total & 0x7FFF_FFFF > 0x7F80_0000 else total
