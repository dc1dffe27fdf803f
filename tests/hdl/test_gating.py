"""Operand isolation and clock gating: the same words in the same cycles, and less that switches."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tpe.array.base import ALWAYS, Handshake
from tpe.hdl import emit
from tpe.hdl.emit import widths
from tpe.hdl.simulate import cell_cosim
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS

MOSTLY_IDLE = Handshake(idle=0xFFF7_FFEF)

LEAN = {"negate": "row", "biased": "on", "hold": "zero"}
INNER = {"planes": "inner", "window": 1, "overlap": "stream", "depth": 8}
ENGINES: list[tuple[str, str, tuple[int, ...], dict[str, Any]]] = [
    ("mac", "os", (2, 3), {"gating": "clock"}),
    ("mac", "os", (3, 2), {"gating": "isolate"}),
    ("mac", "matrix2d", (2, 2), {"gating": "clock", "stages": 2}),
    ("mac", "matrix2d", (2, 2), {"gating": "clock", "stages": 3}),
    ("mac", "ws", (2, 2), {"gating": "clock", "stages": 3}),
    ("mac", "ws", (3, 2), {"gating": "isolate", "overlap": "load"}),
    ("opt1", "cube3d", (2, 2, 2), {"gating": "clock"}),
    ("opt4c", "matrix2d", (2, 3), {"gating": "clock", "depth": 8}),
    ("opt4c", "matrix2d", (3, 2), {"gating": "isolate", "depth": 8}),
    ("opt2", "matrix2d", (2, 2), {"gating": "clock", "bw": "time"}),
    ("opt2", "os", (2, 2), {"gating": "isolate"}),
    ("opt3", "matrix2d", (2, 2), {"gating": "clock", "depth": 8}),
    ("opt4e", "matrix2d", (2, 2), {"gating": "clock", "depth": 32}),
    ("stripes", "matrix2d", (2, 2), {"gating": "clock", "lanes": 3}),
    ("stripes", "matrix2d", (1, 2), {"gating": "isolate", "lanes": 2}),
    ("laconic", "matrix2d", (2, 2), {"gating": "clock", "lanes": 3}),
    ("laconic", "matrix2d", (2, 1), {"gating": "isolate", "lanes": 2, "encoder": "ent"}),
    ("bitlet", "matrix2d", (2, 2), {"gating": "clock", "lanes": 3}),
    ("bitlet", "matrix2d", (2, 2), {"gating": "isolate", "lanes": 4}),
    # Cells without an enable, whose row would stop their clock, in tiles that follow each other.
    ("mac", "matrix2d", (2, 2), {"gating": "clock", "hold": "zero", "overlap": "stream"}),
    ("mac", "os", (2, 2), {"gating": "clock", **LEAN, "stages": 2, "overlap": "stream"}),
    ("opt1", "ws", (2, 2), {"gating": "clock", "hold": "zero", "overlap": "stream"}),
    ("opt2", "matrix2d", (2, 2), {"gating": "isolate", "hold": "zero", "overlap": "stream"}),
    ("opt4c", "matrix2d", (2, 2), {"gating": "clock", "hold": "zero", "depth": 8}),
    ("opt4c", "matrix2d", (2, 2), {"gating": "clock", "hold": "zero", **INNER}),
    ("opt4c", "matrix2d", (2, 2), {"gating": "clock", "hold": "zero", **INNER, "front_stages": 2}),
]


def made(gating: str, pe: str, array: str, size: tuple[int, ...], params: Any) -> tpe.Engine:
    return tpe.Engine(pe, array, size, **{**params, "gating": gating})


def test_values_and_cycles_are_those_of_the_ungated_engine():
    cases = []
    for i, (pe, array, size, params) in enumerate(ENGINES):
        engine = tpe.Engine(pe, array, size, **params)
        plain = made("none", pe, array, size, params)
        rng = np.random.default_rng(i)
        for k in (1, 6, 17):
            for hand in (ALWAYS, STALLS, MOSTLY_IDLE, Handshake(busy=0x7FFF_FFFE)):
                a = rng.integers(-128, 128, (engine.grid.m + 1, k))
                b = rng.integers(-128, 128, (k, engine.grid.n + 1))
                a[rng.random(a.shape) < 0.3] = -128
                assert (engine.run(a, b).C == a @ b).all()
                assert (
                    engine.run(a, b, handshake=hand).cycles
                    == plain.run(a, b, handshake=hand).cycles
                )
                cases.append(Case(engine, a, b, hand))
    outcomes = cosimulate(cases)
    assert [o.case.engine.params for o in outcomes if not o.ok] == []
    assert len(outcomes) == 12 * len(ENGINES)


def test_a_gate_behind_a_closed_one_is_seen(monkeypatch):
    plain = widths.rtl_widths
    monkeypatch.setattr(widths, "array_hold", lambda engine: plain(engine)["Hold"])
    e = tpe.Engine("mac", "matrix2d", (2, 2), gating="clock", hold="zero", overlap="stream")
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (9, 6)), rng.integers(-128, 128, (6, 7))
    assert not cosimulate([Case(e, a, b, Handshake(busy=0x5555_5555))])[0].ok


def random_steps(count: int, seed: int) -> cell_cosim.CellStimulus:
    """Operands that change in every cycle, a step in one of three, now and then no enable."""
    rng = np.random.default_rng(seed)
    valid = (rng.random(count) < 0.33).astype(np.int64)
    en = (rng.random(count) < 0.9).astype(np.int64)
    valid[0] = en[0] = 1
    first = (rng.random(count) < 0.05).astype(np.int64)
    first[0] = 1
    a, b = rng.integers(-128, 128, (2, count))
    return cell_cosim.CellStimulus(first, a, b, np.zeros(count, np.int64), en, valid)


@pytest.mark.parametrize("gating", ["isolate", "clock"])
def test_a_gated_cell_takes_random_steps_among_garbage(gating):
    engine = tpe.Engine("mac", "matrix2d", (1, 1), stages=3, gating=gating)
    steps = random_steps(5000, 1)
    taken = np.flatnonzero(steps.en & steps.valid)
    shown, model = cell_cosim.rtl_steps(engine, steps), cell_cosim.model_steps(engine, steps)
    assert len(taken) > 1000
    assert (shown[taken] == model[taken]).all()


# ---- what switches ----


def changes(file: Path, scope: str) -> Counter[str]:
    """Bits that change in a VCD, by signal, below scopes that match; each net once."""
    names: dict[str, str] = {}
    inside: list[str] = []
    values: dict[str, str] = {}
    count: Counter[str] = Counter()
    pattern = re.compile(scope)
    for line in file.read_text().splitlines():
        if line.lstrip().startswith("$scope"):
            inside.append(line.split()[2])
        elif line.lstrip().startswith("$upscope"):
            inside.pop()
        elif line.lstrip().startswith("$var"):
            code, name = line.split()[3:5]
            if pattern.search(".".join(inside)) and code not in names:
                names[code] = name
        elif line[:1] in ("b", "0", "1"):
            value, code = line[1:].split() if line[0] == "b" else (line[0], line[1:])
            if code not in names:
                continue
            value = value.zfill(256)
            if code in values:
                flips = sum(x != y for x, y in zip(values[code], value, strict=True))
                count[names[code]] += flips
            values[code] = value
    assert names, f"no signal below {scope}"
    return count


def switched(gating: str, folder: Path) -> Counter[str]:
    """What switches in the cells of an engine whose source is idle in 15 of 16 cycles."""
    engine = tpe.Engine("mac", "os", (2, 2), gating=gating)
    rng = np.random.default_rng(9)
    a, b = rng.integers(-128, 128, (4, 24)), rng.integers(-128, 128, (24, 4))
    file = folder / f"{gating}.vcd"
    (outcome,) = cosimulate([Case(engine, a, b, MOSTLY_IDLE)], file)
    assert outcome.ok
    return changes(file, r"u_cell\.u_cell")


def test_a_gated_clock_runs_for_steps_alone(tmp_path):
    plain, clock = (switched(gating, tmp_path) for gating in ("none", "clock"))
    engine = tpe.Engine("mac", "os", (2, 2))
    steps = 4 * 24 * 4  # products of a 4 x 24 x 4 GEMM, one step each
    assert engine.run(np.ones((4, 24), int), np.ones((24, 4), int)).firings["accumulate"] == steps
    # Up and down once per step in its cell; ungated, one net runs in every cycle to all four.
    assert clock["clk_i"] == 2 * steps
    print(f"clock edges at the cells: {4 * plain['clk_i']}, gated {clock['clk_i']}")
    assert 4 * plain["clk_i"] > 8 * clock["clk_i"]
    assert clock["psum_i"] == plain["psum_i"] > 0


def test_isolation_costs_where_operands_hold_still_between_steps(tmp_path):
    # The bench's source keeps the next operands on its ports while it is idle.
    plain, isolated = (switched(gating, tmp_path) for gating in ("none", "isolate"))
    print(f"operand bits: {plain['code_i']} as they come, {isolated['code_i']} isolated")
    assert isolated["code_i"] > plain["code_i"]
    assert plain["psum_i"] == isolated["psum_i"] > 0


def cell_toggles(gating: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What switches in a cell whose operands change in every cycle, a step in one of three."""
    engine = tpe.Engine("mac", "matrix2d", (1, 1), gating=gating)
    file = tmp_path / f"cell_{gating}.vcd"
    traced, plain = cell_cosim.design, cell_cosim.simulate

    def design(e: tpe.Engine) -> Any:
        from dataclasses import replace

        return replace(traced(e), flags=("--trace", "--trace-structs"))

    with monkeypatch.context() as patch:
        patch.setattr(cell_cosim, "design", design)
        patch.setattr(cell_cosim, "WORDS", 4096)
        patch.setattr(cell_cosim, "simulate", lambda *x: plain(*x, file))
        cell_cosim.rtl_steps(engine, random_steps(2000, 3))
    return changes(file, r"u_cell\.u_cell")


