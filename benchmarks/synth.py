"""Synthesis from an empty cache: what a first user waits for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.timing import Figure

CLOCKS = "2.5:7:0.5"  # ten
COMMANDS = (
    ("tpe synth", (), 60),
    ("one PE (mac), whole portfolio, ten clocks", ("--pe", "mac", "--clock-ns", CLOCKS), 60),
    (
        "opt1 16x16, area and timing",
        ("--pe", "opt1", "--array", "matrix2d", "--size", "16x16"),
        180,
    ),
)


def figures() -> Iterator[Figure]:
    """Wall times of commands, each with a cache of its own."""
    for name, words, limit in COMMANDS:
        took = cold(*words)
        yield Figure(f"{name}, empty cache", f"{took:.0f} s", f"< {limit} s", took < limit)


def cold(*words: str) -> float:
    """Seconds that `tpe synth` takes with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "TPE_CACHE_DIR": cache}
        command = [sys.executable, "-m", "tpe.cli.main", "synth", *words]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return time.perf_counter() - start
