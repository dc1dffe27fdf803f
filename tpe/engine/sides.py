"""Which tensor is encoded: with `encode` = weights an engine computes the transposed product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tpe.numbers.operands import Ints

T = TypeVar("T")


@dataclass(frozen=True)
class Sides:
    """How A (M, K), B (K, N) and C (M, N) stand before an array whose A is the encoded one.

    turned -- B is encoded: the array computes C.T = B.T @ A.T. Everything here turns there and
    back alike.

    >>> Sides(turned=True).pair("of A", "of B"), Sides(turned=False).pair(3, 4)
    (('of B', 'of A'), (3, 4))
    """

    turned: bool

    def pair(self, a: T, b: T) -> tuple[T, T]:
        """What there is of A and of B, that of the encoded side first: formats, names, M and N."""
        return (b, a) if self.turned else (a, b)

    def operands(self, a: Ints, b: Ints) -> tuple[Ints, Ints]:
        """The encoded operand (M, K) and the other one (K, N), as the array sees them."""
        return (b.T, a.T) if self.turned else (a, b)

    def output(self, c: Ints) -> Ints:
        """C with a row for each row of the encoded operand."""
        return c.T if self.turned else c


def sides_of(params: Mapping[str, Any]) -> Sides:
    """The sides of an engine with these parameters."""
    return Sides(turned=params["encode"] == "weights")
