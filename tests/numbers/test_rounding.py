"""Rounding to a format: against ml_dtypes, gfloat, NumPy, and the definition in exact fractions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

import gfloat
import ml_dtypes
import numpy as np
import pytest
from gfloat import RoundMode, formats

import tpe
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import number_format
from tpe.numbers.rounding import MODES

THEIRS = {  # ours -> ml_dtypes
    "bf16": ml_dtypes.bfloat16,
    "fp16": np.float16,
    "e4m3fn": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
    "e3m4": ml_dtypes.float8_e3m4,
    "e4m3": ml_dtypes.float8_e4m3,
    "e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "e2m3": ml_dtypes.float6_e2m3fn,
    "e2m1": ml_dtypes.float4_e2m1fn,
    "e8m0": ml_dtypes.float8_e8m0fnu,
}
GFLOAT = {
    "e4m3fn": formats.format_info_ocp_e4m3,
    "e5m2": formats.format_info_ocp_e5m2,
    "e3m2": formats.format_info_ocp_e3m2,
    "e2m3": formats.format_info_ocp_e2m3,
    "e2m1": formats.format_info_ocp_e2m1,
    "fp16": formats.format_info_binary16,
    "bf16": formats.format_info_bfloat16,
    "fp32": formats.format_info_binary32,
}
GFLOAT_MODES = {
    "nearest_even": RoundMode.TiesToEven,
    "nearest_away": RoundMode.TiesToAway,
    "toward_zero": RoundMode.TowardZero,
    "up": RoundMode.TowardPositive,
    "down": RoundMode.TowardNegative,
}
SMALL = [name for name in THEIRS if name not in ("bf16", "fp16")]


@pytest.fixture(autouse=True)
def _signalling_nan_is_one_like_any_other() -> Iterator[None]:
    with np.errstate(invalid="ignore", over="ignore"):
        yield


def same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Values, NaN and signs of zero."""
    theirs = theirs.astype(np.float64)
    missing = np.isnan(ours)
    if not (missing == np.isnan(theirs)).all():
        return False
    zeros = np.signbit(ours) == np.signbit(theirs)
    return bool(((ours == theirs) & zeros | missing).all())


def half_words() -> np.ndarray:
    """Every number of fp16 and of bf16, as float32."""
    codes = np.arange(1 << 16, dtype=np.uint16)
    with np.errstate(invalid="ignore"):
        both = [codes.view(kind).astype(np.float32) for kind in (np.float16, ml_dtypes.bfloat16)]
    return np.concatenate(both)


def any_float32(count: int, seed: int) -> np.ndarray:
    codes = np.random.default_rng(seed).integers(0, 1 << 32, count, dtype=np.uint32)
    return codes.view(np.float32)


def near_ties(number: FloatFormat, seed: int) -> np.ndarray:
    """Float64 at, beside and between the numbers of a format, and beyond them; finite."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, number.largest_code + 1, 400)
    low = number.values(codes).astype(np.float64)
    high = number.values(np.minimum(codes + 1, number.largest_code)).astype(np.float64)
    middle = (low + high) / 2
    outside = np.array([1.0, 1.01, 1.5, 2.0, 1e30]) * number.high
    tiny = number.smallest_normal * 2.0 ** -rng.integers(0, 80, 50) * (1 + rng.random(50))
    x = np.concatenate([low, middle, np.nextafter(middle, 0), np.nextafter(middle, 9e99), outside])
    x = np.concatenate([x, tiny, [0.0, 5e-324]])
    return np.concatenate([x, -x]) if number.signed else x[x > 0]


# ---- what codes stand for ----


@pytest.mark.parametrize("name", THEIRS)
def test_values_of_all_codes_are_those_of_ml_dtypes(name: str) -> None:
    number = number_format(name)
    codes = np.arange(1 << number.bits)
    kind = np.uint16 if number.bits == 16 else np.uint8
    with np.errstate(invalid="ignore"):
        theirs = codes.astype(kind).view(THEIRS[name]).astype(np.float32)
    assert same(tpe.from_codes(codes, name), theirs)


@pytest.mark.parametrize("name", [*GFLOAT, "e8m0"])
def test_values_of_codes_are_those_of_gfloat(name: str) -> None:
    number = number_format(name)
    info = GFLOAT.get(name, formats.format_info_ocp_e8m0)
    few = number.bits <= 8
    codes = (
        np.arange(1 << number.bits) if few else np.random.default_rng(0).integers(0, 1 << 16, 500)
    )
    theirs = np.array([gfloat.decode_float(info, int(code)).fval for code in codes])
    assert same(tpe.from_codes(codes, name), theirs)


# ---- rounding, against others ----


@pytest.mark.parametrize("name", THEIRS)
def test_nearest_even_is_ml_dtypes(name: str) -> None:
    """All of fp16 and bf16, and float32 of any code; OCP's overflow to NaN is theirs."""
    number = number_format(name)
    overflow = "ieee" if number.nan == "none" else "nan"
    small = np.ldexp(any_float32(50_000, 2), -60)
    for x in (half_words(), any_float32(200_000, 1), small):
        x = x[~np.isnan(x)] if number.nan == "none" else x
        if name == "e8m0":  # there ml_dtypes 0.6 rounds up, though 2**-127 is nearer
            x = x[~((x > 2.0**-127) & (x < 1.5 * 2.0**-127))]
        with np.errstate(all="ignore"):
            theirs = x.astype(THEIRS[name]).astype(np.float32)
        assert same(tpe.rounded(x, name, overflow=overflow), theirs)


