"""Netlists with timing: what the mapper made, measured, kept beside it in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tpe.base import cache
from tpe.synth.area import timing
from tpe.synth.area.pareto import Point
from tpe.synth.area.timing import Timing, timing_of
from tpe.synth.netlist.mapped import Mapped, MappingResult, Part
from tpe.synth.netlist.mapper import map_parts
from tpe.synth.netlist.recipes import Recipe
from tpe.technology.technology import Technology

_FORMAT = 2


def measured(
    parts: Sequence[Part],
    technology: Technology,
    recipes: Sequence[Recipe],
    step: Callable[[str], None] = lambda name: None,
    timer: str | None = None,
    workers: int | None = None,
    before: Sequence[Recipe] = (),
    told: Callable[[Part, MappingResult], None] = lambda part, outcome: None,
) -> list[list[Point]]:
    """Points of every part, in order: mapped by every recipe, and timed.

    before -- recipes that mapped the parts already, see `map_parts`
    told   -- called with every part and its outcome, in order
    """

    def after(outcome: MappingResult) -> None:
        measure(outcome.mapped, technology, timer)

    outcomes = map_parts(parts, technology, recipes, step, after, workers, before)
    for part, outcome in zip(parts, outcomes, strict=True):
        told(part, outcome)
    return [measure(outcome.mapped, technology, timer) for outcome in outcomes]


def measure(
    mapped: Sequence[Mapped], technology: Technology, timer: str | None = None
) -> list[Point]:
    """The netlists with their timing, which is kept in the cache beside each of them."""
    key = _key(technology, timer)
    known = [_load(m, key) for m in mapped]
    missing = [m for m, entry in zip(mapped, known, strict=True) if entry is None]
    new = timing.timings(technology, [m.netlist for m in missing], timer)
    fresh = iter(new)
    points = []
    for m, entry in zip(mapped, known, strict=True):
        if entry is None:
            found = next(fresh)
            _store(m, key, found)
        else:
            found = entry[0]
        points.append(Point(m, found))
    return points


def _key(technology: Technology, timer: str | None) -> str:
    """What timing depends on beside the netlist and the library that it was mapped to."""
    return cache.digest([_FORMAT, *timing.timer_key(technology, timer)])[:16]


def _file(mapped: Mapped, key: str) -> Path:
    return mapped.folder / f"{mapped.number}.timing-{key}.json"


def _load(mapped: Mapped, key: str) -> tuple[Timing | None] | None:
    """The timing that is kept, in a tuple, since a netlist may have none; None if none is kept."""
    content = cache.load(_file(mapped, key))
    return None if content is None else (timing_of(content) if content else None,)


def _store(mapped: Mapped, key: str, found: Timing | None) -> None:
    cache.store(_file(mapped, key), asdict(found) if found else {})
