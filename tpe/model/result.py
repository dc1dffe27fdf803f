"""What a run holds, and its rows and frames; `tpe.Run` is in `tpe.model.engine`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from tpe.array.base import Cycles
from tpe.base.columns import Column
from tpe.base.errors import TpeError
from tpe.base.table import SCHEMA_VERSION, full_row, to_frame
from tpe.engine.spec import EngineSpec
from tpe.model.columns import AddedColumns, ColumnSet, added, column_set
from tpe.model.layer_run import LayerRun
from tpe.model.rows import layers_row, point_id, without_values
from tpe.version import __version__
from tpe.workloads.assumed import assumed_line

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What an engine did: `layers` in order, and a network's metrics (accuracy)."""

    engine: EngineSpec
    workload: str
    seed: int
    layers: tuple[LayerRun, ...]
    metrics: Mapping[str, float]
    command: str = ""
    version: str = __version__  # of the tpe that ran it
    added: tuple[AddedColumns, ...] = ()  # columns behind those that every run fills

    def __getstate__(self) -> dict[str, Any]:  # rows are made again where they are needed
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def C(self) -> Any:  # noqa: N802 -- the matrix is called C
        """The result of the only layer, or of the last one: int64, None without values.

        TpeError if the run was saved without its values.
        """
        last = self.layers[-1]
        if last.C is None and last.error is not None:
            raise TpeError("C is not in this run; legal: a run saved with values=True")
        return self.layers[-1].C

    @property
    def overflowed(self) -> bool | None:
        """Whether a sum did not fit `acc_bits`: the RTL's overflow_o, where it has one.

        None if a layer has no values, and no other layer's did overflow.
        """
        found = {layer.overflowed for layer in self.layers}
        return True if True in found else None if None in found else False

    @property
    def assumed(self) -> str | None:
        """The line that says which operands are assumed, and how they are drawn; None if none."""
        return assumed_line((layer.name, layer.operand_source) for layer in self.layers)

    @property
    def estimated(self) -> bool:
        """Whether the cycles of a layer are estimated from a sample."""
        return any(layer.standard_error is not None for layer in self.layers)

    @property
    def without_values(self) -> str | None:
        """The line that says which layers have no C, and which cycles are estimates."""
        return without_values(self.layers)

    @property
    def cycles(self) -> int:
        """Clock cycles of all layers."""
        return self.terms.total

    @cached_property
    def terms(self) -> Cycles:
        """Where the cycles of all layers went."""
        return sum((layer.terms for layer in self.layers), Cycles())

    @cached_property
    def firings(self) -> dict[str, int | None]:
        """Firings of every primitive over all layers; None if a layer's are not known."""
        total: dict[str, int | None] = {}
        for layer in self.layers:
            for op, count in layer.firings.items():
                before = total.get(op, 0)
                total[op] = None if before is None or count is None else before + count
        return total

    def rows(self, layers: Iterable[LayerRun] | None = None) -> list[dict[str, Any]]:
        """One row of the flat table per layer, of all of them or of some of this run's."""
        chosen = self.layers if layers is None else layers
        if not self.added:
            return [self._row([layer], layer.name) for layer in chosen]
        places = {layer: place for place, layer in enumerate(self.layers)}
        return [self._row([layer], layer.name) | self._more(places[layer]) for layer in chosen]

    def totals(self) -> dict[str, Any]:
        """The row of all layers together; shapes and operand sources that differ are null."""
        return self._row(self.layers, "total") | self._more(-1)

    def to_frame(self) -> pd.DataFrame:
        """The layers as a data frame: the columns of every run, then those that were added."""
        return to_frame(self.rows(), {column.name: column.dtype for column in self.more_columns})

    @property
    def more_columns(self) -> tuple[Column, ...]:
        """The columns behind the table's own, in their order."""
        return tuple(column for one in self.added for column in one.more)

    def with_columns(self, columns: str | ColumnSet) -> Self:
        """The run with more columns in its rows, frames and files; see `tpe.model.columns`.

        columns: the name of a set, of tpe or of an installed package (group `tpe.columns`), or a
        set itself. TpeError if a column's name is taken, or values are not as declared.
        """
        chosen = column_set(columns) if isinstance(columns, str) else columns
        if not isinstance(chosen, ColumnSet):
            raise TpeError(f"columns = {columns!r} is not legal: a name, a ColumnSet")
        values = chosen.annotate(self) if callable(chosen.annotate) else chosen.annotate
        more = added(chosen, values, len(self.layers) + 1, self.added)
        return replace(self, added=(*self.added, more))

    def to_json(self, rows: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
        """`schema_version`, `command`, `engine`, `layers`, `totals`, `firings`, `metrics`.

        Then `assumed_operands` and `without_values`, the lines that go with every table, or null;
        and `columns`, what those behind the table's own hold, if there are any. `rows`: those of
        `rows()`, if they are at hand.
        """
        pairs = zip(self.rows() if rows is None else rows, self.layers, strict=True)
        more = [asdict(column) for column in self.more_columns]
        return {
            "schema_version": SCHEMA_VERSION,
            "command": self.command,
            "engine": self.engine.describe(),
            "layers": [
                {**row, "firings": dict(layer.firings), "no_energy": layer.no_energy}
                for row, layer in pairs
            ],
            "totals": {**self.totals(), "firings": self.firings},
            "metrics": dict(self.metrics),
            "assumed_operands": self.assumed,
            "without_values": self.without_values,
            **({"columns": more} if more else {}),
        }

    @cached_property
    def _shared(self) -> dict[str, Any]:
        """The columns that are the same in every row of the run."""
        identity = self.engine.describe()
        prints = [layer.fingerprint for layer in self.layers]
        return {
            "schema_version": SCHEMA_VERSION,
            "point_id": point_id(identity, self.workload, self.seed, prints, self.version),
            "status": "ok",
            "tpe_version": self.version,
            "seed": self.seed,
            "command": self.command or None,
            **identity,
            "workload": self.workload,
        }

    def _more(self, place: int) -> dict[str, Any]:
        """What was added to the row of a layer; -1, to that of all together."""
        return {name: value for one in self.added for name, value in one.at(place).items()}

    def _row(self, layers: Sequence[LayerRun], name: str) -> dict[str, Any]:
        terms = layers[0].terms if len(layers) == 1 else self.terms
        return full_row(
            {
                **self._shared,
                "layer": name,
                **layers_row(self.engine, layers, terms),
                "accuracy": self.metrics.get("accuracy") if name == "total" else None,
            }
        )
