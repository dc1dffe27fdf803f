"""Synthesis: what is mapped, checked, timed and chosen; and everything that is refused."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tpe.base.errors import TpeError
from tpe.cli.commands.synth import cost_rows, parse_clocks
from tpe.cli.main import app
from tpe.hdl.simulate import cell_cosim
from tpe.model.engine import Engine
from tpe.study.cost_file import read_cost
from tpe.synth.area import designs, synthesis, timing
from tpe.synth.area.openroad import export_openroad
from tpe.synth.area.pareto import at_clock, pareto
from tpe.synth.area.shares import cell_shares
from tpe.synth.netlist import checks, mapper
from tpe.synth.netlist.fanout import MOST, buffer_cell, buffered
from tpe.synth.netlist.fpga import fpga_counts
from tpe.synth.netlist.mapped import Part
from tpe.synth.netlist.mapper import map_parts
from tpe.synth.netlist.netlist import area_um2, full_adder, read_netlist
from tpe.synth.netlist.recipes import ADDERS, PORTFOLIO, QUICK, Recipe, find_recipes
from tpe.synth.power import netlist_sim
from tpe.technology.technology import technology

ROOT = Path(__file__).resolve().parents[2]
FULL = ROOT.parent / "shared/liberty/sky130hd_tt.lib.gz"
OSU018 = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")


def without(path: Path, where: str) -> pytest.MarkDecorator:
    """Skip a test whose library is not there."""
    return pytest.mark.skipif(not path.exists(), reason=f"needs {where}")


LIBRARIES = [
    pytest.param("tpe130", id="tpe130"),
    pytest.param(FULL, id="sky130hd", marks=without(FULL, "../shared/liberty")),
    pytest.param(OSU018, id="osu018", marks=without(OSU018, "Debian's qflow-tech-osu018")),
]
RECIPES = ("sklansky/fast", "ripple/small", "ripple/small/full_adders")
PES = ("mac", "opt1", "opt4c")


@pytest.fixture(scope="session")
def made():
    """(pe, library, parameters) -> its result by the recipes above, each made once."""
    known: dict[object, synthesis.Result] = {}

    def get(pe: str, library="tpe130", **parameters):
        key = pe, str(library), tuple(sorted(parameters.items()))
        if key not in known:
            small = synthesis.default_engine(pe)
            engine = Engine(pe, small.array, (4, 4), **parameters) if parameters else small
            known[key] = synthesis.compare(
                [engine], liberty=library, recipes=RECIPES, vary=() if parameters else ("stages",)
            )
        return known[key]

    return get


def every_point(result):
    return [p for design in result.designs for points in design.points.values() for p in points]


# ---- netlists ----


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("pe", PES)
def test_the_area_is_the_sum_of_the_cells_in_the_text(pe, library, made):
    """Counted here line by line, with no parser of ours, against Liberty."""
    tech = technology(library)
    for point in every_point(made(pe, library)):
        lines = [line.split() for line in point.mapped.text.splitlines()]
        names = [
            x[0] for x in lines if len(x) == 3 and x[2] == "(" and x[0] in tech.library.by_name
        ]
        assert len(names) == sum(point.mapped.cells.values())
        total = sum(tech.library.cell(name).area_um2 for name in names)
        assert point.area_um2 == pytest.approx(total, rel=1e-12)
        assert not any(tech.library.cell(n).dont_use or n in tech.refused for n in names)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("pe", PES)
def test_flip_flops_are_those_of_the_registers_in_the_rtl(pe, library, made):
    """By hand: a MAC keeps a word; OPT1 a pair; no datapath register has a reset; no latch."""
    tech, result = technology(library), made(pe, library)
    engine = result.designs[0].engine
    pair = engine.pe.kernel.psum.bits(engine.widths)
    for point in result.designs[0].points["cell"]:
        m = point.mapped
        if not m.variant:
            assert m.flip_flops + m.constant_flip_flops == pair
            assert m.resets == 0
        assert m.netlist.flip_flops(tech.library) == (m.flip_flops, m.resets)
        assert m.netlist.latches(tech.library) == 0
    if "front" in result.designs[0].points:
        assert all(p.mapped.resets > 0 for p in result.designs[0].points["front"])


def test_stages_add_their_registers(made):
    """A product of 16 bits, and at three stages a pair of 16 more; valid and first with reset."""
    counts = {
        p.mapped.variant: (p.mapped.flip_flops, p.mapped.resets)
        for p in made("mac").designs[0].points["cell"]
    }
    assert counts["stages=2"] == (32 + 16 + 2, 2)
    written = 32 + 16 + 32 + 2 * 2  # word, product, pair, valid and first twice
    for point in made("mac").designs[0].points["cell"]:
        m = point.mapped
        if m.variant == "stages=3":  # bits of the pair that are always zero are left out
            assert m.flip_flops + m.constant_flip_flops == written and m.resets == 4


@pytest.mark.parametrize("name", ["a_type", "b_type", "acc_bits"])
def test_a_wider_operand_costs_area(name, made):
    narrow = {"a_type": "int4", "b_type": "int4", "acc_bits": 24}
    wide = {"a_type": "int8", "b_type": "int8", "acc_bits": 48}
    common = {"a_type": "int4", "b_type": "int4", "acc_bits": 24} | {}
    small = made("mac", **common)
    large = made("mac", **{**narrow, name: wide[name]})
    for a, b in zip(every_point(small), every_point(large), strict=True):
        if a.mapped.part == "mac.cell":
            assert a.area_um2 < b.area_um2


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("pe", PES)
def test_the_mapped_netlist_is_the_model(pe, library, made, monkeypatch):
    """Operands of every sign and the corners, gates against the PE's kernels, bit for bit."""
    result, tech = made(pe, library), technology(library)
    design, rng = result.designs[0], np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (2, 2000))
    corners = np.array(list(itertools.product([-128, -127, -1, 0, 1, 127], repeat=2)))
    a, b = np.append(a, corners[:, 0]), np.append(b, corners[:, 1])
    steps, _ = cell_cosim.steps_of_pairs(design.engine, a, b)
    wanted = cell_cosim.model_steps(design.engine, steps)
    rtl = cell_cosim.design(design.engine)
    cells = [p for p in design.points["cell"] if not p.mapped.variant and p.mapped.target == 1.0]
    chosen = cells if library == "tpe130" else cells[:1]
    finish = min(design.points["finish"], key=lambda p: p.period_ns)
    for point in chosen if pe == "mac" else chosen[-1:]:
        gates = {"tpe_cell": point.mapped, "tpe_finish": finish.mapped}
        bench = netlist_sim.with_mapped(rtl, gates, tech.library)
        monkeypatch.setattr(cell_cosim, "design", lambda engine, bench=bench: bench)
        assert np.array_equal(cell_cosim.rtl_steps(design.engine, steps), wanted), (
            point.mapped.label
        )


