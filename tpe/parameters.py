"""The parameters and the size of an engine: what there is, what is legal, what is the default."""

from __future__ import annotations

from collections.abc import Mapping
from operator import index
from typing import Any

from tpe import array as arrays
from tpe.array.base import Array, describe_size
from tpe.errors import TpeError, unknown
from tpe.formats import FORMATS
from tpe.pe.base import PE, Parameter
from tpe.post import OVERFLOWS
from tpe.post import PARAMETERS as CHAIN
from tpe.zero_points import MODES

COMMON = (
    Parameter("a_type", "int8", tuple(FORMATS), "format of A's operands"),
    Parameter("b_type", "int8", tuple(FORMATS), "format of B's operands"),
    Parameter("zero_points", "none", MODES, "how zero points are taken out"),
    Parameter("acc_bits", None, range(16, 49), "accumulator width; default 24, 32 or 48 by type"),
    Parameter("encode", "activations", ("activations", "weights"), "which tensor is encoded"),
    Parameter("overflow", "raise", OVERFLOWS, "if the accumulator may not hold C"),
    *CHAIN,
    Parameter(
        "gating",
        "none",
        ("none", "isolate", "clock"),
        "of cells without a step: zeros for operands, or no clock",
    ),
)


def resolve_parameters(
    pe: PE | None, given: Mapping[str, Any], array: Array | None = None
) -> dict[str, Any]:
    """Every parameter with its value; TpeError for an unknown name or an illegal value."""
    known = {p.name: p for p in parameters_of(pe, array)}
    for name in given:
        if name not in known:
            where = f" in {array.name}" if array else ""
            raise unknown(f"parameter of {pe.name if pe else 'a nest'}{where}", name, known)
    return {
        name: p.default if given.get(name, p.default) is p.default else p.check(given[name])
        for name, p in known.items()
    }


def parameters_of(pe: PE | None, array: Array | None = None) -> tuple[Parameter, ...]:
    """The parameters that an engine of this PE takes, in this array or in any that is legal."""
    if pe is None:
        return (*COMMON, Parameter("encoder", "booth", ("booth", "ent"), "recoding"))
    chosen = [array] if array else [arrays.get(name) for name in arrays.names()]
    of_arrays = {p.name: p for a in chosen if not a.refuses(pe) for p in a.parameters(pe)}
    return (*COMMON, *pe.parameters, *of_arrays.values())


def default_size(array: Array) -> tuple[int, ...]:
    """The size of an engine that none is given for: 256 PEs, or as near as a cube comes."""
    return (16, 16) if len(array.sides) == 2 else (8, 8, 4)


def size_text(size: tuple[int, ...]) -> str:
    """A size as it is written on the command line.

    >>> size_text((8, 8, 4))
    '8x8x4'
    """
    return "x".join(map(str, size))


def parse_size(size: str | tuple[int, ...], array: Array) -> tuple[int, ...]:
    """(rows, cols), of a cube (rows, cols, depth), of "ROWSxCOLS" or a tuple.

    >>> parse_size("8x4", arrays.get("os"))
    (8, 4)
    """
    try:
        if isinstance(size, str):
            parts = size.strip().lower().split("x")
            numbers = [int(part) if part.isascii() and part.isdigit() else 0 for part in parts]
        else:
            numbers = [index(part) for part in size if not isinstance(part, bool)]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != len(array.sides) or any(x not in array.legal_size for x in numbers):
        raise TpeError(f"size = {size!r} is not legal for {array.name}: {describe_size(array)}")
    return tuple(numbers)
