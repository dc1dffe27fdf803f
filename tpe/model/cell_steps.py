"""What enters one cell that keeps its psum, step by step: operands, planes, or selected digits.

Steps are those of `tpe.model.toggles`, which says what the primitives of the cell make of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.numbers.digits import encoding, select
from tpe.numbers.operands import Ints

if TYPE_CHECKING:
    from tpe.engine.config import Config

Key = tuple[int, int]  # lane, bit weight
Psum = Mapping[Key, list[Any]]  # of every step: a word, a (sum, carry) pair

IDLE = -1  # a lane that waits


@dataclass(frozen=True, eq=False)
class Steps:
    """What enters one cell, step by step; arrays whose first axis is the step."""

    digits: Ints  # (steps, lanes, bit weights); of a digit-serial PE the one digit
    b: Ints  # (steps, lanes)
    first: Ints  # (steps,): the psum starts anew
    taken: Ints  # (steps,): the psum is updated
    plane: Ints  # (steps,): the bit weight of a PE whose bit weights are in time
    psum: Psum | None = None  # passed by the cell before; None: the cell's own. No key: zero
    front: Mapping[str, list[Ints]] = field(default_factory=dict)  # outputs of the cell's own

    def __len__(self) -> int:
        return len(self.b)

    def cut(self, count: int) -> Steps:
        """The first `count` steps."""
        return replace(
            self,
            digits=self.digits[:count],
            b=self.b[:count],
            first=self.first[:count],
            taken=self.taken[:count],
            plane=self.plane[:count],
            psum=self.psum and {key: [x[:count] for x in pair] for key, pair in self.psum.items()},
            front={op: [x[:count] for x in words] for op, words in self.front.items()},
        )


def kept_steps(engine: Config, a: Ints, b: Ints, most: int | None = None) -> Steps:
    """Steps of the cell that computes sum_k a[k] b[k] and keeps its psum; a and b (K,).

    All of them, or of selected digits `most` and perhaps some more.
    """
    pe = engine.pe
    if pe.sparse:
        return _selected_steps(engine, a, b, most)
    w = engine.widths
    planes = pe.planes(w)
    coded = encoding(engine.encoder).encode(a, w.a).astype(np.int64)
    pad = -len(a) % w.lanes
    digits = np.pad(coded, ((0, pad), (0, 0))).reshape(-1, w.lanes, w.digits)
    beats = len(digits)
    plane = np.repeat(np.arange(planes), beats)
    return Steps(
        np.tile(digits, (planes, 1, 1)),
        np.tile(np.pad(b.astype(np.int64), (0, pad)).reshape(-1, w.lanes), (planes, 1)),
        (np.arange(beats * planes) == 0).astype(np.int64),
        np.ones(beats * planes, np.int64),
        plane,
    )


def _selected_steps(engine: Config, a: Ints, b: Ints, most: int | None) -> Steps:
    """What the front of a row emits: pass by pass, plane by plane, lanes side by side."""
    pe, w = engine.pe, engine.widths
    pad = -len(a) % (pe.group * w.lanes)
    coded = np.pad(encoding(engine.encoder).encode(a, w.a).astype(np.int64), ((0, pad), (0, 0)))
    other = np.pad(b.astype(np.int64), (0, pad))
    emitted: list[list[int]] = []  # by step and lane: the operand whose digit it is, or IDLE
    plane: list[int] = []
    first: list[bool] = []
    for start, p in product(range(0, len(a), w.depth), range(w.digits)):
        stop = min(start + w.depth, len(coded))
        lanes = _lanes(coded[start:stop, p] != 0, start, pe.group, w.lanes)
        emitted += lanes
        plane += [p] * len(lanes)
        first += [i == 0 for i in range(len(lanes))]
        if most is not None and len(emitted) >= most:
            break
    k = np.array(emitted)
    digits = np.where(k == IDLE, 0, coded[k, np.array(plane)[:, None]])
    return Steps(
        digits[..., None],
        other[k],
        np.array(first, np.int64),
        (np.array(first) | digits.any(axis=1)).astype(np.int64),
        np.zeros(len(k), np.int64),
        front=_own_front(pe.group, coded, k[:, 0]) if pe.own_front else {},
    )


def _lanes(nonzero: Ints, start: int, group: int, lanes: int) -> list[list[int]]:
    """By step and lane, which operand's digit the front of a row emits in one plane.

    Lane l owns the groups whose index modulo `lanes` is l. A group's digits that are not zero come
    one a step, or its first, a zero, if all are; a lane that is through is IDLE until all are.
    """
    emitted: list[list[int]] = [[] for _ in range(lanes)]
    for i, flags in enumerate(nonzero.reshape(-1, group)):
        found = np.flatnonzero(flags) if flags.any() else np.zeros(1, np.int64)
        emitted[i % lanes] += [start + i * group + int(j) for j in found]
    length = max(len(lane) for lane in emitted)
    filled = [lane + [IDLE] * (length - len(lane)) for lane in emitted]
    return [list(ks) for ks in zip(*filled, strict=True)]


def _own_front(group: int, coded: Ints, k: Ints) -> dict[str, list[Ints]]:
    """Outputs of a front of one lane: digits of the group that a step is of, and the index in it.

    Its registers lie behind its encoders, so that these show a group before its steps; flips
    from group to group are the same.
    """
    lines = select(coded).reshape(-1, group * coded.shape[1])
    return {"encode": list(lines[k // group].T), "sparse": [k % group]}
