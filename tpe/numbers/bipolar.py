"""Numbers without a zero: bit i of a code stands for +2**i or -2**i (arXiv:2409.17870).

A number of n bits is the sum over its bits of (2 b_i - 1) 2**i, an odd integer from -(2**n - 1) to
2**n - 1. An integer x of n bits in two's complement is next to 2 x + 1 here. Weights s (q - z)
with q of n bits, unsigned, are s / 2 (q' - z') with q' = 2 q - (2**n - 1), the number of q's bits,
and z' = 2 z + 1 - 2**n (arXiv:2408.06003).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Array, Format, normal_steps
from tpe.numbers.matrices import as_matrix


@dataclass(frozen=True)
class BipolarFormat(Format):
    """Odd integers of `bits` bits, 1 to 8; a code has a bit above these: it is an operand.

    Code 0, by which matrices are padded, is none, and counts as 0.

    >>> BIPOLAR2.values(np.array([0b100, 0b101, 0b110, 0b111])).tolist()
    [-3, -1, 1, 3]
    """

    name: str
    bits: int
    signed: bool = True  # the array takes its codes as they are
    step = 2

    @property
    def low(self) -> int:
        """Of zeros alone."""
        return -self.high

    @property
    def high(self) -> int:
        """Of ones alone."""
        return (1 << self.bits) - 1

    def read(self, value: object, where: str, dims: str, field: str) -> Array:
        """The codes of a matrix of odd integers in range.

        >>> BIPOLAR1.read([[-1, 1]], "A", "M x K", "a_type").tolist()
        [[2, 3]]
        """
        matrix = as_matrix(value, where, dims)
        wrong = np.argwhere((matrix % 2 == 0) | (matrix < self.low) | (matrix > self.high))
        if len(wrong):
            position = [int(i) for i in wrong[0]]
            raise TpeError(
                f"{where} holds {matrix[tuple(position)]} at {position}; legal for {field} = "
                f"{self.name}: {self._legal()}"
            )
        return self.codes(matrix)

    def _legal(self) -> str:
        if self.bits == 1:
            return "-1 and 1"
        return f"odd integers from {self.low} to {self.high}, 2 x + 1 of an int{self.bits} x"

    def codes(self, values: Array) -> Array:
        """The codes of these numbers."""
        bits: Array = (values.astype(np.int64) + self.high) >> 1
        return bits | (1 << self.bits)

    def values(self, codes: Array) -> Array:
        """The numbers that codes stand for; 0 for what is no operand."""
        words = np.asarray(codes, np.int64)
        numbers = 2 * (words & self.high) - self.high
        return numbers * (words >> self.bits)

    def corners(self) -> Array:
        """The extremes and the numbers around zero."""
        return np.array(sorted({self.low, -1, 1, self.high}))

    def sweep(self) -> Array:
        """All values."""
        return np.arange(self.low, self.high + 1, self.step)

    def drawn(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Every value equally likely."""
        return 2 * rng.integers(0, 1 << self.bits, shape) - self.high

    def spread(self, bits: Array, sigma: float | None) -> Array:
        """Uniform over the values; or normal, to the nearest one, what it cannot hold redrawn."""
        if sigma is None:
            numbers = (bits >> np.uint64(64 - self.bits)).astype(np.int64)
        else:  # of an integer x the number is 2 x + 1
            half = 1 << (self.bits - 1)
            numbers = normal_steps(bits, -half, half - 1, sigma / 2, mean=-0.5)
        return 2 * numbers - self.high


def reinterpreted(q: Array, bits: int) -> Array:
    """The bipolar number q' = 2 q - (2**bits - 1) of each q, 0 to 2**bits - 1; odd integers.

    >>> reinterpreted(np.arange(4), 2).tolist()
    [-3, -1, 1, 3]
    """
    numbers: Array = 2 * np.asarray(q, np.int64) - ((1 << bits) - 1)
    return numbers


def reinterpreted_zero(zero: Array, bits: int) -> Array:
    """z' = 2 z + 1 - 2**bits of each zero point z: q - z is (q' - z') / 2.

    >>> q, z = np.arange(4), 2
    >>> ((reinterpreted(q, 2) - reinterpreted_zero(z, 2)) // 2 == q - z).all()
    np.True_
    """
    return reinterpreted(zero, bits)


BIPOLAR1 = BipolarFormat("bipolar1", 1)
BIPOLAR2 = BipolarFormat("bipolar2", 2)
BIPOLAR3 = BipolarFormat("bipolar3", 3)
BIPOLAR4 = BipolarFormat("bipolar4", 4)
BIPOLAR5 = BipolarFormat("bipolar5", 5)
BIPOLAR6 = BipolarFormat("bipolar6", 6)
BIPOLAR7 = BipolarFormat("bipolar7", 7)
BIPOLAR8 = BipolarFormat("bipolar8", 8)
TYPES = tuple(
    number.name
    for number in (
        *(BIPOLAR8, BIPOLAR7, BIPOLAR6, BIPOLAR5),
        *(BIPOLAR4, BIPOLAR3, BIPOLAR2, BIPOLAR1),
    )
)
"""Their names, the widest first."""
