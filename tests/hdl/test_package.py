"""Emitted directories: what is in them, that outsiders' tools take them, and the committed ones."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tpe
from tpe.hdl.emit.package import emit_directory
from tpe.hdl.emit.package_files.folder import leaves_first
from tpe.hdl.emit.package_files.smoke import smoke_cases
from tpe.hdl.simulate.build import CONFIGURED, QUICK, Design, build
from tpe.hdl.simulate.images import counts
from tpe.hdl.simulate.toolchain import has_fst_headers, verilator
from tpe.hdl.simulate.verify import verify
from tpe.nest.render import render

TPE130 = Path(tpe.__file__).parent / "technology" / "data" / "tpe130.lib"


def verilate(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    tool = verilator()
    command = [tool.executable, "--lint-only", "-Wall", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=tool.environment, capture_output=True, text=True, check=False
    )


def test_the_file_list_alone_lints(tmp_path):
    emit_directory(tpe.Engine("opt4c", "matrix2d", (3, 2)), tmp_path / "e", "mine")
    done = verilate("-f", "mine.f", "--top-module", "mine", cwd=tmp_path / "e")
    assert (done.returncode, done.stderr) == (0, "")
    order = (tmp_path / "e" / "mine.f").read_text().split()
    assert order[-1] == "mine.sv"
    assert len(set(order)) == len(order)


SLANG = """
import sys
from pyslang.driver import Driver
driver = Driver()
driver.addStandardArgs()
fine = driver.parseCommandLine(" ".join(["slang", *sys.argv[1:]]))
fine = fine and driver.processOptions() and driver.parseAllSources()
driver.reportCompilation(driver.createCompilation(), False)
"""


def slang(folder: Path, *arguments: str) -> list[str]:
    """What slang says of sources in a folder, a line for each diagnostic."""
    command = [sys.executable, "-c", SLANG, "-Wextra", "-Wno-unused", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = done.stdout + done.stderr
    assert "Top level design units:" in printed, printed
    return [x for x in printed.splitlines() if ": error:" in x or ": warning:" in x]


KINDS: list[tuple[str, str, tuple[int, ...], dict[str, Any]]] = [
    ("mac", "os", (3, 2), {}),
    ("opt4c", "matrix2d", (3, 2), {"depth": 16, "c0": "on", "requant": "column", "relu": "on"}),
    ("opt4e", "matrix2d", (2, 2), {"depth": 32, "drift": 2, "zero_points": "subtract"}),
    ("mac", "ws", (2, 3), {"encode": "weights", "a_type": "uint8", "zero_points": "offset"}),
    ("mac", "ws", (2, 3), {"overlap": "stream", "c0": "on", "psum_depth": 2}),
    ("mac", "os", (3, 2), {"overlap": "stream", "bias": "on"}),
    ("mac", "ws", (2, 2), {"sparsity": "2:4", "a_type": "uint8"}),
    ("opt2", "cube3d", (2, 2, 3), {"a_type": "int3", "overflow": "saturate", "bias": "on"}),
]
kinds = pytest.mark.parametrize(("pe", "array", "size", "params"), KINDS, ids=lambda x: str(x))


@kinds
def test_every_list_lints_and_slang_takes_what_stands_beside_the_rtl(
    pe, array, size, params, tmp_path
):
    home = tmp_path / "e"
    emit_directory(tpe.Engine(pe, array, size, **params), home, "mine")
    done = verilate("-f", "mine.f", "-f", "mine_axis.f", "--top-module", "mine_axis", cwd=home)
    assert (done.returncode, done.stderr) == (0, "")
    beside = ("mine_axis.sv", "mine_sva.sv", "mine_smoke.sv")
    for lists, top in ((("_axis",), "mine_axis"), (("_sva", "_smoke"), "mine_smoke")):
        named = [word for name in lists for word in ("-f", f"mine{name}.f")]
        said = slang(home, "-f", "mine.f", *named, "--top", top)
        assert [line for line in said if line.startswith(beside)] == []


def smoke(home: Path, asserts: bool = True) -> subprocess.CompletedProcess[str]:
    """What the smoke bench of an emitted directory prints."""
    lists = ["mine.f", "mine_smoke.f", *(["mine_sva.f"] if asserts else [])]
    names = [name for file in lists for name in (home / file).read_text().split()]
    texts = {name.removesuffix(".sv"): (home / name).read_text() for name in names}
    built = build(Design(texts, "mine_smoke", ("--assert",) if asserts else (), False, QUICK))
    program = built / "mine_smoke"
    return subprocess.run([program], cwd=home, env={}, capture_output=True, text=True, check=False)


def test_the_smoke_bench_builds_as_the_readme_says(tmp_path):
    home = tmp_path / "e"
    emit_directory(tpe.Engine("mac", "os", (1, 2)), home, "mine")
    command = "verilator --binary --timing -f mine.f -f mine_smoke.f --top-module mine_smoke"
    readme = (home / "README.md").read_text()
    assert f"\n{command}\n./obj_dir/Vmine_smoke" in readme
    environment = {**verilator().environment, "MAKEFLAGS": " ".join(CONFIGURED)}
    assert f'export MAKEFLAGS="{environment["MAKEFLAGS"]}"' in readme
    words = [verilator().executable, *command.split()[1:]]
    done = subprocess.run(
        words, cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stderr
    program = home / "obj_dir" / "Vmine_smoke"
    done = subprocess.run([program], env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("PASS: ")


@kinds
def test_the_smoke_bench_passes_with_the_properties_bound(pe, array, size, params, tmp_path):
    engine = tpe.Engine(pe, array, size, **params)
    emit_directory(engine, tmp_path / "e", "mine")
    done = smoke(tmp_path / "e")
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = sum(counts(case).c for case in smoke_cases(engine)) * engine.grid.n
    assert f"PASS: {outputs} outputs and the cycles of 2 cases" in done.stdout


@pytest.mark.parametrize(
    ("file", "right", "wrong", "says"),
    [
        # C is never offered: the bench names who waits.
        ("mine_drain.sv", "assign c_valid_o = c_valid_q;", "assign c_valid_o = 1'b0;", "hangs"),
        ("mine_smoke.sv", "c_mem[0] = 64'h0", "c_mem[0] = 64'h1", "outputs wrong"),
        ("mine_tile_ctrl.sv", "CountWidth'(FlushCycles - 1)", "CountWidth'(FlushCycles)", "cycles"),
    ],
    ids=lambda x: None if " " in x else x,
)
def test_the_smoke_bench_ends_and_says_what_is_wrong(file, right, wrong, says, tmp_path):
    emit_directory(tpe.Engine("mac", "os", (3, 2)), tmp_path / "e", "mine")
    text = (tmp_path / "e" / file).read_text()
    assert right in text
    (tmp_path / "e" / file).write_text(text.replace(right, wrong, 1))
    done = smoke(tmp_path / "e", asserts=False)
    printed = done.stdout + done.stderr
    assert done.returncode != 0 and "FAIL" in printed and "PASS" not in printed
    assert says in printed
    if says == "hangs":
        assert "0 of 3 words of C" in printed
        assert "a[0] valid 0, ready 0, unmoved since cycle 3" in printed
        assert "c valid 0, ready 1, unmoved since cycle 0" in printed


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
        ("mac", "os", {"overlap": "stream"}),
        ("opt1", "matrix2d", {"overlap": "drain"}),
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


MAPPING = """
read_verilog -sv {files}
synth -flatten -top mine
dfflibmap -liberty {liberty}
abc -liberty {liberty}
opt_clean -purge
write_verilog -noattr mapped.v
"""
CHECKS = """
{before}
read_liberty {liberty}
read_verilog mapped.v
link_design mine
source e/mine.sdc
puts "UNSET [check_setup -verbose -no_input_delay -no_output_delay -unconstrained_endpoints]"
report_checks -from rst_ni -path_delay max -digits 4
report_checks -from rst_ni -path_delay min -digits 4
report_checks -from a_valid_i -path_delay max -digits 4
report_checks -to c_valid_o -path_delay max -digits 4 -fields {{capacitance slew}}
puts DONE
exit
"""


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """A folder with an emitted engine and its netlist of the open library's cells."""
    if shutil.which("sta") is None:
        pytest.skip("OpenSTA needs Debian's opensta")
    home = tmp_path_factory.mktemp("mapped")
    engine = tpe.Engine("mac", "os", (1, 1), a_type="int4", b_type="int4", acc_bits=16)
    emit_directory(engine, home / "e", "mine", clock_ns=5.0)
    files = " ".join(f"e/{name}" for name in (home / "e" / "mine.f").read_text().split())
    commands = MAPPING.format(files=files, liberty=TPE130).strip().splitlines()
    done = subprocess.run(
        [sys.executable, "-c", YOSYS.format(commands=commands)],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return home


def opensta(home: Path, before: str) -> str:
    (home / "run.tcl").write_text(CHECKS.format(before=before, liberty=TPE130))
    done = subprocess.run(
        ["sta", "-exit", "run.tcl"], cwd=home, capture_output=True, text=True, check=False
    )
    printed = done.stdout + done.stderr
    assert "DONE" in printed
    assert "Error" not in printed and "Warning" not in printed, printed
    return printed


def figures(printed: str, text: str) -> set[float]:
    """The increments that OpenSTA prints on lines with a text."""
    lines = [line.split() for line in printed.splitlines() if text in line]
    return {float(words[0]) for words in lines}


def test_opensta_takes_the_constraints_of_a_mapped_netlist(mapped):
    printed = opensta(mapped, "")
    assert "UNSET 1" in printed  # nothing without a delay, no endpoint without a constraint
    assert "recovery check against rising-edge clock clk" in printed
    assert "removal check against rising-edge clock clk" in printed
    assert figures(printed, "clock uncertainty") == {-0.25, 0.1}  # 5 % and 2 % of 5 ns
    assert figures(printed, "input external delay") == {1.0}
    assert figures(printed, "output external delay") == {-1.0}


def test_the_constraints_margins_are_the_users_to_set(mapped):
    own = {"period": 8, "setup": 0.5, "input": 2, "reset": 3, "output": 1.5, "load": 0.5}
    own["driver"] = "sky130_fd_sc_hd__inv_1"
    before = "\n".join(f"set mine_{name} {value}" for name, value in own.items())
    plain, printed = opensta(mapped, ""), opensta(mapped, before)
    assert figures(printed, "clock uncertainty") == {-0.5, 0.16}
    assert figures(printed, "input external delay") == {2.0, 3.0, 1.6}
    assert figures(printed, "output external delay") == {-1.5}
    assert "8.0000    8.0000   clock clk (rise edge)" in printed

    def arrival(text: str) -> float:  # at c_valid_o, which the load slows down
        path = text.split("Endpoint: c_valid_o")[1]
        return float(re.search(r"(\S+) +data arrival time", path)[1])

    assert arrival(printed) > arrival(plain) + 0.1


def test_headers_carry_the_nest_and_the_core_names_every_file(tmp_path):
    engine = tpe.Engine("opt1", "os", (2, 2))
    files = emit_directory(engine, tmp_path / "e", "mine", clock_ns=1.25)
    top = (tmp_path / "e" / "mine.sv").read_text()
    assert all(f"// {line}\n" in top for line in render(engine.nest).splitlines())
    core = (tmp_path / "e" / "mine.core").read_text()
    assert all(path.name in core for path in files if path.suffix == ".sv")
    assert re.search(r"^ +period +1.25$", (tmp_path / "e" / "mine.sdc").read_text(), re.M)


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
    root = Path(__file__).parents[2]
    files = [
        p
        for folder in ("rtl", "sim")
        for p in (root / folder).rglob("*.sv")
        if root / "rtl" / "gen" not in p.parents
    ]
    assert len(files) > 30
    assert not [p for p in files if any(len(x) > 100 for x in p.read_text().splitlines())]


TARGETS = {  # what FuseSoC's schema and Edalize's flows know of a target
    "description": str,
    "filesets": list,
    "toplevel": str,
    "flow": str,
    "flow_options": dict,
}
OPTIONS = {
    ("lint", "verilator"): {"verilator_options"},
    ("lint", "slang"): {"slang_tidy_options"},
    ("sim", "verilator"): {"mode", "verilator_options"},
}


@kinds
def test_the_core_is_of_capi_2(pe, array, size, params, tmp_path):
    yaml = pytest.importorskip("yaml")
    emit_directory(tpe.Engine(pe, array, size, **params), tmp_path / "e", "mine")
    text = (tmp_path / "e" / "mine.core").read_text()
    assert text.startswith("CAPI=2:\n")
    found = yaml.safe_load(text)
    assert found.keys() == {"CAPI=2", "name", "description", "filesets", "targets"}
    vendor, library, name, version = found["name"].split(":")
    assert (vendor, library, name) == ("tpe", "", "mine") and version == tpe.__version__
    for fileset in found["filesets"].values():
        assert fileset.keys() == {"files", "file_type"}
        assert fileset["file_type"] in ("systemVerilogSource", "SDC")
        assert all((tmp_path / "e" / file).is_file() for file in fileset["files"])
    lists = {"rtl": "mine.f", "axis": "mine_axis.f", "properties": "mine_sva.f"}
    for fileset, file in {**lists, "smoke": "mine_smoke.f"}.items():
        listed = (tmp_path / "e" / file).read_text().split()
        assert found["filesets"][fileset]["files"] == listed
    assert found["targets"].keys() == {
        "default",
        "lint",
        "lint_axis",
        "lint_slang",
        "sim",
        "sim_sva",
    }
    modules = {path.stem for path in (tmp_path / "e").glob("*.sv")}
    for name, target in found["targets"].items():
        assert all(isinstance(value, TARGETS[key]) for key, value in target.items())
        assert set(target["filesets"]) <= found["filesets"].keys()
        assert target["toplevel"] in modules
        assert ("properties" in target["filesets"]) == (name == "sim_sva")
        if name != "default":
            options = dict(target["flow_options"])
            assert options.keys() <= {"tool"} | OPTIONS[target["flow"], options["tool"]]
