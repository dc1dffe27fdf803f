"""Floating-point formats: eight facts each, all else derived.

A code is {sign, exponent, mantissa fraction bits}. Values are float32 where that holds all of a
format, else float64. A NaN has one code, the canonical one, whatever came in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Array, Format, normal_steps, number_format
from tpe.numbers.matrices import check_dimensions, refuse_masked

_NORMAL_STEPS = 1 << 15  # of a normal distribution on either side, 8 sigma wide
_NORMAL_SIGMAS = 8.0


@dataclass(frozen=True)
class FloatFormat(Format):
    """A binary floating-point format of at most 32 bits.

    subnormals -- whether codes of exponent 0 stand for their fractions; else for zero
    infinity   -- whether fraction 0 of the highest exponent is one
    nan        -- `ieee`: the other fractions there; `top`: only the highest code; `none`

    >>> BF16.bits, float(BF16.smallest_normal), float(BF16.high)
    (16, 1.1754943508222875e-38, 3.3895313892515355e+38)
    """

    name: str
    exponent_bits: int
    fraction_bits: int
    bias: int
    subnormals: bool = True
    infinity: bool = True
    nan: str = "ieee"
    signed: bool = True

    @property
    def bits(self) -> int:  # type: ignore[override]
        """Of a code."""
        return int(self.signed) + self.exponent_bits + self.fraction_bits

    @property
    def dtype(self) -> type[np.floating]:
        """Of values in NumPy."""
        small = self.exponent_bits <= 8 and self.fraction_bits <= 23 and self.bias <= 127
        return np.float32 if small else np.float64

    @property
    def _top(self) -> int:
        return (1 << self.exponent_bits) - 1

    @property
    def largest_code(self) -> int:
        """The code of the largest finite value."""
        special = self.infinity or self.nan == "ieee"
        if special:
            return (self._top << self.fraction_bits) - 1
        return (1 << (self.exponent_bits + self.fraction_bits)) - 1 - int(self.nan == "top")

    @property
    def nan_code(self) -> int:
        """The canonical NaN: quiet, positive; TpeError if there is none."""
        if self.nan == "none":
            raise TpeError(f"{self.name} has no NaN")
        if self.nan == "top":
            return (1 << (self.exponent_bits + self.fraction_bits)) - 1
        return (self._top << self.fraction_bits) | (1 << (self.fraction_bits - 1))

    @property
    def low(self) -> float:
        """The lowest finite value."""
        return -self.high if self.signed else 0.0

    @property
    def high(self) -> float:
        """The highest finite value."""
        return float(self.values(np.array(self.largest_code)))

    @property
    def smallest_normal(self) -> float:
        """The smallest positive value with all its fraction bits."""
        return float(2.0 ** (1 - self.bias))

    def values(self, codes: Array) -> Array:
        """What codes stand for; bits above those of a code are ignored.

        >>> BF16.values(np.array([0x3F80, 0xC040, 0x7F80, 0x0001])).tolist()
        [1.0, -3.0, inf, 9.183549615799121e-41]
        """
        codes = np.asarray(codes, np.int64) & ((1 << self.bits) - 1)
        fraction = codes & ((1 << self.fraction_bits) - 1)
        exponent = (codes >> self.fraction_bits) & self._top
        whole = fraction + np.where(exponent > 0, 1 << self.fraction_bits, 0)
        if not self.subnormals:
            whole = np.where(exponent > 0, whole, 0)
        scale = np.maximum(exponent, 1) - self.bias - self.fraction_bits
        value = np.ldexp(whole.astype(np.float64), scale)
        magnitude = codes & ((1 << (self.exponent_bits + self.fraction_bits)) - 1)
        if self.infinity:
            value = np.where(magnitude == self._top << self.fraction_bits, np.inf, value)
        if self.nan == "ieee":
            value = np.where(magnitude > self._top << self.fraction_bits, np.nan, value)
        elif self.nan == "top":
            value = np.where(magnitude == self.nan_code, np.nan, value)
        negative = (codes >> (self.bits - 1)) == 1 if self.signed else np.zeros(codes.shape, bool)
        with np.errstate(invalid="ignore"):
            found: Array = np.where(negative, -value, value).astype(self.dtype)
        return found

    def codes(self, x: Array) -> Array:
        """The codes of real numbers, rounded to nearest, ties to even.

        What is beyond the largest value becomes infinite; the largest where there is no infinity.
        TpeError for NaN where there is none.

        >>> [hex(code) for code in BF16.codes(np.array([1.0, 0.1, -1e39]))]
        ['0x3f80', '0x3dcd', '0xff80']
        """
        with np.errstate(invalid="ignore"):  # a signalling NaN is one like any other
            x = np.asarray(x, np.float64)
        size = np.abs(x)
        finite = np.isfinite(x)
        _, exponent = np.frexp(np.where(finite, size, 0.0))  # size = f * 2**exponent, 1/2 <= f < 1
        quantum = np.maximum(exponent - 1, 1 - self.bias) - self.fraction_bits
        whole = np.rint(np.ldexp(np.where(finite, size, 0.0), -quantum)).astype(np.int64)
        # One addition: a rounding that carries out of the fraction moves on to the next exponent.
        code = whole + ((quantum + self.fraction_bits + self.bias - 1) << self.fraction_bits)
        code = np.where(whole == 0, 0, code)
        if not self.subnormals:
            code = np.where(code < 1 << self.fraction_bits, 0, code)
        infinite = self._top << self.fraction_bits if self.infinity else self.largest_code
        code = np.where((code > self.largest_code) | ~finite, infinite, code)
        if self.signed:
            code = code | (np.signbit(x).astype(np.int64) << (self.bits - 1))
        missing = np.isnan(x)
        return np.where(missing, self.nan_code, code) if missing.any() else code

    def read(self, value: object, where: str, dims: str, field: str) -> Array:
        """The codes of a matrix of reals, each of which the format must hold as it is."""
        matrix = _reals(value, where, dims)
        codes = self.codes(matrix)
        held = self.values(codes).astype(np.float64)
        wrong = np.argwhere((held != matrix) & ~np.isnan(matrix))
        if len(wrong):
            at = tuple(int(i) for i in wrong[0])
            raise TpeError(
                f"{where} holds {matrix[at]:.9g} at {list(at)}; legal for {field} = {self.name}: "
                f"its own numbers, {held[at]:.9g} is the nearest; tpe.rounded(A, '{self.name}') "
                "rounds them all"
            )
        return codes

    def corners(self) -> Array:
        """Zeros, ones, the ends of the normal range, a subnormal, infinities and NaN."""
        one = self.bias << self.fraction_bits
        found = [0, one, one + 1, 1 << self.fraction_bits, self.largest_code]
        found += [1] if self.subnormals else []
        found += [self._top << self.fraction_bits] if self.infinity else []
        signs = (0, 1 << (self.bits - 1)) if self.signed else (0,)
        codes = [code | sign for sign in signs for code in found]
        return self.values(np.array(codes + ([] if self.nan == "none" else [self.nan_code])))

    def drawn(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Mostly of exponents so near that sums round and cancel; some zeros, some any code.

        Of one matrix in four the exponents are half as high: two such make the smallest products.
        """
        codes = rng.integers(0, 1 << self.bits, shape)
        middle = self.bias // 2 if rng.integers(4) == 0 else self.bias
        reach = min(8, self.bias // 2)
        exponent = rng.integers(middle - reach, middle + reach + 1, shape)
        mask = self._top << self.fraction_bits
        near = (codes & ~mask) | (np.clip(exponent, 1, self._top - 1) << self.fraction_bits)
        kind = rng.integers(0, 64, shape)
        return self.values(np.where(kind < 4, 0, np.where(kind == 4, codes, near)))

    def spread(self, bits: Array, sigma: float | None) -> Array:
        """Uniform from -1 to 1 (from 0 without a sign), or normal; rounded to the format."""
        if sigma is None:
            real = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
            real = 2 * real - 1 if self.signed else real
        else:
            step = _NORMAL_SIGMAS / _NORMAL_STEPS
            steps = normal_steps(bits, -_NORMAL_STEPS, _NORMAL_STEPS, 1 / step) - _NORMAL_STEPS
            real = steps * (step * sigma)
        return self.values(self.codes(real if self.signed else np.abs(real)))


def rounded(x: object, number: str | Format) -> Array:
    """Numbers rounded to a floating-point format, to nearest, ties to even: what engines take.

    x: an array of any shape. Beyond the largest number of the format they are infinite.
    Raises TpeError for a format that is not of floating point, and for what is no number.

    >>> rounded([[0.1, 1e39]], "bf16").tolist()
    [[0.10009765625, inf]]
    """
    chosen = number_format(number)
    if not isinstance(chosen, FloatFormat):
        raise TpeError(f"{chosen.name} is no floating-point format; legal: such as bf16")
    refuse_masked(x, "x", "integers or floats")
    array = np.asarray(x)
    if array.dtype.kind not in "iuf":
        raise TpeError(f"x is {array.dtype}; legal: integers or floats")
    return chosen.values(chosen.codes(array))


def _reals(value: object, where: str, dims: str) -> Array:
    """`value` as a matrix of float64; TpeError if it is none."""
    refuse_masked(value, where, f"{dims} numbers")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        raise TpeError(f"{where} are not a rectangular array; legal: {dims} numbers") from None
    if array.dtype.kind not in "iuf":
        raise TpeError(f"{where} are {array.dtype}; legal: integers or floats")
    check_dimensions(array, where, dims)
    with np.errstate(invalid="ignore"):  # a signalling NaN is one like any other
        return array.astype(np.float64)


BF16 = FloatFormat("bf16", exponent_bits=8, fraction_bits=7, bias=127)
FP32 = FloatFormat("fp32", exponent_bits=8, fraction_bits=23, bias=127)
FP16 = FloatFormat("fp16", exponent_bits=5, fraction_bits=10, bias=15)
TF32 = FloatFormat("tf32", exponent_bits=8, fraction_bits=10, bias=127)
E4M3FN = FloatFormat("e4m3fn", exponent_bits=4, fraction_bits=3, bias=7, infinity=False, nan="top")
E5M2 = FloatFormat("e5m2", exponent_bits=5, fraction_bits=2, bias=15)
E3M2 = FloatFormat("e3m2", exponent_bits=3, fraction_bits=2, bias=3, infinity=False, nan="none")
E2M3 = FloatFormat("e2m3", exponent_bits=2, fraction_bits=3, bias=1, infinity=False, nan="none")
E2M1 = FloatFormat("e2m1", exponent_bits=2, fraction_bits=1, bias=1, infinity=False, nan="none")
