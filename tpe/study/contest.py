"""Cells, or modules of them, beside each other: area and energy at clocks that all of them meet.

A contest maps its entrants by the same recipes, each as it is: nothing of them is varied. Clocks
are multiples of the shortest that all meet; at each an entrant is the smallest of its netlists that
meets it. Energies are taken a quarter above that shortest clock, where none is driven to its limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.synth.area.designs import module_part
from tpe.synth.area.points import measured
from tpe.synth.area.rows import Chosen, MappedPE
from tpe.synth.area.synthesis import compare
from tpe.synth.area.synthesis import count_steps as mapping_steps
from tpe.synth.netlist import mapper
from tpe.synth.netlist.mapped import Part
from tpe.synth.netlist.recipes import Recipe
from tpe.synth.power.known import Energy, known_energy, module_energy, pe_energy
from tpe.technology.technology import Technology

FACTORS = (1.0, 1.25, 2.0)  # clocks, as multiples of the shortest that all entrants meet
ENERGY_FACTOR = 1.25
COLUMN = 16  # cells that share a finish in `EntrantRow.column_um2`
NOT_ASKED = "energy was not asked for"


@dataclass(frozen=True)
class Entrant:
    """What is priced: the cell of an engine with its finish, or one module of its RTL by itself.

    module, defaults -- the module, and its parameters: `tpe.synth.area.designs.module_part`
    """

    title: str
    engine: Config
    module: str = ""
    defaults: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Equal for entrants whose RTL is the same."""
        return f"{self.engine.hash} {self.module} {sorted(self.defaults.items())}"

    def part(self) -> Part:
        """The module, to be mapped."""
        return module_part(self.engine, self.module, self.defaults)


@dataclass(frozen=True)
class Contest:
    """Entrants at common clocks.

    baselines -- titles of those that the others are held against
    energy    -- whether energies are taken, where they are asked for
    """

    title: str
    entrants: tuple[Entrant, ...]
    baselines: tuple[str, ...]
    energy: bool = True


@dataclass(frozen=True)
class EntrantRow:
    """An entrant at a clock.

    factor     -- the clock as a multiple of the shortest that all meet
    area_um2   -- of the cell, or of the module; finish_um2 of a column's finish, None of a module
    column_um2 -- a cell's share of a column of `COLUMN` cells: its own and that of their finish
    energy     -- of a multiply-accumulate; None with the reason in `no_energy`
    """

    contest: str
    title: str
    clock_ns: float
    factor: float
    period_ns: float
    area_um2: float
    finish_um2: float | None
    flip_flops: int
    recipe: str
    energy: Energy | None = None
    no_energy: str | None = None

    @property
    def column_um2(self) -> float:
        """The area of a cell, and its share of its column's finish."""
        return self.area_um2 + (self.finish_um2 or 0.0) / COLUMN

    def to_json(self) -> dict[str, Any]:
        """The row as data."""
        return {
            "contest": self.contest,
            "title": self.title,
            "clock_ns": self.clock_ns,
            "clock_factor": self.factor,
            "period_ns": self.period_ns,
            "area_um2": self.area_um2,
            "area_finish_um2": self.finish_um2,
            "area_in_column_um2": self.column_um2,
            "flip_flops": self.flip_flops,
            "recipe": self.recipe,
            "energy_fj_per_mac": self.energy.fj_per_mac if self.energy else None,
            "activity_source": self.energy.activity_source if self.energy else None,
            "no_energy": self.no_energy,
        }


@dataclass(frozen=True)
class FrontPoint:
    """A netlist of an entrant that none of its others beats in area and period."""

    title: str
    period_ns: float
    area_um2: float
    recipe: str


@dataclass(frozen=True)
class ContestResult:
    """Rows by clock and entrant, and the area/delay front of every entrant's cell or module."""

    contest: Contest
    rows: tuple[EntrantRow, ...]
    fronts: tuple[FrontPoint, ...]

    def row(self, title: str, factor: float) -> EntrantRow:
        """The row of an entrant at a clock; TpeError if there is none."""
        for row in self.rows:
            if (row.title, row.factor) == (title, factor):
                return row
        raise TpeError(f"{self.contest.title} has no {title} at {factor:g} times its clock")

    def ratio(self, title: str, baseline: str, factor: float, quantity: str) -> float | None:
        """What an entrant takes of its baseline's: area_um2, column_um2 or fj_per_mac."""
        one, two = (_quantity(self.row(name, factor), quantity) for name in (title, baseline))
        return one / two if one is not None and two else None


