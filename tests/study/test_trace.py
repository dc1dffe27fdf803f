"""`tpe trace`: its sums against engines, loops and the figures that decided how lanes meet."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import tpe
from tpe.cli.main import app
from tpe.numbers import groups
from tpe.numbers.digits import ENCODINGS
from tpe.pe import bitlet
from tpe.study import operand_trace
from tpe.study.trace_rules import rules

GEMM = "gemm:64x5x40:normal:20"


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["trace", *words])


def refused(*words: str) -> str:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.count("\n") == 1
    return result.stderr


def operands(spec: str, seed: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    (layer,) = tpe.workload(spec, seed=seed).layers
    return layer.activations, layer.weights


# ---- the figures ----


def test_lanes_that_run_free_and_lanes_in_lock_step() -> None:
    """OPT4C's rule at sigma 20, K = 128, 32 lanes: 2.48 cycles per operand, 3.29 in lock-step."""
    result = operand_trace.trace("gemm:4096x4x128:normal:20", [32])
    assert result.find("opt4c", 32)["max"] == pytest.approx(2.48, rel=0.02)
    assert result.find("opt4c-group", 32)["max"] == pytest.approx(3.29, rel=0.02)
    assert result.ok and set(result.exact) == {rule.pe for rule in rules()}


def test_the_trace_of_another_seed_is_another() -> None:
    one, two = (operand_trace.trace(GEMM, [4], seed=seed) for seed in (0, 1))
    assert one.find("bitlet", 4) != two.find("bitlet", 4)
    assert one.rows == operand_trace.trace(GEMM, [4], seed=0).rows


# ---- the same cycles as engines ----


