"""Output-stationary systolic array: operands skewed, psums kept, rows drained one a cycle."""

from __future__ import annotations

from tpe.array.base import Array, Handshake, Job, Schedule, dense_timing
from tpe.nest.notation import M, N
from tpe.pe.base import Way
from tpe.pe.paces import Dense, Planes


def timing(job: Job, handshake: Handshake) -> Schedule:
    """A tile of K takes steps + 2 rows + cols + cell latency + 1 cycles.

    Skew rows + cols - 2, the operand register and the cell's own, the psum; then the row register
    and the C register, and one row a cycle.
    """
    latency = job.pe.latency(job.params)
    flush = job.rows + job.cols - 1 + latency + 2
    return dense_timing(job, flush + job.rows, flush, handshake)


def bandwidth(job: Job) -> tuple[int, int]:
    """Operand bits a cycle: a column of A, a row of B."""
    lanes = job.widths.lanes
    return job.rows * lanes * job.a_bits, job.cols * lanes * job.widths.b


RECORD = Array(
    name="systolic_os",
    title="output-stationary systolic array",
    source="arXiv:2503.06342 (TPU-like, output-stationary)",
    aliases=("os",),
    way=Way.KEEP,
    dims=(M, N),
    paces=frozenset({Dense, Planes}),
    rtl=lambda pe: "systolic_os",
    timing=timing,
    bandwidth=bandwidth,
    skewed=True,
)
