"""Cycle rules of bit-serial and bit-slice PEs: how long a group of operands takes, and why.

A PE takes `lanes` consecutive operands of K as one group and goes on when all of them are done.
Each rule below gives the work of every group, in cycles; a group takes max(1, work) of them. The
rules are those of the papers that the PEs name, partly from memory: where a paper leaves a choice,
or memory does, it is a parameter whose documentation says "assumed".

`trace` puts one trace of operands through all of them: see `tpe.study.operand_trace`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import unknown
from tpe.numbers.digits import encoding
from tpe.numbers.operands import Ints

if TYPE_CHECKING:
    from tpe.study.operand_trace import Trace
    from tpe.workloads import Workload

PRAGMATIC_DIGITS = ("magnitude", "csd")
SKIPS = ("lane", "column")
SLICE_BITS = 3  # magnitude bits of a signed 4-bit slice


# ---- groups and tables ----


def grouped(x: Ints, lanes: int) -> Ints:
    """X (..., K) in groups of `lanes` consecutive k, K padded with zeros: (..., groups, lanes).

    >>> grouped(np.array([[1, 2, 3]]), 2).tolist()
    [[[1, 2], [3, 0]]]
    """
    pad = -x.shape[-1] % lanes
    padded: Ints = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, pad)]) if pad else x
    return padded.reshape(*x.shape[:-1], -1, lanes)


def digit_masks(x: Ints, bits: int, digits: str) -> Ints:
    """Which digits of every operand are non-zero, bit p for digit p; `digits` names an encoding.

    >>> [bin(mask) for mask in digit_masks(np.array([5, -128]), 8, "magnitude")]
    ['0b101', '0b10000000']
    """
    masks: Ints = encoding(digits).nonzero_masks(bits)[np.asarray(x, np.int64) & ((1 << bits) - 1)]
    return masks


def digit_counts(x: Ints, bits: int, digits: str) -> Ints:
    """Non-zero digits of every operand.

    >>> digit_counts(np.array([7, 0, -128]), 8, "csd").tolist()
    [2, 0, 1]
    """
    return np.bitwise_count(digit_masks(x, bits, digits)).astype(np.int64)


def slices(bits: int) -> int:
    """Signed 4-bit slices of an operand: 1 for 4 bits, and one more for every 3 bits beyond.

    >>> [slices(bits) for bits in (2, 4, 7, 8, 10, 13, 16)]
    [1, 1, 2, 3, 3, 4, 5]
    """
    return max(1, -(-(bits - 1) // SLICE_BITS))


def slice_digits(x: Ints, bits: int) -> Ints:
    """Signed slices of every operand, least significant first: (..., slices), of weight 8**i.

    The sign times the octal digits of the magnitude, so that numbers near zero have zero slices
    on top whatever their sign; the top slice takes what is left, down to -8.

    >>> slice_digits(np.array([-1, 100, -128]), 8).tolist()
    [[-1, 0, 0], [4, 4, 1], [0, 0, -2]]
    """
    count = slices(bits)
    magnitude = np.abs(np.asarray(x, np.int64))
    low = [(magnitude >> (SLICE_BITS * i)) & 7 for i in range(count - 1)]
    top = magnitude >> (SLICE_BITS * (count - 1))
    found: Ints = np.stack([*low, top], axis=-1) * np.sign(x)[..., None]
    return found


@lru_cache(maxsize=64)
def _slice_table(bits: int) -> Ints:
    """Which slices are non-zero, by the operand as an unsigned word: bit i for slice i."""
    words = np.arange(1 << bits)
    values = np.where(words < 1 << (bits - 1), words, words - (1 << bits))
    nonzero = slice_digits(values, bits) != 0
    table: Ints = (nonzero << np.arange(slices(bits))).sum(axis=-1)
    table.setflags(write=False)
    return table


def slice_masks(x: Ints, bits: int) -> Ints:
    """Which signed slices of every operand are non-zero, bit i for slice i."""
    masks: Ints = _slice_table(bits)[np.asarray(x, np.int64) & ((1 << bits) - 1)]
    return masks


def _columns_in_use(masks: Ints) -> Ints:
    """How many bits are set in any of the masks along the last axis."""
    union = np.bitwise_or.reduce(masks, axis=-1)
    count: Ints = np.bitwise_count(union).astype(np.int64)
    return count


# ---- the rules: operands (M, K) to the work of every group (M, groups), 0 if there is none ----


def stripes(a: Ints, bits: int, lanes: int) -> Ints:
    """Every bit of A takes a cycle, whatever its value.

    >>> stripes(np.array([[0, 1, 2]]), 8, 2).tolist()
    [[8, 8]]
    """
    return np.full((a.shape[0], -(-a.shape[1] // lanes)), bits, np.int64)


def bitfusion_bricks(bits: int, top_brick: int = 3) -> int:
    """2-bit bricks that an operand of `bits` bits takes: 1, 2, 4 or 8, the fused widths.

    `top_brick`: bits that the brick holding the sign takes, 3 or 2.

    >>> [bitfusion_bricks(bits) for bits in (2, 4, 5, 8, 9, 16, 17)], bitfusion_bricks(9, 2)
    ([1, 2, 2, 4, 4, 8, 8], 8)
    """
    needed = max(1, -(-(bits - (top_brick - 2)) // 2))
    return 1 << (needed - 1).bit_length()


def bitfusion(
    a: Ints, a_bits: int, b_bits: int, lanes: int, bricks: int = 16, top_brick: int = 3
) -> Ints:
    """A unit of `bricks` 2-bit bricks makes bricks / (bricks of A x bricks of B) products a cycle.

    >>> [int(bitfusion(np.zeros((1, 16)), p, p, 16)[0, 0]) for p in (2, 4, 8)]
    [1, 4, 16]
    """
    pair = bitfusion_bricks(a_bits, top_brick) * bitfusion_bricks(b_bits, top_brick)
    return np.full((a.shape[0], -(-a.shape[1] // lanes)), -(-lanes * pair // bricks), np.int64)


def pragmatic(a: Ints, bits: int, lanes: int, digits: str = "magnitude") -> Ints:
    """The most non-zero digits of an operand of the group: ones of its magnitude, or CSD digits.

    >>> pragmatic(np.array([[7, 0, 0, 0]]), 8, 2).tolist()
    [[3, 0]]
    """
    if digits not in PRAGMATIC_DIGITS:
        raise unknown("digits", digits, PRAGMATIC_DIGITS)
    counts: Ints = grouped(digit_counts(a, bits, digits), lanes).max(axis=-1)
    return counts


def laconic(a: Ints, b: Ints, a_bits: int, b_bits: int, lanes: int, encoder: str = "booth") -> Ints:
    """The most pairs of terms in a lane: non-zero digits of A times those of B.

    a, b (M, K): the two operands of each lane.

    >>> laconic(np.array([[127, 3]]), np.array([[5, 0]]), 8, 8, 2).tolist()
    [[4]]
    """
    terms = digit_counts(a, a_bits, encoder) * digit_counts(b, b_bits, encoder)
    most: Ints = grouped(terms, lanes).max(axis=-1)
    return most


def bitlet_columns(a: Ints, bits: int, lanes: int) -> Ints:
    """Ones in every magnitude column of every group: (M, groups, columns), column p of weight 2**p.

    >>> bitlet_columns(np.array([[5, -4]]), 4, 2).tolist()
    [[[1, 0, 2, 0]]]
    """
    masks = grouped(digit_masks(a, bits, "magnitude"), lanes)
    columns = [((masks >> p) & 1).sum(axis=-1, dtype=np.int64) for p in range(bits)]
    return np.stack(columns, axis=-1)


def bitlet(a: Ints, bits: int, lanes: int) -> Ints:
    """The most ones in one magnitude column of the group: every column adds one operand a cycle.

    >>> bitlet(np.array([[5, -4]]), 4, 2).tolist()
    [[2]]
    """
    most: Ints = bitlet_columns(a, bits, lanes).max(axis=-1)
    return most


def bitwave(a: Ints, bits: int, lanes: int) -> Ints:
    """Magnitude columns of the group that hold a one; the others are skipped.

    >>> bitwave(np.array([[5, -4]]), 4, 2).tolist()
    [[2]]
    """
    return _columns_in_use(grouped(digit_masks(a, bits, "magnitude"), lanes))


def sibia(a: Ints, a_bits: int, b_bits: int, lanes: int, skip: str = "lane") -> Ints:
    """Non-zero slices of A times all slices of B, one 4 x 4 product of a lane a cycle.

    `skip` = "lane": every lane skips its own zero slices, the group waits for the slowest;
    "column": a slice is skipped if it is zero in all lanes.

    >>> [sibia(np.array([[7, 64]]), 7, 4, 2, skip).tolist() for skip in SKIPS]
    [[[1]], [[2]]]
    """
    if skip not in SKIPS:
        raise unknown("skip", skip, SKIPS)
    masks = grouped(slice_masks(a, a_bits), lanes)
    if skip == "column":
        return slices(b_bits) * _columns_in_use(masks)
    most: Ints = np.bitwise_count(masks).max(axis=-1).astype(np.int64)
    return slices(b_bits) * most


# ---- all of them at once ----


def trace(
    workload: str | Workload = "",
    lanes: Sequence[int] = (),
    *,
    seed: int = 0,
    model: dict[str, Any] | None = None,
    **params: Any,
) -> Trace:
    """Put one trace of operands through every rule; defaults are those of `tpe trace`.

    `params`: a_type, b_type, zero_points, encode, as `tpe.Engine` takes them; `model`: inputs,
    batch, dims of an ONNX model. Row m of the encoded operand meets column m mod N of the other,
    where a rule reads both. `lanes`: default 1, 4, 8, 16, 32 and 64, as far as the workload has
    rows to be encoded. Raises TpeError for an unknown workload or illegal lanes.

    >>> result = trace("gemm:64x4x32:normal:20", [1, 8])
    >>> row = result.find("stripes", 8)
    >>> row["mean"], row["max"], result.ok
    (8.0, 8.0, True)
    """
    from tpe.study import operand_trace

    return operand_trace.run_trace(
        workload or operand_trace.WORKLOAD, lanes, seed, model or {}, params
    )
