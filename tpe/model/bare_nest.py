"""An engine from a nest alone: values, cycles and inventory, nothing checked against RTL."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tpe.array.base import Cycles, Job, Schedule
from tpe.nest.notation import BW, SPACE, TIME, K, bind
from tpe.nest.readings import cycles, firings

if TYPE_CHECKING:
    from tpe.engine.config import Config


def nest_timing(engine: Config, job: Job) -> Schedule:
    """Compute cycles of the nest; filling and draining are not in the notation, so they are 0.

    In a nest that skips zeros, steps without a digit are not told apart from waiting: both are
    `lane_sync`.
    """
    nest = bind(engine.nest, job.m, job.n, job.k)
    bits = job.widths.a
    total = Fraction(cycles(nest, job.a, engine.encoder, bits))
    if not nest.sparse:
        useful = Fraction(job.k * job.tiles * nest.trips({BW}, TIME), nest.trips({K}, SPACE))
        return Schedule(Cycles(useful=useful, edge=total - useful))
    fired = firings(nest, job.a, engine.encoder, bits)["map"]
    digits = fired // job.cols
    useful = Fraction(digits, job.rows * nest.trips({K}, SPACE))
    return Schedule(Cycles(useful=useful, lane_sync=total - useful), digits)
