"""The table of parts that ships: a sample mapped anew, what it does not hold, damaged files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools import part_table as tool
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.synth.area import part_table
from tpe.synth.area.designs import cell_part, pe_parts
from tpe.synth.area.part_table import RECIPES, fronts_of, made_from, packed, points_of, unpacked
from tpe.synth.area.synthesis import compare
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import technology

TECH = technology("tpe130")


def smallest(count: int) -> list[dict]:
    """Lines whose cells are the smallest: the cheapest to map anew."""
    return sorted(part_table.rows(), key=lambda row: row["parts"]["cell"]["points"][-1][2])[:count]


def mapped_anew(row: dict) -> dict[str, list[tuple[float, float]]]:
    engine = tool.built(row["pe"], row["array"], row["params"])
    assert engine is not None
    design = compare([engine], liberty=TECH, recipes=RECIPES, vary=(), workers=1).designs[0]
    return {k: [(p.period_ns, p.area_um2) for p in own] for k, own in design.fronts.items()}


def check(row: dict) -> None:
    for kind, points in mapped_anew(row).items():
        kept = [tuple(point[1:3]) for point in row["parts"][kind]["points"]]
        assert kept == [pytest.approx(point, rel=1e-4) for point in points]


def test_a_line_mapped_anew_is_the_line() -> None:
    check(smallest(1)[0])


@pytest.mark.full
def test_more_lines_mapped_anew_are_the_lines() -> None:
    for row in [*smallest(4), *part_table.rows()[::25]]:
        check(row)


def test_an_engine_finds_the_fronts_of_its_parts_and_another_library_none() -> None:
    row = smallest(1)[0]
    engine = tool.built(row["pe"], row["array"], row["params"])
    assert engine is not None
    found = fronts_of(engine, TECH)
    assert found is not None and found.keys() == row["parts"].keys()
    assert [point.area_um2 for point in found["cell"]] == [
        point[2] for point in row["parts"]["cell"]["points"]
    ]
    assert fronts_of(engine, replace(TECH, name="other")) is None


def test_a_changed_rtl_file_is_not_in_the_table() -> None:
    row = smallest(1)[0]
    engine = tool.built(row["pe"], row["array"], row["params"])
    assert engine is not None
    part = cell_part(engine)
    assert points_of(part, TECH) is not None
    name = next(iter(part.modules))
    changed = replace(part, modules={**part.modules, name: part.modules[name] + "\n// changed\n"})
    assert points_of(changed, TECH) is None
    assert fronts_of(Config("mac", "matrix2d", "4x4", acc_bits=47), TECH) is None


def test_lines_hold_only_while_their_rtl_is_the_text_that_it_was() -> None:
    row = smallest(1)[0]
    engine = tool.built(row["pe"], row["array"], row["params"])
    assert engine is not None
    facts = tool.facts(engine, TECH)
    assert tool._holds(row, facts)
    assert not tool._holds(row, {**facts, "cell": "another"}) and not tool._holds(None, facts)


def test_a_hash_is_of_recipes_and_library_too() -> None:
    part = pe_parts(Config("mac", "matrix2d", "4x4"), ())["cell"][0]
    some = find_recipes(RECIPES)
    assert made_from(part, TECH, some) != made_from(part, TECH, some[:1])


def test_every_set_of_parameters_is_legal_and_there_are_enough() -> None:
    sets = tool.parameter_sets()
    assert len(sets) >= 600 and len({tool._named(*one) for one in sets}) == len(sets)


def test_what_is_packed_is_what_comes_out_and_what_is_none_is_one_line() -> None:
    rows = list(part_table.rows())
    assert rows and unpacked(packed(rows), "here") == rows
    assert part_table.FILE.stat().st_size < part_table.LARGEST
    for bad in (b"", b"text", packed(rows)[:-20]):
        with pytest.raises(TpeError, match="mine: no table of parts"):
            unpacked(bad, "mine")
