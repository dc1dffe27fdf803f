"""The weights of a node as the model stores them: codes, scales, zero points, and their bits."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import FORMATS, Array
from tpe.numbers.quantised_tensor import QuantisedTensor
from tpe.workloads.lazy import clean
from tpe.workloads.onnx.nbits import Packed
from tpe.workloads.onnx.trace import dequantiser
from tpe.workloads.onnx_file import OnnxFile
from tpe.workloads.onnx_geometry import ConvShape
from tpe.workloads.onnx_lower import GemmNode, attributes_of
from tpe.workloads.onnx_values import Values

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

_SCALE, _ZERO, _GROUPS = 1, 2, 3  # of a node's b_parts; 0 are the codes


def storage_bits(file: OnnxFile, spec: GemmNode) -> float | None:
    """Bits a weight of a node, scales and zero points included; None where none are stored."""
    codes = file.tensors.get(spec.b_parts[0]) if spec.b_parts else None
    if codes is None:
        return None
    packed = _packed(spec)
    count = packed.k * packed.n if packed else prod(codes.dims)
    parts = {name: file.tensors[name] for name in spec.b_parts if name in file.tensors}
    return 8 * sum(map(stored_bytes, parts.values())) / count if count else None


def stored_bytes(tensor: TensorProto) -> int:
    """Bytes of an initialiser: numbers of 2 and 4 bits lie four and two in a byte."""
    from onnx import TensorProto, helper

    name = TensorProto.DataType.Name(tensor.data_type)
    width = 8 * int(helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
    narrow = {2: ("INT2", "UINT2"), 4: ("INT4", "UINT4", "FLOAT4E2M1")}
    width = next((bits for bits, kinds in narrow.items() if name in kinds), width)
    return -(-int(prod(tensor.dims)) * width // 8)


def whole(spec: GemmNode) -> tuple[int, int]:
    """(N, K) of a node's weights, those of all groups of a convolution side by side."""
    shape = spec.shape
    return (shape.out_channels if isinstance(shape, ConvShape) else shape.n), shape.k


def group_size(values: Values, spec: GemmNode) -> int:
    """Weights along K that share a scale; 1 where their places are not groups of one size."""
    begins, _ = _shared_rows(values, spec, *_beside(values, spec))
    return _groups(begins)[0]


def stored_tensor(values: Values, spec: GemmNode) -> QuantisedTensor:
    """The weights (K, N) of a node, with the scales that turn them into its floats.

    (K, N) as `whole` has them. ConvInteger and MatMulInteger have no scales: 1. Zero points of
    MatMulNBits that are floats are offsets, -zero x scale.

    Errors: `TpeError` naming the node: scales that are computed, groups that do not exist.
    """
    where = _where(values, spec)
    ints = values.ints(spec.b, FORMATS["int8"])
    if ints is None:
        raise TpeError(f"{where}: its weights have no values; legal: those of a whole model")
    scale, zero = _beside(values, spec)
    shared = _larger(scale, zero)
    begins, taken = _shared_rows(values, spec, scale, zero)
    scales = _picked(scale.astype(np.float64), shared, taken)
    zeros = offsets = None
    if zero is not None and zero.dtype.kind == "f":
        offsets = -_picked(zero.astype(np.float64), shared, taken) * scales
    elif zero is not None:
        zeros = _picked(zero.astype(np.int64), shared, taken)
    size, index = _groups(begins)
    codes = _matrix(spec, ints.values)
    return QuantisedTensor(FORMATS[ints.type], codes, scales, 0, size, zeros, offsets, index, where)


def _where(values: Values, spec: GemmNode) -> str:
    return f"{values.file.where}: node '{spec.name}' ({spec.node})"


def _matrix(spec: GemmNode, array: Array) -> Array:
    """(K, N) of what has the shape of a node's weights."""
    if isinstance(spec.shape, ConvShape):
        return np.ascontiguousarray(array.reshape(spec.shape.out_channels, -1).T)
    return np.ascontiguousarray(spec.shape.columns(array, 0))


def _beside(values: Values, spec: GemmNode) -> tuple[Array, Array | None]:
    """Scales, and zero points if there are any, as stored, but unpacked."""
    scale, zero = _part(values, spec, _SCALE), _part(values, spec, _ZERO)
    packed = _packed(spec)
    if packed is not None and zero is not None and zero.dtype == np.uint8:
        zero = packed.zeros(zero)
    return (np.ones(1) if scale is None else scale), zero


def _larger(scale: Array, zero: Array | None) -> Array:
    return scale if zero is None or scale.size >= zero.size else zero


