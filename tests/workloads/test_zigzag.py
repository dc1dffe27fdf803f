"""ZigZag workloads: the equation gives the GEMM; bombs and typing errors are refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.test_workloads import fails
from tpe.workloads import LazyLayer, load_zigzag, workload

pytest.importorskip("yaml")

CONV = """
- id: 0 # stride 2
  operator_type: Conv
  equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]
  dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]
  loop_dims: [B, K, C, OY, OX, FY, FX]
  loop_sizes: [2, 64, 3, 112, 111, 7, 5]
  operand_precision: {W: 8, I: 8, O: 16, O_final: 8}
  operand_source: {I: 0, W: 0}
"""
POOL = """
- id: 1
  operator_type: Pooling
  equation: O[b][g][oy][ox]+=W[fx][fy]*I[b][g][iy][ix]
  dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]
  loop_dims: [B, G, OY, OX, FX, FY]
  loop_sizes: [1, 64, 56, 56, 3, 3]
"""
ADD = """
- id: 4
  operator_type: Add
  equation: O[b][g][oy][ox]=W[b][g][oy][ox]+I[b][g][oy][ox]
  loop_dims: [B, G, OY, OX]
  loop_sizes: [1, 64, 56, 56]
"""
GEMM = """
- id: 5
  name: fc
  operator_type: Gemm
  equation: O[b][k]+=I[b][c]*W[c][k]
  loop_dims: [B, K, C]
  loop_sizes: [32, 512, 128]
"""
DEPTHWISE = """
- id: 6
  operator_type: Conv
  equation: O[b][g][oy][ox]+=W[g][fy][fx]*I[b][g][iy][ix]
  dimension_relations: [ix=1*ox+1*fx, iy=oy+2*fy]
  loop_dims: [B, G, OY, OX, FY, FX]
  loop_sizes: [1, 32, 8, 9, 3, 3]
"""
BMM = """
- id: 7
  operator_type: MatMul
  equation: O[h][m][n] += I[h][m][k] * W[h][k][n]
  loop_dims: [h, m, n, k]
  loop_sizes: [12, 64, 65, 66]
"""
LSTM = """
- id: 8
  operator_type: Lstm
  equation: O[b][k]+=I[b][c]*W[c][k]
  loop_dims: [B, K, C]
  loop_sizes: [1, 2, 3]
