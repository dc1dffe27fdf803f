"""Papers' claims beside ours: facts against their sources, ratios recomputed, sentences."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner, Result

from tpe.base.errors import TpeError
from tpe.cli.main import app
from tpe.model.engine import Engine
from tpe.report.papers import PAPERS, get, saed32
from tpe.report.papers.facts import Claim, Paper, PaperCase, Spec
from tpe.report.papers.measure import Built, Experiment, Finding, engine_of, measure
from tpe.report.papers.words import drawn_text, sentence
from tpe.study.cost_file import read_cost
from tpe.study.price import price
from tpe.synth.netlist.recipes import find_recipes
from tpe.synth.power.known import Energy
from tpe.technology.technology import technology

SHARED = Path(__file__).resolve().parents[3] / "shared/reference/saed32_synthesis.csv"
MINE = """pe,clock_ns,area_um2,energy_fj_per_mac,leakage_uw
mac,1.0,900,350,1
opt1,0.9,550,340,1
opt4c,0.5,180,200,
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.csv"
    file.write_text(MINE)
    return file


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["reproduce", *words])


# ---- facts ----


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/reference")
def test_the_published_rows_are_carried_in_unchanged() -> None:
    own = [x for x in saed32.FILE.read_text().splitlines() if not x.startswith("#")]
    assert own == SHARED.read_text().splitlines()


def test_the_published_rows_name_their_source() -> None:
    head = saed32.FILE.read_text().split("design,")[0]
    assert "wqzustc/High-Performance-Tensor-Processing-Engines" in head and "MIT" in head
    assert len(saed32.rows()) == 46
    assert {row.pes for row in saed32.rows() if "column" in row.dims} == {16, 32}


@pytest.mark.parametrize(
    ("design", "area", "energy"),
    [
        ("OS_systolic_array", 2.18, 1.03),
        ("WS_systolic_array", 1.48, 0.79),
        ("3D_cube", 1.50, 0.92),
        ("OS_PE", 1.45, 0.76),
    ],
)
def test_ratios_of_the_published_rows(design: str, area: float, energy: float) -> None:
    """Figures computed apart, from the same rows: OPT1 over MAC."""
    found = saed32.ratio((design, "OPT1"), (design, "MAC"))
    assert round(found.area, 2) == pytest.approx(area, abs=0.011)
    assert found.energy is not None and round(found.energy, 2) == pytest.approx(energy, abs=0.011)
    assert found.design.met and found.baseline.met


def test_violated_rows_do_not_count() -> None:
    lines = [x for x in saed32.FILE.read_text().splitlines() if not x.startswith("#")]
    for row in csv.DictReader(lines):
        if row["timing"] == "met":
            assert float(row["arrival_ns"]) <= float(row["clock_ns"])
    with pytest.raises(TpeError, match="unknown published design"):
        saed32.best("OS_systolic_array", "OPT2")


def test_the_papers_claims() -> None:
    """The abstracts' figures, in their order."""
    cases = get("hpca25").cases
    opt1 = [c for c in cases if c.name.startswith("OPT1") and "weight" not in c.name]
    assert [c.area[0].value for c in opt1] == [1.27, 1.28, 1.56, 1.44]
    assert [c.energy[0].value for c in opt1] == [1.04, 1.56, 1.49, 1.20]
    later = [(c.area[1].value, c.area[1].where) for c in opt1[2:]]
    assert later == [(1.58, "read"), (1.34, "read")]
    ent = [c for c in get("ent").cases if "edge" in c.name and "EN-T" in c.name]
    assert [c.area[0].value for c in ent] == [1.087, 1.122, 1.110]
    assert [c.energy[0].value for c in ent] == [1.130, 1.175, 1.155]


@pytest.mark.parametrize("name", PAPERS)
def test_every_engine_of_a_paper_is_legal(name: str) -> None:
    for case in get(name).cases:
        for spec in (case.design, case.baseline):
            assert engine_of(spec).size == spec.size
        assert case.baseline.pe in ("mac", "laconic", "bitlet")


# ---- measuring ----


