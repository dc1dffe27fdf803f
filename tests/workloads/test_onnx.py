"""ONNX models: shapes against a second count, integers against onnxruntime, and damage."""

from __future__ import annotations

import json
import os
import pickle
import random
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.workloads.test_workloads import fails
from tpe.base.errors import TpeError
from tpe.workloads import LazyLayer, exact_gemm, load_onnx, onnx_light, workload
from tpe.workloads.im2col import Window, im2col
from tpe.workloads.onnx_file import MAX_BYTES

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

INT8, UINT8, FLOAT = TensorProto.INT8, TensorProto.UINT8, TensorProto.FLOAT
INT32, INT64 = TensorProto.INT32, TensorProto.INT64
RNG = np.random.default_rng(0)


def ints(dtype: Any, *shape: int) -> np.ndarray:
    """Random integers over the whole range of a type."""
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max + 1, shape).astype(dtype)


def value(name: str, elem: int, shape: Any) -> Any:
    return helper.make_tensor_value_info(name, elem, shape)


def save(
    path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], **constants: Any
) -> str:
    """Write a model of these nodes; returns its path."""
    tensors = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    path.write_bytes(model.SerializeToString())
    return str(path)


def ort_run(path: str, **feeds: np.ndarray) -> np.ndarray:
    options = ort.SessionOptions()
    # As the file says: no fusion that would round differently.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, feeds)[0])


def sums(layer: Any) -> np.ndarray:
    """(A - a_zero) @ (B - b_zero) of a layer."""
    return np.asarray(layer.without_zero_points(exact_gemm(layer)))


def conv_sums(layers: Any, out: tuple[int, ...]) -> np.ndarray:
    """The integer sums of a convolution from the layers of its groups, as (B, C, *spatial)."""
    rows = np.concatenate([sums(layer) for layer in layers], axis=1)
    return np.moveaxis(rows.reshape(out[0], *out[2:], out[1]), -1, 1)


# --- the nine light networks ------------------------------------------------------------------


