"""Every rewrite keeps A @ B; every rewrite without its licence raises with the reason."""

from __future__ import annotations

import numpy as np
import pytest

from tpe.base.errors import TpeError
from tpe.nest.cost import cycles, firings
from tpe.nest.notation import (
    ACCUMULATE,
    ADD,
    BW,
    ENCODE,
    HALF_REDUCE,
    MAP,
    SHIFT,
    SPACE,
    SPARSE,
    SPARSE_OP,
    TIME,
    Dim,
    Dims,
    K,
    Loop,
    M,
    N,
    Nest,
    bind,
    letters,
    mac,
    tile,
)
from tpe.nest.readings import evaluate, inventory
from tpe.nest.render import render
from tpe.nest.rewrites import (
    advance,
    defer,
    hoist,
    opt1,
    opt2,
    opt3,
    opt4,
    reachable,
    serialise,
    share,
    skip_zeros,
    split,
)
from tpe.numbers.digits import ENCODINGS
from tpe.numbers.formats import int_format

MAC = mac(*tile(4, 2, 4))
CHAIN = {"opt1": opt1, "opt2": opt2, "opt3": opt3, "opt4": opt4}


def dataflow(nest: Nest) -> list[str]:
    """half{K,BW} for a half_reduce that sums K and BW."""
    return [
        step.op.name + (f"{{{letters(step.sums)}}}" if step.sums else "") for step in nest.steps
    ]


# ---- values ----


@pytest.mark.parametrize(("encoding", "digits"), [("ent", 4), ("csd", 8)])
def test_every_nest_in_reach_computes_a_at_b(encoding: str, digits: int) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (3, 5)), rng.integers(-128, 128, (5, 2))
    a[0], b[:, 0] = -128, -128
    expected = a @ b
    int8, seen = int_format("int8"), set()
    for nest, path in reachable(mac(*tile(2, 2, digits)), depth=5).items():
        assert np.array_equal(evaluate(nest, a, b, encoding, 8), expected), path
        if nest.steps in seen:
            continue
        seen.add(nest.steps)
        bound = bind(nest, 3, 2, 5)
        units = inventory(bound, encoding, int8, int8, 32)
        fired, runs = firings(bound, a, encoding, 8), {}
        for unit in units:
            runs[unit.op] = runs.get(unit.op, 0) + unit.runs
            assert min(unit.copies + ("store(encode)" in path), unit.fan_in, unit.bits) >= 1, path
            assert unit.bits <= 32, path
        assert bound.sparse or fired == runs, path
        assert all(fired[op] <= runs[op] for op in fired), path
        assert 1 <= cycles(bound, a, encoding, 8) <= bound.trips(Dim, TIME, SPARSE), path
        assert all(step.op.name in render(bound) for step in bound.steps), path


@pytest.mark.parametrize("encoding", ["ent", "booth"])
def test_the_whole_chain_is_in_reach_of_the_mac(encoding: str) -> None:
    paths = reachable(MAC, depth=5)
    rng = np.random.default_rng(1)
    a, b = rng.integers(-128, 128, (2, 3)), rng.integers(-128, 128, (3, 2))
    for nest in {n.steps: n for n in paths}.values():
        assert np.array_equal(evaluate(nest, a, b, encoding, 8), a @ b), paths[nest]
    assert paths[MAC] == ()
    assert paths[opt1(MAC)] == ("defer(add, past=K)",)
    assert paths[opt2(MAC, 4)] == ("defer(shift, past=K)", "split(K, 4)")
    assert len(paths[opt3(MAC)]) == 4
    assert len(paths[opt4(MAC)]) == 5
    assert opt4(MAC, lanes=4) in reachable(opt3(MAC, lanes=4), depth=2)


# ---- before -> after ----


def test_the_chain_is_the_paper_s() -> None:
    assert dataflow(MAC) == [
        "encode", "map", "shift", "half_reduce{BW}", "add", "accumulate{K}",
    ]  # fmt: skip
    assert dataflow(opt1(MAC)) == ["encode", "map", "shift", "half_reduce{K,BW}", "add"]
    assert dataflow(opt2(MAC)) == [
        "encode", "map", "half_reduce{K}", "shift", "half_reduce{BW}", "add",
    ]  # fmt: skip
    # A pair is resolved before it is shifted and widened: half_reduce, add, shift, accumulate.
    assert dataflow(opt3(MAC)) == [
        "encode", "sparse", "map", "half_reduce{K}", "add", "shift", "accumulate{BW}", "sync",
    ]  # fmt: skip
    assert dataflow(opt4(MAC)) == dataflow(opt3(MAC))
    assert [step.over for step in opt4(MAC).steps[:2]] == [Dims({M, K}), Dims({M, K, BW})]


