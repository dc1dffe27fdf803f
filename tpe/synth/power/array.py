"""Power of a whole array: cells at some positions, everything else in full, from one run.

The engine's RTL runs the operands once and gives the ports of every part. The mapped cell is
simulated under the ports of eight or more positions, corners, edges and middle, which stand for
all; every front and finish under its own; and what lies between them (skew registers, control,
drain) as gates around the RTL of the parts, under the engine's ports.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.synth.area import designs
from tpe.synth.area.compose import Composed
from tpe.synth.netlist.netlist import Netlist
from tpe.synth.netlist.nets import flattened, nets_of
from tpe.synth.power import activity
from tpe.synth.power.activity import check_annotated
from tpe.synth.power.pe import Power, priced, total
from tpe.synth.power.port_traces import WHOLE, Instances, port_traces
from tpe.synth.power.stimulus import cases_of

POSITIONS = 8  # cells that stand for all
EDGE = "edge logic"


def of_array(
    engine: Config,
    composed: Composed,
    clock_ns: float,
    operands: str = "normal:20",
    seed: int = 0,
    cycles: int = 2048,
    positions: int = POSITIONS,
) -> Power:
    """Power of an array as it is composed; operands as for `tpe.synth.power.pe.pe_power`.

    `parts` are cell (all of them), front, finish and what lies between them; `macs` are all.
    TpeError for an array with a memory that is left out of its netlist, or as `pe_power`.
    """
    _require_gates(engine, composed)
    tech, netlist = composed.technology, composed.netlist
    kinds = [name for name in netlist.copies if name != composed.top]
    ports = {name.removeprefix("tpe_"): netlist.modules[name].ports for name in kinds}
    mapped = _mapped(engine, composed)
    case = cases_of(mapped, operands, seed, cycles)[0]

    def choose(every: Instances) -> Instances:
        return {**every, "cell": spread(every["cell"], positions)}

    traces = port_traces(case, {**ports, WHOLE: netlist.ports}, choose)
    parts, fractions, recorded = {}, [], 1
    for kind, found in traces.by_kind.items():
        top = composed.top if kind == WHOLE else f"tpe_{kind}"
        around = _around(mapped) if kind == WHOLE else {}
        alone = Netlist(top, {top: netlist.modules[top]})
        mean = activity.mean(activity.record(alone, tech.library, found, around))
        name = EDGE if kind == WHOLE else kind
        parts[name] = priced(mean, tech).scaled(netlist.copies[top])
        fractions.append(mean.annotated_fraction)
        recorded = found[0].cycles - 1
    count = f"{len(traces.by_kind['cell'])} of {len(traces.instances['cell'])} cells"
    return Power(
        total(parts.values()),
        parts,
        clock_ns,
        recorded,
        case.macs,
        check_annotated(min(fractions)),
        f"{activity.SOURCE}; {operands}, seed {seed}, {count}, {recorded} cycles",
    )


def whole_array(
    engine: Config,
    composed: Composed,
    clock_ns: float,
    operands: str = "normal:20",
    seed: int = 0,
    cycles: int = 2048,
) -> Power:
    """The same from all gates of the array in one simulation: what `of_array` stands for."""
    _require_gates(engine, composed)
    tech, netlist = composed.technology, composed.netlist
    case = cases_of(_mapped(engine, composed), operands, seed, cycles)[0]
    traces = port_traces(case, {WHOLE: netlist.ports})
    inner = {
        name: nets_of(module, tech.library.by_name)
        for name, module in netlist.modules.items()
        if name != composed.top
    }
    nets = flattened(nets_of(netlist.modules[composed.top], tech.library.by_name), inner)
    found = activity.record_nets(nets, tech.library, traces.by_kind[WHOLE])[0]
    energies = priced(found, tech)
    return Power(
        energies,
        {"array": energies},
        clock_ns,
        found.cycles,
        case.macs,
        check_annotated(found.annotated_fraction),
        f"{activity.SOURCE}; {operands}, seed {seed}, all gates, {found.cycles} cycles",
    )


def _require_gates(engine: Config, composed: Composed) -> None:
    if composed.memory_bits:
        raise TpeError(
            f"{engine.name} has {composed.memory_bits} bits of memory that are not mapped: no "
            "power of the array; legal: a smaller depth, or power of the PE"
        )


def _mapped(engine: Config, composed: Composed) -> Config:
    """The variant of the engine whose cell was mapped: another may split a pair differently."""
    return designs.variant_engine(engine, composed.versions["tpe_cell"].source.variant)


def _around(engine: Config) -> dict[str, str]:
    modules = emit.engine_modules(engine)
    return {name: text for name, text in modules.items() if name != "tpe_engine"}


def spread(instances: Sequence[str], count: int) -> tuple[str, ...]:
    """`count` of the cells: corners, the middles of the sides, the middle, and so on; all if few.

    >>> spread([f"r[{r}].c[{c}]" for r in range(3) for c in range(3)], 5)
    ('r[0].c[0]', 'r[0].c[2]', 'r[2].c[0]', 'r[2].c[2]', 'r[1].c[1]')
    """
    if len(instances) <= count:
        return tuple(instances)
    at = {name: tuple(map(int, re.findall(r"\[(\d+)\]", name)))[:2] for name in instances}
    rows, cols = (max(place[side] for place in at.values()) for side in (0, 1))
    found: list[str] = []
    by_place = {place: name for name, place in at.items()}
    corners = [(r, c) for r in (0, rows) for c in (0, cols)]
    middles = [(rows // 2, cols // 2), (0, cols // 2), (rows // 2, 0)]
    middles += [(rows // 2, cols), (rows, cols // 2)]
    for place in (*corners, *middles, *at.values()):
        name = by_place.get(place)
        if name is not None and name not in found:
            found.append(name)
    return tuple(found[:count])
