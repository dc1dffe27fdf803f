"""OPT4E, grouped column: a cell adds four digits a step, from four lanes of its row's front."""

from __future__ import annotations

from dataclasses import replace

from tpe.pe import opt4c
from tpe.pe.paces import FreeRows
from tpe.pe.parameters import Parameter

LANES = 4  # of K; lane i has the groups of operands whose index modulo 4 is i

RECORD = replace(
    opt4c.RECORD,
    name="opt4e",
    title="grouped column",
    source="arXiv:2503.06342, OPT4E",
    parameters=tuple(
        Parameter("depth", 4096, range(32, 65537, 16), p.doc) if p.name == "depth" else p
        for p in opt4c.RECORD.parameters
    ),
    pace=FreeRows(lanes=range(LANES, LANES + 1), group=opt4c.GROUP),
    hardware=opt4c.hardware("opt4e", LANES),
)
