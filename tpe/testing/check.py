"""One check of the contract: what it is of, and what runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True)
class Check:
    """Something that holds of a PE, in an array; calling it raises AssertionError if it does not.

    >>> str(Check("opt1-matrix2d", "values", print))
    'opt1-matrix2d: values'
    """

    subject: str
    what: str
    run: Callable[[], None]

    def __call__(self) -> None:
        """Run it."""
        self.run()

    def __str__(self) -> str:
        """A test id."""
        return f"{self.subject}: {self.what}"


def of(subject: str, run: Callable[..., None], *arguments: Any) -> Check:
    """A check named like the function that runs it."""
    return Check(subject, run.__name__, partial(run, *arguments))
