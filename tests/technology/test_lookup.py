"""Look-up tables at a point: the quick way of numbers is the way of arrays."""

from __future__ import annotations

import numpy as np
import pytest

from tpe.technology.lookup import Table
from tpe.technology.technology import technology

RNG = np.random.default_rng(7)
LOADS, SLEWS = np.array([0.5, 1.0, 4.0, 9.0]), np.array([0.01, 0.1, 0.4])
TABLES = {
    "both": Table(("slew", "load"), (SLEWS, LOADS), RNG.random((3, 4))),
    "load": Table(("load",), (LOADS,), RNG.random(4)),
    "slew": Table(("slew",), (SLEWS,), RNG.random(3)),
    "one point": Table(("slew", "load"), (SLEWS[:1], LOADS), RNG.random((1, 4))),
    "point": Table(("slew", "load"), (SLEWS[:1], LOADS[:1]), RNG.random((1, 1))),
    "number": Table((), (), np.array(3.25)),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_point_inside_outside_and_on_the_axes(name: str) -> None:
    table = TABLES[name]
    for slew in (-1.0, 0.0, *SLEWS, 0.05, 0.3, 2.0):
        for load in (-3.0, 0.0, *LOADS, 0.7, 5.5, 40.0):
            assert table.at_point(slew, load) == pytest.approx(float(table.at(slew, load)))


def test_tables_of_a_library() -> None:
    arcs = [arc for cell in technology().cells for pin in cell.outputs for arc in pin.arcs]
    tables = [t for arc in arcs for t in (arc.cell_rise, arc.fall_transition) if t is not None]
    assert len(tables) > 50
    for table, slew, load in zip(tables, RNG.random(200), 50 * RNG.random(200), strict=False):
        assert table.at_point(slew, load) == pytest.approx(float(table.at(slew, load)))
