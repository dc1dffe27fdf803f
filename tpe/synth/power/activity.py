"""How the nets of a mapped netlist switch under a port trace: simulated in Verilator, per net.

The gates behave as their Liberty functions say, without delay: what a net does within a cycle
before it settles, its glitches, is not seen, and `SOURCE` says so wherever the figures go. The
outputs of the netlist are compared with those of the trace in every cycle.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tpe.base.errors import TpeError
from tpe.base.processes import run
from tpe.hdl.emit.templates import template
from tpe.hdl.simulate.build import QUICK, Design, build
from tpe.synth.area.timing import CLOCK
from tpe.synth.netlist.netlist import Netlist
from tpe.synth.netlist.nets import ONE, ZERO, Nets, nets_of
from tpe.synth.power import netlist_sim
from tpe.synth.power.saif import read_saif
from tpe.technology.library import Library

SOURCE = "gate-level simulation, zero delay (no glitches)"
Floats = NDArray[np.float64]
WORDS = 1 << 16  # cycles that a trace may have
RECORDING = ("--trace-saif",)  # Verilator's flag
LEAST_ANNOTATED = 0.95  # share of nets that must have been recorded


@dataclass(frozen=True, eq=False)
class PortTrace:
    """Ports of one instance, cycle by cycle, as hexadecimal words: the first port stands highest.

    `inputs` and `outputs` are (name, bits), the clock left out; cycle i of `ins` is on the inputs
    after clock edge i, of `outs` on the outputs before edge i + 1. Recording starts with `start`.
    `gate`: the input whose 0 keeps the next clock edge away; "": every edge comes.
    """

    instance: str
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]
    ins: tuple[str, ...]
    outs: tuple[str, ...]
    start: int = 1
    gate: str = ""

    @property
    def cycles(self) -> int:
        """Cycles that are recorded."""
        return len(self.ins) - self.start


@dataclass(frozen=True, eq=False)
class Activity:
    """What every net of a module did in `cycles` cycles.

    toggles, duty -- by net, as in `Nets.names`: transitions, and share of time at 1
    annotated     -- which nets were recorded; those that were not have 0 in both
    """

    instance: str
    nets: Nets
    cycles: int
    toggles: Floats
    duty: Floats
    annotated: NDArray[np.bool_]

    @property
    def annotated_fraction(self) -> float:
        """Share of the nets with a gate's pin on them that were recorded."""
        used = self.nets.used
        return float(self.annotated[used].mean()) if used.any() else 1.0

    def by_name(self) -> dict[str, tuple[float, int]]:
        """(share at 1, transitions) by the net's name in the netlist."""
        columns = zip(self.nets.names, self.duty, self.toggles, strict=True)
        return {name: (float(duty), int(count)) for name, duty, count in columns}


def mean(activities: Sequence[Activity]) -> Activity:
    """What an average instance of a module does: mean transitions in mean cycles."""
    first = activities[0]
    cycles = sum(a.cycles for a in activities)
    weights = [a.cycles / cycles for a in activities]
    duty = sum((a.duty * w for a, w in zip(activities, weights, strict=True)), 0 * first.duty)
    toggles = sum((a.toggles for a in activities), 0 * first.toggles)
    annotated = np.logical_and.reduce([a.annotated for a in activities])
    return replace(first, cycles=cycles, toggles=toggles, duty=duty, annotated=annotated)


def check_annotated(fraction: float) -> float:
    """The fraction itself; TpeError under 95 %."""
    if fraction < LEAST_ANNOTATED:
        raise TpeError(
            f"annotated_fraction = {fraction:.3f}: only that share of the nets has an activity; "
            f"legal: {LEAST_ANNOTATED} or more"
        )
    return fraction


def record(
    netlist: Netlist,
    library: Library,
    traces: Sequence[PortTrace],
    around: Mapping[str, str] | None = None,
) -> list[Activity]:
    """The activity of a netlist's top under each trace, in order.

    `around`: sources of modules inside the top that are not gates of the netlist, by name.
    TpeError if a trace is too long, or if the netlist's outputs are not those of a trace.
    """
    nets = nets_of(netlist.modules[netlist.top], library.by_name)
    return record_nets(nets, library, traces, around)


def record_nets(
    nets: Nets,
    library: Library,
    traces: Sequence[PortTrace],
    around: Mapping[str, str] | None = None,
) -> list[Activity]:
    """The same of a module bit by bit."""
    if not nets.gates or not traces:
        return [_nothing(nets, trace) for trace in traces]
    home = build(_bench(nets, library, traces[0], around or {}))
    return [_run(home, nets, trace) for trace in traces]


def _nothing(nets: Nets, trace: PortTrace) -> Activity:
    """A netlist of bare wires: there is nothing to simulate."""
    zeros, none = np.zeros(len(nets.names)), np.zeros(len(nets.names), bool)
    return Activity(trace.instance, nets, trace.cycles, zeros, zeros, none)


# ---- the bench ----


