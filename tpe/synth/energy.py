"""Energy of a GEMM on a PE without synthesis: a table fitted to gate-level runs.

What a part of a PE takes in a cycle is what its clock pins take and, in a step, so much for every
output bit of a primitive that flips (`Engine.toggles`) and for the step itself. The numbers stand
in `data/energy_tpe130.json`, with the command that made them; a PE, or parameters, that were not
fitted have no energy here: None, never 0. Fronts and finishes count by the share that a PE of the
array has in them (`designs.share_of`); wires and the clock tree are not in it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tpe import array as arrays
from tpe.engine import Engine
from tpe.errors import TpeError
from tpe.synth.designs import share_of, sized
from tpe.toggles import sample

if TYPE_CHECKING:
    from tpe.hdl.images import Case
    from tpe.run import LayerRun
    from tpe.synth.power import Power
    from tpe.synth.rows import Design
    from tpe.synth.tech import Technology

FORMAT = 2
FILE = Path(__file__).resolve().parent / "data" / "energy_tpe130.json"
LIBRARY = "tpe130"


def cycle_fj(engine: Engine, a: Any, b: Any, layer: LayerRun | None = None) -> float | None:
    """What a PE takes in a cycle of A @ B, A (M, K) by B (K, N), fJ, leakage included.

    None for an engine that no table was fitted to: every parameter, and whether psums stay, must
    be those of the fit. `layer`: the run of A @ B, if there is one already.
    """
    entry = _entry(engine)
    if entry is None:
        return None
    found, fitted = features(engine, a, b, layer), sized(engine, tuple(entry["size"]))
    taken = 0.0
    for kind, part in entry["parts"].items():
        dynamic, leakage = share_of(kind, engine, fitted)
        flips = sum(part["flip_fj"][op] * x for op, x in found.items())
        taken += dynamic * (part["clock_fj"] + flips)
        taken += leakage * part["leakage_nw"] * entry["clock_ns"] * 1e-3
    return taken


def source(engine: Engine) -> str:
    """Where the energy of an engine comes from, in words; TpeError if it has none."""
    entry = _entry(engine)
    if entry is None:
        raise TpeError(f"no energy was fitted to {engine.name}")
    return (
        f"table fitted to gate-level runs ({LIBRARY}, zero delay): the smallest netlists, one "
        f"stage, {entry['clock_ns']:.2f} ns"
    )


def features(engine: Engine, a: Any, b: Any, layer: LayerRun | None = None) -> dict[str, float]:
    """The share of cycles in which a cell has a `step`, and by primitive the output bits that flip
    in a step, times that share."""
    toggles = sample(engine, a, b, 0)
    one = layer or engine.run(a, b).layers[0]
    busy = float(one.terms.useful / one.cycles)
    if one.row_steps is not None:  # lanes that wait for others of their row are in it
        busy = one.row_steps / (engine.rows * one.cycles)
    return {"step": busy, **{op: n / toggles.steps * busy for op, n in toggles.flips.items()}}


@cache
def _table() -> dict[str, Any]:
    if not FILE.exists():
        return {}
    content = json.loads(FILE.read_text())
    return dict(content["pes"]) if content["format"] == FORMAT else {}


def _entry(engine: Engine) -> dict[str, Any] | None:
    """The fitted numbers of an engine's PE, None if its parameters are others."""
    if engine.pe is None or engine.array is None:
        return None
    entry = _table().get(engine.pe.name)
    if entry is None or engine.array.way is not arrays.get(entry["array"]).way:
        return None
    return dict(entry) if entry["parameters"] == engine.describe()["params_json"] else None


def measured_on(
    design: Design, tech: Technology, clock_ns: float, operands: str, cycles: int, seed: int = 0
) -> tuple[Power, Engine, Case]:
    """What gates say of a PE: its power, and the engine and the GEMM that were simulated."""
    from tpe.synth.power import pe_power
    from tpe.synth.stimulus import cases_of, smaller

    engine = smaller(design.engine)
    case = cases_of(engine, operands, seed, cycles)[0]
    chosen = design.at(clock_ns)
    power = pe_power(design.engine, chosen, tech, clock_ns, operands, seed, cycles)
    return power, engine, case
