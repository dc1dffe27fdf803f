"""Power and energy of a PE from activity: its gates simulated in its array, priced by Liberty.

Switching is C V^2 / 2 of every transition, C being the pins that hang on a net (and its wire, if
the technology has a wire load); what a clock edge costs in the flip-flops' clock pins, switching
and internal, is the class `clock`. Nets that enter a module from outside are charged to it, so
that modules add up to an array. Internal energy and leakage are the library's: see
`tpe.synth.power.gates` for slews and states. There are no glitches, since the simulation has no
delays; no wires and no clock tree, unless asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.hdl.simulate.images import Case
from tpe.synth.area.designs import share_of, variant_engine
from tpe.synth.area.rows import Chosen
from tpe.synth.area.timing import CLOCK
from tpe.synth.netlist.nets import Gate, Nets
from tpe.synth.power import activity
from tpe.synth.power.activity import Activity, check_annotated
from tpe.synth.power.gates import Loads, gate_state, leakage_nw, loads_of, pin_energy_fj
from tpe.synth.power.port_traces import port_traces
from tpe.synth.power.stimulus import Operands, cases_of, smaller
from tpe.synth.power.wires import clock_tree_fj, with_wires, words
from tpe.technology.library import Cell, Pin
from tpe.technology.technology import Technology

COMBINATIONAL, SEQUENTIAL, CLOCKED, INPUTS = "combinational", "sequential", "clock", "inputs"
CLASSES = (COMBINATIONAL, SEQUENTIAL, CLOCKED, INPUTS)


@dataclass(frozen=True)
class Energies:
    """fJ per cycle by class, of CLASSES, and leakage in nW, by class too.

    A net counts for the class of what drives it: `inputs` are nets that enter from outside.
    """

    switching: Mapping[str, float]
    internal: Mapping[str, float]
    leakage_nw: Mapping[str, float]

    @property
    def dynamic_fj(self) -> float:
        """Switching and internal energy, fJ per cycle."""
        return sum(self.switching.values()) + sum(self.internal.values())

    def scaled(self, dynamic: float, leakage: float | None = None) -> Energies:
        """The same times a factor; leakage times one of its own, if given."""
        other = dynamic if leakage is None else leakage
        return Energies(
            {name: x * dynamic for name, x in self.switching.items()},
            {name: x * dynamic for name, x in self.internal.items()},
            {name: x * other for name, x in self.leakage_nw.items()},
        )


def total(parts: Iterable[Energies]) -> Energies:
    """The sum of energies, class by class."""
    found = list(parts)

    def added(field: str) -> dict[str, float]:
        return {name: sum(getattr(x, field).get(name, 0.0) for x in found) for name in CLASSES}

    return Energies(added("switching"), added("internal"), added("leakage_nw"))


@dataclass(frozen=True)
class Power:
    """Power of one PE with its share of front and finish, or of an array.

    energies           -- of all, fJ per cycle and nW; `parts` are the same by part: they sum to it
    cycles, macs       -- the window that was simulated, and the multiply-accumulates in it
    annotated_fraction -- share of nets whose activity was recorded, 0.95 at least
    activity_source    -- where the activity comes from, in words, with what it leaves out
    """

    energies: Energies
    parts: Mapping[str, Energies]
    clock_ns: float
    cycles: float
    macs: float
    annotated_fraction: float
    activity_source: str

    @property
    def leakage_mw(self) -> float:
        """Leakage, mW."""
        return sum(self.energies.leakage_nw.values()) * 1e-6

    @property
    def dynamic_mw(self) -> float:
        """Switching and internal power, clock included, mW."""
        return self.energies.dynamic_fj / self.clock_ns * 1e-3

    @property
    def power_mw(self) -> float:
        """All of it, mW."""
        return self.dynamic_mw + self.leakage_mw

    @property
    def clock_fj(self) -> float:
        """What the flip-flops' clock pins take, fJ per cycle."""
        return self.energies.switching[CLOCKED] + self.energies.internal[CLOCKED]

    @property
    def energy_pj(self) -> float:
        """Energy of the window, leakage included, pJ."""
        return self.power_mw * self.clock_ns * self.cycles

    @property
    def energy_fj_per_mac(self) -> float:
        """Energy of a multiply-accumulate, leakage included, fJ."""
        return self.energy_pj * 1000 / self.macs

    def row(self) -> dict[str, float | str]:
        """Its columns of the flat table."""
        return {
            "power_mw": self.power_mw,
            "leakage_mw": self.leakage_mw,
            "energy_fj_per_mac": self.energy_fj_per_mac,
            "tops_per_w": 2000 / self.energy_fj_per_mac,  # a multiply-accumulate is 2 operations
            "activity_source": self.activity_source,
            "annotated_fraction": self.annotated_fraction,
        }


