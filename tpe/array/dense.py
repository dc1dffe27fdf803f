"""Timing of dense PEs in arrays that keep psums and take all operands in lock-step.

A tile of outputs is ceil(K / lanes) beats of a cycle each, once per plane of a PE that is streamed
in planes, which a step without operands closes. What follows it, `kept` says.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import repeat

from tpe.array.base import ALWAYS, Cycles, Handshake, Job, Schedule
from tpe.array.closed import ClosedForm
from tpe.array.kept import Behind, behind, walk


def dense_timing(job: Job, handshake: Handshake, skew: tuple[int, int] = (0, 0)) -> Schedule:
    """Timing of an array of dense PEs; exactly that of its RTL.

    skew: cycles by which the lowest cells are later than the highest, and the rightmost than the
    leftmost.
    """
    cycles = Cycles.of(dense_form(job, skew))
    if handshake == ALWAYS:
        return Schedule(cycles)
    after, beats = _after(job, skew), _beats(job)
    total = walk(repeat([1] * beats, job.tiles), after, handshake, job.registered_stall)
    return Schedule(cycles + Cycles(stall=Fraction(total - cycles.total)))


def dense_form(job: Job, skew: tuple[int, int] = (0, 0)) -> ClosedForm:
    """The same without a handshake, of sides that may be arrays."""
    after, beats = _after(job, skew), _beats(job)
    return ClosedForm(
        useful=job.useful_k * job.pe.planes(job.widths) * job.tiles,
        per=job.widths.lanes,
        steps=beats * job.tiles,
        fill_drain=(job.tiles - 1) * after.waits(beats - 1) + after.tail,
    )


def _beats(job: Job) -> int:
    """Cycles of a tile's steps."""
    return -(-job.k // job.widths.lanes) * job.pe.planes(job.widths)


def _after(job: Job, skew: tuple[int, int]) -> Behind:
    closing = int(job.pe.planes(job.widths) > 1)
    return behind(job, closing + 1 + job.pe.latency(job.params), closing, skew)
