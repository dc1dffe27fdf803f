"""Paths that a command line names: none is read and written, and none is written twice."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from typer.testing import CliRunner

from tpe.base import registry
from tpe.cli import installed
from tpe.cli.main import app
from tpe.cli.paths import option_name, role_of

NAMES = ("FILE", "DIR", "CSV", "NPZ", ".json")  # in the metavar of an option that names a path


def functions() -> dict[str, Any]:
    """Our commands' functions, by name."""
    ours = registry.built_in(installed.GROUP)
    return {name: registry.load(home).function for name, home in ours.items()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with what the lines below read."""
    monkeypatch.chdir(tmp_path)
    Path("ok.csv").write_text("m,k,ms\n1,2,3\n")
    Path("cost.csv").write_text("pe,clock_ns,area_um2\nmac,2,1000\n")
    np.savez("i.npz", a=np.ones((2, 3), np.int8), b=np.ones((3, 2), np.int8))
    Path("link.json").symlink_to("i.npz")
    os.link("cost.csv", "hard.csv")
    Path("r.json").write_text(json.dumps({"command": "tpe list"}))
    return tmp_path


def test_every_option_that_names_a_path_says_what_it_is_for() -> None:
    for name, function in functions().items():
        for parameter, hint in get_type_hints(function, include_extras=True).items():
            metavars = [
                getattr(x, "metavar", None) or "" for x in getattr(hint, "__metadata__", ())
            ]
            if any(part in metavar for metavar in metavars for part in NAMES):
                assert role_of(hint), f"tpe {name} {option_name(hint, parameter)}: {metavars}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "fit --table ok.csv --target ms --group m --json ok.csv",
            "--json ok.csv is read too, by --table ok.csv; legal: another path for --json",
        ),
        (
            "run --workload npz:i.npz --json i.npz",
            "--json i.npz is read too, by --workload",
        ),
        ("run --workload npz:i.npz --json link.json", "--json link.json is read too"),
        ("run --workload npz:i.npz --json ./i.npz", "--json ./i.npz is read too, by --workload"),
        ("run --workload none.onnx --inputs i.npz --json i.npz", "is read too, by --inputs i.npz"),
        ("compare --cost cost.csv --table cost.csv", "--table cost.csv is read too, by --cost"),
        ("compare --cost cost.csv --table hard.csv", "--table hard.csv is read too, by --cost"),
        ("synth --liberty cost.csv --export cost.csv", "is read too, by --liberty cost.csv"),
        ("reproduce ent --liberty x,ok.csv --json ok.csv", "is read too, by --liberty x,ok.csv"),
        ("rerun r.json --json r.json", "--json r.json is read too, by result r.json"),
        ("cosim ok.csv --top m --json ok.csv", "--json ok.csv is read too, by files ok.csv"),
        ("run --json a.csv --table ./a.csv", "are both"),
        ("compare --figure a.png --json a.png", "--figure and --json are both 'a.png'"),
        ("emit --pe mac --size 2x2 -o e5 --json e5", "--output and --json are both 'e5'"),
        ("emit --pe mac --size 2x2 -o e5/x --json e5", "--output e5/x lies in --json e5, a file"),
        (
            "emit --pe mac --size 2x2 --json tpe_mac_matrix2d_2x2_rtl",
            "--output and --json are both",
        ),
        ("vectors --pe mac --size 2x2 -o v --json v", "--output and --json are both 'v'"),
        (
            "vectors --pe mac --size 2x2 --json tpe_mac_matrix2d_2x2_vectors",
            "--output and --json are both",
        ),
    ],
)
def test_what_would_be_lost_is_refused_before_anything_runs(
    line: str, said: str, here: Path
) -> None:
    before = {path: path.read_bytes() for path in here.rglob("*")}
    done = CliRunner().invoke(app, line.split())
    assert done.exit_code == 2
    assert said in done.output
    assert done.output.count("\n") == 1
    assert {path: path.read_bytes() for path in here.rglob("*")} == before


def test_a_name_that_is_no_file_is_no_clash(here: Path) -> None:
    line = "list --json digits_mlp"
    assert CliRunner().invoke(app, line.split()).exit_code == 0
    line = "run --pe mac --size 2x2 --workload gemm:2x3x2 --json a.json --table a.csv"
    assert CliRunner().invoke(app, line.split()).exit_code == 0
    line = "emit --pe mac --size 2x2 -o out --json beside.json"
    assert CliRunner().invoke(app, line.split()).exit_code == 0
