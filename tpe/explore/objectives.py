"""What is better: columns of the flat table, each with its direction; the best row under a rule.

More is better of throughputs, of what there is per area or energy, of clocks, shares and accuracy;
of every other number less is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from tpe.base.columns import COLUMN
from tpe.base.errors import TpeError, unknown
from tpe.explore.expressions import Expression

_MORE = frozenset(
    "throughput_tops tops_per_w tops_per_mm2 fmax_mhz mapping_efficiency compute_utilization "
    "overall_utilization accuracy annotated_fraction".split()
)
NUMBERS = tuple(name for name, column in COLUMN.items() if column.type in ("integer", "number"))


@dataclass(frozen=True)
class Objective:
    """A column that is to be small, or large.

    >>> Objective("throughput_tops").more, Objective("area_um2").direction
    (True, 'minimize')
    """

    column: str

    def __post_init__(self) -> None:
        if self.column not in NUMBERS:
            raise unknown("objective", self.column, NUMBERS)

    @property
    def more(self) -> bool:
        """Whether more of it is better."""
        return self.column in _MORE

    @property
    def direction(self) -> str:
        """The same in the word of Optuna."""
        return "maximize" if self.more else "minimize"


def best_row(
    table: str | os.PathLike[str], objective: Objective, where: Expression | None = None
) -> dict[str, Any]:
    """The best row of a Parquet file of points, of those that meet a condition; the first of equal.

    A row in which a column that is asked for is not known is none. TpeError if no row is left, with
    what is not known in any.
    """
    import pyarrow.parquet as pq

    names = {objective.column} | (where.names if where else frozenset())
    for name in sorted(names):
        if name not in COLUMN:
            raise unknown("column", name, COLUMN)
    data = pq.read_table(table, columns=sorted(names))
    known = np.ones(len(data), bool)
    for name in sorted(names):
        known &= data.column(name).is_valid().to_numpy()
        if not data.column(name).null_count < len(data):
            raise TpeError(f"{name} is known of no point; legal: a library that has prices")
    places = np.flatnonzero(known)
    kept = data.take(places)
    columns = {name: np.array(kept.column(name).to_pylist()) for name in names}
    if where is not None and len(places):
        meets = np.broadcast_to(where.value(columns), len(places))
        places, columns = places[meets], {name: x[meets] for name, x in columns.items()}
    if not len(places):
        raise TpeError(f"no point meets {where.text!r}" if where else "no point is known")
    values = columns[objective.column]
    place = places[int(np.argmax(values) if objective.more else np.argmin(values))]
    row: dict[str, Any] = pq.read_table(table).slice(int(place), 1).to_pylist()[0]
    return row
