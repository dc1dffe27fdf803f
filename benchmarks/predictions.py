"""How many engines a second the models of cost price, from inputs as numbers, batched."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.timing import Figure, best
from tpe.predict.cost import priced
from tpe.predict.cost_model import parts_model

ROWS, LEAST = 100_000, 100_000


def figures() -> Iterator[Figure]:
    """Rows a second of the forest of parts."""
    learned = parts_model("forest of ratio")
    rng = np.random.default_rng(0)
    x = rng.uniform(learned.hull.low, learned.hull.high, (ROWS, len(learned.names)))
    seconds = best(lambda: priced(x, learned))
    rate = ROWS / seconds
    yield Figure(
        f"predictions a second, {learned.name}, {ROWS:,} rows at once",
        f"{rate:,.0f}",
        f">= {LEAST:,}",
        rate >= LEAST,
    )
