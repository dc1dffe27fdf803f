"""Weight planes that look up tables: exact integers, cycles, cells on every code, arrays."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, break_cell
from tpe.base.errors import TpeError
from tpe.hdl import emit
from tpe.hdl.simulate.cell_cosim import model_steps, rtl_steps, steps_of_dots
from tpe.hdl.simulate.images import Case, images
from tpe.hdl.simulate.verify import STALLS
from tpe.numbers.operands import as_operands
from tpe.synth.power import stimulus

BITS = range(1, 9)


def engine(b_type: str, size: Any = (2, 3), **own: Any) -> tpe.Engine:
    return tpe.Engine("lut_tc", "matrix2d", size, b_type=b_type, **own)


def drawn(e: tpe.Engine, m: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(k)
    return e.a_format.drawn(rng, (m, k)), e.b_format.drawn(rng, (k, n))


def agrees(e: tpe.Engine, m: int, n: int, k: int) -> None:
    a, b = drawn(e, m, n, k)
    exact = a.astype(object) @ b.astype(object)
    for path in ("bits", "fast"):
        assert (e.run(a, b, values=path).C == exact).all(), (e, path, k)


@pytest.mark.parametrize("lanes", range(2, 7))
def test_weights_of_every_width_give_the_integer_product(lanes: int) -> None:
    own = {"lanes": lanes}
    for bits, a_type in product(BITS, ("int8", "uint8", "int2", "int5")):
        kinds = [engine(f"bipolar{bits}", a_type=a_type, **own)]
        if bits > 1:
            kinds += [
                engine(f"{sign}int{bits}", a_type=a_type, table=table, **own)
                for sign, table in product(("", "u"), ("half", "full", "none"))
            ]
        for e in kinds:
            agrees(e, 3, 4, 5)
            agrees(e, 1, 1, 1)
    agrees(engine("ternary", **own), 3, 4, 17)


def test_long_sums_of_the_extremes() -> None:
    a = np.array([[-128], [127]]) * np.ones((1, 5000), np.int64)
    for b_type, table, weight in (
        ("int8", "half", -128),
        ("int8", "full", -128),
        ("int8", "none", -128),
        ("bipolar8", "half", -255),
        ("ternary", "ternary", -1),
    ):
        b = np.full((5000, 1), weight)
        for path in ("bits", "fast"):
            c = engine(b_type, table=table).run(a, b, values=path).C
            assert c.tolist() == [[-128 * weight * 5000], [127 * weight * 5000]]
    wrapped = engine("int8", acc_bits=16, overflow="wrap").run(
        a[:, :2], [[-128]] * 2, values="bits"
    )
    assert wrapped.C.tolist() == [[-32768], [-32512]]  # 2**15 modulo 2**16
    with pytest.raises(TpeError, match="need an accumulator of 17 bits, acc_bits = 16"):
        engine("int8", acc_bits=16).run(a[:, :2], [[-128]] * 2)


@pytest.mark.parametrize("mode", ["none", "offset"])
def test_zero_points_are_exact(mode: str) -> None:
    """GPTQ's weights q - z of 4 bits: z' of arXiv:2408.06003 is what `offset` adds to C."""
    e = engine("uint4", a_type="uint8", zero_points=mode)
    a, b = drawn(e, 3, 5, 23)
    zeros = {"a_zero": 128, "b_zero": np.array([0, 7, 8, 15, 3])} if mode == "offset" else {}
    run = e.run(a, b, values="bits", **zeros)
    exact = (a - zeros.get("a_zero", 0)) @ (b - zeros.get("b_zero", 0))
    assert (run.C == exact).all() and e.widths.b == (4 if mode == "offset" else 5)


def test_cycles_are_planes_and_one_for_the_table() -> None:
    """By hand: 2 tiles of 3 groups, 5 planes; 2 rows to drain; 4 cycles around a tile."""
    e = engine("int5", (2, 3), lanes=4)
    terms = e.run(np.ones((3, 9), np.int64), np.ones((9, 2), np.int64)).terms
    assert terms.total == 2 * (3 * 5 + 2 + 4)
    assert terms.useful == 2 * Fraction(9 * 5, 4) and terms.edge == 2 * Fraction(3 * 5, 4)
    later = engine("int5", (2, 3), stages=2).run(np.ones((3, 9), int), np.ones((9, 2), int))
    assert later.cycles == terms.total + 2
    plain = engine("int5", (2, 3), table="none").run(np.ones((3, 9), int), np.ones((9, 2), int))
    assert plain.cycles == terms.total
    ternary = engine("ternary", (2, 3)).run(np.ones((3, 9), int), np.ones((9, 2), int))
    assert ternary.cycles == 2 * (3 * 1 + 2 + 4)
    stream = engine("int5", (2, 3), overlap="stream").run(
        np.ones((3, 9), int), np.ones((9, 2), int)
    )
    assert stream.cycles == 2 * 15 + 2 + 4


def test_what_does_not_go_together_is_said_in_a_line() -> None:
    for own, text in (
        ({"b_type": "ternary", "table": "half"}, "table = 'half' .* 'ternary'; legal: another"),
        ({"b_type": "int2", "table": "ternary"}, "table = 'ternary' .* 'int2'; legal: ternary"),
        (
            {"b_type": "bipolar2", "table": "full"},
            "'full' .* 'bipolar2': its bits are 0 and 1; leg",
        ),
        (
            {"b_type": "bipolar2", "zero_points": "offset"},
            "zero_points = 'offset' .* have no zero; leg",
        ),
        ({"table": "full", "inversion": "cell"}, "'cell' .* table = 'full'; legal: half"),
        ({"zero_points": "subtract"}, "unknown zero_points 'subtract'; legal: none, offset"),
        ({"encode": "weights"}, "unknown encode 'weights'; legal: activations"),
        ({"lanes": 7}, "lanes = 7 is not legal: an integer from 2 to 6"),
        ({"b_type": "int9"}, "b_type = 'int9' is not legal .* weights of 1 to 8; legal"),
    ):
        with pytest.raises(TpeError, match=text):
            tpe.Engine("lut_tc", **own)
    with pytest.raises(TpeError, match=r"holds -2 at .* legal for b_type = ternary: -1 to 1"):
        engine("ternary").run([[1]], [[-2]])


# ---- RTL ----


def test_weights_are_stored_inverted_where_the_last_bit_is_set() -> None:
    """int2, 2 lanes, one column: (w0, w1) = (-2, 1), q = (0, 3), stored (0 ^ 3, 3); B is 4 bits."""
    e = engine("int2", (1, 1), lanes=2)
    image = images(Case(e, np.array([[1, 1]]), np.array([[-2], [1]]))).b
    assert int(image.split()[0], 16) == 3 << 2 | 3


CELLS = [
    ("int2", "int3", 2, {}),
    ("int3", "bipolar2", 2, {"stages": 2}),
    ("int2", "ternary", 3, {}),
    ("int2", "int2", 2, {"table": "full", "stages": 2}),
    ("int2", "int2", 2, {"table": "none"}),
    ("int2", "int3", 2, {"inversion": "cell"}),
]
FURTHER = [
    ("int2", "int2", 4, {}),
    ("int2", "bipolar1", 6, {}),
    ("int2", "ternary", 4, {"stages": 2}),
    ("int2", "int2", 4, {"table": "full"}),
    ("int4", "int4", 2, {"stages": 2}),
    ("int2", "bipolar3", 3, {}),
]


@pytest.mark.parametrize(
    ("a_type", "b_type", "lanes", "own"),
    [*CELLS, *(pytest.param(*x, marks=pytest.mark.full) for x in FURTHER)],
)
def test_a_cell_on_every_code(a_type: str, b_type: str, lanes: int, own: dict[str, Any]) -> None:
    e = engine(b_type, (1, 1), a_type=a_type, lanes=lanes, acc_bits=16, overflow="wrap", **own)
    a, b = e.a_format.sweep(), e.b_format.sweep()
    every = np.array(list(product(*[a] * lanes, *[b] * lanes)), np.int64)
    left, right = every[:, :lanes], every[:, lanes:]
    codes = as_operands(left, right.T, e.a_format, e.b_format, "every")[1].T
    steps, index = steps_of_dots(e, left, codes)
    found = rtl_steps(e, steps)
    assert found.tolist() == model_steps(e, steps).tolist()
    assert found[index].sum(axis=1).tolist() == [
        sum(x * y for x, y in zip(p, q, strict=True))
        for p, q in zip(left.tolist(), right.tolist(), strict=True)
    ]


def test_a_sign_that_is_lost_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    e = engine("int3", (1, 1), a_type="int2", lanes=2, acc_bits=16, overflow="wrap")
    steps, _ = steps_of_dots(e, np.array([[1, -2]] * 2), np.array([[1, 3], [1, -3]]))
    break_cell(monkeypatch, "tpe_lut_index", "? bits[Lanes-1]", "? 1'b0")
    assert rtl_steps(e, steps).tolist() != model_steps(e, steps).tolist()


def cases(b_type: str, **own: Any) -> list[Case]:
    named = {"acc_bits": 20, "overflow": "wrap", **own}
    e = engine(b_type, (2, 3), **named)
    chosen = [Case(e, *drawn(e, 5, 4, k), STALLS) for k in (1, 2, 7, 12)]
    return [*chosen, Case(e, *drawn(e, 3, 3, 10))]


def zeros(e: tpe.Engine, a_zero: int, b_zero: int) -> list[Case]:
    named = {"a_zero": a_zero, "b_zero": b_zero}
    return [Case(e, *drawn(e, 5, 4, k), STALLS, **named) for k in (1, 9)]


def test_arrays_of_other_weights() -> None:
    """Bipolar, ternary and unsigned weights; padded columns and K under back-pressure."""
    found = cases("bipolar1", overlap="stream") + cases("ternary", lanes=3)
    found += cases("int5", table="none", lanes=3) + cases("uint3", inversion="cell")
    assert_all_agree(found + zeros(engine("uint3", a_type="uint4", zero_points="offset"), 5, 6))


@pytest.mark.full
@pytest.mark.parametrize("lanes", range(2, 7))
def test_arrays_of_several_widths(lanes: int) -> None:
    found = cases("ternary", lanes=lanes, stages=2, stall="registered")
    for b_type, table in product(("int2", "uint5", "int8"), ("half", "full", "none")):
        found += cases(b_type, table=table, lanes=lanes, a_type="uint6", overlap="drain")
    found += cases("bipolar8", lanes=lanes, a_type="int3") + cases("bipolar3", lanes=lanes)
    found += zeros(engine("uint8", zero_points="offset", lanes=lanes), -7, 255)
    assert_all_agree(found)


def test_the_emitted_top_takes_stored_weights() -> None:
    """Of unsigned weights with zero points, which enter before they are stored, as of any."""
    e = engine("uint4", a_type="uint8", zero_points="offset")
    assert emit.port_bits(e) == (8, 4)
    top = emit.engine_modules(e)["tpe_engine"]
    assert "a_coded" in top and "b_coded" not in top


def test_power_is_of_the_weights_that_the_cells_have() -> None:
    """What stands before an array is left out; bipolar and ternary weights have nothing there."""
    for b_type, mode, seen in (
        ("bipolar2", "none", "bipolar2"),
        ("ternary", "none", "ternary"),
        ("uint4", "offset", "int4"),
        ("uint4", "none", "int5"),
    ):
        engine_seen = stimulus._as_seen(engine(b_type, zero_points=mode))
        assert (engine_seen.b_format.name, engine_seen.pe) == (seen, engine(seen).pe)
