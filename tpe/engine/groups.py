"""Groups of K with scales of their own: what an engine is told of them, and how K is cut.

The sum of a group leaves the array as a word of C does; behind it a unit multiplies it by the scale
of its group and column, and adds that to an accumulator in fp32 (`tpe.numbers.group_scales`). To
the array a group is a GEMM by itself (docs/decisions/0042).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tpe.array.base import Array, Overlap
from tpe.numbers.group_scales import SCALE_TYPES
from tpe.numbers.zero_points import ZeroPoints
from tpe.pe.base import PE, Way
from tpe.pe.paces import BitPlanes, Dense
from tpe.pe.parameters import Parameter

UNIT_STAGES = 2  # registers of the unit behind the array: of the product, and of the sum

PARAMETERS = (
    Parameter(
        "scale_group",
        0,
        range(65537),
        "operands of K that share a scale of weights, 128 for instance; 0: no scales inside K",
        optional=True,
    ),
    Parameter(
        "scale_type",
        SCALE_TYPES[0],
        SCALE_TYPES,
        "format that scales of groups are kept in",
        optional=True,
    ),
)


def group_of(params: Mapping[str, Any]) -> int:
    """Operands of K that share a scale; 0 where none do but all.

    >>> group_of({"scale_group": 128}), group_of({})
    (128, 0)
    """
    return int(params.get("scale_group", 0))


def scale_type_of(params: Mapping[str, Any]) -> str:
    """The format that scales of groups are kept in."""
    return str(params.get("scale_type", SCALE_TYPES[0]))


def groups_conflict(params: Mapping[str, Any], valued: tuple[str, ...]) -> str | None:
    """What is wrong where groups have scales and something else wants other sums.

    Stages of the finish chain want whole ones; structured sparsity leaves operands of K out, so
    that a group of those that are stored is none of K.

    >>> groups_conflict({"scale_group": 128}, ("bias",))
    'scale_group = 128 is not legal with bias: C is in fp32 then; legal: without finish stages'
    """
    if not group_of(params):
        return None
    refused = f"scale_group = {group_of(params)} is not legal with"
    if valued:
        return f"{refused} {', '.join(valued)}: C is in fp32 then; legal: without finish stages"
    if "sparsity" in params:
        return f"{refused} sparsity = {params['sparsity']!r}: groups are of K, left out or not"
    return None


def no_unit(pe: PE, array: Array, params: Mapping[str, Any]) -> str:
    """Why RTL has no unit for the scales of an engine's groups; empty where it has.

    There is one behind sums of integers that stay in their cells and leave a row at a time.
    """
    kept = array.way is Way.KEEP and isinstance(pe.pace, Dense | BitPlanes)
    if not kept or not pe.arithmetic.integral:
        return (
            f"is model only for pe {pe.name} in {array.name}: the unit of scales stands behind "
            "sums of integers that a dense PE keeps in its cells; legal: an array that keeps psums"
        )
    if params.get("overlap", "none") != Overlap.NONE:
        name = params["overlap"]
        return f"is model only with overlap = {name}: groups follow each other; legal: none"
    if params["encode"] == "weights":
        return "is model only with encode = weights: a word is a column of C; legal: activations"
    mode = params["zero_points"]
    if mode != ZeroPoints.NONE:
        return f"is model only with zero_points = {mode}, which want sums of A a group; legal: none"
    return ""
