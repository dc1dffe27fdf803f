"""The face: what the command line does is a function of `tpe`, documented, and the same."""

from __future__ import annotations

import inspect
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tpe
from tpe.cli.main import app

# Command -> the function that does it; `show` prints what `describe` gives.
FUNCTIONS = {
    "list": "list_all",
    "run": "Engine",
    "compare": "compare",
    "show": "describe",
    "trace": "trace",
    "emit": "emit",
    "verify": "verify",
    "prove": "prove",
    "vectors": "vectors",
    "mutate": "mutate",
    "cosim": "cosim",
    "synth": "synthesise",
    "sweep": "sweep",
    "optimize": "optimize",
    "fit": "fit",
    "predict": "predict_cost",
    "pareto": "pareto",
    "diff": "differences",
    "error": "error",
    "evaluate": "evaluate_model",
}
NOT_FUNCTIONS = {"doctor", "reproduce", "rerun", "schema"}  # of machine, papers, lines


def test_every_command_is_a_function() -> None:
    commands = {command.name for command in app.registered_commands}
    assert commands == FUNCTIONS.keys() | NOT_FUNCTIONS
    assert set(FUNCTIONS.values()) <= set(tpe.__all__)


@pytest.mark.parametrize("name", sorted(set(tpe.__all__) - {"__version__"}))
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(tpe, name)
    assert (inspect.getdoc(found) or "").strip()
    assert name in dir(tpe)


def test_help_reads_as_a_table_of_contents() -> None:
    text = tpe.__doc__ or ""
    named = [name for name in tpe.__all__ if name not in ("TpeError", "__version__")]
    missing = [name for name in named if name not in text]
    assert missing == []


def test_a_name_that_is_none() -> None:
    with pytest.raises(AttributeError, match="module 'tpe' has no attribute 'enigne'"):
        tpe.enigne  # noqa: B018


def test_a_point_is_the_row_of_a_comparison_in_any_process() -> None:
    configs = [tpe.Config(pe, size="4x4") for pe in ("mac", "opt1", "opt4c")]
    here = [tpe.point(config, "gemm:8x8x8", seed=3) for config in configs]
    with ProcessPoolExecutor(2) as pool:
        there = list(pool.map(tpe.point, configs, ["gemm:8x8x8"] * 3, [None] * 3, [3] * 3))
    assert here == there
    names = ["mac", "opt1", "opt4c"]
    rows = tpe.compare(names, "gemm:8x8x8", size="4x4", seed=3, overlap="none").rows()
    for row, other in zip(here, rows, strict=True):
        assert (row["pe"], row["cycles"]) == (other["pe"], other["cycles"])


def test_a_comparison_at_equal_area_is_the_commands(tmp_path: Path) -> None:
    words = ["compare", "--pe", "mac,opt1", "--workload", "gemm:8x8x8", "--iso", "area"]
    words += ["--recipe", "ripple/fast", "--no-energy", "--json", str(tmp_path / "out.json")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    ours = tpe.compare(
        ["mac", "opt1"], "gemm:8x8x8", iso="area", recipes="ripple/fast", energy=False
    ).rows()
    shown = json.loads((tmp_path / "out.json").read_text())
    assert len(ours) == len(shown["rows"]) == 2
    for row, other in zip(ours, shown["rows"], strict=True):
        same = row.keys() - {"command"}
        assert {key: row[key] for key in same} == {key: other[key] for key in same}
    config = tpe.Config("mac", size="16x16", overlap="stream")
    priced = tpe.point(config, "gemm:8x8x8", "tpe130", recipes="ripple/fast", energy=False)
    assert (priced["area_um2"], priced["clock_ns"]) == (ours[0]["area_um2"], ours[0]["clock_ns"])


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"clock_ns": 2.0}, "clock_ns is given without iso; legal: with iso = 'area', or another"),
        ({"iso": "are"}, "unknown iso 'are'"),
        ({"iso": "area", "cost": "c.csv", "recipes": "fast"}, "cost replaces synthesis"),
        ({"iso": "area", "clock_ns": 0.0}, "clock_ns 0 is not legal: above 0, in ns"),
    ],
)
def test_options_of_iso_that_clash(more: dict[str, object], text: str) -> None:
    with pytest.raises(tpe.TpeError, match=text.replace("(", r"\(")):
        tpe.compare(["mac"], "gemm:4x4x4", size="4x4", **more)
