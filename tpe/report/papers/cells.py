"""Papers that claim savings of a cell: contests, what is saved on average, and a verdict for each.

Unlike `tpe.report.papers.measure` it asks for no array: both sides of a comparison are cells, or
modules of them, at the same clocks, and a saving is 1 - design / baseline.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tpe.model.engine import Engine
from tpe.report.papers.facts import PRINTED, Where
from tpe.report.papers.words import agrees
from tpe.study.contest import (
    COLUMN,
    ENERGY_FACTOR,
    FACTORS,
    Contest,
    ContestBench,
    ContestResult,
    count_steps,
)
from tpe.study.errors import error
from tpe.synth.netlist.recipes import Recipe
from tpe.technology.technology import Technology

DATA = Path(__file__).with_name("data")
QUANTITY = {"area": "column_um2", "energy": "fj_per_mac"}


@dataclass(frozen=True)
class Saving:
    """What designs of a contest save on average against one of its baselines, as a paper says.

    value -- 0.16 is 16 % less; None where the paper has no figure, with `where` None
    """

    quantity: str  # area or energy
    contest: str
    designs: tuple[str, ...]
    baseline: str
    value: float | None = None
    where: Where | None = None


@dataclass(frozen=True)
class CellPaper:
    """A paper of cells: what is compared, what it claims, and whose errors stand beside it.

    operands     -- of energies and of errors, drawn as `gemm:` workloads are
    engines      -- (title, engine) whose errors are measured, at K of `lengths`
    tables       -- rows of the errors of products, and rows of what others publish, if it has them
    """

    name: str
    title: str
    operands: str
    contests: tuple[Contest, ...]
    savings: tuple[Saving, ...]
    engines: tuple[tuple[str, Engine], ...]
    lengths: tuple[int, ...]
    facts: tuple[str, ...]
    tables: Callable[[], tuple[list[dict[str, Any]], list[dict[str, Any]]]] | None = None


@dataclass(frozen=True)
class SavingVerdict:
    """A claimed saving beside ours: means over the designs, by clock factor.

    ours -- at `ENERGY_FACTOR`; None where no energy was taken. `cell` is that of cells without
            their share of a finish, None of energies and where there is no finish
    """

    saving: Saving
    clock_ns: float
    ours: float | None
    by_factor: tuple[tuple[float, float], ...]
    cell: float | None = None

    @property
    def agrees(self) -> bool | None:
        """Whether ours is the claimed saving but for a quarter; None where one is unknown."""
        claimed = self.saving.value
        if self.ours is None or claimed is None:
            return None
        return self.ours < 1 and agrees(1 / (1 - self.ours), 1 / (1 - claimed))

    def to_json(self) -> dict[str, Any]:
        """The verdict as data, with its sentence."""
        own = asdict(self.saving)
        return {
            **{**own, "designs": list(self.saving.designs)},
            "clock_ns": self.clock_ns,
            "ours": self.ours,
            "ours_of_cells": self.cell,
            "by_clock_factor": [list(pair) for pair in self.by_factor],
            "agrees": self.agrees,
            "sentence": verdict_text(self),
        }


@dataclass(frozen=True)
class CellsMeasured:
    """A paper's contests in one library."""

    technology: Technology
    results: tuple[ContestResult, ...]
    verdicts: tuple[SavingVerdict, ...]


def cells_measured(
    paper: CellPaper,
    technology: Technology,
    recipes: Sequence[Recipe],
    energy: bool = True,
    step: Callable[[str], None] = lambda name: None,
    workers: int | None = None,
) -> CellsMeasured:
    """Hold every contest of a paper in a library.

    step -- called with a name, `steps` times
    """
    bench = ContestBench(technology, recipes, paper.operands, energy, step, workers)
    results = tuple(bench.hold(contest) for contest in paper.contests)
    by_title = {result.contest.title: result for result in results}
    verdicts = tuple(verdict(saving, by_title[saving.contest]) for saving in paper.savings)
    return CellsMeasured(technology, results, verdicts)


