"""What a run's weights take where they are stored: a set of columns, `storage`."""

from __future__ import annotations

from tpe.base.columns import Column
from tpe.model.columns import ColumnSet, Values
from tpe.model.result import RunRecord

NAME = "storage_bits_per_weight"


def stored_bits(run: RunRecord) -> Values:
    """Bits a weight of every layer and of all together; None where one is not known."""
    each = [layer.bits_per_weight for layer in run.layers]
    sizes = [layer.k * layer.n * layer.repeat for layer in run.layers]
    known = [bits * size for bits, size in zip(each, sizes, strict=True) if bits is not None]
    total = sum(known) / sum(sizes) if len(known) == len(each) else None
    return {NAME: [*each, total]}


STORAGE = ColumnSet(
    "storage",
    (Column(NAME, "number", "bits", "storage of a weight in its file, scales included"),),
    stored_bits,
)
