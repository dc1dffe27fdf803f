"""The three-greedy tree: its sum is that of the words, whatever is known of them is left out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tpe.base.errors import TpeError
from tpe.hdl.emit.compressors import tree_modules
from tpe.numbers.compressors import evaluate_tree, word_tree
from tpe.numbers.three_greedy import KnownWord, known_columns, three_greedy


def booth(lanes: int, width: int) -> tuple[KnownWord, ...]:
    """Words of 8 x 8 bits, none negative: ten bits at every second weight."""
    full = (1 << width) - 1
    return tuple(KnownWord(full & ~(0x3FF << 2 * i), 3.0) for _ in range(lanes) for i in range(4))


@pytest.mark.parametrize(("ops", "width"), [(3, 1), (3, 4), (4, 3)])
def test_every_sum_of_few_bits(ops, width):
    tree = word_tree("three_greedy", ops, width)
    every = np.array(list(product(range(1 << width), repeat=ops)), np.int64).T
    total, carry = evaluate_tree(tree, list(every), width)
    assert ((total + carry) % (1 << width) == every.sum(axis=0) % (1 << width)).all()


@pytest.mark.parametrize("lanes", [1, 2, 4, 8])
def test_words_of_products(lanes):
    width = 16 + (lanes - 1).bit_length()
    entries = booth(lanes, width)
    tree = word_tree("three_greedy", 4 * lanes, width, entries)
    rng = np.random.default_rng(lanes)
    full = (1 << width) - 1
    words = [rng.integers(0, 1 << width, 5000) & (full & ~entry.zeros) for entry in entries]
    words[0][:2] = full & ~entries[0].zeros
    total, carry = evaluate_tree(tree, words, width)
    assert ((total + carry) % (1 << width) == sum(words) % (1 << width)).all()
    plain = word_tree("dadda", 4 * lanes, width)
    assert tree.full_adders + tree.half_adders < 0.6 * (plain.full_adders + plain.half_adders)


def test_a_bit_that_is_said_to_be_zero_is_refused():
    tree = three_greedy(known_columns(16, booth(1, 16)))
    with pytest.raises(TpeError, match="word 0 has a bit in a column where this tree takes none"):
        evaluate_tree(tree, [1 << 10, 0, 0, 0], 16)


def test_a_word_that_comes_late_meets_last():
    """Of four words the late one is in no adder of the first stage."""
    tree = word_tree(
        "three_greedy", 4, 8, (KnownWord(), KnownWord(arrival=5.0), KnownWord(), KnownWord())
    )
    assert all(1 not in adder.takes for adder in tree.stages[0].adders)


def test_only_shaped_instances_get_the_leaf_of_a_shape():
    shapes = {(4, 16): booth(1, 16)}
    once = tree_modules("three_greedy", [(4, 16)], shapes)
    assert list(once) == ["tpe_half_reduce", "tpe_tree_three_greedy_4x16_shaped"]
    assert "Width == 16 && Shaped == 1)" in once["tpe_half_reduce"]
    twice = tree_modules("three_greedy", [(4, 16), (4, 16)], shapes)
    assert set(twice) - set(once) == {"tpe_tree_three_greedy_4x16"}
    assert "Width == 16 && Shaped == 0)" in twice["tpe_half_reduce"]
    others = tree_modules("dadda", [(4, 16)], shapes)
    assert "Shaped ==" not in others["tpe_half_reduce"]