def _quantity(row: EntrantRow, quantity: str) -> float | None:
    if quantity == "fj_per_mac":
        return row.energy.fj_per_mac if row.energy else None
    return float(getattr(row, quantity))


@dataclass(eq=False)
class ContestBench:
    """Where contests are held: a library and recipes; every entrant is mapped once.

    operands -- energies are of these, see `tpe.synth.power.stimulus`
    step     -- called with a name as each of `count_steps` jobs ends
    """

    technology: Technology
    recipes: Sequence[Recipe]
    operands: str
    energy: bool = True
    step: Callable[[str], None] = lambda name: None
    workers: int | None = None
    mapped: dict[str, MappedPE] = field(default_factory=dict)

    def design(self, entrant: Entrant) -> MappedPE:
        """The netlists of an entrant, those of a module in the place of a cell's."""
        if entrant.key not in self.mapped:
            self.mapped[entrant.key] = (
                self._module(entrant) if entrant.module else self._pe(entrant)
            )
        return self.mapped[entrant.key]

    def _pe(self, entrant: Entrant) -> MappedPE:
        result = compare(
            [entrant.engine],
            liberty=self.technology,
            recipes=self.recipes,
            vary=(),
            step=self.step,
            workers=self.workers,
        )
        (design,) = result.designs
        assert isinstance(design, MappedPE)
        return design

    def _module(self, entrant: Entrant) -> MappedPE:
        part, given = entrant.part(), (self.technology, self.recipes, self.step)
        (points,) = measured([part], *given, workers=self.workers)
        return MappedPE(part.name, entrant.engine, {"cell": tuple(points)})

    def hold(self, contest: Contest) -> ContestResult:
        """Map all entrants, and put them beside each other."""
        designs = [self.design(entrant) for entrant in contest.entrants]
        shortest = max(design.fastest.period_ns for design in designs)
        rows = []
        for factor in FACTORS:
            for entrant, design in zip(contest.entrants, designs, strict=True):
                rows.append(self._row(contest, entrant, design, shortest, factor))
        fronts = [
            FrontPoint(entrant.title, p.period_ns, p.area_um2, p.mapped.label)
            for entrant, design in zip(contest.entrants, designs, strict=True)
            for p in design.fronts["cell"]
        ]
        return ContestResult(contest, tuple(rows), tuple(fronts))

    def _row(
        self, contest: Contest, entrant: Entrant, design: MappedPE, shortest: float, factor: float
    ) -> EntrantRow:
        clock = shortest * factor
        chosen = design.at(clock)
        energy, reason = self._energy(contest, entrant, chosen, clock, factor)
        cell, finish = chosen.points["cell"], chosen.points.get("finish")
        return EntrantRow(
            contest.title,
            entrant.title,
            clock,
            factor,
            chosen.period_ns,
            cell.area_um2,
            finish.area_um2 if finish else None,
            cell.mapped.flip_flops,
            cell.mapped.label,
            energy,
            reason,
        )

    def _energy(
        self, contest: Contest, entrant: Entrant, chosen: Chosen, clock: float, factor: float
    ) -> tuple[Energy | None, str | None]:
        if not (self.energy and contest.energy):
            return None, NOT_ASKED
        if factor != ENERGY_FACTOR:
            return None, f"energies are taken at {ENERGY_FACTOR:g} times the shortest clock alone"
        self.step(f"energy of {entrant.title}")
        at = self.technology, clock
        if entrant.module:
            own = entrant.engine, entrant.key, chosen.points["cell"]
            return known_energy(lambda: module_energy(*own, *at, self.operands))
        cell = entrant.engine, chosen
        return known_energy(lambda: pe_energy(*cell, *at, lambda: self.operands))


def count_steps(contests: Sequence[Contest], recipes: Sequence[Recipe], energy: bool) -> int:
    """How often a bench calls `step` for contests."""
    every = {entrant.key: entrant for c in contests for entrant in c.entrants}
    cells = [entrant.engine for entrant in every.values() if not entrant.module]
    modules = [entrant.part() for entrant in every.values() if entrant.module]
    jobs = mapping_steps(cells, recipes, False, ()) + mapper.count_jobs(modules, recipes)
    return jobs + sum(len(c.entrants) for c in contests if energy and c.energy)
