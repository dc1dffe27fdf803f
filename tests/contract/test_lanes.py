"""Lanes: a cell that takes 2, 4 or 8 operands of K a step, where an array leaves that to choose.

Sums of any number of lanes are the same, tiles of K are as long as the lanes make them, and the
RTL has the model's values and cycles. Beyond what the common contract does with `lanes` as one
choice among others: with weights encoded, digits made elsewhere, loads behind a pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree
from tests.contract.combos import WITH_RTL, combo_id, engine, operands, share
from tests.contract.test_rtl import SLOW_SINK
from tpe.array.base import ALWAYS, Array, Handshake
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS, corners
from tpe.pe.base import PE
from tpe.pe.paces import Dense

LANES = (2, 4, 8)
CHOICES: tuple[dict[str, Any], ...] = (
    {"encode": "weights"},
    {"encode_in": "edge", "overlap": "load"},
    {"encode_in": "stored", "encoder": "ent"},
)
LAZY = Handshake(idle=0x7F7B_6DDE, busy=0x3333_3333)  # hardly ever a beat

CHOSEN = [
    (pe, array)
    for pe, array in WITH_RTL
    if pe.parameter("lanes")
    and isinstance(pe.pace, Dense)
    and array.grid((1,) * len(array.sides)).lanes is None
]
combos = pytest.mark.parametrize("combo", CHOSEN, ids=combo_id)


def with_lanes(pe: PE, array: Array, size: tuple[int, int], lanes: int, **choice: Any):
    """An engine with a choice, as far as the array has it."""
    legal = {p.name: p.legal for p in array.parameters(pe)}
    own = {n: x for n, x in choice.items() if n != "overlap" or x in legal.get(n, ())}
    return engine(pe, array, size, lanes=lanes, **own)


def shapes(e: tpe.Engine) -> list[tuple[int, int, int]]:
    """M, N, K: one of all; M = 1; K that ends in a lane, in a tile, behind several tiles."""
    lanes, tile = e.widths.lanes, e.grid.chain * e.widths.lanes
    return [(1, 1, 1), (1, 3, lanes + 1), (4, 3, tile - 1), (5, 2, 2 * tile + 1), (4, 4, tile)]


def cases(e: tpe.Engine, handshakes: tuple[Handshake, ...]) -> Iterator[Case]:
    """All shapes under these handshakes, and sums of extremes."""
    for (seed, shape), handshake in product(enumerate(shapes(e)), handshakes):
        yield Case(e, *operands(e, *shape, seed=seed), handshake)
    yield from corners(e, 2 * e.grid.chain * e.widths.lanes + 1)
    low = np.full((3, 2 * e.widths.lanes + 1), -128)
    yield Case(e, low, low.T, SLOW_SINK)


def test_who_is_there() -> None:
    names = {combo_id(combo) for combo in CHOSEN}
    arrays = ("matrix2d", "systolic_os", "systolic_ws")
    assert names >= {f"{pe}-{array}" for pe in ("mac", "opt1") for array in arrays}


@combos
def test_a_sum_does_not_depend_on_lanes(combo) -> None:
    wrapping = {"acc_bits": 16, "overflow": "wrap"}
    a, b = operands(engine(*combo, (2, 2)), 5, 3, 29, seed=1)
    engines = [engine(*combo, (2, 2), lanes=lanes, **wrapping) for lanes in (1, *LANES, 29, 64)]
    sums = [e.run(a, b, values="bits").C for e in engines]
    assert all((c == sums[0]).all() for c in sums)
    assert (sums[0] != a @ b).any()


@combos
def test_a_tile_of_k_is_as_long_as_its_lanes(combo) -> None:
    """As many cycles as with a lane and that share of K; what pads it is `edge`, not `useful`."""
    plain, a, b = (
        engine(*combo, (3, 2), lanes=1),
        *operands(engine(*combo, (3, 2)), 7, 5, 40, seed=2),
    )
    for lanes in LANES:
        for k in (1, lanes - 1, lanes, 3 * lanes, 3 * lanes + 1, 40):
            run = engine(*combo, (3, 2), lanes=lanes).run(a[:, :k], b[:k])
            share = -(-k // lanes)
            same = plain.run(a[:, :share], b[:share])
            assert run.cycles == same.cycles, (lanes, k)
            assert run.terms.useful * share * lanes == same.terms.useful * k


@combos
def test_rtl_agrees_in_every_value_and_cycle(combo) -> None:
    """All three in a chain; of others a combination has its share, since `lanes` is a variant."""
    chosen = share(list(zip(LANES, CHOICES, strict=True)), combo, 1 if combo[1].chained else 3)
    found: list[Case] = []
    for lanes, choice in chosen:
        found += cases(with_lanes(*combo, (2, 2), lanes, **choice), (ALWAYS, STALLS, SLOW_SINK))
    assert_all_agree(found)


@pytest.mark.full
@combos
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 5), (5, 1)])
def test_rtl_agrees_with_every_choice(combo, size) -> None:
    found: list[Case] = []
    for lanes, choice in product(LANES, ({}, *CHOICES, {"overlap": "load"})):
        e = with_lanes(*combo, size, lanes, **choice)
        found += cases(e, (ALWAYS, STALLS, SLOW_SINK, LAZY))
    assert_all_agree(found)


@pytest.mark.parametrize("lanes", [0, 1025, "two", 1.5])
@combos
def test_illegal_lanes_are_refused(combo, lanes) -> None:
    with pytest.raises(tpe.TpeError, match=r"lanes = .* an integer from 1 to 1024"):
        engine(*combo, (2, 2), lanes=lanes)
