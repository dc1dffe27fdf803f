"""Engines side by side on one workload: cycles, where they went, operands, ratios to a baseline.

`compare` runs every engine exactly as `Engine.run` does. A row of a comparison is a row of the
flat table and the columns of `EXTRA`: a label, the engine's hash, and ratios, each this row's
value over the baseline's, so that a cycles_ratio of 2 is twice as slow. What is not known, area
and energy until synthesis, is null, and so is its ratio.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base import registry
from tpe.base.errors import TpeError, unknown
from tpe.base.table import SCHEMA_VERSION, full_row, to_frame
from tpe.engine.parameters import checked_seed
from tpe.model.result import Run
from tpe.study.candidates import Candidate, Choice, Compared, candidates
from tpe.version import __version__
from tpe.workloads import Workload

if TYPE_CHECKING:
    import os

    import pandas as pd
    from matplotlib.figure import Figure

DEFAULT_BASELINE = "mac"
NOT_BY_CYCLES = (
    "Cycles alone rank no PE: a digit-serial PE is slower in cycles and smaller. Its case is "
    "area and energy at equal area, which are unknown until synthesis (--iso area). Operand bits "
    "a cycle are what the PEs' ports take at full pace, resident operands included."
)

# Ratio column -> the columns of the flat table whose sum it compares.
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

# What a comparison adds to the flat table, and the types of these columns in a data frame.
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
    run: Run | None
    reason: str | None
    outputs_equal: bool | None = None

    @property
    def label(self) -> str:
        """What the engine is called in this comparison."""
        return self.candidate.label


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` returns. `comparison["opt4c"]` is that engine's `Run`."""

    workload: str
    seed: int
    baseline: str
    entries: tuple[Entry, ...]
    command: str = ""
    version: str = __version__  # of the tpe that made it

    def __repr__(self) -> str:
        from tpe.study.shown import comparison_text

        return comparison_text(self)

    def _repr_html_(self) -> str:
        from tpe.study.shown import comparison_html

        return comparison_html(self)

    def summary(self) -> pd.DataFrame:
        """A dozen columns, a row per engine."""
        from tpe.study.shown import comparison_summary

        return comparison_summary(self)

    def save(self, path: str | os.PathLike[str], values: bool = False) -> None:
        """Write the comparison into a JSON file that `load` reads; see `tpe.Run.save`."""
        from tpe.study.saved import save_comparison

        save_comparison(self, path, values)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Comparison:
        """The comparison in a file that `save` wrote; see `tpe.Run.load`."""
        from tpe.study.saved import load_comparison

        return load_comparison(path)

    def __getitem__(self, label: str) -> Run:
        found = {entry.label: entry for entry in self.entries}
        if label not in found:
            raise unknown("engine of this comparison", label, found)
        run = found[label].run
        if run is None:
            raise TpeError(f"{label} was refused: {found[label].reason}")
        return run

    @property
    def ran(self) -> tuple[tuple[str, Run], ...]:
        """(label, run) of every engine that was not refused."""
        return tuple((e.label, e.run) for e in self.entries if e.run is not None)

    @property
    def assumed(self) -> str | None:
        """The line that says which operands are assumed, and how they are drawn; None if none."""
        return self[self.baseline].assumed

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
            "engines": [
                {"label": label, "hash": run.engine.hash, **run.engine.describe()}
                for label, run in self.ran
            ],
            "layers": self.layer_rows() if layer_rows is None else list(layer_rows),
            "totals": self.rows() if rows is None else list(rows),
        }

    def figure(self, layers: bool = False) -> Figure:
        """The stacked picture of where the cycles went, of the whole or of every layer."""
        drawn: Figure = registry.find("tpe.figures", "layers" if layers else "engines")(self)
        return drawn

    def save_figure(self, path: str | os.PathLike[str], layers: bool = False) -> None:
        """The picture as a `.png`, `.svg` or `.pdf` file."""
        registry.find("tpe.figures", "check")(path)
        registry.find("tpe.figures", "write")(self.figure(layers), path)

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


# ---- making one ----


@dataclass(frozen=True, eq=False)
class Plan:
    """A comparison that is about to run: engines that can be built, and what each will run."""

    workload: str
    seed: int
    baseline: str
    candidates: tuple[Candidate, ...]
    workloads: Mapping[str, Workload]  # by label
    values: str = "auto"  # as `Engine.run` takes them

    @property
    def steps(self) -> int:
        """How often `run` calls `progress`."""
        return sum(len(workload.layers) for workload in self.workloads.values())

    def run(self, progress: Callable[[str], None] | None = None) -> Comparison:
        """Run every engine, the baseline first, and compare; see `compare`."""
        order = sorted(self.candidates, key=lambda c: c.label != self.baseline)
        done: dict[str, Entry] = {}
        for candidate in order:
            done[candidate.label] = self._entry(candidate, done.get(self.baseline), progress)
        entries = tuple(done[candidate.label] for candidate in self.candidates)
        return Comparison(self.workload, self.seed, self.baseline, entries)

    def _entry(
        self, candidate: Candidate, base: Entry | None, progress: Callable[[str], None] | None
    ) -> Entry:
        engine = candidate.engine
        if engine is None:
            return Entry(candidate, None, str(candidate.reason))

        def step(layer: str) -> None:
            if progress:
                progress(f"{candidate.label} {layer}")

        try:
            workload = self.workloads[candidate.label]
            run = engine.run(workload, seed=self.seed, values=self.values, progress=step)
        except TpeError as error:
            if base is None:  # the baseline itself: nothing to compare with
                raise
            return Entry(candidate, None, str(error))
        if base is None or base.run is None:
            return Entry(candidate, run, None, True)
        if self.workloads[candidate.label] is not self.workloads[self.baseline]:
            return Entry(candidate, run, None)  # other types have other operands
        run, equal = _share(run, base.run)
        return Entry(candidate, run, None, equal)


