"""The three-greedy carry-save tree: in every column, the three bits that are there first meet.

P. F. Stelling, C. U. Martel, V. G. Oklobdzija, R. Ravi, "Optimal Circuits for Parallel
Multipliers", IEEE Transactions on Computers 47, 1998. Words of a multiplier are not alike: some
come late, and many of their bits are zero, which such a tree leaves out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tpe.numbers.column_trees import Adder, Columns, Stage, Tree, Wire, behind

# Delays of a full adder, in XORs of two bits: from the two bits that are there first, which meet in
# a XOR of their own, and from the last.
EARLY_TO_SUM, EARLY_TO_CARRY, LATE = 2.0, 1.5, 1.0


class KnownWord(NamedTuple):
    """What is known of a word: bits that are zero, a mask, and when it is there, in XORs."""

    zeros: int = 0
    arrival: float = 0.0


@dataclass(eq=False)
class _Bit:
    column: int
    time: float
    level: int  # adders in series behind the words
    row: int = 0  # where it stands, stage by stage

    def __lt__(self, other: _Bit) -> bool:
        return self.time < other.time


@dataclass(frozen=True, eq=False)
class _Meeting:
    """An adder, by its bits; the last to be there is the last of those it takes."""

    takes: tuple[_Bit, ...]
    total: _Bit
    carry: _Bit | None  # None: dropped at the top

    @property
    def level(self) -> int:
        return self.total.level


def known_columns(width: int, entries: Sequence[KnownWord]) -> Columns:
    """Where bits stand of a word of `width` bits for every entry, a row each.

    >>> known_columns(3, [KnownWord(zeros=0b001), KnownWord()])
    ((1,), (0, 1), (0, 1))
    """
    rows = range(len(entries))
    return tuple(tuple(r for r in rows if not entries[r].zeros >> c & 1) for c in range(width))


def three_greedy(
    columns: Columns, keep_carry: bool = False, arrivals: Sequence[float] | None = None
) -> Tree:
    """The tree over these bits; the carry out of the top column is dropped, or kept above it.

    `arrivals`: when the bits of a row are there, in XORs; by default all are at once.

    >>> booth = [KnownWord(zeros=0xFFFF & ~(0x3FF << 2 * i)) for i in range(4)]  # of 8 x 8 bits
    >>> tree = three_greedy(known_columns(16, booth))
    >>> tree.row_counts, tree.full_adders, tree.half_adders
    ((4, 3, 3, 3, 2), 16, 0)
    """
    alive = [
        _Bit(c, arrivals[row] if arrivals else 0.0, 0, row)
        for c, rows in enumerate(columns)
        for row in rows
    ]
    meetings = list(_meetings(len(columns), alive, keep_carry))
    standing, stages = columns, []
    for level in range(1, 1 + max((x.level for x in meetings), default=0)):
        now = [x for x in meetings if x.level == level]
        stage, alive = _stage(standing, alive, now)
        stages.append(stage)
        standing = behind(stage)
    return Tree("three_greedy", columns, tuple(stages), standing)


def _meetings(width: int, bits: Sequence[_Bit], keep_carry: bool) -> Iterator[_Meeting]:
    """Column by column upwards, until two bits are left in each."""
    columns: list[list[_Bit]] = [[] for _ in range(width)]
    for bit in bits:
        columns[bit.column].append(bit)
    for c, column in enumerate(columns):  # carries may add columns
        heapq.heapify(column)
        while len(column) > 2:
            takes = tuple(heapq.heappop(column) for _ in range(3))
            meeting = _meet(takes, c == width - 1 and not keep_carry)
            heapq.heappush(column, meeting.total)
            if meeting.carry is not None:
                if c + 1 == len(columns):
                    columns.append([])
                columns[c + 1].append(meeting.carry)
            yield meeting


def _meet(takes: tuple[_Bit, ...], top: bool) -> _Meeting:
    """A full adder of these bits: its sum and its carry, and when they are there."""
    column, level = takes[0].column, 1 + max(bit.level for bit in takes)
    _, early, late = (bit.time for bit in takes)
    total = _Bit(column, max(early + EARLY_TO_SUM, late + LATE), level)
    carry = _Bit(column + 1, max(early + EARLY_TO_CARRY, late + LATE), level)
    return _Meeting(takes, total, None if top else carry)


def _stage(
    before: Columns, alive: list[_Bit], meetings: Sequence[_Meeting]
) -> tuple[Stage, list[_Bit]]:
    """The adders of one level; bits of others wait. Behind it: those, then sums, then carries."""
    taken = {bit for meeting in meetings for bit in meeting.takes}
    waiting = [bit for bit in alive if bit not in taken]
    came = [(bit, bit.row) for bit in waiting]
    takes = [tuple(bit.row for bit in meeting.takes) for meeting in meetings]
    carries = [x.carry for x in meetings if x.carry is not None]
    after = [*waiting, *(x.total for x in meetings), *carries]
    height: dict[int, int] = {}
    for bit in after:
        bit.row = height.get(bit.column, 0)
        height[bit.column] = bit.row + 1
    adders = tuple(
        Adder(x.total.column, rows, x.total.row, None if x.carry is None else x.carry.row)
        for x, rows in zip(meetings, takes, strict=True)
    )
    wires = tuple(Wire(bit.column, row, bit.row) for bit, row in came)
    return Stage(before, adders, wires), after
