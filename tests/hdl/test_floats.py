"""The floating-point modules of rtl/fp, every pair of operands of small formats."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import tpe
from tpe.base.files import data_folder
from tpe.hdl.emit import rtl_names
from tpe.numbers.floats import FloatFormat
from tpe.numbers.lmul import OVERFLOWS, SUBNORMALS

E4M3 = FloatFormat("e4m3", exponent_bits=4, fraction_bits=3, bias=7)
E5M2 = FloatFormat("e5m2", exponent_bits=5, fraction_bits=2, bias=15)
E2M5 = FloatFormat("e2m5", exponent_bits=2, fraction_bits=5, bias=1)
E4M3FN = FloatFormat("e4m3fn", exponent_bits=4, fraction_bits=3, bias=7, infinity=False, nan="top")
small = pytest.mark.parametrize("number", [E4M3, E5M2, E2M5], ids=lambda x: x.name)
FP = data_folder("rtl") / "fp"


def widths(number: FloatFormat) -> dict[str, int]:
    return {"ExpWidth": number.exponent_bits, "FracWidth": number.fraction_bits}


def label(one) -> str:
    return "-".join([one[0].name, *map(str, one[1:])])


def summed(number: FloatFormat):
    """The sum in float64, which holds it exactly, rounded once."""

    def fp_add(a, b):
        with np.errstate(invalid="ignore"):
            x, y = (number.values(v).astype(np.float64) for v in (a, b))
            return number.codes(x + y)

    return fp_add


def by_integer(number: FloatFormat, offset: int, subnormals: str, overflow: str):
    """L-Mul by its definition, one pair after another, in Python's integers."""
    m, size = number.fraction_bits, 1 << (number.bits - 1)
    least = 1 if subnormals == "keep" else 1 << m
    infinity = number.largest_code + 1 if number.infinity else size  # size: there is none

    def beyond(sign: int, r: int) -> int:
        if overflow == "wrap":
            return sign + r % size
        if overflow == "saturate":
            return sign + number.largest_code
        return sign + infinity if number.infinity else number.nan_code

    def one(a: int, b: int) -> int:
        sign, x, y = (a ^ b) & size, a % size, b % size
        zero = min(x, y) < least
        if max(x, y) > min(infinity, number.nan_code - 1) or (max(x, y) == infinity and zero):
            return number.nan_code
        if max(x, y) == infinity:
            return sign + infinity
        r = x + y - (number.bias << m) + offset
        if zero or r < least:
            return sign
        return sign + r if r <= number.largest_code else beyond(sign, r)

    def lmul(a, b):
        return np.array([one(int(x), int(y)) for x, y in zip(a, b, strict=True)])

    return lmul


@small
def test_the_sum_of_every_pair_is_rounded_once(number):
    ports = {"a": "a_i", "b": "b_i", "out": "sum_o"}
    file = FP / "tpe_fp_add.sv"
    report = tpe.cosim(file, "tpe_fp_add", summed(number), ports, params=widths(number))
    assert report.ok and "all 65,536 values" in report.coverage, report


# Each choice with each of the others once, over formats with and without infinity.
CONVENTIONS = [
    (E5M2, 1, "flush", "inf"),
    (E4M3FN, 0, "flush", "saturate"),
    (E2M5, 0, "keep", "inf"),
    (E4M3FN, 1, "keep", "wrap"),
]
EVERY = [
    (number, *choice)
    for number in (E5M2, E4M3FN, E2M5)
    for choice in product((0, 1), SUBNORMALS, OVERFLOWS)
]


@pytest.mark.parametrize(
    ("number", "offset", "subnormals", "overflow"),
    [
        pytest.param(*one, marks=[] if one in CONVENTIONS else [pytest.mark.full], id=label(one))
        for one in EVERY
    ],
)
def test_the_l_mul_product_of_every_pair_is_one_integer_addition(
    number, offset, subnormals, overflow
):
    params = widths(number) | {
        "Bias": number.bias,
        "Added": offset,
        "Special": rtl_names.number("Special", number.nan),
        "Subnormals": rtl_names.number("Subnormals", subnormals),
        "ProductOverflow": rtl_names.number("ProductOverflow", overflow),
    }
    ports = {"a": "a_i", "b": "b_i", "out": "product_o"}
    model = by_integer(number, offset, subnormals, overflow)
    files = [FP.parent / "tpe_pkg.sv", FP / "tpe_lmul.sv"]
    report = tpe.cosim(files, "tpe_lmul", model, ports, params=params)
    assert report.ok and "all 65,536 values" in report.coverage, report
