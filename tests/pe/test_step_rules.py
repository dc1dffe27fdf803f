"""Cycle rules against plain Python: digits by string and division, groups by loops."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tpe.base.errors import TpeError
from tpe.numbers import groups
from tpe.pe import bitfusion, bitlet, bitwave, laconic, pragmatic, sibia, stripes


def magnitude_columns(x: int) -> set[int]:
    """Columns of |x| that hold a one, read off its text."""
    return {p for p, bit in enumerate(reversed(f"{abs(x):b}")) if bit == "1"}


def csd_count(x: int) -> int:
    """Non-zero digits of the non-adjacent form: where 3|x| and |x| differ."""
    return (3 * abs(x) ^ abs(x)).bit_count()


def booth_count(x: int, bits: int) -> int:
    """Overlapping triples of the sign-extended text that are not all the same bit."""
    width = bits + bits % 2
    text = f"{x % (1 << width):0{width}b}0"
    return sum(len(set(text[i : i + 3])) > 1 for i in range(0, width, 2))


def ent_count(x: int, bits: int) -> int:
    """Non-zero digits of |x| in radix 4, where a 3 below the top becomes -1 and a carry."""
    rest, count = abs(x), 0
    for i in range((bits + 1) // 2):
        rest, low = divmod(rest, 4)
        if low == 3 and i < (bits + 1) // 2 - 1:
            rest, low = rest + 1, -1
        count += low != 0
    return count


def slice_count(x: int, bits: int) -> int:
    """Non-zero octal digits of |x|, the digit above the last full slice taken whole."""
    text = f"{abs(x):o}".zfill(8)[::-1]
    count = max(1, -(-(bits - 1) // 3))
    digits = [int(digit) for digit in text[: count - 1]]
    return sum(d != 0 for d in digits) + (int(text[count - 1 :][::-1], 8) != 0)


def groups_of(row: list[int], lanes: int) -> list[list[int]]:
    return [row[i : i + lanes] for i in range(0, len(row), lanes)]


@st.composite
def traces(draw):
    """A row of A and of B, their widths and a number of lanes."""
    a_bits, b_bits = draw(st.integers(2, 17)), draw(st.integers(2, 17))
    k, lanes = draw(st.integers(1, 40)), draw(st.integers(1, 20))

    def row(bits):
        values = st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        return draw(st.lists(st.one_of(st.just(0), values), min_size=k, max_size=k))

    return row(a_bits), row(b_bits), a_bits, b_bits, lanes


@settings(max_examples=150, deadline=None)
@given(traces())
def test_every_rule_is_what_its_words_say(trace):
    a, b, a_bits, b_bits, lanes = trace
    rows, others = np.array([a, a]), np.array([b, b])
    found = {
        "stripes": stripes.work(rows, a_bits, lanes),
        "pragmatic": pragmatic.work(rows, a_bits, lanes),
        "csd": pragmatic.work(rows, a_bits, lanes, "csd"),
        "booth": laconic.work(rows, others, a_bits, b_bits, lanes),
        "ent": laconic.work(rows, others, a_bits, b_bits, lanes, "ent"),
        "bitlet": bitlet.work(rows, a_bits, lanes),
        "bitwave": bitwave.work(rows, a_bits, lanes),
        "sibia": sibia.work(rows, a_bits, b_bits, lanes),
    }
    expected: dict[str, list[int]] = {name: [] for name in found}
    for group, other in zip(groups_of(a, lanes), groups_of(b, lanes), strict=True):
        columns = [magnitude_columns(x) for x in group]
        pairs = list(zip(group, other, strict=True))
        expected["stripes"].append(a_bits)
        expected["pragmatic"].append(max(map(len, columns)))
        expected["csd"].append(max(map(csd_count, group)))
        expected["booth"].append(
            max(booth_count(x, a_bits) * booth_count(y, b_bits) for x, y in pairs)
        )
        expected["ent"].append(max(ent_count(x, a_bits) * ent_count(y, b_bits) for x, y in pairs))
        expected["bitlet"].append(max(sum(p in c for c in columns) for p in range(17)))
        expected["bitwave"].append(len(set().union(*columns)))
        b_slices = max(1, -(-(b_bits - 1) // 3))
        expected["sibia"].append(max(slice_count(x, a_bits) for x in group) * b_slices)
    for name, cycles in found.items():
        assert cycles.tolist() == [expected[name]] * 2, name


@pytest.mark.parametrize("bits", range(2, 18))
def test_slices_are_signed_4_bit_numbers_of_weight_8_and_sum_to_the_operand(bits):
    x = np.arange(-(1 << (bits - 1)), 1 << (bits - 1))
    digits = groups.slice_digits(x, bits)
    assert ((digits * 8 ** np.arange(groups.slices(bits))).sum(axis=-1) == x).all()
    assert -8 <= digits.min() and digits.max() <= 7
    counts = np.bitwise_count(groups.slice_masks(x, bits))
    assert counts.tolist() == [slice_count(int(v), bits) for v in x]


def test_int8_has_8_magnitude_columns_and_3_slices():
    lowest = np.array([[-128]])
    assert bitlet.column_ones(lowest, 8, 1).tolist() == [[[0, 0, 0, 0, 0, 0, 0, 1]]]
    assert groups.slices(8) == 3
    # 4, 7, 10 and 13 bits fill their slices
    assert [groups.slices(bits) for bits in (4, 5, 7, 8, 10, 11, 13, 14)] == [
        1,
        2,
        2,
        3,
        3,
        4,
        4,
        5,
    ]


def test_small_negative_numbers_have_zero_slices_on_top():
    small = np.arange(-7, 0)
    assert (groups.slice_digits(small, 8)[:, 1:] == 0).all()


def test_a_column_of_slices_is_skipped_when_every_lane_has_a_zero_there():
    a = np.array([[7, 0, 64, 7, 0, 0]])
    lane = sibia.work(a, 8, 8, 2)
    column = sibia.work(a, 8, 8, 2, "column")
    assert lane.tolist() == [[3, 3, 0]] and column.tolist() == [[3, 6, 0]]


@pytest.mark.parametrize(
    ("a_bits", "b_bits", "products"),
    [(2, 2, 16), (2, 4, 8), (4, 4, 4), (2, 8, 4), (4, 8, 2), (8, 8, 1)],
)
def test_bit_fusion_makes_its_products_a_cycle(a_bits, b_bits, products):
    assert products * (a_bits // 2) * (b_bits // 2) == 16  # the paper's rule
    zeros = np.zeros((1, 64), np.int64)
    assert bitfusion.work(zeros, a_bits, b_bits, 64).tolist() == [[64 // products]]


def test_bit_fusion_takes_the_next_fused_width():
    assert [bitfusion.bricks_of(bits) for bits in range(2, 18)] == [
        *(1, 1, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8),
    ]
    assert bitfusion.bricks_of(9, 2) == 8 and bitfusion.bricks_of(8, 2) == 4


@pytest.mark.parametrize("rule", ["pragmatic", "bitlet", "bitwave"])
def test_more_lanes_never_take_less(rule):
    a = np.random.default_rng(1).integers(-128, 128, (50, 64))
    work = [
        import_module(f"tpe.pe.{rule}").work(a, 8, lanes).sum(axis=1) for lanes in (1, 2, 4, 8, 16)
    ]
    for lanes, few, many in zip((2, 4, 8, 16), work, work[1:], strict=False):
        whole = import_module(f"tpe.pe.{rule}").work(a, 8, lanes)
        parts = import_module(f"tpe.pe.{rule}").work(a, 8, lanes // 2).reshape(50, -1, 2)
        assert (whole >= parts.max(axis=-1)).all() and (whole <= parts.sum(axis=-1)).all()
        assert (many <= few).all()


def test_choices_that_do_not_exist_are_refused():
    a = np.zeros((1, 2), np.int64)
    with pytest.raises(TpeError, match="magnitude, csd"):
        pragmatic.work(a, 8, 2, "booth")
    with pytest.raises(TpeError, match="lane, column"):
        sibia.work(a, 8, 8, 2, "all")
