"""What an array costs at any size: options of clock and area, from synthesis or from the user.

A PE in an array is mapped with its variants (pipeline stages, trees, encoder) by every recipe;
the whole array of the reference size is composed for each clock that its cell can meet and timed
as one; its area at another size is that of `tpe.synth.area.scaling`. The fastest and the smallest
are both there, so that a baseline is never a straw man.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, Protocol, Self

from tpe.base import cache
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.pe.parameters import EncodeIn
from tpe.study.cost_file import Cost, CostTable
from tpe.synth.area import designs, timing
from tpe.synth.area.by_part import composed_by_part
from tpe.synth.area.compose import Composed, Version, compose, of_whole, own_versions, timed
from tpe.synth.area.designs import Size, sized
from tpe.synth.area.pareto import Point, pareto
from tpe.synth.area.rows import Chosen, MappedPE
from tpe.synth.area.scaling import (
    CalibrationPoint,
    Scaling,
    calibration,
    of_reference,
    reference,
    samples,
    scaling,
)
from tpe.synth.netlist.mapped import Mapped
from tpe.synth.netlist.recipes import Recipe
from tpe.synth.power.known import Draw, Energy, pe_energy
from tpe.technology.technology import Technology

Step = Callable[[str], None]
_MOST = 8  # compositions that are timed, without those for a clock that was asked for
_TIGHTER = (1.0, 0.93, 0.86)  # of a clock: paths over modules are longer than those inside one


class Option(Protocol):
    """One way to build an array: the clock it meets, and what it costs at any size."""

    @property
    def period_ns(self) -> float: ...
    @property
    def form(self) -> Mapping[str, Any]: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def recipe(self) -> str: ...
    @property
    def cell_recipe(self) -> str: ...
    def area_um2(self, size: Size) -> float: ...
    def memory_bits(self, size: Size) -> int: ...
    def cells_share(self, size: Size) -> float | None: ...
    def energy(self, clock_ns: float, size: Size, draw: Draw) -> Energy | None: ...
    def of(self, form: Mapping[str, Any]) -> Option: ...


@dataclass(frozen=True)
class Price:
    """All options of a PE in an array, fastest first, and where the numbers come from."""

    engine: Config
    options: tuple[Option, ...]
    source: str
    technology: Technology | None = None

    @property
    def fastest_ns(self) -> float:
        """The shortest period of any option."""
        return min(option.period_ns for option in self.options)

    def densest(self, size: Size) -> Option:
        """The option with the least area times period: the most steps a second and area."""
        return min(self.options, key=lambda o: o.area_um2(size) * o.period_ns)

    def of_recipe(self, recipe: str, size: Size) -> Option | None:
        """The densest option whose cell one recipe made; None if the recipe made none."""
        own = [o for o in self.options if o.cell_recipe == recipe]
        return replace(self, options=tuple(own)).densest(size) if own else None

    def front(self, size: Size) -> tuple[Option, ...]:
        """Options that none beats in area and period, fastest first."""
        return pareto(self.options, lambda option: option.area_um2(size))


# ---- from synthesis ----


Place = tuple[str, int]  # of a netlist in the cache: folder and number


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """A composition that was timed as a whole at the reference size: its area at any size.

    period_ns  -- the shortest period of the whole at the reference size
    recipe     -- the recipe of every module, variants named
    areas      -- um2 of one copy of each module but the top, which `top_recipe` made
    resized    -- by what the top became larger where its gates were resized
    form       -- what was chosen for the whole array beside the engine that was asked for, see
                  `tpe.study.forms`
    """

    period_ns: float
    recipe: str
    top_recipe: str
    areas: Mapping[str, float]
    resized: float
    scale: Scaling
    form: Mapping[str, Any] = field(default_factory=dict)

    def of(self, form: Mapping[str, Any]) -> Self:
        """The same, of an engine that has been given a form."""
        return replace(self, form=form)

    def area_um2(self, size: Size) -> float:
        """um2 at a size, memories of more than 4096 bits left out."""
        return self.scale.area_um2(size, self.top_recipe, self.areas, self.resized)

    def cells_share(self, size: Size) -> float | None:
        """The part of the area that is in the PE's own modules: cells, fronts, finishes."""
        own = sum(self.scale.count(name, size) * area for name, area in self.areas.items())
        return own / self.area_um2(size)

    def memory_bits(self, size: Size) -> int:
        """Bits of the memories that are left out."""
        return self.scale.memory_bits_at(size)


