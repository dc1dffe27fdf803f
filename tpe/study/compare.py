"""Engines side by side on one workload: cycles, where they went, operands, ratios to a baseline.

`Plan.run` runs every engine exactly as `Engine.run` does. A row of a comparison is a row of the
flat table and the columns of `EXTRA`: a label, the engine's hash, and ratios, each this row's
value over the baseline's, so that a cycles_ratio of 2 is twice as slow. What is not known, area
and energy until synthesis, is null, and so is its ratio.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.engine.parameters import checked_seed
from tpe.model.runnable import AnyRun
from tpe.study.candidates import Candidate, Choice, Compared, candidates
from tpe.study.comparison import Comparison
from tpe.study.record import DEFAULT_BASELINE, Entry
from tpe.workloads import Workload

R = TypeVar("R", bound=AnyRun)


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


def _share(run: R, base: AnyRun) -> tuple[R, bool | None]:
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


def default_baseline(candidates: Sequence[Candidate]) -> str:
    """The label that ratios are to if none is named: `mac`, else the first that is legal."""
    legal = [c.label for c in candidates if c.engine is not None]
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
