"""Pragmatic: one power of two of A per lane a cycle; a group waits for its longest operand."""

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
    """B with the sign of A, shifted to every one of A's magnitude, lowest first.

    With CSD digits the powers differ and their sum does not.
    """
    left, signed_b = abs(a), -b if a < 0 else b
    total, p = 0, 0
    while left:
        if left & 1:
            total += signed_b << p
        left >>= 1
        p += 1
    return (word + total) & ((1 << bits) - 1), 0


def steps(a: Ints, job: Job) -> Ints:
    """Work of every group of A (rows, K), 0 if all its operands are zero: (rows, groups)."""
    return groups.pragmatic(a, job.widths.a, job.widths.lanes, str(job.params["digits"]))


RECORD = PE(
    name="pragmatic",
    title="essential bits of activations",
    source="Bit-Pragmatic, MICRO 2017, arXiv:1610.06920; partly from memory",
    nest=None,
    pace=Pace.SPARSE_A,
    ways=frozenset({Way.KEEP}),
    psum=Psum("word", lambda w: w.acc),
    finish="word",
    step=step,
    resolve=resolve,
    built=lambda w: {},
    parameters=(
        lanes_parameter(16, range(1, 65)),
        Parameter(
            "digits",
            "magnitude",
            groups.PRAGMATIC_DIGITS,
            "powers of two that A is split into: ones of its magnitude, assumed, or CSD digits",
        ),
    ),
    lanes=range(1, 65),
    steps=steps,
    rtl=False,
)
