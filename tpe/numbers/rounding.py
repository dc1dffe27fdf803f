"""How a real number becomes a code: rounding modes, overflow, subnormals, compiled for arrays.

The modes are IEEE 754's five, and stochastic rounding. What is rounded is a word of a wider
binary format, float32 or float64, bit by bit: no float type is used, so that no mode depends on
the processor's. Words of float64 are first cut to the bits that a rounding to 24 can see; then all
is int32, of which a vector holds twice as many as of int64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.base.jit import compiled, kernel
from tpe.numbers.matrices import is_int
from tpe.numbers.words import Rows

MODES = ("nearest_even", "nearest_away", "toward_zero", "up", "down", "stochastic")
OVERFLOWS = ("ieee", "saturate", "nan")
SUBNORMALS = ("keep", "flush")
_CUT = 24  # of the 52 fraction bits of float64; 29 bits stay, 5 more than a format of 32 bits has
_MOST_SHIFT = 30  # a significand of 29 bits and as many ones as this are below 2**31
_MOST_DRAWN = 62  # the same of 53 bits and 2**63


@dataclass(frozen=True)
class Rounding:
    """What rounding to a floating-point format does, all of it.

    mode       -- IEEE 754's `nearest_even`, `nearest_away`, `toward_zero`, `up` and `down`, each of
                  the exact number; or `stochastic`: away from zero with a probability that is the
                  distance to the neighbour towards zero, in units of their distance, to 2**-62
    overflow   -- of what is beyond the largest number once it is rounded: `ieee`, the mode's
                  choice, infinity or the largest (which it is too where there is no infinity);
                  `saturate`: the largest, of infinity too; `nan`: as `ieee`, but NaN where a
                  format has no infinity, OCP's conversion without saturation
    subnormals -- `keep`, or `flush`: what is subnormal once it is rounded is zero, sign kept
    seed       -- of `stochastic`, which needs one; 0 and above. Element i, in C order, depends on
                  it and on i alone

    >>> Rounding("nearest_evn")
    Traceback (most recent call last):
    ...
    tpe.TpeError: unknown mode 'nearest_evn' (did you mean 'nearest_even'?); \
