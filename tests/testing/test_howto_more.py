"""docs/howto/more.md: an array, a format, a workload, columns and a technology of a package."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.site import ROOT, install_page, python, tpe
from tpe.technology.technology import TPE130

PAGE = ROOT / "docs/howto/more.md"
_COMMAND = re.compile(r"^    (tpe .*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's package, as an installer leaves it there."""
    site = tmp_path_factory.mktemp("site")
    install_page(site, PAGE)
    shutil.copy(TPE130, site / "mine" / "mine.lib")
    return site


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
    done = python(site, "-c", code)
    assert (done.returncode, done.stdout) == (0, "mine\n"), done.stderr


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
