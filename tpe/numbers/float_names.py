"""Floating-point formats by the bits of their fields: e3m4, e4m3fnuz, e5m10.

A name without a suffix follows IEEE 754: bias 2**(exponent bits - 1) - 1, subnormals, infinities
and NaN in the highest exponent. Suffixes are those of ml_dtypes and MLIR, and one more:

    fn    finite, with NaN: no infinity, the highest code of either sign is NaN
    fnuz  the same, but -0's code is the one NaN, and the bias is one more
    f     finite alone: no infinity and no NaN, every code is a number

Some names are taken, with the facts of those who named them: e4m3fn and e5m2 are these rules', but
e3m2, e2m3 and e2m1 are OCP's, which are finite alone, and e8m0 is OCP's scale.
"""

from __future__ import annotations

import re

from tpe.base.errors import TpeError
from tpe.numbers.floats import FloatFormat

_PATTERN = re.compile(r"e(\d{1,4})m(\d{1,4})(\w*)")
_SUFFIXES = {"": "ieee", "fn": "top", "fnuz": "minus_zero", "f": "none"}  # -> its NaN
_EXPONENTS = range(2, 9)
_OCP = ("e3m2", "e2m3", "e2m1")  # what others call fn has no NaN there


def by_bits(name: object, field: str) -> FloatFormat | None:
    """The format of a name of such a form; None if it is no such name.

    Raises TpeError naming `field` where the form is right and the format is none: the exponent has
    2 to 8 bits, the fraction 1 to 23, or with a suffix 0 to 22.

    >>> by_bits("e3m4", "a_type").high, by_bits("e4m3fnuz", "a_type").high
    (15.5, 240.0)
    >>> by_bits("e9m1", "a_type")
    Traceback (most recent call last):
    ...
    tpe.TpeError: a_type = e9m1 is not legal: eXmY has X from 2 to 8, and Y from 1 to 23, or 0 \
to 22 with fn, fnuz or f
    """
    match = _PATTERN.fullmatch(name) if isinstance(name, str) else None
    if match is None:
        return None
    exponent, fraction, suffix = int(match[1]), int(match[2]), match[3]
    if suffix not in _SUFFIXES:
        raise TpeError(
            f"{field} = {name} is not legal: after eXmY stands nothing (as IEEE 754), fn, fnuz or f"
        )
    nan = _SUFFIXES[suffix]
    fractions = range(1, 24) if nan == "ieee" else range(23)
    if name != f"e{exponent}m{fraction}{suffix}":
        raise TpeError(f"{field} = {name} is not legal: it is e{exponent}m{fraction}{suffix}")
    if exponent not in _EXPONENTS or fraction not in fractions:
        raise TpeError(
            f"{field} = {name} is not legal: eXmY has X from 2 to 8, and Y from 1 to 23, "
            "or 0 to 22 with fn, fnuz or f"
        )
    if suffix == "fn" and name[:-2] in _OCP:
        raise TpeError(
            f"{field} = {name} is not legal: the format that others call so has no NaN, "
            f"and is {name[:-2]} here"
        )
    bias = (1 << (exponent - 1)) - (0 if nan == "minus_zero" else 1)
    return FloatFormat(name, exponent, fraction, bias, infinity=nan == "ieee", nan=nan)
