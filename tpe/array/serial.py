"""Timing of PEs that take the bit planes of B one a cycle, in a broadcast array.

A beat is a group of `lanes` operands of K, and lasts as many cycles as B has planes; what the front
makes of the operands is ready a cycle after them, so that all of a tile is that much later. What
follows a tile's last plane, `kept` says.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import repeat

from tpe.array.base import ALWAYS, Cycles, Handshake, Job, Schedule
from tpe.array.kept import behind, walk

FRONT = 1  # the cycle in which the front's table is built
SETTLED = 1  # cycles from a tile's last plane to the edge that reads its first row, without stages


def serial_timing(job: Job, handshake: Handshake) -> Schedule:
    """Cycles of a PE whose pace is `BitPlanes`, in matrix2d; exactly the RTL's."""
    lanes, planes = job.widths.lanes, job.pe.bit_planes(job.widths)
    after = behind(job, FRONT + SETTLED + job.pe.latency(job.params))
    beats = -(-job.k // lanes)
    useful = Fraction(job.k * planes, lanes)
    once = Cycles(useful=useful, edge=beats * planes - useful)
    waits = (job.tiles - 1) * after.waits((beats - 1) * planes) + after.tail
    cycles = once * job.tiles + Cycles(fill_drain=Fraction(waits))
    if handshake == ALWAYS:
        return Schedule(cycles)
    total = walk(repeat([planes] * beats, job.tiles), after, handshake, job.registered_stall)
    return Schedule(cycles + Cycles(stall=Fraction(total - cycles.total)))
