"""OPT2, same-bit-weight reduction: the digits of one bit weight meet before they are shifted.

K is split, `lanes` (KP) of it in space, and `shift` is deferred past the sum over K: a compressor
takes the KP digits of one bit weight and that weight's pair, (KP + 2):2. Two forms, `bw`:

- `space`: such a compressor and a pair for every bit weight, side by side. The finish that a
  column shares shifts the pairs, compresses them and adds. The published RTL replicates the bit
  weights likewise, but reduces with registered 4-input carry-propagate adders, and in 13 bits,
  where -2 times -128 in all of 16 lanes overflows; here they are compressors, their widths from
  interval arithmetic.
- `time`: one compressor, and K streamed once per bit weight, least significant first, as the
  paper has it. The pair of a bit weight that is over is shifted and folded into a pair of the
  total, in the cell; one more step per tile folds the last.

A pair of bit weight bw has acc_bits - 2 bw bits, which shifting makes acc_bits: a pair is never
widened unresolved.

What cells of the first form leave to their row is one term for all bit weights: each of its parts
is known at its weight, and the finish adds it behind their compressor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from tpe.base.jit import kernel
from tpe.nest.notation import ADD, BW, HALF_REDUCE, SHIFT, M, Nest, mac
from tpe.nest.rewrites import encode_in, opt2, serialise, share
from tpe.numbers.words import I64, compress, digit
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.lean import clock_holds, lean, leaves_to_row
from tpe.pe.paces import Dense, Planes
from tpe.pe.parameters import (
    BIASED,
    ENCODE_IN,
    ENCODER,
    FINISH_STAGES,
    HOLD,
    NEGATE,
    NEGATE_IN_CELL,
    TREE,
    Parameter,
    code_bits,
    lanes_parameter,
    ones_in_a_chain,
    stages_parameter,
)
from tpe.pe.widths import Loops, Params, Widths


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """A 3:2 row for every digit: the pair of its bit weight, and the digit times B unshifted."""
    for lane in range(codes.shape[0]):
        for i in range(psum.shape[0] // 2):
            total, carry = psum[2 * i], psum[2 * i + 1]
            width = facts.psum_bits - 2 * i
            mask = (1 << width) - 1
            for n in range(total.size):
                product = digit(codes[lane, n], i, facts.a_bits, facts.encoder) * b[lane, n]
                total[n], carry[n] = compress(total[n], carry[n], product & mask, width)


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """All pairs at their bit weights, modulo 2**acc_bits."""
    mask = (1 << facts.acc_bits) - 1
    acc[:] = 0
    for i in range(psum.shape[0] // 2):
        for n in range(acc.size):
            acc[n] = (acc[n] + ((psum[2 * i, n] + psum[2 * i + 1, n]) << (2 * i))) & mask


@kernel(step_type)
def serial_step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """One 3:2 row: the pair of this bit weight, and its digit times B."""
    total, carry = psum[0], psum[1]
    width = facts.psum_bits - 2 * plane
    mask = (1 << width) - 1
    for lane in range(codes.shape[0]):
        for n in range(total.size):
            product = (codes[lane, n] * b[lane, n]) & mask
            total[n], carry[n] = compress(total[n], carry[n], product, width)


@kernel(resolve_type)
def serial_resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """The pair at its bit weight, added to the sum of the others modulo 2**acc_bits."""
    mask = (1 << facts.acc_bits) - 1
    for n in range(acc.size):
        acc[n] = (acc[n] + ((psum[0, n] + psum[1, n]) << (2 * plane))) & mask


def nest(loops: Loops, params: Params) -> Nest:
    """OPT2; its bit weights in space with a finish per column, or in time with an adder per column.

    `lanes` of K are among the loops already, so `opt2` has none left to split.
    """
    reduced = lean(opt2(mac(*loops)), params)
    if params["bw"] == "time":
        reduced = share(serialise(reduced, BW), ADD, along=M)
    else:
        for op in (SHIFT, HALF_REDUCE, ADD):  # of the two half_reduces, the one behind K's sum
            reduced = share(reduced, op, along=M)
    return encode_in(reduced, params["encode_in"])


def built(w: Widths) -> Mapping[str, int]:
    """Output width of each primitive as built; of `half_reduce` the widest, that of bit weight 0.

    The compressor of bit weight bw in a cell is 2 bw bits narrower, if bit weights are in space.
    """
    return {
        "encode": 3,
        "map": w.b + 2,
        "half_reduce": w.acc,
        "shift": w.acc,
        "add": w.acc,
        "row_term": w.acc,
    }


def trees_space(w: Widths, params: Params) -> tuple[tuple[int, int], ...]:
    """A compressor per bit weight in the cell; over all pairs in the finish, and a row's term."""
    in_cell = ((w.lanes + 2, w.acc - 2 * bw) for bw in range(w.digits))
    term = ((3, w.acc),) if leaves_to_row(params) else ()
    return (*in_cell, (2 * w.digits, w.acc), *term)


