"""A table of measurements: its numbers checked, whatever tool wrote it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tpe.base.errors import TpeError, unknown
from tpe.base.files import decode, gunzip, is_gzip, read_bytes

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measurements:
    """Rows of features (rows, features), one target (rows,), and the group of every row (rows,).

    `names` are the features'. Rows of one group, such as repetitions of one GEMM, belong together:
    whoever splits the rows splits the groups.
    """

    x: Floats
    y: Floats
    groups: npt.NDArray[np.int64]
    names: tuple[str, ...]
    target: str

    @property
    def count(self) -> int:
        """Groups that differ."""
        return int(self.groups.max()) + 1 if self.groups.size else 0


def table_of(table: str | os.PathLike[str] | pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """A data frame as it is, or the table of a file; and what errors call it.

    TpeError for what is neither, and as `read`.
    """
    if isinstance(table, str | os.PathLike):
        return read(table), os.fspath(table)
    if not hasattr(table, "columns"):
        raise TpeError(
            f"table is a {type(table).__name__}; legal: a data frame or the path of a file"
        )
    return table, "table"


def read(path: str | os.PathLike[str]) -> pd.DataFrame:
    """A table from a CSV file, gzipped or not, or from a Parquet file.

    TpeError, one line that names the file: not there, no table, no rows.
    """
    import pandas as pd

    where = os.fspath(path)
    raw = read_bytes(where, "table")
    try:
        if raw[:4] == b"PAR1":
            frame = pd.read_parquet(BytesIO(raw))
        else:
            text = decode(where, gunzip(where, raw, "table") if is_gzip(raw) else raw, "table")
            frame = pd.read_csv(StringIO(text), low_memory=False)
            _check_header(text, where)
    except TpeError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TpeError(f"{where}: cannot be read as table: {reason}") from None
    if not len(frame):
        raise TpeError(f"{where}: no rows; legal: a table with a header and a row for each run")
    return frame


def _check_header(text: str, where: str) -> None:
    """TpeError for a name that two columns have: pandas would give the second another one."""
    import pandas as pd

    first = pd.read_csv(StringIO(text), header=None, nrows=1, dtype=str, keep_default_na=False)
    _check_once(list(first.iloc[0]), where)


def _check_once(columns: Iterable[str], where: str) -> None:
    twice = [name for name, count in Counter(columns).items() if name and count > 1]
    if twice:
        raise TpeError(f"{where}: two columns are called '{twice[0]}'; legal: one of a name")


def column_names(columns: object, field: str) -> tuple[str, ...]:
    """Names of columns; TpeError for anything but a list of them.

    >>> column_names("mnk", "group")
    Traceback (most recent call last):
    tpe.TpeError: group = 'mnk' is not legal: a list of names of columns, such as ['m', 'n']
    """
    names: tuple[Any, ...] | None = None
    if isinstance(columns, Iterable) and not isinstance(columns, str | bytes):
        names = tuple(columns)
    if names is None or not all(isinstance(name, str) for name in names):
        raise TpeError(
            f"{field} = {columns!r} is not legal: a list of names of columns, such as ['m', 'n']"
        )
    return names


def measurements(
    frame: pd.DataFrame,
    target: str,
    group: Sequence[str],
    features: Sequence[str] = (),
    where: str = "table",
) -> Measurements:
    """The columns of a table that a model is fitted to; `group` and `features` are its inputs.

    TpeError for a column that is none, with the nearest; for a value that is no finite number,
    with its row; for a target that is not positive, since its logarithm is fitted.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"m": [1, 1, 2], "ms": [3.0, 3.1, 6.2]})
    >>> measurements(frame, "ms", ["m"]).groups.tolist()
    [0, 0, 1]
    """
    names = tuple(dict.fromkeys((*group, *features)))
    if not group:
        raise TpeError("group is empty; legal: the columns that make two rows one experiment")
    if target in names:
        raise TpeError(f"column '{target}' is the target and an input; legal: one of both")
    x = inputs(frame, names, where)
    y = _numbers(frame, target, where)
    if (y <= 0).any():
        row = int(np.flatnonzero(y <= 0)[0])
        raise TpeError(f"{where}: row {row + 1}: {target} = {y[row]:g} is not legal: more than 0")
    _, groups = np.unique(x[:, : len(dict.fromkeys(group))], axis=0, return_inverse=True)
    return Measurements(x, y, groups.reshape(-1).astype(np.int64), names, target)


def inputs(frame: pd.DataFrame, names: Sequence[str], where: str) -> Floats:
    """These columns as finite numbers, (rows, columns); TpeError, as `measurements`, for others."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise TpeError(f"{where} is a {type(frame).__name__}; legal: a data frame")
    _check_once([str(column) for column in frame.columns], where)
    return np.stack([_numbers(frame, name, where) for name in names], axis=1)


def _numbers(frame: pd.DataFrame, name: str, where: str) -> Floats:
    """A column as finite numbers."""
    import pandas as pd

    columns = [str(column) for column in frame.columns]
    if name not in columns:
        raise unknown("column", name, columns)
    column: Any = frame[name]
    numbers: Floats = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        row = int(bad[0])
        value = str(column.iloc[row])[:40]
        raise TpeError(
            f"{where}: row {row + 1}: {name} = {value!r} is no finite number "
            f"({bad.size} of {len(numbers)} rows); legal: numbers in every row"
        )
    return numbers
