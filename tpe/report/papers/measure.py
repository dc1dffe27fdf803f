"""A paper's cases measured in one library, or with a user's own numbers.

Area efficiency is multiply-accumulates a second and area, of an array on the paper's workload, at
the clock where the array has most of them; energy efficiency is multiply-accumulates per energy,
the PE's, on operands drawn as those of the workload. Both are ratios of the design to its baseline,
above 1 where the design is better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.model.engine import Engine
from tpe.report.papers import saed32
from tpe.report.papers.facts import Claim, Paper, PaperCase, Spec
from tpe.study.cost_file import CostTable
from tpe.study.forms import best, tried
from tpe.study.price import Option, Price, count_steps, price, users_price
from tpe.synth.area.designs import sized
from tpe.synth.area.scaling import reference
from tpe.synth.netlist.recipes import Recipe
from tpe.synth.power.known import Energy, known_energy
from tpe.technology.technology import Technology

Step = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """An engine at its clock: what it costs and how much it does on the paper's workload."""

    spec: Spec
    option: Option
    area_um2: float
    macs_per_cycle: float
    cycles: int
    steps: float  # cycles for one operand, without filling, draining and loads
    energy: Energy | None = None
    no_energy: str | None = None  # why there is none

    @property
    def clock_ns(self) -> float:
        """The option's own."""
        return self.option.period_ns

    @property
    def density(self) -> float:
        """Multiply-accumulates a ns and um2."""
        return self.macs_per_cycle / self.clock_ns / self.area_um2

    @property
    def stages(self) -> int:
        """Pipeline stages of its cells."""
        return _stages({**self.spec.params, **self.option.params})

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON."""
        energy = self.energy
        return {
            "pe": self.spec.pe,
            "array": self.spec.array,
            "size": "x".join(map(str, self.spec.size)),
            "params": {**self.spec.params, **self.option.params},
            "clock_ns": self.clock_ns,
            "recipe": self.option.recipe,
            "area_um2": self.area_um2,
            "memory_bits_left_out": self.option.memory_bits(self.spec.size),
            "cells_share": self.option.cells_share(self.spec.size),
            "cycles": self.cycles,
            "macs_per_cycle": self.macs_per_cycle,
            "cycles_per_operand": self.steps,
            "energy_fj_per_mac": energy.fj_per_mac if energy else None,
            "activity_source": energy.activity_source if energy else None,
        }


@dataclass(frozen=True)
class Finding:
    """One ratio of one case: the claims, the published rows, ours; or why there is none of ours.

    one_stage -- the same where both have cells of one stage, as the papers build them; None if
                 the baseline has no more
    spread    -- least and largest ratio where the cells of both come from one recipe alone
    """

    case: PaperCase
    quantity: str  # area or energy
    ours: float | None = None
    one_stage: float | None = None
    spread: tuple[float, float] | None = None
    design: Built | None = None
    baseline: Built | None = None
    reason: str | None = None

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What the paper says."""
        return self.case.area if self.quantity == "area" else self.case.energy

    @property
    def published(self) -> float | None:
        """The same ratio of the repository's SAED32 rows, None without such rows."""
        if self.case.saed32 is None:
            return None
        if self.design is None and saed32.best(*self.case.saed32[0]).pes > 1:
            return None  # the steps of an operand are the model's
        found = saed32.ratio(*self.case.saed32, self.design.steps if self.design else 1.0)
        return found.area if self.quantity == "area" else found.energy


@dataclass(frozen=True)
class Measured:
    """A paper in one library; `technology` is None where the numbers are a user's."""

    paper: Paper
    findings: tuple[Finding, ...]
    source: str
    technology: Technology | None = None

    @property
    def name(self) -> str:
        """What the library is called."""
        return self.technology.name if self.technology else self.source


@dataclass(eq=False)
class Experiment:
    """Prices and runs of one library, each made once."""

    paper: Paper
    technology: Technology | None
    recipes: Sequence[Recipe]
    costs: CostTable | None = None
    step: Step = lambda name: None
    energy: bool = True  # whether energies are measured: the longer part of a first run
    prices: dict[str, Price] = field(default_factory=dict)
    runs: dict[str, tuple[int, int, float]] = field(default_factory=dict)
    energies: dict[tuple[int, tuple[int, ...]], tuple[Energy | None, str | None]] = field(
        default_factory=dict
    )

    def price(self, spec: Spec) -> Price:
        """The options of a spec; sizes that scale into one another share them."""
        own, key = _priced_as(spec)
        if key not in self.prices:
            if self.costs is not None:
                self.prices[key] = users_price(own, self.costs)
            else:
                self.prices[key] = best(own, partial(self._synthesised, spec), spec.lean)
        return self.prices[key]

    def _synthesised(self, spec: Spec, engine: Config, form: Mapping[str, Any]) -> Price:
        assert self.technology is not None
        vary = _vary(spec, form)
        return price(engine, self.technology, self.recipes, vary=vary, step=self.step)

    def built(self, spec: Spec, option: Option) -> Built:
        """A spec as an option says, on the paper's workload."""
        engine = engine_of(replace(spec, params={**spec.params, **option.params}))
        if engine.hash not in self.runs:
            run = engine.run(self.paper.workload)
            row = run.totals()
            steps = row["cycles_per_operand"] if row["nonzero_digits_per_operand"] else 1.0
            self.runs[engine.hash] = row["macs"], run.cycles, steps
        macs, cycles, steps = self.runs[engine.hash]
        return Built(spec, option, option.area_um2(spec.size), macs / cycles, cycles, steps)

    def with_energy(self, built: Built) -> Built:
        """The same with the energy of its PE, if anything measures it."""
        if not self.energy:
            return replace(built, no_energy="energy was not asked for")
        key = id(built.option), built.spec.size
        if key not in self.energies:
            option, size = built.option, built.spec.size
            self.energies[key] = known_energy(
                lambda: option.energy(option.period_ns, size, lambda: self.paper.operands)
            )
        energy, why = self.energies[key]
        return replace(built, energy=energy, no_energy=why)

    def one_stage(self, spec: Spec) -> Built | None:
        """The spec without pipeline stages and in no other form, with its energy.

        None if it has none anyway.
        """
        plain = self.price(spec)
        own = tuple(o for o in plain.options if not o.form and _stages(o.params) == 1)
        if not own or len(own) == len(plain.options):
            return None
        made = self.built(spec, replace(plain, options=own).densest(spec.size))
        return self.with_energy(made)


