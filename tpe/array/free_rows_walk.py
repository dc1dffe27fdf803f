"""Sparse rows cycle by cycle: idle sources, busy sinks, and rows that may not drift apart.

What `free_rows` says in closed form is here stepped through, registers and all: the front's lanes,
the operand register, the psum, the shadow register, the slots of the finish, FIFOs of A.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tpe.array.base import Handshake, Job, Overlap, next_cycle
from tpe.base.jit import compiled, kernel

Ints = np.ndarray[Any, np.dtype[Any]]

LATENCY = 2  # edges from a row's last step to the shadow that holds its last plane
TAIL = 3  # from meet: the row register, the C register, and the edge of the first group


@kernel()
def rows_meet(costs: Ints, start: int, idle: int, drift: int) -> tuple[int, int]:
    """The cycle in which the last row's last plane is captured, and that of the first group.

    costs (rows, lanes, planes, rounds): steps of every group. The rows may take groups from cycle
    `start` on, in cycles whose bit of `idle` (modulo 32) is clear; `drift` > 0: through FIFOs of
    that depth, which are filled for all rows at once.
    """
    rows, lanes, planes, rounds = costs.shape
    total = planes * rounds
    taken = np.zeros((rows, lanes), np.int64)  # groups accepted in this pass
    left = np.zeros((rows, lanes), np.int64)  # steps of the held group, this one included
    closed = np.zeros((rows, lanes), np.bool_)  # its last group of the plane is taken
    ending = np.zeros(rows, np.bool_)  # the operand register holds the last step of a plane
    whole = np.zeros(rows, np.bool_)  # the psum holds a whole plane
    full = np.zeros(rows, np.bool_)  # the shadow does
    captured = np.zeros(rows, np.int64)
    pushed, done, origin, cycle = 0, 0, -1, start
    while True:
        offered = not (idle >> (cycle & 31)) & 1
        push = drift > 0 and offered and pushed < total and pushed - taken.min() < drift
        accepted = False
        for r in range(rows):
            if captured[r] == planes:
                continue
            last_r = captured[r] == planes - 1 and whole[r]
            serve = full[r] and origin >= 0 and (cycle - origin) % rows == r
            capture = whole[r] and (not full[r] or serve)
            full[r] = (full[r] and not serve) or capture
            if capture:
                captured[r] += 1
                if last_r:
                    done += 1
                    continue
            if whole[r] and not capture:
                continue  # the row is frozen
            met, busy = True, False
            for lane in range(lanes):
                met = met and closed[r, lane] and left[r, lane] <= 1
                busy = busy or left[r, lane] > 0
            whole[r] = ending[r]
            ending[r] = busy and met
            for lane in range(lanes):
                free = left[r, lane] <= 1
                left[r, lane] = max(0, left[r, lane] - 1)
                allowed = met or not closed[r, lane]
                there = pushed > taken[r, lane] if drift > 0 else offered
                if met:
                    closed[r, lane] = False
                if free and allowed and there and taken[r, lane] < total:
                    group = taken[r, lane]
                    left[r, lane] = costs[r, lane, group // rounds, group % rounds]
                    closed[r, lane] = group % rounds == rounds - 1
                    taken[r, lane] += 1
                    accepted = True
        if accepted and origin < 0:
            origin = cycle
        if done == rows:
            return cycle, origin
        pushed += push
        cycle += 1


def drifting_edges(job: Job, costs: Ints, tail: int) -> Ints:
    """Cycles of one range of K for every tile of M, handshakes aside; `tail` follows `meet`."""
    meets = compiled(rows_meet)
    tiles = costs.reshape(job.m_tiles, job.rows, *costs.shape[1:])
    return np.array([meets(tile, 0, 0, job.params["drift"])[0] + tail for tile in tiles])


def walked(job: Job, costs: Sequence[tuple[Ints, int]], handshake: Handshake) -> int:
    """Cycles of the job under a handshake; `costs` has every range of K, and its length."""
    overlap, drift = job.params["overlap"] == Overlap.LOAD, job.params["drift"]
    meets = compiled(rows_meet)
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
                meet = int(meets(rows, cycle, handshake.idle, drift)[0])
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
    if not flush:
        return meet + job.rows + TAIL - 1
    cycle = meet + TAIL - 1
    for _ in range(job.rows):
        cycle = next_cycle(handshake.sink, cycle + 1)
    return cycle + 1
