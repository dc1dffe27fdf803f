"""Stages of a front whose bit weights are outermost: groups are encoded and searched ahead of it.

Whether a group of K goes on behind a step is known when it is encoded. With `front_stages` that is
done before the group is in work, so that what a row has room for, and where lanes meet, are
registers: a stage is a cycle of every pass, and no other.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from tpe.pe.base import PE
from tpe.pe.paces import FreeRows
from tpe.pe.widths import Params


def at(record: PE, params: Params) -> PE:
    """The record of a sparse PE for a choice of `front_stages`."""
    ahead = int(params["front_stages"]) - 1
    return _staged(record, ahead) if ahead and isinstance(record.pace, FreeRows) else record


@cache
def _staged(record: PE, ahead: int) -> PE:
    assert isinstance(record.pace, FreeRows) and record.hardware is not None
    return replace(
        record,
        nest=None,  # a lane searches the group that comes, too, which the notation does not say
        pace=replace(record.pace, ahead=ahead),
        hardware=replace(record.hardware, front="sparse_staged"),
    )
