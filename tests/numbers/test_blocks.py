"""Blocks with scales: MX against gfloat, NVFP4 against its rule in exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from gfloat import RoundMode, formats
from gfloat.block import compute_scale_amax, quantize_block

import tpe
from tpe.numbers.blocks import BLOCK_FORMATS, block_format
from tpe.numbers.floats import E2M1, E4M3FN, FloatFormat

GFLOAT = {
    "mx_e4m3fn": formats.format_info_mxfp8_e4m3,
    "mx_e5m2": formats.format_info_mxfp8_e5m2,
    "mx_e3m2": formats.format_info_mxfp6_e3m2,
    "mx_e2m3": formats.format_info_mxfp6_e2m3,
    "mx_e2m1": formats.format_info_mxfp4_e2m1,
    "mx_int8": formats.format_info_mxint8,
}
MODES = {
    "nearest_even": RoundMode.TiesToEven,
    "nearest_away": RoundMode.TiesToAway,
    "toward_zero": RoundMode.TowardZero,
    "up": RoundMode.TowardPositive,
    "down": RoundMode.TowardNegative,
}


def blocks_of(count: int, seed: int) -> np.ndarray:
    """Blocks of 32: normal numbers of many scales, short ones that make ties, and zeros."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 32)) * 2.0 ** rng.integers(-40, 40, (count, 1))
    x[::3] = rng.integers(-64, 65, x[::3].shape) / 16.0
    x[::7] *= 2.0 ** rng.integers(-12, 1, x[::7].shape)
    x[::11] = 0
    return x


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", GFLOAT)
def test_mx_blocks_are_gfloats(name: str, mode: str) -> None:
    x = blocks_of(44, 1)
    theirs = [quantize_block(GFLOAT[name], row, compute_scale_amax, MODES[mode]) for row in x]
    ours = tpe.quantise(x, name, mode=mode)
    assert ours.scales.shape == (44, 1)
    assert (ours.values() == np.array(theirs)).all()


def test_every_mx_format_has_the_size_and_bits_of_the_standard() -> None:
    """OCP Microscaling 1.0, table 1; an element and its share of 8 bits of scale."""
    for name, info in GFLOAT.items():
        number = block_format(name)
        assert number.size == info.k == 32
        assert number.bits * 32 == 8 * info.block_size_bytes


