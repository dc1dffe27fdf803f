"""Nests that exist are well formed; what is not raises with its reason."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from tpe.base.errors import TpeError
from tpe.nest.notation import (
    ACCUMULATE,
    ADD,
    ALL,
    BW,
    ENCODE,
    HALF_REDUCE,
    MAP,
    SHIFT,
    SPACE,
    SPARSE,
    SPARSE_OP,
    SYNC,
    TIME,
    Dims,
    K,
    Loop,
    M,
    N,
    Nest,
    Op,
    Step,
    bind,
    mac,
    tile,
)

MNK, MN = Dims({M, N, K}), Dims({M, N})
LOOPS = tile(8, 8, 4)
SERIAL = (Loop(BW, 4, TIME), Loop(K, 4, TIME), Loop(M, 8, SPACE))
STEPS = mac(*LOOPS).steps
encode, mapped, shift, half, add, accumulate = STEPS


def test_mac_is_as_the_paper_draws_it() -> None:
    nest = mac(*LOOPS)
    assert [(s.op, s.over, s.sums) for s in nest.steps] == [
        (ENCODE, MNK, Dims()),
        (MAP, ALL, Dims()),
        (SHIFT, ALL, Dims()),
        (HALF_REDUCE, MNK, Dims({BW})),
        (ADD, MNK, Dims()),
        (ACCUMULATE, MN, Dims({K})),
    ]
    assert [nest.entering(i) for i in range(6)] == [
        "operand", "digits", "word", "word", "pair", "word",
    ]  # fmt: skip
    assert [nest.remaining(i) for i in range(6)] == [ALL, ALL, ALL, ALL, MNK, MNK]


def test_tile_and_trips() -> None:
    nest = mac(*tile(3, 5, 2))
    assert [loop.dim for loop in nest.loops] == [N, M, K, M, N, BW]
    assert nest.trips({M, N, BW}, SPACE) == 30
    assert nest.trips({M}, SPARSE) == 1
    assert nest.has(K, TIME)
    assert not nest.has(K, SPACE)
    assert not nest.sparse


@pytest.mark.parametrize(
    ("m", "n", "k", "trips"), [(8, 8, 1, [1, 1, 1]), (9, 17, 5, [3, 2, 5]), (1, 1, 7, [1, 1, 7])]
)
def test_bind_covers_every_size(m: int, n: int, k: int, trips: list[int]) -> None:
    bound = bind(mac(*LOOPS), m, n, k)
    assert [loop.trips for loop in bound.loops if loop.place is TIME] == trips
    assert bind(bound, m, n, k) == bound
    assert bind(bind(bound, 99, 99, 99), m, n, k) == bound


def test_bind_counts_space_and_sparse_trips_of_k() -> None:
    loops = (Loop(BW, 4, TIME), Loop(K, 1, TIME), Loop(K, 2, SPACE), Loop(K, 4, SPARSE))
    steps = (
        Step(ENCODE, Dims({M, K})),
        Step(SPARSE_OP, Dims({M, K, BW})),
        mapped,
        Step(HALF_REDUCE, Dims({M, N, BW}), sums=Dims({K})),
        Step(ADD, Dims({M, N, BW})),
        Step(SHIFT, Dims({M, N, BW})),
        Step(ACCUMULATE, MN, sums=Dims({BW})),
        Step(SYNC, Dims({M})),
    )
    nest = bind(Nest(loops, steps), 1, 1, np.int64(17))
    assert nest.sparse
    assert nest.trips({K}, TIME) == 3
    assert type(nest.loops[1].trips) is int


def test_nests_are_values() -> None:
    nest = mac(*LOOPS)
    assert pickle.loads(pickle.dumps(nest)) == nest
    assert len({nest, mac(*LOOPS)}) == 1


@pytest.mark.parametrize(
    ("loops", "steps", "message"),
    [
        (LOOPS, (encode, mapped, shift, half, accumulate), "accumulate takes a word, but a pair"),
        (LOOPS, (encode, mapped, shift, add, half), "add takes a pair, but a word reaches it"),
        (LOOPS, (mapped, shift), "map takes digits, but an operand reaches it"),
        (LOOPS, (encode, mapped, shift, half), "ends in a pair"),
        (LOOPS, (encode, mapped, shift, half, add), "K is never summed"),
        (LOOPS, (*STEPS, accumulate), "accumulate sums K; left to sum: "),
        (LOOPS, (encode, mapped, Step(HALF_REDUCE, MNK, Dims({BW})), add, accumulate), "no shift"),
        (LOOPS, (encode, mapped, shift, *STEPS[2:]), "shift appears twice"),
        (
            LOOPS,
            (encode, mapped, half, Step(SHIFT, MNK), add, accumulate),
            "shift comes after the sum over BW",
        ),
        (LOOPS, (encode, mapped, Step(SHIFT, ALL, Dims({BW}))), "shift sums 'BW'"),
        (
            LOOPS,
            (encode, Step(MAP, MNK), *STEPS[2:]),
            "map is over M,N,K; its input leaves M,N,K,BW",
        ),
        (LOOPS, (Step(ENCODE, Dims({M})), *STEPS[1:]), "encode is over M; legal: M,K or M,N,K"),
        (LOOPS, (*STEPS, Step(SYNC, MNK)), "sync is over M,N,K; left there: M,N"),
        (
            LOOPS,
            (*STEPS[:3], Step(HALF_REDUCE, Dims({N, K, BW}), Dims({M})), Step(ADD, MN)),
            "sums M; left to sum",
        ),
        (LOOPS, (Step(Op("multiply", MNK), MNK),), "multiply is not one of the primitives"),
        ((*LOOPS, Loop(K, 2, TIME)), STEPS, "two time loops over K: make them one"),
        ((Loop(K, 0, TIME),), STEPS, "loop K has trips = 0"),
        ((*LOOPS, Loop(K, 4, SPARSE)), STEPS, "sparse loop and a sparse step come together"),
        (SERIAL, STEPS, "half_reduce sums BW for every K, but the loop over K runs inside"),
        (
            LOOPS,
            (*STEPS[:4], Step(ADD, MNK, shared=Dims({M})), accumulate),
            "add runs at every k: its copies along M are all busy",
        ),
        (
            LOOPS,
            (*STEPS[:4], Step(ADD, MNK, shared=Dims({K})), accumulate),
            "shared along K; legal",
        ),
    ],
)
def test_what_is_not_well_formed_is_refused(loops, steps, message: str) -> None:
    with pytest.raises(TpeError, match=message):
        Nest(loops, steps)


SKIPPING = (
    encode,
    Step(SPARSE_OP, ALL),
    mapped,
    shift,
    Step(HALF_REDUCE, MN, Dims({K, BW})),
    Step(ADD, MN),
)


@pytest.mark.parametrize(
    ("loops", "message"),
    [
        ((*LOOPS, Loop(K, 4, SPARSE)), "BW cannot be in space: serialise it"),
        ((Loop(K, 4, SPARSE), Loop(BW, 4, TIME)), "BW must be outside the sparse loop"),
        ((Loop(M, 4, SPARSE), Loop(BW, 4, TIME)), "sparse loop over M; only digits along K"),
    ],
)
def test_sparse_loops_that_cannot_be_are_refused(loops, message: str) -> None:
    assert Nest((*SERIAL, Loop(K, 4, SPARSE)), SKIPPING).sparse
    with pytest.raises(TpeError, match=message):
        Nest(loops, SKIPPING)


def test_sparse_needs_digits_made_outside_it() -> None:
    steps = (encode, Step(SPARSE_OP, Dims({M, K, BW})), *SKIPPING[2:])
    with pytest.raises(TpeError, match="encode runs per M,N,K: hoist encode first"):
        Nest((*SERIAL, Loop(K, 4, SPARSE)), steps)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bind(mac(*LOOPS), 0, 1, 1), "M = 0: a size is an integer of at least 1"),
        (lambda: bind(mac(*LOOPS), 1, 2.0, 1), "N = 2.0: a size"),
        (lambda: bind(mac(*LOOPS[3:]), 8, 8, 2), "K = 2: no time loop over it, and 1 fit in space"),
        (lambda: mac(*LOOPS).index(SYNC), "the nest has no sync; its steps: encode map shift"),
    ],
)
def test_mistakes_are_named(call, message: str) -> None:
    with pytest.raises(TpeError, match=message):
        call()
