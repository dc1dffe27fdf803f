"""The contract of model and RTL: every value, every cycle, every primitive, in Verilator."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, break_module
from tests.contract.combos import (
    FULL_SIZES,
    LANDING_SIZES,
    TYPES,
    UNSIGNED,
    WITH_RTL,
    combo_id,
    engine,
    landing_variants,
    operands,
    share,
    turn,
    types_of,
    variants,
)
from tests.contract.scale import apart, deep, odd_planes
from tpe.array.base import ALWAYS, Handshake
from tpe.hdl import emit
from tpe.hdl.simulate import cell_cosim
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.elaborate import elaborated
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import DEPTHS, STALLS, corners
from tpe.nest.forms import Form
from tpe.testing.rtl import copies_and_widest, disturb

combos = pytest.mark.parametrize("combo", WITH_RTL, ids=combo_id)
SLOW_SINK = Handshake(idle=0, busy=0x7FFF_FFFE)


def shapes(pe, array, sizes):
    """Every size with every K, undisturbed and with a hesitant source and sink."""
    for rows, cols in sizes:
        e = engine(pe, array, (rows, cols))
        for k in DEPTHS:
            for handshake in (ALWAYS, STALLS):
                m, n = e.grid.m + 1, e.grid.n + 1
                a, b = operands(e, m, n, k, seed=rows * 1000 + cols * 50 + k)
                a[rng_mask(a, k)] = 0  # empty groups
                yield Case(e, a, b, handshake)


def rng_mask(x, seed):
    return np.random.default_rng(seed).random(x.shape) < 0.4


@combos
def test_cycles_and_values_of_sizes(combo):
    assert_all_agree([*shapes(*combo, share(LANDING_SIZES, combo, 3)), *deep(*combo)])


@pytest.mark.full
@combos
def test_cycles_and_values_of_all_sizes_to_17(combo):
    assert_all_agree(list(shapes(*combo, [*LANDING_SIZES, *FULL_SIZES])))


@combos
def test_variants_types_corners_and_all_pairs(combo):
    pe, array = combo
    cases = [
        *varied(pe, array, landing_variants(pe, array)),
        *typed(pe, array, share(TYPES, combo, 3)),
    ]
    cases += unsigned(pe, array, share(UNSIGNED, combo, 4))
    every = np.arange(-128, 128)
    square = engine(pe, array, (4, 4))
    cases.append(Case(square, every[:, None], every[None, :]))
    cases.append(Case(square, *operands(square, 9, 9, 40, seed=1), SLOW_SINK))
    cases += [*odd_planes(pe, array), *apart(square)]
    assert_all_agree(cases)


@pytest.mark.full
@combos
def test_all_variants(combo):
    assert_all_agree(list(varied(*combo, variants(*combo))))


@pytest.mark.full
@combos
def test_all_types_signed_and_unsigned(combo):
    assert_all_agree([*typed(*combo, TYPES), *unsigned(*combo, UNSIGNED)])


def varied(pe, array, chosen):
    """Variants: constant corners, and GEMMs of several K with and without stalls."""
    for variant in chosen:
        yield from gemms(engine(pe, array, (2, 2), **variant))


def gemms(e):
    """Constant corners, and random operands of several K, with and without stalls."""
    yield from corners(e, 9)
    for k in (1, 6, 33):
        for handshake in (ALWAYS, STALLS):
            yield Case(e, *operands(e, 5, 4, k, seed=k), handshake)


def typed(pe, array, types):
    """The same for pairs of signed types."""
    for pair in types:
        e = engine(pe, array, (2, 1), **types_of(*pair))
        yield from corners(e, 5)
        yield from (Case(e, *operands(e, 4, 5, k, seed=k)) for k in (1, 4, 33))


def unsigned(pe, array, kinds):
    """The same for unsigned types and zero points."""
    for a_type, b_type, mode, a_zero, b_zero in kinds:
        e = engine(pe, array, (2, 2), a_type=a_type, b_type=b_type, zero_points=mode)
        zeros = {"a_zero": a_zero, "b_zero": b_zero}
        yield from (replace(case, **zeros) for case in corners(e, 5))
        for k in (1, 6, 33):
            yield Case(e, *operands(e, 5, 4, k, seed=k), STALLS, **zeros)


OF_ARRAYS = {
    "encode",
    "depth",
    "drift",
    "overlap",
    "psum_depth",
    "finish_stages",
    "b_supply",
    "shadow",
    "stall",
}


def rarely(pe, variant):
    """The full tier alone has what others show: opt3's cell is opt4c's, a tree is one anywhere.

    Of what is left but the defaults the landing tier has every other one here, and all in an array.
    """
    other = pe.name == "opt3" and variant
    tree = "tree" in variant and pe.name not in ("mac", "opt1")
    half = variant and turn(f"{pe.name} {sorted(variant.items())}", 2)
    return [pytest.mark.full] if other or tree or half else []


@pytest.mark.parametrize(
    ("pe", "variant"),
    [
        pytest.param(pe, v, id=f"{pe.name}-{v or 'default'}", marks=rarely(pe, v))
        for pe, array in {pe.name: (pe, a) for pe, a in reversed(WITH_RTL)}.values()
        for v in variants(pe, array)
        if not v or v.keys() - OF_ARRAYS
    ],
)
def test_cell_on_all_pairs_and_on_random_steps(pe, variant):
    array = next(a for p, a in WITH_RTL if p is pe)
    e = tpe.Engine(pe, array, (1, 1), **variant)
    a, b = (x.ravel() for x in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)))
    steps, index = cell_cosim.steps_of_pairs(e, a, b)
    shown = cell_cosim.rtl_steps(e, steps)
    assert (shown[index].sum(axis=1) == a * b).sum() == 65536
    random = disturb(e, steps)  # sums of many steps
    taken = np.flatnonzero(random.en & random.valid)
    assert (
        cell_cosim.rtl_steps(e, random)[taken] == cell_cosim.model_steps(e, random)[taken]
    ).all()


@combos
def test_inventory_is_what_elaborates(combo):
    assert_inventory(*combo, landing_variants(*combo))


@pytest.mark.full
@combos
def test_inventory_of_all_variants_is_what_elaborates(combo):
    assert_inventory(*combo, variants(*combo))


def assert_inventory(pe, array, chosen):
    default = [(size, {}) for size in ((1, 1), (3, 2))]
    for size, parameters in (*default, *[((2, 2), x) for x in choices(pe, array, chosen)]):
        e = engine(pe, array, size, **parameters)
        if not e.has_nest:
            continue  # what it is made of is written down nowhere
        units = [u for u in e.inventory() if u.op != "sync" and u.copies]
        built = [e.pe.built_bits(e.widths, u.op, u.fan_in) for u in units]
        assert all(u.bits <= bits for u, bits in zip(units, built, strict=True))
        found = elaborated(emit.engine_modules(e), "tpe_engine")
        expected = copies_and_widest(
            (u.op, u.fan_in, u.copies, bits) for u, bits in zip(units, built, strict=True)
        )
        assert copies_and_widest((x.op, x.fan_in, x.copies, x.bits) for x in found) == expected
        # Those narrower than the widest, too: a compressor per bit weight has its own width.
        compressors = {(x.fan_in, x.bits) for x in found if x.op == "half_reduce"}
        apart = {(4, e.pe.built_bits(e.widths, "half_reduce", 4))}  # two rows, wired by no tree
        if Form.APART not in e.nest.forms:
            apart = set()
        assert compressors == apart | set(e.pe.hardware.trees(e.widths, e.params))
        if e.pe.kernel.psum.kind == "bit_weights":
            weights = {2 * bw for bw in range(e.widths.digits)}
            assert {e.widths.acc - bits for fan_in, bits in compressors} == weights


def choices(pe, array, chosen):
    """These variants but for the default, and the combination's share of the types."""
    types = share(TYPES, (pe, array), 3)
    return (*filter(None, chosen), *(types_of(*t) for t in types))


