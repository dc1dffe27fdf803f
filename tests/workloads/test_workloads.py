"""Workloads: layers, specs, npz files, the digits network, and every way to get them wrong."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits  # type: ignore[import-untyped,unused-ignore]

from tpe.base.errors import TpeError
from tpe.numbers.formats import FORMATS, int_format
from tpe.workloads import (
    Layer,
    LazyLayer,
    Workload,
    digits_mlp,
    exact_gemm,
    gemm,
    load_npz,
    names,
    networks,
    save_npz,
    workload,
)

A = np.array([[1, 2, 3], [4, 5, 6]])
B = np.array([[1, 0, 2, 0], [0, 1, 0, 2], [3, 3, 3, 3]])


def fails(action: Any, *parts: str) -> str:
    """`action()` raises TpeError on one line that holds every part."""
    with pytest.raises(TpeError) as caught:
        action()
    text = str(caught.value)
    assert "\n" not in text
    for part in parts:
        assert part in text, text
    return text


# --- layers ---------------------------------------------------------------------------------


def test_layer_has_the_shape_of_its_operands() -> None:
    layer = Layer("fc1", "fc", A, B, repeat=3)
    assert (layer.m, layer.n, layer.k, layer.macs) == (2, 4, 3, 72)
    assert layer.operand_source == "given"
    assert exact_gemm(layer).tolist() == (A @ B).tolist()


@pytest.mark.parametrize("dtype", ["i1", "u1", ">i2", "<u2", "i4", "u4", "i8", "u8"])
def test_layer_takes_every_integer_type_and_keeps_int64(dtype: str) -> None:
    layer = Layer("l", "gemm", np.asfortranarray(A.astype(dtype)), B.astype(dtype)[:, ::-1])
    assert layer.activations.dtype == layer.weights.dtype == np.int64
    assert layer.activations.flags.c_contiguous and layer.weights.flags.c_contiguous
    assert (layer.activations == A).all() and (layer.weights == B[:, ::-1]).all()


def test_layer_is_not_changed_by_its_maker_or_its_user() -> None:
    a = A.copy()
    layer = Layer("l", "gemm", a, B)
    frozen_view = a[:]
    frozen_view.flags.writeable = False
    aliased = Layer("l", "gemm", frozen_view, B)
    a[0, 0] = 99
    assert layer.activations[0, 0] == aliased.activations[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        layer.activations[0, 0] = 99


def test_layers_share_what_nobody_can_change() -> None:
    layer = Layer("l", "gemm", A, B)
    assert Layer("m", "gemm", layer.activations, B).activations is layer.activations


def test_narrow_operands_do_not_wrap() -> None:
    a = np.full((1, 4), -128, dtype=np.int8)
    assert exact_gemm(Layer("l", "gemm", a, a.T)).tolist() == [[65536]]


NAN = np.zeros((3, 4))
NAN[1, 2] = NAN[2, 0] = np.nan


@pytest.mark.parametrize(
    ("weights", "parts"),
    [
        (NAN, ["hold NaN, the first at [1, 2]"]),
        (B.astype(np.float32), ["are float32", "legal: integers"]),
        (B.astype(complex), ["are complex128"]),
        (B > 0, ["are bool"]),
        (B.astype(str), ["<U"]),
        (B.astype(object), ["are object"]),
        (B[0], ["1 dimension(s), not 2"]),
        (B[None], ["3 dimension(s), not 2"]),
        (5, ["0 dimension(s)"]),
        (None, ["0 dimension(s)"]),
        (np.zeros((3, 0), int), ["3 x 0", "no dimension of 0"]),
        ([[]], ["1 x 0", "no dimension of 0"]),
        ([[1], [2, 3], [4]], ["not a rectangular array"]),
        ([[2**70], [0], [0]], ["are object"]),
        (np.array([[2**63], [0], [0]], dtype=np.uint64), ["9223372036854775808", "legal"]),
        (np.ma.masked_equal(B, 3), ["masked"]),
        (np.zeros(3, dtype=[("x", int)]).reshape(3, 1), ["legal: integers"]),
    ],
)
def test_layer_refuses_bad_operands(weights: Any, parts: list[str]) -> None:
    fails(lambda: Layer("fc1", "fc", A, weights), "layer 'fc1': weights", *parts)
    fails(lambda: Layer("fc1", "fc", weights, A), "layer 'fc1': activations", *parts)


def test_layer_refuses_bad_fields() -> None:
    fails(lambda: Layer("fc1", "fc", A, A), "layer 'fc1'", "2 x 3", "same K")
    for name in ("", " ", "a\nb", None, 3):
        fails(lambda name=name: Layer(name, "fc", A, B), "layer name", "legal")
    fails(lambda: Layer("fc1", "", A, B), "layer 'fc1': op", "legal")
    for repeat in (0, -1, 1.0, True, "2"):
        fails(lambda repeat=repeat: Layer("fc1", "fc", A, B, repeat), "fc1", "repeat", "legal")


def test_exact_gemm_refuses_to_wrap() -> None:
    one, big, high = np.array([[1]]), np.array([[-(2**63)]]), np.array([[2**63 - 1]])
    fails(lambda: exact_gemm(Layer("big", "gemm", big, one)), "layer 'big'", str(2**63))
    assert exact_gemm(Layer("l", "gemm", high, -one)).tolist() == [[-(2**63) + 1]]


# --- workloads ------------------------------------------------------------------------------


def test_from_arrays_keeps_order_and_drive_visits_every_layer() -> None:
    made = Workload.from_arrays({"z": (A, B), "a": (A.tolist(), B.tolist())}, name="mine")
    assert made.name == "mine"
    seen: list[str] = []

    def spy(layer: Layer) -> np.ndarray:
        seen.append(layer.name)
        return exact_gemm(layer)

    assert made.drive(spy) == {} and made.metrics == ()
    assert seen == ["z", "a"]
    assert workload(made) is made


def test_from_arrays_refuses() -> None:
    fails(lambda: Workload.from_arrays({}), "no layers", "at least one")
    fails(lambda: Workload.from_arrays([(A, B)]), "arrays is a list", "mapping")  # type: ignore[arg-type]
    fails(lambda: Workload.from_arrays({"l": 3}), "layer 'l'", "not a pair")
    fails(lambda: Workload.from_arrays({"l": (A,)}), "layer 'l'", "not a pair")
    fails(lambda: Workload.from_arrays({"l": (A, NAN)}), "layer 'l': weights hold NaN")
    fails(lambda: Workload.from_arrays({3: (A, B)}), "layer name is 3")  # type: ignore[dict-item]


def test_workload_refuses_bad_layers() -> None:
    layer = Layer("l", "gemm", A, B)
    fails(lambda: Workload("w", "t", "s", (layer, layer)), "two layers are called 'l'")
    fails(lambda: Workload("w", "t", "s", (3,)), "layers[0] is a int")  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [np.zeros((2, 4), complex), np.zeros((4, 2), int), None])
def test_drive_refuses_a_result_that_is_none(bad: Any) -> None:
    made = Workload.from_arrays({"l": (A, B)})
    fails(lambda: made.drive(lambda layer: bad), "layer 'l'", "(2, 4)")


# --- specs ----------------------------------------------------------------------------------


def test_names_lists_built_ins_and_patterns() -> None:
    assert list(names()) == [
        "digits_mlp",
        "gemm:MxNxK[:uniform|normal:SIGMA]",
        "npz:FILE",
        "FILE.onnx",
        "FILE.gguf[:tokens=N]",
        "FILE.safetensors[:tokens=N]",
        "FILE.csv",
        "FILE.yaml",
        "pruned:N:M:WORKLOAD",
    ]
    for title in names().values():
        assert 1 <= len(title.split()) <= 5


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("digits_mpl", ["did you mean 'digits_mlp'?", "legal: digits_mlp, gemm:", "npz:FILE"]),
        ("", ["unknown workload ''", "legal"]),
        ("gemn:4x4x4", ["'gemn'", "did you mean 'gemm'?"]),
        ("digits_mlp:3", ["did you mean 'digits_mlp'?"]),
        ("some/dir/x.npz", ["did you mean 'npz:some/dir/x.npz'?"]),
        ("a\nb", ["printable"]),
        (None, ["NoneType"]),
        (3, ["int", "legal"]),
        ("gemm", ["shape is ''", "MxNxK"]),
        ("gemm:", ["shape is ''"]),
        ("gemm:4x4", ["shape is '4x4'"]),
        ("gemm:4x4x4x4", ["shape is '4x4x4x4'"]),
        ("gemm:4xfourx4", ["shape is '4xfourx4'"]),
        ("gemm:4x-4x4", ["shape is '4x-4x4'"]),
        ("gemm:4x4.0x4", ["shape is"]),
        ("gemm:4x 4x4", ["shape is"]),
        ("gemm:4x\u0664x4", ["shape is"]),
        ("gemm:0x4x4", ["M is 0"]),
        ("gemm:4x0x4", ["N is 0"]),
        ("gemm:4x4x0", ["K is 0"]),
        ("gemm:1x1x1" + "0" * 15, ["shape is"]),
        ("gemm:1x1x" + "9" * 5000, ["shape is"]),
        ("gemm:4x4x4:norml:3", ["distribution 'norml'", "did you mean 'normal'?"]),
        ("gemm:4x4x4:uniform:3", ["uniform takes no '3'"]),
        ("gemm:4x4x4:normal", ["no sigma", "normal:20"]),
        ("gemm:4x4x4:normal:", ["no sigma"]),
        ("gemm:4x4x4:normal:two", ["sigma is 'two'", "above 0"]),
        ("gemm:4x4x4:normal:0", ["sigma is '0'"]),
        ("gemm:4x4x4:normal:-1", ["sigma is '-1'"]),
        ("gemm:4x4x4:normal:nan", ["sigma is 'nan'"]),
        ("gemm:4x4x4:normal:inf", ["sigma is 'inf'"]),
        ("gemm:4x4x4:normal:1:2", ["sigma is '1:2'"]),
    ],
)
def test_bad_specs_say_what_is_legal(spec: Any, parts: list[str]) -> None:
    fails(lambda: workload(spec), *parts)


def test_bad_seeds_and_types() -> None:
    for seed in (-1, 2**64, 1.0, True, None, "0"):
        fails(lambda seed=seed: workload("gemm:2x2x2", seed=seed), "seed", "legal")
    fails(lambda: workload("gemm:2x2x2", a_type="int88"), "a_type", "int88", "int8")
    fails(lambda: workload("gemm:2x2x2", b_type="int88"), "b_type", "int88", "int8")


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=20),
        st.from_regex(r"(gemm|npz|digits_mlp)?:?[0-9x:.e+-]{0,8}", fullmatch=True),
        st.text(alphabet="0123456789x:-.", max_size=8).map(lambda text: f"gemm:{text}"),
        st.floats().map(lambda sigma: f"gemm:1x2x3:normal:{sigma!r}"),
    )
)
def test_any_text_is_a_workload_or_a_tpe_error(spec: str) -> None:
    try:
        made = workload(spec)
    except TpeError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(made, Workload)


# --- generated operands ---------------------------------------------------------------------


def test_gemm_names_its_distribution_and_seed() -> None:
    plain = workload("gemm:2x3x4", seed=5)
    (layer,) = plain.layers
    assert plain.name == "gemm:2x3x4:uniform" and layer.operand_source == "uniform seed 5"
    assert (layer.m, layer.n, layer.k) == (2, 3, 4)
    normal = workload("gemm:2x3x4:normal:2.5")
    assert normal.name == "gemm:2x3x4:normal:2.5"
    assert normal.layers[0].operand_source == "normal sigma 2.5 seed 0"
    again = workload(normal.name).layers[0]
    assert (again.activations == normal.layers[0].activations).all()


def test_the_uniform_draw_is_philox_and_its_top_bits() -> None:
    """Recomputed with Python integers from numpy's raw stream."""
    got = gemm.draw(FORMATS["int5"], (3, 7), gemm.Distribution("uniform"), 9, layer=4, side=1)
    raw = np.random.Philox(key=np.array([9, 9], dtype=np.uint64)).random_raw(21)
    assert got.ravel().tolist() == [(int(bits) >> 59) - 16 for bits in raw]


