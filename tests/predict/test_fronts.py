"""Fronts of tables: against a definition, hypervolumes by hand, bad tables, a search."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tpe.base.errors import TpeError
from tpe.cli.main import app
from tpe.predict.fronts import hypervolume, pareto, search
from tpe.predict.rehearsal import rehearsed

POINTS = st.lists(st.tuples(*[st.integers(1, 6).map(float)] * 3), min_size=1, max_size=25).map(
    np.array
)


def by_definition(costs: np.ndarray) -> set[int]:
    """Rows for which no other is as good in all objectives and better in one."""
    return {
        i
        for i, own in enumerate(costs)
        if not any((other <= own).all() and (other < own).any() for other in costs)
    }


@given(POINTS)
def test_a_front_is_what_nothing_beats(costs: np.ndarray) -> None:
    frame = pd.DataFrame(costs, columns=["a", "b", "c"])
    assert set(pareto(frame, ["a", "b", "c"]).places) == by_definition(costs)


@given(POINTS)
def test_a_hypervolume_is_the_share_of_a_grid_that_is_beaten(costs: np.ndarray) -> None:
    """Unit cubes of a grid of 7 a side: those that some point is at or below."""
    corners = np.stack(np.meshgrid(*[np.arange(7)] * 3, indexing="ij"), -1).reshape(-1, 3)
    beaten = (costs[:, None, :] <= corners[None]).all(axis=2).any(axis=0)
    assert hypervolume(costs, [7.0] * 3) == pytest.approx(float(beaten.sum()))


def test_more_is_better_where_it_says_so() -> None:
    frame = pd.DataFrame({"area": [1.0, 2.0, 3.0], "rate": [10.0, 30.0, 20.0]})
    front = pareto(frame, ["area", "-rate"])
    assert front.places == (0, 1)
    assert front.reference == pytest.approx((3.3, -9.0))  # 1.1 times the worst: less of a rate
    assert front.hypervolume == pytest.approx(2.3 * 1 + 1.3 * 20)


def test_rows_without_a_value_are_left_out_and_counted() -> None:
    frame = pd.DataFrame({"a": [1.0, None, 3.0], "b": [2.0, 1.0, 1.0]})
    front = pareto(frame, ["a", "b"])
    assert (front.places, front.left_out) == ((0, 2), 1)


@pytest.mark.parametrize(
    ("columns", "objectives", "reference", "message"),
    [
        ({"a": [1, 2], "b": [1, "x"]}, ["a", "b"], None, "table: row 2: b = 'x' is no number"),
        ({"a": [1], "b": [1]}, ["a", "bb"], None, "unknown column 'bb' (did you mean 'b'?)"),
        ({"a": [1], "b": [1]}, ["a"], None, "objectives = ['a'] is not legal: two names"),
        ({"a": [1], "b": [1]}, ["a", "-a"], None, "is not legal: two names of columns"),
        ({"a": [None], "b": [1]}, ["a", "b"], None, "no row has a value of each of a, b"),
        ({"a": [1], "b": [1]}, ["a", "b"], [1], "reference has 1 values; legal: 2"),
        ({"a": [1], "b": [1]}, ["a", "b"], [0.5, 2], "reference is exceeded by a row"),
    ],
)
def test_bad_tables(columns, objectives, reference, message) -> None:
    with pytest.raises(TpeError) as caught:
        pareto(pd.DataFrame(columns), objectives, reference)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def space(count: int = 600, seed: int = 0) -> pd.DataFrame:
    """Combinations of three choices whose costs trade against each other."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, (count, 3))
    bumps = 1 + 0.1 * np.sin(9 * x[:, 2])
    area = (1 + 4 * x[:, 0] + x[:, 1]) * bumps
    time = (1 + 3 * (1 - x[:, 0]) + 2 * (x[:, 1] - 0.3) ** 2) * bumps
    return pd.DataFrame({"x": x[:, 0], "y": x[:, 1], "z": x[:, 2], "area": area, "time": time})


def test_a_search_finds_the_front_with_a_part_of_the_confirmations() -> None:
    whole = pareto(space(), ["area", "time"])
    found = rehearsed(whole, ["x", "y", "z"])
    assert found.rows == 600 and found.confirmed <= 90
    assert 1 - found.share < 0.25 * (1 - found.at_random)


def test_a_search_confirms_no_row_twice_and_stops_when_the_front_stands() -> None:
    frame = space(200)
    x, costs = frame[["x", "y", "z"]].to_numpy(), frame[["area", "time"]].to_numpy()
    asked: list[int] = []

    def confirm(places):
        asked.extend(places)
        return costs[list(places)]

    found = search(x, confirm)
    assert len(asked) == len(set(asked)) == len(found.confirmed) < 200
    assert np.array_equal(found.costs, costs[list(found.confirmed)])


def test_what_a_rehearsal_refuses() -> None:
    whole = pareto(space(50), ["area", "time"])
    with pytest.raises(TpeError, match="'area' is an objective and an input"):
        rehearsed(whole, ["x", "area"])
    negative = space(50).assign(area=lambda rows: -rows["area"])
    with pytest.raises(TpeError, match="legal above 0 alone"):
        rehearsed(pareto(negative, ["area", "time"]), ["x"])


def test_the_command_draws_and_writes_what_the_function_gives(tmp_path: Path) -> None:
    space(80).to_csv(tmp_path / "t.csv", index=False)
    words = ["pareto", "--table", str(tmp_path / "t.csv"), "--objectives", "area,time"]
    more = ["--show", "x", "--figure", str(tmp_path / "f.png"), "--rehearse", "x,y,z"]
    done = CliRunner().invoke(app, [*words, *more, "--json", str(tmp_path / "o.json")])
    assert done.exit_code == 0, done.output
    shown = json.loads((tmp_path / "o.json").read_text())
    front = pareto(tmp_path / "t.csv", ["area", "time"])
    assert [row["row"] - 1 for row in shown["front"]] == list(front.places)
    assert shown["hypervolume"] == pytest.approx(front.hypervolume)
    assert "knee" in done.output and (tmp_path / "f.png").stat().st_size > 5000
