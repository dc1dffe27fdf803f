"""Layers of a run as rows of the flat table: what is counted in them, and fractions of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import hypot, isfinite
from typing import Any

from tpe.array.base import TERMS, Cycles
from tpe.engine.spec import EngineSpec
from tpe.model.layer_run import Error, LayerRun


def layers_row(engine: EngineSpec, layers: Sequence[LayerRun], terms: Cycles) -> dict[str, Any]:
    """The columns of some layers together; `terms`: where their cycles went.

    Shapes and operand sources that differ are null.
    """
    shapes = {(layer.m, layer.n, layer.k, layer.repeat, layer.op) for layer in layers}
    m, n, k, repeat, op = shapes.pop() if len(layers) == 1 else (None,) * 5
    sources = {layer.operand_source for layer in layers}
    errors = [layer.error for layer in layers if layer.error is not None]
    error = sum(errors, Error()) if len(errors) == len(layers) else None
    spread = [layer.standard_error for layer in layers if layer.standard_error is not None]
    return {
        "op": op,
        "m": m,
        "n": n,
        "k": k,
        "repeat": repeat,
        "macs": sum(layer.macs for layer in layers),
        "operand_source": sources.pop() if len(sources) == 1 else None,
        "cycles": terms.total,
        "cycles_estimated": bool(spread),
        "cycles_standard_error": hypot(*spread) if spread else None,
        **{f"cycles_{term}": float(getattr(terms, term)) for term in TERMS},
        **_ratios(engine, layers, terms),
        **_exactness(error),
    }


def _exactness(error: Error | None) -> dict[str, Any]:
    """The columns of C against A @ B; none of them is known without values."""
    if error is None:
        return {}
    return {
        "exact": error.largest == 0,
        "max_abs_error_vs_exact": float(error.largest) if isfinite(error.largest) else None,
        "bias_relative": _relative(error),
    }


def _relative(error: Error) -> float | None:
    if not isfinite(error.total):
        return None
    return error.total / error.size if error.size else 0.0


def without_values(layers: Sequence[LayerRun]) -> str | None:
    """What a reader of the table has to know of layers without C; None if there is none."""
    bare = [layer for layer in layers if layer.error is None]
    if not bare:
        return None
    sampled = [layer for layer in bare if layer.standard_error is not None]
    which = "all layers" if len(bare) == len(layers) else f"{len(bare)} of {len(layers)} layers"
    line = f"values = none for {which}: no C, cycles "
    if not sampled:
        return line + "are exact."
    total = hypot(*(layer.standard_error or 0.0 for layer in sampled))
    of_all = total / sum(layer.cycles for layer in layers)
    return (
        f"{line}of {'all' if len(sampled) == len(layers) else len(sampled)} are ESTIMATED from "
        f"sampled tiles, standard error {total:,.0f} cycles ({of_all:.2g} of all)."
    )


def _ratios(
    engine: EngineSpec, layers: Sequence[LayerRun], terms: Cycles
) -> dict[str, float | None]:
    """Per-operand and utilisation columns: fractions of what the array could do in the cycles."""
    steps = sum(layer.tiles * layer.k for layer in layers)
    macs = sum(layer.macs for layer in layers)
    slots = steps * engine.grid.m * engine.grid.n
    operands = _encoded_operands(engine, layers)
    sparse = layers[0].nonzero_digits is not None
    digits = sum(layer.nonzero_digits or 0 for layer in layers)
    # A digit-serial PE is busy in the steps that hold a digit; N remainders leave columns idle.
    busy = (
        sum(Fraction(layer.nonzero_digits or 0) * _columns(engine, layer) for layer in layers)
        if sparse
        else sum(Fraction(layer.macs, layer.k) * engine.used_k(layer.k) for layer in layers)
    )
    if engine.stepped:  # busy cycles of PEs, padded rows included
        busy = terms.useful * engine.grid.m * engine.grid.n * engine.widths.lanes
    pes = engine.grid.m * engine.grid.n * engine.k_tile
    bandwidth = {layer.bandwidth for layer in layers}
    bits_a, bits_b = bandwidth.pop() if len(bandwidth) == 1 else (None, None)
    return {
        "cycles_per_operand": float(terms.compute / steps),
        "nonzero_digits_per_operand": digits / operands if sparse else None,
        "operand_bits_per_cycle_a": bits_a,
        "operand_bits_per_cycle_b": bits_b,
        "mapping_efficiency": macs / slots,
        "compute_utilization": float(busy / (terms.total - terms.stall) / pes),
        "overall_utilization": float(busy / Fraction(pes * terms.total)),
    }


def _columns(engine: EngineSpec, layer: LayerRun) -> Fraction:
    """Average busy columns in a tile of this layer."""
    _, n = engine.sides.pair(layer.m, layer.n)
    return Fraction(n, -(-n // engine.grid.n))


def _encoded_operands(engine: EngineSpec, layers: Sequence[LayerRun]) -> int:
    """Operands that were encoded: all of the encoded matrix, once per tile of the other side."""
    total = 0
    for layer in layers:
        m, n = engine.sides.pair(layer.m, layer.n)
        total += m * layer.k * layer.repeat * -(-n // engine.grid.n)
    return total


def point_id(
    identity: Mapping[str, Any], workload: str, seed: int, fingerprints: list[str], version: str
) -> str:
    """A short hash of what determines a run: engine, workload and its operands, seed, version."""
    key = point_key(identity, workload, seed, fingerprints, version)
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def point_key(
    identity: Mapping[str, Any], workload: str, seed: int, fingerprints: list[str], version: str
) -> str:
    """The text that `point_id` is the hash of."""
    parts = [identity, workload, seed, fingerprints, version]
    return json.dumps(parts, sort_keys=True, default=str)
