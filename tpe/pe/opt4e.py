"""OPT4E, grouped column: a cell adds four digits a step, from four lanes of its row's front."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tpe.pe import opt4c
from tpe.pe.meetings import Meetings, Operands, Rule
from tpe.pe.paces import FreeRows

LANES = 4  # of K; lane i has the groups of operands whose index modulo 4 is i


def front_meetings(x: Operands, lanes: int) -> Meetings:
    """Rows of four fronts: these meet at every bit weight, the rows once per output tile."""
    steps = opt4c.group_steps(x, lanes)
    padding = -steps.shape[3] % LANES  # groups of zeros, a cycle each
    steps = np.pad(steps, ((0, 0), (0, 0), (0, 0), (0, padding)), constant_values=1)
    by_front = steps.reshape(*steps.shape[:3], -1, LANES).sum(axis=3)
    alone = by_front.max(axis=3).sum(axis=2)
    return Meetings(alone, alone.max(axis=1))


RECORD = replace(
    opt4c.PLAIN,
    name="opt4e",
    title="grouped column",
    source="arXiv:2503.06342, OPT4E",
    parameters=tuple(
        replace(p, legal=range(32, 65537, 16)) if p.name == "depth" else p for p in opt4c.PARAMETERS
    ),
    pace=FreeRows(lanes=range(LANES, LANES + 1), group=opt4c.GROUP),
    hardware=opt4c.hardware("opt4e", LANES),
    rules=(
        Rule(
            "opt4e",
            "opt4e",
            "a row of A with four fronts",
            "once per output tile",
            front_meetings,
            by_rows=True,
            place=2,
        ),
    ),
)
