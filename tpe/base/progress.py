"""Progress of long work on stderr: a bar on a terminal, elsewhere a line every few seconds.

The environment variable `TPE_PROGRESS` sets the seconds between lines; 0 writes none.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

DELAY = 1.0  # seconds; shorter work shows no bar
INTERVAL = 5.0  # seconds between lines


class Progress:
    """What a command is at: `with Progress(total) as step`, then `step(name)` as each part begins.

    total  parts there are; None while it is not known: set `step.total` when it is
    what   what is done, shown until the first part begins
    even   whether parts take about as long as each other: then the time left is shown too
    """

    def __init__(
        self,
        total: int | None = None,
        what: str = "",
        console: Console | None = None,
        even: bool = False,
    ) -> None:
        self.name, self.even = what, even
        self._skipped = 0  # parts that were done before this began
        self._total, self._begun = total, 0
        self._console = console
        self._shown: _Bar | _Lines | None = None

    def __enter__(self) -> Progress:
        self._shown = _Bar(self, self._console) if self._on_terminal() else _Lines(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown is not None:
            self._shown.stop()

    def __call__(self, name: str) -> None:
        """The next part begins; it is called `name`."""
        self.name, self._begun = name, self._begun + 1
        if self._shown is not None:
            self._shown.update()

    def advance(self, count: int, name: str = "", before: bool = False) -> None:
        """So many parts are done; `before`: they were when this began, which took no time.

        >>> step = Progress(100, "sweep", even=True)
        >>> step.advance(20, before=True), step.advance(40), step.line(8)
        (None, None, 'tpe: sweep, 60 of 100 done, 8 s, about 8 s left')
        """
        self.name = name or self.name
        self._begun = max(self._begun, 1) + count
        self._skipped += count if before else 0
        if self._shown is not None:
            self._shown.update()

    @property
    def total(self) -> int | None:
        """Parts there are; None: not known yet."""
        return self._total

    @total.setter
    def total(self, total: int | None) -> None:
        self._total = total
        if self._shown is not None:
            self._shown.update()

    @property
    def done(self) -> int:
        """Parts that are behind the one that was begun last."""
        return max(self._begun - 1, 0)

    def line(self, seconds: float) -> str:
        """What there is to say after so many seconds.

        >>> step = Progress(3)
        >>> step("fc1"), step("fc2"), step.line(12.3)
        (None, None, 'tpe: fc2, 1 of 3 done, 12 s')
        >>> Progress(what="building").line(5)
        'tpe: building, 5 s'
        """
        known = self.total is not None and self._begun > 0
        counted = [f"{self.done:,} of {self.total:,} done"] if known else []
        name = "".join(c if c.isprintable() else "?" for c in self.name)
        fresh = self.done - self._skipped
        if known and self.even and fresh > 0 and self.total is not None:
            left = seconds * (self.total - self.done) / fresh
            counted += [f"{seconds:.0f} s", f"about {_duration(left)} left"]
            return "tpe: " + ", ".join([name or "working", *counted])
        return "tpe: " + ", ".join([name or "working", *counted, f"{seconds:.0f} s"])

    def _on_terminal(self) -> bool:
        if self._console is None:
            stream = sys.stderr
            if stream is None or stream.closed or not stream.isatty():
                return False  # before anything of rich is loaded
            from rich.console import Console

            self._console = Console(stderr=True)
        return self._console.is_terminal and self._console.is_interactive


def _duration(seconds: float) -> str:
    """Seconds as a person reads them.

    >>> _duration(59), _duration(600), _duration(20_000)
    ('59 s', '10 min', '5.6 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


class _Bar:
    """A bar of rich, which appears if the work takes longer than `DELAY`."""

    def __init__(self, of: Progress, console: Console | None) -> None:
        from rich import progress as rich

        left = [rich.TimeRemainingColumn()] if of.even else []
        columns = (rich.BarColumn(30), rich.MofNCompleteColumn(), rich.TimeElapsedColumn(), *left)
        name = rich.TextColumn("{task.description}", markup=False)
        options: Any = {"console": console, "transient": True, "redirect_stdout": False}
        self._of, self._bar = of, rich.Progress(*columns, name, **options)
        self._task = self._bar.add_task(of.name, total=of.total)
        self._timer = threading.Timer(DELAY, self._bar.start)
        self._timer.daemon = True
        self._timer.start()

    def update(self) -> None:
        of = self._of
        self._bar.update(self._task, description=of.name, completed=of.done, total=of.total)

    def stop(self) -> None:
        self._timer.cancel()
        self._timer.join()
        self._bar.stop()


class _Lines:
    """A line on stderr every few seconds, from a thread that ends with the work."""

    def __init__(self, of: Progress, stream: TextIO | None = None) -> None:
        self._of, self._stream = of, stream or sys.stderr
        self._began, self._interval = time.monotonic(), _interval()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        if self._stream is not None and self._interval > 0:
            self._thread.start()

    def _write(self) -> None:
        while not self._ended.wait(self._interval):
            text = self._of.line(time.monotonic() - self._began)
            try:
                print(text, file=self._stream, flush=True)
            except (OSError, ValueError):  # its reader is gone, or it was closed
                return

    def update(self) -> None:
        """Nothing: the next line says it."""

    def stop(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()


def _interval() -> float:
    with suppress(ValueError):
        return float(os.environ.get("TPE_PROGRESS", INTERVAL))
    return INTERVAL