# ---- one module ----


def priced(activity: Activity, tech: Technology) -> Energies:
    """What the module of an activity takes under it."""
    return energies_of(activity.nets, loads_of(activity.nets, tech), activity, tech)


def energies_of(nets: Nets, loads: Loads, activity: Activity, tech: Technology) -> Energies:
    """What a module takes under an activity, modules inside it left out."""
    volts = tech.library.voltage_v
    if volts is None:
        raise TpeError(f"{tech.name} states no voltage: no power without one")
    switching, internal, leakage = (dict.fromkeys(CLASSES, 0.0) for _ in range(3))
    owner = _owners(nets, tech)
    each = (loads.sinks + loads.wires) * volts**2 / 2 * activity.toggles / activity.cycles
    for name in CLASSES:
        switching[name] = float(each[[o == name for o in owner]].sum())
    for gate in nets.gates:
        cell = tech.library.cell(gate.cell)
        own = leakage_nw(cell, gate_state(gate, activity.toggles, activity.duty).duty)
        leakage[_kind(cell)] += own or 0.0
    for _, cell, pin, fj in internal_terms(nets, loads, activity, tech):
        internal[CLOCKED if pin.clock and cell.sequential else _kind(cell)] += fj
    return Energies(switching, internal, leakage)


def _kind(cell: Cell) -> str:
    return SEQUENTIAL if cell.sequential else COMBINATIONAL


def internal_terms(
    nets: Nets, loads: Loads, activity: Activity, tech: Technology
) -> Iterator[tuple[Gate, Cell, Pin, float]]:
    """(gate, its cell, a pin, internal energy in fJ per cycle) of every pin that switches."""
    for gate in nets.gates:
        cell = tech.library.cell(gate.cell)
        state = gate_state(gate, activity.toggles, activity.duty)
        slews = {p: float(loads.slew[n]) for p, n in gate.pins.items() if n >= 0}
        for pin in cell.pins:
            net = gate.pins.get(pin.name, -1)
            count = state.toggles.get(pin.name, 0.0) / activity.cycles
            if net >= 0 and pin.energies and count:
                load = float(loads.total[net])
                yield gate, cell, pin, count * pin_energy_fj(cell, pin, slews, load, state)


def _owners(nets: Nets, tech: Technology) -> list[str]:
    """The class of every net: that of what drives it; clock nets reach a flip-flop's clock."""
    owner = [INPUTS] * len(nets.names)
    for gate in nets.gates:
        cell = tech.library.cell(gate.cell)
        for pin in cell.outputs:
            net = gate.pins.get(pin.name, -1)
            if net >= 0:
                owner[net] = SEQUENTIAL if cell.sequential else COMBINATIONAL
    for gate in nets.gates:
        for pin in tech.library.cell(gate.cell).inputs:
            net = gate.pins.get(pin.name, -1)
            if pin.clock and net >= 0:
                owner[net] = CLOCKED
    for net in nets.ports.get(CLOCK, ("", ()))[1]:
        owner[net] = CLOCKED
    return owner


# ---- a PE ----