def test_area_efficiency_is_steps_a_second_and_area(mine: Path) -> None:
    """By hand from the user's numbers and the cycles of a run."""
    paper = get("hpca25")
    result = measure(Experiment(paper, None, (), read_cost(mine)))
    found = {(f.case.name, f.quantity): f for f in result.findings}
    finding = found["OPT4C over MAC, at equal area", "area"]
    cycles = {
        pe: Engine(pe, "matrix2d", (16, 16)).run(paper.workload).cycles for pe in ("mac", "opt4c")
    }
    by_hand = (cycles["mac"] * 1.0 * 900) / (cycles["opt4c"] * 0.5 * 180)
    assert finding.ours == pytest.approx(by_hand)
    energy = found["OPT4C over MAC, at equal area", "energy"]
    assert energy.ours == pytest.approx(350 / 200)
    missing = found["OPT3 over Bitlet", "area"]
    assert missing.ours is None and "user: mine.csv has no row of" in str(missing.reason)


def test_the_published_column_takes_the_models_steps(mine: Path) -> None:
    result = measure(Experiment(get("hpca25"), None, (), read_cost(mine)))
    finding = next(f for f in result.findings if f.case.name.startswith("OPT4C over MAC"))
    mac, column = saed32.best("OS_PE", "MAC"), saed32.best("column_array_OS", "OPT4C")
    steps = Engine("opt4c", "matrix2d", (16, 16)).run(get("hpca25").workload).totals()
    each = column.area_um2 / column.pes * column.clock_ns * steps["cycles_per_operand"]
    assert finding.published == pytest.approx(mac.area_um2 * mac.clock_ns / each)
    assert 2 < steps["cycles_per_operand"] < 3


SMALL = ("sklansky/small", "ripple/small")


