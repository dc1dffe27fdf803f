"""What tests of emitted RTL share: it agrees with the model, is clean, and can be broken."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tpe.hdl.simulate import cell_cosim
from tpe.hdl.simulate.build import QUICK, Design, build
from tpe.hdl.simulate.cosim import Outcome, bench_design, cosimulate
from tpe.hdl.simulate.images import Case
from tpe.model.engine import Engine

YOSYS = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
for path in sys.argv[2:]:
    ys.run_pass(f"read_verilog -sv -defer {path}", design)
ys.run_pass(f"hierarchy -check -top {sys.argv[1]}", design)
ys.run_pass("proc", design)
ys.run_pass("select -assert-none t:$dlatch t:$adlatch t:$_DLATCH_*", design)
ys.run_pass("check -assert", design)
"""


def assert_all_agree(cases: Sequence[Case]) -> Sequence[Outcome]:
    """Every output and every cycle count of the RTL is the model's."""
    outcomes = cosimulate(list(cases))
    wrong = [
        f"{o.case.engine.name} {o.case.engine.params} {o.case.a.shape} {o.case.b.shape} "
        f"{o.case.handshake}: {o.mismatches} mismatches {o.first_mismatch()}, "
        f"cycles {o.cycles_rtl} in RTL, {o.cycles_model} in the model"
        for o in outcomes
        if not o.ok
    ]
    assert not wrong, "\n".join(wrong[:20])
    assert len(outcomes) == len(cases) > 0
    return outcomes


def assert_no_latch(modules: Mapping[str, str], top: str, folder: Path) -> None:
    """Yosys reads the modules, and finds nothing to complain of."""
    for name, text in modules.items():
        (folder / f"{name}.sv").write_text(text)
    files = [str(folder / f"{name}.sv") for name in modules]
    done = subprocess.run(
        [sys.executable, "-c", YOSYS, top, *files],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def break_module(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, module: str, right: str, wrong: str
) -> None:
    """From now on the engine's bench is built with one text of one module exchanged."""
    design = bench_design([engine])
    name = next(m for m in design.sources if m.endswith(module.removeprefix("tpe")))
    text = design.sources[name]
    assert text.count(right) == 1
    broken = replace(design, sources={**design.sources, name: text.replace(right, wrong)})
    build_instead(monkeypatch, broken)


def break_cell(monkeypatch: pytest.MonkeyPatch, module: str, right: str, wrong: str) -> None:
    """From now on the benches of cells are built with one text of one module exchanged."""
    whole = cell_cosim.design

    def faulty(engine: Engine) -> Design:
        made = whole(engine)
        assert made.sources[module].count(right) == 1
        text = made.sources[module].replace(right, wrong)
        return replace(made, sources={**made.sources, module: text}, compiler=QUICK)

    monkeypatch.setattr(cell_cosim, "design", faulty)


def build_instead(monkeypatch: pytest.MonkeyPatch, broken: Design) -> None:
    """From now on the benches of cosimulations are built from this design, as quickly as theirs."""
    monkeypatch.setattr(
        "tpe.hdl.simulate.cosim.build",
        lambda design: build(replace(broken, compiler=design.compiler)),
    )
