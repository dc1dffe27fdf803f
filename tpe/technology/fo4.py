"""The unit of a technology's speed: an inverter that drives four of its kind."""

from __future__ import annotations

import numpy as np

from tpe.base.errors import TpeError
from tpe.technology.library import Arc, Library


def fanout_of_four(library: Library, inverter: str) -> tuple[float, float]:
    """(delay, slew), ns, of a stage in a chain of inverters of fan-out four.

    The delay is the mean of rise and fall. Wires cost nothing here. TpeError without delay tables.
    """
    cell = library.cell(inverter)
    arcs = [arc for arc in cell.outputs[0].arcs if arc.cell_rise is not None]
    if not arcs:
        raise TpeError(f"{cell.name} has no delay tables: nothing can be timed with {library.name}")
    load = 4 * (cell.inputs[0].capacitance_ff or 0.0)
    rise = fall = 0.05
    for _ in range(20):  # a rise makes the next stage's fall; it settles in a few stages
        rise, fall = _slew(arcs[0], "rise", fall, load), _slew(arcs[0], "fall", rise, load)
    delays = [_at(arcs[0], "cell_rise", fall, load), _at(arcs[0], "cell_fall", rise, load)]
    return float(np.mean(delays)), (rise + fall) / 2


def _slew(arc: Arc, edge: str, slew: float, load: float) -> float:
    return _at(arc, f"{edge}_transition", slew, load)


def _at(arc: Arc, table: str, slew: float, load: float) -> float:
    found = getattr(arc, table)
    return float(found.at(slew, load)) if found is not None else 0.0