legal: nearest_even, nearest_away, toward_zero, up, down, stochastic
    """

    mode: str = "nearest_even"
    overflow: str = "ieee"
    subnormals: str = "keep"
    seed: int | None = None

    def __post_init__(self) -> None:
        for field, legal in (("mode", MODES), ("overflow", OVERFLOWS), ("subnormals", SUBNORMALS)):
            value = getattr(self, field)
            if not isinstance(value, str) or value not in legal:
                raise unknown(field, value, legal)
        stochastic = self.mode == "stochastic"
        if stochastic and self.seed is None:
            raise TpeError("mode = stochastic needs a seed; legal: an integer of 0 and above")
        if self.seed is not None and not stochastic:
            raise TpeError(f"seed = {self.seed!r} with mode = {self.mode}; legal: with stochastic")
        if self.seed is not None and not (is_int(self.seed) and self.seed >= 0):
            raise TpeError(f"seed = {self.seed!r} is not legal: an integer of 0 and above")


NEAREST_EVEN = Rounding()


class Target(NamedTuple):
    """The format that is rounded to, and what becomes of what it does not hold; all of int32.

    A code of 32 bits is the int32 of the same bits.
    """

    fraction: int  # bits
    bias: int
    lowest: int  # the least exponent of a significand: 1 where exponent 0 is that of subnormals
    largest: int  # code
    least: int  # codes below it are 0: those of subnormals that are flushed
    plus_over: int  # codes of what is rounded beyond the largest number ...
    minus_over: int
    infinite: int  # ... of infinity ...
    missing: int  # ... and of NaN; -1 if there is none
    sign: int  # bit of a code
    unsigned: int  # the highest code that has no sign: -1, or 0


class Addend(NamedTuple):
    """What is added below the last bit that stays, before the bits below it are cut off.

    `ones` are as many as are cut off. Nearest is half of them and a bit, which decides the ties.
    """

    half: int  # 1: ones >> 1 is added
    plus: int  # -1 or 0: whether it is, to positive numbers ...
    minus: int  # ... and to negative ones
    even: int  # 1: and the last bit that stays
    away: int  # 1: and one


_ADDENDS = {
    "nearest_even": Addend(1, -1, -1, 1, 0),
    "nearest_away": Addend(1, -1, -1, 0, 1),
    "toward_zero": Addend(0, 0, 0, 0, 0),
    "up": Addend(0, -1, 0, 0, 0),
    "down": Addend(0, 0, -1, 0, 0),
}
_i32: Any = np.int32  # numba's sums of int32 are int64, and are cut again


def round_array(
    x: Rows, bits: int, target: Target, rounding: Rounding, wide: bool
) -> tuple[Rows, int]:
    """The codes of real numbers, and how many are NaN.

    x: float32 or float64. Codes are uint8, uint16 or uint32, in the shape of x; those of NaN are
    unspecified where `target` has none. wide: the format has numbers that float32 does not.
    """
    drawing = rounding.seed is not None
    narrow = x.dtype == np.float32 and not wide and not drawing
    word: Any = np.int32 if narrow else np.int64
    with np.errstate(invalid="ignore"):  # a signalling NaN is one like any other
        flat = np.ascontiguousarray(x, np.float32 if narrow else np.float64).reshape(-1)
    words = flat.view(word)
    codes = np.empty(words.shape, code_type(bits))
    target = Target(*(_i32((fact & 0xFFFFFFFF ^ 1 << 31) - (1 << 31)) for fact in target))
    if drawing:
        # The words of the generator itself: its distributions may change with NumPy's version.
        drawn = np.random.PCG64(rounding.seed).random_raw(len(words)).astype(np.uint64)
        count = compiled(round_drawing)(words, drawn.view(np.int64), codes, target)
    else:
        addend = Addend(*(_i32(part) for part in _ADDENDS[rounding.mode]))
        count = compiled(round_float32 if narrow else round_float64)(words, codes, target, addend)
    return codes.reshape(x.shape), count


def rounded_integers(x: Rows, rounding: Rounding) -> Rows:
    """Real numbers rounded to integers by a mode; float64, sign of zero kept.

    x: finite float64.

    >>> rounded_integers(np.array([0.5, 1.5, -2.5, 0.2]), Rounding("nearest_even")).tolist()
    [0.0, 2.0, -2.0, 0.0]
    """
    whole = np.trunc(x)
    part = np.abs(x - whole)
    if rounding.mode == "nearest_even":
        nearest: Rows = np.rint(x)
        return nearest
    if rounding.seed is not None:
        drawn = np.random.PCG64(rounding.seed).random_raw(x.size).reshape(x.shape)
        outward = part > (drawn >> np.uint64(11)) * 2.0**-53
    else:
        outward = {
            "nearest_away": part >= 0.5,
            "toward_zero": np.zeros(x.shape, bool),
            "up": (part > 0) & (x > 0),
            "down": (part > 0) & (x < 0),
        }[rounding.mode]
    stepped: Rows = whole + np.copysign(outward, x)
    return stepped


def code_type(bits: int) -> type[np.unsignedinteger[Any]]:
    """The smallest unsigned type of NumPy that holds codes of so many bits."""
    return np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32


@kernel()
def round_float32(words: Rows, codes: Rows, target: Target, addend: Addend) -> int:
    """Round every word of float32 into `codes`; how many became NaN."""
    count = 0
    for i in range(words.shape[0]):
        size = _i32(words[i] & 0x7FFF_FFFF)
        negative = words[i] < 0
        at = _i32(size >> 23)
        significand = _i32((size & 0x7F_FFFF) | ((1 << 23) if at > 0 else 0))
        exponent = _i32(max(at, _i32(1)) + target.bias - _i32(127))
        short = max(_i32(0), _i32(target.lowest - exponent))  # bits of a subnormal that are lost
        shift = _i32(_i32(23) - target.fraction + short)
        whole = _rounded(significand, shift, negative, addend)
        infinite, missing = size == 0x7F80_0000, size > 0x7F80_0000
        code = _code(whole, exponent, negative, infinite, missing, target)
        codes[i] = code
        count += code == target.missing
    return count


@kernel()
def round_float64(words: Rows, codes: Rows, target: Target, addend: Addend) -> int:
    """The same of float64."""
    count = 0
    for i in range(words.shape[0]):
        size, at, significand = _parts64(words[i])
        negative = words[i] < 0
        lost = significand & ((1 << _CUT) - 1)
        significand = _i32((significand >> _CUT) | (1 if lost else 0))
        exponent = _i32(min(max(at, 1) + target.bias - 1023, _beyond(target)))
        short = max(_i32(0), _i32(target.lowest - exponent))
        shift = _i32(_i32(52 - _CUT) - target.fraction + short)
        whole = _rounded(significand, shift, negative, addend)
        infinite, missing = size == 2047 << 52, size > 2047 << 52
        code = _code(whole, exponent, negative, infinite, missing, target)
        codes[i] = code
        count += code == target.missing
    return count


@kernel()
def round_drawing(words: Rows, drawn: Rows, codes: Rows, target: Target) -> int:
    """The same of float64, away from zero where a drawn word carries."""
    count = 0
    for i in range(words.shape[0]):
        size, at, significand = _parts64(words[i])
        negative = words[i] < 0
        exponent = max(at, 1) + target.bias - 1023
        shift = 52 - target.fraction + max(0, target.lowest - exponent)
        beyond = min(max(shift - _MOST_DRAWN, 0), 63)
        shift = min(shift, _MOST_DRAWN)
        carried = (significand >> beyond) + (drawn[i] & ((1 << shift) - 1))
        whole = _i32(carried >> shift)
        infinite, missing = size == 2047 << 52, size > 2047 << 52
        exponent = min(exponent, _beyond(target))
        code = _code(whole, _i32(exponent), negative, infinite, missing, target)
        codes[i] = code
        count += code == target.missing
    return count


@kernel()
def _beyond(target: Target) -> int:
    """An exponent that is above the format's, and so little that a code of it fits 33 bits."""
    return (target.largest >> target.fraction) + 1


