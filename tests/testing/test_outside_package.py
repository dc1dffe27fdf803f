"""A package outside the tree, as docs/howto/pe.md writes it: found, run, held to the contract."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tpe.testing import checks
from tpe.testing.check import Check

ROOT = Path(__file__).parents[2]
_FILE = re.compile(r"^`([^`\n]+)`:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RTL = "plain_pe/rtl/tpe_pe_plain.sv"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the page's files."""
    folder = tmp_path_factory.mktemp("plain-pe")
    files = dict(_FILE.findall((ROOT / "docs/howto/pe.md").read_text()))
    assert {"pyproject.toml", "tests/test_contract.py", f"src/{RTL}"} < files.keys()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture(scope="module")
def site(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the built one installed in it."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
    build = (*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(wheels))
    subprocess.run([*build, str(package)], check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    install = (*pip, "install", "--quiet", "--no-deps", "--no-index", "--target", str(target))
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    return target


def run(site: Path, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd or site,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )


def printed(site: Path, *arguments: str) -> str:
    done = run(site, "-m", "tpe.cli.main", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_commands_cover_it(site: Path) -> None:
    assert "plain multiply-add" in printed(site, "list")
    rows = json.loads(printed(site, "run", "--pe", "plain", "--json", "-"))["layers"]
    assert {row["rtl_checked"] for row in rows} == {"not checked"}
    assert all(row["exact"] for row in rows)
    assert "tpe_pe_plain" in printed(site, "show", "--pe", "plain")
    assert "plain" in printed(site, "compare", "--pe", "mac,plain", "--size", "4x4")
    printed(site, "emit", "--pe", "plain", "-o", "out")
    assert (site / "out" / "tpe_plain_matrix2d_4x4_pe_plain.sv").exists()
    assert "are equal" in printed(site, "verify", "--pe", "plain", "--size", "2x2")


@pytest.mark.full
def test_commands_that_take_minutes_cover_it(site: Path) -> None:
    mutants = printed(site, "mutate", "--pe", "plain", "--count", "4", "--floor", "0")
    assert "4 mutants of" in mutants
    printed(site, "prove", "--pe", "plain", "--size", "2x2", "--array", "matrix2d")
    assert "plain" in printed(site, "synth", "--pe", "plain", "--clock-ns", "6")


def test_it_passes_the_contract(site: Path, package: Path) -> None:
    options = ("-p", "no:cacheprovider", "-q", "--tb=line", "-n", "0")
    done = run(site, "-m", "pytest", *options, "tests/test_contract.py", cwd=package)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) == 2 + 3 * 7  # of the PE, and in three arrays


def test_one_wrong_bit_fails_the_contract(site: Path) -> None:
    cell = site / RTL
    right = cell.read_text()
    wrong = right.replace("+ product;", "+ (product ^ PsumWidth'(16'h0100));")
    assert wrong != right
    cell.write_text(wrong)
    code = "from tpe.testing import checks; "
    code += "[c() for c in checks('plain', 'matrix2d') if c.what == 'cell']"
    try:
        done = run(site, "-c", code)
    finally:
        cell.write_text(right)
    assert done.returncode == 1
    assert "AssertionError: 65536 of 65536 products differ" in done.stderr


def test_a_package_that_takes_a_name_is_refused(site: Path, package: Path) -> None:
    (points,) = site.glob("*.dist-info/entry_points.txt")
    right = points.read_text()
    points.write_text(right.replace("plain =", "opt1 ="))
    try:
        done = run(site, "-m", "tpe.cli.main", "run", "--pe", "opt1")
        listed = printed(site, "list", "pes")
    finally:
        points.write_text(right)
    why = "two packages have tpe.pes 'opt1': tpe and plain-pe; legal: one of a name\n"
    assert (done.returncode, done.stderr) == (2, f"tpe: error: {why}")
    assert f"not usable: {why}" in listed and "opt4c" in listed


def test_a_package_that_does_not_load_is_named(site: Path) -> None:
    (points,) = site.glob("*.dist-info/entry_points.txt")
    right = points.read_text()
    points.write_text(right.replace("plain_pe:RECORD", "plain_pe:RECRD"))
    try:
        done = run(site, "-m", "tpe.cli.main", "run", "--pe", "plain")
        listed = printed(site, "list", "pes")
    finally:
        points.write_text(right)
    assert done.returncode == 2
    why = "tpe.pes 'plain' of package plain-pe cannot be loaded: AttributeError"
    assert why in done.stderr and f"not usable: {why}" in listed
    assert done.stderr.count("\n") == 1


def test_the_page_on_nests_runs() -> None:
    page = ROOT / "docs/howto/nest.md"
    done = doctest.testfile(str(page), module_relative=False)
    assert done.attempted > 8 and done.failed == 0


@pytest.mark.parametrize("check", [c for c in checks("opt3") if c.what != "engines"], ids=str)
def test_our_own_keep_it(check: Check) -> None:
    check()
