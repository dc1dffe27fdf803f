"""Sparse rows cycle by cycle: idle sources, busy sinks, and rows that may not drift apart.

What `free_rows` says in closed form is here stepped through, registers and all: the stages ahead of
the front's lanes, these, the read of B, the operand register, the psum, the shadow register, the
turns of the finish, FIFOs of A.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tpe.array.base import Handshake, Job, Overlap, next_cycle
from tpe.base.jit import compiled, kernel
from tpe.pe.base import PE

Ints = np.ndarray[Any, np.dtype[Any]]

TAIL = 3  # from meet: the row register, the C register, and the edge of the first group
# ... and a register inside the finish, where there is one
SLOTS, LINE, NEVER = range(3)  # when the finish takes a plane that is not a pass's last


def turns(pe: PE) -> int:
    """When a sparse PE's rows have the finish for a plane before a pass's last."""
    return NEVER if pe.falling else SLOTS if pe.shadow else LINE


def latency(pe: PE) -> int:
    """Edges from a row's last step to what holds its last plane: the psum, or its shadow.

    One reads the step's B, which is registered behind the next; then comes the psum.
    """
    return 3 if pe.shadow else 2


def first_held(pe: PE) -> int:
    """Edges from a row's first group, accepted, to what holds its last plane, but for its steps."""
    return pe.ahead + latency(pe)


@kernel()
def longest_whole(whole: Ints, captured: Ints, since: Ints, planes: int) -> int:
    """The row whose psum holds a whole plane for longest, the lowest of several; -1: none does."""
    found = -1
    for r in range(whole.size):
        if whole[r] and captured[r] < planes and (found < 0 or since[r] < since[found]):
            found = r
    return found


@kernel()
def lanes_meet(closed: Ints, left: Ints) -> bool:
    """Whether the lanes of a row are over with a plane, all of them, in this cycle."""
    return bool(closed.all() and left.max() <= 1)


