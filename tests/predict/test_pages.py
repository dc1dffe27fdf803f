"""The page on predictions runs; the models that ship are what their card and table say."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

from tpe.predict.cost_model import MODELS, parameters

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_on_predictions_runs() -> None:
    done = doctest.testfile(str(ROOT / "docs/howto/predict.md"), module_relative=False)
    assert done.attempted > 8 and done.failed == 0


def test_the_card_names_the_models_that_ship_and_every_pe_that_was_left_out() -> None:
    card = (ROOT / "models/CARD.md").read_text()
    for kind in ("parts", "cycles"):
        best = parameters()[kind]["model"]
        assert best in MODELS and f"**{best}**" in card
    assert "shuffled" in card and "left out" in card


def test_lines_of_the_table_of_parts_are_whole() -> None:
    lines = (ROOT / "reports/parts_tpe130.jsonl").read_text().splitlines()
    for row in map(json.loads, lines):
        assert {"pe", "array", "params", "status"} <= row.keys()
        for part in row.get("parts", {}).values():
            periods = [point[1] for point in part["points"]]
            areas = [point[2] for point in part["points"]]
            assert periods == sorted(periods) and areas == sorted(areas, reverse=True)
