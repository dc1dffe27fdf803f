"""What a public function was given, checked for its kind: one line that says what is legal."""

from __future__ import annotations

import os
from collections.abc import Iterable
from math import inf, isfinite
from typing import Any

from tpe.base.errors import TpeError


def number(value: Any, where: str, above: float = 0.0, below: float = inf) -> float:
    """A finite number between two bounds, neither of them legal.

    >>> number(2, "clock_ns")
    2.0
    >>> number("a", "clock_ns", below=1e6)
    Traceback (most recent call last):
    tpe.TpeError: clock_ns = 'a' is not legal: a number above 0 and below 1e+06
    """
    taken = None
    if not isinstance(value, bool | str | bytes):
        try:
            taken = float(value)
        except (TypeError, ValueError, OverflowError):
            taken = None
    if taken is None or not isfinite(taken) or not above < taken < below:
        top = f" and below {below:g}" if below < inf else ""
        raise TpeError(f"{where} = {value!r} is not legal: a number above {above:g}{top}")
    return taken


def numbers(values: Any, where: str, above: float = 0.0) -> tuple[float, ...]:
    """A list of such numbers, perhaps empty.

    >>> numbers(4.0, "clocks_ns")
    Traceback (most recent call last):
    tpe.TpeError: clocks_ns = 4.0 is not legal: a list of numbers above 0
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TpeError(f"{where} = {values!r} is not legal: a list of numbers above {above:g}")
    return tuple(number(value, where, above) for value in values)


def path(value: Any, where: str) -> str:
    """A path, as text.

    >>> path(None, "folder")
    Traceback (most recent call last):
    tpe.TpeError: folder = None is not legal: a path
    """
    if not isinstance(value, str | os.PathLike):
        raise TpeError(f"{where} = {value!r} is not legal: a path")
    return os.fspath(value)


def flag(value: Any, where: str) -> bool:
    """True or False, no number or word in their place.

    >>> flag("yes", "energy")
    Traceback (most recent call last):
    tpe.TpeError: energy = 'yes' is not legal: True or False
    """
    if not isinstance(value, bool):
        raise TpeError(f"{where} = {value!r} is not legal: True or False")
    return value
