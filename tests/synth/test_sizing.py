"""Gates that are resized along the longest paths of a composed array."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from tpe.model.engine import Engine
from tpe.synth.area import timing
from tpe.synth.area.compose import ArrayFront, Composed, array_front, compose, timed
from tpe.synth.area.sizing import families, resized, sizes
from tpe.synth.netlist.netlist import Netlist, read_netlist
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import technology

NEVER = float("inf")
CHAIN = """module top(clk, a, y, z);
  input clk;
  wire clk;
  input a;
  wire a;
  output [15:0] y;
  wire [15:0] y;
  output z;
  wire z;
  wire n;
  sky130_fd_sc_hd__inv_1 \\u.0  (
    .A(a),
    .Y(n)
  );
{loads}  sky130_fd_sc_hd__buf_1 last (
    .A(n),
    .X(z)
  );
endmodule
"""
LOAD = "  sky130_fd_sc_hd__inv_2 load{i} (\n    .A(n),\n    .Y(y[{i}])\n  );\n"


@cache
def front() -> ArrayFront:
    """OPT1 in an array of 2 x 2, whose enable leaves for many modules."""
    recipes = find_recipes("sklansky/fast,sklansky/small")
    return array_front(Engine("opt1", "matrix2d", (2, 2)), technology(), recipes, workers=1)


def unsized(composed: Composed) -> Composed:
    return timed(technology(), replace(composed, sizes={}, timing=None))


def small() -> Netlist:
    """An inverter with 17 sinks between registers."""
    return read_netlist(CHAIN.format(loads="".join(LOAD.format(i=i) for i in range(16))), "top")


def test_an_array_becomes_faster_by_other_cells_alone() -> None:
    fastest, kin = front().fastest, families(technology())
    before = unsized(fastest)
    assert fastest.sizes and fastest.period_ns < 0.97 * before.period_ns
    assert before.area_um2 < fastest.area_um2 < 1.05 * before.area_um2
    changed = 0
    for name, module in fastest.netlist.modules.items():
        old = before.netlist.modules[name]
        assert (old.ports, old.aliases) == (module.ports, module.aliases)
        for one, other in zip(old.instances, module.instances, strict=True):
            assert (one.name, one.pins) == (other.name, other.pins)
            if one.cell != other.cell:
                changed += 1
                cells = [cell.name for cell in kin[one.cell]]
                assert cells.index(other.cell) > cells.index(one.cell)
    assert changed == sum(map(len, fastest.sizes.values()))


def test_a_clock_that_is_met_is_left_and_one_that_is_not_costs_no_more_than_it_must() -> None:
    found, tech = front(), technology()
    plain = compose(tech, found.top, found.versions, found.bases, 0.0)
    start = timed(tech, plain).period_ns
    assert not sizes(tech, plain.netlist, start)
    middle = (start + found.fastest.period_ns) / 2
    made = [timed(tech, plain, None, clock) for clock in (NEVER, middle, 0.0)]
    assert start == made[0].period_ns > middle >= made[1].period_ns > made[2].period_ns
    assert made[0].area_um2 < made[1].area_um2 < made[2].area_um2


def test_a_gate_takes_the_size_that_its_load_wants() -> None:
    """Of an inverter with a large load: the period of every size of it, one by one."""
    tech, netlist = technology(), small()
    inverters = [cell.name for cell in families(tech)["sky130_fd_sc_hd__inv_1"]]
    period = {
        name: timing.timings(tech, [resized(netlist, {"top": {"\\u.0": name}})])[0].period_ns
        for name in inverters
    }
    assert inverters == sorted(inverters, key=lambda name: tech.library.cell(name).area_um2)
    found = sizes(tech, netlist, 0.0)
    best = min(period, key=period.__getitem__)
    assert best != inverters[0]
    after = timing.timings(tech, [resized(netlist, found)])[0]
    assert found["top"]["\\u.0"] == best and after.period_ns <= period[best]


def test_cells_that_may_not_be_taken_are_not() -> None:
    tech = replace(technology(), dont_use=("*inv_[48]",))
    kin = {cell.name for cell in families(tech)["sky130_fd_sc_hd__inv_1"]}
    assert kin == {"sky130_fd_sc_hd__inv_1", "sky130_fd_sc_hd__inv_2"}
    taken = sizes(technology(), small(), 0.0)["top"]["\\u.0"]
    assert taken not in kin and taken not in sizes(tech, small(), 0.0).get("top", {}).values()


def test_a_path_that_no_cell_makes_faster_ends() -> None:
    wires = read_netlist(
        "module top(clk, a, y);\n  input clk;\n  wire clk;\n  input a;\n  wire a;\n"
        "  output y;\n  wire y;\n  assign y = a;\nendmodule\n",
        "top",
    )
    assert sizes(technology(), wires, 0.0) == {}


@pytest.mark.skipif(timing.opensta() is None, reason="OpenSTA is the second opinion")
def test_opensta_sees_the_same_gain() -> None:
    fastest = front().fastest
    other = timing.timings(technology(), [fastest.netlist], "sta")[0]
    assert other is not None and other.period_ns == pytest.approx(fastest.period_ns, rel=1e-3)
