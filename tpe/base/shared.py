"""What several engines need of one operand, made once: for as long as a block lasts.

>>> with sharing():
...     [shared("a", lambda: [1]) is shared("a", lambda: [1]), shared(None, list) is None]
[True, False]
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_memo: ContextVar[dict[Hashable, Any] | None] = ContextVar("memo", default=None)


@contextmanager
def sharing() -> Iterator[None]:
    """What is `shared` inside stays until the end of the block."""
    token = _memo.set({})
    try:
        yield
    finally:
        _memo.reset(token)


def shared(key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, kept by its key inside of `sharing`; made anew outside, and of key None.

    The key holds all that determines it.
    """
    memo = _memo.get()
    if memo is None or key is None:
        return make()
    if key not in memo:
        memo[key] = make()
    kept: T = memo[key]
    return kept
