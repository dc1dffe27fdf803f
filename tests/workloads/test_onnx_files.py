"""ONNX models as people have them: stripped, half unknown, odd, of mixed types, endless."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.workloads.test_workloads import fails
from tpe import Engine
from tpe.cli.main import app
from tpe.numbers.formats import FORMATS
from tpe.workloads import exact_gemm, load_onnx, workload
from tpe.workloads.onnx_values import quantised

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

FLOAT, INT8, UINT8 = TensorProto.FLOAT, TensorProto.INT8, TensorProto.UINT8
INT4, UINT4, INT64, BOOL = TensorProto.INT4, TensorProto.UINT4, TensorProto.INT64, TensorProto.BOOL
RNG = np.random.default_rng(5)
W = RNG.normal(size=(4, 3, 3, 3)).astype(np.float32)


def value(name: str, shape: Any, elem: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, elem, shape)


def model(
    nodes: list[Any],
    inputs: list[Any],
    constants: dict[str, Any] | None = None,
    opset: int = 17,
) -> Any:
    """A model whose last node makes the output; constants are arrays or TensorProto."""
    tensors = [
        made if isinstance(made, TensorProto) else numpy_helper.from_array(np.asarray(made), name)
        for name, made in (constants or {}).items()
    ]
    output = value(nodes[-1].output[0], None)
    graph = helper.make_graph(nodes, "g", inputs, [output], tensors)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("mine", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def write(path: Path, made: Any) -> str:
    file = path / "net.onnx"
    file.write_bytes(made.SerializeToString())
    return str(file)


def conv_relu_conv() -> Any:
    """Two convolutions; the second has weights of its own."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "c1"),
        helper.make_node("Conv", ["c", "v"], ["y"], "c2"),
    ]
    v = RNG.normal(size=(5, 4, 1, 1)).astype(np.float32)
    return model(nodes, [value("x", [1, 3, 8, 8])], {"w": W, "v": v})


def sizes(network: Any) -> list[tuple[int, int, int]]:
    return [(layer.m, layer.n, layer.k) for layer in network.layers]


# --- weights that are not there ---------------------------------------------------------------


def stripped(how: str) -> Any:
    made = conv_relu_conv()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    if how == "external":
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="gone.bin")
    return made


@pytest.mark.parametrize("how", ["external", "empty"])
def test_a_model_without_weights_loads_by_its_shapes(how: str, tmp_path: Path) -> None:
    network = load_onnx(write(tmp_path, stripped(how)))
    assert sizes(network) == [(36, 4, 27), (36, 5, 4)]
    first, second = network.layers
    assert first.operand_source == "assumed: uniform seed 0"
    assert second.operand_source == "activations assumed: uniform seed 0; weights the model's"
    reason = {"external": "its data file 'gone.bin' does not exist", "empty": "no values of it"}
    assert len(network.notes) == 1
    assert "tensor 'w'" in network.notes[0] and reason[how] in network.notes[0]
    x = np.ones((1, 3, 8, 8), np.float32)
    fails(lambda: load_onnx(network.name, inputs={"x": x}), "tensor 'w'", reason[how], "legal")


def test_inputs_do_where_nothing_absent_lies_on_the_way(tmp_path: Path) -> None:
    made = stripped("external")
    del made.graph.node[1]
    made.graph.output[0].name = "c"
    x = RNG.normal(size=(1, 3, 8, 8)).astype(np.float32)
    (layer,) = load_onnx(write(tmp_path, made), inputs={"x": x}).layers
    assert layer.operand_source == "activations inputs given; weights assumed: uniform seed 0"


def test_half_the_values_are_damage(tmp_path: Path) -> None:
    made = conv_relu_conv()
    made.graph.initializer[0].raw_data = made.graph.initializer[0].raw_data[:40]
    fails(lambda: load_onnx(write(tmp_path, made)), "tensor 'w'", "damaged")


# --- shapes -----------------------------------------------------------------------------------


def unknown_node() -> Any:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "c1"),
        helper.make_node("NonZero", ["c"], ["z"]),
        helper.make_node("Cast", ["z"], ["f"], to=FLOAT),
        helper.make_node("MatMul", ["v", "f"], ["y"], "m1"),
    ]
    return model(nodes, [value("x", [1, 3, 8, 8]), value("v", [2, 4])], {"w": W})