def steps(paper: CellPaper, recipes: Sequence[Recipe], energy: bool) -> int:
    """How often `cells_measured` calls `step`."""
    return count_steps(paper.contests, recipes, energy)


def verdict(saving: Saving, result: ContestResult) -> SavingVerdict:
    """What a contest says of a saving."""
    found = {factor: _mean(saving, result, factor, QUANTITY[saving.quantity]) for factor in FACTORS}
    known = tuple((factor, x) for factor, x in found.items() if x is not None)
    row = result.row(saving.baseline, ENERGY_FACTOR)
    cell = None
    if saving.quantity == "area" and row.finish_um2 is not None:
        cell = _mean(saving, result, ENERGY_FACTOR, "area_um2")
    return SavingVerdict(saving, row.clock_ns, found[ENERGY_FACTOR], known, cell)


def _mean(saving: Saving, result: ContestResult, factor: float, quantity: str) -> float | None:
    """The mean saving of the designs; None where one of them has no such figure."""
    ratios = [result.ratio(name, saving.baseline, factor, quantity) for name in saving.designs]
    known = [1 - ratio for ratio in ratios if ratio is not None]
    return sum(known) / len(known) if known and len(known) == len(ratios) else None


def verdict_text(judged: SavingVerdict) -> str:
    """A verdict in a sentence.

    >>> one = Saving("area", "cells", ("an-1-1", "an-1-2"), "exact", 0.16, "abs")
    >>> print(verdict_text(SavingVerdict(one, 9.5, 0.05, ((1.25, 0.05),))))
    cells: area of an-1-1, an-1-2 over exact, mean: -5.0 % at 9.50 ns. Less than -16 % \
(abstract).
    """
    saving = judged.saving
    what = f"{saving.contest}: {saving.quantity} of {', '.join(saving.designs)}"
    mean = ", mean" if len(saving.designs) > 1 else ""
    claim = "" if saving.value is None else f"{-100 * saving.value:+.0f} %"
    if saving.where is not None:
        claim += f" ({PRINTED[saving.where]})"
    if judged.ours is None:
        left = f"; the paper says {claim}" if claim else ""
        return f"{what} over {saving.baseline}{mean}: not measured{left}."
    text = (
        f"{what} over {saving.baseline}{mean}: {_percent(judged.ours)} at {judged.clock_ns:.2f} ns"
    )
    if judged.cell is not None:
        text += f" with a share of the finish of {COLUMN} cells, {_percent(judged.cell)} without"
    if len(judged.by_factor) > 1:
        low, high = (f(x for _, x in judged.by_factor) for f in (max, min))
        text += f"; {_percent(low)} to {_percent(high)} over clocks"
    if not claim:
        return f"{text}. The paper has no such figure."
    if judged.agrees:
        return f"{text}. Agrees with {claim}."
    less = saving.value is not None and judged.ours < saving.value
    return f"{text}. {'Less' if less else 'More'} than {claim}."


def _percent(saving: float) -> str:
    return f"{-100 * saving:+.1f} %"


def error_rows(paper: CellPaper, step: Callable[[str], None] = lambda name: None) -> list[Any]:
    """Errors of the paper's engines against exact sums: one row for every engine and K."""
    rows = []
    for title, engine in paper.engines:
        step(f"errors of {title}")
        study = error(engine, paper.operands, paper.lengths)
        for row in study.of("exact"):
            rows.append(
                {
                    "title": title,
                    "k": row.k,
                    "outward_bias": row.outward_bias,
                    "mean_absolute": row.mean_absolute,
                    "largest": row.largest,
                    "not_finite": row.not_finite,
                }
            )
    return rows


def published(file: str) -> list[dict[str, Any]]:
    """Rows of a file of `data`: what others publish; an empty field is None."""
    lines = [x for x in (DATA / file).read_text().splitlines() if not x.startswith("#")]
    words = ("source", "what", "format")
    return [
        {k: (v if k in words else float(v)) if v else None for k, v in row.items()}
        for row in csv.DictReader(lines)
    ]
