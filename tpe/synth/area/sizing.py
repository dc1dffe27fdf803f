"""Gates of a whole netlist, resized along its longest paths until a clock is met.

A module that is mapped by itself has gates sized for what they drive inside it. A net that leaves
for other modules, and a path through several, were never seen. Here a gate of the longest path
becomes a larger cell of the same function, in every copy of its module, the one first that gains
most for its area; then the longest path is looked for anew (TILOS: Fishburn and Dunlop, ICCAD
1985). No gate is added or taken away, and no logic changes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from tpe.synth.area import nldm
from tpe.synth.area.boundary import CLOCK_SLEW_NS
from tpe.synth.area.cell_arcs import Arcs, arcs_of
from tpe.synth.area.circuit import INSIDE, Block, Circuit, Reader
from tpe.synth.area.packed import Ints, packed
from tpe.synth.area.path import PathStage
from tpe.synth.netlist.netlist import Module, Netlist, read_netlist
from tpe.synth.netlist.nets import ONE, ZERO, Nets
from tpe.technology.library import Cell
from tpe.technology.lookup import Table
from tpe.technology.technology import Technology

Sizes: TypeAlias = Mapping[str, Mapping[str, str]]  # module -> instance -> cell

_AT_ONCE = 3  # gates of a path that are resized before it is timed again, no two beside each other
_PATIENCE = 40  # timings in a row without a shorter period: other paths may be as long
_LEAST_NS = 1e-4  # what is a shorter period
_LEAST_GAIN_NS = 5e-4  # what a gate must gain on its path
_EDGES = {"rise": 0, "fall": 1}


def sizes(tech: Technology, netlist: Netlist, clock_ns: float) -> Sizes:
    """Gates that are to be other cells, so that a clock is met, or the period is the shortest.

    Empty where the clock is met already, and where the netlist has no path. Cells that synthesis
    may not take are not taken. TpeError as `nldm.timings`.
    """
    circuit = Reader(tech).circuit(netlist) if netlist.cells else None
    now = nldm.timed(tech, circuit) if circuit else None
    if circuit is None or now is None or now.period_ns <= clock_ns:
        return {}
    gates = _with_larger(tech, circuit)
    kinds = best = circuit.kinds
    period, waited = now.period_ns, 0
    while period > clock_ns and waited < _PATIENCE:
        moves = _first(_moves(gates, kinds, now.path))
        if not moves:
            break
        kinds = kinds.copy()
        for move in moves:
            kinds[move.gates] = move.kind
        now = nldm.timed(tech, replace(gates.circuit, kinds=kinds))
        assert now is not None
        waited += 1
        if now.period_ns < period - _LEAST_NS:
            best, period, waited = kinds, now.period_ns, 0
    return _changes(gates.circuit, best)


def resized(netlist: Netlist, changes: Sizes) -> Netlist:
    """The netlist with other cells in place of gates: their pins are called the same."""
    modules = {
        name: _resized(module, changes[name]) if name in changes else module
        for name, module in netlist.modules.items()
    }
    return replace(netlist, modules=modules)


def _resized(module: Module, cells: Mapping[str, str]) -> Module:
    """A module's text with other cells, read again."""
    names = "|".join(re.escape(name) for name in cells)
    pattern = re.compile(rf"^  \S+( +({names}) +\(\n)", re.MULTILINE)
    text = pattern.sub(lambda match: f"  {cells[match[2]]}{match[1]}", module.text)
    return read_netlist(text, module.name).modules[module.name]


# ---- what may take a gate's place ----


def families(tech: Technology) -> dict[str, tuple[Cell, ...]]:
    """Of every cell that may be taken all of the same pins and functions, smallest first."""
    found: dict[object, list[Cell]] = {}
    for cell in sorted(tech.cells, key=lambda cell: (cell.area_um2, cell.name)):
        pins = tuple((p.name, p.direction, p.function, p.three_state, p.clock) for p in cell.pins)
        gate = cell.clock_gating, cell.statetable
        found.setdefault((pins, cell.sequential, gate), []).append(cell)
    return {cell.name: tuple(family) for family in found.values() for cell in family}


