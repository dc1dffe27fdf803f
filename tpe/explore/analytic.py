"""Pieces whose cycles follow from shapes, as batches: costs beside them where there is a price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tpe.base.errors import TpeError
from tpe.explore.batch import of_columns
from tpe.explore.closed import ClosedGroup
from tpe.explore.plan import Piece
from tpe.explore.prices import followed, price_of, priced
from tpe.explore.rows import loaded
from tpe.model.engine import Engine

if TYPE_CHECKING:
    import pyarrow as pa


def group_of(piece: Piece) -> ClosedGroup | None:
    """The piece as one group; None if it has to be run point by point."""
    engine = piece.engine
    if not isinstance(engine, Engine) or not piece.is_closed or piece.sides is None:
        return None
    point = piece.point
    try:
        workload = loaded(point.workload, point.seed, (engine.a_format.name, engine.b_format.name))
        group = ClosedGroup(engine, workload, point.seed)
        return group if group.fits(piece.sides) else None
    except TpeError:  # its reason is a row's
        return None


def batch_of(piece: Piece, group: ClosedGroup) -> pa.RecordBatch:
    """The rows of a piece that is one group."""
    assert piece.sides is not None
    columns: dict[str, Any] = group.columns(piece.sides)
    columns["point_id"] = group.point_ids(piece.sides)
    point, count = piece.point, len(piece.numbers)
    if point.library is not None:
        columns |= _costs(piece, columns)
    return of_columns(columns, count)


def _costs(piece: Piece, columns: dict[str, Any]) -> dict[str, Any]:
    """Columns of cost; each point has a price of its own, if there is one."""
    where = piece.point.library, piece.point.clock_ns
    alone = {"library": where[0], "clock_ns": where[1]}
    known = price_of(str(where[0])) is not None
    if not known and where[1] is None:
        return alone
    costs = [priced(one.engine(), *where) if known else alone for one in piece.points]
    runs = [{"cycles": cycles, "macs": columns["macs"]} for cycles in columns["cycles"].tolist()]
    rows = [followed(run, cost) for run, cost in zip(runs, costs, strict=True)]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
