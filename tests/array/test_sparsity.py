"""Engines with structured sparsity: values and cycles beside the RTL, what they refuse, columns."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, break_module
from tpe import array as arrays
from tpe import pe as pes
from tpe.array.base import ALWAYS
from tpe.base.errors import TpeError
from tpe.engine.sparsity import of_weights, refused
from tpe.hdl import emit
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.elaborate import elaborated
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.numbers.sparsity import PATTERNS
from tpe.pe import get
from tpe.synth.area.designs import pe_parts

SIZES: dict[str, tuple[int, ...]] = {"cube3d": (2, 3, 2), "adder_tree": (4, 3)}
ACTIVATIONS = {"sparse_operand": "activations"}
# PE, array, parameters: every array, either side, lanes of a part of a group and of several groups.
FORMS: list[tuple[str, str, dict[str, Any]]] = [
    ("mac", "matrix2d", {"hold": "zero", "gating": "clock", "overlap": "stream"}),
    ("mac", "matrix2d", {"lanes": 4, "encode_in": "stored", "b_type": "uint8", **ACTIVATIONS}),
    ("mac", "systolic_os", {"lanes": 2, "stages": 3, "encode_in": "edge", "a_type": "uint8"}),
    ("mac", "systolic_ws", {"psum_depth": 2}),
    ("mac", "cube3d", {"sparsity": "1:4", **ACTIVATIONS}),
    ("opt1", "systolic_ws", {"lanes": 2, "overlap": "load", "encode": "weights"}),
    ("opt1", "systolic_is", {"psum_depth": 3, "b_type": "int5"}),
    ("opt1", "adder_tree", {"encode_in": "stored", "encode": "weights"}),
    ("opt2", "matrix2d", {"bw": "time", "sparsity": "1:2", "b_type": "int3"}),
    ("lmul", "systolic_os", {}),
]


def engine(pe: str, array: str, **own: Any) -> tpe.Engine:
    return tpe.Engine(pe, array, SIZES.get(array, (2, 3)), **{"sparsity": "2:4", **own})


def operands(e: tpe.Engine, m: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Over the whole range of both formats, one side pruned."""
    rng = np.random.default_rng(k)
    a, b = e.a_format.drawn(rng, (m, k)), e.b_format.drawn(rng, (k, n))
    if not e.arithmetic.integral:
        a, b = (np.where(np.isfinite(x), x, 1.0) for x in (a, b))
    name = e.params["sparsity"]
    if of_weights(e.params):
        return a, tpe.prune(b, name, axis=0)
    return tpe.prune(a, name, axis=1), b


def every_place(e: tpe.Engine) -> tuple[np.ndarray, np.ndarray]:
    """A group for each set of places of what is not zero, none to n, at the format's ends."""
    pattern = PATTERNS[e.params["sparsity"]]
    number, other = e.a_format, e.b_format
    if of_weights(e.params):
        number, other = other, number
    counts = range(pattern.n + 1)
    groups = [at for count in counts for at in combinations(range(pattern.m), count)]
    sparse = np.zeros((len(groups), pattern.m), number.drawn(np.random.default_rng(0), (1,)).dtype)
    for row, at in enumerate(groups):
        sparse[row, list(at)] = [number.low if i % 2 else number.high for i in range(len(at))]
    dense = np.array(
        [[other.low, other.high, 1, 0][: pattern.m], [2, 0, other.high, other.low][: pattern.m]]
    )
    return (dense, sparse.T) if of_weights(e.params) else (sparse, dense.T)


def cases(e: tpe.Engine) -> list[Case]:
    found = [Case(e, *operands(e, 3, 4, k), h) for k in (1, 6, 21) for h in (ALWAYS, STALLS)]
    return [*found, Case(e, *every_place(e))] if e.arithmetic.integral else found


def test_values_and_cycles_equal_the_rtl() -> None:
    every = [engine(pe, array, **own) for pe, array, own in FORMS]
    assert {e.array.name for e in every} == set(arrays.names())
    assert_all_agree([case for e in every for case in cases(e)])


@pytest.mark.full
@pytest.mark.parametrize("sparsity", PATTERNS)
@pytest.mark.parametrize("pe", [pe for pe in pes.names() if get(pe).rtl and not refused(get(pe))])
def test_every_array_and_side_equals_the_rtl(pe: str, sparsity: str) -> None:
    found = []
    for array in arrays.names():
        for side in ({}, ACTIVATIONS):
            try:
                e = engine(pe, array, sparsity=sparsity, **side)
            except TpeError:
                continue  # lanes that a format sets
            found += [x for x in cases(e) if x.a.shape[1] < 20 or array != "systolic_is"]
    assert_all_agree(found)


