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
from tpe.numbers.words import I64, Rows, carry_save, lowest_digit, recoded
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.meetings import OPERAND, Operands, Rule, per_group
from tpe.pe.paces import Dense
from tpe.pe.parameters import ENCODE_IN, ENCODER, TREE, Parameter, code_bits, lanes_parameter
from tpe.pe.widths import Loops, Params, Widths

ROW = 512  # products at a time, of several lanes: long loops, whose rows stay in the first cache


@kernel()
def multiply(codes: I64, b: I64, rows: Rows, facts: Facts) -> None:
    """Compress the shifted partial products of every operand, resolve them into the first row.

    Words wrap as they are stored in a row, which makes all words of a loop as narrow as its rows.
    The sign of A, which EN-T's digits of a magnitude lack, goes to B.
    """
    product, carry, partial_product = rows[0], rows[1], rows[2]
    pairs, carries, shifted = rows[3], rows[4], rows[5]
    product[:] = 0
    carry[:] = 0
    for n in range(codes.size):
        pairs[n], carries[n] = recoded(codes[n], facts.a_bits, facts.encoder)
        shifted[n] = -b[n] if facts.encoder == 1 and codes[n] < 0 else b[n]
    for _ in range((facts.a_bits + 1) // 2):
        for n in range(codes.size):
            partial_product[n] = lowest_digit(pairs[n], carries[n]) * shifted[n]
            pairs[n] >>= 2
            carries[n] >>= 2
            shifted[n] <<= 2
        for n in range(codes.size):
            product[n], carry[n] = carry_save(product[n], carry[n], partial_product[n])
    for n in range(codes.size):
        product[n] += carry[n]


@kernel()
def accumulate(codes: I64, b: I64, word: I64, rows: Rows, facts: Facts) -> None:
    """Add the products of every lane to the running word; as many lanes at a time as rows hold."""
    mask, cells = (1 << facts.psum_bits) - 1, word.size
    most = rows.shape[1] // cells
    for first in range(0, codes.shape[0], most):
        lanes = min(most, codes.shape[0] - first)
        a = codes[first : first + lanes].reshape(lanes * cells)
        multiply(a, b[first : first + lanes].reshape(lanes * cells), rows, facts)
        for lane in range(lanes):
            product = rows[0, lane * cells : (lane + 1) * cells]
            for n in range(cells):
                word[n] = (word[n] + product[n]) & mask


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Compress the shifted partial products, resolve them, add to the running word.

    A product has a_bits + b_bits bits, the width of the tree, and takes the narrowest words that
    hold it: the narrower they are, the more of them a vector has.
    """
    bits, size = facts.a_bits + facts.b_bits, max(ROW, psum.shape[1])
    if bits <= 16:
        accumulate(codes, b, psum[0], np.empty((6, size), np.int16), facts)
    elif bits <= 32:
        accumulate(codes, b, psum[0], np.empty((6, size), np.int32), facts)
    else:
        accumulate(codes, b, psum[0], np.empty((6, size), np.int64), facts)


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
