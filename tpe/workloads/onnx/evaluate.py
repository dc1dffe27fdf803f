"""Nodes run by onnx's reference evaluator, within limits of time and memory.

A Loop need not end, and a model of a few hundred bytes may ask for any amount of memory.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
from onnx import (
    GraphProto,
    ModelProto,
    TensorProto,
    TypeProto,
    defs,
    helper,
    numpy_helper,
    shape_inference,
)
from onnx.reference import ReferenceEvaluator

from tpe.base.errors import TpeError
from tpe.base.files import size
from tpe.workloads.lazy import clean
from tpe.workloads.onnx.inputs import LoopLimits
from tpe.workloads.onnx_reference import ops_for

MAX_GROWTH = 3 << 29
"""Most bytes that an evaluation may add to the process."""
_FREE = 1 << 20  # bytes whose making nobody need ask about
_SHAPES = 1024  # elements of an operand that may say a shape
_WIDE = (TensorProto.DOUBLE, TensorProto.INT64, TensorProto.UINT64)  # 8 bytes; others up to 4
_PLAIN = frozenset(
    "Add And Cast Concat Constant Div Equal Gather Gemm Greater Identity Less MatMul Mul Not Or "
    "Relu Reshape Shape Sigmoid Slice Squeeze Sub Tanh Transpose Unsqueeze Where".split()
)
# What they make has at most as many elements as their operands' sizes multiplied.
_EVERY = 64  # nodes of a loop between two looks at the memory


def evaluate(
    model: ModelProto,
    names: list[str],
    feeds: Mapping[str, np.ndarray],
    limits: LoopLimits,
    where: str,
) -> dict[str, np.ndarray]:
    """The tensors `names` of a model whose inputs are `feeds`.

    Errors: `TpeError` opening with `where`: loops past their limits, over `MAX_GROWTH` bytes, and
    whatever an operator raises on these values.
    """
    watch = _Watch(limits, where)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            evaluator = _evaluator(watch)(model, new_ops=ops_for(model.opset_import))
            results: Any = evaluator.run(names, dict(feeds))
    except TpeError:
        raise
    except (Exception, RecursionError) as error:  # whatever an operator's Python raises
        raise TpeError(
            f"{where}: onnx's reference evaluator failed "
            f"({clean(error) or type(error).__name__}); legal: inputs that the model accepts"
        ) from None
    return {name: np.asarray(value) for name, value in zip(names, results, strict=True)}


class _Watch:
    """What one evaluation has used so far."""

    def __init__(self, limits: LoopLimits, where: str) -> None:
        self.limits, self.where = limits, where
        self.before = _resident()
        self.iterations = self.depth = self.nodes = 0
        self.spent = self.entered = 0.0  # seconds in bodies that have ended, and when one began

    @contextmanager
    def body(self) -> Iterator[None]:
        """One run of a graph inside a node."""
        self.iterations += 1
        if self.iterations > self.limits.iterations:
            self._end(f"{self.limits.iterations} iterations", "loop_iterations")
        if not self.depth:
            self.entered = time.monotonic()
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            if not self.depth:
                self.spent += time.monotonic() - self.entered

    def node(self, node: Any, inputs: tuple[Any, ...]) -> None:
        """Look at the clock and at the memory before a node runs."""
        if self.depth:
            spent = self.spent + time.monotonic() - self.entered
            if spent > self.limits.seconds:
                self._end(f"{self.limits.seconds:g} s", "loop_seconds")
        made = _bytes_made(node, inputs)
        self.nodes += 1
        if made <= _FREE and not (self.depth and self.nodes % _EVERY == 0):
            return
        growth = made + _resident() - self.before
        if growth > MAX_GROWTH:
            raise TpeError(
                f"{self.where}: evaluating node '{clean(node.onnx_node.name or node.output[0])}' "
                f"({clean(node.op_type)}) takes {size(growth)} of memory; "
                f"legal: up to {size(MAX_GROWTH)} for the model (fewer or smaller inputs)"
            )

    def _end(self, limit: str, option: str) -> None:
        raise TpeError(
            f"{self.where}: the loops of the model have not ended after {limit}; "
            f"legal: loops that end, or a higher {option} (--{option.replace('_', '-')})"
        )


def _evaluator(watch: _Watch) -> type[ReferenceEvaluator]:
    """The reference evaluator with its nodes watched, those of inner graphs too."""

    class Watched(ReferenceEvaluator):
        def __init__(self, proto: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(proto, *args, **kwargs)
            self.rt_nodes_ = [_Node(node, watch) for node in self.rt_nodes_]

        def run(self, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(self.proto_, GraphProto):
                return super().run(*args, **kwargs)
            with watch.body():
                return super().run(*args, **kwargs)

    return Watched


class _Node:
    """A node of the evaluator, watched; in all else what it was."""

    def __init__(self, node: Any, watch: _Watch) -> None:
        self._node, self._watch = node, watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def run(self, *inputs: Any, **kwargs: Any) -> Any:
        self._watch.node(self._node, inputs)
        return self._node.run(*inputs, **kwargs)


def _bytes_made(node: Any, inputs: tuple[Any, ...]) -> int:
    """How much a node will allocate for its results, as onnx's shape inference tells."""
    proto = node.onnx_node
    if any(item.HasField("g") for item in proto.attribute):
        return 0  # its nodes are asked one by one
    if proto.op_type in _PLAIN and prod(max(1, np.size(x)) for x in inputs) * 8 <= _FREE:
        return 0
    try:
        version = node.run_params["opsets"][proto.domain]
        schema = defs.get_schema(proto.op_type, version, proto.domain)
        given = {
            name: array
            for name, array in zip(proto.input, inputs, strict=False)
            if name and isinstance(array, np.ndarray | np.generic)
        }
        types = {
            name: helper.make_tensor_type_proto(
                helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in given.items()
        }
        small = {
            name: numpy_helper.from_array(np.asarray(array), name)
            for name, array in given.items()
            if array.size <= _SHAPES and array.dtype.kind in "iuf"
        }
        opsets = [helper.make_opsetid(proto.domain, version)]
        made = shape_inference.infer_node_outputs(
            schema, proto, types, small, opset_imports=opsets, ir_version=10
        )
    except Exception:
        return 0  # what cannot be inferred is what the node itself will refuse or make
    windows = 0
    if proto.op_type.endswith("Conv") and len(given) > 1:
        # Its input is unfolded first: every window, not every pixel.
        windows = prod(inputs[1].shape[1:]) // max(1, inputs[1].shape[0])
    return sum(map(_bytes, made.values())) * (1 + windows)


def _bytes(item: TypeProto) -> int:
    """At most what a tensor takes; 0 if its shape is not known."""
    kind = item.tensor_type
    if not kind.HasField("shape") or any(not d.HasField("dim_value") for d in kind.shape.dim):
        return 0
    return prod(int(d.dim_value) for d in kind.shape.dim) * (8 if kind.elem_type in _WIDE else 4)


def _resident() -> int:
    """Bytes of memory that the process holds; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
