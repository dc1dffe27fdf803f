"""Bit Fusion: 2-bit bricks that fuse into multipliers of 2, 4, 8 and 16 bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.operands import Ints
from tpe.numbers.words import I16, I64
from tpe.pe.base import PE, Way
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.meetings import Meetings, Operands, Rule
from tpe.pe.paces import LockStep
from tpe.pe.parameters import Parameter, lanes_parameter
from tpe.pe.widths import Widths


@kernel()
def split(values: I64, bits: int, bricks: I16) -> None:
    """The 2-bit bricks (bricks, cells) of operands of `bits` bits; the top one is signed.

    Four at a time come from one 16-bit copy: conversions are what a vector machine is slow at.
    """
    top = (bits - 1) // 2
    rest = np.empty(values.size, np.int16)
    for i in range(top + 1):
        if i % 4 == 0:
            for n in range(rest.size):
                rest[n] = values[n] >> (2 * i)
        keep = -1 if i == top else 3
        for n in range(rest.size):
            bricks[i, n] = rest[n] & keep
            rest[n] >>= 2


@kernel()
def brick_times(a: int, b0: int, b1: int, b2: int, b3: int) -> int:
    """A brick of A times four of B, each product shifted into place."""
    return a * b0 + ((a * b1) << 2) + ((a * b2) << 4) + ((a * b3) << 6)


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Every 2-bit brick of A times every one of B, shifted into place; the top ones are signed.

    Two bricks of A meet four of B at once, 3 * 255 * 5 at most: that fits 16 bits, of which a
    vector holds four times as many as of 64. Bricks above the top one are zero. `sums` has a row
    for every weight 16**i of such an eight; 32 bits hold more lanes than there can be. The word
    wraps once, after all lanes: it comes out as if it had wrapped at each.
    """
    word, mask = psum[0], (1 << facts.psum_bits) - 1
    a_rows, b_rows = (facts.a_bits + 3) // 4 * 2, (facts.b_bits + 7) // 8 * 4
    x, y = np.zeros((a_rows, word.size), np.int16), np.zeros((b_rows, word.size), np.int16)
    eight = np.empty(word.size, np.int16)
    sums = np.zeros(((a_rows + b_rows) // 2 - 2, word.size), np.int32)
    for lane in range(codes.shape[0]):
        split(codes[lane], facts.a_bits, x)
        split(b[lane], facts.b_bits, y)
        for i in range(0, a_rows, 2):
            for j in range(0, b_rows, 4):
                for n in range(word.size):
                    four = y[j, n], y[j + 1, n], y[j + 2, n], y[j + 3, n]
                    eight[n] = brick_times(x[i, n], *four) + (brick_times(x[i + 1, n], *four) << 2)
                for n in range(word.size):
                    sums[(i + j) // 2, n] += eight[n]
    for i in range(sums.shape[0]):
        for n in range(word.size):
            word[n] = (word[n] + (sums[i, n] << (4 * i))) & mask


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


def unit_meetings(x: Operands, lanes: int) -> Meetings:
    """Cycles of the one unit for every group."""
    cycles = work(x.a, x.a_bits, x.b_bits, lanes).ravel()
    return Meetings(cycles[:, None], cycles)


RECORD = PE(
    name="bitfusion",
    title="fused 2-bit bricks",
    source="Bit Fusion, ISCA 2018, arXiv:1712.01507; partly from memory",
    nest=None,
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=LockStep(range(1, 65), steps, depends="nothing"),
    ways=frozenset({Way.KEEP}),
    hardware=None,
    parameters=(
        lanes_parameter(16, range(1, 65)),
        Parameter(
            "bricks",
            16,
            (1, 4, 16, 64),
            "2-bit multipliers in a PE; 16 in the paper",
            trade="more cost multipliers and adders; save cycles of operands of several bricks",
        ),
        Parameter(
            "top_brick",
            3,
            (2, 3),
            "bits of the brick with the sign; assumed 3, so that uint8 takes no more than int8",
            trade="3 costs a bit in every brick; saves a brick of odd widths, such as uint8's",
        ),
    ),
    rules=(
        Rule(
            "bitfusion",
            "bitfusion",
            "a unit of 16 bricks",
            "never: there is one",
            unit_meetings,
            place=4,
        ),
    ),
)
