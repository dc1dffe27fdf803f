"""A workload from an ONNX model: every Conv, Gemm and MatMul, quantised or not, as a layer.

A layer's C = activations @ weights is the integer sum of the node before bias, scales and
requantisation; batch x output pixels are its rows, C x kernel its K in ONNX weight order. Groups
of a convolution, and the matrices of a batched MatMul, are `repeat` while their operands are
assumed. Where either side holds real values, every group is a layer of its own, NAME[0], NAME[1],
...: what they cost depends on their values, and one of them cannot stand for the others.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tpe.base import registry
from tpe.base.errors import TpeError
from tpe.numbers.formats import FORMATS, IntFormat, int_format, number_format
from tpe.workloads.gemm import ACTIVATIONS, WEIGHTS
from tpe.workloads.imported import ImportedWorkload
from tpe.workloads.lazy import (
    MAX_LAYERS,
    LazyLayer,
    Operand,
    Zero,
    check_seed,
    clean,
    few,
    uniform,
    unique_names,
)
from tpe.workloads.onnx.inputs import LOOP_ITERATIONS, LOOP_SECONDS, LoopLimits, read_inputs
from tpe.workloads.onnx.nbits import expanded
from tpe.workloads.onnx.stored import storage_bits
from tpe.workloads.onnx_file import read_onnx
from tpe.workloads.onnx_geometry import ConvShape, MatShape
from tpe.workloads.onnx_lower import GemmNode, Lowered, Lowering, Quant
from tpe.workloads.onnx_shapes import infer
from tpe.workloads.onnx_values import Ints, Values

TITLE = "ONNX network"


def load_onnx(
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    a_type: str | IntFormat = "int8",
    b_type: str | IntFormat = "int8",
    inputs: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    batch: int | None = None,
    dims: Mapping[str, int] | None = None,
    loop_seconds: float = LOOP_SECONDS,
    loop_iterations: int = LOOP_ITERATIONS,
) -> ImportedWorkload:
    """The GEMMs of an ONNX model, in the file's order.

    a_type, b_type  formats that float operands are quantised to and assumed ones drawn from;
                    quantised models keep the types and zero points they store
    inputs          npz file or mapping of the graph's inputs: activations are then what onnx's
                    reference evaluator computes; without them they are assumed, uniform by `seed`
    batch, dims     sizes of what the model leaves open (`tpe.workloads.onnx_shapes.infer`)
    loop_seconds, loop_iterations    with `inputs`, how long the bodies of Loop and Scan may run,
                    together: a loop need not end

    Weights are the model's own; constant place-holders (all values equal, as in the light
    networks) and weights that are not there (an external file that is absent) are replaced by
    assumed ones. `operand_source` of each layer says which is which. A node whose shapes cannot be
    inferred is counted in `unsupported`.

    Errors: `TpeError`, one line naming the file and the node, tensor or input; a model without a
    GEMM says what it holds instead.

    >>> from tpe.workloads import onnx_light
    >>> resnet = load_onnx(onnx_light()["light_resnet50"])
    >>> layer = resnet.layers[0]
    >>> layer.m, layer.n, layer.k, layer.operand_source
    (12544, 64, 147, 'assumed: uniform seed 0')
    >>> sum(layer.macs for layer in resnet.layers)
    4089184256
    """
    check_seed(seed)
    formats = _integers(a_type, "a_type"), _integers(b_type, "b_type")
    limits = LoopLimits(loop_seconds, loop_iterations)
    try:
        return _load(path, seed, formats, inputs, batch, dims, limits)
    except UnicodeDecodeError:  # protobuf decodes a name when it is read, not when it is parsed
        raise TpeError(
            f"'{clean(path)}' is damaged or not an ONNX file (a name is not UTF-8 text); "
            "legal: a serialised onnx.ModelProto"
        ) from None


def _integers(name: str | IntFormat, field: str) -> IntFormat:
    """The integer format called so, of tpe or of an installed package."""
    other = isinstance(name, str) and name in registry.homes("tpe.formats")
    found = number_format(name, field) if other else int_format(name, field)
    return found if isinstance(found, IntFormat) else int_format(name, field)


def _load(
    path: str | os.PathLike[str],
    seed: int,
    formats: tuple[IntFormat, IntFormat],
    inputs: str | os.PathLike[str] | Mapping[str, Any] | None,
    batch: int | None,
    dims: Mapping[str, int] | None,
    limits: LoopLimits,
) -> ImportedWorkload:
    file = expanded(read_onnx(path))
    feeds, source = read_inputs(inputs, file) if inputs is not None else ({}, "")
    types = infer(file, batch, dims, {name: value.shape for name, value in feeds.items()})
    values = Values(file, types, feeds, limits)
    lowered = Lowering(file, types).run()
    if not lowered.specs:
        raise TpeError(f"{file.where} holds no GEMM; {_contents(lowered)}")
    build = _Build(values, formats, seed, source)
    layers = [layer for spec in lowered.specs for layer in build.layers(spec, file.where)]
    names = unique_names([layer.name for layer in layers])
    return ImportedWorkload(
        name=clean(path),
        title=TITLE,
        source=clean(os.path.basename(file.path)),
        layers=tuple(
            layer if layer.name == name else replace(layer, name=name)
            for layer, name in zip(layers, names, strict=True)
        ),
        unsupported=lowered.unsupported,
        not_gemm=lowered.not_gemm,
        notes=(*file.notes, *lowered.notes, *lowered.unknown, *few(values.notes)),
    )


class _Build:
    """Turns specs into layers; remembers how many there are, which keys generated operands."""

    def __init__(
        self, values: Values, formats: tuple[IntFormat, IntFormat], seed: int, source: str
    ) -> None:
        self.values, self.formats, self.seed, self.source = values, formats, seed, source
        self.count = 0

    def layers(self, spec: GemmNode, where: str) -> list[LazyLayer]:
        """One layer, or one per group if the groups hold values of their own."""
        a = self.values.ints(spec.a, self.formats[0])
        b = self.values.ints(spec.b, self.formats[1])
        groups = spec.shape.groups
        apart = groups > 1 and (a is not None or b is not None)
        if self.count + (groups if apart else 1) > MAX_LAYERS:
            raise TpeError(
                f"{where}: node '{spec.name}' has {groups} groups with values of their own; "
                f"legal: at most {MAX_LAYERS} layers together"
            )
        try:
            if not apart:
                return [self._layer(spec, spec.name, a, b, 0, groups)]
            return [
                self._layer(spec, f"{spec.name}[{group}]", a, b, group, 1)
                for group in range(groups)
            ]
        except ValueError as error:
            if isinstance(error, TpeError):
                raise
            # numpy's, where a value has another shape than inference said
            raise TpeError(
                f"{where}: node '{spec.name}' ({spec.node}): an operand or zero point has another "
                f"shape than the node needs ({clean(error)}); legal: shapes that agree"
            ) from None

    def _layer(
        self, spec: GemmNode, name: str, a: Ints | None, b: Ints | None, group: int, repeat: int
    ) -> LazyLayer:
        shape, index = spec.shape, self.count
        self.count += 1
        a_format, a_zeros = (
            self._format(spec.a.quant, 0) if a is None else (FORMATS[a.type], a.zero)
        )
        b_format, b_zeros = (
            self._format(spec.b.quant, 1) if b is None else (FORMATS[b.type], b.zero)
        )
        a_zero = _zero(shape.zero_rows(a_zeros, group))
        b_zero = _zero(shape.zero_columns(b_zeros, group))
        fill = a_zero if isinstance(a_zero, int) else 0
        if a is None:
            rows = partial(_drawn_rows, shape, a_format, self.seed, index, fill)
        else:
            rows = partial(shape.rows, shape.part_a(a.values, group), fill)
        if b is None:
            columns = partial(uniform, b_format, (shape.k, shape.n), self.seed, index, WEIGHTS)
        else:
            columns = partial(np.ascontiguousarray, shape.columns(b.values, group))
        return LazyLayer(
            name,
            shape.op,
            Operand(shape.m, shape.k, rows),
            Operand(shape.k, shape.n, columns),
            repeat,
            self._source(a is not None, spec.a.tensor, b is not None),
            a_format.name,
            b_format.name,
            a_zero,
            b_zero,
            storage_bits(self.values.file, spec),
        )

    def _format(self, quant: Quant | None, side: int) -> tuple[IntFormat, np.ndarray]:
        """Format and zero point of assumed operands: as stored if the model is quantised."""
        if quant is None:
            return self.formats[side], np.zeros((), np.int64)
        return FORMATS[quant.type], self.values.zero(quant)

    def _source(self, a: bool, tensor: str, b: bool) -> str:
        assumed = f"assumed: uniform seed {self.seed}"
        if not a and not b:
            return assumed
        evaluated = tensor in self.values.evaluated
        left = (self.source if evaluated else "the model's") if a else assumed
        return clean(f"activations {left}; weights {'the model' + chr(39) + 's' if b else assumed}")


def _drawn_rows(
    shape: ConvShape | MatShape, fmt: IntFormat, seed: int, layer: int, fill: int
) -> np.ndarray:
    """(M, K) of one group, generated: pixels are drawn once, as overlapping windows share them."""
    return shape.rows(uniform(fmt, shape.drawn, seed, layer, ACTIVATIONS), fill)


def _zero(zero: np.ndarray) -> Zero:
    return int(zero[0]) if zero.size == 1 else zero


def _contents(lowered: Lowered) -> str:
    kinds = {"unsupported": lowered.unsupported, "not GEMM": lowered.not_gemm}
    parts = [
        f"{kind}: " + ", ".join(f"{clean(op)} x {count}" for op, count in list(found.items())[:20])
        for kind, found in kinds.items()
        if found
    ]
    unknown = f" ({lowered.unknown[0]})" if lowered.unknown else ""
    return f"{'; '.join(parts) or 'it is empty'}{unknown}; legal: at least one Conv, Gemm or MatMul"
