"""The header of a GGUF file, which nobody vouches for.

Keys with values, then names, shapes, types and places of tensors, then their bytes (versions 2 and
3, little endian; https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Of the values only the
alignment is kept: the others, vocabularies among them, are passed over.
"""

from __future__ import annotations

from math import prod

from tpe.base.errors import TpeError
from tpe.base.files import file_size, read_part, size
from tpe.workloads.lazy import clean
from tpe.workloads.weights.gguf_types import BY_NUMBER
from tpe.workloads.weights.tensors import MAX_NUMBERS, MAX_TENSORS, StoredTensor, check_places

KIND = "GGUF"
MAX_HEADER = 128 << 20
"""Most bytes of a header: 128 MiB; vocabularies have some."""
_PREFIXES = (1 << 20, 16 << 20, MAX_HEADER)  # bytes that are read until a header is whole
MAX_KEYS = 100_000
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY, _UINT32 = 8, 9, 4
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # of scalars
_MOST_NAME, _MOST_DIMENSIONS = 65_535, 4
_LARGEST_ALIGNMENT = 1 << 20


class _Header:
    """What is read of a header so far; TpeError where it ends too soon."""

    def __init__(self, content: bytes, where: str) -> None:
        self.content, self.where, self.at = content, where, 0

    @property
    def left(self) -> int:
        return len(self.content) - self.at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise TpeError(
                f"{self.where}: the header ends at byte {len(self.content)}, and {count} more at "
                f"byte {self.at} are asked for; legal: a whole GGUF file, its header of at most "
                f"{size(MAX_HEADER)}"
            )
        self.at += count
        return self.content[self.at - count : self.at]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def text(self, what: str) -> str:
        length = self.number(8)
        if length > _MOST_NAME:
            raise TpeError(
                f"{self.where}: {what} has {length} bytes; legal: at most {_MOST_NAME} of UTF-8"
            )
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            raise TpeError(f"{self.where}: {what} is no UTF-8; legal: a GGUF file") from None

    def count(self, what: str, most: int, least_bytes: int) -> int:
        """A count of things of so many bytes each, which there must be room for."""
        number = self.number(8)
        if number > min(most, self.left // least_bytes):
            raise TpeError(
                f"{self.where} is said to have {number} {what}; "
                f"legal: at most {min(most, self.left // least_bytes)} in its {self.left} bytes"
            )
        return number

    def skip(self, kind: int, key: str) -> None:
        """Pass over a value."""
        if kind in _SIZES:
            self.take(_SIZES[kind])
        elif kind == _STRING:
            self.take(self.number(8))
        elif kind == _ARRAY:
            inner = self.number(4)
            if inner in _SIZES:
                self.take(self.number(8) * _SIZES[inner])
            elif inner == _STRING:
                for _ in range(self.count(f"strings in '{clean(key)}'", self.left, 8)):
                    self.take(self.number(8))
            else:
                self._refuse(inner, key)
        else:
            self._refuse(kind, key)

    def _refuse(self, kind: int, key: str) -> None:
        raise TpeError(
            f"{self.where}: key '{clean(key)}' has values of type {kind}; legal: 0 to 12, and "
            "arrays of no arrays"
        )


def read_header(path: str) -> tuple[StoredTensor, ...]:
    """The tensors of a GGUF file, in the order of the header, shapes outermost first.

    Raises TpeError, one line with the file and the tensor, for what is no such file: another
    version or byte order, a header that is cut off, counts that no file holds, keys or names twice,
    unknown types, rows that are no whole blocks, places that leave the file or overlap.
    """
    total = file_size(path, KIND)
    for most in _PREFIXES:
        try:
            return _parsed(path, total, min(total, most))
        except TpeError:
            if most >= min(total, MAX_HEADER):
                raise
    raise AssertionError("the last prefix is the longest header")


def _parsed(path: str, total: int, length: int) -> tuple[StoredTensor, ...]:
    """The same from so many bytes at the beginning of a file of `total`."""
    where = f"'{clean(path)}'"
    header = _Header(read_part(path, KIND, 0, length), where)
    if total < 24 or header.take(4) != _MAGIC:
        raise TpeError(f"{where} does not begin with GGUF; legal: a GGUF file")
    version = header.number(4)
    if version not in _VERSIONS:
        order = " (big endian)" if version & 0xFFFF == 0 else ""
        raise TpeError(f"{where} is GGUF version {version}{order}; legal: 2, 3, little endian")
    tensor_count = header.count("tensors", MAX_TENSORS, 24)
    alignment = _alignment(header, header.count("keys", MAX_KEYS, 13))
    listed = [_described(header) for _ in range(tensor_count)]
    data = -(-header.at // alignment) * alignment
    tensors = tuple(_placed(*one, data, alignment, where) for one in listed)
    check_places(tensors, data, total, where, holes=True)
    return tensors


def _alignment(header: _Header, keys: int) -> int:
    """The alignment of tensors; every key is passed over."""
    seen: set[str] = set()
    alignment = 32
    for _ in range(keys):
        key = header.text("a key")
        if key in seen:
            raise TpeError(f"{header.where}: key '{clean(key)}' is there twice; legal: once")
        seen.add(key)
        kind = header.number(4)
        if key != "general.alignment":
            header.skip(kind, key)
            continue
        alignment = header.number(4)
        power = alignment and not alignment & (alignment - 1)
        if kind != _UINT32 or not power or alignment > _LARGEST_ALIGNMENT:
            raise TpeError(
                f"{header.where}: general.alignment is {alignment}; legal: a power of two up to "
                f"{_LARGEST_ALIGNMENT}, of type uint32"
            )
    return alignment


def _described(header: _Header) -> tuple[str, tuple[int, ...], int, int]:
    """Name, shape, type and offset of a tensor."""
    name = header.text("a tensor's name")
    dimensions = header.number(4)
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise TpeError(
            f"{header.where}: tensor '{clean(name)}' has {dimensions} dimensions; "
            f"legal: 1 to {_MOST_DIMENSIONS}"
        )
    shape = tuple(header.number(8) for _ in range(dimensions))[::-1]
    return name, shape, header.number(4), header.number(8)


def _placed(
    name: str,
    shape: tuple[int, ...],
    number: int,
    offset: int,
    data: int,
    alignment: int,
    where: str,
) -> StoredTensor:
    """A tensor and its bytes, by its type."""
    label = f"{where}: tensor '{clean(name)}'"
    if number not in BY_NUMBER:
        known = ", ".join(f"{i} {kind.name}" for i, kind in BY_NUMBER.items())
        raise TpeError(f"{label} is of type {number}; legal: {known}")
    kind = BY_NUMBER[number]
    if prod(shape) > MAX_NUMBERS or not all(shape) or shape[-1] % kind.block:
        raise TpeError(
            f"{label} is {kind.name} of shape {list(shape)}; legal: 1 to {MAX_NUMBERS} numbers, "
            f"rows of whole blocks of {kind.block}"
        )
    if offset % alignment:
        raise TpeError(f"{label} is at offset {offset}; legal: multiples of {alignment}")
    length = prod(shape) // kind.block * kind.bytes + kind.tail
    return StoredTensor(name, kind.name, shape, data + offset, length)
