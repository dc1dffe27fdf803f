"""README's own blocks: the commands it prints and its Python run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    """Every line of README's shell blocks that calls tpe."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("tpe ")]


@pytest.mark.parametrize("command", commands())
def test_command(command, tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command.split(),
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("$ tpe ")


BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def python_blocks():
    """README's Python, each by its name; what needs PyTorch (gigabytes) is in the full tier."""
    names = ("compare", "capture", "own-rtl", "point")
    for name, block in zip(names, BLOCKS, strict=True):
        marks = [pytest.mark.full] if "torch" in block else []
        yield pytest.param(block, id=name, marks=marks)


@pytest.mark.parametrize("block", list(python_blocks()))
def test_python_block(block, tmp_path, monkeypatch, capsys):
    if "torch" in block:
        pytest.importorskip("torch", reason="the capture needs PyTorch")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    assert len(capsys.readouterr().out) > 20


def test_it_names_the_two_commands():
    assert "make demo" in README and "make test" in README


def test_the_figures_stand_there():
    speed = README.partition("## Speed")[2].partition("## ")[0]
    assert len(re.findall(r"^\| .* \|$", speed, re.MULTILINE)) >= 10
    assert "BENCH" not in README
