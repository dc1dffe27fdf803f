"""Readings of a nest against A @ B, numbers worked out by hand, and slow plain-Python oracles."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tpe.base.errors import TpeError
from tpe.nest.cost import cycles, firings
from tpe.nest.notation import ADD, BW, MAP, SHIFT, K, M, Nest, Place, bind, mac, tile
from tpe.nest.readings import Unit, evaluate, intervals, inventory, width
from tpe.nest.render import render
from tpe.nest.rewrites import advance, opt1, opt2, opt3, opt4, serialise, share, skip_zeros
from tpe.numbers.digits import ENCODINGS
from tpe.numbers.formats import IntFormat, int_format

INT8 = int_format("int8")
MAC = mac(*tile(8, 8, 4))
CHAIN = {
    "mac": lambda nest: nest,
    "opt1": opt1,
    "opt2": opt2,
    "opt2 of 4": lambda nest: opt2(nest, 4),
    "opt3": opt3,
    "opt4": opt4,
    "opt4 of 4 lanes": lambda nest: opt4(nest, lanes=4),
}


# ---- evaluate ----


@st.composite
def problems(draw):
    bits = draw(st.integers(2, 16))
    m, n, k = (draw(st.integers(1, 7)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    a, b = rng.integers(low, high + 1, (m, k)), rng.integers(low, high + 1, (k, n))
    for matrix in (a, b):  # the corners a random sample rarely meets
        matrix[rng.random(matrix.shape) < 0.3] = draw(st.sampled_from([low, high, 0, -1]))
    return bits, a, b


@settings(max_examples=60, deadline=None)
@given(problems(), st.sampled_from(sorted(ENCODINGS)), st.sampled_from(sorted(CHAIN)))
def test_evaluate_is_a_at_b(problem, name: str, rewrite: str) -> None:
    bits, a, b = problem
    nest = CHAIN[rewrite](mac(*tile(4, 4, ENCODINGS[name].count(bits))))
    c = evaluate(nest, a, b, name, bits)
    assert c.dtype == np.int64
    assert np.array_equal(c, a.astype(np.int64) @ b)


@pytest.mark.parametrize("name", ENCODINGS)
def test_evaluate_all_pairs_of_int8(name: str) -> None:
    x = np.arange(-128, 128)
    nest = opt4(mac(*tile(8, 8, ENCODINGS[name].count(8))))
    assert np.array_equal(evaluate(nest, x[:, None], x[None, :], name, 8), np.outer(x, x))


def test_evaluate_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tpe.nest.readings._CHUNK", 1)
    a, b = np.arange(15).reshape(5, 3), np.arange(6).reshape(3, 2)
    assert np.array_equal(evaluate(MAC, a, b, "ent", 8), a @ b)


def test_spare_bit_weights_are_zero() -> None:
    assert evaluate(MAC, [[-8]], [[3]], "ent", 4).tolist() == [[-24]]


# ---- inventory: an 8 x 8 tile, int8, EN-T, 32-bit accumulator, K = 64, worked out by hand ----
#
# digits -2..2: 3 bits; digit * B in -256..256: 10 bits; its plane 3, * 64, in +-2**14: 16 bits;
# one product in -16256..2**14: 16 bits; 64 of them reach 2**20: 22 bits; 64 terms of one plane
# reach 2**14: 16 bits.

FRONT = {
    "mac": [
        Unit("encode", 64, 1, 3, 4096),
        Unit("map", 256, 1, 10, 16384),
        Unit("shift", 256, 1, 16, 16384),
        Unit("half_reduce", 64, 4, 16, 4096),
        Unit("add", 64, 1, 16, 4096),
        Unit("accumulate", 64, 2, 22, 4096),
    ],
    "opt1": [
        Unit("encode", 64, 1, 3, 4096),
        Unit("map", 256, 1, 10, 16384),
        Unit("shift", 256, 1, 16, 16384),
        Unit("half_reduce", 64, 6, 22, 4096),
        Unit("add", 64, 1, 22, 64),
    ],
    "opt2 of 4": [
        Unit("encode", 256, 1, 3, 4096),
        Unit("map", 1024, 1, 10, 16384),
        Unit("half_reduce", 256, 6, 16, 4096),
        Unit("shift", 256, 1, 22, 256),
        Unit("half_reduce", 64, 8, 22, 64),
        Unit("add", 64, 1, 22, 64),
    ],
    "opt3": [
        Unit("encode", 256, 1, 3, 16384),
        Unit("sparse", 256, 1, 2, 16384),
        Unit("map", 64, 1, 10, 16384),
        Unit("half_reduce", 64, 3, 16, 16384),
        Unit("add", 64, 1, 16, 256),
        Unit("shift", 64, 1, 22, 256),
        Unit("accumulate", 64, 2, 22, 256),
        Unit("sync", 8, 1, 1, 8),
    ],
    "opt4": [
        Unit("encode", 32, 1, 3, 2048),
        Unit("sparse", 32, 1, 2, 2048),
        Unit("map", 64, 1, 10, 16384),
        Unit("half_reduce", 64, 3, 16, 16384),
        Unit("add", 64, 1, 16, 256),
        Unit("shift", 64, 1, 22, 256),
        Unit("accumulate", 64, 2, 22, 256),
        Unit("sync", 8, 1, 1, 8),
    ],
    "opt4 of 4 lanes": [
        Unit("encode", 128, 1, 3, 2048),
        Unit("sparse", 128, 1, 2, 2048),
        Unit("map", 256, 1, 10, 16384),
        Unit("half_reduce", 64, 6, 16, 4096),
        Unit("add", 64, 1, 16, 256),
        Unit("shift", 64, 1, 22, 256),
        Unit("accumulate", 64, 2, 22, 256),
        Unit("sync", 8, 1, 1, 8),
    ],
}


@pytest.mark.parametrize("name", FRONT)
def test_inventory_by_hand(name: str) -> None:
    nest = bind(CHAIN[name](MAC), m=8, n=8, k=64)
    assert list(inventory(nest, "ent", INT8, INT8, acc_bits=32)) == FRONT[name]
    unbound = inventory(CHAIN[name](MAC), "ent", INT8, INT8, acc_bits=32, k=64)
    assert [u.bits for u in unbound] == [u.bits for u in FRONT[name]]


def test_a_shared_adder_takes_turns() -> None:
    nest = bind(share(opt4(MAC), ADD, along=M), m=8, n=8, k=64)
    assert inventory(nest, "ent", INT8, INT8, 32)[4] == Unit("add", 8, 1, 16, 256)


def test_runs_count_the_tiles() -> None:
    nest = bind(opt1(MAC), m=20, n=9, k=10)
    runs = {u.op: u.runs for u in inventory(nest, "ent", INT8, INT8, 32)}
    assert runs == {
        "encode": 24 * 16 * 10,
        "map": 24 * 16 * 10 * 4,
        "shift": 24 * 16 * 10 * 4,
        "half_reduce": 24 * 16 * 10,
        "add": 24 * 16,
    }


def test_widths_stop_at_the_accumulator() -> None:
    bits = [u.bits for u in inventory(opt1(MAC), "ent", INT8, INT8, acc_bits=20, k=4096)]
    assert bits == [3, 10, 16, 20, 20]
    # Plane bw of a pair still to be shifted by 2 bw matters in its low 20 - 2 bw bits only.
    bits = [u.bits for u in inventory(opt3(MAC), "ent", INT8, INT8, acc_bits=12, k=4096)]
    assert bits == [3, 2, 10, 12, 12, 12, 12, 1]


def test_the_products_of_the_published_tree_need_one_bit_more() -> None:
    # a = -2, b = -128 in all 16 lanes: 4096, which 13 bits cannot hold (arXiv:2503.06342's RTL).
    tree = inventory(opt2(MAC, kp=16), "booth", INT8, INT8, acc_bits=32, k=16)[2]
    assert (tree.op, tree.fan_in, tree.bits) == ("half_reduce", 18, 14)


def test_unsigned_a_takes_two_more_bits() -> None:
    uint8 = IntFormat("uint8", 8, False)
    nest = mac(*tile(8, 8, 5))
    assert intervals(nest, "ent", uint8, INT8, k=2)[-1] == ((2 * -128 * 255, 2 * 127 * 255),)
    with pytest.raises(TpeError, match="4 bit weights, but ent of 10 bits has 5 digits"):
        intervals(MAC, "ent", uint8, INT8)


# ---- intervals: reached, and never left ----


def values_of(nest: Nest, name: str, a: np.ndarray, b: np.ndarray, bits: int) -> list[np.ndarray]:
    """Every step's result for operand pairs (trials, K): (trials, bit weights left)."""
    enc = ENCODINGS[name]
    x, out = enc.encode(a, bits).astype(np.int64), []
    x = np.pad(x, ((0, 0), (0, 0), (0, nest.trips({BW}, *Place) - x.shape[2])))
    for step in nest.steps:
        if step.op == MAP:
            x = x * b[:, :, None]
        if step.op == SHIFT:
            x = x << enc.radix_bits * np.arange(x.shape[2])
        for dim, axis in ((K, 1), (BW, 2)):
            if dim in step.sums:
                x = x.sum(axis=axis, keepdims=True)
        out += [x.max(axis=1), x.min(axis=1)]
    return out


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("rewrite", CHAIN)
@pytest.mark.parametrize(("a_bits", "b_bits"), [(2, 3), (3, 2), (4, 3), (5, 2)])
def test_intervals_are_tight(name: str, rewrite: str, a_bits: int, b_bits: int) -> None:
    nest = CHAIN[rewrite](mac(*tile(2, 2, ENCODINGS[name].count(a_bits))))
    a_format, b_format = int_format(f"int{a_bits}"), int_format(f"int{b_bits}")
    spans = intervals(nest, name, a_format, b_format, k=2)
    a_values = range(a_format.low, a_format.high + 1)
    b_values = range(b_format.low, b_format.high + 1)
    pairs = np.array(list(product(a_values, b_values)))  # one operand pair
    both = np.array(list(product(range(len(pairs)), repeat=2)))  # all of K = 2
    reached = values_of(nest, name, pairs[both, 0], pairs[both, 1], a_bits)
    for span, highs, lows in zip(spans, reached[::2], reached[1::2], strict=True):
        assert [lo for lo, _ in span] == lows.min(axis=0).tolist()
        assert [hi for _, hi in span] == highs.max(axis=0).tolist()


