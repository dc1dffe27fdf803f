"""Comparisons: every row is what `Engine.run` says, every ratio is recomputed here."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import tpe
from tpe import pe as pes
from tpe.array.base import TERMS
from tpe.base.table import COLUMNS
from tpe.cli.main import app
from tpe.study.record import EXTRA, NOT_BY_CYCLES

GEMM = "gemm:9x10x30:normal:20"


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["compare", *words])


def done(*words: str) -> str:
    result = run(*words)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def content_of(*words: str) -> dict[str, Any]:
    result = run(*words, "--json", "-")
    assert result.exit_code == 0, result.output
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def refused(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == "" and result.stderr.count("\n") == 1
    return result.stderr


def test_tiles_follow_each_other_unless_another_overlap_is_asked_for() -> None:
    lines = " ".join(done("--pe", "mac,opt4c", "--workload", GEMM).split())
    assert "Between tiles, overlap = stream: mac; load: opt4c." in lines
    content = content_of("--pe", "mac,opt4c", "--workload", GEMM, "-p", "mac:overlap=none")
    chosen = {e["label"]: json.loads(e["params_json"])["overlap"] for e in content["engines"]}
    assert chosen == {"mac": "none", "opt4c": "load"}
    assert "-p mac:overlap=none" in content["command"]
    inner = tpe.compare(["opt4c"], GEMM, planes="inner")
    assert inner["opt4c"].engine.params["overlap"] == "stream"
    given = tpe.compare([tpe.Engine("mac")], GEMM)
    assert given["mac"].engine.params["overlap"] == "none"


# ---- the rows are those of `Engine.run` ----


@pytest.mark.parametrize("workload", ["digits_mlp", GEMM])
def test_every_row_is_the_run_of_its_engine(workload: str) -> None:
    comparison = tpe.compare(pes.of_integers(), workload, size="8x4", seed=3, a_type="int8")
    assert [row["label"] for row in comparison.rows()] == list(pes.of_integers())
    layers = comparison.layer_rows()
    for row in comparison.rows():
        own_overlap = comparison[row["label"]].engine.params["overlap"]
        assert own_overlap == ("load" if row["pe"] in ("opt3", "opt4c", "opt4e") else "stream")
        alone = tpe.Engine(row["pe"], row["array"], "8x4", overlap=own_overlap)
        alone = alone.run(workload, seed=3)
        assert {column: row[column] for column in COLUMNS} == alone.totals()
        own = [layer for layer in layers if layer["label"] == row["label"]]
        assert [{c: layer[c] for c in COLUMNS} for layer in own] == alone.rows()
        assert (comparison[row["label"]].C == alone.C).all()
        assert row["outputs_equal"] is True
        assert row["engine_hash"] == alone.engine.hash
        assert sum(row[f"cycles_{term}"] for term in TERMS) == pytest.approx(row["cycles"])


def test_ratios_are_this_rows_value_over_the_baselines() -> None:
    content = tpe.compare(["opt4c", "opt1", "mac"], "digits_mlp", baseline="opt1").to_json()
    sides = ("operand_bits_per_cycle_a", "operand_bits_per_cycle_b")
    for kind in ("totals", "layers"):
        for row in content[kind]:
            base = next(
                other
                for other in content[kind]
                if other["pe"] == "opt1" and other["layer"] == row["layer"]
            )
            assert row["baseline"] == "opt1"
            assert row["cycles_ratio"] == row["cycles"] / base["cycles"]
            both = sum(row[s] for s in sides) / sum(base[s] for s in sides)
            assert row["operand_bits_per_cycle_ratio"] == both
            for side in "ab":
                value = row[f"operand_bits_per_cycle_{side}"]
                base_value = base[f"operand_bits_per_cycle_{side}"]
                assert row[f"operand_bits_per_cycle_{side}_ratio"] == value / base_value
            for name in ("cycles_per_operand", "overall_utilization", "pe_count"):
                assert row[f"{name}_ratio"] == row[name] / base[name]
            assert row["area_ratio"] is row["energy_ratio"] is row["area_um2"] is None
    ratios = {row["pe"]: row["cycles_ratio"] for row in content["totals"]}
    assert ratios["opt1"] == 1 and ratios["mac"] == 1 and ratios["opt4c"] > 1.2
    assert content["totals"][0]["operand_bits_per_cycle_b_ratio"] == 16  # a B for every PE


def test_the_baseline_is_mac_or_else_the_first_that_is_legal() -> None:
    assert tpe.compare(["opt4c", "mac"], GEMM).baseline == "mac"
    assert tpe.compare(["opt4c", "opt1"], GEMM).baseline == "opt4c"
    assert tpe.compare(["opt4c", "opt1"], GEMM, array="os").baseline == "opt1"


def test_a_refused_engine_is_a_row_with_its_reason() -> None:
    comparison = tpe.compare(["mac", "opt4c"], GEMM, array="systolic_os")
    row = comparison.rows()[1]
    assert (row["status"], row["array"]) == ("refused", "systolic_os")
    assert "systolic_os moves operands in lock-step" in row["reason"]
    assert all(row[name] is None for name in EXTRA if name.endswith("_ratio"))
    assert row["cycles"] is row["engine_hash"] is row["point_id"] is None
    assert {layer["label"] for layer in comparison.layer_rows()} == {"mac"}
    with pytest.raises(tpe.TpeError, match="opt4c was refused"):
        comparison["opt4c"]


def test_an_engine_that_may_not_run_the_workload_is_refused_too() -> None:
    narrow = tpe.Engine("mac", size="4x4", acc_bits=17)
    wide = tpe.Engine("mac", size="4x4")
    comparison = tpe.compare({"wide": wide, "narrow": narrow}, GEMM)
    row = comparison.rows()[1]
    assert row["status"] == "refused" and "need an accumulator" in row["reason"]
    assert (row["rows"], row["acc_bits"], row["cycles_ratio"]) == (4, 17, None)
    with pytest.raises(tpe.TpeError, match="need an accumulator"):
        tpe.compare({"wide": wide, "narrow": narrow}, GEMM, baseline="narrow")


def test_parameters_go_to_the_pes_that_have_them() -> None:
    comparison = tpe.compare(
        ["mac", "opt1", "opt4c"], GEMM, depth=64, per_pe={"mac": {"encoder": "ent"}}
    )
    params = {label: run.engine.params for label, run in comparison.ran}
    assert params["opt4c"]["depth"] == 64 and "depth" not in params["mac"]
    assert [params[pe]["encoder"] for pe in params] == ["ent", "booth", "ent"]


def test_engines_with_the_same_pe_are_told_apart_by_what_differs() -> None:
    one, two = tpe.Engine("mac", size="4x4"), tpe.Engine("mac", size="4x4", stages=2)
    comparison = tpe.compare([one, two, "opt1"], GEMM, size="4x4")
    assert [e.label for e in comparison.entries] == ["mac stages=1", "mac stages=2", "opt1"]
    assert comparison["mac stages=2"].cycles == two.run(GEMM).cycles > one.run(GEMM).cycles
    with pytest.raises(tpe.TpeError, match="given twice"):
        tpe.compare([one, one], GEMM)


def test_unequal_outputs_are_seen() -> None:
    ones = np.full((1, 300), 127)
    given = tpe.Workload.from_arrays({"a": (ones, ones.T)})
    engines = {
        "wide": tpe.Engine("mac", size="2x2"),
        "wraps": tpe.Engine("mac", size="2x2", acc_bits=16, overflow="wrap"),
    }
    rows = tpe.compare(engines, given).rows()
    assert [row["outputs_equal"] for row in rows] == [True, False]


def test_operands_of_other_types_are_not_compared() -> None:
    engines = {t: tpe.Engine("mac", size="2x2", a_type=t) for t in ("int8", "int4")}
    rows = tpe.compare(engines, "gemm:4x4x4").rows()
    assert [row["outputs_equal"] for row in rows] == [True, None]


def test_an_engine_from_a_nest_can_be_compared() -> None:
    from tpe.nest.notation import mac, tile

    rows = tpe.compare([tpe.NestEngine(mac(*tile(4, 4, 4))), "mac"], GEMM, size="4x4").rows()
    assert rows[0]["label"] == "nest" and rows[0]["operand_bits_per_cycle_ratio"] is None
    assert rows[0]["cycles_ratio"] < 1  # filling and draining are not in the notation


def test_frames_have_the_tables_columns_and_then_the_ratios() -> None:
    frame = tpe.compare(["mac", "opt4c"], GEMM, array="os").to_frame()
    assert tuple(frame.columns) == (*COLUMNS, *EXTRA)
    assert frame["cycles_ratio"].dtype == "Float64" and frame["area_ratio"].isna().all()
    assert frame["status"].tolist() == ["ok", "refused"]


# ---- bad input ----


@pytest.mark.parametrize(
    ("given", "options", "part"),
    [
        ([], {}, "engines is empty"),
        ("mac", {}, "a list or a mapping"),
        ([3], {}, "engines holds a int"),
        (["mca"], {}, "did you mean 'mac'"),
        (["mac", "mac"], {}, "mac is given twice"),
        (["mac"], {"dpeth": 3}, "unknown parameter of mac 'dpeth'"),
        (["mac", "opt4c"], {"depth": 7}, "depth = 7 is not legal"),
        (["mac"], {"per_pe": {"opt1": {}}}, "unknown pe of the comparison 'opt1'"),
        (["mac"], {"array": {"opt1": "os"}}, "unknown pe of the comparison 'opt1'"),
        (["mac"], {"array": "so"}, "unknown array 'so'"),
        (["mac", "opt1"], {"size": "0x1"}, "size = '0x1' is not legal"),
        (["opt4c"], {"array": "os"}, "legal arrays for opt4c: matrix2d"),
        (["mac"], {"baseline": "opt1"}, "unknown baseline 'opt1'"),
        (["mac", "opt4c"], {"array": "os", "baseline": "opt4c"}, "baseline opt4c is refused"),
        ({"": "mac"}, {}, "label '' is not legal"),
    ],
)
def test_bad_input_is_one_line(given: Any, options: dict[str, Any], part: str) -> None:
    with pytest.raises(tpe.TpeError) as caught:
        tpe.compare(given, GEMM, **options)
    assert part in str(caught.value) and "\n" not in str(caught.value)


def test_choices_beside_engines_alone_are_refused() -> None:
    with pytest.raises(tpe.TpeError, match="for PEs given by name"):
        tpe.compare([tpe.Engine("mac")], GEMM, size="4x4")


# ---- the command ----


def test_it_runs_without_arguments_on_every_pe_and_echoes_itself() -> None:
    assert done().splitlines()[0] == "$ tpe compare"
    first = done("--verbose").splitlines()[0]
    assert first.startswith(f"$ tpe compare --pe {','.join(pes.of_integers())} --array ")
    assert " -p opt4c:encoder=ent " in first and first.endswith(" --seed 0")
    assert done(*shlex.split(first)[3:], "--verbose").splitlines()[0] == first


@pytest.mark.parametrize(
    "words",
    [
        ("--workload", GEMM, "--size", "4x8", "-p", "mac:stages=3", "--baseline", "opt1"),
        ("--workload", GEMM, "--array", "os", "--layers", "-p", "encoder=ent"),
        ("--workload", GEMM, "--pe", "mac,opt4c", "--array", "mac:os", "-p", "opt4c:depth=64"),
        ("--workload", GEMM, "--engine", "edge_16x16", "-p", "stages=2"),
    ],
)
def test_the_echoed_command_gives_the_same_json(words: tuple[str, ...]) -> None:
    first = content_of(*words)
    assert content_of(*shlex.split(first["command"])[2:]) == first


def test_the_command_is_the_python_api() -> None:
    content = content_of("--pe", "mac,opt4c", "--workload", GEMM, "--size", "4x4", "--seed", "5")
    expected = tpe.compare(["mac", "opt4c"], GEMM, size="4x4", seed=5).to_json()
    for kind in ("totals", "layers"):
        for row in content[kind]:
            assert row.pop("command") == content["command"]
        for row in expected[kind]:
            row.pop("command")
        assert content[kind] == expected[kind]
    assert content["engines"] == expected["engines"]


@pytest.mark.parametrize("words", [(), ("--layers",), ("--array", "os")])
def test_no_table_has_cycles_without_area_and_energy(words: tuple[str, ...]) -> None:
    text = done(*words)
    assert " ".join(NOT_BY_CYCLES.split()) in " ".join(text.split())
    counted = [part for part in text.split("\n\n") if "cycles   ratio" in part]
    assert len(counted) == (2 if "--layers" in words else 1)
    for part in counted:
        heads, _, body = part.partition("─\n")
        assert "area   energy" in heads and "um2       pJ" in heads
        rows = [line for line in body.splitlines() if line.split()[-1] in ("unknown", "-")]
        assert len(rows) == len(pes.of_integers()) * (
            3 if len(counted) == 2 and "layer" in heads else 1
        )
        assert all(line.count("unknown") == 2 or "refused" in line for line in rows)
    without = text.partition("bits\n")[2].partition("█")[0]
    assert "12,627" not in without or "--layers" in words  # cycles stand in no other table


def test_the_text_fits_80_columns_and_says_why_an_engine_is_refused() -> None:
    text = done("--array", "os", "--layers")
    assert max(len(line) for line in text.splitlines()[1:]) <= 80
    assert "opt4c is refused: pe opt4c is not legal in array systolic_os" in text
    assert "All outputs are equal, bit for bit." in text


def test_the_bars_are_as_long_as_the_cycles() -> None:
    from fractions import Fraction

    from tpe.cli.commands.compare_text import BAR, GLYPHS, bar_of

    comparison = tpe.compare(["mac", "opt4c"], "digits_mlp")
    text = done("--pe", "mac,opt4c")
    most = max(run.cycles for _, run in comparison.ran)
    for label, result in comparison.ran:
        line = next(x for x in text.splitlines() if x.startswith(label) and "█" in x)
        bar = line.split()[1]
        assert line.split()[2] == f"{result.cycles:,}"
        assert len(bar) == round(BAR * result.cycles / most)
        for term in TERMS:
            share = float(getattr(result.terms, term)) * BAR / most
            assert abs(bar.count(GLYPHS[term]) - share) <= 1
    assert bar_of({"useful": Fraction(1), "edge": Fraction(0)}, Fraction(5)) == "█████"


def test_bars_reach_a_stream_of_any_encoding() -> None:
    import os
    import subprocess
    import sys

    words = [sys.executable, "-m", "tpe.cli.main", "compare"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(words, env=environment, capture_output=True)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"####" in result.stdout and b"\\u" not in result.stdout


@pytest.mark.parametrize("layers", [False, True])
def test_tables_are_written(layers: bool, tmp_path: Path) -> None:
    import pandas as pd

    file = tmp_path / "rows.csv"
    done("--table", str(file), *(["--layers"] if layers else []))
    frame = pd.read_csv(file)
    assert tuple(frame.columns) == (*COLUMNS, *EXTRA)
    assert len(frame) == len(pes.of_integers()) * (3 if layers else 1)


def test_engines_from_files_are_compared(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    tpe.Engine("opt4c", size="4x4", depth=64).save(file)
    words = ("--engine", str(file), "--engine", "edge_16x16", "--workload", GEMM)
    content = content_of(*words, "-p", "stages=2")
    rows = {row["label"]: row for row in content["totals"]}
    assert rows[str(file)]["cycles"] == tpe.Engine.load(file).run(GEMM).cycles
    edge = tpe.Engine("mac", "os", "16x16", stages=2, overlap="stream").run(GEMM)
    assert rows["edge_16x16"]["cycles"] == edge.cycles
    assert rows[str(file)]["pe_count_ratio"] == 1.0  # the first is the baseline
    assert rows["edge_16x16"]["pe_count_ratio"] == 16.0


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--pe", "mac,opt"), "unknown pe 'opt'"),
        (("--pe", "mac,mac"), "mac is given twice"),
        (("--pe", ""), "unknown pe ''"),
        (("-p", "dpeth=3"), "did you mean 'depth'"),
        (("-p", "opt9:depth=64"), "unknown pe of the comparison 'opt9'"),
        (("-p", "mac:depth=64"), "unknown parameter of mac 'depth'"),
        (("-p", "opt4c:depth=9"), "depth = '9' is not legal"),
        (("-p", "opt4c:depth"), "no value"),
        (("--array", "mac:os,mac:os"), "each PE once"),
        (("--array", "mac:os,matrix2d"), "each PE once"),
        (("--array", "opt9:os"), "unknown pe of the comparison"),
        (("--array", "mac:so"), "unknown array 'so'"),
        (("--baseline", "opt9"), "unknown baseline 'opt9'"),
        (("--engine", "edge_16x16", "--pe", "mac"), "--pe mac and --engine are both given"),
        (("--engine", "edge_16x16", "--engine", "edge_16x16"), "given twice"),
        (("--engine", "edge_16x16", "-p", "depth=64"), "unknown parameter"),
        (("--engine", "tpu_v1"), "did you mean 'tpu_v1_like'"),
        (("--workload", "digits"), "did you mean 'digits_mlp'"),
        (("--figure", "x.gif"), "legal: .png, .svg, .pdf"),
        (("--figure", "/none/such/x.png"), "No such file"),
    ],
)
def test_bad_options_are_one_line(words: tuple[str, ...], part: str) -> None:
    assert part in refused(*words)


def test_paths_are_checked_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tpe.Engine, "run", lambda *_, **__: pytest.fail("ran"))
    for option in ("--json", "--table", "--figure"):
        refused(option, "/none/such/x.csv" if option == "--table" else "/none/such/x.png")