def test_the_loops_of_the_chain() -> None:
    kp = opt2(bind(MAC, 4, 2, 20), kp=8)
    assert kp.trips({K}, TIME) == 3
    assert kp.trips({K}, SPACE) == 8
    sparse = bind(opt4(MAC, lanes=2), 4, 2, 20)
    assert [(loop.dim, loop.place) for loop in sparse.loops] == [
        (N, TIME), (M, TIME), (BW, TIME), (K, TIME),
        (M, SPACE), (N, SPACE), (K, SPACE), (K, SPARSE),
    ]  # fmt: skip
    assert sparse.trips({K}, TIME) == 3
    assert not sparse.has(BW, SPACE)


def test_opt2_in_one_rewrite_or_two() -> None:
    assert defer(MAC, SHIFT, past=K) == defer(opt1(MAC), SHIFT, past=K) == opt2(MAC)


@pytest.mark.parametrize(
    ("nest", "op", "dim"),
    [
        (MAC, ADD, K),
        (opt1(MAC), SHIFT, K),
        (advance(serialise(opt2(MAC), BW), ADD, before=BW), ADD, BW),
        (advance(opt1(MAC), ADD, before=BW), ADD, BW),
    ],
)
def test_advance_undoes_defer(nest: Nest, op, dim: Dim) -> None:
    assert advance(defer(nest, op, past=dim), op, before=dim) == nest


def test_an_add_deferred_past_a_shift_leaves_it_ahead() -> None:
    serial = serialise(opt2(MAC), BW)
    assert defer(advance(serial, ADD, before=BW), ADD, past=BW) == serial


def test_serialise_and_split() -> None:
    loops = serialise(bind(opt2(MAC, 2), 4, 2, 10), K).loops
    assert Loop(K, 10, TIME) in loops
    assert not any(Loop(K, 2, SPACE) == loop for loop in loops)
    assert serialise(MAC, M).trips({M}, TIME) == 4
    no_time = mac(Loop(K, 3, TIME), Loop(M, 4, SPACE))
    assert serialise(no_time, M).loops == (Loop(M, 4, TIME), Loop(K, 3, TIME))
    assert split(MAC, K, 1) == MAC
    assert split(split(MAC, K, 2), K, 3).trips({K}, SPACE) == 6
    assert split(skip_zeros(serialise(opt1(MAC), BW), K, 4), K, 2) == skip_zeros(
        serialise(opt1(split(MAC, K, 2)), BW), K, 4
    )


def test_share_takes_turns_after_k() -> None:
    shared = share(share(opt3(MAC), ADD, along=M), SHIFT, along=M)
    steps = {step.op: step for step in shared.steps}
    assert steps[ADD].shared == steps[SHIFT].shared == {M}
    assert steps[ACCUMULATE].shared == Dims()


# ---- missing licences ----


