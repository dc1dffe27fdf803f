"""ONNX weights of few bits, against onnxruntime, onnx's reference evaluator and plain integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tests.workloads.test_workloads import fails
from tpe.workloads import load_onnx

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

RNG = np.random.default_rng(43)
Arrays = dict[str, np.ndarray]


def save(path: Path, nodes: list[Any], ins: Any, outs: Any, tensors: list[Any]) -> str:
    infos = [[helper.make_tensor_value_info(*item) for item in side] for side in (ins, outs)]
    graph = helper.make_graph(nodes, "g", *infos, tensors)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    path.write_bytes(model.SerializeToString())
    return str(path)


def packed(codes: np.ndarray, bits: int) -> bytes:
    """Codes one behind the other, lowest bits first, as one long Python integer."""
    whole = sum(int(code) << bits * place for place, code in enumerate(codes))
    return whole.to_bytes(-(-len(codes) * bits // 8), "little")


def rows(codes: np.ndarray, bits: int) -> np.ndarray:
    """Every row packed on its own, uint8."""
    return np.array([[*packed(row, bits)] for row in codes], np.uint8)


def nbits(bits: int, k: int, n: int, block: int, zeros: str, ftype: Any = np.float32) -> Arrays:
    """Tensors of a MatMulNBits; `codes`, `offset` (N, blocks), `each` (K,): what they mean."""
    blocks = -(-k // block)
    codes = RNG.integers(0, 1 << bits, (n, blocks * block))
    found = {
        "B": rows(codes, bits).reshape(n, blocks, -1),
        "s": RNG.uniform(0.01, 2, n * blocks).astype(ftype),
        "codes": codes[:, :k],
        "offset": np.full((n, blocks), 1 << bits - 1),
        "each": np.arange(k) // block,
    }
    if zeros == "packed":
        found["offset"] = RNG.integers(0, 1 << bits, (n, blocks))
        found["z"] = rows(found["offset"], bits)
    if zeros == "floats":
        found["offset"] = RNG.uniform(0, 1 << bits, (n, blocks)).astype(ftype)
        found["z"] = found["offset"].reshape(-1)
    return found


def nbits_model(path: Path, bits: int, block: int, n: int, parts: Arrays, **more: Any) -> str:
    """A model of one MatMulNBits on an (M, K) input "x"."""
    k = parts["codes"].shape[1]
    named = {"z": parts.get("z"), "g": parts.get("g"), "bias": parts.get("bias")}
    names = ["x", "B", "s", *(key if named[key] is not None else "" for key in named)]
    attributes = {"bits": bits, "block_size": block, "K": k, "N": n, **more}
    node = helper.make_node(
        "MatMulNBits", names, ["y"], name="fc", domain="com.microsoft", **attributes
    )
    kind = helper.np_dtype_to_tensor_dtype(parts["s"].dtype)
    held = [key for key in ("B", "s", "z", "g", "bias") if parts.get(key) is not None]
    tensors = [numpy_helper.from_array(parts[key], key) for key in held]
    return save(path, [node], [("x", kind, ["m", k])], [("y", kind, ["m", n])], tensors)


def meant(parts: Arrays) -> np.ndarray:
    """(K, N) float64 that the tensors mean, by the operator's definition."""
    each = parts["each"]
    scale = parts["s"].reshape(parts["offset"].shape).astype(np.float64)
    whole = (parts["codes"] - parts["offset"][:, each].astype(np.float64)) * scale[:, each]
    return np.asarray(whole.T)


def run_ort(path: str, **feeds: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, feeds)[0])


CASES = [
    (bits, k, n, block, zeros)
    for bits in (2, 4, 8)
    for k, n, block in ((40, 3, 16), (16, 1, 16), (1, 2, 32), (129, 5, 64))
    for zeros in ("", "packed", *(("floats",) if bits < 8 else ()))
]


