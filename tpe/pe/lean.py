"""Lean partial products: what a cell leaves to its row, as arXiv:2503.06342 does not say.

A negative multiple is the complement of the positive one plus 1, and a word that may be negative is
sign-extended through every adder behind it. Both can leave the cell. The 1s (`negate = row`) and a
bias that makes every word non-negative (`biased = on`) depend on the row's operands of A alone, or
on how many there are: one term a row, which the finish adds to all of its psums.
"""

from __future__ import annotations

from tpe.nest.lean import bias, complement
from tpe.nest.notation import Nest
from tpe.numbers.three_greedy import KnownWord
from tpe.pe.parameters import HOLD, Negate
from tpe.pe.widths import Params, Widths


def leaves_to_row(params: Params) -> bool:
    """Whether the cells leave something to their row: ones, or a bias."""
    return bool(params["negate"] == Negate.ROW or params["biased"] == "on")


def clock_holds(params: Params) -> bool:
    """Whether nothing but the clock of its row holds a cell."""
    return bool(params.get("hold", HOLD.default) != HOLD.default)


def lean(nest: Nest, params: Params) -> Nest:
    """The nest rewritten as `negate` and `biased` say."""
    rewritten = complement(nest) if params["negate"] == Negate.ROW else nest
    return bias(rewritten) if params["biased"] == "on" else rewritten


def words_bits(widths: Widths, lanes: int = 1) -> int:
    """Bits of the sum of the biased partial products of `lanes` operands, the accumulator at most.

    Each is at most 3 * 2**b at its weight, which sums to less than 2**(b + 2 digits) an operand.
    """
    return min(widths.acc, widths.b + 2 * widths.digits + (lanes - 1).bit_length())


PRODUCTS = 3.0  # when partial products are there, in XORs of two bits behind registers
PAIR = 0.5  # ... and a running pair, behind the gate that clears it


def known_words(widths: Widths, params: Params, lanes: int, bits: int) -> tuple[KnownWord, ...]:
    """What is known of the shifted partial products of so many lanes, as words of `bits` bits.

    Below its weight a word is zero, but for the 1 of the one before (`negate = free_bits`); above,
    where it is not negative.
    """
    borrowed = 2 if params["negate"] == Negate.FREE_BITS else 0
    full = (1 << bits) - 1
    words = []
    for weight in range(0, 2 * widths.digits, 2):
        zeros = (1 << max(0, weight - borrowed)) - 1
        if params["biased"] == "on":
            zeros |= full & ~((1 << (weight + widths.b + 2)) - 1)
        words.append(KnownWord(zeros & full, PRODUCTS))
    return tuple(words) * lanes