@kernel()
def lanes_step(
    costs: Ints, taken: Ints, staged: Ints, left: Ints, closed: Ints, over: bool, come: int
) -> bool:
    """A step of the lanes of a row, which take new groups of the `come` that are there.

    Whether any of them has taken one. staged (lanes, stages): a stage has a group, which moves on
    when the next one, or the lane's work, takes it. `over`: a new plane may begin.
    """
    planes, rounds = costs.shape[1:]
    accepted = False
    for lane in range(left.size):
        begun = taken[lane] - staged[lane].sum()  # the group that the lane works on next
        takes = left[lane] <= 1 and (over or not closed[lane])  # the place that is looked at
        left[lane] = max(0, left[lane] - 1)
        if over:
            closed[lane] = False
        begins = False
        for stage in range(staged.shape[1] - 1, -1, -1):
            if stage == staged.shape[1] - 1:
                begins = takes and staged[lane, stage]
            elif takes:
                staged[lane, stage + 1] = staged[lane, stage]
            takes = takes or not staged[lane, stage]
        comes = takes and taken[lane] < min(come, planes * rounds)
        if staged.shape[1] == 0:
            begins = comes
        elif takes:
            staged[lane, 0] = comes
        if begins:
            left[lane] = costs[lane, begun // rounds, begun % rounds]
            closed[lane] = begun % rounds == rounds - 1
        taken[lane] += comes
        accepted |= comes
    return accepted


@kernel()
def rows_meet(
    costs: Ints, start: int, idle: int, drift: int, turn: int, ahead: int
) -> tuple[int, int]:
    """The cycle in which the last row's last plane is captured, and that of the first group.

    costs (rows, lanes, planes, rounds): steps of every group, which passes `ahead` stages first.
    Rows may take groups from cycle `start` on, in cycles whose bit of `idle` (modulo 32) is clear;
    `drift` > 0: through FIFOs of that depth, which are filled for all rows at once. `turn`: whose
    plane the finish takes, that of the row whose slot it is, or, in the psum itself, of the row
    whose plane is whole longest.
    """
    rows, lanes, planes, rounds = costs.shape
    total = planes * rounds
    taken = np.zeros((rows, lanes), np.int64)  # groups accepted in this pass
    staged = np.zeros((rows, lanes, ahead), np.bool_)  # a stage has a group
    left = np.zeros((rows, lanes), np.int64)  # steps of the held group, this one included
    closed = np.zeros((rows, lanes), np.bool_)  # its last group of the plane is taken
    reading = np.zeros(rows, np.bool_)  # the B of the last step of a plane is read
    ending = np.zeros(rows, np.bool_)  # the operand register holds that step
    whole = np.zeros(rows, np.bool_)  # the psum holds a whole plane
    full = np.zeros(rows, np.bool_)  # the shadow does
    captured = np.zeros(rows, np.int64)
    since = np.zeros(rows, np.int64)  # the cycle from which on the psum holds a whole plane
    pushed, done, origin, cycle = 0, 0, -1, start
    while True:
        offered = not (idle >> (cycle & 31)) & 1
        push = drift > 0 and offered and pushed < total and pushed - taken.min() < drift
        accepted = False
        served = longest_whole(whole, captured, since, planes) if turn == LINE else -1
        for r in range(rows):
            if captured[r] == planes:
                continue
            if turn == SLOTS:
                serve = full[r] and origin >= 0 and (cycle - origin) % rows == r
                capture = whole[r] and (not full[r] or serve)
                full[r] = (full[r] and not serve) or capture
            else:
                capture = whole[r] and (turn == NEVER or served == r)
            if whole[r] and not capture:
                continue  # the row is frozen
            captured[r] += capture
            if captured[r] == planes:
                done += 1
                continue
            since[r] = cycle + 1
            over = lanes_meet(closed[r], left[r])
            whole[r] = ending[r]
            if whole[r] and turn != SLOTS and captured[r] == planes - 1:
                captured[r] = planes  # the last one stays in the psum
                done += 1
                continue
            ending[r] = reading[r]
            reading[r] = over and left[r].max() > 0
            come = pushed if drift > 0 else total * offered
            accepted |= lanes_step(costs[r], taken[r], staged[r], left[r], closed[r], over, come)
        origin = cycle if accepted and origin < 0 else origin
        if done == rows:
            return cycle, origin
        pushed += push
        cycle += 1


def drifting_edges(job: Job, costs: Ints, tail: int) -> Ints:
    """Cycles of one range of K for every tile of M, handshakes aside; `tail` follows `meet`."""
    meets, turn = compiled(rows_meet), turns(job.pe)
    tiles = costs.reshape(job.m_tiles, job.rows, *costs.shape[1:])
    drift, ahead = job.params["drift"], job.pe.ahead
    return np.array([meets(tile, 0, 0, drift, turn, ahead)[0] + tail for tile in tiles])


def walked(job: Job, costs: Sequence[tuple[Ints, int]], handshake: Handshake) -> int:
    """Cycles of the job under a handshake; `costs` has every range of K, and its length."""
    overlap, drift = job.params["overlap"] == Overlap.LOAD, job.params["drift"]
    meets, turn = compiled(rows_meet), turns(job.pe)
    cycle, first, loaded = 0, None, None
    for _ in range(job.n_tiles):
        for m in range(job.m_tiles):
            for i, (steps, size) in enumerate(costs):
                if len(costs) > 1 or m == 0:
                    if loaded is None:
                        first, loaded = _load(handshake, 0, size)
                    elif not overlap:
                        loaded = _load(handshake, cycle, size)[1]
                    cycle = max(cycle, loaded)
                    if overlap:
                        loaded = _load(handshake, cycle + 1, costs[(i + 1) % len(costs)][1])[1]
                rows = steps[m * job.rows : (m + 1) * job.rows]
                meet = int(meets(rows, cycle, handshake.idle, drift, turn, job.pe.ahead)[0])
                cycle = _leave(job, meet, i == len(costs) - 1, handshake)
    assert first is not None
    return cycle - first


def _load(handshake: Handshake, cycle: int, beats: int) -> tuple[int, int]:
    """The cycle of the first beat of a load, and the one behind the last."""
    first = next_cycle(handshake.source, cycle)
    cycle = first
    for _ in range(beats):
        cycle = next_cycle(handshake.source, cycle) + 1
    return first, cycle


def _leave(job: Job, meet: int, flush: bool, handshake: Handshake) -> int:
    """The first cycle behind a pass whose last plane is captured in cycle `meet`."""
    tail = TAIL + job.pe.finish_latency(job.params)
    if not flush:
        return meet + job.rows + tail - 1
    cycle = meet + tail - 1
    for _ in range(job.rows):
        cycle = next_cycle(handshake.sink, cycle + 1)
    return cycle + 1
