"""Timing of sparse PEs in a broadcast array: rows run free and meet once per pass.

A pass is at most `depth` operands of K for one output tile. A group of 4 operands at one bit weight
takes max(1, non-zero digits) steps, bit weights outermost. Where a cell takes several lanes of K,
lane l owns the groups whose index modulo lanes is l (K is padded to whole rounds), and the lanes of
a row meet at every bit weight. The B of a step is read by its index in a cycle of its own. A whole
plane waits in the row's shadow register for the finish, which serves row r in cycles = r modulo
rows of the pass; if the next plane is whole before that, the row waits. When every row holds its
last plane the rows drain in order. Let `meet` be the edge at which the last of them is held (the
first group is accepted at edge 0): the pass takes meet + rows + 3 cycles, one less if C stays
because more passes of K follow, and one more for a register inside the finish. Without shadow
registers a whole plane waits in the psums of its row, which hold it an edge earlier than a shadow
would; the finish then serves one row an edge, that whose plane is whole longest, the lowest of
several. With bit weights from the most significant down there is one plane to hold, the last: no
row waits. Loading the B of a pass takes as many cycles as it has operands of K; when all of K fits,
it stays for all tiles of M. With overlap = load that of the next pass loads behind a pass, from the
cycle after it has begun.
A hesitant source or sink, and rows that may not drift apart, are walked: `free_rows_walk`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from tpe.array.base import ALWAYS, Cycles, Handshake, Job, Overlap, Schedule
from tpe.array.free_rows_walk import (
    LINE,
    NEVER,
    TAIL,
    drifting_edges,
    first_held,
    turns,
    walked,
)
from tpe.base.jit import compiled, kernel
from tpe.base.shared import shared
from tpe.numbers.digits import encoding

Ints = np.ndarray[Any, np.dtype[Any]]

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
def lone_steps(codes: Ints, fields: Ints, group: int, planes: int) -> Ints:
    """What `plane_steps` says, of rows of one lane: all planes of a group at once.

    A field counts up to 127: groups are added up until one could be full.
    """
    rows, k = codes.shape
    out = np.zeros((rows, 2, planes), np.int64)
    mask = (1 << FIELD) - 1
    top, low = 0, 0  # of each field: its top bit, and all bits below
    for p in range(planes):
        top |= 1 << (FIELD * p + FIELD - 1)
        low |= (mask >> 1) << (FIELD * p)
    for r in range(rows):
        steps, digits, held = 0, 0, 0
        for start in range(0, k, group):
            total = 0
            for i in range(start, min(start + group, k)):
                total += fields[codes[r, i]]
            digits += total
            steps += total + ((~(total + low) & top) >> (FIELD - 1))  # 1 where no digit is
            held += group
            if held + group > mask or start + group >= k:
                for p in range(planes):
                    out[r, 0, p] += (steps >> (FIELD * p)) & mask
                    out[r, 1, p] += (digits >> (FIELD * p)) & mask
                steps, digits, held = 0, 0, 0
    return out


@kernel()
def plane_steps(codes: Ints, fields: Ints, group: int, planes: int, lanes: int) -> Ints:
    """Steps, and steps with a digit, of each row in each plane: (rows, 2, planes).

    codes (rows, K) index `fields`: FIELD bits a plane, 1 in a plane whose digit is non-zero.
    """
    rows, k = codes.shape
    out = np.zeros((rows, 2, planes), np.int64)
    rounds = -(-k // (group * lanes))
    mask = (1 << FIELD) - 1
    spent = np.zeros((lanes, planes), np.int64)
    busy = np.zeros((planes, rounds * group + 1), np.bool_)
    for r in range(rows):
        spent[:] = 0
        busy[:] = False
        for j in range(rounds * lanes):
            total = 0
            for i in range(j * group, min((j + 1) * group, k)):
                total += fields[codes[r, i]]
            lane = j % lanes
            for p in range(planes):
                count = (total >> (FIELD * p)) & mask
                for step in range(count):
                    busy[p, spent[lane, p] + step] = True
                spent[lane, p] += max(1, count)
        for p in range(planes):
            out[r, 0, p] = spent[:, p].max()
            out[r, 1, p] = busy[p].sum()
    return out


@kernel()
def row_meets(steps: Ints, rows: int, first: int) -> Ints:
    """The edge at which each row holds its last plane, from its steps (rows padded, planes).

    By slots of the finish, in which planes wait in shadow registers; `first` as in `first_held`.
    """
    out = np.zeros(steps.shape[0], np.int64)
    for r in range(steps.shape[0]):
        slot = r % rows
        whole = first  # the edge at which the plane would be held if the shadow were free
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


@kernel()
def line_meets(steps: Ints, rows: int, first: int) -> Ints:
    """The same where planes wait in the psums, and rows are served in line."""
    out = np.zeros(steps.shape[0], np.int64)
    planes = steps.shape[1]
    for tile in range(0, steps.shape[0], rows):
        whole = steps[tile : tile + rows, 0] + first  # the edge at which the next plane is whole
        held = np.zeros(rows, np.int64)  # planes that were
        free = 0  # the first edge that nobody is served at
        for _ in range(rows * (planes - 1)):
            oldest = -1
            for r in range(rows):
                if held[r] < planes - 1 and (oldest < 0 or whole[r] < whole[oldest]):
                    oldest = r
            served = max(whole[oldest], free)
            free = served + 1
            held[oldest] += 1
            whole[oldest] = served + steps[tile + oldest, held[oldest]]
        out[tile : tile + rows] = whole
    return out


@dataclass(frozen=True)
class PassCounts:
    """What the passes of one range of K say, for every tile of M."""

    edges: Ints  # (tiles of M,): cycles of each, without loading
    digits: int  # non-zero
    busy: int  # steps of a row in which a lane holds a digit
    steps: int  # of all rows, with and without a digit
    empty: int  # groups of operands without a digit, over all planes
    padded: int  # ... of padding


def sparse_timing(job: Job, handshake: Handshake) -> Schedule:
    """Cycles of a sparse PE in matrix2d; exactly the RTL's."""
    ranges = [row_pass(job, start, stop) for start, stop in passes(job)]
    free = _timing(job, ranges)
    if job.params["drift"] > 0:
        free = _drifting(job, free)
    if handshake == ALWAYS:
        return free
    costs = [(range_costs(job, start, stop), stop - start) for start, stop in passes(job)]
    more = Fraction(walked(job, costs, handshake) - free.cycles.total)
    # Rows that are served as they ask may ask in a better order when some of them are late.
    late = Cycles(stall=max(Fraction(0), more), lane_sync=min(Fraction(0), more))
    return replace(free, cycles=free.cycles + late)


