"""Engines side by side at equal area, throughput, power, clock or operand bandwidth.

The baseline stands at its size, every other PE gets an integer number of columns, its rows kept,
or halved until one column fits. What an array of that size costs comes from `tpe.study.price`, what
it does from `Engine.run`; energies that are measured are of the operands that cycles are of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod

from tpe.base.errors import TpeError, unknown
from tpe.engine.task import task_of
from tpe.model.engine import Engine, Run
from tpe.model.unvalued import NO_OPERANDS
from tpe.numbers.operands import Ints
from tpe.study.candidates import Candidate
from tpe.study.compare import Plan
from tpe.study.equal_table import ISO, IsoComparison, IsoEntry
from tpe.study.forms import formed
from tpe.study.price import Option, Price
from tpe.synth.area.designs import Size, sized
from tpe.synth.area.scaling import rows_are_lanes
from tpe.synth.power.known import Energy, known_energy
from tpe.synth.power.sampled import Sample, sampled
from tpe.workloads import Layer, Workload

MOST_COLUMNS = 1024

Pricer = Callable[[Engine], Price]


@dataclass(frozen=True, eq=False)
class _Maker:
    """What every entry of a comparison is made with; runs are kept, since searches repeat them."""

    plan: Plan
    iso: str
    clock_ns: float | None
    energy: bool = True
    runs: dict[tuple[str, str, str], Run] = field(default_factory=dict)
    samples: dict[tuple[int, str, str, str], Sample] = field(default_factory=dict)

    def run(self, candidate: Candidate, option: Option, size: Size) -> Run:
        """The workload on the candidate at a size, built as the option says."""
        key = (candidate.label, str(size), str(sorted(option.params.items())))
        if key not in self.runs:
            engine = Engine.of(formed(sized(candidate.built, size), option.params))
            workload = self.plan.workloads[candidate.label]
            self.runs[key] = engine.run(workload, seed=self.plan.seed, values=self.plan.values)
        return self.runs[key]

    def energy_of(
        self, candidate: Candidate, option: Option, clock_ns: float, size: Size
    ) -> tuple[Energy | None, str | None]:
        """An option's energy on the candidate's own operands, or None and why."""
        if not self.energy:
            return None, "energy was not asked for"
        return known_energy(
            lambda: option.energy(clock_ns, size, lambda: self.sample(candidate, option, size))
        )

    def sample(self, candidate: Candidate, option: Option, size: Size) -> Sample:
        """Operands of the candidate's workload, those that its cycles are of.

        TpeError where a run has none, or they are too many to be made.
        """
        engine, plan = candidate.built, self.plan
        if plan.values == "none":
            raise TpeError(NO_OPERANDS)
        workload = plan.workloads[candidate.label]
        run = self.run(candidate, option, size)
        if any(layer.error and layer.error.largest for layer in run.layers):
            return sampled(_sent(run.engine, workload), engine, plan.seed)
        formats = engine.a_format.name, engine.b_format.name, str(engine.params["zero_points"])
        key = (id(workload), *formats)
        if key not in self.samples:
            self.samples[key] = sampled(workload, engine, plan.seed)
        return self.samples[key]

    def clock(self, option: Option) -> float:
        """The clock that was asked for, or the option's own."""
        return option.period_ns if self.clock_ns is None else self.clock_ns

    def options(self, price: Price, size: Size) -> list[Option]:
        """Those that meet the clock, or all; TpeError if none does."""
        clock = self.clock_ns
        found = [o for o in price.front(size) if clock is None or o.period_ns <= clock]
        if not found:
            raise TpeError(
                f"nothing meets clock_ns = {clock:g}; fastest: {price.fastest_ns:.3f} ns"
            )
        return found

    def first(self, price: Price, size: Size) -> Option:
        """The option at a size: the smallest at a given clock, else the most steps per area."""
        found = self.options(price, size)
        if self.clock_ns is not None:
            return found[-1]
        return min(found, key=lambda o: o.area_um2(size) * o.period_ns)

    def entry(self, candidate: Candidate, price: Price, option: Option, size: Size) -> IsoEntry:
        """An entry with everything known."""
        clock = self.clock(option)
        run = self.run(candidate, option, size)
        energy, why = self.energy_of(candidate, option, clock, size)
        return IsoEntry(candidate, price, option, clock, run, energy, no_energy=why)


