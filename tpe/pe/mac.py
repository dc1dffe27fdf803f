"""MAC: the conventional PE and honest baseline.

A Booth (or EN-T) multiplier and a word accumulator in every cell; `stages` 1 to 3 registers the
product, and at 3 the compressed partial products too.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tpe.base.jit import kernel
from tpe.nest.notation import Nest, mac
from tpe.nest.rewrites import encode_in
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64, compress, digit
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.meetings import OPERAND, Operands, Rule, per_group
from tpe.pe.paces import Dense
from tpe.pe.parameters import ENCODE_IN, ENCODER, TREE, Parameter, code_bits, lanes_parameter
from tpe.pe.widths import Loops, Params, Widths


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Compress the shifted partial products, resolve them, add to the running word."""
    bits, digits = facts.psum_bits, (facts.a_bits + 1) // 2
    mask = (1 << bits) - 1
    word = psum[0]
    part, carry = np.empty(word.size, np.int64), np.empty(word.size, np.int64)
    for lane in range(codes.shape[0]):
        part[:] = 0
        carry[:] = 0
        for i in range(digits):
            for n in range(word.size):
                code = digit(codes[lane, n], i, facts.a_bits, facts.encoder)
                partial_product = (code * b[lane, n]) << (2 * i)
                part[n], carry[n] = compress(part[n], carry[n], partial_product & mask, bits)
        for n in range(word.size):
            word[n] = (word[n] + part[n] + carry[n]) & mask


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """The word is the result."""
    acc[:] = psum[0]


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


def dense_work(x: Operands, lanes: int) -> Ints:
    """A cycle for every group, whatever its operands."""
    return np.ones((x.a.shape[0], -(-x.a.shape[1] // lanes)), np.int64)


RECORD = PE(
    name="mac",
    title="multiply-accumulate",
    source="arXiv:2503.06342, the MAC nest",
    nest=nest,
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=Dense(lanes=range(1, 1025)),
    ways=frozenset(Way),
    hardware=Hardware(
        cell="mac",
        finish="word",
        built=built,
        code_bits=code_bits,
        latency=lambda params: int(params["stages"]) - 1,
        trees=lambda w, params: ((w.digits, w.a + w.b),),
    ),
    parameters=(
        ENCODER,
        ENCODE_IN,
        TREE,
        Parameter("stages", 1, range(1, 4), "pipeline stages of the multiply-accumulate", "Stages"),
        lanes_parameter(1, range(1, 1025)),
    ),
    rules=(
        Rule("mac", "mac", OPERAND, "never: all take one cycle", per_group(dense_work), place=0),
    ),
)
