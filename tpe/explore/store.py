"""What a run directory keeps of points: batches of rows in SQLite, found by the points' keys.

The file is in WAL mode. A batch and the keys of its points are committed together, before anybody
is told that they are done: a process that is killed loses what it was at, and nothing else. A power
cut may lose the last commits, whole ones (synchronous = NORMAL). A key is there once, or the commit
fails; a batch says how many rows it has and what they hash to, so that damage is seen.
"""

from __future__ import annotations

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.explore.batch import taken, unpacked
from tpe.explore.design import KEY_BYTES

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "points.sqlite"
FORMAT = "1"
_KEPT = 8  # batches in memory while rows are read
_TABLES = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE batches(id INTEGER PRIMARY KEY, count INTEGER, digest BLOB, content BLOB);
CREATE TABLE points(key BLOB PRIMARY KEY, batch INTEGER, place INTEGER) WITHOUT ROWID;
"""


class Store:
    """The points of a run directory; to be closed.

    Errors: TpeError naming the file: none there, another's, of a later version, damaged.
    """

    def __init__(self, folder: str | os.PathLike[str], make: bool = False) -> None:
        self.path = Path(folder) / FILE
        if not make and not self.path.is_file():
            raise TpeError(f"{os.fspath(folder)}: no run: it has no {FILE}; legal: what sweep made")
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            if make and not self._tables():
                self._db.executescript(f"BEGIN; {_TABLES} COMMIT;")
                self.tell("format", FORMAT)
            self._check()
        except sqlite3.Error as error:
            raise self._damaged(error) from None
        self._tables_read: OrderedDict[int, pa.Table] = OrderedDict()

    def _tables(self) -> set[str]:
        rows = self._db.execute("SELECT name FROM sqlite_master WHERE type='table'")
        return {name for (name,) in rows}

    def _check(self) -> None:
        if not self._tables() >= {"meta", "batches", "points"}:
            raise TpeError(f"{self.path}: holds no points; legal: what tpe sweep made")
        version = self.told("format")
        if version != FORMAT:
            raise TpeError(f"{self.path}: format {version}; legal: {FORMAT}")

    def _damaged(self, error: Exception) -> TpeError:
        return TpeError(
            f"{self.path}: damaged: {error}; --resume keeps what can be read and does the rest anew"
        )

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def tell(self, name: str, value: str) -> None:
        """Keep a fact about the run."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (name, value))

    def told(self, name: str) -> str | None:
        """A fact about the run; None if it has none of the name."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    @property
    def count(self) -> int:
        """Points that are done."""
        return int(self._db.execute("SELECT count(*) FROM points").fetchone()[0])

    def add(self, keys: Sequence[bytes], content: bytes) -> None:
        """Keep the rows of a packed batch under their keys: all of it, committed, or none.

        AssertionError if a key is there already: a point is done once.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            place = self._db.execute(
                "INSERT INTO batches(count, digest, content) VALUES(?, ?, ?)",
                (len(keys), _digest(content), content),
            ).lastrowid
            rows = ((key, place, i) for i, key in enumerate(keys))
            self._db.executemany("INSERT INTO points VALUES(?, ?, ?)", rows)
            self._db.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            self._db.execute("ROLLBACK")
            raise AssertionError(f"a point is done twice: {error}") from None
        except sqlite3.OperationalError as error:  # a full disk, or another run in this folder
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise TpeError(f"{self.path}: cannot be written: {error}") from None

    def missing(self, keys: Sequence[bytes]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each of these points is still to be done."""
        there = {key for key, _, _ in self._places(keys)}
        return np.array([key not in there for key in keys], bool)

    def _places(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, int, int]]:
        """(key, batch, place) of the points that are there."""
        for start in range(0, len(keys), 500):
            some = keys[start : start + 500]
            marks = ",".join("?" * len(some))
            yield from self._db.execute(
                f"SELECT key, batch, place FROM points WHERE key IN ({marks})", some
            )

    def rows(self, keys: Sequence[bytes]) -> pa.Table:
        """The rows of these points, in this order; TpeError if one is not there, or is damaged."""
        import pyarrow as pa

        found = {key: (batch, place) for key, batch, place in self._places(keys)}
        if len(found) < len(set(keys)):
            raise TpeError(f"{self.path}: {len(set(keys)) - len(found)} points are not done yet")
        where = [found[key] for key in keys]
        order: dict[int, None] = dict.fromkeys(batch for batch, _ in where)
        tables, starts, total = [], {}, 0
        for batch in order:
            tables.append(self._batch(batch))
            starts[batch], total = total, total + tables[-1].num_rows
        places = [starts[batch] + place for batch, place in where]
        return taken(tables).take(pa.array(places))

    def _batch(self, number: int) -> pa.Table:
        """The rows of a batch, checked; the last few stay in memory."""
        if number in self._tables_read:
            self._tables_read.move_to_end(number)
            return self._tables_read[number]
        row = self._db.execute(
            "SELECT count, digest, content FROM batches WHERE id = ?", (number,)
        ).fetchone()
        table = None if row is None else _table(*row)
        if table is None:
            raise self._damaged(ValueError(f"batch {number} is not what was written"))
        self._tables_read[number] = table
        if len(self._tables_read) > _KEPT:
            self._tables_read.popitem(last=False)
        return table


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=KEY_BYTES).digest()


def _table(count: int, digest: bytes, content: bytes) -> pa.Table | None:
    """What a batch holds; None if it is not what was written."""
    if not isinstance(content, bytes) or _digest(content) != digest:
        return None
    table = unpacked(content)
    return table if table.num_rows == count else None


# ---- damage ----


def recovered(folder: str | os.PathLike[str]) -> str | None:
    """What is damaged in a run directory, which then holds all that can be read; None if nothing.

    The damaged file stays beside the new one. A batch is kept whole, with its keys, or not at all.
    """
    path = Path(folder) / FILE
    if not path.is_file() or _sound(path):
        return None
    aside = path.with_name(f"{FILE}.damaged")
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.replace(f"{path}{ending}", f"{aside}{ending}")
    kept, lost = 0, "its head cannot be read"
    with Store(folder, make=True) as store:
        with suppress(sqlite3.Error, TpeError), closing(sqlite3.connect(aside)) as old:
            kept, lost = _copied(old, store)
        count = store.count
    return f"{path} is damaged: {lost}; kept {count:,} points in {kept} batches, see {aside.name}"


def _sound(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as db:
            if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                return False
            counts = db.execute("SELECT sum(count) FROM batches").fetchone()[0] or 0
            rows = db.execute("SELECT count, digest, content FROM batches")
            whole = all(isinstance(c, bytes) and _digest(c) == digest for _, digest, c in rows)
            return whole and counts == db.execute("SELECT count(*) FROM points").fetchone()[0]
    except sqlite3.Error:
        return False


def _copied(old: sqlite3.Connection, store: Store) -> tuple[int, str]:
    """Batches of a damaged file that were kept, and what is lost."""
    last, keys = _last_batch(old), _keys(old)
    with suppress(sqlite3.Error):
        for name, value in old.execute("SELECT name, value FROM meta").fetchall():
            store.tell(str(name), str(value))
    kept = 0
    for number in range(1, last + 1):
        with suppress(sqlite3.Error):
            row = old.execute(
                "SELECT count, digest, content FROM batches WHERE id = ?", (number,)
            ).fetchone()
            table = None if row is None else _table(*row)
            own = keys.get(number, {})
            if table is not None and sorted(own) == list(range(table.num_rows)):
                store.add([own[i] for i in sorted(own)], row[2])
                kept += 1
    return kept, f"{last - kept} of {last} batches cannot be read"


def _last_batch(old: sqlite3.Connection) -> int:
    for query in ("SELECT max(id) FROM batches", "SELECT max(batch) FROM points"):
        with suppress(sqlite3.Error):
            return int(old.execute(query).fetchone()[0] or 0)
    return 0


def _keys(old: sqlite3.Connection) -> dict[int, dict[int, bytes]]:
    """The keys that can be read: by batch and place."""
    found: dict[int, dict[int, bytes]] = {}
    with suppress(sqlite3.Error):
        for key, batch, place in old.execute("SELECT key, batch, place FROM points"):
            found.setdefault(batch, {})[place] = key
    return found
