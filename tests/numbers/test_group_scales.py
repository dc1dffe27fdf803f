"""Scales of groups of K: every rounding by its definition, what is refused, how fast it is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tests.numbers.slow_group_scales import nearest
from tpe.base.errors import TpeError
from tpe.numbers.float_arrays import rounded
from tpe.numbers.formats import FORMATS
from tpe.numbers.group_scales import SCALE_TYPES, GroupScales, scaled_sums
from tpe.numbers.quantised_tensor import QuantisedTensor
from tpe.numbers.quantisers import quantise_integers


def by_fractions(sums: list[np.ndarray], scales: np.ndarray) -> np.ndarray:
    """Accumulators in fp32, one rounding of a product and one of a sum, an element at a time."""
    c = np.zeros(sums[0].shape, np.float32)
    for place in np.ndindex(c.shape):
        total = Fraction(0)
        for part, row in zip(sums, scales, strict=True):
            product = nearest(Fraction(int(part[place])) * Fraction(float(row[place[1]])), "fp32")
            total = nearest(total + product, "fp32")
        c[place] = float(total)
    return c


def drawn(bits: int, scale_type: str, groups: int, m: int, n: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    sums = [rng.integers(-(1 << bits - 1), 1 << bits - 1, (m, n)) for _ in range(groups)]
    scales = rounded(rng.normal(size=(groups, n)) * 0.01 + 1e-4, scale_type).astype(np.float32)
    return sums, scales


@pytest.mark.parametrize("scale_type", SCALE_TYPES)
@pytest.mark.parametrize("bits", [5, 18, 29, 30, 31, 48, 56])
def test_a_sum_times_a_scale_is_rounded_once(bits: int, scale_type: str) -> None:
    sums, scales = drawn(bits, scale_type, 3, 9, 11, seed=bits)
    sums[0][0, :3] = -(1 << bits - 1), (1 << bits - 1) - 1, 0
    ours = scaled_sums(sums, GroupScales(1, scales))
    assert ours.dtype == np.float32 and (ours == by_fractions(sums, scales)).all()


def test_products_that_two_roundings_would_get_wrong() -> None:
    """Sums of 48 bits, at a tie of float32 by their float64 and not by themselves."""
    sums = [np.array([[(1 << 47) + (1 << 23) + 1, (1 << 47) + (1 << 23) - 1]])]
    for scale in (1.0, 1 + 2**-23, -(2**-20)):
        scales = np.full((1, 2), scale, np.float32)
        assert (scaled_sums(sums, GroupScales(1, scales)) == by_fractions(sums, scales)).all()
    twice = (np.array([(1 << 56) + (1 << 32) + 1]).astype(np.float64)).astype(np.float32)
    once = scaled_sums([np.array([[(1 << 56) + (1 << 32) + 1]])], GroupScales(1, np.float32([[1]])))
    assert once.item() > twice.item()


def test_groups_are_added_in_order() -> None:
    """2**24 + 1 + 1 in fp32 is 2**24; the other way round it is 2**24 + 2."""
    ones = GroupScales(1, np.ones((3, 1), np.float32))
    parts = [np.array([[x]]) for x in (1 << 24, 1, 1)]
    assert scaled_sums(parts, ones).item() == 1 << 24
    assert scaled_sums(parts[::-1], ones).item() == (1 << 24) + 2


def test_beyond_fp32_and_below_its_normal_numbers() -> None:
    top = float(np.finfo(np.float32).max)
    scales = np.float32([[top, 2.0**-149, -(2.0**-149)], [top, 2.0**-149, 1.0]])
    sums = [np.array([[2, 3, 1]]), np.array([[-3, -2, 0]])]
    with np.errstate(all="raise"):
        ours = scaled_sums(sums, GroupScales(1, scales))
    assert np.isnan(ours[0, 0])  # inf - inf
    assert ours[0, 1:].tolist() == [2.0**-149, -(2.0**-149)]


@pytest.mark.parametrize("scale_type", SCALE_TYPES)
def test_scales_are_kept_in_their_format(scale_type: str) -> None:
    w = np.random.default_rng(1).normal(size=(10, 4))
    tensor = quantise_integers(w, "uint4", per="group", group=4, axis=0)
    kept = GroupScales.of(tensor, scale_type)
    assert kept.groups == 3 and list(kept.spans(10)) == [(0, 4), (4, 8), (8, 10)]
    for place in np.ndindex(kept.scales.shape):
        exact = nearest(Fraction(float(tensor.scales[place])), scale_type)
        assert Fraction(float(kept.scales[place])) == exact
    assert kept.zeros is not None and (kept.zeros == tensor.zeros).all()


def tensor(codes: Any, scales: Any, axis: int, group: int, **own: Any) -> QuantisedTensor:
    return QuantisedTensor(FORMATS["int4"], np.array(codes), np.array(scales), axis, group, **own)


def test_scales_of_a_tensor_of_columns_and_of_groups_of_columns() -> None:
    codes = [[1, 2, 3], [4, 5, 6]]
    for scales, axis, group in (([[2.0]], 1, 3), ([[2.0]], 0, 2), ([[2.0] * 3], 0, 2)):
        kept = GroupScales.of(tensor(codes, scales, axis, group))
        assert kept.scales.tolist() == [[2.0] * 3] and kept.size == 2
    kept = GroupScales.of(tensor(codes, [[2.0, 4.0]], 1, 2))
    assert kept.scales.tolist() == [[2.0, 2.0, 4.0]] and list(kept.spans(2)) == [(0, 2)]


REFUSED = {
    "zero": (tensor([[1]], [[0.0]], 0, 1), "fp32", "scale 0 of group 0, column 0, is 0 in fp32"),
    "too small": (tensor([[1]], [[1e-9]], 0, 1), "fp16", "scale 1e-09 of .* is 0 in fp16; legal"),
    "too large": (tensor([[1]], [[1e6]], 0, 1), "fp16", "scale 1e[+]06 of .* is inf in fp16"),
    "type": (
        tensor([[1]], [[1.0]], 0, 1),
        "fp8",
        "unknown scale_type 'fp8' .*; legal: fp32, fp16, bf16",
    ),
    "inside": (
        tensor([[1, 2], [3, 4]], [[1.0], [2.0]], 1, 2),
        "fp32",
        "a scale for every operand of K, groups lie along N: inside a sum over K scales must not",
    ),
    "scattered": (
        tensor([[1], [2]], [[1.0], [2.0]], 0, 1, index=np.array([1, 0])),
        "fp32",
        "groups that are no neighbours along K",
    ),
    "offsets": (tensor([[1]], [[1.0]], 0, 1, offsets=np.ones((1, 1))), "fp32", "w has offsets"),
    "vector": (tensor([1, 2], [1.0], 0, 2), "fp32", "1 dimensions; legal: a matrix, K x N"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_leave_a_sum_is_refused(what: str) -> None:
    weights, scale_type, text = REFUSED[what]
    with pytest.raises(TpeError, match=text) as caught:
        GroupScales.of(weights, scale_type)
    assert "\n" not in str(caught.value)
