"""Bipolar operands: planes of both, XNOR and popcount, all in a cycle (arXiv:2409.17870).

Bit i of an operand of n bits stands for +2**i or -2**i, so that a product is the sum over pairs of
bits of 2**(i+j), negative where they differ. Over the lanes of a step, S = (2**n - 1) (2**m - 1),

    sum of a * b  =  sum over i, j of 2**(i+j) (lanes - 2 popcount(a_i xor b_j))
                  =  S lanes - 2 sum over i, j of 2**(i+j) popcount(a_i xor b_j)

and popcount(a xnor b) is lanes - popcount(a xor b). There is no number of zero: an operand of A
has a bit above its own that says it is one, and a lane without it is counted nowhere.
"""

from __future__ import annotations

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.arithmetic import Arithmetic, of_values
from tpe.numbers.bipolar import TYPES
from tpe.numbers.formats import Format
from tpe.numbers.words import I64
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.paces import Dense
from tpe.pe.parameters import lanes_parameter, stages_parameter
from tpe.pe.widths import Params, Widths


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Count where planes of a lane differ: those of B by one xor, they are side by side in a word.

    A word of a plane of many lanes, whose ones are counted at once, would pay if it were packed
    once for all cells; here every cell has its operands by themselves.
    """
    word, mask = psum[0], (1 << facts.psum_bits) - 1
    a_ones, b_ones = (1 << facts.a_bits) - 1, (1 << facts.b_bits) - 1
    differ = np.empty(word.size, np.int32)  # weighed; 255 * 255 at most
    for lane in range(codes.shape[0]):
        differ[:] = 0
        for i in range(facts.a_bits):
            for n in range(word.size):
                ones = -((codes[lane, n] >> i) & 1)
                differ[n] += ((b[lane, n] ^ ones) & b_ones) << i
        for n in range(word.size):
            operand = -(codes[lane, n] >> facts.a_bits)  # all ones, or nothing of a padded lane
            word[n] = (word[n] + ((a_ones * b_ones - 2 * differ[n]) & operand)) & mask


def lowest(number: Format) -> int:
    """The code of B of zeros alone, which is what its port has for padding."""
    return 1 << number.bits


def code_bits(widths: Widths, params: Params) -> int:
    """Bits of an operand of A on its way to the cells: its own, and that it is one."""
    return widths.a + 1


RECORD = PE(
    name="bipolar",
    title="XNOR and popcount of planes",
    source="arXiv:2409.17870",
    # The notation has the bit weights of one operand, BW; here both have them, and a product is a
    # sum over two such loops.
    nest=None,
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=Dense(lanes=range(1, 1025)),
    ways=frozenset(Way),
    hardware=Hardware(
        cell="bipolar",
        finish="word",
        code_bits=code_bits,
        latency=lambda params: int(params["stages"]) - 1,
    ),
    arithmetic=Arithmetic(
        "bipolar",
        a_types=TYPES,
        b_types=TYPES,
        product=of_values,
        pads_with_zeros=False,  # a padded column of B meets operands of A
        valid_bit=True,
        b_padding=lowest,
        choices={"zero_points": ("none",)},
        instead="an int<n> x is 2 x + 1 of bipolar<n>",
    ),
    parameters=(
        lanes_parameter(1, range(1, 1025)),
        stages_parameter("stages", 3, "2 registers the sum of a step, 3 the counts, too", "Stages"),
    ),
)
