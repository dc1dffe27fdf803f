"""Cycles by shape alone, and what their rules need to be read of integers and of arrays alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ClosedForm:
    """Cycles of a GEMM whose steps no operand changes, in integers, or arrays of them.

    An array has a number for each of many arrays' sizes: the rule is the same text.

    useful  -- operands of K that cells take, of which `per` are a cycle
    steps   -- cycles in which cells step
    """

    useful: int
    per: int
    steps: int
    fill_drain: int
    load: int = 0


def larger(one: int, other: int) -> int:
    """The larger of two integers, or of every two of arrays.

    >>> larger(3, 4), larger(np.array([3, 5]), 4).tolist()
    (4, [4, 5])
    """
    return _of_two(one, other, max, np.maximum)


def smaller(one: int, other: int) -> int:
    """The smaller of two integers, or of every two of arrays.

    >>> smaller(3, 4), smaller(np.array([3, 5]), 4).tolist()
    (3, [3, 4])
    """
    return _of_two(one, other, min, np.minimum)


def _of_two(one: Any, other: Any, of_two: Callable[..., Any], of_arrays: Callable[..., Any]) -> int:
    plain = isinstance(one, int) and isinstance(other, int)
    chosen: int = of_two(one, other) if plain else of_arrays(one, other)
    return chosen


def either(condition: bool, one: int, other: int) -> int:
    """`one` where a condition holds, else `other`; of arrays place by place.

    >>> either(False, 1, 2), either(np.array([True, False]), 1, 2).tolist()
    (2, [1, 2])
    """
    if isinstance(condition, bool):
        return one if condition else other
    chosen: Any = np.where(condition, one, other)
    placed: int = chosen
    return placed
