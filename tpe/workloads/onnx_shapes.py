"""The shape and type of every tensor of a model: dims bound, then onnx's own shape inference."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.matrices import is_int
from tpe.workloads.lazy import clean
from tpe.workloads.onnx.nbits import declare
from tpe.workloads.onnx_file import OnnxFile, tensor_array

MAX_SIZE = 2**31 - 1
"""Largest size of one dimension."""
MAX_RANGE = 2**20
"""Longest Range whose numbers shape inference follows."""
_NO_NAMES = ("none", "null", "nan", "unk", "unknown", "undefined")


@dataclass(frozen=True)
class TensorType:
    """ONNX element type (a `TensorProto.DataType`) and shape; None where onnx does not know it."""

    elem: int
    shape: tuple[int, ...] | None


def infer(
    file: OnnxFile,
    batch: int | None = None,
    dims: Mapping[str, int] | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    some: bool = False,
) -> dict[str, TensorType]:
    """{tensor: type} of the main graph.

    batch  size of axis 0 of the inputs whose axis 0 has no size, or the first input's fixed one
    dims   {name: size} of symbolic dimensions; an unnamed one is called INPUT[AXIS], and so is
           each that is named "?", "-1", "None", "unknown" or the like, which stand for no size
           in particular
    shapes {input: shape} of values at hand; they bind dimensions before `dims` does
    some   whether dimensions may stay without a size, and shapes unknown

    Errors: `TpeError` naming the input and the dimension that has no size, an unknown name in
    `dims`, sizes that contradict the file, or what onnx's shape inference refuses.
    """
    import onnx

    sizes = _checked_sizes(batch, dims or {})
    _clear_anonymous(file)
    _bind(file, batch, sizes, shapes or {}, some)
    declare(file)
    try:
        model = onnx.shape_inference.infer_shapes(
            file.model, check_type=True, strict_mode=True, data_prop=_short_ranges(file)
        )
        found = _collect(model)
    except Exception as error:
        raise TpeError(
            f"{file.where}: onnx's shape inference refuses the model ({_first(error)}); "
            "legal: shapes that agree with each other and with batch and dims"
        ) from None
    for name, tensor in file.tensors.items():
        found[name] = TensorType(tensor.data_type, tuple(tensor.dims))
    _check_reshapes(file, found)
    return found


def _short_ranges(file: OnnxFile) -> bool:
    """Whether onnx may follow values: it writes out every number of a Range, 2**28 of them too."""
    graph = file.model.graph
    made = {name: node for node in graph.node for name in node.output}
    longest = 0.0
    ranges = [node for node in graph.node if node.op_type == "Range"]
    for name in (name for node in ranges for name in node.input):
        node = made.get(name)
        if name in file.tensors and prod(file.tensors[name].dims) == 1 and name not in file.absent:
            longest = max(longest, _largest(file.array(name)))
        elif node is not None and node.op_type == "Constant":
            held = [item for item in node.attribute if item.name == "value"]
            at = f"{file.where}: node '{clean(name)}'"
            longest = max([longest, *(_largest(tensor_array(x.t, at)) for x in held)])
        else:
            sizes = (d.dim_value for x in file.inputs() for d in x.type.tensor_type.shape.dim)
            longest = max([longest, *sizes])
    return longest <= MAX_RANGE


def _largest(array: np.ndarray) -> float:
    """The largest magnitude; infinite where that is no number."""
    if array.size == 0 or array.dtype.kind not in "iuf":
        return 0.0
    largest = float(np.abs(array.astype(np.float64)).max())
    return largest if math.isfinite(largest) else math.inf


def _checked_sizes(batch: int | None, dims: Mapping[str, int]) -> dict[str, int]:
    if not isinstance(dims, Mapping):
        raise TpeError(f"dims is a {type(dims).__name__}; legal: a mapping of name to size")
    named = {} if batch is None else {"batch": batch}
    for name, size in {**named, **{f"dims['{name}']": size for name, size in dims.items()}}.items():
        if not is_int(size) or not 1 <= size <= MAX_SIZE:
            raise TpeError(f"{name} is {size!r}; legal: an integer, 1 to {MAX_SIZE}")
    return {name: int(size) for name, size in dims.items()}


def _clear_anonymous(file: OnnxFile) -> None:
    """Take away names and sizes that stand for none: two of them need not be equal."""
    graph = file.model.graph
    for item in (*file.inputs(), *graph.value_info, *graph.output):
        for dim in item.type.tensor_type.shape.dim:
            name = dim.dim_param.strip().lower()
            unnamed = bool(name) and (name in _NO_NAMES or not re.search("[a-z]", name))
            if unnamed or (dim.HasField("dim_value") and dim.dim_value < 0):
                dim.Clear()


def _bind(
    file: OnnxFile,
    batch: int | None,
    sizes: dict[str, int],
    given: Mapping[str, tuple[int, ...]],
    some: bool,
) -> None:
    """Give every dimension of the graph's inputs a size, in the model itself."""
    missing, changed = [], False
    legal = symbols_in(file)
    unknown = sorted(set(sizes) - set(legal))
    if unknown:
        names = ", ".join(legal) or "none, every input's shape is fixed"
        raise TpeError(f"{file.where}: unknown dimension '{clean(unknown[0])}'; legal: {names}")
    inputs = [item for item in file.inputs() if item.type.HasField("tensor_type")]
    fixed = next((_fixed_batch(item) for item in inputs if _fixed_batch(item)), None)
    symbols = dict(sizes)
    for item in inputs:
        where = f"{file.where}: input '{clean(item.name)}'"
        shape = _given_shape(item, given, where)
        for axis, dim in enumerate(item.type.tensor_type.shape.dim):
            key = dim.dim_param or f"{item.name}[{axis}]"
            if dim.HasField("dim_value"):
                size = dim.dim_value
                if axis == 0 and batch is not None and size == fixed:
                    changed = changed or size != batch
                    size = batch
            elif shape is not None:
                size = shape[axis]
            elif key in symbols:
                size = symbols[key]
            elif axis == 0 and batch is not None:
                size = batch
            else:
                missing.append((item.name, key, axis))
                continue
            _check_dim(size, shape, axis, where)
            if dim.dim_param:
                _agree(symbols, dim.dim_param, size, where)
            dim.dim_value = size
    _report(file, [] if some else missing)
    _rebind_outputs(file, symbols, keep=not changed)


