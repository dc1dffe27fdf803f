"""Power of one module of a PE by itself, such as its multiplier: inside the cells of its array."""

from __future__ import annotations

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.synth.area.pareto import Point
from tpe.synth.power import activity
from tpe.synth.power.pe import Power, joined, priced, total
from tpe.synth.power.port_traces import port_traces
from tpe.synth.power.stimulus import Operands, cases_of, smaller
from tpe.technology.technology import Technology


def module_power(
    engine: Config,
    point: Point,
    technology: Technology,
    clock_ns: float,
    operands: Operands,
    seed: int = 0,
    cycles: int = 2048,
) -> Power:
    """Power of one instance of a module, its ports those of the RTL in the engine's array.

    point -- a netlist of the module, `tpe.synth.area.designs.module_part`; each cell has one of it

    The rest is as `tpe.synth.power.pe.pe_power` has it: the array is cut to 4 a side, and the
    outputs of the netlist are compared with those of the RTL in every cycle. TpeError where they
    differ, and where no instance of the module is in the array.
    """
    netlist = point.mapped.netlist
    kind = netlist.top.removeprefix("tpe_")
    windows = []
    for case in cases_of(smaller(engine), operands, seed, cycles):
        traces = port_traces(case, {kind: netlist.ports}).by_kind[kind]
        if not traces:
            raise TpeError(f"no {netlist.top} is in the array of {engine.name}")
        acts = activity.record(netlist, technology.library, traces)
        mean = activity.mean(acts)
        energies = priced(mean, technology)
        macs = case.macs / len(acts)
        parts = {kind: energies}
        fraction = mean.annotated_fraction
        windows.append(Power(total([energies]), parts, 1.0, acts[0].cycles, macs, fraction, ""))
    return joined(windows, clock_ns, f"{activity.SOURCE}; no wires; {operands}, seed {seed}")
