"""PEs beyond the plain multiplier: delays, structs, pairs of words, ready, loads, endless loops."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tpe.cli.main import app
from tpe.hdl.foreign import limited
from tpe.hdl.foreign.stimulus import PACES, pace

HERE = Path(__file__).with_name("user_rtl")
SHAPED, STREAM = HERE / "shaped_pes.sv", HERE / "stream_pes.sv"


def shaped(top: str, model: Any, ports: dict[str, Any], **options: Any) -> tpe.Cosimulation:
    return tpe.cosim(SHAPED, top, model, ports, **{"vectors": 3000, **options})


# ---- a role some cycles off ----

LATE = {"clk": "clk", "valid": "en", "first": "new_sum", "a": "a", "b": "b", "out": "y"}
SKEWED = {"clk": "clk", "a": "a", "b": "b", "out": "p"}


def test_controls_may_belong_to_a_later_cycle() -> None:
    given = LATE | {"valid": "en@1", "first": "new_sum@1"}
    report = shaped("late_control", "mac", given, reset="rst_n:low", latency=2)
    assert report.ok and report.ports["valid"] == "en@1"
    # Seen from its controls, the same PE takes operands a cycle early.
    early = LATE | {"a": "a@-1", "b": "b@-1"}
    assert shaped("late_control", "mac", early, reset="rst_n:low", latency=1).ok


def test_a_run_that_fails_says_which_shift_would_match() -> None:
    report = shaped("late_control", "mac", LATE, reset="rst_n:low")
    assert not report.ok
    assert report.hint == "matches with valid=en@1, first=new_sum@1"
    assert report.hint in str(report) and report.to_json()["hint"] == report.hint
    half = shaped("late_control", "mac", LATE | {"valid": "en@1"}, reset="rst_n:low")
    assert not half.ok and half.hint == "matches with first=new_sum@1"


def test_an_operand_may_belong_to_a_later_cycle() -> None:
    report = shaped("skewed", "multiply", SKEWED | {"b": "b@1"}, latency=2)
    assert report.ok
    off = shaped("skewed", "multiply", SKEWED | {"b": "b@2"}, latency=2)
    assert not off.ok and off.hint in ("matches with b=b@1", "matches with a=a@1")
    plain = shaped("skewed", "multiply", SKEWED)
    assert not plain.ok and plain.hint in ("matches with b=b@1", "matches with a=a@-1")


def test_hints_on_signs_and_order_need_no_second_run() -> None:
    ports = {"a": "x", "b": "y", "out": "p"}
    file = tpe.hdl.foreign.cosim.example()  # of signed operands
    wrong = {"a": "uint4", "b": "uint4"}
    report = tpe.cosim(file, "mult", "multiply", ports, types=wrong)
    assert not report.ok and report.hint == "matches with type a=int4, type b=int4"

    def less(a: Any, b: Any) -> Any:
        return a * b + (a > b) - (a < b)

    assert tpe.cosim(file, "mult", less, ports).hint == ""  # nothing explains it


@pytest.mark.parametrize(
    ("ports", "message"),
    [
        ({"a": "x@1", "b": "y@x", "out": "p"}, "b: delay '@x' of 'y@x' is not legal: -16 to 16"),
        ({"a": "x@17", "b": "y", "out": "p"}, "a: delay '@17' of 'x@17' is not legal"),
        ({"a": "x@", "b": "y", "out": "p"}, "a: delay '@?' of 'x@?' is not legal"),
    ],
)
def test_delays_that_are_none(ports: dict[str, Any], message: str) -> None:
    with pytest.raises(tpe.TpeError) as error:
        tpe.cosim(tpe.hdl.foreign.cosim.example(), "mult", "multiply", ports)
    assert message in str(error.value)


def test_a_flag_that_comes_a_cycle_before_its_result(tmp_path: Path) -> None:
    file = tmp_path / "early.sv"
    file.write_text(
        "module early (input clk, go, input [3:0] x, y, output reg [7:0] p, output reg done);\n"
        "  reg [7:0] q;\n  always @(posedge clk) begin q <= x * y; p <= q; done <= go; end\n"
        "endmodule\n"
    )
    ports = {"clk": "clk", "valid": "go", "a": "x", "b": "y", "out": "p", "out_valid": "done"}
    plain = tpe.cosim(file, "early", "multiply", ports, vectors=3000)
    assert not plain.ok and plain.hint == "matches with out_valid=done@-1"
    right = tpe.cosim(file, "early", "multiply", ports | {"out_valid": "done@-1"}, latency=2)
    assert right.ok


# ---- ports of other shapes ----

BUNDLE = {"a": "in.x", "b": "in.w[1]", "c": "in.w[0]", "out": "result.value"}
SIGNED = {"a": "int4", "b": "int4", "c": "int4"}


def test_members_of_structs_and_elements_of_packed_arrays() -> None:
    def taken_away(a: Any, b: Any, c: Any) -> Any:
        return a * b - c

    assert shaped("bundled", "multiply_add", BUNDLE, types=SIGNED, ties={"in.kind": 0}).ok
    fault = shaped("bundled", taken_away, BUNDLE, types=SIGNED, ties={"in.kind": 0})
    assert not fault.ok


STRUCT_REFUSED = {
    "a part left open": ({}, {}, "input 'in.kind' (2 bits) of bundled is mapped to no role"),
    "an unknown member": ({"a": "in.y"}, {}, "unknown member of port 'in' 'y'"),
    "an element too far": ({"b": "in.w[2]"}, {}, "port 'in' has no [2]; legal: 0 to 1"),
    "a part twice": ({"c": "in.w[1][3:0]"}, {}, "is mapped to b and to c"),
    "a tie of a role": ({}, {"in.w": 0}, "ties: port 'in.w' is mapped to b already"),
    "a level of a part": ({"a": "in.x:low"}, {}, "a: 'in.x:low' has a level"),
    "a path that is none": ({"a": "in.x.."}, {}, "port 'in.x..': '..' is not legal: .MEMBER"),
    "a member of a number": ({"a": "in.x.y"}, {}, "port 'in' has no members there: no '.y'"),
    "no such port": ({"a": "on.x"}, {}, "unknown port of bundled for a 'on.x'"),
}


@pytest.mark.parametrize("name", STRUCT_REFUSED)
def test_parts_that_do_not_fit_are_refused(name: str) -> None:
    ports, ties, message = STRUCT_REFUSED[name]
    with pytest.raises(tpe.TpeError) as error:
        shaped("bundled", "multiply_add", BUNDLE | ports, ties=ties)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_an_interface_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "through.sv"
    file.write_text(
        "interface pair_if (input logic clk); logic [3:0] x, y; logic [7:0] p;\n"
        "  modport in (input clk, x, y, output p);\nendinterface\n"
        "module through (pair_if.in s); always_ff @(posedge s.clk) s.p <= s.x * s.y; endmodule\n"
    )
    with pytest.raises(tpe.TpeError, match="a: port 's\\.x' is an interface; legal: a vector"):
        tpe.cosim(file, "through", "multiply", {"a": "s.x", "b": "s.y", "out": "s.p"})


def test_escaped_names() -> None:
    ports = {"a": "x.0", "b": "\\x@1", "out": "p[0]"}
    assert shaped("\\odd-name", "multiply", ports, ties={"reg": 0}).ok
    with pytest.raises(tpe.TpeError, match=r"unknown port of odd-name for a 'x\.1'"):
        shaped("odd-name", "multiply", ports | {"a": "x.1"})


@pytest.mark.parametrize("fault", [0, 1])
def test_a_result_in_two_words_is_their_sum(fault: int) -> None:
    ports = {"a": "a", "b": "b", "sum": "s", "carry": "c"}
    report = shaped("two_words", "multiply", ports, params={"Fault": fault}, vectors=None)
    assert report.ok == (not fault)
    assert all((m.got - m.expected) % 256 == 128 for m in report.first if m.got is not None)
    assert len(report.first) == (10 if fault else 0)


@pytest.mark.parametrize(
    ("ports", "message"),
    [
        ({"sum": "s"}, "ports maps sum and no carry; legal: both, or out; of s, c"),
        ({"sum": "s", "carry": "c", "out": "s"}, "port 's' is mapped to sum and to out"),
        ({"sum": "s", "carry": "c[6:0]"}, "sum and carry have 8 and 7 bits; legal: of one width"),
        ({"out_ready": "b[0]", "out": "s"}, "ports maps out_ready, but no out_valid"),
        ({"load": "b[0]", "out": "s"}, "ports maps load, but no b; legal: both, or no load"),
    ],
)
def test_roles_that_need_each_other(ports: dict[str, str], message: str) -> None:
    with pytest.raises(tpe.TpeError) as error:
        shaped("two_words", "multiply", {"a": "a", **ports})
    assert message in str(error.value)


# ---- a weight that is loaded ----

STATIONARY = {
    **{"clk": "clk", "load": "load_n:low", "b": "weight", "a": "act"},
    **{"c": "from_above", "out": "below"},
}


@pytest.mark.parametrize("fault", [0, 1, 2])
def test_a_weight_is_loaded_and_stays(fault: int) -> None:
    options = {"reset": "rst_n:low", "params": {"Fault": fault}, "vectors": None}
    report = shaped("stationary", "multiply_add", STATIONARY, **options)
    assert report.ok == (not fault)
    assert "all 256 values of (a, b)" in report.coverage and "b loaded" in report.coverage
    if not fault:
        assert report.latency_found == 1


# ---- back-pressure ----

SKID = {
    **{"clk": "ck", "valid": "req", "ready": "ack", "a": "left", "b": "right"},
    **{"out": "prod", "out_valid": "have", "out_ready": "take"},
}
FOUND = {
    1: "is lost",
    2: "comes twice",
    3: "a refused result changes or is withdrawn",
    4: "ready stays away after cycle",
}


@pytest.mark.parametrize("fault", [0, 1, 2, 3, 4])
def test_nothing_is_lost_doubled_or_changed_under_back_pressure(fault: int) -> None:
    options: dict[str, Any] = {"reset": "rst_n:low", "params": {"Fault": fault}}
    report = tpe.cosim(STREAM, "skid_mult", "multiply", SKID, **options)
    assert report.ok == (not fault), report.verdict
    if fault:
        assert FOUND[fault] in report.verdict
    else:
        assert report.latency_range is not None and report.latency_range[0] == 1
        assert "none lost or doubled" in report.verdict and "a busy sink" in report.coverage


def test_a_source_that_waits_for_a_pe_without_a_flag() -> None:
    ports = {"clk": "clk", "valid": "go_n:low", "ready": "busy:low", "a": "x", "b": "y", "out": "p"}
    report = tpe.cosim(STREAM, "slow_mult", "multiply", ports, reset="rst:high", latency=2)
    assert report.ok and report.latency_found == 2
    assert not tpe.cosim(STREAM, "slow_mult", "multiply", ports, reset="rst:high", latency=1).ok


def test_a_sum_under_back_pressure() -> None:
    ports = {
        **{"clk": "clk", "valid": "in_v", "ready": "in_r", "first": "fresh", "a": "a", "b": "b"},
        **{"out": "acc", "out_valid": "out_v", "out_ready": "out_r"},
    }
    assert tpe.cosim(STREAM, "stream_mac", "mac", ports, reset="rst_n:low").ok
    for change, message in (
        ({"first": None}, "with ready, model mac begins a sum by it"),
        ({"valid": None}, "ports maps ready, but no valid"),
        ({"a": "a@1"}, "a: 'a@1' has a delay; legal with ready: none"),
    ):
        tied = {port: 0 for role, port in ports.items() if change.get(role, 1) is None}
        ties: dict[str, Any] = {"ties": tied, "reset": "rst_n:low"}
        with pytest.raises(tpe.TpeError, match=message):
            tpe.cosim(STREAM, "stream_mac", "mac", ports | change, **ties)


def test_paces_hold_every_mixture() -> None:
    flags = pace(3, True)
    assert flags.shape == (PACES, 2)
    shares = flags.reshape(-1, 256, 2).mean(axis=1)
    for offer, take in ((1, 1), (0.5, 0.5), (0.15, 1), (1, 0.15)):
        assert (np.abs(shares - (offer, take)).max(axis=1) < 0.12).any()
    assert pace(3, False)[:, 1].all()


# ---- libraries and lists ----


@pytest.fixture
def library(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "op.vh").write_text("`define TIMES *\n")
    (tmp_path / "lib" / "widths.sv").write_text(
        "package widths; localparam int W = 4; endpackage\n"
    )
    (tmp_path / "lib" / "inner.sv").write_text(
        '`include "op.vh"\nmodule inner import widths::*; (input signed [W-1:0] x, y, output '
        "signed [2*W-1:0] p);\n  assign p = x `TIMES y `ADDED; endmodule\n"
    )
    (tmp_path / "lib" / "unused.sv").write_text("module unused; not legal\n")
    (tmp_path / "outer.v").write_text(
        "module outer (input signed [3:0] x, y, output signed [7:0] p);\n"
        "  inner u_inner (.x(x), .y(y), .p(p));\nendmodule\n"
    )
    (tmp_path / "all.f").write_text(
        "// sources\nouter.v  # the top\n/* -y nothing\n*/ +incdir+inc\n"
        "-y lib +libext+.v+.sv\n+define+ADDED=+0\n"
    )
    return tmp_path


PORTS = {"a": "x", "b": "y", "out": "p"}


def test_modules_and_packages_of_libraries(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"libraries": [library / "lib"], "include": [library / "inc"]}
    assert tpe.cosim(
        library / "outer.v", "outer", "multiply", PORTS, define={"ADDED": "+0"}, **given
    ).ok
    listed = tpe.cosim([], "outer", "multiply", PORTS, file_lists=[_beside(library)])
    assert listed.ok and listed.files == (str(library / "outer.v"),)
    monkeypatch.chdir(library)
    words = ["cosim", "-f", "all.f", "--top", "outer"]
    words += [x for role, port in PORTS.items() for x in ("--port", f"{role}={port}")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output


def _beside(library: Path) -> Path:
    """A list whose names are beside it."""
    path = library / "from_elsewhere.f"
    path.write_text(f"-F {library / 'all.f'}\n")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("outer.v -timescale 1ns", "bad.f:1: '-timescale' is not legal: files, -f LIST"),
        ("outer.v\n-y", "bad.f:2: -y names nothing"),
        ("gone.v", "cannot read gone.v: no such file"),
        ("-f bad.f", "over 64 file lists; does one name itself?"),
        ("", "no file given"),
        ("outer.v 'open", "bad.f:1: No closing quotation"),
        ("outer.v -y gone", "-y gone: no such directory"),
        ("/dev/zero", "/dev/zero: cannot be read as Verilog: not a regular file"),
        ("outer.v", "Verilator refuses outer: "),
    ],
)
def test_file_lists_that_are_wrong(
    text: str, message: str, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(library)
    Path("bad.f").write_text(text)
    with pytest.raises(tpe.TpeError) as error:
        tpe.cosim([], "outer", "multiply", PORTS, file_lists=["bad.f"])
    assert message in str(error.value) and "\n" not in str(error.value)


# ---- what never ends ----

HEAD = "module pe(input [3:0] x, input [3:0] y, output [7:0] p);\n assign p = x * y;\n"


def test_rtl_that_never_ends_is_stopped_with_all_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # it stands in the command that runs
    file = tmp_path / "pe.v"
    file.write_text(f'{HEAD} reg q = 0; initial forever begin q = ~q; $c(""); end\nendmodule\n')
    with pytest.raises(tpe.TpeError, match=r"did not end within 2 s and was stopped; .*--limit-s"):
        # A build is first, and may take long on a busy machine: the limit is of each step.
        tpe.cosim(file, "pe", "multiply", PORTS, limit_s=2)
    assert not _alive(f"+stimulus={tmp_path}")


def test_a_loop_that_never_settles_is_told(tmp_path: Path) -> None:
    file = tmp_path / "pe.v"
    loop = HEAD.replace("x * y", "(x * y) ^ {8{turn}}")
    file.write_text(f"{loop} wire turn; assign turn = ~(turn & x[0]);\nendmodule\n")
    with pytest.raises(tpe.TpeError) as error:
        tpe.cosim(file, "pe", "multiply", PORTS, limit_s=20)
    assert "a loop never settles" in str(error.value)


def test_a_limited_command_leaves_no_child_behind(tmp_path: Path) -> None:
    mark = tmp_path / "pids"
    script = f"sleep 60 & echo $! > {mark}; sleep 60"
    with pytest.raises(tpe.TpeError, match=r"the script did not end within 0\.5 s"):
        limited.run(["sh", "-c", script], 0.5, "the script")
    assert _ends(int(mark.read_text()))
    flood = limited.run(["sh", "-c", "yes | head -c 5000000; exit 3"], 60, "the flood")
    assert flood.returncode == 3 and len(flood.stdout) == limited.MOST_TEXT


def test_a_command_that_is_killed_takes_its_child_along(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    code = (
        "from tpe.hdl.foreign import limited\n"
        f"limited.run(['sh', '-c', 'echo $$ > {mark}; exec sleep 60'], 60, 'it')\n"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        while not (mark.exists() and mark.read_text().strip()):
            time.sleep(0.05)
        process.kill()
    child = int(mark.read_text())
    assert _ends(child)


def _ends(pid: int) -> bool:
    """Whether a process that was sent a signal goes, which may take the kernel a moment."""
    for _ in range(200):
        if not _running(pid):
            return True
        time.sleep(0.05)
    os.kill(pid, 9)
    return False


def _running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _alive(words: str) -> list[str]:
    """Commands that run with such words in them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if words in command:
            found.append(command)
    return found


def test_limits_that_are_none() -> None:
    for limit in (0, -1, "soon", True, float("nan")):
        with pytest.raises(tpe.TpeError, match=r"limit_s = .* is not legal: up to 86,400"):
            tpe.cosim("x.v", "x", "multiply", {}, limit_s=limit)  # type: ignore[arg-type]