def test_a_case_from_synthesis(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPT1 over MAC on a small array, two recipes: recomputed from the options."""

    def pe_energy(engine: Engine, *given: object) -> Energy:
        assert engine.pe is not None
        return Energy({"mac": 300.0, "opt1": 400.0}[engine.pe.name], None, "of a test")

    monkeypatch.setattr("tpe.study.price.pe_energy", pe_energy)
    mac, opt1 = (Spec(pe, "matrix2d", (4, 4), vary=()) for pe in ("mac", "opt1"))
    paper = Paper("own", "own", "none", "gemm:16x16x64", (PaperCase("own", opt1, mac),))
    recipes, tech = find_recipes(SMALL), technology()
    area, energy = measure(Experiment(paper, tech, recipes)).findings
    best, ratios = {}, {}
    for spec in (mac, opt1):
        cycles = Engine(spec.pe, "matrix2d", (4, 4)).run(paper.workload).cycles
        options = price(engine_of(spec), tech, recipes, vary=()).options
        cost = [(cycles * o.period_ns * o.area_um2((4, 4)), o) for o in options]
        best[spec.pe] = min(c for c, _ in cost)
        for recipe in SMALL:
            least = min(c for c, o in cost if f"cell={recipe}" in o.recipe)
            ratios.setdefault(recipe, {})[spec.pe] = least
    assert area.ours == pytest.approx(best["mac"] / best["opt1"], rel=1e-9)
    each = [pair["mac"] / pair["opt1"] for pair in ratios.values()]
    assert area.spread == pytest.approx((min(each), max(each)))
    assert area.design is not None and area.design.clock_ns > 0
    assert energy.ours == 0.75 and energy.reason is None


@pytest.mark.parametrize(
    ("workload", "operands"),
    [("gemm:16x16x64:normal:33", "normal:33"), ("gemm:16x16x64", "uniform")],
)
def test_energies_are_of_the_distribution_that_cycles_are_of(
    workload: str, operands: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def pe_energy(*given: object) -> Energy:
        asked.append(given[-1]())  # type: ignore[operator]
        return Energy(100.0, None, "of a test")

    monkeypatch.setattr("tpe.study.price.pe_energy", pe_energy)
    mac = Spec("mac", "matrix2d", (4, 4), vary=())
    paper = Paper("own", "own", "none", workload, (PaperCase("own", mac, mac),))
    result = measure(Experiment(paper, technology(), find_recipes(SMALL)))
    assert asked and set(asked) == {operands}
    assert drawn_text(result) == (
        f"Cycles and energies are of operands drawn alike: {operands}, seed 0."
    )


@pytest.mark.parametrize("name", PAPERS)
def test_a_papers_operands_are_those_of_its_runs(name: str) -> None:
    paper = get(name)
    layer = Engine("mac").find(paper.workload).layers[0]
    kind, _, sigma = paper.operands.partition(":")
    assert layer.operand_source == f"{kind} sigma {sigma} seed 0"


# ---- sentences ----


class _Option:
    """An option of fixed cost."""

    recipe = cell_recipe = "one"
    form: ClassVar[dict[str, str]] = {}

    def __init__(self, period_ns: float, stages: int = 1) -> None:
        self.period_ns, self.params = period_ns, {"stages": stages}

    def cells_share(self, size: object) -> None:
        return None


def finding(ours: float, *claims: float, stages: int = 1) -> Finding:
    spec = Spec("mac", "matrix2d", (4, 4))
    case = PaperCase("own", spec, spec, tuple(Claim(value, "abs") for value in claims))
    design = Built(spec, _Option(1.0), 200.0, 16.0, 100, 1.0)
    baseline = Built(spec, _Option(2.0, stages), 100.0, 16.0, 100, 1.0)
    return Finding(case, "area", ours, None, None, design, baseline)


def test_a_sentence_says_whether_we_agree_and_why() -> None:
    assert "agrees with 1.27 (abstract)" in sentence(finding(1.30, 1.27))
    assert "disagrees: below the paper's 1.27 (abs)" in sentence(finding(0.9, 1.27))
    assert "disagrees: below the paper's 1.09 (abs)" in sentence(finding(1.0, 1.09))
    assert "disagrees: above the paper's" in sentence(finding(1.9, 1.27))
    assert "prints no such figure" in sentence(finding(1.0))
    why = sentence(finding(0.9, 1.27))
    assert "clock is 2.00 times the baseline's (1.00 against 2.00 ns)" in why
    assert "takes 2.00 times the area" in why
    staged = replace(finding(0.9, 1.27, stages=3), one_stage=1.2)
    assert "best MAC has 3 stages here; with cells of one stage" in sentence(staged)
    assert "ratio is 1.20" in sentence(staged)


# ---- the command ----


def test_the_command_prints_writes_and_draws(mine: Path, tmp_path: Path) -> None:
    picture, file = tmp_path / "ratios.svg", tmp_path / "own.json"
    words = ("hpca25", "--cost", str(mine), "--figure", str(picture), "--json", str(file))
    result = run(*words)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert "1.44 (abs), 1.34" in result.stdout and "Built by:" in result.stdout
    content = json.loads(file.read_text())
    found = content["libraries"][0]["findings"]
    assert len(found) == 2 * len(get("hpca25").cases)
    first = found[0]
    assert first["claims"] == [{"value": 1.27, "where": "abs"}]
    assert first["saed32"] == pytest.approx(2.18, abs=0.01)
    assert first["design"]["clock_ns"] == 0.9 and first["sentence"] in " ".join(
        part["sentence"] for part in found
    )
    assert "abstract" in picture.read_text()
    line = "Cycles are of operands normal:20; energies are given, on operands not known here."
    assert line in " ".join(result.stdout.split()) and content["operands"] == line
    assert line in picture.read_text()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("hpca2",), "unknown paper 'hpca2' (did you mean 'hpca25'?)"),
        (("ent", "--liberty", "none.lib"), "none.lib: no such Liberty file"),
        (("ent", "--liberty", "tpe130", "--cost", "x.csv"), "--liberty and --cost"),
        (
            ("ent", "--cost", "none.csv"),
            "none.csv: cannot be read as a table of costs: No such file",
        ),
        (("ent", "--figure", "x.bmp"), "unknown ending '.bmp'"),
        ((), "Missing argument"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], part: str) -> None:
    result = run(*words)
    assert result.exit_code == 2 and part in result.stderr
    assert result.stdout == "" and result.stderr.count("\n") == 1


def test_a_file_without_any_pe_of_the_paper_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(MINE.splitlines()[0] + "\nstripes,1,100,,\n")
    result = run("ent", "--cost", str(file))
    assert result.exit_code == 2 and "no case of ent can be built" in result.stderr


@pytest.mark.full
@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_from_synthesis(name: str) -> None:
    """Every case is built and has clock, recipe and spread."""
    content = json.loads(run(name, "--json", "-").stdout)
    for found in content["libraries"][0]["findings"]:
        if found["quantity"] == "area":
            low, high = found["spread_over_recipes"]
            assert 0 < low <= high and found["ours"] > 0
            assert found["design"]["recipe"] and found["design"]["clock_ns"] > 0
