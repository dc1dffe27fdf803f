"""What changed between two runs or tables: matched by what rows are of, told once where it must."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import tpe
from tpe.base.errors import TpeError
from tpe.cli.main import app
from tpe.predict.differences import differences

BEFORE = pd.DataFrame(
    {
        "pe": ["mac", "opt1", "opt2"],
        "cycles": [10, 20, 30],
        "area_um2": [1.0, None, 3.0],
        "tpe_version": ["1"] * 3,
    }
)


def test_rows_are_matched_in_any_order_and_nothing_is_equal_by_chance() -> None:
    found = differences(BEFORE, BEFORE.iloc[::-1])
    assert found.equal and found.matched == 3


def test_every_kind_of_change_is_told() -> None:
    after = pd.DataFrame(
        {
            "pe": ["opt1", "mac", "opt3"],
            "cycles": [18, 10, 5],
            "area_um2": [2.0, 1.0, 1.0],
            "tpe_version": ["2"] * 3,
            "energy": [1, 2, 3],
        }
    )
    found = differences(BEFORE, after)
    changes = {(c.key["pe"], c.column): (c.before, c.after, c.ratio) for c in found.changes}
    assert changes == {
        ("opt1", "cycles"): (20.0, 18.0, 0.9),
        ("opt1", "area_um2"): (None, 2.0, None),
    }
    assert [row["pe"] for row in found.gone] == ["opt2"]
    assert [row["pe"] for row in found.new] == ["opt3"]
    assert found.columns_new == ("energy",) and found.columns_gone == ()
    assert found.told == {"tpe_version": (["1"], ["2"])} and not found.equal


def test_a_tolerance_is_relative() -> None:
    after = BEFORE.assign(cycles=[10, 20, 31])
    assert not differences(BEFORE, after, tolerance=0.03).equal
    assert differences(BEFORE, after, tolerance=0.033).equal


def test_rows_of_one_key_are_matched_in_turn() -> None:
    one = pd.DataFrame({"pe": ["mac", "mac"], "cycles": [1, 2]})
    other = pd.DataFrame({"pe": ["mac", "mac"], "cycles": [1, 3]})
    (change,) = differences(one, other).changes
    assert (change.before, change.after) == (2.0, 3.0)


def test_saved_runs_of_two_engines_and_the_command(tmp_path: Path) -> None:
    for name, depth in (("a", 64), ("b", 128)):
        engine = tpe.Engine("opt4c", "matrix2d", "4x4", depth=depth)
        engine.run([[1, 2, 3]], [[4], [5], [6]]).save(tmp_path / f"{name}.json")
    words = ["diff", str(tmp_path / "a.json"), str(tmp_path / "a.json")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "0 values changed" in done.output, done.output
    words = ["diff", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--key", "pe"]
    done = CliRunner().invoke(app, [*words, "--json", str(tmp_path / "o.json")])
    assert done.exit_code == 1, done.output
    shown = json.loads((tmp_path / "o.json").read_text())
    assert shown["equal"] is False and shown["matched"] >= 1
    assert any(change["column"] != "engine_hash" for change in shown["changes"])


@pytest.mark.parametrize(
    ("before", "key", "message"),
    [
        (3, (), "table is a int; legal: a data frame"),
        (BEFORE, ("arry",), "unknown column 'arry'"),
        (pd.DataFrame({"x": [1]}), (), "no column to match rows by"),
        ("missing.csv", (), "missing.csv"),
    ],
)
def test_what_cannot_be_compared(before, key, message) -> None:
    with pytest.raises(TpeError) as caught:
        differences(before, BEFORE, key)
    assert message in str(caught.value) and "\n" not in str(caught.value)
