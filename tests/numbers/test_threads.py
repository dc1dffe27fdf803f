"""Blocks of rows on threads: every row once, in order, whatever the number of threads."""

from __future__ import annotations

import numpy as np
import pytest

import tpe
from tpe.numbers.threads import by_rows


@pytest.mark.parametrize("processors", [1, 2, 3, 16])
def test_every_row_is_in_one_block(processors, monkeypatch):
    monkeypatch.setattr("tpe.numbers.threads.os.cpu_count", lambda: processors)
    for count in (0, 1, 2, 5, 17):
        rows = list(range(count))
        blocks = by_rows(rows.__getitem__, count, 1 << 40)
        assert [row for block in blocks for row in block] == rows
        assert len(blocks) == max(1, min(processors, count))


@pytest.mark.parametrize("pe", ["fma", "fma_approxnorm", "lmul", "tensorcore"])
def test_products_do_not_depend_on_threads(pe, monkeypatch):
    engine = tpe.Engine(pe, "systolic_os")
    rng = np.random.default_rng(0)
    a, b = (engine.a_format.drawn(rng, shape) for shape in ((7, 40), (40, 9)))
    monkeypatch.setattr("tpe.numbers.threads._WORTH", 1)
    found = []
    for processors in (1, 3):
        monkeypatch.setattr("tpe.numbers.threads.os.cpu_count", lambda n=processors: n)
        found.append(engine.run(a, b, values="fast").C.view(np.uint32))
    assert (found[0] == found[1]).all()