def test_a_wrong_gate_is_seen(made, monkeypatch):
    """The same bench tells a netlist with one gate of another kind from the right one."""
    result, tech = made("mac"), technology()
    design = result.designs[0]
    point = next(p for p in design.points["cell"] if not p.mapped.variant)
    bench = netlist_sim.with_mapped(
        cell_cosim.design(design.engine), {"tpe_cell": point.mapped}, tech.library
    )
    text = bench.sources["tpe_cell_gates"]
    broken = text.replace("sky130_fd_sc_hd__xor2_1 ", "sky130_fd_sc_hd__or2_1 ", 1)
    assert broken != text
    sources = {**bench.sources, "tpe_cell_gates": broken}
    sources |= netlist_sim.cell_modules(["sky130_fd_sc_hd__or2_1"], tech.library)
    monkeypatch.setattr(cell_cosim, "design", lambda engine: replace(bench, sources=sources))
    a, b = np.random.default_rng(0).integers(-128, 128, (2, 2000))
    steps, _ = cell_cosim.steps_of_pairs(design.engine, a, b)
    wanted = cell_cosim.model_steps(design.engine, steps)
    assert not np.array_equal(cell_cosim.rtl_steps(design.engine, steps), wanted)


def rtl_part(text: str) -> Part:
    return Part(
        "own", "own", {"own": f"module own (input wire c, d, e, output logic q);{text} endmodule"}
    )