def pe_power(
    engine: Config,
    chosen: Chosen,
    technology: Technology,
    clock_ns: float,
    operands: Operands = "normal:20",
    seed: int = 0,
    cycles: int = 2048,
    wires: str = "none",
) -> Power:
    """Power of one PE of an engine: its cell, and its share of its row's front and finish.

    chosen   -- the netlists of its parts, as `Design.at` gives them
    operands -- see `tpe.synth.power.stimulus`: normal:SIGMA, uniform, relu:SIGMA, sparse:SHARE, a
                workload with values, or a `Sample` of one
    cycles   -- about how long the window is; the whole of it is simulated, filling and draining
                included
    wires    -- none, or estimate: see `tpe.synth.power.wires`

    The array is the engine's, cut to 4 a side where K does not lie. A front is shared by the
    columns of the engine itself. A finish works once per output; that of a digit-serial PE is
    busy in every cycle and shared by the rows of the engine itself. TpeError if a netlist is not
    its RTL in a cycle, or if fewer than 95 % of nets have an activity.
    """
    if not clock_ns > 0:
        raise TpeError(f"clock_ns = {clock_ns!r} is not legal: above 0, in ns")
    tech = with_wires(technology, wires)
    found = [
        _pe_case(engine, case, acts, tech, wires != "none")
        for case, acts in activities(engine, chosen, technology, operands, seed, cycles)
    ]
    beside = words(technology, wires)
    return joined(found, clock_ns, f"{activity.SOURCE}; {beside}; {operands}, seed {seed}")


def activities(
    engine: Config,
    chosen: Chosen,
    technology: Technology,
    operands: Operands = "normal:20",
    seed: int = 0,
    cycles: int = 2048,
) -> Iterator[tuple[Case, dict[str, list[Activity]]]]:
    """(GEMM, activities of every instance by part) of what `pe_power` simulates."""
    variant = variant_engine(engine, chosen.points["cell"].mapped.variant)
    ports = {kind: p.mapped.netlist.ports for kind, p in chosen.points.items()}
    for case in cases_of(smaller(variant), operands, seed, cycles):
        traces = port_traces(case, ports)
        yield (
            case,
            {
                kind: activity.record(
                    point.mapped.netlist, technology.library, traces.by_kind[kind]
                )
                for kind, point in chosen.points.items()
            },
        )


def joined(windows: Sequence[Power], clock_ns: float, source: str) -> Power:
    """Windows one after another as one: energies are means over all cycles."""
    cycles = sum(power.cycles for power in windows)
    share = [power.cycles / cycles for power in windows]
    parts = {
        name: total(p.parts[name].scaled(s) for p, s in zip(windows, share, strict=True))
        for name in windows[0].parts
    }
    return Power(
        total(parts.values()),
        parts,
        clock_ns,
        cycles,
        sum(power.macs for power in windows),
        check_annotated(min(power.annotated_fraction for power in windows)),
        f"{source}, {round(cycles)} cycles",
    )


def _pe_case(
    engine: Config,
    case: Case,
    by_kind: Mapping[str, Sequence[Activity]],
    tech: Technology,
    tree: bool,
) -> Power:
    """One PE while its array runs one case."""
    count = len(by_kind["cell"])
    parts, fractions = {}, []
    for kind, found in by_kind.items():
        average = activity.mean(found)
        own = priced(average, tech)
        own = with_clock_tree(own, average.nets, tech) if tree else own
        parts[kind] = own.scaled(len(found) / count).scaled(*share_of(kind, engine, case.engine))
        fractions.append(average.annotated_fraction)
    cycles = by_kind["cell"][0].cycles
    return Power(total(parts.values()), parts, 1.0, cycles, case.macs / count, min(fractions), "")


def with_clock_tree(energies: Energies, nets: Nets, tech: Technology) -> Energies:
    """The same with the estimate of a clock tree in front of the module's flip-flops."""
    pins = [
        pin.capacitance_ff or 0.0
        for gate in nets.gates
        for pin in tech.library.cell(gate.cell).inputs
        if pin.clock
    ]
    if not pins:
        return energies
    switching, internal = clock_tree_fj(tech, len(pins), sum(pins) / len(pins))
    return replace(
        energies,
        switching={**energies.switching, CLOCKED: energies.switching[CLOCKED] + switching},
        internal={**energies.internal, CLOCKED: energies.internal[CLOCKED] + internal},
    )
