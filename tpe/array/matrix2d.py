"""2D matrix: operands broadcast, psums kept. A sparse PE's row shares one front, B by index."""

from __future__ import annotations

from tpe.array.base import OVERLAP, Array, Handshake, Job, Schedule, dense_timing
from tpe.array.free_rows import sparse_timing
from tpe.nest.notation import M, N
from tpe.pe.base import PE, Way
from tpe.pe.paces import Dense, FreeRows, LockStep, Planes
from tpe.pe.parameters import Parameter

DRIFT = Parameter(
    "drift", 0, range(65), "groups of K by which a row may lead the slowest; 0: unbounded", "Drift"
)


def timing(job: Job, handshake: Handshake) -> Schedule:
    """Dense: steps + rows + cell latency + 3 cycles a tile of K. Else `free_rows`, `lockstep`."""
    if job.pe.sparse:
        return sparse_timing(job, handshake)
    if job.pe.stepped:
        from tpe.array.lockstep import stepped_timing

        return stepped_timing(job, handshake)
    flush = 1 + job.pe.latency(job.params) + 2
    return dense_timing(job, flush + job.rows, flush, handshake)


def bandwidth(job: Job) -> tuple[int, int]:
    """Operand bits a cycle: a column of A, a row of B; sparse: a group per row, a B per PE."""
    w = job.widths
    if job.pe.sparse:
        group = job.pe.group * w.lanes
        return job.rows * group * job.a_bits, job.rows * job.cols * w.lanes * w.b
    return job.rows * w.lanes * job.a_bits, job.cols * w.lanes * w.b


def parameters(pe: PE) -> tuple[Parameter, ...]:
    """What B resident in the array and rows that run free leave to choose."""
    return (OVERLAP, DRIFT) if pe.sparse else ()


def module(pe: PE) -> str:
    """The RTL for a PE: B read by index, steps of several cycles, or plain."""
    if pe.sparse:
        return "matrix2d_indexed"
    return "matrix2d_stepped" if pe.stepped else "matrix2d"


RECORD = Array(
    name="matrix2d",
    title="broadcast 2D matrix",
    source="arXiv:2503.06342 (FlexFlow-like)",
    aliases=(),
    way=Way.KEEP,
    dims=(M, N),
    paces=frozenset({Dense, Planes, LockStep, FreeRows}),
    rtl=module,
    timing=timing,
    bandwidth=bandwidth,
    parameters=parameters,
)
