"""Blocks along K that share a scale: OCP's Microscaling (MX) formats and NVFP4.

An MX block is 32 elements and a power of two, E8M0 (OCP Microscaling Formats 1.0). NVFP4 is 16
elements of e2m1 and a scale of e4m3fn, and one fp32 scale for the tensor. A number is element x
scale (x tensor scale).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.numbers.float_arrays import decoded, reals
from tpe.numbers.floats import E2M1, E2M3, E3M2, E4M3FN, E5M2, E8M0, FloatFormat
from tpe.numbers.formats import FORMATS, Array, IntFormat
from tpe.numbers.matrices import is_int, shape_text
from tpe.numbers.rounding import Rounding, rounded_integers

SCALE_RULES = ("floor", "ceil")


@dataclass(frozen=True)
class BlockFormat:
    """Elements that share a scale.

    element -- their format;  size -- of a block, in elements;  scale -- the format of its scale
    point   -- an element's code of an integer counts 2**-point
    tensor  -- whether the tensor has a scale besides, of fp32
    """

    name: str
    element: FloatFormat | IntFormat
    size: int
    scale: FloatFormat
    point: int = 0
    tensor: bool = False

    @property
    def high(self) -> float:
        """The largest element, before it is scaled.

        >>> BLOCK_FORMATS["mx_e4m3fn"].high, BLOCK_FORMATS["mx_int8"].high
        (448.0, 1.984375)
        """
        return float(self.element.high) * 2.0**-self.point

    @property
    def bits(self) -> float:
        """Of a number, its share of the scale included; without the tensor's.

        >>> BLOCK_FORMATS["mx_e2m1"].bits, BLOCK_FORMATS["nvfp4"].bits
        (4.25, 4.5)
        """
        return self.element.bits + self.scale.bits / self.size

    def elements(self, codes: Array) -> Array:
        """What codes of elements stand for, as float64, before they are scaled."""
        if isinstance(self.element, IntFormat):
            return np.ldexp(codes.astype(np.float64), -self.point)
        return decoded(codes, self.element).astype(np.float64)

    def element_codes(self, x: Array, rounding: Rounding) -> Array:
        """The codes of elements: numbers that are scaled, rounded, cut at the largest."""
        if isinstance(self.element, FloatFormat):
            return self.element.rounded_codes(x, rounding)
        whole = rounded_integers(np.ldexp(x, self.point), rounding)
        return np.clip(whole, self.element.low, self.element.high).astype(np.int8)


_MX: dict[str, tuple[FloatFormat | IntFormat, int]] = {
    **{number.name: (number, 0) for number in (E4M3FN, E5M2, E3M2, E2M3, E2M1)},
    "int8": (FORMATS["int8"], 6),
}
BLOCK_FORMATS: dict[str, BlockFormat] = {
    **{
        f"mx_{name}": BlockFormat(f"mx_{name}", number, 32, E8M0, point)
        for name, (number, point) in _MX.items()
    },
    "nvfp4": BlockFormat("nvfp4", E2M1, 16, E4M3FN, tensor=True),
}
"""By name; a format is its element's name behind `mx_`."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """A tensor in blocks along one axis.

    codes        -- of the elements, in the tensor's shape: uint8, of integers int8
    scales       -- codes of the scales, uint8, in the same shape but along the axis, where one
                    stands for `size` elements; the last block may have fewer
    tensor_scale -- what all is multiplied by, a number of fp32; 1 where the format has none
    """

    format: BlockFormat
    axis: int
    codes: Array
    scales: Array
    tensor_scale: float = 1.0

    def __post_init__(self) -> None:
        self.codes.flags.writeable = self.scales.flags.writeable = False

    @classmethod
    def of(
        cls,
        number: str | BlockFormat,
        codes: object,
        scales: object,
        *,
        axis: int = -1,
        tensor_scale: float | None = None,
    ) -> Blocks:
        """A tensor of codes that somebody else made, copied.

        codes, scales: integers, of elements and of scales, shaped as above; those of scales are
        not negative, without a sign. `number`, `axis`, `tensor_scale`: as `quantise` has them, but
        that no tensor scale is 1. Raises TpeError for shapes and codes that do not fit.

        >>> Blocks.of("mx_e2m1", [[2, 7]], [[128]]).values().tolist()
        [[2.0, 12.0]]
        """
        chosen = block_format(number)
        of_elements, of_scales = _array(codes, "codes"), _array(scales, "scales")
        at = checked_axis(of_elements, axis)
        _check_tensor_scale(chosen, tensor_scale)
        whole = 1.0 if tensor_scale is None else float(tensor_scale)
        cls(chosen, at, of_elements, of_scales, whole).check("blocks")
        kind = np.int8 if isinstance(chosen.element, IntFormat) else np.uint8
        return cls(chosen, at, of_elements.astype(kind), of_scales.astype(np.uint8), whole)

    def check(self, where: str) -> None:
        """TpeError, `where` first, for shapes and codes that are not the format's."""
        number = self.format
        wanted = list(self.codes.shape)
        wanted[self.axis] = -(-wanted[self.axis] // number.size)
        if list(self.scales.shape) != wanted or not self.codes.size:
            raise TpeError(
                f"{where}: elements are {shape_text(self.codes)} and scales "
                f"{shape_text(self.scales)}; legal for {number.name}: none of 0, and a scale for "
                f"every {number.size} elements along axis {self.axis}"
            )
        whole = isinstance(number.element, IntFormat)
        low = int(number.element.low) if whole else 0
        high = int(number.element.high) if whole else (1 << number.element.bits) - 1
        _check_codes(self.codes, low, high, f"{where}: elements", number)
        _check_codes(self.scales, 0, number.scale.nan_code, f"{where}: scales", number)

    @property
    def scale_values(self) -> Array:
        """The numbers that the blocks' scales stand for, without the tensor's; float64."""
        return decoded(self.scales, self.format.scale).astype(np.float64)

    def values(self) -> Array:
        """The numbers in the tensor's shape, exact in float64.

        >>> quantise([[0.5, 3.1, -12.0]], "mx_e2m1").values().tolist()
        [[0.0, 3.0, -12.0]]
        """
        scale = spread_over(self.scale_values, self.format.size, self.codes.shape, self.axis)
        return self.format.elements(self.codes) * (scale * self.tensor_scale)


def block_format(name: str | BlockFormat) -> BlockFormat:
    """The format called `name`; TpeError if there is none.

    >>> block_format("nvfp4").size
    16
    """
    if isinstance(name, BlockFormat):
        return name
    if not isinstance(name, str) or name not in BLOCK_FORMATS:
        raise unknown("block format", name, BLOCK_FORMATS)
    return BLOCK_FORMATS[name]


def quantise(
    x: object,
    number: str | BlockFormat,
    *,
    axis: int = -1,
    scale: str = "floor",
    tensor_scale: float | None = None,
    mode: str = "nearest_even",
    seed: int | None = None,
) -> Blocks:
    """A tensor in blocks along an axis, which is K of a GEMM: 1 of A (M, K), 0 of B (K, N).

    x: integers or floats of any shape of at least one dimension. `number`: mx_e4m3fn, mx_e5m2,
    mx_e3m2, mx_e2m3, mx_e2m1, mx_int8 or nvfp4. `mode`, `seed`: how elements are rounded, as
    `tpe.rounded` does; what is beyond the largest element is the largest.

    MX: a block's scale is 2**e. `scale` = floor: e = floor(log2(largest)) - the exponent of the
    largest element, OCP's rule, which cuts some of the largest numbers; ceil: the least e at which
    no number is beyond the largest element. Cut to -127 .. 127; -127 for a block of zeros.

    NVFP4: the tensor's scale is its largest number / (6 x 448), rounded to fp32 (1 for a tensor of
    zeros), or what is given; a block's is its largest number / 6 / the tensor's, rounded to nearest
    e4m3fn. Elements are numbers / (block's scale x tensor's), in float64; 0 where the scale is 0.

    A block that holds NaN or infinity has the scale NaN, and is NaN. Raises TpeError for what is no
    number, no such axis or format, and a tensor scale that the format has not.

    >>> blocks = quantise([[1.0, 2.0, 6.0, 0.3]], "nvfp4")
    >>> blocks.codes.tolist(), blocks.scales.tolist(), blocks.values().round(3).tolist()
    ([[2, 4, 7, 1]], [[126]], [[1.0, 2.0, 6.0, 0.5]])
    """
    chosen = block_format(number)
    if scale not in SCALE_RULES:
        raise unknown("scale", scale, SCALE_RULES)
    array = reals(x).astype(np.float64)
    at = checked_axis(array, axis)
    _check_tensor_scale(chosen, tensor_scale)
    rounding = Rounding(mode, "saturate", "keep", seed)
    broken = ~np.isfinite(array)
    array = np.where(broken, 0.0, array)
    largest = _over_blocks(np.abs(array), chosen.size, at)
    if chosen.tensor:
        whole = _tensor_scale(chosen, largest) if tensor_scale is None else float(tensor_scale)
        codes = chosen.scale.rounded_codes(
            largest / chosen.high / whole, Rounding(overflow="saturate")
        )
    else:
        whole = 1.0
        codes = chosen.scale.rounded_codes(np.ldexp(1.0, _exponents(chosen, largest, scale)))
    values = decoded(codes, chosen.scale).astype(np.float64) * whole
    divisor = spread_over(values, chosen.size, array.shape, at)
    with np.errstate(over="ignore"):
        scaled = np.divide(array, divisor, out=np.zeros_like(array), where=divisor != 0)
    elements = chosen.element_codes(scaled, rounding)
    codes[_over_blocks(broken, chosen.size, at)] = chosen.scale.nan_code
    return Blocks(chosen, at, elements, codes, whole)


def _exponents(number: BlockFormat, largest: Array, rule: str) -> Array:
    """Of the scales of MX blocks, by their largest numbers."""
    fraction, exponent = np.frexp(largest)  # largest = fraction * 2**exponent, 1/2 <= fraction < 1
    top_fraction, top = np.frexp(number.high)
    exponent = exponent - top
    if rule == "ceil":
        exponent = exponent + (fraction > top_fraction)
    exponents: Array = np.clip(np.where(largest > 0, exponent, -127), -127, 127)
    return exponents


def _tensor_scale(number: BlockFormat, largest: Array) -> float:
    """The scale of fp32 at which the largest number is the largest element times scale."""
    most = float(largest.max(initial=0.0))
    if most == 0:
        return 1.0
    smallest, high = 2.0**-149, float(np.finfo(np.float32).max)
    whole = min(max(most / (number.high * number.scale.high), smallest), high)
    return float(np.float32(whole))


def _over_blocks(x: Array, size: int, axis: int) -> Array:
    """The largest of every block along an axis."""
    starts = np.arange(0, x.shape[axis], size)
    return np.maximum.reduceat(x, starts, axis=axis)


def spread_over(scales: Array, size: int, shape: tuple[int, ...], axis: int) -> Array:
    """Every scale once for each element of its block, of which the last one may be short.

    >>> spread_over(np.array([1, 2]), 2, (3,), 0).tolist()
    [1, 1, 2]
    """
    repeated = np.repeat(scales, size, axis=axis)
    return np.take(repeated, np.arange(shape[axis]), axis=axis)


def _array(codes: object, what: str) -> Array:
    try:
        return np.array(codes)
    except (TypeError, ValueError):
        raise TpeError(f"{what} are not a rectangular array; legal: integers") from None


def _check_codes(codes: Array, low: int, high: int, where: str, number: BlockFormat) -> None:
    if codes.dtype.kind not in "iu":
        raise TpeError(f"{where} are {codes.dtype}; legal: integers")
    if codes.min() < low or codes.max() > high:
        worst = codes.min() if codes.min() < low else codes.max()
        raise TpeError(f"{where} hold {worst}; legal for {number.name}: codes {low} to {high}")


def checked_axis(array: Array, axis: object) -> int:
    """An axis of an array that is not empty, counted from the first; TpeError for any other.

    >>> checked_axis(np.zeros((2, 3)), -1)
    1
    """
    if array.ndim == 0 or array.size == 0:
        raise TpeError(f"x has the shape {array.shape}; legal: a dimension or more, none of 0")
    if not is_int(axis) or not -array.ndim <= axis < array.ndim:  # type: ignore[operator]
        raise TpeError(
            f"axis = {axis!r} is not legal: an integer from {-array.ndim} to {array.ndim - 1}"
        )
    return int(axis) % array.ndim  # type: ignore[call-overload, no-any-return]


def _check_tensor_scale(number: BlockFormat, value: object) -> None:
    if value is None:
        return
    if not number.tensor:
        raise TpeError(f"tensor_scale is given, which {number.name} has not; legal: with nvfp4")
    real = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    held = real and 0 < float(value) < np.inf and float(np.float32(value)) == float(value)  # type: ignore[arg-type]
    if not held:
        raise TpeError(f"tensor_scale = {value!r} is not legal: a number of fp32 above 0")
