"""OpenSTA's `report_power` of a netlist, on an activity that both it and the model are given.

OpenSTA 2.0.17 keeps what is annotated on input ports and on outputs of flip-flops, and propagates
that through the gates between them; it reads no activity file, and its Tcl command for pins does
not run, so that the function under it is called. So those nets are annotated with what was
simulated, OpenSTA says what it made of every other one, and both price that same activity.

Two things OpenSTA counts otherwise, each pinned by hand from one cell in `test_power.py`: a clock
pin's internal energy twice, and the energies of an output's related pins with weights that sum to
2 for one or two inputs and to more for others. So both price with the library in which the energy
of an output is stated once, without a related pin; and clock pins are counted twice on our side.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from tpe.synth.activity import Activity
from tpe.synth.cell_energy import loads_of
from tpe.synth.liberty import Pin
from tpe.synth.nets import Nets
from tpe.synth.power import COMBINATIONAL, SEQUENTIAL, energies_of, internal_terms
from tpe.synth.tech import Technology
from tpe.synth.timing import CLOCK, edge_flop, fo4_edge, run_opensta

PERIOD_NS = 10.0
_PIN = re.compile(r"^TPE (\S+) ([\d.e+-]+) ([\d.]+) (\w+)$", re.MULTILINE)
_GROUP = re.compile(r"^(Sequential|Combinational)\s+(\S+)\s+(\S+)\s+(\S+)", re.MULTILINE)


def one_cause(source: Path, folder: Path) -> Path:
    """The library with one energy for each output, that of its first related pin, unrelated."""
    found = []
    for pin in re.split(r"(?=^    pin \()", source.read_text(), flags=re.MULTILINE):
        if "direction : output" in pin:
            form = re.compile(
                r"^      internal_power \(\) \{\n.*?^      \}\n", re.MULTILINE | re.DOTALL
            )
            for group in reversed(list(form.finditer(pin))[1:]):
                pin = pin[: group.start()] + pin[group.end() :]
            pin = re.sub(r"(internal_power \(\) \{\n) *related_pin : \"\w+\";\n", r"\1", pin)
        found.append(pin)
    file = folder / "one_cause.lib"
    file.write_text("".join(found))
    return file


def flat(nets: Nets, name: str = "flat") -> str:
    """Verilog with plain names: net i is n{i}, gate i is g{i}, a port's bit is a port."""
    inputs, outputs = nets.port_nets("input"), nets.port_nets("output")
    ports = [f"n{n}" for n in inputs] + [f"o{n}" for n in outputs]
    lines = [f"module {name} ({', '.join(ports)});"]
    lines += [f"  input n{n};" for n in inputs] + [f"  output o{n};" for n in outputs]
    lines += [f"  wire n{n};" for n in range(len(nets.names)) if n not in inputs]
    lines += [f"  assign o{n} = n{n};" for n in outputs]
    for i, gate in enumerate(nets.gates):
        pins = ", ".join(
            f".{pin}({f'n{net}' if net >= 0 else constant(net)})" for pin, net in gate.pins.items()
        )
        lines.append(f"  {gate.cell} g{i} ({pins});")
    return "\n".join([*lines, "endmodule", ""])


def larger_ff(pin: Pin) -> float:
    """What OpenSTA takes a pin to weigh: the larger of its rise and its fall."""
    edges = [x for x in (pin.rise_capacitance_ff, pin.fall_capacitance_ff) if x is not None]
    return max(edges, default=pin.capacitance_ff or 0.0)


def constant(net: int) -> str:
    return "1'b0" if net == -1 else "1'b1"


