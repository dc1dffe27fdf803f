"""BitWave: sign-magnitude operands column by column; a column without a one is skipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64, magnitude_columns
from tpe.pe.base import PE, Way
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.meetings import OPERAND, Rule, per_group
from tpe.pe.paces import LockStep
from tpe.pe.parameters import lanes_parameter
from tpe.pe.widths import Widths


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """From the top magnitude columns down: the sum goes up, B comes in where one holds a one.

    B comes with A's sign, from all lanes at once, as in hardware; the word wraps once.
    """
    word, mask = psum[0], (1 << facts.psum_bits) - 1
    columns = magnitude_columns(codes, b, facts.a_bits)
    total = np.zeros(word.size, np.int64)
    for p in range(columns.shape[0] - 1, -1, -1):
        for n in range(word.size):
            total[n] = 16 * total[n] + columns[p, n]
    for n in range(word.size):
        word[n] = (word[n] + total[n]) & mask


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
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=LockStep(range(1, 65), steps, depends="a"),
    ways=frozenset({Way.KEEP}),
    hardware=None,
    parameters=(lanes_parameter(8, range(1, 65)),),
    rules=(
        Rule(
            "bitwave",
            "bitwave",
            OPERAND,
            "at every column that one of them has",
            per_group(lambda x, n: work(x.a, x.a_bits, n)),
            place=8,
        ),
    ),
)
