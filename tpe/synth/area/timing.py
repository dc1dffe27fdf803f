"""Timing of mapped netlists: by the table-lookup timer here, or by OpenSTA if it is asked for.

A netlist is timed between registers: a flip-flop of the library, the smallest plain one, stands
before every input and behind every output, except the clock and the reset. So every path is from a
clock edge to a setup time, with the load and slew that such a neighbour brings: that is what an
array puts around a cell. The clock is ideal. Wires cost what the technology's wire load says.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from tpe.base.cache import code_of
from tpe.base.errors import TpeError
from tpe.base.processes import run
from tpe.synth.area import nldm
from tpe.synth.area.boundary import (
    ASSUMPTIONS,
    CLOCK,
    CLOCK_SLEW_NS,
    RESET,
    edge_flop,
    edge_name,
    tied_off,
)
from tpe.synth.area.path import KINDS, Timing, timing_of
from tpe.synth.netlist.netlist import Netlist, NetlistPort
from tpe.technology.roles import FlipFlop
from tpe.technology.technology import Technology

__all__ = [
    "ASSUMPTIONS",
    "CLOCK",
    "CLOCK_SLEW_NS",
    "KINDS",
    "RESET",
    "TIMERS",
    "Timing",
    "edge_flop",
    "timing_of",
    "timings",
]

TIMERS = ("own", "sta")  # the first is the default
# Slack may be below 0; OpenSTA computes in 24 bits, so that a longer period costs digits of it.
_PERIOD_NS = 16.0
_GROUP = re.compile(r"^Path Group: (\w+)(.*?)(-?[\d.]+) +slack", re.MULTILINE | re.DOTALL)
_EDGE = re.compile(r"^ *[\d.]+ +[\d.]+ +clock clk \((rise|fall) edge\)", re.MULTILINE)


@cache
def opensta() -> str | None:
    """Where OpenSTA is, None if `sta` is not on PATH."""
    return shutil.which("sta")


def tool_name(timer: str | None = None) -> str:
    """What `timings` measures with, in words."""
    return _opensta_name() if timer == "sta" else nldm.NAME


@cache
def _opensta_name() -> str:
    done = run([opensta() or "sta", "-version"])
    return f"OpenSTA {done.stdout.strip() or 'of unknown version'}"


def timer_key(tech: Technology, timer: str | None = None) -> list[str | None]:
    """What a timing depends on beside the netlist and its library: for keys of what is kept."""
    tool = tool_name(timer) if timer == "sta" else code_of(nldm.__name__)
    return [tool, tech.wire_load, ASSUMPTIONS]


def timings(
    tech: Technology, netlists: Sequence[Netlist], timer: str | None = None
) -> list[Timing | None]:
    """The timing of netlists, in order; None for one without a path, such as bare wires.

    `timer`: one of `TIMERS`, None the first. Raises TpeError if it is none, if OpenSTA is asked
    for and is not there or fails, and for what `nldm.timings` refuses.
    """
    check_timer(timer)
    if timer == "sta":
        return from_opensta(tech, netlists)
    return nldm.timings(tech, netlists)


def check_timer(timer: str | None) -> None:
    """TpeError unless it is None or one of `TIMERS`, and there."""
    if timer is not None and timer not in TIMERS:
        raise TpeError(f"timer = {timer!r} is not legal: {' or '.join(TIMERS)}")
    if timer == "sta" and opensta() is None:
        raise TpeError("sta is not on PATH; on Debian: apt install opensta; or --timer own")


# ---- OpenSTA ----


def from_opensta(tech: Technology, netlists: Sequence[Netlist]) -> list[Timing | None]:
    """Timing of several netlists in one run of OpenSTA."""
    timed = [n for n in netlists if n.cells]
    if not timed:
        return [None for _ in netlists]
    with tempfile.TemporaryDirectory(prefix="tpe-sta-") as name:
        folder = Path(name)
        read, linked = tech.opensta()
        lines = [*read]
        for number, netlist in enumerate(timed):
            lines += opensta_script(tech, netlist, number, folder, linked)
        said = run_opensta("\n".join(lines), folder)
    found = iter(_read(tech, said, len(timed)))
    return [next(found) if n.cells else None for n in netlists]


def opensta_script(
    tech: Technology, netlist: Netlist, number: int, folder: Path, linked: Sequence[str]
) -> Iterator[str]:
    """Tcl that links one netlist between registers and reports the worst path of each kind."""
    flop = edge_flop(tech)
    file = folder / f"{number}.v"
    tied = tied_off(tech.library.cell(flop.cell))
    file.write_text(wrapper(netlist, flop, tied) + netlist.text)
    unit = tech.library.units.time_ns
    yield f"read_verilog {{{file}}}"
    yield "link_design tpe_between_registers"
    yield from linked
    yield f"create_clock -name clk -period {_PERIOD_NS / unit:g} [get_ports clk]"
    slew = CLOCK_SLEW_NS / unit
    yield f"set_clock_transition {slew:g} [get_clocks clk]"
    before = any(port.direction == "input" and _data(port) for port in netlist.ports)
    behind = any(port.direction == "output" for port in netlist.ports)
    starts, ends = f"[get_pins tpe_in_*/{flop.clock}]", f"[get_pins tpe_out_*/{flop.data}]"
    if before:
        yield f"group_path -name in_to_reg -from {starts}"
    if behind:
        yield f"group_path -name reg_to_out -to {ends}"
    if before and behind:
        yield f"group_path -name in_to_out -from {starts} -to {ends}"
    yield f'puts "TPE netlist {number}"'
    yield "report_checks -path_delay max -format full -digits 6"


def _data(port: NetlistPort) -> bool:
    return port.name not in (CLOCK, RESET)


def wrapper(netlist: Netlist, flop: FlipFlop, tied: Mapping[str, int]) -> str:
    """Verilog of `tpe_between_registers`: the netlist with a flip-flop at every data pin.

    `tied` are the flip-flop's pins that hang on a constant.
    """
    names = {CLOCK: "clk", RESET: "rst"}
    ports = ["clk"] + ["rst" for port in netlist.ports if port.name == RESET]
    declared = [f"  input {name};" for name in ports]
    body: list[str] = []
    for port in netlist.ports:
        if not _data(port):
            continue
        inward = port.direction == "input"
        outer, kind = (f"d_{port.name}", "input") if inward else (f"q_{port.name}", "output")
        span = f"[{port.width - 1}:0] "
        ports.append(outer)
        declared += [f"  {kind} {span}{outer};", f"  wire {span}n_{port.name};"]
        names[port.name] = f"n_{port.name}"
        for bit in range(port.width):
            inside, outside = f"n_{port.name}[{bit}]", f"{outer}[{bit}]"
            data, out = (outside, inside) if inward else (inside, outside)
            pins = [f".{flop.clock}(clk)", f".{flop.data}({data})", f".{flop.outputs[0]}({out})"]
            pins += [f".{pin}(1'b{level})" for pin, level in tied.items()]
            body.append(f"  {flop.cell} {edge_name(port.name, bit, inward)} ({', '.join(pins)});")
    connected = ", ".join(f".{port.name}({names[port.name]})" for port in netlist.ports)
    body.append(f"  {netlist.top} u_dut ({connected});")
    head = f"module tpe_between_registers ({', '.join(ports)});"
    return "\n".join([head, *declared, *body, "endmodule", ""])


def run_opensta(script: str, folder: Path) -> str:
    """What OpenSTA says to a script; TpeError with its first complaint."""
    file = folder / "run.tcl"
    file.write_text(script + "\nexit\n")
    done = run(
        [opensta() or "sta", "-no_splash", "-exit", str(file)],
    )
    said = done.stdout + done.stderr
    errors = [x for x in said.splitlines() if x.startswith("Error")]
    if done.returncode or errors:
        reason = errors[0] if errors else f"it ended with {done.returncode}"
        raise TpeError(f"OpenSTA failed: {reason[:300]}")
    return said


def _read(tech: Technology, said: str, count: int) -> list[Timing | None]:
    parts = re.split(r"^TPE netlist \d+$", said, flags=re.MULTILINE)[1:]
    assert len(parts) == count, "one report for each netlist"
    return [_timing(tech, part) for part in parts]


def _timing(tech: Technology, report: str) -> Timing | None:
    unit = tech.library.units.time_ns
    periods = {}
    for group, path, slack in _GROUP.findall(report):
        # Where a path of a whole period has less slack, it takes the longer period too.
        if len(set(_EDGE.findall(path))) > 1:
            raise TpeError(
                "the longest path lies between opposite edges of the clock: not timed with "
                "--timer sta; legal: --timer own"
            )
        periods["reg_to_reg" if group == "clk" else group] = _PERIOD_NS - float(slack) * unit
    periods = {kind: periods[kind] for kind in KINDS if kind in periods}
    return Timing(max(periods.values()), periods, tool_name("sta")) if periods else None


# ---- the unit of delay ----
