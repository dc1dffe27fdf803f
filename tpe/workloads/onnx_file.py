"""Reading an ONNX file that nobody vouches for: size, structure, functions, tensors.

What comes out has passed onnx's own checker, calls no model-local function (they are inlined) and
carries no large tensor: those stay beside the graph and are read when a layer needs them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tpe.base.errors import TpeError, missing_extra, unknown
from tpe.base.files import read_bytes, read_part, size
from tpe.workloads.lazy import clean, few
from tpe.workloads.onnx.attributes import drop_foreign

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

MAX_BYTES = 5 << 27
"""Largest file, and largest external tensor that is read: 640 MiB."""
MAX_NODES = 200_000
"""Most nodes after the model's functions are inlined."""
MAX_DEPTH = 16
"""Deepest nesting of functions and of control-flow bodies."""
SMALL = 1024
"""Tensors up to this many elements (shapes, axes, zero points) stay in the graph."""

_Key: TypeAlias = tuple[str, str, str]  # a function's domain, name and overload
_DATA = tuple(
    "raw_data float_data int32_data int64_data double_data uint64_data string_data".split()
)
_LIGHT = ("backend", "test", "data", "light")


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """A model that was read and checked.

    path     as the user named it;  where  opens every error: "'net.onnx'"
    model    without its large tensors, functions inlined
    tensors  every initialiser by name
    absent   {tensor: why} of those whose values are not there: shapes are known, values are not
    notes    what was taken how, one line each
    """

    path: str
    where: str
    model: ModelProto
    tensors: dict[str, TensorProto] = field(repr=False)
    absent: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def array(self, name: str) -> np.ndarray:
        """The initialiser `name`, its external data read from the model's folder.

        Errors: `TpeError` naming the tensor: damaged, of another size than declared, absent.
        """
        tensor = self.tensors[name]
        if name in self.absent:
            raise TpeError(f"{self.where}: tensor '{clean(name)}': {self.absent[name]}")
        if is_external(tensor):
            tensor = _external(tensor, self.path, self.where)
        return tensor_array(tensor, f"{self.where}: tensor '{clean(name)}'")

    def inputs(self) -> list[Any]:
        """The graph's inputs that have no value in the file, as ValueInfoProto."""
        return [item for item in self.model.graph.input if item.name not in self.tensors]


def require_onnx() -> None:
    """`MissingExtra` unless the package onnx is installed."""
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise missing_extra("onnx", "onnx") from None


def onnx_light() -> dict[str, str]:
    """{name: path} of the networks that the onnx package carries as test data.

    Real shapes, constant weights. `onnx:NAME` is a workload.

    >>> sorted(onnx_light())[4]
    'light_resnet50'
    """
    require_onnx()
    return light_networks()


def light_networks() -> dict[str, str]:
    """The same without loading the package; nothing if it is not there."""
    found = find_spec("onnx")
    places = found.submodule_search_locations if found else None
    files = [item for place in places or () for item in Path(place, *_LIGHT).glob("*.onnx")]
    return {item.stem: str(item) for item in sorted(files)}


def find_onnx(name: str) -> str:
    """The path that `onnx:NAME` means: a light network, or a file."""
    light = onnx_light()
    if name in light:
        return light[name]
    if name.endswith(".onnx") or os.path.exists(os.path.expanduser(name)):
        return name
    raise unknown("ONNX network", clean(name), [*light, "FILE.onnx"])


def read_onnx(path: str | os.PathLike[str]) -> OnnxFile:
    """Read and check an ONNX file.

    Attributes that an operator does not have are dropped, with a note. Tensors whose data are not
    there (an external file that is absent, no values at all) are `absent`.

    Errors: `TpeError` naming the file: missing, not regular, larger than `MAX_BYTES`, damaged,
    truncated, refused by onnx's checker, recursive functions, too many nodes, external data
    outside the model's folder, sparse initialisers.
    """
    require_onnx()
    import onnx

    file = os.path.expanduser(os.fspath(path))
    where = f"'{clean(file)}'"
    content = read_bytes(file, "ONNX model", MAX_BYTES)
    try:
        model = onnx.ModelProto.FromString(content)
        del content
        words = [word for node in nodes_of(model.graph, where) for word in _words(node)]
    except TpeError:
        raise
    except Exception as error:  # protobuf raises what it likes on damage
        raise TpeError(
            f"{where} is damaged or not an ONNX file ({_reason(error)}); "
            "legal: a serialised onnx.ModelProto"
        ) from None
    if not model.HasField("graph") or not words:
        raise TpeError(f"{where} holds no graph of nodes; legal: a serialised onnx.ModelProto")
    _check_tensors(model, file, where)
    _check_functions(model, where)
    absent = _absent(model, file, where)
    notes = [*drop_foreign(model), *_absent_notes(absent)]
    tensors = _strip(model, where, absent)
    return OnnxFile(file, where, _checked(model, where), tensors, absent, few(notes))