def second_count(path: str) -> list[tuple[int, int, int, int]]:
    """(M, N, K, repeat) of every Conv and Gemm, from the shapes of results and weights alone."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    shapes = {
        item.name: [dim.dim_value for dim in item.type.tensor_type.shape.dim]
        for item in [*graph.value_info, *graph.input, *graph.output]
    }
    found = []
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm"):
            continue
        out, weights = shapes[node.output[0]], shapes[node.input[1]]
        group = next((a.i for a in node.attribute if a.name == "group"), 1)
        results = prod(out)
        if node.op_type == "Gemm":
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            k = weights[1] if transposed else weights[0]
        else:
            k = prod(weights[1:])
        n = out[1] // group
        found.append((results // out[1], n, k, group))
    return found


@pytest.mark.parametrize("name", sorted(onnx_light()))
def test_a_light_network_has_the_shapes_of_a_second_count(name: str) -> None:
    path = onnx_light()[name]
    network = load_onnx(path)
    expected = second_count(path)
    assert [(x.m, x.n, x.k, x.repeat) for x in network.layers] == expected
    assert sum(x.macs for x in network.layers) == sum(m * n * k * g for m, n, k, g in expected)
    assert {x.operand_source for x in network.layers} == {"assumed: uniform seed 0"}
    assert not network.unsupported
    graph = onnx.load(path).graph
    assert sum(network.not_gemm.values()) + len(network.layers) == len(graph.node)
    layer = max(network.layers, key=lambda x: -x.m * x.k)
    a, b = layer.operands()  # type: ignore[attr-defined]
    assert a.shape == (layer.m, layer.k) and b.shape == (layer.k, layer.n)
    assert a.dtype == b.dtype == np.int8 and not a.flags.writeable


def test_there_are_nine_and_two_have_their_published_size() -> None:
    assert len(onnx_light()) == 9
    # Simonyan and Zisserman 2014: VGG-19, 19.6 G multiply-adds. He et al. 2015: ResNet-50, 3.8 G
    # with the strides in the 1x1 convolutions; this model has them in the 3x3, 4.1 G.
    for name, giga in (("light_vgg19", 19.6), ("light_resnet50", 4.1)):
        network = workload(f"onnx:{name}")
        assert round(sum(layer.macs for layer in network.layers) / 1e9, 1) == giga
        assert network.name == f"onnx:{name}"


def test_operands_are_the_same_at_every_access_and_follow_the_seed() -> None:
    path = onnx_light()["light_squeezenet"]
    layer, other = load_onnx(path).layers[3], load_onnx(path, seed=1).layers[3]
    assert (layer.activations == layer.activations).all()
    assert (layer.activations != other.activations).any()
    again = pickle.loads(pickle.dumps(layer))
    assert (again.weights == layer.weights).all() and again.m == layer.m
    assert layer.activations.dtype == np.int64
    first = load_onnx(path).layers[0]
    assert (first.activations != 0).any() and first.activations.min() >= -128
    narrow = load_onnx(path, a_type="int4", b_type="uint4").layers[1]
    assert (narrow.activations.min(), narrow.activations.max()) == (-8, 7)
    assert (narrow.weights.min(), narrow.weights.max()) == (0, 15)


def test_replace_keeps_what_is_not_replaced() -> None:
    layer = load_onnx(onnx_light()["light_squeezenet"]).layers[1]
    twice = replace(layer, repeat=2, activations=np.ones((layer.m, layer.k), np.int8))
    assert isinstance(twice, LazyLayer) and twice.repeat == 2
    assert (twice.weights == layer.weights).all() and (twice.activations == 1).all()


# --- integers against onnxruntime -------------------------------------------------------------

CONVS = [
    {"x": (1, 3, 6, 5), "w": (4, 3, 3, 2)},
    {"x": (2, 4, 7, 7), "w": (6, 2, 3, 3), "group": 2, "pads": [1, 0, 2, 1], "strides": [2, 1]},
    {"x": (1, 5, 8, 8), "w": (10, 1, 3, 3), "group": 5, "auto_pad": "SAME_UPPER"},
    {"x": (1, 2, 9, 8), "w": (3, 2, 2, 3), "auto_pad": "SAME_LOWER", "strides": [2, 3]},
    {"x": (2, 3, 9, 9), "w": (2, 3, 3, 3), "dilations": [2, 3], "pads": [2, 2, 2, 2]},
    {"x": (1, 4, 5, 5), "w": (4, 4, 1, 1), "strides": [2, 2], "auto_pad": "VALID"},
    {"x": (2, 3, 12), "w": (4, 3, 5), "pads": [2, 1], "strides": [3]},
]


@pytest.mark.parametrize("case", CONVS, ids=str)
def test_conv_integer_equals_onnxruntime(case: dict[str, Any], tmp_path: Path) -> None:
    x, w = ints(np.uint8, *case["x"]), ints(np.int8, *case["w"])
    attributes = {k: v for k, v in case.items() if k not in "xw"}
    path = save(
        tmp_path / "conv.onnx",
        [helper.make_node("ConvInteger", ["x", "w", "xz", "wz"], ["y"], "c", **attributes)],
        [value("x", UINT8, x.shape)],
        [value("y", INT32, None)],
        w=w,
        xz=np.uint8(117),
        wz=np.int8(-5),
    )
    expected = ort_run(path, x=x)
    layers = load_onnx(path, inputs={"x": x}).layers
    assert (conv_sums(layers, expected.shape) == expected).all()
    groups = case.get("group", 1)
    assert len(layers) == groups and layers[0].name == ("c" if groups == 1 else "c[0]")
    assert isinstance(layers[0], LazyLayer)
    assert (layers[0].a_type, layers[0].a_zero, layers[0].b_zero) == ("uint8", 117, -5)
    assert layers[0].operand_source == "activations inputs given; weights the model's"


def test_matmul_integer_equals_onnxruntime(tmp_path: Path) -> None:
    a, b = ints(np.uint8, 2, 3, 5, 7), ints(np.int8, 7, 4)
    zeros = {"az": np.uint8(200), "bz": ints(np.int8, 4)}
    node = helper.make_node("MatMulInteger", ["a", "b", "az", "bz"], ["y"], "m")
    path = save(
        tmp_path / "m.onnx", [node], [value("a", UINT8, a.shape)], [value("y", INT32, None)],
        b=b, **zeros,
    )  # fmt: skip
    (layer,) = load_onnx(path, inputs={"a": a}).layers
    assert (layer.m, layer.n, layer.k, layer.repeat) == (30, 4, 7, 1)
    assert (sums(layer) == ort_run(path, a=a).reshape(30, 4)).all()


def test_a_batch_on_both_sides_is_one_layer_per_matrix(tmp_path: Path) -> None:
    a, b = ints(np.int8, 2, 1, 5, 7), ints(np.int8, 3, 7, 4)
    node = helper.make_node("MatMulInteger", ["a", "b"], ["y"], "m")
    inputs = [value("a", INT8, a.shape), value("b", INT8, b.shape)]
    path = save(tmp_path / "m.onnx", [node], inputs, [value("y", INT32, None)])
    expected = ort_run(path, a=a, b=b).reshape(6, 5, 4)
    layers = load_onnx(path, inputs={"a": a, "b": b}).layers
    assert [layer.name for layer in layers] == [f"m[{i}]" for i in range(6)]
    assert (np.stack([sums(layer) for layer in layers]) == expected).all()
    (assumed,) = load_onnx(path).layers
    assert (assumed.m, assumed.n, assumed.k, assumed.repeat) == (5, 4, 7, 6)


def requantised(total: np.ndarray, scale: Any, zero: int, dtype: Any) -> np.ndarray:
    """What QuantizeLinear makes of sums; exact, as the scales here are powers of two."""
    info = np.iinfo(dtype)
    rounded = np.clip(np.rint(total.astype(np.float64) * scale) + zero, info.min, info.max)
    return np.asarray(rounded.astype(dtype))


@pytest.mark.parametrize("group", [1, 2])
def test_qlinear_conv_equals_onnxruntime(group: int, tmp_path: Path) -> None:
    x, w, bias = ints(np.uint8, 2, 4, 6, 6), ints(np.int8, 6, 4 // group, 3, 3), ints(np.int16, 6)
    w_scale = np.float32(2.0) ** -np.arange(3, 9)
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "bias"]
    node = helper.make_node("QLinearConv", names, ["y"], "q", group=group, pads=[1, 1, 1, 1])
    path = save(
        tmp_path / "q.onnx", [node], [value("x", UINT8, x.shape)], [value("y", UINT8, None)],
        xs=np.float32(0.5), xz=np.uint8(131), w=w, ws=w_scale.astype(np.float32),
        wz=np.zeros(6, np.int8), ys=np.float32(16.0), yz=np.uint8(120), bias=bias.astype(np.int32),
    )  # fmt: skip
    expected = ort_run(path, x=x)
    total = conv_sums(load_onnx(path, inputs={"x": x}).layers, expected.shape)
    total = total + bias.astype(np.int64).reshape(1, -1, 1, 1)
    scale = (0.5 * w_scale / 16.0).reshape(1, -1, 1, 1)
    assert len(np.unique(expected)) > 20
    assert (requantised(total, scale, 120, np.uint8) == expected).all()


def test_qlinear_matmul_equals_onnxruntime(tmp_path: Path) -> None:
    a, b = ints(np.uint8, 5, 16), ints(np.int8, 16, 3)
    names = ["a", "as", "az", "b", "bs", "bz", "ys", "yz"]
    path = save(
        tmp_path / "q.onnx",
        [helper.make_node("QLinearMatMul", names, ["y"], "q")],
        [value("a", UINT8, a.shape)],
        [value("y", UINT8, None)],
        **{"as": np.float32(0.25), "az": np.uint8(99), "b": b, "bs": np.float32(0.5)},
        **{"bz": np.int8(7), "ys": np.float32(64.0), "yz": np.uint8(128)},
    )
    (layer,) = load_onnx(path, inputs={"a": a}).layers
    expected = ort_run(path, a=a)
    assert (requantised(sums(layer), 0.25 * 0.5 / 64, 128, np.uint8) == expected).all()


def qdq(path: Path, weights: np.ndarray, w_zero: np.ndarray, w_scale: np.ndarray) -> str:
    """x -> Q -> DQ -> MaxPool -> Conv <- DQ <- weights, then Q: a quantised model as exported."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]),
        helper.make_node("MaxPool", ["xd"], ["xp"], kernel_shape=[2, 2]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=0),
        helper.make_node("Conv", ["xp", "wd"], ["y"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", ["y", "ys", "yz"], ["yq"]),
    ]
    return save(
        path, nodes, [value("x", FLOAT, ["N", 3, 8, 8])], [value("yq", UINT8, None)],
        xs=np.float32(0.125), xz=np.uint8(77), w=weights, ws=w_scale, wz=w_zero,
        ys=np.float32(4.0), yz=np.uint8(128),
    )  # fmt: skip


def test_qdq_conv_equals_onnxruntime(tmp_path: Path) -> None:
    weights, w_zero = ints(np.int8, 5, 3, 3, 3), ints(np.int8, 5)
    w_scale = (np.float32(2.0) ** -np.arange(2, 7)).astype(np.float32)
    path = qdq(tmp_path / "q.onnx", weights, w_zero, w_scale)
    x = RNG.normal(0, 6, (2, 3, 8, 8)).astype(np.float32)
    expected = ort_run(path, x=x)
    (layer,) = load_onnx(path, inputs={"x": x}).layers
    assert isinstance(layer, LazyLayer)
    assert (layer.a_type, layer.a_zero, layer.b_type) == ("uint8", 77, "int8")
    assert (np.asarray(layer.b_zero) == w_zero).all()
    assert (layer.weights == weights.reshape(5, -1).T).all()
    total = conv_sums([layer], expected.shape)
    scale = (0.125 * w_scale / 4.0).reshape(1, -1, 1, 1)
    assert len(np.unique(expected)) > 20
    assert (requantised(total, scale, 128, np.uint8) == expected).all()
    # Without inputs the activations are assumed, as stored: uint8 about the same zero point.
    (assumed,) = load_onnx(path, batch=2).layers
    assert isinstance(assumed, LazyLayer)
    assert (assumed.a_type, assumed.a_zero, assumed.m) == ("uint8", 77, layer.m)
    assert assumed.activations.max() == 255 and (assumed.weights == layer.weights).all()
    assert assumed.operand_source == "activations assumed: uniform seed 0; weights the model's"


def test_dynamic_quantisation_takes_its_zero_point_from_the_inputs(tmp_path: Path) -> None:
    b = ints(np.uint8, 6, 4)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("MatMulInteger", ["q", "b", "z", "bz"], ["y"]),
    ]
    path = save(
        tmp_path / "d.onnx", nodes, [value("x", FLOAT, [3, 6])], [value("y", INT32, None)],
        b=b, bz=np.uint8(128),
    )  # fmt: skip
    x = RNG.normal(0.3, 1, (3, 6)).astype(np.float32)
    (layer,) = load_onnx(path, inputs={"x": x}).layers
    assert (sums(layer) == ort_run(path, x=x)).all()
    assumed = load_onnx(path)
    assert assumed.notes == ("zero point 'z' is not known before the model runs; assumed 128",)


