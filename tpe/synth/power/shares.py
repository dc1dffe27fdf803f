"""Which primitive of a cell takes which energy: shares of a hierarchical run, scaled to the flat.

As for area (`tpe.synth.area.shares`): totals come from the flat netlist, shares from one that
keeps the modules, under the same port traces; how far the two totals are apart is the residual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tpe.engine.config import Config
from tpe.synth.area import designs
from tpe.synth.area.shares import OWN, PRIMITIVES, REGISTERS
from tpe.synth.netlist.mapper import map_parts
from tpe.synth.netlist.netlist import Netlist
from tpe.synth.netlist.nets import Nets, flattened, nets_of
from tpe.synth.netlist.recipes import Recipe
from tpe.synth.power import activity
from tpe.synth.power.activity import Activity
from tpe.synth.power.gates import loads_of
from tpe.synth.power.pe import internal_terms, priced
from tpe.synth.power.port_traces import port_traces
from tpe.synth.power.stimulus import cases_of, smaller
from tpe.technology.technology import Technology

OUTSIDE = "operands"  # nets that enter the cell, driven from outside


@dataclass(frozen=True)
class EnergyShares:
    """Dynamic energy of a cell by primitive, fJ per cycle, summing to `flat_fj`.

    residual -- (hierarchical energy - flat energy) / flat energy
    """

    energy_fj: Mapping[str, float]
    flat_fj: float
    hierarchical_fj: float
    activity_source: str

    @property
    def residual(self) -> float:
        """How much more the hierarchical run takes than the flat one, as a fraction."""
        return self.hierarchical_fj / self.flat_fj - 1 if self.flat_fj else 0.0


def cell_energy_shares(
    engine: Config,
    technology: Technology,
    recipe: Recipe,
    operands: str = "normal:20",
    seed: int = 0,
    cycles: int = 1024,
    variant: str = "",
    target: float = 1.0,
) -> EnergyShares:
    """Shares of an engine's cell, or of a variant, by one recipe, at the first place of its array.

    Registers and the clock count as `registers`; what enters the cell as `operands`.
    """
    part = designs.cell_part(engine, variant)
    once = replace(recipe, targets=(target,))
    flat = map_parts([part], technology, [once])[0].mapped[0]
    kept = map_parts([replace(part, keep=None)], technology, [once])[0].mapped[0]
    built = smaller(designs.variant_engine(engine, variant))
    case = cases_of(built, operands, seed, cycles)[0]
    traces = port_traces(
        case,
        {"cell": flat.netlist.ports},
        lambda x: {"cell": x["cell"][:1]},
    )
    library, run = technology.library, traces.by_kind["cell"]
    alone = activity.record(flat.netlist, library, run)[0]
    total = priced(alone, technology).dynamic_fj
    inner = {n: nets_of(m, library.by_name) for n, m in kept.netlist.modules.items()}
    nets = flattened(inner[kept.netlist.top], inner)
    whole = activity.record_nets(nets, library, run)[0]
    found = _by_primitive(nets, whole, owners(kept.netlist), technology)
    scale = total / sum(found.values())
    shares = {name: fj * scale for name, fj in sorted(found.items(), key=lambda x: -x[1])}
    source = f"{activity.SOURCE}; {operands}, seed {seed}, {whole.cycles} cycles"
    return EnergyShares(shares, total, sum(found.values()), source)


def owners(netlist: Netlist) -> dict[str, str]:
    """The primitive of every gate of a hierarchical netlist, by its name in the flattened one."""
    found: dict[str, str] = {}

    def walk(module: str, path: str, owner: str) -> None:
        owner = PRIMITIVES.get(module.split("__")[0], owner)
        for instance in netlist.modules[module].instances:
            name = f"{path}{instance.name.strip()}"
            if instance.cell in netlist.modules:
                walk(instance.cell, f"{name}/", owner)
            else:
                found[name] = owner

    walk(netlist.top, "", OWN)
    return found


def _by_primitive(
    nets: Nets, found: Activity, owner: Mapping[str, str], tech: Technology
) -> dict[str, float]:
    """Dynamic energy, fJ per cycle: a net's is its driver's, a pin's its gate's."""
    loads, volts = loads_of(nets, tech), tech.library.voltage_v or 0.0
    each = (loads.sinks + loads.wires) * volts**2 / 2 * found.toggles / found.cycles
    of_gate = {
        gate.name: REGISTERS if tech.library.cell(gate.cell).sequential else owner[gate.name]
        for gate in nets.gates
    }
    driver = [OUTSIDE] * len(nets.names)
    for gate in nets.gates:
        cell = tech.library.cell(gate.cell)
        for pin in cell.pins:
            net = gate.pins.get(pin.name, -1)
            if net >= 0 and (pin.direction == "output" or pin.clock):
                driver[net] = of_gate[gate.name]
    shares: dict[str, float] = {}
    for name, fj in zip(driver, each, strict=True):
        shares[name] = shares.get(name, 0.0) + float(fj)
    for gate, _, _, fj in internal_terms(nets, loads, found, tech):
        name = of_gate[gate.name]
        shares[name] = shares.get(name, 0.0) + fj
    return shares