def test_a_latch_is_refused():
    with pytest.raises(TpeError, match="own infers 1 latches"):
        map_parts([rtl_part("always_latch if (e) q = d;")], technology(), QUICK[:1])


def test_rtl_that_is_none_is_one_line():
    with pytest.raises(TpeError, match=r"yosys could not map own: .*ERROR") as error:
        map_parts([rtl_part("assign q = nothing_like_it(d);")], technology(), QUICK[:1])
    assert "\n" not in str(error.value)


def test_retiming_is_seen():
    """A recipe that moves registers changes their number: the check refuses its netlist."""
    text = (
        "logic [7:0] a, b; always_ff @(posedge c) begin a <= {a[6:0], d}; b <= {b[6:0], e};"
        " q <= ^(a & b); end"
    )
    tech = technology()
    mapped = map_parts([rtl_part(text)], tech, QUICK[:1])[0].mapped[0]
    assert mapped.flip_flops == 17
    flop = tech.flip_flops[0].cell
    lost = mapped.text.replace(f"  {flop} ", "  sky130_fd_sc_hd__buf_1 ", 1)
    with pytest.raises(TpeError, match=r"16 flip-flops, 0 of them with reset.*17 and 0"):
        checks.check("own", read_netlist(lost, "own"), tech, (17, 0))


# ---- recipes and fronts ----


def test_recipes_are_distinct_and_size():
    names = [recipe.name for recipe in PORTFOLIO]
    assert len(set(names)) == len(names)
    assert {recipe.adder for recipe in PORTFOLIO} <= ADDERS.keys()
    for recipe in PORTFOLIO:
        assert "upsize {D};dnsize {D}" in recipe.script
        assert "retime" not in recipe.script
        assert len(recipe.targets) == 1 or "{D}" in recipe.script
    with pytest.raises(TpeError, match="did you mean 'sklansky/fast'"):
        find_recipes("sklansky/fasst")


def test_a_target_trades_delay_for_area(made):
    """Driven less hard, the fast recipe is smaller and slower: `-D` does something here."""
    points = {
        p.mapped.target: p
        for p in made("mac").designs[0].points["cell"]
        if p.mapped.recipe == "sklansky/fast" and not p.mapped.variant
    }
    assert points[2.0].area_um2 < 0.95 * points[1.0].area_um2
    assert points[2.0].period_ns > 1.1 * points[1.0].period_ns


def test_the_library_full_adder_is_used(made):
    assert "fa_1" in (full_adder(technology().cells) or "")
    points = made("mac").designs[0].points["cell"]
    by_recipe = {p.mapped.recipe: p for p in points if not p.mapped.variant}
    adders = by_recipe["ripple/small/full_adders"]
    assert adders.mapped.cells["sky130_fd_sc_hd__fa_1"] == adders.mapped.full_adders > 20
    assert adders.area_um2 < by_recipe["ripple/small"].area_um2


@pytest.mark.parametrize("pe", PES)
def test_the_front_is_monotone_and_complete(pe, made):
    for points in made(pe).designs[0].points.values():
        front = pareto(points)
        for fast, small in itertools.pairwise(front):
            assert fast.period_ns < small.period_ns and fast.area_um2 > small.area_um2
        for point in points:
            assert any(
                f.period_ns <= point.period_ns and f.area_um2 <= point.area_um2 for f in front
            )
        for clock in (p.period_ns for p in points):
            least = min(p.area_um2 for p in points if p.period_ns <= clock)
            chosen = at_clock(front, clock)
            assert chosen is not None and chosen.area_um2 == least


