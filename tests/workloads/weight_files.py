"""Files of weights for tests, written byte by byte: what no writer would write, too."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SAFE = {"float32": "F32", "float16": "F16", "int32": "I32", "int8": "I8", "uint8": "U8"}


def safetensors(path: Path, arrays: Mapping[str, np.ndarray], **metadata: str) -> Path:
    """A safetensors file of arrays."""
    entries: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    at = 0
    for name, array in arrays.items():
        ends = [at, at := at + array.nbytes]
        shape = list(array.shape)
        entries[name] = {"dtype": SAFE[array.dtype.name], "shape": shape, "data_offsets": ends}
    return raw_safetensors(path, entries, b"".join(array.tobytes() for array in arrays.values()))


def raw_safetensors(path: Path, header: Any, data: bytes, length: int | None = None) -> Path:
    """The same of any header: an object, or text."""
    text = header if isinstance(header, str) else json.dumps(header)
    size = len(text.encode()) if length is None else length
    path.write_bytes(struct.pack("<Q", size) + text.encode() + data)
    return path


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf_key(name: str, kind: int, content: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + content


def gguf_tensor(name: str, shape: Sequence[int], kind: int, offset: int) -> bytes:
    """The description of a tensor, `shape` outermost first."""
    sizes = struct.pack(f"<{len(shape)}Q", *reversed(shape))
    return text(name) + struct.pack("<I", len(shape)) + sizes + struct.pack("<IQ", kind, offset)


def gguf(
    path: Path,
    tensors: Sequence[tuple[str, Sequence[int], int, bytes]],
    keys: Sequence[bytes] = (),
    **changes: Any,
) -> Path:
    """A GGUF file: (name, shape, type, bytes) of every tensor; `changes`: what it lies about."""
    listed, data = b"", b""
    for name, shape, kind, content in tensors:
        listed += gguf_tensor(name, shape, kind, changes.get("offset", len(data)))
        data += content + bytes(-len(content) % 32)
    version = changes.get("version", 3)
    counts = changes.get("tensor_count", len(tensors)), changes.get("key_count", len(keys))
    head = b"GGUF" + struct.pack("<IQQ", version, *counts) + b"".join(keys) + listed
    head += bytes(-len(head) % 32)
    path.write_bytes((head + data)[: changes.get("cut")])
    return path
