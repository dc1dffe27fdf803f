"""3D cube: operands broadcast, a cell takes `depth` operands of K a step and keeps its psum."""

from __future__ import annotations

from tpe.array.base import Array
from tpe.array.matrix2d import bandwidth, closed, module, parameters, timing
from tpe.nest.notation import K, M, N
from tpe.pe.base import Way
from tpe.pe.paces import Dense, Planes

RECORD = Array(
    name="cube3d",
    title="3D cube",
    source="arXiv:2503.06342 (Ascend-like)",
    aliases=("cube",),
    way=Way.REDUCE,
    dims=(M, N, K),
    paces=frozenset({Dense, Planes}),
    rtl=module,
    timing=timing,
    bandwidth=bandwidth,
    parameters=parameters,
    closed=closed,
)
