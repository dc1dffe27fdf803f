"""Timing of PEs whose rows take the digits of a group of K and meet at groups, within a window.

A row works on a group for max(1, ceil(digits / lanes)) cycles, digits that are not zero, of all bit
weights. With a window of d it begins group g when it has ended g - 1 and every row has ended
g - 1 - d: 0 is lock-step. K is zero-padded to whole groups. Let `end` be the cycles until every
row has ended the last group; the tile takes end + rows + 4 and a cycle a stage, and tiles follow
one another, or overlap: see `kept`. Rows meet at the end of a tile in any case.

The terms are averages over rows: `useful` their digits by the lanes of a cell, `empty_group` the
one cycle of a group without a digit, `lane_sync` the rest of `end`: waiting for the slowest row,
and a lane that has no digit left. Zeros that pad K cost nothing.

A hesitant source or sink is walked, cycle by cycle. A beat is taken when every row has room for a
group beside the `window` that may wait in it, or when a stage before the rows has.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from tpe.array.base import ALWAYS, Cycles, Handshake, Job, Overlap, Schedule
from tpe.array.free_rows import CHUNK, in_threads, row_codes
from tpe.array.kept import Behind, behind
from tpe.base.jit import compiled, kernel
from tpe.numbers.digits import encoding
from tpe.numbers.operands import Ints

SETTLED = 2  # cycles from the end of a tile's last step to the edge that reads its first row


@kernel()
def tile_ends(
    codes: Ints, digits: Ints, rows: int, group: int, lanes: int, window: int, least: int
) -> Ints:
    """Of every tile: cycles until its end, digits, steps of rows, groups without a digit, a delay.

    codes (tiles * rows, K) index `digits`, the non-zero digits of an operand. (tiles, 5); steps
    and groups of all rows are added up. The delay is that of the end of a tile whose last beat
    comes `least` cycles behind its first, or later.
    """
    tiles, k = codes.shape[0] // rows, codes.shape[1]
    groups = -(-k // group)
    out = np.zeros((tiles, 5), np.int64)
    slowest = np.zeros(groups + window + 1, np.int64)  # [g + window + 1]: when all have ended g
    costs = np.zeros((rows, groups), np.int64)
    for tile in range(tiles):
        ended = np.zeros(rows, np.int64)
        slowest[:] = 0
        for r in range(rows):
            row = codes[tile * rows + r]
            for g in range(groups):
                count = 0
                for i in range(g * group, min(k, (g + 1) * group)):
                    count += digits[row[i]]
                steps = (count + lanes - 1) // lanes
                out[tile, 1] += count
                out[tile, 3] += steps == 0
                costs[r, g] = max(1, steps)
                out[tile, 2] += costs[r, g]
        for g in range(groups):
            opens = slowest[g]  # all rows have ended group g - 1 - window
            for r in range(rows):
                if g == groups - 1:
                    late = max(ended[r], opens, least) + costs[r, g]
                    out[tile, 4] = max(out[tile, 4], late)
                ended[r] = max(ended[r], opens) + costs[r, g]
                slowest[g + window + 1] = max(slowest[g + window + 1], ended[r])
        out[tile, 0] = slowest[groups + window]
        out[tile, 4] -= out[tile, 0]
    return out


@kernel()
def walked(
    costs: Ints, turns: int, stages: tuple[int, ...], after: tuple[int, ...], hands: tuple[int, ...]
) -> tuple[int, int]:
    """Cycles of tiles under a handshake, from the first beat to the last word; that word's cycle.

    costs (tiles, rows, groups): steps of every group; all tiles come `turns` times. stages: the
    window; what a beat passes before the rows have it; behind the drain; whether a tile begins when
    the words before have left. after: from the end of a tile's last step, cycles to the drain's
    first word, and those without a beat, and without the last one. A word that waits freezes the
    array; `cycle` counts all cycles, `now` those in which it is enabled. hands: when the source is
    idle and the sink busy; whether words go to a register, which keeps one until the sink is not.
    """
    window, ahead, behind_drain, alone = stages
    (first, gap, apart), (idle, busy, registered) = after, hands
    tiles, rows, groups = costs.shape
    total = turns * tiles
    words = np.zeros(total, np.int64)  # when the first one of each tile comes
    ended = np.zeros(rows, np.int64)  # groups of the tile that the row has ended
    left = np.zeros(rows, np.int64)  # steps of the group in work, with this cycle's
    full = np.zeros(ahead + 1, np.bool_)  # stages that have a beat, the last one before the rows
    cycle, now, started = 0, 0, -1
    tile, taken, entered = 0, 0, 0  # the tile in work; its beats in the rows; all beats
    opens, last_opens = 0, 0
    leaving, row = 0, 0  # the tile whose words come, and the next one of them
    waiting, gone = 0, 0  # words behind the drain; those that have left
    kept = False  # by the register behind the array
    while gone < total * rows:
        earlier, sink = gone, not (busy >> (cycle & 31)) & 1
        kept = kept and not sink
        sink = not kept if registered == 1 else sink
        due = leaving < tile and now == words[leaving] + row
        frozen, leaves, waiting = words_behind(behind_drain, waiting, due, sink)
        gone += leaves
        kept = kept or (registered == 1 and leaves)
        cycle += 1
        if frozen:
            continue
        if due:
            row += 1
            if row == rows:
                leaving, row = leaving + 1, 0
        worked(left, ended)
        if tile < total and ended.min() == groups:
            words[tile] = now + first
            opens, last_opens = now + gap, now + apart
            tile, taken = tile + 1, 0
            ended[:] = 0
        room = tile < total and taken < groups and taken - ended.min() <= window
        if not alone:
            room = room and now >= opens and (taken < groups - 1 or now >= last_opens)
        comes = entered < total * groups and not (idle >> ((cycle - 1) & 31)) & 1
        comes = comes and (not alone or earlier == entered // groups * rows)
        beat = passed(full, ahead, comes, room)
        if beat and started < 0:
            started = cycle - 1
        entered += beat
        taken += full[ahead]
        begun(costs[tile % tiles], left, ended, taken)
        now += 1
    return cycle - started, cycle - 1


@kernel()
def worked(left: Ints, ended: Ints) -> None:
    """A cycle of every row that is at work on a group: steps left of it, and groups ended."""
    for r in range(len(left)):
        if left[r] > 0:
            left[r] -= 1
            ended[r] += left[r] == 0


@kernel()
def begun(costs: Ints, left: Ints, ended: Ints, taken: int) -> None:
    """Rows without work begin the next group that is there; costs (rows, groups): its steps."""
    for r in range(len(left)):
        if left[r] == 0 and ended[r] < taken:
            left[r] = costs[r, ended[r]]


@kernel()
def words_behind(stages: int, waiting: int, due: bool, sink: bool) -> tuple[bool, bool, int]:
    """Whether the drain's word that is due freezes the array, whether one leaves, how many wait.

    A stage behind the drain has room for a word and for one that would freeze the array.
    """
    if stages == 0:
        return due and not sink, due and sink, 0
    frozen, leaves = due and waiting == 2, sink and waiting > 0
    return frozen, leaves, waiting + int(due and not frozen) - int(leaves)


@kernel()
def passed(full: Any, ahead: int, comes: bool, room: bool) -> bool:
    """Beats go on by a stage; whether the first one takes what comes.

    full[:ahead] says which stages have a beat; full[ahead] becomes whether the rows take one.
    """
    if ahead == 0:
        full[0] = comes and room
        return bool(full[0])
    goes = full[ahead - 1] and room  # what is behind a stage takes what it has
    full[ahead] = goes
    for s in range(ahead - 1, -1, -1):
        goes = goes or not full[s]
        if goes:
            full[s] = comes if s == 0 else full[s - 1]
    return bool(goes and comes)


def grouped_timing(job: Job, handshake: Handshake) -> Schedule:
    """Cycles of such a PE in matrix2d; exactly the RTL's."""
    found = tile_counts(job)
    end, digits, steps, empty, delay = (int(x) for x in found.sum(axis=0))
    cycles = column_terms(job, end, digits, empty) * job.n_tiles
    cycles += Cycles(fill_drain=Fraction(delay * job.n_tiles - int(found[0, 4])))
    cycles += between(job)
    if handshake != ALWAYS:
        total = walked_cycles(job, handshake)
        cycles += Cycles(stall=Fraction(total - cycles.total))
    counts = (digits, steps - empty, steps)
    return Schedule(cycles, *(count * job.n_tiles for count in counts))


