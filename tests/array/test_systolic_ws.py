"""The weight-stationary array: blocks of M, returning psums, loads behind a pass; model and RTL."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tpe
from tests.contract.agreement import build_instead
from tpe import pe as pes
from tpe.array.base import ALWAYS, Handshake
from tpe.array.systolic_ws import in_order, walk, walk_following
from tpe.engine.presets import PRESETS
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.emit.package import emit_directory
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.cosim import bench_design, cosimulate
from tpe.hdl.simulate.elaborate import elaborated
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.pe.paces import Dense
from tpe.pe.parameters import lanes_parameter

LAZY = Handshake(idle=0x7F7B_6DDE, busy=0)  # a source slower than any pass
SLOW_SINK = Handshake(idle=0, busy=0x7FFF_FFFE)
BUSY = Handshake(idle=0x5555_5555, busy=0x3333_3333)


def engine(pe="mac", size=(3, 2), **parameters):
    return tpe.Engine(pe, "systolic_ws", size, **parameters)


def operands(m, n, k, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(-128, 128, (m, k)), rng.integers(-128, 128, (k, n))


# ---- cycles of the model, against numbers counted by hand ----


@pytest.mark.parametrize(
    ("parameters", "shape", "cycles", "load", "fill_drain"),
    [
        # One pass: load 3, 4 rows, then 3 + 2 + 2.
        ({}, (4, 2, 3), 14, 3, 7),
        # ... with two registers more in the cell.
        ({"stages": 3}, (4, 2, 3), 16, 3, 9),
        # Two tiles of K: the first pass leaves no word of C, and is a cycle shorter.
        ({}, (4, 2, 4), 13 + 14, 6, 13),
        # Two tiles of K and two of N.
        ({}, (4, 3, 6), 2 * (13 + 14), 12, 26),
        # The same in blocks of 3 rows and 1.
        ({"psum_depth": 3}, (4, 3, 6), 2 * (12 + 13 + 10 + 11), 24, 52),
        # A block is no longer than M, and K that fits a tile is not cut into blocks.
        ({"psum_depth": 4}, (4, 3, 6), 2 * (13 + 14), 12, 26),
        ({"psum_depth": 1}, (4, 2, 3), 14, 3, 7),
        # Two weights to a cell: twice the K in a pass, padded where it ends; loads as before.
        ({"lanes": 2}, (4, 2, 6), 14, 3, 7),
        ({"lanes": 2}, (4, 2, 1), 14, 3, 7),
        ({"lanes": 2}, (4, 3, 7), 2 * (13 + 14), 12, 26),
        ({"lanes": 8, "overlap": "load"}, (4, 3, 25), 2 * (13 + 14) - 9, 3, 26),
        # Three rows are too few to wait for, whatever M: only the first load counts.
        ({"overlap": "load"}, (4, 3, 6), 2 * (13 + 14) - 9, 3, 26),
        ({"overlap": "load"}, (1, 3, 6), 2 * (10 + 11) - 9, 3, 26),
        # Seven rows are as many as a swap and a load take, 3 + 1 + 3: four passes without a gap.
        ({"overlap": "stream"}, (9, 3, 6), 3 + 4 * 9 + 7, 3, 7),
        ({"overlap": "stream"}, (7, 3, 6), 3 + 4 * 7 + 7, 3, 7),
        # Of four rows, three cycles are left behind each of three passes.
        ({"overlap": "stream"}, (4, 3, 6), 3 + 3 * 7 + 4 + 7, 3 + 3 * 3, 7),
    ],
)
def test_cycles_counted_by_hand(parameters, shape, cycles, load, fill_drain):
    m, n, k = shape
    run = engine(**parameters).run(*operands(m, n, k))
    assert run.cycles == cycles
    assert (run.terms.load, run.terms.fill_drain) == (load, fill_drain)


def test_a_short_pass_leaves_part_of_the_next_load_uncovered():
    # 9 x 2: weights shift from edge 10 after the first row to edge 18, so the next pass's first
    # row comes at 19 at best. A pass of one row lasts 13 edges from its first row, 14 with C.
    run = engine(size=(9, 2), overlap="load").run(*operands(1, 2, 27))
    assert run.cycles == 9 + 19 + 19 + 14
    assert run.terms.load == 9 + (19 - 13) + (19 - 13)
    # With C the first of two tiles of N lasts an edge longer, and one less is left over.
    run = engine(size=(9, 2), overlap="load").run(*operands(1, 3, 9))
    assert run.cycles == 9 + 19 + 14
    assert run.terms.load == 9 + (19 - 14)
    # Six rows more hide all of it.
    assert engine(size=(9, 2), overlap="load").run(*operands(7, 2, 27)).terms.load == 9
    assert engine(size=(9, 2), overlap="load").run(*operands(6, 2, 27)).terms.load == 9 + 1 + 1


def test_a_psum_that_returns_has_been_stored():
    # 1 x 1: a swap and a load take 2 edges, and a psum can be read 4 edges behind its row.
    run = engine(size=(1, 1), overlap="stream").run(*operands(1, 2, 3))
    assert run.cycles == 1 + (4 + 4 + 2) + (4 + 4) + 1 + 4
    assert (run.terms.load, run.terms.fill_drain) == (1 + 5, 4 + 8)
    assert engine(size=(1, 1), overlap="stream").run(*operands(3, 1, 2)).cycles == 1 + 4 + 3 + 4
    assert engine(size=(1, 1), overlap="stream").run(*operands(4, 1, 2)).cycles == 1 + 4 + 4 + 4
    # Two cells wait an edge of it, larger arrays for their load alone.
    for size, between, k in (((1, 2), 4, 2), ((2, 1), 5, 4), ((1, 3), 4, 2), ((2, 2), 5, 4)):
        run = engine(size=size, overlap="stream").run(*operands(1, 1, k))
        assert run.cycles == size[0] + between + 1 + sum(size) + 2


def test_useful_and_edge_share_a_streamed_row():
    # K = 5 on 3 rows: two tiles, six rows' worth, five used; 4 rows of A, 2 tiles of N.
    terms = engine().run(*operands(4, 4, 5)).terms
    assert terms.useful == Fraction(4 * 2 * 5, 3)
    assert terms.edge == Fraction(4 * 2 * 1, 3)
    # K = 7 with two weights to a cell: two tiles of six, five operands of padding in them.
    terms = engine(lanes=2).run(*operands(4, 4, 7)).terms
    assert (terms.useful, terms.edge) == (Fraction(4 * 2 * 7, 6), Fraction(4 * 2 * 5, 6))


sizes = st.integers(1, 12)


@settings(max_examples=150, deadline=None)
@given(
    *(sizes,) * 4,
    st.integers(1, 40),
    sizes,
    st.integers(1, 3),
    st.sampled_from(["none", "load", "stream"]),
    sizes,
)
def test_walking_cycle_by_cycle_equals_the_closed_form(
    r, c, m, n, k, depth, stages, overlap, lanes
):
    e = engine(size=(r, c), psum_depth=depth, stages=stages, overlap=overlap, lanes=lanes)
    a, b = operands(m, n, k)
    step = walk_following if overlap == "stream" else walk
    assert step(e.job(a, b), ALWAYS) == e.run(a, b).cycles


def test_blocks_are_as_long_as_the_psum_buffer():
    rows = [p.rows for p in in_order(engine(psum_depth=3).job(*operands(8, 2, 6)))]
    assert rows == [3, 3, 3, 3, 2, 2]
    order = [(p.rows, p.flush) for p in in_order(engine(psum_depth=5).job(*operands(6, 4, 4)))]
    assert order == [(5, False), (5, True), (1, False), (1, True)] * 2


# ---- values ----


@pytest.mark.parametrize("pe", ["mac", "opt1"])
def test_values_do_not_depend_on_topology_size_or_buffer(pe):
    a, b = operands(19, 23, 50, seed=3)
    expected = tpe.Engine(pe, "systolic_os", (4, 4)).run(a, b, values="bits").C
    assert (expected == a @ b).all()
    for size in ((1, 1), (4, 7), (17, 3), (64, 2)):
        for depth, lanes in ((1, 1), (2, 4), (1024, 2)):
            run = engine(pe, size, psum_depth=depth, lanes=lanes).run(a, b, values="bits")
            assert (run.C == expected).all()


def test_wrapped_values_are_those_of_the_output_stationary_array():
    a, b = np.full((3, 9), -128), np.full((9, 2), -128)
    narrow = {"acc_bits": 16, "overflow": "wrap"}
    stationary = tpe.Engine("opt1", "systolic_os", (2, 2), **narrow).run(a, b, values="bits")
    passing = engine("opt1", (2, 2), psum_depth=2, **narrow).run(a, b, values="bits")
    assert (stationary.C == passing.C).all()
    assert (passing.C != a @ b).all()


def test_a_row_of_a_and_a_row_of_weights_a_cycle():
    run = engine(size=(5, 3), a_type="int4", b_type="int8").run([[1]], [[1]])
    assert run.layers[0].bandwidth == (5 * 4, 3 * 8)
    run = engine(size=(5, 3), a_type="int4", b_type="int8", lanes=4).run([[1]], [[1]])
    assert run.layers[0].bandwidth == (4 * 5 * 4, 4 * 3 * 8)


def test_a_cell_keeps_one_weight_unless_it_is_told_more_or_its_pe_takes_more():
    assert [engine(pe).params["lanes"] for pe in ("mac", "opt1", "opt2")] == [1, 1, 1]
    assert engine() == engine(lanes=1) != engine(lanes=2)
    mac = pes.get("mac")
    others = (p for p in mac.parameters if p.name != "lanes")
    wide = replace(
        mac,
        name="wide",
        pace=Dense(range(4, 9)),
        parameters=(*others, lanes_parameter(8, range(4, 9))),
    )
    assert engine(wide).widths.lanes == 8
    with pytest.raises(tpe.TpeError, match="lanes = 1 is not legal: an integer from 4 to 8"):
        engine(wide, lanes=1)


def test_rtl_without_lanes_refuses_them(monkeypatch):
    known = sources.parameters

    def others(text):
        return [name for name in known(text) if name != "Lanes"]

    monkeypatch.setattr(sources, "parameters", others)
    with pytest.raises(tpe.TpeError, match="lanes = 2 is not legal in systolic_ws: its RTL, tpe_"):
        emit.engine_modules(engine(lanes=2))


def test_tpu_v1_like_is_available():
    assert PRESETS["tpu_v1_like"].unavailable() is None
    a, b = operands(10, 300, 300)
    run = PRESETS["tpu_v1_like"].engine(tpe.Engine).run(a, b)
    assert (run.C == a @ b).all()
    # Two tiles of K and of N, ten rows: 10 + 256 + 256 + 1 each, 1 more with C; load 256 once, and
    # behind each pass but the last what is not hidden: 256 - 2 - 10, one less behind C.
    assert run.cycles == 4 * (10 + 513) + 2 + 256 + (244 + 243 + 244)


@pytest.mark.parametrize("depth", [0, 65537, "deep"])
def test_an_illegal_buffer_is_refused(depth):
    with pytest.raises(tpe.TpeError, match=r"psum_depth = .* an integer from 1 to 65536"):
        engine(psum_depth=depth)


# ---- RTL ----


def rtl_engines():
    """Sizes, overlaps and buffers; pipelined and carry-save cells; digits made elsewhere."""
    for overlap in ("none", "load"):
        yield engine("mac", (1, 1), overlap=overlap, psum_depth=1)
        yield engine("opt1", (17, 1), overlap=overlap, psum_depth=2)
        yield engine("mac", (1, 17), overlap=overlap, psum_depth=2)
        yield engine("mac", (2, 3), overlap=overlap, psum_depth=2, stages=2)
        yield engine("mac", (9, 2), overlap=overlap, psum_depth=3, stages=3)
        yield engine("opt1", (4, 5), overlap=overlap, psum_depth=3)
        yield engine("opt1", (3, 2), overlap=overlap, encode_in="edge")
    yield engine("mac", (1, 1), overlap="stream", psum_depth=2)
    yield engine("opt1", (4, 2), overlap="stream", psum_depth=3)
    yield engine("mac", (2, 5), overlap="stream", psum_depth=1, stages=3, lanes=2)
    yield engine("mac", (3, 2), encode_in="edge", encoder="ent", psum_depth=2)
    yield engine("opt1", (2, 3), encode_in="stored", encoder="ent", psum_depth=2)
    yield engine("mac", (2, 3), encode_in="stored", encode="weights", psum_depth=2)


def shapes(e):
    """M, N, K: one of all, one tile, remainders, several blocks and tiles."""
    r, c = e.size
    return [(1, 1, 1), (1, c + 1, 3 * r + 1), (4, c, r), (7, 2 * c + 1, 2 * r + 1), (5, 1, 1)]


def test_rtl_agrees_in_every_value_and_every_cycle():
    cases = [
        Case(e, *operands(*shape, seed=i), handshake)
        for e in rtl_engines()
        for i, shape in enumerate(shapes(e))
        for handshake in (ALWAYS, STALLS, LAZY, SLOW_SINK, BUSY)
    ]
    outcomes = cosimulate(cases)
    wrong = [
        f"{o.case.engine.name} {o.case.engine.params} {o.case.a.shape} {o.case.b.shape} "
        f"{o.case.handshake}: {o.first_mismatch()}, {o.cycles_rtl} in RTL, {o.cycles_model}"
        for o in outcomes
        if not o.ok
    ]
    assert not wrong, "\n".join(wrong[:20])
    assert len(outcomes) == 20 * 5 * 5
    assert all((o.C == o.case.a @ o.case.b).all() for o in outcomes)


# Each fault in the modules of one engine: (module, text, wrong text, whether values differ).
FAULTS = {
    "psums return a row late": (
        "systolic_ws",
        ".read_addr_i (addr_line[Read+c])",
        ".read_addr_i (addr_line[Read+c+1])",
        True,
    ),
    "the psum buffer is asked when the psum is needed": (
        "systolic_ws",
        "(valid_line[Read+c])",
        "(valid_line[Read+c+1])",
        True,
    ),
    "psums are finished on their way": (
        "systolic_ws",
        ".first_i(r == 0 && clear_line[c+1])",
        ".first_i(r == 0)",
        True,
    ),
    "the shadow moves before all cells have it": (
        "systolic_ws",
        "OverlapNone) ? swapped",
        "OverlapNone) ? beat",
        True,
    ),
    "words of C are not aligned": (
        "systolic_ws",
        ".Deskew       (Cols - 1 - c)",
        ".Deskew       (c)",
        True,
    ),
    "weights wait for the stream to end": (
        "systolic_ws",
        "b_ready_o = en && !full_q",
        "b_ready_o = en && !full_q && !begun_q",
        False,
    ),
    "a refused word does not freeze the rows in flight": (
        "systolic_ws",
        "else if (en) valid_line[Leave:1]",
        "else valid_line[Leave:1]",
        True,
    ),
}


def test_faults_are_seen(monkeypatch):
    # Engines that differ in the buffer's depth have modules of their own in one bench.
    engines = [engine("opt1", (5, 3), overlap="load", psum_depth=4 + i) for i in range(len(FAULTS))]
    design = bench_design(engines)
    sources = dict(design.sources)
    for i, (module, right, wrong, _) in enumerate(FAULTS.values()):
        text = sources[f"e{i}_{module}"]
        assert text.count(right) == 1
        sources[f"e{i}_{module}"] = text.replace(right, wrong)
    broken = replace(design, sources=sources)
    build_instead(monkeypatch, broken)
    outcomes = cosimulate([Case(e, *operands(4, 4, 11), STALLS) for e in engines])
    for outcome, (name, fault) in zip(outcomes, FAULTS.items(), strict=True):
        assert not outcome.ok, name
        assert (outcome.mismatches > 0) == fault[3], name


# Where passes follow each other: size, shape, pauses, module, text, wrong text; all change values.
FOLLOWING_FAULTS = {
    "psums return before they are stored": (
        (1, 1),
        (1, 1, 3),
        ALWAYS,
        "systolic_ws",
        "stored_q > row_q",
        "1'b1",
    ),
    "psums return when they are stored": (
        (1, 1),
        (1, 1, 4),
        ALWAYS,
        "systolic_ws",
        "Stored    = Rows + 2;",
        "Stored    = Rows + 1;",
    ),
    "a pass takes the tile of the one before": (
        (5, 3),
        (1, 4, 4),
        ALWAYS,
        "systolic_ws",
        "(full_q && !taking)",
        "full_q",
    ),
    "what a pass does is that of the next one": (
        (3, 2),
        (8, 2, 9),
        ALWAYS,
        "systolic_ws",
        "!flush_line[Write+c]",
        "!flush_line[Write+c-1]",
    ),
    # A pass has to be longer than the array for its first words to hold up its last psums.
    "psums are read while the array is held": (
        (1, 3),
        (12, 3, 3),
        STALLS,
        "ws_column",
        "(en_i && read_i)",
        "(read_i)",
    ),
}


def test_faults_of_passes_that_follow_are_seen(monkeypatch):
    faults = FOLLOWING_FAULTS.values()
    engines = [
        engine("mac", fault[0], overlap="stream", psum_depth=12 + i)
        for i, fault in enumerate(faults)
    ]
    design = bench_design(engines)
    sources = dict(design.sources)
    for i, (_, _, _, module, right, wrong) in enumerate(faults):
        name = f"e{i}_{module}"
        assert sources[name].count(right) == 1
        sources[name] = sources[name].replace(right, wrong)
    broken = replace(design, sources=sources)
    build_instead(monkeypatch, broken)
    cases = [
        Case(e, *operands(*shape), pauses)
        for e, (_, shape, pauses, *_) in zip(engines, faults, strict=True)
    ]
    for outcome, name in zip(cosimulate(cases), FOLLOWING_FAULTS, strict=True):
        assert outcome.mismatches > 0, name


def test_lints_without_a_warning():
    for size in ((1, 1), (1, 3), (3, 1), (4, 5)):
        for parameters in (
            {"psum_depth": 1},
            {"overlap": "load", "psum_depth": 3},
            {"overlap": "load", "encode_in": "edge"},
            {"overlap": "stream", "psum_depth": 3},
            {"encode_in": "stored"},
        ):
            e = engine("opt1", size, **parameters)
            assert lint(emit.rename(emit.engine_modules(e), "mine"), "mine") == ""


@pytest.mark.parametrize("pe", ["mac", "opt1"])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 4), (4, 1)])
def test_inventory_is_what_elaborates(pe, size):
    for parameters in ({}, {"overlap": "load", "psum_depth": 1}, {"encode_in": "stored"}):
        e = engine(pe, size, **parameters)
        built = e.pe.built(e.widths)
        units = [u for u in e.inventory() if u.copies]
        assert all(u.bits <= built[u.op] for u in units)
        expected = sorted((u.op, u.copies, u.fan_in, built[u.op]) for u in units)
        found = elaborated(emit.engine_modules(e), "tpe_engine")
        assert sorted((b.op, b.copies, b.fan_in, b.bits) for b in found) == expected


YOSYS = """
from pyosys import libyosys as ys
design = ys.Design()
for command in {commands!r}:
    ys.run_pass(command, design)
"""


@pytest.mark.parametrize("size", [(1, 1), (3, 2)])
@pytest.mark.parametrize("overlap", ["none", "load"])
def test_yosys_takes_it_and_finds_no_latch(size, overlap, tmp_path):
    e = engine("mac", size, overlap=overlap, psum_depth=1 if size == (1, 1) else 5)
    emit_directory(e, tmp_path / "e", "mine")
    files = (tmp_path / "e" / "mine.f").read_text().split()
    commands = [f"read_verilog -sv {tmp_path / 'e' / name}" for name in files]
    commands += ["hierarchy -check -top mine", "proc", "check -assert", "memory -nomap"]
    commands += ["select -assert-none t:$dlatch t:$adlatch", "select -assert-min 1 t:$adff"]
    commands += ["flatten", f"select -assert-count {size[1]} t:$mem*"]
    done = subprocess.run(
        [sys.executable, "-c", YOSYS.format(commands=commands)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
