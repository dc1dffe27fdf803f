"""Operands that tell mutants of floating point apart: where sums round, cancel, overflow, vanish.

Random operands hardly meet what most of such hardware is there for: terms of like size and opposite
signs, terms so far apart that one is only a sticky bit, ties, the ends of the range, codes that are
no numbers. Each function here draws one such class, of the engine's own formats. A fault sits in
one cell: every class comes so that each cell meets all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from tpe.numbers.floats import FloatFormat
from tpe.numbers.operands import Ints

if TYPE_CHECKING:
    from tpe.array.base import Grid
    from tpe.engine.config import Config

ROWS, COLS = 64, 3  # of a GEMM that is drawn
LONG = 300  # its K, of a sum that has to go a long way
BEYOND = 4  # binades by which terms may lie further apart than the sum has bits

Pair = tuple[Ints, Ints]


def float_operands(engine: Config, seed: int) -> Iterator[Pair]:
    """A (M, K) and B (K, N), values, of one class after another.

    >>> from tpe.engine.config import Config
    >>> [a.shape for a, b in float_operands(Config("lmul", "matrix2d", "2x2"), 0)][:2]
    [(44, 1), (452, 2)]
    """
    rng = np.random.Generator(np.random.Philox(seed))
    a, b = engine.a_format, engine.b_format
    result = engine.arithmetic.result
    assert isinstance(a, FloatFormat) and isinstance(b, FloatFormat)
    assert isinstance(result, FloatFormat)
    reach = result.fraction_bits + BEYOND
    clean = _clean(engine, a, b, result)
    left, right = ties(a, b, int(engine.params.get("psum_fraction_bits", result.fraction_bits)))
    classes = [
        corner_products(a, b),
        corner_sums(a, b),
        *(near(rng, a, b, result, middle) for middle in (0.5, 1.0, 0.0)),
        cancelling(rng, a, b, reach),
        (clean * left, right),
    ]
    long = a.drawn(rng, (ROWS // 8, LONG)), b.drawn(rng, (LONG, COLS))
    classes += [zero_products(rng, a, b, result), subnormal_psums(rng, a, b, result)]
    for pair in classes:
        yield from everywhere(engine.grid, *pair)
    yield long


def _clean(engine: Config, a: FloatFormat, b: FloatFormat, result: FloatFormat) -> Ints:
    """A number from 1 to 2 whose product with 1 is a power of two: of products that are not exact
    seldom 1 itself."""
    codes = (a.bias << a.fraction_bits) + np.arange(1 << a.fraction_bits)
    one = np.array([[b.bias << b.fraction_bits]])
    products = result.values(engine.arithmetic.product(codes[:, None], one, a, b))[:, 0]
    powers = np.flatnonzero(np.frexp(products.astype(np.float64))[0] == 0.5)
    number: Ints = a.values(codes[powers[:1]]) if len(powers) else np.ones(1)
    return number


def everywhere(grid: Grid, a: Ints, b: Ints, lanes: int = 1) -> Iterator[Pair]:
    """The same, once with each row of A in each row of the grid, and so the columns of B.

    Of an array whose rows are along K, once with each step in each row, behind products of zeros.
    """
    a, b = _turned(a, grid.m), _turned(b.T, grid.n).T
    for behind in range(0, grid.chain * lanes, lanes):
        yield np.pad(a, ((0, 0), (behind, 0))), np.pad(b, ((behind, 0), (0, 0)))


def _turned(rows: Ints, places: int) -> Ints:
    """Rows as many times as there are places, each in another place each time."""
    count = -(-len(rows) // places) * places
    full = rows[np.arange(count) % len(rows)]
    return np.concatenate([np.roll(full, place, axis=0) for place in range(places)])


def corner_products(a: FloatFormat, b: FloatFormat) -> Pair:
    """Every pair of corners, and of subnormals of one bit, as a sum of one product."""
    low = [x.values(1 << np.arange(x.fraction_bits)) for x in (a, b)]
    return np.append(a.corners(), low[0])[:, None], np.append(b.corners(), low[1])[None, :]


def corner_sums(a: FloatFormat, b: FloatFormat) -> Pair:
    """Every pair of corners of A in a sum of two products: times one, times the smallest normal."""
    pairs = np.array(list(product(a.corners(), repeat=2)))
    least = b.smallest_normal
    return pairs, np.array([[1.0, 1.0, least], [1.0, -1.0, least]]).astype(b.dtype)


def near(
    rng: np.random.Generator,
    a: FloatFormat,
    b: FloatFormat,
    result: FloatFormat,
    middle: float,
    count: int = 4,
) -> Pair:
    """Products of any signs, at most so many binades apart as a sum has bits, and some more.

    middle: where in the range of the sum's exponents they lie, 0: among its subnormals, 1: on top.
    """
    shape, reach = (ROWS, count), result.fraction_bits + BEYOND
    spread = rng.integers(0, reach + 1, (ROWS, 1))  # of a row: half of them are close together
    spread = np.where(rng.integers(0, 2, (ROWS, 1)) == 0, spread, 1)
    below = rng.integers(0, spread + 1, shape)
    left = values_of(
        rng, a, field_at(a, middle) + (below - spread // 2 if middle == 0.5 else -below)
    )
    if middle == 0:
        left = values_of(rng, a, below)
    field = b.bias
    if middle != 0.5:  # what is missing from the end of A's range to that of the sum's
        end = (
            max(field_at(result, middle), 1) - result.bias - (max(field_at(a, middle), 1) - a.bias)
        )
        field += end - (0 if middle else result.fraction_bits // 2)
    field = int(np.clip(field, 0, field_at(b, 1.0)))
    return left, values_of(rng, b, np.full((count, COLS), field))


def cancelling(rng: np.random.Generator, a: FloatFormat, b: FloatFormat, reach: int) -> Pair:
    """A product, the same or its neighbour with the other sign, and two far smaller ones."""
    field = np.full(ROWS, field_at(a, 0.5)) + rng.integers(0, 3, ROWS)
    codes = codes_of(rng, a, field)
    other = (codes + rng.integers(-1, 2, ROWS)) ^ (1 << (a.bits - 1))
    below = np.sort(rng.integers(0, reach + 1, (ROWS, 2)), axis=1)
    left = np.stack([a.values(codes), a.values(other)], axis=1)
    right = values_of(rng, b, np.full((4, COLS), field_at(b, 0.5)))
    right[1] = right[0]
    return np.concatenate([left, values_of(rng, a, field[:, None] - below)], axis=1), right


def zero_products(
    rng: np.random.Generator, a: FloatFormat, b: FloatFormat, result: FloatFormat
) -> Pair:
    """Neighbours that cancel, products of zero, and more than half of the last place that is left.

    A product of zero leaves a psum as it is, bit by bit. One that is added like any other is seen
    where that matters: it normalises a sum that came with zeros on top, which has room for more of
    the last product then, or aligns it to an exponent of its own. Two products are of a zero of A,
    times anything finite; two of a zero of B.
    """
    half = a.fraction_bits + result.fraction_bits + 1  # binades from the first product to the last
    by_b = min(half // 2, b.bias - 1)
    top = min(a.bias + half - by_b, (a.largest_code >> a.fraction_bits) - 1)
    codes = codes_of(rng, a, np.full(ROWS, top))
    pair = np.stack([codes, (codes + rng.choice([-1, 1], ROWS)) ^ (1 << (a.bits - 1))], axis=1)
    more = np.where(rng.integers(0, 2, ROWS) == 0, 0, rng.integers(0, result.fraction_bits, ROWS))
    last = np.maximum(top - half + by_b + more, 1) << a.fraction_bits | 1  # a half and a bit
    last |= rng.choice([0, 1 << (a.bits - 1)], ROWS)
    any_a = rng.integers(0, a.largest_code + 1, (ROWS, 2))
    zeros = rng.choice([0, 1 << (a.bits - 1)], (ROWS, 2))
    left = a.values(np.concatenate([pair, zeros, any_a, last[:, None]], axis=1))
    right = np.empty((7, COLS), np.int64)
    right[:2] = b.bias << b.fraction_bits
    right[2:4] = rng.integers(0, b.largest_code + 1, (2, COLS))
    right[4:6] = rng.choice([0, 1 << (b.bits - 1)], (2, COLS))
    right[6] = (b.bias - by_b) << b.fraction_bits
    return left, b.values(right)


def subnormal_psums(
    rng: np.random.Generator, a: FloatFormat, b: FloatFormat, result: FloatFormat
) -> Pair:
    """Neighbours of the smallest exponents of a sum, with other signs, then two larger products.

    Their difference is a subnormal psum even where no product is one, and the sum goes on from it.
    """
    lowest = np.full(ROWS, 1) + rng.integers(0, 3, ROWS)
    codes = codes_of(rng, a, lowest)
    other = (codes + rng.choice([-1, 1], ROWS)) ^ (1 << (a.bits - 1))
    above = rng.integers(0, (BEYOND, result.fraction_bits + BEYOND), (ROWS, 2))
    left = np.stack([a.values(codes), a.values(other)], axis=1)
    field = b.bias + (1 - result.bias) - (1 - a.bias)  # whose product with a smallest is a smallest
    right = values_of(rng, b, np.full((4, COLS), np.clip(field, 1, field_at(b, 1.0))))
    right[1] = right[0]
    return np.concatenate([left, values_of(rng, a, lowest[:, None] + above)], axis=1), right


def ties(a: FloatFormat, b: FloatFormat, fraction: int) -> Pair:
    """Sums of three powers of two: the second, which shares no bit with another, breaks a tie.

    One and 2**-j, then 2**d, whose last bit is about twice one; or one again, so that 2**-j is
    left over. j goes from 1 to beyond the fraction of a psum, d is one column each; all signs.
    """
    below = np.arange(1, fraction + BEYOND)
    signs = np.array(list(product((1.0, -1.0), repeat=2)))
    starts = (fraction, 0)
    rows = np.array([(s, -j, t, d) for j in below for s, t in signs for d in starts])
    half = shared_exponent(b, -(fraction + BEYOND))
    large = shared_exponent(b, fraction)
    left = np.stack(
        [
            np.ones(len(rows)),
            rows[:, 0] * 2.0 ** (rows[:, 1] - half),
            rows[:, 2] * 2.0 ** (rows[:, 3] - large),
        ],
        axis=1,
    )
    right = np.ones((3, COLS))
    right[1], right[2] = 2.0**half, 2.0 ** (large + np.arange(COLS))
    return a.values(a.codes(left)), b.values(b.codes(right))


def shared_exponent(number: FloatFormat, exponent: int) -> int:
    """The half of a product's exponent that B takes, as far as its format goes."""
    top = number.largest_code >> number.fraction_bits
    return int(np.clip(exponent // 2, 1 - number.bias, top - number.bias - COLS))


def field_at(number: FloatFormat, middle: float) -> int:
    """An exponent as codes have it: the one that stands for 1 in the middle, else the end."""
    top = number.largest_code >> number.fraction_bits
    return number.bias if middle == 0.5 else round(middle * top)


def values_of(rng: np.random.Generator, number: FloatFormat, field: Ints) -> Ints:
    """Values of these exponents."""
    values: Ints = number.values(codes_of(rng, number, field))
    return values


def codes_of(rng: np.random.Generator, number: FloatFormat, field: Ints) -> Ints:
    """Codes of these exponents, kept to those of numbers: any fraction, or all zeros or ones."""
    ones = (1 << number.fraction_bits) - 1
    any_one = rng.integers(0, ones + 1, field.shape)
    fraction = rng.choice([0, 1, ones], field.shape)
    fraction = np.where(rng.integers(0, 2, field.shape) == 0, any_one, fraction)
    top = number.largest_code >> number.fraction_bits
    codes = np.minimum(
        (np.clip(field, 0, top) << number.fraction_bits) | fraction, number.largest_code
    )
    signed: Ints = codes | (rng.integers(0, 2, field.shape) << (number.bits - 1))
    return signed
