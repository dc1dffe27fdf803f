"""A design point: what determines it, in words and numbers, so that it travels and has a key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b, sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tpe.base import cache, registry
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.model.engine import Engine

KEY_BYTES = 16


@dataclass(frozen=True)
class DesignPoint:
    """One engine on one workload, and where it is priced; nothing is made of it yet.

    size        as `Engine` takes it; None: the array's default
    parameters  (name, value) of those that are given
    values      as `Engine.run` takes them
    library     where it is priced, None: nowhere
    clock_ns    at which clock; None: the one that its price says

    >>> point = DesignPoint("opt4c", "matrix2d", "4x4", (("encoder", "ent"),), "gemm:8x8x8")
    >>> point.engine().params["encoder"], len(point.key()) == KEY_BYTES
    ('ent', True)
    """

    pe: str
    array: str
    size: str | None
    parameters: tuple[tuple[str, Any], ...]
    workload: str
    seed: int = 0
    values: str = "none"
    library: str | None = None
    clock_ns: float | None = None

    def engine(self) -> Engine:
        """The engine; TpeError if there is none of this kind."""
        return Engine(self.pe, self.array, self.size, **dict(self.parameters))

    @property
    def asked(self) -> dict[str, Any]:
        """What is said of the engine but its size, where there is no engine."""
        return {"pe": self.pe, "array": self.array, "asked": dict(self.parameters)}

    @property
    def code(self) -> str:
        """A hash of the code that its row comes from."""
        return code_of(self.pe, self.array)

    def key(self) -> bytes:
        """What it is kept by: its engine, or what was asked for, and all else that it is of."""
        code = self.code
        try:
            engine = self.engine()
        except TpeError:
            return KeyMaker(self.asked, self.run_facts, code).key(str(self.size))
        maker = KeyMaker(engine_facts(engine), self.run_facts, code)
        return maker.key("x".join(map(str, engine.size)))

    @property
    def run_facts(self) -> tuple[Any, ...]:
        """What determines the row beside the engine."""
        files = files_of(self.workload)
        return (self.workload, files, self.seed, self.values, self.library, self.clock_ns)


def engine_facts(engine: Config) -> dict[str, Any]:
    """What determines an engine but its size: default or given, a parameter is the same."""
    return {"pe": engine.record.name, "array": engine.array.name, "params": dict(engine.params)}


class KeyMaker:
    """Keys of points that differ in their size alone: the rest is hashed once.

    >>> one, other = KeyMaker({"pe": "mac"}, ("w",), "c"), KeyMaker({"pe": "mac"}, ("w",), "d")
    >>> one.key("4x4") == one.key("4x4"), one.key("4x4") == other.key("4x4")
    (True, False)
    """

    def __init__(self, engine: Mapping[str, Any], run: tuple[Any, ...], code: str) -> None:
        facts = cache.digest([dict(engine), list(run), code])
        self._begun = blake2b(facts.encode(), digest_size=KEY_BYTES)

    def key(self, size: str) -> bytes:
        """The key of the point of a size, `KEY_BYTES` long."""
        hasher = self._begun.copy()
        hasher.update(size.encode())
        return hasher.digest()


@lru_cache(maxsize=256)
def files_of(workload: str) -> tuple[tuple[str, str], ...]:
    """(name, hash) of the files that a workload's name holds; none of one that is built in."""
    parts = [workload]
    while ":" in parts[-1]:
        parts.append(parts[-1].partition(":")[2])
    names = [part for whole in parts for part in (whole, whole.rpartition(":")[0])]
    found = dict.fromkeys(name for name in names if name and os.path.exists(name))
    return tuple((name, _content(Path(name))) for name in found)


def _content(path: Path) -> str:
    hasher = sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with open(file, "rb") as stream:
                for block in iter(lambda: stream.read(1 << 20), b""):
                    hasher.update(block)
    return hasher.hexdigest()


@lru_cache(maxsize=4096)
def code_of(pe: str, array: str) -> str:
    """A hash of the code that rows of a PE in an array come from, of other packages too.

    >>> code_of("mac", "matrix2d") == code_of("opt1", "matrix2d")
    False
    """
    own, others = ["tpe.explore.rows", "tpe.explore.closed"], []
    for group, name in (("tpe.pes", pe), ("tpe.arrays", array)):
        package, home = registry.homes(group)[name]
        module = home.partition(":")[0]
        if package == "tpe":
            own.append(module)
        else:
            others.append([name, _text(module)])
    return cache.digest([cache.code_of(*own), others])


def _text(module: str) -> str:
    """A hash of the file of another package's module."""
    spec = find_spec(module)
    if spec is None or spec.origin is None or not os.path.isfile(spec.origin):
        raise TpeError(f"module {module} has no file; legal: a PE or an array of a file")
    return _content(Path(spec.origin))
