"""Floating-point formats: nine facts each, all else derived.

A code is {sign, exponent, mantissa fraction bits}. Values are float32 where that holds all of a
format, else float64. A NaN has one code, the canonical one, whatever came in. Sources: IEEE 754
(fp16, fp32), OCP's OFP8 (e4m3fn, e5m2) and Microscaling (MX) 1.0 (e3m2, e2m3, e2m1, e8m0);
bf16 and tf32 are fp32 with fewer fraction bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Array, Format, normal_steps
from tpe.numbers.matrices import check_dimensions, refuse_masked
from tpe.numbers.rounding import NEAREST_EVEN, Rounding, Target, round_array

_NORMAL_STEPS = 1 << 15  # of a normal distribution on either side, 8 sigma wide
_NORMAL_SIGMAS = 8.0


@dataclass(frozen=True)
class FloatFormat(Format):
    """A binary floating-point format of at most 32 bits, 31 if it has no NaN.

    subnormals -- whether codes of exponent 0 stand for their fractions; else for zero
    infinity   -- whether fraction 0 of the highest exponent is one
    nan        -- `ieee`: the other fractions there; `top`: only the highest code; `minus_zero`:
                  the code that is -0 elsewhere; `none`
    zero       -- whether exponent 0 is that of zero and subnormals; else of numbers like any other

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
    zero: bool = True

    @property
    def bits(self) -> int:  # type: ignore[override]
        """Of a code."""
        return int(self.signed) + self.exponent_bits + self.fraction_bits

    @property
    def dtype(self) -> type[np.floating]:
        """Of values in NumPy."""
        highest = (self.largest_code >> self.fraction_bits) - self.bias
        smallest = int(self.zero) - self.bias - self.fraction_bits
        small = self.fraction_bits <= 23 and highest <= 127 and smallest >= -149
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
        if self.nan == "minus_zero":
            return 1 << (self.bits - 1)
        return (self._top << self.fraction_bits) | (1 << (self.fraction_bits - 1))

    @property
    def infinity_code(self) -> int:
        """Of positive infinity; TpeError if there is none."""
        if not self.infinity:
            raise TpeError(f"{self.name} has no infinity")
        return self._top << self.fraction_bits

    @property
    def low(self) -> float:
        """The lowest finite value."""
        return -self.high if self.signed else float(self.values(np.array(0)))

    @property
    def high(self) -> float:
        """The highest finite value."""
        return float(self.values(np.array(self.largest_code)))

    @property
    def smallest_normal(self) -> float:
        """The smallest positive value with all its fraction bits."""
        return float(2.0 ** (int(self.zero) - self.bias))

    def values(self, codes: Array) -> Array:
        """What codes stand for; bits above those of a code are ignored.

        >>> BF16.values(np.array([0x3F80, 0xC040, 0x7F80, 0x0001])).tolist()
        [1.0, -3.0, inf, 9.183549615799121e-41]
        """
        codes = np.asarray(codes, np.int64) & ((1 << self.bits) - 1)
        fraction = codes & ((1 << self.fraction_bits) - 1)
        exponent = (codes >> self.fraction_bits) & self._top
        whole = fraction + np.where(exponent >= int(self.zero), 1 << self.fraction_bits, 0)
        if not self.subnormals and self.zero:
            whole = np.where(exponent > 0, whole, 0)
        scale = np.maximum(exponent, int(self.zero)) - self.bias - self.fraction_bits
        value = np.ldexp(whole.astype(np.float64), scale)
        magnitude = codes & ((1 << (self.exponent_bits + self.fraction_bits)) - 1)
        if self.infinity:
            value = np.where(magnitude == self._top << self.fraction_bits, np.inf, value)
        if self.nan == "ieee":
            value = np.where(magnitude > self._top << self.fraction_bits, np.nan, value)
        elif self.nan != "none":
            value = np.where(codes == self.nan_code, np.nan, value)
            if self.nan == "top":  # of either sign
                value = np.where(magnitude == self.nan_code, np.nan, value)
        negative = (codes >> (self.bits - 1)) == 1 if self.signed else np.zeros(codes.shape, bool)
        with np.errstate(invalid="ignore"):
            found: Array = np.where(negative, -value, value).astype(self.dtype)
        return found

    def target(self, rounding: Rounding) -> Target:
        """What a rounding needs to know of the format."""
        missing = -1 if self.nan == "none" else self.nan_code
        endless = self.infinity_code if self.infinity else self.largest_code
        if rounding.overflow == "nan" and not self.infinity:
            endless = missing
        infinite = self.largest_code if rounding.overflow == "saturate" else endless
        mode = rounding.mode
        flushed = self.zero and (rounding.subnormals == "flush" or not self.subnormals)
        return Target(
            fraction=self.fraction_bits,
            bias=self.bias,
            lowest=int(self.zero),
            largest=self.largest_code,
            least=1 << self.fraction_bits if flushed else 0,
            plus_over=self.largest_code if mode in ("toward_zero", "down") else infinite,
            minus_over=self.largest_code if mode in ("toward_zero", "up") else infinite,
            infinite=infinite,
            missing=missing,
            sign=1 << (self.bits - 1) if self.signed else 0,
            unsigned=0 if self.nan == "minus_zero" or not self.signed else -1,
        )

    def rounded_codes(self, x: Array, rounding: Rounding = NEAREST_EVEN) -> Array:
        """The codes of real numbers as uint8, uint16 or uint32, in the shape of x.

        x: float32 or float64. NaN where a format without a sign gets a negative number, or one
        without a zero a zero. Raises TpeError for a NaN where there is none.
        """
        wide = not self.zero or self.bias > 127  # has numbers below the smallest of float32
        codes, missing = round_array(x, self.bits, self.target(rounding), rounding, wide)
        if not self.signed or not self.zero:
            uncoded = x <= 0 if not self.zero else x < 0
            missing += int(np.count_nonzero(uncoded))
            codes[uncoded] = 0 if self.nan == "none" else self.nan_code
        if missing and self.nan == "none":
            raise TpeError(f"{self.name} has no NaN{self._why_missing(x, rounding)}")
        return codes

    def _why_missing(self, x: Array, rounding: Rounding) -> str:
        """What of x has no code, for the end of a line; nothing if it is NaN itself."""
        if np.isnan(x).any():
            return ""
        if not self.signed and (x < 0).any():
            return f": {x[x < 0][0]:.9g} has no code in a format without a sign"
        largest = np.abs(x).max()
        return (
            f": {largest:.9g} is beyond its largest, {self.high:.9g}; "
            "legal for overflow here: ieee, saturate"
        )

    def codes(self, x: Array) -> Array:
        """The codes of real numbers as int64, rounded to nearest, ties to even.

        What is beyond the largest value becomes infinite; the largest where there is no infinity.
        TpeError for NaN where there is none.

        >>> [hex(code) for code in BF16.codes(np.array([1.0, 0.1, -1e39]))]
        ['0x3f80', '0x3dcd', '0xff80']
        """
        x = np.asarray(x)
        if x.dtype != np.float32:
            with np.errstate(invalid="ignore"):  # a signalling NaN is one like any other
                x = x.astype(np.float64)
        return self.rounded_codes(x).astype(np.int64)

    def read(self, value: object, where: str, dims: str, field: str) -> Array:
        """The codes of a matrix of reals, each of which the format must hold as it is."""
        matrix = real_matrix(value, where, dims)
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
        codes += [] if self.nan == "none" else [self.nan_code]
        return self.values(np.array(list(dict.fromkeys(codes))))

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
        real = spread_reals(bits, sigma, self.signed)
        return self.values(self.codes(real if self.signed else np.maximum(np.abs(real), self.low)))


def spread_reals(bits: Array, sigma: float | None, signed: bool = True) -> Array:
    """Reals from uniform 64-bit words: uniform from -1 to 1, or from 0; or normal of this sigma.

    >>> spread_reals(np.array([0, 3 << 62], np.uint64), None).tolist()
    [-1.0, 0.5]
    """
    if sigma is None:
        real: Array = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return 2 * real - 1 if signed else real
    step = _NORMAL_SIGMAS / _NORMAL_STEPS
    steps = normal_steps(bits, -_NORMAL_STEPS, _NORMAL_STEPS, 1 / step) - _NORMAL_STEPS
    return steps * (step * sigma)


def real_matrix(value: object, where: str, dims: str) -> Array:
    """`value` as a matrix of float64; TpeError if it is none.

    >>> real_matrix([[1, 2]], "A", "M x K").tolist()
    [[1.0, 2.0]]
    """
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
E8M0 = FloatFormat("e8m0", 8, 0, bias=127, infinity=False, nan="top", signed=False, zero=False)
"""Powers of two from 2**-127 to 2**127: scales of blocks, not operands."""