def test_a_node_of_unknown_shape_is_listed_and_the_rest_runs(tmp_path: Path) -> None:
    network = load_onnx(write(tmp_path, unknown_node()))
    assert sizes(network) == [(36, 4, 27)]
    assert network.unsupported == {"MatMul of unknown shape": 1}
    assert any("'m1'" in note and "not counted" in note for note in network.notes)
    x, v = np.ones((1, 3, 8, 8), np.float32), np.ones((2, 4), np.float32)
    given = load_onnx(network.name, inputs={"x": x, "v": v})
    assert sizes(given) == [(36, 4, 27), (2, 4 * 36, 4)] and not given.unsupported


def test_a_model_of_unknown_shapes_alone_says_so(tmp_path: Path) -> None:
    made = unknown_node()
    del made.graph.node[0]
    made.graph.node[0].input[0] = "x"
    fails(lambda: load_onnx(write(tmp_path, made)), "no GEMM", "input 'f' cannot be inferred")


@pytest.mark.parametrize("mark", ["?", "-1", "", "None", "unknown", " ? ", "*"])
def test_anonymous_sizes_are_independent(mark: str, tmp_path: Path) -> None:
    made = model(
        [helper.make_node("Conv", ["x", "w"], ["y"], "c1")],
        [value("x", [1, 3, mark, mark])],
        {"w": W},
    )
    path = write(tmp_path, made)
    assert sizes(load_onnx(path, inputs={"x": np.ones((1, 3, 8, 12), np.float32)})) == [(60, 4, 27)]
    assert sizes(load_onnx(path, dims={"x[2]": 8, "x[3]": 12})) == [(60, 4, 27)]
    fails(lambda: load_onnx(path), "'x[2]'", "--dim 'x[2]=SIZE' --dim 'x[3]=SIZE'")


def test_a_size_of_minus_one_is_none_and_a_name_is_one(tmp_path: Path) -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], "c1")
    path = write(tmp_path, model([node], [value("x", [-1, 3, 8, 8])], {"w": W}))
    assert sizes(load_onnx(path, batch=2)) == [(72, 4, 27)]
    path = write(tmp_path, model([node], [value("x", [1, 3, "side", "side"])], {"w": W}))
    assert sizes(load_onnx(path, dims={"side": 8})) == [(36, 4, 27)]
    x = np.ones((1, 3, 8, 12), np.float32)
    fails(lambda: load_onnx(path, inputs={"x": x}), "'side' is 12 here and 8 elsewhere")


def test_attributes_that_an_operator_does_not_have_are_noted(tmp_path: Path) -> None:
    made = model(
        [
            helper.make_node("Relu", ["a"], ["r"], "r1"),
            helper.make_node("Gemm", ["r", "b"], ["y"], "g1", transB=1, act_bits=8, note="mine"),
        ],
        [value("a", [4, 8])],
        {"b": RNG.normal(size=(5, 8)).astype(np.float32)},
    )
    network = load_onnx(write(tmp_path, made))
    assert sizes(network) == [(4, 5, 8)]
    assert network.notes == (
        "node 'g1': Gemm has no attribute 'act_bits'; ignored",
        "node 'g1': Gemm has no attribute 'note'; ignored",
    )


