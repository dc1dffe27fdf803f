"""Verbs of installed packages, as docs/howto/command.md writes one: listed, run, broken, taken."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tpe.base import registry
from tpe.cli import installed
from tpe.cli.command import Command

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/howto/command.md"
_FILE = re.compile(r"^`([^`\n]+)`:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the page's package, as an installer leaves it there."""
    files = dict(_FILE.findall(PAGE.read_text()))
    project = tomllib.loads(files.pop("pyproject.toml"))["project"]
    for name, text in files.items():
        path = tmp_path / name.removeprefix("src/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    add(tmp_path, project["name"], **project["entry-points"]["tpe.commands"])
    return tmp_path


def add(site: Path, package: str, **commands: str) -> None:
    """What an installer writes of a package: its name, and its entry points."""
    folder = site / f"{package.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {home}" for name, home in commands.items()]
    (folder / "entry_points.txt").write_text("\n".join(["[tpe.commands]", *lines]))


def tpe(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-m", "tpe.cli.main", *words],
        cwd=site,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "100", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_listed_with_its_package_and_runs(site: Path) -> None:
    text = tpe(site, "--help").stdout
    assert "Of package tpe-utilisation" in text
    assert "Print which share of an array's cycles does work." in text
    done = tpe(site, "utilisation", "--pe", "opt1", "--size", "8x8", "--json", "-")
    found = json.loads(done.stdout)
    assert 0.5 < found["utilisation"] < 1
    assert found["command"].startswith("tpe utilisation --pe opt1 --array matrix2d --size 8x8 ")
    text = tpe(site, "utilisation", "--help").stdout
    assert "Example: tpe utilisation --pe opt1 --size 8x8" in text and "--verbose" in text


def test_a_broken_one_says_so_and_leaves_the_others_alone(site: Path) -> None:
    (site / "broken.py").write_text("import nothing_of_this_name\n")
    (site / "odd.py").write_text(
        "from tpe.cli.command import Command\n"
        "def function(x: int | str) -> None: ...\n"
        "RECORD = Command(function)\n"
    )
    add(site, "broken-verbs", broken="broken:RECORD", odd="odd:RECORD", other="math:pi")
    for name, reason in (
        ("broken", "cannot be loaded: ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("odd", "is no command: "),
        ("other", "math:pi is no such record; legal: a tpe.cli.command.Command"),
    ):
        done = tpe(site, name, "--size", "3x3", "more")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert f"tpe.commands '{name}' of package broken-verbs" in done.stderr
        assert reason in done.stderr
    listed = tpe(site, "--help")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "Of package broken-verbs" in listed.stdout and "cannot be loaded" in listed.stdout
    assert "Of package tpe-utilisation" in listed.stdout
    assert tpe(site, "list").returncode == 0


@pytest.mark.parametrize(
    ("package", "name", "other"),
    [("more-verbs", "utilisation", "tpe-utilisation"), ("taken", "run", "tpe")],
)
def test_a_name_taken_twice_is_refused(site: Path, package: str, name: str, other: str) -> None:
    add(site, package, **{name: "utilisation:RECORD"})
    done = tpe(site, name)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"two packages have tpe.commands '{name}'" in done.stderr
    assert package in done.stderr and other in done.stderr


def test_ours_are_files_of_one_folder() -> None:
    ours = registry.built_in(installed.GROUP)
    assert {"run", "verify", "vectors"} < ours.keys()
    assert all(isinstance(registry.load(home), Command) for home in ours.values())
