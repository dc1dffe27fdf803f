"""Number formats as data: each is one literal, with the codes that stand for its values.

What the hardware holds of a value is its *code*, a word of `bits` bits. The code of an integer is
the integer itself; `tpe.numbers.floats` and `tpe.numbers.bipolar` have formats whose codes are not.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from tpe.base import registry
from tpe.base.errors import TpeError, unknown
from tpe.numbers.matrices import as_matrix

Array = np.ndarray[Any, np.dtype[Any]]


class Format(ABC):
    """A set of numbers, and a code of `bits` bits for each.

    name -- what parameters call it;  signed -- whether the array takes its codes as they are
    low, high -- the extremes that it holds, infinities left out
    """

    name: str
    bits: int
    signed: bool
    step = 1  # between neighbouring whole numbers that it holds

    @property
    @abstractmethod
    def low(self) -> Any:
        """Smallest representable value."""

    @property
    @abstractmethod
    def high(self) -> Any:
        """Largest representable value."""

    @abstractmethod
    def read(self, value: object, where: str, dims: str, field: str) -> Array:
        """The codes of a user's matrix; TpeError for what is none, or is not of this format.

        `where` opens the message, `dims` names its dimensions, `field` the parameter of the format.
        """

    @abstractmethod
    def values(self, codes: Array) -> Array:
        """The numbers that codes stand for."""

    def port_bits(self, bits: int) -> int:
        """Bits that so many bits of codes take at a port: more where codes share something."""
        return bits

    @abstractmethod
    def corners(self) -> Array:
        """The values at which hardware goes wrong first, each once."""

    def sweep(self) -> Array:
        """All values of a format of at most 8 bits; of a wider one its corners and 256 others."""
        others = self.drawn(np.random.default_rng(self.bits), (256,))
        return np.concatenate([self.corners(), others])

    @abstractmethod
    def drawn(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Values over the whole format, for tests."""

    @abstractmethod
    def spread(self, bits: Array, sigma: float | None) -> Array:
        """Values from uniform 64-bit words (overwritten): uniform, or normal of this sigma."""


@dataclass(frozen=True)
class IntFormat(Format):
    """A two's-complement (`signed`) or plain binary integer of `bits` bits.

    >>> FORMATS["int8"].low, FORMATS["int8"].high
    (-128, 127)
    """

    name: str
    bits: int
    signed: bool

    @property
    def low(self) -> int:
        """Smallest representable value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest representable value."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    def read(self, value: object, where: str, dims: str, field: str) -> Array:
        """A matrix of integers in range, not copied."""
        matrix = as_matrix(value, where, dims)
        self.check(matrix, where, field)
        return matrix

    def check(self, x: Array, where: str, field: str) -> None:
        """`TpeError` naming the first value that leaves the format."""
        limits = np.iinfo(x.dtype)
        if self.low <= limits.min and limits.max <= self.high:
            return  # the array's own type cannot leave the range
        low, high = int(x.min()), int(x.max())
        if self.low <= low and high <= self.high:
            return
        worst = low if low < self.low else high
        position = [int(i) for i in np.argwhere(x == worst)[0]]
        raise TpeError(
            f"{where} holds {worst} at {position}; legal for {field} = {self.name}: "
            f"{self.low} to {self.high}"
        )

    def values(self, codes: Array) -> Array:
        """Themselves."""
        return codes

    def corners(self) -> Array:
        """The extremes and the values around zero.

        >>> FORMATS["int4"].corners().tolist(), FORMATS["uint2"].corners().tolist()
        ([-8, -2, -1, 0, 2, 7], [0, 2, 3])
        """
        low, high = self.low, self.high
        return np.array(sorted({low, max(low, -2), max(low, -1), 0, min(high, 2), high}))

    def sweep(self) -> Array:
        """All values up to 8 bits; else the corners and some others."""
        return np.arange(self.low, self.high + 1) if self.bits <= 8 else super().sweep()

    def drawn(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Every value equally likely."""
        return rng.integers(self.low, self.high + 1, shape)

    def spread(self, bits: Array, sigma: float | None) -> Array:
        """Uniform over the range; or normal, rounded, what it cannot hold drawn again."""
        if sigma is None:  # the range is a power of two: the top bits are exactly uniform
            bits >>= np.uint64(64 - self.bits)
            values: Array = bits.astype(np.int64)
        else:
            values = normal_steps(bits, self.low, self.high, sigma)
        values += self.low
        return values


@dataclass(frozen=True)
class CodedFormat(IntFormat):
    """A signed format that holds fewer values than its bits could: what an array sees of a side.

    `lowest` and `highest` are the values that occur, `bits` the width that the hardware has.
    """

    lowest: int
    highest: int

    @property
    def low(self) -> int:
        """Smallest value that occurs."""
        return self.lowest

    @property
    def high(self) -> int:
        """Largest value that occurs."""
        return self.highest


def normal_steps(bits: Array, low: int, high: int, sigma: float, mean: float = 0.0) -> Array:
    """Steps above `low` of integers drawn from a normal distribution, by uniform 64-bit words.

    mean: of the distribution, in the integers' own terms.
    """
    # Rounding, then redrawing what does not fit, is a distribution over the format's values;
    # inverting its cumulative sum draws from it in one step, so that a sigma far beyond the
    # format cannot redraw for ever.
    bits >>= np.uint64(64 - 53)
    steps: Array = np.searchsorted(_thresholds(low, high, sigma, mean), bits, side="right")
    return steps.astype(np.int64)


def _thresholds(low: int, high: int, sigma: float, mean: float) -> Array:
    """Entry i: P(value <= low + i) in units of 2**-53, for all values but the highest."""
    # Beyond 2**40 the distribution is uniform to 53 bits, and 1 / sigma would lose its own.
    scale = min(sigma, 2.0**40) * math.sqrt(2.0)
    edges = [math.erf((value + 0.5 - mean) / scale) for value in range(low - 1, high + 1)]
    first, last = edges[0], edges[-1]
    return np.array(
        [round((edge - first) / (last - first) * 2**53) for edge in edges[1:-1]], dtype=np.uint64
    )


FORMATS: dict[str, IntFormat] = {
    f"{prefix}int{bits}": IntFormat(f"{prefix}int{bits}", bits, not prefix)
    for prefix in ("", "u")
    for bits in range(2, 17)
}
"""The integers: what weights and activations of quantised networks are."""


def int_format(name: str | IntFormat, field: str = "type") -> IntFormat:
    """The format called `name`; `TpeError` naming `field` if there is none.

    >>> int_format("int4").bits, int_format("uint4").high
    (4, 15)
    """
    if isinstance(name, IntFormat):
        return name
    if name not in FORMATS:
        raise unknown(field, name, FORMATS)
    return FORMATS[name]


def number_format(name: str | Format, field: str = "type") -> Format:
    """The integer format called `name`, or another one: of ours, or of an installed package.

    Any floating-point format is found by its bits, such as e3m4 (`tpe.numbers.float_names`).
    Raises `TpeError` naming `field` if there is none.

    >>> number_format("bf16").bits, number_format("int4").bits, number_format("e3m4").bits
    (16, 4, 8)
    """
    if isinstance(name, Format):
        return name
    if name in FORMATS:
        return FORMATS[name]
    if name not in registry.homes("tpe.formats"):
        number: Format | None = registry.load("tpe.numbers.float_names:by_bits")(name, field)
        if number is None:
            raise unknown(field, name, [*FORMATS, *registry.homes("tpe.formats")])
        return number
    return registry.record("tpe.formats", name, Format)  # type: ignore[type-abstract]
