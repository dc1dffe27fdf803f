"""Arrays of numbers in a floating-point format: rounded, as codes, and back."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import Array, Format, number_format
from tpe.numbers.matrices import refuse_masked
from tpe.numbers.rounding import Rounding

_TABLE_BITS = 16  # of codes whose values are looked up
_EXACT = 1 << 53  # integers up to here are exact in float64


def rounded(
    x: object,
    number: str | Format,
    *,
    mode: str = "nearest_even",
    overflow: str = "ieee",
    subnormals: str = "keep",
    seed: int | None = None,
) -> Array:
    """Numbers rounded to a floating-point format: what engines take.

    x: an array of any shape, of integers or floats. The result has its shape and is float32 where
    that holds all of the format, else float64. `mode`, `overflow`, `subnormals` and `seed` are
    those of `tpe.numbers.rounding.Rounding`; by default to nearest, ties to even, and beyond the
    largest number infinite, or the largest of a format without infinity. `number`: what `tpe list
    formats` has, or any such as e3m4. Raises TpeError for a format that is not of floating point,
    for what is no number, and for NaN where the format has none.

    >>> rounded([[0.1, 1e39]], "bf16").tolist()
    [[0.10009765625, inf]]
    >>> rounded([0.3, -500.0], "e4m3fn", mode="up", overflow="nan").tolist()
    [0.3125, -448.0]
    """
    chosen = _float_format(number)
    codes = chosen.rounded_codes(reals(x), Rounding(mode, overflow, subnormals, seed))
    return decoded(codes, chosen)


def to_codes(
    x: object,
    number: str | Format,
    *,
    mode: str = "nearest_even",
    overflow: str = "ieee",
    subnormals: str = "keep",
    seed: int | None = None,
) -> Array:
    """The codes of numbers rounded to a floating-point format, by what `rounded` takes.

    Returns uint8 for formats of up to 8 bits, uint16 up to 16, else uint32; in the shape of x. A
    code is {sign, exponent, mantissa fraction bits}, in the low bits.

    >>> [hex(code) for code in to_codes([1.0, -0.0, 500.0], "e4m3fn")]
    ['0x38', '0x80', '0x7e']
    """
    chosen = _float_format(number)
    return chosen.rounded_codes(reals(x), Rounding(mode, overflow, subnormals, seed))


def from_codes(codes: object, number: str | Format) -> Array:
    """What codes of a floating-point format stand for.

    codes: integers of any shape from 0 to 2**bits - 1. The result is float32 where that holds all
    of the format, else float64. Raises TpeError for other codes.

    >>> from_codes([0x38, 0x80, 0x7E, 0x7F], "e4m3fn").tolist()
    [1.0, -0.0, 448.0, nan]
    """
    chosen = _float_format(number)
    array = np.asarray(codes)
    if array.dtype.kind not in "iu" and array.size:
        raise TpeError(f"codes are {array.dtype}; legal: integers")
    if array.size and (array.min() < 0 or array.max() >= 1 << chosen.bits):
        worst = array.min() if array.min() < 0 else array.max()
        raise TpeError(
            f"codes hold {worst}; legal for {chosen.name}: 0 to {(1 << chosen.bits) - 1}"
        )
    return decoded(array.astype(np.int64), chosen)


def decoded(codes: Array, number: FloatFormat) -> Array:
    """What codes stand for; those of few bits are looked up."""
    if number.bits > _TABLE_BITS:
        return number.values(codes)
    return np.asarray(_table(number)[codes])


@lru_cache(maxsize=64)
def _table(number: FloatFormat) -> Array:
    return number.values(np.arange(1 << number.bits))


def _float_format(number: str | Format) -> FloatFormat:
    chosen = number_format(number)
    if not isinstance(chosen, FloatFormat):
        raise TpeError(f"{chosen.name} is no floating-point format; legal: such as bf16")
    return chosen


def reals(x: object) -> Array:
    """x as float32 or float64, which round to a format as x itself does."""
    refuse_masked(x, "x", "integers or floats")
    array = np.asarray(x)
    if array.dtype.kind not in "iuf":
        raise TpeError(f"x is {array.dtype}; legal: integers or floats")
    if array.dtype.itemsize > 8:
        raise TpeError(f"x is {array.dtype}; legal: integers or floats of at most 64 bits")
    if array.dtype.kind == "f":
        narrow = array.dtype.itemsize <= 4
        with np.errstate(invalid="ignore"):  # a signalling NaN is one like any other
            return array.astype(np.float32 if narrow else np.float64, copy=False)
    if (
        array.dtype.itemsize == 8
        and array.size
        and np.abs(array.astype(np.float64)).max() >= _EXACT
    ):
        # Odd where bits are lost, an integer rounds on as it would have without the loss.
        big = np.abs(array.astype(np.float64)) >= _EXACT
        odd = array | ((array & 0x7FF) != 0).astype(array.dtype) << array.dtype.type(11)
        array = np.where(big, odd & ~array.dtype.type(0x7FF), array)
    return array.astype(np.float64)
