"""How fast a PE takes operands: the six schedules that arrays have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tpe.numbers.operands import Ints
from tpe.pe.widths import Widths


@dataclass(frozen=True)
class Dense:
    """An operand of every lane a cycle, whatever it is."""

    lanes: range  # operands of K that one cell can take in a step


@dataclass(frozen=True)
class Planes:
    """K is streamed once for every digit of A, all cells alike."""

    lanes: range
    count: Callable[[Widths], int]  # times K is streamed


@dataclass(frozen=True)
class BitPlanes:
    """A step takes a cycle for every bit plane of B, the lowest first, all cells alike.

    The operands of A, or what a front makes of them, stay meanwhile.
    """

    lanes: range
    count: Callable[[Widths], int]  # planes of a step


@dataclass(frozen=True)
class LockStep:
    """A step of the whole array takes as many cycles as its slowest cell.

    `cycles(A, widths, params)` gives those of every row's groups of `lanes` operands, A (rows, K)
    -> (rows, groups). With `depends` = "pairs" it takes a tile, `cycles(A, B, widths, params)`, A
    (rows, K) and B (K, cols) -> (3, groups): the slowest cell's, all cells', and cells without
    any.
    """

    lanes: range
    cycles: Callable[..., Ints]
    depends: Literal["nothing", "a", "pairs"]  # of what values the cycles are a function
    longest: Callable[[Widths], int] | None = None  # most cycles that a step takes; None: no RTL


@dataclass(frozen=True)
class FreeRows:
    """A front selects the digits of A that are not zero; every row runs at a pace of its own.

    Each bit weight has the finish by itself, in slots of the rows, or without `shadow` as rows ask;
    with `falling` a pass has it once. A group passes `ahead` stages before it is in work, each with
    room for one.
    """

    lanes: range
    group: int  # operands of K that a front searches at once
    own_front: bool = False  # a front in every cell; else one for a row
    shadow: bool = True  # a whole bit weight waits beside its cell for the finish; else in it
    falling: bool = False  # bit weights from the most significant down, all in one psum
    ahead: int = 0


@dataclass(frozen=True)
class Groups:
    """A front selects the digits of a group of K, of all its bit weights, that are not zero.

    A group is over for a row after ceil(digits / lanes) cycles, one at least. A row may be in a
    group when every row is through with that of `window` + 1 groups before; 0: they go together.
    A group passes `ahead` stages before its row has it, each with room for one.
    """

    lanes: range  # digits that a cell takes in a step
    group: int  # operands of K
    window: int = 0
    ahead: int = 0


Pace = Dense | Planes | BitPlanes | LockStep | FreeRows | Groups
