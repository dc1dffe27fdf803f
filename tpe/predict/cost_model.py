"""Models of what an engine costs: area and clock of a PE, cycles where they depend on operands.

A model is refitted from its training table, in seconds: the table is smaller than the trees, is
read as numbers, and holds no code. `models/parameters.json` says which model was the best on
held-out groups, and within what ratio held-out rows lay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import TpeError, pick
from tpe.base.files import data_folder, read_text
from tpe.predict.learners import ClosedFormModel, Regressor, learner
from tpe.predict.scoring import Hull, grouped_folds, half_width, held_out
from tpe.predict.table import Floats, inputs
from tpe.predict.training import COSTS, CYCLES, FACTS, PARTS, group_numbers, training

if TYPE_CHECKING:
    import pandas as pd

PARAMETERS = "parameters.json"
FOLDS = 5
CLOSED, LINEAR = "closed form", "log-linear"
MODELS = (CLOSED, LINEAR, "forest", "forest of ratio", "boosted", "boosted of ratio")
OF_CYCLES = (  # that are no sizes, and stay as they are
    *("steps", "spread", "lead", "zeros", "lanes", "digits", "group", "free", "shadow"),
    "in_pairs",
)


@dataclass
class OfSome:
    """An estimator that knows some of the inputs."""

    places: Sequence[int]
    model: Any

    def fit(self, x: Floats, y: Floats) -> OfSome:
        """Learn from these inputs alone."""
        self.model.fit(x[:, self.places], y)
        return self

    def predict(self, x: Floats) -> Floats:
        """What these inputs say."""
        found: Floats = self.model.predict(x[:, self.places])
        return found


@dataclass(frozen=True, eq=False)
class Problem:
    """What is learned: inputs and log targets, and what stands for a group of rows.

    x      (rows, inputs) and y (rows, outputs), both as the models take them
    cells  groups that are held out whole: equal cells, or equal shapes
    pes    the PE of every row: each is left out in turn
    counted  inputs that the closed form knows
    """

    x: Floats
    y: Floats
    names: tuple[str, ...]
    outputs: tuple[str, ...]
    cells: Any
    pes: Any
    counted: tuple[int, ...] = ()
    closed: int | None = None
    seed: int = 0

    def make(self, name: str) -> Any:
        """A model by name, of MODELS, that knows nothing yet."""
        name = pick("model", name, dict.fromkeys(MODELS))
        if self.closed is not None:  # a column that is the closed form
            base: Any = ClosedFormModel(self.closed)
            linear: Any = learner("log-linear", self.seed)
        else:
            base = OfSome(self.counted, learner("ridge", self.seed))
            linear = learner("ridge", self.seed)
        if name == CLOSED:
            return base
        return linear if name == LINEAR else learner(name, self.seed, base)


def parts_problem(frame: pd.DataFrame, seed: int = 0, where: str = "table") -> Problem:
    """Area and shortest period of PEs, from a table as `training.part_row` makes its rows.

    TpeError for values that are missing or text.
    """
    _require(frame, (*FACTS, *COSTS), where)
    names = tuple(n for n in frame.columns if n not in (*FACTS, *COSTS))
    x, y = inputs(frame, names, where), inputs(frame, COSTS, where)
    if (y <= 0).any():
        raise TpeError(f"{where}: {', '.join(COSTS)} are legal above 0 alone")
    choice = ("choice_", "has_nest")
    counted = tuple(i for i, name in enumerate(names) if not name.startswith(choice))
    cells, pes = group_numbers(frame["cell"]), group_numbers(frame["pe"])
    return Problem(x, np.log(y), names, COSTS, cells, pes, counted, None, seed)


def cycles_problem(frame: pd.DataFrame, seed: int = 0, where: str = "table") -> Problem:
    """Cycles of PEs that skip zeros, from a table as `training.cycle_row` makes its rows."""
    _require(frame, ("pe", "params", "cycles", "closed"), where)
    names = tuple(n for n in frame.columns if n not in ("pe", "params", "cycles"))
    x, y = cycle_matrix(inputs(frame, names, where), names), inputs(frame, ["cycles"], where)
    shapes = group_numbers(frame[["m", "n", "k"]].itertuples(index=False))
    pes = group_numbers(frame["pe"])
    closed = names.index("closed")
    return Problem(x, np.log(y[:, 0]), names, ("cycles",), shapes, pes, (), closed, seed)


def cycle_matrix(x: Floats, names: Sequence[str]) -> Floats:
    """Inputs of cycles as models take them: sizes as logarithms."""
    found = x.copy()
    for place, name in enumerate(names):
        if name not in OF_CYCLES:
            found[:, place] = np.log(x[:, place])
    return found


def _require(frame: pd.DataFrame, names: Sequence[str], where: str) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise TpeError(f"{where}: no column '{missing[0]}'; legal: a table of tools.predictor")


@dataclass(frozen=True, eq=False)
class CostModel:
    """A fitted model, with its intervals and the range it has seen.

    widths -- log ratios within which nine of ten held-out rows lay, by output
    """

    name: str
    names: tuple[str, ...]
    outputs: tuple[str, ...]
    model: Regressor
    hull: Hull
    widths: Mapping[str, float] = field(default_factory=dict)

    def predict(self, x: Floats) -> Floats:
        """(rows, outputs) of what inputs cost, of inputs as models take them."""
        return np.exp(self.model.predict(x)).reshape(len(x), len(self.outputs))

    def ratio(self, output: str) -> float:
        """The factor either way of an output's 90 % interval."""
        return float(np.exp(self.widths[output]))


def fitted(problem: Problem, name: str, widths: Mapping[str, float]) -> CostModel:
    """A model of a problem, fitted to all of its rows."""
    model = problem.make(name).fit(problem.x, problem.y)
    hull = Hull.of(problem.x, problem.names)
    return CostModel(name, problem.names, problem.outputs, model, hull, widths)


@cache
def parameters() -> dict[str, Any]:
    """What `models/parameters.json` says of each model: its name, seed and widths."""
    path = data_folder("models") / PARAMETERS
    try:
        content = json.loads(read_text(str(path), "parameters of models"))
        return {kind: dict(content[kind]) for kind in ("parts", "cycles")}
    except (ValueError, KeyError, TypeError) as error:
        raise TpeError(f"{path}: no parameters of models: {error}") from None


@cache
def parts_model(name: str | None = None) -> CostModel:
    """The model of area and clock that ships, refitted from its table; the best by default."""
    own = parameters()["parts"]
    return _shipped(parts_problem(training(PARTS), int(own["seed"]), PARTS), own, name)


@cache
def cycles_model(name: str | None = None) -> CostModel:
    """The model of sparse PEs' cycles that ships."""
    own = parameters()["cycles"]
    return _shipped(cycles_problem(training(CYCLES), int(own["seed"]), CYCLES), own, name)


def _shipped(problem: Problem, own: Mapping[str, Any], name: str | None) -> CostModel:
    """The best model with the widths that are kept of it, or another one with widths of its own."""
    if name is None or name == own["model"]:
        return fitted(problem, own["model"], own["widths"])
    folds = grouped_folds(problem.cells, FOLDS, problem.seed)
    missed = held_out(partial(problem.make, name), problem.x, problem.y, folds) - problem.y
    each = missed.reshape(len(missed), -1).T
    widths = {
        output: half_width(column, problem.cells)
        for output, column in zip(problem.outputs, each, strict=True)
    }
    return fitted(problem, name, widths)
