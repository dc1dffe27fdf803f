"""Bitlet: the magnitudes of a group as a matrix of bits; every column takes a one a cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64, magnitude_columns
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.meetings import Meetings, Operands, Rule
from tpe.pe.paces import LockStep
from tpe.pe.parameters import cell_latency, lanes_parameter, stages_parameter
from tpe.pe.widths import Widths


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """In every magnitude column of A that holds a one: B with A's sign; then the columns' weights.

    The word wraps once, after all lanes: it comes out as if it had wrapped at each.
    """
    word, mask = psum[0], (1 << facts.psum_bits) - 1
    columns = magnitude_columns(codes, b, facts.a_bits)
    for p in range(columns.shape[0]):
        for n in range(word.size):
            word[n] = (word[n] + (columns[p, n] << (4 * p))) & mask


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


def column_meetings(x: Operands, lanes: int) -> Meetings:
    """Magnitude columns of a group, which wait for the fullest."""
    columns = column_ones(x.a, x.a_bits, lanes)
    alone = np.maximum(1, columns).reshape(-1, columns.shape[-1])
    return Meetings(alone, alone.max(axis=1))


RECORD = PE(
    name="bitlet",
    title="interleaved bits",
    source="Bitlet, MICRO 2021, doi:10.1145/3466752.3480123; partly from memory",
    nest=None,
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=LockStep(range(1, 65), steps, depends="a", longest=lambda w: w.lanes),
    ways=frozenset({Way.KEEP}),
    hardware=Hardware(cell="bitlet", finish="word", latency=cell_latency),
    parameters=(
        lanes_parameter(16, range(1, 65)),
        stages_parameter(
            "cell_stages",
            3,
            "2 registers the operands of B that columns pick, 3 their sum, too",
            "CellStages",
        ),
    ),
    rules=(
        Rule("bitlet", "bitlet", "a magnitude column", "at every group", column_meetings, place=7),
    ),
)
