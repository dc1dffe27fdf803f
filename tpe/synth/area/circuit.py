"""A netlist between registers as flat arrays: gates, their pins' nets, what is constant.

A module is read once however often it stands in the netlist: its copies are its arrays, moved.
Names are kept by block, and made only for what a person reads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tpe.base.errors import TpeError
from tpe.synth.area.boundary import CLOCK, RESET, edge_flop, edge_name, tied_off
from tpe.synth.area.cell_arcs import Arcs, arcs_of
from tpe.synth.area.packed import Cells, Ints, Tables, packed
from tpe.synth.netlist.netlist import Module, Netlist
from tpe.synth.netlist.nets import ONE, ZERO, Nets, nets_of
from tpe.technology.technology import Technology

OPEN = -3  # a pin that hangs on nothing; ZERO and ONE are the constants
INSIDE, BEFORE, BEHIND = 0, 1, 2  # of a gate: of the netlist, before an input, behind an output


@dataclass(frozen=True, eq=False)
class Block:
    """A module's own gates and nets among all: where they begin, and what precedes their names."""

    gate: int
    net: int
    prefix: str
    nets: Nets


@dataclass(frozen=True, eq=False)
class Flat:
    """A module with all inside it: `cells[g]` is the cell of gate g, `pins` all its pins' nets."""

    count: int  # of nets
    cells: Ints
    pins: Ints  # of every gate as many as its cell has, in the cell's order
    ports: Mapping[str, tuple[str, Ints]]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, eq=False)
class Circuit:
    """A netlist between registers.

    kinds     -- of every gate its kind, a place in `arcs`
    pins      -- nets of all pins, those of gate g from `pin_from[g]` on
    roles     -- INSIDE, BEFORE or BEHIND
    clock     -- the net of the clock
    cells, tables -- `arcs` as the kernels read them
    outside   -- names of the gates that are not INSIDE, which come last
    """

    count: int
    kinds: Ints
    pins: Ints
    pin_from: Ints
    roles: Ints
    clock: int
    arcs: tuple[Arcs, ...]
    cells: Cells
    tables: Tables
    blocks: tuple[Block, ...]
    outside: tuple[str, ...]

    def gate_name(self, gate: int) -> str:
        """The hierarchical name of a gate, `/` between instances."""
        inside = len(self.kinds) - len(self.outside)
        if gate >= inside:
            return self.outside[gate - inside]
        block = self.blocks[bisect_right(self.blocks, gate, key=lambda b: b.gate) - 1]
        return block.prefix + block.nets.gates[gate - block.gate].name.removeprefix("\\")

    def net_name(self, net: int) -> str:
        """The hierarchical name of a net: that of the outermost module that names it."""
        block = self.blocks[bisect_right(self.blocks, net, key=lambda b: b.net) - 1]
        place = net - block.net
        names = block.nets.names
        return block.prefix + names[place] if place < len(names) else "clk"

    def cell(self, gate: int) -> Arcs:
        """The arcs of a gate."""
        return self.arcs[int(self.kinds[gate])]

    def net(self, gate: int, pin: int) -> int:
        """What a pin of a gate hangs on."""
        return int(self.pins[self.pin_from[gate] + pin])


