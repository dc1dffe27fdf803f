"""OPT3, sparse digit-serial: a front in every cell, which adds one non-zero digit a step."""

from __future__ import annotations

from dataclasses import replace

from tpe.nest.notation import ACCUMULATE, ADD, SHIFT, M, Nest, mac
from tpe.nest.rewrites import opt3, share
from tpe.pe import opt4c
from tpe.pe.paces import FreeRows
from tpe.pe.widths import Loops, Params


def nest(loops: Loops, params: Params) -> Nest:
    """OPT3: the rows use one finish per column in turn, once per bit weight."""
    own = opt3(mac(*loops), group=opt4c.GROUP)
    for op in (ADD, SHIFT, ACCUMULATE):
        own = share(own, op, along=M)
    return own


RECORD = replace(
    opt4c.PLAIN,
    name="opt3",
    title="sparse digit-serial",
    source="arXiv:2503.06342, OPT3",
    nest=nest,
    pace=FreeRows(lanes=range(1, 2), group=opt4c.GROUP, own_front=True),
    hardware=opt4c.hardware("opt3"),
)
