"""The timer beside OpenSTA, on the same netlists: what the tests and the report's table share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.contract.combos import WITH_RTL
from tpe.pe.base import PE
from tpe.synth.area import designs, synthesis, timing
from tpe.synth.netlist.mapped import Mapped
from tpe.synth.netlist.mapper import map_parts
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import Technology

EVERY_PE = list({pe.name: pe for pe, _ in WITH_RTL}.values())


@dataclass(frozen=True)
class Compared:
    """A netlist timed twice: its name, both timings, None where neither finds a path."""

    name: str
    own: timing.Timing | None
    opensta: timing.Timing | None

    @property
    def error(self) -> float:
        """The largest relative difference over kinds of paths; 1 if the kinds differ."""
        mine = self.own.paths if self.own else {}
        theirs = self.opensta.paths if self.opensta else {}
        if mine.keys() != theirs.keys():
            return 1.0
        return max((abs(mine[k] / theirs[k] - 1) for k in theirs), default=0.0)


def mapped_parts(
    pe: str | PE, tech: Technology, recipes: str | Sequence[str], cell_alone: bool = False
) -> list[Mapped]:
    """Every part of a PE in a small array, or its cell, by recipes, as `tpe synth` maps it."""
    engine = synthesis.default_engine(pe)
    kinds = designs.pe_parts(engine, ())
    parts = [part for kind in kinds.values() for part in kind if not part.variant]
    parts = kinds["cell"][:1] if cell_alone else parts
    outcomes = map_parts(parts, tech, find_recipes(recipes))
    return [mapped for outcome in outcomes for mapped in outcome.mapped]


def compared(tech: Technology, mapped: Sequence[Mapped]) -> Iterator[Compared]:
    """Netlists timed by both, each in one call."""
    netlists = [m.netlist for m in mapped]
    own = timing.timings(tech, netlists, "own")
    other = timing.timings(tech, netlists, "sta")
    for m, mine, theirs in zip(mapped, own, other, strict=True):
        yield Compared(f"{m.part} {m.label}", mine, theirs)