@kernel()
def _parts64(word: int) -> tuple[int, int, int]:
    """The magnitude of a word of float64, its exponent and its significand."""
    size = word & 0x7FFF_FFFF_FFFF_FFFF
    at = size >> 52
    return size, at, (size & ((1 << 52) - 1)) + ((1 << 52) if at > 0 else 0)


@kernel()
def _rounded(significand: int, shift: int, negative: bool, addend: Addend) -> int:
    """A significand without its `shift` lowest bits, rounded."""
    shift = _i32(min(shift, _i32(_MOST_SHIFT)) & 31)  # which shows that it is no more
    ones = _i32((_i32(1) << shift) - 1)
    added = _i32(_i32(ones >> addend.half) & (addend.minus if negative else addend.plus))
    added = _i32(added + (_i32(significand >> shift) & ones & addend.even) + (ones & addend.away))
    whole: int = _i32(_i32(significand + added) >> shift)
    return whole


@kernel()
def _code(
    whole: int, exponent: int, negative: bool, infinite: bool, missing: bool, target: Target
) -> int:
    """The code of a significand that was rounded, as int32."""
    # One addition: a rounding that carries out of the fraction moves on to the next exponent.
    above = _i32(max(exponent, target.lowest) - _i32(1))
    code = _i32(whole + _i32(above << target.fraction))
    over = _i32(code - target.largest) > 0  # right where the code was carried to 2**31 and wrapped
    code = _i32(0) if code < target.least else code
    code = (target.minus_over if negative else target.plus_over) if over else code
    code = target.infinite if infinite else code
    code = target.missing if missing else code
    signed = negative and code > target.unsigned and code != target.missing
    return _i32(code | target.sign) if signed else code
