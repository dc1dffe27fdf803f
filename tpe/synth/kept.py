"""Results of synthesis that are kept in the cache as JSON, under a hash of all they depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tpe.errors import TpeError
from tpe.jit import cache_dir
from tpe.table import whole_file

_HERE = Path(__file__).resolve().parent


def place(kind: str, facts: object, modules: Sequence[str]) -> Path:
    """Where a result lies: named by facts, and by the text of the modules here that make it."""
    code = [hashlib.sha256((_HERE / f"{name}.py").read_bytes()).hexdigest() for name in modules]
    return cache_dir() / "synth" / f"{kind}-{digest([facts, code])}.json"


def digest(facts: object) -> str:
    """A hash of anything that is JSON.

    >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1}), len(digest([]))
    (True, 32)
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def load(file: Path) -> Any:
    """What a file holds, None if there is none."""
    return json.loads(file.read_text()) if file.exists() else None


def store(file: Path, content: Any) -> None:
    """Keep a result, whole; a cache that cannot be written only costs time."""
    with suppress(TpeError), whole_file(file) as temporary:
        temporary.write_text(json.dumps(content))


def kept(file: Path, make: Callable[[], Any]) -> Any:
    """What a file holds, or else what `make` gives, which is then kept there."""
    found = load(file)
    if found is None:
        found = make()
        store(file, found)
    return found
