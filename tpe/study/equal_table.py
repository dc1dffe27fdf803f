"""What a comparison at equal something is: its entries, and their rows.

A row is one of the flat table with `EXTRA` behind it. Ratios are this row's value over the
baseline's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tpe.base.errors import unknown
from tpe.base.table import SCHEMA_VERSION, full_row, to_frame
from tpe.engine.parameters import size_text
from tpe.model.engine import Run
from tpe.study.candidates import Candidate
from tpe.study.price import Option, Price
from tpe.synth.power.known import Energy
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
_RATIOS = {
    "time_ratio": "time_us",
    "area_ratio": "area_um2",
    "energy_per_mac_ratio": "energy_fj_per_mac",
    "tops_per_mm2_ratio": "tops_per_mm2",
    "tops_per_w_ratio": "tops_per_w",
    "throughput_ratio": "throughput_tops",
}
_CYCLES = re.compile(r", \d+ cycles$")  # of a simulation, not the same for any two PEs
EXTRA: dict[str, str] = {
    "label": "string",
    "baseline": "string",
    "iso": "string",
    "size": "string",
    "period_ns": "Float64",
    "memory_bits_left_out": "Int64",
    "macs_per_cycle": "Float64",
    **dict.fromkeys(_RATIOS, "Float64"),
    "no_energy": "string",  # why there is none
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

    @property
    def assumed(self) -> str | None:
        """The line that says which operands are assumed, and how they are drawn; None if none."""
        run = self[self.baseline].run
        return None if run is None else run.assumed

    @property
    def without_values(self) -> str | None:
        """The line that says which cycles are estimates, or that nothing has values."""
        runs = [(entry.label, entry.run) for entry in self.entries if entry.run is not None]
        rough = [f"{label}: {run.without_values}" for label, run in runs if run.estimated]
        return " ".join(rough) or next((run.without_values for _, run in runs), None)

    @property
    def of_energies(self) -> tuple[str, ...]:
        """Lines that say which operands energies are of, and why some are unknown."""
        done = [entry for entry in self.entries if entry.run is not None]
        known = {
            _CYCLES.sub("", e.energy.activity_source): e.price for e in done if e.energy and e.price
        }
        own = sorted(s for s, price in known.items() if price.technology is not None)
        users = sorted(s for s, price in known.items() if price.technology is None)
        lines = [f"{e.label}: {e.no_energy}." for e in done if e.no_energy]
        if users:
            lines.insert(0, f"Energies are given, on operands not known here: {'; '.join(users)}.")
        if own:
            lines.insert(0, f"Energy is the PE's, without what lies between: {'; '.join(own)}.")
        return tuple(lines)

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
            "assumed_operands": self.assumed,
            "without_values": self.without_values,
            "of_energies": list(self.of_energies),
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
            "size": size_text(candidate.engine.size),
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
        "energy_pe_pj": None if fj is None else fj * row["macs"] / 1000,
        "power_mw": None if fj is None else fj * row["macs"] / time_us * 1e-6,
        "tops_per_w": 2000 / fj if fj else None,
        "activity_source": energy.activity_source if energy else None,
        "cost_source": entry.price.source,
        "library": tech.name if tech else None,
        "node_nm": tech.node_nm if tech else None,
        "corner": tech.corner if tech else None,
        "size": size_text(run.engine.size),
        "period_ns": option.period_ns,
        "memory_bits_left_out": option.memory_bits(size),
        "macs_per_cycle": row["macs"] / run.cycles,
        "no_energy": entry.no_energy,
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
