"""Sibia: signed 4-bit slices of both operands; zero slices of A are skipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tpe.base.errors import unknown
from tpe.base.jit import kernel, step_type
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.pe.base import PE, Pace, Parameter, Psum, Way, Widths, lanes_parameter
from tpe.pe.mac import resolve

SKIPS = ("lane", "column")


@kernel(step_type)
def step(
    a: int, b: int, plane: int, word: int, unused: int, bits: int, a_bits: int, encoder: int
) -> tuple[int, int]:
    """Every non-zero signed slice of A times every slice of B, at the weight of both."""
    sign = -1 if (a < 0) != (b < 0) else 1
    count = max(1, (a_bits + 1) // 3)
    total = 0
    for i in range(count):
        left = abs(a) >> (3 * i)
        a_slice = left if i == count - 1 else left & 7  # at the top down to -8
        rest, j = abs(b) if a_slice else 0, 0
        while rest:
            total += (sign * a_slice * (rest & 7)) << (3 * (i + j))
            rest >>= 3
            j += 1
    return (word + total) & ((1 << bits) - 1), 0


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
    pace=Pace.SPARSE_A,
    ways=frozenset({Way.KEEP}),
    psum=Psum("word", lambda w: w.acc),
    finish="word",
    step=step,
    resolve=resolve,
    built=lambda w: {},
    parameters=(
        lanes_parameter(16, range(1, 65)),
        Parameter(
            "skip",
            "lane",
            SKIPS,
            "zero slices of A are skipped by every lane for itself, assumed, or if all have one",
        ),
    ),
    lanes=range(1, 65),
    steps=steps,
    rtl=False,
)
