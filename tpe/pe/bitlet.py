"""Bitlet: the magnitudes of a group as a matrix of bits; every column takes a one a cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tpe.base.jit import kernel, step_type
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.pe.base import PE, Pace, Psum, Way, Widths, lanes_parameter
from tpe.pe.mac import resolve


@kernel(step_type)
def step(
    a: int, b: int, plane: int, word: int, unused: int, bits: int, a_bits: int, encoder: int
) -> tuple[int, int]:
    """In every magnitude column of A that holds a one: B with A's sign, times its weight."""
    signed_b = -b if a < 0 else b
    for p in range(a_bits):
        if (abs(a) >> p) & 1:
            word += signed_b << p
    return word & ((1 << bits) - 1), 0


def column_ones(a: Ints, bits: int, lanes: int) -> Ints:
    """Ones in every magnitude column of every group: (M, groups, columns), column p of weight 2**p.

    >>> column_ones(np.array([[5, -4]]), 4, 2).tolist()
    [[[1, 0, 2, 0]]]
    """
    masks = groups.grouped(groups.digit_masks(a, bits, "magnitude"), lanes)
    columns = [((masks >> p) & 1).sum(axis=-1, dtype=np.int64) for p in range(bits)]
    return np.stack(columns, axis=-1)


def work(a: Ints, bits: int, lanes: int) -> Ints:
    """The most ones in one magnitude column of the group: every column adds one operand a cycle.

    >>> work(np.array([[5, -4]]), 4, 2).tolist()
    [[2]]
    """
    most: Ints = column_ones(a, bits, lanes).max(axis=-1)
    return most


def steps(a: Ints, w: Widths, params: Mapping[str, Any]) -> Ints:
    """Work of every group of A (rows, K), 0 if all its operands are zero: (rows, groups)."""
    return work(a, w.a, w.lanes)


RECORD = PE(
    name="bitlet",
    title="interleaved bits",
    source="Bitlet, MICRO 2021, doi:10.1145/3466752.3480123; partly from memory",
    nest=None,
    pace=Pace.SPARSE_A,
    ways=frozenset({Way.KEEP}),
    psum=Psum("word", lambda w: w.acc),
    finish="word",
    step=step,
    resolve=resolve,
    built=lambda w: {},
    parameters=(lanes_parameter(16, range(1, 65)),),
    lanes=range(1, 65),
    steps=steps,
    longest=lambda w: w.lanes,
)