# --- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["int8", "uint8", "int16"])
def test_the_smallest_and_largest_floats_quantise_as_others_do(dtype: Any, name: str) -> None:
    base = RNG.integers(-63, 64, 40).astype(dtype)
    base[:2] = (63, -63)
    fmt = FORMATS[name]
    wanted = quantised(base, fmt, "x")
    info = np.finfo(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for unit in (info.smallest_subnormal, info.tiny, info.max / 64):
            # Whole multiples of a power of two: exact, even where numbers are subnormal.
            power = dtype(2.0) ** dtype(np.floor(np.log2(unit))) if unit > 1 else unit
            found = quantised(base * power, fmt, "x")
            assert (found.values == wanted.values).all() and found.zero == wanted.zero


def test_denormal_weights_load_without_a_warning(tmp_path: Path) -> None:
    b = np.full((4, 5), 1e-45, np.float32)
    b[0, 0] = 0
    path = write(tmp_path, model([helper.make_node("MatMul", ["a", "b"], ["y"])],
                                 [value("a", [2, 4])], {"b": b}))  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (layer,) = load_onnx(path).layers
        assert sorted(set(layer.weights.flat)) == [0, 127]


def four_bit(elem: int, shape: tuple[int, int]) -> tuple[np.ndarray, Any]:
    """Integers of 4 bits over their whole range, and the tensor that stores them packed."""
    low = -8 if elem == INT4 else 0
    values = (np.arange(shape[0] * shape[1]) % 16 + low).reshape(shape)
    return values, helper.make_tensor("q", elem, shape, values.flatten().tolist())


@pytest.mark.parametrize("elem", [INT4, UINT4])
@pytest.mark.parametrize("transposed", [False, True])
def test_blocked_weights_of_four_bits_stay_what_they_are(
    elem: int, transposed: bool, tmp_path: Path
) -> None:
    k, n, block = 32, 6, 8
    shape = (n, k) if transposed else (k, n)
    axis = 1 if transposed else 0
    values, tensor = four_bit(elem, shape)
    blocks = tuple(size // block if i == axis else size for i, size in enumerate(shape))
    scales = RNG.uniform(0.1, 2, blocks).astype(np.float32)
    dq = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=axis, block_size=block)
    nodes = [dq]
    if transposed:
        nodes.append(helper.make_node("Transpose", ["w"], ["wt"]))
    nodes.append(helper.make_node("MatMul", ["a", nodes[-1].output[0]], ["y"], "m1"))
    name = "int4" if elem == INT4 else "uint4"
    for zeros, zero in ((np.full(blocks, 3), 3), (np.arange(np.prod(blocks)) % 8, 0)):
        z = helper.make_tensor("z", elem, blocks, np.asarray(zeros).flatten().tolist())
        made = model(nodes, [value("a", [2, k])], {"q": tensor, "s": scales, "z": z}, opset=21)
        for inputs in (None, {"a": np.ones((2, k), np.float32)}):
            network = load_onnx(write(tmp_path, made), inputs=inputs)
            (layer,) = network.layers
            assert (layer.b_type, layer.b_zero) == (name, zero)
            assert (layer.weights == (values.T if transposed else values)).all()
            assert any("one scale per block" in note and name in note for note in network.notes)
            assert any("differ within a sum" in x for x in network.notes) == (zero == 0)


def test_four_bits_with_one_scale_are_exact(tmp_path: Path) -> None:
    values, tensor = four_bit(INT4, (16, 5))
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s"], ["w"]),
        helper.make_node("MatMul", ["a", "w"], ["y"]),
    ]
    made = model(nodes, [value("a", [3, 16])], {"q": tensor, "s": np.float32(0.25)}, opset=21)
    (layer,) = load_onnx(write(tmp_path, made)).layers
    assert layer.b_type == "int4" and (layer.weights == values).all()


def mixed() -> Any:
    """uint8 x int8 with a zero point, then int8 x int4."""
    _, tensor = four_bit(INT4, (5, 6))
    nodes = [
        helper.make_node("MatMulInteger", ["a", "b", "z"], ["c"], "m1"),
        helper.make_node("DequantizeLinear", ["x", "s"], ["xf"]),
        helper.make_node("DequantizeLinear", ["q", "s"], ["w"]),
        helper.make_node("MatMul", ["xf", "w"], ["y"], "m2"),
    ]
    inputs = [value("a", [2, 4], UINT8), value("x", [2, 5], INT8)]
    b = RNG.integers(-128, 128, (4, 5)).astype(np.int8)
    constants = {"b": b, "z": np.uint8(7), "q": tensor, "s": np.float32(0.5)}
    return model(nodes, inputs, constants, opset=21)


def test_a_model_of_mixed_types_is_told_all_settings_at_once(tmp_path: Path) -> None:
    network = load_onnx(write(tmp_path, mixed()))
    assert [(x.a_type, x.b_type) for x in network.layers] == [("uint8", "int8"), ("int8", "int4")]
    wanted = "uint8 x int8 ('m1'), int8 x int4 ('m2'); all of it: a_type = int9, b_type = int8, "
    wanted += "zero_points = subtract"
    fails(lambda: Engine("mac", "os", "4x4").run(network), "layer 'm1'", wanted)
    engine = Engine("mac", "os", "4x4", a_type="int9", zero_points="subtract")
    run = engine.run(network)
    for layer, done in zip(network.layers, run.layers, strict=True):
        assert (layer.without_zero_points(exact_gemm(layer)) == done.C).all()


# --- limits -----------------------------------------------------------------------------------


def looped(body: list[Any], state: list[int], m: int | None) -> Any:
    """Loop over a state of this shape, then MatMul."""
    ends = [value("i", [], INT64), value("ci", [], BOOL), value("v", None)]
    outs = [value("co", [], BOOL), value("vo", None)]
    nodes = [helper.make_node("Identity", ["ci"], ["co"]), *body]
    graph = helper.make_graph(nodes, "body", ends, outs)
    loop = [
        helper.make_node("Loop", ["m" if m is not None else "", "c", "a"], ["z"], body=graph),
        helper.make_node("MatMul", ["z", "b"], ["y"]),
    ]
    constants = {"c": np.array(True), "b": np.ones((state[-1], 5), np.float32) + np.eye(5)[0]}
    constants["b"] = constants["b"].astype(np.float32)
    if m is not None:
        constants["m"] = np.array(m, np.int64)
    return model(loop, [value("a", state)], constants)