def test_isolated_operands_switch_less_where_a_bus_carries_other_things(tmp_path, monkeypatch):
    plain = cell_toggles("none", tmp_path, monkeypatch)
    isolated = cell_toggles("isolate", tmp_path, monkeypatch)
    for signal in ("code_i", "b_i", "sum[0]", "carry[0]"):
        assert 0 < isolated[signal] < 0.8 * plain[signal], signal
    total = sum(plain.values()), sum(isolated.values())
    print(f"bits that change in the cell: {total[0]} as they come, {total[1]} isolated")
    assert total[1] < 0.8 * total[0]
    assert plain["psum_i"] == isolated["psum_i"] > 0


@pytest.mark.parametrize("gating", ["isolate", "clock"])
@pytest.mark.parametrize("pe", ["mac", "opt1", "opt4c", "stripes", "laconic", "bitlet"])
def test_gated_cells_lint_and_have_no_latch_of_their_own(pe, gating):
    engine = tpe.Engine(pe, "matrix2d", (2, 2), gating=gating)
    modules = emit.engine_modules(engine)
    assert lint(modules, "tpe_engine") == ""
    assert ("tpe_clock_gate" in modules["tpe_cell"]) == (gating == "clock")
    assert "latch" not in modules.get("tpe_clock_gate", "").split("module tpe_clock_gate")[-1]