# --- floats, shapes and what is no GEMM -------------------------------------------------------


def mlp(path: Path, **constants: np.ndarray) -> str:
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["h"], "fc1", transB=1),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "v"], ["y"], "fc2"),
    ]
    inputs = [value("x", FLOAT, ["batch", 6])]
    return save(path, nodes, inputs, [value("y", FLOAT, None)], **constants)


def test_floats_are_quantised_from_the_reference_evaluator(tmp_path: Path) -> None:
    w, v = RNG.normal(size=(5, 6)).astype(np.float32), RNG.normal(size=(5, 2)).astype(np.float32)
    path = mlp(tmp_path / "mlp.onnx", w=w, v=v)
    x = RNG.normal(size=(4, 6)).astype(np.float32)
    np.savez(tmp_path / "calib.npz", x=x)
    network = workload(path, inputs=tmp_path / "calib.npz")
    hidden = np.maximum(x @ w.T, 0)
    fc1, fc2 = network.layers
    for array, exact in ((fc1.activations, x), (fc1.weights, w.T), (fc2.activations, hidden)):
        step = np.abs(exact).max() / 127
        assert np.abs(array * step - exact).max() <= step * 0.501
        assert np.abs(array).max() == 127
    assert fc2.operand_source == "activations calib.npz; weights the model's"
    unsigned = load_onnx(path, inputs={"x": x}, a_type="uint8").layers
    assert isinstance(unsigned[0], LazyLayer)
    assert 0 < int(np.asarray(unsigned[0].a_zero)) < 255
    step = (x.max() - x.min()) / 255
    real = (unsigned[0].activations - unsigned[0].a_zero) * step
    assert np.abs(real - x).max() <= step


