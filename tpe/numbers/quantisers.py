"""Quantisers of weights and activations: to nearest, ties to even, a scale for what is named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.numbers.bipolar import BIPOLAR1
from tpe.numbers.blocks import checked_axis
from tpe.numbers.formats import FORMATS, Array, Format, IntFormat
from tpe.numbers.matrices import is_int, shape_text
from tpe.numbers.quantise import as_reals, finite, largest_scale, quantised
from tpe.numbers.quantised_tensor import TERNARY, QuantisedTensor

PER = ("tensor", "channel", "token", "group")
DEFAULT_GROUP = 128
NUMBERS: dict[str, Format] = {
    "bipolar1": BIPOLAR1,
    "ternary": TERNARY,
    "uint1": IntFormat("uint1", 1, False),
    **{name: number for name, number in FORMATS.items() if number.bits <= 8},
}
"""What weights are quantised to: 1 to 8 bits."""


def quantise_integers(
    x: object,
    number: str,
    *,
    per: str = "channel",
    group: int | None = None,
    axis: int = -1,
    symmetric: bool | None = None,
    scale: object = None,
) -> QuantisedTensor:
    """A tensor as integers of 1 to 8 bits with scales, rounded to nearest, ties to even.

    x          integers or floats of at least one dimension, finite
    number     int2 to int8, uint1 to uint8, ternary or bipolar1
    per        what has a scale of its own: the tensor; a channel or token, which is a line along
               `axis`, so a column of B (K, N) with axis 0 and a row of A (M, K) with axis 1; a
               group of neighbours along `axis`
    group      numbers of a group, with per = group; 128 if it is not given. Where groups do not
               divide the axis, the last one is short, as if filled with zeros (`missing`)
    symmetric  True: no zero points. False: the range from the smallest to the largest number, 0
               among them, on the whole format, with a zero point that stands for 0 exactly. None:
               of formats without a sign False, of others True
    scale      scales above 0 in place of those that are found, of one shape with them or one
               number; symmetric integers alone

    Symmetric: the largest magnitude is the largest integer. ternary: the scale is the mean of the
    magnitudes, absmean of BitNet b1.58 (arXiv:2402.17764). bipolar1: the same scale times the sign
    (arXiv:1603.05279), of 0 +1. Of a group of zeros the scale is 1.

    Raises TpeError for what is no such number, format, axis or group, and for scales that are not
    finite numbers above 0.

    >>> tensor = quantise_integers([[1.0, -0.5, 0.25], [0, 3, 1]], "int4", per="group", group=2)
    >>> tensor.codes.tolist(), tensor.scales.round(3).tolist(), tensor.missing
    ([[7, -4, 7], [0, 7, 7]], [[0.143, 0.036], [0.429, 0.143]], 1)
    >>> quantise_integers([0.1, -1.0, 0.7], "ternary", per="tensor").codes.tolist()
    [0, -1, 1]
    """
    target = _target(number)
    array = as_reals(x, "x")
    at = checked_axis(array, axis)
    size = _group(per, group, array.shape[at])
    array = finite(array, "x", target).astype(np.float64)
    lines = _grouped(array, at, size, per)
    even = target.signed if symmetric is None else symmetric
    _check_options(target, symmetric, scale)
    if not isinstance(target, IntFormat) or target is TERNARY:
        return _by_mean(array, lines, target, at, size, per)
    if even:
        scales = _shaped(largest_scale(lines, target, -1)[..., 0], array, at, per)
        scales = scales if scale is None else _given(scale, scales.shape)
        zeros = None
    else:
        found, zero = _asymmetric(lines, target)
        scales, zeros = (_shaped(part, array, at, per) for part in (found, zero))
    return _tensor(array, target, scales, zeros, at, size)


def _tensor(
    array: Array, target: IntFormat, scales: Array, zeros: Array | None, axis: int, size: int
) -> QuantisedTensor:
    """Integers nearest to the numbers over their scales."""
    each = _over(scales, axis, size, array.shape[axis])
    if zeros is None:
        return QuantisedTensor(target, quantised(array, target, each), scales, axis, size)
    over = _over(zeros, axis, size, array.shape[axis])
    codes = quantised(array, target, each, zero=over)
    return QuantisedTensor(target, codes, scales, axis, size, zeros.astype(np.int64))


def _by_mean(
    array: Array, lines: Array, target: Format, axis: int, size: int, per: str
) -> QuantisedTensor:
    """Signs, or signs and zeros, times the mean of the magnitudes."""
    present = _grouped(np.ones_like(array), axis, size, per).sum(axis=-1)
    means = np.abs(lines / present[..., None]).sum(axis=-1)
    scales = _shaped(np.where(means > 0, means, 1.0), array, axis, per)
    if target is TERNARY:
        return _tensor(array, TERNARY, scales, None, axis, size)
    signs = BIPOLAR1.codes(np.where(array < 0, -1, 1))
    return QuantisedTensor(BIPOLAR1, signs, scales, axis, size)


def _asymmetric(lines: Array, target: IntFormat) -> tuple[Array, Array]:
    """Scale and zero point of every line: (...,) each."""
    low, high = (np.minimum(lines.min(-1), 0.0), np.maximum(lines.max(-1), 0.0))
    steps = target.high - target.low
    with np.errstate(over="ignore"):  # the largest there is, where the range is larger
        scale = np.minimum(high / steps - low / steps, np.finfo(np.float64).max)
    scale = np.where(scale > 0, scale, 1.0)
    zero = np.clip(np.rint(-low / scale) + target.low, target.low, target.high)
    return scale, zero


def _grouped(array: Array, axis: int, size: int, per: str) -> Array:
    """(..., groups, size): zeros behind the last group; per = tensor: (1, all)."""
    if per == "tensor":
        return array.reshape(1, -1)
    last = np.moveaxis(array, axis, -1)
    size = min(size, last.shape[-1])  # a group may be said to be larger than what there is
    pad = [(0, 0)] * (array.ndim - 1) + [(0, -last.shape[-1] % size)]
    padded = np.pad(last, pad)
    return padded.reshape(*last.shape[:-1], -1, size)


def _shaped(shared: Array, array: Array, axis: int, per: str) -> Array:
    """What groups share, in as many dimensions as the tensor has."""
    if per == "tensor":
        return shared.reshape((1,) * array.ndim)
    return np.moveaxis(shared, -1, axis)


def _over(shared: Array, axis: int, size: int, length: int) -> Array:
    """The same for every place along the axis."""
    return shared.take(np.arange(length) // size, axis=axis)


def _target(number: object) -> Format:
    if not isinstance(number, str) or number not in NUMBERS:
        raise unknown("number", number, NUMBERS)
    return NUMBERS[number]


def _group(per: object, group: object, length: int) -> int:
    """How many numbers along the axis share a scale."""
    if per not in PER:
        raise unknown("per", per, PER)
    if per != "group":
        if group is not None:
            raise TpeError(f"group = {group!r} is given and per = {per}; legal: per = group")
        return length
    size = DEFAULT_GROUP if group is None else group
    if not is_int(size) or size < 1:  # type: ignore[operator]
        raise TpeError(f"group = {group!r} is not legal: an integer of 1 or more")
    return int(size)  # type: ignore[call-overload, no-any-return]


def _check_options(target: Format, symmetric: object, scale: object) -> None:
    """TpeError for what a format does not take."""
    if symmetric is not None and not isinstance(symmetric, bool):
        raise TpeError(f"symmetric = {symmetric!r} is not legal: True, False or None")
    by_mean = not isinstance(target, IntFormat) or target is TERNARY
    if by_mean and symmetric is False:
        raise TpeError(f"symmetric = False and {target.name}; legal: with int2 to uint8")
    even = target.signed if symmetric is None else symmetric
    if scale is not None and (by_mean or not even):
        raise TpeError(f"scale is given, for {target.name}; legal: with symmetric integers")


def _given(scale: object, shape: tuple[int, ...]) -> Array:
    """A user's scales in the shape that they must have."""
    array = as_reals(scale, "scale").astype(np.float64)
    if array.shape not in ((), shape):
        raise TpeError(f"scale is {shape_text(array)}; legal: one number, or {shape}")
    if not (np.isfinite(array) & (array > 0)).all():
        worst = array[~(np.isfinite(array) & (array > 0))].flat[0]
        raise TpeError(f"scale holds {worst}; legal: finite numbers above 0")
    scales: Array = np.broadcast_to(array, shape).copy()
    return scales


