"""Stripes: bit-serial A, bit-parallel B; an operand takes as many cycles as it has bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64, four_bits_times
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.meetings import OPERAND, Rule, per_group
from tpe.pe.paces import LockStep
from tpe.pe.parameters import cell_latency, lanes_parameter, stages_parameter
from tpe.pe.widths import Widths


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """From the sign bit down: B of every lane whose bit of A is one, doubled for each bit below.

    Four bits share a row of `sums`, the sign has the last row, and a row is shifted once where the
    PE doubles cycle by cycle. A row is of 32 bits, of which a vector holds twice as many as of 64,
    and that is enough for more lanes than there can be: B has 17 bits at most, 15 times that 20.
    The word wraps once, after all lanes: it comes out as if it had wrapped at each.
    """
    word, mask = psum[0], (1 << facts.psum_bits) - 1
    below = facts.a_bits - 1  # bits below the sign bit
    fours = (below + 3) // 4
    rest, other = np.empty(word.size, np.int32), np.empty(word.size, np.int32)
    sums = np.zeros((fours + 1, word.size), np.int32)
    for lane in range(codes.shape[0]):
        for n in range(word.size):
            rest[n] = codes[lane, n] & ((1 << below) - 1)
            other[n] = b[lane, n]
            sums[fours, n] -= b[lane, n] if codes[lane, n] < 0 else 0
        for i in range(fours):
            for n in range(word.size):
                sums[i, n] += four_bits_times(rest[n], other[n])
                rest[n] >>= 4
    for i in range(fours, -1, -1):
        for n in range(word.size):
            word[n] = (word[n] + (sums[i, n] << min(4 * i, below))) & mask


def work(a: Ints, bits: int, lanes: int) -> Ints:
    """Every bit of A takes a cycle, whatever its value.

    >>> work(np.array([[0, 1, 2]]), 8, 2).tolist()
    [[8, 8]]
    """
    return np.full((a.shape[0], -(-a.shape[1] // lanes)), bits, np.int64)


def steps(a: Ints, w: Widths, params: Mapping[str, Any]) -> Ints:
    """Cycles of every group of A (rows, K): (rows, groups)."""
    return work(a, w.a, w.lanes)


RECORD = PE(
    name="stripes",
    title="bit-serial activations",
    source="Stripes, MICRO 2016; partly from memory",
    nest=None,
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=LockStep(range(1, 65), steps, depends="nothing", longest=lambda w: w.a),
    ways=frozenset({Way.KEEP}),
    hardware=Hardware(cell="stripes", finish="word", latency=cell_latency),
    parameters=(
        lanes_parameter(16, range(1, 65)),
        stages_parameter(
            "cell_stages",
            3,
            "2 registers the sum of a bit, 3 the operands of B in it, too",
            "CellStages",
        ),
    ),
    rules=(
        Rule(
            "stripes",
            "stripes",
            OPERAND,
            "at every group",
            per_group(lambda x, n: work(x.a, x.a_bits, n)),
            place=3,
        ),
    ),
)
