"""Multiplier-adder tree: a column takes `rows` operands of K a step, reduced in one tree."""

from __future__ import annotations

from tpe.array.base import Array
from tpe.array.matrix2d import bandwidth, closed, module, parameters, timing
from tpe.nest.notation import K, N
from tpe.pe.base import Way
from tpe.pe.paces import Dense, Planes

RECORD = Array(
    name="adder_tree",
    title="multiplier-adder tree",
    source="arXiv:2503.06342 (Trapezoid-like)",
    aliases=("tree",),
    way=Way.REDUCE,
    dims=(K, N),
    paces=frozenset({Dense, Planes}),
    rtl=module,
    timing=timing,
    bandwidth=bandwidth,
    parameters=parameters,
    closed=closed,
)
