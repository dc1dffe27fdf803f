"""Operands of a workload for one short simulation: its layers side by side along K.

Positions of K of one GEMM are shared among the layers by their multiply-accumulates. A layer gives
neighbouring positions of its own K, in blocks of neighbouring rows of A and columns of B, so that
an operand of A meets an operand of B of its own layer. Values are those that enter the array:
integers widened, zero points taken out. An output sums as many products as the workload's do on
average.

Which rows, columns and positions are taken follows from the seed alone, so that engines of equal
formats get equal operands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.task import layer_zeros, task_of
from tpe.numbers.floats import FloatFormat
from tpe.numbers.operands import Ints
from tpe.numbers.zero_points import coded
from tpe.workloads import Layer, Workload
from tpe.workloads.lazy import LazyLayer

POSITIONS = 2048  # of K that are kept, of all layers together
LINES = 512  # rows of A, and columns of B, that are kept of a layer
BLOCK = 32  # of which so many are neighbours
_KEYS = 2**63  # of random numbers, from here on: none that operands are drawn with


@dataclass(frozen=True, eq=False)
class LayerSample:
    """What is kept of a layer: A (`LINES`, positions) and B (positions, `LINES`), as seen."""

    macs: int
    a: Ints
    b: Ints


@dataclass(frozen=True, eq=False)
class Sample:
    """Operands of a workload's layers as an array sees them; `str` says whose they are.

    mean_k -- products of an output, the mean over all outputs
    """

    workload: str
    seed: int
    mean_k: float
    layers: tuple[LayerSample, ...]

    def __str__(self) -> str:
        return f"operands of {self.workload}, layers by their MACs"

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that `operands` gives."""
        found = hashlib.sha256(json.dumps([self.mean_k, [x.macs for x in self.layers]]).encode())
        for layer in self.layers:
            for side in (layer.a, layer.b):
                found.update(f"{side.shape}".encode())
                kind = side.dtype if side.dtype.kind == "f" else np.int32
                found.update(np.ascontiguousarray(side, kind).data)
        return found.hexdigest()[:32]

    def operands(self, m: int, n: int, k: int) -> tuple[Ints, Ints]:
        """A (M, K) and B (K, N), K shared among the layers.

        >>> lone = LayerSample(1, np.array([[1, 2]]), np.array([[3], [4]]))
        >>> [x.tolist() for x in Sample("net", 0, 2.0, (lone,)).operands(2, 1, 3)]
        [[[1, 2, 1], [1, 2, 1]], [[3], [4], [3]]]
        """
        counts = _shared([layer.macs for layer in self.layers], k)
        sides: list[list[Ints]] = [[], []]
        for layer, count in zip(self.layers, counts, strict=True):
            at = np.arange(count) % layer.a.shape[1]
            sides[0].append(layer.a[np.arange(m) % layer.a.shape[0]][:, at])
            sides[1].append(layer.b[at][:, np.arange(n) % layer.b.shape[1]])
        return np.concatenate(sides[0], axis=1), np.concatenate(sides[1], axis=0)


def sampled(workload: Workload, engine: Config, seed: int) -> Sample:
    """Operands of a workload as the array of an engine sees them.

    TpeError for operands that are too many to be made, and for formats or zero points that the
    engine does not take.
    """
    layers = workload.layers
    for layer in layers:
        if isinstance(layer, LazyLayer) and layer.too_large:
            raise TpeError(
                f"energy follows the operands, and those of layer '{layer.name}' "
                f"({layer.m} x {layer.n} x {layer.k}) are too many to be made"
            )
    macs = [layer.m * layer.n * layer.k * layer.repeat for layer in layers]
    outputs = sum(layer.m * layer.n * layer.repeat for layer in layers)
    counts = _shared(macs, POSITIONS)
    found = tuple(
        LayerSample(all_macs, *_kept(layer, engine, max(count, 1), (seed, _KEYS + i)))
        for i, (layer, all_macs, count) in enumerate(zip(layers, macs, counts, strict=True))
    )
    return Sample(workload.name, seed, sum(macs) / outputs, found)


def _shared(macs: Sequence[int], positions: int) -> list[int]:
    """How many of the positions each layer gets: its part of all, rounded so that the sum fits.

    >>> _shared([1, 1, 2], 8), _shared([1, 99], 4)
    ([2, 2, 4], [0, 4])
    """
    ends = np.cumsum(np.array(macs, np.float64)) / float(sum(macs))
    ends[-1] = 1.0
    owner = np.searchsorted(ends, (np.arange(positions) + 0.5) / positions, side="left")
    return [int(count) for count in np.bincount(owner, minlength=len(macs))]


def _kept(layer: Layer, engine: Config, count: int, key: tuple[int, int]) -> tuple[Ints, Ints]:
    """A and B of the lines and positions that are kept, as they enter the array."""
    task = task_of(layer)
    formats, mode = (engine.a_format, engine.b_format), engine.params["zero_points"]
    zeros = layer_zeros(layer, formats, mode)
    random = np.random.Philox(key=np.array(key, np.uint64))
    span = min(count, layer.k)
    start = int(random.random_raw() % (layer.k - span + 1))
    sides = []
    for x, zero, number in zip((task.a, task.b.T), (zeros[0], zeros[1].T), formats, strict=True):
        lines, turns = _lines(x.shape[0], random)
        at = (start + np.arange(span) + turns[:, None] * span) % layer.k
        values = x[lines[:, None], at]
        if not isinstance(number, FloatFormat):  # which has no zero points to take out
            own = zero[lines] if zero.size > 1 else zero
            values = np.asarray(coded(values, own, number, mode), np.int32)
        sides.append(np.ascontiguousarray(values))
    return sides[0], sides[1].T


def _lines(total: int, random: np.random.Philox) -> tuple[Ints, Ints]:
    """(which of `total` lines, by how many spans their K is shifted), `LINES` of both.

    Where there are fewer lines they come again, other positions of K in them: a network run on one
    input has one row, whose operands change all the same.
    """
    if total < LINES:
        number = np.arange(LINES)
        return number % total, number // total
    starts = (random.random_raw(LINES // BLOCK) % np.uint64(total - BLOCK + 1)).astype(np.int64)
    lines = (starts[:, None] + np.arange(BLOCK)).reshape(-1)
    return lines, np.zeros_like(lines)