def tile_counts(job: Job) -> Ints:
    """What `tile_ends` says of every tile of one column of tiles: (tiles, 5)."""
    codes, digits = row_codes(job, 0, job.k), _digit_counts(job)
    many = max(1, CHUNK // (job.rows * job.k)) * job.rows
    parts = [codes[i : i + many] for i in range(0, len(codes), many)]
    least = max(0, job.rows - 1 - after_tile(job).gap)
    facts = job.rows, job.pe.group, job.widths.lanes, job.pe.window, least
    return in_threads(compiled(tile_ends), parts, digits, *facts)


def column_terms(
    job: Job, end: int | Fraction, digits: int | Fraction, empty: int | Fraction
) -> Cycles:
    """Where the cycles of the steps of one column of tiles go, from the sums of `tile_counts`."""
    useful, gaps = Fraction(digits) / (job.rows * job.widths.lanes), Fraction(empty) / job.rows
    return Cycles(useful=useful, empty_group=gaps, lane_sync=end - useful - gaps)


def after_tile(job: Job) -> Behind:
    """What follows a tile's last step: registers of cell and finish, then the next tile.

    Where tiles do not overlap, the stages that a beat passes before the rows have it are in `gap`.
    """
    pe = job.pe
    after = behind(job, SETTLED + pe.latency(job.params))
    more = _word_stages(job)
    apart = more + pe.ahead if _alone(job) else 0
    return replace(after, first=after.first + more, gap=after.gap + apart)


def between(job: Job) -> Cycles:
    """Cycles without a beat between tiles, ahead of the first one and behind the last one."""
    after = after_tile(job)
    return Cycles(fill_drain=Fraction(job.pe.ahead + after.gap * (job.tiles - 1) + after.tail))


def walked_cycles(job: Job, handshake: Handshake) -> int:
    """Cycles of the job, stepped through."""
    counts = _digit_counts(job)[row_codes(job, 0, job.k)]
    padded = np.pad(counts, ((0, 0), (0, -job.k % job.pe.group)))
    found = padded.reshape(job.m_tiles, job.rows, -1, job.pe.group).sum(axis=3)
    costs = np.ascontiguousarray(np.maximum(1, -(-found // job.widths.lanes)))
    after, more = after_tile(job), _word_stages(job)
    stages = job.pe.window, job.pe.ahead, more, int(_alone(job))
    waits = after.first - more, after.gap, max(after.gap, job.rows - 1)
    facts = job.n_tiles, stages, waits
    hands = handshake.idle, handshake.busy, int(handshake.registered)
    cycles, last = compiled(walked)(costs, *facts, hands)
    handshake.sink(int(last))  # a register behind the array notes when that word leaves it
    return int(cycles)


def _alone(job: Job) -> bool:
    """Whether a tile begins when the words of the one before have left."""
    return bool(job.params.get("overlap", Overlap.NONE) == Overlap.NONE)


def _word_stages(job: Job) -> int:
    """Registers behind those of the drain, which words pass."""
    return min(1, int(job.params["finish_stages"]) - 1)


def _digit_counts(job: Job) -> Ints:
    """Non-zero digits of an operand, by its unsigned code."""
    masks = encoding(str(job.params["encoder"])).nonzero_masks(job.widths.a)
    return np.bitwise_count(masks).astype(np.int64)
