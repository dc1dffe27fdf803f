"""Timing of PEs whose steps last several cycles, in a broadcast array that waits for the slowest.

A step is a group of `lanes` operands of K, for every output of a tile at once. A PE works on it
for as many cycles as its pace says, `LockStep.cycles`, at least one; the operands of
the next step come when every PE of the array is done. So a tile takes the sum over its groups of
the slowest PE's cycles, then rows + cell latency + 3 cycles, as a dense PE's does; or, where tiles
overlap, what `kept` says.

The terms are averages over the array's PEs: `useful` is what a PE itself worked, `empty_group` the
one cycle of a group without work, `lane_sync` its waiting for the slowest PE. Lanes within a PE
that wait for each other are work of the PE. Where every operand costs the same, the share of the
zeros that pad K to a whole group is `edge`; where zeros are skipped they cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tpe.array.base import ALWAYS, Cycles, Handshake, Job, Schedule
from tpe.array.kept import behind, walk
from tpe.numbers.operands import Ints
from tpe.pe.paces import LockStep

SETTLED = 1  # cycles from a tile's last step to the edge that reads its first row, without stages
CHUNK = 1 << 18  # operands whose steps are worked out at once


@dataclass(frozen=True)
class TileSteps:
    """The groups of one output tile: the slowest PE's cycles of each, and sums over the tile's PEs.

    slowest (groups,): cycles, 1 or more. work: cycles that PEs worked. last_work: those of them in
    the last group. empty: groups without work.
    """

    slowest: Ints
    work: int
    last_work: int
    empty: int

    @property
    def earlier(self) -> int:
        """Cycles of all groups before the last one."""
        return int(self.slowest[:-1].sum())


def stepped_timing(job: Job, handshake: Handshake) -> Schedule:
    """Cycles of a lock-step PE in matrix2d; exactly the RTL's."""
    after = behind(job, SETTLED + job.pe.latency(job.params))
    tiles = list(_tiles(job))
    waits = [after.waits(tile.earlier) for tile, _ in tiles]
    between = sum(cycles * times for cycles, (_, times) in zip(waits, tiles, strict=True))
    cycles = Cycles(fill_drain=Fraction(between - waits[0] + after.tail))
    cycles = sum((tile_cycles(job, tile) * times for tile, times in tiles), cycles)
    if handshake == ALWAYS:
        return Schedule(cycles)
    total = walk(_in_order(job, tiles), after, handshake, job.registered_stall)
    return Schedule(cycles + Cycles(stall=Fraction(total - cycles.total)))


def pace_of(job: Job) -> LockStep:
    """The pace of a job's PE, which is in lock-step here."""
    pace = job.pe.pace
    assert isinstance(pace, LockStep), f"{job.pe.name} is not in lock-step"
    return pace


def tile_cycles(job: Job, tile: TileSteps) -> Cycles:
    """Where the cycles of a tile's steps go."""
    pace = pace_of(job)
    pes = job.rows * (job.cols if pace.depends == "pairs" else 1)
    steps = int(tile.slowest.sum())
    padding = -job.k % job.widths.lanes if pace.depends == "nothing" else 0
    edge = Fraction(tile.last_work * padding, pes * job.widths.lanes)
    work, empty = Fraction(tile.work, pes), Fraction(tile.empty, pes)
    return Cycles(
        useful=work - edge,
        empty_group=empty,
        lane_sync=steps - work - empty,
        edge=edge,
    )


def _tiles(job: Job) -> Iterator[tuple[TileSteps, int]]:
    """Every tile, N outermost, and how often it comes: steps of A alone are the same for all N."""
    if pace_of(job).depends != "pairs":
        for tile in row_tiles(job):
            yield tile, job.n_tiles
        return
    a = _padded(job.a, job.m_tiles * job.rows)
    b = _padded(job.b.T, job.n_tiles * job.cols)
    for n in range(0, len(b), job.cols):
        for m in range(0, len(a), job.rows):
            yield pair_tile(job, a[m : m + job.rows], b[n : n + job.cols]), 1


def pair_tile(job: Job, a: Ints, b: Ints) -> TileSteps:
    """The tile of `rows` rows of A, (rows, K), and `cols` columns of B, (cols, K)."""
    slowest, work, empty = pace_of(job).cycles(a, b.T, job.widths, job.params)
    return TileSteps(np.maximum(1, slowest), int(work.sum()), int(work[-1]), int(empty.sum()))


def row_tiles(job: Job) -> Iterator[TileSteps]:
    """The tiles of one column of tiles, from the steps of the rows of A."""
    cycles = pace_of(job).cycles
    a = _padded(job.a, job.m_tiles * job.rows)
    many = max(1, CHUNK // (job.rows * job.k)) * job.rows
    for start in range(0, len(a), many):
        work = cycles(a[start : start + many], job.widths, job.params)
        by_tile = work.reshape(-1, job.rows, work.shape[-1])
        for tile in by_tile:
            yield TileSteps(
                np.maximum(1, tile.max(axis=0)),
                int(tile.sum()),
                int(tile[:, -1].sum()),
                int((tile == 0).sum()),
            )


def _padded(x: Ints, rows: int) -> Ints:
    """X with rows of zeros up to `rows`: they fill the last tile, and cost what zeros cost."""
    return np.pad(x, ((0, rows - len(x)), (0, 0))) if rows > len(x) else x


def _in_order(job: Job, tiles: list[tuple[TileSteps, int]]) -> Iterator[list[int]]:
    """The cycles of each group of every tile; those of A alone come once for each tile of N."""
    turns = 1 if pace_of(job).depends == "pairs" else job.n_tiles
    for _ in range(turns):
        yield from (tile.slowest.tolist() for tile, _ in tiles)
