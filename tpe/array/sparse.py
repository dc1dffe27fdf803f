"""Timing of sparse PEs in a broadcast array: rows run free and meet once per pass.

A pass is at most `depth` operands of K for one output tile. A row takes max(1, non-zero digits)
steps for each group of 4 operands at one bit weight, bit weights outermost. A whole plane waits
in the row's shadow register for the finish, which serves row r in cycles = r modulo rows of the
pass; if the next plane is whole before that, the row waits. When every row holds its last plane
the rows drain in order. Let `meet` be the edge at which the last of them is held (the first
group is accepted at edge 0): the pass takes meet + rows + 3 cycles, one less if C stays because
more passes of K follow. Loading the B of a pass takes as many cycles as it has operands of K;
when all of K fits, it stays for all tiles of M.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np

from tpe.array.base import ALWAYS, Cycles, Handshake, Job, Timing, next_cycle
from tpe.digits import encoding
from tpe.jit import compiled, kernel

Ints = np.ndarray[Any, np.dtype[Any]]

LATENCY = 2  # edges from a row's last step to the shadow that holds its last plane
TAIL = 3  # from meet: the row register, the C register, and the edge of the first group
THREADS = 2
FIELD = 7  # bits that count the digits of a group in one plane; 9 planes fit 63 bits
CHUNK = 1 << 18  # operands a thread takes at once


@kernel()
def row_steps(codes: Ints, flags: Ints, popcount: Ints, group: int, planes: int) -> Ints:
    """Non-zero digits and empty groups of each row: (rows, 2).

    codes (rows, K) index `flags`: bit p is set if digit p is non-zero, bits 32.. count them.
    """
    out = np.zeros((codes.shape[0], 2), np.int64)
    k = codes.shape[1]
    whole = k - k % group
    for r in range(codes.shape[0]):
        row = codes[r]
        count = 0
        empty = 0
        for start in range(0, whole, group):
            union = 0
            for i in range(start, start + group):
                entry = flags[row[i]]
                count += entry >> 32
                union |= entry
            empty += planes - popcount[union & 0xFFFFFF]
        if whole < k:
            union = 0
            for i in range(whole, k):
                entry = flags[row[i]]
                count += entry >> 32
                union |= entry
            empty += planes - popcount[union & 0xFFFFFF]
        out[r, 0] = count
        out[r, 1] = empty
    return out


@kernel()
def plane_steps(codes: Ints, fields: Ints, group: int, planes: int) -> Ints:
    """Steps of each row in each plane: (rows, planes).

    codes (rows, K) index `fields`: FIELD bits a plane, 1 in a plane whose digit is non-zero.
    """
    out = np.zeros((codes.shape[0], planes), np.int64)
    mask = (1 << FIELD) - 1
    for r in range(codes.shape[0]):
        row = codes[r]
        for start in range(0, codes.shape[1], group):
            total = 0
            for i in range(start, min(start + group, codes.shape[1])):
                total += fields[row[i]]
            for p in range(planes):
                out[r, p] += max(1, (total >> (FIELD * p)) & mask)
    return out


@kernel()
def row_meets(steps: Ints, rows: int) -> Ints:
    """The edge at which each row holds its last plane, from its steps (rows padded, planes)."""
    out = np.zeros(steps.shape[0], np.int64)
    for r in range(steps.shape[0]):
        slot = r % rows
        whole = LATENCY  # the edge at which the plane would be held if the shadow were free
        held = -1
        served = -1
        for p in range(steps.shape[1]):
            whole += steps[r, p]
            held = max(whole, served)
            whole = held
            # the first edge after `held` that is this row's slot
            served = held + 1 + (slot - held - 1) % rows
        out[r] = held
    return out


def sparse_timing(job: Job, handshake: Handshake) -> Timing:
    """Cycles of a sparse PE in matrix2d; exactly the RTL's."""
    if handshake != ALWAYS:
        free = sparse_timing(job, ALWAYS)
        stall = Fraction(_walk(job, handshake) - free.cycles.total)
        return Timing(free.cycles + Cycles(stall=stall), free.nonzero_digits)
    cycles, nonzero = Cycles(), 0
    for start, stop in passes(job):
        row_counts, meets = _rows(job, start, stop)
        tile_meets = meets.reshape(job.m_tiles, job.rows).max(axis=1)
        nonzero += int(row_counts[:, 0].sum())
        useful = Fraction(int(row_counts[:, 0].sum()), job.rows)
        empty = Fraction(int(row_counts[:, 1].sum()), job.rows)
        steps = int(tile_meets.sum()) - LATENCY * job.m_tiles
        last = stop == job.k
        tail = (LATENCY + job.rows + (TAIL if last else TAIL - 1)) * job.m_tiles
        loads = (stop - start) * (1 if len(passes(job)) == 1 else job.m_tiles)
        cycles += Cycles(
            useful=useful,
            empty_group=empty,
            lane_sync=steps - useful - empty,
            fill_drain=Fraction(tail),
            load=Fraction(loads),
        )
    return Timing(cycles * job.n_tiles, nonzero * job.n_tiles)


