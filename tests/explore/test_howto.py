"""docs/howto/explore.md and what it prints: its spaces are read, its commands and Python run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tpe.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs/howto/explore.md").read_text()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    space, one = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    Path("space.toml").write_text(space.replace('"gemm:64x64x64"', '"gemm:3x4x5"'))
    Path("one.toml").write_text(one)
    return tmp_path


def test_commands_run(here: Path) -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    tables = []
    for line in block.splitlines():
        words = shlex.split(line)
        done = CliRunner().invoke(app, words[1:])
        assert done.exit_code == 0, done.output
        tables.append((here / words[4] / "points.parquet").read_bytes())
    assert tables[0] == tables[2]


def test_python_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(block.replace("trials=40", "trials=4"), "explore.md", "exec"), {})
    assert "cycles" in capsys.readouterr().out