def test_the_row_of_a_clock_meets_it_with_the_least_area(made):
    result = made("mac")
    design = result.designs[0]
    fastest = design.fastest.period_ns
    for clock in np.linspace(fastest, 2 * fastest, 7):
        chosen = design.at(float(clock))
        assert chosen.met and chosen.period_ns <= clock
    missed = design.at(0.9 * fastest)
    assert not missed.met and missed.period_ns == fastest


# ---- timing ----


def test_fo4_is_that_of_published_libraries():
    """sky130 hd typical: tens of picoseconds; scaled by node, 0.18 um is slower."""
    assert 0.05 < technology().fo4[0] < 0.11
    if OSU018.exists():
        assert technology().fo4[0] < technology(OSU018).fo4[0] < 0.2


def test_a_timer_that_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(timing, "opensta", lambda: None)
    with pytest.raises(TpeError, match="sta is not on PATH; on Debian: apt install opensta"):
        timing.timings(technology(), [], "sta")
    assert timing.timings(technology(), []) == []


# ---- arrays ----


@pytest.fixture(scope="module")
def array_result():
    engine = Engine("opt1", "systolic_os", "4x4")
    return synthesis.synthesise(engine, recipes=("sklansky/fast", "ripple/small"), array=True)


def test_an_array_is_its_modules_times_their_copies(array_result):
    design = array_result.designs[0]
    for composed in design.composed:
        copies = {name: n for name, (n, _) in composed.area_by_module.items()}
        assert copies == {"tpe_engine": 1, "tpe_cell": 16, "tpe_finish": 4}
        library = array_result.technology.library
        assert composed.area_um2 == pytest.approx(area_um2(composed.cells, library), rel=1e-9)
        assert composed.flip_flops == composed.netlist.flip_flops(library)[0]


def test_an_array_is_no_faster_than_its_slowest_module(array_result):
    """Timed through module boundaries: never shorter than the longest path inside one."""
    for composed in array_result.designs[0].composed:
        assert composed.timing is not None
        assert composed.period_ns >= 0.85 * composed.module_period_ns


# ---- the user's numbers ----

HEAD = "pe,clock_ns,area_um2,energy_fj_per_mac,leakage_uw\n"


def cost_file(tmp_path, text):
    file = tmp_path / "mine.csv"
    file.write_text(text)
    return file


def test_costs_of_a_user_are_marked(tmp_path):
    marked = "\ufeff" + HEAD  # as Excel writes it
    file = cost_file(tmp_path, marked + "mac,2,100,5.5,0.1\nmac,1,150,,\n")
    rows = cost_rows(read_cost(file), ["mac"], [1.5, 3.0])
    assert [row["area_um2"] for row in rows] == [150, 100]
    assert [row["energy_fj_per_mac"] for row in rows] == [None, 5.5]
    assert rows[1]["leakage_mw"] == pytest.approx(1e-4)
    assert {row["cost_source"] for row in rows} == {"user: mine.csv"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lacks pe, clock_ns"),
        ("pe,clock_ns\nmac,1\n", "lacks area_um2"),
        (HEAD.replace(",", ";") + "mac;1;5;;\n", "is divided by semicolons"),
        (HEAD, "has no row"),
        (HEAD + "mac,1,two,,\n", "mine.csv:2: area_um2 = 'two' is not legal"),
        (HEAD + "mac,0,5,,\n", "clock_ns = '0' is not legal: 1e-06 to 1e+06"),
        (HEAD + "mac,1e-320,5,,\n", "clock_ns = '1e-320' is not legal: 1e-06 to 1e+06"),
        (HEAD + "mac,1,1e-320,,\n", "area_um2 = '1e-320' is not legal: 1e-06 to 1e+12"),
        (HEAD + "mac,1,1e300,,\n", "area_um2 = '1e300'"),
        (HEAD + "mac,1,,,\n", "area_um2 = '' is not legal"),
        (HEAD + "mac,1,5,1e30,\n", "energy_fj_per_mac = '1e30' is not legal: 1e-09 to 1e+15"),
        (HEAD + "mac,1,5,0,\n", "energy_fj_per_mac = '0'"),
        (HEAD + "mac,1,5,,inf\n", "leakage_uw = 'inf' is not legal: 0 to 1e+12"),
        (HEAD + f"{'m' * 101},1,5,,\n", "pe has 101 characters; legal: up to 100"),
        (HEAD + "mac,1,5,-1,\n", "energy_fj_per_mac = '-1'"),
        (HEAD + "mac,1,nan,,\n", "area_um2 = 'nan'"),
        (HEAD + "mac,1,5\n", "a row has 5 fields"),
        (HEAD + "mac,1,5,,,7\n", "a row has 5 fields"),
        (HEAD + "mac,1,5,,\nmac,1,6,,\n", "mac at 1 ns stands there twice"),
    ],
)
def test_a_cost_file_that_is_wrong_is_refused(tmp_path, text, said):
    with pytest.raises(TpeError) as error:
        read_cost(cost_file(tmp_path, text))
    assert said in str(error.value) and "\n" not in str(error.value)


