"""GEMMs whose products, or sums of activations, are looked up in a table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

import tpe
from benchmarks.timing import Figure, best
from tpe.numbers.lookup_gemm import lookup_product
from tpe.numbers.lookup_tables import TableKind

SIZE = 512
LIMIT = 1000  # millions of multiply-adds a second, on two cores


def figures() -> Iterator[Figure]:
    """Multiply-adds a second by a table of int8 x int8, and by tables of activations."""
    yield from look_ups()
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


def look_ups() -> Iterator[Figure]:
    """The same by half tables of four activations: int8 with weights of 4 bits."""
    engine = tpe.Engine("lut_tc", "matrix2d", (2, 64), b_type="int4")
    rng = np.random.default_rng(0)
    a, b = engine.a_format.drawn(rng, (SIZE, SIZE)), engine.b_format.drawn(rng, (SIZE, SIZE))
    work = partial(lookup_product, a, b, engine.b_format, TableKind.HALF, engine.widths.lanes)
    rate = SIZE**3 / best(work) / 1e6
    yield Figure(
        f"lut_tc: int8 by int4, values by tables, {SIZE}^3, multiply-adds a second",
        f"{rate:.0f} million",
        f">= {LIMIT} million",
        rate >= LIMIT,
    )
