"""BitWave: sign-magnitude operands column by column; a column without a one is skipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tpe.base.jit import kernel, step_type
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.pe.base import PE, Pace, Psum, Way, Widths, lanes_parameter
from tpe.pe.mac import resolve


@kernel(step_type)
def step(
    a: int, b: int, plane: int, word: int, unused: int, bits: int, a_bits: int, encoder: int
) -> tuple[int, int]:
    """From the top magnitude column down: double the sum, add B where the column holds a one."""
    total = 0
    for p in range(a_bits - 1, -1, -1):
        total = 2 * total + b * ((abs(a) >> p) & 1)
    return (word + (-total if a < 0 else total)) & ((1 << bits) - 1), 0


def work(a: Ints, bits: int, lanes: int) -> Ints:
    """Magnitude columns of the group that hold a one; the others are skipped.

    >>> import numpy as np
    >>> work(np.array([[5, -4]]), 4, 2).tolist()
    [[2]]
    """
    return groups.columns_in_use(groups.grouped(groups.digit_masks(a, bits, "magnitude"), lanes))


def steps(a: Ints, w: Widths, params: Mapping[str, Any]) -> Ints:
    """Work of every group of A (rows, K), 0 if all its operands are zero: (rows, groups)."""
    return work(a, w.a, w.lanes)


RECORD = PE(
    name="bitwave",
    title="non-zero bit columns",
    source="BitWave, HPCA 2024, arXiv:2507.12444; partly from memory",
    nest=None,
    pace=Pace.SPARSE_A,
    ways=frozenset({Way.KEEP}),
    psum=Psum("word", lambda w: w.acc),
    finish="word",
    step=step,
    resolve=resolve,
    built=lambda w: {},
    parameters=(lanes_parameter(8, range(1, 65)),),
    lanes=range(1, 65),
    steps=steps,
    rtl=False,
)
