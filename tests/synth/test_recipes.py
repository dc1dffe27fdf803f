"""Recipes, variants and libraries: what is tried, what is left out and why, what is given up."""

from __future__ import annotations

import bz2
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tpe.base.errors import TpeError
from tpe.hdl.emit import sources
from tpe.hdl.formal.cell_lemmas import claims
from tpe.hdl.formal.solve import PROVED, REFUTED, decide
from tpe.hdl.simulate import cosim
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.images import Case
from tpe.model.engine import Engine
from tpe.synth.area import designs, synthesis, timing
from tpe.synth.area.pareto import MARGIN, at_clock, clearly_beats, pareto
from tpe.synth.netlist.mapped import Part
from tpe.synth.netlist.mapper import map_parts
from tpe.synth.netlist.netlist import read_netlist
from tpe.synth.netlist.recipes import PORTFOLIO, QUICK, SCRIPTS, Recipe, find_recipes, screening
from tpe.technology.read import read_liberty
from tpe.technology.technology import ALL_RESET, TPE130, technology

FULL = Path(__file__).resolve().parents[3] / "shared/liberty/sky130hd_tt.lib.gz"
OSU018 = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")
BUILT_IN_TEXT = TPE130.read_text()
NAME = "tpe_pe_mac"
NARROW = {"a_type": "int4", "b_type": "int4", "acc_bits": 16}


# ---- the behavioural multiplier ----

WRITTEN = {"multiplier": "behavioural"}


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("stages", [1, 2, 3])
def test_the_behavioural_multiplier_keeps_the_specification(stages: int, lanes: int) -> None:
    engine = Engine("mac", "matrix2d", "2x2", stages=stages, lanes=lanes, **NARROW, **WRITTEN)
    own = ("product", "accumulate", "clear", "hold", "valid")
    wanted = [c for c in claims(engine) if c.name.split(",")[0] in own]
    assert wanted
    found = {c.name: decide(c.build(engine, {}).query, 120).result for c in wanted}
    assert found == dict.fromkeys(found, PROVED)


def test_a_fault_in_the_behavioural_multiplier_is_seen() -> None:
    engine = Engine("mac", "matrix2d", "2x2", **NARROW, **WRITTEN)
    good = sources.text(f"{NAME}_behavioural")
    bad = {f"{NAME}_behavioural": good.replace("'($signed(b_s[l]))", "'(b_s[l])")}
    assert good not in bad.values()
    wanted = [c for c in claims(engine) if c.name.split(",")[0] == "product"]
    assert REFUTED in {decide(c.build(engine, bad).query, 120).result for c in wanted}


@pytest.mark.parametrize("stages", [1, 3])
def test_an_array_of_behavioural_multipliers_multiplies(stages: int) -> None:
    """Every int8 pair through the array's own bench: values and cycles are those of the model."""
    engine = Engine("mac", "matrix2d", (2, 2), stages=stages, **WRITTEN)
    every = np.arange(-128, 128)
    a, b = every[:, None].repeat(4, axis=1), every[None, :].repeat(4, axis=0)
    outcome = cosim.cosimulate([Case(engine, a, b)])[0]
    assert outcome.ok
    assert (outcome.C == 4 * np.multiply.outer(every, every)).all()


def test_the_behavioural_multiplier_is_a_choice_of_the_mac_alone() -> None:
    def names(pe: str, **parameters: object) -> list[str]:
        parts = designs.pe_parts(Engine(pe, "matrix2d", "2x2", **parameters))["cell"]
        return [p.variant for p in parts if "multiplier" in p.variant]

    stages = ["", "stages=2,", "stages=3,"]
    assert names("mac") == [f"{text}multiplier=behavioural" for text in stages]
    assert names("mac", encode_in="edge") == []  # a code is digits there, no operand
    assert names("opt1") == []
    engine = Engine("mac", "matrix2d", "2x2")
    part = designs.cell_part(engine, "stages=2,multiplier=behavioural")
    assert list(part.modules) == ["tpe_cell", f"{NAME}_behavioural"]
    assert lint(dict(part.modules), "tpe_cell") == ""
    theirs, own = (sources.port_names(sources.text(n)) for n in (NAME, f"{NAME}_behavioural"))
    assert own == theirs