# ---- the command ----


def run(*words):
    return CliRunner().invoke(app, list(words))


def test_clocks_are_read():
    assert parse_clocks("1:2:0.25") == (1.0, 1.25, 1.5, 1.75, 2.0)
    for text in ("0", "a", "2:1:1", "1:2:0", "1:2", "nan", "", "-1"):
        with pytest.raises(TpeError, match="--clock-ns"):
            parse_clocks(text)


def test_the_command_is_the_api(tmp_path, made):
    file = tmp_path / "out.json"
    words = ["synth", "--pe", "mac", "--recipe", ",".join(RECIPES), "--clock-ns", "4,9"]
    done = run(*words, "--json", str(file), "--table", str(tmp_path / "t.csv"))
    assert done.exit_code == 0, done.output
    document = json.loads(file.read_text())
    wanted = synthesis.synthesise("mac", recipes=RECIPES, clocks_ns=[4, 9]).rows()
    for row, mine in zip(document["rows"], wanted, strict=True):
        assert row == {**mine, "command": row["command"]}
    assert document["technology"]["name"] == "tpe130"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pe", "mca"], "unknown pe 'mca' (did you mean 'mac'?)"),
        (["--pe", "mac,mac"], "twice"),
        (["--liberty", "nothing.lib"], "nothing.lib"),
        (["--recipe", "x"], "unknown recipe 'x'"),
        (["--timer", "x"], "timer"),
        (["--size", "4x4"], "--size 4x4 needs --array"),
        (["--cost", "nothing.csv"], "nothing.csv: cannot be read as a table of costs"),
        (["--cost", "a.csv", "--recipe", "quick"], "--cost replaces synthesis"),
        (["--cost", "a.csv", "--power"], "--power and --cost are both given"),
        (["--cost", "a.csv", "--export", "d"], "--export and --cost are both given"),
        (["--fpga", "foo"], "unknown FPGA family 'foo'"),
        (["--wire-load", "x"], "unknown wire load"),
    ],
)
def test_bad_input_is_one_line(words, said):
    done = run("synth", *words)
    assert done.exit_code == 2
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_clock_that_nothing_meets_reports_the_best():
    done = run("synth", "--pe", "mac", "--recipe", ",".join(RECIPES), "--clock-ns", "0.1")
    assert done.exit_code == 2
    assert "clock_ns = 0.1 is met by no design; best reached: mac " in done.stderr