@pytest.mark.parametrize("lanes", [1, 4, 8])
def test_groups_take_what_they_take_in_an_array_of_one_row(lanes: int) -> None:
    a, b = operands(GEMM)
    result = operand_trace.trace(GEMM, [lanes])
    choices: dict[str, dict[str, Any]] = {
        "stripes": {},
        "bitfusion": {},
        "pragmatic": {},
        "pragmatic-csd": {"digits": "csd"},
        "bitlet": {},
        "bitwave": {},
        "sibia": {},
        "sibia-column": {"skip": "column"},
    }
    for rule, params in choices.items():
        row = result.find(rule, lanes)
        engine = tpe.Engine(row["pe"], "matrix2d", (1, 1), lanes=lanes, **params)
        assert row["meeting_max"] * row["meetings"] == engine.run(a, b[:, :1]).terms.compute, rule
        assert row["meetings"] == 64 * -(-40 // lanes)


def test_pairs_take_what_they_take_in_arrays_of_one_cell() -> None:
    a, b = operands(GEMM)
    engine = tpe.Engine("laconic", "matrix2d", (1, 1), lanes=8)
    single = [engine.run(a[m : m + 1], b[:, m % 5][:, None]).terms.compute for m in range(64)]
    row = operand_trace.trace(GEMM, [8]).find("laconic", 8)
    assert row["meeting_max"] * row["meetings"] == sum(single)


def test_free_rows_take_what_an_array_of_them_takes() -> None:
    spec = "gemm:64x1x128:normal:20"  # as many groups as rows: no row waits for its finish
    a, b = operands(spec)
    run = tpe.Engine("opt4c", "matrix2d", (32, 1)).run(a, b)
    row = operand_trace.trace(spec, [32]).find("opt4c", 32)
    assert row["meeting_max"] * row["meetings"] == run.terms.compute
    assert row["meeting_mean"] * row["meetings"] == run.terms.useful + run.terms.empty_group


def test_four_fronts_take_what_an_array_of_them_takes() -> None:
    spec = "gemm:64x1x250:normal:20"  # groups that are no multiple of four
    a, b = operands(spec)
    run = tpe.Engine("opt4e", "matrix2d", (8, 1)).run(a, b)
    row = operand_trace.trace(spec, [8]).find("opt4e", 8)
    assert row["meeting_max"] * row["meetings"] == run.terms.compute


def test_default_lanes_are_as_many_as_there_are_rows() -> None:
    assert {row["lanes"] for row in operand_trace.trace("gemm:9x4x16").rows} == {1, 4, 8}
    assert {row["lanes"] for row in operand_trace.trace("gemm:9x3x16", encode="weights").rows} == {
        1
    }


# ---- by loops ----


def _plain_opt4c(a: np.ndarray[Any, Any], lanes: int) -> dict[str, list[list[int]]]:
    """Cycles of each lane from meeting to meeting, by loops over tiles, bit weights and groups."""
    digits = ENCODINGS["ent"].encode(a, 8)
    found: dict[str, list[list[int]]] = {"opt4c": [], "opt4c-plane": [], "opt4c-group": []}
    for tile in range(0, len(a) // lanes * lanes, lanes):
        rows = [
            [
                [max(1, np.count_nonzero(digits[m, k : k + 4, p])) for k in range(0, a.shape[1], 4)]
                for p in range(4)
            ]
            for m in range(tile, tile + lanes)
        ]
        found["opt4c"].append([sum(map(sum, row)) for row in rows])
        for p in range(4):
            found["opt4c-plane"].append([sum(row[p]) for row in rows])
            for g in range(len(rows[0][p])):
                found["opt4c-group"].append([row[p][g] for row in rows])
    return found


@pytest.mark.parametrize("lanes", [1, 3, 8])
def test_rows_that_meet_per_tile_per_bit_weight_and_per_group(lanes: int) -> None:
    spec = "gemm:25x3x18:normal:20"
    a, _ = operands(spec)
    result = operand_trace.trace(spec, [lanes])
    for rule, meetings in _plain_opt4c(a, lanes).items():
        row = result.find(rule, lanes)
        used = 25 // lanes * lanes * 18
        assert row["operands"] == used and row["meetings"] == len(meetings)
        assert row["mean"] == pytest.approx(sum(map(sum, meetings)) / used)
        assert row["max"] == pytest.approx(sum(map(max, meetings)) * lanes / used)
        waits = [max(lane) - own for lane in meetings for own in lane]
        assert row["waits"] == {n: waits.count(n) for n in sorted(set(waits))}


def test_waiting_is_the_difference_between_together_and_alone() -> None:
    for row in operand_trace.trace(GEMM, [1, 4, 16]).rows:
        waited = sum(cycles * lanes for cycles, lanes in row["waits"].items())
        assert waited / row["operands"] == pytest.approx(row["max"] - row["mean"])
        if row["lanes"] == 1 or row["rule"] in ("mac", "stripes", "bitfusion"):
            assert set(row["waits"]) == {0}


def test_digit_histograms_count_every_operand() -> None:
    a, _ = operands(GEMM)
    digits = operand_trace.trace(GEMM, [1]).digits
    assert set(digits) == {*ENCODINGS, "slices"}
    for name, encoding in ENCODINGS.items():
        counts = np.count_nonzero(encoding.encode(a, 8), axis=-1).ravel().tolist()
        assert digits[name] == {n: counts.count(n) for n in sorted(set(counts))}
    counts = np.count_nonzero(groups.slice_digits(a, 8), axis=-1).ravel().tolist()
    assert digits["slices"] == {n: counts.count(n) for n in sorted(set(counts))}


def test_the_other_side_and_other_types() -> None:
    _, b = operands("gemm:9x64x40:normal:20")
    swapped = operand_trace.trace("gemm:9x64x40:normal:20", [4], encode="weights")
    work = np.maximum(1, bitlet.work(b.T, 8, 4))
    assert swapped.find("bitlet", 4)["meeting_max"] == pytest.approx(work.mean())
    narrow = operand_trace.trace("gemm:8x2x16", [1], a_type="uint4", b_type="int3")
    assert narrow.find("stripes", 1)["max"] == 5 and narrow.ok


def test_layers_of_a_network_add_up() -> None:
    result = operand_trace.trace("digits_mlp", [8])
    layers = tpe.workload("digits_mlp").layers
    assert result.operands == sum(x.m * x.k * x.repeat for x in layers)
    assert result.find("stripes", 8)["max"] >= 8


# ---- the command ----


def test_it_prints_what_the_python_call_returns(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    result = run("--workload", GEMM, "--lanes", "1,8", "--json", "-", "--table", str(table))
    assert result.exit_code == 0
    content = json.loads(result.stdout)
    expected = json.loads(json.dumps(operand_trace.trace(GEMM, [8, 1]).to_json()))
    assert {key: content[key] for key in expected} == expected
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["rule"], int(row["lanes"])) for row in rows] == [
        (row["rule"], row["lanes"]) for row in expected["rows"]
    ]
    assert [float(row["cycles_per_operand"]) for row in rows] == pytest.approx(
        [row["max"] for row in expected["rows"]]
    )


def test_it_runs_without_options_and_shows_the_two_figures() -> None:
    result = run()
    assert result.exit_code == 0 and result.stderr == ""
    free = next(line for line in result.stdout.splitlines() if line.startswith("opt4c "))
    lock = next(line for line in result.stdout.splitlines() if line.startswith("opt4c-group"))
    assert "/2.47" in free and "/3.30" in lock
    assert all(rule.name in result.stdout for rule in rules())
    assert "all exact" in result.stdout


def test_the_echoed_command_gives_the_same() -> None:
    import shlex

    first = run("--workload", GEMM, "--lanes", "4", "-p", "a_type=int8").stdout
    line = first.splitlines()[0]
    assert line.startswith("$ tpe trace ")
    assert run(*shlex.split(line)[3:]).stdout == first


def test_a_wrong_product_is_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tpe.study.operand_trace.bit_level", lambda engine, a, b: a @ b + 1)
    result = run("--workload", GEMM, "--lanes", "1")
    assert result.exit_code == 1 and "WRONG for mac" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lanes", "4,x"], "'x' is no number"),
        (["--lanes", "0"], "lanes = 0 is not legal"),
        (["--lanes", "128", "--workload", GEMM], "has 64 rows"),
        (["-p", "stages=2"], "a_type"),
        (["-p", "a_type=int9000"], "int9000"),
        (["--workload", "gemm:1x2"], "gemm:1x2"),
        (["--figure", "x.bmp"], ".bmp"),
    ],
)
def test_bad_input_is_one_line(words: list[str], message: str) -> None:
    assert message in refused(*words)


def test_the_picture_is_the_numbers(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from tpe.report.trace_figure import draw

    result = operand_trace.trace(GEMM, [1, 4, 16])
    figure = draw(result)
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert set(panels) == {rule.name for rule in rules()} | set(result.digits)
    for rule in rules():
        (line,) = panels[rule.name].lines
        expected = [result.find(rule.name, n)["max"] for n in (1, 4, 16)]
        assert line.get_ydata() == pytest.approx(expected)
    for name, counts in result.digits.items():
        heights = [bar.get_height() for bar in panels[name].patches]
        total = sum(counts.values())
        assert heights == pytest.approx([100 * n / total for n in counts.values()])
    target = tmp_path / "trace.svg"
    done = run("--workload", GEMM, "--lanes", "1,4", "--figure", str(target))
    assert done.exit_code == 0 and "cycles per operand" in target.read_text()
