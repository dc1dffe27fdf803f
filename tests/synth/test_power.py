"""Power from activity: what a transition costs, what was simulated, and OpenSTA beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.synth.opensta_power import expected, one_cause, report
from tpe.base.errors import TpeError
from tpe.model.engine import Engine
from tpe.synth.area import synthesis, timing
from tpe.synth.area.designs import variant_engine
from tpe.synth.netlist.nets import Gate, Nets
from tpe.synth.power import activity
from tpe.synth.power.activity import Activity, PortTrace
from tpe.synth.power.gates import loads_of
from tpe.synth.power.pe import CLASSES, CLOCKED, Power, energies_of, pe_power
from tpe.synth.power.port_traces import port_traces
from tpe.synth.power.saif import read_saif, saif_text
from tpe.synth.power.stimulus import cases_of, smaller
from tpe.technology.technology import TPE130, technology

RECIPES = ("sklansky/fast", "ripple/small", "ripple/small/full_adders")
SIX = ("mac", "opt1", "opt2", "opt3", "opt4c", "opt4e")
INV, FLOP, AND3 = (f"sky130_fd_sc_hd__{x}" for x in ("inv_1", "dfxtp_1", "and3_1"))


@cache
def made(pe: str) -> tuple[Engine, synthesis.Chosen, float]:
    """A PE at twice its shortest period: (engine, netlists, clock)."""
    result = synthesis.compare([pe], recipes=RECIPES, vary=())
    clock = 2 * result.common_clock_ns
    return result.designs[0].engine, result.designs[0].at(clock), clock


@cache
def power_of(pe: str, operands: str = "normal:20", cycles: int = 512) -> Power:
    engine, chosen, clock = made(pe)
    return pe_power(engine, chosen, technology(), clock, operands, cycles=cycles)


def one_cell(cell: str, toggles: float, duty: float = 0.5) -> tuple[Nets, Activity]:
    """A cell whose pins are all ports and all switch alike, 1000 cycles long."""
    found = technology().library.cell(cell)
    ports = {
        ("clk_i" if p.clock else p.name): (p.direction, (i,)) for i, p in enumerate(found.pins)
    }
    names = tuple(p.name for p in found.pins)
    gate = Gate(cell, "u", {p.name: i for i, p in enumerate(found.pins)})
    nets = Nets("one", names, (gate,), (), ports)
    count = np.full(len(names), 1000.0 * toggles)
    duties, every = np.full(len(names), duty), np.ones(len(names), bool)
    clocked = [i for i, p in enumerate(found.pins) if p.clock]
    count[clocked], duties[clocked] = 2000.0, 0.5
    return nets, Activity("one", nets, 1000, count, duties, every)


# ---- by hand ----


def test_an_inverter_by_hand():
    """C V^2 / 2 of its input, which is outside; half of rise + fall at its slew and load."""
    tech = technology()
    nets, found = one_cell(INV, 0.4)
    got = energies_of(nets, loads_of(nets, tech), found, tech)
    cell, flop = tech.library.cell(INV), timing.edge_flop(tech)
    load = tech.library.cell(flop.cell).pin(flop.data).capacitance_ff
    assert got.switching["inputs"] == pytest.approx(cell.pin("A").capacitance_ff * 1.8**2 / 2 * 0.4)
    assert got.switching["combinational"] == 0  # what hangs on its output is somebody else's
    energy, slew = cell.pin("Y").energies[0], tech.fo4[1]
    each = [float(table.at(slew, load)) for table in (energy.rise, energy.fall)]
    own = [float(t.at(slew)) for e in cell.pin("A").energies for t in (e.rise, e.fall)]
    assert got.internal["combinational"] == pytest.approx(0.4 * (sum(each) + sum(own)) / 2)
    states = {leak.when: leak.power_nw for leak in cell.leakages}
    assert got.leakage_nw["combinational"] == pytest.approx(sum(states.values()) / 2)


def test_a_clock_pin_is_the_clock_by_hand():
    tech = technology()
    nets, found = one_cell(FLOP, 0.0)
    got = energies_of(nets, loads_of(nets, tech), found, tech)
    pin = tech.library.cell(FLOP).pin("CLK")
    edges = [
        float(t.at(timing.CLOCK_SLEW_NS)) for t in (pin.energies[0].rise, pin.energies[0].fall)
    ]
    assert got.internal[CLOCKED] == pytest.approx(sum(edges))  # a rise and a fall in each cycle
    assert got.switching[CLOCKED] == pytest.approx(pin.capacitance_ff * 1.8**2)
    assert got.dynamic_fj == pytest.approx(got.internal[CLOCKED] + got.switching[CLOCKED])


def test_what_opensta_doubles():
    """One cell each: why the comparison below counts clock pins twice and has its own library."""
    tech = technology()
    nets, found = one_cell(FLOP, 0.0)
    pin = tech.library.cell(FLOP).pin("CLK").energies[0]
    edges = sum(float(t.at(0.0)) for t in (pin.rise, pin.fall))  # its clock is ideal: slew 0
    said = report(nets, tech, found).classes["sequential"]["internal"] * 1e6 * 10
    assert said == pytest.approx(2 * edges, rel=1e-3)
    weights = {}
    for name in (INV, AND3):
        nets, found = one_cell(name, 0.4)
        said_by = report(nets, tech, found)
        own = energies_of(nets, loads_of(nets, tech), said_by.used, tech)
        cell = tech.library.cell(name)
        rate, slew = said_by.used.toggles / 1000, tech.fo4[1]
        inputs = sum(
            rate[nets.gates[0].pins[p.name]] * float(t.at(slew)) / 2
            for p in cell.inputs
            for e in p.energies
            for t in (e.rise, e.fall)
        )
        said = said_by.classes["combinational"]["internal"] * 1e6 * 10
        weights[name] = (said - inputs) / (own.internal["combinational"] - inputs)
    assert weights[INV] == pytest.approx(2.0, rel=0.02)
    assert weights[AND3] > 2.4


# ---- against OpenSTA ----


def against_opensta(pe: str, folder: Path) -> list[str]:
    """Every class and kind of every part, as lines; what is asserted is asserted here."""
    engine, chosen, _ = made(pe)
    tech = technology(one_cause(TPE130, folder))
    variant = variant_engine(engine, chosen.points["cell"].mapped.variant)
    case = cases_of(smaller(variant, 2), "normal:20", 0, 256)[0]
    ports = {kind: p.mapped.netlist.ports for kind, p in chosen.points.items()}
    traces = port_traces(case, ports)
    lines = []
    for kind, point in chosen.points.items():
        found = activity.mean(
            activity.record(point.mapped.netlist, tech.library, traces.by_kind[kind])
        )
        if not found.nets.gates:
            continue
        said = report(found.nets, tech, found)
        own = expected(found.nets, tech, said.used)
        for name, theirs in said.classes.items():
            mine = own[name]
            for what, value in theirs.items():
                lines.append(f"{pe}.{kind} {name} {what}: {mine[what]:.4g} W, OpenSTA {value:.4g}")
            assert mine["switching"] == pytest.approx(theirs["switching"], rel=0.01), lines
            assert sum(mine.values()) == pytest.approx(sum(theirs.values()), rel=0.10), lines
    return lines


def test_a_small_pe_is_what_opensta_says(tmp_path):
    lines = against_opensta("opt4c", tmp_path)
    print("\n".join(lines))
    assert len(lines) == 3 * 3 * 2  # three parts, three kinds, two classes


@pytest.mark.full
@pytest.mark.parametrize("pe", SIX)
def test_every_pe_is_what_opensta_says(pe, tmp_path):
    print("\n".join(against_opensta(pe, tmp_path)))


# ---- activity ----


def test_without_valid_steps_only_the_clock_takes_energy():
    """Valid low and operands still from reset on: nothing but clock pins switches."""
    _, chosen, _ = made("mac")
    netlist = chosen.points["cell"].mapped.netlist
    sides = [
        tuple((p.name, p.width) for p in netlist.ports if p.direction == way and p.name != "clk_i")
        for way in ("input", "output")
    ]
    bits = [sum(width for _, width in side) for side in sides]
    word = "".join({"rst_ni": "1", "en_i": "1"}.get(name, "0") * width for name, width in sides[0])
    quiet = f"{int(word, 2):0{-(-bits[0] // 4)}x}"
    trace = PortTrace("u", sides[0], sides[1], (quiet,) * 64, ("0" * -(-bits[1] // 4),) * 64, 2)
    tech = technology()
    found = activity.record(netlist, tech.library, [trace])[0]
    got = energies_of(found.nets, loads_of(found.nets, tech), found, tech)
    clock = got.switching[CLOCKED] + got.internal[CLOCKED]
    assert clock > 0 and got.dynamic_fj == clock
    assert sum(got.leakage_nw.values()) > 0


def test_a_netlist_that_is_not_its_rtl_is_refused():
    engine, chosen, _ = made("mac")
    point = chosen.points["cell"].mapped
    case = cases_of(smaller(engine, 1), "normal:20", 0, 64)[0]
    traces = port_traces(case, {"cell": point.netlist.ports}).by_kind["cell"]
    module = point.netlist.modules["tpe_cell"]
    xor = next(i for i in module.instances if "xor2_1" in i.cell)
    other = replace(xor, cell=xor.cell.replace("xor2", "or2"), pins=dict(xor.pins))
    wrong = tuple(other if i is xor else i for i in module.instances)
    broken = replace(point.netlist, modules={"tpe_cell": replace(module, instances=wrong)})
    with pytest.raises(TpeError, match="the netlist of tpe_cell is not its RTL"):
        activity.record(broken, technology().library, traces)


def test_too_few_nets_are_refused():
    with pytest.raises(TpeError, match=r"annotated_fraction = 0.940.*0.95"):
        activity.check_annotated(0.94)
    nets, found = one_cell(INV, 0.1)
    half = replace(found, annotated=np.array([True, False]))
    assert half.annotated_fraction == 0.5
    assert nets.used.all()


def test_saif_is_read_as_it_is_written():
    nets = {"a[3]": (0.25, 7), "b": (1.0, 0)}
    text = saif_text("d", 100, 2.0, [("u.x[0]", nets)])
    assert read_saif(text)[0] == 200_000
    verilators = "(DURATION 20)\n(n3 (T0 15) (T1 5) (TZ 0) (TX 0) (TB 0) (TC 7))"
    assert list(read_saif(verilators)[1]) == [("n3", 15, 5, 7)]
    assert re.search(r"\(a\\\[3\\\] \(T0 150000\) \(T1 50000\) \(TX 0\) \(TC 7\)", text)
    with pytest.raises(TpeError, match="DURATION"):
        read_saif("nothing")


# ---- a PE ----


@pytest.mark.parametrize("pe", ["mac", "opt4c"])
def test_power_is_the_sum_of_its_parts(pe):
    power = power_of(pe)
    parts = power.parts.values()
    assert power.energies.dynamic_fj == pytest.approx(sum(p.dynamic_fj for p in parts))
    assert set(power.energies.switching) == set(CLASSES)
    assert power.annotated_fraction == 1.0
    assert "no glitches" in power.activity_source
    assert power.energy_pj * 1000 / power.macs == pytest.approx(power.energy_fj_per_mac)
    assert power.power_mw == pytest.approx(power.dynamic_mw + power.leakage_mw)
    # sky130 at 1.8 V: an 8-bit multiply-accumulate takes picojoules; leakage is nothing beside it
    assert 1000 < power.energy_fj_per_mac < 20000
    assert 0 < power.leakage_mw < 1e-3 * power.power_mw


def test_wider_operands_take_more():
    small, large = (power_of("mac", operands) for operands in ("normal:4", "uniform"))
    assert small.energy_fj_per_mac < 0.9 * large.energy_fj_per_mac
    assert small.clock_fj == pytest.approx(large.clock_fj)


def test_zeros_save_what_is_not_clock():
    dense, sparse = power_of("opt4c"), power_of("opt4c", "sparse:0.7")
    assert sparse.energy_fj_per_mac < 0.8 * dense.energy_fj_per_mac


@pytest.mark.parametrize(
    ("operands", "said"),
    [("relu:x", "relu:SIGMA"), ("sparse:2", "sparse:SHARE"), ("nonsense", "nonsense")],
)
def test_operands_that_are_none_are_refused(operands, said):
    engine, chosen, clock = made("mac")
    with pytest.raises(TpeError, match=said):
        pe_power(engine, chosen, technology(), clock, operands)
