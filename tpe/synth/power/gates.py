"""What a transition costs in a netlist: loads, slews and the library's energies, net by net.

Slews are those of a timing analysis: the slower of a gate's arcs, from the inputs onwards. A table
is read at the slew of the related pin and the load of the output. An energy or a leakage under
`when` counts by the probability of that state, the pins of a cell being taken as independent of
one another. A transition of an output is shared among the inputs that may have caused it, by how
often each switches while the others let it through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tpe.synth.area.timing import CLOCK, CLOCK_SLEW_NS, edge_flop
from tpe.synth.netlist.nets import ONE, Gate, Nets
from tpe.technology import function
from tpe.technology.library import Cell, InternalEnergy, Pin
from tpe.technology.technology import Technology

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Loads:
    """Of every net: what its sinks weigh, its wire, what hangs on it in all (fF); its slew (ns).

    slew -- the mean of rise and fall; sinks and wires are what this module's own pins account
            for, so that those of parts add up; `total` has what hangs on an output beside them
    """

    sinks: Floats
    wires: Floats
    total: Floats
    slew: Floats
    fanout: NDArray[np.int64]


def mean_ff(pin: Pin) -> float:
    """What a pin weighs, fF: the library's mean of a rise and a fall."""
    return pin.capacitance_ff or 0.0


def loads_of(nets: Nets, tech: Technology, weigh: Callable[[Pin], float] = mean_ff) -> Loads:
    """Loads and slews of a module between registers.

    On every output hangs the data pin of the smallest flip-flop; `weigh` says what a pin weighs.
    """
    count = len(nets.names)
    sinks, fanout = np.zeros(count), np.zeros(count, np.int64)
    for gate in nets.gates:
        cell = tech.library.cell(gate.cell)
        for pin, net in gate.pins.items():
            found = _pins(cell).get(pin)
            if net >= 0 and found is not None and found.direction == "input":
                sinks[net] += weigh(found)
                fanout[net] += 1
    wires = np.zeros(count)
    if tech.wire_load is not None:
        model = tech.library.wire_load(tech.wire_load)
        wires = np.array([model.load_ff(int(n)) for n in fanout])
    flop = edge_flop(tech)
    outside = _pins(tech.library.cell(flop.cell))[flop.data]
    total = sinks + wires
    total[list(nets.port_nets("output"))] += weigh(outside)
    return Loads(sinks, wires, total, _slews(nets, tech, total), fanout)


@cache
def _pins(cell: Cell) -> Mapping[str, Pin]:
    return {pin.name: pin for pin in cell.pins}


def _slews(nets: Nets, tech: Technology, load: Floats) -> Floats:
    """The slew of every net, gate by gate behind the inputs and the flip-flops."""
    edges = np.full((2, len(nets.names)), tech.fo4[1])  # rise, fall
    if CLOCK in nets.ports:
        edges[:, [n for n in nets.ports[CLOCK][1] if n >= 0]] = CLOCK_SLEW_NS
    for gate in in_order(nets, tech):
        cell = tech.library.cell(gate.cell)
        for pin in cell.outputs:
            net = gate.pins.get(pin.name, -1)
            if net >= 0 and pin.arcs:
                edges[:, net] = _output_slew(pin, gate, edges, float(load[net]))
    mean: Floats = edges.mean(axis=0)
    return mean


def _output_slew(pin: Pin, gate: Gate, edges: Floats, load: float) -> tuple[float, float]:
    """(rise, fall) of an output: the slowest of its arcs."""
    found: tuple[list[float], list[float]] = ([], [])
    for arc in pin.arcs:
        source = gate.pins.get(arc.related_pin, -1)
        if source < 0:
            continue
        rise, fall = edges[:, source]
        if arc.type in ("rising_edge", "falling_edge"):
            causes = (rise, rise) if arc.type == "rising_edge" else (fall, fall)
        elif arc.sense == "positive_unate":
            causes = (rise, fall)
        elif arc.sense == "negative_unate":
            causes = (fall, rise)
        else:
            causes = (max(rise, fall), max(rise, fall))
        for tables, table, slew in zip(
            found, (arc.rise_transition, arc.fall_transition), causes, strict=True
        ):
            if table is not None:
                tables.append(float(table.at(slew, load)))
    return max(found[0], default=0.0), max(found[1], default=0.0)


def in_order(nets: Nets, tech: Technology) -> list[Gate]:
    """Flip-flops, then every gate behind those that drive it."""
    driver: dict[int, int] = {}
    logic = []
    ordered = []
    for i, gate in enumerate(nets.gates):
        cell = tech.library.cell(gate.cell)
        if cell.sequential:
            ordered.append(gate)
            continue
        logic.append(i)
        for pin in cell.outputs:
            if pin.name in gate.pins:
                driver[gate.pins[pin.name]] = i
    before = {
        i: {driver[n] for n in nets.gates[i].pins.values() if n in driver} - {i} for i in logic
    }
    behind: dict[int, list[int]] = {i: [] for i in logic}
    for i, sources in before.items():
        for source in sources:
            behind[source].append(i)
    ready = [i for i in logic if not before[i]]
    while ready:
        i = ready.pop()
        ordered.append(nets.gates[i])
        for later in behind[i]:
            before[later].discard(i)
            if not before[later]:
                ready.append(later)
    return ordered


