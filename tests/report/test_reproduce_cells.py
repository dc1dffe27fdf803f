"""Papers of cells: claims as printed, both sides alike, verdicts recomputed, the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tpe.cli.main import app
from tpe.model.engine import Engine
from tpe.report.papers import CELLS, PAPERS, get_cells
from tpe.report.papers.cells import (
    DATA,
    CellPaper,
    Saving,
    SavingVerdict,
    cells_measured,
    error_rows,
    published,
    verdict,
    verdict_text,
)
from tpe.study.contest import ENERGY_FACTOR, FACTORS, Contest, ContestResult, Entrant, EntrantRow
from tpe.synth.netlist.recipes import find_recipes
from tpe.synth.power.known import Energy
from tpe.technology.technology import technology

RECIPE = "brent_kung/small"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["reproduce", *words])


# ---- facts ----


def test_the_abstracts_figures() -> None:
    claims = {
        (paper, s.quantity, s.value)
        for paper in CELLS
        for s in get_cells(paper).savings
        if s.value is not None
    }
    assert claims == {
        ("fma_approxnorm", "area", 0.16),
        ("fma_approxnorm", "energy", 0.13),
        ("lmul", "energy", 0.95),
        ("lmul", "energy", 0.80),
    }
    own = get_cells("fma_approxnorm")
    assert {s.baseline for s in own.savings if s.value is not None} == {"exact"}
    three = ("an-1-1", "an-1-2", "an-2-2")
    assert {s.designs for s in own.savings if s.value is not None} == {three}


def test_what_others_publish_is_carried_in_with_its_source() -> None:
    rows = published("lmul_areas.csv")
    assert {row["source"] for row in rows} == {"AxCore artefact", "README of a public L-Mul RTL"}
    areas = {(row["what"], row["format"]): row["area_um2"] for row in rows}
    assert areas["PE, exact floating point", "bf16"] == 800
    assert areas["PE, multiplier by integer addition", "bf16"] == 400
    assert rows[-1]["area_change"] == -0.668 and rows[-1]["area_um2"] is None
    assert "none is\n# of this project" in (DATA / "lmul_areas.csv").read_text()


@pytest.mark.parametrize("name", CELLS)
def test_both_sides_of_a_contest_are_built_alike(name: str) -> None:
    paper = get_cells(name)
    titles = {contest.title: contest for contest in paper.contests}
    assert len(titles) == len(paper.contests)
    for contest in paper.contests:
        engines = [entrant.engine for entrant in contest.entrants]
        assert len({(e.a_format, e.b_format, e.array.name, e.size) for e in engines}) == 1
        assert len({e.params.get("stages", 1) for e in engines}) == 1
        assert len({e.params["acc_bits"] for e in engines}) == 1
        names = {entrant.title for entrant in contest.entrants}
        assert set(contest.baselines) < names
        for saving in (s for s in paper.savings if s.contest == contest.title):
            assert {saving.baseline, *saving.designs} <= names


# ---- verdicts ----


def row(title: str, factor: float, area: float, finish: float | None, fj: float) -> EntrantRow:
    energy = Energy(fj, None, "of a test") if factor == ENERGY_FACTOR else None
    return EntrantRow("cells", title, 10 * factor, factor, 9.0, area, finish, 3, "one", energy)


def result(finish: float | None = 32.0) -> ContestResult:
    e = Engine("fma")
    contest = Contest("cells", tuple(Entrant(x, e) for x in ("one", "two", "base")), ("base",))
    areas = {"one": 80.0, "two": 90.0, "base": 100.0}
    fj = {"one": 50.0, "two": 60.0, "base": 100.0}
    rows = tuple(row(x, f, areas[x] / f, finish, fj[x]) for f in FACTORS for x in areas)
    return ContestResult(contest, rows, ())


def test_a_saving_is_the_mean_over_the_designs() -> None:
    """By hand: a column of 16 adds 2 of a finish of 32 to each cell."""
    own = Saving("area", "cells", ("one", "two"), "base", 0.14, "abs")
    found = verdict(own, result())
    by_hand = {
        f: 1 - ((80 / f + 2) / (100 / f + 2) + (90 / f + 2) / (100 / f + 2)) / 2 for f in FACTORS
    }
    assert dict(found.by_factor) == pytest.approx(by_hand)
    assert found.ours == pytest.approx(by_hand[ENERGY_FACTOR])
    assert found.cell == pytest.approx(0.15)
    assert found.agrees and "Agrees with -14 % (abstract)" in verdict_text(found)
    assert verdict(own, result(None)).cell is None
    energy = verdict(replace(own, quantity="energy"), result())
    assert energy.ours == pytest.approx(0.45) and energy.by_factor == (
        (ENERGY_FACTOR, energy.ours),
    )
    assert not energy.agrees and "More than -14 % (abstract)" in verdict_text(energy)


@pytest.mark.parametrize(
    ("ours", "claimed", "agrees", "words"),
    [
        (0.14, 0.16, True, "Agrees with -16 % (abstract)"),
        (0.05, 0.16, False, "Less than -16 % (abstract)"),
        (-0.2, 0.16, False, "+20.0 % at 10.00 ns. Less than -16 %"),
        (0.4, 0.16, False, "More than -16 % (abstract)"),
        (0.4, None, None, "The paper has no such figure"),
        (None, 0.16, None, "not measured; the paper says -16 % (abstract)"),
    ],
)
def test_a_sentence_says_how_ours_stands(
    ours: float | None, claimed: float | None, agrees: bool | None, words: str
) -> None:
    saving = Saving("area", "cells", ("one",), "base", claimed, "abs" if claimed else None)
    found = SavingVerdict(saving, 10.0, ours, ())
    assert found.agrees is agrees
    assert words in verdict_text(found)
    assert found.to_json()["sentence"] == verdict_text(found)


def test_errors_stand_beside() -> None:
    """Exact and approximate normalisation err alike, both more than rounding in every step."""
    paper = replace(get_cells("fma_approxnorm"), lengths=(64,))
    rows = {row["title"]: row for row in error_rows(paper)}
    assert set(rows) == {"an-1-1", "an-1-2", "an-2-2", "exact", "none", "fma"}
    assert rows["none"]["mean_absolute"] > 1.1 * rows["exact"]["mean_absolute"]
    assert rows["fma"]["mean_absolute"] < rows["exact"]["mean_absolute"] < 1e-4
    assert rows["an-1-1"]["outward_bias"] < 0  # truncation draws magnitudes towards zero


# ---- the command ----


@pytest.mark.parametrize("name", CELLS)
def test_the_command_prints_and_writes(name: str, tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    done = run(name, "--recipe", RECIPE, "--no-energy", "--json", str(file))
    assert done.exit_code == 0, done.output
    content = json.loads(file.read_text())
    paper = get_cells(name)
    (library,) = content["libraries"]
    assert content["recipes"] == RECIPE and "Not modelled" in content["facts"][-1]
    assert len(library["verdicts"]) == len(paper.savings)
    rows = library["contests"]
    assert len(rows) == len(FACTORS) * sum(len(c.entrants) for c in paper.contests)
    assert {x["recipe"].split("@")[0] for x in rows} <= set(RECIPE.split(","))
    assert all(x["energy_fj_per_mac"] is None for x in rows)
    for found in library["verdicts"]:
        assert (found["ours"] is None) == (found["quantity"] == "energy")
        assert found["sentence"] in " ".join(done.stdout.split())
    assert len(content["errors"]) == len(paper.engines) * len(paper.lengths)
    assert bool(content["published"]) == bool(content["product_errors"]) == (name == "lmul")
    assert ("none of it is measured here" in done.stdout) == (name == "lmul")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("lmul", "--cost", "x.csv"), "--cost is not legal for lmul; legal: for hpca25, ent"),
        (("fma_approxnorm", "--figure", "x.png"), "--figure is not legal for fma_approxnorm"),
        (("lmul", "--recipe", "none"), "unknown recipe 'none'"),
        (("ent", "--recipe", "ripple/fast", "--portfolio"), "--recipe and --portfolio are both"),
        (("tensorcore", "--recipe", "ripple/fast"), "--recipe is not legal for tensorcore"),
        (("tensorcore", "--no-energy"), "--no-energy is not legal for tensorcore"),
        (("lmull",), "unknown paper 'lmull' (did you mean 'lmul'?)"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], part: str) -> None:
    done = run(*words)
    assert done.exit_code == 2 and part in done.stderr
    assert done.stdout == "" and done.stderr.count("\n") == 1


@pytest.mark.full
@pytest.mark.parametrize("name", CELLS)
def test_a_paper_from_synthesis_with_its_energies(name: str) -> None:
    """Every energy that is asked for is there, and of two entrants the same cell has one."""
    paper: CellPaper = get_cells(name)
    assert name not in PAPERS
    found = cells_measured(paper, technology(), find_recipes(f"{RECIPE},brent_kung/fast"))
    for result in found.results:
        for row in result.rows:
            asked = result.contest.energy and row.factor == ENERGY_FACTOR
            assert (row.energy is not None) == asked, row.no_energy
    for one in found.verdicts:
        assert one.ours is not None and one.ours < 1
