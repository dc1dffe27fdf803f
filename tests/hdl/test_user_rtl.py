"""Somebody else's PE beside a model: right, late and wrong ones judged, and every mistake named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tpe.base.table import SCHEMA_VERSION
from tpe.cli.main import app
from tpe.hdl.foreign import cosim

HERE = Path(__file__).with_name("user_rtl")
INCLUDE = [HERE / "include"]
SMALL = HERE / "small_pes.sv"

BOOTH = {
    "file": HERE / "booth_mult.v",
    "top": "booth_mult",
    "model": "multiply",
    "ports": {"clk": "CLK", "a": "MULTIPLICAND", "b": "MULTIPLIER", "out": "P", "valid": None},
    "reset": "RST_N:low",
    "params": {"WIDTH": 8},
    "include": INCLUDE,
}
LATE = {
    "file": HERE / "mul8_late.sv",
    "top": "mul8_late",
    "model": "multiply",
    "ports": {"clk": "clock", "rst": "reset", "a": "opa", "b": "opb", "out": "res"},
    "reset": "high",
}
SIGNMAG = {
    "file": HERE / "signmag_mul.v",
    "top": "signmag_mul",
    "model": "multiply",
    "ports": {
        **{"clk": "clk", "valid": "start", "out_valid": "done"},
        **{"a": "a_in", "b": "b_in", "out": "prod"},
    },
}
SIGNED = {"a": "int8", "b": "int8"}
PAIRS = "64 corners, all 65,536 values of (a, b), 4,096 random"


def small(top: str, model: Any, ports: dict[str, Any], **options: Any) -> tpe.Cosimulation:
    return tpe.cosim(SMALL, top, model, ports, include=INCLUDE, **options)


# ---- three PEs judged ----


def test_a_correct_pe_is_equal_at_its_latency() -> None:
    report = tpe.cosim(**BOOTH, latency=2)
    assert report.ok and report.mismatches == 0 and report.first == ()
    assert (report.latency, report.latency_found) == (2, 2)
    assert report.coverage == PAIRS
    assert report.vectors == 64 + 65536 + 4096
    assert report.verdict == "equal: 69,696 results right at latency 2"
    found = tpe.cosim(**BOOTH)
    assert found.ok and found.latency is None and found.latency_found == 2


def test_a_late_pe_is_off_by_one_cycle() -> None:
    report = tpe.cosim(**LATE, latency=2)
    assert not report.ok
    assert report.latency_found == 3
    assert report.verdict == ("off by one cycle: all 69,696 results match at latency 3, declared 2")
    assert tpe.cosim(**LATE, latency=3).ok
    assert "off by 2 cycles" in tpe.cosim(**LATE, latency=5).verdict


def test_a_pe_wrong_at_minus_128_is_shown_where() -> None:
    report = tpe.cosim(**SIGNMAG, latency=1, types=SIGNED)
    assert not report.ok and report.latency_found == 1
    assert "every one has a = -128 or b = -128" in report.verdict
    exhaustive = 255 + 255 - 1 + 1  # b = 0 and a = 0 give 0 as they should
    assert report.mismatches >= exhaustive
    first = report.first[0]
    assert first.operands == {"a": -128, "b": -128}
    assert (first.expected, first.got) == (16384, 0)
    assert all(-128 in m.operands.values() for m in report.first)
    head, table = str(report).split("\n", 1)
    assert head.startswith("signmag_mul: ") and table.split("\n")[0].split() == [
        *("a", "b", "expected", "got", "cycle")
    ]


def test_the_cycle_of_a_mismatch_is_where_the_result_is_looked_for() -> None:
    one, other = (tpe.cosim(**LATE, latency=x).first[0] for x in (1, 2))
    assert other.cycle == one.cycle + 1


def test_unsigned_ports_that_carry_signed_operands_bring_a_hint() -> None:
    report = tpe.cosim(**SIGNMAG)
    assert report.types == {"a": "uint8", "b": "uint8"}
    assert "name types a=int8, b=int8" in report.verdict


def test_the_seed_decides_everything() -> None:
    one, again, other = (
        tpe.cosim(**SIGNMAG, types=SIGNED, vectors=5000, seed=x) for x in (1, 1, 2)
    )
    assert one == again and one.mismatches != other.mismatches
    assert one.coverage == "64 corners, 5,000 random"


# ---- sums, lanes, functions ----


def test_a_mac_over_lanes_with_first_enable_and_an_active_low_flag() -> None:
    ports = {"clk": "clk_i", "valid": "en_i", "first": "load_i", "a": "x_i", "b": "w_i"}
    ports |= {"out": "acc_o", "out_valid": "vld_no:low"}
    settings: dict[str, Any] = {"reset": "arst_ni:low", "types": SIGNED}
    file = HERE / "dot_mac.sv"
    report = tpe.cosim(file, "dot_mac", "mac", ports, latency=1, ties={"mode_i": 0}, **settings)
    assert report.ok and report.lanes == 2 and "in every lane" in report.coverage
    wrong = tpe.cosim(file, "dot_mac", "mac", ports, ties={"mode_i": 1}, vectors=50, **settings)
    assert not wrong.ok and wrong.first[0].operands["a"] == [-128, -128]


def test_a_sum_begins_by_clear() -> None:
    ports = {"clk": "clk", "clear": "clr", "a": ["a0", "a1"], "b": "b0, b1", "out": "acc"}
    report = small("mac_clear", "mac", ports)
    assert report.ok and report.latency_found == 2 and report.lanes == 2


@pytest.mark.parametrize("broken", [0, 1])
def test_a_sum_begins_by_reset_and_registers_begin_at_random(broken: int) -> None:
    ports = {"clk": "clk", "a": "a", "b": "b", "out": "acc"}
    report = small("mac_reset", "mac", ports, reset="rst:high", params={"Broken": broken})
    assert report.ok == (not broken)


def test_a_serial_pe_of_varying_latency_is_read_by_its_flag() -> None:
    ports = {"clk": "clk", "valid": "start", "a": "a", "b": "b", "out": "p", "out_valid": "done"}
    settings: dict[str, Any] = {"reset": "rst_n:low", "interval": 6}
    report = small("serial_mult", "multiply", ports, **settings)
    assert report.ok and report.latency_found is None and report.latency_range == (1, 5)
    assert "latency 1 to 5, by out_valid" in report.verdict
    fixed = small("serial_mult", "multiply", ports, latency=5, **settings)
    assert not fixed.ok and "out_valid lacks" in fixed.verdict
    assert fixed.first[0].got is None and "nothing" in str(fixed)


def test_a_result_that_never_comes() -> None:
    ports = {"clk": "clk", "a": "a", "b": "b", "out": "p", "out_valid": "ok"}
    report = small("silent", "multiply", ports)
    assert report.mismatches == report.vectors and report.latency_found is None


def test_functions_of_operands_and_include_files(tmp_path: Path) -> None:
    ports = {"a": "x", "b": "y", "c": "z", "out": "r"}

    def subtract(a: Any, b: Any, c: Any) -> Any:
        return a * b - c

    assert small("any_function", "multiply_add", ports).ok
    assert not small("any_function", subtract, ports, vectors=100).ok
    # What is included is part of what is built.
    (tmp_path / "what.vh").write_text("`define WHAT -\n")
    copy = tmp_path / "small_pes.sv"
    copy.write_text(SMALL.read_text())
    report = tpe.cosim(copy, "any_function", subtract, ports)
    assert report.ok and report.latency_found == 0 and report.model == "subtract"
    file = tmp_path / "golden.py"
    file.write_text("def golden(a, b, c):\n    return a * b - c\n")
    assert tpe.cosim(copy, "any_function", f"{file}:golden", ports).ok


def test_a_ufunc_is_a_model() -> None:
    ports = {"left": "x", "right": "y", "out": "p"}
    report = tpe.cosim(cosim.example(), "mult", np.multiply, ports)
    assert report.ok and report.model == "multiply"


def test_several_files_and_parameters_of_every_kind(tmp_path: Path) -> None:
    (tmp_path / "leaf.v").write_text(
        "module leaf(input [3:0] x, y, output [7:0] p); assign p = x * y; endmodule\n"
    )
    (tmp_path / "top.sv").write_text(
        'module pe #(parameter Kind = "no", parameter real Scale = 1.0, parameter logic [3:0] Add'
        " = 0) (input [3:0] x, y, output [7:0] p);\n  wire [7:0] q;\n  leaf u_leaf (.p(q), .*);\n"
        '  assign p = Kind == "yes" && Scale > 2.0 ? q + 8\'(Add) : 0;\nendmodule\n'
    )
    report = tpe.cosim(
        [tmp_path / "leaf.v", tmp_path / "top.sv"],
        "pe",
        lambda a, b: a * b + 5,
        {"a": "x", "b": "y", "out": "p"},
        params={"Kind": "yes", "Scale": 2.5, "Add": "4'd5"},
    )
    assert report.ok


def test_waves(tmp_path: Path) -> None:
    target = tmp_path / "w.vcd"
    ports = {"a": "x", "b": "y", "out": "p"}
    assert tpe.cosim(cosim.example(), "mult", "multiply", ports, waves=target, vectors=9).ok
    assert "$enddefinitions" in target.read_text()


# ---- every mistake is named, before anything is built ----

ODD: dict[str, Any] = {
    "file": SMALL,
    "top": "odd_ports",
    "model": "multiply",
    "ports": {"clk": "clk", "a": "a", "b": "b", "out": "p"},
    "reset": "rst_n:low",
    "include": INCLUDE,
}
MULT: dict[str, Any] = {
    "file": cosim.example(),
    "top": "mult",
    "model": "multiply",
    "ports": {"a": "x", "b": "y", "out": "p"},
}


def odd(**ports: Any) -> dict[str, Any]:
    return ODD | {"ports": ODD["ports"] | ports}


def mult(**ports: Any) -> dict[str, Any]:
    return MULT | {"ports": MULT["ports"] | ports}


REFUSED = {
    "a wrong name": (
        odd(out="narow"),
        "unknown port of odd_ports for out 'narow' (did you mean 'narrow'?)",
    ),
    "a wrong direction": (mult(a="p"), "a: port 'p' of mult is an output; legal: an input"),
    "an input for out": (mult(out="x"), "out: port 'x' of mult is an input; legal: an output"),
    "an open input": (ODD, "input 'en' (1 bit) of odd_ports is mapped to no role"),
    "an inout": (ODD | {"ties": {"en": 1}}, "port 'unpacked' of odd_ports is an unpacked array"),
    "an unpacked array": (odd(a="unpacked"), "a: port 'unpacked' is an unpacked array"),
    "no out": (mult(out=None), "ports lacks 'out', where the result is; legal: p"),
    "no operand": (MULT | {"ports": {"out": "p"}}, "ports names no operand, such as 'a' and 'b'"),
    "one operand": (mult(b=None), "input 'y' (4 bits) of mult is mapped to no role"),
    "one operand, one tied": (
        mult(b=None) | {"ties": {"y": 1}},
        "ports lacks 'b' for model multiply; legal: a, b and out",
    ),
    "a port twice": (mult(b="x"), "port 'x' is mapped to a and to b"),
    "a stray role": (
        MULT | {"ports": {"a": "x", "bb": "y", "out": "p"}},
        "unknown role of ports for model multiply 'bb' (did you mean 'b'?)",
    ),
    "a wide clock": (mult(clk="x", a="y", b=None), "clk: port 'x' has 4 bits; legal: 1"),
    "a wide result": (odd(out="wide"), "out: port 'wide' has 72 bits; legal: 1 to 64"),
    "a level of an operand": (mult(a="x:low"), "a: 'x:low' has a level"),
    "an unknown level": (
        odd(valid="en:down"),
        "valid: level 'down' of 'en:down'; legal: low, high",
    ),
    "two results": (mult(out=["p", "p"]), "out is mapped to 2 ports; legal: one"),
    "a reset without a level": (
        odd(rst="rst_n") | {"reset": None},
        "rst: the level of 'rst_n' is open; legal: rst_n:low or rst_n:high",
    ),
    "a reset of no level": (ODD | {"reset": "rst_n"}, "reset = 'rst_n' is not legal: PORT:low"),
    "two resets": (odd(rst="en") | {}, "reset = 'rst_n:low', but ports maps rst to 'en'"),
    "a tie that does not fit": (
        ODD | {"ties": {"en": 2}},
        "ties: en = 2 does not fit 1 bit; legal: -1 to 1",
    ),
    "a tie of an output": (MULT | {"ties": {"p": 2}}, "ties: port 'p' of mult is an output"),
    "a tie of a role": (MULT | {"ties": {"x": 2}}, "ties: port 'x' is mapped to a already"),
    "a type that does not fit": (
        MULT | {"types": {"a": "int3"}},
        "a: port 'x' has 4 bits and does not fit int3; legal: 3 bits",
    ),
    "lanes in multiply": (
        MULT | {"types": {"a": "int2"}},
        "a: port 'x' has 4 bits, 2 x int2; legal for model multiply: 2 bits, 1 x int2",
    ),
    "lanes that differ": (
        MULT | {"types": {"a": "int2"}, "model": "dot"},
        "b: port 'y' has 4 bits, 1 x int4; legal for model dot: 8 bits, 2 x int4",
    ),
    "no type": (MULT | {"types": {"a": "int77"}}, "types a = 'int77' is not legal: int1 to int32"),
    "a type of no role": (MULT | {"types": {"k": "int4"}}, "unknown role of types 'k'"),
    "a type of out": (MULT | {"types": {"out": "int4"}}, "legal: int8, uint8"),
    "an unknown model": (MULT | {"model": "multply"}, "did you mean 'multiply'?"),
    "no model file": (MULT | {"model": "none.py:f"}, "model 'none.py:f': no such file"),
    "clear without a sum": (mult(a="x", clear="y", b=None), "clear: port 'y' has 4 bits"),
    "mac without a clock": (MULT | {"model": "mac"}, "ports lacks 'clk': model mac sums"),
    "latency without a clock": (MULT | {"latency": 1}, "latency = 1, but ports maps no clk"),
    "a latency": (MULT | {"latency": -1}, "latency = -1 is not legal: 0 to 17 cycles, or auto"),
    "a word for latency": (MULT | {"latency": "soon"}, "latency = 'soon' is not legal"),
    "an interval": (MULT | {"interval": 0}, "interval = 0 is not legal: 1 to 64 cycles"),
    "vectors": (MULT | {"vectors": 0}, "vectors = 0 is not legal: 1 to 2097152"),
    "too many cycles": (
        MULT | {"vectors": 1 << 21, "interval": 8},
        "set vectors to fewer random ones",
    ),
    "a seed": (MULT | {"seed": -1}, "seed = -1 is not legal"),
    "a parameter": (
        ODD | {"params": {"Widht": 8}},
        "unknown parameter of odd_ports 'Widht' (did you mean 'Width'?); legal: Width",
    ),
    "a parameter of none": (MULT | {"params": {"W": 8}}, "mult has no parameter 'W'"),
    "a parameter's text": (MULT | {"params": {"W": 'a"b'}}, "is not legal: a number, or text"),
    "a top": (
        MULT | {"top": "mul"},
        "unknown top module 'mul' (did you mean 'mult'?); legal: mult",
    ),
    "a top that is no name": (MULT | {"top": "a b"}, "top = 'a b' is not legal"),
    "no such file": (MULT | {"file": "gone.v"}, "cannot read gone.v: no such file"),
    "no file": (MULT | {"file": []}, "no file given"),
    "a wave file": (MULT | {"waves": "w.txt"}, "unknown ending '.txt'"),
    "an include": (
        LATE | {"file": HERE / "booth_mult.v", "top": "booth_mult"},
        "booth_mult.v:3:10: Cannot find include file: 'booth_defs.vh'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_mistakes_are_refused_before_building(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: object) -> Path:
        raise AssertionError("built")

    monkeypatch.setattr("tpe.hdl.foreign.bench.build", never)
    given, text = REFUSED[case]
    with pytest.raises(tpe.TpeError) as error:
        tpe.cosim(**given)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_of_the_parser_is_read_after_it_is_freed() -> None:
    """Freed memory is overwritten: what is read too late is nonsense, or the end of the process."""
    code = (
        "from tests.hdl import test_user_rtl as t\n"
        "for name in ('a parameter', 'a parameter of none', 'a top', 'an open input'):\n"
        "    given, text = t.REFUSED[name]\n"
        "    try: t.tpe.cosim(**given)\n"
        "    except t.tpe.TpeError as error: assert text in str(error), error\n"
    )
    overwritten = os.environ | {"MALLOC_PERTURB_": "165"}
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=overwritten
        )
        assert (done.returncode, done.stderr) == (0, "")


def refusal(tmp_path: Path, text: str, **options: Any) -> str:
    file = tmp_path / "pe.v"
    file.write_text(text)
    given = {"model": "multiply", "ports": {"a": "x", "b": "y", "out": "p"}} | options
    with pytest.raises(tpe.TpeError) as error:
        tpe.cosim(file, "pe", **given)
    return str(error.value)


PORTS = "module pe(input [3:0] x, input [3:0] y, output [7:0] p);"


def test_verilators_first_error_with_its_line(tmp_path: Path) -> None:
    line = refusal(tmp_path, f"{PORTS}\nassign p = x * ;\nendmodule\n")
    assert "pe.v:2:16: syntax error" in line and "\n" not in line
    assert "'gone'" in refusal(tmp_path, f"{PORTS}\n gone g(x);\nendmodule\n")
    assert "top pe: no module in the files" in refusal(tmp_path, "\x00\xff garbage")
    assert "unknown top module 'pe'" in refusal(tmp_path, "module other; endmodule")


def test_a_simulation_that_ends_itself(tmp_path: Path) -> None:
    text = f"{PORTS}\ninitial #50 $finish;\nassign p = x * y;\nendmodule\n"
    assert "the simulation ended before its stimulus" in refusal(tmp_path, text)


def test_results_and_sums_that_do_not_fit(tmp_path: Path) -> None:
    narrow = "module pe(input signed [3:0] x, input signed [3:0] y, output [6:0] p);\nendmodule\n"
    assert refusal(tmp_path, narrow) == (
        "out: port 'p' has 7 bits; multiply of a int4, b int4 needs 8; legal: 8 bits or more, "
        "or a Python callable, compared modulo 2**7"
    )
    clocked = PORTS.replace("input [3:0] x", "input clk, clr, input [3:0] x") + "\nendmodule\n"
    ports = {"clk": "clk", "a": "x", "b": "y", "out": "p"}
    tied: dict[str, Any] = {"model": "mac", "ties": {"clr": 0}}
    assert "model mac needs one, to begin a sum" in refusal(tmp_path, clocked, ports=ports, **tied)
    given = ports | {"clear": "clr"}
    assert "needs valid, to add operands once" in refusal(
        tmp_path, clocked, ports=given, model="mac", interval=2
    )
    assert "multiply keeps no sum" in refusal(tmp_path, clocked, ports=given)


def test_models_that_are_wrong(tmp_path: Path) -> None:
    good = f"{PORTS}\nassign p = x * y;\nendmodule\n"

    def raises(a: Any, b: Any) -> Any:
        raise KeyError("table")

    def short(a: Any, b: Any) -> Any:
        return [1, 2]

    def takes(x: Any) -> Any:
        return x

    assert "model raises raised KeyError" in refusal(tmp_path, good, model=raises)
    assert "legal: integers of shape (4368,)" in refusal(tmp_path, good, model=short)
    assert "model takes does not take a, b" in refusal(tmp_path, good, model=takes)
    broken = tmp_path / "m.py"
    broken.write_text("def f(:\n")
    assert "SyntaxError" in refusal(tmp_path, good, model=f"{broken}:f")
    broken.write_text("def f(a, b):\n    return a * b\n")
    assert "did you mean 'f'?" in refusal(tmp_path, good, model=f"{broken}:ff")


# ---- the command line ----


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_the_command_judges_and_its_exit_code_says_so() -> None:
    words = [str(HERE / "mul8_late.sv"), "--reset", "reset:high"]
    for pair in ("clk=clock", "a=opa", "b=opb", "out=res"):
        words += ["--port", pair]
    right = run("cosim", *words, "--latency", "3")
    assert right.exit_code == 0 and "equal: 69,696 results right at latency 3" in right.stdout
    wrong = run("cosim", *words, "--latency", "2", "--json", "-")
    content = json.loads(wrong.stdout)
    assert wrong.exit_code == 1
    assert content["schema_version"] == SCHEMA_VERSION and not content["ok"]
    assert (content["vectors"], content["latency"], content["latency_found"]) == (69696, 2, 3)
    assert set(content["first_mismatches"][0]) == {"operands", "expected", "got", "cycle"}
    again = run(*content["command"].split()[1:], "--json", "-")
    assert json.loads(again.stdout) == content
    refused = run("cosim", *words, "--latency", "2", "--port", "a=opb")
    assert refused.exit_code == 2 and "a is given twice" in refused.stderr


def test_the_command_alone_runs_an_example() -> None:
    result = run("cosim")
    assert result.exit_code == 0 and "mult: equal: 4,416 results" in result.stdout
    assert "Example: tpe cosim" in run("cosim", "--help").stdout


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--port", "a"], "--port a: no value; legal: --port NAME=VALUE"),
        (["--tie", "en=high"], "--tie en=high: no integer"),
        (["--param", "W=8"], "mult has no parameter 'W'"),
        (["--type", "a=int5"], "does not fit int5"),
        (["--model", "product"], "unknown model 'product'"),
        (["gone.v"], "cannot read gone.v"),
    ],
)
def test_the_command_refuses_in_one_line(words: list[str], text: str) -> None:
    result = run("cosim", *words)
    assert result.exit_code == 2 and text in result.stderr and result.stderr.count("\n") == 1


# ---- the pytest fixture ----

TESTS = """
PORTS = {"a": "x", "b": "y", "out": "p"}

