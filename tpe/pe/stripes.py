"""Stripes: bit-serial A, bit-parallel B; an operand takes as many cycles as it has bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tpe.base.jit import kernel, step_type
from tpe.numbers.operands import Ints
from tpe.pe.base import PE, Pace, Psum, Way, Widths, lanes_parameter
from tpe.pe.mac import resolve


@kernel(step_type)
def step(
    a: int, b: int, plane: int, word: int, unused: int, bits: int, a_bits: int, encoder: int
) -> tuple[int, int]:
    """From the sign bit down: double the sum, add B where the bit of A is one."""
    inner = -b if (a >> (a_bits - 1)) & 1 else 0
    for i in range(a_bits - 2, -1, -1):
        inner = 2 * inner + b * ((a >> i) & 1)
    return (word + inner) & ((1 << bits) - 1), 0


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
    pace=Pace.SERIAL,
    ways=frozenset({Way.KEEP}),
    psum=Psum("word", lambda w: w.acc),
    finish="word",
    step=step,
    resolve=resolve,
    built=lambda w: {},
    parameters=(lanes_parameter(16, range(1, 65)),),
    lanes=range(1, 65),
    steps=steps,
    longest=lambda w: w.a,
)
