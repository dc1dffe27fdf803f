"""What a model of area and clock knows of an engine: its nest's inventory, its widths, its choices.

An engine is described by the primitives of its nest, how many bits of each there are in a PE, and
by what every PE has: widths of operands and sums, lanes, registers. No PE is named. A nest of
one's own has all of that but registers, so that it is described alike, and priced alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log, log1p, prod
from typing import Any

import numpy as np

from tpe.engine.config import Config
from tpe.engine.parameters import parameters_of
from tpe.engine.spec import EngineSpec
from tpe.predict.table import Floats

K = 256  # operands of a sum, for which widths are needed
OPS = (
    *("encode", "sparse", "map", "shift", "half_reduce", "add", "accumulate", "sync"),
    *("select", "row"),
)
CHOICES = (  # that say how what an inventory names is built
    *("tree", "negate", "biased", "hold", "multiplier", "dot", "encoder", "encode_in", "planes"),
    *("shadow", "table", "normaliser", "align", "psum_form", "window", "carry_every"),
)


def features(engine: EngineSpec) -> dict[str, float]:
    """Inputs of a model, by name: of a PE of the engine, in its array, sums of K = 256.

    bits_OP and words_OP are logarithms of 1 plus the bits of a primitive's results, and of the
    words that enter them, for a PE; choices are places among a parameter's legal values.

    >>> found = features(Config("opt1", "matrix2d", "4x4"))
    >>> found["acc_bits"] == log(32), found["bits_half_reduce"] > found["bits_add"]
    (True, True)
    """
    cells = prod(engine.size)
    widths = engine.widths
    found = {f"{what}_{op}": 0.0 for op in OPS for what in ("bits", "words")}
    if engine.has_nest:
        found |= _inventory(engine, cells)
    found |= {
        "has_nest": float(engine.has_nest),
        "a_bits": log(widths.a),
        "b_bits": log(widths.b),
        "acc_bits": log(widths.acc),
        "digits": log(widths.digits),
        "lanes": log(widths.lanes),
        "product_bits": log(widths.a * widths.b * widths.lanes),
    }
    return found | _built(engine) | _choices(engine)


def _inventory(engine: EngineSpec, cells: int) -> dict[str, float]:
    totals: dict[str, float] = {}
    for unit in engine.inventory(k=K):
        op = unit.op if unit.op in OPS else "row"
        bits = unit.copies * unit.bits / cells
        totals[f"bits_{op}"] = totals.get(f"bits_{op}", 0.0) + bits
        totals[f"words_{op}"] = totals.get(f"words_{op}", 0.0) + bits * unit.fan_in
    return {name: log1p(x) for name, x in totals.items()}


def _built(engine: EngineSpec) -> dict[str, float]:
    """Registers: those of the psum, stages of cell and finish; a nest of one's own has one each."""
    if not isinstance(engine, Config):
        pair = any(step.op.name == "half_reduce" for step in engine.nest.steps)
        bits = engine.widths.acc * (2 if pair else 1)
        return {"psum_bits": log(bits), "latency": 0.0, "finish_latency": 0.0}
    pe = engine.pe
    return {
        "psum_bits": log(pe.kernel.psum.bits(engine.widths)),
        "latency": float(pe.latency(engine.params)),
        "finish_latency": float(pe.finish_latency(engine.params)),
    }


def _choices(engine: EngineSpec) -> dict[str, float]:
    legal: Mapping[str, Any] = {}
    if isinstance(engine, Config):
        legal = {p.name: list(p.legal) for p in parameters_of(engine.pe, engine.array)}
    return {
        f"choice_{name}": float(legal[name].index(engine.params[name]))
        if name in legal and engine.params.get(name) in legal[name]
        else 0.0
        for name in CHOICES
    }


def matrix(rows: Iterable[Mapping[str, float]], names: Iterable[str]) -> Floats:
    """(rows, names) of features; what a row has not is 0."""
    order = list(names)
    return np.array([[row.get(name, 0.0) for name in order] for row in rows], np.float64)
