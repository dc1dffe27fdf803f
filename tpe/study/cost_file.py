"""A user's own numbers in place of synthesis: `--cost mine.csv`.

The file has a header and the columns pe, clock_ns, area_um2, energy_fj_per_mac, leakage_uw, in any
order, one row per PE and clock: what a commercial flow reported. An empty field is unknown.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from tpe.base import files
from tpe.base.errors import TpeError

COLUMNS = ("pe", "clock_ns", "area_um2", "energy_fj_per_mac", "leakage_uw")
_NEEDED = ("clock_ns", "area_um2")
# Legal values. Wider than any technology, and such that no product or ratio leaves a float.
_RANGES = {
    "clock_ns": (1e-6, 1e6),
    "area_um2": (1e-6, 1e12),
    "energy_fj_per_mac": (1e-9, 1e15),
    "leakage_uw": (0.0, 1e12),
}
_LONGEST = 100  # characters of a name


@dataclass(frozen=True)
class Cost:
    """What a PE costs at a clock that it meets; None where the user gave nothing."""

    pe: str
    clock_ns: float
    area_um2: float
    energy_fj_per_mac: float | None
    leakage_uw: float | None

    def row(self, source: str, clock_ns: float | None = None) -> dict[str, Any]:
        """Its columns of the flat table, at a clock that may be slower than its own."""
        leakage = None if self.leakage_uw is None else self.leakage_uw / 1000
        return {
            "clock_ns": self.clock_ns if clock_ns is None else clock_ns,
            "clock_met": True,
            "recipe": "the user's",
            "area_um2": self.area_um2,
            "energy_fj_per_mac": self.energy_fj_per_mac,
            "leakage_mw": leakage,
            "cost_source": source,
        }


@dataclass(frozen=True)
class CostTable:
    """A user's numbers; `source` marks every row that comes from them."""

    costs: tuple[Cost, ...]
    source: str

    def of(self, pe: str) -> tuple[Cost, ...]:
        """The rows of a PE, fastest first; TpeError if there is none."""
        found = tuple(sorted((c for c in self.costs if c.pe == pe), key=lambda c: c.clock_ns))
        if not found:
            rows = ", ".join(dict.fromkeys(c.pe for c in self.costs))
            raise TpeError(f"{self.source} has no row of {pe}; it has rows of {rows}")
        return found

    def at(self, pe: str, clock_ns: float) -> Cost | None:
        """The smallest row of a PE whose clock is this one or a faster one; None if none is."""
        meets = [cost for cost in self.of(pe) if cost.clock_ns <= clock_ns]
        return min(meets, key=lambda cost: cost.area_um2) if meets else None


def read_cost(path: str | os.PathLike[str]) -> CostTable:
    """The costs in a CSV file; TpeError, one line with file and line, for what is not legal."""
    text = files.read_text(path, "a table of costs")
    try:
        reader = csv.DictReader(StringIO(text, newline=""))
        columns = reader.fieldnames or []
        _check_columns(path, columns)
        costs = tuple(_cost(f"{path}:{reader.line_num}", row) for row in reader)
    except csv.Error as error:
        raise TpeError(f"{path} is no CSV file: {error}") from None
    if not costs:
        raise TpeError(f"{path} has no row; legal: one per PE and clock")
    _check_twice(path, costs)
    return CostTable(costs, f"user: {Path(path).name}")


def _check_columns(path: object, columns: Iterable[str]) -> None:
    found = [str(column).strip() for column in columns]
    lacks = [column for column in COLUMNS if column not in found]
    stray = [column for column in found if column not in COLUMNS]
    if len(found) == 1 and ";" in found[0]:
        raise TpeError(f"{path} is divided by semicolons; legal: commas")
    if lacks or stray or len(set(found)) != len(found):
        wrong = f"lacks {', '.join(lacks)}" if lacks else f"has {', '.join(stray or found)}"
        raise TpeError(f"{path} {wrong}; legal columns: {', '.join(COLUMNS)}")


def _cost(where: str, row: Mapping[str | None, Any]) -> Cost:
    if None in row or any(value is None for value in row.values()):
        raise TpeError(f"{where}: a row has {len(COLUMNS)} fields: {', '.join(COLUMNS)}")
    fields = {str(key).strip(): str(value).strip() for key, value in row.items()}
    if not fields["pe"]:
        raise TpeError(f"{where}: pe is empty; legal: the name of a PE")
    if len(fields["pe"]) > _LONGEST:
        raise TpeError(f"{where}: pe has {len(fields['pe'])} characters; legal: up to {_LONGEST}")
    numbers = {name: _number(where, name, fields[name]) for name in COLUMNS[1:]}
    return Cost(fields["pe"], **numbers)  # type: ignore[arg-type]  # both needed ones are there


def _number(where: str, name: str, text: str) -> float | None:
    if not text and name not in _NEEDED:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    low, high = _RANGES[name]
    if not low <= value <= high:
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        raise TpeError(f"{where}: {name} = {shown!r} is not legal: {low:g} to {high:g}")
    return value


def _check_twice(path: object, costs: Iterable[Cost]) -> None:
    seen: set[tuple[str, float]] = set()
    for cost in costs:
        if (cost.pe, cost.clock_ns) in seen:
            raise TpeError(f"{path}: {cost.pe} at {cost.clock_ns:g} ns stands there twice")
        seen.add((cost.pe, cost.clock_ns))
