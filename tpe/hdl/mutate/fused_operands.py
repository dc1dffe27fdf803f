"""Operands that tell mutants of fused sums apart: where terms are one step, and where they are two.

A fused step adds a running sum c and several products at once: it aligns all of them to the largest
exponent that one of them has, cuts what is lower, and rounds once. So each class of
`tpe.hdl.mutate.float_operands` comes twice, its products together in one step, which the alignment
meets as equals, and each in a step of its own, where c is what was before. A fault sits in one
lane: products come in every lane. Beside these stand classes of what only such a sum has: c that
dominates the products or vanishes below them, steps that take back all of c, zeros whose other
factor is large, sums below the least exponent that terms are aligned to, carries of many terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tpe.hdl.emit import rtl_widths
from tpe.hdl.mutate.float_operands import (
    BEYOND,
    COLS,
    LONG,
    ROWS,
    Pair,
    cancelling,
    codes_of,
    corner_products,
    corner_sums,
    everywhere,
    field_at,
    near,
    shared_exponent,
    ties,
    values_of,
)
from tpe.numbers.floats import FloatFormat

if TYPE_CHECKING:
    from tpe.engine.config import Config

_PLACES = (0.5, 1.0, 0.0)  # in the range of the sum's exponents: about one, on top, subnormals
_ZEROS = 0.3  # share of A


def fused_operands(engine: Config, seed: int) -> Iterator[Pair]:
    """A (M, K) and B (K, N), values, of one class after another.

    >>> from tpe.engine.config import Config
    >>> volta = Config("tensorcore", "matrix2d", "2x2", arch="volta", a_type="fp16", b_type="fp16")
    >>> [a.shape for a, b in fused_operands(volta, 0)][:5]
    [(52, 4), (52, 4), (52, 4), (52, 4), (452, 4)]
    """
    rng = np.random.Generator(np.random.Philox(seed))
    a, b, result = engine.a_format, engine.b_format, engine.arithmetic.result
    assert isinstance(a, FloatFormat) and isinstance(b, FloatFormat)
    assert isinstance(result, FloatFormat)
    lanes, widths = engine.widths.lanes, rtl_widths(engine)
    bits = sorted({widths["KeptBits"], widths["AlignBits"]})
    spread = [near(rng, a, b, result, place) for place in _PLACES]
    spread.append(cancelling(rng, a, b, bits[-1] + BEYOND))
    placed = [corner_sums(a, b), *(ties(a, b, fraction) for fraction in bits)]
    classes = [
        *(
            in_lanes(pair, lanes, at)
            for pair in (corner_products(a, b), *placed)
            for at in range(lanes)
        ),
        *(in_lanes(pair, lanes, 0) for pair in (*spread, left_over(rng, a, b, bits[-1]))),
        grown_ties(a, b, lanes, bits[-1]),
        *(apart(rng, pair, lanes) for pair in (*placed, *spread)),
        *(near(rng, a, b, result, place, 2 * lanes) for place in _PLACES),
        taken_back(rng, a, b, lanes),
        unequal(rng, a, b, lanes, widths["AlignBits"]),
        far(rng, a, b, lanes),
        vanishing(rng, a, b, lanes),
        full(rng, a, b, lanes),
    ]
    for pair in classes:
        yield from everywhere(engine.grid, *pair, lanes)
    yield a.drawn(rng, (ROWS // 8, LONG)), b.drawn(rng, (LONG, COLS))


def in_lanes(pair: Pair, lanes: int, shift: int) -> Pair:
    """Products of one step, the first of them in the lane `shift`, and zeros beside them."""
    a, b = pair
    wide = np.pad(a, ((0, 0), (0, lanes - a.shape[1]))), np.pad(b, ((0, lanes - len(b)), (0, 0)))
    return np.roll(wide[0], shift, axis=1), np.roll(wide[1], shift, axis=0)


def apart(rng: np.random.Generator, pair: Pair, lanes: int) -> Pair:
    """Each product in a step of its own, in any lane; B, which is finite, stands in all of them."""
    a, b = pair
    lane = rng.integers(0, lanes, (*a.shape, 1))
    taken = lane == np.arange(lanes)
    wide = np.where(taken, a[:, :, None], np.zeros((), a.dtype))
    return wide.reshape(len(a), -1), np.repeat(b, lanes, axis=0)


def taken_back(rng: np.random.Generator, a: FloatFormat, b: FloatFormat, lanes: int) -> Pair:
    """A step, and the same or its neighbours with the other signs: of c its lowest bits remain."""
    field = field_at(a, 0.5) + rng.integers(-2, 3, (ROWS, lanes))
    codes = codes_of(rng, a, field)
    moved = rng.integers(-1, 2, codes.shape) * (rng.random(codes.shape) < 1 / lanes)
    other = (codes + moved.astype(codes.dtype)) ^ (1 << (a.bits - 1))
    right = values_of(rng, b, np.full((lanes, COLS), field_at(b, 0.5)))
    return a.values(np.concatenate([codes, other], axis=1)), np.concatenate([right, right])


def left_over(rng: np.random.Generator, a: FloatFormat, b: FloatFormat, bits: int) -> Pair:
    """A product, the same with the other sign, and one of any bits below, at each distance.

    They lie high, so that the exponent has room for every shift that brings the third one up.
    """
    below = np.repeat(np.arange(1, bits + BEYOND), 4)
    high = np.full(len(below), field_at(a, 1.0) - 1)
    codes = codes_of(rng, a, high)
    third = codes_of(rng, a, high - below)
    left = a.values(np.stack([codes, codes ^ (1 << (a.bits - 1)), third], axis=1))
    right = values_of(rng, b, np.full((3, COLS), field_at(b, 0.5)))
    right[1] = right[0]
    return left, right


def grown_ties(a: FloatFormat, b: FloatFormat, lanes: int, bits: int) -> Pair:
    """Sums that grow by two bits, with two bits more, wherever they lie: a tie, and what breaks it.

    All but two products are 1.5 times 1.5, or times 1; the others are 2**-j, and 2**-i below it,
    of either sign, or zero.
    """
    far = bits + BEYOND
    places = [(j, i) for j in range(1, far) for i in range(j + 1, far + 1)]
    j, i = np.array(places).T
    half = shared_exponent(b, -far)
    least = np.where(i == far, 0.0, 2.0 ** (-i - half) * np.where((i + j) % 4 < 2, 1.0, -1.0))
    left = np.full((len(places), lanes), 1.5)
    left[:, -2], left[:, -1] = 2.0 ** (-j - half), least
    right = np.full((lanes, 2), (1.5, 1.0))
    right[-2:] = 2.0**half
    return a.values(a.codes(left)), b.values(b.codes(right))


def unequal(
    rng: np.random.Generator, a: FloatFormat, b: FloatFormat, lanes: int, bits: int
) -> Pair:
    """Steps of which one lies about as far below the other as terms are cut: c, or the products.

    Its products are of one sign in half of the rows: none of them shows, or all of them would.
    """
    top = min(field_at(a, 0.5) + (bits + BEYOND) // 2, field_at(a, 1.0) - 1)
    below = rng.integers(bits - BEYOND, bits + BEYOND + 1, (ROWS, lanes))
    high = codes_of(rng, a, np.full((ROWS, lanes), top)) * (rng.random((ROWS, lanes)) < 2 / lanes)
    low = codes_of(rng, a, top - below)
    positive = low & ((1 << (a.bits - 1)) - 1)
    low = np.where(rng.random((ROWS, 1)) < 0.5, low, positive)
    first = rng.random((ROWS, 1)) < 0.5
    steps = [np.where(first, high, low), np.where(first, low, high)]
    right = values_of(rng, b, np.full((2 * lanes, COLS), field_at(b, 0.5)))
    return a.values(np.concatenate(steps, axis=1)), right


def far(rng: np.random.Generator, a: FloatFormat, b: FloatFormat, lanes: int) -> Pair:
    """Exponents anywhere, zeros among them whose other factor may be the largest of all."""
    shape = (ROWS, 2 * lanes + 1)
    left = values_of(rng, a, rng.integers(0, field_at(a, 1.0) + 1, shape))
    right = values_of(rng, b, rng.integers(0, field_at(b, 1.0) + 1, (shape[1], COLS)))
    return np.where(rng.random(shape) < _ZEROS, np.zeros((), left.dtype), left), right


def vanishing(rng: np.random.Generator, a: FloatFormat, b: FloatFormat, lanes: int) -> Pair:
    """The lowest products that there are, up to those of half the range, in two steps."""
    field = rng.integers(0, field_at(a, 1.0) // 2, (ROWS, 1)) + rng.integers(
        -3, 4, (ROWS, 2 * lanes)
    )
    low = np.full((2 * lanes, COLS), field_at(b, 1.0) // 8)
    return values_of(rng, a, field), values_of(rng, b, rng.integers(0, low + 1))


def full(rng: np.random.Generator, a: FloatFormat, b: FloatFormat, lanes: int) -> Pair:
    """Three steps of the largest significands of an exponent, of one sign or any: a sum grows."""
    shape = (ROWS, 3 * lanes)
    sign = np.where(
        rng.random((ROWS, 1)) < 0.5, rng.integers(0, 2, (ROWS, 1)), rng.integers(0, 2, shape)
    )
    codes = _ones(a) | (sign << (a.bits - 1))
    return a.values(codes), b.values(np.full((shape[1], COLS), _ones(b)))


def _ones(number: FloatFormat) -> int:
    """The code of the largest number below two."""
    return ((number.bias + 1) << number.fraction_bits) - 1
