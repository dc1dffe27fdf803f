"""Safetensors in several files: an index, which nobody vouches for, says which tensor lies where.

`model.safetensors.index.json` is {"metadata": ..., "weight_map": {tensor: file}}, the files beside
it. A tensor is taken from the file that the index names, and from no other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from tpe.base.errors import TpeError
from tpe.base.files import decode, read_bytes
from tpe.workloads.lazy import clean
from tpe.workloads.weights import safetensors
from tpe.workloads.weights.tensors import MAX_TENSORS, StoredTensor

INDEX = ".safetensors.index.json"
MAX_INDEX = 64 << 20
"""Most bytes of an index: 64 MiB."""
MAX_SHARDS = 10_000
_ENDING = ".safetensors"


@dataclass(frozen=True)
class Shards:
    """The tensors that an index names, each with its file, and what was left out, a line each."""

    tensors: tuple[StoredTensor, ...]
    notes: tuple[str, ...]


def in_folder(folder: str) -> str:
    """The index of a folder, or else its only safetensors file; TpeError if there is no one."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise TpeError(f"'{clean(folder)}' cannot be read: {error.strerror}") from None
    for ending in (INDEX, _ENDING):
        found = [name for name in names if name.lower().endswith(ending)]
        if len(found) == 1:
            return os.path.join(folder, found[0])
        if found and ending == INDEX:
            break
    raise TpeError(
        f"folder '{clean(folder)}' has {len(found)} files *{ending}; legal: one *{INDEX}, or one "
        f"*{_ENDING}"
    )


def read_index(path: str) -> Shards:
    """The tensors of all files of an index, in its order.

    Raises TpeError, one line with the index and the tensor: no such JSON, files that lie elsewhere
    than beside it or are none, tensors that are not in the file that is named, and as
    `safetensors.read_header` for each file.
    """
    where = f"'{clean(path)}'"
    places = _places(path, where)
    shards = dict.fromkeys(places.values())
    if len(shards) > MAX_SHARDS or len(places) > MAX_TENSORS:
        raise TpeError(
            f"{where} names {len(places)} tensors in {len(shards)} files; "
            f"legal: at most {MAX_TENSORS} in {MAX_SHARDS}"
        )
    folder = os.path.dirname(path)
    held: dict[tuple[str, str], StoredTensor] = {}
    for shard in shards:
        for tensor in safetensors.read_header(os.path.join(folder, shard)):
            held[shard, tensor.name] = tensor
    found = []
    for name, shard in places.items():
        if (shard, name) not in held:
            raise TpeError(
                f"{where}: tensor '{clean(name)}' is not in '{clean(shard)}'; legal: a tensor of "
                "the file that is named"
            )
        found.append(held[shard, name])
    left = len(held) - len(found)
    notes = (f"{left} tensors of the files are not in the index; left out",) if left else ()
    return Shards(tuple(found), notes)


def _places(path: str, where: str) -> Mapping[str, str]:
    """{tensor: file}, files by names that lie beside the index."""
    content = read_bytes(path, "safetensors index", MAX_INDEX)
    index = safetensors.parsed(decode(path, content, "safetensors index").encode(), where)
    places = index.get("weight_map")
    if not isinstance(places, dict) or not places:
        raise TpeError(f"{where} has no weight_map; legal: {{'weight_map': {{tensor: file}}}}")
    for name, shard in places.items():
        plain = isinstance(shard, str) and shard.isprintable() and os.path.basename(shard) == shard
        if not plain or "\\" in shard or not shard.lower().endswith(_ENDING):
            raise TpeError(
                f"{where}: tensor '{clean(name)}' lies in {clean(repr(shard))}; legal: the name of "
                f"a *{_ENDING} file beside the index"
            )
    return places
