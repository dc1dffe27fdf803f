"""XNOR and popcount of bit planes: sums of any two widths, what pads K, cells on every code."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, break_cell
from tests.numbers.test_bipolar import weighed
from tpe import array as arrays
from tpe.base.errors import TpeError
from tpe.hdl.simulate.cell_cosim import CellStimulus, model_steps, rtl_steps
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.pe import get

WIDTHS = range(1, 9)
TAKEN = [name for name in arrays.usable() if not arrays.get(name).refuses(get("bipolar"))]


def engine(a: int, b: int, array: str = "matrix2d", size: Any = (3, 2), **own: Any) -> tpe.Engine:
    return tpe.Engine("bipolar", array, size, a_type=f"bipolar{a}", b_type=f"bipolar{b}", **own)


def drawn(e: tpe.Engine, m: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(k)
    return e.a_format.drawn(rng, (m, k)), e.b_format.drawn(rng, (k, n))


def counted(a: np.ndarray, b: np.ndarray, a_bits: int, b_bits: int) -> np.ndarray:
    """Y = sum over i, j of 2**(i+j) (K - 2 popcount(a_i xor b_j)), the published form."""
    k = a.shape[1]
    x, y = ((a + (1 << a_bits) - 1) // 2, (b + (1 << b_bits) - 1) // 2)
    total = np.zeros((len(a), b.shape[1]), object)
    for i, j in product(range(a_bits), range(b_bits)):
        differ = (x[:, :, None] >> i & 1) ^ (y[None, :, :] >> j & 1)
        total += 2 ** (i + j) * (k - 2 * differ.sum(axis=1))
    return total


@pytest.mark.parametrize("a_bits", WIDTHS)
def test_every_pair_of_widths_is_the_integer_product(a_bits: int) -> None:
    for b_bits in WIDTHS:
        e = engine(a_bits, b_bits, lanes=3)
        for m, n, k in ((1, 1, 1), (4, 3, 2), (5, 7, 65)):
            a, b = drawn(e, m, n, k)
            exact = a.astype(object) @ b.astype(object)
            assert (counted(a, b, a_bits, b_bits) == exact).all()
            assert (e.run(a, b, values="bits").C == exact).all(), (b_bits, k)
            assert (e.run(a, b, values="fast").C == exact).all(), (b_bits, k)


def test_extremes_of_a_long_sum() -> None:
    e = engine(8, 8)
    a = np.full((2, 10_000), 255)
    a[1] = -255
    b = np.full((10_000, 1), -255)
    assert e.run(a, b, values="bits").C.tolist() == [[-650_250_000], [650_250_000]]
    assert engine(8, 8, acc_bits=16, overflow="wrap").run(a[:, :1], b[:1]).C.tolist() == [
        [511],  # -65025 modulo 2**16
        [-511],
    ]
    with pytest.raises(TpeError, match="need an accumulator of 17 bits, acc_bits = 16"):
        engine(8, 8, acc_bits=16).run(a[:, :1], b[:1])


def test_it_stands_in_every_array_at_the_pace_of_a_multiplier() -> None:
    assert TAKEN == [name for name in arrays.usable() if not arrays.get(name).refuses(get("mac"))]
    for name, k in product(TAKEN, (1, 5, 34)):
        for own in ({}, {"stages": 3}):
            size = (3, 2, 2)[: len(arrays.get(name).sides)]
            e, mac = engine(2, 3, name, size, **own), tpe.Engine("mac", name, size, **own)
            a, b = drawn(e, 4, 5, k)
            ours, theirs = e.run(a, b), mac.run(a, b)
            assert ours.cycles == theirs.cycles and ours.terms == theirs.terms
            assert (ours.C == a @ b).all()


def test_an_operand_of_a_brings_a_bit_that_says_that_it_is_one() -> None:
    totals = engine(1, 1, "systolic_os", (4, 2), lanes=3).run("gemm:4x2x6").totals()
    bits = [totals[f"operand_bits_per_cycle_{side}"] for side in "ab"]
    assert bits == [4 * 3 * (1 + 1), 2 * 3 * 1]


def test_other_operands_are_told_how_to_become_bipolar() -> None:
    with pytest.raises(
        TpeError, match=r"a_type = 'int4' .* int<n> x is 2 x \+ 1 of bipolar<n>; le"
    ):
        tpe.Engine("bipolar", a_type="int4")
    with pytest.raises(TpeError, match=r"odd integers from -255 to 255, 2 x [+] 1 of an int8 x"):
        tpe.Engine("bipolar").run([[1, 2]], [[1], [1]])
    with pytest.raises(TpeError, match=r"a_type = 'bipolar4' is not .* PEs that take it: bip"):
        tpe.Engine("mac", a_type="bipolar4")
    with pytest.raises(TpeError, match="unknown zero_points 'offset'; legal: none"):
        tpe.Engine("bipolar", zero_points="offset")


def test_the_type_of_b_follows_that_of_a() -> None:
    assert tpe.Engine("bipolar", a_type="bipolar3").b_format.name == "bipolar3"
    assert tpe.Engine("bipolar").a_format.bits == 8


# ---- RTL ----


def every_code(e: tpe.Engine) -> CellStimulus:
    """Every code of A, padding too, with every word of B; of several lanes every list."""
    w = e.widths
    sides = [[0, *range(1 << w.a, 2 << w.a)]] * w.lanes + [range(1 << w.b)] * w.lanes
    words = np.array(list(product(*sides)), np.int64)
    ones = np.ones(len(words), np.int64)
    first = np.random.default_rng(0).integers(0, 2, len(words))
    first[0] = 1
    code, b = words[:, : w.lanes], words[:, w.lanes :]
    return CellStimulus(first, code, b, np.zeros_like(ones), ones, ones)


def psums(e: tpe.Engine, steps: CellStimulus) -> list[int]:
    """What the psum is after each step, in Python's integers."""
    w, shown, total = e.widths, [], 0
    for first, code, b in zip(
        steps.first.tolist(), steps.code.tolist(), steps.b.tolist(), strict=True
    ):
        there = [word >> w.a for word in code]
        terms = (
            valid * weighed(x, w.a) * weighed(y, w.b)
            for valid, x, y in zip(there, code, b, strict=True)
        )
        total = (0 if first else total) + sum(terms)
        total = (total + (1 << w.acc - 1)) % (1 << w.acc) - (1 << w.acc - 1)
        shown.append(total)
    return shown


