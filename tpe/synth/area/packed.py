"""Arcs and tables of cells as flat arrays, which the kernels read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tpe.synth.area.cell_arcs import Arcs, Pair
from tpe.technology.lookup import Table

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NONE = -1  # no table, no axis


class Tables(NamedTuple):
    """Tables over axes x (slew, related) and y (load, constrained); NONE: not over it.

    Table t: axes `x[t]`, `y[t]`, values from `start[t]` on, x outermost. Axis a: `points` from
    `axis_start[a]` on, `axis_length[a]` of them.
    """

    x: Ints
    y: Ints
    start: Ints
    values: Floats
    axis_start: Ints
    axis_length: Ints
    points: Floats


class Cells(NamedTuple):
    """Kinds of cells: kind k has the arcs `delay_from[k]` up to `delay_from[k + 1]`, and so on.

    Rows of `delays` are (source, sink, edges, slew edges), of `launches` (clock, sink, falling),
    of `setups` (data, clock, falling); of their tables two a row, of a rise and of a fall.
    `weights` (fF) and `inputs` go by pin, from `pin_from[k]` on.
    """

    pin_from: Ints
    weights: Floats  # (pins, 2): of a rise, of a fall
    inputs: Ints  # 1 for an input
    delay_from: Ints
    delays: Ints
    delay_tables: Ints
    delay_slews: Ints
    launch_from: Ints
    launches: Ints
    launch_tables: Ints
    launch_slews: Ints
    setup_from: Ints
    setups: Ints
    setup_tables: Ints


def packed(kinds: Sequence[Arcs]) -> tuple[Cells, Tables]:
    """The arrays of several kinds of cells; a table or an axis that several share stands once."""
    packer = _Packer()
    pins = [pin for kind in kinds for pin in kind.cell.pins]
    delays = [arc for kind in kinds for arc in kind.delays]
    launches = [arc for kind in kinds for arc in kind.launches]
    setups = [arc for kind in kinds for arc in kind.setups]
    weights = [(p.rise_capacitance_ff or 0.0, p.fall_capacitance_ff or 0.0) for p in pins]
    cells = Cells(
        pin_from=_starts([len(kind.cell.pins) for kind in kinds]),
        weights=np.array(weights, float).reshape(-1, 2),
        inputs=np.array([pin.direction == "input" for pin in pins], np.int64),
        delay_from=_starts([len(kind.delays) for kind in kinds]),
        delays=_rows([(a.source, a.sink, a.edges, a.slew_edges) for a in delays], 4),
        delay_tables=packer.pairs([arc.delays for arc in delays]),
        delay_slews=packer.pairs([arc.slews for arc in delays]),
        launch_from=_starts([len(kind.launches) for kind in kinds]),
        launches=_rows([(a.clock, a.sink, int(a.falling)) for a in launches], 3),
        launch_tables=packer.pairs([arc.delays for arc in launches]),
        launch_slews=packer.pairs([arc.slews for arc in launches]),
        setup_from=_starts([len(kind.setups) for kind in kinds]),
        setups=_rows([(a.data, a.clock, int(a.falling)) for a in setups], 3),
        setup_tables=packer.pairs([arc.times for arc in setups]),
    )
    return cells, packer.tables()


def _starts(counts: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)


def _rows(rows: Sequence[tuple[int, ...]], width: int) -> Ints:
    return np.array(rows, np.int64).reshape(-1, width)


class _Packer:
    """Tables and axes met so far, by what they are."""

    def __init__(self) -> None:
        self._tables: dict[int, int] = {}
        self._axes: dict[bytes, int] = {}
        self._made: list[tuple[int, int, Table]] = []
        self._points: list[Floats] = []

    def pairs(self, pairs: Sequence[Pair]) -> Ints:
        """Numbers of tables, (len(pairs), 2)."""
        return _rows([(self._table(rise), self._table(fall)) for rise, fall in pairs], 2)

    def _table(self, table: Table | None) -> int:
        if table is None:
            return NONE
        if id(table) not in self._tables:  # the table lives as long as its library
            axes = {"x": NONE, "y": NONE}
            for variable, axis in zip(table.variables, table.axes, strict=True):
                axes["y" if variable in ("load", "constrained") else "x"] = self._axis(axis)
            self._tables[id(table)] = len(self._made)
            self._made.append((axes["x"], axes["y"], table))
        return self._tables[id(table)]

    def _axis(self, axis: Floats) -> int:
        key = axis.tobytes()
        if key not in self._axes:
            self._axes[key] = len(self._points)
            self._points.append(axis)
        return self._axes[key]

    def tables(self) -> Tables:
        """Everything met so far."""
        values = [np.ravel(table.values) for _, _, table in self._made]
        return Tables(
            x=np.array([x for x, _, _ in self._made], np.int64),
            y=np.array([y for _, y, _ in self._made], np.int64),
            start=_starts([len(v) for v in values]),
            values=np.concatenate([np.zeros(0), *values]),
            axis_start=_starts([len(axis) for axis in self._points]),
            axis_length=np.array([len(axis) for axis in self._points], np.int64),
            points=np.concatenate([np.zeros(0), *self._points]),
        )
