"""Switching activity as SAIF 2.0: read what Verilator writes, write what other tools read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tpe.base.errors import TpeError
from tpe.base.files import whole_file
from tpe.version import __version__

_DURATION = re.compile(r"\(DURATION\s+(\d+)\)")
_NET = re.compile(
    r"\(\s*([^\s()]+)\s*\(T0 (\d+)\)\s*\(T1 (\d+)\)\s*\(TZ \d+\)\s*\(TX \d+\)"
    r"(?:\s*\(TB \d+\))?\s*\(TC (\d+)\)"
)


def read_saif(text: str) -> tuple[int, Iterator[tuple[str, int, int, int]]]:
    """(duration, (name, time at 0, time at 1, transitions) of every net), scopes left out.

    TpeError for a text that names no duration.
    """
    found = _DURATION.search(text)
    if found is None:
        raise TpeError("no SAIF file: it has no DURATION")
    nets = ((m[1], int(m[2]), int(m[3]), int(m[4])) for m in _NET.finditer(text))
    return int(found[1]), nets


Scope = tuple[str, Mapping[str, tuple[float, int]]]  # (instance, net -> (share at 1, transitions))


def saif_text(design: str, cycles: int, clock_ns: float, scopes: Iterable[Scope]) -> str:
    """SAIF of instances beside one another, times in ps.

    >>> print(saif_text("d", 2, 1.0, [("u", {"n": (0.25, 3)})]).splitlines()[-4].strip())
    (n (T0 1500) (T1 500) (TX 0) (TC 3) (IG 0))
    """
    duration = round(cycles * clock_ns * 1000)
    lines = [
        "(SAIFILE",
        '(SAIFVERSION "2.0")',
        '(DIRECTION "backward")',
        f'(DESIGN "{design}")',
        f'(PROGRAM_NAME "tpe {__version__}")',
        "(DIVIDER / )",
        "(TIMESCALE 1 ps)",
        f"(DURATION {duration})",
    ]
    for instance, nets in scopes:
        lines += [f"(INSTANCE {_escaped(instance)}", "  (NET"]
        for name, (share, count) in nets.items():
            high = round(share * duration)
            lines.append(
                f"    ({_escaped(name)} (T0 {duration - high}) (T1 {high}) (TX 0) "
                f"(TC {count}) (IG 0))"
            )
        lines += ["  )", ")"]
    return "\n".join([*lines, ")", ""])


def _escaped(name: str) -> str:
    return re.sub(r"([^\w$])", r"\\\1", name)


def write_saif(path: str | Path, text: str) -> None:
    """Leave a SAIF file, whole or not at all."""
    with whole_file(Path(path)) as file:
        file.write_text(text)