class Reader:
    """Netlists of one technology, each module of them read once."""

    def __init__(self, tech: Technology) -> None:
        self._tech = tech
        self._library = tech.library.by_name
        self._names: list[str] = []  # of the cells met, in the order of their numbers
        self._cells: dict[str, int] = {}
        self._order: dict[str, tuple[str, ...]] = {}
        self._read: dict[int, tuple[Module, Nets]] = {}

    def circuit(self, netlist: Netlist) -> Circuit:
        """A netlist with a flip-flop before every data input and behind every output."""
        flat = self._flat(netlist.modules[netlist.top], netlist.modules, {})
        return self._between(flat)

    def _flat(self, module: Module, modules: Mapping[str, Module], made: dict[str, Flat]) -> Flat:
        """A module with all inside it; what neither netlist nor library has is left out."""
        nets = self._nets(module)
        join = _Join(len(nets.names))
        cells = [np.array([self._cell(gate.cell) for gate in nets.gates], np.int64)]
        pins = [self._pins(nets)]
        blocks = [Block(0, 0, "", nets)]
        for instance in nets.inner:
            if instance.module not in modules:
                continue  # a black box: it drives nothing that is timed
            if instance.module not in made:
                made[instance.module] = self._flat(modules[instance.module], modules, made)
            inner = made[instance.module]
            base = join.count
            moved = join.instance(inner, instance.pins)
            prefix = f"{instance.name.removeprefix(chr(92))}/"
            first = sum(map(len, cells))
            blocks += [
                Block(first + b.gate, base + b.net, prefix + b.prefix, b.nets) for b in inner.blocks
            ]
            cells.append(inner.cells)
            pins.append(moved[inner.pins])
        root = join.roots()
        ports = {
            port: (way, root[np.array(found, np.int64)])
            for port, (way, found) in nets.ports.items()
        }
        return Flat(
            join.count, np.concatenate(cells), root[np.concatenate(pins)], ports, tuple(blocks)
        )

    def _nets(self, module: Module) -> Nets:
        if id(module) not in self._read:  # the module is kept, so that no other has its id
            self._read[id(module)] = module, nets_of(module, self._library)
        return self._read[id(module)][1]

    def _cell(self, name: str) -> int:
        if name not in self._cells:
            self._cells[name] = len(self._names)
            self._names.append(name)
            self._order[name] = tuple(pin.name for pin in self._library[name].pins)
        return self._cells[name]

    def _pins(self, nets: Nets) -> Ints:
        order = self._order
        found = [gate.pins.get(pin, OPEN) for gate in nets.gates for pin in order[gate.cell]]
        return np.array(found, np.int64)

    def _between(self, flat: Flat) -> Circuit:
        """The flip-flops around it, the clock, and the kinds of its gates."""
        clocks = flat.ports.get(CLOCK, ("", np.zeros(0, np.int64)))[1]
        clock = int(clocks[0]) if len(clocks) else flat.count
        flop = edge_flop(self._tech)
        number = self._cell(flop.cell)
        tied = {pin: (ZERO, ONE)[v] for pin, v in tied_off(self._library[flop.cell]).items()}
        outside, pins, roles = [], [], []
        for port, way, bit, net in _bits(flat.ports):
            inward = way == "input"
            at = {**tied, flop.clock: clock, flop.outputs[0] if inward else flop.data: net}
            outside.append(edge_name(port, bit, inward))
            roles.append(BEFORE if inward else BEHIND)
            pins += [at.get(pin, OPEN) for pin in self._order[flop.cell]]
        cells = np.concatenate([flat.cells, np.full(len(outside), number, np.int64)])
        widths = np.array([len(self._order[name]) for name in self._names], np.int64)
        pin_from = np.concatenate([[0], np.cumsum(widths[cells])]).astype(np.int64)
        nets, kinds, arcs = self._kinds(
            np.concatenate([flat.pins, np.array(pins, np.int64)]), pin_from, cells, flat.count
        )
        inside = np.zeros(len(flat.cells), np.int64)
        roles_ = np.concatenate([inside, np.array(roles, np.int64)])
        return Circuit(
            flat.count + 1,
            kinds,
            nets,
            pin_from,
            roles_,
            clock,
            tuple(arcs),
            *packed(arcs),
            flat.blocks,
            tuple(outside),
        )

    def _kinds(
        self, pins: Ints, pin_from: Ints, cells: Ints, count: int
    ) -> tuple[Ints, Ints, list[Arcs]]:
        """(pins, kinds, arcs): a kind is a cell and which of its pins are constant.

        Constants go on through gates until nothing changes.
        """
        known: dict[tuple[int, tuple[tuple[int, int], ...]], int] = {}
        arcs: list[Arcs] = []

        def kind(cell: int, held: tuple[tuple[int, int], ...]) -> int:
            if (cell, held) not in known:
                order = self._order[self._names[cell]]
                values = {order[place]: value for place, value in held}
                known[cell, held] = len(arcs)
                arcs.append(arcs_of(self._library[self._names[cell]], values))
            return known[cell, held]

        plain = np.zeros(len(self._names), np.int64)
        for cell in np.unique(cells):
            plain[cell] = kind(int(cell), ())
        kinds = plain[cells]
        changed = np.flatnonzero(np.isin(kinds, [i for i, a in enumerate(arcs) if a.constant]))
        while True:
            held = np.flatnonzero((pins == ZERO) | (pins == ONE))
            gates = np.unique(np.searchsorted(pin_from, held, side="right") - 1)
            for gate in gates:
                first, last = pin_from[gate], pin_from[gate + 1]
                kinds[gate] = kind(int(cells[gate]), self._held(cells[gate], pins[first:last]))
            constant = self._constant(np.union1d(gates, changed), kinds, arcs, pins, pin_from)
            if not constant:
                return pins, kinds, arcs
            renamed = np.concatenate([np.arange(count + 1), [OPEN, ONE, ZERO]])
            for net, value in constant.items():
                renamed[net] = (ZERO, ONE)[value]
            pins = renamed[pins]

    def _held(self, cell: int, pins: Ints) -> tuple[tuple[int, int], ...]:
        """(place, value) of the inputs of a gate that are constant."""
        inputs = self._library[self._names[cell]].pins
        return tuple(
            (place, int(net == ONE))
            for place, net in enumerate(pins.tolist())
            if net in (ZERO, ONE) and inputs[place].direction == "input"
        )

    @staticmethod
    def _constant(
        gates: NDArray[np.int64], kinds: Ints, arcs: Sequence[Arcs], pins: Ints, pin_from: Ints
    ) -> dict[int, int]:
        """Nets that gates drive with a constant and that are not yet told to be one."""
        found = {}
        for gate in gates.tolist():
            for place, value in arcs[kinds[gate]].constant:
                net = int(pins[pin_from[gate] + place])
                if net >= 0:
                    found[net] = value
        return found


