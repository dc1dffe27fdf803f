"""Tensor cores mapped: the netlist gives the rule's results, and has a price and an energy."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.hdl.test_tensor_core_cells import compared, engine
from tpe.cli.main import app
from tpe.hdl.simulate import cell_cosim
from tpe.hdl.simulate.build import Design
from tpe.numbers.tensor_cores import fused_dot
from tpe.synth.area import synthesis
from tpe.synth.area.designs import module_part
from tpe.synth.area.points import measured
from tpe.synth.area.rows import MappedPE
from tpe.synth.netlist.mapped import Mapped
from tpe.synth.netlist.recipes import find_recipes
from tpe.synth.power import netlist_sim
from tpe.synth.power.module import module_power
from tpe.synth.power.pe import Power, pe_power
from tpe.technology.technology import technology

LEAN = "ripple/small"
# One format of every architecture; formats of 8 bits where they are the ones that differ.
CELLS = {
    "volta": ("volta", "fp16", "fp16", "fp32"),
    "turing": ("turing", "fp16", "fp16", "fp16"),
    "ampere": ("ampere", "bf16", "bf16", "fp32"),
    "ada": ("ada", "e4m3fn", "e4m3fn", "fp32"),
    "hopper": ("hopper", "fp16", "fp16", "fp32"),
    "blackwell": ("blackwell", "e4m3fn", "e5m2", "fp32"),
}
OTHERS = [pytest.param(name, marks=pytest.mark.full) for name in CELLS if name != "volta"]


@cache
def mapped(name: str) -> MappedPE:
    """The PE of an architecture by one recipe, as its parameters say."""
    one = engine(fused_dot(*CELLS[name]))
    (design,) = synthesis.compare([one], recipes=LEAN, vary=(), workers=1).designs
    assert isinstance(design, MappedPE)
    return design


def cell(name: str) -> Mapped:
    """Its cell."""
    return mapped(name).points["cell"][0].mapped


def bench(name: str) -> Design:
    """The bench of a cell with the netlist in its place."""
    design = cell_cosim.design(mapped(name).engine)
    return netlist_sim.with_mapped(design, {"tpe_cell": cell(name)}, technology().library)


@pytest.mark.parametrize("name", ["volta", *OTHERS])
def test_the_mapped_cell_is_the_rule_in_integers(name: str, monkeypatch: pytest.MonkeyPatch):
    """Sums of every kind, specials among them: gates, kernels and Python's integers agree."""
    gates = bench(name)
    monkeypatch.setattr(cell_cosim, "design", lambda engine: gates)
    sums, begun = compared(fused_dot(*CELLS[name]), 20)
    assert sums > 400 and begun > 10


@pytest.mark.full
def test_a_wrong_gate_is_seen(monkeypatch: pytest.MonkeyPatch):
    """The same bench with a gate of another kind in the netlist."""
    gates = bench("volta")
    text, library = gates.sources["tpe_cell_gates"], technology().library
    broken = text.replace("sky130_fd_sc_hd__xor2_1 ", "sky130_fd_sc_hd__or2_1 ", 1)
    assert broken != text
    other = netlist_sim.cell_modules(["sky130_fd_sc_hd__or2_1"], library)
    wrong = replace(gates, sources={**gates.sources, "tpe_cell_gates": broken, **other})
    monkeypatch.setattr(cell_cosim, "design", lambda engine: wrong)
    with pytest.raises(AssertionError, match="steps are not the model's"):
        compared(fused_dot(*CELLS["volta"]), 20)


def test_a_cell_keeps_one_word_of_its_psum():
    """Without stages no other register; the finish is wires."""
    assert (cell("volta").flip_flops, cell("volta").resets) == (32, 0)
    assert [p.area_um2 for p in mapped("volta").points["finish"]] == [0]


@pytest.mark.full
def test_more_lanes_and_wider_sums_cost_area():
    """Volta has 4 lanes of fp16, Turing 8 with a result of 16 bits, Hopper 16."""
    areas = [mapped(name).points["cell"][0].area_um2 for name in ("volta", "turing", "hopper")]
    assert areas == sorted(areas) and areas[2] > 2 * areas[0]


@cache
def power(operands: str) -> Power:
    """Of Volta's cell."""
    design, tech = mapped("volta"), technology()
    clock = 2 * design.fastest.period_ns
    return pe_power(design.engine, design.at(clock), tech, clock, operands, cycles=64)


def test_energy_of_a_part_inside_its_cell():
    """The tree of the largest exponent: outputs are those of the RTL in every cycle."""
    one, tech = engine(fused_dot(*CELLS["volta"])), technology()
    part = module_part(one, "tpe_fp_largest", {"Terms": 5, "Width": 9})
    ((point, *_),) = measured([part], tech, find_recipes(LEAN), workers=1)
    found = module_power(one, point, tech, 20.0, "normal:1", cycles=64)
    assert found.annotated_fraction == 1.0 and found.macs > found.cycles
    assert found.energy_fj_per_mac > 0


@pytest.mark.full
def test_energy_is_of_a_multiply_accumulate_not_of_a_step():
    """Four lanes a step; every net is annotated; zeros take less than numbers."""
    dense, sparse = power("normal:1"), power("sparse:0.9")
    assert dense.annotated_fraction == 1.0 and dense.cycles > 0
    assert dense.macs > dense.cycles  # a cell has more than one product a cycle
    assert 0 < sparse.energy_fj_per_mac < 0.8 * dense.energy_fj_per_mac
    assert np.isclose(dense.energies.dynamic_fj, sum(p.dynamic_fj for p in dense.parts.values()))


@pytest.mark.full
def test_the_command_prices_every_architecture():
    for arch in ("volta", "turing", "ampere", "ada", "hopper", "blackwell"):
        words = ["synth", "--pe", "tensorcore", "-p", f"arch={arch}", "-p", "stages=1"]
        done = CliRunner().invoke(app, [*words, "--recipe", LEAN])
        assert done.exit_code == 0 and "tensorcore" in done.output, done.output
