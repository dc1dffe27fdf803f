"""Another workload with its weights pruned to structured sparsity, `pruned:N:M:WORKLOAD`.

Of every M consecutive k of a column of weights the N of largest magnitude stay, as `tpe.prune`
leaves them. Nothing is trained anew, so that a network's metrics are those of pruning alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tpe.base.errors import TpeError, pick
from tpe.numbers.sparsity import PATTERNS, prune
from tpe.workloads import workload
from tpe.workloads.base import Gemm, Layer, Source, Workload
from tpe.workloads.lazy import LazyLayer, Operand

PATTERN = "pruned:N:M:WORKLOAD"


@dataclass(frozen=True, eq=False)
class PrunedWorkload(Workload):
    """The layers of `original` with pruned weights; driven as it is, so that its metrics are made.

    >>> found = load("pruned:2:4:gemm:1x1x8")
    >>> int((found.layers[0].weights != 0).sum()), found.name
    (4, 'pruned:2:4:gemm:1x1x8:uniform')
    """

    original: Workload
    sparsity: str

    def drive(self, gemm: Gemm) -> dict[str, float]:
        """Send every layer of the original through `gemm` with its weights pruned."""
        return self.original.drive(partial(_sent, gemm, self.sparsity))


def load(spec: str, **arguments: Any) -> PrunedWorkload:
    """The workload that `pruned:N:M:WORKLOAD` says; `arguments` as `tpe.workload` takes them.

    Raises TpeError for another pattern, and for weights with zero points.
    """
    parts = spec.split(":", 3)
    if len(parts) < 4:
        raise TpeError(f"workload '{spec}' is not legal: {PATTERN}, such as pruned:2:4:digits_mlp")
    sparsity = pick("sparsity", ":".join(parts[1:3]), PATTERNS)
    original = workload(parts[3], **arguments)
    layers = tuple(pruned_layer(layer, sparsity) for layer in original.layers)
    title = f"{original.title}, weights pruned {sparsity}"
    name = f"pruned:{sparsity}:{original.name}"
    return PrunedWorkload(name, title, original.source, layers, original, sparsity)


def pruned_layer(layer: Layer, sparsity: str) -> Layer:
    """A layer with its weights pruned; one that makes its operands later prunes them then."""
    source = f"{layer.operand_source}; weights pruned {sparsity}"
    if not isinstance(layer, LazyLayer):
        weights = prune(layer.weights, sparsity, axis=0)
        return Layer(layer.name, layer.op, layer.activations, weights, layer.repeat, source)
    if np.any(layer.b_zero):
        raise TpeError(f"layer '{layer.name}': weights with zero points are not pruned; legal: 0")
    activations, given = layer.sides
    make = partial(
        _pruned, given if isinstance(given, Operand) else partial(_same, given), sparsity
    )
    return LazyLayer(
        layer.name,
        layer.op,
        activations,
        Operand(layer.k, layer.n, make, kept=isinstance(given, Operand) and given.kept),
        layer.repeat,
        source,
        layer.a_type,
        layer.b_type,
        layer.a_zero,
        layer.b_zero,
    )


def _sent(gemm: Gemm, sparsity: str, layer: Layer) -> np.ndarray:
    return gemm(pruned_layer(layer, sparsity))


def _pruned(make: Callable[[], np.ndarray], sparsity: str) -> np.ndarray:
    return prune(make(), sparsity, axis=0)


def _same(matrix: np.ndarray) -> np.ndarray:
    return matrix


PRUNED = Source("Another workload, its weights pruned", load, pattern=PATTERN, model=True)