@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70))
def test_width_is_the_narrowest(low: int, high: int) -> None:
    w = width(low, high)
    for value in (low, high):
        assert -(1 << (w - 1)) <= value < 1 << (w - 1)
    half = 1 << (w - 1) >> 1
    assert w == 1 or any(not -half <= value < half for value in (low, high))


# ---- cycles and firings against plain loops ----


def by_hand(
    a: np.ndarray, rows: int, lanes: int, group: int, n_tiles: int, bits: int, name: str
) -> tuple[int, int, int]:
    """(cycles, non-zero digits, steps with a digit in some lane), one group at a time."""
    enc = ENCODINGS[name]
    m, k = a.shape
    total = digits = busy = 0
    for tile_start in range(0, m, rows):
        longest = 0
        for row in range(tile_start, tile_start + rows):
            row_cycles = 0
            for plane in range(enc.count(bits)):
                schedule: list[list[bool]] = [[] for _ in range(lanes)]
                for index in range(-(-k // (group * lanes)) * lanes):
                    members = range(index * group, (index + 1) * group)
                    inside = [i for i in members if i < k and row < m]
                    hits = sum(int(enc.encode(a[row, i], bits)[plane]) != 0 for i in inside)
                    schedule[index % lanes] += [True] * hits if hits else [False]
                    digits += hits
                steps = max(len(lane) for lane in schedule)
                busy += sum(any(s < len(x) and x[s] for x in schedule) for s in range(steps))
                row_cycles += steps
            longest = max(longest, row_cycles)
        total += longest
    return total * n_tiles, digits, busy


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 7),
    st.integers(1, 19),
    st.integers(1, 3),
    st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 3, 4]),
    st.sampled_from(["ent", "booth", "csd"]),
    st.integers(0, 2**32 - 1),
)
def test_sparse_cycles_and_firings(
    m: int, k: int, rows: int, lanes: int, group: int, name: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a = np.rint(rng.normal(0, 12, (m, k))).clip(-128, 127).astype(np.int8)
    nest = bind(opt4(mac(*tile(rows, 3, ENCODINGS[name].count(8))), group, lanes), m, 7, k)
    expected, nonzeros, busy = by_hand(a, rows, lanes, group, 3, 8, name)
    assert cycles(nest, a, name, 8) == expected
    fired = firings(nest, a, name, 8)
    assert fired["map"] == nonzeros * 9  # 3 columns, 3 tiles of them
    assert fired["half_reduce"] == busy * 9
    runs = {u.op: u.runs for u in inventory(nest, name, INT8, INT8, 32)}
    for op in ("encode", "sparse", "add", "shift", "accumulate", "sync"):
        assert fired[op] == runs[op]


@pytest.mark.parametrize("name", ["mac", "opt1", "opt2", "opt2 of 4"])
def test_dense_cycles_and_firings_ignore_the_data(name: str) -> None:
    nest = bind(CHAIN[name](MAC), m=9, n=20, k=10)
    a = np.zeros((9, 10), dtype=np.int64)
    assert cycles(nest, a, "ent", 8) == 2 * 3 * (3 if name == "opt2 of 4" else 10)
    runs: dict[str, int] = {}
    for unit in inventory(nest, "ent", INT8, INT8, 32):
        runs[unit.op] = runs.get(unit.op, 0) + unit.runs
    assert firings(nest, a, "ent", 8) == runs


def test_opt2_with_bit_weights_in_time() -> None:
    nest = bind(serialise(opt2(MAC, 4), BW), m=8, n=8, k=10)
    assert cycles(nest, np.ones((8, 10), int), "ent", 8) == 3 * 4


def test_an_empty_group_takes_a_cycle() -> None:
    nest = bind(opt4(MAC), m=8, n=8, k=9)
    assert cycles(nest, np.zeros((8, 9), int), "ent", 8) == 3 * 4
    assert firings(nest, np.zeros((8, 9), int), "ent", 8)["half_reduce"] == 0


def test_cycles_of_opt3_and_opt4_agree() -> None:
    a = np.random.default_rng(2).integers(-128, 128, (13, 21))
    for rewrite in (opt3, opt4):
        assert (
            cycles(bind(rewrite(MAC), 13, 5, 21), a, "ent", 8)
            == by_hand(a, 8, 1, 4, 1, 8, "ent")[0]
        )


# ---- render ----


def test_render_mac() -> None:
    assert (
        render(bind(MAC, 8, 16, 64))
        == """\
for n in time(2):
  for m in time(1):
    for k in time(64):
      for m in space(8):
        for n in space(8):
          encode
          for bw in space(4):
            map
            shift
          half_reduce over bw
          add
          accumulate over k"""
    )


def test_render_opt1() -> None:
    assert (
        render(share(opt1(MAC), ADD, along=M))
        == """\
for n in time(1):
  for m in time(1):
    for k in time(1):
      for m in space(8):
        for n in space(8):
          encode
          for bw in space(4):
            map
            shift
          half_reduce over k, bw
    for m in turns(8):
      for n in space(8):
        add"""
    )


def test_render_opt4() -> None:
    assert (
        render(bind(opt4(MAC), 8, 8, 64))
        == """\
for n in time(1):
  for m in time(1):
    for bw in time(4):
      for k in time(16):
        for m in space(8):
          for k in space(4):
            encode
            sparse
          for n in space(8):
            for k in sparse(4):
              map
              half_reduce over k
      for m in space(8):
        for n in space(8):
          add
          shift
          accumulate over bw
    for m in space(8):
      sync"""
    )


# ---- mistakes ----


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate(MAC, [[1, 2]], [[1]], "ent", 8), "A's columns must be B's rows"),
        (lambda: evaluate(MAC, [1, 2], [[1]], "ent", 8), r"A has shape \(2,\); a matrix"),
        (lambda: evaluate(MAC, np.zeros((0, 1), int), [[1]], "ent", 8), "no empty side"),
        (lambda: evaluate(MAC, [[1]], [[0.5]], "ent", 8), "B is float64; the nest computes on int"),
        (
            lambda: evaluate(MAC, [[128]], [[1]], "ent", 8),
            r"at \[0, 0\] is 128; int8 takes",
        ),
        (lambda: evaluate(MAC, [[1]], [[1]], "csd", 8), r"4 bit weights, but csd of 8 .* digits=8"),
        (lambda: evaluate(MAC, [[1]], [[1]], "cds", 8), "unknown encoding 'cds'.*'csd'"),
        (lambda: cycles(MAC, np.ones((9, 1), int), "ent", 8), "covers M = 8 and K = 1: bind it"),
        (lambda: firings(opt4(MAC), np.ones((1, 5), int), "ent", 8), "M = 8 and K = 4: bind it"),
        (lambda: inventory(MAC, "ent", INT8, INT8, 1), "acc_bits = 1; legal: 2 to 64"),
        (lambda: inventory(MAC, "ent", INT8, INT8, 32, k=0), "k = 0; legal"),
    ],
)
def test_mistakes_are_named(call, message: str) -> None:
    with pytest.raises(TpeError, match=message):
        call()


