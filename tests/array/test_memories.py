"""Memories of the arrays, read a cycle ahead: B by index, psums that return; where B comes from."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, build_instead
from tests.contract.combos import operands
from tpe.array.base import ALWAYS, Handshake
from tpe.base.errors import TpeError
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.formal.memory_lemmas import misread
from tpe.hdl.formal.prove import prove
from tpe.hdl.simulate.cosim import bench_design, cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.study.cost_file import Cost, CostTable
from tpe.study.price import price, users_price
from tpe.synth.area import synthesis
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import technology

NARROW = {"a_type": "int4", "b_type": "int4", "acc_bits": 16}
PORTED, LOAD, STREAM = {"b_supply": "ported"}, {"overlap": "load"}, {"overlap": "stream"}
SLOW_SINK = Handshake(0, 0x7FFF_FFFE)


def engine(
    pe: str = "opt4c", size: tuple[int, int] = (2, 2), array: str = "matrix2d", **parameters: Any
) -> tpe.Engine:
    """Narrow, with short passes."""
    depth = {"opt4c": 16, "opt3": 16, "opt4e": 32}
    short = {"depth": depth[pe]} if pe in depth else {"psum_depth": 3}
    return tpe.Engine(pe, array, size, **{**NARROW, **short, **parameters})


def shapes(e: tpe.Engine) -> list[Case]:
    """K of a group and of several passes, dense and sparse A, sources and sinks that hesitate."""
    cases = []
    for k in (1, 5, 33, 70):
        a, b = operands(e, e.rows + 2, e.cols + 1, k, seed=k)
        cases += [Case(e, a, b, h) for h in (ALWAYS, STALLS, SLOW_SINK)]
        a = a * (np.random.default_rng(k).random(a.shape) < 0.3)
        cases += [Case(e, a, b), Case(e, a, b, a_hold=0x0F0F_3355, b_hold=0x1248_F00F)]
    return cases


# ---- what is legal ----


def test_where_b_comes_from_follows_the_order_of_digits() -> None:
    found = [tpe.Engine("opt4c", planes=p).params["b_supply"] for p in ("lsb_first", "inner")]
    assert found == ["copies", "broadcast"]
    inner = tpe.Engine("opt4c", planes="inner")
    assert inner == tpe.Engine("opt4c", planes="inner", b_supply="broadcast")
    assert "b_supply" not in tpe.Engine("mac", "matrix2d").params


@pytest.mark.parametrize(
    ("pe", "chosen", "said"),
    [
        (
            "opt4c",
            {"planes": "inner", "b_supply": "copies"},
            "b_supply = 'copies' is not legal with planes = 'inner': .* legal: broadcast",
        ),
        (
            "opt4c",
            {"planes": "inner", "b_supply": "ported"},
            "b_supply = 'ported' is not legal with planes = 'inner': .* legal: broadcast",
        ),
        (
            "opt4c",
            {"planes": "msb_first", "b_supply": "broadcast"},
            "b_supply = 'broadcast' is not legal with planes = 'msb_first': .* legal: copies, p",
        ),
        ("opt4e", {"b_supply": "broadcast"}, "unknown b_supply 'broadcast'; legal: copies, ported"),
        ("mac", {"b_supply": "copies"}, "unknown parameter of mac in matrix2d 'b_supply'"),
    ],
)
def test_other_sources_of_b_are_refused(pe: str, chosen: dict[str, Any], said: str) -> None:
    with pytest.raises(TpeError, match=said) as error:
        tpe.Engine(pe, "matrix2d", (2, 2), **chosen)
    assert "\n" not in str(error.value)


def test_what_nobody_can_build_has_no_price() -> None:
    e, tech = engine(**PORTED), technology("tpe130")
    costs = CostTable((Cost("opt4c", 1.0, 100.0, None, None),), "a file")
    assert users_price(engine(), costs).options
    for priced in (
        lambda: price(e, tech, find_recipes("quick")),
        lambda: synthesis.compare([e], recipes="quick"),
        lambda: synthesis.compare([e], recipes="quick", array=True),
        lambda: users_price(e, costs),
    ):
        with pytest.raises(TpeError, match=r"b_supply = 'ported' has no price: .*; legal: copies"):
            priced()


# ---- what is built ----

COUNT = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
ys.run_pass(f"read_verilog -sv {' '.join(sys.argv[3:])}", design)
ys.run_pass(f"hierarchy -check -top {sys.argv[1]}", design)
for name in ("proc", "flatten", "memory_collect"):
    ys.run_pass(name, design)
ys.run_pass(f"select -assert-count {sys.argv[2]} t:$mem*", design)
"""


