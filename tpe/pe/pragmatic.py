"""Pragmatic: one power of two of A per lane a cycle; a group waits for its longest operand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tpe.base.errors import unknown
from tpe.base.jit import kernel, step_type
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.pe.base import PE, Pace, Parameter, Psum, Way, Widths, lanes_parameter
from tpe.pe.mac import resolve

DIGITS = ("magnitude", "csd")


@kernel(step_type)
def step(
    a: int, b: int, plane: int, word: int, unused: int, bits: int, a_bits: int, encoder: int
) -> tuple[int, int]:
    """B with the sign of A, shifted to every one of A's magnitude, lowest first.

    With CSD digits the powers differ and their sum does not.
    """
    left, signed_b = abs(a), -b if a < 0 else b
    total, p = 0, 0
    while left:
        if left & 1:
            total += signed_b << p
        left >>= 1
        p += 1
    return (word + total) & ((1 << bits) - 1), 0


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
    pace=Pace.SPARSE_A,
    ways=frozenset({Way.KEEP}),
    psum=Psum("word", lambda w: w.acc),
    finish="word",
    step=step,
    resolve=resolve,
    built=lambda w: {},
    parameters=(
        lanes_parameter(16, range(1, 65)),
        Parameter(
            "digits",
            "magnitude",
            DIGITS,
            "powers of two that A is split into: ones of its magnitude, assumed, or CSD digits",
        ),
    ),
    lanes=range(1, 65),
    steps=steps,
    rtl=False,
)
