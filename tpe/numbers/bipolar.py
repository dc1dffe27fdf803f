"""Numbers without a zero: every bit stands for +1 or -1 (arXiv:2409.17870)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Array, Format
from tpe.numbers.matrices import as_matrix


@dataclass(frozen=True)
class BipolarFormat(Format):
    """One bit: 1 stands for +1 and 0 for -1.

    There is no zero, so that a padded operand is not one: what multiplies it must be.

    >>> BIPOLAR1.values(np.array([0, 1])).tolist()
    [-1, 1]
    """

    name: str
    bits: int = 1
    signed: bool = True  # the array takes its codes as they are

    @property
    def step(self) -> int:  # type: ignore[override]
        """From -1 to +1."""
        return 2

    @property
    def low(self) -> int:
        """-1."""
        return -1

    @property
    def high(self) -> int:
        """+1."""
        return 1

    def read(self, value: object, where: str, dims: str, field: str) -> Array:
        """The bits of a matrix of -1 and +1."""
        matrix = as_matrix(value, where, dims)
        wrong = np.argwhere((matrix != 1) & (matrix != -1))
        if len(wrong):
            position = [int(i) for i in wrong[0]]
            raise TpeError(
                f"{where} holds {matrix[tuple(position)]} at {position}; legal for {field} = "
                f"{self.name}: -1 and 1"
            )
        return (matrix.astype(np.int64) + 1) >> 1

    def values(self, codes: Array) -> Array:
        """-1 and +1."""
        return 2 * np.asarray(codes, np.int64) - 1

    def corners(self) -> Array:
        """Both."""
        return np.array([-1, 1])

    def sweep(self) -> Array:
        """Both."""
        return self.corners()

    def drawn(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Either equally likely."""
        return self.values(rng.integers(0, 2, shape))

    def spread(self, bits: Array, sigma: float | None) -> Array:
        """Either equally likely, whatever the sigma: the sign of a normal distribution."""
        return self.values((bits >> np.uint64(63)).astype(np.int64))


BIPOLAR1 = BipolarFormat("bipolar1")
