"""Real numbers as integers of a format, and back: q = round(x / scale) + zero, saturated.

A scale of its own for each row of A and each column of B leaves the sum over K as a factor, so that
it can be put back exactly: C[m, n] = a_scale[m] b_scale[n] sum_k qa[m, k] qb[k, n]. Scales of
groups along K: `tpe.numbers.quantised_tensor`.
"""

from __future__ import annotations

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Array, Format, IntFormat
from tpe.numbers.matrices import refuse_masked


def as_reals(value: object, where: str) -> Array:
    """`value` as an array of integers or floats, not copied; TpeError if it is none.

    >>> as_reals([True], "x")
    Traceback (most recent call last):
    tpe.TpeError: x is bool; legal: integers or floats
    """
    refuse_masked(value, where, "integers or floats")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        raise TpeError(f"{where} is no rectangular array; legal: integers or floats") from None
    if array.dtype.kind not in "iuf":
        raise TpeError(f"{where} is {array.dtype}; legal: integers or floats")
    return array


def finite(x: Array, where: str, number: Format | None = None) -> Array:
    """The array itself; TpeError where it holds NaN or an infinity, which `number` does not take.

    >>> finite(np.array([1, np.inf]), "x")
    Traceback (most recent call last):
    tpe.TpeError: x holds inf; legal: finite numbers
    """
    if not np.isfinite(x).all():
        value = x[~np.isfinite(x)].flat[0]
        of = f" for {number.name}" if number else ""
        raise TpeError(f"{where} holds {value}; legal{of}: finite numbers")
    return x


def largest_scale(x: Array, number: IntFormat, axis: int | None = None) -> Array:
    """The scale that puts the largest magnitude on the largest integer; 1 where all is zero.

    x: finite reals. axis: the one along which a scale is shared; None: one for all. The result
    broadcasts against `x`. The lowest integer of a signed format stays unused.

    >>> from tpe.numbers.formats import FORMATS
    >>> largest_scale(np.array([[-254.0, 1], [0, 0]]), FORMATS["int8"], axis=1).tolist()
    [[2.0], [1.0]]
    """
    size = np.abs(x.astype(np.float64)).max(axis=axis, keepdims=True, initial=0.0)
    scale = size / number.high
    return np.where(scale > 0, scale, 1.0)


def quantised(
    x: Array, number: IntFormat, scale: Array, where: str = "x", zero: Array | None = None
) -> Array:
    """Integers nearest to x / scale, ties to even; those that the format cannot hold saturate.

    scale: above 0, one or as many as broadcast against `x`. zero: integers that stand for 0, added
    behind the rounding; None: 0. Returns the narrowest integers that hold the format. Raises
    TpeError for NaN, infinities, and, without `zero`, negative numbers where there is no sign.

    >>> from tpe.numbers.formats import FORMATS
    >>> quantised(np.array([0.5, 1.5, -900.0]), FORMATS["int8"], np.array(1.0)).tolist()
    [0, 2, -128]
    """
    finite(x, where, number)
    if zero is None and not number.signed and (x < 0).any():
        raise TpeError(
            f"{where} holds {x.min():.6g}; legal for {number.name}: 0 and above, or a signed type"
        )
    whole = np.rint(x / scale) + (0 if zero is None else zero)
    prefix, width = "i" if number.signed else "u", 1 if number.bits <= 8 else 2
    limited: Array = np.clip(whole, number.low, number.high).astype(f"{prefix}{width}")
    return limited
