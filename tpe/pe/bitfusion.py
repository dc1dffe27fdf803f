"""Bit Fusion: 2-bit bricks that fuse into multipliers of 2, 4, 8 and 16 bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tpe.base.jit import kernel, step_type
from tpe.numbers.operands import Ints
from tpe.pe.base import PE, Pace, Parameter, Psum, Way, Widths, lanes_parameter
from tpe.pe.mac import resolve


@kernel(step_type)
def step(
    a: int, b: int, plane: int, word: int, unused: int, bits: int, a_bits: int, encoder: int
) -> tuple[int, int]:
    """Every 2-bit brick of A times every one of B, shifted into place; the top ones are signed."""
    total, left, i = 0, a, 0
    while True:
        a_top = -2 <= left <= 1
        a_brick = left if a_top else left & 3
        rest, j = b, 0
        while True:
            b_top = -2 <= rest <= 1
            b_brick = rest if b_top else rest & 3
            total += (a_brick * b_brick) << (2 * (i + j))
            if b_top:
                break
            rest >>= 2
            j += 1
        if a_top:
            break
        left >>= 2
        i += 1
    return (word + total) & ((1 << bits) - 1), 0


def bricks_of(bits: int, top_brick: int = 3) -> int:
    """2-bit bricks that an operand of `bits` bits takes: 1, 2, 4 or 8, the fused widths.

    `top_brick`: bits that the brick holding the sign takes, 3 or 2.

    >>> [bricks_of(bits) for bits in (2, 4, 5, 8, 9, 16, 17)], bricks_of(9, 2)
    ([1, 2, 2, 4, 4, 8, 8], 8)
    """
    needed = max(1, -(-(bits - (top_brick - 2)) // 2))
    return 1 << (needed - 1).bit_length()


def work(
    a: Ints, a_bits: int, b_bits: int, lanes: int, bricks: int = 16, top_brick: int = 3
) -> Ints:
    """A unit of `bricks` 2-bit bricks makes bricks / (bricks of A x bricks of B) products a cycle.

    >>> [int(work(np.zeros((1, 16)), p, p, 16)[0, 0]) for p in (2, 4, 8)]
    [1, 4, 16]
    """
    pair = bricks_of(a_bits, top_brick) * bricks_of(b_bits, top_brick)
    return np.full((a.shape[0], -(-a.shape[1] // lanes)), -(-lanes * pair // bricks), np.int64)


def steps(a: Ints, w: Widths, params: Mapping[str, Any]) -> Ints:
    """Cycles of every group of A (rows, K): (rows, groups)."""
    bricks, top_brick = int(params["bricks"]), int(params["top_brick"])
    return work(a, w.a, w.b, w.lanes, bricks, top_brick)


RECORD = PE(
    name="bitfusion",
    title="fused 2-bit bricks",
    source="Bit Fusion, ISCA 2018, arXiv:1712.01507; partly from memory",
    nest=None,
    pace=Pace.SERIAL,
    ways=frozenset({Way.KEEP}),
    psum=Psum("word", lambda w: w.acc),
    finish="word",
    step=step,
    resolve=resolve,
    built=lambda w: {},
    parameters=(
        lanes_parameter(16, range(1, 65)),
        Parameter("bricks", 16, (1, 4, 16, 64), "2-bit multipliers in a PE; 16 in the paper"),
        Parameter(
            "top_brick",
            3,
            (2, 3),
            "bits of the brick with the sign; assumed 3, so that uint8 takes no more than int8",
        ),
    ),
    lanes=range(1, 65),
    steps=steps,
    rtl=False,
)
