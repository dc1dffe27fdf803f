"""OpenSTA's `report_power` of a netlist, on an activity that both it and the model are given.

OpenSTA 2.0.17 reads no activity file. It keeps what is annotated on input ports and on outputs of
flip-flops (some with a clear excepted), and propagates that through the gates between them. Its
Tcl command for pins does not run, so that the function under it is called. So those nets are
annotated with what was simulated, OpenSTA says what it made of every other one, and both price that
same activity. It takes a pin to weigh the larger of its rise and its fall: here we do too.

Two things it counts otherwise, each pinned by hand from one cell in `test_power.py`: a clock pin's
internal energy twice, and the energies of an output's related pins with weights that sum to 2 for
one or two inputs and to more for others. So both price with the library in which the energy of an
output is stated once, without a related pin; and clock pins are counted twice on our side.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tpe.synth.area.timing import CLOCK, edge_flop, run_opensta
from tpe.synth.netlist.nets import ZERO, Nets
from tpe.synth.power.activity import Activity
from tpe.synth.power.gates import Loads, loads_of
from tpe.synth.power.pe import COMBINATIONAL, SEQUENTIAL, energies_of, internal_terms
from tpe.technology.library import Pin
from tpe.technology.technology import Technology

PERIOD_NS = 10.0
KINDS = ("internal", "switching", "leakage")
_PIN = re.compile(r"^TPE (\S+) ([\d.e+-]+) ([\d.]+) (\w+)$", re.MULTILINE)
_GROUP = re.compile(r"^(Sequential|Combinational)\s+(\S+)\s+(\S+)\s+(\S+)", re.MULTILINE)
_ENERGY = re.compile(r"^      internal_power \(\) \{\n.*?^      \}\n", re.MULTILINE | re.DOTALL)

Classes = dict[str, dict[str, float]]  # W by class and kind


@dataclass(frozen=True, eq=False)
class Said:
    """What OpenSTA reported, and the activity that it used."""

    classes: Classes
    used: Activity


def one_cause(source: Path, folder: Path) -> Path:
    """The library with one energy for each output, that of its first related pin, unrelated."""
    found = []
    for pin in re.split(r"(?=^    pin \()", source.read_text(), flags=re.MULTILINE):
        if "direction : output" in pin:
            for group in reversed(list(_ENERGY.finditer(pin))[1:]):
                pin = pin[: group.start()] + pin[group.end() :]
            pin = re.sub(r"(internal_power \(\) \{\n) *related_pin : \"\w+\";\n", r"\1", pin)
        found.append(pin)
    file = folder / "one_cause.lib"
    file.write_text("".join(found))
    return file


def flat(nets: Nets) -> str:
    """Verilog with plain names: net i is n{i}, gate i is g{i}, a port's bit is a port."""
    inputs, outputs = nets.port_nets("input"), nets.port_nets("output")
    ports = [f"n{n}" for n in inputs] + [f"o{n}" for n in outputs]
    lines = [f"module flat ({', '.join(ports)});"]
    lines += [f"  input n{n};" for n in inputs] + [f"  output o{n};" for n in outputs]
    lines += [f"  wire n{n};" for n in range(len(nets.names)) if n not in inputs]
    lines += [f"  assign o{n} = n{n};" for n in outputs]
    for i, gate in enumerate(nets.gates):
        pins = ", ".join(f".{pin}({_name(net)})" for pin, net in gate.pins.items())
        lines.append(f"  {gate.cell} g{i} ({pins});")
    return "\n".join([*lines, "endmodule", ""])


def _name(net: int) -> str:
    return f"n{net}" if net >= 0 else f"1'b{int(net != ZERO)}"


def larger_ff(pin: Pin) -> float:
    """What OpenSTA takes a pin to weigh."""
    edges = [x for x in (pin.rise_capacitance_ff, pin.fall_capacitance_ff) if x is not None]
    return max(edges, default=pin.capacitance_ff or 0.0)


