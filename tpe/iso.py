"""Engines side by side at equal area, throughput, power, clock or operand bandwidth.

The baseline stands at its size, every other PE gets an integer number of columns, its rows kept,
or halved until one column fits. What an array of that size costs comes from `tpe.synth.price`, what
it does from `Engine.run`. A row is one of the flat table with `EXTRA` behind it. Ratios are this
row's value over the baseline's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any

from tpe.candidates import Candidate
from tpe.comparison import Plan
from tpe.config import size_text
from tpe.engine import Engine
from tpe.errors import TpeError, unknown
from tpe.run import Run
from tpe.synth.energy import Energy, known_energy
from tpe.synth.price import Option, Price
from tpe.synth.scaling import Size, rows_are_lanes, sized
from tpe.table import SCHEMA_VERSION, full_row, to_frame
from tpe.version import __version__

if TYPE_CHECKING:
    import pandas as pd

ISO = {
    "area": "the most columns whose area is the baseline's at most",
    "throughput": "the fewest columns that take the baseline's time at most",
    "power": "the most columns whose power is the baseline's at most",
    "clock": "the baseline's size and clock",
    "bandwidth": "the most columns that take the baseline's operand bits a cycle at most",
}
MOST_COLUMNS = 1024
_RATIOS = {
    "time_ratio": "time_us",
    "area_ratio": "area_um2",
    "energy_per_mac_ratio": "energy_fj_per_mac",
    "tops_per_mm2_ratio": "tops_per_mm2",
    "tops_per_w_ratio": "tops_per_w",
    "throughput_ratio": "throughput_tops",
}
EXTRA: dict[str, str] = {
    "label": "string",
    "baseline": "string",
    "iso": "string",
    "size": "string",
    "period_ns": "Float64",
    "memory_bits_left_out": "Int64",
    "macs_per_cycle": "Float64",
    **dict.fromkeys(_RATIOS, "Float64"),
}


@dataclass(frozen=True, eq=False)
class IsoEntry:
    """One engine: its price, the option and the size that were chosen, its run; or why not."""

    candidate: Candidate
    price: Price | None = None
    option: Option | None = None
    clock_ns: float | None = None
    run: Run | None = None
    energy: Energy | None = None
    reason: str | None = None
    no_energy: str | None = None  # why `energy` is None

    @property
    def label(self) -> str:
        """What the engine is called in this comparison."""
        return self.candidate.label


@dataclass(frozen=True, eq=False)
class IsoComparison:
    """What `compare_iso` returns."""

    iso: str
    workload: str
    seed: int
    baseline: str
    entries: tuple[IsoEntry, ...]
    command: str = field(default="")

    def __getitem__(self, label: str) -> IsoEntry:
        found = {entry.label: entry for entry in self.entries}
        if label not in found:
            raise unknown("engine of this comparison", label, found)
        return found[label]

    def rows(self) -> list[dict[str, Any]]:
        """One row per engine; refused ones too, with their reason."""
        plain = [_columns(entry, self) for entry in self.entries]
        base = plain[[entry.label for entry in self.entries].index(self.baseline)]
        return [{**row, **_ratios(row, base)} for row in plain]

    def to_frame(self) -> pd.DataFrame:
        """The rows as a data frame: the columns of the flat table, then those of `EXTRA`."""
        return to_frame(self.rows(), EXTRA)

    def to_json(self) -> dict[str, Any]:
        """The rows, and the options of every PE at the baseline's size: area against clock."""
        return {
            "schema_version": SCHEMA_VERSION,
            "command": self.command,
            "iso": self.iso,
            "meaning": ISO[self.iso],
            "workload": self.workload,
            "seed": self.seed,
            "baseline": self.baseline,
            "rows": self.rows(),
            "fronts": {
                entry.label: front_json(entry.price, entry.candidate)
                for entry in self.entries
                if entry.price is not None
            },
        }


