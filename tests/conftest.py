"""What all tests share: no skip where none is allowed, and the minutes of every room at the end."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

NO_GPU = "no GPU is at hand"  # begins the reason of a test that wants one


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With TPE_NO_SKIP a skipped test has failed: the landing tier installs what tests need.

    Only what lies beside the project, and may be missing, is a reason; and a GPU.
    """
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    missing = any(reason in str(report.longrepr) for reason in ("../shared", NO_GPU))
    strict = os.environ.get("TPE_NO_SKIP") and not missing
    if report.skipped and strict and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but TPE_NO_SKIP is set: {report.longrepr}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where the time went: minutes of all workers by room, the longest first."""
    minutes: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                minutes[room_of(report.nodeid)] += report.duration / 60
    if sum(minutes.values()) > 1:
        each = ", ".join(f"{room} {time:.1f}" for room, time in minutes.most_common())
        terminalreporter.write_line(f"minutes by room: {each}")


def room_of(nodeid: str) -> str:
    """The folder below `tests` or `tpe` that a test is in."""
    parts = nodeid.split("::")[0].split("/")
    return parts[1] if len(parts) > 2 else parts[0]


os.environ.setdefault("TPE_PROGRESS", "0")  # what stderr holds does not depend on the machine

settings.register_profile("tpe", deadline=None)  # tests are never timed
settings.load_profile("tpe")
