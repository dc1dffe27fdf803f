"""Verbs of installed packages, as docs/howto/command.md writes one: listed, run, broken, taken."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.site import ROOT, install, install_page
from tests.site import tpe as tpe_in
from tpe.base import registry
from tpe.cli import installed
from tpe.cli.command import Command

PAGE = ROOT / "docs/howto/command.md"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the page's package, as an installer leaves it there."""
    install_page(tmp_path, PAGE)
    return tmp_path


def add(site: Path, package: str, **commands: str) -> None:
    """A package with verbs."""
    install(site, package, {"tpe.commands": commands})


def tpe(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return tpe_in(site, *words, COLUMNS="100", TERM="dumb")


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