def front_json(price: Price, candidate: Candidate) -> list[dict[str, Any]]:
    """The area/clock front of an array at the size that was asked for."""
    assert candidate.engine is not None
    size = candidate.engine.size
    return [
        {
            "size": size_text(candidate.engine),
            "period_ns": option.period_ns,
            "area_um2": option.area_um2(size),
            "recipe": option.recipe,
        }
        for option in price.front(size)
    ]


def _columns(entry: IsoEntry, whole: IsoComparison) -> dict[str, Any]:
    own = {"label": entry.label, "baseline": whole.baseline, "iso": whole.iso}
    if entry.run is None or entry.option is None or entry.clock_ns is None:
        return {**_refused(entry, whole), **own}
    assert entry.price is not None
    run, option, size = entry.run, entry.option, entry.run.engine.size
    tech, energy = entry.price.technology, entry.energy
    row = run.totals()
    area, time_us = option.area_um2(size), run.cycles * entry.clock_ns / 1000
    tops = 2 * row["macs"] / time_us * 1e-6
    fj = energy.fj_per_mac if energy else None
    return {
        **row,
        **own,
        "command": whole.command or None,
        "clock_ns": entry.clock_ns,
        "clock_met": option.period_ns <= entry.clock_ns,
        "fmax_mhz": 1000 / entry.price.fastest_ns,
        "recipe": option.recipe,
        "area_um2": area,
        "time_us": time_us,
        "throughput_tops": tops,
        "tops_per_mm2": tops / (area * 1e-6),
        "energy_fj_per_mac": fj,
        "energy_pj": None if fj is None else fj * row["macs"] / 1000,
        "power_mw": None if fj is None else fj * row["macs"] / time_us * 1e-6,
        "tops_per_w": 2000 / fj if fj else None,
        "activity_source": energy.activity_source if energy else None,
        "cost_source": entry.price.source,
        "library": tech.name if tech else None,
        "node_nm": tech.node_nm if tech else None,
        "corner": tech.corner if tech else None,
        "size": size_text(run.engine),
        "period_ns": option.period_ns,
        "memory_bits_left_out": option.memory_bits(size),
        "macs_per_cycle": row["macs"] / run.cycles,
    }


def _refused(entry: IsoEntry, whole: IsoComparison) -> dict[str, Any]:
    candidate = entry.candidate
    known = candidate.engine.describe() if candidate.engine else {"pe": candidate.pe}
    row = {
        "schema_version": SCHEMA_VERSION,
        "status": "refused",
        "reason": entry.reason,
        "tpe_version": __version__,
        "seed": whole.seed,
        "command": whole.command or None,
        **known,
        "workload": whole.workload,
        "layer": "total",
    }
    return {**full_row(row), **dict.fromkeys(EXTRA), "size": candidate.size}