"""


def write(path: Path, text: str | bytes) -> Path:
    file = path / "net.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def shapes(network: Any) -> list[tuple[str, str, int, int, int, int]]:
    return [(x.name, x.op, x.m, x.n, x.k, x.repeat) for x in network.layers]


def test_every_equation_becomes_its_gemm(tmp_path: Path) -> None:
    text = CONV + POOL + ADD + GEMM + DEPTHWISE + BMM + LSTM
    network = load_zigzag(write(tmp_path, text))
    assert shapes(network) == [
        ("layer0", "conv", 2 * 112 * 111, 64, 3 * 7 * 5, 1),
        ("fc", "gemm", 32, 512, 128, 1),
        ("layer6", "depthwise conv", 72, 1, 9, 32),
        ("layer7", "gemm", 64, 65, 66, 12),
    ]
    assert network.not_gemm == {"Add": 1, "Pooling": 1}
    assert network.unsupported == {"Lstm": 1} and network.notes == ()
    layer = network.layers[1]
    assert isinstance(layer, LazyLayer) and layer.activations.shape == (32, 128)
    assert layer.operand_source == "assumed: uniform seed 0"
    macs = 2 * 64 * 3 * 112 * 111 * 7 * 5 + 32 * 512 * 128 + 32 * 72 * 9 + 12 * 64 * 65 * 66
    assert sum(x.macs for x in network.layers) == macs


def test_other_forms_of_the_file(tmp_path: Path) -> None:
    expected = [("layer0", "gemm", 4, 5, 6, 1)]
    body = "operator_type: Gemm, equation: 'O[b][k]+=I[b][c]*W[c][k]', "
    sizes = "loop_dim_size: {B: 4, K: 5, C: 6}"
    for text in (
        "0: {" + body + sizes + "}",
        "workload: {0: {" + body + sizes + "}}",
        "layers: [{id: 0, " + body + sizes + "}]",
        "- {" + body + "loop_dims: [b, k, c], loop_sizes: [4, 5, 6]}",
        "\ufeff- {" + body.replace("I[b][c]*W[c][k]", "W[c][k]*I[b][c]") + sizes + "}",
        "- &a {" + body + sizes + "}",
        "-1: {equation: input, " + sizes + "}\n0: {" + body + sizes + "}",
    ):
        assert shapes(load_zigzag(write(tmp_path, text))) == expected, text
    merged = "- &a {" + body + sizes + "}\n- {<<: *a, id: 3, operand_precision: {I: 4, W: 8}}\n"
    network = load_zigzag(write(tmp_path, merged))
    assert [x.name for x in network.layers] == ["layer0", "layer3"]
    assert network.notes == ("the file says 4 bits for I; operands are int8 as asked",)


def change(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (change(GEMM, "512", "-512"), ["layer 5", "loop K is -512", "legal"]),
        (change(GEMM, "512", "many"), ["layer 5", "loop K is 'many'", "legal"]),
        (change(GEMM, "512", "0"), ["loop K is 0"]),
        (change(GEMM, "512", "1.5"), ["loop K is 1.5"]),
        (change(GEMM, "512", "true"), ["loop K is True"]),
        (change(GEMM, "512", "9" * 5000), ["net.yaml"]),
        (change(GEMM, "[32, 512, 128]", "[32, 512]"), ["3 entries", "2", "legal"]),
        (change(GEMM, "[32, 512, 128]", "7"), ["loop_sizes is 7", "a list"]),
        (change(GEMM, "[B, K, C]", "[B, K, K]"), ["loop dimension 'K'"]),
        (change(GEMM, "[B, K, C]", "[B, K, X]"), ["index C has no size"]),
        (change(GEMM, "I[b][c]*W[c][k]", "exp(I)"), ["equation is", "legal: such as"]),
        (change(GEMM, "equation", "equations"), ["equation is None", "legal: text"]),
        (change(GEMM, "O[b][k]", "O[b]"), ["loop K of size 512", "fewer than two"]),
        (change(GEMM, "operator_type: Gemm", "operator_type: [1]"), ["operator_type", "legal"]),
        (change(CONV, "3, 112, 111, 7", f"{2**31 - 1}, 112, 111, {2**31 - 1}"), ["K is", "legal"]),
        (change(CONV, "[ix=2*ox+1*fx,", "[ix=2*ox-fx,"), ["dimension_relations", "ix=2*ox-fx"]),
        (POOL + ADD, ["no GEMM", "Pooling", "Add"]),
        ("", ["NoneType", "legal: a list"]),
        ("[]", ["legal: a list"]),
        ("just text", ["str", "legal"]),
        ("- 3\n", ["layer 0 is int", "legal"]),
        ("- [a: b: c", ["line 1", "no plain YAML"]),
        ("- !!python/object/apply:os.system [ls]\n", ["no plain YAML"]),
        ("- {when: 2001-99-99}\n", ["no plain YAML"]),
        ("? [1, 2]\n: 3\n", ["net.yaml"]),
        (b"\xff\xfe\xfa", ["not UTF-8"]),
        ("- a: \x07\n", ["no plain YAML"]),
        ("[" * 5000, ["32 nested", "legal"]),
        ("[" * 33, ["32 nested", "legal"]),
        ("{a: " * 5000, ["32 nested", "legal"]),
        ("- " * 5000, ["32 nested", "legal"]),
        ("? " * 5000, ["32 nested", "legal"]),
        ('- "' + '\\"' * 100_000 + "[" * 5000, ["no plain YAML"]),
        ("a: " * 50, ["net.yaml"]),
        (GEMM.replace("512", "1" + ":59" * 5000), ["over 10000 characters", "legal"]),
        ("# ours\nworkload = {\n    0: {'equation': 'x'},\n}\n", ["in Python", "legal"]),
        (b"\x1f\x8b\x08\x00", ["packed with gzip"]),
    ],
)
def test_a_bad_file_names_the_layer_and_the_field(
    text: str | bytes, parts: list[str], tmp_path: Path
) -> None:
    file = write(tmp_path, text)
    assert len(fails(lambda: load_zigzag(file), "net.yaml", *parts)) < 700


def bomb(levels: int, width: int, merge: bool) -> str:
    """Aliases of aliases: `width` ** `levels` values when walked."""
    lines = ["a0: &a0 {x0: 1}" if merge else "a0: &a0 [lol, lol]"]
    for level in range(1, levels):
        inner = ", ".join([f"*a{level - 1}"] * width)
        body = f"{{<<: [{inner}], x{level}: 1}}" if merge else f"[{inner}]"
        lines.append(f"a{level}: &a{level} {body}")
    return "\n".join(lines)


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize(("levels", "width"), [(9, 9), (25, 7), (60, 3), (3, 900)])
def test_bombs_end_at_once(levels: int, width: int, merge: bool, tmp_path: Path) -> None:
    text = bomb(levels, width, merge)
    last = levels - 1
    text += f"\nworkload: [{{id: *a{last}, operator_type: Gemm, loop_dims: *a{last}}}]\n"
    start = time.perf_counter()
    file = write(tmp_path, text)
    assert len(fails(lambda: load_zigzag(file), "net.yaml", "legal")) < 900
    assert time.perf_counter() - start < 5


def test_brackets_in_quotes_and_comments_nest_nothing(tmp_path: Path) -> None:
    marks = "[{" * 40
    quoted = f"""- note: "\\"{marks}"\n  more: 'it''s {marks}'\n"""
    text = GEMM.replace("- ", quoted + "  ", 1) + f"# {marks}\n"
    assert shapes(load_zigzag(write(tmp_path, text))) == shapes(load_zigzag(write(tmp_path, GEMM)))


