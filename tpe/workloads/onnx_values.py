"""The integers behind the tensors of a model: stored ones, constants, evaluated activations.

Floats are quantised per tensor to the format asked for: symmetrically (zero point 0, the largest
magnitude becomes the format's highest value) if it is signed, over [min, max] with a zero point if
it is not. Integers behind DequantizeLinear are recovered exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import FORMATS, IntFormat
from tpe.workloads.lazy import clean, dtype_of
from tpe.workloads.onnx.inputs import LoopLimits
from tpe.workloads.onnx.trace import MOVES, dequantiser
from tpe.workloads.onnx_file import OnnxFile, bodies
from tpe.workloads.onnx_lower import PRODUCTS, Quant, Side, is_gemm
from tpe.workloads.onnx_shapes import TensorType

if TYPE_CHECKING:
    from onnx import NodeProto

MAX_CONSTANT_NODES = 64
"""Most nodes that computing a constant operand may take."""
MAX_EVALUATED = 2**28
"""Most elements of a tensor that is computed from inputs."""
MAX_CONSTANT = 2**26
"""Most elements of one that is computed from constants; a larger one is assumed."""
_BLOCK = 2**20
_DATA_PATH = frozenset("Cast Dropout Expand Flatten Identity Reshape Squeeze Transpose Unsqueeze"
                       " DequantizeLinear QuantizeLinear".split())  # fmt: skip
_RANDOM = frozenset(
    "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike".split()
)


@dataclass(frozen=True, eq=False)
class Ints:
    """Integers of a tensor as stored, in a narrow type; `zero` scalar or along some axis."""

    values: np.ndarray
    zero: np.ndarray
    type: str


class Values:
    """Tensors of a model by name: constants always, the others if inputs were given.

    With inputs the model runs once, up to the operands of its GEMMs; shapes that could not be
    inferred are then entered in `types`.
    """

    def __init__(
        self,
        file: OnnxFile,
        types: dict[str, TensorType],
        feeds: Mapping[str, np.ndarray],
        limits: LoopLimits,
    ) -> None:
        self.file, self.types, self.feeds, self.limits = file, types, feeds, limits
        self.producer = {name: node for node in file.model.graph.node for name in node.output}
        self.evaluated: dict[str, np.ndarray] = dict(feeds)
        self.notes: list[str] = []
        if feeds:
            self._evaluate_gemm_inputs()

    def ints(self, side: Side, fmt: IntFormat) -> Ints | None:
        """The integers of one operand; None if it has no values, or constant floats.

        Constants first, then what was evaluated. Errors: `TpeError` naming the tensor.
        """
        if side.quant is not None and side.quant.stored:
            constant_ints = self._as_stored(side.tensor, side.quant)
            if constant_ints is not None:
                return constant_ints
        array = self.array(side.tensor)
        if array is None:
            return None
        where = f"{self.file.where}: tensor '{clean(side.tensor)}'"
        if side.quant is not None and side.quant.loose:
            return quantised(array, FORMATS[side.quant.type], where)
        if side.quant is None:
            constant = side.tensor not in self.evaluated and array.size > 1
            if constant and bool((array == array.flat[0]).all()):
                return None  # a place-holder: cycles of equal weights would mean nothing
            return quantised(array, fmt, where)
        if array.size == 0:
            raise TpeError(f"{where} is empty; legal: no dimension of 0")
        zero = self.zero(side.quant)
        stored = FORMATS[side.quant.type]
        if side.quant.scale:
            scale = self.array(side.quant.scale)
            if scale is None:
                return None
            values = _recovered(array, scale, zero, side.quant, where)
        else:
            values = array.astype(np.int64)
        low, high = int(values.min()), int(values.max())
        if low < stored.low or high > stored.high:
            raise TpeError(
                f"{where} holds {low} to {high}; legal in {stored.name}: "
                f"{stored.low} to {stored.high}"
            )
        return Ints(values.astype(dtype_of(stored)), zero, stored.name)

    def _as_stored(self, name: str, quant: Quant) -> Ints | None:
        """The constant integers behind a tensor, through nodes that only move its values."""
        stored = self.array(quant.stored)
        if stored is None or stored.size == 0:
            return None
        number = FORMATS[quant.type]
        values = stored if quant.packed is None else quant.packed.matrix(stored, number.signed)
        moved = self.moved(name, values.astype(dtype_of(number), copy=False))
        return None if moved is None else Ints(moved, self.zero(quant), quant.type)

    def moved(self, name: str, stored: np.ndarray) -> np.ndarray | None:
        """Numbers in the places of a DequantizeLinear's result, in those that they have in `name`.

        None if nodes between them do more than to move them.
        """
        found = dequantiser(self.producer, name)
        if found is None or any(node.op_type not in MOVES for node in found[1]):
            return None
        node, chain = found
        return self._run(chain, [name], {node.output[0]: stored})[name] if chain else stored

    def zero(self, quant: Quant) -> np.ndarray:
        """The zero point, int64; the middle of an unsigned format if none is known, with a note.

        0, with a note, where zero points differ within a sum.
        """
        if not quant.zero:
            return np.zeros((), np.int64)
        array = self.array(quant.zero)
        stored = FORMATS[quant.type]
        if array is None:
            middle = (stored.low + stored.high + 1) // 2
            self.notes.append(
                f"zero point '{clean(quant.zero)}' is not known before the model runs; "
                f"assumed {middle}"
            )
            return np.asarray(middle, np.int64)
        packed = quant.packed
        zero = (array if packed is None else packed.zeros(array)).astype(np.int64)
        if quant.loose and zero.size > 1:
            if int(zero.min()) != int(zero.max()):
                self.notes.append(
                    f"zero points '{clean(quant.zero)}' differ within a sum; left out with the "
                    "scales"
                )
                return np.zeros((), np.int64)
            zero = zero.reshape(-1)[:1].reshape(())
        return zero

    def array(self, name: str) -> np.ndarray | None:
        """The values of a tensor, or None; constants are computed, place-holders are None."""
        if name in self.evaluated:
            return self.evaluated[name]
        if name in self.file.absent:
            return None
        if name in self.file.tensors:
            return self.file.array(name)
        nodes = self._constant_nodes(name)
        if nodes is None or self._place_holder(name):
            return None
        known = all((kind := self.types.get(n.output[0])) and kind.shape is not None for n in nodes)
        if not known or self._too_large(nodes, MAX_CONSTANT):
            return None
        return self._run(nodes, [name], {})[name]

    def _too_large(self, nodes: list[NodeProto], most: int) -> str:
        """The first tensor that these nodes make and that has over `most` elements, or ""."""
        for node in nodes:
            for name in node.output:
                shape = self.types[name].shape if name in self.types else None
                if shape is not None and prod(shape) > most:
                    return str(name)
        return ""

    def _place_holder(self, name: str) -> bool:
        """Whether a tensor is ConstantOfShape, at most reshaped and cast."""
        while (node := self.producer.get(name)) is not None:
            if node.op_type == "ConstantOfShape":
                return True
            if node.op_type not in _DATA_PATH or not node.input:
                return False
            name = node.input[0]
        return False

    def _constant_nodes(self, name: str) -> list[NodeProto] | None:
        """The few nodes that compute a constant; None if it depends on an input or on a GEMM."""
        nodes = self._ancestors([name], {}, MAX_CONSTANT_NODES)
        if nodes is None or any(
            bodies(node) or is_gemm(node) or node.op_type in PRODUCTS for node in nodes
        ):
            return None
        return nodes

    def _ancestors(
        self, names: Iterable[str], feeds: Mapping[str, Any], limit: int | None = None
    ) -> list[NodeProto] | None:
        """The nodes that compute `names` from initialisers and `feeds`, in graph order.

        None if an input or initialiser has no values, if a node is random, or past `limit` nodes.
        """
        needed: set[int] = set()
        open_names = list(names)
        seen: set[str] = set()
        while open_names:
            name = open_names.pop()
            if not name or name in seen or name in feeds:
                continue
            seen.add(name)
            if name in self.file.tensors and name not in self.file.absent:
                continue
            node = self.producer.get(name)
            if node is None or node.op_type in _RANDOM or len(needed) == limit:
                return None
            needed.add(id(node))
            open_names.extend(node.input)
            for body in bodies(node):
                open_names.extend(n for n in _outer_names(body) if self._exists(n))
        return [node for node in self._nodes() if id(node) in needed]

    def _nodes(self) -> list[NodeProto]:
        """The nodes in graph order, each once, as the objects that `producer` holds."""
        return list({id(node): node for node in self.producer.values()}.values())

    def _exists(self, name: str) -> bool:
        return name in self.producer or name in self.file.tensors or name in self.feeds

    def _evaluate_gemm_inputs(self) -> None:
        """Run the model up to the inputs of its GEMMs, and keep them."""
        from onnx import helper

        wanted = {
            name
            for node in self.file.model.graph.node
            if is_gemm(node)
            for name in _operands(node)
            if name and self._constant_nodes(name) is None and name not in self.feeds
        }
        wanted -= set(self.file.absent)
        nodes = self._ancestors(sorted(wanted), self.feeds)
        if nodes is None:
            self._unreachable()
        large = self._too_large(nodes, MAX_EVALUATED)
        if large:
            raise TpeError(
                f"{self.file.where}: tensor '{clean(large)}' has over {MAX_EVALUATED} elements; "
                "legal: up to that in what is evaluated"
            )
        found = self._run(nodes, sorted(wanted), self.feeds)
        self.evaluated.update(found)
        for name, value in found.items():
            elem = helper.np_dtype_to_tensor_dtype(value.dtype)
            self.types[name] = TensorType(elem, value.shape)

    def _unreachable(self) -> NoReturn:
        """Why the operands of the GEMMs cannot be computed from what is given."""
        for name, why in self.file.absent.items():
            raise TpeError(
                f"{self.file.where}: tensor '{clean(name)}': {why}; legal with inputs: a model "
                "with all of its values"
            )
        raise TpeError(
            f"{self.file.where}: not every GEMM can be reached from the inputs given; "
            f"legal: values of {', '.join(clean(item.name) for item in self.file.inputs())}, "
            "and no random operators"
        )

    def _run(
        self, nodes: list[NodeProto], names: list[str], feeds: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Evaluate `names` with onnx's reference evaluator."""
        if not names:
            return {}
        from onnx import ValueInfoProto, helper

        from tpe.workloads.onnx.evaluate import evaluate

        read = {n for node in nodes for n in node.input}
        read |= {n for node in nodes for body in bodies(node) for n in _outer_names(body)}
        leaves = {n: self.file.array(n) for n in sorted(read & set(self.file.tensors))}
        leaves |= {name: value for name, value in feeds.items() if name in read}
        inputs = [
            helper.make_tensor_value_info(name, self.types[name].elem, value.shape)
            for name, value in leaves.items()
        ]
        outputs = [ValueInfoProto(name=name) for name in names]
        model = helper.make_model(
            helper.make_graph(nodes, "part", inputs, outputs),
            opset_imports=list(self.file.model.opset_import),
        )
        return evaluate(model, names, leaves, self.limits, self.file.where)


