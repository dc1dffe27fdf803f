"""A result made again by the command that it holds, and where the two differ."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tpe.base.errors import TpeError
from tpe.base.files import read_text

# Commands whose results depend on nothing but their words, this package and its tools.
AGAIN = frozenset(
    "list run compare show trace verify prove mutate synth reproduce fit cosim".split()
)
# Not of the result: the version (`point_id` holds it), and how long this machine took.
APART = frozenset({"tpe_version", "point_id", "cached", "seconds"})
LARGEST = 256 << 20


def command_of(path: str) -> tuple[list[str], Any]:
    """The words of a result's command, and the result; TpeError if it cannot be made again."""
    text = read_text(path, "result", LARGEST)
    try:
        result = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TpeError(f"{path}: cannot be read as result: {error}") from None
    command = result.get("command") if isinstance(result, dict) else None
    try:
        words = shlex.split(command) if isinstance(command, str) else []
    except ValueError:
        words = []
    legal = f"legal: the JSON of tpe {', '.join(sorted(AGAIN))}"
    if len(words) < 2 or words[0] != "tpe":
        raise TpeError(f"{path}: holds no command of tpe; {legal}")
    if words[1] not in AGAIN:
        raise TpeError(f"{path}: tpe {words[1]} is not made again; {legal}")
    return words[1:], result


def made_again(words: list[str]) -> Any:
    """What a command's JSON is now; TpeError with the command's own line if it fails.

    In a process of its own, whose progress goes to stderr; files that it named are not written.
    """
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        target = Path(folder) / "result.json"
        call = [sys.executable, "-m", "tpe.cli.main", *words, "--json", str(target)]
        done = subprocess.run(call, stdout=subprocess.DEVNULL, stderr=None, check=False)
        if not target.exists():
            raise TpeError(f"tpe {words[0]} left no result: it ended with code {done.returncode}")
        return json.loads(target.read_text())


def differences(before: Any, now: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, before, now) of every value that differs, of two JSON documents, but for `APART`.

    >>> list(differences({"a": [1, 2], "b": 0}, {"a": [1, 3], "c": 0}))
    [('a[1]', 2, 3), ('b', 0, 'absent'), ('c', 'absent', 0)]
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            if key not in APART:
                path = f"{where}.{key}" if where else key
                yield from differences(before.get(key, "absent"), now.get(key, "absent"), path)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for i, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from differences(old, new, f"{where}[{i}]")
    elif before != now:
        yield where, before, now


def version_of(result: Any) -> str | None:
    """The version of tpe that a result says it is of, wherever it stands."""
    if isinstance(result, dict):
        if isinstance(result.get("tpe_version"), str):
            return str(result["tpe_version"])
        found = map(version_of, result.values())
    elif isinstance(result, list):
        found = map(version_of, result[:1])
    else:
        return None
    return next(filter(None, found), None)
