"""Fronts of any table by any objectives: what nothing beats, how much of it all, where it bends.

Less is better; an objective that is to be large stands as `-NAME`. The front is exact. Its
hypervolume is what lies between it and a reference point, 1.1 times the worst of each objective
where none is given; the knee is the point of the front that is nearest to the best of all
objectives at once, each from 0 to 1 over the front.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import TpeError, missing_extra, unknown
from tpe.predict.learners import learner
from tpe.predict.table import Floats, column_names, table_of

if TYPE_CHECKING:
    import pandas as pd

WORST = 1.1  # times the worst of each objective is the reference point
FIRST, PATIENCE = 12, 2  # rows confirmed at random; rounds in which the front stays as it is


@dataclass(frozen=True, eq=False)
class ParetoFront:
    """The rows of a table that no other beats in all objectives, least of the first one first.

    places      rows of the table, from 0; equal ones are all there
    costs       (rows, objectives) of the whole table as less is better; NaN where unknown
    hypervolume of the front, and the reference point it is measured from, as costs
    knee        a row of the table
    left_out    rows without a value of some objective
    """

    frame: pd.DataFrame
    objectives: tuple[str, ...]
    places: tuple[int, ...]
    costs: Floats
    reference: tuple[float, ...]
    hypervolume: float
    knee: int
    left_out: int

    def rows(self) -> pd.DataFrame:
        """The rows of the front as they stand in the table."""
        return self.frame.iloc[list(self.places)]

    def to_json(self) -> dict[str, Any]:
        """The front as data."""
        names = [name.removeprefix("-") for name in self.objectives]
        return {
            "objectives": list(self.objectives),
            "rows": len(self.frame),
            "left_out": self.left_out,
            "front": [
                {"row": place + 1, "costs": {n: float(self.frame[n].iloc[place]) for n in names}}
                for place in self.places
            ],
            "reference": list(self.reference),
            "hypervolume": self.hypervolume,
            "knee": self.knee + 1,
        }


def pareto(
    table: str | os.PathLike[str] | pd.DataFrame,
    objectives: Sequence[str],
    reference: Sequence[float] | None = None,
) -> ParetoFront:
    """The exact front of a table, CSV or Parquet or a data frame.

    objectives  names of columns, two or more; `-NAME` where more is better
    reference   a value of each objective that nothing of interest exceeds

    Rows without a value of an objective are left out and counted. Raises TpeError for a column
    that is none, text where a number belongs, and a reference that some row of the front exceeds.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"area": [1.0, 2.0, 2.0, 3.0], "ns": [4.0, 2.0, 3.0, 1.0]})
    >>> front = pareto(rows, ["area", "ns"])
    >>> front.places, front.knee, round(front.hypervolume, 2)
    ((0, 1, 3), 1, 3.82)
    """
    frame, where = table_of(table)
    names = column_names(objectives, "objectives")
    if len(names) < 2 or len({name.removeprefix("-") for name in names}) < len(names):
        raise TpeError(f"objectives = {list(names)!r} is not legal: two names of columns or more")
    costs = np.stack([_costs(frame, name, where) for name in names], axis=1)
    known = np.flatnonzero(np.isfinite(costs).all(axis=1))
    if not known.size:
        raise TpeError(f"{where}: no row has a value of each of {', '.join(names)}")
    front = known[nondominated(costs[known])]
    front = front[np.lexsort(costs[front].T[::-1])]
    at = _reference(costs[known], costs[front], reference, names)
    return ParetoFront(
        frame,
        names,
        tuple(int(i) for i in front),
        costs,
        tuple(float(x) for x in at),
        hypervolume(costs[front], at),
        int(front[_knee(costs[front])]),
        len(frame) - known.size,
    )


def _costs(frame: pd.DataFrame, name: str, where: str) -> Floats:
    """A column so that less is better; NaN where it is empty."""
    import pandas as pd

    own = name.removeprefix("-")
    if own not in frame.columns:
        raise unknown("column", own, [str(column) for column in frame.columns])
    column: Any = frame[own]
    values: Floats = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    text = np.flatnonzero(np.isnan(values) & column.notna().to_numpy())
    if text.size:
        row = int(text[0])
        raise TpeError(
            f"{where}: row {row + 1}: {own} = {str(column.iloc[row])[:40]!r} is no number "
            f"({text.size} of {len(values)} rows); legal: numbers, or nothing where unknown"
        )
    return -values if name.startswith("-") else values


def _reference(
    costs: Floats, front: Floats, given: Sequence[float] | None, names: Sequence[str]
) -> Floats:
    if given is None:
        worst: Floats = costs.max(axis=0)
        return worst + (WORST - 1) * np.abs(worst)
    at = np.array([-x if n.startswith("-") else x for n, x in zip(names, given, strict=False)])
    if len(given) != len(names):
        raise TpeError(f"reference has {len(given)} values; legal: {len(names)}, one an objective")
    if (front > at).any():
        raise TpeError("reference is exceeded by a row of the front; legal: the worst or more")
    return at


def nondominated(costs: Floats) -> Any:
    """Which rows no other beats: (rows,) of bool. Equal rows are all kept.

    >>> nondominated(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0]])).tolist()
    [True, True, False]
    """
    return _moocore().is_nondominated(np.ascontiguousarray(costs), keep_weakly=True)


def hypervolume(costs: Floats, reference: Sequence[float] | Floats) -> float:
    """The volume between points and a reference; rows beyond it add nothing.

    >>> hypervolume(np.array([[1.0, 1.0]]), [3.0, 2.0])
    2.0
    """
    volume = _moocore().hypervolume(np.ascontiguousarray(costs), ref=np.asarray(reference))
    return float(volume)


def _moocore() -> Any:
    try:
        import moocore
    except ImportError:
        raise missing_extra("moocore", "dse") from None
    return moocore


def _knee(front: Floats) -> int:
    """The row nearest to the best of all, each objective from 0 to 1."""
    spread = np.ptp(front, axis=0)
    scaled = (front - front.min(axis=0)) / np.where(spread > 0, spread, 1.0)
    return int(np.argmin((scaled**2).sum(axis=1)))


# ---- the predictor proposes, somebody confirms ----

Confirm = Callable[[Sequence[int]], Floats]


@dataclass(frozen=True, eq=False)
class FrontSearch:
    """What was confirmed, in order, and its front.

    confirmed   candidates that were confirmed, by place
    costs       (confirmed, objectives)
    front       candidates on the confirmed front
    rounds      in which the model proposed
    """

    confirmed: tuple[int, ...]
    costs: Floats
    front: tuple[int, ...]
    rounds: int


def search(
    x: Floats,
    confirm: Confirm,
    *,
    batch: int = 6,
    first: int = FIRST,
    seed: int = 0,
    most: int | None = None,
    model: str = "forest",
) -> FrontSearch:
    """Confirm candidates that a model proposes, until the confirmed front stands still.

    x        (candidates, inputs): what a model knows of each
    confirm  places of candidates -> (places, objectives), positive, less is better: synthesis
    batch    candidates a round
    first    candidates at random, from which the model begins
    most     candidates that may be confirmed at most; None: all
    model    of `tpe.predict.learners`: of the logarithm of every objective

    A round confirms candidates on the front of what is predicted. It is over when no candidate
    on it is unconfirmed, or the confirmed front did not change in two rounds.

    >>> costs = np.array([[i + 1.0, 40.0 - i] for i in range(40)])
    >>> found = search(costs[:, :1], lambda places: costs[list(places)], most=20)
    >>> len(found.confirmed) <= 20
    True
    """
    rng = np.random.default_rng(seed)
    limit = len(x) if most is None else min(most, len(x))
    done = [int(i) for i in rng.permutation(len(x))[: min(first, limit)]]
    costs = confirm(done)
    rounds, still = 0, 0
    front = _front_of(done, costs)
    while still < PATIENCE and len(done) < limit:
        learned = learner(model, seed + rounds).fit(x[done], np.log(costs))
        proposed = _proposed(
            np.exp(learned.predict(x)), done, costs, min(batch, limit - len(done)), rng
        )
        rounds += 1
        if not proposed:
            break
        done += proposed
        costs = np.concatenate([costs, confirm(proposed)])
        now = _front_of(done, costs)
        still = still + 1 if now == front else 0
        front = now
    return FrontSearch(tuple(done), costs, tuple(sorted(front)), rounds)


def _front_of(done: Sequence[int], costs: Floats) -> set[int]:
    return {done[int(i)] for i in np.flatnonzero(nondominated(costs))}


def _proposed(
    predicted: Floats, done: Sequence[int], costs: Floats, batch: int, rng: np.random.Generator
) -> list[int]:
    """Unconfirmed candidates on the front of all, what is confirmed in place of its prediction."""
    every = predicted.copy()
    every[list(done)] = costs
    left = np.ones(len(every), bool)
    left[list(done)] = False
    found: list[int] = []
    while left.any() and len(found) < batch:  # front behind front
        places = np.flatnonzero(left)
        one = places[nondominated(every[places])]
        if not found:
            beaten = nondominated(np.concatenate([costs, every[one]]))[len(costs) :]
            one = one[beaten] if beaten.any() else one
        found += [int(i) for i in rng.permutation(one)[: batch - len(found)]]
        left[one] = False
    return found
