"""Costs of what was never mapped: any nest, intervals, hulls; dense cycles are computed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import tpe
from tpe.base.errors import TpeError
from tpe.cli.main import app
from tpe.nest.notation import ADD, K, mac, tile
from tpe.nest.rewrites import defer, opt1, reachable
from tpe.predict.cost import predict_cost, predict_cycles, priced
from tpe.predict.cost_model import MODELS, cycles_problem, parts_model, parts_problem
from tpe.predict.features import features
from tpe.predict.training import COSTS, CYCLES, PARTS, is_data_dependent, part_row, training
from tpe.synth.area.part_table import rows as part_lines

MAC = mac(*tile(4, 4, 4))


def test_every_nest_within_reach_has_a_price_with_an_interval() -> None:
    nests = list(reachable(MAC, 2))
    found = predict_cost(nests)
    assert len(found.rows()) == len(nests) > 50
    for name in ("period_ns", "area_um2"):
        low, high = found.intervals[name]
        middle = getattr(found, name)
        assert np.isfinite(middle).all() and (low < middle).all() and (middle < high).all()
    assert all(row["cost_source"].startswith("predicted: ") for row in found.rows())


def test_a_nest_of_a_pe_is_priced_as_its_rewrite() -> None:
    """The same nest reached by rewrites, by name or as one's own costs the same."""
    first, other = predict_cost([opt1(MAC), defer(MAC, ADD, past=K)]).rows()
    assert first == other


def test_a_slower_clock_never_costs_area_and_a_faster_one_is_not_met() -> None:
    engine = tpe.Config("opt1", "matrix2d", "4x4")
    shortest = predict_cost(engine)
    least = float(shortest.period_ns[0])
    areas = [float(predict_cost(engine, least * x).area_um2[0]) for x in (1, 1.1, 1.3, 1.7, 3)]
    assert areas == sorted(areas, reverse=True) and areas[0] == float(shortest.area_um2[0])
    early = predict_cost(engine, least / 2)
    assert float(early.clock_ns[0]) == least


def test_what_no_part_of_training_had_is_marked() -> None:
    wide = tpe.Config("mac", "matrix2d", "4x4", lanes=512)
    assert "lanes" in predict_cost(wide).outside[0]


@pytest.mark.parametrize("name", MODELS)
def test_every_model_predicts_in_batches_what_it_predicts_alone(name: str) -> None:
    learned = parts_model(name)
    rng = np.random.default_rng(0)
    x = rng.uniform(learned.hull.low, learned.hull.high, (50, len(learned.names)))
    whole = priced(x, learned)
    for i in (0, 49):
        alone = priced(x[i : i + 1], learned)
        assert alone.area_um2[0] == pytest.approx(whole.area_um2[i])


def test_rows_of_training_are_made_of_lines_of_the_table() -> None:
    frame = training(PARTS)
    line = part_lines()[0]
    row = part_row(line)
    (kept,) = frame[frame["cell"] == line["parts"]["cell"]["made_from"]].head(1).to_dict("records")
    for name in COSTS:
        assert kept[name] == pytest.approx(row[name], rel=1e-5)


def test_features_name_no_pe_and_know_all_of_them() -> None:
    from tpe import pe as pes

    names = {frozenset(features(tpe.Config(name))) for name in pes.usable()}
    assert len(names) == 1
    assert not any(pe in name for pe in pes.usable() for name in next(iter(names)))


def test_dense_cycles_are_computed_and_sparse_ones_lie_in_intervals() -> None:
    dense = tpe.Engine("opt1", "systolic_os", "4x4")
    found = predict_cycles(dense, 9, 7, 33)
    exact = dense.run(np.ones((9, 33), int), np.ones((33, 7), int)).cycles
    assert (found.cycles, found.low, found.high, found.source) == (*[float(exact)] * 3, "computed")
    rng = np.random.default_rng(5)
    inside = 0
    for pe in ("opt3", "opt4c", "bitlet", "pragmatic"):
        engine = tpe.Engine(pe, "matrix2d", "8x8")
        assert is_data_dependent(engine)
        for m, n, k in ((20, 20, 300), (64, 40, 1000), (9, 100, 100)):
            a, b = (
                np.clip(rng.normal(0, 25, s).round(), -128, 127).astype(int)
                for s in ((m, k), (k, n))
            )
            one = predict_cycles(engine, m, n, k, a, b)
            inside += one.low <= engine.run(a, b, values="none").cycles <= one.high
            assert one.source.startswith("predicted")
    assert inside >= 9  # of 12, intervals of 90 %


@pytest.mark.parametrize(
    ("pe", "params"),
    [
        ("mac", {"a_type": "int5", "b_type": "int4"}),
        ("bipolar", {}),
        ("fma", {}),
        ("tensorcore", {}),
    ],
)
def test_dense_cycles_are_computed_whatever_the_format(pe: str, params: dict) -> None:
    assert predict_cycles(tpe.Config(pe, size="4x4", **params), 9, 9, 33).source == "computed"


def test_operands_that_are_drawn_fit_a_narrow_format() -> None:
    found = predict_cycles(tpe.Config("opt4c", "matrix2d", "4x4", a_type="int4"), 9, 9, 33)
    assert 0 < found.low < found.cycles


@pytest.mark.parametrize("kind", ["parts", "cycles"])
def test_tables_with_missing_or_text_values_are_one_line(kind: str) -> None:
    make, frame = {
        "parts": (parts_problem, training(PARTS)),
        "cycles": (cycles_problem, training(CYCLES)),
    }[kind]
    column = "acc_bits" if kind == "parts" else "tiles"
    for value, message in (
        ("wide", "row 3: .* = 'wide' is no finite"),
        (None, "row 3: .* = 'None' is no finite"),
    ):
        bad = frame.copy().astype({column: object})
        bad.loc[2, column] = value
        with pytest.raises(TpeError, match=message):
            make(bad, 0, "mine.csv")
    with pytest.raises(TpeError, match=r"mine\.csv: no column"):
        make(pd.DataFrame({"pe": ["mac"]}), 0, "mine.csv")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--rewrite 'defer(ad, past=K)'", "unknown rewrite 'defer(ad, past=K)' (did you mean"),
        ("--depth 9", "--depth 9 is not legal: 0 to 5"),
        ("--depth 1 --pe mac", "--pe is given beside nests"),
        ("--pe mac --gemm 3x4", "--gemm 3x4 is not legal"),
        ("--pe mac --clock-ns -1", "clock_ns = -1"),
        ("--pe mac --model forrest", "unknown model 'forrest'"),
    ],
)
def test_bad_words_are_one_line(words: str, message: str) -> None:
    import shlex

    done = CliRunner().invoke(app, ["predict", *shlex.split(words)])
    assert done.exit_code == 2 and message in done.stderr and "Traceback" not in done.stderr


def test_the_command_prices_rewrites_and_pes(tmp_path: Path) -> None:
    out = tmp_path / "o.json"
    done = CliRunner().invoke(app, ["predict", "--depth", "1", "--json", str(out)])
    assert done.exit_code == 0, done.output
    rows = json.loads(out.read_text())["rows"]
    assert {row["name"] for row in rows} >= {"MAC", "defer(add, past=K)"}
    words = ["predict", "--pe", "opt4c", "--size", "8x8", "--gemm", "64x64x256"]
    done = CliRunner().invoke(app, [*words, "--json", str(out)])
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text())
    assert found["cycles"]["low"] < found["cycles"]["cycles"] < found["cycles"]["high"]