@dataclass(frozen=True, eq=False)
class _Gates:
    """A circuit whose `arcs` have the larger cells among them, and where its gates stand.

    larger -- of a kind of gate those that may take its place
    """

    circuit: Circuit
    larger: Mapping[int, tuple[int, ...]]

    @cached_property
    def _blocks(self) -> dict[str, Block]:
        return {block.prefix: block for block in self.circuit.blocks}

    @cached_property
    def _copies(self) -> dict[int, list[int]]:
        """The first gates of all blocks of a module."""
        found: dict[int, list[int]] = {}
        for block in self.circuit.blocks:
            found.setdefault(id(block.nets), []).append(block.gate)
        return found

    @cached_property
    def _places(self) -> dict[int, dict[str, int]]:
        """Of a module's gates, by name, which they are."""
        every: dict[int, Nets] = {id(block.nets): block.nets for block in self.circuit.blocks}
        return {
            key: {gate.name.removeprefix("\\"): place for place, gate in enumerate(nets.gates)}
            for key, nets in every.items()
        }

    def copies(self, instance: str) -> Ints:
        """The gate of a hierarchical name, and then its like in every other copy of its module."""
        circuit = self.circuit
        if instance in circuit.outside:
            around = len(circuit.kinds) - len(circuit.outside)
            return np.array([around + circuit.outside.index(instance)], np.int64)
        head, slash, name = instance.rpartition("/")
        block = self._blocks[head + slash]
        place = self._places[id(block.nets)][name]
        others = [first for first in self._copies[id(block.nets)] if first != block.gate]
        return np.array([block.gate, *others], np.int64) + place


def _with_larger(tech: Technology, circuit: Circuit) -> _Gates:
    """The circuit with the arcs of all that may take the place of a gate of it."""
    family = families(tech)
    arcs = list(circuit.arcs)
    known: dict[tuple[str, tuple[tuple[str, int], ...]], int] = {}
    larger: dict[int, tuple[int, ...]] = {}
    for kind, gate in zip(*np.unique(circuit.kinds, return_index=True), strict=True):
        cell, held = circuit.arcs[kind].cell, _held(circuit, int(gate))
        found = []
        for other in family.get(cell.name, ()):
            if other.area_um2 > cell.area_um2:
                key = other.name, tuple(held.items())
                if key not in known:
                    known[key] = len(arcs)
                    arcs.append(arcs_of(other, held))
                found.append(known[key])
        larger |= {number: tuple(found[i + 1 :]) for i, number in enumerate(found)}
        larger[int(kind)] = tuple(found)
    cells, tables = packed(arcs)
    return _Gates(replace(circuit, arcs=tuple(arcs), cells=cells, tables=tables), larger)


def _held(circuit: Circuit, gate: int) -> dict[str, int]:
    """The inputs of a gate that are constant, and what they are."""
    pins = circuit.cell(gate).cell.pins
    nets = {
        pin.name: circuit.net(gate, i) for i, pin in enumerate(pins) if pin.direction == "input"
    }
    return {name: int(net == ONE) for name, net in nets.items() if net in (ZERO, ONE)}


def _changes(circuit: Circuit, kinds: Ints) -> dict[str, dict[str, str]]:
    """Gates of other kinds than in the circuit, by module and instance, and their cells."""
    found: dict[str, dict[str, str]] = {}
    for gate in np.flatnonzero(circuit.kinds != kinds).tolist():
        block = circuit.blocks[bisect_right(circuit.blocks, gate, key=lambda b: b.gate) - 1]
        name = block.nets.gates[gate - block.gate].name
        found.setdefault(block.nets.name, {})[name] = circuit.arcs[kinds[gate]].cell.name
    return found


# ---- which gate gains most for its area ----


@dataclass(frozen=True, eq=False)
class _Move:
    """A gate of a path, in all copies, as another kind; `worth`: ns gained per um2 of all."""

    stage: int
    gates: Ints
    kind: int
    worth: float


def _first(moves: Sequence[_Move]) -> list[_Move]:
    """The moves that are worth most, of stages that do not follow each other."""
    chosen: list[_Move] = []
    for move in sorted(moves, key=lambda move: -move.worth):
        if len(chosen) < _AT_ONCE and all(abs(move.stage - c.stage) > 1 for c in chosen):
            chosen.append(move)
    return chosen


