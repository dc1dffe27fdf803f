"""slang, a second front end, takes everything emitted, everything in `rtl/` and every bench."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

import pytest

import tpe
from tests.contract.combos import (
    TYPES,
    UNSIGNED,
    WITH_RTL,
    combo_id,
    engine,
    landing_variants,
    types_of,
    variants,
)
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.emit.sva import sva_modules
from tpe.hdl.formal.lemmas import properties
from tpe.hdl.formal.prove import all_claims
from tpe.hdl.simulate import cell_cosim
from tpe.hdl.simulate.cosim import bench_design
from tpe.hdl.simulate.slang import BENCH_GROUPS, check
from tpe.hdl.simulate.vectors import vectors

RTL = Path(__file__).parents[3] / "rtl"
CHAINS = [
    {"overflow": "saturate", "gating": "clock"},
    {"c0": "on", "bias": "on", "requant": "column", "relu": "on", "gating": "isolate"},
]
combos = pytest.mark.parametrize("combo", WITH_RTL, ids=combo_id)


def emitted(pe, array, choices):
    """What slang says of the modules and the properties of engines with these parameters."""
    for size, choice in choices:
        e = engine(pe, array, size, **choice)
        modules = {**emit.engine_modules(e), **sva_modules(e)}
        yield e.params, str(check(emit.rename(modules, "mine"), "mine"))


@combos
def test_everything_emitted_with_its_properties(combo):
    sizes = [(size, {}) for size in ((1, 1), (1, 3), (3, 1))]
    choices = [((2, 2), x) for x in (*landing_variants(*combo), *CHAINS)]
    assert not [x for x in emitted(*combo, sizes + choices) if x[1]]


@pytest.mark.full
@combos
def test_every_variant_with_its_properties(combo):
    choices = [((2, 2), x) for x in variants(*combo)]
    assert not [x for x in emitted(*combo, choices) if x[1]]


@pytest.mark.full
@combos
def test_every_type_and_way_of_zero_points(combo):
    kinds = [{"a_type": a, "b_type": b, "zero_points": mode} for a, b, mode, *_ in UNSIGNED]
    choices = [((2, 2), x) for x in (*(types_of(*pair) for pair in TYPES), *kinds)]
    assert not [x for x in emitted(*combo, choices) if x[1]]


@combos
def test_the_benches(combo):
    e = engine(*combo, (2, 2))
    for design in (bench_design([e]), cell_cosim.design(e)):
        assert str(check(design.sources, "tpe_bench", BENCH_GROUPS)) == ""


def test_the_bench_that_stands_alone(tmp_path):
    for name, parameters in (("mac", {}), ("opt4c", {"depth": 8, "requant": "tensor"})):
        engine = tpe.Engine(name, "matrix2d", (2, 2), **parameters)
        vectors(engine, tmp_path / name, prefix="v")
        texts = {path.stem: path.read_text() for path in (tmp_path / name).glob("*.sv")}
        assert str(check(texts, "v_tb", BENCH_GROUPS)) == ""


@pytest.mark.parametrize("name", sorted(path.name for path in (RTL / "gen").iterdir()))
def test_committed_configurations(name):
    texts = {path.stem: path.read_text() for path in (RTL / "gen" / name).glob("*.sv")}
    listed = (RTL / "gen" / name / f"{name}.f").read_text().split()
    engine = {Path(file).stem: texts[Path(file).stem] for file in listed}
    assert str(check(engine, name)) == ""
    for top in (f"{name}_axis", f"{name}_smoke"):
        assert str(check(texts, top, BENCH_GROUPS)) == ""


@pytest.mark.parametrize("module", sorted(sources.modules()))
def test_every_module_as_a_top(module):
    found = str(check(sources.closure(_beside(module) | {module: sources.text(module)}), module))
    assert found == ""


def _beside(module):
    """The aliases of a PE that fits under a module, as far as it needs them."""
    kinds = {"tpe_cell", "tpe_dense_cell", "tpe_front", "tpe_finish", "tpe_row"}
    needed = kinds & _below(module)
    if not needed:
        return {}
    made = (engine(pe, array, (2, 2)) for pe, array in WITH_RTL)
    others = (
        engine(pe, array, (2, 2), **choice)
        for pe, array in WITH_RTL
        for choice in variants(pe, array)
        if {"planes", "shadow"} & choice.keys()
    )
    apart = (
        tpe.Engine("lut_tc", "matrix2d", (2, 2)),
        tpe.Engine("mac", "matrix2d", (2, 2), sparsity="2:4"),
    )
    for e in chain(made, others, apart):
        if module in emit.engine_modules(e):
            aliases = emit.pe_aliases(e)
            return {name: aliases[name] for name in needed}
    raise AssertionError(f"no engine has {module}")


def _below(module):
    """Names of what a module instantiates, at any depth, as far as `rtl/` has it."""
    below, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name in sources.modules():
            fresh = sources.instances(sources.text(name)) - below
            below |= fresh
            waiting += fresh
    return below


# Properties that stand behind choices: PE, array, parameters.
BEHIND = [
    ("mac", "systolic_os", {"requant": "tensor", "overflow": "flag"}),
    ("mac", "matrix2d", {"sparsity": "2:4"}),
    ("table_mult", "matrix2d", {}),
    ("lut_tc", "matrix2d", {}),
    ("lut_tc", "matrix2d", {"b_type": "ternary"}),
    ("opt1", "systolic_os", {"encode_in": "edge"}),
    ("opt2", "systolic_os", {"bw": "time"}),
    ("opt1", "systolic_os", {"overlap": "stream", "negate": "row", "biased": "on"}),
    ("mac", "systolic_ws", {"overlap": "stream"}),
    ("opt4c", "matrix2d", {"planes": "inner"}),
    ("opt4c", "matrix2d", {"planes": "inner", "front_stages": 2}),
    ("opt4c", "matrix2d", {"planes": "msb_first"}),
    ("opt4c", "matrix2d", {"shadow": "off"}),
    ("opt4c", "matrix2d", {"finish_stages": 2}),
    ("opt4c", "matrix2d", {"front_stages": 3}),
    ("opt1", "systolic_os", {"overlap": "stream", "finish_stages": 2}),
    ("opt1", "systolic_ws", {"finish_stages": 2}),
    ("opt4c", "matrix2d", {"b_supply": "ported"}),
    ("opt4c", "matrix2d", {"negate": "row", "carry_every": 2}),
    ("mac", "matrix2d", {"stall": "registered", "overlap": "stream"}),
    ("fma", "matrix2d", {}),
    ("fma_approxnorm", "matrix2d", {}),
    ("lmul", "matrix2d", {}),
    ("tensorcore", "matrix2d", {}),
]


def test_everything_that_proofs_read():
    """Every property and specification of `rtl/formal`, bound as a proof binds it."""
    read = set()
    engines = [
        engine(*combo, (2, 2)) for combo in {pe.name: (pe, a) for pe, a in WITH_RTL}.values()
    ]
    engines += [engine(*combo, (2, 2)) for combo in WITH_RTL if combo[0].name in ("mac", "opt1")]
    engines += [tpe.Engine(pe, array, (2, 2), **choice) for pe, array, choice in BEHIND]
    for e in engines:
        for query in (claim.build(e, {}).query for claim in all_claims(e)):
            read |= set(query.modules)
            assert str(check(query.modules, query.top)) == "", (e.name, query.top)
    alone = "tpe_prop_operand"  # of operands with zero points
    renamed = {x for x in properties() if x.startswith("tpe_spec_next_")}
    renamed |= {"tpe_spec_finish", "tpe_spec_operands"}
    assert set(properties()) - read <= {alone, *renamed}
    assert {"tpe_spec_next", "tpe_finish"} <= read
    assert str(check(sources.closure({alone: properties()[alone].read_text()}), alone)) == ""


# ---- that it sees what it is there for ----

BAD = {
    "use before declaration": ("assign y = z; logic z; assign z = a;", "used before"),
    "a keyword as a name": ("logic before; assign before = a; assign y = before;", "expected"),
    "two drivers": ("always_ff @(posedge a) y <= 1; always_ff @(posedge a) y <= 0;", "driven"),
    "a width cut off": ("logic [3:0] w; assign w = {4{a}}; assign y = w;", "truncates"),
    "never read": ("logic w; assign w = a; assign y = a;", "never used"),
    "a module nobody gives": ("nobody u (.a);  assign y = a;", "unknown module"),
}


@pytest.mark.parametrize("kind", BAD)
def test_faults_are_named(kind):
    body, said = BAD[kind]
    found = check({"m": f"module m (input logic a, output logic y);\n{body}\nendmodule\n"}, "m")
    assert said in str(found) and str(found).startswith("m.sv:2: ")


def test_waivers_by_name_let_nothing_else_through():
    text = "module m (input logic a, output logic y);\nlogic unused_w, w;\n"
    text += "assign unused_w = a; assign w = a; assign y = a;\nendmodule\n"
    (found,) = check({"m": text}, "m").warnings
    assert "'w'" in found


def test_without_pyslang_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyslang", None)
    with pytest.raises(
        tpe.TpeError, match=r"pyslang is not installed; run: pip install .*'.*\[rtl\]'"
    ):
        check({"m": "module m; endmodule"}, "m")
