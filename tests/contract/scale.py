"""GEMMs at the scale at which counters wrap: deep, tall, wide, and sums that fill an accumulator.

Small shapes leave the upper bits of every counter, address and sum at zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import tpe
from tests.contract.combos import engine, operands
from tpe.array.base import Array
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.pe.base import PE

SIZE = (34, 1)  # rows and columns add up to more than five bits hold, and so do the rows
M, N, K = 70, 2, 1030  # several tiles of M, both tiles of N, and more of K than a resident B has
ACC_BITS = 26  # the least that holds K products of -128 by -128
DEPTH = 1024
# Masks of cycles in which one stream waits alone; in some both are there.
A_HOLD, B_HOLD = 0x5A14_C826, 0x1248_8A31


def deep(pe: PE, array: Array) -> Iterator[Case]:
    """One deep GEMM, and a shallower one with a hesitant source and sink."""
    own: dict[str, Any] = {"acc_bits": ACC_BITS}
    own |= {"depth": DEPTH} if pe.parameter("depth") else {}
    default = {p.name: p.default for p in array.parameters(pe)}
    own |= {"psum_depth": default["psum_depth"]} if "psum_depth" in default else {}
    e = engine(pe, array, SIZE, **own)
    a, b = operands(e, M, N, K, seed=K)
    a[np.random.default_rng(K).random(a.shape) < 0.3] = 0
    a[0], a[1], b[:, 0] = -128, 127, -128
    yield Case(e, a, b)
    yield Case(e, a[:35, :130], b[:130], STALLS)


def odd_planes(pe: PE, array: Array) -> Iterator[Case]:
    """Rows that drift apart, operands of three bit weights: an odd number of planes."""
    if "drift" not in {p.name for p in array.parameters(pe)} or not pe.sparse:
        return
    for drift in (1, 3):
        e = engine(pe, array, (2, 2), drift=drift, a_type="int6")
        for k in (1, 9, 33):
            a, b = operands(e, 5, 3, k, seed=k)
            yield Case(e, a, b)
            yield Case(e, a, b, STALLS)


def apart(e: tpe.Engine) -> Iterator[Case]:
    """A and B in different cycles; neither is taken without the other where they are a pair."""
    for k in (1, 9, 40):
        a, b = operands(e, 9, 9, k, seed=k)
        yield Case(e, a, b, a_hold=A_HOLD, b_hold=B_HOLD)
        yield Case(e, a, b, STALLS, a_hold=B_HOLD, b_hold=A_HOLD)
