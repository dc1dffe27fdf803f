"""Emitted directories: what is in them, that outsiders' tools take them, and the committed ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tpe
from tpe.hdl.package import emit_directory
from tpe.hdl.package_files.folder import leaves_first
from tpe.hdl.sources import port_names
from tpe.hdl.toolchain import has_fst_headers, verilator
from tpe.hdl.verify import verify
from tpe.rendering import render

GEN = Path(__file__).parents[1] / "rtl" / "gen"
COMMITTED = {
    "opt1_os_4x4": ("opt1", "systolic_os", (4, 4)),
    "opt4c_2d_4x4": ("opt4c", "matrix2d", (4, 4)),
}


def verilate(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    tool = verilator()
    command = [tool.executable, "--lint-only", "-Wall", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=tool.environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_configurations_are_what_emit_writes(name, tmp_path):
    emit_directory(tpe.Engine(*COMMITTED[name]), tmp_path / name, name)
    if os.environ.get("TPE_UPDATE_GOLDEN"):
        shutil.rmtree(GEN / name, ignore_errors=True)
        shutil.copytree(tmp_path / name, GEN / name)
    made = {path.name: path.read_text() for path in (tmp_path / name).iterdir()}
    assert made == {path.name: path.read_text() for path in (GEN / name).iterdir()}


def test_the_file_list_alone_lints(tmp_path):
    emit_directory(tpe.Engine("opt4c", "matrix2d", (3, 2)), tmp_path / "e", "mine")
    done = verilate("-f", "mine.f", "--top-module", "mine", cwd=tmp_path / "e")
    assert (done.returncode, done.stderr) == (0, "")
    order = (tmp_path / "e" / "mine.f").read_text().split()
    assert order[-1] == "mine.sv"
    assert len(set(order)) == len(order)


def test_two_engines_fit_one_design(tmp_path):
    emit_directory(tpe.Engine("opt1", "os", (2, 2)), tmp_path / "a", "left")
    emit_directory(tpe.Engine("opt1", "os", (2, 2), encoder="ent"), tmp_path / "b", "right")
    top = "module both;\n  left u_left ();\n  right u_right ();\nendmodule\n"
    (tmp_path / "both.sv").write_text(top)
    files = [
        f"{d}/{name}"
        for d, p in (("a", "left"), ("b", "right"))
        for name in (tmp_path / d / f"{p}.f").read_text().split()
    ]
    done = verilate("-Wno-PINMISSING", "both.sv", *files, "--top-module", "both", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


YOSYS = """
from pyosys import libyosys as ys
design = ys.Design()
for command in {commands!r}:
    ys.run_pass(command, design)
"""


@pytest.mark.parametrize(
    "engine",
    [
        ("mac", "matrix2d", {"stages": 3}),
        ("mac", "os", {"a_type": "int3", "acc_bits": 40}),
        ("opt1", "os", {}),
        ("opt1", "matrix2d", {"a_type": "uint8", "zero_points": "offset"}),
        ("opt4c", "matrix2d", {"depth": 64}),
        ("opt4c", "matrix2d", {"depth": 8, "b_type": "uint5", "zero_points": "subtract"}),
    ],
    ids=lambda e: f"{e[0]}-{e[1]}",
)
def test_yosys_takes_it_and_finds_no_latch(engine, tmp_path):
    pe, array, parameters = engine
    emit_directory(tpe.Engine(pe, array, (2, 2), **parameters), tmp_path / "e", "mine")
    files = (tmp_path / "e" / "mine.f").read_text().split()
    commands = [f"read_verilog -sv {tmp_path / 'e' / name}" for name in files]
    commands += ["hierarchy -check -top mine", "proc", "check -assert", "memory -nomap"]
    commands += ["select -assert-none t:$dlatch t:$dlatchsr", "select -assert-min 1 t:$adff"]
    done = subprocess.run(
        [sys.executable, "-c", YOSYS.format(commands=commands)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


LIBERTY = """library (l) {
  input_threshold_pct_rise : 50; output_threshold_pct_rise : 50; slew_lower_threshold_pct_rise : 20;
  input_threshold_pct_fall : 50; output_threshold_pct_fall : 50; slew_lower_threshold_pct_fall : 20;
  slew_upper_threshold_pct_rise : 80; slew_upper_threshold_pct_fall : 80;
  cell (b) { area : 1;
  pin (A) { direction : input; capacitance : 1; }
  pin (Y) { direction : output; function : "A"; timing () { related_pin : "A"; } } } }
