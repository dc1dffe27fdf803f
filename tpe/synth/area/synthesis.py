"""Area and timing of designs from synthesis: what `tpe synth` does, as an API.

`synthesise("mac")`, of a PE record or of an `Engine` gives a `Result` of one design; `compare`
takes several. `array=True` maps the whole engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from tpe.base import checks
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.pe.base import PE
from tpe.synth.area import designs, timing
from tpe.synth.area.compose import ArrayFront, Composed, array_front, count_jobs
from tpe.synth.area.pareto import Point, clearly_beats
from tpe.synth.area.points import measured
from tpe.synth.area.rows import LeftOut, MappedPE, array_columns, fronts_json, of_pe, pe_columns
from tpe.synth.netlist import mapper
from tpe.synth.netlist.mapped import MappingResult, Part
from tpe.synth.netlist.recipes import Recipe, find_recipes, screening
from tpe.synth.power.array import of_array
from tpe.synth.power.pe import Power, pe_power
from tpe.technology.technology import Technology, technology
from tpe.version import __version__

Subject: TypeAlias = str | PE | Config
Step: TypeAlias = Callable[[str], None]
DEFAULT_PES = ("mac", "opt1")


@dataclass(frozen=True)
class Result:
    """Designs mapped to one technology; `clocks_ns` are those asked for, () for none."""

    technology: Technology
    designs: tuple[MappedPE | ArrayFront, ...]
    clocks_ns: tuple[float, ...]
    recipes: tuple[Recipe, ...]
    command: str = field(default="")
    powers: Mapping[tuple[str, float], Power] = field(default_factory=dict)  # by design and clock
    timer: str | None = None

    @property
    def common_clock_ns(self) -> float:
        """The shortest period that all designs meet."""
        return max(design.fastest.period_ns for design in self.designs)

    @property
    def fo4_ns(self) -> float:
        """The library's fan-out-of-four inverter delay."""
        return self.technology.fo4[0]

    def rows(self) -> list[dict[str, Any]]:
        """A row per design and clock, or at the common clock; see `tpe.synth.area.rows.EXTRA`."""
        clocks = self.clocks_ns or (self.common_clock_ns,)
        return [self._row(design, clock) for design in self.designs for clock in clocks]

    def front_rows(self) -> list[dict[str, Any]]:
        """A row per point of each design's front, of any part of a PE: its clock is that one's."""
        rows = []
        for design in self.designs:
            for point in design.own_front if isinstance(design, ArrayFront) else ():
                rows.append(self._row(design, point.period_ns))
            fronts = {} if isinstance(design, ArrayFront) else design.fronts
            periods = sorted({p.period_ns for front in fronts.values() for p in front})
            least = design.fastest.period_ns
            rows += [self._row(design, p) for p in periods if p >= least]
        return rows

    def _row(self, design: MappedPE | ArrayFront, clock_ns: float) -> dict[str, Any]:
        chosen = design.at(clock_ns)
        tech, engine = self.technology, design.engine
        body = array_columns(chosen) if isinstance(chosen, Composed) else pe_columns(chosen)
        described = engine.describe() if isinstance(design, ArrayFront) else of_pe(engine)
        return {
            **described,
            "status": "ok",
            "tpe_version": __version__,
            "command": self.command or None,
            "library": tech.name,
            "node_nm": tech.node_nm,
            "corner": tech.corner,
            "clock_ns": clock_ns,
            "clock_met": chosen.met,
            "fmax_mhz": design.fmax_mhz,
            "cost_source": f"synthesis: {tech.source}",
            "design": design.name,
            "period_ns": chosen.period_ns,
            "fo4_ns": self.fo4_ns,
            "period_fo4": chosen.period_ns / self.fo4_ns,
            "limited_by": chosen.limited_by,
            **body,
            **self._power(design.name, clock_ns),
        }

    def _power(self, design: str, clock_ns: float) -> dict[str, Any]:
        power = self.powers.get((design, clock_ns))
        return power.row() if power else {}

    def with_power(
        self,
        operands: str = "normal:20",
        seed: int = 0,
        cycles: int = 2048,
        wires: str = "none",
        step: Step = lambda name: None,
    ) -> Result:
        """The same with the power of every design at every clock; see `tpe.synth.power.pe`.

        `step` is called with a design's name as each is done. Wires of an array are not estimated:
        TpeError.
        """
        clocks = self.clocks_ns or (self.common_clock_ns,)
        found = {}
        for design in self.designs:
            for clock in clocks:
                given = (clock, operands, seed, cycles)
                found[design.name, clock] = _power_of(design, self.technology, wires, *given)
                step(design.name)
        return replace(self, powers=found)

    def to_json(self) -> dict[str, Any]:
        """The result as one document: technology, rows, and every point of every part."""
        tech = self.technology
        return {
            "technology": {
                "name": tech.name,
                "files": [str(file) for file in tech.files],
                "corner": tech.corner,
                "node_nm": tech.node_nm,
                "wire_load": tech.wire_load,
                "source": tech.source,
                "fo4_ns": self.fo4_ns,
            },
            "timing": {"tool": timing.tool_name(self.timer), "assumptions": timing.ASSUMPTIONS},
            "common_clock_ns": self.common_clock_ns,
            "rows": self.rows(),
            "fronts": {design.name: fronts_json(design) for design in self.designs},
            "left_out": {
                design.name: [asdict(entry) for entry in design.left_out]
                for design in self.designs
                if isinstance(design, MappedPE)
            },
        }