def _bits(ports: Mapping[str, tuple[str, Ints]]) -> Iterator[tuple[str, str, int, int]]:
    """(port, direction, bit, net) of every bit of a data port."""
    for port, (way, nets) in ports.items():
        if port not in (CLOCK, RESET):
            for bit, net in enumerate(nets.tolist()):
                yield port, way, bit, net


class _Join:
    """Nets of a module and of all inside it, and which of them are one."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._root: dict[int, int] = {}

    def instance(self, inner: Flat, pins: Mapping[str, tuple[int, ...]]) -> Ints:
        """The nets of an instance among those here; constants and open pins as they are."""
        moved = np.concatenate([np.arange(inner.count) + self.count, [OPEN, ONE, ZERO]])
        self.count += inner.count
        for port, (_, nets) in inner.ports.items():
            for own, outer in zip(nets.tolist(), pins.get(port, ()), strict=False):
                self._join(int(moved[own]), outer)
        return moved

    def _join(self, one: int, other: int) -> None:
        keep, gone = sorted((self._find(one), self._find(other)))
        if keep != gone:
            if gone < 0:
                raise TpeError("a net of the netlist is 0 and 1 at once")
            self._root[gone] = keep  # a constant, or the outermost module's

    def _find(self, net: int) -> int:
        while net in self._root:
            net = self._root[net]
        return net

    def roots(self) -> Ints:
        """Every net's number among all, and of OPEN, ONE and ZERO, which are read from the end."""
        found = np.concatenate([np.arange(self.count), [OPEN, ONE, ZERO]])
        for net in self._root:
            found[net] = self._find(net)
        return found
