"""Tensors as a file stores them: name, type, shape and place, checked before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from tpe.base.errors import TpeError
from tpe.base.files import read_part, size
from tpe.numbers.formats import Array
from tpe.workloads.lazy import MAX_LAYERS, clean

MAX_TENSOR = 4 << 30
"""Most bytes of a tensor that is read: 4 GiB."""
MAX_NUMBERS = 2**50
"""Most numbers of a tensor that a header may speak of."""
MAX_TENSORS = 10 * MAX_LAYERS
"""Most tensors of a file."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor of a file: its type by the file's own name, its shape, outermost first.

    start, length  its bytes in the file
    file           that it lies in, where a workload is made of several; "" of others
    """

    name: str
    type: str
    shape: tuple[int, ...]
    start: int
    length: int
    file: str = ""

    @property
    def count(self) -> int:
        """Numbers of it."""
        return prod(self.shape)

    @property
    def bits(self) -> float | None:
        """Bits of storage a number, scales that lie among them included; None if it is empty.

        >>> StoredTensor("w", "Q4_0", (2, 32), 0, 36).bits
        4.5
        """
        return 8 * self.length / self.count if self.count else None


def tensor_bytes(path: str, kind: str, tensor: StoredTensor, where: str) -> Array:
    """The bytes of a tensor, uint8; TpeError if it is too large, or the file has shrunk."""
    if tensor.length > MAX_TENSOR:
        raise TpeError(
            f"{where}: tensor '{clean(tensor.name)}' has {size(tensor.length)}; "
            f"legal: at most {size(MAX_TENSOR)}"
        )
    path = tensor.file or path
    return np.frombuffer(read_part(path, kind, tensor.start, tensor.length), np.uint8)


def check_places(
    tensors: Sequence[StoredTensor], start: int, end: int, where: str, holes: bool
) -> None:
    """TpeError for a tensor that is there twice, ends behind the file or overlaps another.

    start, end  of what tensors may take of the file;  holes  whether bytes may lie between them
    """
    names: set[str] = set()
    for tensor in tensors:
        label = f"{where}: tensor '{clean(tensor.name)}'"
        if tensor.name in names:
            raise TpeError(f"{label} is there twice; legal: once")
        names.add(tensor.name)
        if tensor.start < start or tensor.start + tensor.length > end:
            raise TpeError(
                f"{label} takes bytes {tensor.start} to {tensor.start + tensor.length}; "
                f"legal: {start} to {end}"
            )
    placed = sorted((t for t in tensors if t.length), key=lambda tensor: tensor.start)
    for before, after in pairwise(placed):
        gap = after.start - (before.start + before.length)
        if gap < 0 or (gap and not holes):
            what = "overlap" if gap < 0 else f"have {gap} bytes between them"
            raise TpeError(
                f"{where}: tensors '{clean(before.name)}' and '{clean(after.name)}' {what}; "
                "legal: one behind the other"
            )
    first, last = (placed[0].start, placed[-1].start + placed[-1].length) if placed else (0, 0)
    if placed and not holes and (first > start or last < end):
        raise TpeError(
            f"{where}: tensors take bytes {first} to {last} of {start} to {end}; legal: all"
        )