def test_constant_weights_are_place_holders(tmp_path: Path) -> None:
    path = mlp(tmp_path / "m.onnx", w=np.full((5, 6), 0.02, np.float32), v=np.eye(5, 2, dtype="f4"))
    fc1, fc2 = load_onnx(path, batch=4).layers
    assert fc1.operand_source == "assumed: uniform seed 0" and len(np.unique(fc1.weights)) > 5
    assert fc2.operand_source == "activations assumed: uniform seed 0; weights the model's"
    assert (fc2.weights == 127 * np.eye(5, 2)).all()


def test_batch_and_dims_are_arguments(tmp_path: Path) -> None:
    w, v = np.ones((5, 6), np.float32), np.ones((5, 2), np.float32)
    path = mlp(tmp_path / "m.onnx", w=w, v=v)
    assert [x.m for x in load_onnx(path, batch=3).layers] == [3, 3]
    assert [x.m for x in workload(path, dims={"batch": 7}).layers] == [7, 7]
    fails(lambda: load_onnx(path), "m.onnx'", "input 'x'", "'batch'", "dims={'batch': SIZE}")
    fails(lambda: load_onnx(path, dims={"b": 2}), "unknown dimension 'b'", "legal: batch")
    fails(lambda: load_onnx(path, dims={"batch": 0}), "dims['batch'] is 0", "legal")
    fails(lambda: load_onnx(path, batch=-1), "batch is -1", "legal")
    fails(lambda: load_onnx(path, batch=True), "batch is True", "legal")
    fails(lambda: workload("digits_mlp", batch=2), "batch", "digits_mlp", "ONNX")
    light = onnx_light()
    assert load_onnx(light["light_squeezenet"], batch=2).layers[0].m == 2 * 111 * 111
    fails(lambda: load_onnx(light["light_resnet50"], batch=2), "Reshape", "2048", "legal")


