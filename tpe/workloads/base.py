"""Layers and workloads: the GEMMs an engine is asked to run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.matrices import INT64_MAX, as_matrix, is_int, magnitude, owned, shape_text


# Compared by identity: comparing arrays elementwise has no single truth value.
@dataclass(frozen=True, eq=False)
class Layer:
    """One GEMM: C[M, N] = activations[M, K] @ weights[K, N], `repeat` times.

    Whatever integers are given, the layer keeps its own read-only int64 copies: a narrow type
    would wrap silently in numpy's `@`, and a layer may be shared.

    name            printable text, unique in its workload
    op              "gemm", "fc", ...
    activations     (M, K) integers within int64
    weights         (K, N) integers within int64
    repeat          groups of identical shape, >= 1
    operand_source  where the values come from, a column of every result

    Errors: `TpeError` naming the layer and the side: not two-dimensional, not integers (NaN is
    located), a dimension of 0, masked, inner dimensions that differ.

    >>> fc1 = Layer("fc1", "fc", [[1, 2, 3]], [[1, 0], [0, 1], [1, 1]], repeat=2)
    >>> fc1.m, fc1.n, fc1.k, fc1.macs
    (1, 2, 3, 12)
    >>> Layer("fc1", "fc", [[1, 2, 3]], [[0.5], [1.0], [2.0]])
    Traceback (most recent call last):
    tpe.TpeError: layer 'fc1': weights are float64; legal: integers (quantise them first)
    """

    name: str
    op: str
    activations: np.ndarray
    weights: np.ndarray
    repeat: int = 1
    operand_source: str = "given"

    def __post_init__(self) -> None:
        check_label(self.name, "layer name")
        where = f"layer '{self.name}'"
        check_label(self.op, f"{where}: op")
        check_label(self.operand_source, f"{where}: operand_source")
        if not is_int(self.repeat) or self.repeat < 1:
            raise TpeError(f"{where}: repeat is {self.repeat!r}; legal: an integer >= 1")
        activations = checked_operand(self.activations, f"{where}: activations", "M x K")
        weights = checked_operand(self.weights, f"{where}: weights", "K x N")
        if activations.shape[1] != weights.shape[0]:
            raise TpeError(
                f"{where}: activations are {shape_text(activations)} and weights "
                f"{shape_text(weights)}; legal: M x K and K x N with the same K"
            )
        object.__setattr__(self, "repeat", int(self.repeat))
        object.__setattr__(self, "activations", activations)
        object.__setattr__(self, "weights", weights)

    @property
    def m(self) -> int:
        """Rows of the activations and of the result."""
        return int(self.activations.shape[0])

    @property
    def n(self) -> int:
        """Columns of the weights and of the result."""
        return int(self.weights.shape[1])

    @property
    def k(self) -> int:
        """Length of each sum."""
        return int(self.activations.shape[1])

    @property
    def macs(self) -> int:
        """Multiplications of the layer: m * n * k * repeat."""
        return self.m * self.n * self.k * self.repeat


Gemm: TypeAlias = Callable[[Layer], np.ndarray]
"""An engine as a workload sees it: takes a layer, returns its C, (M, N) integers."""


@dataclass(frozen=True, eq=False)
class Workload:
    """Named layers, in the order they run.

    layers   as they stand with exact arithmetic; at least one, names unique
    metrics  (class attribute) the names of what `drive` returns; a plain list of GEMMs has none

    Errors: `TpeError` naming the workload.

    >>> pair = Workload.from_arrays({"fc1": ([[1, 2]], [[3], [4]]), "fc2": ([[5]], [[6]])})
    >>> [layer.name for layer in pair.layers]
    ['fc1', 'fc2']
    >>> pair.drive(exact_gemm)
    {}
    """

    name: str
    title: str
    source: str
    layers: tuple[Layer, ...]

    metrics: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_label(self.name, "workload name")
        layers = tuple(self.layers)
        if not layers:
            raise TpeError(f"workload '{self.name}' has no layers; legal: at least one")
        for index, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TpeError(
                    f"workload '{self.name}': layers[{index}] is a {type(layer).__name__}; "
                    "legal: tpe.workloads.Layer"
                )
        names = Counter(layer.name for layer in layers)
        twice = sorted(name for name, count in names.items() if count > 1)
        if twice:
            raise TpeError(
                f"workload '{self.name}': two layers are called '{twice[0]}'; legal: unique names"
            )
        object.__setattr__(self, "layers", layers)

    def drive(self, gemm: Gemm) -> dict[str, float]:
        """Send every layer through `gemm`, in order, and return the metrics of the result.

        A network overrides this to feed each layer's C into the next, so that an approximate
        engine shows in its metrics; the layers it sends then differ from `layers` in their
        activations only. Errors: `TpeError` if `gemm` returns another shape or non-integers.
        """
        for layer in self.layers:
            run_layer(gemm, layer)
        return {}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], name: str = "arrays") -> Workload:
        """A workload of plain GEMMs from {layer name: (A, B)}, in the mapping's order.

        A is the activations (M, K), B the weights (K, N): integer arrays or nested lists.
        Errors: `TpeError` for an empty mapping, a value that is no pair, or a bad layer.
        """
        if not isinstance(arrays, Mapping):
            raise TpeError(
                f"arrays is a {type(arrays).__name__}; legal: a mapping of layer name to (A, B)"
            )
        layers = []
        for key, pair in arrays.items():
            try:
                activations, weights = pair
            except (TypeError, ValueError):
                raise TpeError(
                    f"layer {key!r}: the value is not a pair; "
                    "legal: (A, B), activations M x K and weights K x N"
                ) from None
            layers.append(Layer(key, "gemm", activations, weights))
        # `Workload`, not `cls`: a network needs more than arrays.
        return Workload(name, "Given arrays", "given", tuple(layers))


def exact_gemm(layer: Layer) -> np.ndarray:
    """C = activations @ weights in int64, (M, N).

    Errors: `TpeError` if the operands are so large that a sum could leave int64.

    >>> exact_gemm(Layer("fc1", "fc", [[1, 2]], [[3], [4]])).tolist()
    [[11]]
    """
    bound = layer.k * magnitude(layer.activations) * magnitude(layer.weights)
    if bound > INT64_MAX:
        raise TpeError(
            f"layer '{layer.name}': sums of {layer.k} products may reach {bound}; "
            f"legal: at most {INT64_MAX} (int64)"
        )
    product: np.ndarray = layer.activations @ layer.weights
    return product


def run_layer(gemm: Gemm, layer: Layer) -> np.ndarray:
    """C of `layer` from `gemm`, checked: (M, N), integers as int64; `TpeError` otherwise."""
    c = np.asarray(gemm(layer))
    if c.shape != (layer.m, layer.n) or c.dtype.kind not in "iuf":
        raise TpeError(
            f"layer '{layer.name}': the engine returned {c.dtype} of shape {c.shape}; "
            f"legal: numbers of shape {(layer.m, layer.n)}"
        )
    return c if c.dtype.kind == "f" else c.astype(np.int64, copy=False)


def checked_operand(value: object, where: str, dims: str) -> np.ndarray:
    """`value` as a read-only, C-ordered int64 array of its own; `TpeError` if it is no operand.

    `where` opens the message ("layer 'fc1': weights"), `dims` says what is legal ("K x N").
    """
    return owned(as_matrix(value, where, dims))


def check_label(value: object, field: str) -> None:
    """`TpeError` unless `value` is non-empty printable text, so that errors and tables hold it."""
    if not isinstance(value, str) or not value.isprintable() or not value.strip():
        raise TpeError(f"{field} is {value!r}; legal: non-empty printable text")


@dataclass(frozen=True)
class Source:
    """A kind of workload that `workload` finds by a name, a prefix `x:` or an ending `.x`.

    title    a few words, for lists
    load     (spec, seed=, a_type=, b_type=) -> Workload: the whole spec as it was given, and the
             seed and formats of operands that are generated
    pattern  how the spec is written, where it is more than a name; sources of one pattern are
             listed once
    model    `load` also takes inputs, batch, dims, loop_seconds and loop_iterations, where given
    listed   whether lists of workloads have it
    """

    title: str
    load: Callable[..., Workload]
    pattern: str = ""
    model: bool = False
    listed: bool = True
