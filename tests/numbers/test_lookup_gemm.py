"""Products by tables against exact integers: odd shapes, every kind, width and group."""

from __future__ import annotations

import numpy as np
import pytest

from tpe.numbers.bipolar import BipolarFormat
from tpe.numbers.formats import FORMATS, Format
from tpe.numbers.lookup_gemm import lookup_product, tmac_product
from tpe.numbers.lookup_tables import GROUPS, TERNARY

SHAPES = [(1, 1, 1), (3, 5, 2), (2, 1, 7), (5, 3, 33), (1, 9, 101)]


def agree(number: Format, kind: str, group: int, m: int, n: int, k: int) -> None:
    rng = np.random.default_rng(k)
    a = rng.integers(-128, 128, (m, k))
    a[0, : k // 2] = -128
    b = number.drawn(rng, (k, n))
    codes = number.codes(b) if isinstance(number, BipolarFormat) else b
    exact = a.astype(object) @ b.astype(object)
    assert (lookup_product(a, codes, number, kind, group) == exact).all(), (number, kind, group, k)


@pytest.mark.parametrize("group", GROUPS)
def test_products_of_every_width(group: int) -> None:
    for shape in SHAPES:
        agree(TERNARY, "ternary", group, *shape)
        for bits in range(1, 9):
            agree(BipolarFormat("", bits), "half", group, *shape)
            if bits > 1:
                agree(FORMATS[f"int{bits}"], "half", group, *shape)
                agree(FORMATS[f"int{bits}"], "full", group, *shape)


def test_long_sums_of_the_extremes_leave_int32() -> None:
    """-128 * -128 over 200 000: beyond int32, so that sums are of int64."""
    for kind in ("half", "full"):
        a, b = np.full((1, 200_000), -128), np.full((200_000, 1), -128)
        assert lookup_product(a, b, FORMATS["int8"], kind, 4).tolist() == [[3_276_800_000]]
        agree(FORMATS["int8"], kind, 4, 2, 3, 5000)
    agree(TERNARY, "ternary", 3, 2, 3, 5000)


def test_nothing_of_no_rows_and_no_columns() -> None:
    empty = np.zeros((0, 4), np.int64)
    assert lookup_product(empty, np.ones((4, 3), np.int64), FORMATS["int2"], "half", 4).size == 0
    assert lookup_product(empty.T, empty, FORMATS["int2"], "half", 4).tolist() == [[0] * 4] * 4
    none = lookup_product(np.ones((2, 4), np.int64), empty.T, FORMATS["int2"], "half", 4)
    assert none.shape == (2, 0)


@pytest.mark.parametrize("bits", range(1, 9))
def test_tmac_takes_unsigned_codes(bits: int) -> None:
    rng = np.random.default_rng(bits)
    a, q = rng.integers(-128, 128, (3, 37)), rng.integers(0, 1 << bits, (37, 5))
    assert (tmac_product(a, q, bits) == a @ (q - 2 ** (bits - 1))).all()
