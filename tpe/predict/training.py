"""The tables that the models of cost learn from: of parts that were mapped, and of sparse cycles.

Both come from `python -m tools.predictor`, and stand in `models/` with the card of their scores.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from math import log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.base.files import data_folder
from tpe.engine.config import Config
from tpe.model.engine import Engine
from tpe.pe.paces import FreeRows, Groups, LockStep
from tpe.predict.features import features
from tpe.predict.table import read
from tpe.synth.area.designs import share_of, sized

if TYPE_CHECKING:
    import pandas as pd

SLACKS = (1.0, 1.25, 1.5, 2.0)  # clocks, as multiples of the shortest that all parts meet
COSTS = ("period_ns", *(f"area_um2@{slack:g}" for slack in SLACKS))
FACTS = ("pe", "array", "params", "cell")  # of a row of parts: what it is of, no inputs
PARTS, CYCLES = "parts_training.csv.gz", "cycles_training.csv.gz"
SAMPLE = (16, 512)  # rows of A, and operands of K, of which the steps of an operand are learned
Row = dict[str, Any]


# ---- parts ----


def part_row(line: Mapping[str, Any]) -> Row:
    """A line of `tpe.synth.area.part_table` as a row: inputs, and what its PE costs.

    The area is that of a PE in the array that was mapped: of what a row or a column shares its
    share. At every clock each part is the smallest that meets it.
    """
    engine = Config(line["pe"], line["array"], "4x4", **line["params"])
    one = sized(engine, (1,) * len(engine.size))  # a PE that shares nothing
    points = {kind: part["points"] for kind, part in line["parts"].items()}
    period = max(min(p[1] for p in own) for own in points.values())
    costs = [period]
    for slack in SLACKS:
        clock = period * slack * (1 + 1e-9)
        least = {kind: min(p[2] for p in own if p[1] <= clock) for kind, own in points.items()}
        costs.append(sum(area * share_of(kind, engine, one)[1] for kind, area in least.items()))
    params = json.dumps(line["params"], sort_keys=True)
    cell = line["parts"]["cell"]["made_from"]
    facts = dict(zip(FACTS, (line["pe"], line["array"], params, cell), strict=True))
    return facts | features(engine) | dict(zip(COSTS, costs, strict=True))


# ---- cycles ----


def is_data_dependent(engine: Config) -> bool:
    """Whether its cycles depend on operands' values; others are computed, never predicted."""
    pace = engine.pe.pace
    if isinstance(pace, LockStep):
        return pace.depends != "nothing"
    return isinstance(pace, FreeRows | Groups)


def cycle_inputs(engine: Config, m: int, n: int, k: int, steps: OperandSteps) -> Row:
    """Inputs of cycles: shape, array, and the steps of an operand with their spread over rows.

    `closed` is the closed form: the array's cycles on zeros, of a first tile and of each that
    follows it, and for every operand what it takes beyond a zero when it is alone.
    """
    rows, cols = engine.grid.m, engine.grid.n
    tiles = -(-m // rows) * -(-n // cols)
    pace = engine.pe.pace
    first, next_one = _on_zeros(engine, k)
    closed = first + (tiles - 1) * next_one + tiles * k * steps.beyond_zero
    depth = min(k, SAMPLE[1])
    return {
        "m": m,
        "n": n,
        "k": k,
        "rows": rows,
        "cols": cols,
        "tiles": tiles,
        "steps": steps.mean,
        "spread": steps.spread,
        "lead": steps.spread * sqrt(2 * log(rows) * depth / k),
        "zeros": tiles * next_one / closed,
        "lanes": engine.widths.lanes,
        "digits": engine.widths.digits,
        "group": engine.pe.group,
        "free": float(isinstance(pace, FreeRows)),
        "shadow": float(engine.pe.shadow),
        "in_pairs": float(isinstance(pace, LockStep) and pace.depends == "pairs"),
        "cells": rows * cols,
        "filled": m * n / (tiles * rows * cols),
        "closed": closed,
    }


@dataclass(frozen=True)
class OperandSteps:
    """Cycles that an operand takes alone in one PE.

    mean, spread -- over rows of A: the mean, and the standard deviation over it
    beyond_zero  -- the mean of what operands take that zeros do not
    """

    mean: float
    spread: float
    beyond_zero: float


def steps_of(engine: Config, a: Any, b: Any) -> OperandSteps:
    """The steps of operands of A (M, K) by B (K, N), from `SAMPLE` of A and a column of B.

    A row after the other goes through an array of 1 x 1 of the same PE, and a row of zeros.
    """
    one = _sized(engine, (1,) * len(engine.size))
    rows, depth = min(SAMPLE[0], a.shape[0]), min(SAMPLE[1], a.shape[1])
    part = b[:depth, :1]
    none = one.run(np.zeros_like(a[:1, :depth]), part, values="none").cycles
    taken = [one.run(a[i : i + 1, :depth], part, values="none").cycles for i in range(rows)]
    mean = float(np.mean(taken))
    return OperandSteps(mean / depth, float(np.std(taken)) / mean, (mean - none) / depth)


def _on_zeros(engine: Config, k: int) -> tuple[int, int]:
    """Cycles of a tile of zeros of so many k, and of another one behind it."""
    own, rows, cols = Engine.of(engine), engine.grid.m, engine.grid.n
    b = np.zeros((k, cols), np.int64)
    one, two = (own.run(np.zeros((t * rows, k), np.int64), b, values="none") for t in (1, 2))
    return one.cycles, two.cycles - one.cycles


def _sized(engine: Config, size: tuple[int, ...]) -> Engine:
    return Engine(engine.record, engine.array, size, **engine.params)


def cycle_row(engine: Engine, a: Any, b: Any) -> Row:
    """A GEMM that was run, as a row: what it is of, inputs, and its cycles."""
    (m, k), n = a.shape, b.shape[1]
    found = cycle_inputs(engine, m, n, k, steps_of(engine, a, b))
    params = json.dumps({k: v for k, v in engine.params.items() if k in ("encoder", "planes")})
    run = engine.run(a, b, values="none")
    return {"pe": engine.pe.name, "params": params, **found, "cycles": run.cycles}


# ---- files ----


@cache
def training(name: str) -> pd.DataFrame:
    """A table of `models/`; TpeError if it is not there."""
    path = data_folder("models") / name
    if not path.exists():
        raise TpeError(f"{path} is not there; python -m tools.predictor makes it, in a checkout")
    return read(path)


def group_numbers(values: Iterable[Any]) -> Any:
    """A number for each value that differs: groups of rows."""
    _, numbers = np.unique(np.array([str(value) for value in values]), return_inverse=True)
    return numbers.reshape(-1).astype(np.int64)