def test_operands_depend_on_seed_layer_and_side() -> None:
    def one(seed: int, layer: int, side: int) -> bytes:
        uniform = gemm.Distribution("uniform")
        values = gemm.draw(FORMATS["int8"], (4, 8), uniform, seed, layer=layer, side=side)
        return values.tobytes()

    keys = [(s, i, side) for s in (0, 1, 2**64 - 1) for i in range(3) for side in (0, 1)]
    assert len({one(*key) for key in keys}) == len(keys)
    assert one(0, 0, 0) == one(0, 0, 0)


@pytest.mark.parametrize("distribution", ["uniform", "normal:1e-300", "normal:1", "normal:1e300"])
@pytest.mark.parametrize("name", ["int2", "int4", "int8", "int16"])
def test_operands_fill_their_format_and_never_leave_it(name: str, distribution: str) -> None:
    fmt = int_format(name)
    (layer,) = workload(f"gemm:200x3x50:{distribution}", a_type=name, b_type="int3").layers
    a = layer.activations
    assert a.min() >= fmt.low and a.max() <= fmt.high
    assert layer.weights.min() >= -4 and layer.weights.max() <= 3
    if distribution == "normal:1e-300":
        assert not a.any()
    elif distribution != "normal:1" and fmt.bits <= 8:
        assert set(a.ravel().tolist()) == set(range(fmt.low, fmt.high + 1))


