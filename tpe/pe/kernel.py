"""How a PE computes: the psum that travels between cells, and the kernel that updates it.

A kernel works on many cells at once. It has an operand of A and of B for every lane and cell, and
the psum of every cell as rows of unsigned words:

    step(codes, b, plane, psum, facts)      one step of all cells, in place
    resolve(psum, plane, acc, facts)        what the finish adds to, or puts into, accumulators

    codes  (lanes, cells)  operands of A, signed; digits of bit weight `plane` if the PE's pace
                           streams them (`Planes`, `FreeRows`)
    plane                  the bit weight; of `FreeRows` that are `falling`: 1 in the first step of
                           one below the top, which moves the psum up before it adds, else 0; of
                           `BitPlanes`: 0 for all planes of B, else 1 + the one that a step takes
    b      (lanes, cells)  operands of B, signed
    psum   (words, cells)  as many words as the `Psum` has, in its order; all zero at first
    acc    (cells,)        words of `facts.acc_bits` bits

All arrays are int64 and contiguous. Lanes are taken one after another, so that a step of many
lanes is as many steps of one: a driver may give any number of them. Not so where a kernel is
`fused`: its lanes are one sum, and a driver gives all of a step together, k ascending; what K
leaves over for the last step may be fewer, as if the others were zero. Cells are independent, and
the innermost loop is over them, which makes it a vector loop. A kernel with a `table` gets what the
table has for both operands in the place of codes. Kernels are written by hand and the RTL by hand
again; only the contract joins them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from tpe.numbers.multiplier_table import MultiplierTable
from tpe.numbers.operands import Ints
from tpe.pe.widths import Widths

_NO_PRODUCTS: Ints = np.zeros((0, 0), np.int32)


class Facts(NamedTuple):
    """The integers that kernels know beside their operands."""

    psum_bits: int  # of the widest word of the psum
    a_bits: int
    b_bits: int
    acc_bits: int
    encoder: int  # 0 Booth, 1 EN-T: `ENCODERS`
    settings: int = 0  # of the kernel itself, packed by it: a rule, formats of floating point
    period: int = 0  # steps after which a PE adds its partial sum to a wider one; 0: never


def facts_type(t: Any) -> Any:
    """`Facts` as numba's namespace of types `t` has it."""
    return t.NamedUniTuple(t.int64, len(Facts._fields), Facts)


def step_type(t: Any) -> Any:
    """Signature of `step`."""
    rows = t.int64[:, ::1]
    return t.void(rows, rows, t.int64, rows, facts_type(t))


def resolve_type(t: Any) -> Any:
    """Signature of `resolve`."""
    return t.void(t.int64[:, ::1], t.int64, t.int64[::1], facts_type(t))


@dataclass(frozen=True)
class Psum:
    """What travels between cells: opaque bits to every array.

    `word_bits` is the width of its widest word: a `word` psum is one, a `carry_save` psum is
    {carry, sum}, `pairs` times, `bit_weights` is such a pair for every bit weight bw, 2 bw bits
    narrower each. A carry-save pair is exact modulo 2**(its width) only. `fp` is a word of a
    floating-point format, with `more` words beside it.
    """

    kind: Literal["word", "carry_save", "bit_weights", "fp"]
    word_bits: Callable[[Widths], int]
    pairs: int = 1  # of a `carry_save` psum
    carry_bits: Callable[[Widths], int] | None = None  # of one whose carry word is shorter
    more: tuple[int, ...] = ()  # widths of further words of an `fp` psum

    def words(self, widths: Widths) -> tuple[int, ...]:
        """The width of each of its words, lowest first.

        >>> Psum("bit_weights", lambda w: w.acc).words(Widths(a=4, b=4, acc=24))
        (24, 24, 22, 22)
        """
        top = self.word_bits(widths)
        if self.kind == "word":
            return (top,)
        if self.kind == "carry_save":
            carry = self.carry_bits(widths) if self.carry_bits else top
            return (top, carry) * self.pairs
        if self.kind == "fp":
            return (top, *self.more)
        return tuple(top - 2 * bw for bw in range(widths.digits) for _ in ("sum", "carry"))

    def bits(self, widths: Widths) -> int:
        """All bits of the psum."""
        return sum(self.words(widths))


@dataclass(frozen=True)
class Kernel:
    """A psum, and the compiled functions that update and resolve it: see this module.

    fused -- whether the lanes of a step are one sum;  settings, period -- for its `Facts`; a period
    may depend on K;  table -- of a PE that looks its products up
    """

    psum: Psum
    step: Callable[..., None]
    resolve: Callable[..., None]
    fused: bool = False
    settings: int = 0
    period: Callable[[int], int] | None = None
    table: MultiplierTable | None = None

    @property
    def products(self) -> Ints:
        """Those of its table, int32, read-only; (0, 0) of a kernel that multiplies."""
        return _NO_PRODUCTS if self.table is None else self.table.products

    def facts(self, widths: Widths, encoder: int, k: int = 0) -> Facts:
        """What `step` and `resolve` know of an engine, and of a GEMM of this K."""
        psum_bits = self.psum.word_bits(widths)
        period = self.period(k) if self.period else 0
        return Facts(psum_bits, widths.a, widths.b, widths.acc, encoder, self.settings, period)
