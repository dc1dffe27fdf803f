"""Best-of-several wall times: the machine's noise only ever adds."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure: `measured` against `limit`; `ok` says whether it is reached."""

    name: str
    measured: str
    limit: str
    ok: bool


def best(work: Callable[[], object], times: int = 3) -> float:
    """The shortest of `times` runs, in seconds; one run before them warms up."""
    work()
    spans = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spans.append(time.perf_counter() - start)
    return min(spans)


def process(code: str, times: int = 5) -> float:
    """The shortest wall time of a fresh interpreter running `code`, in seconds."""
    command = [sys.executable, "-c", code]
    return best(lambda: subprocess.run(command, check=True, capture_output=True), times)
