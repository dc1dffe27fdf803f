"""Buffer trees on nets that leave for many modules: what mapping module by module cannot see.

ABC sizes and buffers inside a module and takes what hangs on its outputs for one small load. A net
that an array broadcasts to its cells gets its buffers here, in the module that drives it: sinks in
groups of `MOST`, the groups' buffers in groups again. Clock and reset are left alone: their trees
belong to layout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tpe.synth.area.timing import CLOCK, RESET
from tpe.synth.netlist.netlist import Instance, Module, read_netlist
from tpe.technology.technology import Technology

MOST = 8  # sinks of a net, module pins or buffers, before it gets buffers
_PIECE = re.compile(r"^(.*?)\s*(?:\[(\d+)(?::(\d+))?\])?$")


@dataclass
class _Tree:
    """New cells and nets of a module."""

    cell: str
    source: str
    sink: str
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def split(self, net: str, sinks: int) -> list[str]:
        """The net for each of `sinks` sinks: itself, or buffers' outputs."""
        if sinks <= MOST:
            return [net] * sinks
        groups = -(-sinks // MOST)
        heads = self.split(net, groups)
        nets = [self._buffer(head) for head in heads]
        return [nets[i // MOST] for i in range(sinks)]

    def _buffer(self, net: str) -> str:
        name = f"tpe_fan_{self.count}"
        self.count += 1
        self.lines += [f"  wire {name};", f"  {self.cell} u_{name} ("]
        self.lines += [f"    .{self.source}({net}),", f"    .{self.sink}({name})", "  );"]
        return name


def buffered(module: Module, inner: Mapping[str, Module], tech: Technology) -> Module:
    """The module with buffers on nets that more than `MOST` pins of modules inside it hang on.

    `inner` are the modules that it instantiates, by name. Without a buffer in the library it is
    given back as it is.
    """
    if not tech.buffers:
        return module
    name = buffer_cell(tech)
    cell = tech.library.cell(name)
    sinks: dict[str, list[tuple[int, str, int]]] = {}
    pieces: dict[tuple[int, str], list[str]] = {}
    for number, instance in enumerate(module.instances):
        if instance.cell not in inner:
            continue
        for pin, bits in _inputs(instance, inner[instance.cell], module):
            pieces[number, pin] = bits
            for place, bit in enumerate(bits):
                sinks.setdefault(bit, []).append((number, pin, place))
    tree = _Tree(name, cell.inputs[0].name, cell.outputs[0].name)
    for bit, where in sinks.items():
        if len(where) <= MOST or "'" in bit:
            continue
        for (number, pin, place), net in zip(where, tree.split(bit, len(where)), strict=True):
            pieces[number, pin][place] = net
    return _rewritten(module, pieces, tree) if tree.count else module


def buffer_cell(tech: Technology) -> str:
    """The buffer that drives `MOST` of itself fastest, by the library's tables."""
    slew = tech.fo4[1]

    def delay(name: str) -> float:
        cell = tech.library.cell(name)
        load = MOST * (cell.inputs[0].capacitance_ff or 0.0)
        found = [
            float(table.at(slew, load))
            for arc in cell.outputs[0].arcs
            for table in (arc.cell_rise, arc.cell_fall)
            if table is not None
        ]
        return max(found, default=float("inf"))

    return min(tech.buffers, key=delay)


def _inputs(instance: Instance, inner: Module, module: Module) -> Iterator[tuple[str, list[str]]]:
    """(pin, its nets bit by bit, highest first) of the data inputs that are connected."""
    widths = {port.name: port.width for port in module.ports}
    for port in inner.ports:
        net = instance.pins.get(port.name, "")
        if port.direction == "input" and port.name not in (CLOCK, RESET) and net:
            bits = list(_bits(net, widths))
            if len(bits) == port.width:  # a constant of several bits stays as it is
                yield port.name, bits


def _bits(text: str, widths: Mapping[str, int]) -> Iterator[str]:
    """Single-bit nets of a connection, highest first; a net of several bits is a port's."""
    for piece in text.strip().strip("{}").split(","):
        match = _PIECE.match(piece.strip())
        assert match is not None
        name, high, low = match.groups()
        if high is None and widths.get(name, 1) == 1:
            yield name
        elif high is not None and low is None:
            yield f"{name} [{high}]"
        else:
            top = widths[name] - 1 if high is None else int(high)
            for bit in range(top, (0 if low is None else int(low)) - 1, -1):
                yield f"{name} [{bit}]"


def _rewritten(module: Module, pieces: Mapping[tuple[int, str], list[str]], tree: _Tree) -> Module:
    """The module's text with the pins as in `pieces` and the tree's cells, read again."""
    fresh: dict[str, str] = {}
    changed: dict[int, dict[str, list[str]]] = {}
    for (number, pin), bits in pieces.items():
        changed.setdefault(number, {})[pin] = bits
    for number, pins in changed.items():
        instance = module.instances[number]
        nets = dict(instance.pins)
        for pin, bits in pins.items():
            nets[pin] = f"{{ {', '.join(bits)} }}" if len(bits) > 1 else bits[0]
        body = ",\n".join(f"    .{pin}({net})" for pin, net in nets.items())
        fresh[instance.name] = f"  {instance.cell} {instance.name} (\n{body}\n  );"
    cells = "|".join(sorted({re.escape(module.instances[n].cell) for n in changed}))
    pattern = re.compile(rf"^  (?:{cells}) +(\S+) +\(\n.*?^  \);", re.MULTILINE | re.DOTALL)
    text = pattern.sub(lambda match: fresh.get(match[1], match[0]), module.text)
    end = text.rindex("endmodule")
    text = text[:end] + "\n".join(tree.lines) + "\n" + text[end:]
    return read_netlist(text, module.name).modules[module.name]
