"""The command line: what it prints and writes, and every way to get it wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

import tpe
from tpe import array as arrays
from tpe import pe as pes
from tpe.base import progress
from tpe.base.progress import Progress
from tpe.base.table import COLUMNS, SCHEMA_VERSION
from tpe.cli import options
from tpe.cli.commands.list import KINDS
from tpe.cli.main import app
from tpe.numbers.formats import number_format

SMALL = ("--workload", "gemm:5x6x7", "--size", "4x4")
COMMANDS = ("list", "run", "show", "compare")
ANSI = re.compile(r"\x1b")


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def run(*words: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(app, list(words))


def done(*words: str) -> str:
    """What the command prints on stdout; it must succeed and say nothing on stderr."""
    result = run(*words)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def refused(*words: str) -> str:
    """The one line on stderr of a command that is bad input."""
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("tpe: error: ")
    return result.stderr


def process(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tpe.cli.main", *words], capture_output=True, text=True, **options
    )


# ---- every command ----


@pytest.mark.parametrize("verb", COMMANDS)
def test_help_has_an_example_and_the_shared_options(verb: str) -> None:
    text = done(verb, "--help")
    assert f"Example: tpe {verb}" in text
    for option in ("--json", "--seed", "-p"):
        assert option in text


@pytest.mark.parametrize("verb", COMMANDS)
def test_runs_without_arguments_and_echoes_a_command_that_resolves_to_itself(verb: str) -> None:
    first = done(verb, "--verbose").splitlines()[0]
    assert first.startswith(f"$ tpe {verb} ") and first.endswith("--seed 0")
    again = done(*shlex.split(first)[2:], "--verbose")
    assert again.splitlines()[0] == first
    assert done(*shlex.split(first)[2:]).splitlines()[0] == f"$ tpe {verb}"
    assert done(verb).splitlines()[0] == f"$ tpe {verb}"


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("pe", ["mac", "opt4c"])
def test_output_fits_80_columns_and_has_no_escapes(verb: str, pe: str) -> None:
    text = done(verb, *(() if verb == "list" else ("--pe", pe)))
    assert not ANSI.search(text)
    assert max(len(line) for line in text.splitlines()[1:]) <= 80


@pytest.mark.parametrize("verb", COMMANDS)
def test_json_on_stdout_stands_alone(verb: str) -> None:
    result = run(verb, "--json", "-")
    assert result.exit_code == 0
    content = json.loads(result.stdout)
    assert content["schema_version"] == SCHEMA_VERSION
    assert result.stderr.splitlines()[0] == f"$ tpe {verb}"
    full = run(verb, "--json", "-", "--verbose")
    assert (full.stdout, full.stderr.splitlines()[0]) == (result.stdout, f"$ {content['command']}")


@pytest.mark.parametrize("verb", COMMANDS)
def test_json_into_a_file_is_the_json_on_stdout(verb: str, tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    done(verb, "--json", str(file))
    assert file.read_text() == run(verb, "--json", "-").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_tpe_alone_helps_and_tells_its_version() -> None:
    assert "Usage: tpe" in done()
    assert done("--version") == f"tpe {tpe.__version__}\n"


def test_the_installed_entry_point_is_the_app() -> None:
    result = process("run", *SMALL)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == done("run", *SMALL)


# ---- run ----


def test_run_echoes_every_parameter_resolved_if_asked() -> None:
    params = "".join(f"-p {key}={value} " for key, value in tpe.Engine("opt1").params.items())
    assert "-p acc_bits=32 " in params and "-p encoder=booth " in params
    assert done("run", "--verbose").splitlines()[0] == (
        f"$ tpe run --pe opt1 --array matrix2d --size 16x16 --workload digits_mlp {params}--seed 0"
    )


def test_a_network_of_other_operands_is_refused() -> None:
    result = run("run", "--pe", "bipolar")
    assert result.exit_code == 2
    assert "layer 'fc1': A holds 0 at [0, 0]; legal for a_type = bipolar8: odd" in result.stderr


@pytest.mark.parametrize("pe", pes.names())
@pytest.mark.parametrize("workload", ["digits_mlp", "gemm:17x33x40:normal:20"])
def test_run_is_the_python_api(pe: str, workload: str) -> None:
    legal = pes.get(pe).arithmetic.b_types
    if legal and workload == "digits_mlp" and number_format(legal[0]).bits < 8:
        return  # refused: its weights are int8
    if "bipolar1" in pes.get(pe).arithmetic.a_types and workload == "digits_mlp":
        return  # refused: its operands are no odd numbers
    content = json.loads(
        run("run", "--pe", pe, "--workload", workload, "--seed", "3", "--json", "-").stdout
    )
    array = arrays.default_for(pes.get(pe))
    expected = tpe.Engine(pe, array, "16x16").run(workload, seed=3)
    for row, layer in zip(content["layers"], expected.layers, strict=True):
        assert row["cycles"] == layer.cycles
        assert row["firings"] == layer.firings
    assert content["totals"]["cycles"] == expected.cycles
    assert content["metrics"] == expected.metrics
    assert content["totals"]["command"] == content["command"]


CHOICES = {
    "nothing": (),
    "a PE": ("--pe", "opt4c"),
    "a PE in upper case": ("--pe", "OPT4C", "--size", "8"),
    "defaults by name": ("--pe", "opt1", "--array", "matrix2d", "--size", "16x16", "--seed", "0"),
    "an array": ("--pe", "mac", "--array", "os", "--size", "3x5"),
    "a cube": ("--pe", "mac", "--array", "cube3d"),
    "a cube of a size": ("--pe", "opt2", "--array", "cube3d", "--size", "2x3x4"),
    "lanes of an array": ("--pe", "mac", "--array", "adder_tree", "--size", "4x3"),
    "types": ("-p", "a_type=int4", "-p", "b_type=uint6", "--workload", "gemm:3x4x5"),
    "an accumulator that follows": ("-p", "a_type=int16", "-p", "acc_bits=48"),
    "one that does not": ("-p", "a_type=int16", "-p", "acc_bits=40"),
    "guard bits": ("-p", "overflow=saturate", "-p", "guard_bits=3", "-p", "acc_bits=30"),
    "a switch": ("--pe", "mac", "-p", "gating=CLOCK", "-p", "stages=2"),
    "bits in time": ("--pe", "opt2", "-p", "bw=time", "-p", "encoder=ent"),
    "the other side": ("--pe", "opt4e", "-p", "encode=weights", "-p", "depth=64"),
    "a preset": ("--engine", "edge_16x16"),
    "a preset, changed": ("--engine", "edge_16x16", "-p", "acc_bits=30"),
    "a preset with groups": ("--engine", "edge_16x16", "-p", "scale_group=32"),
    "sparse weights": ("-p", "sparsity=2:4", "--workload", "pruned:2:4:gemm:3x4x8", "--seed", "2"),
    "a workload and a seed": ("--workload", "gemm:3x4x5:normal:20", "--seed", "7"),
    "energy": ("--pe", "mac", "--energy"),
}


@pytest.mark.parametrize("case", CHOICES)
def test_the_short_command_that_is_echoed_is_the_same_run(case: str) -> None:
    first = run("run", *CHOICES[case], "--json", "-")
    assert first.exit_code == 0, first.stderr
    echoed, full = first.stderr.splitlines()[0], json.loads(first.stdout)["command"]
    assert len(echoed) - 2 < len(full)
    pasted = run(*shlex.split(echoed)[2:], "--json", "-")
    assert (pasted.stdout, pasted.stderr) == (first.stdout, first.stderr)
    written_out = run(*shlex.split(full)[1:], "--json", "-", "--verbose")
    assert written_out.stdout == first.stdout
    assert written_out.stderr.splitlines()[0] == f"$ {full}"


COMPARED = {
    "all": (),
    "a few": ("--pe", "mac,opt1,opt4c"),
    "a baseline": ("--pe", "mac,opt1", "--baseline", "opt1"),
    "the usual baseline": ("--pe", "opt1,mac", "--baseline", "mac"),
    "arrays": ("--pe", "mac,opt1", "--array", "mac:os,opt1:ws", "--size", "4"),
    "a parameter of one": ("--pe", "mac,opt1", "-p", "mac:stages=2"),
    "groups of one": ("--pe", "mac,opt1", "-p", "mac:scale_group=32"),
    "a parameter of all": ("--pe", "mac,opt4c", "-p", "encoder=ent", "-p", "a_type=int4"),
    "one refused": ("--pe", "mac,opt4c", "--array", "os", "--size", "2x3"),
    "layers": ("--pe", "mac,opt1", "--layers"),
    "presets": ("--engine", "edge_16x16", "--workload", "gemm:8x8x8"),
    "presets with groups": ("--engine", "edge_16x16", "-p", "scale_group=4"),
}


@pytest.mark.parametrize("case", COMPARED)
def test_the_short_command_of_a_comparison_is_the_same_comparison(case: str) -> None:
    words = ("--workload", "gemm:9x8x40", "--json", "-")
    first = run("compare", *words, *COMPARED[case])
    assert first.exit_code == 0, first.stderr
    echoed = first.stderr.splitlines()[0]
    pasted = run(*shlex.split(echoed)[2:], "--json", "-")
    assert (pasted.stdout, pasted.stderr) == (first.stdout, first.stderr)


def test_options_that_are_defaults_are_left_out_of_every_command() -> None:
    first = done("list", "-p", "acc_bits=24").splitlines()[0]
    assert first == "$ tpe list -p acc_bits=24"
    text = done("trace", "--workload", "gemm:16x2x8:uniform", "--lanes", "1,4", "-p", "a_type=int8")
    assert text.splitlines()[0] == "$ tpe trace --workload gemm:16x2x8:uniform --lanes 1,4"
    full = done("trace", "--workload", "gemm:16x2x8:uniform", "--lanes", "1,4", "--verbose")
    assert full.splitlines()[0].endswith("-p encode=activations --seed 0")
    assert done("show", "--pe", "mac", "--verbose").splitlines()[0].endswith("--seed 0")


def test_rerunning_the_echoed_command_is_the_same_point() -> None:
    first = json.loads(run("run", *SMALL, "--json", "-").stdout)
    words = shlex.split(first["command"])[1:]
    assert json.loads(run(*words, "--json", "-").stdout) == first


def test_run_prints_layers_cycles_and_accuracy() -> None:
    text = done("run", "--pe", "opt4c")
    result = tpe.Engine("opt4c").run("digits_mlp")
    row = next(line for line in text.splitlines() if line.startswith("fc1 "))
    macs, cycles, per_operand, digits = row.split()[-4:]
    expected = result.rows()[0]
    assert macs == f"{360 * 64 * 64:,}" == "1,474,560"
    assert cycles == f"{result.layers[0].cycles:,}"
    assert per_operand == f"{expected['cycles_per_operand']:.3f}"
    assert digits == f"{expected['nonzero_digits_per_operand']:.3f}"
    assert f"{result.cycles:,}" in text
    assert "accuracy 97.78%, integer 97.78%, float 97.78%" in text
    assert text.splitlines()[-1].startswith("Not modelled: memory stalls.")
    shares = [float(word[:-1]) for word in text.split("where the")[1].split("fc1")[1].split()[:6]]
    assert sum(shares) == pytest.approx(100, abs=0.3)


def test_a_dense_run_has_no_column_of_digits() -> None:
    assert "digits/" not in done("run", *SMALL)
    assert "digits/" in done("run", *SMALL, "--pe", "opt4c")


def test_long_names_and_large_numbers_are_never_cut(tmp_path: Path) -> None:
    file, name = tmp_path / "w.npz", "encoder.layer.11.attention.output.dense [bold]:smile:"
    ones = np.ones((4, 4), np.int8)
    np.savez(file, **{f"{name}.A": ones, f"{name}.B": ones})
    text = done("run", "--workload", f"npz:{file}")
    names = text.partition("layer ")[2].partition("total")[0].splitlines()[2:]
    width = names[0].index("  4 x 4 x 4") if "  4 x 4 x 4" in names[0] else 80
    assert "".join(line[:width].strip() for line in names).replace(" ", "") == name.replace(" ", "")
    assert "…" not in text
    large = done("run", "--workload", "gemm:2000x2000x2000", "--size", "1x1")
    assert "8,000,000,000" in large and "…" not in large
    assert max(len(line) for line in large.splitlines()[1:]) <= 80


def test_the_array_is_the_first_legal_one_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    full = (*SMALL, "--verbose")
    assert "--array matrix2d" in done("run", *full, "--pe", "opt4c").splitlines()[0]
    assert "--array systolic_os" in done("run", *SMALL, "--array", "os").splitlines()[0]
    text = " ".join(done("run", "--help").replace("│", " ").split())
    assert f"Default: {arrays.DEFAULT}, or else" in text
    monkeypatch.setattr(arrays, "DEFAULT", "none such")
    text = done("run", *full, "--pe", "mac").splitlines()[0]
    first = next(a for a in arrays.names() if arrays.get(a).refuses(pes.get("mac")) is None)
    assert f"--array {first}" in text


def test_a_long_table_is_shortened_and_whole_where_it_is_asked_for(tmp_path: Path) -> None:
    import pandas as pd

    file, table = tmp_path / "w.npz", tmp_path / "rows.csv"
    sizes = {f"fc{i}": 1 + (i * 37) % 150 for i in range(150)}
    layers = {f"{name}.{x}": np.ones((2, n) if x == "A" else (n, 2), np.int8)
              for name, n in sizes.items() for x in "AB"}  # fmt: skip
    np.savez(file, **layers)
    words = ("--workload", f"npz:{file}", "--pe", "mac", "--size", "4x4")
    text = done("run", *words, "--table", str(table))
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("fc")]
    largest = sorted(sizes, key=lambda name: -sizes[name])[:20]
    assert sorted(set(shown)) == sorted(largest) and len(shown) == 2 * len(largest)
    assert shown[:20] == [name for name in sizes if name in largest]
    result = tpe.Engine("mac", size=4).run(f"npz:{file}")
    share = (
        1 - sum(layer.cycles for layer in result.layers if layer.name in largest) / result.cycles
    )
    assert f"130 more layers, none of them larger, are left out ({share:.1%} of" in " ".join(
        text.split()
    )
    assert f"{result.cycles:,}" in text
    assert len(pd.read_csv(table)) == 150
    whole = done("run", *words, "--all-layers")
    assert sum(line.startswith("fc") for line in whole.splitlines()) == 300
    assert "left out" not in whole and whole.splitlines()[0] == text.splitlines()[0]
    pair = ("compare", "--workload", f"npz:{file}", "--pe", "mac,opt1", "--size", "4")
    assert sum(line.startswith("fc") for line in done(*pair, "--layers").splitlines()) == 20
    assert sum(line.startswith("fc") for line in done(*pair, "--all-layers").splitlines()) == 150
    assert "130 more layers" in done(*pair, "--layers")


@pytest.mark.parametrize("verb", ["run", "compare"])
def test_rows_are_built_once_and_not_for_layers_that_are_not_shown(
    verb: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built: list[int] = []
    row = tpe.Run._row
    monkeypatch.setattr(
        tpe.Run, "_row", lambda run, layers, name: built.append(1) or row(run, layers, name)
    )
    file = tmp_path / "w.npz"
    np.savez(file, **{f"fc{i}.{x}": np.ones((2, 2), np.int8) for i in range(100) for x in "AB"})
    words = ("--workload", f"npz:{file}", "--pe", "mac", "--size", "2")
    done(verb, *words)
    assert len(built) <= 22
    built.clear()
    assert run(verb, *words, "--json", "-").exit_code == 0
    assert len(built) <= 104


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_run_writes_a_table(ending: str, tmp_path: Path) -> None:
    import pandas as pd

    file = tmp_path / f"rows{ending}"
    done("run", "--table", str(file))
    frame = pd.read_csv(file) if ending == ".csv" else pd.read_parquet(file)
    assert tuple(frame.columns) == COLUMNS
    assert frame["layer"].tolist() == ["fc1", "fc2", "fc3"]
    assert frame["command"].str.startswith("tpe run --pe opt1").all()
    assert frame["area_um2"].isna().all()


def test_seeds_up_to_the_largest_fit_every_output(tmp_path: Path) -> None:
    file, seed = tmp_path / "rows.csv", str(options.MAX_SEED)
    done("run", *SMALL, "--seed", seed, "--table", str(file))
    assert next(csv.DictReader(file.open()))["seed"] == seed


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "real.json", tmp_path / "link.json"
    link.symlink_to(file)
    done("run", *SMALL, "--json", str(link))
    assert link.is_symlink() and json.loads(file.read_text())["layers"]


# ---- list ----


def test_list_names_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")  # no cell is broken into lines
    text = " ".join(done("list").split())
    for name in pes.names():
        assert name in text and pes.get(name).source in text
    for name in (*arrays.names(), "digits_mlp", "int8", "ent", "contract tests"):
        assert name in text


@pytest.mark.parametrize("columns", ["80", "70", "100"])
def test_no_cell_of_a_table_loses_a_word(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = done("list", "pes")
    table = text.partition("\n\n")[2].partition("\n\n")[0]
    legal = [pe for pe, _, reason in arrays.combinations() if reason is None]
    assert sum(table.split().count(name) for name in arrays.names()) == len(legal)
    assert max(len(line) for line in text.splitlines()[1:]) <= int(columns)


def test_list_names_every_network_and_each_of_them_is_a_workload() -> None:
    from tpe.workloads import onnx_light

    text = done("list", "workloads")
    names = [line.split()[0] for line in text.splitlines() if line.startswith("onnx:")]
    assert names == [f"onnx:{name}" for name in sorted(onnx_light())] and len(names) > 5
    for name in names:
        assert tpe.workload(name).name == name
    assert "digits_mlp" in text and "npz:FILE" in text and "opt4c" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_list_of_one_kind_is_that_part_of_the_list(kind: str) -> None:
    whole, part = (json.loads(run("list", *x, "--json", "-").stdout) for x in ((), (kind,)))
    assert part[kind] == whole[kind]
    assert set(part) == {"schema_version", "command", kind, "broken"} and part["broken"] == []
    text = done("list", kind)
    assert text.splitlines()[0] == f"$ tpe list {kind}"
    assert all(row["name"] in text for row in whole[kind])
    assert done("list", kind.upper()) == text


def test_networks_that_onnx_would_bring_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tpe.workloads.onnx_file.find_spec", lambda name: None)
    text = " ".join(done("list", "workloads").split())
    assert "onnx:NAME" in text and "pip install -e '.[onnx]'" in text


def test_list_combinations_gives_a_reason_for_every_refusal() -> None:
    rows = json.loads(run("list", "--combinations", "--json", "-").stdout)["combinations"]
    assert len(rows) == len(pes.names()) * len(arrays.names())
    for row in rows:
        assert row["legal"] == (row["reason"] is None)
        assert row["legal"] == (arrays.get(row["array"]).refuses(pes.get(row["pe"])) is None)
    text = done("list", "--combinations")
    assert "refused" in text


def test_list_combinations_prints_what_is_to_choose_and_what_it_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "800")
    content = json.loads(run("list", "--combinations", "--json", "-").stdout)
    lines = done("list", "--combinations").splitlines()
    every = next(x.split()[3:] for x in lines if x.split()[:2] == ["all", "all"])
    shared = {word.partition("=")[0] for word in every}
    assert "gating" in shared and "overlap" not in shared
    for row in content["combinations"]:
        words = next(x.split() for x in lines if x.split()[:2] == [row["pe"], row["array"]])
        names = {word.partition("=")[0] for word in words[3:]} if row["legal"] else set()
        own = {c["name"] for c in row["choices"]}
        assert names == own - shared and (shared <= own or not own), row
    assert "lanes=1..1024" in " ".join(lines) and "depth=8..65536:4" in " ".join(lines)
    assert {c["name"] for row in content["combinations"] for c in row["choices"]} == {
        choice["name"] for choice in content["choices"]
    }
    for choice in content["choices"]:
        assert any(x.split()[:1] == [choice["name"]] and choice["trade"] in x for x in lines)
    some = json.loads(run("list", "--combinations", "-p", "bw=time", "--json", "-").stdout)
    assert "dot" not in {choice["name"] for choice in some["choices"]}


def test_list_with_parameters_keeps_the_pes_that_take_them() -> None:
    def names(*words: str) -> list[str]:
        content = json.loads(run("list", *words, "--json", "-").stdout)
        return [row["name"] for row in content["pes"]]

    assert names() == list(pes.names())
    assert "opt4c" in names("-p", "depth=64") and "mac" not in names("-p", "depth=64")
    integral = [name for name in pes.names() if pes.get(name).arithmetic.integral]
    assert names("-p", "acc_bits=24") == integral
    assert "depth = 'abc' is not legal" in refused("list", "-p", "depth=abc")
    assert "did you mean 'depth'" in refused("list", "-p", "dpeth=64")


# ---- bad input ----

BAD = {
    "unknown command": (("rnu",), "unknown command 'rnu' (did you mean 'run'?); legal: list"),
    "unknown option": (("run", "--arry", "os"), "--arry (did you mean '--array'?)"),
    "stray argument": (("run", "now"), "unexpected extra argument"),
    "option without value": (("run", "--pe"), "--pe"),
    "option on no command": (("--frobnicate",), "No such option"),
    "-p without =": (("run", "-p", "depth"), "-p depth: no value; legal: -p KEY=VALUE"),
    "-p no integer": (
        ("run", "--pe", "opt4c", "-p", "depth=abc"),
        "depth = 'abc' is not legal: an integer from 8 to 65536 in steps of 4",
    ),
    "-p off its steps": (("run", "--pe", "opt4c", "-p", "depth=9"), "in steps of 4"),
    "-p empty value": (("run", "-p", "acc_bits="), "acc_bits = '' is not legal"),
    "-p unknown": (("run", "--pe", "opt4c", "-p", "dpeth=8"), "(did you mean 'depth'?)"),
    "-p of another PE": (("run", "-p", "depth=64"), "unknown parameter of opt1 'depth'"),
    "-p no key": (("run", "-p", "=8"), "unknown parameter of opt1 ''"),
    "-p twice": (("run", "-p", "acc_bits=24", "-p", "acc_bits=24"), "acc_bits is given twice"),
    "-p an option": (("run", "-p", "size=4x4"), "use --size"),
    "-p self": (("run", "-p", "self=1"), "unknown parameter of opt1 'self'"),
    "-p unknown choice": (("run", "-p", "encoder=both"), "did you mean 'booth'"),
    "-p format": (("run", "-p", "a_type=int99"), "unknown a_type 'int99'"),
    "-p narrow accumulator": (("run", "-p", "acc_bits=16", "-p", "a_type=int16"), "needs 24"),
    "seed text": (("run", "--seed", "abc"), "'abc'; legal: an integer from 0"),
    "seed negative": (("run", "--seed", "-1"), "legal: an integer from 0"),
    "seed large": (("run", "--seed", str(2**63)), "legal: an integer from 0"),
    "size of no rows": (("run", "--size", "0x4"), "size = '0x4' is not legal for matrix2d"),
    "size of one number": (("run", "--size", "4x"), "ROWSxCOLS, each from 1 to 1024"),
    "size of letters": (("run", "--size", "axb"), "size = 'axb'"),
    "size too large": (("run", "--size", "9999x4"), "each from 1 to 1024"),
    "unknown pe": (("run", "--pe", "opt11"), "unknown pe 'opt11' (did you mean 'opt1'?)"),
    "unknown array": (("run", "--array", "matrix"), "(did you mean 'matrix2d'?)"),
    "unknown workload": (("run", "--workload", "digits"), "(did you mean 'digits_mlp'?)"),
    "illegal combination": (
        ("run", "--pe", "opt4c", "--array", "os"),
        "legal arrays for opt4c: matrix2d",
    ),
    "gemm of no columns": (("run", "--workload", "gemm:4x0x4"), "N is 0; legal: 1 or more"),
    "gemm shape": (("run", "--workload", "gemm:4x4"), "legal: MxNxK"),
    "gemm distribution": (("run", "--workload", "gemm:4x4x4:norml:3"), "did you mean 'normal'"),
    "npz absent": (("run", "--workload", "npz:/none/such.npz"), "No such file"),
    "accumulator overflow": (
        ("run", "--workload", "gemm:2x2x4096", "-p", "acc_bits=24"),
        "K = 4096 products of int8 and int8 need an accumulator of 28 bits",
    ),
    "json in no directory": (("run", "--json", "/none/such/x.json"), "No such file or directory"),
    "json is a directory": (("run", "--json", "/"), "not a regular file"),
    "json is empty": (("run", "--json", ""), "cannot write ''"),
    "json is a device": (("run", "--json", "/dev/null"), "not a regular file"),
    "table ending": (("run", "--table", "rows.xls"), "legal: .parquet, .csv"),
    "table in no directory": (("run", "--table", "/none/such/x.csv"), "No such file"),
    "show unknown pe": (("show", "--pe", "opt11"), "did you mean 'opt1'"),
    "list of nothing": (
        ("list", "pe"),
        "unknown kind 'pe' (did you mean 'pes'?); legal: pes, arrays",
    ),
    "list of two": (("list", "pes", "arrays"), "unexpected extra argument"),
    "list and combinations": (("list", "pes", "--combinations"), "both given"),
    "list and -p": (("list", "arrays", "-p", "depth=64"), "list arrays and -p depth=64"),
    "list json": (("list", "--json", "/none/such/x.json"), "No such file or directory"),
    "control characters": (("run", "--pe", "a\nb\x1b[31m"), r"unknown pe 'a\nb\x1b[31m'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_exit_2(case: str) -> None:
    words, expected = BAD[case]
    assert expected in refused(*words)


def test_bad_input_is_one_line_when_json_goes_to_stdout() -> None:
    refused("run", "--json", "-", "--workload", "gemm:2x2x4096", "-p", "acc_bits=24")


def test_a_damaged_npz_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "w.npz"
    ones = np.ones((4, 4), np.int8)
    np.savez(file, **{"fc.A": ones, "fc.B": ones})
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], whole.replace(b"\x01\x01", b"\x01\x02", 1), b"x"):
        file.write_bytes(content)
        assert str(file) in refused("run", "--workload", f"npz:{file}")


def test_operands_out_of_range_are_one_line(tmp_path: Path) -> None:
    file = tmp_path / "w.npz"
    np.savez(file, **{"fc.A": np.full((2, 2), 300), "fc.B": np.ones((2, 2), np.int8)})
    assert "A holds 300" in refused("run", "--workload", f"npz:{file}")


def test_one_file_is_not_written_twice(tmp_path: Path) -> None:
    file = str(tmp_path / "x.csv")
    assert "name two files" in refused("run", *SMALL, "--json", file, "--table", file)


def test_nothing_is_left_behind_by_a_run_that_fails(tmp_path: Path) -> None:
    json_file, table_file = tmp_path / "x.json", tmp_path / "x.csv"
    json_file.write_text("before")
    words = ("--json", str(json_file), "--table", str(table_file), "-p", "acc_bits=24")
    refused("run", "--workload", "gemm:2x2x4096", *words)
    assert json_file.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_paths_are_checked_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tpe.Engine, "run", lambda *_, **__: pytest.fail("ran"))
    refused("run", "--json", "/none/such/x.json")
    refused("run", "--table", "/none/such/x.csv")


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(tpe.Engine, "run", fail)
    assert isinstance(run("run", *SMALL).exception, ZeroDivisionError)


def test_too_little_memory_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(tpe.Engine, "run", fail)
    assert "not enough memory" in refused("run", *SMALL)


# ---- streams, signals, progress ----


@pytest.mark.parametrize("words", [("list",), ("run", "--help"), ("list", "--json", "-")])
def test_a_reader_that_leaves_is_no_error(words: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "tpe.cli.main", *words],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    text = "" if words[-1] != "-" else done.stderr  # the tables are on stderr then
    assert (done.returncode, done.stderr) == (141, text)
    assert "Error" not in done.stderr and "Exception" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tpe.cli.main", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr) == (2, "tpe: error: No space left on device\n")


def test_interrupting_is_one_line_and_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tpe.Engine, "run", interrupt)
    result = run("run", *SMALL)
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "tpe: interrupted\n")


def test_a_signal_ends_a_long_run_and_leaves_no_file(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    script = (
        "import time, tpe.model.engine\n"
        "def slow(*_, **__):\n    print('ready', flush=True)\n    time.sleep(60)\n"
        "tpe.model.engine.Engine.run = slow\nfrom tpe.cli.main import main\nmain()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, "run", "--json", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate()
    assert (child.returncode, stderr) == (130, "tpe: interrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_drawings_reach_streams_of_any_encoding(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    result = subprocess.run(
        [sys.executable, "-m", "tpe.cli.main", "show", "--pe", "opt4c"],
        env=environment,
        capture_output=True,
    )
    assert (result.returncode, result.stderr) == (0, b"")
    text = result.stdout.decode(encoding)
    assert ("│ front" in text) == (encoding == "utf-8")
    assert "| front" in text or "│ front" in text
    assert "\\u" not in text


def test_a_closed_stdout_is_no_error() -> None:
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m tpe.cli.main list >&-",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_engine_reports_layers_as_they_begin() -> None:
    seen: list[str] = []
    tpe.Engine("opt1").run("digits_mlp", progress=seen.append)
    assert seen == ["fc1", "fc2", "fc3"]


def test_on_a_terminal_progress_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "DELAY", 0.0)
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, force_interactive=True)
    with Progress(console=console) as step:
        step.total = 2
        step("fc1")
        deadline = time.monotonic() + 60
        while "fc1" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        step("fc2")
    assert "fc1" in stream.getvalue() and "0/2" in stream.getvalue()


def test_short_work_shows_no_progress() -> None:
    stream = io.StringIO()
    with Progress(1, console=Console(file=stream, force_terminal=True)) as step:
        step("fc1")
    assert "fc1" not in stream.getvalue()


def test_off_a_terminal_progress_is_lines_on_stderr_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TPE_PROGRESS", "0.01")
    with Progress(what="reading") as step:
        seen = _until("tpe: reading, ", capsys)
        step.total = 3
        step("fc1")
        step("fc\x1b2")
        seen += _until("tpe: fc?2, 1 of 3 done, ", capsys)
    assert "\x1b" not in seen
    after = capsys.readouterr().err
    time.sleep(0.05)
    assert capsys.readouterr().err == "" and "fc" in seen + after


def _until(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is written to stderr until this is there; nothing may be written to stdout."""
    seen, deadline = "", time.monotonic() + 60
    while line not in seen and time.monotonic() < deadline:
        time.sleep(0.01)
        out, err = capsys.readouterr()
        seen += err
        assert out == ""
    assert line in seen
    return seen


def test_no_lines_are_written_if_none_are_wanted_or_nobody_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(1) as step:  # TPE_PROGRESS is 0 in tests
        step("fc1")
        time.sleep(0.05)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("TPE_PROGRESS", "0.01")
    for gone in (None, io.StringIO()):
        if gone is not None:
            gone.close()
        monkeypatch.setattr(sys, "stderr", gone or None)
        with Progress(1) as step:
            step("fc1")
            time.sleep(0.03)


def test_a_command_that_takes_long_says_so_in_a_pipe(tmp_path: Path) -> None:
    script = (
        "import time, tpe.model.engine\n"
        "run = tpe.model.engine.Engine.run\n"
        "def slow(*a, **k):\n    time.sleep(2)\n    return run(*a, **k)\n"
        "tpe.model.engine.Engine.run = slow\nfrom tpe.cli.main import main\nmain()"
    )
    words = [sys.executable, "-c", script, "run", *SMALL, "--json", "-"]
    environment = {**os.environ, "TPE_PROGRESS": "0.3"}
    result = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert json.loads(result.stdout)["layers"]
    assert result.stderr.startswith("tpe: ") and "$ tpe run" in result.stderr
