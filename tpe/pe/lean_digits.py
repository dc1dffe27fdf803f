"""Lean cells of PEs of digits: what a row counts for them, and carries that are kept now and then.

A cell that adds one digit times B a step needs neither the 1 of a negative multiple nor a sign that
is extended: both depend on the row's digits alone, which a counter a row takes in as the cells do
(`negate = row`, `biased = on`). Its term goes where the psums go, and is compressed into the pair
ahead of the finish, or in it. Apart from that, a running sum need not keep a carry at every bit:
with `carry_every` = 2 or 4 so many bits are an adder of their own, whose carry is kept (radix-4 or
radix-16 carry-save), which saves registers for a ripple of as many bits.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from tpe.pe.base import PE
from tpe.pe.lean import clock_holds, leaves_to_row
from tpe.pe.parameters import BIASED, HOLD, NEGATE, Negate, Parameter
from tpe.pe.widths import Params, Widths

CARRY_EVERY = Parameter(
    "carry_every",
    1,
    (1, 2, 4),
    "bits from one carry that the running sum keeps to the next: 1 is a pair of words",
    "CarryEvery",
    trade="more cost a ripple of so many bits in every step; save a register a carry",
)
OWN = (BIASED, HOLD, CARRY_EVERY)


def conflict(params: Params) -> str | None:
    """What is wrong with ones or carries that have no place."""
    every = params["carry_every"]
    if every > 1 and params["negate"] == Negate.FREE_BITS:
        return (
            f"carry_every = {every} is not legal with negate = 'free_bits': the ones stand in a "
            "carry word; legal: 1, or negate = adder or row"
        )
    if every > 2 and params["planes"] == "msb_first":
        return (
            f"carry_every = {every} is not legal with planes = 'msb_first': carries move up two "
            "bits, to where others are kept; legal: 1, 2"
        )
    return None


def at(record: PE, params: Params) -> PE:
    """The record of a PE of digits for what its cells leave to their row, and to the next step."""
    return _lean(record, leaves_to_row(params), clock_holds(params), int(params["carry_every"]))


@cache
def _lean(record: PE, row: bool, stopped: bool, every: int) -> PE:
    if not (row or stopped or every > 1) or record.hardware is None:
        return record
    plain, bits = record.hardware, record.kernel.psum.word_bits
    inner = record.grouped
    lanes = record.pace.lanes[0]  # of a sparse PE, which takes one number of them

    def trees(widths: Widths, params: Params) -> tuple[tuple[int, int], ...]:
        term = ((3, bits(widths)),) if row else ()
        if every == 1:
            return (*plain.trees(widths, params), *term)
        return (((lanes, bits(widths)),) if lanes > 1 and not inner else ()) + term

    def carries(widths: Widths) -> int:
        return (bits(widths) - 1) // every

    kept = record.kernel.psum if every == 1 else replace(record.kernel.psum, carry_bits=carries)
    return replace(
        record,
        # The notation counts no steps of a row, and has a carry at every bit.
        nest=None if row or every > 1 else record.nest,
        kernel=replace(record.kernel, psum=kept),
        hardware=replace(
            plain,
            row=("inner" if inner else "steps") if row else "none",
            finish="kept" if inner and every > 1 else plain.finish,
            trees=trees,
        ),
    )


NEGATE_OR_COUNT = replace(
    NEGATE,
    doc="where the 1 of a negative multiple is added: by an adder in every map, at bits that are "
    "free in the compressor, or once a row, which counts them, with the finish",
)
