"""Power of arrays from positions, energy shares, the fast table, and the command."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.synth.test_power import RECIPES, made
from tpe.base.errors import TpeError
from tpe.cli.main import app
from tpe.model.engine import Engine
from tpe.synth.area import synthesis
from tpe.synth.netlist.recipes import find_recipes
from tpe.synth.power import table
from tpe.synth.power.array import of_array, spread, whole_array
from tpe.synth.power.pe import CLOCKED, activities, joined, pe_power
from tpe.synth.power.shares import cell_energy_shares
from tpe.synth.power.stimulus import cases_of, smaller
from tpe.synth.power.wires import with_wires
from tpe.technology.technology import technology


def positions_against_whole(engine: Engine, positions: int) -> None:
    """Cells at some positions and the edge logic, against all gates in one simulation."""
    result = synthesis.synthesise(engine, recipes=("sklansky/fast", "ripple/small"), array=True)
    clock = result.common_clock_ns
    composed = result.designs[0].at(clock)
    parts = of_array(engine, composed, clock, cycles=512, positions=positions)
    whole = whole_array(engine, composed, clock, cycles=512)
    assert parts.power_mw == pytest.approx(whole.power_mw, rel=0.05)
    assert parts.clock_fj == pytest.approx(whole.clock_fj, rel=1e-6)
    assert parts.macs == whole.macs and parts.cycles == whole.cycles
    assert parts.parts["edge logic"].dynamic_fj > 0.05 * whole.energies.dynamic_fj


def test_an_array_is_its_positions_and_its_edge():
    positions_against_whole(Engine("mac", "systolic_os", "2x2"), 8)


@pytest.mark.full
@pytest.mark.parametrize(
    ("pe", "array", "parameters"),
    [("mac", "systolic_os", {}), ("opt1", "matrix2d", {}), ("opt4c", "matrix2d", {"depth": 32})],
)
def test_eight_of_sixteen_positions_stand_for_all(pe, array, parameters):
    positions_against_whole(Engine(pe, array, "4x4", **parameters), 8)


def test_positions_are_corners_edges_and_middle():
    names = [f"gen_row[{r}].gen_col[{c}]" for r in range(8) for c in range(8)]
    chosen = [tuple(int(x) for x in name if x.isdigit()) for name in spread(names, 8)]
    assert len(set(chosen)) == 8
    assert {(0, 0), (0, 7), (7, 0), (7, 7)} <= set(chosen)
    assert any(0 < r < 7 and 0 < c < 7 for r, c in chosen)
    assert any((r in (0, 7)) != (c in (0, 7)) for r, c in chosen)


def test_shares_of_energy_sum_to_the_flat_energy():
    engine = synthesis.default_engine("mac")
    found = cell_energy_shares(engine, technology(), find_recipes("sklansky/fast")[0], cycles=256)
    assert sum(found.energy_fj.values()) == pytest.approx(found.flat_fj)
    assert {"map", "half_reduce", "accumulate", "registers", "encode"} <= set(found.energy_fj)
    assert all(fj >= 0 for fj in found.energy_fj.values())
    assert -0.2 < found.residual < 0.8 and found.residual != 0


# ---- the fast table ----


@cache
def setting(name: str) -> tuple[Engine, synthesis.Chosen, float]:
    """What a setting of the table was fitted to: (engine, netlists, clock)."""
    entry = json.loads(table.FILE.read_text())["settings"][name]
    size, params = tuple(entry["size"]), json.loads(entry["parameters"])
    engine = Engine(entry["pe"], entry["array"], size, **params)
    result = synthesis.compare([engine], recipes=RECIPES, vary=())
    clock = 2 * result.common_clock_ns
    return engine, result.designs[0].at(clock), clock


def fast_against_gates(name: str, operands: str, seed: int) -> float:
    """(table - gates) / gates of the energy of operands that it was not fitted to."""
    engine, chosen, clock = setting(name)
    entry = json.loads(table.FILE.read_text())
    assert operands not in entry["training"] or seed != 0
    assert entry["settings"][name]["clock_ns"] == pytest.approx(clock)
    cases = cases_of(smaller(engine), operands, seed, 512)
    gates = pe_power(engine, chosen, technology(), clock, operands, seed, 512)
    cycles = [case.run().cycles for case in cases]
    fast = [table.cycle_fj(smaller(engine), case.a, case.b) for case in cases]
    assert all(x is not None for x in fast)
    return float(np.average(fast, weights=cycles)) / (gates.power_mw * clock * 1000) - 1


FITTED = sorted(json.loads(table.FILE.read_text())["settings"])
LANDING = ("mac", "opt1", "opt4c")  # the others are `full`


@pytest.mark.parametrize(
    "operands",
    [
        "relu:25",
        "digits_mlp",
        *(pytest.param(x, marks=pytest.mark.full) for x in ("normal:10", "sparse:0.8")),
    ],
)
@pytest.mark.parametrize(
    "pe", [*LANDING, *(pytest.param(x, marks=pytest.mark.full) for x in FITTED if x not in LANDING)]
)
def test_the_table_is_within_a_tenth_of_the_gates(pe, operands):
    error = fast_against_gates(pe, operands, 1)
    print(f"{pe} {operands}: {error:+.1%}")
    assert abs(error) < 0.10


@pytest.mark.parametrize(
    ("pe", "array", "size"), [("opt4c", "matrix2d", (8, 16)), ("mac", "systolic_os", (4, 4))]
)
def test_the_table_holds_at_other_sizes_and_where_psums_stay(pe, array, size):
    _, chosen, clock = made(pe)
    engine = Engine(pe, array, size)
    gates = pe_power(engine, chosen, technology(), clock, "normal:20", 1, 512)
    case = cases_of(engine, "normal:20", 1, 512)[0]
    fast = table.cycle_fj(engine, case.a, case.b)
    assert fast == pytest.approx(gates.power_mw * clock * 1000, rel=0.10)


def test_what_was_not_fitted_has_no_energy():
    a, b = np.ones((4, 8), int), np.ones((8, 4), int)
    run = Engine("mac", "matrix2d", "4x4").run(a, b, energy=True)
    row = run.totals()
    assert row["energy_pe_pj"] == pytest.approx(row["energy_fj_per_mac"] * 128 / 1000)
    clock = json.loads(table.FILE.read_text())["settings"]["mac"]["clock_ns"]
    assert row["energy_pe_pj"] > 0 and f"one stage, {clock:.2f} ns" in row["cost_source"]
    assert Engine("mac", "matrix2d", "4x4").run(a, b).totals()["energy_pe_pj"] is None
    for engine in (
        Engine("stripes", "matrix2d", "4x4"),
        Engine("opt2", "systolic_ws", "4x4"),
        Engine("mac", "matrix2d", "4x4", a_type="int4"),
        Engine("mac", "matrix2d", "4x4", gating="clock"),
        Engine("mac", "matrix2d", "4x4", zero_points="subtract"),
        Engine("mac", "matrix2d", "4x4", overflow="saturate"),
        Engine("opt4c", "matrix2d", "4x4", depth=64),
        Engine("mac", "cube3d", "4x4x2"),
    ):
        assert table.cycle_fj(engine, a, b) is None
        run = engine.run(a, b, energy=True)
        assert run.totals()["energy_fj_per_mac"] is None
        assert run.layers[0].no_energy == run.to_json()["layers"][0]["no_energy"] != ""
        assert engine.pe.name in run.layers[0].no_energy


@pytest.mark.parametrize(
    "params",
    [
        {"encode": "weights"},
        {"overflow": "wrap"},
        {"relu": "on", "out_type": "int16"},
        {"rounding": "half_up"},
        {"a_type": "uint8", "zero_points": "offset"},
    ],
)
def test_parameters_that_leave_the_pe_as_it_is_leave_its_energy_known(params):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 100, (9, 30)), rng.integers(-100, 100, (30, 9))
    plain = Engine("mac", "matrix2d", "4x4").run(a, b, energy=True).layers[0]
    other = Engine("mac", "matrix2d", "4x4", **params)
    if params.get("zero_points") == "offset":  # what enters the cell is the same
        layer = other.run(a + 128, b, a_zero=128, energy=True).layers[0]
        assert layer.pe_pj == pytest.approx(plain.pe_pj)
    else:
        layer = other.run(a, b, energy=True).layers[0]
        assert layer.no_energy is None
        assert layer.pe_pj == pytest.approx(plain.pe_pj, rel=0.25)


def test_energy_of_one_step_an_output_is_unknown_and_not_an_error():
    """K = 1 in cells that keep psums, M = 1 in cells that pass them: nothing is seen to flip."""
    a, b = np.full((6, 1), 3), np.full((1, 6), 5)
    for engine, left, right in (
        (Engine("mac", "matrix2d", "4x4"), a, b),
        (Engine("opt2", "os", "4x4"), a, b),
        (Engine("mac", "systolic_ws", "4x4"), b, a),
    ):
        layer = engine.run(left, right, energy=True).layers[0]
        assert layer.pe_pj is None and "no step of a cell follows another" in layer.no_energy
        assert table.cycle_fj(engine, left, right) is None
    assert Engine("opt4c", "matrix2d", "4x4").run(a, b, energy=True).layers[0].pe_pj > 0
    assert Engine("mac", "systolic_ws", "4x4").run(a, b, energy=True).layers[0].pe_pj > 0


def test_a_new_common_parameter_leaves_the_table_as_it_is(monkeypatch):
    """Entries are found by the RTL that was fitted, not by the list of all parameters."""
    a, b = np.ones((4, 8), int), np.ones((8, 4), int)
    engine = Engine("mac", "matrix2d", "4x4")
    known = table.cycle_fj(engine, a, b)
    entry = dict(json.loads(table.FILE.read_text())["settings"]["mac"])
    older = json.loads(entry["parameters"])
    for name in ("relu", "gating", "overflow"):  # as if they had come after the fit
        del older[name]
    entry["parameters"] = json.dumps(older)
    monkeypatch.setattr(table, "_table", lambda: {"mac": entry})
    assert known is not None and table.cycle_fj(engine, a, b) == known


def test_energy_of_a_network_is_the_sum_of_its_layers(capsys):
    run = Engine("mac", "matrix2d", "16x16").run("digits_mlp", energy=True)
    rows = run.rows()
    assert run.totals()["energy_pe_pj"] == pytest.approx(sum(r["energy_pe_pj"] for r in rows))
    each = {r["layer"]: r["energy_fj_per_mac"] for r in rows}
    assert len(set(each.values())) == len(each), "layers differ in what switches"


# ---- wires, and the command ----


def test_wires_add_to_switching_and_a_tree_to_the_clock():
    engine, chosen, clock = made("mac")
    tech = technology()
    plain = pe_power(engine, chosen, tech, clock, cycles=512)
    wired = pe_power(engine, chosen, tech, clock, cycles=512, wires="estimate")
    assert wired.energies.switching[CLOCKED] > plain.energies.switching[CLOCKED]
    for name in ("combinational", "sequential"):
        assert wired.energies.switching[name] > 1.05 * plain.energies.switching[name]
    assert "wire load" in wired.activity_source and "no wires" in plain.activity_source
    assert with_wires(tech, "none") is tech
    with pytest.raises(TpeError, match="unknown wires 'some'"):
        pe_power(engine, chosen, tech, clock, cycles=512, wires="some")


def test_windows_one_after_another_are_means_over_cycles():
    engine, chosen, clock = made("mac")
    power = pe_power(engine, chosen, technology(), clock, cycles=512)
    twice = joined([power, power], clock, "x")
    assert twice.energies.dynamic_fj == pytest.approx(power.energies.dynamic_fj)
    assert twice.energy_fj_per_mac == pytest.approx(power.energy_fj_per_mac)
    case, found = next(activities(engine, chosen, technology(), cycles=512))
    assert len(found["cell"]) == 16 and case.a.shape[1] == 256


def test_the_command_gives_power_and_saif(tmp_path):
    words = ["synth", "--pe", "mac", "--recipe", ",".join(RECIPES), "-p", "stages=1"]
    words += ["-p", "tree=chain", "--clock-ns", "10", "--power", "--workload", "normal:20"]
    file, saif = tmp_path / "out.json", tmp_path / "mac.saif"
    more = ["--shares", "--json", str(file), "--saif", str(saif)]
    done = CliRunner().invoke(app, [*words, *more])
    assert done.exit_code == 0, done.output
    for name in ("shares", "energy_shares"):
        parts = json.loads(file.read_text())[name]["mac"]
        assert sum(parts.values()) - parts["residual"] == pytest.approx(1)
        assert min(parts["map"], parts["accumulate"], parts["registers"]) > 0
        assert parts["residual"] != 0
    assert f"({json.loads(file.read_text())['rows'][0]['recipe']})" in " ".join(done.stdout.split())
    row = json.loads(file.read_text())["rows"][0]
    assert row["annotated_fraction"] >= 0.95 and "no glitches" in row["activity_source"]
    assert row["power_mw"] > row["leakage_mw"] > 0
    assert row["tops_per_w"] == pytest.approx(2000 / row["energy_fj_per_mac"])
    text = saif.read_text()
    assert "(INSTANCE tpe_cell" in text and "(SAIFVERSION" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--wires", "estimate"], "--wires estimate needs --power"),
        (["--workload", "uniform"], "--workload uniform needs --power"),
        (["--power", "--wires", "x"], "unknown --wires 'x'"),
        (["--power", "--saif", "a.saif", "--array", "os"], "--saif a.saif is of a PE"),
    ],
)
def test_bad_input_is_one_line(words, said):
    done = CliRunner().invoke(app, ["synth", "--pe", "mac", *words])
    assert done.exit_code == 2
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1