def _moves(gates: _Gates, kinds: Ints, path: Sequence[PathStage]) -> list[_Move]:
    """All that gain something on a path, as far as the neighbours of a gate tell."""
    copies = [gates.copies(stage.instance) for stage in path]
    arcs = [gates.circuit.arcs[kinds[own[0]]] for own in copies]
    found = []
    for place, own in enumerate(copies[:-1]):  # the last stage is a setup time
        if gates.circuit.roles[own[0]] != INSIDE:
            continue
        for other in gates.larger[int(kinds[own[0]])]:
            after = gates.circuit.arcs[other]
            gain = _gain(gates.circuit, path, arcs, place, own, after)
            if gain > _LEAST_GAIN_NS:
                more = after.cell.area_um2 - arcs[place].cell.area_um2
                found.append(_Move(place, own, other, gain / (more * len(own))))
    return found


def _gain(
    circuit: Circuit,
    path: Sequence[PathStage],
    arcs: Sequence[Arcs],
    place: int,
    own: Ints,
    after: Arcs,
) -> float:
    """What a path gains, ns, by another cell: over its driver, the gate, and the one behind."""
    before, slew, lost = arcs[place], CLOCK_SLEW_NS, 0.0
    if place:
        more = _more_load(circuit, path, place, own, before.cell, after.cell)
        was, now = (_stage(arcs[place - 1], path, place - 1, None, ff) for ff in (0.0, more))
        lost, slew = now[0] - was[0], path[place - 1].slew_ns + now[1] - was[1]
    was, now = _stage(before, path, place), _stage(after, path, place, slew)
    gained = was[0] - now[0] - lost
    if path[place + 1].output is not None:
        first, second = (
            _stage(arcs[place + 1], path, place + 1, out)[0] for out in (was[1], now[1])
        )
        gained += first - second
    return gained


def _more_load(
    circuit: Circuit, path: Sequence[PathStage], place: int, own: Ints, before: Cell, after: Cell
) -> float:
    """fF more on the net before a gate: all copies that hang on it weigh more."""
    stage, edge = path[place], _EDGES[path[place - 1].edge]
    pin = next(i for i, p in enumerate(before.pins) if p.name == stage.input)
    net = circuit.net(int(own[0]), pin)
    sinks = sum(circuit.net(int(gate), pin) == net for gate in own)
    old, new = (cell.pin(stage.input) for cell in (before, after))
    weights = [(p.rise_capacitance_ff or 0.0, p.fall_capacitance_ff or 0.0) for p in (old, new)]
    return sinks * (weights[1][edge] - weights[0][edge])


def _stage(
    kind: Arcs,
    path: Sequence[PathStage],
    place: int,
    slew_ns: float | None = None,
    more_ff: float = 0.0,
) -> tuple[float, float]:
    """(delay, slew) of a stage whose gate is of a kind, with a load that is `more_ff` larger.

    slew_ns -- of the edge that comes in; None: as it is on the path
    """
    stage = path[place]
    if slew_ns is None:
        slew_ns = path[place - 1].slew_ns if place else CLOCK_SLEW_NS
    load = (stage.load_ff or 0.0) + more_ff
    found = [
        (delay.at_point(slew_ns, load), slew.at_point(slew_ns, load))
        for delay, slew in _tables(kind, path, place)
    ]
    return max(found, default=(0.0, 0.0))


def _tables(kind: Arcs, path: Sequence[PathStage], place: int) -> Iterator[tuple[Table, Table]]:
    """(delays, slews) of the arcs that the path may take through a stage."""
    stage = path[place]
    numbers = {pin.name: i for i, pin in enumerate(kind.cell.pins)}
    sink, out = numbers[stage.output or ""], _EDGES[stage.edge]
    if place == 0:
        pairs = [(a.delays[out], a.slews[out]) for a in kind.launches if a.sink == sink]
    else:
        edges = 1 << (2 * _EDGES[path[place - 1].edge] + out)
        ends = numbers[stage.input], sink
        arcs = [a for a in kind.delays if (a.source, a.sink) == ends and a.edges & edges]
        pairs = [(a.delays[out], a.slews[out]) for a in arcs]
    yield from ((delay, slew) for delay, slew in pairs if delay is not None and slew is not None)