@dataclass(frozen=True, kw_only=True)
class Synthesised(Scaled):
    """The same with its netlists; `parts`: where those of the PE's parts lie, by kind."""

    parts: Mapping[str, Place]
    design: MappedPE
    technology: Technology

    @cached_property
    def chosen(self) -> Chosen:
        """The netlists of the PE's parts."""
        found = {
            kind: next(p for p in self.design.points[kind] if _place(p.mapped) == place)
            for kind, place in self.parts.items()
        }
        return Chosen(found, True)

    @property
    def cell_recipe(self) -> str:
        """The recipe that made the cell."""
        return self.chosen.points["cell"].mapped.recipe

    @cached_property
    def params(self) -> Mapping[str, Any]:
        """Parameters that differ from the engine's: those of its form, then of the cell."""
        name = self.chosen.points["cell"].mapped.variant
        params = designs.variant_engine(self.design.engine, name).params
        return {**self.form, **{word: params[word] for word in designs.changed(name)}}

    def energy(self, clock_ns: float, size: Size, draw: Draw) -> Energy | None:
        """Of the PE alone, on operands drawn by `draw`.

        It stands in an array of a size: that says how many share front and finish.
        """
        shared = [p.area_um2 for kind, p in self.chosen.points.items() if kind != "cell"]
        engine = sized(self.design.engine, size) if any(shared) else self.design.engine
        return pe_energy(engine, self.chosen, self.technology, clock_ns, draw)


def _place(mapped: Mapped) -> Place:
    return mapped.folder.name, mapped.number


def varied(engine: Config) -> tuple[str, ...]:
    """Parameters whose other values compute the same in as many steps, or a pipeline's more.

    The encoder is one where it stands in a cell that takes all digits at once.
    """
    pe = emit.record(engine)
    own = pe.front == "none" and engine.params.get("encode_in") == EncodeIn.CELL
    return (*designs.VARIED, "encoder") if own else designs.VARIED


def price(
    engine: Config,
    tech: Technology,
    recipes: Sequence[Recipe],
    clocks_ns: Sequence[float] = (),
    vary: Sequence[str] | None = None,
    step: Step = lambda name: None,
    workers: int | None = None,
) -> Price:
    """All options of an engine's PE in its array, at any size; see the module.

    vary -- parameters whose values are tried; default `varied`. What lies between the cells is
            mapped for the engine as asked: `stages` changes the end of a counter there.
    """
    from tpe.synth.area.synthesis import compare

    vary = varied(engine) if vary is None else vary
    own = sized(engine, reference(engine))
    made = compare([own], liberty=tech, recipes=recipes, vary=vary, step=step, workers=workers)
    design = made.designs[0]
    assert isinstance(design, MappedPE)
    found = samples(own, tech, step, workers)
    file = _file(design, found, tech, clocks_ns)
    content = cache.kept(file, lambda: _composed(design, found, tech, clocks_ns))
    scale = Scaling(own, **content["scaling"])
    options = tuple(
        Synthesised(
            **{**option, "parts": {kind: tuple(place) for kind, place in option["parts"].items()}},
            scale=scale,
            design=design,
            technology=tech,
        )
        for option in content["options"]
    )
    return Price(own, options, f"synthesis: {tech.source}", tech)


def _composed(
    design: MappedPE,
    found: Sequence[CalibrationPoint],
    tech: Technology,
    clocks_ns: Sequence[float],
) -> dict[str, Any]:
    """What is kept of compositions, as JSON: the fits, and each option's timing and parts."""
    scale = scaling(design.engine, tech, found, _modules(design))
    around = of_whole(tech, of_reference(design.engine, found).mapped, scale.top, None)
    composed: list[Composed] = []
    for build in design.builds:
        modules = _modules(build)
        own = {name: modules[name] for name in modules if name in scale.copies}
        versions = {**own, scale.top: around}
        composed += _compositions(tech, scale.top, versions, clocks_ns, _by_recipe(build))
    return {
        "scaling": {
            "top": scale.top,
            "between_um2": dict(scale.between_um2),
            "copies": dict(scale.copies),
            "memory_bits": scale.memory_bits,
        },
        "options": [_option(c, scale, design) for c in sorted(composed, key=lambda c: c.period_ns)],
    }


def _modules(design: MappedPE) -> dict[str, Sequence[Version]]:
    return {f"tpe_{kind}": own_versions(p, f"tpe_{kind}") for kind, p in design.points.items()}


def _option(composed: Composed, scale: Scaling, design: MappedPE) -> dict[str, Any]:
    chosen, areas = composed.versions, composed.area_by_module
    return {
        "period_ns": composed.period_ns,
        "recipe": composed.recipe,
        "top_recipe": chosen[scale.top].source.recipe,
        "areas": {name: areas[name][1] for name in scale.copies},
        "resized": areas[scale.top][1] / replace(composed, sizes={}).area_by_module[scale.top][1],
        "parts": {kind: _place(chosen[f"tpe_{kind}"].source) for kind in design.points},
    }