def _timing(job: Job, ranges: list[PassCounts]) -> Schedule:
    """The closed form, every row free."""
    lanes = job.rows * job.widths.lanes
    digits, busy, steps, empty, padded = (
        sum(getattr(p, name) for p in ranges)
        for name in ("digits", "busy", "steps", "empty", "padded")
    )
    spent = sum(int(p.edges.sum()) for p in ranges)
    tail = job.m_tiles * sum(pass_tail(job, stop == job.k) for _, stop in passes(job))
    useful, gaps, edge = (Fraction(x, lanes) for x in (digits, empty, padded))
    cycles = Cycles(
        useful=useful,
        empty_group=gaps,
        edge=edge,
        lane_sync=spent - tail - useful - gaps - edge,
        fill_drain=Fraction(tail),
    )
    load = Fraction(_load_cycles(job, [p.edges for p in ranges]))
    total = cycles * job.n_tiles + Cycles(load=load)
    return Schedule(total, *(count * job.n_tiles for count in (digits, busy, steps)))


def pass_tail(job: Job, flush: bool) -> int:
    """Cycles of a pass that are not its rows' steps: pipeline, drain, C's register."""
    tail = TAIL + job.pe.finish_latency(job.params)
    return first_held(job.pe) + job.rows + tail - (not flush)


