"""Fit `tpe/synth/data/energy_tpe130.json`: what a PE takes per cycle and per flipped output bit.

    python -m tools.fit_energy [SETTING ...]

A setting is a PE in an array with parameters of its own, by the name it has in SETTINGS. Each is
mapped to the default technology at twice its shortest period by three recipes, and its
gates are simulated on the operands of TRAINING (`tpe.synth.power.pe`). What the clock pins of a
part take in every cycle is known. The rest is fitted, by least squares with no weight below zero
and a small penalty: a weight for each primitive's flipped output bits (`Engine.toggles`) in a step,
and one for the step itself, times the share of cycles with a step. What registers take beside their
clock is thus in the weights of what feeds them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from tpe.model.engine import Engine
from tpe.synth.area.synthesis import compare
from tpe.synth.power.pe import CLOCKED
from tpe.synth.power.table import FILE, FORMAT, features, measured_on
from tpe.technology.technology import technology

RECIPES = ("sklansky/fast", "ripple/small", "ripple/small/full_adders")
TRAINING = ("normal:4", "normal:20", "normal:60", "uniform", "sparse:0.5", "relu:40", "sparse:0.9")
SETTINGS: dict[str, tuple[str, str, dict[str, object]]] = {
    **{pe: (pe, "matrix2d", {}) for pe in ("mac", "opt1", "opt2", "opt3", "opt4c", "opt4e")},
    **{f"mac, stages {n}": ("mac", "matrix2d", {"stages": n}) for n in (2, 3)},
    **{f"{pe}, systolic_ws": (pe, "systolic_ws", {}) for pe in ("mac", "opt1")},
}
CYCLES = 1024
PENALTY = 0.05
FRONT = ("encode", "sparse")  # primitives of a front, if the PE has one


def fit(setting: str) -> dict[str, object]:
    """A setting's entry: clock, weights and leakage by part; errors on what it was fitted to."""
    pe, array, params = SETTINGS[setting]
    asked = Engine(pe, array, (4, 4), **params)
    result = compare([asked], recipes=RECIPES, vary=())
    clock = 2 * result.common_clock_ns
    design = result.designs[0]
    found: list[dict[str, float]] = []
    powers = []
    for operands in TRAINING:
        power, engine, case = measured_on(design, technology(), clock, operands, CYCLES)
        found.append(features(engine, case.a, case.b))
        powers.append(power)
        print(setting, operands, round(power.energies.dynamic_fj, 1), found[-1], flush=True)
    names = sorted(found[0])
    rows = np.array([[x[name] for name in names] for x in found])
    whole = np.array([power.energies.dynamic_fj for power in powers])
    parts, total = {}, np.zeros(len(rows))
    for kind in powers[0].parts:
        seen = np.array([_feeds(name, kind, powers[0].parts) for name in names])
        energies = [power.parts[kind] for power in powers]
        clock_fj = float(np.mean([e.switching[CLOCKED] + e.internal[CLOCKED] for e in energies]))
        wanted = np.array([e.dynamic_fj - clock_fj for e in energies])
        weights = _weights(rows * seen, wanted, whole)
        total += rows @ weights + clock_fj
        parts[kind] = {
            "clock_fj": clock_fj,
            "flip_fj": dict(zip(names, map(float, weights), strict=True)),
            "leakage_nw": float(np.mean([sum(e.leakage_nw.values()) for e in energies])),
        }
    errors = total / whole - 1
    print(setting, parts, errors.round(4), flush=True)
    return {
        "pe": pe,
        "clock_ns": clock,
        "parts": parts,
        "array": design.engine.describe()["array"],
        "size": list(design.engine.size),
        "parameters": design.engine.describe()["params_json"],
        "worst_on_training": float(np.abs(errors).max()),
    }


def _feeds(feature: str, kind: str, parts: Collection[str]) -> bool:
    """Whether a feature bears on a part: what flips in a front does not flip behind it.

    A front's digits are what flips behind it, so that all features bear on the front.
    """
    return kind == "front" or feature not in FRONT or "front" not in parts


def _weights(rows: np.ndarray, wanted: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Weights of the features, none below zero; errors count relative to the `whole` energy.

    Flips of one primitive follow those of another: a small penalty on large weights keeps them
    from standing for one another, which only the training operands would bear out.
    """
    scale, share = np.max(rows, axis=0), np.mean(whole) / whole
    scaled = np.divide(rows, scale, out=np.zeros_like(rows), where=scale > 0) * share[:, None]
    stacked = np.vstack([scaled, PENALTY * np.eye(len(scale))])
    weights, _ = nnls(stacked, np.append(wanted * share, np.zeros(len(scale))))
    return np.divide(weights, scale, out=np.zeros_like(weights), where=scale > 0)


def main() -> None:
    """Fit the settings that are named, or all; those of the file that are not stay."""
    known = json.loads(FILE.read_text())["settings"] if FILE.exists() else {}
    for setting in sys.argv[1:] or SETTINGS:
        known[setting] = fit(setting)
        content = {
            "format": FORMAT,
            "made_by": "python -m tools.fit_energy",
            "technology": "tpe130",
            "training": list(TRAINING),
            "cycles": CYCLES,
            "settings": dict(sorted(known.items())),
        }
        Path(FILE).write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
