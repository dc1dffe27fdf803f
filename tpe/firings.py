"""How often each primitive fires: clock edges at which a copy of it has valid inputs (D15).

A primitive fires in every step of every loop around it; behind the selection of digits it fires
on non-zero digits only. Rows of A and columns of B that pad a tile are operands like any other:
zero rows have no digits, but dense primitives fire on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpe.array.base import Job, Timing
from tpe.notation import SPARSE, K, Nest, bind

if TYPE_CHECKING:
    from tpe.engine import Engine


def count_firings(engine: Engine, job: Job, timing: Timing) -> dict[str, int]:
    """Firings of every primitive of the engine's nest over one GEMM, exactly.

    In a nest that skips zeros the steps from `map` to the first sum run once per non-zero digit
    and column; the finish runs once per pass of K (all of K unless it exceeds `depth`).
    """
    nest = bind(engine.nest, job.m, job.n, job.k)
    units = engine.inventory(job.m, job.n, job.k)
    if not nest.sparse or timing.nonzero_digits is None:
        return _sum((unit.op, unit.runs) for unit in units)
    per_digit = timing.nonzero_digits * job.cols  # counted once per tile of N already
    passes = -(-job.k // job.widths.depth)
    counts = []
    for i, unit in enumerate(units):
        counts.append((unit.op, _sparse_runs(nest, i, unit.runs, per_digit, passes)))
    return _sum(counts)


def _sparse_runs(nest: Nest, index: int, dense: int, per_digit: int, passes: int) -> int:
    step = nest.steps[index]
    if step.in_front:
        return dense
    if K in nest.remaining(index) and nest.has(K, SPARSE):
        return per_digit
    return dense * passes


def _sum(counts: object) -> dict[str, int]:
    total: dict[str, int] = {}
    for op, runs in counts:  # type: ignore[attr-defined]
        total[op] = total.get(op, 0) + runs
    return total