def trees_time(w: Widths, params: Params) -> tuple[tuple[int, int], ...]:
    """The compressor of a plane and the one that folds it into the total."""
    return (w.lanes + 2, w.acc), (4, w.acc)


def at(record: PE, params: Params) -> PE:
    """The record for a choice of `bw`, and of what its cells leave to others; see `_lean`."""
    if params["bw"] == "time":
        return SERIAL
    return _lean(record, leaves_to_row(params), clock_holds(params))


@cache
def _lean(record: PE, row: bool, stopped: bool) -> PE:
    """The record where a row has a term, or nothing but the clock of its row holds a cell."""
    if not (row or stopped) or record.hardware is None:
        return record
    built_here = replace(record.hardware, row="digits" if row else "none")
    return replace(record, hardware=built_here)


STAGES = stages_parameter("stages", 2, "2 registers the words, with bw = space", "Stages")


def conflict(params: Params) -> str | None:
    """What is wrong where bit weights come in time, and a row is to have a term or its clock."""
    if params["bw"] == "time":
        if params["stages"] != STAGES.default:
            return f"stages = {params['stages']} is not legal with bw = 'time'; legal: 1"
        for choice in (NEGATE, BIASED, HOLD):
            legal = NEGATE_IN_CELL.legal if choice is NEGATE else choice.legal[:1]
            if params[choice.name] not in legal:
                words = ", ".join(map(str, legal))
                return (
                    f"{choice.name} = {params[choice.name]!r} is not legal with bw = 'time', whose "
                    f"cells see one digit of an operand at a time; legal: {words}"
                )
    return ones_in_a_chain(params)


RECORD = PE(
    name="opt2",
    title="same-bit-weight reduction",
    source="arXiv:2503.06342, OPT2",
    nest=nest,
    kernel=Kernel(Psum("bit_weights", lambda w: w.acc), step, resolve),
    pace=Dense(lanes=range(1, 1025)),
    ways=frozenset(Way),
    hardware=Hardware(
        cell="opt2",
        finish="bit_weights",
        built=built,
        code_bits=code_bits,
        latency=lambda params: int(params["stages"]) - 1,
        trees=trees_space,
    ),
    parameters=(
        ENCODER,
        ENCODE_IN,
        TREE,
        NEGATE,
        BIASED,
        HOLD,
        Parameter(
            "bw",
            "space",
            ("space", "time"),
            "bit weights side by side, or one after another",
            trade="time costs as many streams of K as A has digits; saves all compressors but two",
        ),
        STAGES,
        FINISH_STAGES,
        lanes_parameter(4, range(1, 1025)),
    ),
    at=at,
    conflict=conflict,
)

SERIAL = replace(
    RECORD,
    kernel=Kernel(Psum("carry_save", lambda w: w.acc, pairs=2), serial_step, serial_resolve),
    pace=Planes(lanes=range(1, 1025), count=lambda w: w.digits),
    ways=frozenset({Way.KEEP, Way.REDUCE}),  # only a psum that stays in its cell can be folded
    hardware=Hardware(
        cell="opt2_time",
        finish="total",
        built=built,
        code_bits=code_bits,
        plane_bits=lambda w, params: w.digits.bit_length(),  # holds `digits`: the closing step
        trees=trees_time,
    ),
)
