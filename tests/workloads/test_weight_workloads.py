"""Files of quantised weights as workloads, as lists, and as columns of a run."""

from __future__ import annotations

import doctest
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tests.workloads.test_weights import NUMBER, gptq, random_bytes
from tests.workloads.weight_files import gguf, safetensors
from tpe.cli.main import app
from tpe.workloads.imported import ImportedWorkload
from tpe.workloads.weights.gguf_types import TYPES
from tpe.workloads.weights.workload import load_weights, parse_spec

RNG = np.random.default_rng(380)
# name, type, blocks in each of its 5 rows
MATRICES = (("q", "Q4_0", 2), ("k", "Q4_K", 1), ("v", "TQ2_0", 1), ("o", "MXFP4", 3))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Four matrices of codes, and what is none."""
    tensors: list[tuple[str, Any, int, bytes]] = []
    for name, kind, across in MATRICES:
        raw = random_bytes(kind, (5, across)).tobytes()
        tensors.append((name, (5, across * TYPES[kind].block), NUMBER[kind], raw))
    tensors += [
        ("norm", (64,), 0, bytes(256)),
        ("output.weight", (4, 8), 0, bytes(128)),
        ("token_embd.weight", (4, 32), NUMBER["Q8_0"], random_bytes("Q8_0", (4, 1)).tobytes()),
        ("experts", (2, 1, 32), NUMBER["Q8_0"], random_bytes("Q8_0", (2, 1)).tobytes()),
    ]
    return gguf(tmp_path / "model.gguf", tensors)


def test_every_matrix_is_a_gemm_of_its_codes(model: Path) -> None:
    found = tpe.workload(f"{model}:tokens=3", seed=7)
    assert isinstance(found, ImportedWorkload)
    file = tpe.read_weights(model)
    assert [layer.name for layer in found.layers] == [name for name, _, _ in MATRICES]
    run = tpe.Engine("opt1", "matrix2d", "2x3", b_type="int8").run(found)
    for layer, done in zip(found.layers, run.layers, strict=True):
        tensor = file.matrix(layer.name).read()
        codes = tensor.integers().T.astype(int)
        assert (layer.weights == codes).all() and layer.activations.shape == (3, layer.k)
        assert done.C is not None and (done.C == layer.activations @ codes).all()
        # What stands aside: scales and offsets of groups put back give the product of the numbers.
        x, group, total = layer.activations, tensor.group, np.zeros((3, layer.n))
        for place in range(tensor.groups):
            part = slice(place * group, (place + 1) * group)
            sums = x[:, part] @ codes[part]
            total += sums * tensor.scales[:, place]
            if tensor.offsets is not None:
                total += x[:, part].sum(axis=1)[:, None] * tensor.offsets[:, place]
        assert total == pytest.approx(x @ tensor.values().T)
    assert found.unsupported == {"matrix in F32": 1, "3-dimensional in Q8_0": 1}
    assert found.not_gemm == {"vectors in F32": 1, "token table in Q8_0": 1}
    assert "codes" in found.notes[0] and "32 to 256 weights along K" in found.notes[0]
    assert "activations uniform seed 7" in (run.assumed or "")


def test_a_tied_token_table_is_a_gemm(tmp_path: Path) -> None:
    raw = random_bytes("Q8_0", (4, 1)).tobytes()
    path = gguf(tmp_path / "x.gguf", [("token_embd.weight", (4, 32), NUMBER["Q8_0"], raw)])
    assert [layer.name for layer in tpe.workload(path).layers] == ["token_embd.weight"]


def test_nothing_is_read_before_it_is_run(model: Path) -> None:
    """A layer can be sent elsewhere, and its cycles need no weights."""
    layer = pickle.loads(pickle.dumps(tpe.workload(str(model)).layers[0]))
    assert (layer.m, layer.n, layer.k) == (128, 5, 64) and layer.weights.shape == (64, 5)
    engine = tpe.Engine("mac", "matrix2d", "4x4", b_type="int8")
    with_values = engine.run(tpe.workload(f"{model}:tokens=9"))
    without = engine.run(tpe.workload(f"{model}:tokens=9"), values="none")
    assert without.cycles == with_values.cycles


def test_storage_is_a_set_of_columns(model: Path, tmp_path: Path) -> None:
    engine = tpe.Engine("mac", "matrix2d", "4x4")
    for values in ("fast", "none"):
        run = engine.run(tpe.workload(f"{model}:tokens=1"), values=values).with_columns("storage")
        bits = [row["storage_bits_per_weight"] for row in run.rows()]
        assert bits == [4.5, 4.5, 2.0625, 4.25]
        sizes = [64, 256, 256, 96]
        total = sum(b * s for b, s in zip(bits, sizes, strict=True)) / sum(sizes)
        assert run.totals()["storage_bits_per_weight"] == pytest.approx(total)
    run.save(tmp_path / "run.json")
    assert tpe.Run.load(tmp_path / "run.json").rows() == run.rows()
    other = engine.run("gemm:2x2x2").with_columns("storage")
    assert other.rows()[0]["storage_bits_per_weight"] is None


def test_an_engine_that_is_too_narrow_is_told_what_all_of_it_needs(model: Path) -> None:
    engine = tpe.Engine("mac", "matrix2d", "4x4", b_type="int4")
    with pytest.raises(tpe.TpeError, match=r"stored as uint4.*a_type = int8, b_type = int5$"):
        engine.run(str(model))


def test_uint8_and_symmetric_gptq(tmp_path: Path) -> None:
    codes, zeros = RNG.integers(0, 256, (32, 32)), RNG.integers(0, 256, (1, 32))
    arrays = gptq(codes, zeros, np.ones((1, 32)), 8, "v2")
    path = safetensors(tmp_path / "x.safetensors", arrays)
    spec = f"{path}:gptq=v2:tokens=2"
    with pytest.raises(tpe.TpeError, match="b_type = uint8"):
        tpe.Engine("mac", "matrix2d", "4x4").run(spec)
    run = tpe.Engine("mac", "matrix2d", "4x4", b_type="uint8").run(spec)
    assert run.C is not None and run.C.shape == (2, 32)
    arrays = gptq(codes, np.full((1, 32), 128), np.ones((1, 32)), 8, "v1")
    path = safetensors(tmp_path / "y.safetensors", arrays)
    (layer,) = tpe.workload(f"{path}:tokens=2").layers
    assert (layer.weights == codes - 128).all()
    assert (
        "GPTQ v1: all stored zero points are the middle one less 1" in load_weights(str(path)).notes
    )


def test_how_activations_are_drawn(model: Path) -> None:
    def drawn(spec: str, **options: Any) -> np.ndarray:
        return tpe.workload(f"{model}:tokens=50{spec}", **options).layers[0].activations

    assert (drawn("") == drawn(":uniform")).all() and (drawn("") != drawn("", seed=1)).any()
    assert np.abs(drawn(":normal:2.5")).max() < 16 < np.abs(drawn("")).max()
    assert np.abs(drawn("", a_type="int4")).max() <= 8


SPECS = {
    "x.gguf": ("x.gguf", 128, "uniform", None),
    "a:b/X.GGUF:tokens=1": ("a:b/X.GGUF", 1, "uniform", None),
    "x.safetensors:normal:20:gptq=v1": ("x.safetensors", 128, "normal:20", "v1"),
    "x.gguf:gptq=v2:tokens=7:uniform": ("x.gguf", 7, "uniform", "v2"),
}


@pytest.mark.parametrize("spec", SPECS)
def test_what_stands_behind_a_file(spec: str) -> None:
    found = parse_spec(spec)
    assert (found.path, found.tokens, str(found.distribution), found.gptq) == SPECS[spec]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("x.gguf:", "'' is no option"),
        ("x.gguf:4", "'4' is no option; legal: tokens=N, gptq=v1 or v2, uniform or normal:SIGMA"),
        ("x.gguf:rows=4", "'rows=4' is no option"),
        ("x.gguf:tokens=0", "tokens is '0'; legal: an integer of 1 or more"),
        ("x.gguf:tokens=-1", "tokens is '-1'"),
        ("x.gguf:tokens=", "tokens is ''"),
        ("x.gguf:tokens=" + "9" * 5000, "tokens is '999"),
        ("x.gguf:tokens=²", "tokens is"),
        ("x.gguf:tokens=4:tokens=4", "tokens is there twice"),
        ("x.gguf:normal", "normal has no sigma"),
        ("x.gguf:normal:a", "sigma is 'a'"),
        ("x.gguf:uniform:normal:1", "distribution is there twice"),
        ("x.gguf:gptq=v3", "unknown gptq 'v3'"),
        ("x.gguf:tokens=4", "x.gguf: cannot be read as GGUF: No such file"),
    ],
)
def test_what_may_not_stand_there(spec: str, words: str) -> None:
    with pytest.raises(tpe.TpeError) as error:
        tpe.workload(spec)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_file_without_codes_says_what_it_has(tmp_path: Path) -> None:
    path = gguf(tmp_path / "x.gguf", [("w", (1, 256), NUMBER["IQ2_XXS"], bytes(66))])
    with pytest.raises(
        tpe.TpeError, match=r"no matrix of codes \(1 matrix in IQ2_XXS\); legal: GGUF"
    ):
        tpe.workload(path)
    path = safetensors(tmp_path / "x.safetensors", {"v": np.ones(3, np.float16)})
    with pytest.raises(tpe.TpeError, match=r"no matrix of codes \(none at all\)"):
        tpe.workload(path)


def test_more_tokens_than_are_computed_give_cycles(model: Path) -> None:
    engine = tpe.Engine("mac", "matrix2d", "4x4")
    assert engine.run(tpe.workload(f"{model}:tokens={2**40}")).layers[0].C is None


# ---- the command line ----


def run(*words: str) -> Any:
    return CliRunner().invoke(app, words)


def test_the_command_lists_a_file_as_the_function_does(model: Path, tmp_path: Path) -> None:
    done = run("list", str(model), "--json", str(tmp_path / "out.json"))
    assert done.exit_code == 0, done.output
    for word in ("Q4_K", "5 x 256", "ternary", "token_embd.weight", "4.25"):
        assert word in done.output
    found = json.loads((tmp_path / "out.json").read_text())
    file = tpe.read_weights(model)
    assert found["tensors"] == file.rows()
    assert found["file"] == {"kind": "GGUF", "bits_per_weight": file.bits_per_weight, "notes": []}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("list", "x.bin"), "'x.bin' ends in '.bin'; legal: .gguf, .safetensors"),
        (("list", "x.gguf"), "x.gguf: cannot be read as GGUF: No such file or directory"),
        (("list", "x.gguf", "--combinations"), "list x.gguf and --combinations are both given"),
        (("list", "--gptq", "v1"), "--gptq v1 is given; legal: with a file"),
        (("list", "x.safetensors", "--gptq", "v4"), "unknown gptq 'v4'"),
        (("run", "--workload", "x.gguf:tokens=a"), "tokens is 'a'"),
    ],
)
def test_the_command_refuses_in_a_line(words: tuple[str, ...], error: str) -> None:
    done = run(*words)
    assert done.exit_code == 2 and error in done.stderr and done.stderr.count("\n") == 1


def test_a_model_is_not_written_over(model: Path) -> None:
    before = model.read_bytes()
    done = run("run", "--workload", f"{model}:tokens=2", "--json", str(model))
    assert done.exit_code == 2 and model.read_bytes() == before
    done = run("list", str(model), "--json", str(model))
    assert done.exit_code == 2 and model.read_bytes() == before


def test_a_list_needs_no_package_that_wrote_the_file(model: Path) -> None:
    code = (
        f"import tpe, sys; tpe.read_weights({str(model)!r}).matrix('q').read(); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"gguf", "safetensors", "numba", "pandas"} & set(done.stdout.split())


def test_the_page_on_low_bits_runs_as_it_stands(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("safetensors", reason="the page writes a file by it")
    page = Path(__file__).parents[2] / "docs/howto/lowbit.md"
    done = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert done.attempted > 8 and not done.failed
