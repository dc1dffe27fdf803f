"""Comparisons in files: every run as `tpe.model.saved` writes it, and what was refused, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from tpe.base.errors import TpeError
from tpe.model.engine import Engine, Run
from tpe.model.saved import engine_content, engine_of, run_content
from tpe.study.candidates import Candidate
from tpe.study.record import ComparisonRecord, Entry

FORMAT = "tpe comparison"
_Comparison = TypeVar("_Comparison", bound=ComparisonRecord)


def comparison_content(comparison: ComparisonRecord, values: bool = False) -> dict[str, Any]:
    """A comparison as JSON can hold it."""
    return {
        "workload": comparison.workload,
        "seed": comparison.seed,
        "baseline": comparison.baseline,
        "command": str(comparison.command),
        "version_of_tpe": comparison.version,
        "entries": [_entry_content(entry, values) for entry in comparison.entries],
    }


def _entry_content(entry: Entry, values: bool) -> dict[str, Any]:
    c = entry.candidate
    facts = {"label": c.label, "pe": c.pe, "array": c.array, "size": c.size, "asked": dict(c.asked)}
    return {
        "candidate": {
            **facts,
            "engine": None if c.engine is None else engine_content(c.engine),
            "reason": None if c.reason is None else str(c.reason),
        },
        "run": None if entry.run is None else run_content(entry.run, values),
        "reason": entry.reason,
        "outputs_equal": entry.outputs_equal,
    }


def comparison_of(make: type[_Comparison], content: Mapping[str, Any]) -> _Comparison:
    """The comparison that `comparison_content` described, as a `make`."""
    comparison = make(
        content["workload"],
        int(content["seed"]),
        content["baseline"],
        tuple(_entry_of(entry) for entry in content["entries"]),
        content["command"],
        content["version_of_tpe"],
    )
    comparison[comparison.baseline]  # the baseline is there, and ran
    return comparison


def _entry_of(content: Mapping[str, Any]) -> Entry:
    facts = dict(content["candidate"])
    engine, reason = facts.pop("engine"), facts.pop("reason")
    candidate = Candidate(
        **facts,
        engine=None if engine is None else engine_of(Engine, engine),
        reason=None if reason is None else TpeError(reason),
    )
    run = None if content["run"] is None else Run.of(content["run"])
    return Entry(candidate, run, content["reason"], content["outputs_equal"])
