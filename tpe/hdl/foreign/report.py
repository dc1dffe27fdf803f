"""The report of a co-simulation: what ran, what came out, and the first wrong results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tpe.base.table import SCHEMA_VERSION


@dataclass(frozen=True)
class Mismatch:
    """A wrong result: its operands, what was expected, what `out` showed, and in which cycle.

    `got` is None if `out_valid` promised no result. Cycles count from the start of the simulation.
    """

    operands: Mapping[str, int | list[int]]
    expected: int
    got: int | None
    cycle: int


@dataclass(frozen=True)
class Cosimulation:
    """A co-simulation: what ran, and what came out. `ok` if every result came, right and in time.

    latency: cycles as declared, None if it was to be found. latency_found: at which every result
    (or, failing that, most of them) matches; None where it varies, then `latency_range` says how.

    >>> from tpe.hdl.foreign.cosim import cosim, example
    >>> ports = {"a": "x", "b": "y", "out": "p"}
    >>> report = cosim(example(), "mult", "multiply", ports)
    >>> report.ok, report.top
    (True, 'mult')
    """

    top: str
    files: tuple[str, ...]
    model: str
    ports: Mapping[str, str]
    types: Mapping[str, str]
    lanes: int
    coverage: str
    latency: int | None
    seed: int
    undeclared: tuple[str, ...] = ()  # operands taken for unsigned because their ports are
    vectors: int = 0
    mismatches: int = 0
    latency_found: int | None = None
    latency_range: tuple[int, int] | None = None
    verdict: str = ""
    hint: str = ""  # of a failed run: the change with which the results match
    first: tuple[Mismatch, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        """Whether every result came, right and in time."""
        return self.mismatches == 0

    def to_json(self, command: str = "") -> dict[str, Any]:
        """The report as data."""
        return {
            "schema_version": SCHEMA_VERSION,
            "command": command,
            "top": self.top,
            "files": list(self.files),
            "model": self.model,
            "ports": dict(self.ports),
            "types": dict(self.types),
            "lanes": self.lanes,
            "coverage": self.coverage,
            "seed": self.seed,
            "ok": self.ok,
            "verdict": self.verdict,
            "hint": self.hint or None,
            "vectors": self.vectors,
            "mismatches": self.mismatches,
            "latency": self.latency,
            "latency_found": self.latency_found,
            "latency_range": None if self.latency_range is None else list(self.latency_range),
            "first_mismatches": [
                {
                    "operands": dict(m.operands),
                    "expected": m.expected,
                    "got": m.got,
                    "cycle": m.cycle,
                }
                for m in self.first
            ],
        }

    def __str__(self) -> str:
        """The verdict, and the first mismatches as a table."""
        lines = [f"{self.top}: {self.verdict}"]
        lines += [self.hint] if self.hint else []
        if self.first:
            names = list(self.first[0].operands)
            rows = [[*names, "expected", "got", "cycle"]]
            for m in self.first:
                got = "nothing" if m.got is None else str(m.got)
                values = [str(value) for value in m.operands.values()]
                rows.append([*values, str(m.expected), got, str(m.cycle)])
            widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
            lines += [
                "  ".join(x.rjust(w) for x, w in zip(row, widths, strict=True)) for row in rows
            ]
        return "\n".join(lines)