RELU = [helper.make_node("Relu", ["v"], ["vo"])]


@pytest.mark.parametrize("m", [2**62, None])
def test_a_loop_that_never_ends_is_told_and_the_limit_can_be_changed(
    m: int | None, tmp_path: Path
) -> None:
    path = write(tmp_path, looped(RELU, [2, 4], m))
    inputs = {"a": np.ones((2, 4), np.float32)}
    for limit in ({"loop_iterations": 50}, {"loop_seconds": 0.05}):
        ((option, most),) = limit.items()
        fails(lambda limit=limit: workload(path, inputs=inputs, **limit), f"after {most}", option)
    fails(lambda: load_onnx(path, inputs=inputs, loop_seconds=-1), "loop_seconds is -1", "legal")
    fails(lambda: load_onnx(path, loop_iterations=0), "loop_iterations is 0", "legal")
    fails(lambda: workload("gemm:1x1x1", loop_seconds=1), "loop_seconds", "ONNX")


def test_a_loop_that_ends_runs_to_its_end(tmp_path: Path) -> None:
    double = [helper.make_node("Add", ["v", "v"], ["vo"])]
    path = write(tmp_path, looped(double, [2, 4], 5))
    a = RNG.integers(-3, 4, (2, 4)).astype(np.float32)
    (layer,) = load_onnx(path, inputs={"a": a}, loop_iterations=5).layers
    assert (layer.activations == quantised(a * 32, FORMATS["int8"], "a").values).all()
    fails(lambda: load_onnx(path, inputs={"a": a}, loop_iterations=4), "after 4 iterations")


def test_memory_that_a_model_asks_for_has_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tpe.workloads.onnx.evaluate.MAX_GROWTH", 64 << 20)
    double = [helper.make_node("Concat", ["v", "v"], ["vo"], axis=0)]
    path = write(tmp_path, looped(double, [2, 4], 60))
    inputs = {"a": np.ones((2, 4), np.float32)}
    fails(lambda: load_onnx(path, inputs=inputs), "Concat", "of memory", "up to 64 MiB")
    nodes = [
        helper.make_node("Tile", ["a", "r"], ["t"], "tile"),
        helper.make_node("MatMul", ["t", "b"], ["y"]),
    ]
    for repeats in ([1 << 22, 1], [1 << 40, 1 << 20]):
        constants = {"b": np.eye(4, dtype=np.float32)}
        made = model(nodes, [value("a", [2, 4]), value("r", [2], INT64)], constants)
        feeds = {**inputs, "r": np.array(repeats)}
        path = write(tmp_path, made)
        fails(lambda path=path, feeds=feeds: load_onnx(path, inputs=feeds), "net.onnx", "legal")


def test_the_command_line_changes_the_limits(tmp_path: Path) -> None:
    path = write(tmp_path, looped(RELU, [2, 4], 200))
    np.savez(tmp_path / "a.npz", a=np.ones((2, 4), np.float32))
    words = ["run", "--pe", "mac", "--array", "os", "--size", "2x2", "--workload", path]
    words += ["--inputs", str(tmp_path / "a.npz"), "--loop-iterations"]
    result = CliRunner().invoke(app, [*words, "199"])
    assert result.exit_code == 2 and "higher loop_iterations (--loop-iter" in result.stderr
    result = CliRunner().invoke(app, [*words, "200"])
    assert result.exit_code == 0 and "--loop-iterations 200" in result.stdout


@pytest.mark.parametrize("inside", [False, True])
def test_a_long_range_is_not_written_out(inside: bool, tmp_path: Path) -> None:
    """Shape inference that follows values takes 8 GB for this one."""
    nodes = [
        helper.make_node("Range", ["l", "m", "d"], ["r"]),
        helper.make_node("Cast", ["r"], ["f"], to=FLOAT),
        helper.make_node("Unsqueeze", ["f", "axes"], ["w"]),
        helper.make_node("MatMul", ["a", "w"], ["y"], "m1"),
    ]
    limit = np.array(2**28, np.int64)
    constants = {"l": np.array(0), "d": np.array(1), "axes": np.array([1])}
    if inside:
        tensor = numpy_helper.from_array(limit)
        nodes.insert(0, helper.make_node("Constant", [], ["m"], value=tensor))
    else:
        constants["m"] = limit
    network = load_onnx(write(tmp_path, model(nodes, [value("a", [2, 2**28])], constants)))
    assert sizes(network) == [(2, 1, 2**28)]
