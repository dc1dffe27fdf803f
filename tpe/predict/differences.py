"""What changed between two runs or tables: of two versions of code, of a library, of a PE.

Rows of both sides are matched by what they are of: the columns of `KEYS` that both have. Of
matched rows every other column is compared; what differs with every run, command and version,
is told once and is no change.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.model.engine import Run
from tpe.predict.table import column_names, table_of

if TYPE_CHECKING:
    import pandas as pd

KEYS = (
    *("label", "design", "pe", "array", "rows", "cols", "depth", "params", "params_json"),
    *("workload", "layer", "name", "library", "clock_ns", "seed"),
)
TOLD = ("command", "tpe_version", "engine_hash")
Value = float | str | None


@dataclass(frozen=True)
class Change:
    """One value that differs; `ratio` is after over before, of numbers that have one."""

    key: Mapping[str, Any]
    column: str
    before: Value
    after: Value

    @property
    def ratio(self) -> float | None:
        """After over before."""
        if isinstance(self.before, float) and isinstance(self.after, float) and self.before:
            return self.after / self.before
        return None


@dataclass(frozen=True)
class Differences:
    """What differs between two tables.

    matched      rows that both have
    gone, new    keys of rows that only the first has, and only the second
    columns_gone, columns_new  columns that only one has
    told         column of TOLD -> (values before, values after), where they differ
    """

    changes: tuple[Change, ...]
    matched: int
    gone: tuple[Mapping[str, Any], ...]
    new: tuple[Mapping[str, Any], ...]
    columns_gone: tuple[str, ...]
    columns_new: tuple[str, ...]
    told: Mapping[str, tuple[list[str], list[str]]]

    @property
    def equal(self) -> bool:
        """Whether nothing differs but what is `told`."""
        return not (self.changes or self.gone or self.new or self.columns_gone or self.columns_new)

    def by_column(self) -> dict[str, tuple[int, float | None, float | None]]:
        """Column -> (changes, least ratio, largest ratio), most changes first."""
        found: dict[str, tuple[int, float | None, float | None]] = {}
        for name in dict.fromkeys(change.column for change in self.changes):
            own = [change for change in self.changes if change.column == name]
            ratios = [c.ratio for c in own if c.ratio is not None]
            found[name] = len(own), min(ratios, default=None), max(ratios, default=None)
        return dict(sorted(found.items(), key=lambda item: -item[1][0]))

    def to_json(self) -> dict[str, Any]:
        """As data."""
        changes = [{**asdict(change), "ratio": change.ratio} for change in self.changes]
        found: dict[str, Any] = {"equal": self.equal, "changes": changes, "matched": self.matched}
        for name in ("gone", "new"):
            found[name] = [{"key": dict(key)} for key in getattr(self, name)]
        for name in ("columns_gone", "columns_new"):
            found[name] = list(getattr(self, name))
        told = {name: {"before": a, "after": b} for name, (a, b) in self.told.items()}
        return {**found, "told": told}


def differences(
    before: str | os.PathLike[str] | pd.DataFrame,
    after: str | os.PathLike[str] | pd.DataFrame,
    key: Sequence[str] = (),
    tolerance: float = 0.0,
) -> Differences:
    """What changed from one run or table to another.

    before, after  files: saved runs (`run.save`), CSV or Parquet tables; or data frames
    key            columns that say what a row is of; default: those of KEYS that both have
    tolerance      relative: numbers that are nearer than that are equal

    Rows with one key are matched in order. Raises TpeError for a file that is neither, for a
    column that one side has not, and for tables without a column to match rows by.

    >>> import pandas as pd
    >>> one = pd.DataFrame({"pe": ["mac", "opt1"], "cycles": [10, 20]})
    >>> other = pd.DataFrame({"pe": ["opt1", "mac"], "cycles": [18, 10]})
    >>> [(c.key["pe"], c.column, c.ratio) for c in differences(one, other).changes]
    [('opt1', 'cycles', 0.9)]
    """
    if not 0 <= tolerance < 1:
        raise TpeError(f"tolerance = {tolerance!r} is not legal: from 0 to below 1")
    first, second = _table(before), _table(after)
    names = column_names(key, "key")
    for name in names:
        for frame in (first, second):
            if name not in frame.columns:
                raise unknown("column", name, [str(column) for column in frame.columns])
    names = names or tuple(n for n in KEYS if n in first.columns and n in second.columns)
    if not names:
        raise TpeError("no column to match rows by; legal: --key, or columns such as pe, layer")
    old, new = _rows(first, names), _rows(second, names)
    shared = [c for c in first.columns if c in second.columns and c not in (*names, *TOLD)]
    changes = tuple(
        change
        for at, row in old.items()
        if at in new
        for change in _changes(
            dict(zip(names, at[:-1], strict=True)), row, new[at], shared, tolerance
        )
    )
    return Differences(
        changes,
        len(old.keys() & new.keys()),
        tuple(dict(zip(names, at[:-1], strict=True)) for at in old if at not in new),
        tuple(dict(zip(names, at[:-1], strict=True)) for at in new if at not in old),
        tuple(str(c) for c in first.columns if c not in second.columns),
        tuple(str(c) for c in second.columns if c not in first.columns),
        _told(first, second),
    )


def _table(source: str | os.PathLike[str] | pd.DataFrame) -> pd.DataFrame:
    """A table, or of a saved run its layers."""
    if isinstance(source, str | os.PathLike) and os.fspath(source).endswith(".json"):
        return Run.load(source).to_frame()
    return table_of(source)[0]


def _rows(frame: pd.DataFrame, names: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Value]]:
    """Rows by key and how many of that key stand before."""
    found: dict[tuple[Any, ...], dict[str, Value]] = {}
    seen: dict[tuple[Any, ...], int] = {}
    for row in frame.to_dict("records"):
        at = tuple(_value(row[name]) for name in names)
        seen[at] = seen.get(at, -1) + 1
        found[(*at, seen[at])] = {str(name): _value(value) for name, value in row.items()}
    return found


def _value(value: Any) -> Value:
    """A number, a text, or None where there is none."""
    import pandas as pd

    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | float | np.number):
        return float(value)
    return value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)


def _changes(
    key: Mapping[str, Any],
    old: Mapping[str, Value],
    new: Mapping[str, Value],
    names: Sequence[str],
    tolerance: float,
) -> list[Change]:
    return [
        Change(key, name, old[name], new[name])
        for name in names
        if not _same(old[name], new[name], tolerance)
    ]


def _same(old: Value, new: Value, tolerance: float) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return abs(old - new) <= tolerance * max(abs(old), abs(new))
    return old == new


def _told(first: pd.DataFrame, second: pd.DataFrame) -> dict[str, tuple[list[str], list[str]]]:
    found = {}
    for name in TOLD:
        if name in first.columns and name in second.columns:
            sides = tuple(sorted({str(x) for x in frame[name]}) for frame in (first, second))
            if sides[0] != sides[1]:
                found[name] = (sides[0], sides[1])
    return found