@pytest.mark.parametrize("saturate", [False, True])
@pytest.mark.parametrize("mode", GFLOAT_MODES)
@pytest.mark.parametrize("name", GFLOAT)
def test_every_mode_is_gfloats(name: str, mode: str, saturate: bool) -> None:
    """All of fp16 and bf16 into formats of 8 bits and fewer, a sample into wider ones."""
    number = number_format(name)
    x = half_words().astype(np.float64)
    if number.bits > 8:
        x = np.concatenate([x[::37], near_ties(number, 3)])
    if number.nan == "none":
        x = x[np.abs(x) <= number.high] if not saturate else x[~np.isnan(x)]
    with np.errstate(all="ignore"):
        theirs = gfloat.round_ndarray(GFLOAT[name], x, GFLOAT_MODES[mode], saturate)
    ours = tpe.rounded(x, name, mode=mode, overflow="saturate" if saturate else "nan")
    assert same(ours, theirs)


@pytest.mark.full
@pytest.mark.parametrize("name", ["e4m3fn", "e5m2", "bf16"])
def test_every_float32_is_rounded_as_ml_dtypes_does(name: str) -> None:
    step = 1 << 24
    for start in range(0, 1 << 32, step):
        x = np.arange(start, start + step, dtype=np.uint32).view(np.float32)
        x = x[~np.isnan(x)]
        theirs = x.astype(THEIRS[name]).view(np.uint16 if name == "bf16" else np.uint8)
        if name == "e4m3fn":
            theirs = np.where(theirs == 0xFF, 0x7F, theirs)  # its NaN keeps a sign
        assert (tpe.to_codes(x, name, overflow="nan") == theirs).all()


def test_fp32_is_numpys_conversion_of_float64() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=200_000) * 2.0 ** rng.integers(-160, 130, 200_000)
    x = np.concatenate([x, near_ties(number_format("fp32"), 5)])
    with np.errstate(over="ignore"):
        theirs = x.astype(np.float32)
    assert (tpe.to_codes(x, "fp32") == theirs.view(np.uint32)).all()


# ---- rounding, by its definition ----


def neighbours(x: Fraction, numbers: list[Fraction]) -> tuple[int, Fraction]:
    """The index of the largest number that is not above |x|, and where |x| is, 0 to below 1."""
    at = bisect_right(numbers, x) - 1
    return at, (x - numbers[at]) / (numbers[at + 1] - numbers[at])


@cache
def magnitudes(number: FloatFormat) -> tuple[list[float], list[Fraction]]:
    """The numbers of a format from 0, and with the next one if it went on, and one beyond all."""
    floats = number.values(np.arange(number.largest_code + 1)).astype(float).tolist()
    beyond = 2 * floats[-1] - floats[-2] if number.fraction_bits else 2 * floats[-1]
    return floats, [*map(Fraction, floats), Fraction(beyond), Fraction(10) ** 400]


def by_definition(number: FloatFormat, x: float, mode: str, overflow: str, flush: bool) -> float:
    """One number rounded among all the numbers of a format, in fractions."""
    floats, numbers = magnitudes(number)
    negative = np.signbit(x)
    at, part = neighbours(abs(Fraction(x)), numbers)
    half = Fraction(1, 2)
    # The least significant bit of a significand without a fraction is 1, but for zero.
    odd = at % 2 == 1 if number.fraction_bits else at > 0
    up = {
        "nearest_even": part > half or (part == half and odd),
        "nearest_away": part >= half,
        "toward_zero": False,
        "up": part > 0 and not negative,
        "down": part > 0 and negative,
    }[mode]
    at += up
    if at >= len(floats):
        outward = mode.startswith("nearest") or (mode == "down" if negative else mode == "up")
        endless = np.inf if number.infinity else np.nan if overflow == "nan" else number.high
        size = endless if outward and overflow != "saturate" else number.high
    else:
        size = floats[at]
    if flush and size < number.smallest_normal:
        size = 0.0
    if size == 0 and number.nan == "minus_zero":
        return 0.0
    return -size if negative else size


