"""Weights with scales in groups of K through engines: values by definition, cycles by arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tpe
from tests.numbers.slow_group_scales import grouped
from tpe.array.base import TERMS, Handshake
from tpe.numbers.formats import FORMATS
from tpe.numbers.quantise import largest_scale, quantised
from tpe.numbers.quantised_tensor import QuantisedTensor

MAC = tpe.Engine("mac", "matrix2d", "4x4", b_type="int4")


def real(k: int, m: int = 3, n: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(k)
    return rng.normal(size=(m, k)).astype(np.float32), rng.normal(size=(k, n))


def by_hand(x: np.ndarray, w: QuantisedTensor, scale_type: str, a_type: str = "int8") -> Any:
    """The product by its definition: x quantised by rows, their scales put back at the end."""
    number = FORMATS[a_type]
    scale = largest_scale(x, number, axis=1)
    a = quantised(x, number, scale).astype(int)
    ones = np.ones((1, w.codes.shape[1]))
    zeros = None if w.zeros is None else w.zeros * ones.astype(int)
    inner = grouped(a, w.integers().astype(int), w.group, w.scales * ones, zeros, scale_type)
    return (inner.astype(np.float64) * scale).astype(np.float32)


@pytest.mark.parametrize(("k", "group"), [(1, 1), (1, 128), (7, 3), (130, 32), (5000, 128)])
@pytest.mark.parametrize(("number", "scale_type"), [("int4", "fp16"), ("uint4", "fp32")])
def test_values_are_the_definitions(k: int, group: int, number: str, scale_type: str) -> None:
    x, w = real(k)
    tensor = tpe.quantise_integers(w, number, per="group", group=group, axis=0)
    e = tpe.Engine("mac", "matrix2d", "4x4", b_type=number, scale_type=scale_type)
    ours = tpe.matmul(e, x, tensor)
    assert ours.dtype == np.float32 and (ours == by_hand(x, tensor, scale_type)).all()
    inside = tpe.Engine(
        "mac", "matrix2d", "4x4", b_type=number, scale_type=scale_type, scale_group=group
    )
    assert (tpe.matmul(inside, x, w) == ours).all()  # quantised by the engine, in its groups
    assert (tpe.matmul(inside, x, tensor) == ours).all()


@pytest.mark.parametrize("pe", ["opt4c", "opt2", "stripes", "table_mult"])
def test_any_engine_of_integers_takes_them(pe: str) -> None:
    x, w = real(21)
    own = {"table": "exact"} if pe == "table_mult" else {}
    tensor = tpe.quantise_integers(w, "int3", per="group", group=5, axis=0)
    e = tpe.Engine(pe, "matrix2d", "4x4", b_type="int4", **own)
    assert (tpe.matmul(e, x, tensor) == by_hand(x, tensor, "fp32")).all()


def test_other_sides_zero_points_and_ways_to_quantise() -> None:
    x, w = real(9)
    weights = tpe.quantise_integers(w, "uint4", per="group", group=4, axis=0)
    usual = by_hand(x, weights, "fp32")
    for own in ({"encode": "weights"}, {"zero_points": "offset"}, {"zero_points": "subtract"}):
        e = tpe.Engine("opt1", "ws", "4x4", b_type="uint4", **own)
        assert (tpe.matmul(e, x, weights) == usual).all(), own
    unsigned = tpe.Engine("mac", "os", "4x4", a_type="uint8", b_type="uint4")
    by_hand_too = by_hand(abs(x), weights, "fp32", "uint8")
    assert (tpe.matmul(unsigned, abs(x), weights) == by_hand_too).all()
    for number in ("ternary", "bipolar1", "int2"):
        narrow = tpe.quantise_integers(w, number, per="group", group=4, axis=0)
        assert (tpe.matmul(MAC, x, narrow) == by_hand(x, narrow, "fp32")).all()
    columns = tpe.quantise_integers(w, "int4", per="channel", axis=0)
    assert (tpe.matmul(MAC, x, columns) == by_hand(x, columns, "fp32")).all()


def test_a_batch_one_row_nothing_and_scales_of_x() -> None:
    x, w = real(6, m=4)
    tensor = tpe.quantise_integers(w, "int4", per="group", group=4, axis=0)
    c = tpe.matmul(MAC, x, tensor)
    assert (tpe.matmul(MAC, x.reshape(2, 2, 6), tensor) == c.reshape(2, 2, 5)).all()
    assert (tpe.matmul(MAC, x[1], tensor) == c[1]).all()
    assert tpe.matmul(MAC, np.zeros((0, 6)), tensor).shape == (0, 5)
    twice = tpe.matmul(MAC, x, tensor, (2.0, None))
    assert (twice == 2 * tpe.matmul(MAC, x / 2, tensor, (1.0, None))).all()


def test_floats_dequantise_first() -> None:
    x, w = real(40)
    tensor = tpe.quantise_integers(w, "uint4", per="group", group=16, axis=0)
    e = tpe.Engine("fma", "matrix2d", "4x4", a_type="fp16", b_type="fp16")
    weights = tpe.rounded(tensor.values(), "fp16")
    assert (tpe.matmul(e, x, tensor) == e.run(tpe.rounded(x, "fp16"), weights).C).all()


EXTREMES = np.full((1, 200), -128), np.full((200, 1), -8)


def test_room_is_that_of_a_group() -> None:
    """64 products of -128 x -8 are 2**16: they need 18 bits, 200 of them 19."""
    a, q = EXTREMES
    w = QuantisedTensor(FORMATS["int4"], q, np.full((4, 1), 0.5), 0, 64)
    small = tpe.Engine("mac", "os", "2x2", b_type="int4", acc_bits=18)
    assert tpe.matmul(small, a, w, (1.0, None)).tolist() == [[102400.0]]
    with pytest.raises(tpe.TpeError, match=r"K = 64 products of int8 and int4 need .* 18 bits"):
        tpe.matmul(tpe.Engine("mac", "os", "2x2", b_type="int4", acc_bits=17), a, w)
    zeros = QuantisedTensor(w.number, q, w.scales[:3], 0, 69, zeros=np.full((3, 1), 7))
    with pytest.raises(tpe.TpeError, match="K = 69 products of int8 and int4 less zero need"):
        tpe.matmul(small, a, zeros)
    with pytest.raises(tpe.TpeError, match=r"K = 200 products .* need an accumulator of 19 bits"):
        small.run(a, q)
    inside = tpe.Engine("mac", "os", "2x2", b_type="int4", acc_bits=18, scale_group=64)
    assert inside.run(a, q).C.tolist() == [[204800]]
    wrapping = tpe.Engine(
        "mac", "os", "2x2", b_type="int4", acc_bits=16, overflow="wrap", scale_group=64
    )
    assert wrapping.run(a, q, values="bits").C.tolist() == [[8192]]  # 8 of 200: 192 are 0


# ---- cycles ----


@pytest.mark.parametrize(
    ("pe", "array", "own"),
    [
        ("mac", "matrix2d", {"stages": 3}),
        ("mac", "matrix2d", {"overlap": "stream"}),
        ("mac", "systolic_os", {"lanes": 3}),
        ("mac", "systolic_ws", {"psum_depth": 4}),
        ("opt1", "systolic_is", {}),
        ("opt4c", "matrix2d", {}),
        ("laconic", "matrix2d", {}),
        ("mac", "adder_tree", {"overflow": "saturate"}),
    ],
)
def test_cycles_are_those_of_the_groups_and_of_the_unit(pe: str, array: str, own: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (9, 20)), rng.integers(-128, 128, (20, 7))
    plain = tpe.Engine(pe, array, "3x2", **own)
    e = tpe.Engine(pe, array, "3x2", scale_group=8, **own)
    parts = [plain.run(a[:, i : i + 8], b[i : i + 8]) for i in (0, 8, 16)]
    run = e.run(a, b)
    assert run.cycles == sum(part.cycles for part in parts) + 2
    for term in TERMS:
        unit = 2 if term == "fill_drain" else 0
        whole = sum(getattr(part.terms, term) for part in parts)
        assert getattr(run.terms, term) == whole + unit
    for op, count in run.firings.items():
        assert count == sum(part.firings[op] for part in parts)
    assert (run.C == a @ b).all() and (e.run(a, b, values="bits").C == a @ b).all()
    assert run.rows()[0]["exact"] is True


@pytest.mark.parametrize(
    ("pe", "array"), [("mac", "systolic_ws"), ("mac", "systolic_os"), ("opt4c", "matrix2d")]
)
def test_columns_of_tiles_may_come_one_after_another(pe: str, array: str) -> None:
    """Without overlap: so accumulators of one column of tiles are enough."""
    rng = np.random.default_rng(1)
    a, b = rng.integers(-128, 128, (9, 20)), rng.integers(-128, 128, (20, 7))
    e = tpe.Engine(pe, array, "3x2", scale_group=8)
    columns = [e.run(a, b[:, n : n + 2]).cycles - 2 for n in range(0, 7, 2)]
    assert e.run(a, b).cycles == sum(columns) + 2


def test_one_group_of_all_of_k_is_the_array_and_the_unit() -> None:
    for k in (1, 5, 8):
        operands = f"gemm:3x4x{k}"
        plain, e = (tpe.Engine("mac", "os", "2x2", **own) for own in ({}, {"scale_group": 8}))
        assert e.run(operands).cycles == plain.run(operands).cycles + 2


def test_without_values() -> None:
    e = tpe.Engine("mac", "ws", "16x16", scale_group=128)
    assert e.run("gemm:64x64x500", values="none").terms == e.run("gemm:64x64x500").terms
    huge = e.run("gemm:40000x40000x500")
    assert huge.C is None and huge.cycles > 40000**2 * 500 / 256
    with pytest.raises(tpe.TpeError, match="sampled cycles know no groups of K; legal: without"):
        tpe.Engine("opt4c", scale_group=128).run("gemm:64x64x500", values="none")


# ---- what an engine is ----


def test_an_engine_without_groups_is_what_it_was() -> None:
    plain = tpe.Engine("mac", "os", "2x2")
    assert "scale_group" not in plain.params and "scale_type" not in plain.params
    same = tpe.Engine("mac", "os", "2x2", scale_group=0, scale_type="fp32")
    assert same == plain and same.hash == plain.hash
    grouped_too = tpe.Engine("mac", "os", "2x2", scale_group=128)
    assert grouped_too != plain and grouped_too.hash != plain.hash
    assert grouped_too.rtl_checked == plain.rtl_checked == "contract tests"
    assert tpe.Engine("mac", "ws", "2x2", scale_group=128).rtl_checked == "model only"


REFUSED: dict[str, tuple[Any, str]] = {
    "floats": (lambda: tpe.Engine("fma", scale_group=8), "scale_group = 8 is not legal: 0"),
    "scales of floats": (
        lambda: tpe.Engine("lmul", scale_type="fp16"),
        "unknown scale_type 'fp16' (did you mean 'fp32'?); legal: fp32",
    ),
    "stages": (
        lambda: tpe.Engine("mac", scale_group=8, bias="on"),
        "scale_group = 8 is not legal with bias: C is in fp32 then; legal: without finish stages",
    ),
    "RTL": (
        lambda: tpe.verify(tpe.Engine("mac", "ws", "2x2", scale_group=8)),
        "scale_group = 8 is model only for pe mac in systolic_ws: the unit of scales",
    ),
    "handshake": (
        lambda: tpe.Engine("mac", scale_group=8).run([[1]], [[1]], handshake=Handshake(1)),
        "scale_group = 8 knows no handshake",
    ),
    "flips": (lambda: tpe.Engine("mac", scale_group=8).toggles([[1]], [[1]]), "flips are counted"),
    "size": (
        lambda: tpe.matmul(
            tpe.Engine("mac", b_type="int4", scale_group=8),
            [[1.0, 2.0, 3.0]],
            tpe.quantise_integers([[1.0]] * 3, "int4", per="group", group=2, axis=0),
        ),
        "w is in groups of 2, and the engine has scale_group = 8; legal: one size, or an engine",
    ),
    "codes": (
        lambda: tpe.matmul(MAC, [[1.0]], tpe.quantise_integers([[1.0]], "uint4", axis=0)),
        "w holds uint4, 0 to 15; legal for b_type = int4: -8 to 7",
    ),
    "two scales": (
        lambda: tpe.matmul(MAC, [[1.0]], tpe.quantise_integers([[1.0]], "int4", axis=0), (1, 2)),
        "w_scale is given, and w has scales in groups; legal: None beside them",
    ),
    "wide": (
        lambda: tpe.matmul(tpe.Engine("mac", b_type="int9", scale_group=8), [[1.0]], [[1.0]]),
        "scale_group = 8 and b_type = int9; legal: uint1, int2",
    ),
    "shapes": (
        lambda: tpe.matmul(MAC, [[1.0, 2.0]], tpe.quantise_integers([[1.0]], "int4", axis=0)),
        "x is of shape (1, 2) and w of (1, 1); legal: (..., K) and (K, N)",
    ),
    "blocks": (
        lambda: tpe.matmul(
            tpe.Engine("tensorcore", arch="blackwell", a_type="mx_e2m1", b_type="mx_e2m1"),
            [[1.0]],
            tpe.quantise_integers([[1.0]], "int4", axis=0),
        ),
        "w is quantised to int4; legal for b_type = mx_e2m1: numbers, or blocks of it",
    ),
    "x in groups": (
        lambda: tpe.matmul(MAC, tpe.quantise_integers([[1.0]], "int8"), [[1.0]]),
        "x is a QuantisedTensor; legal: numbers, and x_scale beside them",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_said_in_a_line(what: str) -> None:
    call, text = REFUSED[what]
    with pytest.raises(tpe.TpeError) as caught:
        call()
    assert text in str(caught.value) and "\n" not in str(caught.value)