def test_outputs_that_overlap_are_noted(tmp_path: Path) -> None:
    """Every input pixel times every weight: a convolution that scatters."""
    text = change(CONV, "[ix=2*ox+1*fx, iy=2*oy+1*fy]", "[ox=1*ix+1*fx, oy=1*iy+1*fy]")
    text = change(text, "OY, OX, FY", "IY, IX, FY")
    network = load_zigzag(write(tmp_path, text))
    assert shapes(network) == [("layer0", "conv", 2 * 112 * 111, 64 * 7 * 5, 3, 1)]
    assert network.notes == ("layer 0: outputs OX, OY overlap; adding them up is not part of the "
                             "GEMM",)  # fmt: skip


def test_a_list_that_holds_itself(tmp_path: Path) -> None:
    file = write(tmp_path, "- &a {operator_type: Gemm, equation: *a, loop_dims: [*a]}\n")
    fails(lambda: load_zigzag(file), "net.yaml", "legal")


def test_specs_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, GEMM)
    network = workload(str(file), seed=2, a_type="int4")
    assert network.layers[0].operand_source == "assumed: uniform seed 2"
    assert network.layers[0].activations.min() == -8
    other = file.rename(tmp_path / "net.yml")
    assert workload(str(other)).layers[0].m == 32
    fails(lambda: workload("gone.yaml"), "gone.yaml", "No such file")
    fails(lambda: load_zigzag("/dev/zero"), "/dev/zero", "not a regular file")
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    fails(lambda: load_zigzag(other), "pip install -e '.[onnx]'")
    monkeypatch.undo()
    monkeypatch.setattr("tpe.workloads.zigzag.MAX_BYTES", 8)
    fails(lambda: load_zigzag(other), "at most 8 B")