def report(
    nets: Nets, tech: Technology, found: Activity
) -> tuple[dict[str, dict[str, float]], Activity, float]:
    """(by class internal, switching, leakage in W; the activity it used; share annotated by user)."""
    flop = edge_flop(tech)
    load = larger_ff(tech.library.cell(flop.cell).pin(flop.data))
    unit = tech.library.units
    read, linked = tech.opensta()
    clocks = nets.ports[CLOCK][1] if CLOCK in nets.ports else ()
    rate = found.toggles / found.cycles
    lines = [*read, "read_verilog {flat.v}", "link_design flat", *linked]
    lines.append(
        f"create_clock -name clk -period {PERIOD_NS / unit.time_ns:g} "
        + (f"[get_ports n{clocks[0]}]" if clocks else "")
    )
    for n in nets.port_nets("input"):
        if n in clocks:
            continue
        lines += [
            f"set_input_transition {fo4_edge(tech)[1] / unit.time_ns:g} [get_ports n{n}]",
            f"set_input_delay 0 -clock clk [get_ports n{n}]",
            f"sta::set_power_input_port_activity [get_ports n{n}] {rate[n]:.6g} {found.duty[n]:.4f}",
        ]
    lines += [
        f"set_load {load / unit.capacitance_ff:g} [get_ports o{n}]"
        for n in nets.port_nets("output")
    ]
    drivers, annotated = [], []  # OpenSTA forgets what is annotated before its first report
    for i, gate in enumerate(nets.gates):
        cell = tech.library.cell(gate.cell)
        for pin in cell.outputs:
            net = gate.pins.get(pin.name, -1)
            if net < 0:
                continue
            drivers.append((f"g{i}/{pin.name}", net))
            if cell.sequential:
                annotated.append(
                    f"sta::set_power_pin_activity [get_pins g{i}/{pin.name}] {rate[net]:.6g} {found.duty[net]:.4f}"
                )
    lines += ["report_power", *annotated, 'puts "TPE again"', "report_power -digits 9"]
    for name, _ in drivers:
        lines.append(f'puts "TPE {name} [get_property [get_pins {name}] activity]"')
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "flat.v").write_text(flat(nets))
        said = run_opensta(
            "\n".join(line.replace("{flat.v}", f"{{{folder / 'flat.v'}}}") for line in lines),
            folder,
        )
    groups = {
        m[1].lower(): dict(
            zip(("internal", "switching", "leakage"), map(float, m.groups()[1:]), strict=True)
        )
        for m in _GROUP.finditer(said.partition("TPE again")[2])
    }
    toggles, duty = found.toggles.copy(), found.duty.copy()
    told = {m[1]: (float(m[2]), float(m[3]), m[4]) for m in _PIN.finditer(said)}
    for pin, net in drivers:
        density, share, _ = told[pin]
        toggles[net], duty[net] = density * PERIOD_NS * 1e-9 * found.cycles, share
    user = np.mean([told[pin][2] == "user" for pin, _ in drivers])
    return groups, replace(found, toggles=toggles, duty=duty), float(user)


def expected(nets: Nets, tech: Technology, used: Activity) -> dict[str, dict[str, float]]:
    """What OpenSTA should say of that activity, W: ours, clock pins counted twice."""
    loads = loads_of(nets, tech, larger_ff)
    own = energies_of(nets, loads, used, tech)
    watts = 1e-6 / PERIOD_NS  # of a fJ per cycle
    found = {
        name: {
            "internal": 0.0,
            "switching": driven(nets, loads, used, tech)[name] * watts,
            "leakage": own.leakage_nw[name] * 1e-9,
        }
        for name in (SEQUENTIAL, COMBINATIONAL)
    }
    for cell, pin, fj in internal_terms(nets, loads, used, tech):
        twice = pin.clock and bool(cell.sequential)
        name = SEQUENTIAL if cell.sequential else COMBINATIONAL
        found[name]["internal"] += fj * (2 if twice else 1) * watts
    return found


def driven(nets, loads, used, tech) -> dict[str, float]:
    """Switching of nets that gates drive, what hangs on the outputs included, fJ per cycle."""
    volts = tech.library.voltage_v or 0.0
    found = {SEQUENTIAL: 0.0, COMBINATIONAL: 0.0}
    for gate in nets.gates:
        cell = tech.library.cell(gate.cell)
        for pin in cell.outputs:
            net = gate.pins.get(pin.name, -1)
            if net >= 0:
                name = SEQUENTIAL if cell.sequential else COMBINATIONAL
                found[name] += loads.total[net] * volts**2 / 2 * used.toggles[net] / used.cycles
    return found


__all__ = ["Netlist", "expected", "flat", "report"]
