"""Sums of products without any rounding: what a Kulisch accumulator holds.

Operands are cut into limbs of a fixed-point number, signed, so short that a matrix product of two
limbs is exact in float64 and goes through BLAS; the sums of equal weight are put together in
Python's integers. Limbs without a bit set are left out: numbers that are near each other take few.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Array
from tpe.numbers.matrices import check_dimensions
from tpe.numbers.quantise import finite

_LIMB = 20  # bits
_BLOCK = 1 << 13  # of K: so many products of two limbs stay below 2**53
_LEAST_BIT = -1074  # of float64


@dataclass(frozen=True, eq=False)
class ExactSums:
    """Sums, each `integers` x 2**exponent: integers (M, N) are Python's, of any size."""

    integers: Array
    exponent: int

    def values(self) -> Array:
        """The sums, each rounded once to float64, to nearest even.

        >>> exact_sums([[1.0, 2.0**-80, -1.0]], [[1.0], [1.0], [1.0]]).values().tolist()
        [[8.271806125530277e-25]]
        """
        unit = self._unit
        sums = [_nearest(unit * whole) for whole in self.integers.ravel()]
        return np.array(sums, np.float64).reshape(self.integers.shape)

    def differences(self, c: Array) -> Array:
        """c less the sums, each rounded once to float64; c (M, N): finite floats or integers.

        >>> exact_sums([[1.0, 2.0**-80]], [[1.0], [1.0]]).differences(np.array([[1.0]])).tolist()
        [[-8.271806125530277e-25]]
        """
        pairs = zip(np.asarray(c).ravel().tolist(), self.integers.ravel(), strict=True)
        unit = self._unit
        differences = [_nearest(Fraction(value) - unit * whole) for value, whole in pairs]
        return np.array(differences, np.float64).reshape(self.integers.shape)

    @property
    def _unit(self) -> Fraction:
        return Fraction(2) ** self.exponent


def exact_sums(a: object, b: object) -> ExactSums:
    """A (M, K) @ B (K, N), exactly, for any K.

    a, b: finite numbers of any two formats, as floats or integers of up to 53 bits; from format
    codes with `tpe.from_codes`. Raises TpeError for NaN, infinity, and shapes that do not meet.

    >>> sums = exact_sums([[0.5, 3.0]], [[0.25], [-1.0]])
    >>> sums.values().tolist(), float(sums.integers[0, 0] * 2.0**sums.exponent)
    ([[-2.875]], -2.875)
    """
    left, right = _operand(a, "A", "M x K"), _operand(b, "B", "K x N")
    if left.shape[1] != right.shape[0]:
        raise TpeError(
            f"A is {left.shape[0]} x {left.shape[1]} and B {right.shape[0]} x {right.shape[1]}; "
            "legal: M x K and K x N"
        )
    low_a, low_b = _lowest(left), _lowest(right)
    total = np.zeros((left.shape[0], right.shape[1]), object)
    for start in range(0, left.shape[1], _BLOCK):
        part_a = _limbs(left[:, start : start + _BLOCK], low_a)
        part_b = _limbs(right[start : start + _BLOCK], low_b)
        for weight, sums in _by_weight(part_a, part_b).items():
            total += sums.astype(object) * (1 << (_LIMB * weight))
    return ExactSums(total, low_a + low_b)


def _nearest(x: Fraction) -> float:
    """The nearest float64, infinite beyond them."""
    try:
        return float(x)
    except OverflowError:
        return inf if x > 0 else -inf


def _by_weight(a: dict[int, Array], b: dict[int, Array]) -> dict[int, Array]:
    """The products of limbs i and j, int64, summed by i + j."""
    sums: dict[int, Array] = {}
    for i, left in a.items():
        for j, right in b.items():
            product = (left @ right).astype(np.int64)
            sums[i + j] = sums[i + j] + product if i + j in sums else product
    return sums


def _limbs(x: Array, low: int) -> dict[int, Array]:
    """Signed limbs i of x, each times 2**(low + i x bits), those that are not all zero."""
    _, exponents = np.frexp(x)
    count = max(0, -(-(int(exponents.max()) - low) // _LIMB))
    limbs, rest = {}, x
    for i in reversed(range(count)):
        unit = low + _LIMB * i
        limb = np.trunc(np.ldexp(rest, -unit))
        if limb.any():
            limbs[i] = limb
            rest = rest - np.ldexp(limb, unit)
    return limbs


def _lowest(x: Array) -> int:
    """An exponent of a power of two that all of x are multiples of."""
    if not x.any():
        return 0
    _, exponents = np.frexp(x[x != 0])
    return max(int(exponents.min()) - 53, _LEAST_BIT)


def _operand(x: object, where: str, dims: str) -> Array:
    array = np.asarray(x)
    if array.dtype.kind not in "iuf":
        raise TpeError(f"{where} is {array.dtype}; legal: integers or floats")
    check_dimensions(array, where, dims)
    wide = array.astype(np.float64)
    finite(wide, where)
    if array.dtype.kind in "iu" and np.abs(wide).max() > 2.0**53:
        raise TpeError(f"{where} holds integers beyond 2**53; legal: up to that")
    return wide