@pytest.mark.parametrize("array", arrays.names())
@pytest.mark.parametrize("pe", ["mac", "opt1", "opt2", "table_mult"])
def test_the_kernel_on_what_is_selected_is_the_whole_product(pe: str, array: str) -> None:
    for own in ({}, ACTIVATIONS, {"sparsity": "1:4"}):
        e = engine(pe, array, **own)
        whole = tpe.Engine(pe, array, e.size)
        for k in (1, 4, 9, 5000):
            a, b = operands(e, 3, 4, k)
            exact = e.run(a, b, values="fast").C
            assert (e.run(a, b, values="bits").C == exact).all()
            assert (whole.run(a, b).C == exact).all()


FULL = pytest.mark.full
FLOATS = ["lmul", *(pytest.param(pe, marks=FULL) for pe in ("fma", "fma_approxnorm"))]


@pytest.mark.parametrize("pe", FLOATS)
def test_sums_of_floats_are_of_what_is_stored(pe: str) -> None:
    e, whole = engine(pe, "systolic_os"), tpe.Engine(pe, "systolic_os", (2, 3))
    rng = np.random.default_rng(1)
    a = tpe.rounded(rng.normal(size=(5, 22)), "bf16")
    b = tpe.rounded(tpe.prune(rng.normal(size=(22, 4))), "bf16")
    run = e.run(a, b)
    assert (run.C == e.run(a, b, values="bits").C).all()
    assert (run.C == whole.run(a, b).C).all() and run.cycles < whole.run(a, b).cycles
    a[0, 0], b[0, 0], b[1:3, 0] = np.inf, 0, 1.0  # left out: it meets nothing
    b[3, 0] = 0
    assert np.isfinite(e.run(a, b).C[0, 0]) and np.isnan(whole.run(a, b).C[0, 0])


@pytest.mark.parametrize("array", arrays.names())
def test_cycles_are_those_of_a_gemm_as_long_as_what_is_stored(array: str) -> None:
    for own, k in [({}, 1), ({}, 37), ({"lanes": 2}, 37), ({"sparsity": "1:4"}, 37), ({}, 5000)]:
        own = {} if arrays.get(array).lanes_side else own
        e = engine("mac", array, **own)
        dense = tpe.Engine("mac", array, e.size, **{**own, "sparsity": "none"})
        stored = PATTERNS[e.params["sparsity"]].stored(k)
        run = e.run(*operands(e, 5, 7, k))
        assert run.cycles == dense.run(f"gemm:5x7x{stored}", values="none").cycles
        assert e.run(f"gemm:5x7x{k}", values="none").cycles == run.cycles
        assert run.terms.useful <= dense.run(f"gemm:5x7x{stored}", values="none").terms.useful
        assert run.totals()["compute_utilization"] <= 1


def test_padding_of_the_last_group_is_edge() -> None:
    run = engine("mac", "systolic_os").run([[1] * 5], tpe.prune([[3]] * 5))
    assert (run.terms.useful, run.terms.edge) == (3, 1)


def test_bits_at_the_ports_and_sums_that_fit() -> None:
    row = engine("mac", "systolic_os").run("gemm:2x3x8", values="none").totals()
    assert [row[f"operand_bits_per_cycle_{x}"] for x in "ab"] == [2 * 4 * 8, 3 * (8 + 2)]
    two = engine("mac", "systolic_os", lanes=2, **ACTIVATIONS)
    row = two.run("gemm:2x3x8", values="none").totals()
    assert [row[f"operand_bits_per_cycle_{x}"] for x in "ab"] == [2 * 2 * (8 + 2), 3 * 4 * 8]
    assert engine("mac", "os", acc_bits=17).run("gemm:1x1x4", values="none").cycles  # two products
    with pytest.raises(TpeError, match="K = 4 products"):
        engine("mac", "os", acc_bits=17).run("gemm:1x1x8", values="none")