LIB = (
    'library (small) {{ time_unit : "1ns"; capacitive_load_unit (1, pf); voltage_unit : "1V"; {} }}'
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("library (a) {", ""),
        ("nothing at all", ""),
        (LIB.format(""), "no inverter"),
        (LIB.format("cell (i) { area : 1; pin (A) { direction : input; } }"), "no inverter"),
    ],
)
def test_a_liberty_that_nothing_maps_to_is_refused(tmp_path, text, said):
    file = tmp_path / "bad.lib"
    file.write_text(text)
    done = run("synth", "--liberty", str(file))
    assert done.exit_code == 2
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_results_come_from_the_cache(made, monkeypatch):
    """A second time no process is started; another recipe, library or RTL starts one."""
    made("mac")

    def refuse(*_):
        raise AssertionError("a child was started")

    monkeypatch.setattr(mapper, "_child", refuse)
    again = synthesis.compare(["mac"], recipes=RECIPES, vary=("stages",))
    assert again.rows() == made("mac").rows()
    part = designs.pe_parts(synthesis.default_engine("mac"), ())["cell"][0]
    changed = replace(part, modules={**part.modules, "tpe_cell": part.modules["tpe_cell"] + "// x"})
    with pytest.raises(AssertionError, match="child"):
        map_parts([changed], technology(), find_recipes(RECIPES))
    other = (Recipe("own", "ripple", "strash;dch;map;topo;upsize {D};dnsize {D}"),)
    with pytest.raises(AssertionError, match="child"):
        map_parts([part], technology(), other)


# ---- shares, FPGA, export ----


@pytest.mark.parametrize("pe", ["mac", "opt1"])
def test_shares_sum_to_the_flat_area(pe):
    engine = synthesis.default_engine(pe)
    share = cell_shares(engine, technology(), find_recipes("sklansky/fast")[0])
    assert sum(share.area_um2.values()) == pytest.approx(share.flat_um2)
    assert set(share.area_um2) >= {"encode", "map", "half_reduce", "registers"}
    assert ("accumulate" in share.area_um2) == (pe == "mac")  # OPT1's adder left the cell
    assert 0.1 < share.residual < 0.8


@pytest.mark.parametrize(("family", "flop"), [("xilinx", "FDRE"), ("ice40", "SB_DFFE")])
def test_fpga_registers_are_those_of_the_cell(family, flop):
    part = designs.pe_parts(synthesis.default_engine("mac"), ())["cell"][0]
    assert fpga_counts(part, family)[flop] == 32


def test_the_export_names_files_that_are_there(tmp_path):
    engine = Engine("mac", "systolic_os", "2x2")
    files = export_openroad(engine, tmp_path / "flow", 4.0)
    config = (tmp_path / "flow/config.mk").read_text()
    named = [word for word in config.split() if word.startswith("$(DESIGN_HOME)/")]
    assert len(named) > 10 and not any("_sva" in word for word in named)
    for word in named:
        assert (tmp_path / "flow" / word.removeprefix("$(DESIGN_HOME)/")).exists()
    assert {file.name for file in files} >= {"config.mk", "constraint.sdc"}
    with pytest.raises(TpeError, match="unknown platform 'sky'"):
        export_openroad(engine, tmp_path / "other", 4.0, "sky")


def test_a_broadcast_net_gets_buffers_and_keeps_its_sinks():
    """Every sink is still driven by the same net, through buffers alone, none with many sinks."""
    tech = technology()
    inner = read_netlist("module leaf(a);\n  input [1:0] a;\nendmodule\n", "leaf").modules
    lines = [f"  leaf u_{i} (\n    .a({{ n, m }})\n  );" for i in range(70)]
    text = "module top(m, n);\n  input m;\n  input n;\n" + "\n".join(lines) + "\nendmodule\n"
    module = buffered(read_netlist(text, "top").modules["top"], inner, tech)
    driver: dict[str, str] = {}
    sinks: dict[str, int] = {}
    ends: list[list[str]] = []
    cell = tech.library.cell(buffer_cell(tech))
    for instance in module.instances:
        if instance.cell == "leaf":
            bits = instance.pins["a"].strip("{} ").split(", ")
            ends.append(bits)
        else:
            assert instance.cell == cell.name
            bits = [instance.pins[cell.inputs[0].name]]
            driver[instance.pins[cell.outputs[0].name]] = bits[0]
        for bit in bits:
            sinks[bit] = sinks.get(bit, 0) + 1

    def source(net: str) -> str:
        return source(driver[net]) if net in driver else net

    assert len(ends) == 70 and all([source(b) for b in bits] == ["n", "m"] for bits in ends)
    assert max(sinks.values()) <= MOST