def _stages(params: Mapping[str, Any]) -> int:
    return int(params.get("stages", params.get("cell_stages", 1)))


def _priced_as(spec: Spec) -> tuple[Config, str]:
    """The engine that a spec's price is of, and what of two specs has one price."""
    engine = engine_of(spec)
    own = sized(engine, reference(engine))
    return own, f"{own.hash} {spec.vary} {spec.lean}"


def _vary(spec: Spec, form: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in spec.vary if name not in form)


def engine_of(spec: Spec) -> Engine:
    """The engine of a spec."""
    return Engine(spec.pe, spec.array, spec.size, **spec.params)


def measure(bench: Experiment) -> Measured:
    """Every case of the bench's paper; what cannot be built is a finding with the reason."""
    found: list[Finding] = []
    for case in bench.paper.cases:
        found += _findings(bench, case)
    source = bench.costs.source if bench.costs else bench.technology.source  # type: ignore[union-attr]
    if all(f.design is None for f in found):
        raise TpeError(f"no case of {bench.paper.name} can be built: {found[0].reason}")
    return Measured(bench.paper, tuple(found), source, bench.technology)


def steps(paper: Paper, recipes: Sequence[Recipe]) -> int:
    """How often `measure` calls `step`, at most."""
    keys: dict[str, int] = {}
    for case in paper.cases:
        for spec in (case.design, case.baseline):
            own, key = _priced_as(spec)
            every = tried(own, spec.lean)
            keys[key] = sum(count_steps(o, recipes, _vary(spec, form)) for form, o in every)
    return sum(keys.values())


def _findings(bench: Experiment, case: PaperCase) -> list[Finding]:
    try:
        specs = case.design, case.baseline
        prices = [bench.price(spec) for spec in specs]
    except TpeError as error:
        return [Finding(case, quantity, reason=str(error)) for quantity in ("area", "energy")]
    design, baseline = (
        bench.with_energy(bench.built(spec, price.densest(spec.size)))
        for spec, price in zip(specs, prices, strict=True)
    )
    other = baseline.stages > 1 or baseline.option.form
    plain = _of_one_stage(bench, case, design) if other else None
    area = Finding(
        case,
        "area",
        design.density / baseline.density,
        plain[0].density / plain[1].density if plain else None,
        _spread(bench, case, prices[0], prices[1]),
        design,
        baseline,
    )
    return [area, _energy(case, design, baseline, plain)]


def _of_one_stage(bench: Experiment, case: PaperCase, design: Built) -> tuple[Built, Built] | None:
    """(design, baseline) with cells of one stage; None if the baseline cannot be built so."""
    baseline = bench.one_stage(case.baseline)
    if baseline is None:
        return None
    return bench.one_stage(case.design) or design, baseline


def _energy(
    case: PaperCase, design: Built, baseline: Built, plain: tuple[Built, Built] | None
) -> Finding:
    if design.energy is None or baseline.energy is None:
        finding = Finding(case, "energy", design=design, baseline=baseline)
        return replace(finding, reason=design.no_energy or baseline.no_energy)
    ours = baseline.energy.fj_per_mac / design.energy.fj_per_mac
    one_stage = None
    if plain and plain[0].energy and plain[1].energy:
        one_stage = plain[1].energy.fj_per_mac / plain[0].energy.fj_per_mac
    return Finding(case, "energy", ours, one_stage, None, design, baseline)


def _spread(
    bench: Experiment, case: PaperCase, design: Price, baseline: Price
) -> tuple[float, float] | None:
    """Least and largest ratio over recipes, each of which makes the cells of both."""
    ratios = []
    for recipe in dict.fromkeys(option.cell_recipe for option in design.options):
        one = design.of_recipe(recipe, case.design.size)
        two = baseline.of_recipe(recipe, case.baseline.size)
        if one is not None and two is not None:
            above, below = bench.built(case.design, one), bench.built(case.baseline, two)
            ratios.append(above.density / below.density)
    return (min(ratios), max(ratios)) if len(ratios) > 1 else None
