"""Sibia: signed 4-bit slices of both operands; zero slices of A are skipped."""

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
    """Every non-zero signed slice of A times every slice of B, at the weight of both."""
    sign = -1 if (a < 0) != (b < 0) else 1
    count = max(1, (a_bits + 1) // 3)
    total = 0
    for i in range(count):
        left = abs(a) >> (3 * i)
        a_slice = left if i == count - 1 else left & 7  # at the top down to -8
        rest, j = abs(b) if a_slice else 0, 0
        while rest:
            total += (sign * a_slice * (rest & 7)) << (3 * (i + j))
            rest >>= 3
            j += 1
    return (word + total) & ((1 << bits) - 1), 0


def steps(a: Ints, job: Job) -> Ints:
    """Work of every group of A (rows, K), 0 if all its operands are zero: (rows, groups)."""
    w = job.widths
    return groups.sibia(a, w.a, w.b, w.lanes, str(job.params["skip"]))


RECORD = PE(
    name="sibia",
    title="signed 4-bit slices",
    source="Sibia, HPCA 2023, arXiv:2203.07679; partly from memory",
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
            "skip",
            "lane",
            groups.SKIPS,
            "zero slices of A are skipped by every lane for itself, assumed, or if all have one",
        ),
    ),
    lanes=range(1, 65),
    steps=steps,
    rtl=False,
)
