"""Installed packages with something wrong: named in one line, and nobody else's concern."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.site import ROOT, python
from tests.site import install as write
from tests.site import tpe as tpe_in
from tpe.hdl.emit.sources import refusal

RECORDS = '''"""Records, each with something wrong."""

from dataclasses import replace

from tpe.base.columns import Column
from tpe.model.columns import ColumnSet
from tpe.pe.mac import RECORD as MAC
from tpe.workloads import Source, Workload


def load(spec, *, seed, a_type, b_type):
    return int("zz") if spec == "zz" else 7


def annotate(run):
    raise KeyError("no such layer")


ZZ = Source("no number", load)
SET = ColumnSet("wrong", (Column("wrong", "integer", "", "none"),), annotate)
TEXT = replace(MAC, name="text", hardware=replace(MAC.hardware, folder=__file__ + "/../no_rtl"))
'''


def install(site: Path, package: str, **groups: dict[str, str]) -> None:
    """The same with groups as kinds: `pes` is `tpe.pes`."""
    write(site, package, {f"tpe.{kind}": points for kind, points in groups.items()})


def tpe(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return tpe_in(site, *words, COLUMNS="200", TERM="dumb")


def refused(site: Path, *words: str) -> str:
    done = tpe(site, *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    return done.stderr


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Packages that cannot be loaded, one of every kind, and one that ends the process."""
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    (tmp_path / "ends.py").write_text("import sys\n\nsys.exit(3)\n")
    kinds = ("arrays", "pes", "workloads", "formats", "columns")
    install(tmp_path, "all-broken", **{kind: {"broken": "broken:RECORD"} for kind in kinds})
    install(tmp_path, "all-end", **{kind: {"ends": "ends:RECORD"} for kind in kinds})
    return tmp_path