def _sent(engine: Engine, workload: Workload) -> Workload:
    """The workload with what its layers were given: a sum that overflows changes those after it."""
    sent: list[Layer] = []

    def gemm(layer: Layer) -> Ints:
        sent.append(layer)
        found = engine.run_task(task_of(layer)).C
        assert found is not None
        return found

    workload.drive(gemm)
    return Workload(workload.name, workload.title, workload.source, tuple(sent))


def compare_iso(
    plan: Plan,
    pricer: Pricer,
    iso: str = "area",
    clock_ns: float | None = None,
    energy: bool = True,
) -> IsoComparison:
    """Price and run the engines of a plan with one thing equal; see `ISO`.

    pricer   -- gives an engine's `Price`; what it refuses becomes a row with the reason
    clock_ns -- one clock for all; default: each at the clock of its most steps a second and area,
                with `iso` = "clock" the fastest that all meet
    energy   -- whether energies are measured: the longer part of a first run

    Raises TpeError for an unknown `iso`, for equal power without energy, and if the baseline
    cannot be priced.
    """
    check_iso(iso)
    prices: dict[str, Price] = {}
    reasons: dict[str, str] = {}
    for c in sorted(plan.candidates, key=lambda c: c.label != plan.baseline):
        try:
            prices[c.label] = pricer(c.built)
        except TpeError as error:
            if c.label == plan.baseline:
                raise
            reasons[c.label] = str(error)
    if iso == "clock" and clock_ns is None:
        clock_ns = max(price.fastest_ns for price in prices.values())
    maker = _Maker(plan, iso, clock_ns, energy)
    base = _baseline(maker, prices[plan.baseline])
    entries = []
    for c in plan.candidates:
        if c.label == plan.baseline:
            entries.append(base)
        elif c.label in reasons:
            entries.append(IsoEntry(c, reason=reasons[c.label]))
        else:
            entries.append(_entry(maker, c, prices[c.label], base))
    return IsoComparison(iso, plan.workload, plan.seed, plan.baseline, tuple(entries))


def check_iso(iso: str) -> None:
    """TpeError unless it is one of `ISO`."""
    if iso not in ISO:
        raise unknown("iso", iso, ISO)


def _baseline(maker: _Maker, price: Price) -> IsoEntry:
    c = next(c for c in maker.plan.candidates if c.label == maker.plan.baseline)
    size = c.built.size
    entry = maker.entry(c, price, maker.first(price, size), size)
    if maker.iso == "power" and entry.energy is None:
        raise TpeError(f"iso = 'power' is not legal: {entry.no_energy}")
    return entry


def _entry(maker: _Maker, c: Candidate, price: Price, base: IsoEntry) -> IsoEntry:
    """The candidate, sized so that it equals the baseline as `iso` says; or the reason."""
    try:
        option, size = _SIZED[maker.iso](maker, c, price, base)
        return maker.entry(c, price, option, size)
    except TpeError as error:
        return IsoEntry(c, price, reason=str(error))


def _wide(engine: Engine, cols: int, rows: int | None = None) -> Size:
    return (engine.rows if rows is None else rows, cols, *engine.size[2:])


def _most(fits: Callable[[int], bool]) -> int:
    """The largest number of columns that fits, 0 if one does not; fewer are taken to fit too."""
    low, high = 0, MOST_COLUMNS + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _largest(engine: Engine, fits: Callable[[Size], bool]) -> Size | None:
    """The most columns that fit, of all rows or else of half as many, and so on; None if none."""
    rows = engine.rows
    while rows:
        cols = _most(lambda n, rows=rows: fits(_wide(engine, n, rows)))  # type: ignore[misc]
        if cols:
            return _wide(engine, cols, rows)
        rows = 0 if rows_are_lanes(engine) else rows // 2
    return None


