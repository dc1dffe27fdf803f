"""A file of weights: its tensors, and the matrices of narrow integers among them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from tpe.base import checks
from tpe.base.errors import TpeError, unknown
from tpe.numbers.quantised_tensor import QuantisedTensor
from tpe.numbers.quantisers import NUMBERS
from tpe.workloads.lazy import clean
from tpe.workloads.weights import gguf, packed, safetensors, shards
from tpe.workloads.weights.gguf_types import TYPES, tensor_parts
from tpe.workloads.weights.matrices import WeightFile, WeightMatrix, left_out
from tpe.workloads.weights.packed import PackedLinear
from tpe.workloads.weights.shards import Shards
from tpe.workloads.weights.tensors import StoredTensor, tensor_bytes

ENDINGS = (".gguf", ".safetensors", shards.INDEX)
"""Of files that hold weights alone; ONNX models are read as well."""
_FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


def read_weights(path: str | os.PathLike[str], *, gptq: str | None = None) -> WeightFile:
    """The header of a file of quantised weights, by its ending: .gguf, .safetensors or .onnx.

    An index of several safetensors files, NAME.safetensors.index.json, and a folder that holds one,
    or a single safetensors file, are read as one file.

    gptq   v1 or v2, in place of what the zero points tell
    GGUF: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K, IQ4_NL, IQ4_XS, TQ1_0, TQ2_0, MXFP4, NVFP4, I8
    and BitNet's I2_S are decoded. safetensors: layers packed by GPTQ (2, 3, 4 and 8 bits) and AWQ,
    and matrices of I8, with the scales NAME_scale where they are there. ONNX: the integers of
    MatMulNBits, DequantizeLinear (blocks too), QLinear... and ...Integer. `read` of a matrix gives
    its codes, scales and zero points as a `QuantisedTensor`, whose `values()` are exact.

    Raises TpeError, one line with the file and the tensor, for a file that is damaged, cut off or
    lies about its sizes: nothing larger than what the file holds is ever allocated.

    >>> read_weights("model.bin")
    Traceback (most recent call last):
    tpe.TpeError: 'model.bin' ends in '.bin'; legal: .gguf, .safetensors, \
