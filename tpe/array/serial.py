"""Timing of PEs that take the bit planes of B one a cycle, in a broadcast array.

A beat is a group of `lanes` operands of K, and lasts as many cycles as B has planes; what the front
makes of the operands is ready a cycle after them, so that all of a tile is that much later. What
follows a tile's last plane, `kept` says.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import repeat

from tpe.array.base import ALWAYS, Cycles, Handshake, Job, Schedule
from tpe.array.closed import ClosedForm
from tpe.array.kept import Behind, behind, walk

FRONT = 1  # the cycle in which the front's table is built
SETTLED = 1  # cycles from a tile's last plane to the edge that reads its first row, without stages


def serial_timing(job: Job, handshake: Handshake) -> Schedule:
    """Cycles of a PE whose pace is `BitPlanes`, in matrix2d; exactly the RTL's."""
    cycles = Cycles.of(serial_form(job))
    if handshake == ALWAYS:
        return Schedule(cycles)
    steps = [job.pe.bit_planes(job.widths)] * -(-job.k // job.widths.lanes)
    total = walk(repeat(steps, job.tiles), _after(job), handshake, job.registered_stall)
    return Schedule(cycles + Cycles(stall=Fraction(total - cycles.total)))


def serial_form(job: Job) -> ClosedForm:
    """The same without a handshake, of sides that may be arrays."""
    lanes, planes, after = job.widths.lanes, job.pe.bit_planes(job.widths), _after(job)
    beats = -(-job.k // lanes)
    return ClosedForm(
        useful=job.k * planes * job.tiles,
        per=lanes,
        steps=beats * planes * job.tiles,
        fill_drain=(job.tiles - 1) * after.waits((beats - 1) * planes) + after.tail,
    )


def _after(job: Job) -> Behind:
    return behind(job, FRONT + SETTLED + job.pe.latency(job.params))