NAMES = ("e4m3fn", "e2m1", "e5m2", "e2m5", "e4m0fn", "e3m0f", "e3m4", "e4m3fnuz", "e6m1", "e2m2f")


@pytest.mark.parametrize("name", NAMES)
def test_every_mode_keeps_the_definition(name: str) -> None:
    number = number_format(name)
    x = near_ties(number, 6)[::11]
    for mode in MODES[:-1]:
        for overflow in ("ieee", "saturate", *(["nan"] if number.nan != "none" else [])):
            for flush in (False, True):
                subnormals = "flush" if flush else "keep"
                expected = np.array(
                    [by_definition(number, float(v), mode, overflow, flush) for v in x]
                )
                options = {"mode": mode, "overflow": overflow, "subnormals": subnormals}
                assert same(tpe.rounded(x, name, **options), expected), options


def test_float32_and_float64_of_the_same_numbers_round_alike() -> None:
    """They are rounded by different kernels."""
    x = np.concatenate([any_float32(20_000, 7), half_words()[::5]])
    for name in (
        "e4m3fn",
        "e5m2",
        "bf16",
        "fp32",
        "e8m23",
        "e7m22fn",
        "e2m20",
        "e8m22f",
        "e8m3fnuz",
    ):
        number = number_format(name)
        y = x[~np.isnan(x)] if number.nan == "none" else x
        for mode in MODES[:-1]:
            narrow, wide = (tpe.to_codes(v, name, mode=mode) for v in (y, y.astype(np.float64)))
            assert (narrow == wide).all(), (name, mode)


def test_exponents_of_float64_are_rounded_too() -> None:
    """A format of 11 exponent bits, whose numbers float32 does not reach."""
    wide = FloatFormat("e11m20", 11, 20, bias=1023)
    rng = np.random.default_rng(10)
    x = rng.uniform(0.5, 1, 5000) * 2.0 ** rng.integers(-1020, 1024, 5000)
    fraction, exponent = np.frexp(x)
    expected = np.ldexp(np.rint(np.ldexp(fraction, 21)), exponent - 21)
    assert same(tpe.rounded(x, wide), expected) and np.abs(np.log2(x)).max() > 1000
    tiny = np.ldexp(rng.uniform(0, 64, 500), -1022 - 20)
    assert same(tpe.rounded(tiny, wide), np.ldexp(np.rint(np.ldexp(tiny, 1042)), -1042))
    assert tpe.rounded([1.7976931348623157e308], wide).tolist() == [np.inf]
    assert tpe.rounded([1e300], wide, mode="stochastic", seed=1)[0] == pytest.approx(
        1e300, rel=1e-6
    )


def test_stochastic_rounding_carries_where_the_drawn_word_says() -> None:
    """The words are those of PCG64; the sum of what is cut off and its bits is exact."""
    for name in ("e4m3fn", "bf16", "e2m1"):
        number = number_format(name)
        floats, numbers = magnitudes(number)
        rng = np.random.default_rng(8)
        x = rng.uniform(1, 2, 500) * 2.0 ** rng.integers(-10, 1, 500) * rng.choice([-1, 1], 500)
        drawn = np.random.PCG64(9).random_raw(500)
        expected = []
        for value, word in zip(x, drawn, strict=True):
            at, part = neighbours(abs(Fraction(value)), numbers)
            step = numbers[at + 1] - numbers[at]
            # What a step is in units of the last bit of the float64: a power of two.
            units = step / Fraction(2) ** int(np.frexp(value)[1] - 53)
            bits = Fraction(int(word) % int(units), int(units))
            expected.append(float(np.copysign(floats[at + (part + bits >= 1)], value)))
        ours = tpe.rounded(x, name, mode="stochastic", seed=9)
        assert same(ours, np.array(expected))


def test_stochastic_rounding_is_right_on_average() -> None:
    x = np.full(200_000, 1.0 + 0.3 * 2**-3)
    got = tpe.rounded(x, "e4m3fn", mode="stochastic", seed=1)
    assert set(got) == {1.0, 1.125}
    assert abs((got > 1).mean() - 0.3) < 5 * (0.3 * 0.7 / len(x)) ** 0.5
    tiny = tpe.rounded(np.full(100_000, 1e-300), "e4m3fn", mode="stochastic", seed=1)
    assert not tiny.any()  # a probability of 2**-980, which 62 bits must not make 2**-9
    far = tpe.rounded(np.full(400_000, 2.0**-16), "e4m3fn", mode="stochastic", seed=2)
    assert abs((far > 0).mean() - 2**-7) < 5 * (2**-7 / len(far)) ** 0.5
    held = number_format("e4m3fn").values(np.arange(0x7F))
    assert (tpe.rounded(held, "e4m3fn", mode="stochastic", seed=3) == held).all()
    again = [tpe.to_codes(x, "e4m3fn", mode="stochastic", seed=s) for s in (1, 1, 2)]
    assert (again[0] == again[1]).all() and not (again[0] == again[2]).all()


