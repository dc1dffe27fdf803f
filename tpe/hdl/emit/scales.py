"""The unit of scales in an engine's top: which engines have it, its ports and parameters.

Groups of K are tiles of the array, those of one tile of C one after another, so that accumulators
hold as many rows as the array has. A word of the array is taken with the scales of its columns and
with `group_i` = {last group, first group}; a row of C leaves with its last group, in fp32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tpe.array.base import Overlap
from tpe.base.errors import TpeError
from tpe.numbers.floats import FP32, FloatFormat
from tpe.numbers.zero_points import ZeroPoints
from tpe.pe.floating import float_format
from tpe.pe.paces import BitPlanes, Dense

if TYPE_CHECKING:
    from tpe.engine.config import Config

ARRAYS = ("matrix2d", "systolic_os")  # psums are kept, rows leave one after another


def check_scaled(engine: Config) -> None:
    """TpeError for an engine whose groups of K have scales, and whose RTL has no unit for them."""
    if not engine.scale_group:
        return
    wrong = _wrong(engine)
    if wrong:
        raise TpeError(f"scale_group = {engine.scale_group} {wrong}")


def has_unit(engine: Config) -> bool:
    """Whether the RTL of an engine has the unit of scales."""
    return bool(engine.scale_group) and not _wrong(engine)


def _wrong(engine: Config) -> str:
    """Why there is no unit; empty where there is one."""
    names = ", ".join(ARRAYS)
    pace = engine.pe.pace
    kept = engine.array.name in ARRAYS and isinstance(pace, Dense | BitPlanes)
    if not kept or not engine.pe.arithmetic.integral:
        return (
            f"is model only for pe {engine.pe.name} in {engine.array.name}: the unit of scales "
            f"stands behind sums of integers that a dense PE keeps; legal: in {names}"
        )
    if engine.choices.overlap is not Overlap.NONE:
        name = str(engine.choices.overlap)
        return f"is model only with overlap = {name}: groups follow each other; legal: none"
    if engine.params["encode"] == "weights":
        return "is model only with encode = weights: a word is a column of C; legal: activations"
    mode = engine.params["zero_points"]
    if mode != ZeroPoints.NONE:
        return f"is model only with zero_points = {mode}, which want sums of A a group; legal: none"
    return ""


def scale_format(engine: Config) -> FloatFormat:
    """The format that the unit takes scales in."""
    return float_format(engine.scale_type)


def parameters(engine: Config) -> dict[str, int]:
    """The parameters of `tpe_group_post` that an engine decides, by name."""
    number = scale_format(engine)
    return {
        "ScaleExp": number.exponent_bits,
        "ScaleWidth": number.bits,
        "GroupWidth": 2,
        "YWidth": FP32.bits,
    }


def post(engine: Config) -> dict[str, Any]:
    """`tpe_group_post` as the top's template reads it."""
    own = parameters(engine)
    bindings = {"Count": "Cols", "AccWidth": "AccWidth", "GroupRows": "Rows", **own}
    bindings |= {name: name for name in ("ScaleWidth", "GroupWidth", "YWidth")}
    ports = ("scale_i", "group_i")
    return {
        "module": "tpe_group_post",
        "bindings": list(bindings.items()),
        "connections": [("take_o", "c_take_o"), *((port, port) for port in ports)],
        "unused": [],
    }