def nodes_of(graph: GraphProto, where: str, depth: int = 0) -> Iterator[NodeProto]:
    """Every node of a graph and of the control-flow bodies in it; `TpeError` if nested deep."""
    if depth > MAX_DEPTH:
        raise TpeError(f"{where}: graphs nest deeper than {MAX_DEPTH}; legal: up to {MAX_DEPTH}")
    for node in graph.node:
        yield node
        for body in bodies(node):
            yield from nodes_of(body, where, depth + 1)


def _words(node: NodeProto) -> list[str]:
    """All names of a node; UnicodeDecodeError for one that is no text."""
    attributes = [item.name for item in node.attribute]
    words: list[Any] = [node.op_type, node.domain, *node.input, *node.output, *attributes]
    for word in words:
        if isinstance(word, bytes):  # as protobuf gives what is not UTF-8
            word.decode()
    return [*node.input, *node.output]


def bodies(node: NodeProto) -> list[GraphProto]:
    """The graphs that a node holds: branches of If, bodies of Loop and Scan."""
    found: list[GraphProto] = []
    for attribute in node.attribute:
        if attribute.HasField("g"):
            found.append(attribute.g)
        found.extend(attribute.graphs)
    return found


def tensor_array(tensor: TensorProto, where: str) -> np.ndarray:
    """The values of a tensor; `TpeError` opening with `where` if data and shape disagree."""
    from onnx import numpy_helper

    try:
        array: np.ndarray = numpy_helper.to_array(tensor)
    except Exception as error:
        raise TpeError(
            f"{where} is damaged ({_reason(error)}); legal: as many values as its shape "
            f"{list(tensor.dims)[:8]} says"
        ) from None
    if array.shape != tuple(tensor.dims):
        raise TpeError(
            f"{where} holds {array.shape} values; legal: its shape {list(tensor.dims)[:8]}"
        )
    return array


def is_external(tensor: TensorProto) -> bool:
    """Whether a tensor's data lie in another file."""
    return bool(tensor.data_location == tensor.EXTERNAL)


def _absent(model: ModelProto, file: str, where: str) -> dict[str, str]:
    """{tensor: why} of the initialisers that have a shape and no values."""
    found = {}
    for tensor in model.graph.initializer:
        if is_external(tensor):
            path, _, _ = external_path(tensor, file, where)
            if not os.path.lexists(path):
                name = clean(os.path.basename(path))
                found[tensor.name] = f"its data file '{name}' does not exist"
            elif prod(tensor.dims) > MAX_BYTES:
                found[tensor.name] = f"its data are over {size(MAX_BYTES)}"
        elif prod(tensor.dims) > 0 and not any(len(getattr(tensor, key)) for key in _DATA):
            found[tensor.name] = "the file holds no values of it"
    return found


def _absent_notes(absent: dict[str, str]) -> list[str]:
    """One line for each reason."""
    notes = []
    for why in dict.fromkeys(absent.values()):
        names = [f"'{clean(name)}'" for name, reason in absent.items() if reason == why]
        rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
        notes.append(f"tensor {', '.join(names[:3])}{rest}: {why}; operands are assumed")
    return notes


def _check_tensors(model: ModelProto, file: str, where: str) -> None:
    """Every tensor's place: external data only for initialisers and only in the model's folder."""
    if model.graph.sparse_initializer:
        raise TpeError(f"{where}: sparse initialisers are not supported; legal: dense ones")
    for tensor in model.graph.initializer:
        if is_external(tensor):
            external_path(tensor, file, where)
    every = [
        *nodes_of(model.graph, where),
        *(node for item in model.functions for node in item.node),
    ]
    for node in every:
        for attribute in node.attribute:
            held = [attribute.t, *attribute.tensors]
            inner = [tensor for body in bodies(node) for tensor in body.initializer]
            if any(is_external(tensor) for tensor in (*held, *inner)):
                raise TpeError(
                    f"{where}: node '{clean(node.name)}' ({clean(node.op_type)}) keeps "
                    f"attribute '{clean(attribute.name)}' in another file; "
                    "legal: external data of the main graph's initialisers"
                )


def external_path(tensor: TensorProto, file: str, where: str) -> tuple[str, int, int | None]:
    """(path, offset, length) of external data; `TpeError` unless it lies in the model's folder.

    Symbolic links are resolved on both sides, so that a link out of the folder leads nowhere.
    """
    at = f"{where}: tensor '{clean(tensor.name)}'"
    entries = {item.key: item.value for item in tensor.external_data}
    if any(isinstance(x, bytes) for pair in entries.items() for x in pair):
        raise TpeError(f"{at} has external data described in bytes that are no UTF-8")
    location = entries.get("location", "")
    folder = os.path.realpath(os.path.dirname(os.path.abspath(file)))
    inside = bool(location) and not os.path.isabs(location) and "\0" not in location
    target = os.path.realpath(os.path.join(folder, location)) if inside else ""
    if not inside or os.path.commonpath([folder, target]) != folder or target == folder:
        raise TpeError(
            f"{at} has its data in '{clean(location)}'; legal: a file in the model's folder"
        )
    numbers: list[int | None] = []
    for key in ("offset", "length"):
        text = entries.get(key)
        if text is not None and not (text.isascii() and text.isdigit() and len(text) < 19):
            raise TpeError(f"{at}: {key} of its data is '{clean(text)}'; legal: 0 or more bytes")
        numbers.append(None if text is None else int(text))
    return target, numbers[0] or 0, numbers[1]


