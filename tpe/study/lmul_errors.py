"""Errors of L-Mul's products, over every pair of fractions of a format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tpe.base.jit import compiled
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import number_format
from tpe.numbers.lmul import OFFSETS, OVERFLOWS, SUBNORMALS, convention, formula, lmul_code, packed

FORMS = ("integer addition", "printed formula", "no offset")
FORMATS = ("e5m2", "e4m3fn", "e5m4", "bf16")  # of 2, 3, 4 and 7 mantissa fraction bits


@dataclass(frozen=True)
class ProductErrors:
    """Errors of one form of L-Mul, relative to the exact products, all pairs alike.

    form          -- of `FORMS`: the hardware's; the paper's in real numbers; the hardware's without
                     its 2**-l
    mean_absolute -- mean of |product / exact - 1|; bias is that of product / exact - 1
    """

    number: str
    fraction_bits: int
    form: str
    mean_absolute: float
    bias: float

    def to_json(self) -> dict[str, Any]:
        """The row as data."""
        return asdict(self)


def product_errors(names: Sequence[str] = FORMATS) -> list[ProductErrors]:
    """A row for every format and form.

    names -- floating-point formats; TpeError for one that is none. Exponents are those of 1, so
             that nothing overflows and nothing is subnormal

    >>> row = product_errors(["e4m3fn"])[0]
    >>> row.form, round(100 * row.mean_absolute, 2), round(100 * row.bias, 1)
    ('integer addition', 5.24, 4.9)
    """
    rows = []
    for name in names:
        number = number_format(name)
        assert isinstance(number, FloatFormat), f"{name} is no floating-point format"
        one = number.bias << number.fraction_bits
        codes = np.arange(1 << number.fraction_bits, dtype=np.int64) + one
        x, y = (side.ravel() for side in np.meshgrid(codes, codes))
        exact = number.values(x).astype(np.float64) * number.values(y)
        by_integer = [_sums(x, y, number, offset) for offset in OFFSETS]
        products = by_integer[0], formula(x, y, number), by_integer[1]
        for form, product in zip(FORMS, products, strict=True):
            off = product / exact - 1
            size, bias = float(np.abs(off).mean()), float(off.mean())
            rows.append(ProductErrors(name, number.fraction_bits, form, size, bias))
    return rows


def _sums(x: np.ndarray, y: np.ndarray, number: FloatFormat, offset: str) -> np.ndarray:
    """Products by the integer addition, in float64."""
    settings = packed(number, convention(number, offset, SUBNORMALS[0], OVERFLOWS[0]))
    multiply = compiled(lmul_code)
    words = [multiply(int(a), int(b), settings) for a, b in zip(x, y, strict=True)]
    return number.values(np.array(words)).astype(np.float64)
