"""Netlists with timing: what the mapper made, measured, kept beside it in the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from tpe.errors import TpeError
from tpe.synth import timing
from tpe.synth.front import Point
from tpe.synth.mapper import Mapped, Outcome, Part, map_parts
from tpe.synth.recipes import Recipe
from tpe.synth.tech import Technology
from tpe.synth.timing import Timing
from tpe.table import whole_file

_FORMAT = 1


def measured(
    parts: Sequence[Part],
    technology: Technology,
    recipes: Sequence[Recipe],
    step: Callable[[str], None] = lambda name: None,
    timer: str | None = None,
    workers: int | None = None,
) -> list[list[Point]]:
    """Points of every part, in order: mapped by every recipe, and timed."""

    def after(outcome: Outcome) -> None:
        measure(outcome.mapped, technology, timer)

    outcomes = map_parts(parts, technology, recipes, step, after, workers)
    return [measure(outcome.mapped, technology, timer) for outcome in outcomes]


def measure(
    mapped: Sequence[Mapped], technology: Technology, timer: str | None = None
) -> list[Point]:
    """The netlists with their timing, which is kept in the cache beside each of them."""
    key = _key(technology, timer)
    known = [_load(m, key) for m in mapped]
    missing = [m for m, entry in zip(mapped, known, strict=True) if entry is None]
    new = timing.timings(technology, [(m.netlist, m.abc_delay_ns) for m in missing], timer)
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
    tool = "abc" if timer == "abc" or timing.opensta() is None else timing.tool_name()
    parts = [_FORMAT, tool, technology.wire_load, timing.ASSUMPTIONS]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _load(mapped: Mapped, key: str) -> tuple[Timing | None] | None:
    file = mapped.folder / f"{mapped.number}.timing-{key}.json"
    if not file.exists():
        return None
    content = json.loads(file.read_text())
    return (Timing(**content) if content else None,)


def _store(mapped: Mapped, key: str, found: Timing | None) -> None:
    file = mapped.folder / f"{mapped.number}.timing-{key}.json"
    try:
        with whole_file(file) as temporary:
            temporary.write_text(json.dumps(asdict(found) if found else None))
    except TpeError:
        return  # a cache that cannot be written only costs time