def test_skipping_with_the_shift_in_the_pe() -> None:
    # One pair, shifted partial products: the shift then fires on non-zero digits as well.
    nest = bind(skip_zeros(serialise(opt1(MAC), BW), K, 4), 8, 8, 4)
    a = np.array([[1, 0, 0, 127]])
    fired = firings(nest, a, "ent", 8)
    assert fired["map"] == fired["shift"] == fired["half_reduce"] == 3 * 8
    assert inventory(nest, "ent", INT8, INT8, 32)[4].fan_in == 3


def test_advance_and_a_dense_serial_nest() -> None:
    nest = bind(advance(serialise(opt2(MAC), BW), ADD, before=BW), 8, 8, 5)
    assert cycles(nest, np.ones((8, 5), int), "ent", 8) == 20


def test_lanes_that_meet_once_per_tile() -> None:
    # 32 free lanes, sigma 20, K = 128: 2.48 cycles per operand where a lone lane takes 2.34.
    rng = np.random.Generator(np.random.Philox(0))
    a = np.rint(rng.normal(0, 20, (8192, 128))).astype(np.int64)
    nest = bind(opt4(mac(*tile(32, 32, 4))), m=8192, n=32, k=128)
    assert cycles(nest, a, "ent", 8) / (256 * 128) == pytest.approx(2.48, rel=0.005)
