"""Processes that do portions: one that dies costs what it was at, which another one does again.

Each has a pipe of its own, so that it is known who had what, and so that it ends when this process
does, however that is: its pipe is closed then. (A pool of the standard library breaks as a whole
when one of its processes is killed, and its processes stay behind when their parent is.)
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context
from typing import Any

from tpe.base.errors import TpeError
from tpe.explore.work import Outcome, Portion

MOST_DEATHS = 3  # of processes at one portion
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA")


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes that are started inside have one numerical thread."""
    names = [f"{name}_NUM_THREADS" for name in _THREADS]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def serve(pipe: connection.Connection) -> None:
    """What a process does: take a portion, give its rows, until its pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks ends it
    from tpe.array import free_rows
    from tpe.explore.work import done

    free_rows.THREADS = 1
    with suppress(EOFError, OSError):
        while True:
            portion = pipe.recv()
            try:
                answer: bytes | Exception = done(portion)
            except Exception as error:
                answer = error
            pipe.send(answer)


@dataclass
class _Process:
    """A process, its pipe, and what it is at."""

    process: Any
    pipe: connection.Connection
    portion: Portion | None = None

    def give(self, portion: Portion) -> None:
        self.portion = portion
        with suppress(OSError):  # it is gone, as its pipe will say
            self.pipe.send(portion)

    def end(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()


def _started() -> _Process:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    with one_thread_each():
        process.start()
    theirs.close()
    return _Process(process, ours)


@dataclass(frozen=True)
class Processes:
    """So many processes of this machine."""

    count: int

    def run(self, portions: Iterator[Portion]) -> Iterator[Outcome]:
        """Every portion with its rows, in any order.

        TpeError, naming the portion, if three processes died at it.
        """
        again: deque[Portion] = deque()
        deaths: dict[Portion, int] = {}
        processes = [_started() for _ in range(self.count)]
        try:
            while True:
                for process in [process for process in processes if process.portion is None]:
                    following = again.popleft() if again else next(portions, None)
                    if following is not None:
                        process.give(following)
                busy = [process for process in processes if process.portion is not None]
                if not busy:
                    return
                ready = connection.wait([process.pipe for process in busy])
                for process in [process for process in busy if process.pipe in ready]:
                    portion = process.portion
                    assert portion is not None
                    answer = _answer(process)
                    if isinstance(answer, bytes):
                        process.portion = None
                        yield portion, answer
                        continue
                    if answer is not None:
                        raise answer
                    deaths[portion] = deaths.get(portion, 0) + 1
                    if deaths[portion] >= MOST_DEATHS:
                        raise TpeError(f"{MOST_DEATHS} processes died at {portion}")
                    again.append(portion)
                    processes[processes.index(process)] = _started()
                    process.end()
        finally:
            for process in processes:
                process.end()


def _answer(process: _Process) -> bytes | Exception | None:
    """What a process gives; None if it is dead."""
    with suppress(EOFError, OSError):
        answer: bytes | Exception = process.pipe.recv()
        return answer
    return None
