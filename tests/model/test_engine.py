"""Engines: construction, refusals, runs of workloads, engines from a nest, the flat table."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tpe
from tpe.array.base import Handshake
from tpe.base.table import COLUMNS
from tpe.engine.parameters import COMMON, parse_size
from tpe.hdl.emit.package import emit_directory
from tpe.nest.notation import K, mac, tile
from tpe.nest.rewrites import opt1, opt2, opt4, reachable

A = [[1, 2, -3], [-128, 0, 127]]
B = [[4, -5], [6, 7], [-8, 9]]
PRODUCT = (np.array(A) @ np.array(B)).tolist()


@pytest.mark.parametrize("encode", ["activations", "weights"])
def test_encode_either_side_gives_the_same_c_and_other_cycles(encode):
    rng = np.random.default_rng(0)
    a = rng.integers(-128, 128, (20, 40))
    b = rng.integers(-3, 4, (40, 60))
    run = tpe.Engine("opt4c", "matrix2d", (4, 4), encode=encode).run(a, b)
    assert (a @ b == run.C).all()
    digits = {"activations": 2.918, "weights": 8 / 7}[encode]
    assert run.totals()["nonzero_digits_per_operand"] == pytest.approx(digits, rel=0.05)
    assert run.rows()[0]["encoded_operand"] == encode


def test_energy_is_on_or_off():
    with pytest.raises(tpe.TpeError, match="energy = 'yes' is not legal: True or False"):
        tpe.Engine("mac", "os", "2x2").run(A, B, energy="yes")


def test_lists_are_taken():
    assert tpe.Engine("mac", "os", "2x2").run(A, B).C.tolist() == PRODUCT


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("opt9", "os", "2x2"), ["opt9", "did you mean"]),
        (("opt1", "sytolic_os", "2x2"), ["sytolic_os", "did you mean 'systolic_os'"]),
        (("opt1", "os", "0x2"), ["0x2", "1 to 1024"]),
        (("opt1", "os", "2x"), ["'2x'", "ROWSxCOLS"]),
        (("opt1", "os", (2, 2.5)), ["2.5"]),
        (("opt4c", "os", "2x2"), ["opt4c", "matrix2d"]),
    ],
)
def test_bad_engines_are_refused(arguments, words):
    with pytest.raises(tpe.TpeError) as error:
        tpe.Engine(*arguments)
    assert all(word in str(error.value) for word in words)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"stages": 4}, ["stages", "4", "1 to 3"]),
        ({"stages": "two"}, ["stages", "two"]),
        ({"a_type": "int17"}, ["a_type", "int17"]),
        ({"acc_bits": 15}, ["acc_bits", "15", "16 to 48"]),
        ({"a_type": "int16", "acc_bits": 20}, ["acc_bits", "24"]),
        ({"encoder": "both"}, ["encoder", "booth"]),
        ({"overflow": "ignore"}, ["overflow", "raise"]),
        ({"dept": 4}, ["dept"]),
    ],
)
def test_bad_parameters_are_refused(parameters, words):
    with pytest.raises(tpe.TpeError) as error:
        tpe.Engine("mac", "os", "2x2", **parameters)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([[1, 2]], [[1], [2], [3]], ["1 x 2", "3 x 1"]),
        ([[1.5]], [[1]], ["float64"]),
        ([[float("nan")]], [[1]], ["NaN", "[0, 0]"]),
        ([[200]], [[1]], ["200", "-128 to 127"]),
        ([[1]], [[-129]], ["-129", "b_type"]),
        (np.zeros((0, 3), int), np.zeros((3, 2), int), ["0 x 3"]),
        ([1, 2], [[1], [2]], ["1 dimension"]),
        ([[True]], [[1]], ["bool"]),
        ("text", [[1]], ["A"]),
    ],
)
def test_bad_operands_are_refused(a, b, words):
    with pytest.raises(tpe.TpeError) as error:
        tpe.Engine("mac", "os", "2x2").run(a, b)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_an_accumulator_that_may_overflow_raises_and_wraps_if_told():
    a, b = np.full((1, 600), -128), np.full((600, 1), -128)
    narrow = {"acc_bits": 24}
    with pytest.raises(tpe.TpeError, match=r"layer 'gemm': K = 600 .* 25 bits.*acc_bits = 24"):
        tpe.Engine("opt1", "os", "2x2", **narrow).run(a, b)
    run = tpe.Engine("opt1", "os", "2x2", overflow="wrap", **narrow).run(a, b)
    assert run.C.tolist() == [[600 * 2**14 - 2**24]]
    # 511 products are the most that 24 bits hold.
    tpe.Engine("opt1", "os", "2x2", **narrow).run(a[:, :511], b[:511])


def test_a_wrapped_c_is_not_called_exact():
    a, b = np.full((2, 100), 100), np.full((100, 2), 100)
    for values in ("fast", "bits"):
        narrow = tpe.Engine("opt1", "matrix2d", (2, 2), acc_bits=16, overflow="wrap")
        row = narrow.run(a, b, values=values).rows()[0]
        wrong = 1_000_000 - 16_960
        assert (row["exact"], row["max_abs_error_vs_exact"]) == (False, wrong)
        assert row["bias_relative"] == pytest.approx(-wrong / 1_000_000)
        row = tpe.Engine("opt1", "matrix2d", (2, 2)).run(a, b, values=values).rows()[0]
        assert (row["exact"], row["max_abs_error_vs_exact"], row["bias_relative"]) == (True, 0, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: tpe.Engine(3),
        lambda: tpe.Engine("opt1", 3),
        lambda: tpe.Engine(["mac"]),
        lambda: tpe.Engine("mac", ["os"]),
        lambda: tpe.Engine.load(None),
        lambda: tpe.Engine("opt1", "os", (True, 2)),
        lambda: tpe.Engine("opt1", a_type=np.array([1, 2])),
        lambda: tpe.Engine("opt1").run(A, B, handshake=5),
        lambda: tpe.Engine("opt1").run(A, B, a_zero=3),
        lambda: tpe.Engine("opt1", zero_points="subtract").run(A, B, a_zero=300),
        lambda: tpe.Engine("opt1", zero_points="subtract").run(A, B, a_zero=[1, 2, 3]),
        lambda: tpe.Engine("opt1", zero_points="subtract").run(A, B, b_zero=0.5),
        lambda: Handshake(idle=1.5),
        lambda: Handshake("1"),
        lambda: Handshake(busy=2**32 - 1),
        lambda: tpe.NestEngine(mac(*tile(2, 2, 4))).run(A, B, values="bits"),
    ],
)
def test_what_is_of_another_type_is_refused_too(make):
    with pytest.raises(tpe.TpeError) as error:
        make()
    assert "\n" not in str(error.value)


def test_accumulator_defaults_follow_the_types():
    def acc(a_type, b_type):
        return tpe.Engine("mac", "os", "2x2", a_type=a_type, b_type=b_type).widths.acc

    assert (acc("int4", "int2"), acc("int8", "int4"), acc("int9", "int2")) == (24, 32, 48)


@pytest.mark.parametrize("rewrite", [lambda n: n, opt1, lambda n: opt2(n, 4), opt4])
def test_an_engine_from_a_nest(rewrite):
    nest = rewrite(mac(*tile(2, 3, 4)))
    rng = np.random.default_rng(1)
    a, b = rng.integers(-128, 128, (5, 9)), rng.integers(-128, 128, (9, 4))
    engine = tpe.NestEngine(nest)
    run = engine.run(a, b)
    assert (a @ b == run.C).all()
    assert run.rows()[0]["rtl_checked"] == "none"
    assert run.cycles == run.terms.compute > 0
    assert {u.op for u in engine.inventory(5, 4, 9)} == set(run.firings)
    with pytest.raises(tpe.TpeError, match="engine is a NestEngine"):
        emit_directory(engine, "nowhere")


def test_every_nest_within_reach_runs():
    a, b = np.arange(-6, 6).reshape(3, 4), np.arange(-4, 4).reshape(4, 2)
    for nest in reachable(mac(*tile(2, 2, 4)), 2):
        assert (a @ b == tpe.NestEngine(nest).run(a, b).C).all()
    assert K in tpe.NestEngine(opt1(mac(*tile(1, 1, 4)))).nest.steps[3].sums


def test_a_workload_runs_layer_by_layer_and_its_rows_add_up():
    arrays = {"one": (A, B), "two": (B, A)}
    run = tpe.Engine("opt1", "matrix2d", "4x4").run(tpe.Workload.from_arrays(arrays))
    rows, totals = run.rows(), run.totals()
    assert [row["layer"] for row in rows] == ["one", "two"]
    assert totals["cycles"] == sum(row["cycles"] for row in rows) == run.cycles
    assert totals["macs"] == 12 + 18
    assert run.layers[0].C.tolist() == PRODUCT


def test_the_network_runs_through_the_engine():
    run = tpe.Engine("opt4c", "matrix2d", "16x16").run("digits_mlp")
    assert run.metrics["accuracy"] == run.metrics["accuracy_integer"]
    assert abs(run.metrics["accuracy"] - run.metrics["accuracy_float"]) < 0.02
    assert [layer.k for layer in run.layers] == [64, 64, 32]
    assert run.totals()["accuracy"] == run.metrics["accuracy"]


def test_the_table_has_every_column_and_unknown_is_null():
    frame = tpe.Engine("opt1", "os", "4x4").run(A, B).to_frame()
    assert list(frame.columns) == list(COLUMNS)
    assert frame["area_um2"].isna().all()
    assert frame["energy_pj"].isna().all()
    assert frame["cycles"].dtype == "Int64"
    assert frame["clock_ns"].isna().all()


def test_json_holds_the_engine_the_layers_and_the_totals():
    run = tpe.Engine("opt4c", "matrix2d", "4x4").run(A, B)
    data = json.loads(json.dumps(run.to_json()))
    assert set(data) >= {"schema_version", "command", "engine", "layers", "totals"}
    assert data["totals"]["firings"]["map"] == run.firings["map"]


def test_equal_runs_have_equal_points_and_others_not():
    def point(pe, seed=0):
        engine = tpe.Engine(pe, "matrix2d", "4x4")
        return engine.run("gemm:4x4x4", seed=seed).rows()[0]["point_id"]

    assert point("opt1") == point("opt1") != point("mac")
    assert point("opt1") != point("opt1", seed=1)
    engine, changed = tpe.Engine("opt1", "os", "2x2"), (np.array(B) - 1).tolist()
    points = [
        engine.run(A, B),
        engine.run(A, changed),
        engine.run(A, B, handshake=Handshake(idle=0xFF)),
        engine.run(A, B),
    ]
    ids = [run.rows()[0]["point_id"] for run in points]
    assert len(set(ids)) == 3
    assert ids[0] == ids[3]


def test_sizes_and_defaults_of_parameters():
    assert parse_size("3X5", tpe.Engine("opt1", "os").array) == (3, 5)
    assert all(p.default is None or p.check(p.default) == p.default for p in COMMON)


@pytest.mark.parametrize(
    ("array", "rows"), [("matrix2d", 4), ("systolic_os", 4), ("systolic_ws", 4), ("adder_tree", 4)]
)
def test_operand_bits_are_those_that_come_to_the_array(array, rows):
    """Stored digits of an int8 are nine bits (EN-T) or twelve (Booth); 4 of A enter a cycle."""
    bits = {("cell", "ent"): 8, ("edge", "ent"): 8, ("stored", "ent"): 9, ("stored", "booth"): 12}
    for (where, encoder), each in bits.items():
        engine = tpe.Engine("mac", array, "4x2", encode_in=where, encoder=encoder)
        frame = engine.run(np.ones((4, 4), int), np.ones((4, 2), int)).to_frame()
        assert frame["operand_bits_per_cycle_a"].unique().tolist() == [rows * each]


@pytest.mark.parametrize("size", ["4_0x4", "+4x4", "4 x4", "٤x٤", "4x", "x4", "4x4x"])
def test_a_size_is_plain_digits(size):
    with pytest.raises(tpe.TpeError, match="is not legal for matrix2d"):
        tpe.Engine("mac", "matrix2d", size)
