"""What a run returns: values, cycles and where they went, firings; as rows and frames."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.array.base import TERMS, Cycles
from tpe.operands import Ints
from tpe.table import SCHEMA_VERSION, full_row, to_frame
from tpe.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from tpe.engine import Engine
    from tpe.zero_points import Seen


@dataclass(frozen=True)
class Error:
    """How far C is from A @ B: the largest distance, and sums to take relative bias from."""

    largest: int = 0
    total: int = 0  # sum of C - exact
    size: int = 0  # sum of |exact|; 0 if nothing differs

    def __add__(self, other: Error) -> Error:
        return Error(
            max(self.largest, other.largest), self.total + other.total, self.size + other.size
        )

    @classmethod
    def of(cls, c: Ints, exact: Ints) -> Error:
        """The error of `c` (M, N); free if it is the exact array itself."""
        if c is exact:
            return cls()
        difference = c - exact
        if not difference.any():
            return cls()
        largest, total = int(np.abs(difference).max()), int(difference.sum())
        return cls(largest, total, int(np.abs(exact).sum()))


@dataclass(frozen=True, eq=False)
class LayerRun:
    """One layer of a run. C (M, N) int64 is one GEMM's; every count is over all `repeat`."""

    name: str
    op: str
    m: int
    n: int
    k: int
    repeat: int
    operand_source: str
    C: Ints = field(repr=False)
    terms: Cycles
    nonzero_digits: int | None
    firings: Mapping[str, int]
    tiles: int
    bandwidth: tuple[int | None, int | None]
    error: Error
    fingerprint: str  # of the operands and the handshake
    overflowed: bool = False  # a sum did not fit `acc_bits`
    row_steps: int | None = None  # of all rows of a sparse PE, with and without a digit
    pe_pj: float | None = None  # energy of the PEs, None where it is not known

    @property
    def cycles(self) -> int:
        """Clock cycles of the layer."""
        return self.terms.total

    @property
    def macs(self) -> int:
        """Multiplications of the layer."""
        return self.m * self.n * self.k * self.repeat


