"""Tensor cores as mmasim has them: a kept sample, and with it at hand many more tiles."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numbers.test_tensor_cores import every_rule, name_of, products, word_by_word
from tests.numbers.tiles import KINDS, ScaledTiles, scaled_tiles, tiles
from tools import mmasim_sample
from tpe.numbers.block_scaled import BLOCK_SCALED, block_scaled_product
from tpe.numbers.formats import number_format
from tpe.numbers.fused_words import rule_number
from tpe.numbers.operands import Ints
from tpe.numbers.tensor_cores import all_rules, fused_dot

FULL_TILES = 4000  # of a kind and a rule


def scaled_words(kind: str, types: tuple[str, str], x: ScaledTiles) -> Ints:
    """Words of D (tiles,)."""
    found = [
        block_scaled_product(
            x.a[i : i + 1],
            x.b[i][:, None],
            (x.a_scales[i : i + 1], x.b_scales[i][:, None]),
            kind,
            types,
            x.c[i : i + 1, None],
        )[0, 0]
        for i in range(len(x.c))
    ]
    return np.array(found)


def test_the_sample_of_mmasim_is_reproduced():
    """Every rule and every kind of block scales, some tiles of each kind of operands."""
    seen: set[tuple[str, ...]] = set()
    for names, parts in mmasim_sample.load():
        seen.add(tuple(names))
        if names[0] in BLOCK_SCALED:
            own = {part: x for part, x in parts.items() if part != "d"}
            words = scaled_words(names[0], (names[1], names[2]), ScaledTiles(**own))
        else:
            rule = fused_dot(*names)
            words = word_by_word(rule, parts["a"], parts["b"], parts["c"])
            assert (products(rule, parts["a"], parts["b"], parts["c"]) == words).all(), names
        assert (words == parts["d"]).all(), names
    assert seen == {
        *((r.arch, r.a.name, r.b.name, r.d.name) for r in all_rules()),
        *((kind, *types) for kind, types in mmasim_sample.scaled_kinds()),
    }


@pytest.mark.full
@every_rule
def test_tiles_are_those_of_mmasim(rule):
    pytest.importorskip("mmasim", reason="the second opinion needs PyTorch")
    rng = np.random.default_rng(2000 + rule_number(rule))
    for kind in KINDS:
        x = tiles(rule, kind, FULL_TILES, rng)
        words, expected = word_by_word(rule, *x), mmasim_sample.results(rule, x)
        wrong = np.flatnonzero(words != expected)
        assert not len(wrong), f"{name_of(rule)} {kind}: {x.a[wrong[0]]} {x.b[wrong[0]]}"


@pytest.mark.full
@pytest.mark.parametrize("kind", list(mmasim_sample.scaled_kinds()), ids=str)
def test_block_scaled_tiles_are_those_of_mmasim(kind):
    pytest.importorskip("mmasim", reason="the second opinion needs PyTorch")
    name, types = kind
    formats = [number_format(each) for each in types]
    rng = np.random.default_rng(3000)
    for way in KINDS:
        x = scaled_tiles(BLOCK_SCALED[name], *formats, way, FULL_TILES, rng)
        wrong = np.flatnonzero(
            scaled_words(name, types, x) != mmasim_sample.scaled_results(name, types, x)
        )
        assert not len(wrong), f"{way}: {x.a[wrong[0]]} {x.b[wrong[0]]}"
