"""Safetensors in several files are one workload, as the same tensors in one; hostile ones."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tests.workloads.test_workloads import fails
from tpe.cli.main import app

save_file = pytest.importorskip("safetensors.numpy").save_file
RNG = np.random.default_rng(43)
ENGINE = tpe.Engine("mac", "matrix2d", "4x4")
INDEX = "model.safetensors.index.json"


def gptq(k: int, n: int) -> dict[str, np.ndarray]:
    """A layer of 4 bits as GPTQ v1 packs it, groups of 32 (all zero points 8, stored as 7)."""
    words = RNG.integers(0, 2**32, (k // 8, n), np.uint32).view(np.int32)
    zeros = np.full((k // 32, n // 8), 0x77777777, np.uint32).view(np.int32)
    scales = RNG.uniform(0.5, 1, (k // 32, n)).astype(np.float16)
    index = (np.arange(k) // 32).astype(np.int32)
    return {"qweight": words, "qzeros": zeros, "scales": scales, "g_idx": index}


def sharded(folder: Path) -> tuple[Path, Path]:
    """Tensors in three files with an index, parts of one layer in different ones, and in one."""
    tensors = {f"fc.{key}": value for key, value in gptq(64, 16).items()}
    tensors["out"] = RNG.integers(-128, 128, (5, 16)).astype(np.int8)
    tensors["out_scale"] = RNG.uniform(0.5, 1, 5).astype(np.float32)
    tensors["norm"] = np.ones(16, np.float32)
    folder.mkdir(exist_ok=True)
    places = {}
    for at, name in enumerate(tensors):
        places[name] = f"model-{at % 3 + 1:05}-of-00003.safetensors"
    for shard in set(places.values()):
        save_file({n: v for n, v in tensors.items() if places[n] == shard}, folder / shard)
    index = folder / INDEX
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": places}))
    save_file(tensors, folder.parent / "whole.safetensors")
    return index, folder.parent / "whole.safetensors"


def test_several_files_are_what_one_file_is(tmp_path: Path) -> None:
    """By the index, by the folder, as weights, as a workload with options and in a list."""
    index, whole = sharded(tmp_path / "net")
    one = tpe.read_weights(whole)
    for path in (index, tmp_path / "net", str(tmp_path / "net") + "/"):
        file = tpe.read_weights(path)
        assert sorted(x.name for x in file.tensors) == sorted(x.name for x in one.tensors)
        assert set(file.matrices) == set(one.matrices) == {"fc.qweight", "out"}
        assert file.bits_per_weight == one.bits_per_weight and file.not_gemm == one.not_gemm
        for name, matrix in one.matrices.items():
            ours, theirs = file.matrix(name).read(), matrix.read()
            assert (ours.values() == theirs.values()).all() and ours.group == theirs.group
            assert file.matrix(name).bits == matrix.bits
        for options in ("", ":tokens=3:normal:20"):
            run = ENGINE.run(f"{path}{options}")
            plain = ENGINE.run(f"{whole}{options}")
            cs = {layer.name: layer.C for layer in run.layers}
            assert len(cs) == 2 and set(cs) == {layer.name for layer in plain.layers}
            sizes = {layer.name: (layer.m, layer.n, layer.k) for layer in plain.layers}
            assert {x.name: (x.m, x.n, x.k) for x in run.layers} == sizes
        listed = CliRunner().invoke(app, ["list", str(path)])
        assert listed.exit_code == 0 and "GPTQ v1" in listed.output, listed.output


def test_a_folder_with_one_file_and_no_index(tmp_path: Path) -> None:
    save_file({"fc": np.ones((2, 3), np.int8)}, tmp_path / "model.safetensors")
    assert [*tpe.read_weights(tmp_path).matrices] == ["fc"]
    assert [layer.k for layer in tpe.workload(tmp_path).layers] == [3]
    assert tpe.workload(f"{tmp_path}:tokens=7").layers[0].m == 7


def test_a_link_to_a_shard_is_followed(tmp_path: Path) -> None:
    """As caches of downloads have them: names in the folder, bytes elsewhere."""
    index, whole = sharded(tmp_path / "net")
    shard = tmp_path / "net" / "model-00001-of-00003.safetensors"
    shard.rename(tmp_path / "blob")
    shard.symlink_to(tmp_path / "blob")
    tensor = tpe.read_weights(index).matrix("out").read()
    assert (tensor.values() == tpe.read_weights(whole).matrix("out").read().values()).all()


def test_the_index_decides_where_a_tensor_is(tmp_path: Path) -> None:
    """A tensor that lies in two files is taken from the one that is named; others are counted."""
    for at in (1, 2):
        save_file({"fc": np.full((2, 2), at, np.int8)}, tmp_path / f"s{at}.safetensors")
    index = tmp_path / INDEX
    index.write_text(json.dumps({"weight_map": {"fc": "s2.safetensors"}}))
    assert (tpe.read_weights(index).matrix("fc").codes() == 2).all()
    index.write_text(json.dumps({"weight_map": {"fc": "s1.safetensors"}}))
    save_file({k: np.ones((2, 2), np.int8) for k in ("fc", "more")}, tmp_path / "s1.safetensors")
    file = tpe.read_weights(index)
    assert any("1 tensors of the files are not in the index" in note for note in file.notes)
    assert [*file.matrices] == ["fc"]


Change = Callable[[dict[str, Any]], object]


def placed(value: Any) -> Change:
    return lambda index: index["weight_map"].update(norm=value)


BESIDE = "legal: the name of a *.safetensors file beside the index"
HOSTILE: dict[str, tuple[Change, str]] = {
    "no map": (lambda i: i.pop("weight_map"), "has no weight_map; legal"),
    "an empty map": (lambda i: i.update(weight_map={}), "has no weight_map; legal"),
    "a list": (lambda i: i.update(weight_map=["a"]), "has no weight_map; legal"),
    "up": (placed("../whole.safetensors"), f"lies in '../whole.safetensors'; {BESIDE}"),
    "absolute": (placed("/etc/x.safetensors"), f"lies in '/etc/x.safetensors'; {BESIDE}"),
    "below": (placed("a/b.safetensors"), BESIDE),
    "a number": (placed(3), f"tensor 'norm' lies in 3; {BESIDE}"),
    "null": (placed(None), BESIDE),
    "an object": (placed({"file": "x"}), BESIDE),
    "a NUL": (placed("a\0.safetensors"), BESIDE),
    "a new line": (placed("a\n.safetensors"), BESIDE),
    "a backslash": (placed("..\\a.safetensors"), BESIDE),
    "another ending": (placed("pytorch_model.bin"), BESIDE),
    "nothing": (placed(""), BESIDE),
    "itself": (placed(INDEX), BESIDE),
    "absent": (placed("no.safetensors"), "no.safetensors: cannot be read as safetensors"),
    "not in it": (
        lambda i: i["weight_map"].update(ghost="model-00001-of-00003.safetensors"),
        "tensor 'ghost' is not in 'model-00001-of-00003.safetensors'; legal",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_index_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    index, _ = sharded(tmp_path / "net")
    change, part = HOSTILE[name]
    content = json.loads(index.read_text())
    change(content)
    index.write_text(json.dumps(content))
    for load in (tpe.read_weights, tpe.workload):
        fails(lambda load=load: load(index), part)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "is no JSON"),
        (b"[1]", "is no JSON object"),
        (b"{" * 100_000, "is no JSON"),
        (b'{"a": 1, "a": 2}', "'a' is there twice; legal: once"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b'{"weight_map": {"fc": "a.safetensors", "fc": "b.safetensors"}}', "is there twice"),
    ],
)
def test_an_index_that_is_none(content: bytes, part: str, tmp_path: Path) -> None:
    index = tmp_path / INDEX
    index.write_bytes(content)
    fails(lambda: tpe.read_weights(index), part)


def test_a_shard_that_is_damaged_or_no_file(tmp_path: Path) -> None:
    index, _ = sharded(tmp_path / "net")
    shard = tmp_path / "net" / "model-00002-of-00003.safetensors"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-3])
    fails(lambda: tpe.read_weights(index), "model-00002-of-00003.safetensors'")
    shard.unlink()
    os.mkfifo(shard)
    fails(lambda: tpe.read_weights(index), "not a regular file")
    shard.unlink()
    shard.mkdir()
    fails(lambda: tpe.read_weights(index), "a folder")


def test_folders_that_hold_no_one_workload(tmp_path: Path) -> None:
    fails(lambda: tpe.read_weights(tmp_path), "has 0 files *.safetensors; legal: one *.safet")
    for name in "ab":
        save_file({"fc": np.ones((2, 2), np.int8)}, tmp_path / f"{name}.safetensors")
    fails(lambda: tpe.workload(tmp_path), "has 2 files *.safetensors; legal")
    for name in "ab":
        (tmp_path / f"{name}.safetensors.index.json").write_text("{}")
    fails(lambda: tpe.workload(tmp_path), "has 2 files *.safetensors.index.json; legal")