"""


def test_opensta_takes_the_constraints(tmp_path):
    if shutil.which("sta") is None:
        pytest.skip("OpenSTA needs Debian's opensta")
    emit_directory(tpe.Engine("opt4c", "matrix2d", (2, 2)), tmp_path / "e", "mine")
    names = port_names((tmp_path / "e" / "mine.sv").read_text())
    scalars = {"clk_i", "rst_ni", "b_valid_i", "b_ready_o", "c_valid_o", "c_ready_i"}
    widths = {name: "" if name in scalars else "[1:0] " for name in names}
    kinds = {name: "output" if name.endswith("_o") else "input" for name in names}
    lines = [f"{kinds[name]} {widths[name]}{name};" for name in names]
    netlist = [f"module mine ({', '.join(names)});", *lines, "endmodule", ""]
    (tmp_path / "mine.v").write_text("\n".join(netlist))
    (tmp_path / "l.lib").write_text(LIBERTY)
    script = "read_liberty l.lib\nread_verilog mine.v\nlink_design mine\nsource e/mine.sdc\n"
    (tmp_path / "run.tcl").write_text(script + "puts done\nexit\n")
    done = subprocess.run(
        ["sta", "-exit", "run.tcl"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    printed = done.stdout + done.stderr
    assert "done" in printed
    assert "Error" not in printed and "Warning" not in printed, printed


def test_headers_carry_the_nest_and_the_core_names_every_file(tmp_path):
    engine = tpe.Engine("opt1", "os", (2, 2))
    files = emit_directory(engine, tmp_path / "e", "mine", clock_ns=1.25)
    top = (tmp_path / "e" / "mine.sv").read_text()
    assert all(f"// {line}\n" in top for line in render(engine.nest).splitlines())
    core = (tmp_path / "e" / "mine.core").read_text()
    assert all(path.name in core for path in files if path.suffix == ".sv")
    assert "-period 1.25" in (tmp_path / "e" / "mine.sdc").read_text()


@pytest.mark.parametrize("bad", ["full", "file", "missing/parent/file"])
def test_a_folder_that_cannot_be_written_is_refused_and_left_alone(bad, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "missing").write_text("a file where a folder should be")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(tpe.TpeError):
        emit_directory(tpe.Engine("mac", "os", (1, 1)), tmp_path / bad)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("prefix", ["1st", "a-b", "a b", "é", "module", "logic"])
def test_prefixes_that_are_no_identifiers_are_refused(prefix, tmp_path):
    with pytest.raises(tpe.TpeError, match="prefix"):
        emit_directory(tpe.Engine("mac", "os", (1, 1)), tmp_path / "e", prefix)


def test_leaves_come_first():
    modules = {"top": "  mid u_mid (\n", "mid": "  leaf #(\n", "leaf": ""}
    assert leaves_first(modules, "top") == ["leaf", "mid", "top"]


@pytest.mark.parametrize("ending", ["fst", "vcd"])
def test_waves_are_left(ending, tmp_path):
    if ending == "fst" and not has_fst_headers():
        pytest.skip("FST needs Debian's zlib1g-dev and liblz4-dev")
    file = tmp_path / f"w.{ending}"
    report = verify(tpe.Engine("opt1", "os", (1, 1)), "gemm:2x2x3", waves=file)
    assert report.ok
    content = file.read_bytes()
    assert len(content) > 200
    assert ending == "fst" or b"$var" in content


def test_waves_that_cannot_be_left_are_refused(tmp_path):
    engine = tpe.Engine("opt1", "os", (1, 1))
    with pytest.raises(tpe.TpeError, match=r"legal: \.fst, \.vcd"):
        verify(engine, waves=tmp_path / "w.txt")
    with pytest.raises(tpe.TpeError, match="cannot write"):
        verify(engine, waves=tmp_path / "none" / "w.vcd")


def test_the_sources_keep_to_a_hundred_columns():
    root = GEN.parents[1]
    files = [
        p
        for folder in ("rtl", "sim")
        for p in (root / folder).rglob("*.sv")
        if GEN not in p.parents
    ]
    assert len(files) > 30
    assert not [p for p in files if any(len(x) > 100 for x in p.read_text().splitlines())]
