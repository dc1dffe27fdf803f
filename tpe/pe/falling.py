"""Bit weights from the most significant down: one pair a cell, which moves up at each that follows.

A sparse PE with `planes = msb_first` (arXiv:2503.06342 has the least significant first). The first
step of a bit weight but the first multiplies the pair by four, by wires and a multiplexer, and adds
its digit as any step does, so that no cycle is spent on it: all bit weights of a pass are in one
pair (Horner's rule), and leave through one finish, once a pass. Nothing waits for that finish, so
that there is no shadow of the pair. With `shadow = off` there is none for the least significant
first either: a row stands still until the finish takes its pair.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from tpe.base.jit import kernel
from tpe.numbers.words import I64, compress, signed
from tpe.pe import inner
from tpe.pe.base import PE
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.paces import FreeRows
from tpe.pe.parameters import Parameter
from tpe.pe.widths import Params, Widths

# Of PEs whose bit weights are outermost, whichever comes first.
PLANES = replace(
    inner.PLANES,
    legal=("lsb_first", "msb_first"),
    doc="bit weights one after another, from the least or the most significant, each with all of K",
    trade="msb_first costs a wide pair in a cell; saves its shadow, and finishes",
)
SHADOW = Parameter(
    "shadow",
    "on",
    ("on", "off"),
    "a whole bit weight waits for the finish beside its cell, which goes on; or in it, which "
    "stands still, rows being served as they ask",
    trade="off costs waiting of rows for the finish; saves a register of every pair",
)


def pass_bits(w: Widths) -> int:
    """Interval width of the pair of a pass: `depth` products, the accumulator at most.

    The widest is that of the two most negative operands. What a pair drops on its way up is a
    multiple of 2**pass_bits, so that it is exact once the pass is complete.

    >>> [pass_bits(Widths(a=8, b=8, acc=32, depth=depth)) for depth in (1024, 4096, 65536)]
    [26, 28, 32]
    """
    extreme = w.depth << (w.a - 1) + (w.b - 1)
    return min(w.acc, extreme.bit_length() + 1)


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """One 3:2 row a digit; if `plane` is 1 the pair moves up a bit weight first."""
    bits = facts.psum_bits
    mask = (1 << bits) - 1
    total, carry = psum[0], psum[1]
    for n in range(total.size):
        total[n] = (total[n] << (2 * plane)) & mask
        carry[n] = (carry[n] << (2 * plane)) & mask
    for lane in range(codes.shape[0]):
        for n in range(total.size):
            product = (codes[lane, n] * b[lane, n]) & mask
            total[n], carry[n] = compress(total[n], carry[n], product, bits)


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """Resolve the pass at its own width, then widen and accumulate."""
    mask = (1 << facts.acc_bits) - 1
    for n in range(acc.size):
        acc[n] = (acc[n] + signed(psum[0, n] + psum[1, n], facts.psum_bits)) & mask


def conflict(params: Params) -> str | None:
    """What is wrong with cells without shadows where the order of digits has none to leave out."""
    if params["shadow"] == SHADOW.default or params["planes"] == "lsb_first":
        return None
    return (
        f"shadow = {params['shadow']!r} is not legal with planes = {params['planes']!r}, where no "
        "bit weight waits for the finish: legal: on, or planes = lsb_first"
    )


def at(record: PE, params: Params) -> PE:
    """The record of a sparse PE for a choice of `planes` and `shadow`."""
    if params["planes"] == "msb_first":
        return _falling(record)
    waits = params["planes"] == "lsb_first" and params["shadow"] == "off"
    return _direct(record) if waits else record


@cache
def _direct(record: PE) -> PE:
    """The same with whole bit weights that wait in their cells."""
    assert isinstance(record.pace, FreeRows)
    return replace(record, pace=replace(record.pace, shadow=False))


@cache
def _falling(record: PE) -> PE:
    assert isinstance(record.pace, FreeRows) and record.hardware is not None
    of_plane = record.hardware.trees

    def trees(widths: Widths, params: Params) -> tuple[tuple[int, int], ...]:
        return tuple((words, pass_bits(widths)) for words, _ in of_plane(widths, params))

    return replace(
        record,
        nest=None,  # what is shifted is the running sum, which the notation has no step for
        kernel=Kernel(Psum("carry_save", pass_bits), step, resolve),
        pace=replace(record.pace, shadow=False, falling=True),
        hardware=replace(
            record.hardware,
            cell="opt4c_falling",
            finish="pass",
            built=lambda widths: {},
            trees=trees,
        ),
    )