def quantised(values: np.ndarray, fmt: IntFormat, where: str) -> Ints:
    """Floats as integers of `fmt`, one scale per tensor, rounded half to even.

    >>> ints = quantised(np.array([-2.0, 0.5, 1.0]), FORMATS["int8"], "x")
    >>> ints.values.tolist(), int(ints.zero)
    ([-127, 32, 64], 0)
    >>> ints = quantised(np.array([-1.0, 0.0, 3.0]), FORMATS["uint8"], "x")
    >>> ints.values.tolist(), int(ints.zero)
    ([0, 64, 255], 64)
    """
    if values.size == 0:
        raise TpeError(f"{where} is empty; legal: no dimension of 0")
    flat = np.ascontiguousarray(values).reshape(-1)
    if flat.dtype not in (np.float32, np.float64):
        flat = flat.astype(np.float32)
    low, high = float(min(flat.min(), 0)), float(max(flat.max(), 0))
    if not math.isfinite(high - low) and not np.isfinite(flat).all():
        raise TpeError(f"{where} holds NaN or infinity; legal: finite numbers")
    # By a power of two to about 1, which changes no result: neither the smallest nor the largest
    # floats leave their range on the way.
    power = -math.frexp(max(-low, high))[1]
    low, high = math.ldexp(low, power), math.ldexp(high, power)
    zero = 0
    if fmt.signed:
        scale = max(-low, high) / fmt.high
    else:
        scale = (high - low) / fmt.high
        zero = round(-low / scale) if scale > 0 else 0
    ints = np.zeros(flat.shape, dtype_of(fmt))
    if scale > 0:
        bottom = -fmt.high if fmt.signed else 0
        divisor = np.asarray(scale, flat.dtype)
        for start in range(0, flat.size, _BLOCK):  # in parts, which a cache holds
            part = slice(start, start + _BLOCK)
            scaled = np.rint(_scaled(flat[part], power) / divisor)
            ints[part] = np.clip(scaled + zero, bottom, fmt.high)
    return Ints(ints.reshape(values.shape), np.asarray(zero, np.int64), fmt.name)


