"""MixPE: activations times weights of few bits by shift and add, exact (arXiv:2411.16158).

A weight q of W bits, in two's complement, times an activation A is

    A q  =  sum over i < W - 1 of 2**i q_i A  -  2**(W-1) q_(W-1) A

so that a cell has W rows of A, shifted, and no multiplier. Where weights are the wider operand the
bits are the activation's. Weights have scales in groups of K, which `scale_group` says of every
engine of integers: `tpe.numbers.group_scales`. Activations of floating point: `mixpe_fp`.
"""

from __future__ import annotations

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.arithmetic import Arithmetic, exact_product
from tpe.numbers.formats import FORMATS
from tpe.numbers.words import I64
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.paces import Dense
from tpe.pe.parameters import lanes_parameter, stages_parameter

A_TYPES = ("int8", *(name for name in FORMATS if name != "int8"))
B_TYPES = ("int4", "uint4", "int3", "uint3", "int2", "uint2")


@kernel()
def add_rows(word: I64, factor: I64, bits: int, psum: I64, mask: int) -> None:
    """Add word * factor to psum, a row of shifted words for each of the factor's bits."""
    product = np.zeros(psum.size, np.int64)
    for i in range(bits - 1):
        for n in range(psum.size):
            product[n] += (word[n] & -((factor[n] >> i) & 1)) << i
    for n in range(psum.size):
        top = (word[n] & -((factor[n] >> (bits - 1)) & 1)) << (bits - 1)
        psum[n] = (psum[n] + product[n] - top) & mask


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Shift and add by the bits of the narrower operand, lane by lane."""
    mask = (1 << facts.psum_bits) - 1
    for lane in range(codes.shape[0]):
        if facts.b_bits <= facts.a_bits:
            add_rows(codes[lane], b[lane], facts.b_bits, psum[0], mask)
        else:
            add_rows(b[lane], codes[lane], facts.a_bits, psum[0], mask)


RECORD = PE(
    name="mixpe",
    title="narrow weights, shift and add",
    source="arXiv:2411.16158",
    nest=None,  # the notation's digits are of radix 4, and recoded; here they are bits as they come
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=Dense(lanes=range(1, 1025)),
    ways=frozenset({Way.KEEP, Way.PASS}),
    hardware=Hardware(
        cell="mixpe", finish="word", latency=lambda params: int(params["stages"]) - 1
    ),
    arithmetic=Arithmetic("shift and add", a_types=A_TYPES, b_types=B_TYPES, product=exact_product),
    parameters=(
        lanes_parameter(1, range(1, 1025)),
        stages_parameter("stages", 2, "2 registers the products", "Stages"),
    ),
)
