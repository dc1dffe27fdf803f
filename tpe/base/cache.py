"""Where results are kept between processes, and what their keys hold: facts, and code.

The code of a result is what computes it: the modules named, and of this package all that they
import, directly or not. A list of files by hand would miss the one that changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from tpe.base.errors import TpeError
from tpe.base.files import whole_file

_PACKAGE = Path(__file__).resolve().parents[1]
_IMPORT = re.compile(
    r"^[ \t]*(?:from (tpe[\w.]*) import (\([^)]*\)|[^\n]*)|import (tpe[\w.]*))", re.M
)


def cache_dir() -> Path:
    """Where kernels and simulators are kept: `TPE_CACHE_DIR`, else `tpe` in the user's cache."""
    base = os.environ.get("TPE_CACHE_DIR")
    if base:
        return Path(base).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "tpe"


def digest(facts: object) -> str:
    """A hash of anything that is JSON.

    >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1}), len(digest([]))
    (True, 32)
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


@cache
def code_of(*modules: str) -> str:
    """A hash of the text of modules, by their names, and of all of `tpe` that they import.

    >>> code_of("tpe.base.errors") == code_of("tpe.base.files")
    False
    """
    texts = {name: _text(name) for name in sorted(closure(*modules))}
    return digest(texts)


def closure(*modules: str) -> set[str]:
    """The modules, and all of `tpe` that they import: lazily, or for types alone, among it.

    >>> sorted(closure("tpe.base.files"))
    ['tpe.base.errors', 'tpe.base.files']
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported(name)
    return found


@cache
def _text(module: str) -> str:
    return _file(module).read_text()


def _file(module: str) -> Path:
    path = _PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_module(name: str) -> bool:
    return _file(name).is_file()


@cache
def _imported(module: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(_is_module, _named(_text(module)))))


def _named(text: str) -> Iterator[str]:
    """Every name that an import may make a module of."""
    for source, names, plain in _IMPORT.findall(text):
        yield source or plain
        for name in re.findall(r"\w+", re.sub(r"\bas \w+|#[^\n]*", "", names)):
            yield f"{source}.{name}"


def place(kind: str, facts: object, *modules: str) -> Path:
    """Where a result of synthesis lies: named by facts, and by the code of the modules."""
    return cache_dir() / "synth" / f"{kind}-{digest([facts, code_of(*modules)])}.json"


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
