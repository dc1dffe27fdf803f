"""Bipolar formats by their definition: bit i of a code stands for +2**i or -2**i."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from tpe.base.errors import TpeError
from tpe.numbers.bipolar import TYPES, BipolarFormat
from tpe.numbers.formats import number_format

BITS = range(1, 9)


def form(bits: int) -> BipolarFormat:
    number = number_format(f"bipolar{bits}")
    assert isinstance(number, BipolarFormat)
    return number


def weighed(word: int, bits: int) -> int:
    return sum((2 * (word >> i & 1) - 1) * 2**i for i in range(bits))


@pytest.mark.parametrize("bits", BITS)
def test_a_value_is_the_sum_of_its_bits(bits: int) -> None:
    number, words = form(bits), range(1 << bits)
    values = [weighed(word, bits) for word in words]
    codes = [word + (1 << bits) for word in words]
    assert number.values(np.array(codes)).tolist() == values
    assert number.read([values], "A", "M x K", "a_type").tolist() == [codes]
    assert number.sweep().tolist() == sorted(values) == values
    assert (number.low, number.high, number.bits) == (values[0], values[-1], bits)
    assert set(number.corners().tolist()) <= set(values)
    assert values == [2 * x + 1 for x in range(-(1 << bits) // 2, (1 << bits) // 2)]


@pytest.mark.parametrize("bits", BITS)
def test_what_is_no_operand_counts_as_zero(bits: int) -> None:
    assert form(bits).values(np.arange(1 << bits)).tolist() == [0] * (1 << bits)


def test_there_are_eight() -> None:
    assert sorted(TYPES) == sorted(f"bipolar{bits}" for bits in BITS)
    with pytest.raises(TpeError, match="unknown a_type 'bipolar9'"):
        number_format("bipolar9", "a_type")


@pytest.mark.parametrize(
    ("bits", "value", "text"),
    [
        (3, 0, r"A holds 0 at \[0, 1\]; legal for a_type = bipolar3: odd integers from -7 to 7, "
               "2 x [+] 1 of an int3 x"),
        (3, 9, "A holds 9 at"),
        (3, -9, "A holds -9 at"),
        (1, 3, r"A holds 3 at \[0, 1\]; legal for a_type = bipolar1: -1 and 1"),
        (8, 2**62 + 1, "A holds 4611686018427387905 at"),
        (8, -(2**63), "A holds -9223372036854775808 at"),
        (8, 1.0, "A are float64; legal: integers"),
        (8, float("nan"), "A hold NaN"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_format_is_refused(bits: int, value: float, text: str) -> None:
    with pytest.raises(TpeError, match=text):
        form(bits).read([[1, value]], "A", "M x K", "a_type")


def test_narrow_types_of_arrays_are_read_as_they_are() -> None:
    least = np.array([[-127, 127]], np.int8)
    assert form(8).values(form(8).read(least, "A", "M x K", "a_type")).tolist() == [[-127, 127]]
    with pytest.raises(TpeError, match="A holds -128 at"):
        form(8).read(np.array([[-128]], np.int8), "A", "M x K", "a_type")
    assert form(8).read(np.array([[255]], np.uint8), "A", "M x K", "a_type").tolist() == [[511]]


def share(values: np.ndarray, number: BipolarFormat) -> list[float]:
    return [float((values == value).mean()) for value in number.sweep()]


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_draws_are_uniform_or_normal(bits: int) -> None:
    number, rng = form(bits), np.random.default_rng(bits)

    def spread(sigma: float | None) -> np.ndarray:
        return number.spread(rng.integers(0, 2**64, 1 << 17, np.uint64), sigma)

    even = [1 / (1 << bits)] * (1 << bits)
    assert share(spread(None), number) == pytest.approx(even, abs=0.01)
    assert share(number.drawn(rng, (1 << 17,)), number) == pytest.approx(even, abs=0.01)
    for sigma in (0.7, 2.5, 300.0):
        normal = NormalDist(0, sigma)
        ends = [normal.cdf(value + 1) - normal.cdf(value - 1) for value in number.sweep().tolist()]
        near = [end / sum(ends) for end in ends]  # of what the format holds
        assert share(spread(sigma), number) == pytest.approx(near, abs=0.01)