def _power_of(
    design: MappedPE | ArrayFront,
    tech: Technology,
    wires: str,
    clock: float,
    operands: str,
    seed: int,
    cycles: int,
) -> Power:
    if not isinstance(design, ArrayFront):
        chosen = design.at(clock)
        return pe_power(design.engine, chosen, tech, clock, operands, seed, cycles, wires)
    if wires != "none":
        raise TpeError(f"wires = '{wires}' is not legal for an array: none")
    return of_array(design.engine, design.at(clock), clock, operands, seed, cycles)


# ---- the API ----


def synthesise(
    design: Subject,
    *,
    liberty: str | Path | Sequence[str | Path] | Technology = "tpe130",
    clocks_ns: Sequence[float] = (),
    recipes: str | Sequence[str] | Sequence[Recipe] = "portfolio",
    array: bool = False,
    timer: str | None = None,
    workers: int | None = None,
) -> Result:
    """The area and timing of one PE, or of one engine as a whole if `array`, as `tpe synth` does.

    design     a PE's name or record, or an engine
    liberty    a built-in technology's name, Liberty files that belong together, or a technology
    clocks_ns  clocks to choose for; one that the design does not meet, if none is met, is an error
    recipes    of synthesis, "quick" or "portfolio" or names
    timer      own or sta (OpenSTA); default: own
    workers    processes; default: as many as there are cores

    Raises TpeError for a design without RTL, and for a library that nothing can be mapped to.

    >>> result = synthesise("mac", recipes="ripple/fast")
    >>> [design.name for design in result.designs]
    ['mac']
    """
    return compare(
        [design],
        liberty=liberty,
        clocks_ns=clocks_ns,
        recipes=recipes,
        array=array,
        timer=timer,
        workers=workers,
    )


def compare(
    subjects: Sequence[Subject],
    *,
    liberty: str | Path | Sequence[str | Path] | Technology = "tpe130",
    clocks_ns: Sequence[float] = (),
    recipes: str | Sequence[str] | Sequence[Recipe] = "portfolio",
    array: bool = False,
    vary: Sequence[str] = designs.VARIED,
    timer: str | None = None,
    workers: int | None = None,
    step: Step = lambda name: None,
) -> Result:
    """Several designs mapped to one technology, by the same recipes.

    subjects  -- names or records of PEs, or engines; a PE's parameters are an engine's
    liberty   -- a built-in technology's name, Liberty files that belong together, or a technology
    clocks_ns -- clocks to choose for; a clock that no design meets, of all, is an error
    vary      -- parameters of a PE whose other values are tried too, by the quick recipes
    timer     -- own or sta (OpenSTA); default: own
    step      -- called with a name as each of `count_steps` jobs ends
    """
    if not subjects:
        raise TpeError("no design given; legal: PEs or engines")
    tech = liberty if isinstance(liberty, Technology) else technology(liberty)
    chosen = find_recipes(recipes)
    timing.check_timer(timer)
    clocks = check_clocks(clocks_ns)
    engines = [_engine(design) for design in subjects]
    made: list[MappedPE | ArrayFront] = []
    for engine in engines:
        if array:
            made.append(array_front(engine, tech, chosen, step, timer, workers))
        else:
            made.append(_design(engine, tech, chosen, vary, step, timer, workers))
    result = Result(tech, tuple(made), clocks, chosen, timer=timer)
    _check_met(result)
    asked = clocks or (result.common_clock_ns,)
    return replace(result, designs=tuple(_refined(design, asked) for design in made))


