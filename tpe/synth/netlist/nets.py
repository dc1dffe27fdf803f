"""A module of a netlist bit by bit: gates and the nets between them, as numbers.

Aliases are resolved, so that every net is one number; its name is the first that the text gives
it. Constants are the two nets below zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tpe.base.errors import TpeError
from tpe.synth.netlist.netlist import Module

ZERO, ONE = -1, -2  # nets that are constant
_WIRE = re.compile(
    r"^ +(?:wire|input|output) (?:\[(\d+):(\d+)\] )?(\\\S+|[A-Za-z_$][\w$]*) ?;", re.MULTILINE
)
_CONSTANT = re.compile(r"(\d+)'([bhd])([0-9a-fxz]+)$")
_SLICE = re.compile(r"^(\\\S+|[A-Za-z_$][\w$]*)\s*(?:\[(\d+)(?::(\d+))?\])?$")
_PIECES = re.compile(r"\\\S+(?:\s+\[[\d:]+\])?|[^,\s][^,]*")


@dataclass(frozen=True)
class Gate:
    """An instance of a library cell: the net of every connected pin."""

    cell: str
    name: str
    pins: Mapping[str, int]


@dataclass(frozen=True)
class Inner:
    """An instance of a module: the nets of every connected port, the lowest bit first."""

    module: str
    name: str
    pins: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Nets:
    """A module: `names[i]` is net i; `ports` are (direction, nets, the lowest bit first)."""

    name: str
    names: tuple[str, ...]
    gates: tuple[Gate, ...]
    inner: tuple[Inner, ...]
    ports: Mapping[str, tuple[str, tuple[int, ...]]]

    def port_nets(self, direction: str) -> tuple[int, ...]:
        """Nets of all ports of a direction, each once, constants left out."""
        nets = (n for way, found in self.ports.values() if way == direction for n in found)
        return tuple(dict.fromkeys(n for n in nets if n >= 0))

    @cached_property
    def used(self) -> NDArray[np.bool_]:
        """Which nets hang on a pin of a gate."""
        flags = np.zeros(len(self.names), bool)
        flags[[n for gate in self.gates for n in gate.pins.values() if n >= 0]] = True
        return flags


def nets_of(module: Module, cells: Iterable[str]) -> Nets:
    """The module bit by bit; instances of `cells` are gates, all others modules.

    TpeError for a connection that is none.
    """
    known = set(cells)
    widths = {
        match[3]: (int(match[1] or 0), int(match[2] or 0), match[1] is not None)
        for match in _WIRE.finditer(module.text)
    }
    reader = _NetReader(widths)
    for left, right in module.aliases:
        reader.join(left, right)
    gates, inner = [], []
    for instance in module.instances:
        pins = {pin: reader.bits(net) for pin, net in instance.pins.items() if net}
        if instance.cell in known:
            single = {pin: nets[0] for pin, nets in pins.items()}
            gates.append(Gate(instance.cell, instance.name.strip(), single))
        else:
            inner.append(Inner(instance.cell, instance.name.strip(), pins))
    ports = {p.name: (p.direction, reader.bits(p.name)) for p in module.ports}
    return reader.numbered(module.name, gates, inner, ports)


class _NetReader:
    """Bits by name, and which of them are one net."""

    def __init__(self, widths: Mapping[str, tuple[int, int, bool]]) -> None:
        self.widths = widths
        self.number: dict[tuple[str, int], int] = {}
        self.names: list[str] = []
        self.root: list[int] = []
        self.read: dict[str, tuple[int, ...]] = {}

    def bits(self, text: str) -> tuple[int, ...]:
        """The bits of a connection, lowest first; a text is read once."""
        if text not in self.read:
            self.read[text] = tuple(self._bits(text))
        return self.read[text]

    def _bits(self, text: str) -> Iterator[int]:
        inside = text.strip()
        if inside.startswith("{"):
            pieces = [piece.strip() for piece in _PIECES.findall(inside.strip("{}").strip())]
            for piece in reversed(pieces):
                yield from self.bits(piece)
            return
        constant = _CONSTANT.match(inside)
        if constant:
            base = {"b": 2, "h": 16, "d": 10}[constant[2]]
            value = int(re.sub("[xz]", "0", constant[3]), base)
            for i in range(int(constant[1])):
                yield ONE if value >> i & 1 else ZERO
            return
        found = _SLICE.match(inside)
        if found is None or found[1] not in self.widths:
            raise TpeError(f"{text!r} is no net of the netlist")
        high, low, vector = self.widths[found[1]]
        if found[2] is not None:
            high, low = int(found[2]), int(found[3] or found[2])
        for i in range(low, high + 1):
            yield self._net(found[1], i, vector)

    def _net(self, name: str, index: int, vector: bool) -> int:
        key = (name, index)
        if key not in self.number:
            self.number[key] = len(self.names)
            self.root.append(len(self.names))
            self.names.append(f"{name}[{index}]" if vector else name)
        return self.number[key]

    def join(self, left: str, right: str) -> None:
        """An alias: the bits of both sides are the same nets."""
        for x, y in zip(self.bits(left), self.bits(right), strict=True):
            keep, gone = sorted((self._find(x), self._find(y)))
            if gone >= 0 and keep != gone:
                self.root[gone] = keep  # a constant, or the name that the text gives first

    def _find(self, net: int) -> int:
        while net >= 0 and self.root[net] != net:
            net = self.root[net]
        return net

    def numbered(
        self,
        name: str,
        gates: list[Gate],
        inner: list[Inner],
        ports: dict[str, tuple[str, tuple[int, ...]]],
    ) -> Nets:
        """Nets numbered anew, without gaps, in the order of their names in the text."""
        roots = [n for n in range(len(self.names)) if self._find(n) == n]
        fresh = {old: new for new, old in enumerate(roots)} | {ZERO: ZERO, ONE: ONE}
        final = {n: fresh[self._find(n)] for n in (*range(len(self.names)), ZERO, ONE)}
        at = final.__getitem__

        return Nets(
            name,
            tuple(self.names[n].removeprefix("\\") for n in roots),
            tuple(Gate(g.cell, g.name, {p: at(n) for p, n in g.pins.items()}) for g in gates),
            tuple(
                Inner(i.module, i.name, {p: tuple(map(at, ns)) for p, ns in i.pins.items()})
                for i in inner
            ),
            {p: (way, tuple(map(at, ns))) for p, (way, ns) in ports.items()},
        )


def flattened(top: Nets, inner: Mapping[str, Nets]) -> Nets:
    """The top with all modules inside it, by name in `inner`, in their places.

    A gate's name is that of its instances and its own, with `/` between them.
    """
    names, root = list(top.names), list(range(len(top.names)))
    gates = list(top.gates)

    def find(net: int) -> int:
        while net >= 0 and root[net] != net:
            net = root[net]
        return net

    for instance in top.inner:
        module = flattened(inner[instance.module], inner)
        here: dict[int, int] = {ZERO: ZERO, ONE: ONE}
        for port, (_, nets) in module.ports.items():
            for own, outer in zip(nets, instance.pins.get(port, ()), strict=False):
                keep, gone = sorted((find(here.get(own, outer)), find(outer)))
                here[own] = keep
                if gone >= 0 and keep != gone:
                    root[gone] = keep
        for own, name in enumerate(module.names):
            if own not in here:
                here[own] = len(names)
                root.append(len(names))
                names.append(f"{instance.name.removeprefix(chr(92))}/{name}")
        for gate in module.gates:
            pins = {pin: here[net] for pin, net in gate.pins.items()}
            gates.append(Gate(gate.cell, f"{instance.name}/{gate.name}", pins))
    resolved = tuple(Gate(g.cell, g.name, {p: find(n) for p, n in g.pins.items()}) for g in gates)
    ports = {p: (way, tuple(map(find, nets))) for p, (way, nets) in top.ports.items()}
    return Nets(top.name, tuple(names), resolved, (), ports)