def test_everything_else_is_counted(tmp_path: Path) -> None:
    body = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["t"]), helper.make_node("Relu", ["t"], ["o"])],
        "body", [], [value("o", FLOAT, None)],
    )  # fmt: skip
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("If", ["c"], ["b"], then_branch=body, else_branch=body),
        helper.make_node("Einsum", ["a", "w"], ["e"], equation="ij,jk->ik"),
        helper.make_node("Attend", ["e"], ["f"], domain="mine"),
        helper.make_node("Softmax", ["e"], ["g"]),
        helper.make_node("MatMul", ["i", "i"], ["j"]),
    ]
    inputs = [
        value("x", FLOAT, [4, 4]), value("c", TensorProto.BOOL, []), value("i", INT32, [4, 4])
    ]  # fmt: skip
    path = save(
        tmp_path / "e.onnx", nodes, inputs, [value("a", FLOAT, None)], w=np.eye(4, dtype="f4")
    )
    network = load_onnx(path)
    assert [x.name for x in network.layers] == ["a"]
    assert network.unsupported == {
        "Einsum": 1, "If": 1, "If body: MatMul": 2, "MatMul of int32": 1, "mine.Attend": 1,
    }  # fmt: skip
    assert network.not_gemm == {"If body: Relu": 2, "Softmax": 1}


def test_a_model_without_a_gemm_says_what_it_holds(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ConvTranspose", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["y"]),
    ]
    path = save(
        tmp_path / "n.onnx", nodes, [value("x", FLOAT, [1, 2, 4, 4])], [value("y", FLOAT, None)],
        w=np.ones((2, 3, 2, 2), np.float32),
    )  # fmt: skip
    fails(lambda: load_onnx(path), "no GEMM", "ConvTranspose x 1", "Relu x 1", "legal")