EXHAUSTIVE = [(2, 3, 2, 1), (1, 1, 5, 3), (3, 1, 3, 2)]
FURTHER = [(8, 8, 1, 3), (1, 8, 1, 2), (8, 1, 1, 1), (4, 4, 1, 2), (1, 2, 4, 1), (5, 7, 1, 1)]


@pytest.mark.parametrize(
    ("a_bits", "b_bits", "lanes", "stages"),
    [
        *EXHAUSTIVE[:2],
        *(pytest.param(*x, marks=pytest.mark.full) for x in EXHAUSTIVE[2:] + FURTHER),
    ],
)
def test_a_cell_on_every_code(a_bits: int, b_bits: int, lanes: int, stages: int) -> None:
    e = engine(
        a_bits, b_bits, size=(1, 1), lanes=lanes, stages=stages, acc_bits=16, overflow="wrap"
    )
    steps = every_code(e)
    expected = psums(e, steps)
    assert model_steps(e, steps).tolist() == expected
    assert rtl_steps(e, steps).tolist() == expected


def test_an_unmasked_lane_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    e = engine(2, 3, size=(1, 1), lanes=2)
    break_cell(monkeypatch, "tpe_pe_bipolar", " & {BWidth{there[l]}}", "")
    steps = every_code(e)
    assert rtl_steps(e, steps).tolist() != model_steps(e, steps).tolist()


def cases(array: str, a_bits: int, b_bits: int, **own: Any) -> list[Case]:
    sizes = {"adder_tree": (3, 2), "cube3d": (2, 2, 3)}
    buffered = {"psum_depth": 3} if array in ("systolic_ws", "systolic_is") else {}
    named = {"acc_bits": 20, "overflow": "wrap", **buffered, **own}
    e = engine(a_bits, b_bits, array, sizes.get(array, (2, 3)), **named)
    chosen = [Case(e, *drawn(e, 5, 4, k), STALLS) for k in (1, 2, 7, 12)]
    return [*chosen, Case(e, *drawn(e, 3, 3, 10))]


def test_arrays_pad_k_with_no_operand() -> None:
    """K = 1, and K that is no multiple of lanes or rows, under back-pressure."""
    found = cases("systolic_ws", 2, 3, lanes=2) + cases("systolic_os", 1, 1, lanes=4)
    assert_all_agree(found + cases("adder_tree", 3, 2, stages=2))


@pytest.mark.full
@pytest.mark.parametrize("array", TAKEN)
def test_arrays_of_several_widths(array: str) -> None:
    lanes = {} if array in ("adder_tree", "cube3d") else {"lanes": 3}
    encode = {} if array == "systolic_is" else {"encode": "weights"}
    found = [
        case
        for a, b, more in ((1, 8, {}), (8, 1, encode), (5, 3, {"stages": 3}), (2, 2, encode))
        for case in cases(array, a, b, **lanes, **more)
    ]
    assert_all_agree(found)
