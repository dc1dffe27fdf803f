"""docs/howto/more.md: an array, a format, a workload, columns and a technology of a package."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tpe.technology.technology import TPE130

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/howto/more.md"
_FILE = re.compile(r"^`([^`\n]+)`:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^    (tpe .*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's package, as an installer leaves it there."""
    site = tmp_path_factory.mktemp("site")
    files = dict(_FILE.findall(PAGE.read_text()))
    project = tomllib.loads(files.pop("pyproject.toml"))["project"]
    for name, text in files.items():
        path = site / name.removeprefix("src/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(TPE130, site / "mine" / "mine.lib")
    folder = site / "mine-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    lines: list[str] = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {home}" for name, home in points.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines))
    return site


def tpe(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tpe.cli.main", *words],
        cwd=site,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_page_s_commands_run(site: Path) -> None:
    commands = [line.split()[1:] for line in _COMMAND.findall(PAGE.read_text())]
    assert [words[0] for words in commands] == ["list", "run", "synth"]
    for words in commands[:2]:
        done = tpe(site, *words)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    rows = json.loads(tpe(site, *commands[1], "--json", "-").stdout)["layers"]
    assert [(row["array"], row["a_type"], row["exact"]) for row in rows] == [("narrow", "s4", True)]
    assert rows[0]["b_kib"] == 8 / 1024
    code = "from tpe.technology.technology import technology; print(technology('mine').name)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "mine\n"


def test_all_of_it_is_listed(site: Path) -> None:
    found = json.loads(tpe(site, "list", "--json", "-").stdout)
    assert found["broken"] == []
    names = {kind: [row["name"] for row in rows] for kind, rows in found.items() if kind in KINDS}
    for kind, name in KINDS.items():
        assert name in names[kind]
    for kind, home in (("technologies", "mine.technology:LIBERTY"), ("columns", "mine.columns")):
        (row,) = [row for row in found[kind] if row["package"] == "mine"]
        assert row["home"].startswith(home)


KINDS = {
    "arrays": "narrow",
    "formats": "s4",
    "workloads": "ramp:K",
    "columns": "sizes",
    "technologies": "mine",
}


def test_an_integer_of_a_package_in_every_pe_and_no_other_arithmetic(site: Path) -> None:
    small = ("--size", "2x2", "--workload", "gemm:4x4x4")
    types = ("-p", "a_type=s4", "-p", "b_type=s4")
    for pe in ("mac", "opt1", "opt4c", "bitlet"):
        done = tpe(site, "run", "--pe", pe, *small, *types)
        assert done.returncode == 0, done.stderr
    done = tpe(site, "run", "--pe", "lmul", *small, "-p", "a_type=s4")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "a_type = 's4' is not legal for pe lmul: a format that it does not" in done.stderr
    done = tpe(site, "run", "--pe", "mac", *small, "-p", "a_type=bf16")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "a_type = 'bf16' is not legal for pe mac: a format that it does not" in done.stderr
    assert tpe(site, "emit", "--pe", "mac", "--array", "narrow", *types, "-o", "o").returncode == 0