def _scaled(floats: np.ndarray, power: int) -> np.ndarray:
    """floats * 2**power, all of which fit, in steps that do; what gets too small is 0."""
    with np.errstate(under="ignore"):
        half = power // 2
        scaled: np.ndarray = np.ldexp(np.ldexp(floats, half), power - half)
    return scaled


def _recovered(
    values: np.ndarray, scale: np.ndarray, zero: np.ndarray, quant: Quant, where: str
) -> np.ndarray:
    """The integers q of values = (q - zero) * scale."""
    if quant.axis is not None:
        shape = [-1 if axis == quant.axis else 1 for axis in range(values.ndim)]
        scale = scale.reshape(shape)
        zero = zero.reshape(shape) if zero.size > 1 else zero
    steps = values.astype(np.float64) / scale.astype(np.float64)
    whole = np.rint(steps)
    if not np.isfinite(steps).all() or np.abs(steps - whole).max() > 0.25:
        raise TpeError(
            f"{where} is not on the grid of its scale; legal: integers times a finite scale above 0"
        )
    recovered: np.ndarray = (whole + zero).astype(np.int64)
    return recovered


def _operands(node: NodeProto) -> list[str]:
    """Data and zero points of a GEMM node; scales follow from them or are constants."""
    names = list(node.input)
    if node.op_type.startswith("QLinear"):
        return [names[i] for i in (0, 2, 3, 5) if i < len(names)]
    if node.op_type.endswith("Integer"):
        return names[:4]
    return names[:2]


def _outer_names(body: Any) -> list[str]:
    """Names that a graph reads and may take from outside."""
    names = [output.name for output in body.output]
    for node in body.node:
        names.extend(node.input)
        for inner in bodies(node):
            names.extend(_outer_names(inner))
    return names