def passes(job: Job) -> list[tuple[int, int]]:
    """The ranges of K that the passes of one output tile take."""
    depth = job.widths.depth
    return [(start, min(start + depth, job.k)) for start in range(0, job.k, depth)]


def _tables(job: Job) -> tuple[Ints, Ints]:
    """`flags` by operand and `popcount` by union, as `row_steps` reads them."""
    masks = encoding(str(job.params["encoder"])).nonzero_masks(job.widths.a).astype(np.int64)
    popcount = np.array([i.bit_count() for i in range(1 << job.widths.digits)], np.int64)
    return masks | (popcount[masks] << 32), popcount


def _codes(job: Job, start: int, stop: int) -> Ints:
    """A (M padded to whole tiles, stop - start) as unsigned indices; padded rows are zero."""
    bits = job.widths.a
    stored = next(size for size in (8, 16, 32) if bits <= size)
    a = np.ascontiguousarray(job.a[:, start:stop], f"int{stored}")
    index: Ints = a.view(f"uint{stored}")
    if bits != stored:
        index = index & ((1 << bits) - 1)
    pad = job.m_tiles * job.rows - job.m
    return np.pad(index, ((0, pad), (0, 0))) if pad else index


def _rows(job: Job, start: int, stop: int) -> tuple[Ints, Ints]:
    """(non-zero digits, empty groups) and the meeting edge of every row in one pass."""
    codes = _codes(job, start, stop)
    flags, popcount = _tables(job)
    group, planes = job.record.group, job.widths.digits
    step = max(1, CHUNK // codes.shape[1])
    parts = [codes[i : i + step] for i in range(0, len(codes), step)]
    counts = _threaded(compiled(row_steps), parts, flags, popcount, group, planes)
    if -(-codes.shape[1] // group) >= job.rows:
        return counts, counts.sum(axis=1) + LATENCY  # a slot comes before the next plane is whole
    fields = sum(((flags >> p) & 1) << (FIELD * p) for p in range(planes))
    steps = _threaded(compiled(plane_steps), parts, fields, group, planes)
    return counts, np.asarray(compiled(row_meets)(steps, job.rows))


def _threaded(work: Any, parts: list[Ints], *arguments: Any) -> Ints:
    """A kernel over the parts of a matrix, its results stacked; kernels release the GIL."""
    if len(parts) == 1:
        return np.asarray(work(parts[0], *arguments))
    with ThreadPoolExecutor(THREADS) as pool:
        return np.concatenate(list(pool.map(lambda part: work(part, *arguments), parts)))


def _walk(job: Job, handshake: Handshake) -> int:
    """Cycles with an idle source or a busy sink, cycle by cycle."""
    flags, _ = _tables(job)
    ranges = passes(job)
    cycle, first = 0, None
    for _ in range(job.n_tiles):
        for m in range(job.m_tiles):
            for start, stop in ranges:
                if len(ranges) > 1 or m == 0:
                    for _ in range(start, stop):
                        cycle = next_cycle(handshake.source, cycle)
                        first = cycle if first is None else first
                        cycle += 1
                rows = _codes(job, start, stop)[m * job.rows : (m + 1) * job.rows]
                cycle = _walk_pass(job, rows, flags, cycle, stop == job.k, handshake)
    assert first is not None
    return cycle - first


def _walk_pass(
    job: Job, codes: Ints, flags: Ints, begin: int, flush: bool, handshake: Handshake
) -> int:
    """The first cycle after a pass whose rows may take groups from cycle `begin`."""
    first = next_cycle(handshake.source, begin)
    group, planes = job.record.group, job.widths.digits
    meet = max(
        _walk_row(_costs(row, flags, group, planes), first, slot, job.rows, handshake)
        for slot, row in enumerate(codes)
    )
    if not flush:
        return meet + job.rows + 2
    cycle = meet + 2
    for _ in range(job.rows):
        cycle = next_cycle(handshake.sink, cycle + 1)
    return cycle + 1


def _costs(row: Ints, flags: Ints, group: int, planes: int) -> list[list[int]]:
    """Steps of every group in every plane of one row."""
    entries = [int(flags[x]) for x in row]
    groups = [entries[i : i + group] for i in range(0, len(entries), group)]
    return [[max(1, sum(e >> p & 1 for e in g)) for g in groups] for p in range(planes)]


def _walk_row(
    costs: list[list[int]], origin: int, slot: int, rows: int, handshake: Handshake
) -> int:
    """The cycle in which a row's last plane is captured; `origin` is cycle 0 of the slots."""
    groups = [(cost, j == len(plane) - 1) for plane in costs for j, cost in enumerate(plane)]
    taken = 0  # groups accepted
    left, ends = 0, False  # steps left of the held group, whether it ends its plane
    operand_ends = whole = full = False
    captured, cycle = 0, origin
    while True:
        serve = full and (cycle - origin) % rows == slot
        capture = whole and (not full or serve)
        full = (full and not serve) or capture
        captured += capture
        if captured == len(costs):
            return cycle
        if not whole or capture:
            whole, operand_ends = operand_ends, left == 1 and ends
            left = max(0, left - 1)
            if left == 0 and taken < len(groups) and handshake.source(cycle):
                left, ends = groups[taken]
                taken += 1
        cycle += 1
