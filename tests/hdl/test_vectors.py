"""An engine's RTL with a bench of its own: it passes under Verilator alone, and sees a fault."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import tpe
from tpe.cli.main import app
from tpe.hdl.simulate.build import CONFIGURED
from tpe.hdl.simulate.toolchain import verilator
from tpe.hdl.simulate.vectors import FIELDS, vectors
from tpe.hdl.simulate.verify import cases_of

ENGINES: dict[str, tuple[Any, ...]] = {
    "dense": ("opt1", "systolic_os", (3, 2), {}),
    "sparse": ("opt4c", "matrix2d", (2, 3), {"depth": 8, "encode": "weights"}),
    "zero points": ("mac", "matrix2d", (2, 2), {"a_type": "uint8", "zero_points": "offset"}),
}


def simulator(folder: Path, name: str) -> Path:
    """The bench built as README.md says, with nothing of ours but Verilator's own environment."""
    keep = {"PATH": verilator().environment["PATH"], "MAKEFLAGS": " ".join(CONFIGURED)}
    if "VERILATOR_ROOT" in verilator().environment:
        keep["VERILATOR_ROOT"] = verilator().environment["VERILATOR_ROOT"]
    command = ["verilator", "--binary", "--timing", "-f", "files.f"]
    done = subprocess.run(command, cwd=folder, env=keep, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stderr
    return folder / "obj_dir" / f"V{name}_tb"


def run(program: Path) -> subprocess.CompletedProcess[str]:
    folder = program.parent.parent
    return subprocess.run([str(program)], cwd=folder, env={}, capture_output=True, text=True)


def corrupt(file: Path, word: int) -> None:
    """Flip the lowest bit of the last digit of one word."""
    lines = file.read_text().splitlines()
    bare, slashes, note = lines[word].partition("  //")
    lines[word] = bare[:-1] + f"{int(bare[-1], 16) ^ 1:x}" + slashes + note
    file.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, marks=[pytest.mark.full] if k == "zero points" else []) for k in ENGINES],
)
def test_the_bench_passes_alone_and_sees_every_fault(kind: str, tmp_path: Path) -> None:
    pe, array, size, parameters = ENGINES[kind]
    engine = tpe.Engine(pe, array, size, **parameters)
    folder = tmp_path / "out"
    files = vectors(engine, folder, prefix="mine")
    assert sorted(path.name for path in files) == sorted(os.listdir(folder))
    assert (folder / "added.hex").exists() == (kind == "zero points")
    assert "obj_dir/Vmine_tb" in (folder / "README.md").read_text()
    program = simulator(folder, "mine")
    good = run(program)
    assert good.returncode == 0, good.stdout
    cases = cases_of(engine, "", 0)
    words = (folder / "expected.hex").read_text().splitlines()
    outputs = len(words) * engine.cols
    assert f"PASS: {outputs} outputs and the cycles of {len(cases)} cases" in good.stdout
    for file, word in (("expected.hex", 0), ("expected.hex", len(words) - 1), ("cases.hex", 3)):
        kept = (folder / file).read_text()
        corrupt(folder / file, word)
        bad = run(program)
        assert bad.returncode != 0
        assert "FAIL" in bad.stdout + bad.stderr and "PASS" not in bad.stdout
        assert "expected" in bad.stdout
        (folder / file).write_text(kept)
    # An operand that the model did not see.
    corrupt(folder / "b.hex", 0)
    assert run(program).returncode != 0


def test_the_stimulus_is_that_of_the_workload(tmp_path: Path) -> None:
    engine = tpe.Engine("opt4c", "matrix2d", (4, 4))
    vectors(engine, tmp_path / "out", "digits_mlp")
    lines = (tmp_path / "out" / "cases.hex").read_text().splitlines()
    run = engine.run("digits_mlp")
    assert len(lines) == len(run.layers) == 3
    for line, layer in zip(lines, run.layers, strict=True):
        numbers, _, shape = line.partition("  // M x N x K = ")
        values = dict(zip(FIELDS, (int(x, 16) for x in numbers.split()), strict=True))
        assert values["cycles"] == layer.cycles
        assert shape == f"{layer.m} x {layer.n} x {layer.k}"


def test_the_command_writes_and_refuses(tmp_path: Path) -> None:
    target = tmp_path / "out"
    words = ["vectors", "--pe", "mac", "--size", "2x2", "-k", "gemm:3x3x3", "-o", str(target)]
    result = CliRunner().invoke(app, [*words, "--json", "-", "--verbose"])
    content = json.loads(result.stdout)
    assert result.exit_code == 0 and content["bench"] == "tpe_mac_matrix2d_2x2_tb"
    assert str(target / "files.f") in content["files"]
    assert result.stderr.splitlines()[0] == f"$ {content['command']}"
    first = (target / "files.f").read_text().splitlines()[0]
    assert first == f"{content['bench']}.sv"
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 2 and "exists and is no empty directory" in again.stderr
    huge = [*words[:6], "gemm:4000x4000x4000", "-o", str(tmp_path / "huge")]
    refused = CliRunner().invoke(app, huge)
    assert refused.exit_code == 2 and "too large" in refused.stderr
    assert not (tmp_path / "huge").exists()