def _ratios(row: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, column in _RATIOS.items():
        above, below = row[column], base[column]
        found[name] = above / below if above is not None and below else None
    return found


# ---- making one ----

Pricer = Callable[[Engine], Price]


@dataclass(frozen=True, eq=False)
class _Maker:
    """What every entry of a comparison is made with; runs are kept, since searches repeat them."""

    plan: Plan
    iso: str
    clock_ns: float | None
    runs: dict[tuple[str, str, str], Run] = field(default_factory=dict)

    def run(self, candidate: Candidate, option: Option, size: Size) -> Run:
        """The workload on the candidate at a size, built as the option says."""
        assert candidate.engine is not None
        key = (candidate.label, str(size), str(sorted(option.params.items())))
        if key not in self.runs:
            engine = sized(candidate.engine, size, **option.params)
            workload = self.plan.workloads[candidate.label]
            self.runs[key] = engine.run(workload, seed=self.plan.seed)
        return self.runs[key]

    def clock(self, option: Option) -> float:
        """The clock that was asked for, or the option's own."""
        return option.period_ns if self.clock_ns is None else self.clock_ns

    def options(self, price: Price, size: Size) -> list[Option]:
        """Those that meet the clock, or all; TpeError if none does."""
        clock = self.clock_ns
        found = [o for o in price.front(size) if clock is None or o.period_ns <= clock]
        if not found:
            raise TpeError(
                f"no netlist meets clock_ns = {clock:g}; fastest: {price.fastest_ns:.3f} ns"
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
        energy, why = known_energy(lambda: option.energy(clock, size))
        return IsoEntry(candidate, price, option, clock, run, energy, no_energy=why)


def compare_iso(
    plan: Plan,
    pricer: Pricer,
    iso: str = "area",
    clock_ns: float | None = None,
    step: Callable[[str], None] = lambda name: None,
) -> IsoComparison:
    """Price and run the engines of a plan with one thing equal; see `ISO`.

    pricer   -- gives an engine's `Price`; what it refuses becomes a row with the reason
    clock_ns -- one clock for all; default: each at the clock of its most steps a second and area,
                with `iso` = "clock" the fastest that all meet

    Raises TpeError for an unknown `iso`, for equal power without energy, and if the baseline
    cannot be priced.
    """
    check_iso(iso)
    prices: dict[str, Price] = {}
    reasons: dict[str, str] = {}
    for c in sorted(plan.candidates, key=lambda c: c.label != plan.baseline):
        try:
            if c.engine is None:
                raise TpeError(str(c.reason))
            prices[c.label] = pricer(c.engine)
        except TpeError as error:
            if c.label == plan.baseline:
                raise
            reasons[c.label] = str(error)
        step(c.label)
    if iso == "clock" and clock_ns is None:
        clock_ns = max(price.fastest_ns for price in prices.values())
    maker = _Maker(plan, iso, clock_ns)
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
    assert c.engine is not None
    size = c.engine.size
    entry = maker.entry(c, price, maker.first(price, size), size)
    if maker.iso == "power" and entry.energy is None:
        raise TpeError(f"iso = 'power' is not legal: {entry.no_energy}")
    return entry


def _entry(maker: _Maker, c: Candidate, price: Price, base: IsoEntry) -> IsoEntry:
    """The candidate, sized so that it equals the baseline as `iso` says; or the reason."""
    assert c.engine is not None
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
    engine, budget = c.engine, _area(base)
    assert engine is not None
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
    engine = c.engine
    assert engine is not None and base.run is not None and base.clock_ns is not None
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
    engine = c.engine
    assert engine is not None and base.run is not None and base.energy is not None
    option = maker.first(price, engine.size)
    clock = maker.clock(option)
    energy, why = known_energy(lambda: option.energy(clock, engine.size))
    if energy is None:
        raise TpeError(str(why))
    macs, fj = sum(layer.macs for layer in base.run.layers), energy.fj_per_mac
    assert base.clock_ns is not None
    budget = base.energy.fj_per_mac * macs / (base.run.cycles * base.clock_ns)

    def fits(size: Size) -> bool:
        return fj * macs / (maker.run(c, option, size).cycles * clock) <= budget

    return option, _found(_largest(engine, fits), "power")


def _by_clock(maker: _Maker, c: Candidate, price: Price, base: IsoEntry) -> tuple[Option, Size]:
    assert c.engine is not None
    return maker.first(price, c.engine.size), c.engine.size


def _by_bandwidth(maker: _Maker, c: Candidate, price: Price, base: IsoEntry) -> tuple[Option, Size]:
    engine = c.engine
    assert engine is not None and base.run is not None
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


def with_command(result: IsoComparison, command: str) -> IsoComparison:
    """The same with the command that made it."""
    return replace(result, command=command)


def chosen_text(entries: Sequence[IsoEntry]) -> list[str]:
    """How each entry was built, a line each: recipe and variant of every module."""
    return [f"{e.label}: {e.option.recipe}" for e in entries if e.option is not None]
