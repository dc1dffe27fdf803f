"""The floating-point modules of rtl/fp, every pair of operands of small formats."""

from __future__ import annotations

import numpy as np
import pytest

import tpe
from tpe.base.files import data_folder
from tpe.numbers.floats import FloatFormat

E4M3 = FloatFormat("e4m3", exponent_bits=4, fraction_bits=3, bias=7)
E5M2 = FloatFormat("e5m2", exponent_bits=5, fraction_bits=2, bias=15)
E2M5 = FloatFormat("e2m5", exponent_bits=2, fraction_bits=5, bias=1)
small = pytest.mark.parametrize("number", [E4M3, E5M2, E2M5], ids=lambda x: x.name)
FP = data_folder("rtl") / "fp"


def widths(number: FloatFormat) -> dict[str, int]:
    return {"ExpWidth": number.exponent_bits, "FracWidth": number.fraction_bits}


def summed(number: FloatFormat):
    """The sum in float64, which holds it exactly, rounded once."""

    def fp_add(a, b):
        with np.errstate(invalid="ignore"):
            x, y = (number.values(v).astype(np.float64) for v in (a, b))
            return number.codes(x + y)

    return fp_add


def by_integer(number: FloatFormat, offset: int):
    """L-Mul by its definition, one pair after another, in Python's integers."""
    m, top = number.fraction_bits, ((1 << number.exponent_bits) - 1) << number.fraction_bits
    size = 1 << (number.bits - 1)

    def one(a: int, b: int) -> int:
        sign, x, y = (a ^ b) & size, a % size, b % size
        zero = min(x, y) < 1 << m
        if max(x, y) > top or (max(x, y) == top and zero):
            return number.nan_code
        if max(x, y) == top:
            return sign + top
        r = x + y - (number.bias << m) + offset
        return sign + (0 if zero or r < 1 << m else min(r, top))

    def lmul(a, b):
        return np.array([one(int(x), int(y)) for x, y in zip(a, b, strict=True)])

    return lmul


@small
def test_the_sum_of_every_pair_is_rounded_once(number):
    ports = {"a": "a_i", "b": "b_i", "out": "sum_o"}
    file = FP / "tpe_fp_add.sv"
    report = tpe.cosim(file, "tpe_fp_add", summed(number), ports, params=widths(number))
    assert report.ok and "all 65,536 values" in report.coverage, report


@small
@pytest.mark.parametrize("offset", [0, 1])
def test_the_l_mul_product_of_every_pair_is_one_integer_addition(number, offset):
    params = widths(number) | {"Bias": number.bias, "Added": offset}
    ports = {"a": "a_i", "b": "b_i", "out": "product_o"}
    file = FP / "tpe_lmul.sv"
    report = tpe.cosim(file, "tpe_lmul", by_integer(number, offset), ports, params=params)
    assert report.ok and "all 65,536 values" in report.coverage, report
