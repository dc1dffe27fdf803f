"""OPT4C, shared-encoder column: a row shares one front, a cell adds one non-zero digit a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tpe.base.jit import kernel, resolve_type, step_type
from tpe.nest.notation import ACCUMULATE, ADD, SHIFT, M, Nest, mac
from tpe.nest.rewrites import opt4, share
from tpe.numbers.words import compress, signed
from tpe.pe.base import ENCODER, PE, TREE, Loops, Pace, Parameter, Params, Psum, Way, Widths

GROUP = 4  # operands of K that a front searches for non-zero digits at once


@kernel(step_type)
def step(
    digit: int, b: int, plane: int, total: int, carry: int, bits: int, a_bits: int, encoder: int
) -> tuple[int, int]:
    """One 3:2 row: the running pair and one digit times B."""
    return compress(total, carry, (digit * b) & ((1 << bits) - 1), bits)


@kernel(resolve_type)
def resolve(total: int, carry: int, plane: int, acc: int, bits: int, acc_bits: int) -> int:
    """Resolve the plane at its own width, then widen, weigh and accumulate."""
    return (acc + (signed(total + carry, bits) << (2 * plane))) & ((1 << acc_bits) - 1)


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


RECORD = PE(
    name="opt4c",
    title="shared-encoder column",
    source="arXiv:2503.06342, OPT4C",
    nest=nest,
    pace=Pace.SPARSE_A,
    ways=frozenset({Way.KEEP}),
    psum=Psum("carry_save", pair_bits),
    front="sparse",
    finish="plane",
    step=step,
    resolve=resolve,
    built=built,
    parameters=(
        replace(ENCODER, default="ent"),
        TREE,
        Parameter("depth", 4096, range(8, 65537, 4), "operands of K whose B is resident"),
    ),
    group=GROUP,
    code_bits=lambda w, params: 3,
    plane_bits=lambda w, params: w.plane_bits,
    trees=lambda w, params: ((3, pair_bits(w)),),
)