def test_im2col_equals_a_convolution_by_loops() -> None:
    x = ints(np.int8, 2, 3, 5, 6)
    window = Window((5, 6), (2, 3), (2, 1), (1, 2), ((1, 0), (2, 1)))
    rows = im2col(x, window, fill=9)
    oh, ow = window.out
    for index, (b, i, j) in enumerate(np.ndindex(2, oh, ow)):
        for column, (c, u, v) in enumerate(np.ndindex(3, 2, 3)):
            y, z = 2 * i + u - 1, j + 2 * v - 2
            inside = 0 <= y < 5 and 0 <= z < 6
            assert rows[index, column] == (x[b, c, y, z] if inside else 9)


def test_shapes_that_only_values_decide_come_from_the_inputs(tmp_path: Path) -> None:
    body = [
        helper.make_graph([helper.make_node(op, ["x"], ["o"])], op, [], [value("o", FLOAT, None)])
        for op in ("Neg", "Abs")
    ]
    nodes = [
        helper.make_node("If", ["c"], ["i"], then_branch=body[0], else_branch=body[1]),
        helper.make_node("Compress", ["i", "pick"], ["rows"], axis=0),
        helper.make_node("MatMul", ["rows", "w"], ["y"], "fc"),
    ]
    inputs = [value("x", FLOAT, [4, 2]), value("c", TensorProto.BOOL, []),
              value("pick", TensorProto.BOOL, [4])]  # fmt: skip
    path = save(
        tmp_path / "d.onnx", nodes, inputs, [value("y", FLOAT, None)], w=np.eye(2, dtype="f4")
    )
    fails(lambda: load_onnx(path), "node 'fc' (MatMul)", "'rows'", "cannot be inferred", "inputs")
    x = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], np.float32)
    feeds = {"x": x, "c": np.array(True), "pick": np.array([True, False, True, False])}
    (layer,) = load_onnx(path, inputs=feeds).layers
    assert layer.activations.tolist() == [[-21, -42], [-106, -127]]


def test_a_light_network_runs_on_real_inputs() -> None:
    path = onnx_light()["light_shufflenet"]
    pixels = RNG.normal(size=(1, 3, 224, 224)).astype(np.float32)
    first = load_onnx(path, inputs={"gpu_0/data_0": pixels}).layers[0]
    assert first.operand_source.startswith("activations inputs given; weights assumed")
    rows = im2col(pixels, Window((224, 224), (3, 3), (2, 2), (1, 1), ((1, 1), (1, 1))))
    step = np.abs(pixels).max() / 127
    assert np.abs(first.activations * step - rows).max() < step * 0.501


# --- bad input --------------------------------------------------------------------------------


def function_model(tmp_path: Path, bodies: dict[str, list[str]]) -> str:
    """A model of functions, each calling others in a row; "Relu" is a node."""
    functions = []
    for name, calls in bodies.items():
        nodes = []
        for index, call in enumerate(calls):
            domain = "" if call == "Relu" else "mine"
            source = "x" if index == 0 else f"t{index}"
            target = "y" if index == len(calls) - 1 else f"t{index + 1}"
            nodes.append(helper.make_node(call, [source], [target], domain=domain))
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
        functions.append(helper.make_function("mine", name, ["x"], ["y"], nodes, opsets))
    first = next(iter(bodies))
    nodes = [
        helper.make_node(first, ["x"], ["f"], domain="mine"),
        helper.make_node("MatMul", ["f", "w"], ["y"], "fc"),
    ]
    path = save(
        tmp_path / "f.onnx", nodes, [value("x", FLOAT, [2, 4])], [value("y", FLOAT, None)],
        w=np.eye(4, dtype="f4"),
    )  # fmt: skip
    model = onnx.load(path)
    model.functions.extend(functions)
    Path(path).write_bytes(model.SerializeToString())
    return path


def test_functions_are_inlined_and_recursion_is_refused(tmp_path: Path) -> None:
    network = load_onnx(function_model(tmp_path, {"F": ["G", "Relu"], "G": ["Relu", "Relu"]}))
    assert network.not_gemm == {"Relu": 3} and len(network.layers) == 1
    path = function_model(tmp_path, {"F": ["G"], "G": ["Relu", "F"]})
    fails(lambda: load_onnx(path), "f.onnx'", "mine.F", "calls itself", "legal")
    many = {f"F{i}": [f"F{i + 1}"] * 10 for i in range(9)} | {"F9": ["Relu"]}
    fails(lambda: load_onnx(function_model(tmp_path, many)), "nodes", "200000", "legal")
    deep = {f"F{i}": [f"F{i + 1}"] for i in range(40)} | {"F40": ["Relu"]}
    fails(lambda: load_onnx(function_model(tmp_path, deep)), "deeper than 16", "legal")


