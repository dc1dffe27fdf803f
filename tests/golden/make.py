"""Golden values: what must not move unless somebody means it, and the rules that they come from.

    python -m tests.golden.make [NAME ...]

writes them anew, all or those named: the files beside this one, and `rtl/gen` as `rtl`. A test
(`tests/golden/test_golden.py`) holds them to these rules; a commit that changes a file says why.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tpe
from tpe.array import combinations
from tpe.array.base import TERMS
from tpe.hdl.emit.package import emit_directory
from tpe.workloads import workload

HERE = Path(__file__).parent
GEN = HERE.parents[1] / "rtl" / "gen"
# The engines whose RTL is committed, by the name of their folder.
COMMITTED: dict[str, tuple[str, str, tuple[int, int]]] = {
    "opt1_os_4x4": ("opt1", "systolic_os", (4, 4)),
    "opt4c_2d_4x4": ("opt4c", "matrix2d", (4, 4)),
}
DRAWN = ("gemm:1x5x5", "gemm:1x5x5:normal:20", "gemm:2x3x4:normal:2.5")
TYPES = ("int2", "int8", "uint8", "int16", "uint16")
SEEDS = (0, 7)
PES = frozenset(
    "mac opt1 opt2 opt3 opt4c opt4e stripes laconic bitlet bitfusion pragmatic bitwave "
    "sibia".split()
)
SIZES = {2: (4, 3), 3: (4, 3, 2)}
GEMM = "gemm:9x40x7"


def operands() -> dict[str, Any]:
    """Operands that are drawn: with others, every cycle count that depends on them moves."""
    return {
        f"{spec} {number} seed {seed}": {
            "A": layer.activations.tolist(),
            "B": layer.weights.tolist(),
        }
        for spec in DRAWN
        for number in TYPES
        for seed in SEEDS
        for layer in workload(spec, seed=seed, a_type=number, b_type=number).layers
    }


def cycles() -> dict[str, Any]:
    """Cycles, where they went, and firings of every PE in every array that takes it."""
    found = {}
    for pe, array, refused in combinations():
        if pe.name in PES and refused is None:
            (layer,) = tpe.Engine(pe, array, SIZES[len(array.sides)]).run(GEMM).layers
            found[f"{pe.name} {array.name}"] = {
                "cycles": layer.cycles,
                "terms": {
                    t: str(getattr(layer.terms, t)) for t in TERMS if getattr(layer.terms, t)
                },
                "nonzero_digits": layer.nonzero_digits,
                "firings": dict(layer.firings),
            }
    return found


def metrics() -> dict[str, Any]:
    """What the built-in network gets right, with the committed weights, computed by numpy alone."""

    def gemm(layer: tpe.Layer) -> Any:
        return layer.activations.astype(int) @ layer.weights.astype(int)

    return {"digits_mlp": workload("digits_mlp").drive(gemm)}


FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "operands": operands,
    "cycles": cycles,
    "metrics": metrics,
}


def text(name: str) -> str:
    """What the file of that name holds: JSON, a line for every entry."""
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in FILES[name]().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def path(name: str) -> Path:
    """Where it lies."""
    return HERE / f"{name}.json"


def emit(name: str, folder: Path) -> None:
    """The RTL of a committed engine, into a new folder."""
    emit_directory(tpe.Engine(*COMMITTED[name]), folder, name)


def main() -> None:
    """Write them."""
    for name in sys.argv[1:] or [*FILES, "rtl"]:
        print(name, flush=True)
        if name != "rtl":
            path(name).write_text(text(name))
            continue
        for engine in COMMITTED:
            shutil.rmtree(GEN / engine, ignore_errors=True)
            emit(engine, GEN / engine)


if __name__ == "__main__":
    main()