def test_right(tpe_cosim):
    assert tpe_cosim("rtl/mult.v", "mult", "multiply", PORTS, latency=0).ok

def test_wrong(tpe_cosim):
    tpe_cosim("rtl/mult.v", "mult", lambda a, b: a + b, PORTS)

def test_not_checked(tpe_cosim):
    assert not tpe_cosim("rtl/mult.v", "mult", lambda a, b: a + b, PORTS, check=False).ok
"""


def test_the_fixture_passes_fails_and_shows_the_first_mismatches(tmp_path: Path) -> None:
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "mult.v").write_text(cosim.example().read_text())
    (tmp_path / "test_mine.py").write_text(TESTS)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tpe.hdl.foreign.pytest_plugin",
            str(tmp_path),
            "-v",
        ],
        cwd=tmp_path.parent,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "2 passed" in done.stdout and "1 failed" in done.stdout
    assert "FAILED" in done.stdout and "expected  got  cycle" in done.stdout


def test_a_module_that_no_file_names_is_refused_wherever_it_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner.v").write_text(
        "module inner (input signed [7:0] x, w, output signed [15:0] p);\n"
        "  assign p = x * w;\nendmodule\n"
    )
    (tmp_path / "outer.v").write_text(
        "module outer (input clk, input signed [7:0] x, w, output reg signed [15:0] p);\n"
        "  wire signed [15:0] q;\n  inner u_inner (.x(x), .w(w), .p(q));\n"
        "  always @(posedge clk) p <= q;\nendmodule\n"
    )
    ports = {"clk": "clk", "a": "x", "b": "w", "out": "p"}
    with pytest.raises(tpe.TpeError, match="inner"):
        tpe.cosim("outer.v", "outer", "multiply", ports, latency=1)
    files = ["outer.v", "inner.v"]
    assert tpe.cosim(files, "outer", "multiply", ports, latency=1).ok
    (tmp_path / "inner.v").write_text(
        (tmp_path / "inner.v").read_text().replace("x * w", "x * w + 1")
    )
    assert not tpe.cosim(files, "outer", "multiply", ports, latency=1).ok
