"""A matrix product in blocks of its rows, one a thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")
_WORTH = 1 << 21  # multiply-adds that a thread is worth starting for


def by_rows(run: Callable[[slice], T], rows: int, multiply_adds: int) -> list[T]:
    """What `run` gives for consecutive blocks of rows, in their order.

    As many blocks, each on a thread, as there are processors, if there is work for them. `run` has
    to release the GIL, as compiled kernels do. With no rows it gets an empty block.

    >>> by_rows(lambda block: block, 5, 0)
    [slice(0, 5, None)]
    """
    count = max(1, min(os.cpu_count() or 1, rows, multiply_adds // _WORTH))
    cuts = [rows * i // count for i in range(count + 1)]
    blocks = [slice(first, last) for first, last in pairwise(cuts)]
    if count == 1:
        return [run(blocks[0])]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, blocks))
