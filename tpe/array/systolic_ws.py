"""Weight-stationary systolic array: B stays in the cells, rows of A stream, psums pass down.

A pass is one tile of B, `rows` x `lanes` of K by `cols` of N: load it, a row of cells a beat,
stream rows of A, let the last psum leave. Tiles of N are outermost, then blocks of M, then tiles of
K; a column's psum buffer holds `psum_depth` rows, and so has a block if K takes more than one tile
(docs/decisions/0004). Let the first row of A be accepted at edge 0: row i leaves the array at edge
i + rows + cols + latency + 1, into the psum buffer, or one edge later as a word of C, which ends
the pass. With `overlap` = load the tile of the next pass is shifted in from edge rows + cols - 1,
when the last cell has taken its own weight; the next pass waits for it. With `overlap` = stream the
next pass's rows follow those of the one before, besides: a row whose psum returns waits until it is
in the buffer and can be read, rows + 3 edges after the row that left it. The buffer is asked for a
psum a cycle before the cell needs it: the row is there by then, so that this costs no cycle else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from tpe.array.base import (
    ALWAYS,
    STALL,
    Array,
    Cycles,
    Exit,
    Handshake,
    Job,
    Overlap,
    Schedule,
    overlap_parameter,
)
from tpe.array.closed import ClosedForm, either, larger, smaller
from tpe.nest.notation import K, N
from tpe.pe.base import PE, Way
from tpe.pe.paces import Dense
from tpe.pe.parameters import Parameter

PSUM_DEPTH = Parameter(
    "psum_depth",
    1024,
    range(1, 65537),
    "rows of M whose psums the buffer of a column holds between tiles of K",
    "PsumDepth",
    trade="costs memory in every column; saves loads of B, one for each block of so many rows",
)

FOLLOWED = overlap_parameter(
    Overlap.NONE,
    Overlap.LOAD,
    Overlap.STREAM,
    trade="load and stream cost a second register for all of B; save its load, stream draining too",
)


@dataclass(frozen=True)
class Pass:
    """One tile of B: `rows` of A stream through it; `flush`: K ends with it, and C leaves."""

    rows: int
    flush: bool


def block_rows(job: Job) -> int:
    """Rows of M in a block; all of them if K fits one tile, since no psum returns then."""
    return either(k_tiles(job) == 1, job.m, smaller(job.m, int(job.params["psum_depth"])))


def k_tiles(job: Job) -> int:
    """Tiles along K."""
    return -(-job.k // job.k_tile)


def counted(job: Job) -> list[tuple[Pass, int]]:
    """The passes of a job and how often each occurs; the last of the list is the last to run."""
    block, tiles = block_rows(job), k_tiles(job)
    full = -(-job.m // block) - 1
    found = []
    for rows, times in ((block, full), (job.m - full * block, 1)):
        found.append((Pass(rows, flush=False), times * (tiles - 1) * job.n_tiles))
        found.append((Pass(rows, flush=True), times * job.n_tiles))
    return found


def in_order(job: Job) -> Iterator[Pass]:
    """The passes of a job, one after another."""
    block, tiles = block_rows(job), k_tiles(job)
    for _ in range(job.n_tiles):
        for start in range(0, job.m, block):
            for tile in range(tiles):
                yield Pass(min(block, job.m - start), flush=tile == tiles - 1)


def leaving(job: Job) -> int:
    """Cycles from the acceptance of a row to its word of C."""
    return ending(job, Pass(1, flush=True))


def ending(job: Job, one: Pass) -> int:
    """Cycles from the acceptance of a pass's last row to its end: psums are stored, or C left."""
    settled = job.chain + job.cols + job.pe.latency(job.params) + 1
    return settled + (1 + job.pe.finish_latency(job.params)) * one.flush


def exposed(job: Job, done: Pass) -> int:
    """Cycles that the pass after `done` waits for its weights, if they load behind `done`."""
    ready = job.chain + job.cols - 1 + job.chain  # edge of the next pass's first row, at best
    return larger(0, ready - (done.rows + ending(job, done)))


def loading(job: Job, done: Pass) -> int:
    """Cycles that the pass behind `done` waits for its weights, if it follows without a gap."""
    return larger(0, job.chain + job.cols - 1 + job.chain - done.rows)


def returning(job: Job, done: Pass) -> int:
    """Cycles that it then waits, besides, until the psum of its first row can be read."""
    return 0 if done.flush else larger(0, job.chain + 3 - done.rows - loading(job, done))


def timing(job: Job, handshake: Handshake) -> Schedule:
    """A pass of M rows takes rows (load) + M + rows + cols + cell latency + 1, 1 more with C.

    With C a register inside the finish is another.

    With `overlap` = load only the first load counts, and what of the others is not hidden. With
    stream a pass leaves once, the last one.
    """
    cycles = Cycles.of(closed(job))
    if handshake == ALWAYS:
        return Schedule(cycles)
    followed = job.params["overlap"] == Overlap.STREAM
    total = (walk_following if followed else walk)(job, handshake)
    return Schedule(cycles + Cycles(stall=Fraction(total - cycles.total)))