def _file(
    design: MappedPE,
    found: Sequence[CalibrationPoint],
    tech: Technology,
    clocks_ns: Sequence[float],
) -> Path:
    """Where the options are kept: named by the netlists, the tool and the code that composes."""
    facts = [
        {kind: [_place(p.mapped) for p in points] for kind, points in design.points.items()},
        {k: {v: sorted(x) for v, x in own.items()} for k, own in design.fits.items()},
        [[_place(m) for m in sample.mapped] for sample in found],
        list(clocks_ns),
        timing.timer_key(tech),
    ]
    return cache.place("price", facts, "tpe.study.price")


def count_steps(engine: Config, recipes: Sequence[Recipe], vary: Sequence[str] | None) -> int:
    """How often `price` calls `step`."""
    from tpe.synth.area.synthesis import count_steps as of_parts

    vary = varied(engine) if vary is None else vary
    own = sized(engine, reference(engine))
    return of_parts([own], recipes, False, vary) + len(calibration(engine))


def _by_recipe(design: MappedPE) -> list[Version]:
    """Of every recipe the cell with the least area times period."""
    best: dict[str, Point] = {}
    for point in sorted(design.points["cell"], key=lambda p: p.area_um2 * p.period_ns):
        best.setdefault(point.mapped.recipe, point)
    return [own_versions([point], "tpe_cell")[0] for point in best.values()]


def _compositions(
    tech: Technology,
    top: str,
    versions: Mapping[str, Sequence[Version]],
    clocks: Sequence[float],
    cells: Sequence[Version],
) -> list[Composed]:
    """Compositions for periods of the cell, for clocks asked for and around `cells`, all timed.

    For a clock that is asked for all modules are chosen for shorter ones, and one by one.
    """
    periods = sorted({v.period_ns for v in versions["tpe_cell"]})
    if len(periods) > _MOST:
        places = [round(i * (len(periods) - 1) / (_MOST - 1)) for i in range(_MOST)]
        periods = [periods[i] for i in places]
    budgets = [*periods, *(clock * part for clock in clocks for part in _TIGHTER)]
    made = [compose(tech, top, versions, {}, budget) for budget in budgets]
    made += [compose(tech, top, {**versions, "tpe_cell": [c]}, {}, c.period_ns) for c in cells]
    by_part = [c for clock in clocks for c in composed_by_part(tech, top, versions, {}, clock)]
    known = {c.label for c in by_part}
    distinct = {c.label: c for c in made if c.label not in known}
    resized = [timed(tech, composed, clock_ns=0.0) for composed in distinct.values()]
    return [*resized, *{c.label: c for c in by_part}.values()]


# ---- from the user ----


@dataclass(frozen=True)
class Users:
    """A row of a user's file: its area is that of one PE, so that an array is its PEs alone."""

    cost: Cost
    source: str

    @property
    def period_ns(self) -> float:
        """The clock of the row."""
        return self.cost.clock_ns

    @property
    def form(self) -> Mapping[str, Any]:
        """None is known."""
        return {}

    @property
    def params(self) -> Mapping[str, Any]:
        """None differ: whatever the user mapped is the engine."""
        return {}

    @property
    def recipe(self) -> str:
        """Nobody here knows it."""
        return "the user's"

    @property
    def cell_recipe(self) -> str:
        """The same for every row."""
        return self.recipe

    def of(self, form: Mapping[str, Any]) -> Users:
        """The same: of what form it is, only the user knows."""
        return self

    def area_um2(self, size: Size) -> float:
        """PEs times the area of one: nothing between them is known."""
        return prod(size) * self.cost.area_um2

    def cells_share(self, size: Size) -> float | None:
        """Not known: nothing between the PEs is."""
        return None

    def memory_bits(self, size: Size) -> int:
        """None are known of."""
        return 0

    def energy(self, clock_ns: float, size: Size, draw: Draw) -> Energy | None:
        """The row's, at whatever clock it is run, on operands that only the user knows."""
        fj = self.cost.energy_fj_per_mac
        leakage = None if self.cost.leakage_uw is None else self.cost.leakage_uw / 1000
        return None if fj is None else Energy(fj, leakage, self.source)


def users_price(engine: Config, costs: CostTable) -> Price:
    """A user's rows of the engine's PE; TpeError if there is none, or it cannot be built."""
    designs.require_built(engine)
    rows = costs.of(emit.record(engine).name)
    return Price(engine, tuple(Users(row, costs.source) for row in rows), costs.source)
