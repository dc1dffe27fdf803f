"""2D matrix: operands broadcast, psums kept. A sparse PE's row shares one front, B by index."""

from __future__ import annotations

from tpe.array.base import Array, Handshake, Job, Timing, dense_timing
from tpe.array.sparse import sparse_timing
from tpe.notation import M, N
from tpe.pe.base import Pace, Way


def timing(job: Job, handshake: Handshake) -> Timing:
    """Dense: a tile of K takes steps + rows + cell latency + 3 cycles. Sparse: see `sparse`."""
    if job.record.sparse:
        return sparse_timing(job, handshake)
    flush = 1 + job.record.cell_latency(job.params) + 2
    return dense_timing(job, flush + job.rows, flush, handshake)


def bandwidth(job: Job) -> tuple[int, int]:
    """Operand bits a cycle: a column of A, a row of B; sparse: a group per row, a B per PE."""
    w = job.widths
    if job.record.sparse:
        return job.rows * job.record.group * w.a, job.rows * job.cols * w.b
    return job.rows * w.lanes * w.a, job.cols * w.lanes * w.b


RECORD = Array(
    name="matrix2d",
    title="broadcast 2D matrix",
    source="arXiv:2503.06342 (FlexFlow-like)",
    aliases=(),
    way=Way.KEEP,
    dims=(M, N),
    paces=frozenset(Pace),
    rtl=lambda pe: "matrix2d_indexed" if pe.sparse else "matrix2d",
    timing=timing,
    bandwidth=bandwidth,
)
