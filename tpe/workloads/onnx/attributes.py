"""Attributes that an operator does not have: tools leave them in files, onnx's checker refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tpe.workloads.lazy import clean

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto


def drop_foreign(model: ModelProto) -> list[str]:
    """Take out of a model every attribute that its operator does not define; a remark for each.

    Operators that onnx does not know keep all of theirs.

    >>> from onnx import TensorProto, helper
    >>> node = helper.make_node("Relu", ["x"], ["y"], "r1", act_bits=4)
    >>> ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    >>> model = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:]))
    >>> drop_foreign(model), len(model.graph.node[0].attribute)
    (["node 'r1': Relu has no attribute 'act_bits'; ignored"], 0)
    """
    notes = []
    legal: dict[tuple[str, str, int], frozenset[str] | None] = {}
    for opsets, node in _nodes(model):
        if not node.attribute:
            continue
        version = opsets.get(node.domain or "ai.onnx", 0)
        key = (node.op_type, node.domain, version)
        if key not in legal:
            legal[key] = _attributes(*key)
        known = legal[key]
        if known is None:
            continue
        foreign = [item.name for item in node.attribute if item.name not in known]
        kept = [item for item in node.attribute if item.name in known]
        if foreign:
            del node.attribute[:]
            node.attribute.extend(kept)
        name = clean(node.name or next(iter(node.output), ""))
        notes += [
            f"node '{name}': {clean(node.op_type)} has no attribute '{clean(item)}'; ignored"
            for item in foreign
        ]
    return notes


def _nodes(model: ModelProto) -> Iterator[tuple[Mapping[str, int], NodeProto]]:
    """Every node with the versions that hold for it; graphs were seen not to nest deep."""
    main = {item.domain or "ai.onnx": item.version for item in model.opset_import}
    for node in _inside(model.graph):
        yield main, node
    for function in model.functions:
        own = {item.domain or "ai.onnx": item.version for item in function.opset_import}
        for top in function.node:
            for node in (top, *(inner for graph in _graphs(top) for inner in _inside(graph))):
                yield main | own, node


def _inside(graph: GraphProto) -> Iterator[NodeProto]:
    for node in graph.node:
        yield node
        for body in _graphs(node):
            yield from _inside(body)


def _graphs(node: NodeProto) -> list[GraphProto]:
    held = [item.g for item in node.attribute if item.HasField("g")]
    return held + [graph for item in node.attribute for graph in item.graphs]


def _attributes(op: str, domain: str, version: int) -> frozenset[str] | None:
    """The attributes that a version of an operator has; None if onnx does not know it."""
    from onnx import defs

    try:
        return frozenset(defs.get_schema(op, version, domain).attributes)
    except defs.SchemaError:
        return None
