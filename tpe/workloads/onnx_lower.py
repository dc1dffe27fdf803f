"""Which nodes of an ONNX graph are GEMMs, and of what shape; what the other nodes are.

Lowered: Conv, ConvInteger, QLinearConv (any rank; strides, pads, auto_pad, dilations, groups),
Gemm, MatMul, MatMulInteger, QLinearMatMul, MatMulNBits (of which `tpe.workloads.onnx.nbits` makes
a MatMul), and Conv, Gemm and MatMul between QuantizeLinear and DequantizeLinear. Biases, scales
and requantisation are what follows a GEMM, not part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

from tpe.base.errors import TpeError
from tpe.workloads.lazy import check_size, clean, few, unique_names
from tpe.workloads.onnx.nbits import MADE, Packed, packed_of
from tpe.workloads.onnx.trace import dequantiser
from tpe.workloads.onnx_file import OnnxFile, bodies, nodes_of
from tpe.workloads.onnx_geometry import ConvShape, MatShape, window_of
from tpe.workloads.onnx_shapes import TensorType

if TYPE_CHECKING:
    from onnx import NodeProto

CONVS = ("Conv", "ConvInteger", "QLinearConv")
MATMULS = ("Gemm", "MatMul", "MatMulInteger", "QLinearMatMul")
PRODUCTS = frozenset(
    "Attention CausalConvWithState ConvTranspose DFT DeformConv Einsum GRU LSTM LinearAttention "
    "RNN STFT If Loop Scan SequenceMap".split()
)
"""Standard operators that compute products, or hold graphs that may, and are not lowered."""


@dataclass(frozen=True)
class Quant:
    """How a tensor stands for integers.

    type   format of the stored integers
    zero   tensor that holds the zero point, "" if it is 0
    scale  "" if the tensor holds the integers themselves; else the tensor holds
           (integer - zero) * scale, as DequantizeLinear made it
    axis   of the tensor, along which scale and zero differ; None: one for all
    stored the tensor of the integers that DequantizeLinear took, "" without one
    loose  whether scales differ within a sum (from block to block): the integers are multiplied as
           they are stored, scales left out
    packed how the stored integers and zero points are packed; None: they are not
    """

    type: str
    zero: str = ""
    scale: str = ""
    axis: int | None = None
    stored: str = ""
    loose: bool = False
    packed: Packed | None = None


@dataclass(frozen=True)
class Side:
    """One operand of a GEMM node: the tensor, and how it is quantised (None: floats)."""

    tensor: str
    quant: Quant | None


@dataclass(frozen=True)
class GemmNode:
    """One GEMM node. `op` is "conv", "grouped conv", "depthwise conv", "gemm" or "matmul".

    b_parts  tensors that the integers of `b` are stored in: codes, scales, zero points, groups; ""
             for one that is not there, none where `b` is no integers
    """

    name: str
    node: str
    op: str
    shape: ConvShape | MatShape
    a: Side
    b: Side
    b_parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lowered:
    """All GEMM nodes in the file's order, counts of the others, and remarks.

    unknown  a remark for each GEMM node whose shapes are not known: it is in `unsupported`
    """

    specs: tuple[GemmNode, ...]
    unsupported: dict[str, int]
    not_gemm: dict[str, int]
    notes: tuple[str, ...]
    unknown: tuple[str, ...] = ()


class Lowering:
    """One pass over a graph: `run` returns what was found."""

    def __init__(self, file: OnnxFile, types: Mapping[str, TensorType]) -> None:
        self.file, self.types = file, types
        self.producer = {name: node for node in file.model.graph.node for name in node.output}
        self.unsupported: Counter[str] = Counter()
        self.not_gemm: Counter[str] = Counter()
        self.notes: list[str] = []
        self.unknown: list[str] = []

    def run(self) -> Lowered:
        """Lower every node of the main graph; `TpeError` naming the file and the node."""
        specs: list[GemmNode] = []
        gemms = [node for node in self.file.model.graph.node if is_gemm(node)]
        names = unique_names([node.name or node.output[0] for node in gemms])
        for node, name in zip(gemms, names, strict=True):
            try:
                specs.append(self._gemm(node, name))
            except _OtherTypeError as other:
                self.unsupported[f"{node.op_type} of {other}"] += 1
            except UnknownShapeError as other:
                self.unsupported[f"{node.op_type} of unknown shape"] += 1
                self.unknown.append(str(other))
        for node in self.file.model.graph.node:
            if not is_gemm(node):
                self._count(node)
        return Lowered(
            tuple(specs),
            dict(sorted(self.unsupported.items())),
            dict(sorted(self.not_gemm.items())),
            few(self.notes),
            few(self.unknown),
        )

    def _gemm(self, node: NodeProto, name: str) -> GemmNode:
        where = f"{self.file.where}: node '{name}' ({node.op_type})"
        a_index, b_index = (0, 3) if node.op_type.startswith("QLinear") else (0, 1)
        a, b = node.input[a_index], node.input[b_index]
        if node.op_type in CONVS:
            shape: ConvShape | MatShape = self._conv(node, a, b, where)
        else:
            shape = self._mat(node, a, b, where)
        check_size(shape.m, shape.n, shape.k, where)
        a_side, b_side = self._sides(node, shape, where)
        parts = self._parts(node, b_side)
        return GemmNode(name, node.op_type, shape.op, shape, a_side, b_side, parts)

    def _parts(self, node: NodeProto, b: Side) -> tuple[str, ...]:
        """The tensors that the weights are stored in."""
        names = [*node.input, *[""] * 6]
        if node.op_type.startswith("QLinear"):
            return (names[3], names[4], names[5])
        if node.op_type.endswith("Integer"):
            return (names[1], "", names[3])
        if b.quant is None:
            return ()
        found = dequantiser(self.producer, b.tensor)
        assert found is not None, "what is no DequantizeLinear has no quant"
        return tuple(found[0].input)

    def _count(self, node: NodeProto, prefix: str = "") -> None:
        """Count a node that is no GEMM, and everything in the graphs it holds."""
        from onnx import defs

        if node.doc_string == MADE:
            return
        standard = node.domain in ("", "ai.onnx")
        label = clean(node.op_type if standard else f"{node.domain}.{node.op_type}")
        known = standard and defs.has(node.op_type) and node.op_type not in PRODUCTS
        counter = self.not_gemm if known and not is_gemm(node) else self.unsupported
        counter[f"{prefix}{label}"] += 1
        if not prefix:
            for body in bodies(node):
                for inner in nodes_of(body, self.file.where):
                    self._count(inner, prefix=f"{label} body: ")

    def _conv(self, node: NodeProto, x: str, w: str, where: str) -> ConvShape:
        w_shape = self._shape(w, where)
        x_shape = self._activations(node, x, w_shape, where)
        rank = len(x_shape) - 2
        if rank < 1 or len(w_shape) != len(x_shape):
            raise TpeError(
                f"{where}: input is {list(x_shape)} and weights {list(w_shape)}; "
                "legal: batch, channels and the same number of spatial axes"
            )
        attributes = attributes_of(node)
        kernel = tuple(attributes.get("kernel_shape", w_shape[2:]))
        groups = attributes.get("group", 1)
        channels, out_channels = x_shape[1], w_shape[0]
        if kernel != w_shape[2:]:
            raise TpeError(
                f"{where}: kernel_shape is {list(kernel)} and the weights are {list(w_shape)}; "
                "legal: the same kernel"
            )
        if groups < 1 or channels != groups * w_shape[1] or out_channels % groups:
            raise TpeError(
                f"{where}: group is {groups} with {channels} input channels and weights "
                f"{list(w_shape)}; legal: a divisor of both channel counts"
            )
        window = window_of(attributes, x_shape[2:], kernel, where)
        return ConvShape(x_shape[0], channels, out_channels, groups, window)

    def _mat(self, node: NodeProto, a: str, b: str, where: str) -> MatShape:
        b_shape = self._shape(b, where)
        a_shape = self._activations(node, a, b_shape, where)
        attributes = attributes_of(node) if node.op_type == "Gemm" else {}
        trans_a, trans_b = (bool(attributes.get(key, 0)) for key in ("transA", "transB"))
        op = "gemm" if node.op_type == "Gemm" else "matmul"
        return MatShape.of(op, a_shape, b_shape, trans_a, trans_b, where)

    def _activations(
        self, node: NodeProto, name: str, weights: tuple[int, ...], where: str
    ) -> tuple[int, ...]:
        """The shape of the activations beside weights of a shape."""
        return self._shape(name, where)

    def _shape(self, name: str, where: str) -> tuple[int, ...]:
        kind = self.types.get(name)
        if kind is None or kind.shape is None:
            raise UnknownShapeError(
                f"{where}: the shape of its input '{clean(name)}' cannot be inferred, it is not "
                "counted (give dims, or inputs, which the evaluator can run)"
            )
        return kind.shape

    def _sides(self, node: NodeProto, shape: ConvShape | MatShape, where: str) -> list[Side]:
        """Activations and weights of a node; _OtherTypeError if a type suits no engine."""
        names = [*node.input, "", "", "", "", "", "", "", ""]
        if node.op_type.startswith("QLinear"):
            pairs = [(names[0], names[2]), (names[3], names[5])]
        elif node.op_type.endswith("Integer"):
            pairs = [(names[0], names[2]), (names[1], names[3])]
        else:
            axes = (None, shape.n_axis)
            return [
                Side(name, self._dequantised(name, axis, where))
                for name, axis in zip(names[:2], axes, strict=True)
            ]
        return [Side(name, Quant(self._int_type(name), zero)) for name, zero in pairs]

    def _int_type(self, name: str) -> str:
        elem = self.types[name].elem
        if elem not in int_types():
            raise _OtherTypeError(type_name(elem))
        return int_types()[elem]

    def _dequantised(self, name: str, n_axis: int | None, where: str) -> Quant | None:
        """How DequantizeLinear, at most a few value-keeping nodes back, made a float tensor."""
        elem = self.types[name].elem
        if elem not in float_types():
            raise _OtherTypeError(type_name(elem))
        found = dequantiser(self.producer, name)
        if found is None:
            return None
        permutations: list[list[int] | None] = []
        for node in found[1][::-1]:
            if node.op_type == "Transpose":
                rank = len(self.types[node.output[0]].shape or ())
                reverse = list(range(rank))[::-1]
                permutations.append(list(attributes_of(node).get("perm", reverse)))
            elif node.op_type != "Identity":
                permutations.append(None)
        packed = packed_of(found[0])
        if packed is not None:
            return self._packed(found[0], packed, where)
        return self._quant(found[0], permutations, n_axis, where)

    def _packed(self, node: NodeProto, packed: Packed, where: str) -> Quant:
        """Codes of MatMulNBits: signed where no zero points stand beside them."""
        stored, scale, zero, groups = (*node.input, "", "")[:4]
        whole = bool(zero) and self.types[zero].elem not in float_types()
        if zero and not whole:
            self.notes.append(f"{where}: zero points of its weights are floats; left out of sums")
        if groups or packed.blocks > 1:
            self._note_loose("one scale per block", f"{packed.bits}-bit", where)
        return Quant(
            f"{'uint' if zero else 'int'}{packed.bits}",
            zero if whole else "",
            scale,
            None if groups or packed.blocks > 1 else 1,
            stored,
            bool(groups) or packed.blocks > 1 or (bool(zero) and not whole),
            packed,
        )

    def _quant(
        self, node: NodeProto, permutations: list[list[int] | None], n_axis: int | None, where: str
    ) -> Quant | None:
        scale, zero = node.input[1], node.input[2] if len(node.input) > 2 else ""
        kind, scale_type = self.types.get(node.input[0]), self.types.get(scale)
        scale_shape = scale_type.shape if scale_type else None
        if kind is None or kind.elem not in int_types():
            self.notes.append(
                f"{where}: an operand is stored in a type that no engine takes; taken as floats "
                "and quantised again"
            )
            return None
        stored = int_types()[kind.elem]
        if scale_shape is not None and prod(scale_shape) == 1:
            return Quant(stored, zero, scale, stored=node.input[0])
        attributes = attributes_of(node)
        axis = attributes.get("axis", 1)
        if scale_shape is None or len(scale_shape) != 1 or attributes.get("block_size", 0):
            return self._as_stored(node, "one scale per block", where)
        axis += len(kind.shape or ()) if axis < 0 else 0
        for permutation in reversed(permutations):
            if permutation is None or axis not in permutation:
                return self._as_stored(node, "scales per channel and is reshaped after", where)
            axis = permutation.index(axis)
        if axis != n_axis:
            return self._as_stored(
                node, "scales along another axis than its output channels", where
            )
        return Quant(stored, zero, scale, axis, node.input[0])

    def _as_stored(self, node: NodeProto, fault: str, where: str) -> Quant:
        """The integers behind DequantizeLinear where no sum of them has one scale."""
        name, zero = node.input[0], node.input[2] if len(node.input) > 2 else ""
        stored = int_types()[self.types[name].elem]
        self._note_loose(fault, stored, where)
        return Quant(stored, zero, node.input[1], stored=name, loose=True)

    def _note_loose(self, fault: str, stored: str, where: str) -> None:
        self.notes.append(
            f"{where}: an operand has {fault}; its {stored} integers are multiplied as stored, "
            "scales left out"
        )


def is_gemm(node: NodeProto) -> bool:
    """Whether `Lowering` makes a layer of this node."""
    return node.domain in ("", "ai.onnx") and node.op_type in (*CONVS, *MATMULS)


def attributes_of(node: NodeProto) -> dict[str, Any]:
    """{name: value} of a node's attributes; text as str."""
    from onnx import helper

    values = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    return {
        key: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        for key, value in values.items()
    }


@cache
def int_types() -> dict[int, str]:
    """{ONNX element type: format} of the integers that an engine may take."""
    from onnx import TensorProto

    names = [f"{sign}int{bits}" for sign in ("", "u") for bits in (2, 4, 8, 16)]
    known = TensorProto.DataType.items()
    return {number: name.lower() for name, number in known if name.lower() in names}


@cache
def float_types() -> frozenset[int]:
    """The ONNX element types that are quantised on import."""
    from onnx import TensorProto

    known = TensorProto.DataType.items()
    return frozenset(
        number for name, number in known if name == "DOUBLE" or name.startswith(("FLOAT", "BFLOAT"))
    )


def type_name(elem: int) -> str:
    """ "int32" for the ONNX element type 6."""
    from onnx import TensorProto

    return str(TensorProto.DataType.Name(elem)).lower()  # type: ignore[arg-type,unused-ignore]


class UnknownShapeError(Exception):
    """An operand's shape cannot be inferred; the text says which."""


class _OtherTypeError(Exception):
    """An operand is neither floats nor integers of 2 to 16 bits; carries the type's name."""
