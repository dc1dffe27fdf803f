"""A child process that ends: by itself, at a limit of time, or with the command that began it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tpe.errors import TpeError

MOST_TEXT = 1 << 20  # bytes of each stream that are kept; what follows is read and dropped
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def run(
    command: Sequence[str],
    limit_s: float | None,
    what: str,
    *,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    advice: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; TpeError naming `what` if that takes over `limit_s` seconds,
    with `advice` behind it.

    Whatever way this is left, no process of the command's group is alive behind it.

    >>> run(["echo", "done"], 10, "the example").stdout
    'done\\n'
    >>> run(["sleep", "30"], 0.1, "the example")
    Traceback (most recent call last):
    tpe.errors.TpeError: the example did not end within 0.1 s and was stopped
    """
    with subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=env,
        start_new_session=True,  # a group of its own, which can be ended as one
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        kept = (bytearray(), bytearray())
        readers = [
            threading.Thread(target=_keep, args=pair, daemon=True)
            for pair in zip((process.stdout, process.stderr), kept, strict=True)
        ]
        try:
            for reader in readers:
                reader.start()
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise TpeError(
                f"{what} did not end within {limit_s:g} s and was stopped{advice}"
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            for reader in readers:
                reader.join()
    out, err = (bytes(x).decode(errors="replace") for x in kept)
    return subprocess.CompletedProcess(list(command), code, out, err)


def _keep(stream: IO[bytes], kept: bytearray) -> None:
    while chunk := stream.read1(1 << 16):  # type: ignore[attr-defined]
        kept += chunk[: MOST_TEXT - len(kept)]


def _die_with_parent() -> None:
    """In the child: the kernel ends it when this process is killed, which cannot clean up then."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
