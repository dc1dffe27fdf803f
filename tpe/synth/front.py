"""The area/delay front: of all netlists of a design, those that none beats on both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tpe.synth.mapper import Mapped
from tpe.synth.timing import Timing


@dataclass(frozen=True)
class Point:
    """A netlist with its timing; `timing` is None where it has no path, such as bare wires."""

    mapped: Mapped
    timing: Timing | None

    @property
    def area_um2(self) -> float:
        """The sum of its cells' areas."""
        return self.mapped.area_um2

    @property
    def period_ns(self) -> float:
        """Its shortest clock period; 0 without a path."""
        return self.timing.period_ns if self.timing else 0.0


P = TypeVar("P", bound=Point)


def pareto(points: Iterable[P]) -> tuple[P, ...]:
    """The points that no other beats or equals in area and in period, fastest first.

    From one to the next the period grows and the area falls. Of equal ones the first stays.
    """
    front: list[P] = []
    for point in sorted(points, key=lambda p: (p.period_ns, p.area_um2)):
        if not front or point.area_um2 < front[-1].area_um2:
            front.append(point)
    return tuple(front)


def at_clock(front: Sequence[P], clock_ns: float) -> P | None:
    """The smallest point of a front that meets a clock; None if none does."""
    meets = [point for point in front if point.period_ns <= clock_ns]
    return min(meets, key=lambda point: point.area_um2) if meets else None