def _shared_rows(
    values: Values, spec: GemmNode, scale: Array, zero: Array | None
) -> tuple[Array, Array]:
    """Whether each of K begins a group (K,), and the places of the groups' scales (groups, N or 1)
    in the array that holds them."""
    each = _matrix(spec, _places(values, spec, _larger(scale, zero)))
    begins = np.r_[True, (each[1:] != each[:-1]).any(axis=1)]
    taken = each[begins]
    return begins, taken[:, :1] if (taken == taken[:, :1]).all() else taken


def _packed(spec: GemmNode) -> Packed | None:
    return spec.b.quant.packed if spec.b.quant else None


def _picked(array: Array, shared: Array, taken: Array) -> Array:
    """What groups have of an array that is one number, or as many as `shared`."""
    flat = array.reshape(-1)
    picked: Array = (np.broadcast_to(flat, shared.size) if flat.size == 1 else flat)[taken]
    return picked


def _groups(begins: Array) -> tuple[int, Array | None]:
    """How many rows a group has, and the group of each row where they have not as many."""
    starts = np.flatnonzero(begins)
    size = int(starts[1]) if len(starts) > 1 else len(begins)
    even = len(begins) <= size * len(starts) and (starts == size * np.arange(len(starts))).all()
    return (size, None) if even else (1, np.cumsum(begins) - 1)


def _part(values: Values, spec: GemmNode, place: int) -> Array | None:
    """One of the tensors beside the codes; None if the node has none."""
    name = spec.b_parts[place] if place < len(spec.b_parts) else ""
    if not name:
        return None
    array = values.array(name)
    if array is None:
        where = _where(values, spec)
        raise TpeError(f"{where}: '{clean(name)}' is not known before the model runs")
    return array


def _places(values: Values, spec: GemmNode, shared: Array) -> Array:
    """For every weight which of the scales is its own, in the shape of the node's operand."""
    where, packed = _where(values, spec), _packed(spec)
    shape = values.types[spec.b.tensor].shape
    assert shape is not None, "weights of a layer have a shape"
    if packed is not None:
        lines = _lines(packed, _part(values, spec, _GROUPS), where)
        found = lines[:, None] + packed.blocks * np.arange(packed.n)
    elif shared.size == 1:
        return np.zeros(shape, np.int64)
    elif spec.b.quant is None or not spec.b.quant.stored:  # QLinear... and ...Integer
        return _along(shape, shared, spec.shape.n_axis)
    else:
        node, _ = dequantiser(values.producer, spec.b.tensor) or (None, [])
        assert node is not None, "integers that are stored were dequantised"
        found = _blocks(tuple(values.file.tensors[node.input[0]].dims), shared, node, where)
    moved = values.moved(spec.b.tensor, found)
    if moved is None:
        raise TpeError(f"{where}: its weights are computed from what is stored; legal: moved")
    return moved


def _lines(packed: Packed, groups: Array | None, where: str) -> Array:
    """The block whose scale each of K takes."""
    if groups is None:
        return np.arange(packed.k) // packed.block
    low, high = int(groups.min()), int(groups.max())
    if low < 0 or high >= packed.blocks:
        raise TpeError(f"{where}: g_idx holds {low} to {high}; legal: 0 to {packed.blocks - 1}")
    return groups.astype(np.int64).reshape(-1)


def _along(shape: tuple[int, ...], shared: Array, axis: int) -> Array:
    """Places of one number for each index of an axis, or of an array that broadcasts."""
    sizes = [1] * len(shape)
    sizes[axis] = -1
    own = shared.shape if shared.ndim == len(shape) else tuple(sizes)
    return np.array(np.broadcast_to(np.arange(shared.size).reshape(own), shape))


def _blocks(shape: tuple[int, ...], shared: Array, node: NodeProto, where: str) -> Array:
    """Places of the scales of a DequantizeLinear, blocks of `block_size` along its axis or not."""
    attributes = attributes_of(node)
    axis, block = attributes.get("axis", 1), attributes.get("block_size", 0)
    if not -len(shape) <= axis < len(shape):
        raise TpeError(f"{where}: axis of its weights is {axis}; legal: an axis of {list(shape)}")
    if not block:
        if shared.shape != (shape[axis],):
            raise _misfit(shared, shape, f"one for each of axis {axis}", where)
        return _along(shape, shared, axis)
    sizes = list(shape)
    sizes[axis] = -(-shape[axis] // block)
    if list(shared.shape) != sizes:
        raise _misfit(shared, shape, f"one for every {block} along axis {axis}", where)
    every = np.arange(shared.size).reshape(sizes)
    return every.repeat(block, axis).take(np.arange(shape[axis]), axis)


def _misfit(shared: Array, shape: tuple[int, ...], legal: str, where: str) -> TpeError:
    return TpeError(
        f"{where}: scales are {list(shared.shape)} for weights {list(shape)}; legal: {legal}"
    )
