"""Timing of dense PEs in arrays that keep psums and take all operands in lock-step.

A tile of outputs is ceil(K / lanes) beats of a cycle each, once per plane of a PE that is streamed
in planes, which a step without operands closes. What follows it, `kept` says.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import repeat

from tpe.array.base import ALWAYS, Cycles, Handshake, Job, Schedule
from tpe.array.kept import behind, walk


def dense_timing(job: Job, handshake: Handshake, skew: tuple[int, int] = (0, 0)) -> Schedule:
    """Timing of an array of dense PEs; exactly that of its RTL.

    skew: cycles by which the lowest cells are later than the highest, and the rightmost than the
    leftmost.
    """
    lanes, planes = job.widths.lanes, job.pe.planes(job.widths)
    closing = int(planes > 1)
    after = behind(job, closing + 1 + job.pe.latency(job.params), closing, skew)
    beats = -(-job.k // lanes) * planes
    useful = Fraction(job.useful_k * planes, lanes)
    once = Cycles(useful=useful, edge=beats - useful)
    waits = (job.tiles - 1) * after.waits(beats - 1) + after.tail
    cycles = once * job.tiles + Cycles(fill_drain=Fraction(waits))
    if handshake == ALWAYS:
        return Schedule(cycles)
    total = walk(repeat([1] * beats, job.tiles), after, handshake, job.registered_stall)
    return Schedule(cycles + Cycles(stall=Fraction(total - cycles.total)))
