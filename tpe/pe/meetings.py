"""A PE's cycle rule as a trace of operands meets it: who its lanes are, and when they wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from tpe.numbers.operands import Ints

CHUNK = 1 << 20  # operands at once
OPERAND = "an operand of a group"


@dataclass(frozen=True)
class Operands:
    """Rows of A (M, K), and of B (M, K) the column that each of them meets; widths in bits."""

    a: Ints
    b: Ints
    a_bits: int
    b_bits: int

    def rows(self, lanes: int) -> Iterator[Operands]:
        """The same in pieces of bounded size, each a multiple of `lanes` rows; the rest is left."""
        step = max(1, CHUNK // (self.a.shape[1] * lanes)) * lanes
        whole = len(self.a) // lanes * lanes
        for start in range(0, whole, step):
            part = slice(start, min(start + step, whole))
            yield Operands(self.a[part], self.b[part], self.a_bits, self.b_bits)


@dataclass(frozen=True)
class Meetings:
    """Cycles, 1 or more: `alone` (meetings, lanes) of a lane by itself, `cycles` (meetings,)."""

    alone: Ints
    cycles: Ints


@dataclass(frozen=True)
class Rule:
    """A cycle rule of the PE `pe`: who are its lanes, and when they meet.

    `place` orders the rules of all PEs in a table: those without one stand behind, by their PE.
    """

    name: str
    pe: str
    lane: str  # what a lane is
    meets: str  # when lanes wait for each other
    meetings: Callable[[Operands, int], Meetings] = field(repr=False)
    by_rows: bool = False  # lanes are rows of A, not operands of a row
    place: int = 1 << 30


def per_group(work: Callable[[Operands, int], Ints]) -> Callable[[Operands, int], Meetings]:
    """A rule whose lanes are the operands of a group; alone, a lane is a group of one.

    `work` gives the cycles of every group of so many lanes: (M, groups).
    """

    def meetings(x: Operands, lanes: int) -> Meetings:
        pad = -x.a.shape[1] % lanes
        a, b = (np.pad(side, ((0, 0), (0, pad))) for side in (x.a, x.b))
        padded = Operands(a, b, x.a_bits, x.b_bits)
        alone = np.maximum(1, work(padded, 1)).reshape(-1, lanes)
        return Meetings(alone, np.maximum(1, work(padded, lanes)).ravel())

    return meetings
