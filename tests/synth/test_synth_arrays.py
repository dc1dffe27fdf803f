"""Every legal combination mapped to two libraries: one check failing would raise."""

from __future__ import annotations

import pytest

from tests.contract.combos import WITH_RTL, combo_id, engine
from tests.synth.test_synth import OSU018, without
from tpe import array as arrays
from tpe import pe as pes
from tpe.model.engine import Engine
from tpe.synth.area import designs, synthesis
from tpe.synth.area.compose import AROUND
from tpe.synth.netlist.mapper import map_parts
from tpe.technology.technology import technology

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


@pytest.mark.full
def test_cells_that_keep_two_weights_have_their_registers():
    """Beside those of one: operands and weights of every cell, and the skew of the rows of A."""
    rows, cols, bits = 3, 2, 8
    found = []
    for lanes in (1, 2):
        given = engine(pes.get("mac"), arrays.get("systolic_ws"), (rows, cols), lanes=lanes)
        made = synthesis.synthesise(given, liberty="tpe130", recipes=RECIPES, array=True)
        found.append(made.rows()[0]["flip_flops"])
    assert found[1] - found[0] == bits * (2 * rows * cols + rows * (rows - 1) // 2)


@pytest.mark.parametrize(
    ("array", "registers"),
    [
        # Rows 1 and 2 of two psums; and two bits more of control.
        ("matrix2d", 2 * 2 * 32 + 2),
        # One word that waits for the column to its right, which is read a cycle late; a bit more.
        ("systolic_os", 32 + 1 + 2 + 1),
    ],
)
def test_what_tiles_that_overlap_cost_is_in_the_netlist(array, registers):
    """An array's area and power are those of this netlist: registers behind the cells are in it."""
    found = {}
    for overlap in ("none", "stream"):
        part = designs.around_part(Engine("mac", array, (3, 2), overlap=overlap))
        found[overlap] = map_parts([part], technology("tpe130"), AROUND[1:])[0].mapped[0]
    assert found["stream"].flip_flops - found["none"].flip_flops == registers
    assert found["stream"].area_um2 > found["none"].area_um2
