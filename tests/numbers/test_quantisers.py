"""Quantisers of integers against plain Python floats, line by line, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tpe
from tpe.base.errors import TpeError
from tpe.numbers.formats import FORMATS
from tpe.numbers.quantised_tensor import TERNARY, QuantisedTensor
from tpe.numbers.quantisers import NUMBERS, one_bit, quantise_integers

RNG = np.random.default_rng(38)
BY_MEAN = ("ternary", "bipolar1")  # no zero points there
SHAPES = [(1, 1), (3, 1), (1, 7), (5, 70), (2, 129), (4, 257)]


def slow_line(line: list[float], number: str, symmetric: bool) -> tuple[list[int], float, int]:
    """Integers, scale and zero point of numbers that share them, in Python alone."""
    if number in BY_MEAN:
        scale = math.fsum(map(abs, line)) / len(line) or 1.0
        if number == "bipolar1":
            return [1 if x >= 0 else -1 for x in line], scale, 0
        return [max(-1, min(1, round(x / scale))) for x in line], scale, 0
    signed, bits = not number.startswith("u"), int(number.lstrip("uint"))
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if symmetric:
        scale = max(map(abs, line)) / high or 1.0
        return [max(low, min(high, round(x / scale))) for x in line], scale, 0
    least, most = min(0.0, *line), max(0.0, *line)
    scale = most / (high - low) - least / (high - low) or 1.0
    zero = max(low, min(high, round(-least / scale) + low))
    return [max(low, min(high, round(x / scale) + zero)) for x in line], scale, zero


def lines_of(x: np.ndarray, per: str, group: int) -> list[tuple[Any, list[float]]]:
    """(where, numbers) of everything that shares a scale, K along the last axis."""
    rows, k = x.shape
    if per == "tensor":
        return [((slice(None), slice(None)), x.reshape(-1).tolist())]
    size = k if per in ("channel", "token") else group
    return [
        ((slice(row, row + 1), slice(start, start + size)), x[row, start : start + size].tolist())
        for row in range(rows)
        for start in range(0, k, size)
    ]


@pytest.mark.parametrize("per", ["tensor", "channel", "token", "group"])
@pytest.mark.parametrize(
    ("number", "symmetric"),
    [(x, even) for x in NUMBERS for even in (True, False) if even or x not in BY_MEAN],
)
def test_every_number_and_every_line_is_what_plain_python_makes(
    number: str, per: str, symmetric: bool
) -> None:
    by_mean = number in BY_MEAN
    for shape in SHAPES:
        x = RNG.normal(size=shape) * 10.0 ** RNG.integers(-3, 4)
        x[RNG.random(shape) < 0.1] = 0
        x = np.abs(x) if symmetric and number.startswith("u") else x
        group = {"group": 32} if per == "group" else {}
        options = {} if by_mean else {"symmetric": symmetric}
        found = quantise_integers(x, number, per=per, axis=1, **group, **options)  # type: ignore[arg-type]
        wanted = np.zeros(shape)
        integers = np.zeros(shape, int)
        for where, line in lines_of(x, per, 32):
            codes, scale, zero = slow_line(line, number, symmetric)
            integers[where] = np.reshape(codes, integers[where].shape)
            wanted[where] = (integers[where] - zero) * scale
        assert (found.integers() == integers).all()
        assert found.values() == pytest.approx(wanted, rel=1e-12, abs=0)
        if not by_mean:  # no number is further off than half a step, but where it was cut
            slack = found.values() - x
            steps = np.broadcast_to(found._spread(found.scales), shape)
            assert (np.abs(slack) <= steps * (0.5 + 1e-9)).all() or not symmetric
            assert (np.abs(slack) <= steps * (1 + 1e-9)).all()
            assert (found.values()[x == 0] == 0).all()


def test_the_axis_is_k_of_either_side() -> None:
    x = RNG.normal(size=(70, 3))
    down = quantise_integers(x, "int4", per="group", group=32, axis=0)
    across = quantise_integers(x.T, "int4", per="group", group=32, axis=1)
    assert (down.codes == across.codes.T).all() and (down.scales == across.scales.T).all()
    assert (down.groups, down.missing, down.scales.shape) == (3, 26, (3, 3))
    deep = quantise_integers(np.stack([x, 2 * x]), "int4", per="group", group=32, axis=1)
    assert (deep.codes[1] == down.codes).all() and (deep.scales[1] == 2 * down.scales).all()


def test_a_group_may_be_larger_than_what_there_is() -> None:
    found = quantise_integers([[1.0, 2.0]], "int8", per="group", group=2**60)
    assert found.codes.tolist() == [[64, 127]] and found.missing == 2**60 - 2


def test_scales_that_are_given() -> None:
    found = quantise_integers([[0.5, 1.5, 99.0]], "int4", scale=1.0)
    assert found.codes.tolist() == [[0, 2, 7]] and found.scales.tolist() == [[1.0]]
    each = quantise_integers([[2.0], [2.0]], "int4", scale=[[1.0], [2.0]])
    assert each.codes.tolist() == [[2], [1]]


@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1.7e308])
def test_the_smallest_and_largest_numbers(tiny: float) -> None:
    x = np.array([[tiny, -tiny, 0.0]])
    with np.errstate(all="raise", under="ignore"):
        for number in ("int8", "uint8", "uint1", "ternary", "bipolar1"):
            found = quantise_integers(x, number)
            assert np.isfinite(found.values()).all()
    assert quantise_integers(np.array([[1.7e308]]), "int8").codes.tolist() == [[127]]


def test_the_lowest_integer_is_used_with_a_zero_point_alone() -> None:
    x = np.array([-128.0, 127.0])
    assert quantise_integers(x, "int8").codes.tolist() == [-127, 126]
    found = quantise_integers(x, "int8", symmetric=False)
    assert found.zeros is not None
    assert found.codes.tolist() == [-128, 127] and found.zeros.tolist() == [0]


def test_what_exists_is_what_is_used() -> None:
    """A scale a column of w is what `tpe.matmul` takes by itself."""
    x, w = RNG.normal(size=(3, 40)), RNG.normal(size=(40, 5))
    engine = tpe.Engine("mac", "matrix2d", "2x2", b_type="int4")
    a = quantise_integers(x, "int8", per="token", axis=1)
    b = quantise_integers(w, "int4", per="channel", axis=0)
    assert tpe.matmul(engine, x, w) == pytest.approx(a.values() @ b.values(), rel=1e-12)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a NaN": ({"x": [[1.0, math.nan]]}, "x holds nan; legal for int4: finite numbers"),
    "infinity": ({"x": [[-math.inf]], "number": "ternary"}, "x holds -inf; legal for ternary"),
    "no numbers": ({"x": [["a"]]}, "legal: integers or floats"),
    "masked": ({"x": np.ma.masked_array([[1.0]], mask=[[True]])}, "masked"),
    "nothing": ({"x": np.zeros((0, 4))}, "x has the shape (0, 4)"),
    "a scalar": ({"x": 3.0}, "x has the shape ()"),
    "9 bits": ({"number": "int9"}, "unknown number 'int9'"),
    "0 bits": ({"number": "uint0"}, "legal: bipolar1, ternary, uint1, int2"),
    "no name": ({"number": 4}, "unknown number '4'"),
    "per row": ({"per": "row"}, "unknown per 'row'"),
    "group 0": ({"per": "group", "group": 0}, "group = 0 is not legal"),
    "group True": ({"per": "group", "group": True}, "group = True is not legal"),
    "a group of a tensor": ({"per": "tensor", "group": 4}, "legal: per = group"),
    "axis": ({"axis": 2}, "axis = 2 is not legal"),
    "symmetric": ({"symmetric": 1}, "symmetric = 1 is not legal: True, False or None"),
    "ternary zero": ({"number": "ternary", "symmetric": False}, "legal: with int2"),
    "below 0": ({"number": "uint4", "symmetric": True}, "legal for uint4: 0 and above"),
    "scale 0": ({"scale": 0.0}, "scale holds 0.0; legal: finite numbers above 0"),
    "scale NaN": ({"scale": [[math.nan]]}, "scale holds nan"),
    "scales": ({"scale": [1.0, 2.0]}, "scale is 2; legal: one number, or (1, 1)"),
    "scale and zero": ({"number": "uint4", "scale": 1.0}, "legal: with symmetric integers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_a_line(name: str) -> None:
    options, text = REFUSED[name]
    call = {"x": [[-1.0, 2.0]], "number": "int4", **options}
    with pytest.raises(tpe.TpeError) as error:
        quantise_integers(call.pop("x"), call.pop("number"), **call)
    assert text in str(error.value) and "\n" not in str(error.value)


TENSORS: dict[str, tuple[dict[str, Any], str]] = {
    "a scale too few": ({"scales": np.ones((1, 1))}, "legal: 2 scales along axis 1, groups of 2"),
    "two dimensions": ({"scales": np.ones(2)}, "codes are 1 x 3 and scales 2; legal: as many"),
    "no array": ({"codes": [[1, 2], [3]]}, "codes is no rectangular array"),
    "floats": ({"codes": [[0.0, 1.0, 0.0]]}, "codes are float64; legal: integers"),
    "words": ({"scales": [["a", "b"]]}, "scales is <U1; legal: integers or floats"),
    "an axis": ({"axis": 2}, "axis = 2 is not legal"),
    "no group": ({"group": 0}, "group = 0; legal: an integer of 1 or more"),
    "NaN": ({"scales": np.array([[1.0, np.nan]])}, "scales hold nan at [0, 1]"),
    "endless": ({"offsets": np.array([[np.inf, 0]])}, "offsets hold inf at [0, 0]"),
    "a code": ({"codes": np.array([[0, 2, 0]])}, "codes hold 2; legal for ternary: -1 to 1"),
    "zero points": ({"zeros": np.zeros((1, 1), int)}, "zero points and offsets of the scales'"),
    "groups": ({"index": np.array([0, 1, 2])}, "3 groups named for 3 places, 0 to 2; legal"),
}


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_that_does_not_fit_is_refused_in_a_line(name: str) -> None:
    options, text = TENSORS[name]
    shape = {"axis": 1, "group": 2, "codes": [[0, 1, 0]], "scales": np.ones((1, 2))}
    with pytest.raises(tpe.TpeError) as error:
        QuantisedTensor(TERNARY, **{**shape, **options})  # type: ignore[arg-type]
    assert text in str(error.value) and "\n" not in str(error.value)


def test_a_tensor_leaves_the_callers_arrays_alone() -> None:
    codes = np.zeros((1, 3), np.int8)
    tensor = QuantisedTensor(TERNARY, codes, np.ones((1, 2)), -1, 2)
    assert codes.flags.writeable and not tensor.codes.flags.writeable and tensor.axis == 1


def test_groups_that_are_no_neighbours() -> None:
    tensor = QuantisedTensor(
        NUMBERS["uint4"], np.array([[9], [8], [7]]), np.array([[2.0], [4.0]]), 0, 2,
        np.array([[8], [9]]), index=np.array([1, 0, 1]),
    )  # fmt: skip
    assert tensor.values().tolist() == [[0.0], [0.0], [-8.0]]


# ---- OneBit ----


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (7, 33), (64, 17)])
def test_one_bit_is_the_best_approximation_of_rank_one(shape: tuple[int, int]) -> None:
    w = RNG.normal(size=shape)
    found = one_bit(w)
    u, s, v = np.linalg.svd(np.abs(w))
    best = s[0] * np.outer(np.abs(u[:, 0]), np.abs(v[0]))
    assert found.values() == pytest.approx(np.sign(w) * best, rel=1e-8, abs=1e-10)
    assert (found.rows >= 0).all() and (found.columns >= 0).all()
    assert np.linalg.norm(found.rows) == pytest.approx(np.linalg.norm(found.columns))


def test_one_bit_of_odd_matrices() -> None:
    zero = one_bit(np.zeros((2, 3)))
    assert zero.signs.tolist() == [[1] * 3] * 2 and (zero.values() == 0).all()
    for size in (1e-300, 1e300):
        w = size * np.array([[3.0, -4.0], [-6.0, 8.0]])
        assert one_bit(w).values() == pytest.approx(w, rel=1e-9)
    for wrong in ([1.0], np.zeros((0, 2)), [[math.nan]], [["a"]]):
        with pytest.raises(tpe.TpeError):
            one_bit(wrong)


def test_a_product_by_one_bit_needs_signs_alone() -> None:
    w, x = RNG.normal(size=(6, 8)), RNG.normal(size=(3, 8))
    found = one_bit(w)
    y = ((x * found.columns) @ found.signs.T.astype(float)) * found.rows
    assert y == pytest.approx(x @ found.values().T)


def test_a_matrix_turned_is_the_same_numbers() -> None:
    x = np.random.default_rng(0).normal(size=(10, 6))
    for per, group, axis in (("group", 4, 0), ("group", 4, 1), ("channel", None, 0)):
        tensor = quantise_integers(x, "uint4", per=per, group=group, axis=axis)
        turned = tensor.T
        assert turned.axis == 1 - axis and turned.group == tensor.group
        assert (turned.values() == tensor.values().T).all()
        assert turned.zeros is not None and (turned.T.zeros == tensor.zeros).all()
    index = np.array([1, 0, 1, 0, 0, 1])
    scattered = QuantisedTensor(
        FORMATS["int4"], np.ones((2, 6), int), np.ones((2, 2)), 1, 3, index=index
    )
    assert (scattered.T.index == index).all()
    with pytest.raises(TpeError, match="tensor has 1 dimensions; legal: a matrix"):
        _ = quantise_integers([1.0], "int4").T