def _share(run: Run, base: Run) -> tuple[Run, bool | None]:
    """The run with equal results kept once in memory, and whether all are equal.

    None if a layer has no values to be compared, and all others are equal.
    """
    pairs = [(a.C, b.C) for a, b in zip(run.layers, base.layers, strict=True)]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    if len(known) < len(pairs):
        return run, None if all(np.array_equal(a, b) for a, b in known) else False
    equal = [np.array_equal(a, b) for a, b in known]
    layers = [
        replace(own, C=other.C) if same else own
        for own, other, same in zip(run.layers, base.layers, equal, strict=True)
    ]
    return replace(run, layers=tuple(layers)), all(equal)


def prepare(
    engines: Iterable[Compared] | Mapping[str, Compared],
    workload: str | Workload | Mapping[str, Any],
    choice: Choice,
    baseline: str | None = None,
    seed: int = 0,
    model: Mapping[str, Any] | None = None,
    values: str = "auto",
) -> Plan:
    """What `compare` will run; everything that can be refused beforehand is refused here."""
    seed = checked_seed(seed)
    found = candidates(engines, choice)
    base = _baseline(found, baseline)
    workloads: dict[str, Workload] = {}
    of_types: dict[tuple[str, str], Workload] = {}
    for candidate in found:
        engine = candidate.engine
        if engine is None:
            continue
        types = (engine.a_format.name, engine.b_format.name)
        if types not in of_types:
            of_types[types] = (
                workload
                if isinstance(workload, Workload)
                else engine.find(workload, seed, **(model or {}))
            )
        workloads[candidate.label] = of_types[types]
    name = next(iter(workloads.values())).name
    return Plan(name, seed, base, tuple(found), workloads, values)


def default_baseline(found: Sequence[Candidate]) -> str:
    """The label that ratios are to if none is named: `mac`, else the first that is legal."""
    legal = [c.label for c in found if c.engine is not None]
    return DEFAULT_BASELINE if DEFAULT_BASELINE in legal else legal[0]


def _baseline(found: Sequence[Candidate], baseline: str | None) -> str:
    """The label that ratios are to: the one named, else `mac`, else the first that is legal."""
    legal = [c.label for c in found if c.engine is not None]
    if baseline is None:
        return default_baseline(found)
    labels = {c.label: c for c in found}
    if baseline not in labels:
        raise unknown("baseline", baseline, labels)
    if baseline not in legal:
        raise TpeError(f"baseline {baseline} is refused: {labels[baseline].reason}")
    return baseline


def compare(
    engines: Iterable[Compared] | Mapping[str, Compared],
    workload: str | Workload | Mapping[str, Any] = "digits_mlp",
    *,
    array: str | Mapping[str, str] | None = None,
    size: str | int | Sequence[int] | None = None,
    baseline: str | None = None,
    seed: int = 0,
    per_pe: Mapping[str, Mapping[str, Any]] | None = None,
    model: Mapping[str, Any] | None = None,
    values: str = "auto",
    progress: Callable[[str], None] | None = None,
    **parameters: Any,
) -> Comparison:
    """Run one workload on several engines and put them side by side.

    engines     names or records of PEs, or `Engine`s, as a list or as {label: engine}
    array       of every PE, or {pe: array}; default: matrix2d, or else the PE's first legal one
    workload    a `Workload`, or a name or {name: (A, B)} as `tpe.workload` takes them
    size        of every PE's array, one number for both sides; default 16x16
    baseline    the label that ratios are to; default `mac`, or else the first engine
    parameters  go to the PEs that have them; `per_pe` = {pe: {key: value}} to one PE
    model       `inputs`, `batch` and `dims` of an ONNX model, as `tpe.workload` takes them
    values      how C is computed, as `Engine.run` takes it; "none": cycles alone
    progress    called with engine and layer before each layer

    A PE that is not legal in its array, or refuses a value that another one takes, is a row with
    status `refused` and the reason. Raises TpeError for what no engine takes, if every engine is
    refused, and if the baseline is.

    >>> comparison = compare(["mac", "opt4c"], "gemm:8x8x8", size="4x4")
    >>> [(row["label"], row["cycles"], row["area_um2"]) for row in comparison.rows()]
    [('mac', 60, None), ('opt4c', 158, None)]
    """
    choice = Choice(array, size, parameters, per_pe or {})
    return prepare(engines, workload, choice, baseline, seed, model, values).run(progress)
