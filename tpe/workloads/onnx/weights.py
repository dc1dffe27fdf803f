"""The weights of an ONNX model as a file of weights: matrices of integers, with their scales."""

from __future__ import annotations

from collections import Counter
from functools import partial
from math import prod
from typing import TYPE_CHECKING

from tpe.numbers.quantised_tensor import QuantisedTensor
from tpe.workloads.lazy import clean, few
from tpe.workloads.onnx.inputs import LoopLimits
from tpe.workloads.onnx.nbits import expanded
from tpe.workloads.onnx.stored import group_size, storage_bits, stored_bytes, stored_tensor, whole
from tpe.workloads.onnx_file import read_onnx
from tpe.workloads.onnx_lower import (
    CONVS,
    GemmNode,
    Lowering,
    UnknownShapeError,
    attributes_of,
    type_name,
)
from tpe.workloads.onnx_shapes import infer
from tpe.workloads.onnx_values import Values
from tpe.workloads.weights.matrices import WeightFile, WeightMatrix
from tpe.workloads.weights.tensors import StoredTensor

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

KIND = "ONNX"


class _Weights(Lowering):
    """GEMMs whose activations may have any size: one row of a product, one window of a convolution.

    Weights are known where sizes of inputs are not.
    """

    def _activations(
        self, node: NodeProto, name: str, weights: tuple[int, ...], where: str
    ) -> tuple[int, ...]:
        if name not in self.types:
            raise UnknownShapeError(f"{where}: the type of '{clean(name)}' cannot be inferred")
        attributes = attributes_of(node)
        if node.op_type in CONVS:
            channels = weights[1] * attributes.get("group", 1) if len(weights) > 1 else 0
            reach = attributes.get("dilations", [1] * len(weights[2:]))
            sizes = (1 + (k - 1) * d for k, d in zip(weights[2:], reach, strict=False))
            return (1, channels, *sizes)
        if node.op_type != "Gemm":
            return (weights[-2] if len(weights) > 1 else weights[0],) if weights else ()
        k = weights[1 if attributes.get("transB", 0) else 0] if len(weights) == 2 else 0
        return (k, 1) if attributes.get("transA", 0) else (1, k)


def read_onnx_weights(path: str) -> WeightFile:
    """The integers that the GEMMs of a model multiply by, nothing of them read yet.

    A matrix has the name of the initialiser that holds its codes; of a convolution in groups N are
    all output channels. GEMMs by floats, by results and by batches of matrices are `unsupported`.

    Errors: `TpeError` as `read_onnx`.
    """
    values, specs = _opened(path)
    file = values.file
    matrices: dict[str, WeightMatrix] = {}
    left: Counter[str] = Counter()
    for place, spec in enumerate(specs):
        bits, batch = storage_bits(file, spec), getattr(spec.shape, "batch_b", ())
        if bits is None or spec.b.quant is None or prod(batch) != 1:
            kind = "results" if spec.b_parts else "floats"
            left[f"{spec.op} by {'batches' if bits is not None else kind}"] += 1
        elif spec.b_parts[0] not in matrices:
            parts = tuple(name for name in spec.b_parts if name in file.tensors)
            n, k = whole(spec)
            number, group = spec.b.quant.type, group_size(values, spec)
            read = partial(_read, path, place)
            matrices[parts[0]] = WeightMatrix(
                parts[0], _scheme(spec), k, n, number, group, bits, read, parts
            )
    used = {part for matrix in matrices.values() for part in matrix.parts}
    rest = Counter(_kind(x) for name, x in file.tensors.items() if name not in used)
    tensors = tuple(
        StoredTensor(name, type_name(x.data_type), tuple(x.dims), 0, stored_bytes(x))
        for name, x in file.tensors.items()
    )
    notes = few([*file.notes, *values.notes])
    return WeightFile(path, KIND, tensors, matrices, dict(left), dict(rest), notes)


def _kind(tensor: TensorProto) -> str:
    return f"initialisers in {type_name(tensor.data_type)}"


def _scheme(spec: GemmNode) -> str:
    """The operator that says what the integers stand for."""
    if spec.node != "MatMul":
        return spec.node if spec.b.quant and not spec.b.quant.stored else "DequantizeLinear"
    packed = spec.b.quant.packed if spec.b.quant else None
    return "DequantizeLinear" if packed is None else "MatMulNBits"


def _opened(path: str) -> tuple[Values, tuple[GemmNode, ...]]:
    file = expanded(read_onnx(path))
    types = infer(file, some=True)
    lowered = _Weights(file, types).run()
    return Values(file, types, {}, LoopLimits()), lowered.specs


def _read(path: str, place: int) -> QuantisedTensor:
    """The weights of one GEMM of a model, (K, N)."""
    values, specs = _opened(path)
    return stored_tensor(values, specs[place])
