"""MAC: the conventional PE and honest baseline.

A Booth (or EN-T) multiplier and a word accumulator in every cell; `stages` 1 to 3 registers the
product, and at 3 the compressed partial products too.
"""

from __future__ import annotations

from collections.abc import Mapping

from tpe.base.jit import kernel, resolve_type, step_type
from tpe.nest.notation import Nest, mac
from tpe.nest.rewrites import encode_in
from tpe.numbers.words import compress, digit
from tpe.pe.base import (
    ENCODE_IN,
    ENCODER,
    PE,
    TREE,
    Loops,
    Pace,
    Parameter,
    Params,
    Psum,
    Way,
    Widths,
    code_bits,
    lanes_parameter,
)


@kernel(step_type)
def step(
    a: int, b: int, plane: int, word: int, unused: int, bits: int, a_bits: int, encoder: int
) -> tuple[int, int]:
    """Compress the shifted partial products, resolve them, add to the running word."""
    mask = (1 << bits) - 1
    part, carry = 0, 0
    for i in range((a_bits + 1) // 2):
        partial_product = (digit(a, i, a_bits, encoder) * b) << (2 * i)
        part, carry = compress(part, carry, partial_product & mask, bits)
    return (word + part + carry) & mask, 0


@kernel(resolve_type)
def resolve(word: int, unused: int, plane: int, acc: int, bits: int, acc_bits: int) -> int:
    """The word is the result."""
    return word


def nest(loops: Loops, params: Params) -> Nest:
    """The MAC nest, its encoders where `encode_in` says."""
    return encode_in(mac(*loops), params["encode_in"])


def built(w: Widths) -> Mapping[str, int]:
    """Output width of each primitive as `tpe_pe_mac` builds it."""
    product = w.a + w.b
    return {
        "encode": 3,
        "map": w.b + 2,
        "shift": product,
        "half_reduce": product,
        "add": product,
        "accumulate": w.acc,
    }


RECORD = PE(
    name="mac",
    title="multiply-accumulate",
    source="arXiv:2503.06342, the MAC nest",
    nest=nest,
    pace=Pace.DENSE,
    ways=frozenset(Way),
    psum=Psum("word", lambda w: w.acc),
    finish="word",
    step=step,
    resolve=resolve,
    built=built,
    parameters=(
        ENCODER,
        ENCODE_IN,
        TREE,
        Parameter("stages", 1, range(1, 4), "pipeline stages of the multiply-accumulate", "Stages"),
        lanes_parameter(1, range(1, 1025)),
    ),
    lanes=range(1, 1025),
    code_bits=code_bits,
    trees=lambda w, params: ((w.digits, w.a + w.b),),
    cell_latency=lambda params: int(params["stages"]) - 1,
)
