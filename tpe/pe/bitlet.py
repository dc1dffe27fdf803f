"""Bitlet: the magnitudes of a group as a matrix of bits; every column takes a one a cycle."""

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
    """In every magnitude column of A that holds a one: B with A's sign, times its weight."""
    signed_b = -b if a < 0 else b
    for p in range(a_bits):
        if (abs(a) >> p) & 1:
            word += signed_b << p
    return word & ((1 << bits) - 1), 0


def steps(a: Ints, job: Job) -> Ints:
    """Work of every group of A (rows, K), 0 if all its operands are zero: (rows, groups)."""
    return groups.bitlet(a, job.widths.a, job.widths.lanes)


RECORD = PE(
    name="bitlet",
    title="interleaved bits",
    source="Bitlet, MICRO 2021, doi:10.1145/3466752.3480123; partly from memory",
    nest=None,
    pace=Pace.SPARSE_A,
    ways=frozenset({Way.KEEP}),
    psum=Psum("word", lambda w: w.acc),
    finish="word",
    step=step,
    resolve=resolve,
    built=lambda w: {},
    parameters=(lanes_parameter(16, range(1, 65)),),
    lanes=range(1, 65),
    steps=steps,
    longest=lambda w: w.lanes,
)