def _load_cycles(job: Job, edges: list[Ints]) -> int:
    """Cycles in which the array waits for B, over all tiles; `edges` as in `PassCounts`."""
    sizes = [stop - start for start, stop in passes(job)]
    often = job.m_tiles if len(sizes) > 1 else 1
    if job.params["overlap"] == Overlap.NONE:
        return sum(sizes) * often * job.n_tiles
    exposed = cycle = sizes[0]
    loaded = 0  # the first cycle in which B of the next loading pass is there
    for m in list(range(job.m_tiles)) * job.n_tiles:
        for i, spent in enumerate(edges):
            if len(sizes) > 1 or m == 0:
                exposed += max(0, loaded - cycle)
                cycle = max(cycle, loaded)  # the pass takes its bank, the other one loads
                loaded = cycle + 1 + sizes[(i + 1) % len(sizes)]
            cycle += int(spent[m])
    return exposed


def row_pass(job: Job, start: int, stop: int) -> PassCounts:
    """The steps of all rows in one range of K."""
    flags, popcount = _tables(job)
    group, planes, lanes = job.pe.group, job.widths.digits, job.widths.lanes
    groups = -(-(stop - start) // group)
    rounds = -(-groups // lanes)
    padded = (rounds * lanes - groups) * planes * job.m_tiles * job.rows
    of_rows = partial(_of_rows, job, start, stop)
    turn = turns(job.pe)
    free = turn == NEVER or (turn != LINE and rounds >= job.rows)
    if lanes == 1 and free:  # a slot, if there are any, comes before the next plane is whole
        counts = of_rows(row_steps, flags, popcount, group, planes)
        meets = counts.sum(axis=1) + first_held(job.pe)
        busy, spent = int(counts[:, 0].sum()), int(counts.sum())
    else:
        fields = sum(((flags >> p) & 1) << (FIELD * p) for p in range(planes))
        if lanes == 1:
            steps = of_rows(lone_steps, fields, group, planes)
        else:
            steps = of_rows(plane_steps, fields, group, planes, lanes)
        spans = np.ascontiguousarray(steps[:, 0])
        waits = compiled(line_meets if turn == LINE else row_meets)
        held = first_held(job.pe)
        meets = spans.sum(axis=1) + held if free else waits(spans, job.rows, held)
        spent, busy = (int(x) for x in steps.sum(axis=(0, 2)))
    digits, empty = busy, spent - busy  # of a lone lane each step is a digit's or an empty group's
    if lanes > 1:
        counts = of_rows(row_steps, flags, popcount, group, planes)
        digits, empty = (int(x) for x in counts.sum(axis=0))
    tail = pass_tail(job, stop == job.k) - first_held(job.pe)
    edges = np.asarray(meets).reshape(job.m_tiles, job.rows).max(axis=1) + tail
    return PassCounts(edges, digits, busy, spent, empty, padded)


def _of_rows(job: Job, start: int, stop: int, work: Any, *arguments: Any) -> Ints:
    """What a kernel counts in each row of A, and in the rows of zeros that fill the last tile.

    Counted once for all jobs with the same A: sizes of arrays share it.
    """

    def counted() -> Ints:
        codes = np.pad(row_codes(replace(job, rows=1), start, stop), ((0, 1), (0, 0)))
        step = max(1, CHUNK // codes.shape[1])
        parts = [codes[i : i + step] for i in range(0, len(codes), step)]
        return in_threads(compiled(work), parts, *arguments)

    facts = (work, start, stop, job.widths.a, str(job.params["encoder"]), job.pe.group)
    key = None if job.source is None else (job.source, *facts, job.widths.lanes)
    counts = shared(key, counted)
    zeros = job.m_tiles * job.rows - job.m
    return np.concatenate([counts[:-1], np.repeat(counts[-1:], zeros, axis=0)])


def _drifting(job: Job, free: Schedule) -> Schedule:
    """The same with rows that may lead by `drift` groups only: what that adds is lane_sync."""
    spent = [_drifting_edges(job, start, stop) for start, stop in passes(job)]
    load = Fraction(_load_cycles(job, spent))
    total = sum(int(x.sum()) for x in spent) * job.n_tiles + load
    fifo = Fraction(job.tiles * len(spent))  # a cycle from the FIFO's one end to the other
    cycles = replace(free.cycles, load=load) + Cycles(fill_drain=fifo)
    return replace(free, cycles=cycles + Cycles(lane_sync=total - cycles.total))


def _drifting_edges(job: Job, start: int, stop: int) -> Ints:
    """Cycles of every tile's pass over one range of K, without loading."""
    costs = range_costs(job, start, stop)
    return drifting_edges(job, costs, pass_tail(job, stop == job.k) - first_held(job.pe))


def pass_edges(job: Job, free: PassCounts, start: int, stop: int) -> Ints:
    """Cycles of every tile's pass over one range of K, rows free or not; `free` is the range's."""
    return _drifting_edges(job, start, stop) if job.params["drift"] > 0 else free.edges


def range_costs(job: Job, start: int, stop: int) -> Ints:
    """Steps of every group in one range of K: (rows, lanes, planes, rounds), int16.

    Planes as they come.
    """
    codes = row_codes(job, start, stop)
    flags, _ = _tables(job)
    group, planes, lanes = job.pe.group, job.widths.digits, job.widths.lanes
    pad = -codes.shape[1] % (group * lanes)
    nonzero = np.pad(flags[codes], ((0, 0), (0, pad)))[:, :, None] >> np.arange(planes) & 1
    counts = nonzero.reshape(len(codes), -1, lanes, group, planes).sum(axis=3)
    if job.pe.falling:
        counts = counts[..., ::-1]
    return np.ascontiguousarray(np.maximum(1, counts).transpose(0, 2, 3, 1), np.int16)


def passes(job: Job) -> list[tuple[int, int]]:
    """The ranges of K that the passes of one output tile take."""
    depth = job.widths.depth
    return [(start, min(start + depth, job.k)) for start in range(0, job.k, depth)]


def _tables(job: Job) -> tuple[Ints, Ints]:
    """`flags` by operand and `popcount` by union, as `row_steps` reads them."""
    masks = encoding(str(job.params["encoder"])).nonzero_masks(job.widths.a).astype(np.int64)
    popcount = np.array([i.bit_count() for i in range(1 << job.widths.digits)], np.int64)
    return masks | (popcount[masks] << 32), popcount


def row_codes(job: Job, start: int, stop: int) -> Ints:
    """A (M padded to whole tiles, stop - start) as unsigned indices; padded rows are zero."""
    bits = job.widths.a
    stored = next(size for size in (8, 16, 32) if bits <= size)
    a = np.ascontiguousarray(job.a[:, start:stop], f"int{stored}")
    index: Ints = a.view(f"uint{stored}")
    if bits != stored:
        index = index & ((1 << bits) - 1)
    pad = job.m_tiles * job.rows - job.m
    return np.pad(index, ((0, pad), (0, 0))) if pad else index


def in_threads(work: Any, parts: list[Ints], *arguments: Any) -> Ints:
    """A kernel over the parts of a matrix, its results stacked; kernels release the GIL."""
    if len(parts) == 1:
        return np.asarray(work(parts[0], *arguments))
    with ThreadPoolExecutor(THREADS) as pool:
        return np.concatenate(list(pool.map(lambda part: work(part, *arguments), parts)))