def test_large_integers_are_rounded_once() -> None:
    """2**60 + 2**51 + 1 is above the middle of two numbers of e8m8, but not of float64."""
    odd = (1 << 60) + (1 << 51) + 1
    assert tpe.rounded([odd, -odd], "e8m8").tolist() == [
        1.125 * 0 + 2.0**60 + 2.0**52,
        -(2.0**60 + 2.0**52),
    ]
    assert tpe.rounded([odd - 1], "e8m8").tolist() == [2.0**60]
    assert tpe.rounded(
        np.array([(1 << 64) - 1], np.uint64), "fp32", mode="toward_zero"
    ).tolist() == [2.0**64 - 2.0**40]


# ---- special formats, and what is refused ----


def test_scales_have_no_zero_and_no_sign() -> None:
    x = [
        1.0,
        1.5,
        3.0,
        0.0,
        -1.0,
        2.0**-140,
        2.0**-127 * 1.49,
        2.0**-127 * 1.5,
        2.0**127 * 1.4,
        np.inf,
        np.nan,
    ]
    got = tpe.to_codes(x, "e8m0").tolist()
    assert got == [127, 128, 129, 255, 255, 0, 0, 1, 254, 254, 255]
    assert tpe.from_codes([0, 127, 254, 255], "e8m0").tolist()[:3] == [2.0**-127, 1.0, 2.0**127]
    number = number_format("e8m0")
    assert (number.low, number.high) == (2.0**-127, 2.0**127) and np.nanmin(number.corners()) > 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("e9m2", "a_type = e9m2 is not legal: eXmY has X from 2 to 8, and Y from 1 to 23"),
        ("e1m2", "X from 2 to 8"),
        ("e5m0", "Y from 1 to 23, or 0 to 22 with fn, fnuz or f"),
        ("e8m23f", "0 to 22 with fn"),
        ("e04m3", "a_type = e04m3 is not legal: it is e4m3"),
        ("e4m3x", "after eXmY stands nothing"),
        ("e2m1fn", "has no NaN, and is e2m1 here"),
        ("e4", "unknown a_type 'e4'"),
    ],
)
def test_names_that_are_no_format(name: str, text: str) -> None:
    with pytest.raises(tpe.TpeError, match=text):
        number_format(name, "a_type")


@pytest.mark.parametrize(
    ("x", "name", "options", "text"),
    [
        ([1.0], "bf16", {"mode": "nearest"}, "unknown mode 'nearest'"),
        ([1.0], "bf16", {"overflow": "wrap"}, "unknown overflow 'wrap'"),
        ([1.0], "bf16", {"mode": "stochastic"}, "mode = stochastic needs a seed"),
        ([1.0], "bf16", {"seed": 1}, "seed = 1 with mode = nearest_even; legal: with stochastic"),
        ([1.0], "bf16", {"mode": "stochastic", "seed": -1}, "seed = -1 is not legal"),
        ([np.nan], "e2m1", {}, "e2m1 has no NaN"),
        ([7.1], "e2m1", {"overflow": "nan"}, "e2m1 has no NaN: 7.1 is beyond its largest, 6"),
        (np.zeros(2, np.longdouble), "bf16", {}, "legal: integers or floats of at most 64 bits"),
    ],
)
def test_what_cannot_be_rounded(
    x: object, name: str, options: dict[str, object], text: str
) -> None:
    with pytest.raises(tpe.TpeError, match=text):
        tpe.rounded(x, name, **options)


def test_codes_that_are_none() -> None:
    with pytest.raises(tpe.TpeError, match="codes hold 16; legal for e2m1: 0 to 15"):
        tpe.from_codes([3, 16], "e2m1")
    with pytest.raises(tpe.TpeError, match="codes are float64; legal: integers"):
        tpe.from_codes([1.0], "e2m1")
    assert tpe.to_codes(np.zeros((2, 0, 3)), "e2m1").shape == (2, 0, 3)
    assert tpe.rounded(0.3, "e2m1").shape == () and float(tpe.rounded(0.3, "e2m1")) == 0.5
