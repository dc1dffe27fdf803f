"""Operands on which tensor cores are compared: random ones, and those that are hard to add."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tpe.numbers.block_scaled import BlockScaled
from tpe.numbers.floats import FloatFormat
from tpe.numbers.operands import Ints
from tpe.numbers.tensor_cores import RESULTS, FusedDot

KINDS = ("any", "near", "cancelling", "sparse", "tiny", "large")


class Tiles(NamedTuple):
    """Codes of A and of B (tiles, K), and of c (tiles,): a dot product each."""

    a: Ints
    b: Ints
    c: Ints


def codes(number: FloatFormat, kind: str, rng: np.random.Generator, shape: tuple[int, ...]) -> Ints:
    """Codes of a format: of `any` kind NaN and infinities among them."""
    if kind == "any":
        return rng.integers(0, 1 << number.bits, shape)
    top = (1 << number.exponent_bits) - 1
    middle = number.bias
    low, high = {
        "near": (middle - 3, middle + 3),
        "cancelling": (middle - 6, middle + 6),
        "sparse": (0, top),
        "tiny": (0, 3),
        "large": (top - 4, top),
    }[kind]
    exponent = rng.integers(max(low, 0), min(high, top) + 1, shape)
    fraction = rng.integers(0, 1 << number.fraction_bits, shape)
    size = np.minimum((exponent << number.fraction_bits) | fraction, number.largest_code)
    return size | (rng.integers(0, 2, shape) << (number.bits - 1))


def tiles(rule: FusedDot, kind: str, count: int, rng: np.random.Generator) -> Tiles:
    """Tiles of one to three steps of K, the last one not always whole."""
    k = int(rng.integers(1, 3 * rule.lanes + 1))
    a, b = (codes(number, kind, rng, (count, k)) for number in (rule.a, rule.b))
    if kind == "sparse":
        a, b = (np.where(rng.random(x.shape) < 0.4, 0, x) for x in (a, b))
    if kind == "cancelling" and k > 1:  # pairs of opposite sign, the last bit of some another one
        half = k // 2
        a[:, half : 2 * half] = a[:, :half] ^ (1 << (rule.a.bits - 1))
        b[:, half : 2 * half] = b[:, :half] ^ (rng.random((count, half)) < 0.2)
    c = codes(rule.d, "near" if kind == "cancelling" else kind, rng, (count,))
    return Tiles(a, b, np.where(rng.random(count) < 0.3, 0, c))


class ScaledTiles(NamedTuple):
    """Codes (tiles, K) of A and B, of their scales (tiles, K / block), and of c (tiles,)."""

    a: Ints
    b: Ints
    a_scales: Ints
    b_scales: Ints
    c: Ints


def scaled_tiles(
    rule: BlockScaled,
    a_type: FloatFormat,
    b_type: FloatFormat,
    kind: str,
    count: int,
    rng: np.random.Generator,
) -> ScaledTiles:
    """Tiles of one or two steps; scales near one but for those of `any` kind."""
    k = rule.lanes * int(rng.integers(1, 3))
    a, b = (codes(number, kind, rng, (count, k)) for number in (a_type, b_type))
    if kind == "sparse":
        a, b = (np.where(rng.random(x.shape) < 0.4, 0, x) for x in (a, b))
    blocks = (2, count, k // rule.block)
    if rule.scale == "ue8m0":
        near, every = 127 + rng.integers(-8, 9, blocks), rng.integers(0, 256, blocks)
    else:
        near, every = 56 + rng.integers(-24, 24, blocks), rng.integers(0, 256, blocks)
    a_scales, b_scales = every if kind == "any" else near
    c = codes(RESULTS["fp32"], "any" if kind == "any" else "near", rng, (count,))
    return ScaledTiles(a, b, a_scales, b_scales, np.where(rng.random(count) < 0.3, 0, c))
