"""The points of a space in pieces: what differs in size alone stands together, with its keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from tpe import array as arrays
from tpe.array.base import Array
from tpe.base.errors import TpeError
from tpe.engine.parameters import parse_size
from tpe.explore.closed import is_closed
from tpe.explore.design import DesignPoint, KeyMaker, engine_facts
from tpe.explore.rows import loaded
from tpe.explore.space import CHUNK, Family, Numbers, Space
from tpe.model.engine import Engine

Sides = tuple[Numbers, ...]


@dataclass(frozen=True, eq=False)
class Piece:
    """Points that differ in their size alone.

    point    the first of them
    numbers  of all of them, in the space
    sides    of their arrays; None where sizes are none of the array, and nothing can be built
    reason   why nothing can be built, if that is known
    """

    point: DesignPoint
    numbers: Numbers
    sides: Sides | None
    reason: str | None

    @cached_property
    def engine(self) -> Engine | TpeError:
        """The engine of the first point, or why it is refused, which goes for all of them."""
        if self.reason is not None:
            return TpeError(self.reason)
        return _engine(replace(self.point, workload="", seed=0, library=None, clock_ns=None))

    @cached_property
    def sizes(self) -> list[str | None]:
        """Every point's size, in words."""
        if self.sides is None:
            return [self.point.size] * len(self.numbers)
        pattern = "x".join(["%d"] * len(self.sides))
        return [pattern % size for size in zip(*(s.tolist() for s in self.sides), strict=True)]

    @property
    def points(self) -> list[DesignPoint]:
        """All of them."""
        return [replace(self.point, size=size) for size in self.sizes]

    @property
    def is_closed(self) -> bool:
        """Whether their cycles follow from shapes alone."""
        return isinstance(self.engine, Engine) and is_closed(self.engine, self.point.values)

    def point_keys(self) -> list[bytes]:
        """What each of them is kept by."""
        built = isinstance(self.engine, Engine)
        facts = engine_facts(self.engine) if built else self.point.asked  # type: ignore[arg-type]
        key = KeyMaker(facts, self.point.run_facts, self.point.code).key
        return [key(str(size)) for size in self.sizes]

    def only(self, chosen: np.ndarray[Any, Any]) -> Piece:
        """Those of some places or flags."""
        sides = None if self.sides is None else tuple(side[chosen] for side in self.sides)
        part = replace(self, numbers=self.numbers[chosen], sides=sides)
        size = part.sizes[0] if len(part.numbers) else None
        return replace(part, point=replace(self.point, size=size))


def check_workloads(space: Space) -> None:
    """TpeError for a workload that is none, or cannot be read, whatever the engine's formats."""
    families = [family for family in space.families if family.reason is None]
    made = (_engine(replace(family.point(0), workload="")) for family in families)
    types = {(e.a_format.name, e.b_format.name) for e in made if isinstance(e, Engine)}
    names = (x for f in families for axis in f.axes if axis.name == "workload" for x in axis.values)
    for name in dict.fromkeys(names):
        errors = [error for pair in sorted(types) if (error := _unread(name, pair))]
        if errors and len(errors) == len(types):
            raise errors[0]


def _unread(name: str, types: tuple[str, str]) -> TpeError | None:
    try:
        loaded(name, 0, types)
    except TpeError as error:
        return error
    return None


@lru_cache(maxsize=1024)
def _engine(point: DesignPoint) -> Engine | TpeError:
    try:
        return point.engine()
    except TpeError as error:
        return error


def chunks(space: Space, numbers: Numbers | None = None) -> Iterator[list[Piece]]:
    """All points of a space, or some by their numbers, thousands at once, in order."""
    for place, some in space.numbers() if numbers is None else _by_family(space, numbers):
        yield list(_pieces(space.families[place], space.starts[place], some))


def _by_family(space: Space, numbers: Numbers) -> Iterator[tuple[int, Numbers]]:
    places = np.searchsorted(space.starts, numbers, side="right") - 1
    for place in np.unique(places).tolist():
        mine = numbers[places == place]
        for start in range(0, len(mine), CHUNK):
            yield place, mine[start : start + CHUNK]


def _pieces(family: Family, first: int, numbers: Numbers) -> Iterator[Piece]:
    places = family.places(numbers - first)
    if family.reason is not None:
        sides: Sides | None = None
        fits = np.zeros(len(numbers), bool)
    else:
        sides, fits = _sides(family, places)
    apart = [places[axis.name] for axis in family.axes if axis.name not in ("size", *family.sides)]
    apart += _deciding(arrays.get(family.array), sides)
    sized = [] if "size" not in places else [np.where(fits, 0, 1 + places["size"])]
    for mine in _alike([*apart, *sized]):
        point = family.point(int(numbers[mine[0]] - first))
        own = None if sides is None or not fits[mine[0]] else tuple(side[mine] for side in sides)
        yield Piece(point, numbers[mine], own, family.reason)


def _sides(family: Family, places: dict[str, Numbers]) -> tuple[Sides, np.ndarray[Any, Any]]:
    """The sides of every point's array, and whether its size is one that the array has."""
    array = arrays.get(family.array)
    axes = {axis.name: axis for axis in family.axes}
    if "size" not in axes:
        sides = tuple(axes[side].array[places[side]] for side in array.sides)
        return sides, np.ones(len(sides[0]), bool)
    sizes = [_size(str(value), array) for value in axes["size"].values]
    table = np.array([size or (0,) * len(array.sides) for size in sizes], np.int64)
    own = table[places["size"]]
    return tuple(own[:, i].copy() for i in range(len(array.sides))), own[:, 0] > 0


def _size(text: str, array: Array) -> tuple[int, ...] | None:
    with suppress(TpeError):
        return parse_size(text, array)
    return None


def _deciding(array: Array, sides: Sides | None) -> list[Numbers]:
    """The side that decides what a cell is."""
    if sides is None or array.lanes_side is None:
        return []
    return [sides[array.sides.index(array.lanes_side)]]


def _alike(columns: Sequence[Numbers]) -> Iterator[Numbers]:
    """The places of rows that are alike in all columns, in the order of their first ones."""
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, place = np.unique(column, return_inverse=True)
        code = np.unique(code * len(values) + place, return_inverse=True)[1]
    order = np.argsort(code, kind="stable")
    cuts = np.flatnonzero(np.diff(code[order])) + 1
    yield from sorted(np.split(order, cuts), key=lambda part: int(part[0]))