@dataclass(frozen=True, eq=False)
class Run:
    """The result of `Engine.run`: `layers` in order, and a network's metrics (accuracy)."""

    engine: Engine
    workload: str
    seed: int
    layers: tuple[LayerRun, ...]
    metrics: Mapping[str, float]
    command: str = ""

    @property
    def C(self) -> Ints:  # noqa: N802 -- the matrix is called C
        """The result of the only layer, or of the last one."""
        return self.layers[-1].C

    @property
    def overflowed(self) -> bool:
        """Whether a sum did not fit `acc_bits`: the RTL's overflow_o, where it has one."""
        return any(layer.overflowed for layer in self.layers)

    @property
    def cycles(self) -> int:
        """Clock cycles of all layers."""
        return self.terms.total

    @cached_property
    def terms(self) -> Cycles:
        """Where the cycles of all layers went."""
        return sum((layer.terms for layer in self.layers), Cycles())

    @cached_property
    def firings(self) -> dict[str, int]:
        """Firings of every primitive over all layers."""
        total: dict[str, int] = {}
        for layer in self.layers:
            for op, count in layer.firings.items():
                total[op] = total.get(op, 0) + count
        return total

    def rows(self) -> list[dict[str, Any]]:
        """One row of the flat table per layer."""
        return [self._row([layer], layer.name) for layer in self.layers]

    def totals(self) -> dict[str, Any]:
        """The row of all layers together; shapes and operand sources that differ are null."""
        return self._row(list(self.layers), "total")

    def to_frame(self) -> pd.DataFrame:
        """The layers as a data frame with the columns of `tpe.table.COLUMNS`."""
        return to_frame(self.rows())

    def to_json(self) -> dict[str, Any]:
        """`schema_version`, `command`, `engine`, `layers`, `totals`, `firings`, `metrics`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "command": self.command,
            "engine": self.engine.describe(),
            "layers": [{**row, "firings": dict(layer.firings)} for row, layer in self._pairs()],
            "totals": {**self.totals(), "firings": self.firings},
            "metrics": dict(self.metrics),
        }

    def _pairs(self) -> list[tuple[dict[str, Any], LayerRun]]:
        return list(zip(self.rows(), self.layers, strict=True))

    def _row(self, layers: list[LayerRun], name: str) -> dict[str, Any]:
        engine = self.engine
        identity = engine.describe()
        terms = sum((layer.terms for layer in layers), Cycles())
        shapes = {(layer.m, layer.n, layer.k, layer.repeat, layer.op) for layer in layers}
        m, n, k, repeat, op = shapes.pop() if len(layers) == 1 else (None,) * 5
        sources = {layer.operand_source for layer in layers}
        error = sum((layer.error for layer in layers), Error())
        prints = [layer.fingerprint for layer in self.layers]
        return full_row(
            {
                "schema_version": SCHEMA_VERSION,
                "point_id": point_id(identity, self.workload, self.seed, prints),
                "status": "ok",
                "tpe_version": __version__,
                "seed": self.seed,
                "command": self.command or None,
                **identity,
                "workload": self.workload,
                "layer": name,
                "op": op,
                "m": m,
                "n": n,
                "k": k,
                "repeat": repeat,
                "macs": sum(layer.macs for layer in layers),
                "operand_source": sources.pop() if len(sources) == 1 else None,
                "cycles": terms.total,
                **{f"cycles_{term}": float(getattr(terms, term)) for term in TERMS},
                **_ratios(engine, layers, terms),
                **_energy(engine, layers),
                "exact": error.largest == 0,
                "max_abs_error_vs_exact": float(error.largest),
                "bias_relative": error.total / error.size if error.size else 0.0,
                "accuracy": self.metrics.get("accuracy") if name == "total" else None,
            }
        )


def priced(engine: Engine, layer: LayerRun, seen: Seen) -> LayerRun:
    """The layer with the energy of its PEs, where a table was fitted to the engine."""
    from tpe.synth.energy import cycle_fj

    each = cycle_fj(engine, seen.a, seen.b, layer)
    pes = engine.grid.m * engine.grid.n * engine.grid.chain
    return layer if each is None else replace(layer, pe_pj=each * layer.cycles * pes / 1000)


def _energy(engine: Engine, layers: list[LayerRun]) -> dict[str, Any]:
    """The columns of the energy of the PEs; of the buffers' and the memory's none is known."""
    known = [layer.pe_pj for layer in layers if layer.pe_pj is not None]
    if len(known) < len(layers):
        return {}
    from tpe.synth.energy import LIBRARY, source

    per_mac = 1000 * sum(known) / sum(layer.macs for layer in layers)
    columns = {"energy_pe_pj": sum(known), "energy_fj_per_mac": per_mac}
    return {
        **columns,
        "library": LIBRARY,
        "cost_source": source(engine),
        "activity_source": "toggles",
    }


def _ratios(engine: Engine, layers: list[LayerRun], terms: Cycles) -> dict[str, float | None]:
    """Per-operand and utilisation columns: fractions of what the array could do in the cycles."""
    steps = sum(Fraction(layer.tiles * layer.k) for layer in layers)
    macs = sum(layer.macs for layer in layers)
    slots = sum(layer.tiles * layer.k for layer in layers) * engine.grid.m * engine.grid.n
    operands = _encoded_operands(engine, layers)
    sparse = layers[0].nonzero_digits is not None
    digits = sum(layer.nonzero_digits or 0 for layer in layers)
    # A digit-serial PE is busy in the steps that hold a digit; N remainders leave columns idle.
    busy = (
        sum(Fraction(layer.nonzero_digits or 0) * _columns(engine, layer) for layer in layers)
        if sparse
        else Fraction(macs)
    )
    if engine.pe is not None and engine.pe.stepped:  # busy cycles of PEs, padded rows included
        busy = terms.useful * engine.grid.m * engine.grid.n * engine.widths.lanes
    pes = engine.grid.m * engine.grid.n * engine.grid.chain * engine.widths.lanes
    bandwidth = {layer.bandwidth for layer in layers}
    bits_a, bits_b = bandwidth.pop() if len(bandwidth) == 1 else (None, None)
    return {
        "cycles_per_operand": float(terms.compute / steps),
        "nonzero_digits_per_operand": digits / operands if sparse else None,
        "operand_bits_per_cycle_a": bits_a,
        "operand_bits_per_cycle_b": bits_b,
        "mapping_efficiency": macs / slots,
        "compute_utilization": float(busy / (pes * (terms.total - terms.stall))),
        "overall_utilization": float(busy / (pes * terms.total)),
    }


def _columns(engine: Engine, layer: LayerRun) -> Fraction:
    """Average busy columns in a tile of this layer."""
    n = layer.m if engine.params["encode"] == "weights" else layer.n
    return Fraction(n, -(-n // engine.grid.n))


def _encoded_operands(engine: Engine, layers: list[LayerRun]) -> int:
    """Operands that were encoded: all of the encoded matrix, once per tile of the other side."""
    total = 0
    for layer in layers:
        swap = engine.params["encode"] == "weights"
        m, n = (layer.n, layer.m) if swap else (layer.m, layer.n)
        total += m * layer.k * layer.repeat * -(-n // engine.grid.n)
    return total


def point_id(identity: Mapping[str, Any], workload: str, seed: int, fingerprints: list[str]) -> str:
    """A short hash of what determines a run: engine, workload and its operands, seed, version."""
    parts = [identity, workload, seed, fingerprints, __version__]
    key = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(key.encode()).hexdigest()[:16]
