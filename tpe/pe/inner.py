"""Digits of all bit weights inside a group of K: each is shifted in its cell, to its bit weight.

OPT4C with `planes = inner` (arXiv:2503.06342 has bit weights outermost). A group's operands are
sent once, one pair of the accumulator's width takes digits of any bit weight in any order, and
there is one finish per output. A code is one digit, its bit weight and which of the operands of B
at the cell's port it meets: those of a group, or of as many groups as rows may be apart, and one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from tpe.base.jit import kernel
from tpe.numbers.words import I64, compress
from tpe.pe.base import PE, Hardware
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.paces import Groups
from tpe.pe.parameters import FINISH_STAGES as PLAIN_STAGES
from tpe.pe.parameters import Parameter
from tpe.pe.widths import Params, Widths

LANES = range(1, 3)  # digits that a cell can take in a step

PLANES = Parameter(
    "planes",
    "lsb_first",
    ("lsb_first", "msb_first", "inner"),
    "bit weights one after another, from the least or the most significant, each with all of K; or "
    "those of a group of K inside the group",
    trade="others cost a wide pair in a cell, inner a shift too; save shadows, inner B kept",
)
GROUP = Parameter(
    "group",
    4,
    (4, 8, 16),
    "operands of K whose non-zero digits a front selects from, with planes = inner",
    trade="more cost a wider search, and a wider choice of B in a cell; save waiting of rows",
)
DIGITS = Parameter(
    "lanes",
    1,
    LANES,
    "non-zero digits of a group that a cell takes in one step, with planes = inner",
    trade="2 cost a second choice of B, shift and row of adders in a cell; save cycles",
)
WINDOW = Parameter(
    "window",
    0,
    range(3),
    "groups of K by which a row may lead the slowest, with planes = inner; 0: all go together",
    trade="each costs a group of B at every cell and of A in every row; saves waiting of rows",
)
CELL_STAGES = Parameter(
    "cell_stages",
    1,
    range(1, 5),
    "pipeline stages of a cell, with planes = inner: 2 registers the multiple, 3 the operand that "
    "is chosen, too, 4 the shifted word, too",
    "CellStages",
    trade="more cost registers in a cell, cycles to fill; save period",
)
FRONT_STAGES = Parameter(
    "front_stages",
    1,
    range(1, 4),
    "pipeline stages of a front: 2 counts a group's digits before it is in work, 3 encodes them a "
    "stage before that",
    "FrontStages",
    trade="more cost registers in every row, cycles to fill; save period, above all of many rows",
)
FINISH_STAGES = replace(
    PLAIN_STAGES,
    legal=range(1, 4),
    doc="pipeline stages of a finish: 2 has a register inside; with planes = inner 2 gives its "
    "words one, and a place for one that is refused, so that the sink holds the array by "
    "registers, and 3 has one inside, too",
    trade="each costs a register or two a column, a cycle to fill; saves period of many cells",
)
SHAPE = (GROUP, DIGITS, WINDOW, FRONT_STAGES)  # what its record depends on
OWN = (GROUP, DIGITS, WINDOW, CELL_STAGES)  # choices that planes = inner alone has
STAGES = (*SHAPE, CELL_STAGES, FINISH_STAGES)  # ... and those that other orders have, too
# Choices of an array's that one order of digits has: what the other one can have of them.
KEPT = ("none", "drain", "stream")  # psums that stay in their cells
FREE = ("none", "load")  # rows that run free, and B that is resident


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """One 3:2 row a digit: the running pair, and the digit times B at its bit weight."""
    bits = facts.psum_bits
    mask = (1 << bits) - 1
    total, carry = psum[0], psum[1]
    for lane in range(codes.shape[0]):
        for n in range(total.size):
            product = ((codes[lane, n] * b[lane, n]) << (2 * plane)) & mask
            total[n], carry[n] = compress(total[n], carry[n], product, bits)


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """The pair, whatever the bit weights of its digits, modulo 2**acc_bits."""
    mask = (1 << facts.acc_bits) - 1
    for n in range(acc.size):
        acc[n] = (acc[n] + psum[0, n] + psum[1, n]) & mask


def b_supply(params: Params) -> str:
    """Where B comes from if nobody says so: with `planes = inner` none is resident."""
    return "broadcast" if params["planes"] == "inner" else "copies"


def conflict_of_supply(params: Params) -> str | None:
    """What is wrong with where B comes from."""
    supply = params.get("b_supply")
    if supply is None or (supply == "broadcast") == (params["planes"] == "inner"):
        return None
    if supply == "broadcast":
        return (
            f"b_supply = 'broadcast' is not legal with planes = {params['planes']!r}: B is "
            "resident; legal: copies, ported, or planes = inner"
        )
    return (
        f"b_supply = {supply!r} is not legal with planes = 'inner': no B is resident; legal: "
        "broadcast"
    )


def conflict_of_stall(params: Params) -> str | None:
    """What is wrong with how a busy sink holds the array; `planes = inner` has its own way."""
    if params.get("stall", "direct") == "direct":
        return None
    return (
        f"stall = {params['stall']!r} is not legal with planes = 'inner', whose finish_stages = 2 "
        "holds it by registers; legal: direct"
    )


def conflict(params: Params) -> str | None:
    """What is wrong with a choice that another order of digits has."""
    inner = params["planes"] == "inner"
    legal = KEPT if inner else FREE
    if params.get("overlap", "none") not in legal:
        return (
            f"overlap = {params['overlap']!r} is not legal with planes = {params['planes']!r}; "
            f"legal: {', '.join(legal)}"
        )
    if inner:
        if params.get("drift"):
            return (
                f"drift = {params['drift']!r} is not legal with planes = 'inner': rows meet "
                "within a window; legal: 0"
            )
        return conflict_of_stall(params) or conflict_of_supply(params)
    for choice in OWN:
        if params[choice.name] != choice.default:
            return (
                f"{choice.name} = {params[choice.name]!r} is not legal with planes = "
                f"{params['planes']!r}: legal: {choice.default}, or planes = inner"
            )
    if params["finish_stages"] not in PLAIN_STAGES.legal:
        return (
            f"finish_stages = {params['finish_stages']!r} is not legal with planes = "
            f"{params['planes']!r}: legal: 1, 2, or planes = inner"
        )
    return conflict_of_supply(params)


def at(record: PE, params: Params) -> PE:
    """The record for a choice of `planes`."""
    if params["planes"] != "inner":
        return record
    counts = (int(params[choice.name]) for choice in SHAPE)
    return _inner(record, *counts)


@cache
def _inner(record: PE, group: int, lanes: int, window: int, front_stages: int) -> PE:
    ahead = front_stages - 1
    index_bits = (group - 1).bit_length() + window.bit_length()

    def code_bits(widths: Widths, params: Params) -> int:
        return index_bits + widths.plane_bits + 3

    def trees(widths: Widths, params: Params) -> tuple[tuple[int, int], ...]:
        return ((lanes + 2, widths.acc),)

    return replace(
        record,
        nest=None,  # its sparse loop is over K and BW at once, which the notation does not have
        kernel=Kernel(Psum("carry_save", lambda widths: widths.acc), step, resolve),
        pace=Groups(LANES, group, window, ahead),
        hardware=Hardware(
            cell="opt4c_inner",
            finish="carry_save",
            front="group_staged" if ahead else "group",
            code_bits=code_bits,
            plane_bits=lambda widths, params: widths.plane_bits,
            latency=lambda params: int(params["cell_stages"]) - 1,
            finish_latency=lambda params: max(0, int(params["finish_stages"]) - 2),
            trees=trees,
        ),
    )
