"""ZigZag workload files (YAML), operands assumed.

    - id: 0
      operator_type: Conv
      equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]
      dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]
      loop_dims: [B, K, C, OY, OX, FY, FX]
      loop_sizes: [1, 64, 3, 112, 112, 7, 7]

A loop that O and I share is M, O and W share N, W and I share K (summed), and one that all three
share is `repeat`; a dimension relation says which loops an index of I stands for. Source:
zigzag/parser/workload_validator.py of github.com/KULeuven-MICAS/zigzag; the `loop_dim_size` mapping
of its version 1 is read too.
"""

from __future__ import annotations

import os
import re
import reprlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

from tpe.base.errors import TpeError, missing_extra
from tpe.base.files import read_text
from tpe.base.nesting import bracket_depth
from tpe.numbers.formats import Format, number_format
from tpe.numbers.matrices import is_int
from tpe.workloads.gemm import ACTIVATIONS, WEIGHTS
from tpe.workloads.imported import ImportedWorkload
from tpe.workloads.lazy import (
    LazyLayer,
    Operand,
    check_seed,
    check_size,
    clean,
    few,
    uniform,
    unique_names,
)

TITLE = "ZigZag workload"
MAX_BYTES = 2**20
"""Largest file."""
MAX_ALIASES = 200
MAX_DEPTH = 32
MAX_KEYS = 1000
MAX_TEXT = 10_000
"""Most YAML aliases, nested collections, keys of one mapping, characters of one value."""
MAX_SIZE = 2**31 - 1
"""Largest loop."""

_GEMM_TYPES = re.compile(r"(?!.*transpose)(depthwise|dw|pointwise)?_?conv.*|sconv|gemm|matmul|fc"
                         r"|linear|dense")  # fmt: skip
_OTHER_TYPES = re.compile(r".*pool.*|max|min|add|sub|relu|softmax|concat|reshape|input|identity")
_INDICES = r"((?:\[\w*\])+)"
_EQUATION = re.compile(rf"(\w+){_INDICES}\+?=(\w+){_INDICES}([*+])(\w+){_INDICES}")
_PYTHON = re.compile(r"\s*(?:#.*\s+|(?:from|import)\s.*\s+)*\w+\s*=\s*\{")
_LEGAL_EQUATION = "such as O[b][k]+=I[b][c]*W[c][k]"
_RELATION = re.compile(r"(\w+)=((?:\d+\*)?\w+(?:\+(?:\d+\*)?\w+)*)")


@dataclass(frozen=True)
class _Entry:
    """One layer of the file; `where` opens an error: "'net.yaml': layer 3"."""

    where: str
    name: str
    data: Mapping[Any, Any]

    def text(self, key: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str):
            raise TpeError(f"{self.where}: {key} is {_show(value)}; legal: text")
        return value

    def sequence(self, key: str) -> list[Any]:
        value = self.data.get(key)
        if not isinstance(value, list) or not value:
            raise TpeError(f"{self.where}: {key} is {_show(value)}; legal: a list")
        return value

    @property
    def type(self) -> str:
        """The operator type; "" if the file gives none."""
        return self.text("operator_type") if "operator_type" in self.data else ""


def load_zigzag(
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    a_type: str | Format = "int8",
    b_type: str | Format = "int8",
) -> ImportedWorkload:
    """The GEMMs of a ZigZag workload; operands uniform by `seed` in the formats given.

    A list of layers, a mapping of id to layer, or either under the key `workload` or `layers`.
    Pooling and elementwise layers are counted in `not_gemm`, other operators in `unsupported`;
    `operand_precision` other than the formats asked for is noted.

    Errors: `TpeError` naming the file, the layer, the field, its value and what is legal;
    `MissingExtra` without PyYAML.
    """
    check_seed(seed)
    formats = number_format(a_type, "a_type"), number_format(b_type, "b_type")
    file = os.path.expanduser(os.fspath(path))
    entries = _entries(_load(file), f"'{clean(file)}'")
    names = unique_names([entry.name for entry in entries])
    unsupported: Counter[str] = Counter()
    not_gemm: Counter[str] = Counter()
    notes: dict[str, None] = {}
    layers: list[LazyLayer] = []
    for entry, name in zip(entries, names, strict=True):
        label = clean(entry.type) or "no operator_type"
        if _is_gemm(entry):
            layers.append(_layer(entry, name, len(layers), formats, seed))
            notes.update(dict.fromkeys(_precision(entry, formats)))
            notes.update(dict.fromkeys(_scattered(entry)))
        else:
            other = _OTHER_TYPES.fullmatch(label.lower()) or _adds(entry)
            (not_gemm if other else unsupported)[label] += 1
    if not layers:
        raise TpeError(
            f"'{clean(file)}' holds no GEMM; it holds "
            f"{', '.join([*unsupported, *not_gemm]) or 'nothing'}; legal: at least one Conv or Gemm"
        )
    return ImportedWorkload(
        clean(file),
        TITLE,
        clean(os.path.basename(file)),
        tuple(layers),
        dict(sorted(unsupported.items())),
        dict(sorted(not_gemm.items())),
        few(list(notes)),
    )


