"""Parts of a lean PE that are priced together are parts of one PE: a row's term, and its cells."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tools import lean_table
from tpe.hdl import emit
from tpe.model.engine import Engine
from tpe.study.price import price, varied
from tpe.synth.area import designs, synthesis
from tpe.synth.netlist.mapper import map_parts
from tpe.synth.netlist.recipes import find_recipes
from tpe.synth.power.pe import pe_power
from tpe.technology.technology import technology

LEAN: dict[str, Any] = {"negate": "row", "biased": "on", "hold": "zero"}
RECIPE = "sklansky/small"
ENGINES = {
    "mac": Engine("mac", "matrix2d", "4x4", **LEAN),
    "opt1": Engine("opt1", "systolic_os", "4x4", **LEAN, top="increment"),
    "opt2": Engine("opt2", "matrix2d", "4x4", **LEAN),
    "opt4c": Engine("opt4c", "matrix2d", "4x4", **LEAN, carry_every=2),
    "opt4e": Engine("opt4e", "matrix2d", "4x4", **LEAN),
    # A psum that moves up must not do so again while its row's clock stands still.
    "msb_first": Engine("opt4c", "matrix2d", "4x4", **LEAN, planes="msb_first"),
}
SHORT, REST = ("mac", "opt4c"), ("opt1", "opt2", "opt4e")
PES = (*SHORT, *(pytest.param(pe, marks=pytest.mark.full) for pe in REST))


@cache
def made(pe: str) -> synthesis.Result:
    return synthesis.compare([ENGINES[pe]], recipes=RECIPE, vary=varied(ENGINES[pe]))


@pytest.mark.parametrize("pe", ENGINES)
def test_a_row_fits_the_cells_that_it_is_made_for(pe):
    """Of every variant of the cell one row fits it: the one that it is emitted with."""
    rows = designs.pe_parts(ENGINES[pe])["row"]
    for variant in designs.variants(ENGINES[pe]):
        modules = emit.engine_modules(variant.engine)
        fitting = [part for part in rows if variant.bound in part.fits]
        assert [p.modules for p in fitting] == [designs.reachable(modules, "tpe_row")], variant.name


@pytest.mark.parametrize("pe", PES)
def test_what_is_chosen_for_a_clock_fits(pe):
    design = made(pe).designs[0]
    clocks = {p.period_ns for points in design.points.values() for p in points}
    for chosen in [design.fastest, *(design.at(clock) for clock in clocks)]:
        names = {kind: point.mapped.variant for kind, point in chosen.points.items()}
        assert design.fits["cell"][names["cell"]] & design.fits["row"][names["row"]], names


def test_a_pipelined_cell_has_a_pipelined_row():
    rows = [build.points["row"][0].mapped for build in made("mac").designs[0].builds]
    flops = {row.variant: row.flip_flops for row in rows}
    assert flops["stages=3"] > flops["stages=2"] > flops[""]


def test_an_array_is_priced_with_parts_that_go_together():
    options = price(ENGINES["mac"], technology(), find_recipes(RECIPE)).options
    for option in options:
        names = {kind: point.mapped.variant for kind, point in option.chosen.points.items()}
        fits = option.design.fits
        assert fits["cell"][names["cell"]] & fits["row"][names["row"]], option.recipe


@pytest.mark.parametrize(
    "pe",
    ["msb_first", *(pytest.param(pe, marks=pytest.mark.full) for pe in ("opt4c", "mac", *REST))],
)
def test_the_netlists_are_the_rtl_of_one_array(pe):
    """Every output of every part in every cycle: `pe_power` refuses another."""
    engine, tech = ENGINES[pe], technology()
    for build in made(pe).designs[0].builds:
        assert pe_power(engine, build.fastest, tech, 20.0, cycles=128).energy_fj_per_mac > 0


@pytest.mark.parametrize("pe", PES)
def test_the_array_has_the_row_that_is_priced(pe):
    """An instance of other widths would stay a module of another name."""
    part = designs.array_part(ENGINES[pe])
    around = map_parts([part], technology(), find_recipes(RECIPE))[0].mapped[0].netlist
    own = [name for name in around.copies if "tpe_row" in name]
    assert own == ["tpe_row"] and around.copies["tpe_row"] == 4


# ---- the table of them ----


@pytest.mark.parametrize("choices", [{}, {"stages": 3, **LEAN}])
def test_the_table_counts_every_flip_flop_once(choices):
    engine, tech = Engine("mac", "matrix2d", "2x2", **choices), technology()
    once = find_recipes(RECIPE)[0]
    kept = lean_table.kept(engine, tech, once)
    found = lean_table.registers(kept, tech)
    assert found.total() == kept.flip_flops
    assert found["psum"] == 4 * 32 and ("row term" in found) == bool(choices)
    assert lean_table.bare("gen_apart_sum_s_3__12_") == "gen_apart_sum_s"
    assert lean_table.purpose("tpe_pe_opt1.tpe_delay.stage") == "stages of the cell"


@pytest.mark.full
def test_the_table_has_a_line_for_every_choice():
    found = lean_table.lines(("bitlet",), "tpe130", RECIPE)
    text = lean_table.document(found, "tpe130", RECIPE)
    assert len(found) == len(lean_table.LINES["bitlet"])
    assert text.count("| `bitlet` |") == 3 * len(found)
