"""Every pair of choices at once, in Verilator, with waiting on both sides."""

from __future__ import annotations

from itertools import combinations, islice

import numpy as np
import pytest

from tests.contract.agreement import assert_all_agree
from tests.contract.combos import WITH_RTL, combo_id, engine, operands
from tests.contract.pairs import Covering
from tpe.array.base import ALWAYS, Handshake
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS

combos = pytest.mark.parametrize("combo", WITH_RTL, ids=combo_id)
# A sink that takes a word every other cycle: what follows a tile meets one that waits.
HANDSHAKES = (ALWAYS, STALLS, Handshake(busy=0x5555_5555))
LANDING = 2  # engines of a combination: the first rows bring most of the pairs


def cases(pe, array, rows):
    """GEMMs of several tiles and several K, a third of A zeros."""
    covering = Covering(pe, array)
    for row in islice(covering.rows(), rows):
        chosen = covering.parameters(row)
        e = engine(pe, array, (2, 2), **chosen)
        zeros = {"a_zero": 3, "b_zero": 5} if "zero_points" in chosen else {}
        if chosen.get("zero_points") == "offset":
            zeros["b_zero"] = -5
        for k in (1, 6, 33):
            a, b = operands(e, 5, 5, k, seed=k)
            a[np.random.default_rng(k).random(a.shape) < 0.3] = 0
            yield from (Case(e, a, b, handshake, **zeros) for handshake in HANDSHAKES)


@combos
def test_the_first_rows(combo):
    assert_all_agree(list(cases(*combo, LANDING)))


@pytest.mark.full
@combos
def test_every_pair(combo):
    assert_all_agree(list(cases(*combo, None)))


def test_no_pair_is_left_out():
    pe, array = next(c for c in WITH_RTL if combo_id(c) == "opt4c-matrix2d")
    covering = Covering(pe, array)
    rows = list(covering.rows())
    met = {frozenset(pair) for row in rows for pair in combinations(row.items(), 2)}
    assert covering.pairs() <= met and len(met) > 500
    assert all(covering.legal(row) for row in rows)
    assert list(Covering(pe, array).rows()) == rows
    gated = [covering.parameters(row) for row in rows]
    assert any(x["gating"] == "clock" and x.get("hold") == "zero" for x in gated)
