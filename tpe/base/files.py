"""Files that a user names: read whole, regular ones of a size that is told; written whole or not.

A device, a pipe or a folder is refused before a byte of it is read, so that `/dev/zero` neither
hangs nor fills the memory; so is what grows beyond its limit when it is unpacked.
"""

from __future__ import annotations

import gzip
import json
import os
import stat
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from tpe.base.errors import TpeError

LARGEST = 512 << 20  # bytes of a file, and of what it unpacks to, where a reader sets no other
TEXT = 16 << 20  # of a text that a person writes: tables, topologies, settings
_GZIP, _BZIP2, _XZ, _ZIP, _ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"PK", b"\x28\xb5\x2f\xfd"
_PACKED = {_BZIP2: "bzip2", _XZ: "xz", _ZIP: "zip", _ZSTD: "zstd", _GZIP: "gzip"}
_PACKAGE = Path(__file__).resolve().parents[1]
_MARK = b"\xef\xbb\xbf"  # of UTF-8, as spreadsheets write it


def read_bytes(path: str | os.PathLike[str], what: str, limit: int = LARGEST) -> bytes:
    """What a regular file holds; `what` names, in errors, what it should be.

    Raises TpeError, one line with the path, for a file that is not there, cannot be read, is a
    device, a pipe or a folder, or has more than `limit` bytes.

    >>> read_bytes("/dev/null", "topology")
    Traceback (most recent call last):
    tpe.TpeError: /dev/null: cannot be read as topology: not a regular file
    """
    where = os.fspath(path)
    with _regular(where, what) as (stream, count):
        if count > limit:
            raise _refused(where, what, f"{size(count)}; at most {size(limit)}")
        content = stream.read(limit + 1)  # it may grow while it is read
    if len(content) > limit:
        raise _refused(where, what, f"over {size(limit)}")
    return content


def file_size(path: str | os.PathLike[str], what: str) -> int:
    """Bytes of a regular file; TpeError as `read_bytes` for what is none."""
    with _regular(os.fspath(path), what) as (_, count):
        return count


def read_part(path: str | os.PathLike[str], what: str, start: int, length: int) -> bytes:
    """`length` bytes of a regular file, from byte `start` on.

    Raises TpeError as `read_bytes` does, and if the file ends before.
    """
    where = os.fspath(path)
    with _regular(where, what) as (stream, count):
        if start + length > count:
            raise _refused(where, what, f"{count} bytes; at least {start + length}")
        stream.seek(start)
        return stream.read(length)


@contextmanager
def _regular(where: str, what: str) -> Iterator[tuple[BinaryIO, int]]:
    """A regular file, open, and its size; TpeError for what is none, and for what reading meets."""
    try:
        # Non-blocking: to open a pipe that nobody writes to would wait for ever.
        handle = os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _refused(where, what, getattr(error, "strerror", None) or error) from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise _refused(where, what, kind)
        with open(handle, "rb", closefd=False) as stream:
            yield stream, status.st_size
    except OSError as error:
        raise _refused(where, what, error.strerror or error) from None
    finally:
        os.close(handle)


def read_text(path: str | os.PathLike[str], what: str, limit: int = TEXT) -> str:
    """The text of a regular file, in UTF-8 with or without a byte-order mark.

    Raises TpeError as `read_bytes` does, and for bytes that are no UTF-8 text, naming the line
    and, of compressed files, the kind.
    """
    return decode(path, read_bytes(path, what, limit), what)


def decode(path: str | os.PathLike[str], content: bytes, what: str, errors: str = "strict") -> str:
    """`content` as UTF-8 text; TpeError naming the file and the line, or how it is packed.

    errors -- as of `bytes.decode`: "replace" where other bytes stand in comments alone
    """
    where = os.fspath(path)
    packed = next((name for head, name in _PACKED.items() if content.startswith(head)), None)
    if packed:
        raise _refused(where, what, f"it is packed with {packed}; unpack it first")
    try:
        text = content.removeprefix(_MARK).decode(errors=errors)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TpeError(
            f"{where}:{line}: cannot be read as {what}: byte 0x{content[error.start]:02x} "
            "is not UTF-8 text"
        ) from None
    if "\0" in text:
        raise _refused(where, what, "it holds NUL bytes: no text")
    return text


def gunzip(path: str | os.PathLike[str], content: bytes, what: str, limit: int = LARGEST) -> bytes:
    """Gzipped bytes, unpacked; TpeError if they are broken or unpack to more than `limit`."""
    where = os.fspath(path)
    try:
        with gzip.GzipFile(fileobj=BytesIO(content)) as stream:
            raw = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _refused(where, what, f"broken gzip: {error}") from None
    if len(raw) > limit:
        raise _refused(where, what, f"it unpacks to over {size(limit)}")
    return raw


def is_gzip(content: bytes) -> bool:
    """Whether bytes are a gzip file's."""
    return content.startswith(_GZIP)


def size(count: int) -> str:
    """A number of bytes as a person reads it.

    >>> size(512), size(16 << 20), size(2_500_000_000)
    ('512 B', '16 MiB', '2.33 GiB')
    """
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count >= 1 << shift:
            return f"{count / (1 << shift):.3g} {unit}"
    return f"{count} B"


def _refused(where: str, what: str, why: object) -> TpeError:
    return TpeError(f"{where}: cannot be read as {what}: {why}")


# ---- files that are written ----


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it if all goes well, removed if not.

    Links are followed. Raises TpeError if the directory cannot be written, or if `path` is there
    and is no regular file: a rename would put a file in a device's place.
    """
    target = Path(os.path.realpath(path))
    try:
        if not os.fspath(path) or (target.exists() and not target.is_file()):
            raise TpeError(f"cannot write '{path}': not a regular file")
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        os.close(handle)
        os.chmod(name, 0o666 & ~_umask())
    except OSError as error:
        raise TpeError(f"cannot write '{path}': {error.strerror or error}") from None
    temporary = Path(name)
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        raise TpeError(f"cannot write '{path}': {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: str, content: Any) -> str:
    """`content` as JSON into a file, or returned for the caller to print if `path` is "-"."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    if path != "-":
        with whole_file(path) as temporary:
            temporary.write_text(text)
    return text


def check_writable(path: str) -> None:
    """Raise TpeError if `whole_file(path)` could not write; to be asked before long work."""
    with suppress(_Asked), whole_file(path):
        raise _Asked


class _Asked(Exception):
    """Leaves `whole_file` without writing."""


# ---- our own ----


@cache
def data_folder(name: str) -> Path:
    """The folder `rtl` or `sim`: inside an installed package, or beside it in a checkout."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
