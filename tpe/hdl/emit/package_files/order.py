"""The order in which beats of a GEMM go to an engine, and what each pass of it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tpe.hdl.emit.package_files.facts import Elements, Interface


@dataclass(frozen=True)
class Beat:
    """A word of the memory image of A or B, and whether it ends its plane or its tile."""

    word: int
    last: bool


@dataclass(frozen=True)
class PassControl:
    """What a pass does: load B, start from zero, let C leave."""

    load: bool
    clear: bool
    flush: bool

    @property
    def byte(self) -> int:
        """As the wrapper's stream of passes takes it.

        >>> PassControl(load=True, clear=False, flush=True).byte
        5
        """
        return self.load + 2 * self.clear + 4 * self.flush


@dataclass(frozen=True)
class Order:
    """All beats of a GEMM, stream by stream, and its passes."""

    a: tuple[Beat, ...]
    b: tuple[Beat, ...]
    passes: tuple[PassControl, ...]


def order(settings: Mapping[str, int], known: Interface) -> Order:
    """Tiles of N outermost, tiles or blocks of M in each, passes of K in those, planes, beats.

    settings: those of a case's images. A's streams, where there are several, all have this order.
    """
    s = settings
    a = _beats(
        s,
        known.planes,
        s["m_count"],
        (s["a_len"], s["a_cut_p"], s["a_cut_m"]),
        (0, s["a_m_stride"], s["a_p_stride"]),
    )
    rounds = 1 if s["b_once"] else s["m_count"]
    b = _beats(
        s,
        known.b_planes,
        rounds,
        (s["b_len"], s["b_cut_p"], 0),
        (s["b_n_stride"], 0, s["b_p_stride"]),
    )
    count = s["p_count"]
    passes = (
        PassControl(load=m == 0 or not s["b_once"], clear=p == 0, flush=p == count - 1)
        for _ in range(s["n_count"])
        for m in range(s["m_count"])
        for p in range(count)
    )
    return Order(tuple(a), tuple(b), tuple(passes))


def _beats(
    s: Mapping[str, int],
    planes: int,
    m_count: int,
    length: tuple[int, int, int],
    strides: tuple[int, int, int],
) -> Iterator[Beat]:
    beats, cut_p, cut_m = length
    for n in range(s["n_count"]):
        for m in range(m_count):
            for p in range(s["p_count"]):
                count = beats - (cut_p if p == s["p_count"] - 1 else 0)
                count -= cut_m if m == m_count - 1 else 0
                start = n * strides[0] + m * strides[1] + p * strides[2]
                for _ in range(planes):
                    for i in range(count):
                        yield Beat(start + i, i == count - 1)


def in_bytes(word: str, part: Elements) -> bytes:
    """A word of a memory image with every element in whole bytes, the first element first.

    What is above an element is its sign, or zeros.

    >>> in_bytes("1f2", Elements(3, 4)).hex(" ")
    '02 ff 01'
    """
    value, found = int(word, 16), b""
    for i in range(part.count):
        element = value >> (i * part.bits) & ((1 << part.bits) - 1)
        if part.signed and element >> (part.bits - 1):
            element -= 1 << part.bits
        found += element.to_bytes(part.slot // 8, "little", signed=element < 0)
    return found
