"""Comparisons at equal area, throughput, power, clock, bandwidth; areas of arrays at any size."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tpe.base.errors import TpeError
from tpe.base.table import COLUMNS
from tpe.cli.main import app
from tpe.hdl import emit
from tpe.model.engine import Engine
from tpe.study.candidates import Choice
from tpe.study.compare import prepare
from tpe.study.cost_file import read_cost
from tpe.study.equal import compare_iso
from tpe.study.equal_table import EXTRA, ISO, IsoComparison
from tpe.study.price import Price, price, users_price, varied
from tpe.synth.area import designs
from tpe.synth.area.compose import AROUND, Composed, Version, compose, own_versions, timed
from tpe.synth.area.designs import VARIED, Size, sized
from tpe.synth.area.scaling import calibration, reference, terms
from tpe.synth.netlist.mapper import map_parts
from tpe.synth.netlist.recipes import find_recipes
from tpe.synth.power.known import Energy
from tpe.synth.power.sampled import Sample, sampled
from tpe.synth.power.stimulus import cases_of, smaller
from tpe.technology.technology import technology
from tpe.workloads import LazyLayer, Workload

GEMM = "gemm:32x48x40:normal:20"
FEW = find_recipes("sklansky/small")
MINE = """pe,clock_ns,area_um2,energy_fj_per_mac,leakage_uw
mac,2.0,500,300,1
mac,1.0,900,350,1
opt1,1.0,550,340,1
opt4c,0.5,180,200,
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.csv"
    file.write_text(MINE)
    return file


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["compare", *words])