def test_digits_are_no_operands_of_an_expression() -> None:
    with pytest.raises(TpeError, match="not legal with encode_in = 'edge': a code is digits"):
        Engine("mac", "matrix2d", "2x2", encode_in="edge", **WRITTEN)


PLAIN = """
import sys
from pyosys import libyosys
liberty, source, top, parameters, booth, folder, script, *targets = sys.argv[1:]
design = libyosys.Design()
run = lambda text: libyosys.run_pass(text, design)
run(f"read_verilog -sv {source}")
run(f"chparam {parameters} {top}")
run(f"synth -flatten -top {top} {booth}")
run(f"dfflibmap -liberty {liberty}")
run("design -save mapped")
for number, target in enumerate(targets):
    run("design -load mapped")
    drive = f"-D {target}" if float(target) else ""
    drive += f" -script {script}" if script else ""
    run(f"abc -liberty {liberty} -constr {folder}/constraints {drive}")
    run("splitnets")
    run("rename -unescape")
    run("opt_clean -purge")
    run(f"write_verilog -noattr {folder}/{number}.v")
"""


# Scripts that the portfolio has none of; {D} is a target, or nothing.
FOREIGN = {
    "resyn2": "strash;balance;rewrite;refactor;balance;rewrite;rewrite -z;balance;refactor -z;"
    "rewrite -z;balance;map {D};topo;buffer -c;topo;upsize {D};dnsize {D}",
    "compress2rs": "strash;balance -l;resub -K 6 -l;rewrite -l;resub -K 6 -N 2 -l;refactor -l;"
    "resub -K 8 -l;balance -l;rewrite -z -l;refactor -z -l;balance -l;amap -m;topo;buffer -c;topo;"
    "upsize {D};dnsize {D}",
    "looked_up": "strash;if -K 6;mfs2;strash;dch -f;map -B 0.9 {D};topo;buffer -c;topo;upsize {D};"
    "dnsize {D}",
    "synthesised": "strash;&get -n;&syn3;&syn4;&dch -f;&nf {D};&put;topo;buffer -c;topo;upsize {D};"
    "dnsize {D}",
}


def plain_yosys(
    tech,
    parameters: dict[str, int],
    booth: str,
    folder: Path,
    script: str = "",
    targets: Sequence[int] = (0, 2000, 3000, 5000),
) -> list[tuple[float, float]]:
    """(period ns, area um2) of the behavioural MAC by `synth`, `dfflibmap` and `abc` alone."""
    from tpe.synth.netlist.mapper import constraints

    folder.mkdir()
    (folder / "constraints").write_text(constraints(tech))
    words = "+" + script.replace(" ", ",") if script else ""
    files = f"{sources.packages()['tpe_pkg']} {sources.modules()[f'{NAME}_behavioural']}"
    chosen = " ".join(f"-set {name} {value}" for name, value in parameters.items())
    line = [
        tech.tool_files[0],
        files,
        f"{NAME}_behavioural",
        chosen,
        booth,
        folder,
        words,
        *targets,
    ]
    command = [sys.executable, "-c", PLAIN, *map(str, line)]
    subprocess.run(command, check=True, capture_output=True)
    found = []
    for file in sorted(folder.glob("*.v")):
        netlist = read_netlist(file.read_text(), f"{NAME}_behavioural")
        area = sum(tech.library.cell(cell).area_um2 * n for cell, n in netlist.cells.items())
        timed = timing.timings(tech, [netlist])[0]
        assert timed is not None
        found.append((timed.period_ns, area))
    return found


