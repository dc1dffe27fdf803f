"""A child process of somebody's RTL: it ends by itself or at a limit of time, however it talks."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tpe.base.errors import TpeError
from tpe.base.processes import started

MOST_TEXT = 1 << 20  # bytes of each stream that are kept; what follows is read and dropped


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
    tpe.TpeError: the example did not end within 0.1 s and was stopped
    """
    kept = (bytearray(), bytearray())
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(command, cwd=cwd, env=env, **pipes) as process:
        assert process.stdout is not None and process.stderr is not None
        streams = (process.stdout.buffer, process.stderr.buffer)  # type: ignore[attr-defined]
        readers = [
            threading.Thread(target=_keep, args=pair, daemon=True)
            for pair in zip(streams, kept, strict=True)
        ]
        for reader in readers:
            reader.start()
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise TpeError(
                f"{what} did not end within {limit_s:g} s and was stopped{advice}"
            ) from None
    for reader in readers:
        reader.join()
    out, err = (bytes(x).decode(errors="replace") for x in kept)
    return subprocess.CompletedProcess(list(command), process.returncode, out, err)


def _keep(stream: IO[bytes], kept: bytearray) -> None:
    while chunk := stream.read1(1 << 16):  # type: ignore[attr-defined]
        kept += chunk[: MOST_TEXT - len(kept)]
