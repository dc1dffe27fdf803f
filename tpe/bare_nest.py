"""An engine from a nest alone: values, cycles and inventory, nothing checked against RTL."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tpe.array.base import Cycles, Job, Timing
from tpe.digits import encoding
from tpe.notation import SPACE, M, N, Nest, bind
from tpe.views import cycles, firings

if TYPE_CHECKING:
    from tpe.engine import Engine


def nest_size(nest: Nest) -> tuple[int, int]:
    """(rows, cols): the spatial trips over M and over N."""
    return nest.trips({M}, SPACE), nest.trips({N}, SPACE)


def nest_timing(engine: Engine, job: Job) -> Timing:
    """Compute cycles of the nest; filling and draining are not in the notation, so they are 0.

    In a nest that skips zeros, steps without a digit are not told apart from waiting: both are
    `lane_sync`.
    """
    nest = bind(engine.nest, job.m, job.n, job.k)
    bits = job.widths.a
    total = Fraction(cycles(nest, job.a, engine.encoder, bits))
    if not nest.sparse:
        useful = Fraction(job.k * job.tiles * nest_planes(nest, engine), nest_lanes(nest))
        return Timing(Cycles(useful=useful, edge=total - useful))
    fired = firings(nest, job.a, engine.encoder, bits)["map"]
    digits = fired // (job.cols * job.n_tiles)
    useful = Fraction(digits * job.n_tiles, job.rows * nest_lanes(nest))
    return Timing(Cycles(useful=useful, lane_sync=total - useful), digits * job.n_tiles)


def nest_lanes(nest: Nest) -> int:
    """K operands taken side by side."""
    from tpe.notation import K

    return nest.trips({K}, SPACE)


def nest_planes(nest: Nest, engine: Engine) -> int:
    """Steps an operand takes because bit weights are a time loop."""
    from tpe.notation import BW, TIME

    return nest.trips({BW}, TIME)


def digit_count(engine: Engine, bits: int) -> int:
    """Digits of an encoded operand."""
    return encoding(engine.encoder).count(bits)
