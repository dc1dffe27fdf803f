"""What a run returns: values, cycles and where they went, firings; as rows and frames."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cached_property
from math import hypot, inf, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.array.base import TERMS, Cycles
from tpe.base.errors import TpeError
from tpe.base.table import SCHEMA_VERSION, full_row, to_frame
from tpe.numbers.operands import Ints
from tpe.version import __version__
from tpe.workloads.assumed import assumed_line

if TYPE_CHECKING:
    import pandas as pd

    from tpe.model.engine import Engine


@dataclass(frozen=True)
class Error:
    """How far C is from A @ B: the largest distance, and sums to take relative bias from.

    Floats, and infinite, where C or A @ B has an infinity or a NaN.
    """

    largest: float = 0
    total: float = 0  # sum of C - exact
    size: float = 0  # sum of |exact|; 0 if nothing differs

    def __add__(self, other: Error) -> Error:
        return Error(
            max(self.largest, other.largest), self.total + other.total, self.size + other.size
        )

    @classmethod
    def of(cls, c: Ints, exact: Ints) -> Error:
        """The error of `c` (M, N); free if it is the exact array itself."""
        if c is exact:
            return cls()
        with np.errstate(invalid="ignore"):
            difference = c - exact
        if not difference.any():
            return cls()
        if not np.isfinite(difference).all():
            return cls(inf, inf, 1)
        largest, total = np.abs(difference).max().item(), difference.sum().item()
        return cls(largest, total, np.abs(exact).sum().item())


@dataclass(frozen=True, eq=False)
class LayerRun:
    """One layer of a run. C (M, N) int64 is one GEMM's; every count is over all `repeat`.

    Without values (`values` = "none") C, `error` and `overflowed` are None. `standard_error`: of
    `cycles` where they are estimated from a sample of tiles; None where they are exact. Firings
    that then depend on operands are None too.
    """

    name: str
    op: str
    m: int
    n: int
    k: int
    repeat: int
    operand_source: str
    C: Ints | None = field(repr=False)  # None: not computed, or not kept in a saved run
    terms: Cycles
    nonzero_digits: int | None
    firings: Mapping[str, int | None]
    tiles: int
    bandwidth: tuple[int | None, int | None]
    error: Error | None
    fingerprint: str  # of the operands and the handshake
    overflowed: bool | None = False  # a sum did not fit `acc_bits`
    row_steps: int | None = None  # of all rows of a sparse PE, with and without a digit
    pe_pj: float | None = None  # energy of the PEs, None where it is not known
    no_energy: str | None = None  # why it is not, where it was asked for
    library: str | None = None  # that `pe_pj` is of
    cost_source: str | None = None  # where it is from, in words
    standard_error: float | None = None

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
    version: str = __version__  # of the tpe that ran it

    def __repr__(self) -> str:
        from tpe.model.shown import run_text

        return run_text(self)

    def _repr_html_(self) -> str:
        from tpe.model.shown import run_html

        return run_html(self)

    def __getstate__(self) -> dict[str, Any]:  # rows are made again where they are needed
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def summary(self) -> pd.DataFrame:
        """A dozen columns: a row per layer, and one of all layers together."""
        from tpe.model.shown import run_summary

        return run_summary(self)

    def save(self, path: str | os.PathLike[str], values: bool = False) -> None:
        """Write the run into a JSON file that `load` reads; with `values` every C too.

        Raises TpeError if the file cannot be written, or if its engine could not be made again:
        one from a nest, or of a PE or array of your own.
        """
        from tpe.model.saved import save_run

        save_run(self, path, values)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Run:
        """The run in a file that `save` wrote: the same rows, frames and totals.

        Raises TpeError, one line that names the file: not there, not a saved run, of a newer tpe.
        """
        from tpe.model.saved import load_run

        return load_run(path)

    @property
    def C(self) -> Any:  # noqa: N802 -- the matrix is called C
        """The result of the only layer, or of the last one: int64, None without values.

        TpeError if the run was saved without its values.
        """
        last = self.layers[-1]
        if last.C is None and last.error is not None:
            raise TpeError("C is not in this run; legal: a run saved with values=True")
        return self.layers[-1].C

    @property
    def overflowed(self) -> bool | None:
        """Whether a sum did not fit `acc_bits`: the RTL's overflow_o, where it has one.

        None if a layer has no values, and no other layer's did overflow.
        """
        found = {layer.overflowed for layer in self.layers}
        return True if True in found else None if None in found else False

    @property
    def assumed(self) -> str | None:
        """The line that says which operands are assumed, and how they are drawn; None if none."""
        return assumed_line((layer.name, layer.operand_source) for layer in self.layers)

    @property
    def estimated(self) -> bool:
        """Whether the cycles of a layer are estimated from a sample."""
        return any(layer.standard_error is not None for layer in self.layers)

    @property
    def without_values(self) -> str | None:
        """The line that says which layers have no C, and which cycles are estimates."""
        return _without_values(self.layers)

    @property
    def cycles(self) -> int:
        """Clock cycles of all layers."""
        return self.terms.total

    @cached_property
    def terms(self) -> Cycles:
        """Where the cycles of all layers went."""
        return sum((layer.terms for layer in self.layers), Cycles())

    @cached_property
    def firings(self) -> dict[str, int | None]:
        """Firings of every primitive over all layers; None if a layer's are not known."""
        total: dict[str, int | None] = {}
        for layer in self.layers:
            for op, count in layer.firings.items():
                before = total.get(op, 0)
                total[op] = None if before is None or count is None else before + count
        return total

    def rows(self, layers: Iterable[LayerRun] | None = None) -> list[dict[str, Any]]:
        """One row of the flat table per layer, of all of them or of some of this run's."""
        chosen = self.layers if layers is None else layers
        return [self._row([layer], layer.name) for layer in chosen]

    def totals(self) -> dict[str, Any]:
        """The row of all layers together; shapes and operand sources that differ are null."""
        return self._row(list(self.layers), "total")

    def to_frame(self) -> pd.DataFrame:
        """The layers as a data frame with the columns of `tpe.base.table.COLUMNS`."""
        return to_frame(self.rows())

    def to_json(self, rows: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
        """`schema_version`, `command`, `engine`, `layers`, `totals`, `firings`, `metrics`.

        Then `assumed_operands` and `without_values`, the lines that go with every table, or null.
        `rows`: those of `rows()`, if they are at hand.
        """
        pairs = zip(self.rows() if rows is None else rows, self.layers, strict=True)
        return {
            "schema_version": SCHEMA_VERSION,
            "command": self.command,
            "engine": self.engine.describe(),
            "layers": [
                {**row, "firings": dict(layer.firings), "no_energy": layer.no_energy}
                for row, layer in pairs
            ],
            "totals": {**self.totals(), "firings": self.firings},
            "metrics": dict(self.metrics),
            "assumed_operands": self.assumed,
            "without_values": self.without_values,
        }

    @cached_property
    def _shared(self) -> dict[str, Any]:
        """The columns that are the same in every row of the run."""
        identity = self.engine.describe()
        prints = [layer.fingerprint for layer in self.layers]
        return {
            "schema_version": SCHEMA_VERSION,
            "point_id": point_id(identity, self.workload, self.seed, prints, self.version),
            "status": "ok",
            "tpe_version": self.version,
            "seed": self.seed,
            "command": self.command or None,
            **identity,
            "workload": self.workload,
        }

    def _row(self, layers: list[LayerRun], name: str) -> dict[str, Any]:
        engine = self.engine
        terms = layers[0].terms if len(layers) == 1 else self.terms
        shapes = {(layer.m, layer.n, layer.k, layer.repeat, layer.op) for layer in layers}
        m, n, k, repeat, op = shapes.pop() if len(layers) == 1 else (None,) * 5
        sources = {layer.operand_source for layer in layers}
        errors = [layer.error for layer in layers if layer.error is not None]
        error = sum(errors, Error()) if len(errors) == len(layers) else None
        spread = [layer.standard_error for layer in layers if layer.standard_error is not None]
        return full_row(
            {
                **self._shared,
                "layer": name,
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
                **_energy(layers),
                **_exactness(error),
                "accuracy": self.metrics.get("accuracy") if name == "total" else None,
            }
        )


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


def repeated(firings: Mapping[str, int | None], times: int) -> dict[str, int | None]:
    """Firings of equal GEMMs; what is not known of one is not known of all."""
    return {op: None if count is None else count * times for op, count in firings.items()}


def _without_values(layers: Sequence[LayerRun]) -> str | None:
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


def _energy(layers: list[LayerRun]) -> dict[str, Any]:
    """The columns of the energy of the PEs; of the buffers' and the memory's none is known."""
    known = [layer.pe_pj for layer in layers if layer.pe_pj is not None]
    if len(known) < len(layers):
        return {}
    per_mac = 1000 * sum(known) / sum(layer.macs for layer in layers)
    columns = {"energy_pe_pj": sum(known), "energy_fj_per_mac": per_mac}
    return {
        **columns,
        "library": layers[0].library,
        "cost_source": layers[0].cost_source,
        "activity_source": "toggles",
    }


def _ratios(engine: Engine, layers: list[LayerRun], terms: Cycles) -> dict[str, float | None]:
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
        "compute_utilization": float(busy / (terms.total - terms.stall) / pes),
        "overall_utilization": float(busy / Fraction(pes * terms.total)),
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


def point_id(
    identity: Mapping[str, Any], workload: str, seed: int, fingerprints: list[str], version: str
) -> str:
    """A short hash of what determines a run: engine, workload and its operands, seed, version."""
    parts = [identity, workload, seed, fingerprints, version]
    key = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(key.encode()).hexdigest()[:16]
