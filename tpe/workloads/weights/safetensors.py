"""The header of a safetensors file, which nobody vouches for.

Eight bytes say how long the header is, a JSON object follows, then the tensors' bytes without
holes (https://github.com/huggingface/safetensors). Little endian throughout.
"""

from __future__ import annotations

import json
from math import prod
from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.base.files import file_size, read_part
from tpe.numbers.floats import BF16
from tpe.numbers.formats import Array
from tpe.workloads.lazy import clean
from tpe.workloads.weights.tensors import (
    MAX_NUMBERS,
    MAX_TENSORS,
    StoredTensor,
    check_places,
    tensor_bytes,
)

KIND = "safetensors"
MAX_HEADER = 100_000_000
"""Most bytes of a header: the format's own limit."""
BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E8M0", "I8", "U8", "BOOL"), 8),
}
"""Bits of a number, by the name of its type."""
_READ = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I32": "<i4", "I8": "<i1"}
_FIELDS = {"dtype", "shape", "data_offsets"}
_MOST_DIMENSIONS = 16


def read_header(path: str) -> tuple[StoredTensor, ...]:
    """The tensors of a safetensors file, in the order of the header.

    Raises TpeError, one line with the file and the tensor, for what is no such file: too short, a
    header that is none, unknown types, shapes and offsets that do not fit, that leave the file,
    overlap or leave holes, a name twice.
    """
    where = f"'{clean(path)}'"
    total = file_size(path, KIND)
    if total < 8:
        raise TpeError(f"{where} has {total} bytes; legal in safetensors: a header of 8 and more")
    length = int.from_bytes(read_part(path, KIND, 0, 8), "little")
    if length > min(MAX_HEADER, total - 8):
        raise TpeError(
            f"{where}: the header is said to have {length} bytes; "
            f"legal: at most {min(MAX_HEADER, total - 8)}"
        )
    entries = parsed(read_part(path, KIND, 8, length), where)
    entries.pop("__metadata__", None)
    if len(entries) > MAX_TENSORS:
        raise TpeError(f"{where} has {len(entries)} tensors; legal: at most {MAX_TENSORS}")
    tensors = tuple(_tensor(*entry, 8 + length, path) for entry in entries.items())
    check_places(tensors, 8 + length, total, where, holes=False)
    return tensors


def read_array(path: str, tensor: StoredTensor) -> Array:
    """The numbers of a tensor of integers, F64, F32, F16 or BF16, in its shape.

    Floats come as float64, which holds them all.
    """
    where = f"'{clean(path)}'"
    if tensor.type not in _READ:
        raise TpeError(
            f"{where}: tensor '{clean(tensor.name)}' is {tensor.type}; legal: {', '.join(_READ)}"
        )
    raw = tensor_bytes(path, KIND, tensor, where).view(_READ[tensor.type])
    numbers: Array = BF16.values(raw) if tensor.type == "BF16" else raw
    kind = np.float64 if tensor.type in ("F64", "F32", "F16", "BF16") else raw.dtype
    return numbers.astype(kind, copy=False).reshape(tensor.shape)


def parsed(content: bytes, where: str) -> dict[str, Any]:
    """The JSON object of a header, its keys each once."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        for key in keys if len(set(keys)) < len(keys) else ():
            if keys.count(key) > 1:
                raise TpeError(f"{where}: '{clean(key)}' is there twice; legal: once")
        return dict(pairs)

    try:
        found = json.loads(content.decode(), object_pairs_hook=once)
    except TpeError:
        raise
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, digits without end
        raise TpeError(
            f"{where}: the header is no JSON ({clean(error)}); legal: a safetensors file"
        ) from None
    if not isinstance(found, dict):
        raise TpeError(f"{where}: the header is no JSON object; legal: a safetensors file")
    return found


def _tensor(name: str, entry: Any, data: int, path: str) -> StoredTensor:
    """One entry of the header; `data`: where the tensors' bytes begin."""
    label = f"'{clean(path)}': tensor '{clean(name)}'"
    if not isinstance(entry, dict) or entry.keys() != _FIELDS:
        raise TpeError(f"{label} is not described; legal: {', '.join(sorted(_FIELDS))}")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in BITS if isinstance(kind, str) else True:
        raise TpeError(f"{label} has dtype {clean(kind)}; legal: {', '.join(BITS)}")
    if not _counts(shape) or len(shape) > _MOST_DIMENSIONS or prod(shape) > MAX_NUMBERS:
        raise TpeError(
            f"{label} has shape {clean(shape)}; legal: at most {_MOST_DIMENSIONS} numbers of 0 or "
            f"more, {MAX_NUMBERS} all together"
        )
    if not _counts(offsets) or len(offsets) != 2:
        raise TpeError(f"{label} has data_offsets {clean(offsets)}; legal: where it begins, ends")
    begin, end = offsets
    wanted = prod(shape) * BITS[kind] // 8
    if end - begin != wanted:
        raise TpeError(
            f"{label} has {end - begin} bytes; legal for {kind} of shape {list(shape)}: {wanted}"
        )
    return StoredTensor(name, kind, tuple(shape), data + begin, wanted, path)


def _counts(value: Any) -> bool:
    """Whether it is a list of integers of 0 or more."""
    return isinstance(value, list) and all(type(x) is int and x >= 0 for x in value)
