"""Fit `tpe/synth/data/energy_tpe130.json`: what a PE takes per cycle and per flipped output bit.

    python -m tools.fit_energy [PE ...]

Each PE is mapped to the default technology at twice its shortest period by three recipes, and its
gates are simulated on the operands of TRAINING (`tpe.synth.power`). What its clock pins take in
every cycle is known. The rest is fitted, by least squares with no weight below zero and a small
penalty: a weight for each primitive's flipped output bits (`Engine.toggles`) in a step, and one for
the step itself, times the share of cycles with a step. What registers, front and finish take beside
their clock is thus in the weights of what feeds them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from tpe.synth.energy import FILE, FORMAT, features, measured_on
from tpe.synth.synthesis import compare
from tpe.synth.tech import technology

RECIPES = ("sklansky/fast", "ripple/small", "ripple/small/full_adders")
TRAINING = ("normal:4", "normal:20", "normal:60", "uniform", "sparse:0.5", "relu:40")
PES = ("mac", "opt1", "opt4c")
CYCLES = 1024
PENALTY = 0.05


def fit(pe: str) -> dict[str, object]:
    """One PE's entry: clock, weights and leakage, and the errors on what it was fitted to."""
    result = compare([pe], recipes=RECIPES, vary=())
    clock = 2 * result.common_clock_ns
    design = result.designs[0]
    rows, wanted, leakage, clock_fj = [], [], 0.0, 0.0
    names: list[str] = []
    for operands in TRAINING:
        power, engine, case = measured_on(design, technology(), clock, operands, CYCLES)
        found = features(engine, case.a, case.b)
        names = sorted(found)
        rows.append([found[name] for name in names])
        wanted.append(power.energies.dynamic_fj - power.clock_fj)
        clock_fj = power.clock_fj
        leakage = sum(power.energies.leakage_nw.values())
        print(pe, operands, round(wanted[-1], 1), found, flush=True)
    scale = np.max(np.array(rows), axis=0)
    # Flips of one primitive follow those of another: a small penalty on large weights keeps them
    # from standing for one another, which only the training operands would bear out.
    stacked = np.vstack([np.array(rows) / scale, PENALTY * np.eye(len(scale))])
    weights, _ = nnls(stacked, np.append(wanted, np.zeros(len(scale))))
    weights = np.divide(weights, scale, out=np.zeros_like(weights), where=scale > 0)
    total = np.array(wanted) + clock_fj
    errors = (np.array(rows) @ weights + clock_fj) / total - 1
    print(pe, dict(zip(names, weights.round(3), strict=True)), clock_fj, errors.round(4))
    return {
        "clock_ns": clock,
        "clock_fj": clock_fj,
        "flip_fj": {n: float(w) for n, w in zip(names, weights, strict=True)},
        "leakage_nw": leakage,
        "array": design.engine.describe()["array"],
        "size": list(design.engine.size),
        "parameters": design.engine.describe()["params_json"],
        "worst_on_training": float(np.abs(errors).max()),
    }


def main() -> None:
    """Fit the PEs that are named, or all; those of the file that are not stay."""
    known = json.loads(FILE.read_text())["pes"] if FILE.exists() else {}
    for pe in sys.argv[1:] or PES:
        known[pe] = fit(pe)
        content = {
            "format": FORMAT,
            "made_by": "python -m tools.fit_energy",
            "technology": "tpe130",
            "training": list(TRAINING),
            "cycles": CYCLES,
            "pes": dict(sorted(known.items())),
        }
        Path(FILE).write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