def external(path: Path, location: str, offset: str = "0", length: str = "16") -> str:
    """A MatMul whose weights lie in another file."""
    save(
        path, [helper.make_node("MatMul", ["x", "w"], ["y"], "fc")],
        [value("x", FLOAT, [1, 2])], [value("y", FLOAT, None)], w=np.eye(2, dtype="f4"),
    )  # fmt: skip
    model = onnx.load(str(path))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=text)
    path.write_bytes(model.SerializeToString())
    return str(path)


def test_external_data_stays_in_the_models_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    data = np.array([[1, -1], [0.5, 0]], np.float32).tobytes()
    (folder / "w.bin").write_bytes(b"1234" + data)
    (tmp_path / "secret.bin").write_bytes(data)
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "out").symlink_to(tmp_path)
    file = folder / "m.onnx"
    (layer,) = load_onnx(external(file, "w.bin", "4")).layers
    assert layer.weights.tolist() == [[127, -127], [64, 0]]
    outside = ["../secret.bin", str(tmp_path / "secret.bin"), "link.bin", "out/secret.bin", "", "."]
    for location in outside:
        path = external(file, location)
        fails(lambda path=path: load_onnx(path), "m.onnx'", "tensor 'w'", "model's folder")
    os.mkfifo(folder / "pipe.bin")
    fails(lambda: load_onnx(external(file, "pipe.bin", length="4")), "tensor 'w'", "legal")
    fails(lambda: load_onnx(external(file, "w.bin", "99")), "tensor 'w'", "within the file")
    fails(lambda: load_onnx(external(file, "w.bin", "-1")), "tensor 'w'", "offset", "'-1'")
    fails(lambda: load_onnx(external(file, "w.bin", "0", "12")), "tensor 'w'", "damaged")


