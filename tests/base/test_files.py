"""Files that a user names: what is no regular file, too large or packed is refused in a line."""

from __future__ import annotations

import bz2
import gzip
import os

import pytest

from tpe.base import files
from tpe.base.errors import TpeError


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_devices_are_refused_unread(path):
    with pytest.raises(TpeError, match=rf"^{path}: cannot be read as cost file: not a regular"):
        files.read_bytes(path, "cost file")


def test_a_pipe_that_nobody_writes_to_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TpeError, match=r"pipe: cannot be read as topology: not a regular file$"):
        files.read_bytes(tmp_path / "pipe", "topology")


def test_folders_missing_files_and_odd_names(tmp_path):
    with pytest.raises(TpeError, match=r"as topology: a folder$"):
        files.read_bytes(tmp_path, "topology")
    with pytest.raises(TpeError, match=r"as topology: No such file or directory$"):
        files.read_bytes(tmp_path / "none.csv", "topology")
    with pytest.raises(TpeError, match=r"as topology: embedded null byte$"):
        files.read_bytes("a\0b", "topology")


def test_the_limit_is_told(tmp_path):
    file = tmp_path / "long.csv"
    file.write_bytes(b"a" * 1025)
    assert files.read_bytes(file, "table", 1025) == b"a" * 1025
    with pytest.raises(TpeError, match=r"long.csv: cannot be read as table: 1 KiB; at most 1 KiB$"):
        files.read_bytes(file, "table", 1024)


def test_text_with_and_without_a_mark(tmp_path):
    for content in (b"\xef\xbb\xbfa,b\n", b"a,b\n"):
        (tmp_path / "t.csv").write_bytes(content)
        assert files.read_text(tmp_path / "t.csv", "table") == "a,b\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bz2.compress(b"a"), "t.csv: cannot be read as table: it is packed with bzip2; unpack it"),
        (
            gzip.compress(b"a", mtime=0),
            "t.csv: cannot be read as table: it is packed with gzip; unpack it",
        ),
        (b"a\nb\xff\n", "t.csv:2: cannot be read as table: byte 0xff is not UTF-8 text"),
        (b"a\0", "t.csv: cannot be read as table: it holds NUL bytes: no text"),
    ],
)
def test_what_is_no_text(tmp_path, content, reason):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(TpeError, match=reason):
        files.read_text(tmp_path / "t.csv", "table")


def test_what_unpacks_to_too_much(tmp_path):
    bomb = gzip.compress(bytes(1 << 20))
    assert files.gunzip("b.gz", bomb, "Liberty", 1 << 20) == bytes(1 << 20)
    with pytest.raises(
        TpeError, match=r"b.gz: cannot be read as Liberty: it unpacks to over 1 KiB"
    ):
        files.gunzip("b.gz", bomb, "Liberty", 1 << 10)
    with pytest.raises(TpeError, match=r"b.gz: cannot be read as Liberty: broken gzip"):
        files.gunzip("b.gz", bomb[:-9], "Liberty")


def test_a_part_of_a_file(tmp_path):
    file = tmp_path / "data.bin"
    file.write_bytes(bytes(range(100)))
    assert files.read_part(file, "tensor", 10, 3) == b"\n\x0b\x0c"
    assert files.read_part(file, "tensor", 100, 0) == b""
    for start, length in ((98, 3), (101, 0), (0, 1 << 40)):
        with pytest.raises(TpeError, match=f"100 bytes; at least {start + length}$"):
            files.read_part(file, "tensor", start, length)
    with pytest.raises(TpeError, match="not a regular file"):
        files.read_part("/dev/zero", "tensor", 0, 1)
