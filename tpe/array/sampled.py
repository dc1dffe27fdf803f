"""Cycles of operands that are too many to make: tiles are sampled, and scaled to the whole.

Where the steps of a PE depend on its operands, and every value of them is drawn on its own, whole
output tiles are drawn and their cycles counted by the rule of `free_rows`, `windowed`, `lockstep`:
rows meet once per tile or more often, so that its cycles are those of its slowest rows, which no
mean of digits gives.
Tiles of fewer rows at the end of M, and the last operands of K, are sampled by themselves.

`standard_error` is that of the estimate against the cycles of one set of such operands: what the
sample leaves open, and what tiles that were not sampled scatter by. With N tiles of standard
deviation s, of which n are sampled, it is s sqrt(N^2 / n + N). Tiles of PEs that look at both
operands share rows of A and columns of B: there N is times the longer side in tiles, at most.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import sqrt

import numpy as np

from tpe.array.base import TERMS, Cycles, Job, Overlap, Schedule
from tpe.array.free_rows import PassCounts, pass_edges, pass_tail, passes, row_pass
from tpe.array.kept import Behind, behind
from tpe.array.lockstep import SETTLED, TileSteps, pace_of, pair_tile, row_tiles, tile_cycles
from tpe.array.windowed import between, column_terms, tile_counts
from tpe.base.errors import TpeError
from tpe.base.shared import shared
from tpe.numbers.operands import Ints

OPERANDS = 1 << 22  # about as many are drawn for one kind of tile
PAIRS = 1 << 26  # ... and as many pairs of them, where both operands count
LONGEST = 1 << 24  # operands of A in a tile whose rows meet at groups of K
FEWEST, MOST = 16, 1024  # tiles of a kind

Draw = Callable[[int, int, int], Ints]
"""(rows, K, stream) to operands of that shape, apart for every stream."""


@dataclass(frozen=True)
class Estimate:
    """The timing as estimated, and the standard error of its cycles; None if they are exact."""

    timing: Schedule
    standard_error: float | None


def sampled_timing(job: Job, draw_a: Draw, draw_b: Draw | None) -> Estimate:
    """Cycles of a job whose operands are not known; `job.a` and `job.b` are not read.

    draw_a: rows of the encoded operand. draw_b: columns of the other one, read by PEs whose steps
    depend on both.
    """
    if job.pe.sparse:
        return _Sparse(job, draw_a).estimate()
    if job.pe.grouped:
        return _grouped(job, draw_a)
    return _stepped(job, draw_a, draw_b)


def _whole(cycles: Cycles) -> Cycles:
    """The same with a whole number of cycles: the fraction goes to the largest term."""
    total = sum((getattr(cycles, term) for term in TERMS), Fraction(0))
    largest = max(TERMS, key=lambda term: getattr(cycles, term))
    return replace(cycles, **{largest: getattr(cycles, largest) + round(total) - total})


def _strata(size: int, tile: int) -> list[tuple[int, int]]:
    """(length, how often) of whole tiles, and of the rest at the end."""
    found = [(tile, size // tile), (size % tile, 1)]
    return [(length, times) for length, times in found if length and times]


def _spread(samples: Ints, tiles: int, shared: int = 1) -> float:
    """Variance of the estimate of a sum over so many tiles; see the module."""
    if samples.size < 2:
        return 0.0
    return float(np.var(samples, ddof=1)) * (tiles**2 / samples.size + tiles * shared)


def _sample_key(job: Job, *facts: object) -> Hashable:
    """What a sample of A is shared by; None where nobody knows what A is."""
    if job.source is None:
        return None
    return (job.source, job.pe.name, job.params, job.widths, job.rows, facts)


# ---- rows that run free ----


class _Sparse:
    """Sums over the kinds of passes, of one column of tiles."""

    def __init__(self, job: Job, draw: Draw) -> None:
        self.job, self.draw = job, draw
        self.depth = job.widths.depth
        self.earlier = (job.k - 1) // self.depth  # passes of whole `depth` before the last
        self.last = job.k - self.earlier * self.depth
        self.spent = self.digits = self.busy = self.steps = Fraction(0)
        self.empty = self.padded = self.tail = self.exposed = Fraction(0)
        self.variance = 0.0

    def estimate(self) -> Estimate:
        job = self.job
        kinds = _strata(job.m, job.rows)
        for stream, (rows, tiles) in enumerate(kinds):
            self._kind(rows, tiles, stream, stream == len(kinds) - 1)
        lanes = job.rows * job.widths.lanes
        useful, gaps, edge = (x / lanes for x in (self.digits, self.empty, self.padded))
        fifo = job.m_tiles * (self.earlier + 1) if job.params["drift"] > 0 else 0
        waiting = self.spent - self.tail - fifo - useful - gaps - edge
        once = Cycles(useful, gaps, waiting, edge, self.tail + fifo)
        cycles = _whole(once * job.n_tiles + Cycles(load=self._load()))
        counts = (round(x * job.n_tiles) for x in (self.digits, self.busy, self.steps))
        return Estimate(Schedule(cycles, *counts), job.n_tiles * sqrt(self.variance))

    def _kind(self, rows: int, tiles: int, stream: int, final: bool) -> None:
        """Add the tiles of so many rows of A; `final`: the last of all tiles is among them."""
        job = self.job
        k = self.last + (self.depth if self.earlier else 0)
        chunk = max(1, OPERANDS // (job.rows * k))  # tiles that are drawn at once
        count = min(MOST, max(FEWEST, chunk))
        edges: dict[bool, list[Ints]] = {}  # by whether K ends with the pass
        for i, start in enumerate(range(0, count, chunk)):
            now = min(chunk, count - start)
            for end, found, spent in self._passes(now, rows, k, stream + 2 * i):
                weight = Fraction(tiles * (1 if end == k else self.earlier), count)
                for name in ("digits", "busy", "steps", "empty", "padded"):
                    setattr(self, name, getattr(self, name) + weight * getattr(found, name))
                edges.setdefault(end == k, []).append(spent)
        for flush, parts in edges.items():
            times = tiles * (1 if flush else self.earlier)
            cycles = np.concatenate(parts)
            self.spent += Fraction(times, count) * int(cycles.sum())
            self.tail += times * pass_tail(job, flush)
            self.variance += _spread(self._with_load(cycles, tiles, flush, final), times)

    def _passes(
        self, tiles: int, rows: int, k: int, stream: int
    ) -> list[tuple[int, PassCounts, Ints]]:
        """The end of every pass of so many tiles that are drawn, its counts and its cycles.

        Arrays with as many rows share them: they see one column of tiles.
        """
        job = self.job

        def drawn() -> list[tuple[int, PassCounts, Ints]]:
            a = self.draw(tiles * job.rows, k, stream)
            a.reshape(tiles, job.rows, k)[:, rows:] = 0
            sample = replace(job, a=a, m=len(a), k=k, n=job.cols, source=None)
            counts = [(begin, end, row_pass(sample, begin, end)) for begin, end in passes(sample)]
            return [(end, one, pass_edges(sample, one, begin, end)) for begin, end, one in counts]

        return shared(_sample_key(job, tiles, rows, k, stream), drawn)

    def _with_load(self, edges: Ints, tiles: int, flush: bool, final: bool) -> Ints:
        """Cycles of passes with what the next one then waits for its B; adds the waiting."""
        if self.job.params["overlap"] == Overlap.NONE or not self.earlier:
            return edges
        times = tiles * self.job.n_tiles
        after = [(self.depth, times * (self.earlier - 1)), (self.last, times)]
        if flush:  # nothing follows the last pass of all
            after = [(self.depth, times - final)]
        for size, often in after:
            waits = int(np.maximum(0, 1 + size - edges).sum())
            self.exposed += Fraction(often, len(edges)) * waits
        return np.maximum(edges, 1 + after[0][0])

    def _load(self) -> Fraction:
        """Cycles in which the array waits for B, over all tiles: as `free_rows` counts them."""
        job = self.job
        if job.params["overlap"] == Overlap.NONE:
            return Fraction(job.k * (job.m_tiles if self.earlier else 1) * job.n_tiles)
        if self.earlier:
            return self.depth + self.exposed
        return job.k + (job.n_tiles - 1) * max(Fraction(0), 1 + job.k - self.spent)


# ---- rows that meet at groups of K, within a window ----


def _grouped(job: Job, draw: Draw) -> Estimate:
    """Tiles of whole K, of as many rows as the array has and of those at the end of M.

    TpeError where not one tile can be drawn.
    """
    if job.rows * job.k > LONGEST:
        most = LONGEST // job.rows
        raise TpeError(f"K = {job.k} is too long for tiles of {job.rows} rows; legal: {most}")
    total, variance = [Fraction(0)] * 5, 0.0
    chunk = max(1, OPERANDS // (job.rows * job.k))  # tiles that are drawn at once
    count = min(MOST, max(FEWEST, chunk))
    for stream, (rows, tiles) in enumerate(_strata(job.m, job.rows)):
        found = []
        for i, start in enumerate(range(0, count, chunk)):
            now = min(chunk, count - start)
            a = draw(now * job.rows, job.k, stream + 2 * i)
            a.reshape(now, job.rows, job.k)[:, rows:] = 0
            found.append(tile_counts(replace(job, a=a, m=len(a))))
        counts = np.concatenate(found)
        sums = counts.sum(axis=0)
        total = [x + Fraction(tiles * int(y), count) for x, y in zip(total, sums, strict=True)]
        variance += _spread(counts[:, 0] + counts[:, 4], tiles)
    end, digits, steps, empty, delay = total
    once = column_terms(job, end, digits, empty) + Cycles(fill_drain=delay)
    cycles = _whole(once * job.n_tiles + between(job))
    seen = (round(x * job.n_tiles) for x in (digits, steps - empty, steps))
    return Estimate(Schedule(cycles, *seen), job.n_tiles * sqrt(variance))


# ---- arrays that wait for the slowest PE ----


def _stepped(job: Job, draw_a: Draw, draw_b: Draw | None) -> Estimate:
    pairs = pace_of(job).depends == "pairs"
    lanes = job.widths.lanes
    columns = _strata(job.n, job.cols) if pairs else [(job.cols, job.n_tiles)]
    total, variance, stream = Cycles(), 0.0, 0
    for rows, down in _strata(job.m, job.rows):
        for cols, across in columns:
            for length, groups in _strata(job.k, lanes):
                stream += 1
                sampled = min(groups, max(1, 1024 // lanes))
                sample = replace(job, a=None, b=None, k=sampled * length)
                steps, mean = _tiles(sample, rows, cols, stream, draw_a, draw_b if pairs else None)
                cells = down * groups
                total += _times(mean, Fraction(cells * across, sampled))
                if pairs:
                    variance += _spread(steps, cells * across, max(down, across))
                else:
                    variance += _spread(steps, cells) * across**2
    after = behind(job, SETTLED + job.pe.latency(job.params))
    waits = _waits(job, after, stream + 1, draw_a, draw_b if pairs else None)
    between = Fraction(int(waits.sum()), len(waits)) * (job.tiles - 1)
    variance += _spread(waits, job.m_tiles) * job.n_tiles**2
    exact = pace_of(job).depends == "nothing"
    timing = Schedule(_whole(total + Cycles(fill_drain=between + after.tail)))
    return Estimate(timing, None if exact else sqrt(variance))


def _waits(job: Job, after: Behind, stream: int, draw_a: Draw, draw_b: Draw | None) -> Ints:
    """Cycles without a step that a tile brings: one number if it has steps enough, else samples."""
    groups = -(-job.k // job.widths.lanes)
    if after.waits(groups - 1) == after.gap:  # a group takes a cycle at least
        return np.array([after.gap])
    found = _drawn(job, job.rows, job.cols, stream, draw_a, draw_b)
    return np.array([after.waits(tile.earlier) for tile in found])


def _tiles(
    sample: Job, rows: int, cols: int, stream: int, draw_a: Draw, draw_b: Draw | None
) -> tuple[Ints, Cycles]:
    """Slowest PE's cycles of every group, and the mean terms of a tile's steps."""
    found = _drawn(sample, rows, cols, stream, draw_a, draw_b)
    total = sum((tile_cycles(sample, tile) for tile in found), Cycles())
    steps = np.concatenate([tile.slowest for tile in found])
    return steps, _times(total, Fraction(1, len(found)))


def _drawn(
    job: Job, rows: int, cols: int, stream: int, draw_a: Draw, draw_b: Draw | None
) -> list[TileSteps]:
    """Tiles of operands that are drawn, of `rows` and `cols` of them; the rest are zeros."""
    size = job.rows * job.k
    count = min(MOST, max(FEWEST, OPERANDS // size))
    if draw_b is not None:
        count = min(count, max(FEWEST, PAIRS // (size * job.cols)))

    def drawn() -> Ints:
        a = draw_a(count * job.rows, job.k, 2 * stream).reshape(count, job.rows, job.k)
        a[:, rows:] = 0
        return a

    if draw_b is None:
        key = _sample_key(job, count, rows, job.k, stream)
        whole = replace(job, m=count * job.rows, source=None)
        return shared(key, lambda: list(row_tiles(replace(whole, a=drawn().reshape(-1, job.k)))))
    a = drawn()
    b = draw_b(count * job.cols, job.k, 2 * stream + 1).reshape(count, job.cols, job.k)
    b[:, cols:] = 0
    return [pair_tile(job, one, other) for one, other in zip(a, b, strict=True)]


def _times(cycles: Cycles, factor: Fraction) -> Cycles:
    return Cycles(*(getattr(cycles, term) * factor for term in TERMS))
