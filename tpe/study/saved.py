"""Comparisons in files: every run as `tpe.model.saved` writes it, and what was refused, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tpe.base.errors import TpeError
from tpe.model.saved import (
    engine_content,
    engine_of,
    read_saved,
    run_content,
    run_of,
    write_saved,
)
from tpe.study.candidates import Candidate
from tpe.study.comparison import Comparison, Entry

FORMAT = "tpe comparison"


def save_comparison(
    comparison: Comparison, path: str | os.PathLike[str], values: bool = False
) -> None:
    """Write a comparison, whole or not at all; see `tpe.Comparison.save`."""
    content = {
        "workload": comparison.workload,
        "seed": comparison.seed,
        "baseline": comparison.baseline,
        "command": str(comparison.command),
        "version_of_tpe": comparison.version,
        "entries": [_entry_content(entry, values) for entry in comparison.entries],
    }
    write_saved(FORMAT, content, path)


def load_comparison(path: str | os.PathLike[str]) -> Comparison:
    """The comparison in a file; see `tpe.Comparison.load`."""
    return read_saved(FORMAT, path, _comparison_of)


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


def _comparison_of(content: Mapping[str, Any]) -> Comparison:
    comparison = Comparison(
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
        engine=None if engine is None else engine_of(engine),
        reason=None if reason is None else TpeError(reason),
    )
    run = None if content["run"] is None else run_of(content["run"])
    return Entry(candidate, run, content["reason"], content["outputs_equal"])