def _layer(
    entry: _Entry, name: str, index: int, formats: tuple[Format, Format], seed: int
) -> LazyLayer:
    m, n, k, repeat = _sizes(entry)
    check_size(m, n, k, entry.where)
    kind = "gemm" if re.search("gemm|matmul|fc|linear|dense", entry.type.lower()) else "conv"
    if kind == "conv" and repeat > 1:
        kind = "depthwise conv" if n == 1 else "grouped conv"
    return LazyLayer(
        name,
        kind if entry.type else "gemm",
        Operand(m, k, partial(uniform, formats[0], (m, k), seed, index, ACTIVATIONS)),
        Operand(k, n, partial(uniform, formats[1], (k, n), seed, index, WEIGHTS)),
        repeat,
        f"assumed: uniform seed {seed}",
        formats[0].name,
        formats[1].name,
    )


def _sizes(entry: _Entry) -> tuple[int, int, int, int]:
    """(M, N, K, repeat) from the equation, the relations and the loop sizes."""
    loops, relations = _loops(entry), _relations(entry)
    out, activations, weights = (
        _expanded(entry, indices, loops, relations) for indices in _operands(entry)
    )
    roles: dict[str, list[int]] = {"M": [], "N": [], "K": [], "repeat": []}
    for dim, size in loops.items():
        inside = (dim in out, dim in activations, dim in weights)
        role = {
            (True, True, False): "M",
            (True, False, True): "N",
            (False, True, True): "K",
            (True, True, True): "repeat",
        }.get(inside)
        if role is not None:
            roles[role].append(size)
        elif size > 1:
            raise TpeError(
                f"{entry.where}: loop {clean(dim)} of size {size} belongs to fewer than two "
                "operands of the equation; legal: two or three of them"
            )
    m, n, k, repeat = (prod(sizes) for sizes in roles.values())
    return m, n, k, repeat


def _operands(entry: _Entry) -> tuple[list[str], list[str], list[str]]:
    """The indices, upper case, of the output, the activations and the weights."""
    match = _equation(entry)
    left = (match[3], match[4])
    right = (match[6], match[7])
    # I and W in either order; other names: activations first.
    if left[0].upper() == "W" or right[0].upper() == "I":
        left, right = right, left
    return _indices(match[2]), _indices(left[1]), _indices(right[1])


def _equation(entry: _Entry) -> re.Match[str]:
    text = re.sub(r"\s", "", entry.text("equation"))
    match = _EQUATION.fullmatch(text) if len(text) <= 500 else None
    if match is None:
        raise TpeError(f"{entry.where}: equation is '{clean(text)}'; legal: {_LEGAL_EQUATION}")
    return match


def _indices(text: str) -> list[str]:
    return [index for index in text.upper().strip("[]").split("][") if index]


def _expanded(
    entry: _Entry, indices: list[str], loops: dict[str, int], relations: dict[str, list[str]]
) -> set[str]:
    """The loops behind the indices of one operand."""
    found = set()
    for index in indices:
        for dim in relations.get(index, [index]):
            if dim not in loops:
                raise TpeError(
                    f"{entry.where}: index {clean(dim)} has no size; "
                    f"legal: one of loop_dims ({clean(', '.join(loops))}) or a dimension relation"
                )
            found.add(dim)
    return found


def _loops(entry: _Entry) -> dict[str, int]:
    """{loop dimension, upper case: size}."""
    sizes = entry.data.get("loop_dim_size")
    if isinstance(sizes, Mapping):
        pairs = list(sizes.items())
    else:
        dims, values = entry.sequence("loop_dims"), entry.sequence("loop_sizes")
        if len(dims) != len(values):
            raise TpeError(
                f"{entry.where}: loop_dims has {len(dims)} entries and loop_sizes {len(values)}; "
                "legal: the same number"
            )
        pairs = list(zip(dims, values, strict=True))
    loops = {}
    for dim, size in pairs:
        if not isinstance(dim, str) or not re.fullmatch(r"\w{1,20}", dim) or dim.upper() in loops:
            raise TpeError(f"{entry.where}: loop dimension {_show(dim)}; legal: a new name")
        if not is_int(size) or not 1 <= size <= MAX_SIZE:
            raise TpeError(
                f"{entry.where}: size of loop {dim} is {_show(size)}; "
                f"legal: an integer, 1 to {MAX_SIZE}"
            )
        loops[dim.upper()] = int(size)
    return loops