def test_the_axis_is_ks_and_the_last_block_may_be_short() -> None:
    x = blocks_of(6, 2).reshape(4, 48)
    for name in BLOCK_FORMATS:
        size = block_format(name).size
        a, b = tpe.quantise(x, name, axis=1), tpe.quantise(x.T, name, axis=0)
        assert a.scales.shape == (4, -(-48 // size)) and b.scales.shape == a.scales.shape[::-1]
        assert (a.values() == b.values().T).all() and (a.codes == b.codes.T).all()
        whole = tpe.quantise(
            x[:, 32:], name, tensor_scale=None if name[0] == "m" else a.tensor_scale
        )
        assert (a.values()[:, 32:] == whole.values()).all()


def test_ceil_keeps_the_largest_number_and_floor_cuts_it() -> None:
    x = [[1.99, 0.1]]
    floor, ceil = (tpe.quantise(x, "mx_e2m1", scale=rule) for rule in ("floor", "ceil"))
    assert floor.values()[0, 0] == 1.5 and floor.scale_values[0, 0] == 2.0**-2
    assert ceil.values()[0, 0] == 2.0 and ceil.scale_values[0, 0] == 2.0**-1
    exact = tpe.quantise([[1.5, 0.1]], "mx_e2m1", scale="ceil")
    assert exact.scale_values[0, 0] == 2.0**-2  # nothing is beyond 6 / 4
    x = blocks_of(60, 3)
    for name in GFLOAT:
        number = block_format(name)
        scales = tpe.quantise(x, name, scale="ceil").scale_values
        largest = np.abs(x).max(axis=1, keepdims=True)
        least = (largest <= scales * number.high) & (largest > scales / 2 * number.high)
        assert (least | (largest == 0)).all()


def test_scales_stay_in_their_range() -> None:
    ends = tpe.quantise([[2.0**-300], [0.0], [2.0**300]], "mx_e5m2")
    assert ends.scales.ravel().tolist() == [0, 0, 254]
    assert ends.values().ravel().tolist() == [0.0, 0.0, 57344.0 * 2.0**127]


def test_a_block_that_is_not_finite_is_nan() -> None:
    x = np.ones((2, 64))
    x[0, 3], x[1, 40] = np.nan, -np.inf
    for name in BLOCK_FORMATS:
        got = tpe.quantise(x, name)
        bad = np.isnan(got.values())
        size = block_format(name).size
        assert bad[0, :size].all() and bad[1, 32 : 32 + size].all() and bad.sum() == 2 * size
        assert not np.isnan(got.tensor_scale)


def nearest(number: FloatFormat, x: Fraction) -> float:
    """The nearest number of a format, ties to even codes, cut at the largest."""
    values = number.values(np.arange(number.largest_code + 1)).astype(float).tolist()
    steps = [abs(Fraction(v) - abs(x)) for v in values]
    at = min(range(len(values)), key=lambda i: (steps[i], i % 2))
    return float(np.copysign(values[at], float(x)))


def test_nvfp4_keeps_its_rule() -> None:
    """Two scales: fp32 of largest / (6 x 448), and e4m3fn of a block's largest / 6 / that."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(5, 48)) * 2.0 ** rng.integers(-9, 3, (5, 48))
    x[2, 16:32] = 0
    x[3, :16] *= 1e-9  # so small that its scale is zero
    got = tpe.quantise(x, "nvfp4")
    whole = np.float32(np.abs(x).max() / (6 * 448))
    assert got.tensor_scale == float(whole)
    for row, values, scales in zip(x, got.values(), got.scale_values, strict=True):
        for start, scale in zip(range(0, 48, 16), scales, strict=True):
            block = [Fraction(float(v)) for v in row[start : start + 16]]
            largest = max(abs(v) for v in block)
            assert scale == nearest(E4M3FN, largest / 6 / Fraction(float(whole)))
            unit = Fraction(float(scale)) * Fraction(float(whole))
            expected = [
                float(Fraction(nearest(E2M1, v / unit)) * unit) if unit else 0.0 for v in block
            ]
            assert values[start : start + 16].tolist() == expected
    assert got.scales[2, 1] == got.scales[3, 0] == 0


def test_a_tensor_of_zeros_and_one_with_a_given_scale() -> None:
    zeros = tpe.quantise(np.zeros((2, 16)), "nvfp4")
    assert zeros.tensor_scale == 1.0 and not zeros.values().any()
    x = np.full((1, 16), 5.0)
    given = tpe.quantise(x, "nvfp4", tensor_scale=0.25)
    assert given.tensor_scale == 0.25 and given.scale_values[0, 0] == 3.25  # of 10 / 3
    assert given.values()[0, 0] == 6 * 3.25 * 0.25


def test_stochastic_elements_are_right_on_average_and_arrays_are_frozen() -> None:
    x = np.full((4000, 32), 1.1)
    x[:, 0] = 4.0
    for name in ("mx_e2m1", "mx_int8"):
        got = tpe.quantise(x, name, mode="stochastic", seed=5).values()[:, 1:]
        assert abs(got.mean() - 1.1) < 0.003 and len(set(got.ravel())) == 2
    with pytest.raises(ValueError, match="read-only"):
        tpe.quantise(x, "mx_int8").codes[0, 0] = 1


@pytest.mark.parametrize(
    ("x", "name", "more", "text"),
    [
        ([1.0], "mxfp4", {}, "unknown block format 'mxfp4'"),
        ([1.0], "mx_e2m1", {"axis": 1}, "axis = 1 is not legal: an integer from -1 to 0"),
        ([1.0], "mx_e2m1", {"axis": True}, "axis = True is not legal"),
        (1.0, "mx_e2m1", {}, r"x has the shape \(\); legal: a dimension or more"),
        ([1.0], "mx_e2m1", {"scale": "round"}, "unknown scale 'round'"),
        ([1.0], "mx_e2m1", {"tensor_scale": 1.0}, "tensor_scale is given, which mx_e2m1 has not"),
        (
            [1.0],
            "nvfp4",
            {"tensor_scale": 0.1},
            "tensor_scale = 0.1 is not legal: a number of fp32",
        ),
        (["a"], "nvfp4", {}, "legal: integers or floats"),
    ],
)
def test_what_is_refused(x: object, name: str, more: dict[str, object], text: str) -> None:
    with pytest.raises(tpe.TpeError, match=text):
        tpe.quantise(x, name, **more)