@pytest.mark.parametrize(
    ("e", "memories"),
    [
        (engine("opt4c", (3, 2)), 3 * 2),
        (engine("opt4e", (3, 2), **LOAD), 3 * 2 * 4),
        (engine("opt3", (3, 2), **PORTED), 2),
        (engine("opt4c", (3, 2), planes="inner"), 0),
        (engine("mac", (3, 2), "systolic_ws"), 2),
    ],
    ids=lambda x: x.name if isinstance(x, tpe.Engine) else str(x),
)
def test_memories_are_as_many_as_readers(e: tpe.Engine, memories: int, tmp_path: Path) -> None:
    modules = emit.engine_modules(e)
    for name, text in modules.items():
        (tmp_path / f"{name}.sv").write_text(text)
    files = [str(tmp_path / f"{name}.sv") for name in modules]
    done = subprocess.run(
        [sys.executable, "-c", COUNT, "tpe_engine", str(memories), *files],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


# ---- cycles ----


def test_a_read_is_a_cycle_of_a_pass_and_of_no_step() -> None:
    # One group of four ones: 4 steps at one bit weight, an empty group at each of the three others.
    # B is loaded in 4 cycles; group, digit, B, operand, psum: the first step is in the psum at edge
    # 3, the seventh at edge 9, in its shadow at 10; then the drain of one row, two registers, C.
    a, b = np.ones((1, 4), int), np.ones((4, 1), int)
    one = tpe.Engine("opt4c", "matrix2d", (1, 1))
    assert one.run(a, b).cycles == 4 + 10 + 1 + 3
    assert one.run(a, b).terms.fill_drain == 3 + 1 + 3
    for choice in ({"planes": "msb_first"}, {"shadow": "off"}):
        assert tpe.Engine("opt4c", "matrix2d", (1, 1), **choice).run(a, b).cycles == 4 + 9 + 1 + 3
    # Two passes of K: twice the same, the first of them a cycle shorter, which leaves no word.
    a, b = np.ones((1, 16), int), np.ones((16, 1), int)
    short = tpe.Engine("opt4c", "matrix2d", (1, 1), depth=8)
    assert short.run(a, b).cycles == 2 * (8 + 2 * 7 + 3 + 1 + 3) - 1


@pytest.mark.parametrize("pe", ["opt3", "opt4c", "opt4e"])
def test_where_b_comes_from_moves_no_cycle(pe: str) -> None:
    a, b = operands(engine(pe), 7, 5, 70, seed=1)
    for more in ({}, LOAD, {"drift": 2}, {"planes": "msb_first"}):
        runs = [engine(pe, **more, **supply).run(a, b) for supply in ({}, PORTED)]
        assert runs[0].cycles == runs[1].cycles and runs[0].terms == runs[1].terms


# ---- RTL ----


def test_memories_equal_the_rtl() -> None:
    engines = [
        engine("opt4c", (3, 2)),
        engine("opt4e", (2, 2), **LOAD),
        engine("opt4e", (2, 1), **PORTED, depth=48),
        engine("opt3", (2, 2), **PORTED, **LOAD, drift=1),
        engine("opt4c", (4, 1), shadow="off"),
        engine("opt4c", (2, 1), **PORTED, planes="msb_first", drift=2),
        engine("mac", (1, 1), "systolic_ws", **STREAM),
        engine("mac", (1, 2), "systolic_ws", **STREAM, psum_depth=2),
        engine("mac", (3, 2), "systolic_ws", **LOAD, psum_depth=2, stages=2),
    ]
    assert_all_agree([case for e in engines for case in shapes(e)])


B_OF_CELL = "AddrWidth'({read_bank_i, own})"
# The engine, the module, what stands there, the fault; all change words of C.
FAULTS: dict[str, tuple[tpe.Engine, str, str, str]] = {
    "a lane keeps the groups of all lanes": (
        engine("opt4e", depth=64),
        "b_supply",
        "write_i && write_index_i[GroupBits+:LaneBits] == LaneBits'(l)",
        "write_i",
    ),
    "B of the next step comes to a row that stands": (
        engine("opt4c", (4, 1), shadow="off", depth=20),
        "sparse_row",
        "read_o = en_front && step_valid[0];",
        "read_o = step_valid[0];",
    ),
    "digits do not wait for B": (
        engine("opt4c", depth=24),
        "sparse_row",
        "code_q[f] <= read_code_q[f];",
        "code_q[f] <= step_code[f];",
    ),
    "the last step of a plane does not wait for B": (
        engine("opt4c", depth=28),
        "sparse_row",
        "last_q       <= read_last_q;",
        "last_q       <= step_valid[0] && step_last[0];",
    ),
    "the first step of a plane does not wait for B": (
        engine("opt4c", depth=32),
        "sparse_row",
        "first_q <= read_first_q;",
        "first_q <= step_first[0];",
    ),
    "a pass reads the bank that loads": (
        engine("opt4c", depth=36, **LOAD),
        "b_supply",
        B_OF_CELL,
        "AddrWidth'({write_bank_i, own})",
    ),
    "one row alone has its copy": (
        engine("opt4c", depth=40),
        "b_supply",
        "(write_lane[l]),",
        "(write_lane[l] && r == 0),",
    ),
    "all rows have the index of one": (
        engine("opt4c", depth=44, **PORTED),
        "b_supply",
        "{read_bank_i, index_i[r][c][l]}",
        "{read_bank_i, index_i[0][c][l]}",
    ),
    "a port is read when another one is": (
        engine("opt4c", depth=48, **PORTED),
        "ram_ported",
        "if (read_i[r]) ",
        "if (read_i[0]) ",
    ),
    "a psum that is read does not wait for its row": (
        engine("mac", (3, 2), "systolic_ws", psum_depth=16),
        "ws_column",
        "(en_i && read_i)",
        "(read_i)",
    ),
}


def test_faults_are_seen(monkeypatch: Any) -> None:
    engines = [fault[0] for fault in FAULTS.values()]
    design = bench_design(engines)
    texts = dict(design.sources)
    for i, (_, module, right, wrong) in enumerate(FAULTS.values()):
        text = texts[f"e{i}_{module}"]
        assert text.count(right) == 1, right
        texts[f"e{i}_{module}"] = text.replace(right, wrong)
    broken = replace(design, sources=texts)
    build_instead(monkeypatch, broken)
    cases = [
        Case(e, *operands(e, 9, 2, k, seed=k), h)
        for e in engines
        for k in (5, 70)
        for h in (STALLS, SLOW_SINK)
    ]
    seen = {o.case.engine for o in cosimulate(cases) if o.mismatches > 0}
    assert [name for name, fault in FAULTS.items() if fault[0] not in seen] == []


# ---- proofs ----


@pytest.mark.parametrize(
    "e",
    [
        engine(),
        engine(**LOAD),
        engine("opt4e"),
        engine("opt4e", **LOAD, **PORTED),
        engine("mac", (2, 2), "systolic_ws"),
    ],
    ids=lambda e: f"{e.pe.name} {e.params.get('b_supply')} {e.params['overlap']}",
)
def test_what_is_read_is_what_was_written(e: tpe.Engine) -> None:
    (proof,) = prove(e, only=("memory",)).proofs
    assert proof.result == "proved"


SUPPLY, WS = "tpe_b_supply", engine("mac", (2, 2), "systolic_ws")
REFUTED = [
    (engine("opt4e"), SUPPLY, "[l] = write_i && write_index_i", "[l] = write_index_i"),
    (engine(), SUPPLY, ".read_i      (read_i[r]),", ".read_i      (1'b1),"),
    (engine(), SUPPLY, "(write_lane[l]),", "(write_lane[l] && r == 0),"),
    (engine(**LOAD), SUPPLY, B_OF_CELL, "AddrWidth'({write_bank_i, own})"),
    (engine(**PORTED), SUPPLY, "index_i[r][c][l]}", "index_i[0][c][l]}"),
    (engine(**PORTED), "tpe_ram_ported", "if (read_i[r]) ", "if (read_i[0]) "),
    (WS, "tpe_ram", "if (read_i) ", "if (1'b1) "),
    (WS, "tpe_ram", "mem_q[write_addr_i] <=", "mem_q[read_addr_i] <="),
]


@pytest.mark.parametrize("fault", REFUTED, ids=lambda fault: f"{fault[1]}: {fault[3]}")
def test_a_fault_is_refuted(fault: tuple[tpe.Engine, str, str, str]) -> None:
    e, module, right, wrong = fault
    text = sources.text(module)
    assert text.count(right) == 1
    broken = text.replace(right, wrong)
    (proof,) = prove(e, only=("memory",), replaced={module: broken}).proofs
    assert proof.result == "refuted"


def test_the_memory_of_an_array_lemma_tells_no_word_that_is_being_written() -> None:
    assert misread({})["tpe_ram"].count("~write_data_i") == 1
    assert misread({"tpe_ram": "other"}) == {"tpe_ram": "other"}


@pytest.mark.full
@pytest.mark.parametrize(
    ("e", "module", "right", "wrong"),
    [
        (
            engine("mac", (2, 2), "systolic_ws", **STREAM),
            "tpe_systolic_ws",
            "Stored    = Rows + 2;",
            "Stored    = Rows + 1;",
        ),
        (engine(), "tpe_sparse_row", "code_q[f] <= read_code_q[f];", "code_q[f] <= step_code[f];"),
    ],
)
def test_arrays_read_in_time(e: tpe.Engine, module: str, right: str, wrong: str) -> None:
    text = sources.text(module)
    assert text.count(right) == 1
    report = prove(e, 60, only=("array",), replaced={module: text.replace(right, wrong)})
    assert [proof.result for proof in report.proofs] == ["refuted"]
