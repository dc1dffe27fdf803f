"""The timer: delays and slews of every gate from the library's tables (NLDM), edge by edge.

Every net has the latest arrival and the worst slew of a rise and of a fall, over every arc of every
cell; a gate's load is what its sinks' pins weigh for that edge, and the wire load if there is one.
A path begins with a flip-flop's clock-to-output and ends with a setup time, both from the tables.
The figures are those of OpenSTA, which does the same; see docs/decisions/0010-timer.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tpe.base.errors import TpeError
from tpe.synth.area import kernels
from tpe.synth.area.boundary import CLOCK_SLEW_NS
from tpe.synth.area.circuit import Circuit, Reader
from tpe.synth.area.packed import Floats, Ints
from tpe.synth.area.path import KINDS, PathStage, Timing
from tpe.synth.netlist.netlist import Netlist
from tpe.technology.technology import Technology

NAME = "tpe's timer over the library's tables (NLDM)"
_EDGES = ("rise", "fall")
_MOST_NAMED = 4  # gates of a loop that an error names


def timings(tech: Technology, netlists: Sequence[Netlist]) -> list[Timing | None]:
    """The timing of several netlists, in order; None for one without a path, such as bare wires.

    TpeError for a combinational loop, a net that two gates drive, a latch, a three-state output
    and data that is a clock.
    """
    reader = Reader(tech)
    return [timed(tech, reader.circuit(netlist)) if netlist.cells else None for netlist in netlists]


def timed(tech: Technology, circuit: Circuit) -> Timing | None:
    """The timing of a circuit that is read; None if it has no path."""
    find_loads, drivers, ordered, clocked, propagate, ends = kernels.prepare()
    cells, tables = circuit.cells, circuit.tables
    gates = circuit.kinds, circuit.pins, circuit.pin_from
    load, fanout = find_loads(cells, *gates, circuit.count)
    wire = _wires(tech, fanout)
    load += (wire[:, 1] * fanout)[:, None]
    driver, twice = drivers(cells, *gates, circuit.count)
    if twice >= 0:
        raise TpeError(f"gate {circuit.gate_name(twice)} drives a net that another gate drives")
    order, waits = ordered(cells, *gates, driver)
    if len(order) < len(circuit.kinds):
        raise TpeError(_loop(circuit, driver, waits))
    follows = clocked(cells, *gates, order, circuit.clock, circuit.count)
    given = (cells, tables, *gates, circuit.roles)
    arrival, slew, winner = propagate(*given, order, load, wire, follows, CLOCK_SLEW_NS)
    period, where, mixed = ends(*given, arrival, slew, wire, follows, CLOCK_SLEW_NS)
    if mixed >= 0:
        what = "takes the clock as data, or a clock of no known edge"
        raise TpeError(f"{circuit.gate_name(mixed)} {what}: not timed")
    paths = {
        kind: float(value)
        for kind, value in zip(KINDS, period[:, 0], strict=True)
        if value > kernels.NEVER
    }
    if not paths:
        return None
    trace = _Trace(circuit, load, driver, arrival, slew, winner)
    longest = int(period[:, 0].argmax())
    path = trace.path(where[longest], float(period[longest, 1]))
    return Timing(float(period[longest, 0]), paths, NAME, path)


def _wires(tech: Technology, fanout: Ints) -> Floats:
    """(kohm, fF) of one sink's branch of every net: the wire load's, shared equally by the sinks.

    All of the wire weighs on the driver: its resistance hides nothing from it.
    """
    if tech.wire_load is None:
        return np.zeros((len(fanout), 2))
    model = tech.library.wire_load(tech.wire_load)
    counts = np.arange(int(fanout.max(initial=0)) + 1)
    share = np.array([model.length(n) for n in counts.tolist()]) / np.maximum(counts, 1)
    branch: Floats = share[:, None] * (model.resistance_kohm, model.capacitance_ff)
    return branch[fanout]


def _loop(circuit: Circuit, driver: Ints, waits: Ints) -> str:
    """A loop's gates, in the order in which edges go round."""
    gate = int(np.flatnonzero(waits)[0])
    seen: list[int] = []
    while gate not in seen:
        seen.append(gate)
        sources = {circuit.net(gate, arc.source) for arc in circuit.cell(gate).delays}
        gate = next(int(driver[n]) for n in sources if n >= 0 and waits[driver[n]] > 0)
    loop = [circuit.gate_name(g) for g in reversed(seen[seen.index(gate) :])]
    more = f" and {len(loop) - _MOST_NAMED} more" if len(loop) > _MOST_NAMED else ""
    named = ", ".join(loop[:_MOST_NAMED])
    return f"combinational loop through {named}{more}: it has no longest path"


class _Trace:
    """A path backwards, from the setup time that it must meet to the clock edge."""

    def __init__(
        self,
        circuit: Circuit,
        load: Floats,
        driver: Ints,
        arrival: Floats,
        slew: Floats,
        winner: Ints,
    ) -> None:
        self._circuit, self._load, self._driver = circuit, load, driver
        self._arrival, self._slew, self._winner = arrival, slew, winner

    def path(self, end: Ints, length: float) -> tuple[PathStage, ...]:
        """The stages of the path of a length that ends at (gate, setup arc, column)."""
        gate, arc, column = map(int, end)
        circuit = self._circuit
        kind = circuit.cell(gate)
        setup = kind.setups[arc - self._first(gate, circuit.cells.setup_from)]
        net = circuit.net(gate, setup.data)
        took = length - float(self._arrival[net, column])
        last = self._stage(gate, setup.data, None, net, column, length, took, None)
        stages = [last]
        while True:
            gate = int(self._driver[net])
            winner = int(self._winner[net, column])
            came, load = float(self._arrival[net, column]), float(self._load[net, column % 2])
            if winner >= kernels.LAUNCH:
                first = self._first(gate, circuit.cells.launch_from)
                launch = circuit.cell(gate).launches[winner - kernels.LAUNCH - first]
                ends = launch.clock, launch.sink
                stages.append(self._stage(gate, *ends, net, column, came, came, load))
                return tuple(reversed(stages))
            first = self._first(gate, circuit.cells.delay_from)
            delay = circuit.cell(gate).delays[winner // 2 - first]
            source = circuit.net(gate, delay.source)
            before = column - column % 2 + winner % 2
            took = came - float(self._arrival[source, before])
            stages.append(
                self._stage(gate, delay.source, delay.sink, net, column, came, took, load)
            )
            net, column = source, before

    def _first(self, gate: int, starts: Ints) -> int:
        """Where the arcs of a gate's kind begin among those of all kinds."""
        return int(starts[self._circuit.kinds[gate]])

    def _stage(
        self,
        gate: int,
        source: int,
        sink: int | None,
        net: int,
        column: int,
        arrival: float,
        delay: float,
        load: float | None,
    ) -> PathStage:
        cell = self._circuit.cell(gate).cell
        return PathStage(
            instance=self._circuit.gate_name(gate),
            cell=cell.name,
            input=cell.pins[source].name,
            output=None if sink is None else cell.pins[sink].name,
            net=self._circuit.net_name(net),
            edge=_EDGES[column % 2],
            arrival_ns=arrival,
            delay_ns=delay,
            slew_ns=float(self._slew[net, column % 2]),
            load_ff=load,
        )