@combos
def test_lints_without_a_warning(combo):
    assert_no_warning(*combo, landing_variants(*combo))


@pytest.mark.full
@combos
def test_all_variants_lint_without_a_warning(combo):
    assert_no_warning(*combo, variants(*combo))


def assert_no_warning(pe, array, chosen):
    unsigned = {"a_type": "uint8", "b_type": "uint7"}
    modes = [{**unsigned, "zero_points": mode} for mode in ("none", "subtract", "offset")]
    default = [(size, {}) for size in ((1, 1), (1, 3), (3, 2))]
    for size, parameters in (
        *default,
        *[((2, 2), x) for x in (*choices(pe, array, chosen), *modes)],
    ):
        e = engine(pe, array, size, **parameters)
        assert lint(emit.rename(emit.engine_modules(e), "mine"), "mine") == ""


@combos
def test_yosys_reads_it_and_finds_no_latch(combo, tmp_path):
    files = []
    for module, text in emit.engine_modules(engine(*combo, (2, 2))).items():
        files.append(str(tmp_path / f"{module}.sv"))
        Path(files[-1]).write_text(text)
    passes = (
        f"read_verilog -sv -defer {' '.join(files)}",
        "hierarchy -check -top tpe_engine",
        "proc",
        "select -assert-none t:$dlatch t:$adlatch t:$sr",
    )
    code = f"from pyosys import libyosys as y; d = y.Design(); [d.run_pass(p) for p in {passes!r}]"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


FAULTS = {
    "a carry is not shifted": ("tpe_half_reduce", "majority << 1;", "majority;"),
    "one cycle too many": ("tpe_tile_ctrl", "FlushCycles - 1", "FlushCycles"),
    "minus 2B loses its one": ("tpe_map", " + Width'(neg)", " + Width'(neg & ~two)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault, monkeypatch):
    module, right, wrong = FAULTS[fault]
    e = tpe.Engine("opt1", "matrix2d", (2, 2))
    break_module(monkeypatch, e, module, right, wrong)
    outcomes = cosimulate([Case(e, *operands(e, 4, 4, 9, seed=2))])
    assert not outcomes[0].ok
