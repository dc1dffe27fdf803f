"""A tensor engine as a loop nest: tiled loops over M, N, K and BW, and the primitives inside them.

C[m, n] = sum_k sum_bw digit[m, k, bw] * radix**bw * B[k, n]: encoding A into signed digits adds one
loop dimension, the bit weight BW. The notation is that of arXiv:2503.06342 (HPCA 2025). A `Nest` is
checked when it is made, so every nest that exists computes A @ B; `rewrites` turn one into
another, `views` read values, hardware and cycles off it, `rendering` prints it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from math import prod
from operator import index
from typing import SupportsIndex

from tpe.base.errors import TpeError
from tpe.nest.forms import NO_FORMS, ROW_FORMS, Form, Forms


class Dim(Enum):
    """A loop dimension; the value is its axis in `views.evaluate`."""

    M, N, K, BW = range(4)


class Place(Enum):
    """What one more trip of a loop costs."""

    SPACE = "space"  # one hardware copy per trip
    CHAIN = "chain"  # one copy per trip, each adding to the sum that the copy before passed on
    TIME = "time"  # one cycle per trip
    SPARSE = "sparse"  # one cycle per trip whose digit is not zero


M, N, K, BW = Dim
SPACE, CHAIN, TIME, SPARSE = Place
Dims = frozenset[Dim]
ALL = Dims(Dim)
NO_DIMS = Dims()


@dataclass(frozen=True)
class Op:
    """A primitive, with the two facts that license every rewrite.

    `needs`: the dims its result can depend on. `linear`: op(x + y) == op(x) + op(y), so that it
    may move past a sum over a dim it does not need.
    """

    name: str
    needs: Dims
    linear: bool = False


ENCODE = Op("encode", Dims({M, K}))  # A[m, k] -> its signed digits, all bit weights at once
SPARSE_OP = Op("sparse", Dims({M, K, BW}))  # which digits of a group are non-zero
MAP = Op("map", ALL)  # digit * B[k, n]: a selection among few multiples of B
SHIFT = Op("shift", Dims({BW}), linear=True)  # * radix**bw
HALF_REDUCE = Op("half_reduce", NO_DIMS)  # a sum, left as a (sum, carry) pair
ADD = Op("add", NO_DIMS, linear=True)  # resolves a pair into a word
ACCUMULATE = Op("accumulate", NO_DIMS)  # a sum of words
SYNC = Op("sync", NO_DIMS)  # where lanes that skip zeros wait for each other

OPS: dict[str, Op] = {
    op.name: op for op in (ENCODE, SPARSE_OP, MAP, SHIFT, HALF_REDUCE, ADD, ACCUMULATE, SYNC)
}

# What flows between the steps: op -> {what it takes: what it leaves}.
_TYPES: dict[str, dict[str, str]] = {
    "encode": {"operand": "digits"},
    "sparse": {"digits": "digits"},
    "map": {"digits": "word"},
    "shift": {"word": "word", "pair": "pair"},
    "half_reduce": {"word": "pair", "pair": "pair"},
    "add": {"pair": "word"},
    "accumulate": {"word": "word"},
    "sync": {"word": "word"},
}
_ARTICLE = {"operand": "an operand", "digits": "digits", "word": "a word", "pair": "a pair"}


@dataclass(frozen=True)
class Loop:
    """`trips` iterations of (a tile of) one dim, in one place."""

    dim: Dim
    trips: int
    place: Place


@dataclass(frozen=True)
class Step:
    """One primitive in the dataflow.

    `over`: the dims that index its result. `sums`: dims reduced away here. `shared`: spatial dims
    of `over` along which ONE copy serves in turn, as a finish adder does for the rows of a column.
    `stored`: its results were computed beforehand, so it has no copies and never fires.
    """

    op: Op
    over: Dims
    sums: Dims = NO_DIMS
    shared: Dims = NO_DIMS
    stored: bool = False

    @property
    def in_front(self) -> bool:
        """Ahead of the selection of digits, where a group's operands are handled side by side."""
        return self.op in (ENCODE, SPARSE_OP)