# ---- the energies of one gate ----


@cache
def _rows(text: str, pins: tuple[str, ...]) -> NDArray[np.bool_]:
    """A function's value in every state of the pins: bit k of a row's number is pin k."""
    table = function.truth_table(text, pins)
    return np.array([bool(table >> i & 1) for i in range(2 ** len(pins))])


def probability(text: str, duty: Mapping[str, float]) -> float:
    """How often a function of pins is true, the pins being independent of one another.

    >>> probability("A & !B", {"A": 0.5, "B": 0.2})
    0.4
    """
    pins = function.pins(text)
    return float(_weights(pins, duty)[_rows(text, pins)].sum())


def sensitised(text: str, pin: str, duty: Mapping[str, float]) -> float:
    """How often a transition of a pin changes a function.

    >>> sensitised("A & B", "A", {"A": 0.5, "B": 0.25})
    0.25
    """
    if pin not in function.pins(text):
        return 0.0
    rows = function.pins(text)
    table, k = _rows(text, rows), rows.index(pin)
    flips = table != table[np.arange(len(table)) ^ (1 << k)]
    if flips.all():
        return 1.0
    return float(_weights(rows, duty)[flips].sum())


def _weights(pins: Sequence[str], duty: Mapping[str, float]) -> Floats:
    """The probability of every state of the pins: bit k of a state's number is pin k."""
    weight = np.ones(1)
    for pin in pins:
        high = duty.get(pin, 0.5)
        weight = np.concatenate([weight * (1 - high), weight * high])
    return weight


def leakage_nw(cell: Cell, duty: Mapping[str, float]) -> float | None:
    """Leakage, nW: that of every state by its probability, the library's average for the rest."""
    stated = [leak for leak in cell.leakages if leak.when is not None]
    if not stated:
        return cell.leakage_nw
    total = covered = 0.0
    for leak in stated:
        assert leak.when is not None
        share = probability(leak.when, duty)
        total, covered = total + share * leak.power_nw, covered + share
    rest = max(0.0, 1.0 - covered)
    return total + rest * (cell.leakage_nw or 0.0) if rest > 1e-9 else total


def pin_energy_fj(
    cell: Cell, pin: Pin, slews: Mapping[str, float], load: float, state: GateState
) -> float:
    """Internal energy, fJ, of one transition of a pin, mean of rise and fall, over its causes.

    slews -- ns by pin; `load` fF on the pin, if it is an output; `state` how its pins behave
    """
    supplies: dict[str | None, list[InternalEnergy]] = {}
    for energy in pin.energies:
        supplies.setdefault(energy.pg_pin, []).append(energy)
    return sum(_mean(cell, pin, group, slews, load, state) for group in supplies.values())


@dataclass(frozen=True)
class GateState:
    """How the pins of a gate behave: share of time at 1, transitions."""

    duty: Mapping[str, float]
    toggles: Mapping[str, float]


def _mean(
    cell: Cell,
    pin: Pin,
    energies: Sequence[InternalEnergy],
    slews: Mapping[str, float],
    load: float,
    state: GateState,
) -> float:
    """The mean of what energies say of one pin, each by its weight."""
    causes = _causes(cell, pin, energies, state)
    total = weight = 0.0
    for energy in energies:
        share = causes[energy.related_pin]
        if energy.when is not None:
            share *= probability(energy.when, state.duty)
        slew = slews.get(energy.related_pin or pin.name, 0.0)
        total += share * _edge_mean(energy, slew, load)
        weight += share
    # What a `when` leaves uncovered on an input costs nothing; on an output something caused it.
    if pin.direction == "input" and any(energy.when for energy in energies):
        return total
    return total / weight if weight > 0 else 0.0


def _causes(
    cell: Cell, pin: Pin, energies: Sequence[InternalEnergy], state: GateState
) -> dict[str | None, float]:
    """How much of a pin's transitions each related pin may have caused; equal if none did."""
    related = list(dict.fromkeys(energy.related_pin for energy in energies))
    if len(related) == 1 or cell.sequential or pin.function is None:
        return dict.fromkeys(related, 1.0)
    found = {
        name: state.toggles.get(name or "", 0.0) * sensitised(pin.function, name or "", state.duty)
        for name in related
    }
    return found if sum(found.values()) > 0 else dict.fromkeys(related, 1.0)


def _edge_mean(energy: InternalEnergy, slew: float, load: float) -> float:
    """The mean of a rise and a fall: one edge alone may hold part of the load's own energy."""
    edges = [t for t in (energy.rise, energy.fall) if t is not None]
    if not edges:
        return 0.0
    return sum(float(table.at(slew, load)) for table in edges) / 2


def gate_state(gate: Gate, toggles: Floats, duty: Floats) -> GateState:
    """The pins of a gate, from its nets; a constant net never switches."""
    at = {p: (float(duty[n]) if n >= 0 else float(n == ONE)) for p, n in gate.pins.items()}
    count = {p: (float(toggles[n]) if n >= 0 else 0.0) for p, n in gate.pins.items()}
    return GateState(at, count)
