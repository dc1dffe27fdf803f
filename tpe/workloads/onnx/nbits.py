"""MatMulNBits of ONNX Runtime (com.microsoft): weights of 2 to 8 bits, packed in blocks along K.

    Y[.., N] = A[.., K] @ W[K, N] + bias,  W[k, n] = (code[n, k] - zero[n, g]) * scale[n, g]

with g = k // block_size, or g_idx[k]. A code's bits follow the code's before it, lowest first, and
every block starts at a byte; zero points lie so for each n. Without zero points they are
2^(bits - 1), so that codes less that are signed. onnx knows no such operator: a node of it becomes
one of ours that makes W, and a MatMul.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Array
from tpe.workloads.lazy import clean
from tpe.workloads.onnx_file import OnnxFile

if TYPE_CHECKING:
    from onnx import NodeProto

DOMAIN = "tpe.import"
"""Of the operator that stands for packed weights while a model is read."""
DEQUANTIZE = "DequantizeNBits"
MADE = "made of MatMulNBits"
"""Documentation of the nodes that were not in the file."""
_DATA, _SCALES, _ZEROS, _GROUPS, _BIAS = range(1, 6)  # inputs of MatMulNBits
_LEAST_BLOCK = 16


@dataclass(frozen=True)
class Packed:
    """Codes of `bits` bits of a matrix (K, N), and how they are packed: blocks of `block` of K."""

    bits: int
    k: int
    n: int
    block: int

    @property
    def blocks(self) -> int:
        """Blocks of a column; the last one may be short."""
        return -(-self.k // self.block)

    @property
    def bytes(self) -> int:
        """Bytes of all codes."""
        return self.n * self.blocks * self.block * self.bits // 8

    @property
    def zero_bytes(self) -> int:
        """Bytes of all zero points, where they are packed."""
        return self.n * -(-self.blocks * self.bits // 8)

    def codes(self, raw: Array) -> Array:
        """(N, K) uint8, from bytes: what fills the last block is left out.

        >>> Packed(3, 17, 1, 16).codes(np.arange(12, dtype=np.uint8))[0, :6].tolist()
        [0, 0, 4, 0, 0, 4]
        """
        return unpacked(raw.reshape(self.n, -1), self.bits)[:, : self.k]

    def matrix(self, raw: Array, signed: bool) -> Array:
        """(K, N) integers, less 2^(bits - 1) where they are signed."""
        codes = self.codes(raw).T
        return (codes.astype(np.int16) - (1 << self.bits - 1)).astype(np.int8) if signed else codes

    def zeros(self, raw: Array) -> Array:
        """(N, blocks) uint8, from bytes."""
        return unpacked(raw.reshape(self.n, -1), self.bits)[:, : self.blocks]


def unpacked(raw: Array, bits: int) -> Array:
    """Codes of `bits` bits that follow each other in rows of bytes, lowest first, as uint8.

    >>> unpacked(np.array([[0x21, 0x43]], np.uint8), 4).tolist()
    [[1, 2, 3, 4]]
    """
    if bits == 8:
        return raw
    count = raw.shape[1] * 8 // bits
    ones = np.unpackbits(raw, axis=1, count=count * bits, bitorder="little")
    words = np.packbits(ones.reshape(-1, bits), axis=1, bitorder="little")
    return words.reshape(raw.shape[0], count)


def packed_of(node: NodeProto) -> Packed | None:
    """How the weights of a node of ours are packed; None of any other."""
    if (node.domain, node.op_type) != (DOMAIN, DEQUANTIZE):
        return None
    facts = {item.name: item.i for item in node.attribute}
    return Packed(facts["bits"], facts["K"], facts["N"], facts["block_size"])


def expanded(file: OnnxFile) -> OnnxFile:
    """The file with every MatMulNBits of the main graph as a node of ours, MatMul and, with a bias,
    Add, in its model; one whose weights are computed stays, and is noted.

    Errors: `TpeError` naming file and node: attributes, types and sizes that do not fit.
    """
    from onnx import helper

    graph = file.model.graph
    nodes: list[NodeProto] = []
    notes: list[str] = []
    for node in graph.node:
        if (node.domain, node.op_type) != ("com.microsoft", "MatMulNBits"):
            nodes.append(node)
        elif len(node.input) <= _DATA or node.input[_DATA] not in file.tensors:
            nodes.append(node)
            notes.append(
                f"{file.where}: node '{clean(node.name or node.output[0])}' (MatMulNBits) takes "
                "weights that are no initialiser; it is not counted"
            )
        else:
            nodes += _expanded(node, file)
    if len(nodes) == len(graph.node):
        return replace(file, notes=(*file.notes, *notes))
    del graph.node[:]
    graph.node.extend(nodes)
    file.model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    return replace(file, notes=(*file.notes, *notes))


def declare(file: OnnxFile) -> None:
    """Enter the shapes of packed weights, which no shape inference knows, in the model."""
    from onnx import helper

    for node in file.model.graph.node:
        packed = packed_of(node)
        if packed is not None:
            elem = file.tensors[node.input[1]].data_type
            shape = (packed.k, packed.n)
            item = helper.make_tensor_value_info(node.output[0], elem, shape)
            file.model.graph.value_info.append(item)


def _expanded(node: NodeProto, file: OnnxFile) -> list[NodeProto]:
    """The nodes that compute what a MatMulNBits does."""
    from onnx import helper

    name = node.name or node.output[0]
    where = f"{file.where}: node '{clean(name)}' (MatMulNBits)"
    packed = _packed({item.name: item.i for item in node.attribute}, where)
    inputs = [*node.input, *[""] * (_BIAS + 1 - len(node.input))]
    _check_tensors(packed, inputs, file, where)
    result, bias = node.output[0], inputs[_BIAS]
    weights, product = f"{result}/weights", f"{result}/product" if bias else result
    facts: dict[str, Any] = {
        "bits": packed.bits,
        "K": packed.k,
        "N": packed.n,
        "block_size": packed.block,
    }
    made = [
        helper.make_node(
            DEQUANTIZE, inputs[_DATA:_BIAS], [weights], domain=DOMAIN, doc_string=MADE, **facts
        ),
        helper.make_node("MatMul", [inputs[0], weights], [product], name=name),
    ]
    if bias:
        made.append(helper.make_node("Add", [product, bias], [result], doc_string=MADE))
    return made


def _packed(attributes: Mapping[str, int], where: str) -> Packed:
    """The attributes of a MatMulNBits, checked."""
    bits, block = attributes.get("bits", 4), attributes.get("block_size", 0)
    k, n = attributes.get("K", 0), attributes.get("N", 0)
    if not 2 <= bits <= 8:
        raise TpeError(f"{where}: bits is {bits}; legal: 2 to 8")
    if block < _LEAST_BLOCK or block & (block - 1):
        raise TpeError(
            f"{where}: block_size is {block}; legal: a power of two of {_LEAST_BLOCK} or more"
        )
    for key, value in (("K", k), ("N", n)):
        if value < 1:
            raise TpeError(f"{where}: {key} is {value}; legal: 1 or more")
    return Packed(bits, k, n, block)


def _check_tensors(packed: Packed, inputs: list[str], file: OnnxFile, where: str) -> None:
    """TpeError for an initialiser of another type or size than the attributes make it."""
    from onnx import TensorProto

    floats = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16)
    each = packed.n * packed.blocks
    wanted: dict[int, list[tuple[tuple[int, ...], int]]] = {
        _DATA: [((TensorProto.UINT8,), packed.bytes)],
        _SCALES: [(floats, each)],
        _ZEROS: [((TensorProto.UINT8,), packed.zero_bytes), (floats, each)],
        _GROUPS: [((TensorProto.INT32,), packed.k)],
    }
    names = {_DATA: "B", _SCALES: "scales", _ZEROS: "zero_points", _GROUPS: "g_idx"}
    for place, legal in wanted.items():
        name = inputs[place]
        if not name and place in (_ZEROS, _GROUPS):
            continue
        tensor: Any = file.tensors.get(name)
        if tensor is None:
            raise TpeError(f"{where}: {names[place]} is '{clean(name)}'; legal: an initialiser")
        count = prod(tensor.dims)
        if not any(tensor.data_type in types and count == size for types, size in legal):
            kind = TensorProto.DataType.Name(tensor.data_type).lower()
            sizes = " or ".join(
                f"{size} of {TensorProto.DataType.Name(types[0]).lower()}" for types, size in legal
            )
            raise TpeError(
                f"{where}: {names[place]} '{clean(name)}' has {count} numbers of {kind}; "
                f"legal for K = {packed.k}, N = {packed.n}, bits = {packed.bits}, "
                f"block_size = {packed.block}: {sizes}"
            )
