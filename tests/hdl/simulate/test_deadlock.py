"""A run that does not end is ended by its bench, which tells what waits for what since when."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tpe.array.base import Handshake
from tpe.cli.main import app
from tpe.hdl.simulate import cell_cosim, cosim, vectors
from tpe.hdl.simulate.build import QUICK, Design, build
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case, cycle_limit
from tpe.hdl.simulate.verify import STALLS

ENGINE = tpe.Engine("mac", "matrix2d", (2, 2), overflow="wrap")
# Module, text, what stands there instead: the engine takes no third beat; no word of C leaves.
STARVES = ("tpe_matrix2d", "= stream && en && b_valid_i;", "= stream && en && b_valid_i && row;")
SILENT = ("tpe_drain", "assign c_valid_o = ", "assign c_valid_o = 1'b0 && ")


def broken(design: Design, module: str, right: str, wrong: str) -> Design:
    """A design with one text of one of its modules exchanged."""
    name = next(m for m in design.sources if m.endswith(module.removeprefix("tpe")))
    assert design.sources[name].count(right) == 1
    text = design.sources[name].replace(right, wrong)
    return replace(design, sources={**design.sources, name: text}, compiler=QUICK)


@pytest.fixture
def hanging(monkeypatch):
    """Makes every simulator of cosim one whose engine never ends."""
    monkeypatch.setattr(cosim, "build", lambda design: build(broken(design, *SILENT)))


def operands(m, n, k):
    rng = np.random.default_rng(k)
    return rng.integers(-128, 128, (m, k)), rng.integers(-128, 128, (k, n))


def test_the_limit_follows_the_model_stalls_included():
    assert cycle_limit(10) == 1020
    case = Case(ENGINE, *operands(4, 4, 50), Handshake(idle=0x7FFF_FFFF, busy=0x7FFF_FFFF))
    slow = case.run().cycles
    assert slow > 32 * 50
    assert cycle_limit(slow) > 2 * slow


def test_the_report_names_the_handshake_and_the_cycle(hanging):
    cases = [Case(ENGINE, *operands(4, 4, 9)), Case(ENGINE, *operands(3, 2, 5), STALLS)]
    first, second = cosimulate(cases)
    assert not first.ok and not second.ok
    limit = cycle_limit(cases[0].run().cycles)
    head, a, b, c = first.deadlock.split("; ")
    assert head == f"no end after {limit} cycles, 0 of 8 words of C"
    assert a == "a[0] valid 1, ready 0, unmoved since cycle 9, 9 beats taken"
    assert b == "b valid 1, ready 0, unmoved since cycle 9, 9 beats taken"
    assert c == "c valid 0, ready 1, unmoved since cycle 0, 0 words taken"
    assert second.deadlock.startswith("no end after ") and "0 of 4 words" in second.deadlock
    assert first.first_mismatch() == f"deadlock: {first.deadlock}"


def test_the_command_ends_tells_it_and_leaves_the_waves(hanging, tmp_path):
    words = ["verify", "--pe", "mac", "--array", "matrix2d", "--size", "2x2"]
    words += ["--workload", "gemm:3x2x5", "--waves", str(tmp_path / "w.vcd")]
    result = CliRunner().invoke(app, [*words, "--json", str(tmp_path / "r.json")])
    assert result.exit_code == 1
    assert "1 GEMMs do not end; the first is number 0, 3 x 2 x 5, always ready:" in result.stdout
    assert "a[0] valid 1, ready 0, unmoved since cycle 5, 5 beats taken" in result.stdout
    assert '"deadlock": "no end after' in (tmp_path / "r.json").read_text()
    stamps = [int(x[1:]) for x in (tmp_path / "w.vcd").read_text().splitlines() if x[:1] == "#"]
    assert stamps[-1] >= 2 * 1000  # two time units a cycle, to the end
    assert (tmp_path / "w.vcd").read_bytes().endswith(b"\n")


def test_a_cell_that_never_is_ready(monkeypatch):
    e = tpe.Engine("stripes", "matrix2d", (1, 1), lanes=1)
    a = np.arange(-4, 4)
    steps, _ = cell_cosim.steps_of_pairs(e, a, a)
    right, wrong = "ready_o = last || (!start_i", "ready_o = !start_i && (start_i"
    fault = ("tpe_pe_stripes", right, wrong)
    monkeypatch.setattr(cell_cosim, "build", lambda design: build(broken(design, *fault)))
    with pytest.raises(RuntimeError, match=r"cell of stripes hangs: no end .*step 0 of .*ready 0"):
        cell_cosim.rtl_steps(e, steps)


def test_the_bench_that_stands_alone_tells_it_too(tmp_path):
    vectors.vectors(ENGINE, tmp_path / "v", "gemm:3x2x5", prefix="v")
    sources = {path.stem: path.read_text() for path in (tmp_path / "v").glob("*.sv")}
    design = broken(Design(sources, "v_tb", cocotb=False), *STARVES)
    home = build(design)
    done = subprocess.run(
        [home / "v_tb"], cwd=tmp_path / "v", capture_output=True, text=True, check=False
    )
    printed = done.stdout + done.stderr
    assert done.returncode != 0 and "FAIL: v hangs" in printed
    assert "a[0] valid 1, ready 0, unmoved since cycle 0" in printed
    assert "case 0: no end after " in printed and "0 of 4 words of C" in printed


def test_flags_are_compared_with_every_word(monkeypatch):
    """A flag that rises with a word that still waits is seen, though it is right in the end."""
    e = tpe.Engine("mac", "matrix2d", (2, 2), overflow="flag", acc_bits=16)
    a, b = np.ones((6, 3), int), np.ones((3, 2), int)
    a[1], b[:] = 127, 127  # the second word of the first tile
    cases = [Case(e, a, b, Handshake(busy=0x7FFF_FFFE)), Case(e, a, b)]
    assert all(outcome.ok for outcome in cosimulate(cases))
    fault = ("tpe_post", "if (take_o && |over)", "if (valid_i && |over)")
    monkeypatch.setattr(cosim, "build", lambda design: build(broken(design, *fault)))
    waited, free = cosimulate(cases)
    assert waited.overflow_rtl == waited.overflow_model and waited.mismatches == 0
    assert waited.flags_wrong > 0 and not waited.ok
    assert "overflow flag wrong" in waited.first_mismatch() and free.ok


def test_no_file_is_left_where_the_command_ran(hanging, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cosimulate([Case(ENGINE, *operands(2, 2, 3))])
    assert not list(Path().iterdir())
