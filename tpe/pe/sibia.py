"""Sibia: signed 4-bit slices of both operands; zero slices of A are skipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tpe.base.errors import unknown
from tpe.base.jit import kernel
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64
from tpe.pe.base import PE, Way
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.meetings import OPERAND, Rule, per_group
from tpe.pe.paces import LockStep
from tpe.pe.parameters import Parameter, lanes_parameter
from tpe.pe.widths import Widths

SKIPS = ("lane", "column")


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Every signed slice of A times every slice of B, at the weight of both."""
    mask = (1 << facts.psum_bits) - 1
    word = psum[0]
    count, others = max(1, (facts.a_bits + 1) // 3), (facts.b_bits + 2) // 3
    for lane in range(codes.shape[0]):
        for i in range(count):
            below = -1 if i == count - 1 else 7  # the top slice reaches down to -8
            for j in range(others):
                for n in range(word.size):
                    a, other = codes[lane, n], b[lane, n]
                    product = ((abs(a) >> (3 * i)) & below) * ((abs(other) >> (3 * j)) & 7)
                    signed = -product if (a < 0) != (other < 0) else product
                    word[n] = (word[n] + (signed << (3 * (i + j)))) & mask


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
