"""Sibia: signed 4-bit slices of both operands; zero slices of A are skipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tpe.base.errors import unknown
from tpe.base.jit import kernel
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.numbers.words import I16, I32, I64
from tpe.pe.base import PE, Way
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.meetings import OPERAND, Rule, per_group
from tpe.pe.paces import LockStep
from tpe.pe.parameters import Parameter, lanes_parameter
from tpe.pe.widths import Widths

SKIPS = ("lane", "column")


@kernel()
def split(rest: I32, slices: I16) -> None:
    """The 3-bit slices (slices, cells) of magnitudes, which it uses up; the top one takes it all.

    A top slice of A is of a magnitude too, up to 8: with the sign it reaches down to -8.
    """
    top = slices.shape[0] - 1
    for i in range(top + 1):
        keep = -1 if i == top else 7
        for n in range(rest.size):
            slices[i, n] = rest[n] & keep
            rest[n] >>= 3


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Every signed slice of A times every slice of B, at the weight of both.

    A's slices take the sign of the product. `sums` has a row for every weight 8**i; 32 bits hold
    more lanes than there can be: a product of two slices is 64 at most, six of them have the same
    weight. The word wraps once, after all lanes: it comes out as if it had wrapped at each.
    """
    word, mask = psum[0], (1 << facts.psum_bits) - 1
    count, others = max(1, (facts.a_bits + 1) // 3), (facts.b_bits + 2) // 3
    x, y = np.empty((count, word.size), np.int16), np.empty((others, word.size), np.int16)
    a_rest, b_rest = np.empty(word.size, np.int32), np.empty(word.size, np.int32)
    sign = np.empty(word.size, np.int16)
    sums = np.zeros((count + others - 1, word.size), np.int32)
    for lane in range(codes.shape[0]):
        for n in range(word.size):
            a_rest[n], b_rest[n] = abs(codes[lane, n]), abs(b[lane, n])
            sign[n] = -1 if (codes[lane, n] < 0) != (b[lane, n] < 0) else 1
        split(a_rest, x)
        split(b_rest, y)
        for i in range(count):
            for n in range(word.size):
                x[i, n] *= sign[n]
            for j in range(others):
                for n in range(word.size):
                    sums[i + j, n] += x[i, n] * y[j, n]
    for i in range(sums.shape[0]):
        for n in range(word.size):
            word[n] = (word[n] + (sums[i, n] << (3 * i))) & mask


def work(a: Ints, a_bits: int, b_bits: int, lanes: int, skip: str = "lane") -> Ints:
    """Non-zero slices of A times all slices of B, one 4 x 4 product of a lane a cycle.

    `skip` = "lane": every lane skips its own zero slices, the group waits for the slowest;
    "column": a slice is skipped if it is zero in all lanes.

    >>> [work(np.array([[7, 64]]), 7, 4, 2, skip).tolist() for skip in SKIPS]
    [[[1]], [[2]]]
    """
    if skip not in SKIPS:
        raise unknown("skip", skip, SKIPS)
    masks = groups.grouped(groups.slice_masks(a, a_bits), lanes)
    if skip == "column":
        return groups.slices(b_bits) * groups.columns_in_use(masks)
    most: Ints = np.bitwise_count(masks).max(axis=-1).astype(np.int64)
    return groups.slices(b_bits) * most


def steps(a: Ints, w: Widths, params: Mapping[str, Any]) -> Ints:
    """Work of every group of A (rows, K), 0 if all its operands are zero: (rows, groups)."""
    return work(a, w.a, w.b, w.lanes, str(params["skip"]))


RECORD = PE(
    name="sibia",
    title="signed 4-bit slices",
    source="Sibia, HPCA 2023, arXiv:2203.07679; partly from memory",
    nest=None,
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=LockStep(range(1, 65), steps, depends="a"),
    ways=frozenset({Way.KEEP}),
    hardware=None,
    parameters=(
        lanes_parameter(16, range(1, 65)),
        Parameter(
            "skip",
            "lane",
            SKIPS,
            "zero slices of A are skipped by every lane for itself, assumed, or if all have one",
            trade="lane costs a choice of slices in every lane; saves cycles where some are zero",
        ),
    ),
    rules=(
        Rule(
            "sibia",
            "sibia",
            OPERAND,
            "at every group",
            per_group(lambda x, n: work(x.a, x.a_bits, x.b_bits, n)),
            place=9,
        ),
        Rule(
            "sibia-column",
            "sibia",
            OPERAND,
            "at every slice that one of them has",
            per_group(lambda x, n: work(x.a, x.a_bits, x.b_bits, n, "column")),
            place=9,
        ),
    ),
)
