"""The one flat table: its columns, rows, frames, and the files that it is written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tpe.base.columns import COLUMN, RUN_COLUMNS
from tpe.base.errors import TpeError
from tpe.base.files import whole_file

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1

COLUMNS: tuple[str, ...] = tuple(column.name for column in RUN_COLUMNS)
_LARGEST = 2**63 - 1


def full_row(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` in the table's order; what is not known is None, never 0. Unknown names raise."""
    stray = set(values) - set(COLUMNS)
    assert not stray, f"not columns of the table: {sorted(stray)}"
    return {column: values.get(column) for column in COLUMNS}


def to_frame(
    rows: Iterable[Mapping[str, Any]], extra: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The rows as a data frame with fixed, nullable types: string, Int64, boolean, Float64.

    `extra`: columns that one command adds behind the table's own, each with its type.
    """
    import pandas as pd

    more = dict(extra or {})
    types = {column.name: column.dtype for column in RUN_COLUMNS} | more
    full = [_split(row, more) for row in rows]
    for row in full:
        _check_integers(row, [column for column, dtype in types.items() if dtype == "Int64"])
    return pd.DataFrame(full, columns=list(types)).astype(types)


def _split(row: Mapping[str, Any], extra: Mapping[str, str]) -> dict[str, Any]:
    """A full row of the table's columns and of the extra ones."""
    own = {column: value for column, value in row.items() if column not in extra}
    return full_row(own) | {column: row.get(column) for column in extra}


def _check_integers(row: Mapping[str, Any], columns: Iterable[str]) -> None:
    """TpeError for a count that the table's 64 bits do not hold; JSON holds it."""
    for column in columns:
        if row[column] is not None and abs(row[column]) > _LARGEST:
            raise TpeError(
                f"{column} = {row[column]} does not fit a table; legal: up to {_LARGEST} "
                "(JSON holds any)"
            )


def json_type(column: str) -> dict[str, Any]:
    """The JSON Schema of a column in a row: its type, or null.

    >>> json_type("cycles"), json_type("area_um2")
    ({'type': ['integer', 'null']}, {'type': ['number', 'null']})
    """
    name = {"text": "string", "integer": "integer", "flag": "boolean"}.get(COLUMN[column].type)
    return {"type": [name or "number", "null"]}


def table_ending(path: str) -> str:
    """`.parquet` or `.csv`, or TpeError."""
    ending = Path(path).suffix
    if ending not in (".parquet", ".csv"):
        raise TpeError(f"cannot write '{path}': unknown ending '{ending}'; legal: .parquet, .csv")
    return ending


def write_table(
    path: str, rows: Sequence[Mapping[str, Any]], extra: Mapping[str, str] | None = None
) -> None:
    """The table as `.parquet` or `.csv`, by the file's ending; `extra` as for `to_frame`."""
    ending = table_ending(path)
    frame = to_frame(rows, extra)
    with whole_file(path) as temporary:
        if ending == ".parquet":
            frame.to_parquet(temporary, index=False)
        else:
            frame.to_csv(temporary, index=False)
