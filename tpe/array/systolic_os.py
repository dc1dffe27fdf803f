"""Output-stationary systolic array: operands skewed, psums kept, rows drained one a cycle."""

from __future__ import annotations

from tpe.array.base import STALL, Array, Handshake, Job, Schedule
from tpe.array.closed import ClosedForm
from tpe.array.dense import dense_form, dense_timing
from tpe.array.kept import OVERLAP
from tpe.nest.notation import M, N
from tpe.pe.base import PE, Way
from tpe.pe.paces import Dense, Planes
from tpe.pe.parameters import Parameter


def timing(job: Job, handshake: Handshake) -> Schedule:
    """A tile of K takes steps + 2 rows + cols + cell latency + 1 cycles.

    Skew rows + cols - 2, the operand register and the cell's own, the psum; then the row register
    and the C register, and one row a cycle. If tiles overlap, a column's rows are read one after
    another as they are done, and steps + rows + cols + cell latency + 2 are those of the last tile.
    """
    return dense_timing(job, handshake, (job.rows - 1, job.cols - 1))


def closed(job: Job) -> ClosedForm:
    """The same by shape alone, of sides that may be arrays."""
    return dense_form(job, (job.rows - 1, job.cols - 1))


def bandwidth(job: Job) -> tuple[int, int]:
    """Operand bits a cycle: a column of A, a row of B."""
    lanes = job.widths.lanes
    return job.rows * lanes * job.a_bits, job.cols * lanes * job.b_bits


def parameters(pe: PE) -> tuple[Parameter, ...]:
    """How tiles overlap, and how a busy sink holds the array."""
    return (OVERLAP, STALL)


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
    parameters=parameters,
    closed=closed,
)