def closed(job: Job) -> ClosedForm:
    """The same by shape alone, of sides that may be arrays."""
    passes = counted(job)
    drain = sum(ending(job, one) * times for one, times in passes)
    if job.params["overlap"] == Overlap.NONE:
        load = job.chain * sum(times for _, times in passes)
    elif job.params["overlap"] == Overlap.STREAM:
        between = [(one, times) for one, times in (*passes, (passes[-1][0], -1))]
        load = job.chain + sum(loading(job, one) * times for one, times in between)
        drain = leaving(job) + sum(returning(job, one) * times for one, times in between)
    else:
        load = job.chain - exposed(job, passes[-1][0])  # nothing loads behind the last pass
        load += sum(exposed(job, one) * times for one, times in passes)
    return ClosedForm(
        useful=job.m * job.n_tiles * job.useful_k,
        per=job.k_tile,
        steps=sum(one.rows * times for one, times in passes),
        fill_drain=drain,
        load=load,
    )


@dataclass
class _Loader:
    """The registers that weights shift into: `beats` of the tile there, `tiles` still to come."""

    tiles: int
    size: int
    beats: int = 0
    free: int | None = None  # the enabled cycle from which on the tile there is not needed

    @property
    def full(self) -> bool:
        return self.beats == self.size

    def release(self, now: int) -> None:
        """Let go of a tile that every cell has taken."""
        if self.free is not None and now >= self.free:
            self.beats, self.free = 0, None

    def shift(self) -> None:
        """Take a beat."""
        self.beats += 1
        self.tiles -= self.full


def walk(job: Job, handshake: Handshake) -> int:
    """Cycles under a handshake, cycle by cycle; a word that the sink refuses holds the array.

    `cycle` counts all cycles, `now` those in which the array is enabled.
    """
    passes = list(in_order(job))
    loader = _Loader(len(passes), job.chain)
    overlapped = job.params["overlap"] == Overlap.LOAD
    leaves = Exit(handshake, job.registered_stall)
    cycle = now = 0
    first: int | None = None
    for one in passes:
        left = one.rows
        flying: deque[int] = deque()  # when the rows were accepted that have not left
        while left or flying:
            loader.release(now)
            out = bool(flying) and flying[0] + ending(job, one) == now
            if leaves.holds(cycle, out and one.flush):
                cycle += 1
                continue
            offered = handshake.source(cycle)
            row = offered and left > 0 and (left < one.rows or loader.full)
            if offered and loader.tiles and not loader.full:
                first = cycle if first is None else first
                loader.shift()
            if row and left == one.rows and overlapped:
                loader.free = now + job.chain + job.cols - 1
            if row:
                left -= 1
                flying.append(now)
            if out:
                flying.popleft()
            cycle, now = cycle + 1, now + 1
        if not overlapped:
            loader.free = now
    while leaves.holds(cycle, word=False):
        cycle += 1
    assert first is not None
    return cycle - first


def walk_following(job: Job, handshake: Handshake) -> int:
    """The same where passes follow each other."""
    passes = deque(in_order(job))
    loader = _Loader(len(passes), job.chain)
    words: deque[int] = deque()  # when words come that have not been taken
    before: list[int] = []  # when the rows of the pass before were accepted, if psums return
    rows: list[int] = []  # ... and those of this one
    leaves = Exit(handshake, job.registered_stall)
    cycle = now = 0
    first: int | None = None
    while passes or words or leaves.waits:
        loader.release(now)
        word = bool(words) and words[0] == now
        if leaves.holds(cycle, word):
            cycle += 1
            continue
        if word:
            words.popleft()
        offered = handshake.source(cycle)
        opens = bool(rows) or (loader.full and loader.free is None)
        stored = not before or now >= before[len(rows)] + job.chain + 3
        row = offered and bool(passes) and opens and stored
        if offered and loader.tiles and not loader.full:
            first = cycle if first is None else first
            loader.shift()
        if row:
            if not rows:
                loader.free = now + job.chain + job.cols - 1
            rows.append(now)
            if passes[0].flush:
                words.append(now + leaving(job))
            if len(rows) == passes[0].rows:
                before, rows = ([] if passes[0].flush else rows), []
                passes.popleft()
        cycle, now = cycle + 1, now + 1
    assert first is not None
    return cycle - first


def bandwidth(job: Job) -> tuple[int, int]:
    """Operand bits a cycle: a row of a tile of A, the weights of a row of cells."""
    return job.k_tile * job.a_bits, job.cols * job.widths.lanes * job.b_bits


def parameters(pe: PE) -> tuple[Parameter, ...]:
    """What B in the cells and psums that return leave to choose."""
    return (FOLLOWED, PSUM_DEPTH, STALL)


RECORD = Array(
    name="systolic_ws",
    title="weight-stationary systolic array",
    source="arXiv:1704.04760 (TPU v1)",
    aliases=("ws",),
    way=Way.PASS,
    dims=(K, N),
    paces=frozenset({Dense}),
    rtl=lambda pe: "systolic_ws",
    timing=timing,
    bandwidth=bandwidth,
    skewed=True,
    parameters=parameters,
    closed=closed,
)