@pytest.mark.skipif(timing.opensta() is None, reason="ABC alone is no timer to compare by")
@pytest.mark.parametrize(
    "library",
    [
        pytest.param("tpe130", id="tpe130"),
        pytest.param(OSU018, id="osu018", marks=pytest.mark.full),
        pytest.param(FULL, id="sky130hd", marks=pytest.mark.full),
    ],
)
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.full)])
def test_the_mac_is_never_above_what_yosys_alone_gives(library, every, tmp_path) -> None:
    """At every clock that Yosys reaches with `a * b`, of any number of stages, Booth or not."""
    if library != "tpe130" and not Path(library).exists():
        pytest.skip(f"needs {library}")
    tech = technology(library)
    made = synthesis.compare(["mac"], liberty=tech, recipes="quick").designs[0]
    front = pareto(made.points["cell"])
    for stages in (1, 2, 3) if every else (2,):
        for booth in ("", "-booth") if every else ("-booth",):
            theirs = plain_yosys(tech, {"Stages": stages}, booth, tmp_path / f"{stages}{booth}")
            assert len(theirs) == 4
            for period, area in theirs:
                own = at_clock(front, period)
                assert own is not None and own.area_um2 <= area, (stages, booth, period)


@pytest.mark.full
@pytest.mark.parametrize("lanes", [1, 2, 4])
@pytest.mark.parametrize("library", ["tpe130", pytest.param(OSU018, id="osu018")])
def test_the_mac_is_never_above_scripts_that_are_not_ours(library, lanes, tmp_path) -> None:
    """At five clocks of each of four scripts: two libraries, 1 to 3 stages, 1 to 4 lanes."""
    tech = technology(library)
    engines = [Engine("mac", "matrix2d", lanes=lanes, dot=dot) for dot in ("added", "compressed")]
    made = synthesis.compare(
        engines[: 1 if lanes == 1 else 2], liberty=tech, recipes="quick"
    ).designs
    front = pareto([point for design in made for point in design.points["cell"]])
    above = []
    for stages in (1, 2, 3):
        for name, script in FOREIGN.items():
            theirs = plain_yosys(
                tech,
                {"Stages": stages, "Lanes": lanes},
                "",
                tmp_path / f"{stages}{name}",
                script,
                (0, 1500, 2500, 4000, 8000),
            )
            assert len(theirs) == 5
            for period, area in theirs:
                own = at_clock(front, period)
                if own is None or own.area_um2 > area:
                    above.append((stages, name, period, area, own and own.area_um2))
    assert not above


# ---- recipes ----


def rtl_part(body: str) -> Part:
    """A small design of inputs c, d, e (8 bits each but the clock) and output q."""
    head = "module own (input wire c, input wire [7:0] d, e, output logic [7:0] q);"
    return Part("own", "own", {"own": f"{head}\n{body}\nendmodule\n"})


ADDS = rtl_part("always_ff @(posedge c) q <= d + e;")
LOGIC = rtl_part("always_ff @(posedge c) q <= d ^ (e & {8{d[0]}});")


def areas(outcome) -> dict[tuple[str, float], str]:
    return {(m.recipe, m.target): m.text for m in outcome.mapped}


def test_a_recipe_gives_the_same_alone_and_in_company() -> None:
    """One process of ABC runs them all; what a script begins with is shared."""
    tech = technology()
    recipes = find_recipes("brent_kung/fast,brent_kung/small,brent_kung/mixed,brent_kung/spread")
    together = areas(map_parts([ADDS], tech, recipes)[0])
    assert len(together) == sum(recipe.points() for recipe in recipes)
    alone = {}
    for recipe in recipes:
        alone |= areas(map_parts([ADDS], tech, [recipe])[0])
    assert together == alone


def test_a_script_that_fails_leaves_the_others() -> None:
    broken = Recipe("broken", "brent_kung", "strash;dch;no_such_command;upsize {D};dnsize {D}")
    good = find_recipes("brent_kung/fast,brent_kung/small")
    outcome = map_parts([ADDS], technology(), (good[0], broken, good[1]))[0]
    assert [name for name, _ in outcome.failed] == ["broken"]
    assert "ABC failed: " in outcome.failed[0][1] and "no_such_command" in outcome.failed[0][1]
    assert areas(outcome) == areas(map_parts([ADDS], technology(), good)[0])


