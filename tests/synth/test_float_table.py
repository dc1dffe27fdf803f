"""The table of cells of floating point: which lines it has, and that it is made in pieces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import float_table
from tpe import pe as pes
from tpe.hdl import emit
from tpe.hdl.mutate.subjects import is_float
from tpe.model.engine import Engine
from tpe.numbers.tensor_cores import ARCHITECTURES
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import technology

RECIPES = find_recipes("ripple/small")
SMALL = (Engine("mac", "systolic_ws", (2, 2), a_type="int2", b_type="int2", acc_bits=16),)


def made(kept: Path, most: int = 9, only: str = "", energy: bool = False, recipes=RECIPES):
    """Lines of SMALL."""
    wanted = [(engine, technology(), energy) for engine in SMALL]
    return float_table.made(kept, wanted, recipes, most, only, 1)


def test_every_pe_of_floating_point_and_every_architecture_has_a_line():
    engines = list(float_table.engines())
    floats = {name for name in pes.usable() if is_float(pes.get(name)) and pes.get(name).rtl}
    assert {e.pe.name for e in engines} == {"mac", *floats}
    archs = {e.params["arch"] for e in engines if e.pe.name == "tensorcore"}
    assert archs == {*ARCHITECTURES}
    keys = [json.dumps(float_table.asked(e, technology(), RECIPES, True)) for e in engines]
    assert len(set(keys)) == len(engines)


def test_a_line_that_is_kept_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kept = tmp_path / "lines.jsonl"
    assert made(kept, most=0) == [None] == made(kept, only="fma")
    (row,) = made(kept)
    assert row and row["areas_um2"][0] > 100 and row["flip_flops"] == 16
    assert f"| {row['areas_um2'][0]:,.0f} |" in float_table.line(SMALL[0], row)

    def refuse(*_: object) -> None:
        raise AssertionError("a line is made again")

    monkeypatch.setattr(float_table, "measure", refuse)
    assert made(kept) == [json.loads(kept.read_text())] == [row]
    for changed in ({"energy": True}, {"recipes": find_recipes("sklansky/small")}):
        with pytest.raises(AssertionError, match="made again"):
            made(kept, **changed)
    text = {**emit.engine_modules(SMALL[0]), "more": "module more; endmodule"}
    monkeypatch.setattr(emit, "engine_modules", lambda engine: text)
    with pytest.raises(AssertionError, match="made again"):
        made(kept)


def test_the_page_says_what_is_missing(tmp_path: Path):
    lines = [(SMALL[0], None), (SMALL[0], made(tmp_path / "lines.jsonl")[0])]
    section = float_table.section(technology(), lines)
    assert section[-2] == "1 lines are still to be made."
    page = float_table.document(section, "x", RECIPES, [lines[1][1]])
    table = [text for text in page.splitlines() if text.startswith("|")]
    assert len(table) == 3 and len({text.count("|") for text in table}) == 1
