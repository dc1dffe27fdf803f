"""Every legal combination mapped to two libraries: one check failing would raise."""

from __future__ import annotations

import pytest

from tests.contract.combos import WITH_RTL, combo_id, engine
from tests.synth.test_synth import OSU018, without
from tpe.synth.area import synthesis

RECIPES = ("sklansky/small",)
LIBRARIES = [
    "tpe130",
    pytest.param(OSU018, id="osu018", marks=without(OSU018, "Debian's qflow-tech-osu018")),
]


@pytest.mark.full
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("combo", WITH_RTL, ids=combo_id)
def test_every_combination_maps(combo, library):
    """No latch, the registers of the RTL, and an area that is the sum of its modules."""
    given = engine(*combo, (3, 2))
    made = synthesis.synthesise(given, liberty=library, recipes=RECIPES, array=True)
    (row,) = made.rows()
    chosen = made.designs[0].fastest
    copies = {name: count for name, (count, _) in chosen.area_by_module.items()}
    assert copies["tpe_cell"] == given.grid.m * given.grid.n * given.grid.chain
    assert row["area_um2"] == pytest.approx(
        sum(count * area for count, area in chosen.area_by_module.values())
    )
    assert row["flip_flops"] > 0 and row["period_ns"] > 0
    assert row["memory_bits_left_out"] in (None, 0)
