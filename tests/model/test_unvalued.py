"""Runs without values: exact cycles of dense PEs at any size, sampled cycles of the others."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tests.contract.combos import LEGAL, combo_id, engine, variants
from tpe.array.base import TERMS, Handshake
from tpe.base.table import to_frame
from tpe.cli.main import app
from tpe.nest import notation
from tpe.nest.rewrites import opt1, opt3
from tpe.report.trace_figure import draw
from tpe.study import operand_trace
from tpe.workloads import LazyLayer, Workload
from tpe.workloads.assumed import assumed_line
from tpe.workloads.draw import Distribution, Drawn
from tpe.workloads.lazy import Operand

DENSE = [(pe, array) for pe, array in LEGAL if not (pe.sparse or pe.stepped)]
UNKNOWN = {"exact", "max_abs_error_vs_exact", "bias_relative", "point_id"}
SHAPES = [(1, 1, 1), (5, 7, 1), (9, 4, 13), (17, 12, 40)]


def same_but_values(bare: tpe.Run, whole: tpe.Run) -> None:
    """Everything that is not a value is equal, and no value is there."""
    for one, other in zip(bare.layers, whole.layers, strict=True):
        assert one.terms == other.terms and one.cycles == other.cycles
        assert one.firings == other.firings
        assert (one.tiles, one.bandwidth, one.macs) == (other.tiles, other.bandwidth, other.macs)
        assert one.C is None and one.error is None and one.overflowed is None
        assert one.standard_error is None
    pairs = [*zip(bare.rows(), whole.rows(), strict=True), (bare.totals(), whole.totals())]
    for row, full in pairs:
        assert {k: v for k, v in row.items() if k not in UNKNOWN} == {
            k: v for k, v in full.items() if k not in UNKNOWN
        }
        assert row["exact"] is None and row["max_abs_error_vs_exact"] is None


@pytest.mark.parametrize("combo", DENSE, ids=combo_id)
def test_dense_cycles_are_those_of_the_run_with_operands(combo):
    """Every choice of the PE and the array, either side encoded, repeated, from the shape alone."""
    pe, array = combo
    rng = np.random.default_rng(len(combo_id(combo)))
    (overlap,) = (p.legal for p in array.parameters(pe) if p.name == "overlap")
    choices = [
        *variants(pe, array),
        {"overlap": overlap[-1], "psum_depth": 2, "encode": "weights"},
        {"zero_points": "subtract"},
        {"overflow": "flag", "relu": "on"},
    ]
    names = {p.name for p in (*pe.parameters, *array.parameters(pe))}
    for choice in choices:
        params = {k: v for k, v in choice.items() if k != "psum_depth" or k in names}
        e = engine(pe, array, (4, 3), **params)
        for m, n, k in SHAPES:
            times = int(rng.integers(1, 4))
            x, y = rng.integers(-128, 128, (m, k)), rng.integers(-128, 128, (k, n))
            a, b = Operand(m, k, partial(np.copy, x)), Operand(k, n, partial(np.copy, y))
            work = Workload("w", "One", "drawn", (LazyLayer("x", "fc", a, b, times),))
            same_but_values(e.run(work, values="none"), e.run(work, values="fast"))


def test_nothing_is_made_for_a_dense_pe():
    def never() -> np.ndarray:
        raise AssertionError("an operand was made")

    layer = LazyLayer("x", "fc", Operand(9, 8, never), Operand(8, 7, never), a_type="int8")
    run = tpe.Engine("opt1", "ws", "4x4").run(Workload("w", "One", "x", (layer,)), values="none")
    assert run.C is None and run.cycles > 0


def test_given_arrays_without_values():
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (20, 33)), rng.integers(-128, 128, (33, 9))
    slow = Handshake(idle=0b1011, busy=0b100)
    for pe, array in (("mac", "os"), ("opt4c", "matrix2d"), ("laconic", "matrix2d")):
        e = tpe.Engine(pe, array, "4x4")
        same_but_values(e.run(a, b, values="none"), e.run(a, b))
        same_but_values(e.run(a, b, values="none", handshake=slow), e.run(a, b, handshake=slow))


# ---- any size ----

HUGE = 2**40


@pytest.mark.parametrize("encode", ["activations", "weights"])
def test_bare_nests_too(encode):
    """Of generated operands, which steps that a nest skips are known from."""
    dense = notation.mac(*notation.tile(4, 2, 4))
    for nest in (dense, opt1(dense), opt3(dense)):
        own = tpe.NestEngine(nest, encode=encode)
        bare, whole = (own.run("gemm:5x6x7", values=values) for values in ("none", "auto"))
        same_but_values(bare, whole)


def test_sizes_beyond_64_bits_are_exact():
    """By the formulas of docs/cycles.md, in Python's integers."""
    spec = f"gemm:{HUGE + 1}x{HUGE}x{HUGE - 1}"
    tiles = (HUGE // 16 + 1) * (HUGE // 8)
    s, r, c = HUGE - 1, 16, 8
    for array, tile in (("os", s + 2 * r + c + 1), ("matrix2d", s + r + 3)):
        run = tpe.Engine("mac", array, (r, c), overflow="wrap").run(spec)
        assert run.cycles == tiles * tile
        assert run.layers[0].macs == (HUGE + 1) * HUGE * (HUGE - 1) > 2**63
        assert all(isinstance(getattr(run.terms, term), Fraction) for term in TERMS)
        assert run.terms.useful == tiles * s
    run = tpe.Engine("mac", "ws", (r, c), overflow="wrap", psum_depth=1024).run(spec)
    k_tiles, n_tiles = -(-s // r), HUGE // c
    blocks = (HUGE + 1) // 1024 + 1
    passes = n_tiles * blocks * k_tiles
    streamed = (HUGE + 1) * n_tiles * k_tiles
    assert run.cycles == streamed + passes * (2 * r + c + 1) + n_tiles * blocks


def test_a_large_gemm_is_run_without_operands_unless_they_are_asked_for():
    e = tpe.Engine("mac", "os", "16x16")
    run = e.run("gemm:100000x100000x100000")
    assert run.C is None and run.cycles == 6250**2 * (100000 + 49)
    assert "values = none for all layers: no C, cycles are exact." in run.without_values
    for values in ("fast", "bits"):
        with pytest.raises(tpe.TpeError, match="values = none gives cycles alone"):
            e.run("gemm:100000x100000x100000", values=values)
    with pytest.raises(tpe.TpeError, match="more than 1073741824"):
        tpe.workload("gemm:100000x1x100000").layers[0].activations.sum()
    with pytest.raises(tpe.TpeError, match="need an accumulator"):
        e.run("gemm:16x16x1000000000")  # as with operands: C does not fit
    assert e.run("gemm:8x8x8").C is not None


def test_a_count_that_no_table_holds_is_told():
    run = tpe.Engine("mac", "os", "2x2", overflow="wrap").run(f"gemm:{HUGE}x{HUGE}x{HUGE}")
    with pytest.raises(tpe.TpeError, match=f"macs = {HUGE**3} does not fit a table"):
        run.to_frame()
    assert json.loads(json.dumps(run.to_json()))["layers"][0]["macs"] == HUGE**3


def test_a_long_handshake_is_refused_rather_than_walked_for_ever():
    with pytest.raises(tpe.TpeError, match="a handshake is stepped through"):
        tpe.Engine("mac", "os").run("gemm:90000x90000x90000", handshake=Handshake(idle=1))


def test_formats_and_zero_points_are_checked_all_the_same():
    a, b = Operand(2, 3, lambda: None, None), Operand(3, 2, lambda: None, None)  # type: ignore[arg-type,return-value]
    layer = LazyLayer("x", "fc", a, b, a_type="uint8", a_zero=3)
    work = Workload("w", "One", "x", (layer,))
    with pytest.raises(tpe.TpeError, match="stored as uint8"):
        tpe.Engine("mac", "os", "2x2").run(work, values="none")
    with pytest.raises(tpe.TpeError, match="a_zero is not 0"):
        tpe.Engine("mac", "os", "2x2", a_type="uint8").run(work, values="none")
    drawn = tpe.workload("gemm:4x4x4", a_type="int16")
    with pytest.raises(tpe.TpeError, match="int16, which int8 does not hold"):
        tpe.Engine("mac", "os", "2x2").run(drawn, values="none")


# ---- estimates ----

SAMPLED = [
    ("opt3", {}, "70x20x50"),
    ("opt4c", {}, "70x20x50"),
    ("opt4c", {"depth": 32}, "41x20x90"),
    ("opt4c", {"depth": 32, "overlap": "load"}, "41x20x90"),
    ("opt4c", {"overlap": "load"}, "12x40x60"),
    ("opt4c", {"drift": 2}, "41x20x50"),
    ("opt4c", {"encode": "weights", "zero_points": "subtract"}, "20x70x50"),
    ("opt4e", {}, "70x20x50"),
    ("bitlet", {"lanes": 4}, "41x20x50"),
    ("bitwave", {"lanes": 4}, "41x20x50"),
    ("pragmatic", {"lanes": 4}, "41x20x50"),
    ("sibia", {"lanes": 4}, "41x20x50"),
    ("laconic", {"lanes": 4}, "21x13x30"),
    ("bitlet", {"lanes": 4, "overlap": "stream"}, "41x20x50"),
    ("pragmatic", {"lanes": 16, "overlap": "drain"}, "41x20x30"),  # tiles wait for rows
]
SEEDS = range(30)


@cache
def trials(pe: str, params: tuple[tuple[str, Any], ...], shape: str) -> list[tuple[int, Any]]:
    """(exact cycles, the layer that was estimated) for every seed."""
    e = tpe.Engine(pe, "matrix2d", "8x8", **dict(params))
    found = []
    for seed in SEEDS:
        spec = f"gemm:{shape}:normal:20"
        exact = e.run(spec, seed=seed)
        found.append((exact.cycles, e.run(spec, seed=seed, values="none").layers[0]))
    return found


# What takes more than a few seconds is like another line: it is left to the full tier.
LONG = (5, 9, 10, 12, 13)


@pytest.mark.parametrize(
    ("pe", "params", "shape"),
    [pytest.param(*x, marks=[pytest.mark.full] * (i in LONG)) for i, x in enumerate(SAMPLED)],
)
def test_exact_cycles_lie_within_the_standard_errors(pe, params, shape):
    """Nearly always within three; and the error is not told larger than it is."""
    found = trials(pe, tuple(params.items()), shape)
    away = [(exact - layer.cycles) / layer.standard_error for exact, layer in found]
    assert sum(abs(z) <= 3 for z in away) >= len(away) - 1
    assert max(map(abs, away)) < 4.5
    spread = float(np.sqrt(np.mean(np.square(away))))
    assert spread < 1.6
    # laconic's tiles share operands: its error is an upper bound
    assert spread > (0.2 if pe == "laconic" else 0.55)
    assert all(layer.standard_error / layer.cycles < 0.05 for _, layer in found)


def test_an_estimate_has_what_rows_wait_for_the_slowest():
    """Digits of a mean row would be many standard errors too few."""
    for exact, layer in trials("opt4c", (), "70x20x50"):
        waiting = float(layer.terms.lane_sync)
        assert waiting > 6 * layer.standard_error
        assert abs(exact - layer.cycles) < waiting / 2


@pytest.mark.parametrize("stages", [1, 2])
def test_terms_of_an_estimate_are_those_of_exact_runs_and_sum_to_its_cycles(stages):
    e = tpe.Engine("opt4c", "matrix2d", "8x8", depth=64, finish_stages=stages)
    exact, rough = (e.run("gemm:300x40x150", values=v) for v in ("fast", "none"))
    assert sum(getattr(rough.terms, term) for term in TERMS) == rough.cycles
    for term in ("useful", "empty_group", "lane_sync"):
        assert float(getattr(rough.terms, term)) == pytest.approx(
            float(getattr(exact.terms, term)), rel=0.03
        )
    assert rough.terms.fill_drain == exact.terms.fill_drain and rough.terms.load == exact.terms.load
    digits = [run.rows()[0]["nonzero_digits_per_operand"] for run in (exact, rough)]
    assert digits[1] == pytest.approx(digits[0], rel=0.01)


def test_firings_of_an_estimate_are_given_where_they_follow_from_the_shape():
    e = tpe.Engine("opt3", "matrix2d", "8x8")
    exact, rough = (e.run("gemm:30x40x50", values=v).firings for v in ("fast", "none"))
    known = {op for op, count in rough.items() if count is not None}
    assert {op: rough[op] for op in known} == {op: exact[op] for op in known}
    assert {"encode", "sparse"} <= known and rough["map"] is None
    assert rough.keys() == exact.keys()


def test_an_estimate_is_marked_in_rows_tables_json_and_lines():
    run = tpe.Engine("opt4c", "matrix2d", "8x8").run("gemm:3000000x40x3000:normal:20")
    assert run.C is None and run.estimated
    row = run.rows()[0]
    assert row["cycles_estimated"] is True and row["cycles_standard_error"] > 0
    frame = to_frame([row])
    assert frame["cycles_estimated"].dtype == "boolean"
    assert frame["cycles_standard_error"].dtype == "Float64"
    assert "ESTIMATED from sampled tiles, standard error" in run.to_json()["without_values"]
    exact = tpe.Engine("opt4c", "matrix2d", "8x8").run("gemm:30x40x50").rows()[0]
    assert exact["cycles_estimated"] is False and exact["cycles_standard_error"] is None
    assert (
        run.cycles
        == tpe.Engine("opt4c", "matrix2d", "8x8").run("gemm:3000000x40x3000:normal:20").cycles
    ), "a seed gives one sample"


def test_errors_of_layers_add_as_independent_ones():
    drawn = Drawn(tpe.Engine("mac").a_format, Distribution("uniform"), 0, 0, 0)
    layers = tuple(
        LazyLayer(
            name,
            "fc",
            Operand(40, 30, lambda: None, drawn),  # type: ignore[arg-type,return-value]
            Operand(30, 9, lambda: None),  # type: ignore[arg-type,return-value]
            times,
        )
        for name, times in (("x", 1), ("y", 3))
    )
    run = tpe.Engine("opt4c", "matrix2d", "8x8").run(
        Workload("w", "Two", "x", layers), values="none"
    )
    one, three = (layer.standard_error for layer in run.layers)
    assert one is not None and three == pytest.approx(3 * one)
    assert run.totals()["cycles_standard_error"] == pytest.approx(np.hypot(one, three))


@pytest.mark.parametrize("pe", ["stripes", "bitfusion"])
def test_steps_that_no_operand_changes_are_exact(pe):
    e = tpe.Engine(pe, "matrix2d", "8x8")
    for shape in ("41x20x50", "8x8x16", "1x1x1"):
        exact, bare = (e.run(f"gemm:{shape}", values=v) for v in ("fast", "none"))
        assert exact.terms == bare.terms and not bare.estimated


def test_given_operands_are_used_where_cycles_depend_on_them():
    """A convolution's pixels are shared and padded: none of its values is drawn on its own."""
    made = np.tile(np.arange(-8, 8), (40, 2))
    layer = LazyLayer(
        "x", "conv", Operand(40, 32, lambda: made), Operand(32, 9, lambda: made.T[:, :9])
    )
    work = Workload("w", "One", "x", (layer,))
    e = tpe.Engine("opt4c", "matrix2d", "8x8")
    same_but_values(e.run(work, values="none"), e.run(work))


def test_a_layer_pickles_and_is_drawn_once():
    layer = pickle.loads(pickle.dumps(tpe.workload("gemm:4x5x6", seed=3).layers[0]))
    again = tpe.workload("gemm:4x5x6", seed=3).layers[0]
    assert (layer.activations == again.activations).all()
    assert layer.operands()[0] is layer.operands()[0]


# ---- what is said ----

ASSUMED = "Operands are assumed: layer gemm normal sigma 20 seed 3."


def said(*words: str) -> str:
    """What a command prints, on one line."""
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_assumed_operands_are_said_by_every_command():
    spec = ["--workload", "gemm:64x16x16:normal:20", "--seed", "3"]
    assert ASSUMED in said("run", "--pe", "mac", "--size", "4x4", *spec)
    assert ASSUMED in said("compare", "--pe", "mac,opt4c", "--size", "4x4", *spec)
    assert ASSUMED in said("trace", "--lanes", "1,4", *spec)
    given = said("run", "--pe", "mac", "--size", "4x4", "--workload", "digits_mlp")
    assert "assumed" not in given


def test_assumed_operands_stand_in_captions_and_json():
    comparison = tpe.compare(["mac", "opt4c"], "gemm:64x16x16:normal:20", size="4x4", seed=3)
    for layers in (False, True):
        caption = comparison.figure(layers)._supxlabel.get_text()
        assert ASSUMED in " ".join(caption.split())
    assert comparison.to_json()["assumed_operands"] == ASSUMED
    assert comparison["mac"].to_json()["assumed_operands"] == ASSUMED
    trace = operand_trace.trace("gemm:64x16x16:normal:20", (1, 4), seed=3)
    assert trace.to_json()["assumed_operands"] == ASSUMED
    assert ASSUMED in draw(trace)._supxlabel.get_text()


def test_estimates_are_said_in_captions_and_on_the_terminal():
    words = ("--pe", "mac,opt4c", "--size", "4x4", "--workload", "gemm:64x16x16")
    text = said("compare", *words, "--values", "none")
    assert "opt4c: values = none for all layers: no C, cycles of all are ESTIMATED" in text
    assert "No outputs were computed." in text and "--values none" in text
    comparison = tpe.compare(["mac", "opt4c"], "gemm:64x16x16", size="4x4", values="none")
    assert "ESTIMATED" in comparison.figure()._supxlabel.get_text()
    rows = {row["label"]: row for row in comparison.rows()}
    assert rows["opt4c"]["cycles_estimated"] and not rows["mac"]["cycles_estimated"]
    assert rows["opt4c"]["outputs_equal"] is None
    bare = said("run", "--pe", "opt4c", "--size", "4x4", "--workload", "gemm:64x16x16",
                "--values", "none", "--energy")  # fmt: skip
    assert "~" in bare and "values = none has none" in bare


def test_layers_whose_operands_are_assumed_are_named():
    sources = [("a", "npz x.npz"), *((f"l{i}", "assumed: uniform seed 0") for i in range(5))]
    assert assumed_line(sources) == (
        "Operands are assumed: l0, l1, l2 and 2 more uniform seed 0; the other layer has its own."
    )
    assert assumed_line([("a", "given")]) is None
