"""Bit Fusion: 2-bit bricks that fuse into multipliers of 2, 4, 8 and 16 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpe.base.jit import kernel, step_type
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.pe.base import PE, Pace, Parameter, Psum, Way, lanes_parameter
from tpe.pe.mac import resolve

if TYPE_CHECKING:
    from tpe.array.base import Job


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


def steps(a: Ints, job: Job) -> Ints:
    """Cycles of every group of A (rows, K): (rows, groups)."""
    w, params = job.widths, job.params
    bricks, top_brick = int(params["bricks"]), int(params["top_brick"])
    return groups.bitfusion(a, w.a, w.b, w.lanes, bricks, top_brick)


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
