"""2D matrix: operands broadcast, psums kept. A sparse PE's row shares one front, B by index."""

from __future__ import annotations

from dataclasses import replace

from tpe.array.base import (
    LOADED,
    STALL,
    Array,
    BSupply,
    Handshake,
    Job,
    Overlap,
    Schedule,
    overlap_parameter,
)
from tpe.array.closed import ClosedForm
from tpe.array.dense import dense_form, dense_timing
from tpe.array.free_rows import sparse_timing
from tpe.array.kept import OVERLAP
from tpe.nest.notation import M, N
from tpe.pe.base import PE, Way
from tpe.pe.inner import b_supply
from tpe.pe.paces import BitPlanes, Dense, FreeRows, Groups, LockStep, Planes
from tpe.pe.parameters import Parameter

DRIFT = Parameter(
    "drift",
    0,
    range(65),
    "groups of K by which a row may lead the slowest; 0: unbounded",
    "Drift",
    trade="a bound costs a FIFO in every row, and waiting; saves a stream of A for each row",
)
# Of PEs whose rows run free: B is resident.
B_SUPPLY = Parameter(
    "b_supply",
    str(BSupply.COPIES),
    (str(BSupply.COPIES), str(BSupply.PORTED)),
    "where cells have the B from that they want by index: from a memory for every row, all written "
    "alike, or from one with a read port for every row, which is simulated and has no price",
    "BSupply",
    trade="copies cost a memory for every row; ported saves them, and cannot be built",
    words=tuple(map(str, BSupply)),
)
# ... or meet at groups of K, where it need not be.
ANY_B_SUPPLY = replace(
    B_SUPPLY,
    legal=tuple(map(str, BSupply)),
    doc=f"{B_SUPPLY.doc}; with planes = inner from none: B of the groups in work is broadcast",
    follows=b_supply,
)
# ... of a PE whose rows run free, or meet at groups of K and need no B that is resident.
ANY_OVERLAP = overlap_parameter(
    *Overlap,
    trade="load costs a bank of B, others registers of words; save loads, or draining, of tiles",
)


def timing(job: Job, handshake: Handshake) -> Schedule:
    """Dense: steps + rows + cell latency + 3 cycles a tile of K; if tiles overlap, once a GEMM.

    Else `free_rows`, `windowed`, `lockstep`, `serial`.
    """
    if job.pe.sparse:
        return sparse_timing(job, handshake)
    if job.pe.grouped:
        from tpe.array.windowed import grouped_timing

        return grouped_timing(job, handshake)
    if job.pe.stepped:
        from tpe.array.lockstep import stepped_timing

        return stepped_timing(job, handshake)
    if job.pe.serial:
        from tpe.array.serial import serial_timing

        return serial_timing(job, handshake)
    return dense_timing(job, handshake)


def closed(job: Job) -> ClosedForm | None:
    """The same by shape alone: of PEs whose steps no operand changes."""
    if job.pe.sparse or job.pe.grouped or job.pe.stepped:
        return None
    if job.pe.serial:
        from tpe.array.serial import serial_form

        return serial_form(job)
    return dense_form(job)


def bandwidth(job: Job) -> tuple[int, int]:
    """Operand bits a cycle: a column of A, a row of B; sparse: a group per row, a B per PE."""
    w, beat = job.widths, job.pe.beat(job.widths)
    if job.pe.sparse:
        return job.rows * beat * job.a_bits, job.rows * job.cols * w.lanes * w.b
    return job.rows * beat * job.a_bits, job.cols * beat * job.b_bits


def parameters(pe: PE) -> tuple[Parameter, ...]:
    """How tiles overlap and a busy sink holds; how far sparse rows run apart, and have their B."""
    if not pe.sparse:
        return (OVERLAP, STALL)
    if pe.parameter("window"):
        return (ANY_OVERLAP, DRIFT, ANY_B_SUPPLY, STALL)
    return (LOADED, DRIFT, B_SUPPLY, STALL)


def module(pe: PE) -> str:
    """The RTL for a PE: B by index, groups within a window, long steps, planes of B, or plain."""
    if pe.sparse:
        return "matrix2d_indexed"
    if pe.grouped:
        return "matrix2d_window_staged" if pe.ahead else "matrix2d_window"
    if pe.serial:
        return "matrix2d_serial"
    return "matrix2d_stepped" if pe.stepped else "matrix2d"


RECORD = Array(
    name="matrix2d",
    title="broadcast 2D matrix",
    source="arXiv:2503.06342 (FlexFlow-like)",
    aliases=(),
    way=Way.KEEP,
    dims=(M, N),
    paces=frozenset({Dense, Planes, BitPlanes, LockStep, FreeRows, Groups}),
    rtl=module,
    timing=timing,
    bandwidth=bandwidth,
    parameters=parameters,
    closed=closed,
)
