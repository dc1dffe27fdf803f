"""Lean forms of a nest: the value they keep, the licence they need, the hardware they count."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tpe
from tpe.base.errors import TpeError
from tpe.nest.forms import Form
from tpe.nest.lean import apart, bias, complement, incremented_top, merged
from tpe.nest.notation import ADD, K, N, bind, mac, tile
from tpe.nest.readings import evaluate, intervals, inventory
from tpe.nest.render import render
from tpe.nest.rewrites import advance, encode_in, opt1, opt2, opt4
from tpe.nest.row_terms import left
from tpe.numbers.digits import encoding
from tpe.numbers.formats import int_format

INT8 = int_format("int8")
LEAN = {"complement": complement, "bias": bias}
NESTS = {
    "mac": mac(*tile(2, 2, 4)),
    "opt1": opt1(mac(*tile(2, 2, 4))),
    "opt2": opt2(mac(*tile(2, 2, 4)), 2),
    "edge": encode_in(mac(*tile(2, 2, 4, lanes=2)), "edge"),
    "chain": mac(*tile(1, 2, 4, chain=3)),
}


def forms_of(nest):
    """The nest in every lean form of its partial products."""
    for names in itertools.chain(*(itertools.combinations(LEAN, n) for n in (1, 2))):
        lean = nest
        for name in names:
            lean = LEAN[name](lean)
        yield lean


@pytest.mark.parametrize("name", NESTS)
@pytest.mark.parametrize("encoder", ["booth", "ent", "csd"])
def test_the_value_is_that_of_a_at_b(name, encoder):
    rng = np.random.default_rng(3)
    bits = 8
    a, b = rng.integers(-128, 128, (5, 9)), rng.integers(-128, 128, (9, 4))
    a[0], b[:, 0] = -128, -128
    enc = encoding(encoder)
    nest = NESTS[name]
    if enc.count(bits) > 4:
        nest = mac(*tile(2, 2, enc.count(bits)))
    for lean in forms_of(nest):
        assert (evaluate(lean, a, b, encoder, bits) == a @ b).all()


def test_the_cells_alone_do_not_have_it():
    """What the row adds is not nothing: the 1s of negative digits, less the bias of each."""
    a = np.array([[-1, 5]])
    digits = encoding("booth").encode(a, 8)
    weights = 4 ** np.arange(4)
    lack = int(((digits < 0) * weights).sum())
    assert lack == 1 + 4 * 0  # -1 is one digit, 5 = 1 + 4
    coded = digits[:, None].astype(np.int64)
    term = lambda nest: int((left(nest, coded, 8) * weights).sum())  # noqa: E731
    assert term(complement(NESTS["mac"])) == lack
    assert term(bias(NESTS["mac"])) == -2 * 512 * 85
    assert term(bias(complement(NESTS["mac"]))) == lack - 2 * 512 * 85


def test_no_partial_product_of_a_biased_nest_is_negative():
    for nest in NESTS.values():
        lean = bias(complement(nest))
        spans = intervals(lean, "booth", INT8, INT8, k=9)
        at = [step.op.name for step in lean.steps].index("map")
        assert all(low >= 0 for low, _ in spans[at])
        assert max(high for _, high in spans[at]) < 1 << 10


def test_the_words_of_a_step_and_the_pair_have_the_widths_that_are_needed():
    nest = incremented_top(bias(complement(opt1(mac(*tile(4, 4, 4, lanes=2))))))
    units = inventory(bind(nest, 4, 4, 64), "booth", INT8, INT8, 32)
    reduces = [(u.fan_in, u.bits) for u in units if u.op == "half_reduce"]
    # 8 words of less than 2**17 in sum; the running pair a bit above; a row's term with the pair
    assert reduces == [(8, 17), (4, 18), (3, 32)]
    assert [(u.op, u.copies) for u in units][-3:] == [
        ("row_term", 4),
        ("encode", 8),
        ("half_reduce", 4),
    ]


def test_encoders_at_the_edge_serve_the_row_terms_too():
    nest = complement(encode_in(opt1(mac(*tile(4, 4, 4))), "edge"))
    assert [u.copies for u in inventory(bind(nest, 4, 4, 8), "booth", INT8, INT8, 32)].count(4) >= 1
    beside = [u.op for u in inventory(bind(nest, 4, 4, 8), "booth", INT8, INT8, 32)][-2:]
    assert beside == ["row_term", "half_reduce"]


@pytest.mark.parametrize("rewrite", [complement, bias])
def test_rows_that_skip_zeros_are_refused(rewrite):
    with pytest.raises(TpeError, match="zeros are skipped, and the steps of a row are not counted"):
        rewrite(opt4(mac(*tile(2, 2, 4))))


def test_zeros_of_a_lean_nest_are_not_skipped():
    with pytest.raises(TpeError, match="complement: zeros are skipped"):
        opt4(complement(mac(*tile(2, 2, 4))))


def test_a_top_is_incremented_where_no_word_is_negative():
    with pytest.raises(TpeError, match="partial products may be negative; bias them first"):
        incremented_top(opt1(mac(*tile(2, 2, 4))))
    with pytest.raises(TpeError, match="no half_reduce sums over K in time"):
        apart(mac(*tile(2, 2, 4)))
    lean = incremented_top(bias(opt1(mac(*tile(2, 2, 4)))))
    with pytest.raises(TpeError, match="no half_reduce sums over K in time"):
        advance(lean, ADD, before=K)


def test_forms_are_told_first():
    lean = bias(complement(NESTS["mac"]))
    assert render(lean).splitlines()[:2] == ["bias:", "complement:"]
    assert lean.forms == {Form.BIAS, Form.COMPLEMENT}
    assert lean != NESTS["mac"] and N in lean.steps[0].over


@pytest.mark.parametrize(
    ("pe", "own"),
    [
        ("mac", {"negate": "row"}),
        ("mac", {"negate": "row", "biased": "on", "lanes": 2}),
        ("mac", {"negate": "row", "lanes": 4, "dot": "compressed"}),
        ("opt1", {"negate": "row", "biased": "on"}),
        ("opt1", {"negate": "row", "biased": "on", "top": "increment"}),
        ("opt2", {"negate": "row", "biased": "on"}),
    ],
)
def test_a_nest_by_itself_fires_as_the_engine_whose_it_is(pe, own):
    """Terms of rows, and the compressor that adds a pair apart, among it."""
    engine = tpe.Engine(pe, "matrix2d", (2, 3), **own)
    rng = np.random.default_rng(5)
    a, b = rng.integers(-128, 128, (5, 9)), rng.integers(-128, 128, (9, 4))
    run = tpe.NestEngine(engine.nest).run(a, b)
    assert run.firings == engine.run(a, b).firings
    assert run.firings["row_term"] > 0


def test_lanes_that_are_merged_have_one_compressor_and_one_adder():
    plain = mac(*tile(2, 3, 4, lanes=4))
    units = {u.op: u for u in inventory(bind(merged(plain), 2, 3, 64), "booth", INT8, INT8, 32)}
    assert (units["half_reduce"].copies, units["half_reduce"].fan_in) == (6, 16)
    assert (units["add"].copies, units["accumulate"].fan_in) == (6, 2)
    assert units["half_reduce"].bits == units["add"].bits == 18
    assert units["accumulate"].bits == width_of_sum(64)
    rng = np.random.default_rng(2)
    a, b = rng.integers(-128, 128, (2, 9)), rng.integers(-128, 128, (9, 3))
    assert (evaluate(merged(bias(plain)), a, b, "booth", 8) == a @ b).all()


def width_of_sum(k):
    """Bits of k products of two int8s: 16 384 k is the largest, and stands one bit higher."""
    return (16384 * k).bit_length() + 1


@pytest.mark.parametrize("nest", [opt1(mac(*tile(2, 2, 4))), opt4(mac(*tile(2, 2, 4)))])
def test_lanes_are_merged_where_every_product_is_added(nest):
    with pytest.raises(TpeError, match="merged: no add of every lane stands ahead"):
        merged(nest)
