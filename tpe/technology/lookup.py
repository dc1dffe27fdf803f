"""Look-up tables of delay, transition, constraint and energy, interpolated as timers do."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Table:
    """A quantity over at most two axes, bilinear between its points and beyond them.

    variables -- what the axes are, in this order: `slew` (ns, of the input) before `load` (fF, on
                 the output); of a constraint `related` before `constrained` (both slews, ns)
    axes      -- one rising vector per variable
    values    -- shape (len(axis), ...): ns, or fJ

    >>> square = Table(("slew", "load"), (np.array([0., 1.]), np.array([0., 10.])),
    ...                np.array([[1., 2.], [3., 8.]]))
    >>> float(square.at(0.5, 5.0)), float(square.at(2.0, 0.0))
    (3.5, 5.0)
    """

    variables: tuple[str, ...]
    axes: tuple[Floats, ...]
    values: Floats

    def at(self, first: ArrayLike, second: ArrayLike = 0.0) -> Floats:
        """The quantity at (slew, load), or (related slew, constrained slew), broadcast together.

        An argument whose axis the table lacks is ignored: a table over load alone is asked as
        `at(slew, load)` too. Outside the axes the outermost piece goes on, as in OpenSTA.
        """
        x, y = np.broadcast_arrays(np.asarray(first, float), np.asarray(second, float))
        if not self.axes:
            return np.full(x.shape, float(self.values))
        if len(self.axes) == 1:
            coordinate = y if self.variables[0] in ("load", "constrained") else x
            low, part = _locate(self.axes[0], coordinate)
            one: Floats = _between(self.values, low, part)
            return one
        i, u = _locate(self.axes[0], x)
        j, v = _locate(self.axes[1], y)
        rows, columns = self.values.shape
        i1, j1 = np.minimum(i + 1, rows - 1), np.minimum(j + 1, columns - 1)
        near = self.values[i, j] * (1 - v) + self.values[i, j1] * v
        far = self.values[i1, j] * (1 - v) + self.values[i1, j1] * v
        two: Floats = near * (1 - u) + far * u
        return two

    def at_point(self, first: float, second: float = 0.0) -> float:
        """`at` of two numbers, twenty times as quick.

        >>> Table(("load",), (np.array([0., 2.]),), np.array([1., 3.])).at_point(9.0, 0.5)
        1.5
        """
        if not self.axes:
            return float(self.values)
        found: float
        if len(self.axes) == 1:
            coordinate = second if self.variables[0] in ("load", "constrained") else first
            found = _along(self._rows, *_locate_point(self._points[0], coordinate))
            return found
        (i, u), (j, v) = map(_locate_point, self._points, (first, second))
        near = _along(self._rows[i], j, v)
        found = near + (_along(self._rows[i + 1], j, v) - near) * u if u else near
        return found

    @cached_property
    def _points(self) -> tuple[list[float], ...]:
        return tuple(axis.tolist() for axis in self.axes)

    @cached_property
    def _rows(self) -> Any:
        return self.values.tolist()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Table)
            and self.variables == other.variables
            and all(map(np.array_equal, self.axes, other.axes))
            and np.array_equal(self.values, other.values)
        )

    def __hash__(self) -> int:
        return hash((self.variables, self.values.tobytes()))


def _locate_point(axis: Sequence[float], at: float) -> tuple[int, float]:
    """`_locate` of a number: how far it is beyond a point, 0 on an axis of one."""
    if len(axis) == 1:
        return 0, 0.0
    low = min(max(bisect_right(axis, at) - 1, 0), len(axis) - 2)
    return low, (at - axis[low]) / (axis[low + 1] - axis[low])


def _along(values: Sequence[float], low: int, part: float) -> float:
    """Between two values, or beyond them."""
    return values[low] + (values[low + 1] - values[low]) * part if part else values[low]


def _locate(axis: Floats, at: Floats) -> tuple[NDArray[np.intp], Floats]:
    """The piece of an axis that each point lies in, and how far along it, beyond 0..1 outside."""
    if len(axis) == 1:
        return np.zeros(at.shape, np.intp), np.zeros(at.shape)
    low = np.clip(np.searchsorted(axis, at, side="right") - 1, 0, len(axis) - 2)
    return low, (at - axis[low]) / (axis[low + 1] - axis[low])


def _between(values: Floats, low: NDArray[np.intp], part: Floats) -> Any:
    high = np.minimum(low + 1, len(values) - 1)
    return values[low] * (1 - part) + values[high] * part
