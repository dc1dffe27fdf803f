"""Matrix products whose sums travel approximately normalised, fast: rows of 32-bit integers.

Operands are decoded once. A psum is a signed significand and an exponent, zero has an exponent
below all others; the loop over n has no branch. Infinities and NaN are found apart: no finite sum
becomes one on its way, so that they do not depend on the order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.jit import compiled, kernel
from tpe.numbers.approx_sums import EXACT, NONE, STICKY, TWOS_COMPLEMENT, Datapath
from tpe.numbers.floats import FloatFormat
from tpe.numbers.operands import Ints
from tpe.numbers.threads import by_rows
from tpe.numbers.words import I32, wrap

LARGEST = 29  # bits of a significand: a sum of two, and a sign, has 31
_NOWHERE = -(1 << 14)  # the exponent of zero
_I = np.int32

# Every operation is cut to 32 bits: compiled as they stand, numba's would have 64, and a vector
# holds half as many of those.


@kernel()
def _distance(difference: Any) -> Any:
    """How far to shift a term right whose exponent is so much too small; 31 leaves nothing."""
    return _I(_I(min(max(difference, _I(0)), _I(31))) & _I(31))


@kernel()
def _signed(x: Any, mask: Any) -> Any:
    """x, or -x where the mask is all ones."""
    return _I(_I(x ^ mask) - mask)


@kernel()
def _aligned(x: Any, distance: Any, magnitudes: Any, sticky: Any) -> Any:
    """x shifted right: its magnitude (`magnitudes` all ones), or as two's complement (0).

    `sticky` 1: the lowest bit stands for what is lost, too.
    """
    mask = _I(_I(x >> 31) & magnitudes)
    size = _signed(x, mask)
    shifted = _I(size >> _I(distance & _I(31)))
    lost = _I(size - _I(shifted << _I(distance & _I(31))))
    shifted = _I(shifted | (sticky if lost != 0 else _I(0)))
    return _signed(shifted, mask)


@kernel()
def _zeros(size: Any, width: Any) -> Any:
    """Leading zeros of a number of `width` bits; its width for zero."""
    count = _I(0)
    for step in (16, 8, 4, 2, 1):
        free = _I(size >> _I(max(width - count - step, 0))) == 0 and count + step <= width
        count = _I(count + (_I(step) if free else _I(0)))
    return count


@kernel()
def _sum(
    psum: Any, exponent: Any, product: Any, other: Any, limit: Any, magnitudes: Any, sticky: Any
) -> tuple[Any, Any, Any]:
    """(sum, exponent, size that the normaliser looks at) before normalisation, a carry taken in."""
    difference = _I(other - exponent)
    total = _I(
        _aligned(psum, _distance(difference), magnitudes, sticky)
        + _aligned(product, _distance(_I(-difference)), magnitudes, sticky)
    )
    top = _I(max(other, exponent))
    mask = _I(total >> 31)
    size = _I(_I(total ^ mask) - _I(mask & magnitudes))
    carry = _I(1) if size >= limit else _I(0)
    total = _aligned(total, carry, magnitudes, sticky)
    return total, _I(top + carry), _I(size >> carry)


@kernel()
def _approx_row(
    psum: I32, exponents: I32, a: Any, a_exponent: Any, b: I32, b_exponents: I32, facts: I32
) -> None:
    """A step of a row of cells with the approximate normaliser; facts: see `_gemm`."""
    width, magnitudes, sticky, k, lam = facts[0], facts[1], facts[2], facts[3], facts[4]
    limit = _I(1 << width)
    plenty, some = _I(1 << (width - k)), _I(1 << (width - k - lam))
    for n in range(psum.size):
        product, exponent = _I(a * b[n]), exponents[n]
        total, top, size = _sum(
            psum[n], exponent, product, _I(a_exponent + b_exponents[n]), limit, magnitudes, sticky
        )
        up = _I((k if size < plenty else _I(0)) + (lam if size < some else _I(0)))
        total = _I(total << _I(up & _I(31)))
        top = _I(top - up) if total != 0 else _I(_NOWHERE)
        psum[n] = psum[n] if product == 0 else total
        exponents[n] = exponent if product == 0 else top


@kernel()
def _exact_row(
    psum: I32, exponents: I32, a: Any, a_exponent: Any, b: I32, b_exponents: I32, facts: I32
) -> None:
    """A step of a row of cells with the exact normaliser."""
    width, magnitudes, sticky = facts[0], facts[1], facts[2]
    limit = _I(1 << width)
    for n in range(psum.size):
        product, exponent = _I(a * b[n]), exponents[n]
        total, top, size = _sum(
            psum[n], exponent, product, _I(a_exponent + b_exponents[n]), limit, magnitudes, sticky
        )
        up = _zeros(size, width)
        total = _I(total << _I(up & _I(31)))
        top = _I(top - up) if total != 0 else _I(_NOWHERE)
        psum[n] = psum[n] if product == 0 else total
        exponents[n] = exponent if product == 0 else top


@kernel()
def _gemm(a: I32, a_exponents: I32, b: I32, b_exponents: I32, exact: int, facts: I32) -> I32:
    """Significands and exponents (2, M, N) of the psums of A (M, K) and B (K, N), K ascending.

    facts: bits of a significand, all ones for magnitudes (0: two's complement), sticky, k, lambda.
    """
    psums = np.empty((2, a.shape[0], b.shape[1]), np.int32)
    psums[0] = 0
    psums[1] = _NOWHERE
    for m in range(a.shape[0]):
        for k in range(a.shape[1]):
            if a[m, k] == 0:
                continue
            row = psums[0, m], psums[1, m], a[m, k], a_exponents[m, k], b[k], b_exponents[k]
            if exact:
                _exact_row(*row, facts)
            else:
                _approx_row(*row, facts)
    return psums


def _decoded(codes: Ints, number: FloatFormat) -> tuple[I32, I32]:
    """Significands with their signs, and exponents; 0 for infinities and NaN."""
    fraction = codes & ((1 << number.fraction_bits) - 1)
    exponent = (codes >> number.fraction_bits) & ((1 << number.exponent_bits) - 1)
    size = fraction + np.where(exponent > 0, 1 << number.fraction_bits, 0)
    size = np.where(np.isfinite(number.values(codes)), size, 0)
    negative = (codes >> (number.bits - 1)) & 1
    significand = np.where(negative == 1, -size, size)
    exponents = np.maximum(exponent, 1) - number.bias
    return significand.astype(np.int32, order="C"), exponents.astype(np.int32, order="C")


def _special(a: Ints, b: Ints, a_format: FloatFormat, b_format: FloatFormat) -> Ints | None:
    """Sums (M, N) that are no numbers: +-infinity or NaN, 0 elsewhere; None if there is none.

    Counted in products, each an integer in float64: infinities by sign, and NaN.
    """
    x, y = a_format.values(a).astype(np.float64), b_format.values(b).astype(np.float64)
    if np.isfinite(x).all() and np.isfinite(y).all():
        return None

    def count(left: Ints, right: Ints) -> Ints:
        total: Ints = left.astype(np.float64) @ right.astype(np.float64) > 0
        return total

    def products_of_sign(negative: bool) -> Ints:
        """Whether one is an infinity of this sign: of an infinity and no zero and no NaN."""
        parts = []
        for of_x, of_y in ((np.isinf, np.isfinite), (np.isfinite, np.isinf), (np.isinf, np.isinf)):
            u, v = of_x(x) & (x != 0), of_y(y) & (y != 0)
            x_up, y_up = ~np.signbit(x), ~np.signbit(y)
            parts.append(count(u & x_up, v & (y_up ^ negative)))
            parts.append(count(u & ~x_up, v & (~y_up ^ negative)))
        either: Ints = np.logical_or.reduce(parts)
        return either

    every_x, every_y = np.ones_like(x), np.ones_like(y)
    nan = count(np.isnan(x), every_y) | count(every_x, np.isnan(y))
    nan |= count(np.isinf(x), y == 0) | count(x == 0, np.isinf(y))
    above, below = products_of_sign(False), products_of_sign(True)
    found = np.where(above, np.inf, np.where(below, -np.inf, 0.0))
    sums: Ints = np.where(nan | (above & below), np.nan, found)
    return sums


def approx_product(
    a: Ints, b: Ints, a_format: FloatFormat, b_format: FloatFormat, c: FloatFormat, how: Datapath
) -> Ints:
    """Words of C (M, N), signed, in format `c`, from codes (M, K) and (K, N), by this datapath.

    The significand has at most `LARGEST` bits.
    """
    width = how.int_bits + how.fraction_bits
    assert width <= LARGEST, f"{width} bits of a significand; legal: at most {LARGEST}"
    left, left_exponents = _decoded(a, a_format)
    right, right_exponents = _decoded(b, b_format)
    right = right << _I(how.fraction_bits - a_format.fraction_bits - b_format.fraction_bits)
    k, lam = (0, 0) if how.normaliser == NONE else (how.k, how.lam)
    magnitudes = 0 if how.form == TWOS_COMPLEMENT else -1
    facts = np.array([width, magnitudes, int(how.align == STICKY), k, lam], np.int32)
    gemm, exact = compiled(_gemm), int(how.normaliser == EXACT)

    def part(rows: slice) -> Ints:
        chosen = left[rows], left_exponents[rows]
        psums: Ints = gemm(*chosen, right, right_exponents, exact, facts)
        return psums

    psums = np.concatenate(by_rows(part, len(a), a.size * b.shape[1]), axis=1)
    sums = np.ldexp(psums[0].astype(np.float64), psums[1] - how.fraction_bits)
    special = _special(a, b, a_format, b_format)
    if special is not None:
        sums = np.where(special == 0, sums, special)
    words: Ints = wrap(c.codes(sums), c.bits)
    return words
