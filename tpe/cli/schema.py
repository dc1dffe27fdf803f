"""The JSON Schemas of what commands write with `--json`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tpe.base.errors import pick

_FOLDER = Path(__file__).resolve().parent / "schemas"


@cache
def names() -> tuple[str, ...]:
    """The commands that have one.

    >>> "run" in names()
    True
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def schema(command: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a command's `--json`; TpeError for a name that has none.

    >>> schema("run")["title"]
    'tpe run --json'
    """
    name = pick("command", command, names())
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text())
    return found
