"""Energy of a GEMM on a PE without synthesis: a table fitted to gate-level runs.

What a part of a PE takes in a cycle is what its clock pins take and, in a step, so much for every
output bit of a primitive that flips (`Engine.toggles`) and for the step itself. The numbers stand
in `data/energy_tpe130.json`, with the command that made them. A PE whose RTL was not fitted has no
energy here: None and a reason, never 0. Fronts and finishes count by the share that a PE of the
array has in them (`designs.share_of`); wires and the clock tree are not in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tpe import array as arrays
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.task import Seen, Task, see
from tpe.model.engine import Engine
from tpe.model.toggles import switching
from tpe.synth.area.designs import pe_parts, share_of, sized
from tpe.synth.netlist.mapped import Part

if TYPE_CHECKING:
    from tpe.hdl.simulate.images import Case
    from tpe.model.layer_run import LayerRun
    from tpe.synth.area.rows import MappedPE
    from tpe.synth.power.pe import Power
    from tpe.technology.technology import Technology

FORMAT = 3
FILE = Path(__file__).resolve().parents[1] / "data" / "energy_tpe130.json"
LIBRARY = "tpe130"
KEPT, CHAINED = 8, 32  # windows: sums that pass differ from row to row of the array


def cycle_fj(engine: Config, a: Any, b: Any, layer: LayerRun | None = None) -> float | None:
    """What a PE takes in a cycle of A @ B, A (M, K) by B (K, N), fJ, leakage included.

    None where it is not known: see `energy_or_reason`. `layer`: the run of A @ B, if there is one
    already.
    """
    seen = see(Task("energy", "gemm", a, b), engine.a_format, engine.b_format, _zeros(engine))
    one = layer or Engine.of(engine).run(a, b).layers[0]
    return energy_or_reason(engine, seen, one)[0]


def energy_or_reason(
    engine: Config, seen: Seen, layer: LayerRun
) -> tuple[float | None, str | None]:
    """fJ that a PE takes in a cycle of a run of these operands; or None, and why."""
    entry, reason = _entry(engine)
    if entry is None:
        return None, reason
    found = _features(engine, seen, layer)
    if found is None:
        return (
            None,
            f"in layer {layer.name} no step of a cell follows another: nothing is seen to flip",
        )
    fitted = sized(engine, tuple(entry["size"]))
    taken = 0.0
    for kind, part in entry["parts"].items():
        dynamic, leakage = share_of(kind, engine, fitted)
        flips = sum(part["flip_fj"][op] * x for op, x in found.items())
        taken += dynamic * (part["clock_fj"] + flips)
        taken += leakage * part["leakage_nw"] * entry["clock_ns"] * 1e-3
    return taken, None


def source(engine: Config) -> str:
    """Where the energy of an engine comes from, in words; TpeError if it has none."""
    entry, reason = _entry(engine)
    if entry is None:
        raise TpeError(f"no energy of {engine.name}: {reason}")
    stages = int(engine.params.get("stages", 1))
    return (
        f"table fitted to gate-level runs ({LIBRARY}, zero delay): the smallest netlists, "
        f"{'one stage' if stages == 1 else f'{stages} stages'}, {entry['clock_ns']:.2f} ns"
    )


def features(engine: Config, a: Any, b: Any, layer: LayerRun | None = None) -> dict[str, float]:
    """The share of cycles in which a cell has a `step`, and by primitive the output bits that flip
    in a step, times that share."""
    seen = see(Task("energy", "gemm", a, b), engine.a_format, engine.b_format, _zeros(engine))
    found = _features(engine, seen, layer or Engine.of(engine).run(a, b).layers[0])
    if found is None:
        raise TpeError("no step of a cell follows another: nothing is seen to flip")
    return found


def _features(engine: Config, seen: Seen, one: LayerRun) -> dict[str, float] | None:
    """`features` of operands as the array sees them; None if no step follows another."""
    encoded, other = engine.sides.operands(seen.a, seen.b)
    chained = engine.array.chained
    toggles = switching(engine, encoded, other, positions=CHAINED if chained else KEPT)
    if toggles.steps == 0:
        return None
    busy = float(one.terms.useful / one.cycles)
    if one.row_steps is not None:  # lanes that wait for others of their row are in it
        busy = one.row_steps / (engine.rows * one.cycles)
    return {"step": busy, **{op: n / toggles.steps * busy for op, n in toggles.flips.items()}}


def _zeros(engine: Config) -> str:
    return str(engine.params["zero_points"])


# ---- which entry of the table is an engine's ----


@cache
def _table() -> dict[str, Any]:
    if not FILE.exists():
        return {}
    content = json.loads(FILE.read_text())
    return dict(content["settings"]) if content["format"] == FORMAT else {}


def _entry(engine: Config) -> tuple[dict[str, Any] | None, str | None]:
    """The fitted numbers of an engine's PE, or None and why there are none.

    An entry is the engine's if psums go the same way, cells are gated alike, and the RTL of cell,
    front and finish is the same, whatever the parameters are called that make it.
    """
    own = [entry for entry in _table().values() if entry["pe"] == engine.pe.name]
    if not own:
        return None, f"no table was fitted to {engine.pe.name}"
    way = [entry for entry in own if arrays.get(entry["array"]).way is engine.array.way]
    if not way:
        return None, f"no table was fitted to {engine.pe.name} in {engine.array.name}"
    for entry in way:
        fitted = _fitted(entry["pe"], entry["array"], tuple(entry["size"]), entry["parameters"])
        gated = fitted.params["gating"] == engine.params["gating"]
        if gated and _parts(sized(engine, fitted.size)) == _parts(fitted):
            return entry, None
    return None, f"the table was fitted to another {engine.pe.name}: {_other(engine, way[0])}"


def _other(engine: Config, entry: Mapping[str, Any]) -> str:
    """What differs from the nearest fit, by the parameters that do."""
    given = json.loads(entry["parameters"])
    every = _fitted(entry["pe"], entry["array"], tuple(entry["size"]), entry["parameters"]).params
    fitted = {**every, **given}
    changed = [f"{k} = {v}" for k, v in engine.params.items() if fitted.get(k, v) != v]
    return f"with {', '.join(changed)} it is not the same RTL, or not gated alike"


@cache
def _fitted(pe: str, array: str, size: tuple[int, ...], parameters: str) -> Config:
    return Config(pe, array, size, **json.loads(parameters))


def _parts(engine: Config) -> dict[str, list[Part]]:
    """The RTL of cell, front and finish."""
    return pe_parts(engine, ())


def measured_on(
    design: MappedPE, tech: Technology, clock_ns: float, operands: str, cycles: int, seed: int = 0
) -> tuple[Power, Config, Case]:
    """What gates say of a PE: its power, and the engine and the GEMM that were simulated."""
    from tpe.synth.power.pe import pe_power
    from tpe.synth.power.stimulus import cases_of, smaller

    engine = smaller(design.engine)
    case = cases_of(engine, operands, seed, cycles)[0]
    chosen = design.at(clock_ns)
    power = pe_power(design.engine, chosen, tech, clock_ns, operands, seed, cycles)
    return power, engine, case
