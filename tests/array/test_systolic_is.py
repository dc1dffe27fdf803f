"""The input-stationary array: the weight-stationary one of the transposed product, by a name."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import tpe
from tpe import array as arrays
from tpe import pe as pes
from tpe.array.base import ALWAYS, Handshake
from tpe.hdl import emit
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.numbers.arithmetic import INTEGER
from tpe.pe.base import Way

SHAPES = [(1, 1, 1), (4, 9, 5), (9, 4, 13), (7, 2, 6)]
CHOICES = [{}, {"overlap": "load", "psum_depth": 3}, {"lanes": 4, "psum_depth": 2}]
BUSY = Handshake(idle=0x5555_5555, busy=0x3333_3333)


def pair(pe: str, size: tuple[int, int], **parameters) -> tuple[tpe.Engine, tpe.Engine]:
    """The array by its name, and the weight-stationary one that encodes weights."""
    twin = tpe.Engine(pe, "systolic_ws", size, encode="weights", **parameters)
    return tpe.Engine(pe, "is", size, **parameters), twin


def operands(m: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(m + 10 * n + 100 * k)
    return rng.integers(-128, 128, (m, k)), rng.integers(-128, 128, (k, n))


@pytest.mark.parametrize(("pe", "choice"), list(product(("mac", "opt1", "opt2"), CHOICES)))
def test_it_is_the_weight_stationary_one_with_weights_encoded(pe, choice):
    for size, shape in product(((1, 1), (3, 2), (2, 5)), SHAPES):
        one, twin = pair(pe, size, **choice)
        a, b = operands(*shape)
        for handshake in (ALWAYS, STALLS, BUSY):
            mine, other = (e.run(a, b, handshake=handshake) for e in (one, twin))
            assert (mine.C == a @ b).all()
            assert (mine.terms, mine.firings) == (other.terms, other.firings)
            assert mine.layers[0].bandwidth == other.layers[0].bandwidth


def test_its_rtl_is_that_of_the_other_but_for_the_name():
    one, twin = (emit.engine_modules(e) for e in pair("opt1", (2, 3)))
    assert one.keys() == twin.keys()
    differ = {name for name in one if one[name] != twin[name]}
    assert differ == {"tpe_engine"}  # whose header says what it is
    assert one["tpe_engine"].replace("systolic_is", "systolic_ws") == twin["tpe_engine"]


def test_rtl_agrees_in_every_value_and_every_cycle():
    engine = tpe.Engine("opt1", "systolic_is", (3, 2), psum_depth=2)
    masks = (ALWAYS, STALLS, BUSY)
    cases = [Case(engine, *operands(*s), mask) for s, mask in product(SHAPES, masks)]
    outcomes = cosimulate(cases)
    assert [o.first_mismatch() for o in outcomes if not o.ok] == []
    assert all((o.C == o.case.a @ o.case.b).all() for o in outcomes)


def test_activations_stay_whatever_n():
    """As many loads as tiles of A: all of N streams past each."""
    a, b = operands(6, 50, 7)
    run = tpe.Engine("mac", "is", (4, 3)).run(a, b)
    assert run.terms.load == 4 * 2 * 2  # rows of cells, tiles of K, tiles of M


@pytest.mark.parametrize("value", ["activations", "both", 3])
def test_another_side_cannot_be_encoded(value):
    with pytest.raises(tpe.TpeError) as error:
        tpe.Engine("mac", "systolic_is", encode=value)
    assert str(error.value) == f"encode = {value!r} is not legal in systolic_is; legal: weights"


def test_a_pe_that_encodes_activations_alone_is_refused():
    arithmetic = replace(INTEGER, name="one-sided", choices={"encode": ("activations",)})
    pe = replace(pes.get("mac"), name="sided", arithmetic=arithmetic)
    reason = arrays.get("is").refuses(pe)
    assert reason == "systolic_is has encode = weights, sided takes activations"
    assert arrays.get("ws").refuses(pe) is None


def test_a_pe_whose_psums_pass_stands_in_the_array_that_leaves_the_choice():
    passing = replace(pes.get("mac"), name="passing", ways=frozenset({Way.PASS}))
    assert arrays.default_for(passing) == "systolic_ws"


def test_it_is_saved_and_loaded(tmp_path):
    engine = tpe.Engine("mac", "is", "4x2", lanes=2)
    engine.save(tmp_path / "e.toml")
    assert tpe.Engine.load(tmp_path / "e.toml") == engine
    assert engine != pair("mac", (4, 2), lanes=2)[1]