def test_what_cannot_be_loaded_is_noted_and_stops_nobody_else(site: Path) -> None:
    small = ("run", "--pe", "mac", "--size", "2x2", "--workload", "gemm:2x2x2")
    assert tpe(site, *small).returncode == 0
    for words in (["list"], ["list", "pes"], ["list", "--combinations"]):
        done = tpe(site, *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert "opt4c" in done.stdout
        notes = [line for line in done.stdout.splitlines() if line.startswith("not usable: ")]
        assert len(notes) == {"list": 10, "pes": 2, "--combinations": 4}[words[-1]]
        assert (
            "not usable: tpe.pes 'broken' of package all-broken cannot be loaded: "
            "ModuleNotFoundError: No module named 'nothing_of_this_name'" in notes
        )
        assert "not usable: tpe.pes 'ends' of package all-end cannot be loaded: SystemExit: 3" in (
            notes
        )
    rows = json.loads(tpe(site, "list", "--json", "-").stdout)["broken"]
    assert {row["name"] for row in rows} == {"broken", "ends"}
    assert {row["kind"] for row in rows} == {"arrays", "pes", "workloads", "formats", "columns"}


def test_what_is_asked_for_by_its_own_name_is_refused(site: Path) -> None:
    for name in ("broken", "ends"):
        where = f"'{name}' of package all-{name.removesuffix('s')}"
        for words in (
            ("--pe", name),
            ("--pe", "mac", "--array", name),
            ("--pe", "mac", "--size", "2x2", "--workload", name),
            ("--pe", "mac", "--size", "2x2", "--workload", "gemm:2x2x2", "--columns", name),
        ):
            line = refused(site, "run", *words)
            assert where in line and "cannot be loaded: " in line


def test_a_command_of_two_packages_is_refused_alone(site: Path) -> None:
    install(site, "first-verbs", commands={"twice": "math:pi"})
    install(site, "more-verbs", commands={"twice": "math:pi", "run": "math:pi"})
    assert tpe(site, "list").returncode == 0
    for name, other in (("twice", "first-verbs"), ("run", "tpe")):
        line = refused(site, name, "--pe", "mac")
        assert f"two packages have tpe.commands '{name}': {other} and more-verbs" in line
    done = tpe(site, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "two packages have tpe.commands 'twice': first-verbs and more-verbs" in done.stdout
    assert "two packages have tpe.commands 'run': tpe and more-verbs" in done.stdout
    assert "doctor" in done.stdout
    notes = tpe(site, "list", "commands").stdout
    assert "not usable: two packages have tpe.commands 'run': tpe and more-verbs" in notes


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A package whose records load, and go wrong when they are used."""
    (tmp_path / "wrong.py").write_text(RECORDS)
    install(
        tmp_path,
        "goes-wrong",
        workloads={"zz": "wrong:ZZ", "seven": "wrong:ZZ"},
        columns={"wrong": "wrong:SET"},
        pes={"text": "wrong:TEXT"},
    )
    return tmp_path


def test_errors_of_a_package_s_code_name_it(wrong: Path) -> None:
    small = ("run", "--pe", "mac", "--size", "2x2", "--workload")
    assert refused(wrong, *small, "zz") == (
        "tpe: error: tpe.workloads 'zz' of package goes-wrong: load failed: "
        "ValueError: invalid literal for int() with base 10: 'zz'\n"
    )
    line = refused(wrong, *small, "seven")
    assert "workload 'seven': its source gives a int; legal: a tpe.workloads.Workload" in line
    assert refused(wrong, *small, "gemm:2x2x2", "--columns", "wrong") == (
        "tpe: error: tpe.columns 'wrong' of package goes-wrong: annotate failed: "
        "KeyError: 'no such layer'\n"
    )
    code = "import tpe\ntry:\n    tpe.workload('zz')\nexcept tpe.TpeError as error:\n"
    code += "    print(type(error.__cause__).__name__)"
    done = python(wrong, "-c", code)
    assert (done.returncode, done.stdout) == (0, "ValueError\n"), done.stderr


def test_a_folder_given_as_text_is_a_folder(wrong: Path) -> None:
    assert "no RTL; legal: a folder of files tpe_*.sv" in refused(wrong, "emit", "--pe", "text")
    (wrong / "no_rtl").mkdir()
    cell = "tpe_pe_text.sv"
    (wrong / "no_rtl" / cell).write_text((ROOT / "rtl/pe/tpe_pe_mac.sv").read_text())
    text = RECORDS.replace('folder=__file__ + "/../no_rtl"', 'cell="text", folder="no_rtl"')
    (wrong / "wrong.py").write_text(text)
    file = wrong / "no_rtl" / cell
    file.write_text(file.read_text().replace("tpe_pe_mac", "tpe_pe_text"))
    done = tpe(wrong, "emit", "--pe", "text", "-o", "out")
    assert done.returncode == 0, done.stderr


def test_a_name_that_rtl_cannot_have_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "names.py").write_text(
        "from dataclasses import replace\n"
        "from tpe.array import matrix2d\n"
        "from tpe.pe.mac import RECORD as MAC\n"
        "def __getattr__(name):\n"
        "    if name == 'PE':\n        return replace(MAC, name='my-pe')\n"
        "    if name == 'ARRAY':\n        return replace(matrix2d.RECORD, name='My_array')\n"
        "    if name == 'EMPTY':\n        return replace(MAC, name='empty', ways=frozenset())\n"
        "    if name == 'FOLDER':\n        return replace(matrix2d.RECORD, folder=5)\n"
        "    raise AttributeError(name)\n"
    )
    install(
        tmp_path,
        "odd-names",
        pes={"my-pe": "names:PE", "empty": "names:EMPTY"},
        arrays={"My_array": "names:ARRAY", "folder": "names:FOLDER"},
    )
    rule = "is not legal: lower-case letters, digits and _, a letter first"
    for words in (["run"], ["verify"], ["emit"]):
        assert f"name of a pe = 'my-pe' {rule}" in refused(tmp_path, *words, "--pe", "my-pe")
    line = refused(tmp_path, "run", "--pe", "mac", "--array", "My_array")
    assert f"name of an array = 'My_array' {rule}" in line
    line = refused(tmp_path, "run", "--pe", "empty")
    assert "pe empty: ways = frozenset() is not legal: one or more of Way.KEEP, Way.PASS" in line
    line = refused(tmp_path, "run", "--pe", "mac", "--array", "folder")
    assert "array matrix2d: folder = 5 is not legal: the path of a folder of RTL" in line
    assert tpe(tmp_path, "list").returncode == 0


@pytest.mark.parametrize("verb", ["verify", "prove"])
def test_rtl_of_a_package_that_does_not_parse(tmp_path: Path, verb: str) -> None:
    cell = (ROOT / "rtl/pe/tpe_pe_mac.sv").read_text().replace("tpe_pe_mac", "tpe_pe_syn")
    wrong = cell.replace("endmodule", "  assign = ;\nendmodule")
    line = wrong.splitlines().index("  assign = ;") + 1
    rtl = tmp_path / "rtl"
    rtl.mkdir()
    (rtl / "tpe_pe_syn.sv").write_text(wrong)
    (tmp_path / "syn.py").write_text(
        "from dataclasses import replace\n"
        "from tpe.pe.mac import RECORD as MAC\n"
        f"HARDWARE = replace(MAC.hardware, cell='syn', folder={str(rtl)!r})\n"
        "RECORD = replace(MAC, name='syn', hardware=HARDWARE)\n"
    )
    install(tmp_path, "syn-pe", pes={"syn": "syn:RECORD"})
    words = ("--pe", "syn", "--size", "2x2", "--array", "matrix2d")
    done = tpe(tmp_path, verb, *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    place = f"refuses module tpe_pe_syn: {rtl / 'tpe_pe_syn.sv'}:{line}: syntax error"
    assert place in done.stderr


def test_what_a_tool_says_of_our_own_rtl_stays_loud() -> None:
    said = "%Error: /tmp/x/e0_pe_mac.sv:37:3: syntax error, unexpected end"
    assert refusal("verilator", said) is None
