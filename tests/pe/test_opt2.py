"""OPT2: values where the published RTL overflows, bit weights in space and in time, its widths."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, assert_no_latch
from tests.contract.combos import TYPES, operands, types_of
from tpe.array.base import ALWAYS, Handshake
from tpe.base.errors import TpeError
from tpe.hdl import emit
from tpe.hdl.simulate import cell_cosim
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.elaborate import elaborated
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS, corners
from tpe.nest.cost import cycles
from tpe.nest.notation import bind

CORNERS = (-128, -2, -1, 0, 2, 127)
FORMS = ("space", "time")
forms = pytest.mark.parametrize("bw", FORMS)


def engine(array="matrix2d", size=(2, 3), **parameters):
    return tpe.Engine("opt2", array, size, **parameters)


# ---- the trap of the published RTL ----


@forms
@pytest.mark.parametrize("lanes", [4, 16])
@pytest.mark.parametrize("pair", [(-2, -128), (-128, -128)], ids=str)
def test_where_the_published_rtl_overflows_every_lane_is_right(bw, lanes, pair):
    # 16 lanes of -2 times -128 are 4096; a tree of 13 bits has -4096 for it.
    a, b = (np.full((1, lanes), x) for x in pair)
    e = engine(bw=bw, lanes=lanes)
    assert e.run(a, b.T, values="bits").C.tolist() == [[lanes * pair[0] * pair[1]]]
    steps, index = cell_cosim.steps_of_dots(e, a, b)
    for shown in (cell_cosim.model_steps(e, steps), cell_cosim.rtl_steps(e, steps)):
        assert shown[index].tolist() == [[lanes * pair[0] * pair[1]]]


# ---- the cell ----


@forms
@pytest.mark.parametrize("encoder", ["booth", pytest.param("ent", marks=pytest.mark.full)])
def test_all_pairs_on_every_lane_beside_zeros_and_beside_others(bw, encoder):
    e = engine(bw=bw, encoder=encoder)
    pairs = [x.ravel() for x in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))]
    rng = np.random.default_rng(2)
    for lane in range(e.widths.lanes):
        steps, index = cell_cosim.steps_of_pairs(e, *pairs, lane)
        shown = cell_cosim.rtl_steps(e, steps)
        assert (shown[index].sum(axis=1) == pairs[0] * pairs[1]).sum() == 65536
        a, b = rng.integers(-128, 128, (2, 65536, e.widths.lanes))
        a[:, lane], b[:, lane] = pairs
        steps, index = cell_cosim.steps_of_dots(e, a, b)
        dots = (a * b).sum(axis=1)
        assert (cell_cosim.rtl_steps(e, steps)[index].sum(axis=1) == dots).all()
        assert (cell_cosim.model_steps(e, steps)[index].sum(axis=1) == dots).all()


@forms
@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_corners_constant_across_lanes_and_long_random_sums(bw, lanes):
    e = engine(bw=bw, lanes=lanes)
    x, y = (v.ravel() for v in np.meshgrid(CORNERS, CORNERS))
    a, b = (np.repeat(v[:, None], lanes, axis=1) for v in (x, y))
    steps, index = cell_cosim.steps_of_dots(e, a, b)
    assert (cell_cosim.rtl_steps(e, steps)[index][:, 0] == lanes * x * y).all()
    # Sums of many steps, planes in any order; a third of the cycles frozen, a third without any.
    rng = np.random.default_rng(lanes)
    count = 20000
    random = cell_cosim.CellStimulus(
        first=(rng.random(count) < 0.02).astype(np.int64),
        code=rng.integers(-128, 128, (count, lanes)),
        b=rng.integers(-128, 128, (count, lanes)),
        plane=rng.integers(0, e.widths.digits + 1, count) if bw == "time" else np.zeros(count, int),
        en=(rng.random(count) < 0.66).astype(np.int64),
        valid=(rng.random(count) < 0.66).astype(np.int64),
    )
    taken = np.flatnonzero(random.en & random.valid)
    random.first[taken[0]] = 1
    shown = cell_cosim.model_steps(e, random)[taken]
    assert (cell_cosim.rtl_steps(e, random)[taken] == shown).all()
    assert len(set(shown.tolist())) > 1000


# ---- the engine ----


@forms
@pytest.mark.parametrize("types", TYPES, ids=lambda t: "-".join(map(str, t)))
def test_kernel_equals_the_product_modulo_the_accumulator(bw, types):
    rng = np.random.default_rng(0)
    for lanes in (1, 3, 16):
        for encode in ("activations", "weights"):
            e = engine(bw=bw, lanes=lanes, encode=encode, **types_of(*types))
            a, b = operands(e, 5, 6, int(rng.integers(1, 40)), seed=lanes)
            half = 1 << (e.widths.acc - 1)
            product = (a.astype(object) @ b.astype(object) + half) % (2 * half) - half
            assert (product == e.run(a, b, values="bits").C).all()
            assert (product == e.run(a, b).C).all()


SMALL = [(1, 1), (1, 4), (3, 1), (2, 3)]


@pytest.mark.parametrize("array", ["matrix2d", "systolic_os"])
def test_bit_weights_in_time_equal_the_rtl_in_values_and_cycles(array):
    cases = []
    for size in SMALL:
        for lanes in (1, 4, 5):
            e = engine(array, size, bw="time", lanes=lanes)
            for k in (1, 4, 5, 16, 33):
                a, b = operands(e, size[0] + 1, size[1] + 1, k, seed=k)
                cases += [Case(e, a, b, h) for h in (ALWAYS, STALLS)]
    slow = engine(array, (3, 2), bw="time")
    cases.append(Case(slow, *operands(slow, 7, 5, 19, seed=3), Handshake(0, 0x7FFF_FFFE)))
    cases += list(corners(slow, 9))
    assert_all_agree(cases)


def variants():
    """Engines of either form beyond the defaults: types, encoders, coded operands, trees, zeros."""
    for bw in FORMS:
        for types in TYPES:
            yield engine(bw=bw, **types_of(*types))
        for where in ("edge", "stored"):
            for encoder in ("booth", "ent"):
                yield engine(bw=bw, encode_in=where, encoder=encoder, lanes=3)
        for tree in ("wallace", "dadda"):
            yield engine(bw=bw, tree=tree)
        unsigned = {"a_type": "uint8", "b_type": "uint7", "zero_points": "subtract"}
        yield engine(bw=bw, **unsigned)
        yield engine(bw=bw, encode="weights", a_type="int5", b_type="int8")
        yield engine("systolic_os", bw=bw, a_type="int2", b_type="int6", lanes=2)


def test_variants_equal_the_rtl_in_values_and_cycles():
    cases = []
    for e in variants():
        subtracts = e.params["zero_points"] == "subtract"
        zeros = {"a_zero": 3, "b_zero": 100} if subtracts else {}
        shapes = [operands(e, 4, 5, k, seed=k) for k in (1, 6, 33)]
        cases += [Case(e, *shape, STALLS, **zeros) for shape in shapes]
        if not subtracts:
            cases += list(corners(e, 5))
    assert_all_agree(cases)


@pytest.mark.parametrize("planes", [1, 2, 4], ids=lambda p: f"{p} planes")
def test_cycles_by_the_rule(planes):
    for rows, cols, lanes, k in ((2, 3, 4, 17), (1, 1, 1, 1), (5, 2, 8, 8)):
        steps = -(-k // lanes) * planes + (planes > 1)
        for array, rest in (("matrix2d", rows + 3), ("systolic_os", 2 * rows + cols + 1)):
            a_type = f"int{2 * planes}"
            e = engine(array, (rows, cols), bw="time", lanes=lanes, a_type=a_type)
            a, b = operands(e, rows, cols, k, seed=k)
            run = e.run(a, b)
            assert run.cycles == steps + rest
            least = cycles(bind(e.nest, rows, cols, k), a, e.encoder, e.widths.a)
            assert run.terms.compute == least == -(-k // lanes) * planes


# ---- hardware ----


@pytest.mark.parametrize("lanes", [1, 4, 6, 16])
@pytest.mark.parametrize("a_type", ["int2", "int5", "int8"])
def test_pairs_in_space_are_two_bits_narrower_for_each_bit_weight(lanes, a_type):
    e = engine(size=(3, 2), lanes=lanes, a_type=a_type)
    digits, acc = e.widths.digits, e.widths.acc
    pairs = [acc - 2 * bw for bw in range(digits)]
    assert e.pe.kernel.psum.words(e.widths) == tuple(bits for bits in pairs for _ in range(2))
    found = Counter()
    for unit in elaborated(emit.engine_modules(e), "tpe_engine"):
        found[unit.op, unit.fan_in, unit.bits] += unit.copies
    expected = Counter({("half_reduce", lanes + 2, bits): 6 for bits in pairs})
    expected["half_reduce", 2 * digits, acc] += 2
    assert {key: n for key, n in found.items() if key[0] == "half_reduce"} == dict(expected)
    assert found["shift", 1, acc] == 2 * digits
    assert found["add", 1, acc] == 2
    assert all(unit.bits <= e.pe.built(e.widths)[unit.op] for unit in e.inventory())


@pytest.mark.parametrize("encode_in", ["cell", "edge", "stored"])
def test_inventory_in_time_is_what_elaborates(encode_in):
    for lanes in (1, 4):
        for a_type in ("int2", "int5", "int8"):
            e = engine(size=(3, 2), bw="time", lanes=lanes, a_type=a_type, encode_in=encode_in)
            built = e.pe.built(e.widths)
            units = [u for u in e.inventory() if u.copies]
            expected = sorted((u.op, u.copies, u.fan_in, built[u.op]) for u in units)
            found = elaborated(emit.engine_modules(e), "tpe_engine")
            assert sorted((x.op, x.copies, x.fan_in, x.bits) for x in found) == expected
            assert ("half_reduce", 6, 4, e.widths.acc) in expected


def test_every_variant_lints_without_a_warning():
    for e in (
        *variants(),
        engine(bw="time", size=(1, 1)),
        engine("systolic_os", (1, 1), bw="time"),
    ):
        assert lint(emit.rename(emit.engine_modules(e), "mine"), "mine") == ""


def test_a_psum_that_passes_on_cannot_have_its_bit_weights_in_time():
    assert tpe.Engine("opt2", "systolic_ws", (2, 2)).widths.lanes == 1
    with pytest.raises(TpeError) as error:
        tpe.Engine("opt2", "systolic_ws", (2, 2), bw="time", tree="dadda")
    assert str(error.value).startswith("bw = 'time' is not legal for opt2 in systolic_ws: ")


@pytest.mark.parametrize("array", ["matrix2d", "systolic_os"])
@forms
def test_yosys_reads_it_and_finds_no_latch(bw, array, tmp_path):
    modules = emit.rename(emit.engine_modules(engine(array, bw=bw)), "mine")
    assert_no_latch(modules, "mine", tmp_path)
