"""The unit of scales in an engine's top: which engines have it, its ports and parameters.

Groups of K are tiles of the array, those of one tile of C one after another, so that accumulators
hold as many rows as the array has. A word of the array is taken with the scales of its columns and
with `group_i` = {last group, first group}; a row of C leaves with its last group, in fp32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tpe.base.errors import TpeError
from tpe.engine.groups import no_unit
from tpe.numbers.floats import FP32, FloatFormat
from tpe.pe.floating import float_format

if TYPE_CHECKING:
    from tpe.engine.config import Config


def check_scaled(engine: Config) -> None:
    """TpeError for an engine whose groups of K have scales, and whose RTL has no unit for them."""
    wrong = no_unit(engine.pe, engine.array, engine.params) if engine.scale_group else ""
    if wrong:
        raise TpeError(f"scale_group = {engine.scale_group} {wrong}")


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
    return {
        "module": "tpe_group_post",
        "bindings": list(bindings.items()),
        "connections": [
            ("take_o", "c_take_o"),
            ("scale_i", "group_scale_i"),
            ("group_i", "group_i"),
        ],
        "unused": [],
    }
