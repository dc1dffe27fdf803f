"""Tiles that follow each other while one drains: cycles by hand, the walk, RTL, what is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tpe
from tests.contract.agreement import assert_all_agree, build_instead
from tests.contract.scale import ACC_BITS, SIZE, K, M, N
from tools import overlap_table
from tpe.array.base import ALWAYS, Handshake
from tpe.array.kept import Behind, walk
from tpe.engine.finish import ChainInputs, Requant
from tpe.hdl.simulate.cosim import bench_design, cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.workloads import workload

LAZY = Handshake(idle=0x7F7B_6DDE)  # a source slower than any tile
SLOW_SINK = Handshake(busy=0x7FFF_FFFE)
BUSY = Handshake(idle=0x5555_5555, busy=0x3333_3333)


def operands(m, n, k, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(-128, 128, (m, k)), rng.integers(-128, 128, (k, n))


# ---- cycles of the model, against numbers counted by hand ----


@pytest.mark.parametrize(
    ("place", "parameters", "shape", "cycles"),
    [
        # Four tiles of 5 beats; behind the last: operand register, psum, row, C, and 3 rows of C.
        (("matrix2d", (3, 2)), {"overlap": "stream"}, (6, 4, 5), 4 * 5 + 3 + 3),
        # The psums leave their cells 2 edges behind a last beat, with the next tile's first beat.
        (("matrix2d", (3, 2)), {"overlap": "drain"}, (6, 4, 5), 5 + 3 * (5 + 1) + 3 + 3),
        (("matrix2d", (3, 2)), {"overlap": "drain", "stages": 3}, (6, 4, 5), 5 + 3 * 8 + 5 + 3),
        (("matrix2d", (3, 2)), {"overlap": "none"}, (6, 4, 5), 4 * (5 + 3 + 3)),
        # Tiles of one beat are as far apart as their three rows of C.
        (("matrix2d", (3, 2)), {"overlap": "stream"}, (6, 4, 1), 1 + 3 * 3 + 3 + 3),
        (("matrix2d", (3, 2)), {"overlap": "drain"}, (6, 4, 1), 1 + 3 * 3 + 3 + 3),
        (("adder_tree", (4, 2)), {"overlap": "stream"}, (5, 4, 8), 10 * 2 + 3 + 1),
        # The last column is read a cycle late, and the third row of it 2 cycles later.
        (("systolic_os", (3, 2)), {"overlap": "stream"}, (6, 4, 5), 4 * 5 + 3 + 1 + 3),
        (("systolic_os", (3, 2)), {"overlap": "stream", "stages": 2}, (6, 4, 5), 20 + 4 + 1 + 3),
        (("systolic_os", (3, 2)), {"overlap": "stream"}, (6, 4, 2), 2 + 3 * 3 + 3 + 1 + 3),
        # The last cell is 3 cycles behind the first one.
        (("systolic_os", (3, 2)), {"overlap": "drain"}, (6, 4, 5), 5 + 3 * (5 + 1 + 3) + 7),
    ],
)
def test_cycles_counted_by_hand(place, parameters, shape, cycles):
    run = tpe.Engine("mac", *place, **parameters).run(*operands(*shape))
    assert run.cycles == cycles
    beats = run.terms.useful + run.terms.edge
    assert run.terms.fill_drain == cycles - beats and run.terms.load == run.terms.stall == 0


def test_the_step_that_closes_the_planes_stands_between_tiles():
    # Four bit weights of 5 beats of 4 operands, and a step without operands behind them.
    engine = tpe.Engine("opt2", "matrix2d", (3, 2), bw="time", overlap="stream")
    run = engine.run(*operands(6, 4, 20))
    assert run.cycles == 4 * (4 * 5 + 1) + 3 + 3
    assert run.terms.useful == 4 * 4 * 5


def test_steps_of_several_cycles_end_a_tile_when_the_slowest_cell_is_done():
    # A step of stripes takes a cycle for each of the 8 bits of an operand.
    for value, between in (("none", 3 + 3), ("drain", 1), ("stream", 0)):
        engine = tpe.Engine("stripes", "matrix2d", (3, 2), lanes=2, overlap=value)
        run = engine.run(*operands(6, 4, 4))
        assert run.cycles == 4 * 2 * 8 + 3 * between + 3 + 3
    # A tile of one step: its beat is the last, and comes rows - 1 cycles behind the step before.
    run = tpe.Engine("stripes", "matrix2d", (3, 2), lanes=2, overlap="stream").run(
        *operands(6, 4, 2)
    )
    assert run.cycles == 4 * 8 + 3 * (3 - 1) + 3 + 3


def test_fill_and_drain_count_once_a_gemm():
    a, b = operands(64, 64, 32)
    for array in ("matrix2d", "systolic_os"):
        few, many = (
            tpe.Engine("mac", array, (4, 4), overlap="stream").run(a[:m], b).terms for m in (4, 64)
        )
        assert few.fill_drain == many.fill_drain
        assert many.useful == Fraction(16 * 16 * 32)


tile = st.lists(st.integers(1, 4), min_size=1, max_size=9)


@settings(max_examples=200, deadline=None)
@given(st.lists(tile, min_size=1, max_size=5), *[st.integers(1, 9)] * 2, st.integers(0, 12))
def test_walking_cycle_by_cycle_equals_the_closed_form(tiles, rows, first, gap):
    after = Behind(rows, first, gap)
    steps = sum(map(sum, tiles)) + after.tail
    assert walk(tiles, after, ALWAYS) == steps + sum(after.waits(sum(x[:-1])) for x in tiles[1:])


def test_the_report_of_networks_is_what_they_take_today():
    report = Path("reports/overlap.md").read_text().splitlines()
    lines = overlap_table.table()
    assert len(lines) == 2 + 3 * 10 and report[-len(lines) :] == lines


# ---- what is legal where ----


@pytest.mark.parametrize(
    ("pe", "array", "value", "legal"),
    [
        ("mac", "matrix2d", "load", "none, drain, stream"),
        ("mac", "systolic_os", "load", "none, drain, stream"),
        ("opt4e", "matrix2d", "stream", "none, load"),
    ],
)
def test_a_value_that_an_array_has_no_rtl_for_is_refused(pe, array, value, legal):
    with pytest.raises(tpe.TpeError, match=f"unknown overlap '{value}'.*: {legal}$") as error:
        tpe.Engine(pe, array, (2, 2), overlap=value)
    assert "\n" not in str(error.value)


def test_a_sparse_pe_has_the_values_of_the_order_of_its_digits():
    for planes, value, legal in (
        ("lsb_first", "stream", "none, load"),
        ("inner", "load", "none, drain, stream"),
    ):
        with pytest.raises(tpe.TpeError, match=f"'{value}' is not legal with .*: {legal}$"):
            tpe.Engine("opt4c", "matrix2d", (2, 2), planes=planes, overlap=value)


def test_tiles_do_not_overlap_unless_asked():
    assert tpe.Engine("mac", "systolic_os").params["overlap"] == "none"


# ---- RTL ----


def engines():
    """One row, one column, one cell; registers in the cell; pairs; bit weights in time; steps."""
    for array in ("matrix2d", "systolic_os"):
        for value in ("drain", "stream"):
            yield tpe.Engine("mac", array, (1, 1), overlap=value)
            yield tpe.Engine("opt1", array, (6, 1), overlap=value)
            yield tpe.Engine("mac", array, (1, 5), overlap=value)
            yield tpe.Engine("mac", array, (4, 3), overlap=value, stages=3)
        yield tpe.Engine("opt2", array, (3, 2), overlap="stream", bw="time", lanes=2)
    yield tpe.Engine("bitlet", "matrix2d", (4, 2), overlap="stream", lanes=2)
    yield tpe.Engine("laconic", "matrix2d", (3, 2), overlap="drain", lanes=2)
    yield tpe.Engine("mac", "adder_tree", (3, 2), overlap="stream")
    yield tpe.Engine("mac", "cube3d", (3, 2, 2), overlap="drain")


def shapes(e):
    """M, N, K: one tile, several, tiles of one beat, shorter and longer than rows are many."""
    m, n, lanes = e.grid.m, e.grid.n, e.widths.lanes
    return [
        (1, 1, 1),
        (2 * m + 1, 2 * n + 1, lanes),
        (3 * m, n, 2 * lanes + 1),
        (m + 1, n + 1, (m + 1) * lanes),
    ]


def test_rtl_agrees_in_every_value_and_every_cycle():
    cases = [
        Case(e, *operands(*shape, seed=i), handshake)
        for e in engines()
        for i, shape in enumerate(shapes(e))
        for handshake in (ALWAYS, STALLS, LAZY, SLOW_SINK, BUSY)
    ]
    outcomes = assert_all_agree(cases)
    assert all((o.C == o.case.a @ o.case.b).all() for o in outcomes)


def test_rtl_agrees_where_tiles_are_deep_and_tall():
    for array in ("matrix2d", "systolic_os"):
        engine = tpe.Engine("opt1", array, SIZE, overlap="stream", acc_bits=ACC_BITS)
        a, b = operands(M, N, K)
        assert_all_agree([Case(engine, a, b), Case(engine, a[:69, :130], b[:130], STALLS)])


def finished(array, **parameters):
    """Zero points, C0, a bias and a scale behind an array; several tiles, short and long."""
    engine = tpe.Engine(
        "mac",
        array,
        (3, 2),
        **{"c0": "on", "bias": "on", "requant": "column", "relu": "on", "overflow": "saturate"},
        **{"a_type": "uint8", "zero_points": "subtract"},
        **parameters,
    )
    rng = np.random.default_rng(7)
    for k in (1, 2, 9):
        a, b = rng.integers(0, 256, (7, k)), rng.integers(-128, 128, (k, 5))
        chain = ChainInputs(
            rng.integers(-999, 999, (7, 5)),
            rng.integers(-99, 99, 5),
            Requant(rng.integers(1, 1 << 16, 5), rng.integers(16, 24, 5), 3),
        )
        for handshake in (ALWAYS, STALLS, SLOW_SINK):
            yield Case(engine, a, b, handshake, a_zero=17, chain_inputs=chain)


def test_words_of_two_tiles_pass_the_finish_chain_one_behind_the_other():
    values = ("drain", "stream")
    cases = [c for a in ("matrix2d", "systolic_os") for o in values for c in finished(a, overlap=o)]
    assert_all_agree(cases)


@pytest.mark.full
@pytest.mark.parametrize("array", ["matrix2d", "systolic_os"])
def test_sixteen_by_sixteen_fed_back_to_back(array):
    engine = tpe.Engine("mac", array, (16, 16), overlap="stream", overflow="wrap")
    layers = workload("digits_mlp").layers
    cases = [
        Case(engine, x.activations[:100], x.weights, h) for x in layers for h in (ALWAYS, BUSY)
    ]
    for outcome in assert_all_agree(cases):
        if outcome.case.handshake == ALWAYS:
            terms = outcome.case.run().terms
            behind = 3 + 16 if array == "matrix2d" else 3 + 15 + 16
            assert terms.fill_drain == behind and outcome.cycles_rtl == terms.compute + behind


# Each fault in the modules of one engine: (array, module, text, wrong text, whether values differ).
FAULTS = {
    "a tile may end before the one before has made room": (
        "matrix2d",
        "tile_ctrl",
        "Wait - (Rows - 1)",
        "Wait",
        True,
    ),
    "rows shift towards the wrong end": (
        "matrix2d",
        "drain",
        "shift_q} >> RowBits",
        "shift_q} << RowBits",
        True,
    ),
    "columns are read all at once": (
        "systolic_os",
        "drain",
        "take[c]   = take_q",
        "take[c]   = drain_i",
        True,
    ),
    "words are aligned by a cycle too few": (
        "systolic_os",
        "drain",
        "(Cols - 1 - c) * AccWidth",
        "(Cols - c) * AccWidth",
        True,
    ),
    "a gap of a cycle": (
        "systolic_os",
        "tile_ctrl",
        "Wait - GapCycles",
        "Wait - GapCycles - 1",
        False,
    ),
}


def test_faults_are_seen(monkeypatch):
    # Engines that differ in the accumulator have modules of their own in one bench.
    engines = [
        tpe.Engine("opt1", fault[0], (3, 2), overlap="stream", acc_bits=24 + i)
        for i, fault in enumerate(FAULTS.values())
    ]
    design = bench_design(engines)
    sources = dict(design.sources)
    for i, (_, module, right, wrong, _) in enumerate(FAULTS.values()):
        text = sources[f"e{i}_{module}"]
        assert text.count(right) == 1, right
        sources[f"e{i}_{module}"] = text.replace(right, wrong)
    broken = replace(design, sources=sources)
    build_instead(monkeypatch, broken)
    outcomes = cosimulate([Case(e, *operands(9, 4, 2), STALLS) for e in engines])
    for outcome, (name, fault) in zip(outcomes, FAULTS.items(), strict=True):
        assert not outcome.ok, name
        assert (outcome.mismatches > 0) == fault[4], name
