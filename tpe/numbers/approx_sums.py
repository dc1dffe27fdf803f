"""Sums that travel un-normalised, or approximately normalised: kernels on words of a psum.

A psum is {what it is [2], exponent, significand [1 + int_bits + fraction_bits]}, all zero for zero:
value = significand * 2**(exponent - bias - fraction_bits), bias half of the exponent's range. The
significand is a sign and a magnitude, or two's complement; what it is: FINITE, INFINITE (the sign
counts) or NAN. `Datapath` holds the choices of arXiv:2408.11997, and those that it leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tpe.base.jit import kernel
from tpe.numbers.float_parts import (
    FINITE,
    INFINITE,
    NAN,
    exact_product,
    fields,
    layout,
    rounded_word,
)
from tpe.numbers.float_words import bit_length
from tpe.numbers.floats import FloatFormat

APPROX, EXACT, NONE = range(3)  # normalisers
TRUNCATE, STICKY = range(2)  # what becomes of bits that alignment shifts out
SIGN_MAGNITUDE, TWOS_COMPLEMENT = range(2)
_GROWTH = 32  # binary orders that a sum may grow over all of K: 2**32 products


class Datapath(NamedTuple):
    """How terms are aligned and a sum is normalised; formats as `layout` has them."""

    a: int
    b: int
    c: int
    k: int  # top bits of which one that is set leaves a sum as it is
    lam: int  # bits below, of which one that is set has the sum shifted by k
    fraction_bits: int
    int_bits: int
    normaliser: int
    align: int
    form: int
    exponent_bits: int


_WIDTHS = (11, 11, 11, 4, 4, 5, 3, 2, 1, 1, 4)  # of the fields of Datapath, the first one lowest


def packed(how: Datapath) -> int:
    """Datapath as one integer, of 57 bits.

    >>> datapath_of(packed(Datapath(1, 2, 3, 1, 2, 16, 2, 1, 0, 1, 10))).int_bits
    2
    """
    number = at = 0
    for value, bits in zip(how, _WIDTHS, strict=True):
        assert 0 <= value < 1 << bits, f"{how}: {value} has more than {bits} bits"
        number |= value << at
        at += bits
    return number


@kernel()
def datapath_of(number: int) -> Datapath:
    """What `packed` packed."""
    return Datapath(
        number & 2047,
        number >> 11 & 2047,
        number >> 22 & 2047,
        number >> 33 & 15,
        number >> 37 & 15,
        number >> 41 & 31,
        number >> 46 & 7,
        number >> 49 & 3,
        number >> 51 & 1,
        number >> 52 & 1,
        number >> 53 & 15,
    )


def exponent_bits(a: FloatFormat, b: FloatFormat, significand_bits: int) -> int:
    """Bits of the exponent of a psum, so many that no sum of 2**32 products leaves them.

    The lowest value is zero's own. A product's exponent is the sum of its operands' own; left
    shifts take it down until the highest one is on top, carries take it up.

    >>> from tpe.numbers.floats import BF16, E4M3FN
    >>> exponent_bits(BF16, BF16, 18), exponent_bits(E4M3FN, E4M3FN, 18)
    (10, 7)
    """
    low = sum(1 - number.bias for number in (a, b)) - (significand_bits - 1)
    high = sum((1 << number.exponent_bits) - 1 - number.bias for number in (a, b)) + _GROWTH
    bits = 1
    while -(1 << (bits - 1)) >= low or high >= 1 << (bits - 1):
        bits += 1
    return bits


def datapath(a: FloatFormat, b: FloatFormat, c: FloatFormat, choice: Sequence[int]) -> Datapath:
    """The datapath of these formats; choice: the fields from `k` to `form`."""
    _, _, fraction_bits, int_bits, *_ = choice
    exponent = exponent_bits(a, b, int_bits + fraction_bits)
    return Datapath._make((layout(a), layout(b), layout(c), *choice, exponent))


@kernel()
def shifted_right(significand: int, distance: int, how: Datapath) -> int:
    """A signed significand moved down: a magnitude towards zero, two's complement to below.

    With STICKY the lowest bit stands for what is lost, too.
    """
    distance = min(distance, 62)
    sign = -1 if significand < 0 and how.form == SIGN_MAGNITUDE else 1
    magnitude = significand * sign
    lost = magnitude & ((1 << distance) - 1)
    magnitude >>= distance
    if how.align == STICKY and lost:
        magnitude |= 1
    return magnitude * sign


@kernel()
def left_shift(significand: int, how: Datapath) -> int:
    """By how many bits the normaliser moves a sum up that is not zero: never past its highest one.

    In two's complement the bits that are looked at are those that differ from the sign.
    """
    width = how.int_bits + how.fraction_bits
    size = abs(significand)
    if how.form == TWOS_COMPLEMENT:
        size = significand if significand >= 0 else ~significand
    if how.normaliser == NONE:
        return 0
    if how.normaliser == EXACT:
        return width - bit_length(size)
    if size >> (width - how.k):
        return 0
    return how.k + (0 if size >> (width - how.k - how.lam) else how.lam)


@kernel()
def stored(exponent: int, significand: int, how: Datapath) -> int:
    """The word of a finite psum."""
    if significand == 0:
        return 0
    width = how.int_bits + how.fraction_bits
    if how.form == TWOS_COMPLEMENT:
        significand &= (1 << (width + 1)) - 1
    else:
        significand = abs(significand) | (1 << width if significand < 0 else 0)
    return exponent << (width + 1) | significand


@kernel()
def loaded(word: int, how: Datapath) -> tuple[int, int, int, int]:
    """(what it is, negative, exponent, significand with its sign) of a psum."""
    width = how.int_bits + how.fraction_bits
    significand = word & ((1 << width) - 1)
    negative = word >> width & 1
    exponent = word >> (width + 1) & ((1 << how.exponent_bits) - 1)
    if negative:
        above = how.form == TWOS_COMPLEMENT
        significand = significand - (1 << width) if above else -significand
    return word >> (width + 1 + how.exponent_bits), negative, exponent, significand


@kernel()
def special_word(what: int, negative: int, how: Datapath) -> int:
    """The word of an infinity or of NaN."""
    width = how.int_bits + how.fraction_bits
    sign = negative << width if what == INFINITE else 0
    return what << (width + 1 + how.exponent_bits) | sign


@kernel()
def added(exponent: int, significand: int, other_exponent: int, other: int, how: Datapath) -> int:
    """Word of the sum of two finite terms: aligned by exponents alone, added, normalised."""
    limit = 1 << (how.int_bits + how.fraction_bits)
    top = max(exponent, other_exponent)
    total = shifted_right(significand, top - exponent, how)
    total += shifted_right(other, top - other_exponent, how)
    if total == 0:
        return 0
    lowest = -limit if how.form == TWOS_COMPLEMENT else 1 - limit
    if total < lowest or total >= limit:  # a carry out of the integer bits
        total = shifted_right(total, 1, how)
        top += 1
    up = left_shift(total, how)
    return stored(top - up, total << up, how)


@kernel()
def approx_step(word: int, x: int, y: int, how: Datapath) -> int:
    """The psum with the product of two codes; a product of zero leaves it as it is, bit by bit."""
    what, negative, exponent, product = exact_product(x, y, how.a, how.b)
    psum_what, psum_negative, psum_exponent, significand = loaded(word, how)
    if max(what, psum_what) != FINITE:
        opposed = what == psum_what and negative != psum_negative
        if max(what, psum_what) == NAN or opposed:
            return special_word(NAN, 0, how)
        return special_word(INFINITE, negative if what == INFINITE else psum_negative, how)
    if product == 0:
        return word
    product_bits = fields(how.a)[1] + fields(how.b)[1]  # fraction bits of an exact product
    product <<= how.fraction_bits - product_bits
    biased = exponent + product_bits + (1 << (how.exponent_bits - 1))
    return added(psum_exponent, significand, biased, -product if negative else product, how)


@kernel()
def finished(word: int, how: Datapath) -> int:
    """The psum in the format of C: normalised, rounded once to nearest, ties to even."""
    what, negative, exponent, significand = loaded(word, how)
    exponent_bits, fraction_bits, _ = fields(how.c)
    top = ((1 << exponent_bits) - 1) << fraction_bits
    if what == NAN:
        return top | 1 << (fraction_bits - 1)
    if what == INFINITE:
        return negative << (exponent_bits + fraction_bits) | top
    if significand == 0:
        return 0
    exponent -= (1 << (how.exponent_bits - 1)) + how.fraction_bits
    return rounded_word(negative, exponent, abs(significand), how.c)