def _refined(design: MappedPE | ArrayFront, clocks: Sequence[float]) -> MappedPE | ArrayFront:
    """An array composed for each clock; a PE has all its points already."""
    if isinstance(design, ArrayFront):
        for clock in clocks:
            design = design.refined(clock)
    return design


def count_steps(
    subjects: Sequence[Subject],
    recipes: str | Sequence[str] | Sequence[Recipe],
    array: bool,
    vary: Sequence[str] = designs.VARIED,
) -> int:
    """How often `compare` calls `step`."""
    chosen = find_recipes(recipes)
    engines = [_engine(design) for design in subjects]
    if array:
        return sum(count_jobs(engine, chosen) for engine in engines)
    total = 0
    for engine in engines:
        parts = [part for kind in designs.pe_parts(engine, vary).values() for part in kind]
        total += sum(mapper.count_jobs(parts, some) for some in screening(chosen) if some)
    return total


def _engine(design: Subject) -> Config:
    if isinstance(design, Config):
        emit.record(design)
        designs.require_built(design)
        return design
    return default_engine(design)


def default_engine(pe: str | PE) -> Config:
    """A small engine of a PE, with every parameter at its default, in the PE's first array."""
    from tpe import array as arrays
    from tpe import pe as pes

    record = pes.get(pe) if isinstance(pe, str) else pe
    chosen = arrays.get(arrays.default_for(record))
    return Config(record, chosen, (4,) * len(chosen.sides))


def _design(
    engine: Config,
    tech: Technology,
    recipes: tuple[Recipe, ...],
    vary: Sequence[str],
    step: Step,
    timer: str | None,
    workers: int | None,
) -> MappedPE:
    """Every part of a PE mapped by the recipes of the screen, and what is worth it by the rest."""
    parts = designs.pe_parts(engine, vary)
    every = [part for kind in parts.values() for part in kind]
    left_out: list[LeftOut] = []

    def told(part: Part, outcome: MappingResult) -> None:
        for recipe, reason in (*outcome.failed, *outcome.left_out):
            left_out.append(LeftOut(part.name, part.variant, recipe, reason))

    screen, rest = screening(recipes)
    first = measured(every, tech, screen, step, timer, workers, (), told)
    points = {id(part): own for part, own in zip(every, first, strict=True)}
    if rest:
        more = [p for kind in parts.values() for p in _promising(kind, points)]
        for part in every:
            if part not in more:
                for _ in range(mapper.count_jobs([part], rest)):
                    step(part.name)
        second = measured(more, tech, rest, step, timer, workers, screen, told)
        for part, own in zip(more, second, strict=True):
            points[id(part)] += own
    found = {
        kind: tuple(p for part in own for p in points[id(part)]) for kind, own in parts.items()
    }
    fits = {kind: {part.variant: part.fits for part in own} for kind, own in parts.items()}
    return MappedPE(emit.record(engine).name, engine, found, tuple(left_out), fits)


def _promising(parts: Sequence[Part], points: Mapping[int, Sequence[Point]]) -> list[Part]:
    """The variants of a part that, by the recipes of the screen, may stand on its front.

    Such a variant has a point that no other variant beats clearly.
    """
    return [
        part
        for part in parts
        if any(
            not any(clearly_beats(q, p) for o in parts if o is not part for q in points[id(o)])
            for p in points[id(part)]
        )
    ]


def check_clocks(clocks_ns: Sequence[float]) -> tuple[float, ...]:
    """The clocks, in order, each once; TpeError unless all are above 0."""
    for clock in checks.numbers(clocks_ns, "clocks_ns"):
        if not clock < 1e6:
            raise TpeError(f"clock_ns = {clock!r} is not legal: above 0, in ns")
    return tuple(sorted(set(clocks_ns)))


def _check_met(result: Result) -> None:
    """TpeError, with the best that each design reached, if no clock is met by any of them."""
    if not result.clocks_ns or max(result.clocks_ns) >= min(
        design.fastest.period_ns for design in result.designs
    ):
        return
    best = ", ".join(f"{d.name} {d.fastest.period_ns:.3f} ns" for d in result.designs)
    asked = ", ".join(f"{clock:g}" for clock in result.clocks_ns)
    raise TpeError(f"clock_ns = {asked} is met by no design; best reached: {best}")
