"""Cycle rules as a trace of operands meets them: one for each way of skipping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from tpe.numbers import groups
from tpe.numbers.digits import ENCODINGS
from tpe.numbers.operands import Ints
from tpe.pe import bitfusion, bitlet, bitwave, laconic, pragmatic, sibia, stripes

GROUP = 4  # operands of a group of OPT4C, at one bit weight
ENCODER = "ent"  # of OPT4C
CHUNK = 1 << 20  # operands at once


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
    """Cycles, 1 or more: `own` (meetings, lanes) of a lane alone, `cycles` (meetings,) of all."""

    own: Ints
    cycles: Ints


@dataclass(frozen=True)
class Rule:
    """A cycle rule: who are its lanes, when they meet, and the PE that it is the rule of."""

    name: str
    pe: str
    lane: str  # what a lane is
    meets: str  # when lanes wait for each other
    meetings: Callable[[Operands, int], Meetings] = field(repr=False)
    by_rows: bool = False  # lanes are rows of A, not operands of a row


def _per_group(work: Callable[[Operands, int], Ints]) -> Callable[[Operands, int], Meetings]:
    """A rule whose lanes are the operands of a group; alone, a lane is a group of one."""

    def meetings(x: Operands, lanes: int) -> Meetings:
        pad = -x.a.shape[1] % lanes
        a, b = (np.pad(side, ((0, 0), (0, pad))) for side in (x.a, x.b))
        padded = Operands(a, b, x.a_bits, x.b_bits)
        own = np.maximum(1, work(padded, 1)).reshape(-1, lanes)
        return Meetings(own, np.maximum(1, work(padded, lanes)).ravel())

    return meetings


def _bitlet(x: Operands, lanes: int) -> Meetings:
    columns = bitlet.column_ones(x.a, x.a_bits, lanes)
    own = np.maximum(1, columns).reshape(-1, columns.shape[-1])
    return Meetings(own, own.max(axis=1))


def _bitfusion(x: Operands, lanes: int) -> Meetings:
    cycles = bitfusion.work(x.a, x.a_bits, x.b_bits, lanes).ravel()
    return Meetings(cycles[:, None], cycles)


def _opt4c_steps(x: Operands, lanes: int) -> Ints:
    """Cycles of every group of every row at every bit weight: (tiles, lanes, planes, groups)."""
    masks = groups.grouped(groups.digit_masks(x.a, x.a_bits, ENCODER), GROUP)
    planes = ENCODINGS[ENCODER].count(x.a_bits)
    digits = [((masks >> p) & 1).sum(axis=-1, dtype=np.int64) for p in range(planes)]
    steps: Ints = np.maximum(1, np.stack(digits, axis=1))
    return steps.reshape(-1, lanes, planes, masks.shape[1])


def _opt4c(sums: tuple[int, ...]) -> Callable[[Operands, int], Meetings]:
    """Rows that run free over the axes `sums` of their steps, and meet at their end."""

    def meetings(x: Operands, lanes: int) -> Meetings:
        steps = _opt4c_steps(x, lanes).sum(axis=sums)
        own = np.moveaxis(steps, 1, -1).reshape(-1, lanes)
        return Meetings(own, own.max(axis=1))

    return meetings


def _opt4e(x: Operands, lanes: int) -> Meetings:
    """Rows of four fronts: these meet at every bit weight, the rows once per output tile."""
    steps = _opt4c_steps(x, lanes)
    padding = -steps.shape[3] % FRONTS  # groups of zeros, a cycle each
    steps = np.pad(steps, ((0, 0), (0, 0), (0, 0), (0, padding)), constant_values=1)
    by_front = steps.reshape(*steps.shape[:3], -1, FRONTS).sum(axis=3)
    own = by_front.max(axis=3).sum(axis=2)
    return Meetings(own, own.max(axis=1))


FRONTS = 4  # of a row of OPT4E
OPERAND, ROW = "an operand of a group", "a row of A with a front"
RULES = (
    Rule(
        "mac",
        "mac",
        OPERAND,
        "never: all take one cycle",
        _per_group(lambda x, n: stripes.work(x.a, 1, n)),
    ),
    Rule("opt4c", "opt4c", ROW, "once per output tile: rows run free", _opt4c((2, 3)), True),
    Rule("opt4c-plane", "opt4c", ROW, "at every bit weight", _opt4c((3,)), True),
    Rule("opt4c-group", "opt4c", ROW, "at every group of 4 at one bit weight", _opt4c(()), True),
    Rule("opt4e", "opt4e", "a row of A with four fronts", "once per output tile", _opt4e, True),
    Rule(
        "stripes",
        "stripes",
        OPERAND,
        "at every group",
        _per_group(lambda x, n: stripes.work(x.a, x.a_bits, n)),
    ),
    Rule("bitfusion", "bitfusion", "a unit of 16 bricks", "never: there is one", _bitfusion),
    Rule(
        "pragmatic",
        "pragmatic",
        OPERAND,
        "at every group",
        _per_group(lambda x, n: pragmatic.work(x.a, x.a_bits, n)),
    ),
    Rule(
        "pragmatic-csd",
        "pragmatic",
        OPERAND,
        "at every group",
        _per_group(lambda x, n: pragmatic.work(x.a, x.a_bits, n, "csd")),
    ),
    Rule(
        "laconic",
        "laconic",
        "a pair of operands of a group",
        "at every group",
        _per_group(lambda x, n: laconic.work(x.a, x.b, x.a_bits, x.b_bits, n)),
    ),
    Rule("bitlet", "bitlet", "a magnitude column", "at every group", _bitlet),
    Rule(
        "bitwave",
        "bitwave",
        OPERAND,
        "at every column that one of them has",
        _per_group(lambda x, n: bitwave.work(x.a, x.a_bits, n)),
    ),
    Rule(
        "sibia",
        "sibia",
        OPERAND,
        "at every group",
        _per_group(lambda x, n: sibia.work(x.a, x.a_bits, x.b_bits, n)),
    ),
    Rule(
        "sibia-column",
        "sibia",
        OPERAND,
        "at every slice that one of them has",
        _per_group(lambda x, n: sibia.work(x.a, x.a_bits, x.b_bits, n, "column")),
    ),
)