@dataclass(frozen=True)
class Nest:
    """Loops, outermost first, and steps in dataflow order; hashable and immutable.

    Raises `TpeError` if it would not compute A @ B or could not be built as read: a type that does
    not fit (`add` takes a pair), K or BW not summed exactly once, a sum that lacks its registers.

    >>> mac(*tile(8, 8, 4)).trips(Dims({M, N}), SPACE)
    64
    """

    loops: tuple[Loop, ...]
    steps: tuple[Step, ...]
    forms: Forms = NO_FORMS  # see `tpe.nest.lean`

    def __post_init__(self) -> None:
        _check_loops(self)
        _check_types(self)
        _check_dims(self)
        _check_sums_over_time(self)
        _check_sparse(self)
        _check_shared(self)
        _check_forms(self)

    def trips(self, dims: Iterable[Dim], *places: Place) -> int:
        """Product of the trips of the loops over `dims` in any of `places`; 1 if there is none."""
        chosen = set(dims)
        return prod(
            loop.trips for loop in self.loops if loop.dim in chosen and loop.place in places
        )

    def has(self, dim: Dim, *places: Place) -> bool:
        """Whether `dim` has a loop in one of `places`, whatever its trips."""
        return any(loop.dim is dim and loop.place in places for loop in self.loops)

    @property
    def sparse(self) -> bool:
        """Whether zero digits are skipped, so that cycles depend on the data."""
        return any(loop.place is SPARSE for loop in self.loops)

    def remaining(self, index: int) -> Dims:
        """Dims not summed away before step `index`.

        >>> [d.name for d in Dim if d in mac(*tile(8, 8, 4)).remaining(5)]    # accumulate
        ['M', 'N', 'K']
        """
        return ALL.difference(*(step.sums for step in self.steps[:index]))

    def entering(self, index: int) -> str:
        """What enters step `index`: operand, digits, word or pair.

        >>> mac(*tile(8, 8, 4)).entering(4)    # add
        'pair'
        """
        kind = "operand"
        for step in self.steps[:index]:
            kind = _TYPES[step.op.name][kind]
        return kind

    def index(self, op: Op) -> int:
        """Position of the first step that is `op`; `TpeError` if there is none."""
        for i, step in enumerate(self.steps):
            if step.op == op:
                return i
        raise TpeError(f"the nest has no {op.name}; its steps: {' '.join(_names(self))}")


def mac(*loops: Loop) -> Nest:
    """The conventional PE: encode, multiply, resolve and accumulate in every PE, for every k.

    `loops` outermost first, such as `tile` gives.

    >>> [step.op.name for step in mac(*tile(8, 8, 4)).steps]
    ['encode', 'map', 'shift', 'half_reduce', 'add', 'accumulate']
    """
    mnk = Dims({M, N, K})
    steps = (
        Step(ENCODE, mnk),
        Step(MAP, ALL),
        Step(SHIFT, ALL),
        Step(HALF_REDUCE, mnk, sums=Dims({BW})),
        Step(ADD, mnk),
        Step(ACCUMULATE, Dims({M, N}), sums=Dims({K})),
    )
    return Nest(loops, steps)


def tile(rows: int, cols: int, digits: int, lanes: int = 1, chain: int = 1) -> tuple[Loop, ...]:
    """The usual loops: N, M, K in time (1 trip until bound); rows of M, cols of N, digits of BW.

    `digits` is the operand's digit count, `Encoding.count(bits)`; `lanes` operands of K meet in
    one cell, `chain` cells pass a sum over K from one to the next.

    >>> [(loop.dim.name, loop.trips, loop.place.value) for loop in tile(4, 8, 2)][3:]
    [('M', 4, 'space'), ('N', 8, 'space'), ('BW', 2, 'space')]
    """
    along_k = ((K, chain, CHAIN), (K, lanes, SPACE))
    return (
        Loop(N, 1, TIME),
        Loop(M, 1, TIME),
        Loop(K, 1, TIME),
        Loop(M, rows, SPACE),
        Loop(N, cols, SPACE),
        *(Loop(dim, trips, place) for dim, trips, place in along_k if trips > 1),
        Loop(BW, digits, SPACE),
    )