def gate_module(nets: Nets, name: str) -> str:
    """Verilog of a module whose net i is called n{i}: names that no tool changes."""
    lines = ["`default_nettype wire", f"module {name} ("]
    ports = []
    body = [f"  wire n{i};" for i in range(len(nets.names))]
    for port, (way, found) in nets.ports.items():
        ports.append(f"  {way} wire [{len(found) - 1}:0] {port}")
        for bit, net in enumerate(found):
            if way == "input" and net >= 0:
                body.append(f"  assign n{net} = {port}[{bit}];")
            elif way == "output":
                body.append(f"  assign {port}[{bit}] = {_net(net)};")
    lines += [",\n".join(ports), ");", *body]
    for i, gate in enumerate(nets.gates):
        pins = ", ".join(f".{pin}({_net(net)})" for pin, net in gate.pins.items())
        lines.append(f"  {gate.cell} g{i} ({pins});")
    for i, inner in enumerate(nets.inner):
        pins = ", ".join(f".{pin}({_bus(found)})" for pin, found in inner.pins.items())
        lines.append(f"  {inner.module} m{i} ({pins});")
    return "\n".join([*lines, "endmodule", ""])


def _net(net: int) -> str:
    return {ZERO: "1'b0", ONE: "1'b1"}.get(net) or f"n{net}"


def _bus(nets: Sequence[int]) -> str:
    return "{" + ", ".join(map(_net, reversed(nets))) + "}"


def _bench(nets: Nets, library: Library, trace: PortTrace, inner: Mapping[str, str]) -> Design:
    gates = f"{nets.name}_gates"
    cells = netlist_sim.cell_modules(sorted({gate.cell for gate in nets.gates}), library)
    silent = {**inner, **cells}
    modules = {name: untraced(text) for name, text in silent.items()}
    modules[gates] = gate_module(nets, gates)
    modules["tpe_activity"] = template("activity.sv.j2", **_layout(nets, trace), top=gates)
    flags = (*RECORDING, "-Wno-WIDTH", "-Wno-MULTIDRIVEN")
    return Design(modules, "tpe_activity", flags, cocotb=False, compiler=QUICK)


def untraced(text: str) -> str:
    """A module whose nets are not recorded."""
    return f"/* verilator tracing_off */\n{text}\n/* verilator tracing_on */\n"


def _layout(nets: Nets, trace: PortTrace) -> dict[str, Any]:
    """Widths and connections of the bench: fields of a word, the first one highest."""
    signals, bits = {}, {}
    for word, fields in (("in_q", trace.inputs), ("out", trace.outputs)):
        low = bits[word] = sum(width for _, width in fields)
        for name, width in fields:
            low -= width
            signals[name] = f"{word}[{low}+:{width}]"
    gate = signals.get(trace.gate, "1'b1")
    connections = [*([(CLOCK, "gated")] if CLOCK in nets.ports else []), *signals.items()]
    return {
        "gate": gate,
        "in_bits": bits["in_q"],
        "out_bits": bits["out"],
        "words": WORDS,
        "connections": connections,
    }


def _run(home: Path, nets: Nets, trace: PortTrace) -> Activity:
    """One trace through a bench that is built.

    The recorder takes every net to be 0 before it starts, so that it counts one transition too
    many of what is 1 by then: a recording that ends at once is taken off.
    """
    cycles = len(trace.ins)
    if cycles >= WORDS or trace.cycles < 2:
        raise TpeError(f"a trace of {cycles} cycles is not legal: 2 to {WORDS - 1} after reset")
    with tempfile.TemporaryDirectory(prefix="tpe-") as name:
        folder = Path(name)
        (folder / "in.hex").write_text("\n".join([*trace.ins, trace.ins[-1], ""]))
        (folder / "out.hex").write_text("\n".join([*trace.outs, trace.outs[-1], ""]))
        before = _counts(home, folder, nets, trace, trace.start)
        after = _counts(home, folder, nets, trace, cycles - 1)
    low, high, toggles = (y - x for x, y in zip(before[:3], after[:3], strict=True))
    duty = np.divide(high, low + high, out=np.zeros_like(high), where=after[3])
    return Activity(trace.instance, nets, trace.cycles - 1, toggles, duty, after[3])


def _counts(
    home: Path, folder: Path, nets: Nets, trace: PortTrace, last: int
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """(time at 0, time at 1, transitions, whether recorded) of every net until a cycle."""
    command = [str(home / "tpe_activity"), f"+cycles={last}", f"+start={trace.start}"]
    done = run(command, cwd=folder)
    if "WRONG 0\n" not in done.stdout:
        words = [x for x in (done.stdout + done.stderr).splitlines() if not x.startswith("- ")]
        said = words[-1] if words else f"it ended with {done.returncode}"
        raise TpeError(f"the netlist of {nets.name} is not its RTL at {trace.instance}: {said}")
    counts, annotated = np.zeros((3, len(nets.names))), np.zeros(len(nets.names), bool)
    for name, low, high, count in read_saif((folder / "activity.saif").read_text())[1]:
        if name[0] == "n" and name[1:].isdigit():
            counts[:, int(name[1:])] = low, high, count
            annotated[int(name[1:])] = True
    return counts[0], counts[1], counts[2], annotated
