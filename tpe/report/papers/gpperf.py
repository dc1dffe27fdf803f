"""GPPerf's forest on GPPerf's measurements: what random rows say of it, and what whole GEMMs say.

arXiv 2411.16954: 16 128 runs of CUTLASS SGEMM kernels on an RTX 4070, 36 GEMMs in 7 shapes of a
thread block, 64 runs of each. Its forest is scored on rows at random, so that each row that is held
out has its repetitions among those that it learned from. Here the same forest is scored on GEMMs
that were held out whole, too, beside a baseline of two parameters and a model of ours.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.predict.cost_model import OfSome
from tpe.predict.learners import ClosedFormModel, Ratio, learner
from tpe.predict.scoring import grouped_folds, held_out, score
from tpe.predict.table import Floats, inputs, read

if TYPE_CHECKING:
    import pandas as pd

TITLE = "GPPerf, arXiv 2411.16954: runtime of GEMMs on a GPU, by a random forest"
SMS = 46  # multiprocessors of an RTX 4070: a wave is as many tiles
SHAPE, BLOCK = ("m", "n", "k"), ("bs1", "bs2", "bs3")
TARGET = "runtime_ms"
SEEDS = range(5)
PRINTED = {"r2": 0.98, "error_mean": 0.1557}  # the paper's, rows at random
FACTS = (
    "Means of five foldings, R2 with the least and the most; errors are relative.",
    f"Printed, of rows at random: R2 {PRINTED['r2']}, mean error {PRINTED['error_mean']:.1%}.",
)
PAPER, BASELINE, WAVES, OURS = (
    "the paper's forest",
    "log-linear in operations",
    "waves x k",
    "forest, of ratio to waves x k",
)
ROWS, GROUPS = "rows at random", "whole GEMMs"
_TILE = re.compile(r"_(\d+)x(\d+)_")


@dataclass(frozen=True)
class Scored:
    """A model on a split: scores of every seed; a split without a seed has one."""

    model: str
    split: str
    scores: tuple[dict[str, float], ...]

    def mean(self, name: str) -> float:
        """Of a score, over the seeds."""
        return float(np.mean([one[name] for one in self.scores]))

    def spread(self, name: str) -> tuple[float, float]:
        """The least and the most of it."""
        values = [one[name] for one in self.scores]
        return min(values), max(values)


def measured(
    table: str | os.PathLike[str], progress: Callable[[str], None] = lambda what: None
) -> list[Scored]:
    """Scores of the paper's forest, of the baselines and of ours, from the paper's table.

    table     its runs, a .csv, .csv.gz or .parquet file with the columns m, n, k, bs1, bs2, bs3,
              kernel and runtime_ms
    progress  called with what is scored next

    Raises TpeError for a file that has not these, and for values that are no positive numbers.
    """
    where = os.fspath(table)
    frame = read(where)
    shapes = inputs(frame, (*SHAPE, *BLOCK), where)
    y = inputs(frame, (TARGET,), where)[:, 0]
    if (shapes <= 0).any() or (y <= 0).any():
        raise TpeError(f"{where}: {', '.join((*SHAPE, *BLOCK, TARGET))} are legal above 0 alone")
    _, groups = np.unique(shapes[:, :3], axis=0, return_inverse=True)
    groups = groups.reshape(-1).astype(np.int64)
    raw, logs = _papers_inputs(shapes), _our_inputs(shapes, _tiles(frame, where))
    found = []
    for split in (ROWS, GROUPS):
        for name in (PAPER, BASELINE, WAVES, OURS):
            progress(f"{name}, {split}")
            x, target = (raw, y) if name == PAPER else (logs, np.log(y))
            scores = tuple(_score(name, split, x, target, groups, seed) for seed in SEEDS)
            found.append(Scored(name, split, scores))
    return found


def _score(name: str, split: str, x: Floats, y: Floats, groups: Any, seed: int) -> dict[str, float]:
    """Of rows at random a fifth that is held out, as the paper has it; of GEMMs all five."""
    if split == ROWS:
        folds = grouped_folds(np.arange(len(y)), 5, seed)[:1]
    else:
        folds = grouped_folds(groups, 5, seed)
    said = held_out(partial(_model, name), x, y, folds)
    at = np.concatenate([test for _, test in folds])
    if name != PAPER:
        return score(y[at], said[at])
    return score(np.log(y[at]), np.log(np.maximum(said[at], 1e-9)))


def _papers_inputs(x: Floats) -> Floats:
    """m, n, k, block sizes, operations, bytes, arithmetic intensity."""
    m, n, k = x[:, 0], x[:, 1], x[:, 2]
    operations, size = 2 * m * n * k, 4 * (m * k + k * n + m * n)
    return np.column_stack([x, operations, size, operations / size])


def _papers_forest() -> Any:
    """StandardScaler and 100 trees of depth 6."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    trees = RandomForestRegressor(100, max_depth=6, random_state=0)
    return make_pipeline(StandardScaler(), trees)


