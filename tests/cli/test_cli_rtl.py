"""`tpe emit` and `tpe verify` on the command line: what they refuse, and how."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tpe.cli.main import app

RUNNER = CliRunner()


def run(*words: str):
    return RUNNER.invoke(app, list(words))


BAD = [
    (("emit", "-o", "full"), "full"),
    (("emit", "-o", "file"), "file"),
    (("emit", "-o", "file/under"), "file"),
    (("emit", "--prefix", "module"), "keyword"),
    (("emit", "--prefix", "1x"), "prefix"),
    (("emit", "--clock-ns", "0"), "clock_ns"),
    (("emit", "--clock-ns", "nan"), "clock_ns"),
    (("emit", "--pe", "opt4c", "--array", "os"), "matrix2d"),
    (("emit", "--json", "missing/x.json"), "missing"),
    (("verify", "--size", "0x1"), "0x1"),
    (("verify", "--waves", "w.txt"), ".fst, .vcd"),
    (("verify", "--waves", "missing/w.vcd"), "missing"),
    (("verify", "--waves", "full"), "full"),
    (("verify", "--size", "1x1", "--workload", "gemm:1x100000x400"), "too large"),
    (("verify", "--workload", "gemm:4x4x600", "-p", "acc_bits=24"), "25 bits"),
    (("verify", "-p", "stages=9"), "stages"),
]


@pytest.mark.parametrize(("words", "says"), BAD, ids=lambda x: " ".join(x) if x else "")
def test_bad_input_is_one_line_and_nothing_is_written(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    result = run(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("tpe: error: ") and result.stderr.count("\n") == 1
    assert says in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


SOMEBODY_ELSE = """
import os, sys
from pathlib import Path
from tpe.base.errors import TpeError
from tpe.hdl.emit.package import write_folder
from tpe.hdl.simulate.verify import waves_file
from tpe.base.files import check_writable
from tpe.workloads import load_npz
closed = Path(sys.argv[1])
os.setuid(65534)
for work in (
    lambda: check_writable(f"{closed}/x.json"),
    lambda: write_folder(closed / "x" / "y", {"a": "b"}),
    lambda: waves_file(closed / "w.vcd"),
    lambda: load_npz(closed / "x.npz"),
):
    try:
        work()
    except TpeError as error:
        print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_path_of_somebody_elses_is_named(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    done = subprocess.run(
        [sys.executable, "-c", SOMEBODY_ELSE, str(closed)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (0, 4), done.stderr
    assert all(str(closed) in line and "ermission denied" in line for line in lines)


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").write_text("no folder")
    code = "import tpe; print(tpe.Engine('opt4c').run([[3]], [[5]], values='bits').C)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TPE_CACHE_DIR": str(tmp_path / "file")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[[15]]\n")
    assert "TPE_CACHE_DIR" in done.stderr


def test_two_engines_of_one_size_have_two_prefixes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tops = []
    for words in ((), ("-p", "encoder=ent")):
        result = run("emit", "--size", "1x1", "--json", "-", *words)
        tops.append(json.loads(result.stdout)["top"])
    assert len(set(tops)) == 2
    assert all((Path(f"{top}_rtl") / f"{top}.sv").exists() for top in tops)


def test_an_accumulator_too_narrow_for_the_battery_is_verified_all_the_same():
    result = run("verify", "--size", "1x2", "-p", "acc_bits=16")
    assert result.exit_code == 0
    assert "are equal" in result.stdout
