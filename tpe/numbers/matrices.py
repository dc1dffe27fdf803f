"""Matrices of integers as users give them: checked, and held so that nobody changes them."""

from __future__ import annotations

import numpy as np

from tpe.base.errors import TpeError

INT64_MAX = 2**63 - 1


def as_matrix(value: object, where: str, dims: str) -> np.ndarray:
    """`value` as a two-dimensional integer array, not copied; `TpeError` if it is none."""
    array = _as_array(value, where, dims)
    check_dimensions(array, where, dims)
    _check_integers(array, where)
    return array


def check_dimensions(array: np.ndarray, where: str, dims: str) -> None:
    """`TpeError` unless an array has two dimensions, neither of 0."""
    if array.ndim != 2:
        raise TpeError(f"{where} have {array.ndim} dimension(s), not 2; legal: {dims}")
    if array.size == 0:
        raise TpeError(f"{where} are {shape_text(array)}; legal: {dims} with no dimension of 0")


def refuse_masked(value: object, where: str, legal: str) -> None:
    """`TpeError` for an array with masked elements, which numpy would take as if they were not."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TpeError(f"{where} have masked elements; legal: {legal}, none masked")


def owned(array: np.ndarray) -> np.ndarray:
    """A read-only C-ordered int64 array with these values, copied unless nobody can change it.

    Floats stay what they are.
    """
    shared = array.flags.writeable or not array.flags.owndata
    dtype = array.dtype if array.dtype.kind == "f" else np.dtype(np.int64)
    if shared or array.dtype != dtype or not array.flags.c_contiguous:
        array = np.array(array, dtype=dtype, order="C", copy=True, subok=False)
        array.flags.writeable = False
    return array


def magnitude(array: np.ndarray) -> int:
    """The largest absolute value, as a Python integer: abs(-2**63) does not fit int64."""
    return max(abs(int(array.min())), abs(int(array.max())))


def shape_text(array: np.ndarray) -> str:
    """`(3, 4)` as "3 x 4"."""
    return " x ".join(str(size) for size in array.shape)


def is_int(value: object) -> bool:
    """Whether `value` is an integer, Python's or numpy's; True and False are not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_count(value: object, where: str, most: int) -> int:
    """The integer itself, from 1 to `most`; TpeError for anything else.

    >>> check_count(9, "depth", 8)
    Traceback (most recent call last):
    tpe.TpeError: depth = 9 is not legal: an integer from 1 to 8
    """
    if not is_int(value) or not 1 <= value <= most:  # type: ignore[operator]
        raise TpeError(f"{where} = {value!r} is not legal: an integer from 1 to {most}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def _as_array(value: object, where: str, dims: str) -> np.ndarray:
    refuse_masked(value, where, f"{dims} integers")
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise TpeError(f"{where} are not a rectangular array; legal: {dims} integers") from None


def _check_integers(array: np.ndarray, where: str) -> None:
    kind = array.dtype.kind
    if kind in "iu":
        # Only uint64 holds values that int64 does not.
        if kind == "u" and int(array.max()) > INT64_MAX:
            raise TpeError(f"{where} hold {int(array.max())}; legal: up to {INT64_MAX} (int64)")
        return
    if kind in "fc" and bool(np.isnan(array).any()):
        row, column = np.argwhere(np.isnan(array))[0].tolist()
        raise TpeError(f"{where} hold NaN, the first at [{row}, {column}]; legal: integers")
    hint = {
        "f": " (quantise them first)",
        "b": " (cast them first: .astype(np.int8))",
        "O": " (numbers within int64, in rows of equal length)",
    }.get(kind, "")
    raise TpeError(f"{where} are {array.dtype}; legal: integers{hint}")