def _tiles(frame: pd.DataFrame, where: str) -> Floats:
    """(rows, 2): rows and columns of C that a thread block of the kernel makes, by its name."""
    if "kernel" not in frame.columns:
        raise TpeError(f"{where}: no column 'kernel'; legal: names with the tile, such as 128x128")
    names = {str(name): _TILE.search(str(name)) for name in frame["kernel"].unique()}
    for name, tile in names.items():
        if tile is None:
            raise TpeError(f"{where}: kernel = '{name}' names no tile; legal: such as _128x128_")
    sides = {name: [float(x) for x in tile.groups()] for name, tile in names.items() if tile}
    return np.array([sides[str(name)] for name in frame["kernel"]])


_OPERATIONS, _WAVES_K = 0, 1


def _our_inputs(x: Floats, tile: Floats) -> Floats:
    """Logarithms: operations, waves x k, then m, n, k, block, tiles, waves, and the last's fill."""
    m, n, k = x[:, 0], x[:, 1], x[:, 2]
    tiles = np.ceil(m / tile[:, 0]) * np.ceil(n / tile[:, 1])
    waves = np.ceil(tiles / SMS)
    closed = [m * n * k, waves * k]
    every = [*closed, x[:, :5], tiles, waves, tiles / (waves * SMS)]
    logs: Floats = np.log(np.column_stack(every))
    return logs


def _model(name: str) -> Any:
    """Ours knows no closed form but as what it learns the ratio to."""
    if name == PAPER:
        return _papers_forest()
    if name == WAVES:
        return ClosedFormModel(_WAVES_K)
    if name == BASELINE:
        return _OnOne(_OPERATIONS)
    return Ratio(ClosedFormModel(_WAVES_K), OfSome(range(2, 10), learner("forest")))


@dataclass
class _OnOne:
    """A straight line in one input."""

    place: int
    line: tuple[float, float] = (0.0, 0.0)

    def fit(self, x: Floats, y: Floats) -> _OnOne:
        slope, start = np.polyfit(x[:, self.place], y, 1)
        self.line = (float(slope), float(start))
        return self

    def predict(self, x: Floats) -> Floats:
        logs: Floats = x[:, self.place] * self.line[0] + self.line[1]
        return logs


def verdict(scored: Sequence[Scored]) -> str:
    """What the scores say, in a sentence."""
    by = {(one.model, one.split): one.mean("r2") for one in scored}
    ours, base = by[OURS, GROUPS], by[BASELINE, GROUPS]
    said = "better than" if ours > base else "no better than"
    return (
        f"R2 {by[PAPER, ROWS]:.2f} of rows at random ({PRINTED['r2']} printed) is "
        f"{by[PAPER, GROUPS]:.2f} of GEMMs that were held out; a forest of the ratio to waves x k "
        f"reaches {ours:.2f} there, {said} the baseline's {base:.2f}"
    )
