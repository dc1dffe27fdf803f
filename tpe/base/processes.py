"""Child processes that end with us: none is left behind, however this process ends.

A command runs under a small supervisor (`supervisor.py`) that holds a pipe from this process. When
the command has ended, or this process lets go of the pipe, because it is interrupted, killed or
done, the supervisor kills the command's whole process group: compilers that `make` started and
solvers that Yosys started as well. Nothing runs between fork and exec in this process, so threads
may start commands.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_SUPERVISOR = Path(__file__).with_name("supervisor.py")


@contextmanager
def started(
    command: Sequence[str | os.PathLike[str]],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    **options: Any,
) -> Iterator[subprocess.Popen[str]]:
    """A running command; on leaving the block it, and all it started, has ended.

    `options` go to `subprocess.Popen`; without `stdin` the command reads nothing. Text, not bytes.
    Raises FileNotFoundError if there is no such program.
    """
    words = [os.fspath(word) for word in command]
    path = os.environ.get("PATH") if env is None else env.get("PATH")
    if shutil.which(words[0], path=path) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), words[0])
    reading, writing = os.pipe()
    options.setdefault("stdin", subprocess.DEVNULL)
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_SUPERVISOR), str(reading), *words],
            cwd=cwd,
            env=env,
            text=True,
            errors="replace",
            pass_fds=(reading,),
            start_new_session=True,  # a terminal's interrupt is ours to hand on
            **options,
        )
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    try:
        yield process
    finally:
        os.close(writing)
        process.wait()


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    input: str | None = None,
    stdout: int | IO[Any] = subprocess.PIPE,
    stderr: int | IO[Any] = subprocess.PIPE,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as `subprocess.run` does, and leave nothing of it behind.

    `timeout` in seconds. Output is caught as text unless it goes elsewhere. Raises
    FileNotFoundError if there is no such program, subprocess.TimeoutExpired.

    >>> done = run(["sh", "-c", "echo out; exit 3"])
    >>> done.returncode, done.stdout, done.stderr
    (3, 'out\\n', '')
    """
    words = [os.fspath(word) for word in command]
    given = {"stdin": subprocess.PIPE} if input is not None else {}
    with started(words, cwd=cwd, env=env, stdout=stdout, stderr=stderr, **given) as process:
        try:
            out, err = process.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired as late:
            late.cmd = words
            raise
    return subprocess.CompletedProcess(words, process.returncode, out or "", err or "")