def refused(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == "" and result.stderr.count("\n") == 1
    return result.stderr


def with_costs(file: Path, iso: str, pes: str = "mac,opt1,opt4c", **options: Any) -> IsoComparison:
    clock = options.pop("clock_ns", None)
    plan = prepare(pes.split(","), GEMM, Choice(size="8x8"), **options)
    costs = read_cost(file)
    return compare_iso(plan, lambda engine: users_price(engine, costs), iso, clock)


def overlapped(pe: str, size: tuple[int, ...]) -> Engine:
    """The engine that a comparison makes of a PE's name."""
    return Engine(pe, "matrix2d", size, overlap="load" if pe == "opt4c" else "stream")


# ---- what is equal ----


def test_equal_area_is_the_largest_whole_number_of_columns(mine: Path) -> None:
    """By hand: a MAC of 500 um2 at 2 ns does less per area than one of 900 at 1 ns."""
    rows = {row["label"]: row for row in with_costs(mine, "area").rows()}
    budget = 64 * 900
    assert (rows["mac"]["area_um2"], rows["mac"]["clock_ns"]) == (budget, 1.0)
    for pe, each in (("opt1", 550), ("opt4c", 180)):
        cols = budget // (8 * each)
        assert rows[pe]["size"] == f"8x{cols}"
        assert rows[pe]["area_um2"] == 8 * cols * each <= budget < 8 * (cols + 1) * each


def test_a_row_is_the_run_at_its_size_and_clock(mine: Path) -> None:
    for iso in ISO:
        for row in with_costs(mine, iso).rows():
            size = tuple(int(side) for side in row["size"].split("x"))
            alone = overlapped(row["pe"], size).run(GEMM)
            assert row["cycles"] == alone.cycles
            assert row["time_us"] == pytest.approx(alone.cycles * row["clock_ns"] / 1000)
            tops = 2 * 32 * 48 * 40 / row["time_us"] / 1e6
            assert row["throughput_tops"] == pytest.approx(tops)
            assert row["tops_per_mm2"] == pytest.approx(tops / (row["area_um2"] / 1e6))
            assert row["tops_per_w"] == pytest.approx(2000 / row["energy_fj_per_mac"])
            assert row["power_mw"] == pytest.approx(1000 * tops / row["tops_per_w"])
            assert row["cost_source"] == "user: mine.csv" and row["library"] is None


def test_ratios_are_to_the_baseline(mine: Path) -> None:
    rows = with_costs(mine, "area", baseline="opt1").rows()
    base = next(row for row in rows if row["label"] == "opt1")
    for row in rows:
        assert row["baseline"] == "opt1"
        for name, column in (("time_ratio", "time_us"), ("tops_per_w_ratio", "tops_per_w")):
            assert row[name] == row[column] / base[column]
    assert rows[0]["tops_per_w_ratio"] == pytest.approx(340 / 350)


def test_equal_throughput_is_the_fewest_columns_that_are_as_fast(mine: Path) -> None:
    rows = {row["label"]: row for row in with_costs(mine, "throughput").rows()}
    wanted = rows["mac"]["time_us"]
    for pe in ("opt1", "opt4c"):
        row, clock = rows[pe], rows[pe]["clock_ns"]
        assert row["time_us"] <= wanted
        slower = overlapped(pe, (8, row["cols"] - 1)).run(GEMM)
        assert slower.cycles * clock / 1000 > wanted


def test_equal_power_is_the_most_columns_within_it(mine: Path) -> None:
    rows = {row["label"]: row for row in with_costs(mine, "power").rows()}
    budget = rows["mac"]["power_mw"]
    for pe, fj in (("opt1", 340), ("opt4c", 200)):
        row = rows[pe]
        assert row["rows"] == 8 and row["power_mw"] <= budget
        more = overlapped(pe, (8, row["cols"] + 1)).run(GEMM)
        power = fj * 32 * 48 * 40 / (more.cycles * row["clock_ns"])  # fJ a ns: uW
        assert power / 1000 > budget or row["cols"] == 1024


def test_equal_bandwidth_counts_both_sides(mine: Path) -> None:
    rows = {row["label"]: row for row in with_costs(mine, "bandwidth").rows()}

    def bits(row: dict[str, Any]) -> int:
        return int(row["operand_bits_per_cycle_a"] + row["operand_bits_per_cycle_b"])

    assert bits(rows["mac"]) == 8 * 8 + 8 * 8
    assert rows["opt1"]["size"] == "8x8"
    groups = 4 * 8  # bits of A that a front takes at once; and a B for every PE
    assert rows["opt4c"]["size"] == "2x4"  # of four rows not one column fits
    assert bits(rows["opt4c"]) == 2 * groups + 2 * 4 * 8 == 128
    assert 4 * groups + 4 * 8 > 128


def test_equal_clock_is_the_fastest_that_all_meet(mine: Path) -> None:
    rows = with_costs(mine, "clock").rows()
    assert [(row["clock_ns"], row["size"]) for row in rows] == [(1.0, "8x8")] * 3
    rows = with_costs(mine, "clock", clock_ns=2.5).rows()
    assert [row["clock_ns"] for row in rows] == [2.5] * 3
    assert rows[0]["area_um2"] == 64 * 500  # the smaller netlist does


def test_a_clock_that_one_does_not_meet_refuses_that_one(mine: Path) -> None:
    result = with_costs(mine, "area", "opt4c,mac", clock_ns=0.7, baseline="opt4c")
    row = result.rows()[1]
    assert row["status"] == "refused" and "nothing meets clock_ns = 0.7" in row["reason"]
    with pytest.raises(TpeError, match="nothing meets"):
        with_costs(mine, "area", clock_ns=0.7)


def test_one_column_that_does_not_fit_is_a_row_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(MINE.replace("opt1,1.0,550", "opt1,1.0,9000"))
    assert with_costs(file, "area").rows()[1]["size"] == "4x1"  # rows are halved until one does
    file.write_text(MINE.replace("opt1,1.0,550", "opt1,1.0,90000"))
    row = with_costs(file, "area").rows()[1]
    assert row["status"] == "refused" and "a column of 8 rows takes 720,000 um2" in row["reason"]


# ---- the command ----


def test_the_command_prints_writes_and_draws(mine: Path, tmp_path: Path) -> None:
    table, picture = tmp_path / "rows.csv", tmp_path / "cost.svg"
    words = ("--iso", "area", "--cost", str(mine), "--workload", GEMM, "--size", "8x8")
    result = run(*words, "--table", str(table), "--figure", str(picture))
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert "mine.csv: not from synthesis here" in result.stdout
    assert table.read_text().splitlines()[0] == ",".join((*COLUMNS, *EXTRA))
    drawn = picture.read_text()
    assert "clock period (ns)" in drawn and "energy per MAC (fJ)" in drawn


def test_the_echoed_command_gives_the_same(mine: Path) -> None:
    first = json.loads(run("--cost", str(mine), "--size", "8x8", "--json", "-").stdout)
    words = shlex.split(first["command"])[2:]
    assert "--iso" in words and not any(w.startswith("stages=") for w in words)
    assert json.loads(run(*words, "--json", "-").stdout) == first


def test_the_short_command_that_is_echoed_gives_the_same(mine: Path) -> None:
    few = ("--pe", "mac,opt1", "--iso", "area")
    for more in ((), few, ("--pe", "mac,opt1,opt4c"), ("-p", "a_type=int8", "--clock-ns", "2")):
        first = run("--cost", str(mine), "--size", "8x8", *more, "--json", "-")
        pasted = run(*shlex.split(first.stderr.splitlines()[0])[3:], "--json", "-")
        assert (pasted.stdout, pasted.stderr) == (first.stdout, first.stderr)


def test_the_terminal_has_units_that_are_read_and_the_table_exact_numbers(
    mine: Path, tmp_path: Path
) -> None:
    import pandas as pd

    file = tmp_path / "rows.csv"
    words = ("--cost", str(mine), "--size", "64x64", "--workload", "gemm:256x256x256")
    text = run(*words, "--table", str(file)).stdout
    frame = pd.read_csv(file)
    area = frame["area_um2"].iloc[0]
    assert area > 1e6 and "mm2" in text and f"{area / 1e6:.4g}" in text
    assert f"{area:,.0f}" not in text
    time = frame["time_us"].iloc[0]
    assert f"{time:.4g}" in text


def test_the_users_pes_are_compared_by_default(mine: Path) -> None:
    content = json.loads(run("--cost", str(mine), "--size", "4x4", "--json", "-").stdout)
    assert [row["label"] for row in content["rows"]] == ["mac", "opt1", "opt4c"]
    assert content["meaning"] == ISO["area"]
    assert [p["period_ns"] for p in content["fronts"]["mac"]] == [1.0, 2.0]


def test_a_pe_that_is_not_in_the_file_is_a_row(mine: Path) -> None:
    words = ("--cost", str(mine), "--pe", "mac,opt3", "--size", "4x4", "--json", "-")
    row = json.loads(run(*words).stdout)["rows"][1]
    assert row["status"] == "refused" and "user: mine.csv has no row of opt3" in row["reason"]


def test_bad_input_is_one_line(mine: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.csv"
    bare.write_text("pe,clock_ns,area_um2,energy_fj_per_mac,leakage_uw\nmac,1,500,,\nopt1,1,4,,\n")
    cost = ("--cost", str(mine))
    for words, part in (
        (("--iso", "aera", *cost), "unknown iso 'aera' (did you mean 'area'?)"),
        (("--iso", "power", "--cost", str(bare)), "iso = 'power' is not legal: energy is unknown"),
        (("--iso", "area", *cost, "--baseline", "opt9"), "unknown baseline 'opt9'"),
        (("--iso", "area", *cost, "--layers"), "--layers and --iso"),
        (("--iso", "area", *cost, "--recipe", "quick"), "--recipe and --cost"),
        (("--iso", "area", *cost, "--liberty", "x.lib"), "--liberty and --cost"),
        (("--iso", "area", *cost, "--clock-ns", "0"), "--clock-ns 0 is not legal"),
        (("--iso", "area", *cost, "--clock-ns", "0.1"), "nothing meets clock_ns = 0.1"),
        (("--iso", "area", "--liberty", "none.lib"), "none.lib: no such Liberty file"),
        (("--iso", "area", "--recipe", "quik"), "unknown recipe 'quik'"),
        (("--iso", "area", "--pe", "bitfusion"), "bitfusion"),
    ):
        assert part in refused(*words)


# ---- areas from synthesis ----


@pytest.fixture(scope="module")
def small():
    """A PE in an array, one recipe, nothing varied."""
    known: dict[tuple[str, str, Size], Price] = {}

    def get(pe: str, array: str, size: Size = (4, 4)) -> Price:
        key = pe, array, size
        if key not in known:
            known[key] = price(Engine(pe, array, size), technology(), FEW, vary=())
        return known[key]

    return get


def mapped(found: Price, size: Size) -> Composed:
    """An array that is mapped at a size, its modules those of the first option."""
    option = found.options[0]
    top = option.scale.top
    parts = {f"tpe_{kind}": point for kind, point in option.chosen.points.items()}
    engine = sized(found.engine, size)
    outcome = map_parts([designs.array_part(engine)], found.technology, AROUND)[0]
    own = next(m for m in outcome.mapped if m.recipe == option.top_recipe)
    versions = {name: own_versions([point], name) for name, point in parts.items()}
    versions[top] = [Version(own, own.netlist.modules[top], 0.0, 0.0)]
    return compose(found.technology, top, versions, {}, 0.0)


LARGER = [
    pytest.param("opt1", "systolic_os", (4, 4), (6, 5), marks=pytest.mark.full),
    pytest.param("mac", "systolic_ws", (4, 4), (5, 6), marks=pytest.mark.full),
    pytest.param("opt4c", "matrix2d", (4, 4), (6, 4), marks=pytest.mark.full),
    pytest.param("mac", "cube3d", (4, 4, 2), (3, 5, 2), marks=pytest.mark.full),
    pytest.param("mac", "adder_tree", (3, 4), (3, 7), marks=pytest.mark.full),
    pytest.param("mac", "matrix2d", (4, 4), (8, 8), marks=pytest.mark.full),
]


@pytest.mark.parametrize(
    ("pe", "array", "of", "size"), [("mac", "matrix2d", (4, 4), (3, 5)), *LARGER]
)
def test_a_size_that_was_not_fitted_is_within_two_percent(pe, array, of, size, small):
    found = small(pe, array, of)
    assert size not in calibration(found.engine)
    direct = timed(found.technology, mapped(found, size), clock_ns=0.0)
    assert found.options[0].area_um2(size) == pytest.approx(direct.area_um2, rel=0.02)


def test_the_sizes_that_were_fitted_are_exact(small):
    found = small("mac", "matrix2d")
    for size in calibration(found.engine):
        direct, option = mapped(found, size), found.options[0]
        areas = {f"tpe_{kind}": p.area_um2 for kind, p in option.chosen.points.items()}
        plain = option.scale.area_um2(size, option.top_recipe, areas)
        assert plain == pytest.approx(direct.area_um2, rel=1e-6)
        assert option.resized > 1.0 and plain < option.area_um2(size) < 1.05 * plain


def test_copies_are_whole_numbers_of_rows_and_columns(small):
    scale = small("mac", "matrix2d").options[0].scale
    assert scale.count("tpe_cell", (16, 23)) == 16 * 23
    assert scale.count("tpe_finish", (16, 23)) == 23
    assert scale.memory_bits_at((16, 23)) == 0


def test_sides_inside_a_cell_are_not_scaled():
    tree = Engine("mac", "adder_tree", (3, 16))
    assert reference(tree) == (3, 4) and calibration(tree) == ((3, 2), (3, 4))
    with pytest.raises(TpeError, match="of 3 rows alone"):
        terms(tree, (4, 4))
    assert reference(Engine("mac", "cube3d", (16, 16, 4))) == (4, 4, 4)


def test_what_is_varied():
    assert varied(Engine("mac")) == (*VARIED, "encoder")
    assert "encoder" not in varied(Engine("mac", encode_in="stored"))
    assert "encoder" not in varied(Engine("opt4c"))


def test_equal_area_from_synthesis(small, monkeypatch):
    """Two PEs, one recipe: the columns are the most that fit, by the areas at those sizes."""
    asked = []

    def energy(engine, chosen, tech, clock_ns, draw):
        asked.append((engine.size, clock_ns, sorted(chosen.points)))
        return Energy(100.0 * len(asked), 0.1, "of a test")

    monkeypatch.setattr("tpe.study.price.pe_energy", energy)
    plan = prepare(["mac", "opt1"], GEMM, Choice(size="8x8"))
    prices = {pe: small(pe, "matrix2d") for pe in ("mac", "opt1")}
    result = compare_iso(plan, lambda engine: prices[engine.pe.name], "area")
    budget, row = result.rows()[0]["area_um2"], result.rows()[1]
    option = result["opt1"].option
    assert row["area_um2"] == option.area_um2((8, row["cols"])) <= budget
    assert option.area_um2((8, row["cols"] + 1)) > budget
    assert row["library"] == "tpe130" and row["node_nm"] == 130
    assert "cell=sklansky/small" in row["recipe"]
    assert row["clock_ns"] == row["period_ns"] == option.period_ns
    assert asked[0][0] == (4, 4)  # a MAC shares nothing
    assert asked[1][0] == (8, row["cols"])
    assert asked[1][1:] == (option.period_ns, ["cell", "finish"])
    assert row["energy_fj_per_mac"] == 200 and row["energy_per_mac_ratio"] == 2.0
    assert row["activity_source"] == "of a test"


def test_an_energy_that_cannot_be_had_is_null_with_the_reason(small, monkeypatch):
    def energy(*given):
        raise TpeError("no gates to simulate")

    monkeypatch.setattr("tpe.study.price.pe_energy", energy)
    plan = prepare(["mac"], GEMM, Choice(size="8x8"))
    result = compare_iso(plan, lambda engine: small("mac", "matrix2d"), "area")
    row = result.rows()[0]
    assert row["area_um2"] > 0 and row["energy_fj_per_mac"] is None
    assert row["tops_per_w"] is row["tops_per_w_ratio"] is row["power_mw"] is None
    assert result["mac"].no_energy == "no gates to simulate"
    with pytest.raises(TpeError, match="no gates to simulate"):
        compare_iso(plan, lambda engine: small("mac", "matrix2d"), "power")


# ---- which operands an energy is of ----


def drawn(sigma: float, relu: bool, seed: int = 3) -> dict[str, tuple[Any, Any]]:
    """One GEMM of 64 x 48 x 40, normal, the negative half of A at zero or not."""
    rng = np.random.default_rng(seed)
    a, b = (np.clip(rng.normal(0, sigma, s).round(), -128, 127) for s in ((64, 40), (40, 48)))
    return {"fc": (np.maximum(a, 0).astype(int) if relu else a.astype(int), b.astype(int))}


def of_mac(small, workload: Any, seed: int = 0, values: str = "auto") -> IsoComparison:
    plan = prepare(["mac"], workload, Choice(size="4x4"), seed=seed, values=values)
    return compare_iso(plan, lambda engine: small("mac", "matrix2d"), "area")


def test_energy_is_of_the_workloads_own_operands(small, monkeypatch, tmp_path):
    """Gates simulated on each: equal names, shapes and cycles, other values; the cache is empty."""
    (tmp_path / "synth").mkdir()
    monkeypatch.setattr("tpe.base.cache.cache_dir", lambda: tmp_path)
    mild = of_mac(small, drawn(25, relu=True)).rows()[0]
    wild = of_mac(small, drawn(60, relu=False)).rows()[0]
    assert mild["cycles"] == wild["cycles"] and mild["workload"] == wild["workload"] == "arrays"
    assert 0 < mild["energy_fj_per_mac"] < 0.8 * wild["energy_fj_per_mac"]
    for row in (mild, wild):
        assert "; operands of arrays, layers by their MACs, seed 0, " in row["activity_source"]
        assert "normal:20" not in row["activity_source"] and row["no_energy"] is None
    kept = list((tmp_path / "synth").glob("energy-*.json"))
    assert len(kept) == 2
    monkeypatch.setattr(
        "tpe.synth.power.pe.pe_power", lambda *given: pytest.fail("simulated again")
    )
    again = of_mac(small, drawn(60, relu=False)).rows()[0]
    assert again["energy_fj_per_mac"] == wild["energy_fj_per_mac"]


def test_a_sample_of_a_drawn_gemm_takes_what_its_distribution_takes(small):
    """As many products to a sum, other numbers: gates take the same but for the draw."""
    option = small("mac", "matrix2d").options[0]
    one, two = (
        option.energy(4.0, (4, 4), draw)
        for draw in (
            lambda: sampled(Engine("mac").find("gemm:80x90x256:normal:20"), Engine("mac"), 0),
            lambda: "normal:20",
        )
    )
    assert one.fj_per_mac == pytest.approx(two.fj_per_mac, rel=0.03)
    assert one.activity_source != two.activity_source


def test_layers_behind_an_overflow_are_taken_as_they_ran(small, monkeypatch):
    """Accumulators of 16 bits: later layers of a network see other activations."""
    asked: list[Sample] = []

    def energy(engine, chosen, tech, clock_ns, draw):
        asked.append(draw())
        return Energy(1.0, 0.1, "of a test")

    monkeypatch.setattr("tpe.study.price.pe_energy", energy)
    engines = {
        str(bits): Engine("mac", size=(4, 4), acc_bits=bits, overflow="wrap") for bits in (32, 16)
    }
    plan = prepare(engines, "digits_mlp", Choice())
    result = compare_iso(plan, lambda engine: small("mac", "matrix2d"), "area")
    assert [row["no_energy"] for row in result.rows()] == [None, None]
    first, last = ([x.layers[i].a for x in asked] for i in (0, -1))
    assert asked[0].workload == asked[1].workload == "digits_mlp"
    assert (first[0] == first[1]).all() and (last[0] != last[1]).any()


def layers_of(sizes: list[tuple[int, int, int]], low: int = -128, high: int = 128) -> Workload:
    """Layers whose values tell whose they are: layer i holds low + i alone in A."""
    rng = np.random.default_rng(0)
    arrays = {
        f"l{i}": (np.full((m, k), low + i), rng.integers(-128, 128, (k, n)))
        for i, (m, n, k) in enumerate(sizes)
    }
    return Workload.from_arrays(arrays)


def test_layers_have_their_part_of_the_multiply_accumulates():
    found = sampled(layers_of([(10, 10, 10), (30, 10, 10), (60, 20, 50)]), Engine("mac"), 0)
    a, _ = found.operands(4, 4, 128)
    counts = [int((a[0] == -128 + i).sum()) for i in range(3)]
    assert counts == [2, 6, 120]  # of 1000, 3000 and 60,000
    assert (a == a[0]).all()
    assert found.mean_k == pytest.approx(64000 / (100 + 300 + 1200))


def test_operands_that_meet_are_of_one_place_of_a_layer():
    """A is its own column's number, B its own row's: they are equal wherever they meet."""
    k = np.arange(100)
    pair = (np.tile(k, (600, 1)), np.tile(k[:, None], (1, 700)))
    a, b = sampled(Workload.from_arrays({"fc": pair}), Engine("mac"), 5).operands(8, 8, 60)
    assert (a[0] == b[:, 0]).all() and (np.diff(a[0]) == 1).all()


def test_a_single_row_gives_every_row_other_positions():
    """A network run on one input: all that is taken of A lies in the row."""
    row = np.arange(-50, 50).reshape(1, 100)
    pair = (row, np.ones((100, 600), int))
    found = sampled(Workload.from_arrays({"a": pair, "b": pair}), Engine("mac"), 0)
    a, _ = found.operands(4, 4, 10)
    assert np.isin(a, row).all() and len(found.layers) == 2


def test_one_seed_one_sample_and_another_seed_another():
    rng = np.random.default_rng(1)
    big = (rng.integers(-9, 9, (700, 50)), rng.integers(-9, 9, (50, 700)))
    work = Workload.from_arrays({"fc": big})
    same = [sampled(work, Engine(pe), 0).fingerprint for pe in ("mac", "opt4c")]
    assert same[0] == same[1] != sampled(work, Engine("mac"), 1).fingerprint


@pytest.mark.parametrize("pe", ["mac", "opt4c"])
@pytest.mark.parametrize("encode", ["activations", "weights"])
@pytest.mark.parametrize("mode", ["subtract", "offset"])
def test_zero_points_are_out_before_the_array(pe: str, encode: str, mode: str) -> None:
    """By definition, row by row; the cells that are simulated are the engine's own."""
    rng = np.random.default_rng(2)
    a, a_zero = rng.integers(0, 256, (20, 30)).astype(np.uint8), rng.integers(0, 256, 20)
    b, b_zero = rng.integers(-128, 128, (30, 10)).astype(np.int8), rng.integers(-9, 9, 10)
    layer = LazyLayer("fc", "fc", a, b, a_type="uint8", a_zero=a_zero, b_zero=b_zero)
    engine = Engine(pe, size=(4, 4), a_type="uint8", zero_points=mode, encode=encode)
    found = sampled(Workload("net", "Net", "given", (layer,)), engine, 0)
    case = cases_of(smaller(engine), found, 0, 512)[0]
    if mode == "subtract":
        seen = a.astype(int) - a_zero[:, None], b.astype(int) - b_zero
    else:
        seen = a.astype(int) - 128, b.astype(int)
    take = np.arange(case.a.shape[0]), np.arange(case.b.shape[1])
    first = take[0][take[0] < 20], take[1][take[1] < 10]
    assert case.a.shape[1] == 30
    assert (case.a[first[0]] == seen[0][first[0]]).all()
    assert (case.b[:, first[1]] == seen[1][:, first[1]]).all()
    ours, theirs = (emit.engine_modules(e) for e in (case.engine, smaller(engine)))
    for kind in ("tpe_cell", "tpe_front", "tpe_finish"):
        assert ours.get(kind) == theirs.get(kind)


@pytest.mark.parametrize("array", ["matrix2d", "systolic_ws", "cube3d"])
def test_the_window_stays_short_whatever_k_is(array: str) -> None:
    for k in (1, 3, 1000):
        engine = smaller(Engine("mac", array))
        work = layers_of([(50, 60, k)])
        case = cases_of(engine, sampled(work, engine, 0), 0, 2048)[0]
        assert 512 <= case.run().cycles <= 2 * 2048
        assert case.a.shape[1] <= k


def test_without_values_no_other_operands_stand_in(small, monkeypatch):
    monkeypatch.setattr("tpe.synth.power.pe.pe_power", lambda *given: pytest.fail("simulated"))
    row = of_mac(small, GEMM, values="none").rows()[0]
    assert row["energy_fj_per_mac"] is row["tops_per_w"] is row["activity_source"] is None
    assert row["no_energy"] == "energy follows the operands, and values = none has none"
    result = of_mac(small, "gemm:40000x40000x8:normal:20")
    row = result.rows()[0]
    assert row["cycles"] > 0 and row["energy_fj_per_mac"] is row["power_mw"] is None
    assert "those of layer 'gemm' (40000 x 40000 x 8) are too many" in row["no_energy"]
    assert result.of_energies == (f"mac: {row['no_energy']}.",)
    assert result.to_json()["of_energies"] == list(result.of_energies)
    wide = Engine("mac", a_type="uint16", zero_points="subtract")
    with pytest.raises(TpeError, match="nothing is simulated of uint16 less zero"):
        cases_of(wide, sampled(layers_of([(4, 4, 4)], low=0), wide, 0), 0, 64)


def test_a_users_energies_stay_whatever_runs(mine: Path) -> None:
    for workload, values in ((GEMM, "auto"), (GEMM, "none"), ("gemm:9x9x9:uniform", "auto")):
        plan = prepare(["mac", "opt1"], workload, Choice(size="8x8"), values=values)
        result = compare_iso(plan, lambda engine: users_price(engine, read_cost(mine)), "area")
        for row, energy in zip(result.rows(), (350, 340), strict=True):
            assert row["energy_fj_per_mac"] == energy and row["no_energy"] is None
            assert row["activity_source"] == "user: mine.csv"
        line = "Energies are given, on operands not known here: user: mine.csv."
        assert result.of_energies == (line,)
    shown = run("--cost", str(mine), "--size", "4x4").stdout
    assert "on operands not known here" in " ".join(shown.split())


def test_a_row_is_handed_its_own_workload(small, monkeypatch):
    """Engines of other formats have other generated operands: each energy is of its own."""
    asked: list[Sample] = []

    def energy(engine, chosen, tech, clock_ns, draw):
        asked.append(draw())
        return Energy(1.0, 0.1, "of a test")

    monkeypatch.setattr("tpe.study.price.pe_energy", energy)
    engines = {
        "wide": Engine("mac", size=(4, 4)),
        "thin": Engine("mac", size=(4, 4), a_type="int4"),
    }
    plan = prepare(engines, GEMM, Choice(), seed=7)
    compare_iso(plan, lambda engine: small("mac", "matrix2d"), "area")
    assert [x.workload for x in asked] == [GEMM] * 2 and [x.seed for x in asked] == [7] * 2
    for x, label in zip(asked, ("wide", "thin"), strict=True):
        (layer,) = plan.workloads[label].layers
        assert set(np.unique(x.layers[0].a)) == set(np.unique(layer.activations))
    assert asked[0].fingerprint != asked[1].fingerprint


def test_a_pe_without_rtl_is_a_row_with_the_reason(small, monkeypatch):
    monkeypatch.setattr("tpe.study.price.pe_energy", lambda *given: None)
    plan = prepare(["mac", "bitfusion"], GEMM, Choice(size="8x8"))

    def pricer(engine: Engine) -> Price:
        if engine.pe.name == "mac":
            return small("mac", "matrix2d")
        return price(engine, technology(), FEW, vary=())

    row = compare_iso(plan, pricer, "area").rows()[1]
    assert row["status"] == "refused" and "bitfusion" in row["reason"]
