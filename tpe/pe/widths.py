"""The widths that a PE is built for, and the kinds of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tpe.nest.notation import Loop

Params = Mapping[str, Any]
Loops = tuple[Loop, ...]


@dataclass(frozen=True)
class Widths:
    """The widths, in bits, and the counts that a PE's hardware is built for."""

    a: int  # encoded operand
    b: int  # other operand
    acc: int  # accumulator
    lanes: int = 1  # operands of K merged in one step
    depth: int = 1  # operands of K that one pass sums at most; 1 for a PE without resident B

    @property
    def digits(self) -> int:
        """Radix-4 digits of the encoded operand: the planes of a digit-serial PE."""
        return (self.a + 1) // 2

    @property
    def plane_bits(self) -> int:
        """Width of the number of a plane."""
        return max(1, (self.digits - 1).bit_length())
