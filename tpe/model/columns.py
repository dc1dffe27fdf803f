"""Columns that a run's table gets more of: sets of them, each declared, by tpe or another package.

A set is a record under the entry point group `tpe.columns`, found by its name; `run.with_columns`
asks for it, or `tpe run --columns NAME`. It declares its columns, and fills them for every layer
and, last, for all layers together:

>>> column = Column("b_kib", "number", "KiB", "size of B")
>>> def sizes(run):
...     each = [layer.n * layer.k / 1024 for layer in run.layers]
...     return {"b_kib": [*each, sum(each)]}
>>> from tpe.model.engine import Engine
>>> run = Engine("opt1").run("gemm:4x32x64").with_columns(ColumnSet("sizes", (column,), sizes))
>>> run.rows()[0]["b_kib"], run.to_frame()["b_kib"].dtype
(2.0, Float64Dtype())
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tpe.base import registry
from tpe.base.columns import COLUMN, Column
from tpe.base.errors import TpeError

GROUP = "tpe.columns"
_TAKEN = {"firings": "a layer's firings", "no_energy": "why there is no energy"}  # in the JSON

Values = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class ColumnSet:
    """Columns, and what fills them.

    annotate  of a run (`tpe.model.result.RunRecord`), or the values themselves: {column: one value
              for each layer in order and, last, that of all layers together}; None is unknown
    measure   (engine, layer, operands) -> layer: what is taken of a layer while its operands are
              at hand, where `Engine.run` has an option for it, as it has for energy
    """

    name: str
    columns: tuple[Column, ...]
    annotate: Callable[[Any], Values] | Values
    measure: Callable[..., Any] | None = None


@dataclass(frozen=True, eq=False)
class AddedColumns:
    """Columns that a run has got: of which set, declared, and their values, the total last."""

    by: str
    columns: tuple[Column, ...]
    values: Mapping[str, tuple[Any, ...]]

    def at(self, place: int) -> dict[str, Any]:
        """The values of a row: that of a layer, or -1, of all together."""
        return {name: values[place] for name, values in self.values.items()}

    @property
    def more(self) -> tuple[Column, ...]:
        """Those that stand behind the table's own."""
        return tuple(column for column in self.columns if column.name not in COLUMN)


def column_set(name: str) -> ColumnSet:
    """The set of columns that is called so; TpeError, with the legal ones, if none is."""
    return registry.record(GROUP, name, ColumnSet)


def added(
    columns: ColumnSet, values: Values, rows: int, before: Iterable[AddedColumns]
) -> AddedColumns:
    """The columns of a set with values for so many rows, checked, beside those that are there.

    TpeError for a name that somebody else's column has, and for values that are not as declared.
    """
    declared = tuple(replace(column, by=(columns.name,)) for column in columns.columns)
    owners = {column.name: f"columns '{one.by}'" for one in before for column in one.columns}
    for column in columns.columns:
        owner = owners.get(column.name) or _owner(column.name, columns.name)
        if owner:
            raise TpeError(
                f"two have column '{column.name}': {owner} and columns '{columns.name}'; "
                "legal: one of a name"
            )
        owners[column.name] = f"columns '{columns.name}'"
    names = [column.name for column in declared]
    if set(values) != set(names):
        raise TpeError(
            f"columns '{columns.name}' fill {', '.join(sorted(values)) or 'nothing'}; "
            f"legal: those that they declare, {', '.join(names)}"
        )
    checked = {c.name: _checked(columns.name, c, values[c.name], rows) for c in declared}
    return AddedColumns(columns.name, declared, checked)


def _owner(name: str, asking: str) -> str | None:
    """Who has a column of the table itself, or a key of its JSON; None if the set may fill it."""
    if name in _TAKEN:
        return f"tpe ({_TAKEN[name]})"
    if name in COLUMN and asking not in COLUMN[name].by:
        return f"tpe ({', '.join(COLUMN[name].by)})"
    return None


def _checked(by: str, column: Column, values: Sequence[Any], rows: int) -> tuple[Any, ...]:
    where = f"column '{column.name}' of columns '{by}'"
    given = list(values)
    if len(given) != rows:
        raise TpeError(
            f"{where} has {len(given)} values; legal: {rows}, of each layer and of all together"
        )
    found = []
    for value in given:
        try:
            found.append(column.checked(value))
        except (TypeError, ValueError) as error:
            raise TpeError(f"{where}: {value!r} is {error}; legal: {column.type}") from None
    return tuple(found)
