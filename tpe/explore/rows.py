"""Points as rows of the flat table: pure, the same in any process and in any company.

Points that differ in clock or library alone are run once; those of one workload go through it
layer by layer together, and share what their operands say: digit counts of a layer are made once
for all sizes and arrays (`tpe.base.shared`).
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tpe.base.errors import TpeError
from tpe.base.shared import sharing
from tpe.base.table import SCHEMA_VERSION, full_row
from tpe.explore.design import DesignPoint, files_of
from tpe.explore.prices import followed, priced
from tpe.model.engine import Engine, Run
from tpe.model.layer_run import LayerRun
from tpe.version import __version__
from tpe.workloads import Workload

Row = dict[str, Any]

NO_MEMORY = "not enough memory for this; legal: a smaller workload, or values = none"


def rows_of(points: Sequence[DesignPoint]) -> list[Row]:
    """The row of every point; of one that is refused, status, reason and what was asked for.

    >>> small = [DesignPoint("mac", "matrix2d", size, (), "gemm:8x8x8") for size in ("4x4", "4x0")]
    >>> [(row["status"], row["cycles"]) for row in rows_of(small)]
    [('ok', 60), ('refused', None)]
    """
    built: dict[DesignPoint, Engine | TpeError] = {}
    for point in points:
        try:
            built[point] = point.engine()
        except TpeError as error:
            built[point] = error
    runs = _runs((point, made) for point, made in built.items() if isinstance(made, Engine))
    return [_row(point, built[point], runs) for point in points]


def refused_row(point: DesignPoint, reason: str, engine: Engine | None = None) -> Row:
    """The row of a point that cannot be built or run."""
    known = engine.describe() if engine else _asked(point)
    return full_row(
        {
            "schema_version": SCHEMA_VERSION,
            "status": "refused",
            "reason": reason,
            "tpe_version": __version__,
            "seed": point.seed,
            **known,
            "workload": point.workload,
            "layer": "total",
            "library": point.library,
            "clock_ns": point.clock_ns,
        }
    )


def _asked(point: DesignPoint) -> Row:
    """What is said of an engine that there is not, as columns."""
    sides = (point.size or "").split("x")
    sizes = (
        dict(zip(("rows", "cols", "depth"), map(int, sides), strict=False))
        if all(side.isdecimal() for side in sides)
        else {}
    )
    params = json.dumps(dict(point.parameters), sort_keys=True)
    return {"pe": point.pe, "array": point.array, **sizes, "params_json": params}


def _row(point: DesignPoint, made: Engine | TpeError, runs: dict[Hashable, Any]) -> Row:
    if isinstance(made, TpeError):
        return refused_row(point, str(made))
    outcome = runs[_run_key(point, made)]
    if isinstance(outcome, str):
        return refused_row(point, outcome, made)
    if point.library is None:
        return dict(outcome)
    return {**outcome, **followed(outcome, priced(made, point.library, point.clock_ns))}


def _run_key(point: DesignPoint, engine: Engine) -> Hashable:
    return (point.workload, point.seed, point.values, engine)


def _runs(pairs: Iterable[tuple[DesignPoint, Engine]]) -> dict[Hashable, Row | str]:
    """The totals of every run that points need, once, by `_run_key`; or why there is none."""
    together: dict[tuple[str, int, str, tuple[str, str]], dict[Hashable, Engine]] = {}
    for point, engine in pairs:
        types = (engine.params["a_type"], engine.params["b_type"])
        what = (point.workload, point.seed, point.values, types)
        together.setdefault(what, {})[_run_key(point, engine)] = engine
    outcomes: dict[Hashable, Row | str] = {}
    for (name, seed, values, types), engines in together.items():
        try:
            workload = loaded(name, seed, types)
        except TpeError as error:
            outcomes |= dict.fromkeys(engines, str(error))
            continue
        totals = _totals(list(engines.values()), workload, seed, values)
        outcomes |= dict(zip(engines, totals, strict=True))
    return outcomes


def loaded(name: str, seed: int, types: tuple[str, str]) -> Workload:
    """A workload by its name, its generated operands in these formats; the last few are kept."""
    return _loaded(name, seed, types, files_of(name))


@lru_cache(maxsize=8)
def _loaded(name: str, seed: int, types: tuple[str, str], files: Hashable) -> Workload:
    from tpe.workloads import workload

    return workload(name, seed=seed, a_type=types[0], b_type=types[1])


def _totals(
    engines: Sequence[Engine], workload: Workload, seed: int, values: str
) -> list[Row | str]:
    """The total row of every engine, or why it does not run the workload."""
    if values == "none":
        return _together(engines, workload, seed)
    found: list[Row | str] = []
    for engine in engines:
        try:
            found.append(engine.run(workload, seed=seed, values=values).totals())
        except TpeError as error:
            found.append(str(error))
        except MemoryError:
            found.append(NO_MEMORY)
    return found


@dataclass
class _Course:
    """An engine on its way through a workload."""

    engine: Engine
    layers: list[LayerRun]
    reason: str | None = None


def _together(engines: Sequence[Engine], workload: Workload, seed: int) -> list[Row | str]:
    """The same without values, layer by layer: engines share what its operands say."""
    courses = [_Course(engine, []) for engine in engines]
    for layer in workload.layers:
        with sharing():
            for course in courses:
                if course.reason is not None:
                    continue
                try:
                    course.engine.require_fed()
                    course.layers.append(course.engine.unvalued_layer(layer))
                except TpeError as error:
                    course.reason = str(error)
                except MemoryError:
                    course.reason = NO_MEMORY
    return [
        course.reason or Run(course.engine, workload.name, seed, tuple(course.layers), {}).totals()
        for course in courses
    ]
