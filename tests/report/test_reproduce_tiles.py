"""Papers of tiles: parts and their number, areas by hand, crossings, the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tpe.base.errors import TpeError
from tpe.cli.main import app
from tpe.report.papers import TILES, get_tiles
from tpe.report.papers.lut_tc import BASELINE, STEPS
from tpe.report.papers.tiles import (
    COMMON,
    TileBench,
    TileClaim,
    TileComparison,
    TileRow,
    crossing_text,
    sentences_of,
    tiles_measured,
)
from tpe.synth.area.boundary import edge_flop
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import technology

RECIPE = "brent_kung/small"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["reproduce", *words])


def row(title: str, area: float, best: float | None = None, macs: float = 1.0) -> TileRow:
    return TileRow("c", title, 2.0, {"cell": area}, macs, 1.0, best or area)


# ---- tiles ----


@pytest.mark.parametrize("name", TILES)
def test_tiles_of_a_comparison_are_of_one_array(name: str) -> None:
    paper = get_tiles(name)
    assert paper.name == name and "Not modelled" in paper.facts[-1]
    for one in paper.comparisons:
        titles = [tile.title for tile in one.tiles]
        assert len(set(titles)) == len(titles) and one.baseline in titles
        assert len({(t.engine.array.name, t.engine.size) for t in one.tiles}) == 1
        assert {t.engine.params["stages"] for t in one.tiles} == {1}
        for claim in one.claims:
            assert {claim.design, claim.baseline} <= set(titles)


def test_a_tile_has_its_parts() -> None:
    """512 multiply-accumulates of 2 planes: half of it a cycle; registers by hand."""
    steps = {tile.title: tile for tile in get_tiles("lut_tc").comparisons[0].tiles}
    tile, fused = steps[STEPS[1]], steps[STEPS[2]]
    assert tile.macs_per_cycle == 256 and tile.counts()["cell"] == 128
    assert set(tile.parts()) == {"cell", "front", "row", "finish"}
    assert tile.registers() == 2 * 4 * 8 + 2 * (64 * 4 * 2)
    assert fused.registers() == 2 * (64 * 4 * 2)
    assert fused.parts()["front"].top == "tpe_lut_broadcast"
    assert fused.parts()["cell"].modules == tile.parts()["cell"].modules
    assert "row" not in steps[BASELINE].parts()


# ---- sentences ----


def test_claims_and_crossings_in_sentences() -> None:
    rows = [row("new", 70.0), row("old", 100.0)]
    for value, words in ((0.7, "agrees with 0.700"), (0.4, "more than"), (0.95, "less than")):
        one = TileComparison("c", (), "old", (TileClaim("new", "old", value, "read"),))
        assert f"0.700, {words}" in sentences_of(one, rows)[0]
    lines = [row(f"A{n}", 10.0 * n, best=25.0) for n in (1, 2, 3)]
    lines += [row(f"B{n}", 25.0, best=24.0) for n in (1, 2, 3)]
    text = crossing_text(TileComparison("c", (), "", cross=("A", "B")), lines)
    assert "up to 2 bits" in text and "up to 0 at clocks" in text
    with pytest.raises(TpeError, match="unknown tile 'none'"):
        sentences_of(TileComparison("c", (), "", (TileClaim("none", "old", 1, "read"),)), rows)


# ---- from synthesis ----


def test_areas_are_parts_by_their_number() -> None:
    """Of ternary tables and of two planes on int4, from netlists of one recipe."""
    (comparison,) = [c for c in get_tiles("ternary_lut").comparisons if "int4" in c.title]
    bench = TileBench(technology(), find_recipes(RECIPE))
    rows = bench.rows(comparison)
    for tile, found in zip(comparison.tiles, rows, strict=True):
        fronts = bench.of(tile)
        (cell,) = {min(p.area_um2 for p in fronts["cell"] if p.period_ns <= found.clock_ns)}
        assert found.areas["cell"] == pytest.approx(128 * cell)
        flop = edge_flop(bench.technology).area_um2
        assert found.areas["registers"] == pytest.approx(tile.registers() * flop)
        assert found.best_clock_ns <= found.clock_ns
        ours = found.best_clock_ns * found.best_area_um2
        assert ours <= found.clock_ns * found.area_um2
    assert rows[0].clock_ns == pytest.approx(COMMON * max(map(bench.shortest, comparison.tiles)))
    assert bench.areas(comparison.tiles[0], 0.01) is None


def test_the_command_prints_and_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the comparison that is mapped above; all of the papers are among the full tests."""
    whole = get_tiles("ternary_lut")
    paper = replace(whole, comparisons=whole.comparisons[:1])
    monkeypatch.setattr("tpe.report.papers.get_tiles", lambda name: paper)
    file = tmp_path / "own.json"
    done = run("ternary_lut", "--recipe", RECIPE, "--json", str(file))
    assert done.exit_code == 0, done.output
    (library,) = json.loads(file.read_text())["libraries"]
    assert len(library["tiles"]) == sum(len(c.tiles) for c in paper.comparisons)
    assert all(sum(t["area_by_part_um2"].values()) > 0 for t in library["tiles"])
    assert "Per cent of the area" in done.stdout


@pytest.mark.full
@pytest.mark.parametrize("name", TILES)
def test_papers_from_synthesis(name: str) -> None:
    found = tiles_measured(get_tiles(name), technology(), find_recipes(RECIPE))
    rows = {(r.comparison, r.title): r for r in found.rows}
    if name == "lut_tc":
        areas = [rows["W2 A8, 2 x 64 x 4", title].area_um2 for title in (BASELINE, *STEPS)]
        assert areas == sorted(areas, reverse=True)
        assert any("up to" in sentence for sentence in found.sentences)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("lut_tc", "--cost", "x.csv"), "--cost is not legal for lut_tc; legal: for hpca25, ent"),
        (("mixpe", "--no-energy"), "--no-energy is not legal for mixpe; legal: for hpca25, ent"),
        (("mixpe", "--recipe", "none"), "unknown recipe 'none'"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], part: str) -> None:
    done = run(*words)
    assert done.exit_code == 2 and part in done.stderr
    assert done.stdout == "" and done.stderr.count("\n") == 1
