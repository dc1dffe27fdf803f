"""A whole array: its hierarchy mapped once per distinct module, composed, and timed as one.

Every distinct module is mapped once by each recipe: the PE's parts by all, what lies between them
by two. For a clock the smallest version of each module that meets it between registers is taken;
nets that many modules share get buffers; the composed netlist is then timed, through all module
boundaries. Where a path is longer than the clock its gates are resized, and where that is not
enough the modules are chosen for a shorter one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.synth.area import designs, timing
from tpe.synth.area.pareto import Point, pareto
from tpe.synth.area.points import measured
from tpe.synth.area.sizing import Sizes, resized, sizes
from tpe.synth.area.timing import Timing
from tpe.synth.netlist import mapper
from tpe.synth.netlist.fanout import buffered
from tpe.synth.netlist.mapped import Mapped, Part
from tpe.synth.netlist.mapper import map_parts
from tpe.synth.netlist.netlist import Module, Netlist, area_um2
from tpe.synth.netlist.recipes import Recipe, find_recipes
from tpe.technology.technology import Technology

Registers: TypeAlias = tuple[int, int]  # flip-flops, those of them with a reset
_TRIES = 3  # compositions that are timed for one clock
# What maps what lies between the cells: it is large, and mostly registers and selectors.
AROUND = tuple(
    replace(recipe, targets=(1.0,)) for recipe in find_recipes("sklansky/fast,sklansky/small")
)


@dataclass(frozen=True)
class Version:
    """One module as one recipe made it: where from, its own area, its own shortest period."""

    source: Mapped
    module: Module
    area_um2: float
    period_ns: float


@dataclass(frozen=True)
class Composed:
    """An array at a clock: the version of each module, the timing of the whole, whether it meets.

    `timing` is None before the whole is timed: then the period is the slowest module's own.
    `bases`: (flip-flops, with reset) of the parts of the PE that the whole was mapped with; the
    version of a part may be another variant. `sizes`: gates that are other cells than in the
    versions, see `tpe.synth.area.sizing`.
    """

    technology: Technology
    top: str
    versions: Mapping[str, Version]
    timing: Timing | None
    module_period_ns: float
    bases: Mapping[str, Registers]
    met: bool = True
    sizes: Sizes = field(default_factory=dict)

    @cached_property
    def netlist(self) -> Netlist:
        """The hierarchical netlist, with buffers on nets that many modules share, and resized."""
        modules = {name: version.module for name, version in self.versions.items()}
        inner = {name: module for name, module in modules.items() if name != self.top}
        modules[self.top] = buffered(modules[self.top], inner, self.technology)
        return resized(Netlist(self.top, modules), self.sizes)

    @property
    def period_ns(self) -> float:
        """The shortest clock period of the whole."""
        return self.timing.period_ns if self.timing else self.module_period_ns

    @cached_property
    def cells(self) -> dict[str, int]:
        """Library cells by name, black boxes left out."""
        return {k: n for k, n in self.netlist.cells.items() if k not in self._whole.memories}

    @cached_property
    def area_by_module(self) -> dict[str, tuple[int, float]]:
        """(copies, area of one in um2) by module, what lies inside it left out."""
        library, left_out = self.technology.library, self._whole.memories
        found = {}
        for name, copies in self.netlist.copies.items():
            own = self.netlist.cells_of(name)
            cells = {cell: n for cell, n in own.items() if cell not in left_out}
            found[name] = (copies, area_um2(cells, library))
        return found

    @property
    def area_um2(self) -> float:
        """The sum over modules of copies times the area of one."""
        return sum(copies * area for copies, area in self.area_by_module.values())

    @property
    def _whole(self) -> Mapped:
        return self.versions[self.top].source

    @cached_property
    def registers(self) -> tuple[int, int]:
        """(flip-flops, those of them with a reset) as the elaborated RTL of the versions has them.

        A variant of a part may have other registers than what the whole was mapped with.
        """
        flops, resets = self._whole.flip_flops, self._whole.resets
        for name, (base_flops, base_resets) in self.bases.items():
            copies, own = self.netlist.copies[name], self.versions[name].source
            flops += copies * (own.flip_flops - base_flops)
            resets += copies * (own.resets - base_resets)
        return flops, resets

    @property
    def flip_flops(self) -> int:
        """Flip-flops of the whole; for a choice of variants the same by every recipe."""
        return self.registers[0]

    @property
    def constant_flip_flops(self) -> int:
        """Those of the RTL that never change or are never read."""
        return self._whole.constant_flip_flops

    @property
    def resets(self) -> int:
        """Flip-flops with a reset."""
        return self.registers[1]

    @property
    def memory_bits(self) -> int:
        """Bits of memories that are black boxes: in neither area nor timing."""
        return sum(bits * copies for bits, copies in self._whole.memories.values())

    @property
    def label(self) -> str:
        """The recipe of every module."""
        names = {n.removeprefix("tpe_"): v.source.label for n, v in self.versions.items()}
        return " ".join(f"{name}={label}" for name, label in sorted(names.items()))

    @property
    def recipe(self) -> str:
        """The recipe of every module, and how many gates of them were resized."""
        count = sum(map(len, self.sizes.values()))
        return f"{self.label} resized={count}" if count else self.label

    @property
    def limited_by(self) -> str:
        """The kind of path that is the longest."""
        return (self.timing.limited_by if self.timing else None) or "a module between registers"


@dataclass(frozen=True)
class ArrayFront:
    """An engine mapped as a whole: versions of its modules, and compositions that were timed.

    `timer` is what they are timed with, see `tpe.synth.area.timing`.
    """

    name: str
    engine: Config
    technology: Technology
    top: str
    versions: Mapping[str, Sequence[Version]]
    bases: Mapping[str, Registers]
    composed: tuple[Composed, ...]
    timer: str | None = None

    @property
    def own_front(self) -> tuple[Composed, ...]:
        """Compositions that none beats in area and period, fastest first."""
        return pareto(self.composed)

    @property
    def fastest(self) -> Composed:
        """The fastest composition."""
        return self.own_front[0]

    @property
    def fmax_mhz(self) -> float:
        """The fastest clock, MHz."""
        return 1000.0 / self.fastest.period_ns

    def at(self, clock_ns: float) -> Composed:
        """The smallest composition timed so far that meets a clock; the fastest if none does."""
        meets = [c for c in self.composed if c.period_ns <= clock_ns]
        if not meets:
            return replace(self.fastest, met=False)
        return min(meets, key=lambda c: c.area_um2)

    def refined(self, clock_ns: float) -> ArrayFront:
        """The same with compositions for a clock: modules chosen for ever shorter ones until met.

        A clock that the fastest composition does not meet adds none.
        """
        if self.fastest.period_ns > clock_ns:
            return self
        made, budget, seen = list(self.composed), clock_ns, set[str]()
        for _ in range(_TRIES):
            composed = compose(self.technology, self.top, self.versions, self.bases, budget)
            if composed.label in seen:
                break
            seen.add(composed.label)
            made.append(timed(self.technology, composed, self.timer, clock_ns))
            if made[-1].period_ns <= clock_ns:
                break
            budget *= 0.97 * clock_ns / made[-1].period_ns
        return replace(self, composed=tuple(made))


def array_front(
    engine: Config,
    tech: Technology,
    recipes: Sequence[Recipe],
    step: Callable[[str], None] = lambda name: None,
    timer: str | None = None,
    workers: int | None = None,
) -> ArrayFront:
    """The engine composed of its fastest and of its smallest modules.

    The parts of the PE are mapped by `recipes`, what lies between them by `AROUND`.
    """
    part = designs.array_part(engine)
    around = map_parts([part], tech, AROUND, step, workers=workers)[0].mapped
    parts = _parts(engine)
    own: dict[str, list[Point]] = {}
    for p, points in zip(parts, measured(parts, tech, recipes, step, timer, workers), strict=True):
        own.setdefault(p.top, []).extend(points)
    versions = {
        name: own_versions(own[name], name) if name in own else of_whole(tech, around, name, timer)
        for name in around[0].netlist.copies
    }
    bases = {
        name: Netlist(name, {name: around[0].netlist.modules[name]}).flip_flops(tech.library)
        for name in own
    }
    made = []
    for clock in (0.0, float("inf")):
        made.append(compose(tech, part.top, versions, bases, clock))
        _check_registers(made[-1])
        made[-1] = timed(tech, made[-1], timer, clock)
    return ArrayFront(engine.name, engine, tech, part.top, versions, bases, tuple(made), timer)


def count_jobs(engine: Config, recipes: Sequence[Recipe]) -> int:
    """How often `array_front` calls `step`."""
    parts = _parts(engine)
    return mapper.count_jobs([parts[0]], AROUND) + mapper.count_jobs(parts, recipes)


def _parts(engine: Config) -> list[Part]:
    """The parts of the PE, and variants of them that are equal at every register."""
    return [part for kind in designs.pe_parts(engine, designs.REBUILT).values() for part in kind]


def own_versions(points: Sequence[Point], name: str) -> list[Version]:
    """Versions of a part of the PE: its front."""
    return [
        Version(p.mapped, p.mapped.netlist.modules[name], p.area_um2, p.period_ns)
        for p in pareto(points)
    ]


def of_whole(
    tech: Technology, mapped: Sequence[Mapped], name: str, timer: str | None
) -> list[Version]:
    """Versions of another module of the array, timed between registers by itself.

    Modules inside it are black boxes here, and are timed with the whole.
    """
    alone = [Netlist(name, {name: m.netlist.modules[name]}) for m in mapped]
    found = []
    for net, m, t in zip(alone, mapped, timing.timings(tech, alone, timer), strict=True):
        cells = {k: n for k, n in net.cells.items() if k in tech.library.by_name}
        area = area_um2(cells, tech.library)
        found.append(Version(m, net.modules[name], area, t.period_ns if t else 0.0))
    return list(pareto(found))


def _check_registers(composed: Composed) -> None:
    """Flip-flops and resets of the parts put together are those of the whole; TpeError if not."""
    part = composed.versions[composed.top].source.part
    found = composed.netlist.flip_flops(composed.technology.library)
    if found != composed.registers:
        raise TpeError(
            f"{part} has {found[0]} flip-flops, {found[1]} of them with reset, but its "
            f"elaborated RTL {composed.flip_flops} and {composed.resets}"
        )


def compose(
    tech: Technology,
    top: str,
    versions: Mapping[str, Sequence[Version]],
    bases: Mapping[str, Registers],
    clock_ns: float,
) -> Composed:
    """The smallest version of each module that meets a clock by itself, or else its fastest."""
    chosen = {name: _smallest(found, clock_ns) for name, found in versions.items()}
    return Composed(tech, top, chosen, None, max(v.period_ns for v in chosen.values()), bases)


def timed(
    tech: Technology,
    composed: Composed,
    timer: str | None = None,
    clock_ns: float = float("inf"),
) -> Composed:
    """The same, resized for a clock and timed as a whole; TpeError if it has no path to time.

    What our timer does not time is left as it is.
    """
    if clock_ns < float("inf"):  # else nothing is too slow
        with suppress(*([TpeError] if timer == "sta" else [])):
            composed = replace(composed, sizes=sizes(tech, composed.netlist, clock_ns))
    measured = timing.timings(tech, [composed.netlist], timer)[0]
    if measured is None:
        raise TpeError(f"{composed.top} has no path between registers: nothing to time")
    return replace(composed, timing=measured)


def _smallest(versions: Sequence[Version], clock_ns: float) -> Version:
    meets = [version for version in versions if version.period_ns <= clock_ns]
    if meets:
        return min(meets, key=lambda v: v.area_um2)
    return min(versions, key=lambda v: v.period_ns)