# ---- a matrix of signs and two vectors ----

_MOST_TURNS, _CLOSE = 1000, 1e-13


@dataclass(frozen=True, eq=False)
class OneBit:
    """A matrix as signs and a scale for every row and column: signs x rows x columns.

    signs (R, C) int8, -1 and 1;  rows (R,), columns (C,) float64, 0 and above
    """

    signs: Array
    rows: Array
    columns: Array

    def values(self) -> Array:
        """The numbers, (R, C) float64."""
        return np.outer(self.rows, self.columns) * self.signs


def one_bit(w: object) -> OneBit:
    """A matrix of reals as OneBit has it (arXiv:2402.11295): its signs, magnitudes of rank 1.

    w (R, C): |w| is replaced by its best approximation of rank 1 in the sum of squares, by power
    iteration from ones, which ends when no scale moves by 1e-13 of it, or after 1000 turns. Both
    vectors have one length. The sign of 0 is +1. Raises TpeError for what is no finite matrix.

    >>> found = one_bit([[2.0, -4.0], [1.0, 2.0]])
    >>> found.signs.tolist(), found.values().round(6).tolist()
    ([[1, -1], [1, 1]], [[2.0, -4.0], [1.0, 2.0]])
    """
    array = as_reals(w, "w")
    if array.ndim != 2 or array.size == 0:
        raise TpeError(f"w has the shape {array.shape}; legal: R x C with no dimension of 0")
    size = np.abs(finite(array, "x", BIPOLAR1).astype(np.float64))
    most = size.max() or 1.0
    size = size / most  # so that no square is infinite
    columns = np.ones(array.shape[1])
    for _ in range(_MOST_TURNS):
        rows = size @ columns
        rows /= np.linalg.norm(rows) or 1.0
        turned = rows @ size
        moved = np.abs(turned - columns).max()
        columns = turned
        if moved <= _CLOSE:
            break
    length = np.linalg.norm(columns)  # the largest singular value of |w| / most
    even = np.sqrt(most) * np.sqrt(length)
    signs = np.where(array < 0, -1, 1).astype(np.int8)
    return OneBit(signs, rows * even, columns / (length or 1.0) * even)
