"""The table of a run: the rows of all points of its space, in their order, as Parquet or CSV.

Written from what is kept, thousands of rows at a time, so that memory stays flat. The order is the
space's, whoever did what when: equal spaces have equal tables.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tpe.base.files import whole_file
from tpe.explore.batch import schema
from tpe.explore.plan import chunks
from tpe.explore.space import Numbers, Space
from tpe.explore.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

NAME = "points"
ROWS = 1 << 14  # at a time


def tables(space: Space, store: Store, numbers: Numbers | None = None) -> Iterator[pa.Table]:
    """The rows of a space's points, or of some, thousands at once, in order."""
    for pieces in chunks(space, numbers):
        keys = [key for piece in pieces for key in piece.point_keys()]
        order = np.argsort(np.concatenate([piece.numbers for piece in pieces]), kind="stable")
        for start in range(0, len(order), ROWS):
            yield store.rows([keys[i] for i in order[start : start + ROWS].tolist()])


def write_tables(
    space: Space,
    store: Store,
    folder: str | os.PathLike[str],
    numbers: Numbers | None = None,
    csv: bool = False,
) -> Path:
    """`points.parquet` in a folder, and `points.csv` too if asked: whole files, or none."""
    import pyarrow.csv as writer_csv
    import pyarrow.parquet as writer_parquet

    path = Path(folder) / f"{NAME}.parquet"
    with (
        whole_file(path) as temporary,
        writer_parquet.ParquetWriter(temporary, schema()) as writer,
    ):
        for table in tables(space, store, numbers):
            writer.write_table(table)
    if csv:
        with (
            whole_file(path.with_suffix(".csv")) as temporary,
            writer_csv.CSVWriter(temporary, schema()) as writer,
        ):
            for table in tables(space, store, numbers):
                writer.write_table(table)
    return path
