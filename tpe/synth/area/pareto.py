"""The area/delay front: of all ways to build a design, those that none beats on both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from tpe.synth.area.timing import Timing
from tpe.synth.netlist.mapped import Mapped


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


class Timed(Protocol):
    """Whatever has a shortest clock period: a netlist, a module, an array."""

    @property
    def period_ns(self) -> float: ...


P = TypeVar("P", bound=Point)
T = TypeVar("T", bound=Timed)


def _own_area(point: Any) -> float:
    return float(point.area_um2)


def pareto(points: Iterable[T], area: Callable[[T], float] = _own_area) -> tuple[T, ...]:
    """The points that no other beats or equals in area and in period, fastest first.

    From one to the next the period grows and the area falls. Of equal ones the first stays.
    `area` is a point's area where that depends on more than the point, such as an array's size.
    """
    front: list[T] = []
    for point in sorted(points, key=lambda p: (p.period_ns, area(p))):
        if not front or area(point) < area(front[-1]):
            front.append(point)
    return tuple(front)


MARGIN = 0.02  # of area or period, by which a variant may lose to another before it is given up


def clearly_beats(one: Point, other: Point) -> bool:
    """Whether a point is no worse than another and better by more than `MARGIN` in one respect."""
    return (
        one.area_um2 <= other.area_um2
        and one.period_ns <= other.period_ns
        and (
            one.area_um2 <= (1 - MARGIN) * other.area_um2
            or one.period_ns <= (1 - MARGIN) * other.period_ns
        )
    )


def at_clock(front: Sequence[P], clock_ns: float) -> P | None:
    """The smallest point of a front that meets a clock; None if none does."""
    meets = [point for point in front if point.period_ns <= clock_ns]
    return min(meets, key=lambda point: point.area_um2) if meets else None