def test_the_normal_draw_is_rounding_with_rejection() -> None:
    """Against the plain way: draw floats, round, throw away what does not fit."""
    sigma, count = 5.0, 400_000
    got = gemm.draw(
        FORMATS["int4"], (1, count), gemm.Distribution("normal", sigma), 0, layer=0, side=0
    )
    plain = np.rint(np.random.default_rng(1).normal(0.0, sigma, 2 * count)).astype(int)
    plain = plain[(plain >= -8) & (plain <= 7)]
    share_got = np.bincount(got.ravel() + 8, minlength=16) / got.size
    share_plain = np.bincount(plain + 8, minlength=16) / plain.size
    # Each share has a standard error below 0.0005; clipping would move the ends by 0.05.
    assert np.abs(share_got - share_plain).max() < 0.003


# --- npz ------------------------------------------------------------------------------------


def saved(path: Path, **arrays: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.savez_compressed(
            path, **{key.replace("__", "."): value for key, value in arrays.items()}
        )
    return path


def test_npz_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    extremes = np.array([[-(2**63), 2**63 - 1]])
    made = Workload.from_arrays({"z/1.a": (A, B), "a": (extremes, [[1], [-40000]])})
    save_npz(path, made)
    back = workload(f"npz:{path}")
    assert [layer.name for layer in back.layers] == ["z/1.a", "a"]
    assert [layer.name for layer in workload(path).layers] == ["z/1.a", "a"]
    for before, after in zip(made.layers, back.layers, strict=True):
        assert (before.activations == after.activations).all()
        assert (before.weights == after.weights).all()
        assert after.operand_source == "npz w.npz"
    with np.load(path) as archive:
        assert archive["z/1.a.A"].dtype == np.int8
    first = path.read_bytes()
    save_npz(path, made)
    assert path.read_bytes() == first
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.npz"]


def test_npz_takes_any_order_and_any_integer_type(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "w.npz", y__B=np.asfortranarray(B), x__A=A.astype(">i2"), y__A=A, x__B=B
    )
    assert [layer.name for layer in load_npz(path).layers] == ["y", "x"]
    assert (load_npz(path).layers[1].activations == A).all()


@pytest.mark.parametrize(
    ("arrays", "parts"),
    [
        ({}, ["no arrays", "NAME.A"]),
        ({"weights": B}, ["key 'weights'", "NAME.A"]),
        ({"__A": A}, ["key '.A'"]),
        ({"f__A": A}, ["key 'f.A' has no partner 'f.B'"]),
        ({"f__B": A}, ["key 'f.B' has no partner 'f.A'"]),
        ({"f__A": A, "f__B": B, "f__bias": B}, ["key 'f.bias'"]),
        ({"f__A": A, "f__B": A}, ["key 'f.A' is 2 x 3", "key 'f.B' 2 x 3", "same K"]),
        ({"f__A": A, "f__B": B.astype(float)}, ["key 'f.B': weights are float64"]),
        ({"f__A": A, "f__B": NAN}, ["key 'f.B': weights hold NaN", "[1, 2]"]),
        ({"f__A": A[0], "f__B": B}, ["key 'f.A': activations have 1 dimension"]),
        ({"f__A": A[:0], "f__B": B}, ["key 'f.A': activations are 0 x 3"]),
        ({"f__A": A > 1, "f__B": B}, ["key 'f.A': activations are bool"]),
        ({"f__A": A.astype(object), "f__B": B}, ["key 'f.A': activations are Python objects"]),
    ],
)
def test_npz_names_file_and_key(tmp_path: Path, arrays: dict[str, Any], parts: list[str]) -> None:
    path = saved(tmp_path / "w.npz", **arrays)
    fails(lambda: workload(f"npz:{path}"), str(path), "legal", *parts)


def test_npz_refuses_what_is_no_npz(tmp_path: Path) -> None:
    text = tmp_path / "text.npz"
    text.write_text("not a zip")
    empty = tmp_path / "empty.npz"
    empty.touch()
    bare = tmp_path / "bare.npy"
    np.save(bare, A)
    for path in (text, empty, bare):
        fails(lambda path=path: load_npz(path), str(path), "not an npz file")
    fails(lambda: load_npz(tmp_path), str(tmp_path), "a folder")
    fails(lambda: load_npz(tmp_path / "absent"), "No such file")
    fails(lambda: load_npz("/dev/zero"), "not a regular file")
    fails(lambda: workload("npz:"), "no file is named", "npz:FILE")
    fails(lambda: workload("npz"), "no file is named")
    os.mkfifo(tmp_path / "pipe")
    fails(lambda: load_npz(tmp_path / "pipe"), "not a regular file")


def test_npz_refuses_foreign_members(tmp_path: Path) -> None:
    def archive(**members: bytes) -> Path:
        path = tmp_path / "w.npz"
        with zipfile.ZipFile(path, "w") as out:
            for name, content in members.items():
                out.writestr(name.replace("__", "."), content)
        return path

    fails(lambda: load_npz(archive(readme__txt=b"hello")), "member 'readme.txt' is no array")
    fails(lambda: load_npz(archive(f__A__npy=b"hello", f__B__npy=b"")), "key 'f.A' is damaged")
    nested = archive(x__npy=b"").read_bytes()
    fails(lambda: load_npz(archive(f__A__npy=nested, f__B__npy=b"")), "key 'f.A' is damaged")
    huge = b"{'descr': '<i8', 'fortran_order': False, 'shape': (4000000000000, 9), }\n"
    header = b"\x93NUMPY\x01\x00" + len(huge).to_bytes(2, "little") + huge
    fails(lambda: load_npz(archive(f__A__npy=header, f__B__npy=b"")), "key 'f.A' is damaged")
    deep = b"(" * 5000
    header = b"\x93NUMPY\x01\x00" + len(deep).to_bytes(2, "little") + deep
    fails(lambda: load_npz(archive(f__A__npy=header, f__B__npy=b"")), "key 'f.A' is damaged")


def test_npz_refuses_a_key_that_is_there_twice(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.npz", f__A=A, f__B=B)
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(path, "a") as archive,
    ):
        warnings.simplefilter("ignore")
        archive.writestr("f.A.npy", b"")
    fails(lambda: load_npz(path), "key 'f.A' is there twice")


def test_npz_refuses_bytes_after_an_array(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.npz", f__A=A, f__B=B)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content + b"\0")
    fails(lambda: load_npz(path), "key 'f.A'", "bytes after the array")


def test_npz_refuses_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(
        tmp_path / "w.npz", f__A=np.zeros((1000, 1000), int), f__B=np.zeros((1000, 1), int)
    )
    monkeypatch.setattr("tpe.workloads.npz.MAX_BYTES", 10**6)
    fails(lambda: load_npz(path), "unpacks to 80", "at most 1000000")
    monkeypatch.setattr("tpe.workloads.npz.MAX_BYTES", 64)
    fails(lambda: load_npz(path), "at most 64 B")


@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_npz_is_a_tpe_error_or_reads_the_same(tmp_path: Path, compressed: bool) -> None:
    """Truncated at every length, and every byte flipped in four ways."""
    path = tmp_path / "w.npz"
    a, b = A.astype(np.int8), B.astype(np.int8)
    keys = {"f.A": a, "f.B": b, "g.A": a, "g.B": b}
    with open(path, "wb") as stream:
        (np.savez_compressed if compressed else np.savez)(stream, **keys)  # type: ignore[arg-type]
    whole = path.read_bytes()

    def outcome(content: bytes) -> str:
        path.write_bytes(content)
        try:
            layers = load_npz(path).layers
        except TpeError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            return "refused"
        # Dates, attributes and the like carry no value: a flip there changes nothing.
        assert [layer.name for layer in layers] == ["f", "g"]
        for layer in layers:
            assert (layer.activations == A).all() and (layer.weights == B).all()
        return "same"

    assert outcome(whole) == "same"
    assert {outcome(whole[:length]) for length in range(len(whole))} == {"refused"}
    flips = [
        outcome(whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :])
        for at in range(len(whole))
        for mask in (0x01, 0x10, 0x80, 0xFF)
    ]
    assert flips.count("refused") > len(flips) / 2


def test_a_directory_that_swallows_members_is_refused(tmp_path: Path) -> None:
    """A wrong comment length in the directory: zipfile alone would read one layer of two."""
    path = saved(tmp_path / "w.npz", f__A=A, f__B=B, g__A=A, g__B=B)
    content = bytearray(path.read_bytes())
    second = [at for at in range(len(content)) if content[at:].startswith(b"PK\1\2")][1]
    content[second + 32] = 2 * (46 + len("g.A.npy"))
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 2
    fails(lambda: load_npz(path), str(path), "2 members found, 4 announced")


def test_save_npz_refuses_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Workload.from_arrays({"f": (A, B)})
    file = tmp_path / "file"
    file.write_text("old")
    directory = tmp_path / "directory"
    directory.mkdir()
    for path in (tmp_path / "absent/w.npz", file / "w.npz", directory, Path("/proc/w.npz")):
        fails(lambda path=path: save_npz(path, made), str(path), "cannot write", "legal")
    fails(lambda: save_npz("a\0b", made), "cannot write")

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    fails(lambda: save_npz(file, made), "No space left on device")
    assert file.read_text() == "old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["directory", "file"]


def test_save_npz_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    made = Workload("w", "t", "s", (Layer("f", "conv", A, B, repeat=4),))
    fails(lambda: save_npz(tmp_path / "w.npz", made), "layer 'f'", "repeat is 4")


# --- digits ---------------------------------------------------------------------------------


def test_digits_images_and_labels_are_scikit_learns() -> None:
    pixels, labels = load_digits(return_X_y=True)
    test = np.arange(len(labels)) % 5 == 0
    digits = digits_mlp.load()
    assert test.sum() == 360
    expected = np.floor(pixels[test] * 127 / 16 + 0.5)
    assert (digits.layers[0].activations == expected).all()
    assert (digits.labels == labels[test]).all()


def test_digits_layers() -> None:
    digits = workload("digits_mlp")
    assert digits is workload("digits_mlp")
    shapes = [(layer.name, layer.op, layer.m, layer.n, layer.k) for layer in digits.layers]
    assert shapes == [
        ("fc1", "fc", 360, 64, 64),
        ("fc2", "fc", 360, 32, 64),
        ("fc3", "fc", 360, 10, 32),
    ]
    for layer in digits.layers:
        assert layer.activations.min() >= 0 and layer.activations.max() <= 127
        assert layer.weights.min() >= -127 and np.abs(layer.weights).max() == 127
    assert digits.title == names()["digits_mlp"]


def test_digits_data_is_small() -> None:
    path = Path(digits_mlp.__file__).parent / "data" / digits_mlp.DATA
    assert path.stat().st_size < 50_000  # 26 000 of them float32 weights
    with np.load(path, allow_pickle=False) as archive:
        assert all(archive[f"fc{i}.weights"].dtype == np.int8 for i in (1, 2, 3))
        assert all(archive[f"fc{i}.bias"].dtype == np.int32 for i in (1, 2, 3))


def test_digits_accuracy() -> None:
    """352 of 360, with the committed weights; in integers, so equal on every machine."""
    metrics = workload("digits_mlp").drive(exact_gemm)
    assert metrics == {
        "accuracy": 352 / 360,
        "accuracy_integer": 352 / 360,
        "accuracy_float": 352 / 360,
    }
    assert tuple(metrics) == workload("digits_mlp").metrics


def test_digits_against_plain_python() -> None:
    """The documented arithmetic, written again with Python integers, on some images."""
    path = Path(digits_mlp.__file__).parent / "data" / digits_mlp.DATA
    with np.load(path, allow_pickle=False) as archive:
        data = {key: archive[key].tolist() for key in archive.files}
    digits = digits_mlp.load()
    for image in range(0, 360, 24):
        x = data["test.images"][image]
        for index, name in enumerate(("fc1", "fc2", "fc3")):
            assert digits.layers[index].activations[image].tolist() == x
            columns = zip(*data[f"{name}.weights"], strict=True)
            sums = [
                sum(a * w for a, w in zip(x, column, strict=True)) + bias
                for column, bias in zip(columns, data[f"{name}.bias"], strict=True)
            ]
            if name != "fc3":
                multiplier, shift = data[f"{name}.multiplier"], data[f"{name}.shift"]
                rounded = [(s * multiplier + 2 ** (shift - 1)) // 2**shift for s in sums]
                x = [max(0, min(127, value)) for value in rounded]
        scores = digits.after[2](exact_gemm(digits.layers[2]))[image].tolist()
        assert scores == sums


def test_digits_drive_feeds_results_forward() -> None:
    digits = digits_mlp.load()
    seen: list[Layer] = []

    def spy(layer: Layer) -> np.ndarray:
        seen.append(layer)
        return exact_gemm(layer)

    digits.drive(spy)
    for sent, exact in zip(seen, digits.layers, strict=True):
        assert sent.name == exact.name and sent.operand_source == exact.operand_source
        assert (sent.activations == exact.activations).all()
        assert (sent.weights == exact.weights).all()


@pytest.mark.parametrize("broken", ["fc1", "fc2", "fc3"])
def test_digits_accuracy_suffers_from_a_broken_engine(broken: str) -> None:
    digits = digits_mlp.load()

    def zeros(layer: Layer) -> np.ndarray:
        c = exact_gemm(layer)
        return np.zeros_like(c) if layer.name == broken else c

    metrics = digits.drive(zeros)
    assert metrics["accuracy"] < 0.3
    assert metrics["accuracy_integer"] == 352 / 360
    assert digits.drive(exact_gemm)["accuracy"] == 352 / 360


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1])
def test_digits_saturates_whatever_an_engine_returns(value: int) -> None:
    rescale = digits_mlp.load().after[0]
    out = rescale(np.full((1, 64), value, dtype=np.int64))
    assert set(out.ravel().tolist()) == {0 if value < 0 else 127}


def test_workloads_travel_between_processes() -> None:
    digits = pickle.loads(pickle.dumps(digits_mlp.load()))
    assert digits.drive(exact_gemm)["accuracy"] == 352 / 360


# --- the package ----------------------------------------------------------------------------


def test_the_import_is_light() -> None:
    code = (
        "import sys, numpy, tpe.workloads;"
        "print([m for m in ('sklearn', 'pandas', 'numba', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"


def test_every_network_has_a_name_that_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    found = networks()
    assert list(found)[:2] == ["digits_mlp", "onnx:light_bvlc_alexnet"] and len(found) == 10
    assert len(workload("onnx:light_squeezenet").layers) > 20
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    assert list(networks()) == ["digits_mlp"]


def test_npz_operands_keep_a_narrow_type(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.npz", f__A=A.astype(">i2"), f__B=B.astype(np.int8))
    layer = load_npz(path).layers[0]
    assert isinstance(layer, LazyLayer)
    assert [x.dtype.name for x in layer.operands()] == ["int16", "int8"]
    assert (exact_gemm(layer) == A.astype(int) @ B.astype(int)).all()
