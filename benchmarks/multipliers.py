"""GEMMs whose products are looked up in a table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

import tpe
from benchmarks.timing import Figure, best

SIZE = 512
LIMIT = 1000  # millions of multiply-adds a second, on two cores


def figures() -> Iterator[Figure]:
    """Multiply-adds a second by a table of int8 x int8."""
    engine = tpe.Engine("table_mult", "systolic_ws", (16, 16))
    rng = np.random.default_rng(0)
    a, b = (engine.a_format.drawn(rng, (SIZE, SIZE)) for _ in range(2))
    work = partial(engine.arithmetic.product, a, b, engine.a_format, engine.b_format)
    rate = SIZE**3 / best(work) / 1e6
    yield Figure(
        f"table_mult: int8 values, {SIZE}^3, multiply-adds a second",
        f"{rate:.0f} million",
        f">= {LIMIT} million",
        rate >= LIMIT,
    )