def test_a_recipe_that_does_not_apply_is_left_out_with_its_reason() -> None:
    tech = technology()
    names = "brent_kung/small,ripple/small,ripple/small/full_adders,brent_kung/small/booth"
    outcome = map_parts([LOGIC], tech, find_recipes(names))[0]
    assert {m.recipe for m in outcome.mapped} == {"brent_kung/small"}
    assert dict(outcome.left_out) == {
        "ripple/small": "nothing to add: another adder gives the same",
        "ripple/small/full_adders": "no sum of three bits for a full adder",
        "brent_kung/small/booth": "no product to build of Booth digits",
    }


def test_where_no_recipe_applies_the_plain_ones_stand_in() -> None:
    recipes = find_recipes("ripple/small/full_adders")
    outcome = map_parts([LOGIC], technology(), recipes)[0]
    assert {m.recipe for m in outcome.mapped} == {"ripple/small"}
    assert [name for name, _ in outcome.left_out] == ["ripple/small/full_adders"]
    made = synthesis.compare(["mac"], recipes="ripple/small/full_adders", vary=())
    assert {e.part for e in made.designs[0].left_out} == {"mac.finish"}
    content = json.loads(json.dumps(made.to_json()))
    assert content["left_out"]["mac"][0]["recipe"] == "ripple/small/full_adders"


def test_booth_digits_change_a_product() -> None:
    product = rtl_part("always_ff @(posedge c) q <= d * e;")
    recipes = find_recipes("brent_kung/small,brent_kung/small/booth")
    mapped = map_parts([product], technology(), recipes)[0].mapped
    plain, booth = (next(m for m in mapped if m.recipe == recipe.name) for recipe in recipes)
    assert plain.area_um2 != booth.area_um2 and plain.flip_flops == booth.flip_flops == 8


def test_every_script_maps_the_design_without_adders() -> None:
    """Brent and Kung's adder comes with all of them."""
    assert {f"brent_kung/{name}" for name in SCRIPTS} <= {r.name for r in PORTFOLIO}
    text = [SCRIPTS[name].replace(" {D}", "").split(";") for name in ("choices", "spread")]
    assert text[0][:8] == "&get -n,&st,&dch,&nf,&put,buffer,upsize,dnsize".split(",")
    assert text[1][:6] == "strash,dch -f,map,buffer -N 8,upsize,dnsize".split(",")


# ---- what is given up ----


def test_the_screen_is_a_part_of_both_sets() -> None:
    for recipes in (QUICK, PORTFOLIO):
        screen, rest = screening(recipes)
        assert screen and rest and set(screen) | set(rest) == set(recipes)
        assert not screen[0].full_adders and not screen[0].booth
    assert screening(find_recipes("ripple/small")) == (find_recipes("ripple/small"), ())


def test_what_is_given_up_is_clearly_beaten() -> None:
    made = synthesis.compare(["mac"], recipes="brent_kung/small,ripple/small", vary=("stages",))
    points = made.designs[0].points["cell"]
    one = points[0]
    smaller = replace(one, mapped=replace(one.mapped, area_um2=one.area_um2 * (1 - 2 * MARGIN)))
    barely = replace(one, mapped=replace(one.mapped, area_um2=one.area_um2 * (1 - MARGIN / 2)))
    assert clearly_beats(smaller, one) and not clearly_beats(barely, one)
    assert not clearly_beats(one, one) and not clearly_beats(one, smaller)
    # Each variant has its points of the screen, promising or not.
    assert {p.mapped.variant for p in points} == {"", "stages=2", "stages=3"}


# ---- libraries ----