def _given_shape(
    item: Any, given: Mapping[str, tuple[int, ...]], where: str
) -> tuple[int, ...] | None:
    """The shape of an input's values, its rank checked; the file's own shape if it has none."""
    kind = item.type.tensor_type
    shape = given.get(item.name)
    if not kind.HasField("shape"):
        if shape is None:
            raise TpeError(f"{where} has no shape in the file; legal: give its values (inputs)")
        kind.shape.SetInParent()
        for size in shape:
            kind.shape.dim.add().dim_value = size
    if shape is not None and len(shape) != len(kind.shape.dim):
        raise TpeError(
            f"{where} is given {len(shape)} dimensions; legal: {len(kind.shape.dim)}, as the file"
        )
    return shape


def _check_dim(size: int, shape: tuple[int, ...] | None, axis: int, where: str) -> None:
    if not 1 <= size <= MAX_SIZE:
        raise TpeError(f"{where}: axis {axis} has size {size}; legal: 1 to {MAX_SIZE}")
    if shape is not None and shape[axis] != size:
        raise TpeError(f"{where}: axis {axis} of its values has size {shape[axis]}; legal: {size}")


def _agree(symbols: dict[str, int], name: str, size: int, where: str) -> None:
    if symbols.setdefault(name, size) != size:
        raise TpeError(
            f"{where}: dimension '{clean(name)}' is {size} here and {symbols[name]} elsewhere; "
            "legal: one size"
        )


def _report(file: OnnxFile, missing: list[tuple[str, str, int]]) -> None:
    if missing:
        item, key, axis = missing[0]
        every = ", ".join(f"'{clean(key)}': SIZE" for key in dict.fromkeys(m[1] for m in missing))
        flags = " ".join(
            f"--dim '{clean(key)}=SIZE'" for key in dict.fromkeys(m[1] for m in missing)
        )
        hint = f", or batch=SIZE; {flags}, or --batch SIZE" if axis == 0 else f"; {flags}"
        raise TpeError(
            f"{file.where}: input '{clean(item)}' has dimension '{clean(key)}' without a size; "
            f"legal: dims={{{every}}}{hint}"
        )


def symbols_in(file: OnnxFile) -> list[str]:
    """The dimensions of the inputs that have no size in the file, in order."""
    found: dict[str, None] = {}
    for item in file.inputs():
        for axis, dim in enumerate(item.type.tensor_type.shape.dim):
            if not dim.HasField("dim_value"):
                found[clean(dim.dim_param or f"{item.name}[{axis}]")] = None
    return list(found)


def _fixed_batch(item: Any) -> int | None:
    dims = item.type.tensor_type.shape.dim
    return dims[0].dim_value if len(dims) and dims[0].HasField("dim_value") else None


def _rebind_outputs(file: OnnxFile, symbols: dict[str, int], keep: bool) -> None:
    """Bind or drop the shapes that the file claims for other tensors: inference finds its own."""
    graph = file.model.graph
    if not keep:
        del graph.value_info[:]
    for item in graph.output:
        if item.type.HasField("tensor_type"):
            item.type.tensor_type.ClearField("shape")
    for item in graph.value_info:
        for dim in item.type.tensor_type.shape.dim:
            if dim.dim_param in symbols:
                dim.dim_value = symbols[dim.dim_param]


def _collect(model: Any) -> dict[str, TensorType]:
    found = {}
    graph = model.graph
    for item in (*graph.input, *graph.value_info, *graph.output):
        if item.type.HasField("tensor_type"):
            kind = item.type.tensor_type
            known = kind.HasField("shape") and all(
                dim.HasField("dim_value") for dim in kind.shape.dim
            )
            shape = tuple(dim.dim_value for dim in kind.shape.dim) if known else None
            found[item.name] = TensorType(kind.elem_type, shape)
    return found


def _check_reshapes(file: OnnxFile, types: Mapping[str, TensorType]) -> None:
    """`TpeError` where a Reshape fixes a size that batch or dims changed: onnx does not look."""
    for node in file.model.graph.node:
        if node.op_type != "Reshape" or node.domain not in ("", "ai.onnx"):
            continue
        shapes = [types[name].shape for name in (node.input[0], node.output[0]) if name in types]
        before, after = (*shapes, None, None)[:2]
        if before is None or after is None or prod(before) == prod(after):
            continue
        raise TpeError(
            f"{file.where}: node '{clean(node.name or node.output[0])}' (Reshape) makes "
            f"{list(after)} of {list(before)}; legal: batch and dims that the model's own "
            "constants allow"
        )


def _first(error: BaseException) -> str:
    return clean(error) or type(error).__name__
