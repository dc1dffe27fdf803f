"""What a carry-save tree by columns is: adders in stages, from many rows of bits to two.

Column c weighs 2**c. Stage by stage, full adders turn three bits of a column, half adders two, into
a sum bit in the same column and a carry bit in the next one; other bits are let through.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Columns = tuple[tuple[int, ...], ...]
"""Per column, least significant first, the rows that hold a bit, ascending."""

Op = Literal["sum", "carry", "wire"]


@dataclass(frozen=True)
class Adder:
    """One adder of a stage: a full one takes three bits, a half one two, of one column."""

    column: int
    takes: tuple[int, ...]  # rows before the stage, the bit that comes last behind the others
    sum_row: int  # row behind the stage, in the same column
    carry_row: int | None  # row behind the stage, in the next column; None: dropped at the top


@dataclass(frozen=True)
class Wire:
    """A bit that a stage lets through: `row` before it, `to` behind it."""

    column: int
    row: int
    to: int


@dataclass(frozen=True)
class Move:
    """One operation on whole rows, in the columns of `mask`; a carry lands one column higher."""

    op: Op
    takes: tuple[int, ...]
    to: int
    mask: int


@dataclass(frozen=True)
class Stage:
    """What happens at once: every bit of `columns` goes into one adder or one wire."""

    columns: Columns
    adders: tuple[Adder, ...]
    wires: tuple[Wire, ...]

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """The stage as operations on rows: adders that differ in their column alone are one."""
        masks: defaultdict[tuple[Op, tuple[int, ...], int], int] = defaultdict(int)
        for x in self.adders:
            masks["sum", x.takes, x.sum_row] |= 1 << x.column
            if x.carry_row is not None:
                masks["carry", x.takes, x.carry_row] |= 1 << x.column
        for wire in self.wires:
            masks["wire", (wire.row,), wire.to] |= 1 << wire.column
        return tuple(Move(op, takes, to, mask) for (op, takes, to), mask in masks.items())


@dataclass(frozen=True)
class Tree:
    """A reduction from `columns` to the two rows 0 and 1 of `rows`.

    >>> from tpe.numbers.compressors import reduce_columns
    >>> tree = reduce_columns("dadda", [1, 2, 3, 4, 3, 2, 1], keep_carry=True)  # 4 x 4 multiplier
    >>> len(tree.stages), tree.full_adders, tree.half_adders
    (2, 3, 3)
    """

    kind: str
    columns: Columns
    stages: tuple[Stage, ...]
    rows: Columns

    @property
    def full_adders(self) -> int:
        """Adders of three bits."""
        return sum(len(x.takes) == 3 for stage in self.stages for x in stage.adders)

    @property
    def half_adders(self) -> int:
        """Adders of two bits."""
        return sum(len(x.takes) == 2 for stage in self.stages for x in stage.adders)

    @property
    def row_counts(self) -> tuple[int, ...]:
        """Rows before the first stage and behind each one."""
        return tuple(row_count(c) for c in (*(s.columns for s in self.stages), self.rows))

    @cached_property
    def absent(self) -> dict[int, int]:
        """Per row of the words that lacks any: a mask of the columns where it has no bit."""
        full = (1 << len(self.columns)) - 1
        masks = {row: full & ~mask_of(self.columns, row) for row in range(self.row_counts[0])}
        return {row: mask for row, mask in masks.items() if mask}


def row_count(columns: Columns) -> int:
    """Rows up to the highest that holds a bit."""
    return max((rows[-1] + 1 for rows in columns if rows), default=0)


def mask_of(columns: Columns, row: int) -> int:
    """The columns where a row holds a bit, as a mask."""
    return sum(1 << c for c, rows in enumerate(columns) if row in rows)


def behind(stage: Stage) -> Columns:
    """Where bits stand behind a stage."""
    spots = {(x.column, x.sum_row) for x in stage.adders}
    spots |= {(x.column + 1, x.carry_row) for x in stage.adders if x.carry_row is not None}
    spots |= {(x.column, x.to) for x in stage.wires}
    columns: list[list[int]] = [[] for _ in range(max(len(stage.columns), max(spots)[0] + 1))]
    for column, row in sorted(spots):
        columns[column].append(row)
    return tuple(tuple(rows) for rows in columns)