.safetensors.index.json, .onnx
    """
    file = os.path.expanduser(checks.path(path, "path"))
    if gptq is not None and gptq not in packed.VERSIONS:
        raise unknown("gptq", gptq, packed.VERSIONS)
    ending = os.path.splitext(file)[1].lower()
    if ending == ".gguf":
        return _gguf(file)
    if ending == ".safetensors" or file.lower().endswith(shards.INDEX):
        return _safetensors(file, gptq)
    if ending == ".onnx":
        from tpe.workloads.onnx.weights import read_onnx_weights

        return read_onnx_weights(file)
    if os.path.isdir(file):
        return _safetensors(shards.in_folder(file), gptq)
    legal = ", ".join((*ENDINGS, ".onnx"))
    raise TpeError(f"'{clean(file)}' ends in '{clean(ending)}'; legal: {legal}")


# ---- GGUF ----


def _gguf(path: str) -> WeightFile:
    tensors = gguf.read_header(path)
    tied = all(tensor.name != "output.weight" for tensor in tensors)
    kinds = {tensor.name: _gguf_kind(tensor, tied) for tensor in tensors}
    matrices = {x.name: _gguf_matrix(path, x) for x in tensors if kinds[x.name] == ("matrix", "")}
    return WeightFile(path, gguf.KIND, tensors, matrices, *left_out(kinds.values()))


def _gguf_kind(tensor: StoredTensor, tied: bool) -> tuple[str, str]:
    """What a tensor is, and how it is counted if it is no matrix of codes."""
    if len(tensor.shape) == 1:
        return "not_gemm", f"vectors in {tensor.type}"
    if tensor.name == "token_embd.weight" and not tied:
        return "not_gemm", f"token table in {tensor.type}"
    if len(tensor.shape) > 2:
        return "unsupported", f"{len(tensor.shape)}-dimensional in {tensor.type}"
    if TYPES[tensor.type].decode is None:
        return "unsupported", f"matrix in {tensor.type}"
    return "matrix", ""


def _gguf_matrix(path: str, tensor: StoredTensor) -> WeightMatrix:
    n, k = tensor.shape
    kind = TYPES[tensor.type]
    bits = 8 * tensor.length / tensor.count
    read = partial(read_gguf, path, tensor)
    group = kind.group or k
    return WeightMatrix(
        tensor.name, kind.name, k, n, kind.number, group, bits, read, (tensor.name,)
    )


def read_gguf(path: str, tensor: StoredTensor) -> QuantisedTensor:
    """A matrix (N, K) of a GGUF file, groups along axis 1."""
    where = f"'{clean(path)}'"
    kind = TYPES[tensor.type]
    n, k = tensor.shape
    raw = tensor_bytes(path, gguf.KIND, tensor, where)
    codes, scales, offsets = tensor_parts(kind, raw, (n, k))
    return QuantisedTensor(
        NUMBERS[kind.number],
        codes,
        scales,
        1,
        kind.group or k,
        offsets=offsets,
        where=f"{where}: tensor '{clean(tensor.name)}'",
    )


# ---- safetensors ----


def _safetensors(path: str, gptq: str | None) -> WeightFile:
    where = f"'{clean(path)}'"
    whole = path.lower().endswith(shards.INDEX)
    index = shards.read_index(path) if whole else Shards(safetensors.read_header(path), ())
    tensors = index.tensors
    linears = list(packed.packed_linears(tensors, where))
    ours = [linear for linear in linears if linear.scheme == "gptq"]
    version, notes = gptq or "", [*index.notes]
    if ours and gptq is None:
        version, why = packed.told_version(path, ours, where)
        notes.append(f"GPTQ {version}: {why}")
    matrices = {x.name: _packed_matrix(path, x, version, where) for x in linears}
    used = {part for matrix in matrices.values() for part in matrix.parts}
    rest = {tensor.name: tensor for tensor in tensors if tensor.name not in used}
    for tensor in _plain(rest):
        scale = rest.get(f"{tensor.name}_scale")
        matrices[tensor.name] = _plain_matrix(path, tensor, scale, where)
        used |= set(matrices[tensor.name].parts)
        notes += [] if scale else [f"'{clean(tensor.name)}' has no scale beside it: 1"]
    kinds = [_safetensors_kind(tensor) for name, tensor in rest.items() if name not in used]
    return WeightFile(path, safetensors.KIND, tensors, matrices, *left_out(kinds), tuple(notes))


def _plain(tensors: Mapping[str, StoredTensor]) -> Iterator[StoredTensor]:
    return (x for x in tensors.values() if x.type == "I8" and len(x.shape) == 2 and x.count)


def _safetensors_kind(tensor: StoredTensor) -> tuple[str, str]:
    """How a tensor is counted: what has two dimensions may be a table, and no name says so."""
    if len(tensor.shape) < 2 or not tensor.count:
        return "not_gemm", f"vectors in {tensor.type}"
    return "unsupported", f"{'matrix' if len(tensor.shape) == 2 else 'tensor'} in {tensor.type}"


def _packed_matrix(path: str, linear: PackedLinear, version: str, where: str) -> WeightMatrix:
    zeros = packed.zero_points(packed.stored_zeros(path, linear), linear, version)
    number = packed.number_name(linear, packed.is_middle(zeros, linear))
    scheme = f"GPTQ {version}" if linear.scheme == "gptq" else "AWQ"
    bits = 8 * linear.length / (linear.k * linear.n)
    read = partial(packed.read_tensor, path, linear, version, where)
    parts = tuple(part.name for part in linear.parts.values())
    sizes = (linear.k, linear.n, number, linear.group)
    return WeightMatrix(linear.name, scheme, *sizes, bits, read, parts)


def _plain_matrix(
    path: str, tensor: StoredTensor, scale: StoredTensor | None, where: str
) -> WeightMatrix:
    n, k = tensor.shape
    if scale is not None and (scale.type not in _FLOATS or not _fits(scale.shape, n, k)):
        raise TpeError(
            f"{where}: tensor '{clean(scale.name)}' is {scale.type} of shape {list(scale.shape)}; "
            f"legal: floats of shape [], [1], [{n}], [{n}, 1] or [{n}, groups of {k}]"
        )
    groups = scale.shape[1] if scale and len(scale.shape) == 2 else 1
    length = tensor.length + (scale.length if scale else 0)
    read = partial(read_plain, path, tensor, scale, k // groups, where)
    parts = (tensor.name, *([scale.name] if scale else ()))
    bits = 8 * length / (n * k)
    return WeightMatrix(tensor.name, "I8", k, n, "int8", k // groups, bits, read, parts)


def _fits(shape: tuple[int, ...], n: int, k: int) -> bool:
    if len(shape) == 2:
        return shape[0] == n and shape[1] > 0 and k % shape[1] == 0
    return shape in ((), (1,), (n,))


def read_plain(
    path: str, tensor: StoredTensor, scale: StoredTensor | None, group: int, where: str
) -> QuantisedTensor:
    """A matrix (N, K) of int8 and the scales beside it, groups along axis 1."""
    codes = safetensors.read_array(path, tensor)
    scales = np.ones((1, 1))
    if scale is not None:
        found = safetensors.read_array(path, scale).astype(np.float64)
        scales = found.reshape(-1, 1) if found.ndim < 2 else found
    return QuantisedTensor(
        NUMBERS["int8"], codes, scales, 1, group, where=f"{where}: '{clean(tensor.name)}'"
    )
