"""Bipolar weights: operands of A times weights of one bit, +1 or -1, summed in a word.

There is no weight of zero: a padded operand of K has a zero in A instead, whatever its weight is.
"""

from __future__ import annotations

from tpe.base.jit import kernel
from tpe.numbers.arithmetic import Arithmetic, of_values
from tpe.numbers.words import I64
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.paces import Dense
from tpe.pe.parameters import lanes_parameter


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Add the operand, or its complement and one, to the running word."""
    mask = (1 << facts.psum_bits) - 1
    word = psum[0]
    for lane in range(codes.shape[0]):
        for n in range(word.size):
            negative = b[lane, n] - 1  # all ones for a weight of -1
            word[n] = (word[n] + ((codes[lane, n] ^ negative) - negative)) & mask


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """The word is the result."""
    acc[:] = psum[0]


RECORD = PE(
    name="bipolar",
    title="one-bit weights, plus or minus",
    source="arXiv:2409.17870",
    nest=None,  # its one primitive, a conditional negation, is not of the notation
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=Dense(lanes=range(1, 1025)),
    ways=frozenset({Way.KEEP}),
    hardware=Hardware(cell="bipolar", finish="word"),
    arithmetic=Arithmetic(
        "bipolar",
        a_types=(),
        b_types=("bipolar1",),
        product=of_values,
        pads_with_zeros=False,  # the padded weights of a column are all -1
        choices={"zero_points": ("none",), "encode": ("activations",)},
    ),
    parameters=(lanes_parameter(1, range(1, 1025)),),
)
