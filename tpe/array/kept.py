"""What follows the last step of a tile whose psums are kept: its words, and the next tile.

The sums are read, a row a cycle: after the whole tile, before the next one begins; or, where tiles
overlap, while the next one is streamed. Rows of two tiles do not leave at once: a tile that would
end less than `rows` cycles behind another waits with its last beat.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from tpe.array.base import Exit, Handshake, Job, Overlap, overlap_parameter
from tpe.array.closed import larger

OVERLAP = overlap_parameter(
    Overlap.NONE,
    Overlap.DRAIN,
    Overlap.STREAM,
    trade="drain and stream cost registers for words that leave behind a tile; save their cycles",
)
REGISTERS = 2  # behind a psum: of its row, and of C; those inside a finish stand between


@dataclass(frozen=True)
class Behind:
    """What follows a tile's last step, in cycles in which the array is enabled.

    rows   -- words of C
    first  -- cycles from the end of the last step to the edge that takes the first word
    gap    -- cycles behind the last step without a beat
    """

    rows: int
    first: int
    gap: int

    def waits(self, earlier: int) -> int:
        """Cycles without a beat in front of a tile, or before its last beat.

        earlier: cycles of the tile's steps before its last one.
        """
        return larger(self.gap, self.rows - 1 - earlier)

    @property
    def tail(self) -> int:
        """Cycles from the end of all steps to the last word, included."""
        return self.first + self.rows


def behind(job: Job, settled: int, closing: int = 0, skew: tuple[int, int] = (0, 0)) -> Behind:
    """What follows a tile of a job, by its `overlap`.

    settled: cycles from the end of the last step to the edge that reads the first cell's psum, of
    which `closing` are steps without operands. skew: cycles by which the lowest cells are later
    than the highest, and the rightmost than the leftmost; where tiles overlap, a column is read
    while its cells are being done.
    """
    down, across = skew
    registers = REGISTERS + job.pe.finish_latency(job.params)
    overlap = job.params.get("overlap", Overlap.NONE)
    if overlap == Overlap.NONE:
        first = settled + down + across + registers
        return Behind(job.rows, first, first + job.rows)
    gap = settled + down + across if overlap == Overlap.DRAIN else closing
    return Behind(job.rows, settled + across + registers, gap)


def walk(
    tiles: Iterable[Iterable[int]],
    after: Behind,
    handshake: Handshake,
    registered_stall: bool = False,
) -> int:
    """Cycles of tiles, each the cycles of its steps, when the source idles or the sink is busy.

    A step keeps the next beat away until it is done. A word that the sink refuses holds the array,
    in the same cycle or, with a registered stall, from the next one on: `cycle` counts all cycles,
    `now` those in which it is enabled.
    """
    beats = (
        (steps, i == len(tile) - 1) for tile in map(list, tiles) for i, steps in enumerate(tile)
    )
    words: deque[int] = deque()  # when those come that have not been taken
    cycle = now = started = 0
    opens = ends = 0  # from when on a beat may come, and the last one of a tile
    beat, leaves = next(beats, None), Exit(handshake, registered_stall)
    while beat or words or leaves.waits:
        word = bool(words) and words[0] == now
        if leaves.holds(cycle, word):
            cycle += 1
            continue
        if word:
            words.popleft()
        if beat and now >= (max(opens, ends) if beat[1] else opens) and handshake.source(cycle):
            started = started or cycle + 1
            opens = now + beat[0]
            if beat[1]:
                words.extend(range(opens + after.first, opens + after.tail))
                opens, ends = opens + after.gap, opens + after.rows - 1
            beat = next(beats, None)
        cycle, now = cycle + 1, now + 1
    return cycle - started + 1