def _by_area(maker: _Maker, c: Candidate, price: Price, base: IsoEntry) -> tuple[Option, Size]:
    """Of the options the one with the most PEs per time, in the baseline's area."""
    engine, budget = c.built, _area(base)
    best: tuple[float, float, Option, Size] | None = None
    for option in maker.options(price, engine.size):
        size = _largest(engine, lambda s, o=option: o.area_um2(s) <= budget)  # type: ignore[misc]
        if size is None:
            continue
        rate = prod(size) / maker.clock(option)
        if best is None or (rate, -option.area_um2(size)) > best[:2]:
            best = (rate, -option.area_um2(size), option, size)
    if best is None:
        least = min(o.area_um2(_wide(engine, 1)) for o in price.options)
        raise TpeError(
            f"a column of {engine.rows} rows takes {least:,.0f} um2, the baseline's array "
            f"{budget:,.0f}, and fewer rows do not fit either"
        )
    return best[2], best[3]


def _area(entry: IsoEntry) -> float:
    assert entry.option is not None and entry.run is not None
    return entry.option.area_um2(entry.run.engine.size)


def _by_throughput(
    maker: _Maker, c: Candidate, price: Price, base: IsoEntry
) -> tuple[Option, Size]:
    engine = c.built
    assert base.run is not None and base.clock_ns is not None
    option = maker.first(price, engine.size)
    wanted = base.run.cycles * base.clock_ns
    clock = maker.clock(option)

    def slower(cols: int) -> bool:
        return maker.run(c, option, _wide(engine, cols)).cycles * clock > wanted

    cols = _most(slower) + 1
    if cols > MOST_COLUMNS:
        raise TpeError(f"{engine.rows} rows do not reach the baseline's time with any columns")
    return option, _wide(engine, cols)


def _by_power(maker: _Maker, c: Candidate, price: Price, base: IsoEntry) -> tuple[Option, Size]:
    engine = c.built
    assert base.run is not None and base.energy is not None
    option = maker.first(price, engine.size)
    clock = maker.clock(option)
    energy, why = maker.energy_of(c, option, clock, engine.size)
    if energy is None:
        raise TpeError(str(why))
    macs, fj = sum(layer.macs for layer in base.run.layers), energy.fj_per_mac
    assert base.clock_ns is not None
    budget = base.energy.fj_per_mac * macs / (base.run.cycles * base.clock_ns)

    def fits(size: Size) -> bool:
        return fj * macs / (maker.run(c, option, size).cycles * clock) <= budget

    return option, _found(_largest(engine, fits), "power")


def _by_clock(maker: _Maker, c: Candidate, price: Price, base: IsoEntry) -> tuple[Option, Size]:
    return maker.first(price, c.built.size), c.built.size


def _by_bandwidth(maker: _Maker, c: Candidate, price: Price, base: IsoEntry) -> tuple[Option, Size]:
    engine = c.built
    assert base.run is not None
    option, budget = maker.first(price, engine.size), _bits(base.run)
    size = _largest(engine, lambda s: _bits(maker.run(c, option, s)) <= budget)
    return option, _found(size, "operand bits a cycle")


def _bits(run: Run) -> int:
    row = run.totals()
    sides = [row[f"operand_bits_per_cycle_{side}"] for side in "ab"]
    if None in sides:
        raise TpeError("operand bits a cycle differ from layer to layer: no one bandwidth")
    return int(sum(sides))


def _found(size: Size | None, what: str) -> Size:
    if size is None:
        raise TpeError(f"even the smallest array takes more {what} than the baseline")
    return size


_SIZED: Mapping[str, Callable[[_Maker, Candidate, Price, IsoEntry], tuple[Option, Size]]] = {
    "area": _by_area,
    "throughput": _by_throughput,
    "power": _by_power,
    "clock": _by_clock,
    "bandwidth": _by_bandwidth,
}
