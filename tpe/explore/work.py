"""Points in portions: what is handed to a process or to a machine, and who does it here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from tpe.base.errors import TpeError
from tpe.explore.batch import of_rows, packed
from tpe.explore.design import DesignPoint, files_of
from tpe.explore.rows import rows_of


@dataclass(frozen=True)
class Portion:
    """Points that are done together; their keys stay with whoever asks.

    codes  what their keys say of the code that makes rows: other code is refused
    files  what they say of every workload's files
    """

    points: tuple[DesignPoint, ...]
    codes: tuple[str, ...]
    files: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]

    @classmethod
    def of(cls, points: Iterable[DesignPoint]) -> Portion:
        """A portion as this process sees its code and files."""
        own = tuple(points)
        names = dict.fromkeys(point.workload for point in own)
        files = tuple((name, files_of(name)) for name in names)
        return cls(own, tuple(point.code for point in own), files)

    def __str__(self) -> str:
        first = self.points[0]
        words = " ".join(str(x) for x in (first.pe, first.array, first.size, first.workload) if x)
        return words if len(self.points) == 1 else f"{words} and {len(self.points) - 1} more"


def done(portion: Portion) -> bytes:
    """The rows of a portion, packed: the same bytes in any process.

    TpeError where the code, or a file of a workload, is another one than where it was asked for.
    """
    if tuple(point.code for point in portion.points) != portion.codes:
        raise TpeError("this machine has another tpe than the one that asks; legal: the same code")
    for name, files in portion.files:
        if files_of(name) != files:
            raise TpeError(f"workload '{name}' has other files on this machine; legal: the same")
    return packed(of_rows(rows_of(portion.points)))


Outcome = tuple[Portion, bytes]


class Workers(Protocol):
    """Who does portions."""

    def run(self, portions: Iterator[Portion]) -> Iterator[Outcome]:
        """Every portion with its rows, in any order; as many are taken as are worked on."""


@dataclass(frozen=True)
class Here:
    """This process."""

    work: Callable[[Portion], bytes] = done

    def run(self, portions: Iterator[Portion]) -> Iterator[Outcome]:
        """Every portion in order."""
        for portion in portions:
            yield portion, self.work(portion)
