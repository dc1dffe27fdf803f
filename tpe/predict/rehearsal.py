"""How many rows of a known table a search confirms before it has the front: a rehearsal.

The table is a space of which all costs are known, such as that of parts which ships. A model sees
the inputs of all rows, and the costs of those alone that it asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.predict.fronts import FIRST, FrontSearch, ParetoFront, hypervolume, search
from tpe.predict.table import inputs

TRIES = 5  # of as many rows at random, whose hypervolumes are averaged


@dataclass(frozen=True)
class Rehearsal:
    """What a search found of a front, and at what cost.

    share      of the whole front's hypervolume
    at_random  the same, of as many rows that were drawn
    """

    rows: int
    confirmed: int
    first: int
    rounds: int
    share: float
    at_random: float

    def to_json(self) -> dict[str, Any]:
        """As data."""
        return asdict(self)


def rehearsed(
    front: ParetoFront, features: Sequence[str], *, share: float = 0.15, seed: int = 0
) -> Rehearsal:
    """Search a table whose front is known.

    features  columns of numbers that a model may know of a row
    share     of the rows may be confirmed at most

    TpeError for a column that is none or has no numbers, for objectives of 0 or less, and for an
    objective among the features.

    >>> import pandas as pd
    >>> from tpe.predict.fronts import pareto
    >>> x = np.arange(1.0, 201.0)
    >>> whole = pareto(pd.DataFrame({"x": x, "area": x, "ns": 1 / x}), ["area", "ns"])
    >>> rehearsed(whole, ["x"]).confirmed <= 30
    True
    """
    known = np.flatnonzero(np.isfinite(front.costs).all(axis=1))
    costs = front.costs[known]
    if (costs <= 0).any():
        raise TpeError("objectives of a rehearsal are legal above 0 alone, and less is better")
    same = set(features) & {name.removeprefix("-") for name in front.objectives}
    if same:
        raise TpeError(f"column '{min(same)}' is an objective and an input; legal: one of both")
    x = inputs(front.frame.iloc[known], features, "table")
    most = max(FIRST, round(share * len(known)))
    batch = max(4, most // 10)
    found = search(x, lambda places: costs[list(places)], batch=batch, seed=seed, most=most)
    return _told(found, costs, front, seed)


def _told(found: FrontSearch, costs: Any, front: ParetoFront, seed: int) -> Rehearsal:
    rng = np.random.default_rng(seed)
    count = len(found.confirmed)
    drawn = [costs[rng.permutation(len(costs))[:count]] for _ in range(TRIES)]
    volumes = [hypervolume(some, front.reference) for some in drawn]
    whole = front.hypervolume
    return Rehearsal(
        len(costs),
        count,
        min(FIRST, len(costs)),
        found.rounds,
        hypervolume(found.costs, front.reference) / whole,
        float(np.mean(volumes)) / whole,
    )
