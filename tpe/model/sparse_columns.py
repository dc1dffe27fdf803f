"""What structured sparsity costs and saves in a run: a set of columns, `sparsity`."""

from __future__ import annotations

from tpe.base.columns import Column
from tpe.engine.config import Config
from tpe.engine.sparsity import DENSE, of_weights
from tpe.model.columns import ColumnSet, Values
from tpe.model.engine import Engine
from tpe.model.result import RunRecord
from tpe.model.schedule import shape_job

COLUMNS = (
    Column("cycles_dense", "integer", "cycles", "of the same engine with sparsity = none"),
    Column("speed_up", "number", "ratio", "cycles_dense / cycles without stalls"),
    Column("stored_bits_per_operand", "number", "bits", "of the sparse side, places included"),
    Column("place_bits_per_operand", "number", "bits", "of the sparse side, places alone"),
)


def compared(run: RunRecord) -> Values:
    """A value for each layer and for all together; None where nothing is sparse.

    An operand of the sparse side is one of K, left out or not: n (bits + place bits) / m are stored
    of it where m divides K.
    """
    engine = run.engine
    if engine.selection is None or not isinstance(engine, Config):
        return {column.name: [None] * (len(run.layers) + 1) for column in COLUMNS}
    dense = Engine(*engine.listed(), **{**engine.params, **DENSE})
    cycles, own, places, sizes = [], [], [], []
    for layer in run.layers:
        m, n = engine.sides.pair(layer.m, layer.n)
        timing = dense.timing(shape_job(dense, m, n, layer.k))
        cycles.append(timing.cycles.total * layer.repeat)
        own.append(int(layer.terms.total - layer.terms.stall))
        lines = (n if not engine.selection.encoded else m) * layer.repeat
        places.append(lines * engine.stored_k(layer.k))
        sizes.append(lines * layer.k)
    pattern = engine.selection.sparsity
    side = engine.b_format if of_weights(engine.params) else engine.a_format
    stored = [x / y for x, y in zip(_and_sum(places), _and_sum(sizes), strict=True)]
    return {
        "cycles_dense": _and_sum(cycles),
        "speed_up": [x / y for x, y in zip(_and_sum(cycles), _and_sum(own), strict=True)],
        "stored_bits_per_operand": [x * (side.bits + pattern.place_bits) for x in stored],
        "place_bits_per_operand": [x * pattern.place_bits for x in stored],
    }


def _and_sum(values: list[int]) -> list[int]:
    return [*values, sum(values)]


SPARSITY = ColumnSet("sparsity", COLUMNS, compared)
