"""Pragmatic: one power of two of A per lane a cycle; a group waits for its longest operand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tpe.base.errors import unknown
from tpe.base.jit import kernel
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64, magnitude_columns
from tpe.pe.base import PE, Way
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.meetings import OPERAND, Rule, per_group
from tpe.pe.paces import LockStep
from tpe.pe.parameters import Parameter, lanes_parameter
from tpe.pe.widths import Widths

DIGITS = ("magnitude", "csd")


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """B, with A's sign, shifted to every one of A's magnitude, lowest first.

    Powers of all lanes meet before they are shifted, and the word wraps once: both come out as if
    it had happened lane by lane. With CSD digits the powers differ and their sum does not.
    """
    word, mask = psum[0], (1 << facts.psum_bits) - 1
    columns = magnitude_columns(codes, b, facts.a_bits)
    for p in range(columns.shape[0]):
        for n in range(word.size):
            word[n] = (word[n] + (columns[p, n] << (4 * p))) & mask


def work(a: Ints, bits: int, lanes: int, digits: str = "magnitude") -> Ints:
    """The most non-zero digits of an operand of the group: ones of its magnitude, or CSD digits.

    >>> import numpy as np
    >>> work(np.array([[7, 0, 0, 0]]), 8, 2).tolist()
    [[3, 0]]
    """
    if digits not in DIGITS:
        raise unknown("digits", digits, DIGITS)
    counts: Ints = groups.grouped(groups.digit_counts(a, bits, digits), lanes).max(axis=-1)
    return counts


def steps(a: Ints, w: Widths, params: Mapping[str, Any]) -> Ints:
    """Work of every group of A (rows, K), 0 if all its operands are zero: (rows, groups)."""
    return work(a, w.a, w.lanes, str(params["digits"]))


RECORD = PE(
    name="pragmatic",
    title="essential bits of activations",
    source="Bit-Pragmatic, MICRO 2017, arXiv:1610.06920; partly from memory",
    nest=None,
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=LockStep(range(1, 65), steps, depends="a"),
    ways=frozenset({Way.KEEP}),
    hardware=None,
    parameters=(
        lanes_parameter(16, range(1, 65)),
        Parameter(
            "digits",
            "magnitude",
            DIGITS,
            "powers of two that A is split into: ones of its magnitude, assumed, or CSD digits",
            trade="csd costs a recoder for every operand; saves powers of two, so cycles",
        ),
    ),
    rules=(
        Rule(
            "pragmatic",
            "pragmatic",
            OPERAND,
            "at every group",
            per_group(lambda x, n: work(x.a, x.a_bits, n)),
            place=5,
        ),
        Rule(
            "pragmatic-csd",
            "pragmatic",
            OPERAND,
            "at every group",
            per_group(lambda x, n: work(x.a, x.a_bits, n, "csd")),
            place=5,
        ),
    ),
)