def report(nets: Nets, tech: Technology, found: Activity) -> Said:
    """What OpenSTA says of a netlist, its inputs and flip-flops switching as was simulated."""
    drivers = list(_drivers(nets, tech))
    read, linked = tech.opensta()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "flat.v").write_text(flat(nets))
        lines = [*read, f"read_verilog {{{folder / 'flat.v'}}}", "link_design flat", *linked]
        lines += _ports(nets, tech, found)
        lines.append("report_power")  # it forgets what is annotated on pins before its first report
        lines += [
            f"sta::set_power_pin_activity [get_pins {pin}] {_activity(found, net)}"
            for pin, net, register in drivers
            if register
        ]
        lines += ['puts "TPE again"', "report_power -digits 9"]
        lines += [
            f'puts "TPE {pin} [get_property [get_pins {pin}] activity]"' for pin, *_ in drivers
        ]
        said = run_opensta("\n".join(lines), folder).partition("TPE again")[2]
    toggles, duty = found.toggles.copy(), found.duty.copy()
    told = {m[1]: (float(m[2]), float(m[3])) for m in _PIN.finditer(said)}
    for pin, net, _ in drivers:
        toggles[net] = told[pin][0] * PERIOD_NS * 1e-9 * found.cycles
        duty[net] = told[pin][1]
    classes = {
        m[1].lower(): dict(zip(KINDS, map(float, m.groups()[1:]), strict=True))
        for m in _GROUP.finditer(said)
    }
    return Said(classes, replace(found, toggles=toggles, duty=duty))


def _drivers(nets: Nets, tech: Technology) -> Iterator[tuple[str, int, bool]]:
    """(pin, net, whether of a flip-flop) of every output of a gate."""
    for i, gate in enumerate(nets.gates):
        cell = tech.library.cell(gate.cell)
        for pin in cell.outputs:
            if gate.pins.get(pin.name, -1) >= 0:
                yield f"g{i}/{pin.name}", gate.pins[pin.name], bool(cell.sequential)


def _activity(found: Activity, net: int) -> str:
    return f"{found.toggles[net] / found.cycles:.6g} {found.duty[net]:.4f}"


def _ports(nets: Nets, tech: Technology, found: Activity) -> Iterator[str]:
    """The clock, and what stands around the netlist: slews, loads, activity of inputs."""
    unit, flop = tech.library.units, edge_flop(tech)
    load = larger_ff(tech.library.cell(flop.cell).pin(flop.data)) / unit.capacitance_ff
    clocks = nets.ports[CLOCK][1] if CLOCK in nets.ports else ()
    source = f"[get_ports n{clocks[0]}]" if clocks else ""
    yield f"create_clock -name clk -period {PERIOD_NS / unit.time_ns:g} {source}"
    for n in nets.port_nets("input"):
        if n not in clocks:
            port = f"[get_ports n{n}]"
            yield f"set_input_transition {tech.fo4[1] / unit.time_ns:g} {port}"
            yield f"set_input_delay 0 -clock clk {port}"
            yield f"sta::set_power_input_port_activity {port} {_activity(found, n)}"
    for n in nets.port_nets("output"):
        yield f"set_load {load:g} [get_ports o{n}]"


def expected(nets: Nets, tech: Technology, used: Activity) -> Classes:
    """What OpenSTA should say of that activity, W: ours, clock pins counted twice."""
    loads, watts = loads_of(nets, tech, larger_ff), 1e-6 / PERIOD_NS  # of a fJ per cycle
    own = energies_of(nets, loads, used, tech)
    switching = driven_fj(nets, loads, used, tech)
    found = {
        name: {
            "internal": 0.0,
            "switching": switching[name] * watts,
            "leakage": own.leakage_nw[name] * 1e-9,
        }
        for name in (SEQUENTIAL, COMBINATIONAL)
    }
    for _, cell, pin, fj in internal_terms(nets, loads, used, tech):
        twice = pin.clock and bool(cell.sequential)
        name = SEQUENTIAL if cell.sequential else COMBINATIONAL
        found[name]["internal"] += fj * (2 if twice else 1) * watts
    return found


def driven_fj(nets: Nets, loads: Loads, used: Activity, tech: Technology) -> dict[str, float]:
    """Switching of nets that gates drive, what hangs on the outputs included, fJ per cycle."""
    volts = tech.library.voltage_v or 0.0
    found = {SEQUENTIAL: 0.0, COMBINATIONAL: 0.0}
    for _, net, register in _drivers(nets, tech):
        fj = loads.total[net] * volts**2 / 2 * used.toggles[net] / used.cycles
        found[SEQUENTIAL if register else COMBINATIONAL] += float(fj)
    return found
