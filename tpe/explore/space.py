"""A space of engines: families of points, each a product of axes, numbered without being made.

A family is a PE in an array with what is to choose there. Its points are numbered by its axes, the
last one fastest; families follow each other. So a point is found by its number, any number of them
without memory, and conditions are evaluated for thousands at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from tpe import array as arrays
from tpe.base.errors import TpeError, unknown
from tpe.explore.design import DesignPoint
from tpe.explore.expressions import Expression

Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]

CHUNK = 1 << 16  # points that conditions are evaluated for at once
MOST = 2**62  # points of a space: they are numbered in 64 bits
SIDES = ("rows", "cols", "depth")
WHERE = ("workload", "seed", "library", "clock_ns")  # axes that are not of the engine
_SAMPLED = 64  # numbers drawn for each point that is asked for, at most


@dataclass(frozen=True)
class Axis:
    """What is to choose, and its values, each once."""

    name: str
    values: tuple[Any, ...]

    @cached_property
    def array(self) -> np.ndarray[Any, Any]:
        """The values as they are compared: texts, or numbers."""
        texts = any(isinstance(value, str) for value in self.values)
        return np.array([str(x) for x in self.values] if texts else self.values)


@dataclass(frozen=True)
class Family:
    """A PE in an array, and what is to choose; `reason`: why the PE cannot stand there at all."""

    pe: str
    array: str
    axes: tuple[Axis, ...]
    values: str = "none"  # as `Engine.run` takes them
    reason: str | None = None

    @property
    def sides(self) -> tuple[str, ...]:
        """What a size of the array says: axes of these names are sides, not parameters."""
        return arrays.get(self.array).sides

    @property
    def count(self) -> int:
        """Its points, before conditions."""
        return prod(len(axis.values) for axis in self.axes)

    def places(self, numbers: Numbers) -> dict[str, Numbers]:
        """The place on every axis of points by their numbers in the family."""
        shape = tuple(len(axis.values) for axis in self.axes)
        found = np.unravel_index(numbers, shape)
        return {axis.name: place for axis, place in zip(self.axes, found, strict=True)}

    def columns(self, numbers: Numbers) -> dict[str, Any]:
        """What conditions speak of: values by name, of all points, or of each in an array."""
        places = self.places(numbers)
        found: dict[str, Any] = {"pe": self.pe, "array": self.array}
        for axis in self.axes:
            found[axis.name] = axis.array[places[axis.name]]
        if "size" in places:
            sizes = next(axis for axis in self.axes if axis.name == "size")
            sides = [_sides(str(size)) for size in sizes.values]
            for i, side in enumerate(SIDES[: min(map(len, sides))]):
                found[side] = np.array([size[i] for size in sides])[places["size"]]
            found["pe_count"] = np.array([prod(size) for size in sides])[places["size"]]
        elif "rows" in found:
            each = [found[side].astype(np.float64) for side in self.sides]
            found["pe_count"] = prod(each[1:], start=each[0])
        return found

    @cached_property
    def names(self) -> frozenset[str]:
        """What conditions may speak of here."""
        return frozenset(self.columns(np.zeros(1, np.int64)))

    def point(self, number: int) -> DesignPoint:
        """The point of a number in the family."""
        places = self.places(np.array([number]))
        chosen = {axis.name: axis.values[int(places[axis.name][0])] for axis in self.axes}
        return self.point_of(chosen)

    def point_of(self, chosen: Mapping[str, Any]) -> DesignPoint:
        """The point that has these values on its axes."""
        sides = [str(chosen[side]) for side in self.sides if side in chosen]
        apart = {"size", *self.sides, *WHERE}
        return DesignPoint(
            pe=self.pe,
            array=self.array,
            size=str(chosen["size"]) if "size" in chosen else "x".join(sides) or None,
            parameters=tuple((k, v) for k, v in chosen.items() if k not in apart),
            values=self.values,
            workload=chosen["workload"],
            seed=chosen["seed"],
            library=chosen.get("library"),
            clock_ns=chosen.get("clock_ns"),
        )


def _sides(size: str) -> list[int]:
    return [int(part) for part in size.lower().split("x")]


@dataclass(frozen=True)
class Space:
    """Families, and the conditions that points meet; those that do not are no points of it."""

    families: tuple[Family, ...]
    constraints: tuple[Expression, ...] = ()
    objectives: tuple[str, ...] = ()
    name: str = "space"
    known: tuple[str, ...] = ()  # names that conditions may hold besides those of the families

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What conditions may speak of."""
        own = frozenset().union(*(family.names for family in self.families))
        return tuple(sorted(own | set(self.known)))

    def __post_init__(self) -> None:
        if self.combinations > MOST:
            raise TpeError(f"{self.combinations} combinations are too many; legal: up to {MOST}")
        for constraint in self.constraints:
            for name in sorted(constraint.names - set(self.names)):
                raise constraint.refusal(str(unknown("name", name, self.names)))

    @property
    def combinations(self) -> int:
        """Points before conditions."""
        return sum(family.count for family in self.families)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The number of every family's first point."""
        counts = [family.count for family in self.families]
        return tuple(sum(counts[:i]) for i in range(len(counts)))

    def family_of(self, number: int) -> int:
        """The place of the family that a point is of."""
        return int(np.searchsorted(self.starts, number, side="right")) - 1

    def point(self, number: int) -> DesignPoint:
        """The point of a number."""
        place = self.family_of(number)
        return self.families[place].point(number - self.starts[place])

    def meets(self, place: int, numbers: Numbers) -> np.ndarray[Any, Any]:
        """Whether points of a family, by their numbers there, meet every condition.

        A condition that speaks of what a family does not have says nothing of its points.
        """
        family, kept = self.families[place], np.ones(len(numbers), bool)
        rules = [rule for rule in self.constraints if rule.names <= family.names]
        if rules:
            columns = family.columns(numbers)
            for rule in rules:
                kept &= rule.value(columns)
        return kept

    def numbers(self) -> Iterator[tuple[int, Numbers]]:
        """The family and the numbers in the space of all points, thousands at once, in order."""
        for place, family in enumerate(self.families):
            for start in range(0, family.count, CHUNK):
                own = np.arange(start, min(start + CHUNK, family.count))
                kept = own[self.meets(place, own)]
                if len(kept):
                    yield place, kept + self.starts[place]

    @cached_property
    def count(self) -> int:
        """Points; TpeError if there are none, with the conditions that leave none."""
        refused = {i: f.reason for i, f in enumerate(self.families) if f.reason is not None}
        if len(refused) == len(self.families):
            raise TpeError(f"{self.name}: no point can be built: {'; '.join(refused.values())}")
        if not self.constraints:
            return self.combinations
        counts = [(place, len(numbers)) for place, numbers in self.numbers()]
        if not any(place not in refused for place, _ in counts):
            raise TpeError(self._empty())
        return sum(count for _, count in counts)

    def _empty(self) -> str:
        """Which conditions leave no point."""
        families = tuple(family for family in self.families if family.reason is None)
        alone = [
            repr(rule.text)
            for rule in self.constraints
            if not any(True for _ in Space(families, (rule,), known=self.names).numbers())
        ]
        which = f"{', '.join(alone)} alone" if alone else "constraints together"
        return (
            f"{self.name}: {which} leave no point of {self.combinations:,}; "
            "legal: constraints that a point meets"
        )

    def sample(self, count: int, seed: int = 0) -> Numbers:
        """The numbers of `count` points in rising order, fewer if there are no more, by Sobol.

        A low-discrepancy sequence, moved by a vector that the seed draws: the first coordinate says
        the family, each by its points, the others a place on every axis. A number that comes again,
        and a point that meets not all conditions, is passed over.
        """
        from scipy.stats import qmc

        if count >= self.count:
            return np.concatenate([numbers for _, numbers in self.numbers()])
        width = 1 + max(len(family.axes) for family in self.families)
        shift = np.random.Generator(np.random.Philox(seed)).random(width)
        sequence = qmc.Sobol(width, scramble=False)
        chosen: dict[int, None] = {}
        drawn, size = 0, 1 << max(6, (count - 1).bit_length())
        while len(chosen) < count and drawn < _SAMPLED * count + size:
            for number in self._drawn((sequence.random(size) + shift) % 1.0):
                chosen.setdefault(int(number))
            drawn += size
        return np.array(sorted(list(chosen)[:count]), np.int64)

    def _drawn(self, unit: np.ndarray[Any, Any]) -> Numbers:
        """The numbers of the points at places in the unit cube that meet all conditions."""
        whole = np.minimum((unit[:, 0] * self.combinations).astype(np.int64), self.combinations - 1)
        places = np.searchsorted(self.starts, whole, side="right") - 1
        numbers = np.full(len(unit), -1)
        for place in np.unique(places):
            family, mine = self.families[place], np.flatnonzero(places == place)
            shape = [len(axis.values) for axis in family.axes]
            index = [
                np.minimum((unit[mine, 1 + i] * size).astype(np.int64), size - 1)
                for i, size in enumerate(shape)
            ]
            own = np.ravel_multi_index(index, shape)
            numbers[mine] = np.where(self.meets(int(place), own), own + self.starts[place], -1)
        return numbers[numbers >= 0]


def unique(name: str, values: Sequence[Any]) -> Axis:
    """An axis; TpeError without values, and for a value that stands there twice."""
    if not values:
        raise TpeError(f"{name} has no values; legal: at least one")
    for i, value in enumerate(values):
        if value in values[:i]:
            raise TpeError(f"{name} has {value!r} twice; legal: each value once")
    return Axis(name, tuple(values))
