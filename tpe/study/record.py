"""Engines that ran the same workload: rows beside each other, ratios to one of them.

`tpe.Comparison`, in `tpe.study.comparison`, is one that is shown, saved and drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tpe.array.base import Overlap
from tpe.base.errors import TpeError, unknown
from tpe.base.table import SCHEMA_VERSION, full_row, to_frame
from tpe.model.runnable import AnyRun
from tpe.study.candidates import Candidate
from tpe.version import __version__

if TYPE_CHECKING:
    import pandas as pd


DEFAULT_BASELINE = "mac"
NOT_BY_CYCLES = (
    "Cycles alone rank no PE: a digit-serial PE is slower in cycles and smaller. Its case is "
    "area and energy at equal area, which are unknown until synthesis (--iso area). Operand bits "
    "a cycle are what the PEs' ports take at full pace, resident operands included."
)
_RATIOS: dict[str, tuple[str, ...]] = {
    "cycles_ratio": ("cycles",),
    "cycles_per_operand_ratio": ("cycles_per_operand",),
    "operand_bits_per_cycle_ratio": ("operand_bits_per_cycle_a", "operand_bits_per_cycle_b"),
    "operand_bits_per_cycle_a_ratio": ("operand_bits_per_cycle_a",),
    "operand_bits_per_cycle_b_ratio": ("operand_bits_per_cycle_b",),
    "overall_utilization_ratio": ("overall_utilization",),
    "pe_count_ratio": ("pe_count",),
    "area_ratio": ("area_um2",),
    "energy_ratio": ("energy_pj",),
}
EXTRA: dict[str, str] = {
    "label": "string",
    "engine_hash": "string",
    "baseline": "string",
    "outputs_equal": "boolean",  # every C the baseline's, bit for bit; null: other operands
    **dict.fromkeys(_RATIOS, "Float64"),
}


@dataclass(frozen=True, eq=False)
class Entry:
    """One engine of a comparison: its run, or None and the reason."""

    candidate: Candidate
    run: AnyRun | None
    reason: str | None
    outputs_equal: bool | None = None

    @property
    def label(self) -> str:
        """What the engine is called in this comparison."""
        return self.candidate.label


@dataclass(frozen=True, eq=False)
class ComparisonRecord:
    """What was compared, on what, to which; `record["opt4c"]` is that engine's `Run`."""

    workload: str
    seed: int
    baseline: str
    entries: tuple[Entry, ...]
    command: str = ""
    version: str = __version__  # of the tpe that made it

    def __getitem__(self, label: str) -> AnyRun:
        found = {entry.label: entry for entry in self.entries}
        if label not in found:
            raise unknown("engine of this comparison", label, found)
        run = found[label].run
        if run is None:
            raise TpeError(f"{label} was refused: {found[label].reason}")
        return run

    @property
    def ran(self) -> tuple[tuple[str, AnyRun], ...]:
        """(label, run) of every engine that was not refused."""
        return tuple((e.label, e.run) for e in self.entries if e.run is not None)

    @property
    def assumed(self) -> str | None:
        """The line that says which operands are assumed, and how they are drawn; None if none."""
        return self[self.baseline].assumed

    @property
    def overlaps(self) -> str:
        """The line that says what each engine does of the next tile behind one."""
        groups: dict[str, list[str]] = {}
        for label, run in self.ran:
            groups.setdefault(str(run.engine.params.get("overlap", Overlap.NONE)), []).append(label)
        said = "; ".join(f"{overlap}: {', '.join(labels)}" for overlap, labels in groups.items())
        return f"Between tiles, overlap = {said}."

    @property
    def without_values(self) -> str | None:
        """The line that says what has no values, of the first engine whose cycles are estimates."""
        lines = {label: run.without_values for label, run in self.ran if run.without_values}
        rough = [label for label, run in self.ran if run.estimated]
        if not rough:
            return next(iter(lines.values()), None)
        return " ".join(f"{label}: {lines[label]}" for label in rough)

    def rows(self) -> list[dict[str, Any]]:
        """One row per engine, all layers together; refused ones too, with their reason."""
        totals = {label: run.totals() for label, run in self.ran}
        base = totals[self.baseline]
        return [self._row(entry, totals.get(entry.label), base) for entry in self.entries]

    def layer_rows(self) -> list[dict[str, Any]]:
        """One row per layer and engine that ran; the engines of a layer stand together."""
        runs = [(entry, entry.run.rows()) for entry in self.entries if entry.run is not None]
        base = next(rows for entry, rows in runs if entry.label == self.baseline)
        return [
            self._row(entry, rows[i], base[i]) for i in range(len(base)) for entry, rows in runs
        ]

    def to_frame(self, layers: bool = False) -> pd.DataFrame:
        """The rows as a data frame: the columns of the flat table, then those of `EXTRA`."""
        return to_frame(self.layer_rows() if layers else self.rows(), EXTRA)

    def to_json(
        self,
        rows: Sequence[Mapping[str, Any]] | None = None,
        layer_rows: Sequence[Mapping[str, Any]] | None = None,
    ) -> dict[str, Any]:
        """`schema_version`, `command`, `workload`, `seed`, `baseline`, `note`, then rows.

        `engines` has each engine's identity, `layers` and `totals` the rows of the two tables,
        which may be given if they are at hand.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            "command": self.command,
            "workload": self.workload,
            "seed": self.seed,
            "baseline": self.baseline,
            "note": NOT_BY_CYCLES,
            "assumed_operands": self.assumed,
            "without_values": self.without_values,
            "overlaps": self.overlaps,
            "engines": [
                {"label": label, "hash": run.engine.hash, **run.engine.describe()}
                for label, run in self.ran
            ],
            "layers": self.layer_rows() if layer_rows is None else list(layer_rows),
            "totals": self.rows() if rows is None else list(rows),
        }

    def _row(
        self, entry: Entry, row: dict[str, Any] | None, base: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A row of the flat table, or a refused one, with the columns of `EXTRA`."""
        engine = entry.run.engine if entry.run else None
        full = self._refused(entry) if row is None else {**row, "command": self.command or None}
        ratios: dict[str, float | None] = (
            dict.fromkeys(_RATIOS) if row is None else _ratios(row, base)
        )
        return {
            **full,
            "label": entry.label,
            "engine_hash": engine.hash if engine else None,
            "baseline": self.baseline,
            "outputs_equal": entry.outputs_equal,
            **ratios,
        }

    def _refused(self, entry: Entry) -> dict[str, Any]:
        """The row of an engine that did not run: what was asked for, and why not."""
        candidate = entry.candidate
        known = (
            candidate.engine.describe()
            if candidate.engine
            else {"pe": candidate.pe, "array": candidate.array}
        )
        return full_row(
            {
                "schema_version": SCHEMA_VERSION,
                "status": "refused",
                "reason": entry.reason,
                "tpe_version": self.version,
                "seed": self.seed,
                "command": self.command or None,
                **known,
                "workload": self.workload,
                "layer": "total",
            }
        )


def _ratios(row: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: _ratio(row, base, columns) for name, columns in _RATIOS.items()}


def _ratio(
    row: Mapping[str, Any], base: Mapping[str, Any], columns: tuple[str, ...]
) -> float | None:
    """Sum of the columns over the baseline's; None if any of them is unknown, or divides by 0."""
    above, below = [row[c] for c in columns], [base[c] for c in columns]
    if None in above or None in below or not sum(below):
        return None
    return float(sum(above) / sum(below))
