"""Types of single layers, on hardware that is wider: what is drawn, quantised, refused, said."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tests.workloads.test_workloads import fails
from tpe.cli.main import app
from tpe.workloads import Layer, Workload, exact_gemm

OPT4C = tpe.Engine("opt4c", "matrix2d", "4x4")
NARROW = tpe.Engine("opt4c", "matrix2d", "4x4", a_type="int4", b_type="int2")


def test_drawn_operands_are_those_of_the_formats_themselves() -> None:
    """A layer of int4 x int2 has the operands that a workload of int4 x int2 has, on hardware of
    int8: equal C, and of a PE that skips digits the same number of them."""
    types = {"gemm": {"a_type": "int4", "b_type": "int2"}}
    spec = "gemm:9x5x23:uniform"
    wide = OPT4C.run(tpe.workload(spec, seed=3, types=types))
    narrow = NARROW.run(spec, seed=3)
    assert (wide.C == narrow.C).all() and wide.C.any()
    assert (OPT4C.run(spec, seed=3).C != wide.C).any()
    assert wide.layers[0].nonzero_digits == narrow.layers[0].nonzero_digits
    (layer,) = tpe.workload(spec, seed=3, types=types).layers
    assert layer.activations.min() == -8 and layer.weights.max() == 1
    unvalued = OPT4C.run(tpe.workload(spec, seed=3, types=types), values="none")
    error = unvalued.layers[0].standard_error
    assert error and abs(unvalued.cycles - wide.cycles) < 4 * error < OPT4C.run(spec).cycles / 4
    again = pickle.loads(pickle.dumps(layer))
    assert (again.weights == layer.weights).all() and again.b_type == "int2"


def test_one_layer_of_a_network_changes_and_no_other() -> None:
    name = "onnx:light_squeezenet"
    plain = tpe.workload(name)
    chosen = plain.layers[2].name
    typed = tpe.workload(name, types={chosen: {"b_type": "int4"}})
    for place, (before, after) in enumerate(zip(plain.layers, typed.layers, strict=True)):
        assert (before.name, before.k) == (after.name, after.k)
        assert (after.b_type, after.a_type) == ("int4" if place == 2 else "int8", "int8")  # type: ignore[attr-defined]
    before, after = plain.layers[2], typed.layers[2]
    assert (before.activations == after.activations).all()
    assert after.weights.min() == -8 and after.weights.max() == 7
    assert (typed.layers[3].weights == plain.layers[3].weights).all()


def test_floats_of_a_model_are_quantised_to_the_type(tmp_path: Path) -> None:
    """ONNX weights: round(w / (max / 7)) for the layer that is int4, max / 127 for the other."""
    onnx = pytest.importorskip("onnx")
    rng = np.random.default_rng(1)
    w, v = rng.normal(size=(6, 5)).astype(np.float32), rng.normal(size=(5, 3)).astype(np.float32)
    helper = onnx.helper
    nodes = [
        helper.make_node("MatMul", [x, m], [y], name=n)
        for x, m, y, n in (("x", "w", "h", "first"), ("h", "v", "y", "second"))
    ]
    ends = [helper.make_tensor_value_info(n, 1, [2, s]) for n, s in (("x", 6), ("y", 3))]
    held = [onnx.numpy_helper.from_array(a, n) for n, a in (("w", w), ("v", v))]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], held)
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    first, second = tpe.workload(path, types={"first": {"b_type": "int4"}}).layers
    assert (first.weights == np.rint(w / (abs(w).max() / np.float32(7)))).all()
    assert (second.weights == np.rint(v / (abs(v).max() / np.float32(127)))).all()
    assert abs(first.weights).max() == 7


def test_given_operands_stay_and_must_fit() -> None:
    arrays = {"fc": ([[1, -8]], [[3], [7]]), "out": ([[100]], [[2]])}
    types = {"fc": {"a_type": "int4", "b_type": "int4"}}
    found = tpe.workload(arrays, types=types)
    run = OPT4C.run(found)
    assert [exact_gemm(layer).tolist() for layer in found.layers] == [[[-53]], [[200]]]
    assert [(x.a_type, x.b_type) for x in run.layers] == [("int4", "int4"), (None, None)]
    part = "layer 'out': activations are given and hold 0 to 100; legal for a_type = int4: -8 to 7"
    fails(lambda: tpe.workload(arrays, types={"out": {"a_type": "int4"}}), part)
    part = "layer 'fc1': weights are given and hold -127 to 106; legal for b_type = int4: -8 to 7"
    fails(lambda: tpe.workload("digits_mlp", types={"fc1": {"b_type": "int4"}}), part)
    same = tpe.workload("digits_mlp", types={"fc1": {"b_type": "int8"}})
    assert OPT4C.run(same).metrics == OPT4C.run("digits_mlp").metrics


def test_stored_operands_keep_their_type(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    from safetensors.numpy import save_file

    save_file({"fc": np.ones((3, 4), np.int8), "out": np.ones((2, 3), np.int8)}, path)
    part = "layer 'fc': weights are stored as int8, b_type = int4; legal: int8"
    fails(lambda: tpe.workload(path, types={"fc": {"b_type": "int4"}}), part)
    drawn = tpe.workload(path, types={"fc": {"a_type": "int2"}})
    assert drawn.layers[0].activations.min() == -2
    assert drawn.layers[0].bits_per_weight == 8  # type: ignore[attr-defined]
    assert drawn.notes == tpe.workload(path).notes  # type: ignore[attr-defined]


def test_an_engine_that_is_too_narrow_says_what_is_legal() -> None:
    found = tpe.workload("gemm:2x2x2", types={"gemm": {"b_type": "int8"}})
    fails(lambda: NARROW.run(found), "weights are stored as int8, b_type = int2; set b_type = int8")


def test_texts_and_files_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "types.csv"
    path.write_text("layer,b_type,a_type\nfc1,int4,\n\nnode:0/x, int2 ,uint8\n")
    same = ("fc1:b_type=int4", "node:0/x:b_type=int2,a_type=uint8")
    assert tpe.layer_types(path) == tpe.layer_types(*same)
    assert tpe.layer_types(path, "fc1:b_type=int3")["fc1"] == {"b_type": "int3"}
    later = tpe.layer_types("a:b_type=int4", "*:b_type=int8", "a:a_type=int2")
    assert list(later) == ["*", "a"] and later["a"] == {"b_type": "int4", "a_type": "int2"}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("fc1", "layer types 'fc1': not of the form; legal: LAYER:b_type=int4"),
        ("fc1:c_type=int4", "not of the form"),
        ("fc1:b_type=int99", "unknown layer types 'fc1:b_type=int99': b_type 'int99'"),
        ("fc1:b_type=int4,width=3", "unknown key 'width'"),
        ("", "not of the form"),
    ],
)
def test_bad_texts(text: str, part: str) -> None:
    fails(lambda: tpe.layer_types(text), part)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("", "the header is ''; legal: layer,a_type,b_type"),
        ("layer\nfc1\n", "line 2 names no type; legal: both"),
        ("name,b_type\nfc1,int4\n", "the header is 'name,b_type'"),
        ("layer,b_type,b_type\nfc1,int4,int4\n", "the header is 'layer,b_type,b_type'"),
        ("layer,b_type\nfc1\n", "line 2 has 1 cells; legal: 2"),
        ("layer,b_type\n\n,int4\n", "line 3 names no layer"),
        ("layer,b_type\nfc1,int4x\n", "line 2: b_type 'int4x'"),
    ],
)
def test_bad_files(content: str, part: str, tmp_path: Path) -> None:
    path = tmp_path / "types.csv"
    path.write_text(content)
    fails(lambda: tpe.layer_types(path), part)
    fails(lambda: tpe.layer_types(tmp_path / "absent.csv"), "absent.csv")


def test_names_that_no_layer_has() -> None:
    part = "'?); legal: the 3 layers of the workload, or a pattern of them"
    types = {"fc9": {"b_type": "int4"}}
    start = "layer types speak of 'fc9' (did you mean 'fc"
    fails(lambda: tpe.workload("digits_mlp", types=types), start, part)
    layers = tuple(Layer(f"w[{i}]", "gemm", [[1]], [[1]]) for i in range(2))
    net = Workload("net", "", "given", layers)
    found = tpe.workload(net, types={"w[1]": {"b_type": "int4"}, "w[?]": {"a_type": "int2"}})
    assert [(x.a_type, x.b_type) for x in found.layers] == [("int2", None), ("int2", "int4")]  # type: ignore[attr-defined]
    fails(lambda: tpe.workload(net, types=["w"]), "types is a list")  # type: ignore[arg-type]
    fails(lambda: tpe.workload(net, types={"w[1]": {}}), "types of 'w[1]' are {}")
    fails(lambda: tpe.workload(net, types={"w[1]": {"b_type": 4}}), "b_type is 4")  # type: ignore[dict-item]


def test_the_command_says_it_and_is_made_again_by_its_echo(tmp_path: Path) -> None:
    runner, file = CliRunner(), tmp_path / "r.json"
    csv = tmp_path / "t.csv"
    csv.write_text("layer,a_type\ngemm,int2\n")
    line = [
        "run",
        "--pe",
        "mac",
        "--size",
        "4x4",
        "--workload",
        "gemm:3x4x5",
        "--columns",
        "operands",
    ]
    line += ["--types", "gemm:b_type=int4", "--types", str(csv), "--json", str(file)]
    result = runner.invoke(app, line)
    assert result.exit_code == 0, result.output
    flat = " ".join(result.output.split())
    assert "narrower than the hardware, int8 x int8: int2 x int4 (gemm)" in flat
    content = json.loads(file.read_text())
    assert "--types gemm:b_type=int4 --types" in content["command"]
    row = content["layers"][0]
    assert (row["operands_a_type"], row["operands_b_type"]) == ("int2", "int4")
    assert (row["a_type"], row["b_type"]) == ("int8", "int8")
    bad = runner.invoke(app, ["run", "--types", "fc7:b_type=int4"])
    assert bad.exit_code == 2 and "did you mean 'fc" in bad.output and "Traceback" not in bad.output
    again = runner.invoke(app, ["rerun", str(file)])
    assert again.exit_code == 0, again.output


def test_runs_with_types_are_saved_with_them(tmp_path: Path) -> None:
    run = OPT4C.run(tpe.workload("gemm:2x3x4", types={"gemm": {"b_type": "int4"}}))
    run.save(tmp_path / "run.json")
    again = tpe.Run.load(tmp_path / "run.json").with_columns("operands")
    assert again.rows()[0]["operands_b_type"] == "int4"
    assert again.to_frame()["operands_a_type"].tolist() == ["int8"]


def test_a_model_of_narrow_products_is_that_of_a_narrow_engine() -> None:
    """Digits with int4 operands on int8 hardware read as they do on int4 hardware."""
    wide = tpe.Engine("mac", "matrix2d", "4x4")
    narrow = tpe.Engine("mac", "matrix2d", "4x4", a_type="int4", b_type="int4")
    every = {"*": {"a_type": "int4", "b_type": "int4"}}
    ours = tpe.evaluate_model("digits_mlp", wide, 40, types=every)
    assert ours.metrics == tpe.evaluate_model("digits_mlp", narrow, 40).metrics
    assert ours.metrics != tpe.evaluate_model("digits_mlp", wide, 40).metrics
    assert list(ours.types) == ["fc1", "fc2", "fc3"]
    for types, part in (
        ({"fc1": {"b_type": "int9"}}, "product fc1: b_type = int9 on an engine of int8; legal"),
        ({"fc1": {"b_type": "uint4"}}, "b_type = uint4 on an engine of int8"),
        ({"fc4": {"b_type": "int4"}}, "layer types speak of 'fc4'"),
    ):
        fails(lambda types=types: tpe.evaluate_model("digits_mlp", wide, 4, types=types), part)  # type: ignore[misc]