REFUSED = {
    "defer(MAP)": (lambda: defer(MAC, MAP, past=K), "cannot defer map past K: map is not linear"),
    "defer(SHIFT, BW)": (lambda: defer(MAC, SHIFT, past=BW), "shift past BW: its result depends"),
    "defer(ADD, M)": (lambda: defer(MAC, ADD, past=M), "add past M: no sum over it follows"),
    "defer(ADD, BW)": (lambda: defer(MAC, ADD, past=BW), "add past BW: no sum over it follows"),
    "defer twice": (lambda: defer(opt1(MAC), ADD, past=K), "add past K: no sum over it follows"),
    "advance(MAP)": (lambda: advance(MAC, MAP, before=K), "cannot advance map before K: map is"),
    "advance(ADD, K) of mac": (
        lambda: advance(MAC, ADD, before=K),
        "sum ahead of it is not over K",
    ),
    "advance(SHIFT)": (lambda: advance(MAC, SHIFT, before=K), "the sum ahead of it is not over K"),
    "advance(SHIFT, BW)": (lambda: advance(MAC, SHIFT, before=BW), "its result depends on it"),
    "advance words": (lambda: advance(MAC, ADD, before=BW), "words enter that sum, so no pair"),
    "hoist(MAP, N)": (lambda: hoist(MAC, MAP, out_of=N), "hoist map out of N: its result depends"),
    "hoist(ENCODE, K)": (lambda: hoist(MAC, ENCODE, out_of=K), "encode out of K: its result dep"),
    "hoist(ENCODE, M)": (lambda: hoist(MAC, ENCODE, out_of=M), "encode out of M: its result dep"),
    "hoist(ENCODE, BW)": (lambda: hoist(MAC, ENCODE, out_of=BW), "BW: it is outside already"),
    "hoist twice": (lambda: hoist(opt4(MAC), ENCODE, out_of=N), "N: it is outside already"),
    "hoist(ADD, N)": (lambda: hoist(MAC, ADD, out_of=N), "the pairs it takes depend on what map"),
    "hoist(SPARSE)": (lambda: hoist(opt3(MAC), SPARSE_OP, out_of=N), "hoist encode first"),
    "hoist absent": (lambda: hoist(MAC, SPARSE_OP, out_of=N), "the nest has no sparse"),
    "share pre-K": (lambda: share(MAC, ADD, along=M), "share add along M: it runs at every k"),
    "share the K sum": (lambda: share(opt1(MAC), HALF_REDUCE, along=M), "it runs at every k"),
    "share along K": (
        lambda: share(opt1(MAC), ADD, along=K),
        "cannot share add along K: legal: M,N",
    ),
    "share twice": (lambda: share(share(opt1(MAC), ADD, along=M), ADD, along=M), "shared already"),
    "share one copy": (
        lambda: share(opt1(serialise(MAC, M)), ADD, along=M),
        "M has no space loop, so there is one copy already",
    ),
    "share no time": (
        lambda: share(opt1(mac(Loop(M, 2, SPACE), Loop(K, 4, SPACE))), ADD, along=M),
        "the sum over K takes one cycle",
    ),
    "advance a shared add": (
        lambda: advance(share(opt1(MAC), ADD, along=M), ADD, before=K),
        "add runs at every k: its copies along M are all busy",
    ),
    "serialise absent": (lambda: serialise(MAC, K), "cannot serialise K: it has no space loop"),
    "serialise mac": (lambda: serialise(MAC, BW), "it would need one register for each K"),
    "split absent": (lambda: split(MAC, BW, 2), r"no time loop over it \(its loops: space\)"),
    "split sparse": (
        lambda: split(
            Nest(
                tuple(x for x in opt3(MAC).loops if (x.dim, x.place) != (K, TIME)), opt3(MAC).steps
            ),
            K,
            2,
        ),
        r"cannot split K: no time loop over it \(its loops: sparse\)",
    ),
    "split by 0": (lambda: split(MAC, K, 0), "cannot split K by 0; legal: an integer of 1 or more"),
    "skip spatial BW": (lambda: skip_zeros(opt2(MAC), K, 4), "BW is in space, so all digits take"),
    "skip twice": (lambda: skip_zeros(opt3(MAC), K, 4), "they are skipped already"),
    "skip BW": (lambda: skip_zeros(MAC, BW, 4), "zeros of BW: digits are skipped along K"),
    "skip groups of 0": (lambda: skip_zeros(MAC, K, 0), "in groups of 0; legal"),
    "skip without time": (
        lambda: skip_zeros(mac(Loop(K, 4, SPACE), Loop(BW, 4, SPACE)), K, 4),
        "no time loop over it, so a skipped digit saves no cycle",
    ),
    "reachable": (lambda: reachable(MAC, -1), "depth = -1; legal: 0 or more"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_missing_licence_raises_with_its_reason(case: str) -> None:
    call, message = REFUSED[case]
    with pytest.raises(TpeError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("bits", [2, 5, 8, 11])
@pytest.mark.parametrize("rewrite", CHAIN.values(), ids=CHAIN)
def test_the_chain_keeps_the_value_for_every_encoding(name: str, bits: int, rewrite) -> None:
    rng = np.random.default_rng(bits)
    low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    a, b = rng.integers(low, high, (5, 7)), rng.integers(low, high, (7, 3))
    nest = rewrite(mac(*tile(4, 2, ENCODINGS[name].count(bits))))
    assert np.array_equal(evaluate(nest, a, b, name, bits), a @ b)