def bind(nest: Nest, m: int, n: int, k: int) -> Nest:
    """The nest with its time loops long enough for C[m, n] = A[m, k] @ B[k, n].

    time d -> time d(ceil(size / product of d's other trips)). Sizes need no multiples: the rest of
    the last tile is padding. Raises `TpeError` for a size below 1, or one that a nest without a
    time loop over that dim does not cover.

    >>> [loop.trips for loop in bind(mac(*tile(8, 8, 4)), m=17, n=8, k=100).loops]
    [1, 3, 100, 8, 8, 4]
    """
    for dim, given in ((M, m), (N, n), (K, k)):
        if not isinstance(given, SupportsIndex) or index(given) < 1:
            raise TpeError(f"{dim.name} = {given!r}: a size is an integer of at least 1")
    sizes = {M: index(m), N: index(n), K: index(k)}
    for dim, size in sizes.items():
        covered = nest.trips({dim}, SPACE, CHAIN, SPARSE)
        if not nest.has(dim, TIME) and covered < size:
            raise TpeError(f"{dim.name} = {size}: no time loop over it, and {covered} fit in space")

    def bound(loop: Loop) -> Loop:
        if loop.place is not TIME or loop.dim not in sizes:
            return loop
        covered = nest.trips({loop.dim}, SPACE, CHAIN, SPARSE)
        return replace(loop, trips=-(-sizes[loop.dim] // covered))

    return replace(nest, loops=tuple(bound(loop) for loop in nest.loops))


# ---- what makes a nest well formed ----


def _names(nest: Nest) -> list[str]:
    return [step.op.name for step in nest.steps]


def letters(dims: Iterable[Dim]) -> str:
    """Dims in their own order, for messages and renderings.

    >>> letters({BW, M})
    'M,BW'
    """
    chosen = set(dims)
    return ",".join(dim.name for dim in Dim if dim in chosen)


def _check_loops(nest: Nest) -> None:
    seen: set[tuple[Dim, Place]] = set()
    for loop in nest.loops:
        if not isinstance(loop.trips, int) or loop.trips < 1:
            raise TpeError(f"loop {loop.dim.name} has trips = {loop.trips!r}; legal: 1 or more")
        if (loop.dim, loop.place) in seen:
            raise TpeError(f"two {loop.place.value} loops over {loop.dim.name}: make them one")
        seen.add((loop.dim, loop.place))


def _check_types(nest: Nest) -> None:
    kind = "operand"
    for step in nest.steps:
        takes = _TYPES.get(step.op.name)
        if takes is None or OPS[step.op.name] != step.op:
            raise TpeError(f"{step.op.name} is not one of the primitives: {', '.join(OPS)}")
        if kind not in takes:
            wanted = " or ".join(_ARTICLE[name] for name in takes)
            raise TpeError(f"{step.op.name} takes {wanted}, but {_ARTICLE[kind]} reaches it")
        kind = takes[kind]
    if kind != "word":
        raise TpeError(f"the nest ends in {_ARTICLE[kind]}; it must leave a word per output")
    for op in (SHIFT, SPARSE_OP, SYNC):
        if _names(nest).count(op.name) > 1:
            raise TpeError(f"{op.name} appears twice")


def _check_dims(nest: Nest) -> None:
    """Every step's result is indexed by exactly what is left to sum."""
    for i, step in enumerate(nest.steps):
        _check_step_dims(nest, step, nest.remaining(i))
    left = nest.remaining(len(nest.steps))
    if left != {M, N}:
        raise TpeError(f"{letters(left - {M, N})} is never summed; K and BW each need one sum")
    shift = nest.index(SHIFT)
    if BW not in nest.remaining(shift):
        raise TpeError("shift comes after the sum over BW; it needs BW")


def _check_step_dims(nest: Nest, step: Step, left: Dims) -> None:
    name, over = step.op.name, step.over
    if bool(step.sums) != (step.op in (HALF_REDUCE, ACCUMULATE)):
        raise TpeError(f"{name} sums '{letters(step.sums)}'; half_reduce and accumulate sum, alone")
    if not step.sums <= left & {K, BW}:
        raise TpeError(f"{name} sums {letters(step.sums)}; left to sum: {letters(left & {K, BW})}")
    if step.op == ENCODE and not step.op.needs <= over <= {M, N, K}:
        raise TpeError(f"encode is over {letters(over)}; legal: M,K or M,N,K")
    if step.op == SPARSE_OP and not nest.steps[nest.index(ENCODE)].over | {BW} <= over:
        raise TpeError(
            f"sparse is over {letters(over)}, but encode runs per "
            f"{letters(nest.steps[nest.index(ENCODE)].over)}: hoist encode first"
        )
    if step.op == SYNC and not over <= left:
        raise TpeError(f"sync is over {letters(over)}; left there: {letters(left)}")
    exact = left - step.sums
    if step.op not in (ENCODE, SPARSE_OP, SYNC) and over != exact:
        raise TpeError(f"{name} is over {letters(over)}; its input leaves {letters(exact)}")


def _check_sums_over_time(nest: Nest) -> None:
    """A sum over time has one register per result, so the loops of its results lie outside it."""

    def places(dim: Dim) -> list[int]:
        loops = enumerate(nest.loops)
        return [i for i, loop in loops if loop.dim is dim and loop.place in (TIME, SPARSE)]

    for step in nest.steps:
        outer = [i for dim in step.over & {K, BW} for i in places(dim)]
        inner = [i for dim in step.sums for i in places(dim)]
        if step.sums and outer and inner and max(outer) > min(inner):
            kept, summed = letters(step.over & {K, BW}), letters(step.sums)
            raise TpeError(
                f"{step.op.name} sums {summed} for every {kept}, but the loop over {kept} runs "
                f"inside that over {summed}: it would need one register for each {kept}"
            )


def _check_sparse(nest: Nest) -> None:
    if nest.sparse != (SPARSE_OP.name in _names(nest)):
        raise TpeError("a sparse loop and a sparse step come together or not at all")
    if not nest.sparse:
        return
    i = next(i for i, loop in enumerate(nest.loops) if loop.place is SPARSE)
    if nest.loops[i].dim is not K:
        raise TpeError(
            f"sparse loop over {nest.loops[i].dim.name}; only digits along K are skipped"
        )
    if nest.has(BW, SPACE):
        raise TpeError(
            "zeros are skipped one digit a cycle, so BW cannot be in space: serialise it"
        )
    if any(loop.dim is BW for loop in nest.loops[i:]):
        raise TpeError("a group is at one bit weight: BW must be outside the sparse loop")


def _check_shared(nest: Nest) -> None:
    for i, step in enumerate(nest.steps):
        if not step.shared <= step.over & {M, N}:
            raise TpeError(f"{step.op.name} is shared along {letters(step.shared)}; legal: M, N")
        if step.shared and (K in nest.remaining(i) or not nest.has(K, TIME, SPARSE)):
            raise TpeError(
                f"{step.op.name} runs at every k: its copies along {letters(step.shared)} are all "
                "busy at once, and cannot take turns"
            )


def _check_forms(nest: Nest) -> None:
    words = ", ".join(sorted(form.value for form in nest.forms & ROW_FORMS))
    if nest.sparse and words:
        raise TpeError(f"{words}: zeros are skipped, and the steps of a row are not counted")
    kept = any(s.op == HALF_REDUCE and K in s.sums for s in nest.steps) and nest.has(K, TIME)
    if Form.APART in nest.forms and not kept:
        raise TpeError("apart: no half_reduce sums over K in time, so no pair is kept")
    added = any(s.op == ADD and K in nest.remaining(i) for i, s in enumerate(nest.steps))
    if Form.MERGED in nest.forms and (nest.sparse or not added):
        raise TpeError("merged: no add of every lane stands ahead of the sum over K")
    if Form.INCREMENTED_TOP in nest.forms and not {Form.APART, Form.BIAS} <= nest.forms:
        raise TpeError("incremented_top: partial products may be negative; bias them first")