def _relations(entry: _Entry) -> dict[str, list[str]]:
    """{index: loops it is a sum of}, upper case, of "ix=2*ox+1*fx"."""
    key = "equation_relations" if "equation_relations" in entry.data else "dimension_relations"
    texts = entry.data.get(key) or []
    legal = "a list such as [ix=2*ox+1*fx]"
    if not isinstance(texts, list):
        raise TpeError(f"{entry.where}: {key} is {_show(texts)}; legal: {legal}")
    relations = {}
    for text in texts:
        squeezed = re.sub(r"\s", "", text) if isinstance(text, str) else ""
        match = _RELATION.fullmatch(squeezed) if len(squeezed) <= 200 else None
        if match is None:
            raise TpeError(f"{entry.where}: {key} holds {_show(text)}; legal: {legal}")
        terms = match[2].upper().split("+")
        relations[match[1].upper()] = [term.rpartition("*")[2] for term in terms]
    return relations


def _is_gemm(entry: _Entry) -> bool:
    if entry.type:
        return bool(_GEMM_TYPES.fullmatch(entry.type.lower()))
    return "equation" in entry.data and entry.data["equation"] != "input" and not _adds(entry)


def _adds(entry: _Entry) -> bool:
    """Whether the equation is an elementwise sum, or no equation is there (an input)."""
    equation = entry.data.get("equation")
    return not isinstance(equation, str) or equation == "input" or _equation(entry)[5] == "+"


def _precision(entry: _Entry, formats: tuple[Format, Format]) -> list[str]:
    given = entry.data.get("operand_precision")
    if not isinstance(given, Mapping):
        return []
    return [
        f"the file says {_show(given[key])} bits for {key}; operands are {fmt.name} as asked"
        for key, fmt in (("I", formats[0]), ("W", formats[1]))
        if key in given and given[key] != fmt.bits
    ]


def _scattered(entry: _Entry) -> list[str]:
    """A remark if results of the GEMM are added to each other: outputs that are sums of loops."""
    sums = sorted(set(_relations(entry)) & set(_operands(entry)[0]))
    if not sums:
        return []
    number = entry.where.rpartition(": ")[2]
    return [f"{number}: outputs {', '.join(sums)} overlap; adding them up is not part of the GEMM"]


def _entries(data: Any, where: str) -> list[_Entry]:
    if isinstance(data, Mapping):
        inner = [data[key] for key in ("workload", "layers") if key in data]
        data = inner[0] if inner else data
    if isinstance(data, Mapping):
        data = [
            {"id": key, **value} if isinstance(value, Mapping) else value
            for key, value in data.items()
        ]
    if not isinstance(data, list) or not data:
        raise TpeError(f"{where} is {clean(type(data).__name__)}; legal: a list of layers")
    entries = []
    for index, value in enumerate(data):
        if not isinstance(value, Mapping):
            raise TpeError(
                f"{where}: layer {index} is {clean(type(value).__name__)}; "
                "legal: a mapping with equation, loop_dims and loop_sizes"
            )
        given = value.get("id", index)
        number = given if is_int(given) else _show(given)
        name = value.get("name")
        label = name if isinstance(name, str) and name.strip() else f"layer{number}"
        entries.append(_Entry(f"{where}: layer {number}", label, value))
    return entries


def _show(value: object) -> str:
    """A value in an error, short however deep its aliases make it."""
    return clean(reprlib.repr(value))


def _load(file: str) -> Any:
    """The YAML document of a file: plain data only, and no bombs."""
    try:
        import yaml
    except ImportError:
        raise missing_extra("pyyaml", "onnx") from None

    where = f"'{clean(file)}'"
    text = read_text(file, TITLE, MAX_BYTES)
    if _PYTHON.match(text):
        raise TpeError(
            f"{where} is a workload in Python, as ZigZag's version 1 has them, which is not run; "
            "legal: a list of layers in YAML"
        )
    fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(fast):  # type: ignore[misc]
        def flatten_mapping(self, node: Any) -> None:
            super().flatten_mapping(node)  # merge keys multiply what they name
            if len(node.value) > MAX_KEYS:
                raise TpeError(f"{where}: a mapping has over {MAX_KEYS} keys; legal: up to that")

    limit = f"{MAX_ALIASES} aliases and {MAX_DEPTH} nested collections"
    too_many = TpeError(f"{where} has too many; legal: up to {limit}")
    if bracket_depth(text) > MAX_DEPTH:
        raise too_many
    try:
        depth = aliases = 0
        for event in yaml.parse(text, Loader=fast):
            if len(getattr(event, "value", "")) > MAX_TEXT:
                raise TpeError(
                    f"{where}: a value has over {MAX_TEXT} characters; legal: up to that"
                )
            aliases += isinstance(event, yaml.AliasEvent)
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if aliases > MAX_ALIASES or depth > MAX_DEPTH:
                raise too_many
        return yaml.load(text, Loader=Loader)
    except TpeError:
        raise
    except Exception as error:  # yaml's own, and what its constructors raise on dates and numbers
        mark = getattr(error, "problem_mark", None)
        at = f": line {mark.line + 1}" if mark is not None else ""
        reason = clean(getattr(error, "problem", None) or error) or type(error).__name__
        raise TpeError(
            f"{where}{at} is no plain YAML ({reason}); legal: a list of layers"
        ) from None
