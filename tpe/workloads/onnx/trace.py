"""From a float tensor back to the node that made it of integers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tpe.workloads.onnx.nbits import packed_of

if TYPE_CHECKING:
    from onnx import NodeProto

KEEP_GRID = frozenset(
    "Dropout Flatten Identity MaxPool Relu Reshape Squeeze Transpose Unsqueeze".split()
)
"""Values that were on a quantised grid are on it still after one of these."""
MOVES = frozenset("Flatten Identity Reshape Squeeze Transpose Unsqueeze".split())
"""Operators that change no value."""
_HOPS = 16


def is_dequantiser(node: NodeProto) -> bool:
    """Whether a node makes floats of integers: DequantizeLinear, or ours of packed weights."""
    standard = node.domain in ("", "ai.onnx") and node.op_type == "DequantizeLinear"
    return standard or packed_of(node) is not None


def dequantiser(
    producer: Mapping[str, NodeProto], name: str
) -> tuple[NodeProto, list[NodeProto]] | None:
    """The node that made a tensor of integers, and the few behind it, which keep their grid, in
    the graph's order; None if there is none."""
    behind: list[NodeProto] = []
    current = name
    for _ in range(_HOPS):
        node = producer.get(current)
        if node is None or current != node.output[0]:
            return None
        if is_dequantiser(node):
            return node, behind[::-1]
        if node.domain not in ("", "ai.onnx") or node.op_type not in KEEP_GRID:
            return None
        behind.append(node)
        current = node.input[0]
    return None
