"""The contract of the model alone: exact values four ways, cycles that add up, firings."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tpe
from tests.contract.combos import (
    LEGAL,
    REFUSED,
    TYPES,
    UNSIGNED,
    WITH_RTL,
    combo_id,
    engine,
    operands,
    types_of,
    variants,
    wrapped,
)
from tpe.array.base import TERMS, Handshake
from tpe.hdl.simulate import cell_cosim
from tpe.nest.cost import cycles, firings
from tpe.nest.notation import bind
from tpe.nest.readings import evaluate
from tpe.numbers.formats import FORMATS

combos = pytest.mark.parametrize("combo", LEGAL, ids=combo_id)


@combos
def test_all_int8_pairs(combo):
    pe, array = combo
    e = engine(pe, array, (16, 16))
    a = np.arange(-128, 128)
    run = e.run(a[:, None], a[None, :], values="bits")
    assert (np.multiply.outer(a, a) == run.C).sum() == 65536


@combos
@pytest.mark.parametrize("types", TYPES, ids=lambda t: "-".join(map(str, t)))
def test_kernel_equals_fast_path_equals_nest_equals_product(combo, types):
    pe, array = combo
    for variant in variants(pe, array):
        e = engine(pe, array, (3, 4), **variant, **types_of(*types))
        for k in (1, 5, 17, 33):
            a, b = operands(e, 5, 6, k, seed=k)
            product = wrapped(a.astype(object) @ b.astype(object), e.widths.acc)
            fast, bits = e.run(a, b), e.run(a, b, values="bits")
            assert (product == fast.C).all()
            assert (product == bits.C).all()
            if variant.get("encode") != "weights" and e.has_nest:
                value = evaluate(e.nest, a, b, e.encoder, e.widths.a)
                assert (wrapped(value, e.widths.acc) == product).all()


@combos
@pytest.mark.parametrize("kind", UNSIGNED, ids=lambda k: "-".join(map(str, k)))
@pytest.mark.parametrize("encode", ["activations", "weights"])
def test_unsigned_operands_and_zero_points_are_exact(combo, kind, encode):
    a_type, b_type, mode, a_zero, b_zero = kind
    types = {"a_type": a_type, "b_type": b_type, "zero_points": mode, "encode": encode}
    e = engine(*combo, (3, 4), **types)
    for k in (1, 5, 33):
        a, b = operands(e, 5, 6, k, seed=k)
        product = (a.astype(object) - a_zero) @ (b.astype(object) - b_zero)
        for values in ("fast", "bits"):
            run = e.run(a, b, a_zero=a_zero, b_zero=b_zero, values=values)
            assert (run.C == product).all()


@combos
def test_zero_points_per_row_and_column(combo):
    e = engine(*combo, (2, 2), a_type="uint8", b_type="uint8", zero_points="subtract")
    a, b = operands(e, 5, 3, 7, seed=1)
    a_zero, b_zero = np.array([0, 255, 3, 128, 9]), np.array([7, 0, 255])
    run = e.run(a, b, a_zero=a_zero, b_zero=b_zero)
    assert (run.C == (a - a_zero[:, None]) @ (b - b_zero)).all()


@combos
def test_corners_constant_across_lanes(combo):
    pe, array = combo
    e = engine(pe, array, (4, 4))
    values = FORMATS["int8"].corners()
    assert {-128, -2, -1, 0, 2, 127} <= set(values)
    for x in values:
        for y in values:
            a, b = np.full((4, 33), x), np.full((33, 4), y)
            assert (33 * x * y == e.run(a, b, values="bits").C).all()


@combos
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_cycle_terms_sum_and_compute_is_the_nests(combo, data):
    pe, array = combo
    rows, cols = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    m, n, k = (data.draw(st.integers(1, 40)) for _ in range(3))
    whole = {"depth": 4096} if pe.parameter("depth") else {}
    e = engine(pe, array, (rows, cols), **whole)
    a, b = operands(e, m, n, k, seed=m)
    run = e.run(a, b)
    terms = [getattr(run.terms, t) for t in TERMS]
    assert sum(terms) == run.cycles
    assert all(isinstance(t, Fraction) and t >= 0 for t in terms)
    if not e.has_nest:
        return
    nest = bind(e.nest, m, n, k)
    least = cycles(nest, a, e.encoder, e.widths.a)
    # The nest knows no finish that rows wait for; it can only add to its cycles.
    waits = pe.sparse and -(-k // (pe.group * e.widths.lanes)) < rows
    assert run.terms.compute >= least if waits else run.terms.compute == least
    assert dict(run.firings) == firings(nest, a, e.encoder, e.widths.a)


@combos
@settings(max_examples=25, deadline=None)
@given(idle=st.integers(0, 2**32 - 2), busy=st.integers(0, 2**32 - 2), k=st.integers(1, 40))
def test_stalls_only_add_and_none_is_the_closed_form(combo, idle, busy, k):
    pe, array = combo
    e = engine(pe, array, (3, 2))
    a, b = operands(e, 4, 3, k, seed=k)
    free = e.run(a, b).cycles
    stalled = e.run(a, b, handshake=Handshake(idle, busy))
    assert stalled.cycles >= free
    assert stalled.terms.stall == stalled.cycles - free


@combos
@pytest.mark.parametrize("rows", [1, 2, 7, 16])
def test_walking_cycle_by_cycle_equals_the_closed_form(combo, rows):
    # A mask whose only idle cycle is never reached has to be walked, and must change nothing.
    pe, array = combo
    e = engine(pe, array, (rows, 3))
    for k in (1, 2, 4, 9):
        rows = e.grid.m
        a, b = operands(e, rows + 1, 3, k, seed=k)
        late = 1 << 31
        if e.run(a[:rows], b).cycles < 31:
            assert (
                e.run(a[:rows], b, handshake=Handshake(late, 0)).cycles == e.run(a[:rows], b).cycles
            )
        walked = e.run(a, b, handshake=Handshake(0, 0xFFFF0000)).terms
        assert walked.stall >= 0


@combos
def test_c_does_not_depend_on_size_or_depth(combo):
    pe, array = combo
    a, b = operands(engine(pe, array, (1, 1)), 19, 23, 50, seed=3)
    results = [engine(pe, array, s).run(a, b, values="bits").C for s in ((1, 1), (4, 7), (16, 16))]
    assert all((c == a @ b).all() for c in results)


@pytest.mark.parametrize("refused", REFUSED, ids=lambda r: f"{r[0].name}-{r[1].name}")
def test_illegal_combinations_are_refused_with_the_legal_ones(refused):
    pe, array, _ = refused
    legal = [other.name for p, other in LEGAL if p is pe]
    with pytest.raises(tpe.TpeError) as error:
        tpe.Engine(pe, array, (2, 2))
    assert all(name in str(error.value) for name in (pe.name, array.name, *legal))


@pytest.mark.parametrize("combo", WITH_RTL, ids=combo_id)
def test_steps_of_pairs_cover_every_pair(combo):
    pe, array = combo
    e = engine(pe, array, (1, 1))
    a, b = (x.ravel() for x in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)))
    steps, index = cell_cosim.steps_of_pairs(e, a, b)
    shown = cell_cosim.model_steps(e, steps)[index].sum(axis=1)
    assert (shown == a * b).sum() == 65536


def test_combinations_of_the_slice():
    assert {combo_id(c) for c in LEGAL} >= {
        "mac-systolic_os",
        "mac-matrix2d",
        "opt1-systolic_os",
        "opt1-matrix2d",
        "opt4c-matrix2d",
    }
    assert "opt4c-systolic_os" in {combo_id((p, a)) for p, a, _ in REFUSED}


@combos
def test_operands_of_any_integer_type_are_the_same(combo):
    e = engine(*combo, (3, 2))
    a, b = operands(e, 5, 4, 17, seed=2)
    a[0, :4], b[:4, 0] = -128, -128
    wide, narrow = e.run(a, b), e.run(a.astype(np.int8), b.astype(np.int8))
    assert (wide.C == narrow.C).all() and wide.cycles == narrow.cycles