@pytest.mark.parametrize(
    ("pe", "own", "said"),
    [
        ("opt4c", {}, "pe opt4c: its steps follow the digits .* PEs that take it: mac, fma"),
        ("stripes", {}, "pe stripes: its steps follow the digits"),
        ("bipolar", {"a_type": "bipolar2"}, "pe bipolar: products with its code 0"),
        ("mac", {"sparsity": "3:4"}, "unknown sparsity '3:4' .*legal: none, 2:4, 1:2, 1:4"),
        ("mac", {"sparsity": "none", **ACTIVATIONS}, "sparse_operand = 'activations' is not legal"),
        ("mac", {"zero_points": "subtract"}, "zero_points = 'subtract' .* legal: none"),
        ("mac", {"b_type": "uint8"}, "b_type = 'uint8' .* legal: int2, int3"),
        ("mac", {"a_type": "uint8", **ACTIVATIONS}, "a_type = 'uint8'"),
        ("mac", {"negate": "row"}, "negate = 'row' .* each selects its own"),
        ("opt1", {"biased": "on"}, "biased = 'on' .* each selects its own"),
        ("mac", {"encode_in": "edge", **ACTIVATIONS}, "encode_in = 'edge' .* cell, stored"),
        ("mac", {"lanes": 3}, "lanes = 3 .* a multiple of 2, or a divisor"),
        ("tensorcore", {"a_type": "mx_e2m1", "arch": "blackwell"}, "a scale's block"),
    ],
)
def test_what_is_refused(pe: str, own: dict[str, Any], said: str) -> None:
    with pytest.raises(TpeError, match=said):
        tpe.Engine(pe, **{"sparsity": "2:4", **own})


def test_operands_that_are_not_sparse_are_refused_by_their_first_group() -> None:
    e = engine("mac", "os")
    a, b = np.ones((2, 9), int), np.zeros((9, 3), int)
    b[[4, 5, 7], 2] = 1
    with pytest.raises(TpeError, match=r"'gemm': operands of B are not 2:4: column 2 .* 4, 5, 7;"):
        e.run(a, b)
    with pytest.raises(TpeError, match=r"operands of A are not 2:4: row 0 is not 0 at k = 0, 1"):
        engine("mac", "os", **ACTIVATIONS).run(a, b)
    turned = engine("mac", "os", encode="weights")
    with pytest.raises(TpeError, match="operands of B are not 2:4: column 2"):
        turned.run(a, b)
    with pytest.raises(TpeError, match=r"toggles of .* are not modelled"):
        e.toggles(a, tpe.prune(b))
    with pytest.raises(TpeError, match="a nest has no select"):
        tpe.NestEngine(e.nest, sparsity="2:4")


def test_a_network_with_pruned_weights() -> None:
    e = engine("mac", "matrix2d")
    run = e.run("pruned:2:4:digits_mlp").with_columns("sparsity")
    own = tpe.Engine("mac", "matrix2d", e.size).run("pruned:2:4:digits_mlp")
    assert run.metrics == own.metrics and run.metrics["accuracy"] < 0.9
    row = run.totals()
    assert row["cycles_dense"] == own.cycles and row["speed_up"] == own.cycles / run.cycles
    assert (row["stored_bits_per_operand"], row["place_bits_per_operand"]) == (5.0, 1.0)
    assert own.with_columns("sparsity").totals()["speed_up"] is None
    for bad in ("pruned:2:4", "pruned:4:2:digits_mlp"):
        with pytest.raises(TpeError, match=r"pruned|unknown sparsity '4:2'"):
            e.run(bad)


@pytest.mark.parametrize("own", [{}, {"lanes": 4, **ACTIVATIONS}], ids=["weights", "activations"])
def test_inventory_is_what_elaborates(own: dict[str, Any]) -> None:
    e = engine("mac", "systolic_ws", **own)
    (unit,) = [x for x in e.inventory() if x.op == "select"]
    (built,) = [x for x in elaborated(emit.engine_modules(e), "tpe_engine") if x.op == "select"]
    assert (unit.copies, unit.fan_in, unit.bits) == (built.copies, built.fan_in, built.bits)
    assert unit.copies == 2 * 3 * e.lanes and unit.fan_in == 4 and unit.bits == 8
    run = engine("mac", "matrix2d").run("pruned:2:4:gemm:3x4x9")
    assert run.firings["select"] == run.firings["encode"] == 2 * 2 * 6 * 2 * 3


def test_area_and_gates_are_of_cells_with_their_selects() -> None:
    (cell,) = pe_parts(engine("mac", "matrix2d"), ())["cell"]
    assert cell.top == "tpe_cell" and {"tpe_select", "tpe_select_cell"} <= set(cell.modules)
    plain = pe_parts(tpe.Engine("mac", "matrix2d", (2, 3)), ())
    assert not any("tpe_select" in x.modules for parts in plain.values() for x in parts)


def test_a_place_that_is_read_wrongly_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    e = tpe.Engine("mac", "matrix2d", (1, 1), sparsity="2:4")
    break_module(monkeypatch, e, "tpe_select", "op[place_i]", "op[place_i ^ 2'd1]")
    outcomes = cosimulate([Case(e, *every_place(e))])
    assert outcomes[0].mismatches
