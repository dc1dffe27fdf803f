"""What there is, and what an engine is made of: as data, and as a drawing of the array in text.

`catalogue` and `combinations` say what `tpe list` prints, `describe` and `picture` what `tpe show`
prints.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tpe.array.base import Array, describe_size
from tpe.cli_common import legal_arrays, parse_params
from tpe.engine import Engine, parameters_of, rtl_checked
from tpe.errors import TpeError
from tpe.notation import ACCUMULATE, ADD, ENCODE, SPARSE_OP, SYNC, K, N, Nest, mac, tile
from tpe.pe.base import PE, PSUM_WORDS, Pace, Parameter, Way

if TYPE_CHECKING:
    from tpe.drawing import Canvas

PACES = {
    Pace.DENSE: "one step an operand",
    Pace.SERIAL: "a fixed number of steps an operand",
    Pace.SPARSE_A: "a step for each non-zero digit of A",
    Pace.SPARSE_AB: "steps by the digits of A and B",
}
WAYS = {
    Way.KEEP: "kept in the cell",
    Way.PASS: "passed to the next cell",
    Way.REDUCE: "reduced over a spatial dimension, then kept",
}
"""

# ---- what there is ----
"""
