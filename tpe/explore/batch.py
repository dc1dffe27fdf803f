"""Rows in batches of Arrow: how points travel between files, and what they are kept as.

A batch is a stream of Arrow IPC of one record batch, packed with zstd. Columns are those of the
flat table, in its order. A column that is the same in all rows is written once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.columns import RUN_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]


@cache
def schema() -> pa.Schema:
    """The columns of the flat table as Arrow has them: what is not known is null."""
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
    }
    return pa.schema([(column.name, types[column.type]) for column in RUN_COLUMNS])


@cache
def _packed_schema() -> pa.Schema:
    """The same with texts by number: they repeat."""
    import pyarrow as pa

    texts = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([(f.name, texts if pa.types.is_string(f.type) else f.type) for f in schema()])


def of_rows(rows: Sequence[Row]) -> pa.RecordBatch:
    """Rows of the flat table as a batch."""
    import pyarrow as pa

    arrays = []
    for field in schema():
        array = pa.array([row.get(field.name) for row in rows], field.type)
        arrays.append(array.dictionary_encode() if pa.types.is_string(field.type) else array)
    return pa.RecordBatch.from_arrays(arrays, schema=_packed_schema())


def of_columns(columns: Mapping[str, Any], count: int) -> pa.RecordBatch:
    """Columns as a batch: each an array or a list of `count` values, or one value for all rows.

    Columns that are left out are null.
    """
    arrays = [_array(columns.get(f.name), f.type, count) for f in schema()]
    import pyarrow as pa

    return pa.RecordBatch.from_arrays(arrays, schema=_packed_schema())


def _array(value: Any, kind: pa.DataType, count: int) -> pa.Array:
    """One column."""
    import pyarrow as pa

    text = pa.types.is_string(kind)
    if isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim):
        assert len(value) == count, (len(value), count)
        array = pa.array(value, kind)
        return array.dictionary_encode() if text else array
    scalar = value.item() if isinstance(value, np.ndarray | np.generic) else value
    if not text:
        return (
            pa.nulls(count, kind) if scalar is None else pa.repeat(pa.scalar(scalar, kind), count)
        )
    if scalar is None:
        return pa.nulls(count, pa.dictionary(pa.int32(), pa.string()))
    place = pa.array(np.zeros(count, np.int32))
    return pa.DictionaryArray.from_arrays(place, pa.array([scalar], kind))


def packed(batch: pa.RecordBatch) -> bytes:
    """A batch as bytes.

    >>> back = unpacked(packed(of_rows([{"pe": "mac", "cycles": 3}])))
    >>> back.column("pe").to_pylist(), back.column("area_um2").to_pylist()
    (['mac'], [None])
    """
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def unpacked(content: bytes) -> pa.Table:
    """The batch that bytes hold, with texts as texts; pyarrow's errors for what is none."""
    import pyarrow as pa

    table = pa.ipc.open_stream(pa.py_buffer(content)).read_all()
    if table.schema.names != schema().names:
        raise pa.ArrowInvalid("other columns than the flat table's")
    return table.cast(schema())


def taken(tables: Iterable[pa.Table]) -> pa.Table:
    """Tables one behind another."""
    import pyarrow as pa

    return pa.concat_tables(list(tables))