def _external(tensor: TensorProto, file: str, where: str) -> TensorProto:
    """The same tensor with its data inside."""
    from onnx import TensorProto

    at = f"{where}: tensor '{clean(tensor.name)}'"
    path, offset, length = external_path(tensor, file, where)
    name = clean(os.path.basename(path))
    try:
        rest = max(0, os.path.getsize(path) - offset)
    except OSError as error:
        raise TpeError(f"{at}: its data cannot be read ({_reason(error)})") from None
    length = rest if length is None else length
    if not 0 <= length <= min(rest, MAX_BYTES):
        raise TpeError(
            f"{at}: its data are {length} bytes at {offset} of '{name}'; "
            f"legal: within the file, at most {MAX_BYTES}"
        )
    data = read_part(path, f"tensor '{clean(tensor.name)}'", offset, length)
    inside = TensorProto(dims=tensor.dims, data_type=tensor.data_type, name=tensor.name)
    inside.raw_data = data
    return inside


def _check_functions(model: ModelProto, where: str) -> None:
    """`TpeError` if functions call themselves, nest too deep, or expand to too many nodes."""
    calls = {
        (item.domain, item.name, item.overload): [
            (node.domain, node.op_type, node.overload)
            for top in item.node
            for node in (top, *(n for body in bodies(top) for n in nodes_of(body, where)))
        ]
        for item in model.functions
    }
    sizes: dict[_Key, int] = {}

    def expanded(key: _Key, path: tuple[_Key, ...]) -> int:
        label = clean(f"{key[0]}.{key[1]}")
        if key in path:
            raise TpeError(f"{where}: function '{label}' calls itself; legal: no recursion")
        if len(path) > MAX_DEPTH:
            raise TpeError(
                f"{where}: function '{label}' nests calls deeper than {MAX_DEPTH}; "
                f"legal: up to {MAX_DEPTH}"
            )
        if key not in sizes:
            below = (*path, key)
            sizes[key] = sum(expanded(c, below) if c in calls else 1 for c in calls[key])
        return sizes[key]

    total = 0
    for key in calls:
        expanded(key, ())
    for node in nodes_of(model.graph, where):
        key = (node.domain, node.op_type, node.overload)
        total += sizes[key] if key in calls else 1
        if total > MAX_NODES:
            raise TpeError(
                f"{where} has more than {MAX_NODES} nodes after its functions are inlined; "
                f"legal: up to {MAX_NODES}"
            )


def _strip(model: ModelProto, where: str, absent: Mapping[str, str]) -> dict[str, TensorProto]:
    """Take the initialisers out of the graph and put the small ones back, checked."""
    import onnx

    graph = model.graph
    tensors: dict[str, TensorProto] = {}
    known = {item.name: item for item in graph.input}
    small = []
    for tensor in graph.initializer:
        at = f"{where}: tensor '{clean(tensor.name)}'"
        if tensor.name in tensors:
            raise TpeError(f"{at} is there twice; legal: once")
        if any(size < 0 for size in tensor.dims):
            raise TpeError(f"{at} has shape {list(tensor.dims)[:8]}; legal: sizes of 0 or more")
        tensors[tensor.name] = tensor
        here = not is_external(tensor) and tensor.name not in absent
        if prod(tensor.dims) <= SMALL and here:
            if tensor.data_type != tensor.STRING:
                array = tensor_array(tensor, at)
                small.append(onnx.numpy_helper.from_array(array, tensor.name))
        elif tensor.name not in known:
            item = onnx.helper.make_tensor_value_info(
                tensor.name, tensor.data_type, list(tensor.dims)
            )
            graph.input.append(item)
    del graph.initializer[:]
    graph.initializer.extend(small)
    return tensors


def _checked(model: ModelProto, where: str) -> ModelProto:
    """The model as onnx's checker accepts it, its functions inlined."""
    import onnx
    import onnx.inliner

    items = [*model.graph.input, *model.graph.output]
    kinds = [item.type.tensor_type for item in items if item.type.HasField("tensor_type")]
    shapeless = [kind for kind in kinds if not kind.HasField("shape")]
    try:
        for kind in shapeless:  # which the checker refuses and inference does not mind
            kind.shape.SetInParent()
        onnx.checker.check_model(model)
        for kind in shapeless:
            kind.ClearField("shape")
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
    except Exception as error:
        raise TpeError(
            f"{where} is no valid ONNX model ({_reason(error)}); "
            "legal: what onnx.checker.check_model accepts"
        ) from None
    return model


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return clean(error.strerror)
    return clean(error) or type(error).__name__