def without(text: str, *words: str) -> str:
    """A library without the cells whose names hold one of the words."""
    kept, position = [], 0
    for match in re.finditer(r"^\s*cell \(\"?([\w]+)\"?\) \{", text, re.MULTILINE):
        if match.start() < position or not any(word in match[1] for word in words):
            continue
        kept.append(text[position : match.start()])
        depth, at = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        position = at
    return "".join(kept) + text[position:]


def library(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.lib"
    path.write_text(text)
    return path


@pytest.mark.parametrize("gone", [("dfx",), ("dfx", "dfr")], ids=["reset", "set"])
def test_flip_flops_that_all_have_a_reset_are_used(gone, tmp_path) -> None:
    """Their resets are tied off where the RTL has none, and do not count as resets."""
    tech = technology(library(tmp_path, without(BUILT_IN_TEXT, *gone)))
    assert tech.flip_flops and all(flop.clear or flop.preset for flop in tech.flip_flops)
    assert tech.source.endswith(ALL_RESET)
    assert not technology().source.endswith(ALL_RESET)
    made = synthesis.compare(["mac"], liberty=tech, recipes="brent_kung/small", vary=("stages",))
    plain = synthesis.compare(["mac"], recipes="brent_kung/small", vary=("stages",))
    pairs = zip(made.designs[0].points["cell"], plain.designs[0].points["cell"], strict=True)
    for own, other in pairs:
        assert (own.mapped.flip_flops, own.mapped.resets) == (
            other.mapped.flip_flops,
            other.mapped.resets,
        )
        assert own.area_um2 > other.area_um2  # a flip-flop with a reset is larger
        assert own.timing is not None and own.period_ns > 0
    assert ALL_RESET in made.rows()[0]["cost_source"]


def test_a_library_without_a_reset_is_refused(tmp_path) -> None:
    path = library(tmp_path, without(BUILT_IN_TEXT, "dfr", "dfs"))
    with pytest.raises(TpeError, match="no flip-flop with an asynchronous reset among"):
        technology(path)


@pytest.mark.parametrize(("unit", "fo4"), [("1ps", "e-05"), ("1us", "")])
def test_a_time_unit_of_no_silicon_is_questioned(unit, fo4, tmp_path) -> None:
    text = re.sub(r'time_unit : "[^"]*"', f'time_unit : "{unit}"', BUILT_IN_TEXT)
    path = library(tmp_path, text)
    with pytest.raises(TpeError, match=rf"is time_unit, .* ns, right\?.*{fo4} ns; legal") as error:
        technology(path)
    assert "\n" not in str(error.value)
    assert technology(path, any_speed=True).flip_flops


def test_a_mark_of_utf8_is_read(tmp_path) -> None:
    path = tmp_path / "marked.lib"
    path.write_bytes(b"\xef\xbb\xbf" + BUILT_IN_TEXT.encode())
    assert len(read_liberty(path).cells) == len(technology().library.cells)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bz2.compress(b"library (a) {}"), "it is packed with bzip2; unpack it first"),
        (b"\0" * 100, "it holds NUL bytes"),
    ],
)
def test_what_is_no_liberty_text_is_one_line(content, said, tmp_path) -> None:
    path = tmp_path / "own.lib"
    path.write_bytes(content)
    with pytest.raises(TpeError, match=said):
        technology(path)


def test_devices_and_folders_are_refused(tmp_path) -> None:
    with pytest.raises(TpeError, match="/dev/zero: cannot be read as Liberty: not a regular file"):
        technology("/dev/zero")
    with pytest.raises(TpeError, match="cannot be read as Liberty: a folder"):
        technology([tmp_path])


@pytest.mark.parametrize("area", ["-1", "nan", "inf", "1e300", "1e-300"])
def test_an_area_of_no_cell_is_refused(area, tmp_path) -> None:
    text = re.sub(r"area : [\d.]+;", f"area : {area};", BUILT_IN_TEXT, count=1)
    assert text != BUILT_IN_TEXT
    with pytest.raises(TpeError, match=r"own.lib:\d+: cell \w+: area .* is not legal: 1e-06 to"):
        technology(library(tmp_path, text))
