"""Block-scaled products against a slow implementation in Python's integers."""

from __future__ import annotations

import numpy as np
import pytest

import tpe
from tests.numbers.slow_tensor_core import SCALED, scaled_dot
from tests.numbers.tiles import KINDS, codes, scaled_tiles
from tpe.numbers.block_scaled import BLOCK_SCALED, block_scaled_product
from tpe.numbers.floats import E2M1
from tpe.numbers.formats import number_format

PAIRS = [
    (kind.name, a, b)
    for kind in BLOCK_SCALED.values()
    for a in kind.elements
    for b in kind.elements
]
every_pair = pytest.mark.parametrize("pair", PAIRS, ids="-".join)


def compared(pair: tuple[str, str, str], kind: str, count: int, rng: np.random.Generator) -> None:
    name, *types = pair
    x = scaled_tiles(BLOCK_SCALED[name], *map(number_format, types), kind, count, rng)
    for i in range(count):
        scales = x.a_scales[i : i + 1], x.b_scales[i][:, None]
        own = (name, tuple(types))
        (word,) = block_scaled_product(
            x.a[i : i + 1], x.b[i][:, None], scales, *own, c=x.c[i : i + 1, None]
        )[0]
        both = x.a_scales[i].tolist(), x.b_scales[i].tolist()
        expected = scaled_dot(x.a[i].tolist(), x.b[i].tolist(), both, *own, int(x.c[i]))
        assert word == expected, f"{kind}: {x.a[i]} {x.b[i]} {both} {x.c[i]}"


@every_pair
def test_tiles_are_those_of_the_slow_implementation(pair):
    rng = np.random.default_rng(PAIRS.index(pair))
    for kind in KINDS:
        compared(pair, kind, 8, rng)


@pytest.mark.full
@every_pair
def test_a_hundred_thousand_tiles_are_those_of_the_slow_implementation(pair):
    rng = np.random.default_rng(100 + PAIRS.index(pair))
    for kind in KINDS:
        for _ in range(24):
            compared(pair, kind, 700, rng)


def test_a_gemm_is_its_dot_products():
    rng = np.random.default_rng(0)
    a, b = codes(E2M1, "any", rng, (3, 128)), codes(E2M1, "any", rng, (128, 2))
    scales = rng.integers(0, 127, (3, 8)), rng.integers(0, 127, (8, 2))
    words = block_scaled_product(a, b, scales, "nvf4")
    for i in range(3):
        for j in range(2):
            both = scales[0][i].tolist(), scales[1][:, j].tolist()
            own = ("nvf4", ("e2m1", "e2m1"))
            assert words[i, j] == scaled_dot(a[i].tolist(), b[:, j].tolist(), both, *own, 0)


def test_a_sum_that_cancels_still_has_the_exponent_of_its_scales():
    """In nvf4: 6 - 6, of scales 448 and 448, beside a c that is cut where 2**16 is the largest."""
    a, b = np.zeros((1, 16), int), np.zeros((16, 1), int)
    a[0, :2], b[:2, 0] = (0x7, 0xF), 0x7
    c = np.array([[(127 - 24 << 23) + 1]])  # 2**-24 and its last place
    high = np.full((1, 1), 0x7E)
    word = block_scaled_product(a, b, (high, high), "nvf4", c=c)[0, 0]
    assert word == 0  # 2**16 and 35 bits: nothing below 2**-19 is left
    assert block_scaled_product(np.zeros_like(a), b, (high, high), "nvf4", c=c)[0, 0] == c[0, 0]


def test_none_of_them_was_measured_and_that_is_said():
    assert {kind.evidence for kind in BLOCK_SCALED.values()} == {"oracle only"}
    assert BLOCK_SCALED.keys() == SCALED.keys()


def test_what_does_not_fit_is_refused_in_a_line():
    a, b, one = np.zeros((1, 32), int), np.zeros((32, 1), int), np.zeros((1, 1), int)
    for message, run in (
        (
            r"unknown kind 'mxf5'.*legal: mxf8f6f4",
            lambda: block_scaled_product(a, b, (one, one), "mxf5"),
        ),
        (
            r"e3m2 is not legal for mxf4: e2m1",
            lambda: block_scaled_product(a, b, (one, one), "mxf4", ("e3m2", "e2m1")),
        ),
        (
            r"K = 31 .*a multiple of 32",
            lambda: block_scaled_product(a[:, 1:], b[1:], (one, one), "mxf4"),
        ),
        (
            r"scales of A have shape \(1, 1\); legal: \(1, 2\)",
            lambda: block_scaled_product(a, b, (one, one), "nvf4"),
        ),
        (
            r"c has shape \(2,\); legal: \(1, 1\)",
            lambda: block_scaled_product(a, b, (one, one), "mxf4", c=np.zeros(2)),
        ),
    ):
        with pytest.raises(tpe.TpeError, match=message):
            run()
