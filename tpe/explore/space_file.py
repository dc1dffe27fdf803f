"""`space.toml`: which engines, on what, priced where; read into a `Space`.

    workload = ["onnx:light_resnet50"]
    constraints = ["pe_count <= 1024"]

    [engines]
    pe = ["mac", "opt4c"]
    rows = { from = 8, to = 64, factor = 2 }
    cols = [16, 32]

    [engines.parameters]
    encoder = ["booth", "ent"]

    [engines.per_pe.opt4c]
    depth = [256, 1024]

The whole of it is in docs/howto/explore.md. A parameter goes to the PEs that have it, in the arrays
that have it. What no PE takes is refused here; what one does not take is a row with its reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tpe import array as arrays
from tpe import pe as pes
from tpe.array.base import Array
from tpe.base import registry
from tpe.base.errors import TpeError, unknown
from tpe.base.table import COLUMNS
from tpe.engine.file import read_toml
from tpe.engine.parameters import checked_seed, parameters_of, parse_size
from tpe.explore.expressions import Expression
from tpe.explore.space import SIDES, Axis, Family, Space, unique
from tpe.model.unvalued import VALUES
from tpe.pe.base import PE
from tpe.pe.parameters import Parameter
from tpe.study.pricer import check_clock

FIELDS = (
    *("workload", "seed", "values", "library", "clock_ns"),
    *("constraints", "objectives", "engines"),
)
BLOCK = ("pe", "array", "size", *SIDES, "parameters", "per_pe")
RANGE = ("from", "to", "step", "factor")
WHAT = "space file"
DEFAULT_SIZE = "16x16"


def read_space(path: str | os.PathLike[str]) -> Space:
    """The space that a file describes.

    Raises TpeError, one line that names the file and the field: what cannot be read or is no TOML;
    unknown, missing, empty or repeated; a value that nothing takes; constraints of which no point
    is left.
    """
    content = read_toml(path, WHAT)
    where = f"{WHAT} '{os.fspath(path)}'"
    try:
        space = space_of(content, where)
        _ = space.count
    except TpeError as error:
        text = str(error)
        raise TpeError(text if text.startswith(where) else f"{where}: {text}") from None
    return space


def space_of(content: Mapping[str, Any], name: str = "space") -> Space:
    """The space of a file's content.

    >>> space = space_of({"workload": "gemm:8x8x8", "engines": {"pe": "mac", "rows": [2, 4],
    ...     "cols": {"from": 2, "to": 8, "factor": 2}}, "constraints": ["rows * cols <= 8"]})
    >>> space.count, space.point(0).size
    (3, '2x2')
    """
    _known(content, FIELDS, "field")
    for field in ("workload", "engines"):
        if field not in content:
            raise TpeError(f"{field} is missing; legal: a value")
    values = content.get("values", "none")
    if values not in VALUES:
        raise unknown("values", values, VALUES)
    run = _run_axes(content)
    blocks = content["engines"] if isinstance(content["engines"], list) else [content["engines"]]
    families = [f for block in blocks for f in _families(_table(block, "engines"), run, values)]
    constraints = tuple(Expression(text) for text in _texts(content, "constraints"))
    objectives = tuple(_texts(content, "objectives"))
    for objective in objectives:
        if objective.lstrip("-+") not in COLUMNS:
            raise unknown("objective", objective.lstrip("-+"), COLUMNS)
    return Space(tuple(families), constraints, objectives, name)


def _known(content: Mapping[str, Any], legal: Sequence[str], what: str) -> None:
    for key in content:
        if key not in legal:
            raise unknown(what, key, legal)


def _table(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TpeError(f"{name} = {value!r} is not legal: a table, [{name}]")
    return value


def _texts(content: Mapping[str, Any], name: str) -> list[str]:
    values = content.get(name, [])
    values = [values] if isinstance(values, str) else values
    if not isinstance(values, list) or not all(isinstance(x, str) for x in values):
        raise TpeError(f"{name} = {values!r} is not legal: a list of texts")
    return values


# ---- axes ----


def axis_of(name: str, value: Any) -> Axis:
    """The values of a field: one, a list, or a range of numbers.

    >>> axis_of("rows", {"from": 4, "to": 20, "step": 8}).values
    (4, 12, 20)
    """
    if isinstance(value, Mapping):
        return Axis(name, tuple(_range(name, value)))
    values = value if isinstance(value, list) else [value]
    for one in values:
        if not isinstance(one, str | int | float):
            raise TpeError(f"{name} has {one!r}; legal: texts, numbers, true, false")
    return unique(name, values)


def _range(name: str, value: Mapping[str, Any]) -> Iterator[int]:
    """The numbers from one to another, by steps or by a factor."""
    _known(value, RANGE, f"field of {name}")
    numbers = {key: value[key] for key in RANGE if key in value}
    right = all(isinstance(x, int) and not isinstance(x, bool) for x in numbers.values())
    if "from" not in numbers or "to" not in numbers or not right or len(numbers) == 4:
        raise TpeError(
            f"{name} = {dict(value)!r} is not legal: integers from, to, and step or factor"
        )
    low, high, step, factor = (numbers.get(key, 1) for key in RANGE)
    if low < 1 or high < low or step < 1 or factor < 1 or (factor == 1 and "factor" in numbers):
        raise TpeError(
            f"{name} = {dict(value)!r} is not legal: 1 <= from <= to, a step of 1 or more, a "
            "factor of 2 or more"
        )
    while low <= high:
        yield low
        low = low * factor if factor > 1 else low + step


def _run_axes(content: Mapping[str, Any]) -> dict[str, Axis]:
    """Workload and seed, library and clock."""
    axes = {"workload": axis_of("workload", content["workload"])}
    for workload in axes["workload"].values:
        if not isinstance(workload, str):
            raise TpeError(f"workload has {workload!r}; legal: texts")
    axes["seed"] = axis_of("seed", content.get("seed", 0))
    for seed in axes["seed"].values:
        checked_seed(seed)
    if "library" in content:
        axes["library"] = axis_of("library", content["library"])
        for library in axes["library"].values:
            if library not in registry.homes("tpe.technologies"):
                raise unknown("library", library, registry.homes("tpe.technologies"))
    if "clock_ns" in content:
        if "library" not in axes:
            raise TpeError("clock_ns is given without library; legal: with library = 'tpe130'")
        axes["clock_ns"] = axis_of("clock_ns", content["clock_ns"])
        for clock in axes["clock_ns"].values:
            check_clock(clock)
    return axes


# ---- families ----


def _families(block: Mapping[str, Any], run: Mapping[str, Axis], values: str) -> Iterator[Family]:
    """The families of one table of engines."""
    _known(block, BLOCK, "field of engines")
    if "pe" not in block:
        raise TpeError("pe of engines is missing; legal: PEs, as tpe list names them")
    records = [pes.get(name) for name in axis_of("pe", block["pe"]).values]
    chosen = _arrays(block, records)
    common = _table(block.get("parameters", {}), "engines.parameters")
    per_pe = _table(block.get("per_pe", {}), "engines.per_pe")
    names = [pe.name for pe in records]
    _known(per_pe, names, "pe of engines.per_pe")
    _check_parameters(common, records, chosen)
    for name in per_pe:
        one = [pe for pe in records if pe.name == name]
        _check_parameters(_table(per_pe[name], f"engines.per_pe.{name}"), one, chosen)
    for pe in records:
        for array in chosen.get(pe.name, []):
            given = {**common, **per_pe.get(pe.name, {})}
            yield _family(pe, array, block, given, run, values)


def _arrays(block: Mapping[str, Any], records: Sequence[PE]) -> dict[str, list[Array]]:
    """The arrays of each PE: those that are named, or what it has by default."""
    if "array" not in block:
        return {pe.name: [arrays.get(arrays.default_for(pe))] for pe in records}
    found = [arrays.get(name) for name in axis_of("array", block["array"]).values]
    unique("array", [array.name for array in found])
    return {pe.name: found for pe in records}


def _check_parameters(
    given: Mapping[str, Any], records: Sequence[PE], chosen: Mapping[str, Sequence[Array]]
) -> None:
    """TpeError for a parameter that no PE has, and for a value that none takes."""
    own = [
        {p.name: p for p in parameters_of(pe, array)}
        for pe in records
        for array in chosen[pe.name]
        if array.refuses(pe) is None
    ]
    names = sorted({name for known in own for name in known})
    for name, value in given.items():
        takers = [known[name] for known in own if name in known]
        if not takers:
            raise unknown(f"parameter of {', '.join(pe.name for pe in records)}", name, names)
        for one in axis_of(name, value).values:
            if not any(_takes(taker, one) for taker in takers):
                takers[0].check(one)


def _takes(parameter: Parameter, value: Any) -> bool:
    with suppress(TpeError):
        parameter.check(value)
        return True
    return False


def _family(
    pe: PE,
    array: Array,
    block: Mapping[str, Any],
    given: Mapping[str, Any],
    run: Mapping[str, Axis],
    values: str,
) -> Family:
    """A PE in an array: what it runs, its parameters, its sizes, where it is priced; in this order.

    Points that follow each other differ in clock and size first, so that what they share is made
    once.
    """
    front = [run["workload"], run["seed"]]
    back = [run[name] for name in ("library", "clock_ns") if name in run]
    reason = array.refuses(pe)
    if reason is not None:
        return Family(pe.name, array.name, (*front,), values, f"pe {pe.name}: {reason}")
    known = {p.name for p in parameters_of(pe, array)}
    own = [axis_of(name, value) for name, value in given.items() if name in known]
    return Family(pe.name, array.name, (*front, *own, *_size_axes(block, array), *back), values)


def _size_axes(block: Mapping[str, Any], array: Array) -> list[Axis]:
    """One axis of whole sizes, or one for every side that the array has."""
    sides = [side for side in SIDES if side in block]
    if "size" in block and sides:
        raise TpeError(f"size and {sides[0]} of engines are both given; legal: one of them")
    if not sides:
        axis = axis_of("size", block.get("size", _default_size(array)))
        return [Axis("size", tuple(_size_text(size, array) for size in axis.values))]
    for side in array.sides:
        if side not in block:
            raise TpeError(
                f"{side} of engines is missing; legal: numbers, since {array.name} has "
                f"{', '.join(array.sides)}"
            )
    axes = [axis_of(side, block[side]) for side in array.sides]
    for axis in axes:
        for value in axis.values:
            if not isinstance(value, int) or value not in array.legal_size:
                parse_size([value] * len(array.sides), array)
    return axes


def _default_size(array: Array) -> str:
    return DEFAULT_SIZE if len(array.sides) == 2 else "8x8x4"


def _size_text(size: Any, array: Array) -> str:
    """A size, each of its sides written; what this array does not take, but another may, as is."""
    with suppress(TpeError):
        return "x".join(map(str, parse_size(size, array)))
    for name in arrays.usable():
        with suppress(TpeError):
            return "x".join(map(str, parse_size(size, arrays.get(name))))
    parse_size(size, array)
    raise AssertionError("unreachable")
