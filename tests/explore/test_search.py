"""Searches: trials that are told in order, points that are kept, the front of what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tpe
from tpe.explore.objectives import Objective
from tpe.explore.search import _front
from tpe.explore.sweep import sweep

SPACE = """
workload = "gemm:32x32x32"
objectives = ["cycles", "pe_count"]
constraints = ["pe_count <= 64"]
[engines]
pe = ["mac", "opt4c"]
array = ["os"]
rows = [2, 4, 8]
cols = [2, 4, 8, 16]
"""


@pytest.fixture
def space(tmp_path: Path) -> Path:
    file = tmp_path / "space.toml"
    file.write_text(SPACE)
    return file


def test_the_front_is_of_what_was_done_and_goes_on(space: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    first = tpe.optimize(space, tmp_path / "run", trials=12)
    assert (first.trials, first.objectives) == (12, ("cycles", "pe_count"))
    assert 0 < first.refused < 12  # opt4c does not stand there; some are too large
    assert all(row["pe_count"] <= 64 for row in first.best)
    with pytest.raises(tpe.TpeError, match="holds a run; legal: --resume"):
        tpe.optimize(space, tmp_path / "run", trials=12)
    again = tpe.optimize(space, tmp_path / "run", trials=40, resume=True)
    assert again.trials == 40
    every = sweep(space, tmp_path / "all")
    exact = _front(every.table, [Objective("cycles"), Objective("pe_count")])
    pairs = {(row["cycles"], row["pe_count"]) for row in exact}
    found = {(row["cycles"], row["pe_count"]) for row in again.best}
    assert len(found & pairs) >= len(pairs) // 2  # of 12 points, by 40 trials
    with pytest.raises(tpe.TpeError, match="its objectives are cycles, pe_count"):
        tpe.optimize(space, tmp_path / "run", objectives=["macs", "cycles"], resume=True)


def test_a_front_is_what_nothing_beats(space: Path, tmp_path: Path) -> None:
    table = sweep(space, tmp_path / "all").table
    aims = [Objective("cycles"), Objective("overall_utilization")]
    rows = [r for r in sweep(space, tmp_path / "all", resume=True).to_frame().to_dict("records")
            if r["status"] == "ok"]  # fmt: skip
    best = {
        (r["cycles"], r["overall_utilization"])
        for r in rows
        if not any(
            o["cycles"] <= r["cycles"]
            and o["overall_utilization"] >= r["overall_utilization"]
            and (o["cycles"], o["overall_utilization"]) != (r["cycles"], r["overall_utilization"])
            for o in rows
        )
    }
    assert {(r["cycles"], r["overall_utilization"]) for r in _front(table, aims)} == best


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("objectives", {"trials": 0}, "trials = 0 is not legal"),
        ("objectives", {"objectives": ["cycle"]}, r"unknown objective 'cycle' \(did you mean"),
        ("objectives", {"storage": "nosuch://x"}, "storage nosuch://x: cannot be used"),
        ("objectives", {"objectives": ["area_um2", "cycles"]}, "area_um2 is not known"),
        ("constraints", {}, "objectives are missing"),
        ("workload", {}, "workload has 2 values; legal: one"),
    ],
)
def test_what_cannot_be_searched(
    space: Path, tmp_path: Path, text: str, more: dict[str, Any], said: str
) -> None:
    pytest.importorskip("optuna")
    if text == "constraints":
        space.write_text(SPACE.replace('objectives = ["cycles", "pe_count"]', ""))
    if text == "workload":
        space.write_text(SPACE.replace('"gemm:32x32x32"', '["gemm:3x3x3", "gemm:4x4x4"]'))
    with pytest.raises(tpe.TpeError, match=said):
        tpe.optimize(space, tmp_path / "run", **{"trials": 16, **more})
