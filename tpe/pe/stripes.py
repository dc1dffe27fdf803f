"""Stripes: bit-serial A, bit-parallel B; an operand takes as many cycles as it has bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpe.base.jit import kernel, step_type
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.pe.base import PE, Pace, Psum, Way, lanes_parameter
from tpe.pe.mac import resolve

if TYPE_CHECKING:
    from tpe.array.base import Job


@kernel(step_type)
def step(
    a: int, b: int, plane: int, word: int, unused: int, bits: int, a_bits: int, encoder: int
) -> tuple[int, int]:
    """From the sign bit down: double the sum, add B where the bit of A is one."""
    inner = -b if (a >> (a_bits - 1)) & 1 else 0
    for i in range(a_bits - 2, -1, -1):
        inner = 2 * inner + b * ((a >> i) & 1)
    return (word + inner) & ((1 << bits) - 1), 0


def steps(a: Ints, job: Job) -> Ints:
    """Cycles of every group of A (rows, K): (rows, groups)."""
    return groups.stripes(a, job.widths.a, job.widths.lanes)


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
