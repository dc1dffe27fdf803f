"""What a design is at a clock, and that as columns of the flat table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tpe.engine.config import Config
from tpe.synth.area.compose import ArrayFront, Composed
from tpe.synth.area.pareto import Point, at_clock, pareto

EXTRA = {  # columns that stand behind the flat table's
    "design": "string",
    "period_ns": "Float64",
    "fo4_ns": "Float64",
    "period_fo4": "Float64",
    "area_row_um2": "Float64",
    "area_front_um2": "Float64",
    "area_finish_um2": "Float64",
    "recipe_row": "string",
    "recipe_front": "string",
    "recipe_finish": "string",
    "limited_by": "string",
    "cells": "Int64",
    "flip_flops": "Int64",
    "constant_flip_flops": "Int64",
    "reset_pins": "Int64",
    "memory_bits_left_out": "Int64",
    "timing_tool": "string",
}


@dataclass(frozen=True)
class Chosen:
    """What a design is made of at a clock: the point of each part, and whether they meet it."""

    points: dict[str, Point]
    met: bool

    @property
    def period_ns(self) -> float:
        """The slowest part's shortest period."""
        return max(point.period_ns for point in self.points.values())

    @property
    def limited_by(self) -> str:
        """The part that is the slowest, and its kind of path."""
        kind, point = max(self.points.items(), key=lambda item: item[1].period_ns)
        path = point.timing.limited_by if point.timing else None
        return f"{kind} {path}" if path else kind


@dataclass(frozen=True)
class LeftOut:
    """A recipe that made nothing of a part, and why."""

    part: str
    variant: str
    recipe: str
    reason: str


@dataclass(frozen=True)
class MappedPE:
    """A PE: every netlist of its parts, and their fronts. The area of a PE is its cell's.

    points -- by part: cell, row, front, finish
    fits   -- by part and variant, with which choices of its PE the part goes together
    """

    name: str
    engine: Config
    points: Mapping[str, tuple[Point, ...]]
    left_out: tuple[LeftOut, ...] = ()
    fits: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)

    @property
    def fronts(self) -> dict[str, tuple[Point, ...]]:
        """The area/delay front of each part, fastest first."""
        return {kind: pareto(points) for kind, points in self.points.items()}

    @property
    def builds(self) -> tuple[MappedPE, ...]:
        """The PE with the points that go together: each of these may be built of any of its own.

        It is one where no other part depends on what the cell's variants choose.
        """
        together: dict[frozenset[tuple[str, str]], set[str]] = {}
        for choice in sorted(frozenset[str]().union(*self.fits.get("cell", {}).values())):
            beside = {
                (kind, variant)
                for kind, variants in self.fits.items()
                for variant, fits in variants.items()
                if kind != "cell" and choice in fits
            }
            together.setdefault(frozenset(beside), set()).add(choice)
        return tuple(self._of(choices) for choices in together.values()) or (self,)

    def _of(self, choices: set[str]) -> MappedPE:
        found = {
            kind: tuple(p for p in points if self.fits[kind][p.mapped.variant] & choices)
            for kind, points in self.points.items()
        }
        return replace(self, points=found, fits={})

    @property
    def fastest(self) -> Chosen:
        """Every part as fast as it comes."""
        found = [
            Chosen({kind: front[0] for kind, front in build.fronts.items()}, True)
            for build in self.builds
        ]
        return min(found, key=lambda chosen: (chosen.period_ns, chosen.points["cell"].period_ns))

    @property
    def fmax_mhz(self) -> float:
        """The fastest clock that all parts meet, MHz."""
        return 1000.0 / self.fastest.period_ns

    def at(self, clock_ns: float) -> Chosen:
        """The smallest of each part that meets a clock; the fastest, not met, if one cannot."""
        found = [x for x in (_at_clock(b.fronts, clock_ns) for b in self.builds) if x is not None]
        if not found:
            return replace(self.fastest, met=False)
        return min(found, key=lambda chosen: chosen.points["cell"].area_um2)


def _at_clock(fronts: Mapping[str, tuple[Point, ...]], clock_ns: float) -> Chosen | None:
    """The smallest point of each part that meets a clock; None if one cannot."""
    found = {kind: at_clock(front, clock_ns) for kind, front in fronts.items()}
    points = {kind: point for kind, point in found.items() if point is not None}
    return Chosen(points, True) if len(points) == len(found) else None


def fronts_json(design: MappedPE | ArrayFront) -> dict[str, list[dict[str, Any]]]:
    """Every point of a design by part, or of an array its front."""
    if isinstance(design, ArrayFront):
        return {"array": [_choice_json(choice) for choice in design.own_front]}
    return {
        kind: [point_json(p, p.mapped.label in _labels(design, kind)) for p in points]
        for kind, points in design.points.items()
    }


def _labels(design: MappedPE, kind: str) -> set[str]:
    return {point.mapped.label for point in design.fronts[kind]}


def point_json(point: Point, on_front: bool) -> dict[str, Any]:
    """A netlist and its timing, without its text."""
    m, t = point.mapped, point.timing
    return {
        "recipe": m.label,
        "period_ns": t.period_ns if t else None,
        "paths_ns": t.paths if t else None,
        "timing_tool": t.tool if t else None,
        "area_um2": m.area_um2,
        "flip_flops": m.flip_flops,
        "constant_flip_flops": m.constant_flip_flops,
        "reset_pins": m.resets,
        "full_adders": m.full_adders,
        "cells": dict(m.cells),
        "on_front": on_front,
    }


def _choice_json(choice: Composed) -> dict[str, Any]:
    return {
        "recipe": choice.recipe,
        "period_ns": choice.period_ns,
        "area_um2": choice.area_um2,
        "paths_ns": choice.timing.paths if choice.timing else None,
    }


def of_pe(engine: Config) -> dict[str, Any]:
    """What identifies a PE: columns of the flat table without those of an array."""
    own = ("array", "rows", "cols", "depth", "pe_count")
    return {k: None if k in own else v for k, v in engine.describe().items()}


def pe_columns(chosen: Chosen) -> dict[str, Any]:
    cell = chosen.points["cell"]
    found: dict[str, Any] = {}
    for kind in ("row", "front", "finish"):
        point = chosen.points.get(kind)
        found[f"area_{kind}_um2"] = point.area_um2 if point else None
        found[f"recipe_{kind}"] = point.mapped.label if point else None
    return {
        **found,
        "recipe": cell.mapped.label,
        "area_um2": cell.area_um2,
        "cells": sum(cell.mapped.cells.values()),
        "flip_flops": cell.mapped.flip_flops,
        "constant_flip_flops": cell.mapped.constant_flip_flops,
        "reset_pins": cell.mapped.resets,
        "timing_tool": cell.timing.tool if cell.timing else None,
    }


def array_columns(chosen: Composed) -> dict[str, Any]:
    return {
        "recipe": chosen.recipe,
        "area_um2": chosen.area_um2,
        "cells": sum(chosen.cells.values()),
        "flip_flops": chosen.flip_flops,
        "constant_flip_flops": chosen.constant_flip_flops,
        "reset_pins": chosen.resets,
        "memory_bits_left_out": chosen.memory_bits,
        "timing_tool": chosen.timing.tool if chosen.timing else None,
    }
