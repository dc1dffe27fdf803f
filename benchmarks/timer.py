"""The timer beside OpenSTA: after reading, and whole calls of fresh processes.

The small netlist is the cell of a MAC as `sklansky/fast` maps it. The large one is a generated
top with many copies of it in a chain, the outputs of one the inputs of the next: a hierarchical
netlist, which both timers flatten.
"""

from __future__ import annotations

import itertools
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.timing import Figure, best, process
from tpe.synth.area import designs, nldm, synthesis, timing
from tpe.synth.area.circuit import Reader
from tpe.synth.area.timing import CLOCK, RESET
from tpe.synth.netlist.mapper import map_parts
from tpe.synth.netlist.netlist import Netlist, NetlistPort, read_netlist
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import Technology, technology

CELLS = (1_000, 100_000)  # about
FASTER = 20
_OURS = """
from pathlib import Path
from tpe.synth.area import timing
from tpe.synth.netlist.netlist import read_netlist
from tpe.technology.technology import technology
text = Path({file!r}).read_text()
print(timing.timings(technology(), [read_netlist(text, {top!r})])[0].period_ns)
"""


@dataclass(frozen=True)
class Spans:
    """Seconds: after reading, and from launch to end."""

    read: float
    whole: float
    period_ns: float


def figures() -> Iterator[Figure]:
    """Both timers on both netlists; nothing if OpenSTA is not there."""
    if timing.opensta() is None:
        return
    tech = technology()
    cell = _cell(tech)
    for cells in CELLS:
        copies = max(1, round(cells / sum(cell.cells.values())))
        netlist = cell if copies == 1 else chain(cell, copies)
        with tempfile.TemporaryDirectory() as folder:
            own, other = ours(tech, netlist, Path(folder)), theirs(tech, netlist, Path(folder))
        assert abs(own.period_ns / other.period_ns - 1) < 2e-3, "the same netlist"
        ratio = other.read / own.read
        name = (
            f"timing {sum(netlist.cells.values()):,} cells after reading, "
            f"{1e3 * own.read:.1f} ms (OpenSTA {1e3 * other.read:.0f} ms); "
            f"whole calls {own.whole:.2f} s ({other.whole:.2f} s)"
        )
        yield Figure(name, f"{ratio:.0f}x", f"> {FASTER}x", ratio > FASTER)


def _cell(tech: Technology) -> Netlist:
    part = designs.pe_parts(synthesis.default_engine("mac"), ())["cell"][0]
    return map_parts([part], tech, find_recipes("sklansky/fast"))[0].mapped[0].netlist


def chain(cell: Netlist, copies: int) -> Netlist:
    """A top with copies of a netlist: each takes its inputs from the outputs of the one before."""
    common = (CLOCK, RESET)
    inputs = [p for p in cell.ports if p.direction == "input" and p.name not in common]
    outputs = [p for p in cell.ports if p.direction == "output"]
    shared = [p.name for p in cell.ports if p.name in common]
    head = [*shared, *(p.name for p in inputs), *(p.name for p in outputs)]
    lines = [f"module chain({', '.join(head)});"]
    lines += [f"  input {name};" for name in shared]
    lines += [f"  {p.direction} [{p.width - 1}:0] {p.name};" for p in (*inputs, *outputs)]
    before = [bit for port in inputs for bit in _bits(port, port.name)]
    for i in range(copies):
        last = i == copies - 1
        names = {p.name: p.name if last else f"n{i}_{p.name}" for p in outputs}
        if not last:
            lines += [f"  wire [{p.width - 1}:0] {names[p.name]};" for p in outputs]
        source = itertools.cycle(before)
        pins = [f".{name}({name})" for name in shared]
        for port in inputs:
            bits = [next(source) for _ in range(port.width)]
            pins.append(f".{port.name}({{ {', '.join(reversed(bits))} }})")
        pins += [f".{port}({net})" for port, net in names.items()]
        body = ",\n".join(f"    {pin}" for pin in pins)
        lines.append(f"  {cell.top} u{i} (\n{body}\n  );")
        before = [bit for port in outputs for bit in _bits(port, names[port.name])]
    return read_netlist("\n".join([*lines, "endmodule", "", cell.text]), "chain")


def _bits(port: NetlistPort, net: str) -> list[str]:
    return [f"{net} [{i}]" for i in range(port.width)]


def ours(tech: Technology, netlist: Netlist, folder: Path) -> Spans:
    """The timer here: `timed` after `circuit`; the whole from launch, kernels in the cache."""
    circuit = Reader(tech).circuit(netlist)
    found = nldm.timed(tech, circuit)
    assert found is not None
    file = folder / "netlist.v"
    file.write_text(netlist.text)
    code = _OURS.format(file=str(file), top=netlist.top)
    whole = process(code, times=3)
    return Spans(best(lambda: nldm.timed(tech, circuit), times=9), whole, found.period_ns)


def theirs(tech: Technology, netlist: Netlist, folder: Path) -> Spans:
    """OpenSTA: from the first constraint to the end of its report."""
    read, linked = tech.opensta()
    script = list(timing.opensta_script(tech, netlist, 0, folder, linked))
    clock = next(i for i, line in enumerate(script) if line.startswith("create_clock"))
    stamp = 'puts "TPE at [clock microseconds]"'
    lines = [*read, *script[:clock], stamp, *script[clock:], stamp]
    spans, wholes, said = [], [], ""
    for _ in range(3):
        start = time.perf_counter()
        said = timing.run_opensta("\n".join(lines), folder)
        wholes.append(time.perf_counter() - start)
        first, last = map(int, re.findall(r"^TPE at (\d+)$", said, re.MULTILINE))
        spans.append((last - first) / 1e6)
    found = timing.timings(tech, [netlist], "sta")[0]
    assert found is not None
    return Spans(min(spans), min(wholes), found.period_ns)
