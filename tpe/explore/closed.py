"""Rows of engines whose cycles follow from shapes alone: thousands of sizes at once, as arrays.

A group is one PE in one array with one set of parameters, on one workload; its points differ in
their size. The array's rule of cycles is the one that a run takes (`Array.closed`), on arrays of
sides in place of single ones. Every column is what `Engine.run(..., values="none")` says, to the
last bit: what is counted is whole numbers, and a ratio of two of them is rounded once.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from tpe.array.base import Job
from tpe.array.closed import ClosedForm
from tpe.base.table import SCHEMA_VERSION
from tpe.model.engine import Engine
from tpe.model.rows import point_key
from tpe.model.schedule import bandwidth_of, shape_job
from tpe.model.unvalued import UnvaluedLayer
from tpe.version import __version__
from tpe.workloads import Workload

Ints = np.ndarray[Any, np.dtype[np.int64]]

_EXACT = 2**53  # integers up to this are floats
_ROOM = 2**62  # what sums of this size, and their products, are held in: 64 bits


def is_closed(engine: Engine, values: str) -> bool:
    """Whether the engine's cycles follow from shapes alone, and nothing else is asked for.

    >>> is_closed(Engine("mac"), "none"), is_closed(Engine("opt4c"), "none")
    (True, False)
    """
    if values != "none" or engine.scale_group:
        return False
    return engine.array.closed(shape_job(engine, 1, 1, 1)) is not None


def quotient(above: Any, below: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Ratios of integers, each rounded once: as Python divides them.

    >>> quotient(np.array([2**60 + 1, 1]), np.array([3, 3])).tolist() == [(2**60 + 1) / 3, 1 / 3]
    True
    """
    over, under = np.broadcast_arrays(np.asarray(above, np.int64), np.asarray(below, np.int64))
    result: np.ndarray[Any, np.dtype[np.float64]] = over / under
    large = np.flatnonzero((over > _EXACT) | (under > _EXACT))
    if len(large):
        pairs = zip(over[large].tolist(), under[large].tolist(), strict=True)
        result[large] = [x / y for x, y in pairs]
    return result