def test_files_that_are_no_model(tmp_path: Path) -> None:
    fails(lambda: load_onnx(tmp_path / "no.onnx"), "no.onnx", "No such file")
    fails(lambda: load_onnx(tmp_path), "a folder")
    fails(lambda: load_onnx("/dev/zero"), "/dev/zero", "not a regular file")
    for content in (b"", b"\0" * 40, b"plain text", b"PK\3\4"):
        (tmp_path / "t.onnx").write_bytes(content)
        fails(lambda: load_onnx(tmp_path / "t.onnx"), "t.onnx'", "legal")
    with open(tmp_path / "huge.onnx", "wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    fails(lambda: load_onnx(tmp_path / "huge.onnx"), "at most 640 MiB")
    fails(lambda: workload("onnx:light_resnet5"), "light_resnet50", "legal")
    fails(lambda: workload("missing.onnx"), "missing.onnx", "No such file")


@pytest.mark.parametrize(
    ("attributes", "part"),
    [
        ({"strides": [0, 1]}, "strides"),
        ({"auto_pad": "SAME_UPPER", "strides": [0, 1]}, "legal"),
        ({"dilations": [1, -1]}, "legal"),
        ({"pads": [-1, 0, 0, 0]}, "legal"),
        ({"pads": [1, 1]}, "legal"),
        ({"group": 3}, "legal"),
        ({"group": 0}, "legal"),
        ({"kernel_shape": [9, 9]}, "legal"),
        ({"dilations": [9, 9]}, "legal"),
        ({"auto_pad": "SOME"}, "legal"),
    ],
    ids=str,
)
def test_illegal_attributes(attributes: dict[str, Any], part: str, tmp_path: Path) -> None:
    path = save(
        tmp_path / "c.onnx", [helper.make_node("Conv", ["x", "w"], ["y"], "c1", **attributes)],
        [value("x", FLOAT, [1, 4, 5, 5])], [value("y", FLOAT, None)], w=np.ones((2, 4, 3, 3), "f4"),
    )  # fmt: skip
    fails(lambda: load_onnx(path), "c.onnx'", part)


def test_values_that_no_engine_takes(tmp_path: Path) -> None:
    w, v = np.ones((5, 6), np.float32), np.ones((5, 2), np.float32)
    w[1, 2] = np.nan
    path = mlp(tmp_path / "m.onnx", w=w, v=v)
    fails(lambda: load_onnx(path, batch=1), "tensor 'w'", "NaN", "legal")
    w[1, 2] = 0
    path = mlp(tmp_path / "m.onnx", w=w, v=v)
    x = np.zeros((1, 6), np.float32)
    fails(lambda: load_onnx(path, inputs={}), "'x'", "missing")
    fails(lambda: load_onnx(path, inputs={"x": x, "z": x}), "'z'", "legal: x")
    fails(lambda: load_onnx(path, inputs={"x": x.astype(str)}), "'x'", "legal: float32")
    fails(lambda: load_onnx(path, inputs={"x": x.astype(object)}), "'x'", "legal: float32")
    fails(lambda: load_onnx(path, inputs={"x": x[:, :5]}), "'x'", "size 5", "legal: 6")
    fails(lambda: load_onnx(path, inputs={"x": x[0]}), "'x'", "legal: 2")
    fails(lambda: load_onnx(path, inputs=tmp_path / "no.npz"), "no.npz", "No such file")
    (tmp_path / "bad.npz").write_bytes(b"PK\3\4 broken")
    fails(lambda: load_onnx(path, inputs=tmp_path / "bad.npz"), "bad.npz", "damaged")
    np.savez(tmp_path / "o.npz", x=np.array([{}], object))
    fails(lambda: load_onnx(path, inputs=tmp_path / "o.npz"), "o.npz", "legal")
    assert load_onnx(path, inputs={"x": x}).layers[0].activations.tolist() == [[0] * 6]
    fails(lambda: load_onnx(path, batch=1, a_type="int99"), "a_type", "int99", "legal")
    fails(lambda: load_onnx(path, batch=1, seed=-1), "seed is -1", "legal")
    layer = load_onnx(path, batch=2**30).layers[0]
    fails(layer.operands, "more than 1073741824", "values = none")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    fails(lambda: load_onnx("x.onnx"), "pip install -e '.[onnx]'")


def test_damaged_models_give_one_line(tmp_path: Path) -> None:
    """Truncation and flipped bits: a workload or a TpeError, and nothing else."""
    weights = ints(np.int8, 5, 3, 3, 3)
    quantised = qdq(tmp_path / "q.onnx", weights, ints(np.int8, 5), np.ones(5, np.float32))
    seeds = [Path(p).read_bytes() for p in (quantised, onnx_light()["light_squeezenet"])]
    source = random.Random(0)
    file = tmp_path / "damaged.onnx"
    refused = 0
    for index in range(600):
        content = bytearray(seeds[index % 2])
        if index % 3 == 0:
            del content[source.randrange(len(content)) :]
        else:
            for _ in range(source.choice([1, 1, 3, 10])):
                content[source.randrange(len(content))] ^= 1 << source.randrange(8)
        file.write_bytes(content)
        try:
            load_onnx(file, batch=1)
        except TpeError as error:
            refused += 1
            assert os.fspath(file) in str(error) and str(error).isprintable()
    assert refused > 200


def test_the_command_line_takes_a_model_and_says_what_it_left_out() -> None:
    from typer.testing import CliRunner

    from tpe.cli.main import app

    words = ["run", "--size", "32x32", "--workload", "onnx:light_squeezenet", "--json", "-"]
    result = CliRunner().invoke(app, words)
    content = json.loads(result.stdout)
    assert result.exit_code == 0
    assert content["not_gemm"]["MaxPool"] == 3
    assert content["unsupported"] == {}
    assert "onnx:light_squeezenet" in content["command"]
    for bad in ("seq", "seq=x", "=4"):
        result = CliRunner().invoke(app, ["run", "--workload", "onnx:light_vgg19", "--dim", bad])
        assert (result.exit_code, result.stdout) == (2, "")
        assert "NAME=SIZE" in result.stderr
