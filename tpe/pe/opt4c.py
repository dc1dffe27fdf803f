"""OPT4C, shared-encoder column: a row shares one front, a cell adds one non-zero digit a step.

Bit weights come one after another, from the least or the most significant, each with all of K, or
inside a group of K: `planes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from tpe.base.jit import kernel
from tpe.nest.notation import ACCUMULATE, ADD, SHIFT, M, Nest, mac
from tpe.nest.rewrites import opt4, share
from tpe.numbers import groups
from tpe.numbers.digits import ENCODINGS
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64, compress, signed
from tpe.pe import falling, inner, lean_digits, staged_front
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.meetings import Meetings, Operands, Rule
from tpe.pe.paces import FreeRows
from tpe.pe.parameters import (
    ENCODER,
    FINISH_STAGES,
    TREE,
    Parameter,
    ones_in_a_chain,
)
from tpe.pe.widths import Loops, Params, Widths

RECODING = "ent"  # unless another is chosen
GROUP = 4  # operands of K that a front searches for non-zero digits at once


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """One 3:2 row: the running pair and one digit times B."""
    bits = facts.psum_bits
    mask = (1 << bits) - 1
    total, carry = psum[0], psum[1]
    for lane in range(codes.shape[0]):
        for n in range(total.size):
            product = (codes[lane, n] * b[lane, n]) & mask
            total[n], carry[n] = compress(total[n], carry[n], product, bits)


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """Resolve the plane at its own width, then widen, weigh and accumulate."""
    mask = (1 << facts.acc_bits) - 1
    for n in range(acc.size):
        value = signed(psum[0, n] + psum[1, n], facts.psum_bits)
        acc[n] = (acc[n] + (value << (2 * plane))) & mask


def nest(loops: Loops, params: Params) -> Nest:
    """OPT4C: the rows use one finish per column in turn, once per bit weight."""
    shared = opt4(mac(*loops), group=GROUP)
    for op in (ADD, SHIFT, ACCUMULATE):
        shared = share(shared, op, along=M)
    return shared


def pair_bits(w: Widths) -> int:
    """Interval width of one plane: depth digits of -2..2 times B, the accumulator at most."""
    extreme = 2 * w.depth << (w.b - 1)  # -2 times the most negative B, depth times
    return min(w.acc, extreme.bit_length() + 1)


def built(w: Widths) -> Mapping[str, int]:
    """Output width of each primitive as the front, the cell and the finish build it."""
    return {
        "encode": 3,
        "sparse": (GROUP - 1).bit_length(),
        "map": w.b + 2,
        "half_reduce": pair_bits(w),
        "add": w.acc,
        "shift": w.acc,
        "accumulate": w.acc,
    }


def hardware(cell: str, lanes: int = 1) -> Hardware:
    """The cell of that stem, which compresses `lanes` digits a step, behind a sparse front."""
    return Hardware(
        cell=cell,
        finish="plane",
        front="sparse",
        built=built,
        code_bits=lambda w, params: 3,
        plane_bits=lambda w, params: w.plane_bits,
        trees=lambda w, params: ((lanes + 2, pair_bits(w)),),
    )


def group_steps(x: Operands, lanes: int) -> Ints:
    """Cycles of every group of every row at every bit weight: (tiles, lanes, planes, groups)."""
    masks = groups.grouped(groups.digit_masks(x.a, x.a_bits, RECODING), GROUP)
    planes = ENCODINGS[RECODING].count(x.a_bits)
    digits = [((masks >> p) & 1).sum(axis=-1, dtype=np.int64) for p in range(planes)]
    steps: Ints = np.maximum(1, np.stack(digits, axis=1))
    return steps.reshape(-1, lanes, planes, masks.shape[1])


def row_meetings(sums: tuple[int, ...]) -> Callable[[Operands, int], Meetings]:
    """Rows that run free over the axes `sums` of their steps, and meet at their end."""

    def meetings(x: Operands, lanes: int) -> Meetings:
        steps = group_steps(x, lanes).sum(axis=sums)
        alone = np.moveaxis(steps, 1, -1).reshape(-1, lanes)
        return Meetings(alone, alone.max(axis=1))

    return meetings


def _row_rule(name: str, meets: str, sums: tuple[int, ...]) -> Rule:
    lane = "a row of A with a front"
    return Rule(name, "opt4c", lane, meets, row_meetings(sums), by_rows=True, place=1)


COMMON = (
    replace(ENCODER, default=RECODING),
    TREE,
    lean_digits.NEGATE_OR_COUNT,
    *lean_digits.OWN,
    Parameter(
        "depth",
        4096,
        range(8, 65537, 4),
        "operands of K whose B is resident; with planes = inner none is",
        trade="costs memory for B; saves passes of long K, which load B and finish anew",
    ),
)
PARAMETERS = (*COMMON, falling.PLANES, falling.SHADOW, inner.FRONT_STAGES, FINISH_STAGES)


def conflict_of_planes(params: Params) -> str | None:
    """What does not go together: trees and ones, shadows and carries where there are none."""
    return ones_in_a_chain(params) or falling.conflict(params) or lean_digits.conflict(params)


def conflict(params: Params) -> str | None:
    """... and what one order of digits alone has."""
    return conflict_of_planes(params) or inner.conflict(params)


def at(record: PE, params: Params) -> PE:
    """The record for a choice of `planes` and `shadow`, and of what leaves its cells."""
    return at_planes(inner.at(record, params), params)


def at_planes(record: PE, params: Params) -> PE:
    """The same of a PE whose bit weights are outermost."""
    return staged_front.at(lean_digits.at(falling.at(record, params), params), params)


# Bit weights one after another, whichever first: what other PEs are made of.
PLAIN = PE(
    name="opt4c",
    title="shared-encoder column",
    source="arXiv:2503.06342, OPT4C",
    nest=nest,
    kernel=Kernel(Psum("carry_save", pair_bits), step, resolve),
    pace=FreeRows(lanes=range(1, 2), group=GROUP),
    ways=frozenset({Way.KEEP}),
    hardware=hardware("opt4c"),
    parameters=PARAMETERS,
    at=at_planes,
    conflict=conflict_of_planes,
    rules=(
        _row_rule("opt4c", "once per output tile: rows run free", (2, 3)),
        _row_rule("opt4c-plane", "at every bit weight", (3,)),
        _row_rule("opt4c-group", "at every group of 4 at one bit weight", ()),
    ),
)

RECORD = replace(
    PLAIN,
    pace=FreeRows(lanes=inner.LANES, group=GROUP),
    parameters=(*COMMON, inner.PLANES, falling.SHADOW, *inner.STAGES),
    at=at,
    conflict=conflict,
)