@dataclass(frozen=True, eq=False)
class ClosedGroup:
    """Engines that differ in their size alone, on a workload.

    engine  one of them, of any size
    """

    engine: Engine
    workload: Workload
    seed: int

    @cached_property
    def _layers(self) -> list[UnvaluedLayer]:
        """The layers as the engine sees them; TpeError as a run for those that it refuses."""
        self.engine.require_fed()
        return [UnvaluedLayer(self.engine, layer) for layer in self.workload.layers]

    @cached_property
    def _shapes(self) -> dict[tuple[int, int, int], int]:
        """(M, N, K), M that of the encoded operand, and how often each GEMM comes."""
        found: Counter[tuple[int, int, int]] = Counter()
        for one in self._layers:
            found[one.shape] += one.layer.repeat
        return dict(found)

    def fits(self, sides: Sequence[Ints]) -> bool:
        """Whether 64 bits hold all that is counted of arrays of these sides."""
        most = [int(side.max()) for side in sides]
        pes, edge = prod(most) * self.engine.k_tile, sum(most)
        planes = 64  # more than any PE streams
        bound = 0
        for (m, n, k), times in self._shapes.items():
            work = (m + edge) * (n + edge) * (k + pes + edge) * planes
            bound += times * (work + (m + 1) * (n + 1) * (4 * edge + 256) * pes)
        return bound < _ROOM

    def columns(self, sides: Sequence[Ints]) -> dict[str, Any]:
        """The columns of the flat table: of all points, or of each in an array.

        sides: of every array, as `Engine.size` has them.
        """
        engine = self.engine
        counted = self._counted(sides)
        grid = engine.array.grid(tuple(sides))  # type: ignore[arg-type]
        cells = grid.m * grid.n
        form, steps, busy = counted.form, counted.tile_steps, counted.busy
        total = form.steps + form.fill_drain + form.load
        if engine.stepped:  # cycles in which PEs are busy, padded rows included
            busy = form.useful * cells
        pes = cells * grid.chain * engine.widths.lanes
        slots = quotient(busy, total * pes)
        zero = 0.0
        macs = sum(m * n * k * times for (m, n, k), times in self._shapes.items())
        return {
            **self._facts(sides),
            **self._of_layers(),
            "macs": macs,
            "cycles": total,
            "cycles_estimated": False,
            "cycles_useful": quotient(form.useful, form.per),
            "cycles_empty_group": zero,
            "cycles_lane_sync": zero,
            "cycles_edge": quotient(form.steps * form.per - form.useful, form.per),
            "cycles_fill_drain": np.asarray(form.fill_drain, np.float64),
            "cycles_load": np.asarray(form.load, np.float64),
            "cycles_stall": zero,
            "cycles_per_operand": quotient(form.steps, steps),
            "mapping_efficiency": quotient(macs, steps * cells),
            "compute_utilization": slots,
            "overall_utilization": slots,
            **counted.bandwidth,
        }

    def _counted(self, sides: Sequence[Ints]) -> _Counted:
        """Sums over the layers."""
        engine, whole = self.engine, ClosedForm(0, 1, 0, 0, 0)
        grid = engine.array.grid(tuple(sides))  # type: ignore[arg-type]
        steps = busy = 0
        job: Job | None = None
        for (m, n, k), times in self._shapes.items():
            stored, used = engine.stored_k(k), engine.used_k(k)
            tile = (engine.widths, grid.m, grid.n, grid.chain)
            more = (engine.pe, engine.params, engine.selection, used)
            job = Job(*tile, m, n, stored, None, None, *more)
            form = engine.array.closed(job)
            assert form is not None
            staged = int(bool(engine.chain.staged))  # a register behind the array, once a GEMM
            whole = ClosedForm(
                whole.useful + form.useful * times,
                form.per,
                whole.steps + form.steps * times,
                whole.fill_drain + (form.fill_drain + staged) * times,
                whole.load + form.load * times,
            )
            steps = steps + job.tiles * k * times
            busy += m * n * used * times
        assert job is not None
        bits = zip(("a", "b"), bandwidth_of(engine, job), strict=True)
        return _Counted(whole, steps, busy, {f"operand_bits_per_cycle_{x}": y for x, y in bits})

    def _facts(self, sides: Sequence[Ints]) -> dict[str, Any]:
        """What the engines are, and what they run."""
        names = (*("rows", "cols", "depth")[: len(sides)], "pe_count")
        own = dict(zip(names, (*sides, prod(sides[1:], start=sides[0])), strict=True))
        return {
            "schema_version": SCHEMA_VERSION,
            "status": "ok",
            "tpe_version": __version__,
            "seed": self.seed,
            **self.engine.describe(),
            **own,
            "workload": self.workload.name,
            "layer": "total",
        }

    def _of_layers(self) -> dict[str, Any]:
        """Columns that are the same at every size."""
        layers = [one.layer for one in self._layers]
        sources = {layer.operand_source for layer in layers}
        own: dict[str, Any] = {"operand_source": sources.pop() if len(sources) == 1 else None}
        if len(layers) == 1:
            own |= {name: getattr(layers[0], name) for name in ("op", "m", "n", "k", "repeat")}
        return own

    def point_ids(self, sides: Sequence[Ints]) -> list[str]:
        """`point_id` of each, hashed from a text of which the sides alone are new."""
        prints = [one.fingerprint() for one in self._layers]
        names = ("rows", "cols", "depth", "pe_count")
        holes = {name: f"@{name}@" for name in names}
        identity = {**self.engine.describe(), **holes}
        text = point_key(identity, self.workload.name, self.seed, prints, __version__)
        for name in names:
            text = text.replace(f'"@{name}@"', f"\0{name}\0")
        parts = text.split("\0")
        assert parts[1::2] == sorted(names), parts[1::2]
        return _hashed([part.encode() for part in parts[::2]], sides)


@dataclass(frozen=True, eq=False)
class _Counted:
    """Sums over the layers of a workload: cycles, K of all tiles, and operands that are there."""

    form: ClosedForm
    tile_steps: Any
    busy: Any
    bandwidth: Mapping[str, Any]


def _hashed(texts: Sequence[bytes], sides: Sequence[Ints]) -> list[str]:
    """Hashes of the texts with cols, depth, the number of PEs and rows between them."""
    begin, *between, end = texts
    start = hashlib.sha256(begin)
    columns = [side.tolist() for side in sides]
    depths = columns[2] if len(columns) > 2 else [None] * len(columns[0])
    ids = []
    for rows, cols, depth in zip(columns[0], columns[1], depths, strict=True):
        shown = b"null" if depth is None else b"%d" % depth
        values = (b"%d" % cols, shown, b"%d" % (rows * cols * (depth or 1)), b"%d" % rows)
        hasher = start.copy()
        hasher.update(b"".join(chain.from_iterable(zip(values, (*between, end), strict=True))))
        ids.append(hasher.hexdigest()[:16])
    return ids
