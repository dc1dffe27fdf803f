"""How often each primitive fires: clock edges at which a copy of it has valid inputs (D15).

A primitive fires in every step of every loop around it; behind the selection of digits it fires
on non-zero digits only. Rows of A and columns of B that pad a tile are operands like any other:
zero rows have no digits, but dense primitives fire on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from tpe.array.base import Job, Schedule
from tpe.nest.notation import K, Nest

if TYPE_CHECKING:
    from tpe.engine.config import Config


def count_firings(
    engine: Config, job: Job, timing: Schedule, sampled: bool = False
) -> dict[str, int | None]:
    """Firings of every primitive of the engine's nest over one GEMM, exactly.

    `sampled`: the timing is an estimate; then what depends on the operands is None.

    In a nest that skips zeros the steps from `map` to the first sum run once per non-zero digit
    and column, the sum itself once per step in which one of its lanes holds a digit; the finish
    runs once per pass of K (all of K unless it exceeds `depth`). Empty for a PE without a nest.
    """
    if not engine.has_nest:
        return {}
    nest = engine.nest
    units = engine.inventory(job.m, job.n, job.k)
    if timing.nonzero_digits is None:
        return _sum([(unit.op, unit.runs) for unit in units])
    known = replace(timing, nonzero_digits=None, busy_steps=None) if sampled else timing
    return _sum(
        [(unit.op, _sparse_runs(nest, i, unit.runs, job, known)) for i, unit in enumerate(units)]
    )


def together(
    parts: Iterable[tuple[dict[str, int | None], int]],
) -> dict[str, int | None]:
    """Those of several GEMMs, each so many times.

    >>> together([({"add": 3}, 2), ({"add": 1}, 1)])
    {'add': 7}
    """
    return _sum(
        [
            (op, None if runs is None else runs * times)
            for counts, times in parts
            for op, runs in counts.items()
        ]
    )


def _sparse_runs(nest: Nest, index: int, dense: int, job: Job, timing: Schedule) -> int | None:
    """Per digit up to the sum over K, which lanes that it merges share; once per pass behind it."""
    step = nest.steps[index]
    if step.in_front:
        return dense
    if K not in nest.remaining(index):
        return dense * -(-job.k // job.widths.depth)
    fired = timing.busy_steps if K in step.sums else timing.nonzero_digits
    return None if fired is None else fired * job.cols


def _sum(counts: list[tuple[str, int | None]]) -> dict[str, int | None]:
    """Runs by primitive; None if those of one of its units are not known."""
    total: dict[str, int | None] = {}
    for op, runs in counts:
        before = total.get(op, 0)
        total[op] = None if before is None or runs is None else before + runs
    return total