@pytest.mark.parametrize(("bits", "k", "n", "block", "zeros"), CASES)
def test_nbits_are_the_weights_of_onnxruntime(
    bits: int, k: int, n: int, block: int, zeros: str, tmp_path: Path
) -> None:
    """Columns of an identity are the weights: float64 of ours against float32 of theirs."""
    parts = nbits(bits, k, n, block, zeros)
    path = nbits_model(tmp_path / "m.onnx", bits, block, n, parts)
    tensor = tpe.read_weights(path).matrix("B").read()
    theirs = run_ort(path, x=np.eye(k, dtype=np.float32))
    largest = abs(theirs).max()
    assert abs(tensor.values() - theirs).max() <= 2e-6 * largest
    assert abs(tensor.values() - meant(parts)).max() <= 1e-15 * (1 << bits) * 2
    blocks = -(-k // block)
    assert tensor.groups == blocks and tensor.axis == 0
    assert (tensor.offsets is not None) == (zeros == "floats")


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("zeros", ["", "packed", "floats"])
def test_nbits_of_every_width_run_as_codes(bits: int, zeros: str, tmp_path: Path) -> None:
    """Layers hold the codes, less the middle where there is no zero point; bits are counted."""
    k, n, block = 50, 4, 16
    parts = nbits(bits, k, n, block, zeros, np.float16)
    path = nbits_model(tmp_path / "m.onnx", bits, block, n, parts)
    workload = load_onnx(path, dims={"m": 3})
    (layer,) = workload.layers
    signed = not zeros
    want = parts["codes"].T - (1 << bits - 1 if signed else 0)
    assert (layer.weights == want).all() and (layer.m, layer.n, layer.k) == (3, n, k)
    assert layer.b_type == f"{'int' if signed else 'uint'}{bits}" and layer.name == "fc"  # type: ignore[attr-defined]
    held = sum(parts[key].nbytes for key in ("B", "s", "z") if key in parts)
    assert layer.bits_per_weight == 8 * held / (k * n)  # type: ignore[attr-defined]
    assert any("one scale per block" in note for note in workload.notes)
    assert not workload.unsupported and not workload.not_gemm
    file = tpe.read_weights(path)
    matrix = file.matrix("B")
    assert (matrix.scheme, matrix.k, matrix.n, matrix.group) == ("MatMulNBits", k, n, block)
    assert matrix.bits == layer.bits_per_weight and (matrix.codes() == layer.weights).all()  # type: ignore[attr-defined]
    assert abs(file.matrix("B").read().values() - meant(parts)).max() < 1e-12


def test_nbits_of_one_block_keep_exact_zero_points(tmp_path: Path) -> None:
    """One block a column: a scale and a zero point for each column leave the sum."""
    parts = nbits(4, 30, 5, 32, "packed")
    path = nbits_model(tmp_path / "m.onnx", 4, 32, 5, parts)
    (layer,) = load_onnx(path, dims={"m": 2}).layers
    c = layer.without_zero_points(layer.activations @ layer.weights)  # type: ignore[attr-defined]
    plain = layer.activations @ (parts["codes"] - parts["offset"]).T
    assert (c == plain).all() and plain.any()


@pytest.mark.parametrize("zeros", ["", "packed"])
def test_nbits_groups_are_followed(zeros: str, tmp_path: Path) -> None:
    """g_idx says which block's scale each of K takes. onnxruntime 1.32 leaves zero points out
    where there is a g_idx; by the definition they are subtracted."""
    parts = nbits(4, 48, 3, 16, zeros)
    parts["g"] = parts["each"] = RNG.permutation(np.arange(48) // 16).astype(np.int32)
    path = nbits_model(tmp_path / "m.onnx", 4, 16, 3, parts)
    tensor = tpe.read_weights(path).matrix("B").read()
    assert abs(tensor.values() - meant(parts)).max() < 1e-13
    if not zeros:
        theirs = run_ort(path, x=np.eye(48, dtype=np.float32))
        assert abs(tensor.values() - theirs).max() <= 2e-6 * abs(theirs).max()
    parts["g"] = np.where(np.arange(48) == 7, 3, parts["g"]).astype(np.int32)
    bad = nbits_model(tmp_path / "bad.onnx", 4, 16, 3, parts)
    fails(lambda: tpe.read_weights(bad), "node 'fc' (MatMul): g_idx holds 0 to 3; legal: 0 to 2")


def test_inputs_go_through_nbits_as_in_onnxruntime(tmp_path: Path) -> None:
    """Activations behind two layers of packed weights, a bias and a ReLU: what the third takes."""
    sizes = [(33, 20), (20, 7), (7, 2)]
    every, nodes, tensors = [], [], []
    for at, (k, n) in enumerate(sizes):
        parts = nbits(4, k, n, 16, ("", "packed", "floats")[at])
        parts["bias"] = RNG.normal(size=n).astype(np.float32)
        every.append(parts)
        keys = [key for key in ("B", "s", "z", "bias") if key in parts]
        tensors += [numpy_helper.from_array(parts[key], f"{key}{at}") for key in keys]
        names = [f"B{at}", f"s{at}", f"z{at}" if at else "", "", f"bias{at}"]
        sized = {"K": k, "N": n, "bits": 4, "block_size": 16}
        node = helper.make_node(
            "MatMulNBits", [f"x{at}", *names], [f"y{at}"], domain="com.microsoft", **sized
        )
        nodes += [node, helper.make_node("Relu", [f"y{at}"], [f"x{at + 1}"])]
    ends = [("x0", 1, [5, 33])], [("x2", 1, [5, 7]), ("x3", 1, [5, 2])]
    path = save(tmp_path / "mlp.onnx", nodes, *ends, tensors)
    x = RNG.normal(size=(5, 33)).astype(np.float32)
    network = load_onnx(path, inputs={"x0": x})
    assert [layer.name for layer in network.layers] == ["y0", "y1", "y2"]
    assert network.not_gemm == {"Relu": 3}
    theirs = run_ort(path, x0=x)
    got = network.layers[2].activations
    assert abs(got - theirs / abs(theirs).max() * 127).max() <= 0.51  # int8 of the same floats


BLOCKED = [("int4", 0, False), ("uint4", 0, False), ("int8", 0, False), ("uint4", 1, True)]


@pytest.mark.parametrize(("kind", "axis", "turned"), BLOCKED)
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize(("k", "n", "block"), [(70, 3, 32), (1, 1, 16), (64, 5, 16), (9, 2, 2)])
def test_blocked_dequantize_linear_is_onnxs(
    kind: str, axis: int, turned: bool, zeros: bool, k: int, n: int, block: int, tmp_path: Path
) -> None:
    """Weights of opset 21, the last block short: values as onnx's evaluator has them, exactly."""
    elem = TensorProto.DataType.Value(kind.upper())
    bits, signed = int(kind.lstrip("uint")), kind.startswith("int")
    low = -(1 << bits - 1) if signed else 0
    shape = (n, k) if turned else (k, n)
    blocks = [-(-size // block) if at == axis else size for at, size in enumerate(shape)]
    codes = RNG.integers(low, low + (1 << bits), shape)
    zero = RNG.integers(low, low + (1 << bits), blocks)
    scale = RNG.uniform(0.01, 2, blocks).astype(np.float32)
    tensors = [
        helper.make_tensor("w", elem, shape, codes.reshape(-1)),
        numpy_helper.from_array(scale, "s"),
        *([helper.make_tensor("z", elem, blocks, zero.reshape(-1))] if zeros else []),
    ]
    names = ["w", "s", *(["z"] if zeros else [])]
    nodes = [helper.make_node("DequantizeLinear", names, ["v"], axis=axis, block_size=block)]
    nodes.append(helper.make_node("Gemm", ["x", "v"], ["y"], name="fc", transB=int(turned)))
    path = save(tmp_path / "m.onnx", nodes, [("x", 1, ["m", k])], [("y", 1, ["m", n])], tensors)
    reference = ReferenceEvaluator(onnx.load(path))
    theirs = np.asarray(reference.run(["v"], {"x": np.zeros((1, k), np.float32)})[0])
    file = tpe.read_weights(path)
    tensor = file.matrix("w").read()
    wanted = theirs.T if turned else theirs
    assert (tensor.values().astype(np.float32) == wanted).all()
    (layer,) = load_onnx(path, batch=2).layers
    assert (layer.weights == (codes.T if turned else codes)).all()
    held = -(-codes.size * bits // 8) + 4 * scale.size + (-(-zero.size * bits // 8) if zeros else 0)
    assert layer.bits_per_weight == 8 * held / (k * n) == file.bits_per_weight  # type: ignore[attr-defined]
    assert file.matrix("w").group == (block if k > block else k)


def test_other_quantised_operators_keep_their_scales(tmp_path: Path) -> None:
    """QLinearConv in groups, QDQ per channel through a Transpose, MatMulInteger: their weights."""
    w = RNG.integers(-128, 128, (6, 2, 3, 3)).astype(np.int8)
    scale = RNG.uniform(0.1, 1, 6).astype(np.float32)
    one, zero8 = np.float32(0.5), np.uint8(3)
    fc = RNG.integers(-128, 128, (4, 150)).astype(np.int8)
    fc_scale = RNG.uniform(0.1, 1, 4).astype(np.float32)
    small, small_zero = RNG.integers(0, 256, (4, 5)).astype(np.uint8), np.uint8(7)
    constants = {
        "w": w, "ws": scale, "wz": np.zeros(6, np.int8), "one": one, "zero": zero8,
        "fc": fc, "fs": fc_scale, "small": small, "smallz": small_zero,
    }  # fmt: skip
    nodes = [
        helper.make_node(
            "QLinearConv", ["x", "one", "zero", "w", "ws", "wz", "one", "zero"], ["c"], group=3
        ),
        helper.make_node("DequantizeLinear", ["c", "one", "zero"], ["d"]),
        helper.make_node("Flatten", ["d"], ["flat"]),
        helper.make_node("DequantizeLinear", ["fc", "fs"], ["v"], axis=0),
        helper.make_node("Transpose", ["v"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["flat", "t"], ["y"]),
        helper.make_node("QuantizeLinear", ["y", "one", "zero"], ["q"]),
        helper.make_node("MatMulInteger", ["q", "small", "zero", "smallz"], ["z"]),
    ]
    tensors = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    path = save(
        tmp_path / "m.onnx", nodes, [("x", 2, ["b", 6, 7, 7])], [("z", 6, ["b", 5])], tensors
    )
    file = tpe.read_weights(path)
    assert [*file.matrices] == ["w", "fc", "small"] and not file.unsupported
    conv = (w.astype(np.float64) * scale.astype(np.float64)[:, None, None, None]).reshape(6, 18)
    assert (file.matrix("w").read().values() == conv.T).all()
    linear = fc.astype(np.float64) * fc_scale.astype(np.float64)[:, None]
    assert (file.matrix("fc").read().values() == linear.T).all()
    assert (file.matrix("small").read().values() == small.astype(np.float64) - 7).all()
    schemes = [matrix.scheme for matrix in file.matrices.values()]
    assert schemes == ["QLinearConv", "DequantizeLinear", "MatMulInteger"]
    layers = load_onnx(path, batch=1).layers
    assert [layer.name for layer in layers][-2:] == ["y", "z"]
    assert layers[-2].bits_per_weight == 8 + 32 * 4 / 600  # type: ignore[attr-defined]
    assert layers[0].bits_per_weight == 8 + (32 + 8) * 6 / 108  # type: ignore[attr-defined]


BAD = [
    ({"bits": 9}, {}, "bits is 9; legal: 2 to 8"),
    ({"bits": 1}, {}, "bits is 1; legal: 2 to 8"),
    ({"block_size": 24}, {}, "block_size is 24; legal: a power of two of 16 or more"),
    ({"block_size": 0}, {}, "block_size is 0; legal: a power of two"),
    ({"N": 0}, {}, "N is 0; legal: 1 or more"),
    ({"K": -5}, {}, "K is -5; legal: 1 or more"),
    ({"K": 2**40}, {}, "B 'B' has 48 numbers of uint8; legal for K = 1099511627776"),
    ({}, {"s": np.ones(7, np.float32)}, "scales 's' has 7 numbers of float; legal"),
    ({}, {"z": np.ones(7, np.uint8)}, "zero_points 'z' has 7 numbers of uint8; legal"),
    ({}, {"z": np.ones(6, np.int8)}, "zero_points 'z' has 6 numbers of int8; legal"),
    ({}, {"g": np.ones(3, np.int32)}, "g_idx 'g' has 3 numbers of int32; legal"),
    ({}, {"B": np.ones((2, 3, 7), np.uint8)}, "B 'B' has 42 numbers of uint8; legal"),
]


@pytest.mark.parametrize(("attributes", "tensors", "part"), BAD)
def test_nbits_that_do_not_fit(
    attributes: dict[str, int], tensors: Arrays, part: str, tmp_path: Path
) -> None:
    parts = {**nbits(4, 40, 2, 16, ""), **tensors}
    path = nbits_model(tmp_path / "m.onnx", 4, 16, 2, parts)
    model = onnx.load(path)
    for item in model.graph.node[0].attribute:
        item.i = attributes.get(item.name, item.i)
    onnx.save(model, path)
    for load in (lambda: load_onnx(path, batch=1), lambda: tpe.read_weights(path)):
        fails(load, f"'{path}': node 'fc' (MatMulNBits): {part}")


def test_nbits_of_computed_weights_are_not_counted(tmp_path: Path) -> None:
    parts = nbits(4, 16, 2, 16, "")
    parts["B2"] = parts["B"]
    path = nbits_model(tmp_path / "m.onnx", 4, 16, 2, parts)
    model = onnx.load(path)
    model.graph.node[0].input[1] = "moved"
    model.graph.node.insert(0, helper.make_node("Identity", ["B"], ["moved"]))
    w = numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
    model.graph.initializer.append(w)
    model.graph.node.append(helper.make_node("MatMul", ["y", "w"], ["end"]))
    model.graph.value_info.append(helper.make_tensor_value_info("y", 1, [1, 2]))
    model.graph.output[0].name = "end"
    onnx.save(model, path)
    network = load_onnx(path, batch=1)
    assert network.unsupported == {"com.microsoft.MatMulNBits": 1}
    assert any("takes weights that are no initialiser" in note for note in network.notes)


def test_a_model_of_few_bits_on_an_engine_and_in_a_list(tmp_path: Path) -> None:
    """The column `storage`, and what `tpe list FILE` prints, from one file."""
    from typer.testing import CliRunner

    from tpe.cli.main import app

    parts = nbits(4, 40, 6, 32, "packed", np.float16)
    path = nbits_model(tmp_path / "m.onnx", 4, 32, 6, parts)
    run = tpe.Engine("mac", "matrix2d", "4x4", zero_points="offset").run(
        tpe.workload(path, batch=3)
    )
    row = run.with_columns("storage").rows()[0]
    assert row["storage_bits_per_weight"] == 8 * (6 * 2 * 16 + 6 * 2 * 2 + 6) / 240
    listed = CliRunner().invoke(app, ["list", path])
    assert listed.exit_code == 0, listed.output
    assert "MatMulNBits" in listed.output and "uint4" in listed.output
