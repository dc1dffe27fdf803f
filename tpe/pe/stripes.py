"""Stripes: bit-serial A, bit-parallel B; an operand takes as many cycles as it has bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.meetings import OPERAND, Rule, per_group
from tpe.pe.paces import LockStep
from tpe.pe.parameters import lanes_parameter
from tpe.pe.widths import Widths


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """From the sign bit down: double the sum, add B where the bit of A is one."""
    mask = (1 << facts.psum_bits) - 1
    word, inner = psum[0], np.empty(psum.shape[1], np.int64)
    for lane in range(codes.shape[0]):
        for n in range(word.size):
            inner[n] = -b[lane, n] if codes[lane, n] < 0 else 0
        for i in range(facts.a_bits - 2, -1, -1):
            for n in range(word.size):
                inner[n] = 2 * inner[n] + (b[lane, n] & -((codes[lane, n] >> i) & 1))
        for n in range(word.size):
            word[n] = (word[n] + inner[n]) & mask


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
    hardware=Hardware(cell="stripes", finish="word"),
    parameters=(lanes_parameter(16, range(1, 65)),),
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
