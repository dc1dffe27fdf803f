"""Fused multiply-add: exact products, the psum normalised and rounded in every step.

psum = round(psum + a * b), to nearest, ties to even, once a step; k ascending, from +0. Operands
are of any two of the formats below, the psum is fp32 or fp16 (`c_type`), and so is C. As in IEEE
754: subnormals are kept, in and out; overflow is infinity; a sum of zero is +0 unless both terms
are -0; NaN, infinity times zero and infinities of opposite signs give one NaN, 7FC00000 in fp32
and 7E00 in fp16. K is padded by products of -0, which change no psum.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

from tpe.base.jit import kernel
from tpe.numbers.arithmetic import Arithmetic
from tpe.numbers.float_parts import LAYOUT_BITS, exact_product, fused_sum, layout
from tpe.numbers.floats import FloatFormat
from tpe.numbers.fma_gemm import fused_product
from tpe.numbers.words import I64
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.floating import (
    acc_bits_conflict,
    acc_bits_of_c,
    c_type_parameter,
    choices,
    encoded_types,
    float_format,
    minus_zero,
)
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.paces import Dense
from tpe.pe.parameters import stages_parameter
from tpe.pe.widths import Params

TYPES = ("bf16", "fp16", "fp32", "e4m3fn", "e5m2")
SUMS = ("fp32", "fp16")


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Multiply exactly, add, round once; lanes one after another."""
    mask = (1 << LAYOUT_BITS) - 1
    a_form, b_form = facts.settings & mask, (facts.settings >> LAYOUT_BITS) & mask
    form = facts.settings >> (2 * LAYOUT_BITS)
    for lane in range(codes.shape[0]):
        for n in range(codes.shape[1]):
            product = exact_product(codes[lane, n], b[lane, n], a_form, b_form)
            psum[0, n] = fused_sum(*product, psum[0, n], form)


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """The word is the result."""
    acc[:] = psum[0]


def arithmetic(result: FloatFormat) -> Arithmetic:
    """What it computes, with a psum of this format."""
    return Arithmetic(
        "fused multiply-add",
        a_types=TYPES,
        b_types=TYPES,
        product=partial(fused_product, result=result),
        result=result,
        pads_with_zeros=False,  # zero times infinity is NaN
        b_padding=minus_zero,
        choices=choices(SUMS),
        follows={"acc_bits": acc_bits_of_c},
    )


def at(record: PE, params: Params) -> PE:
    """The PE for the formats of its operands and of its psum."""
    return _at(*encoded_types(params, TYPES[0]), float_format(params["c_type"]))


@cache
def _at(a: FloatFormat, b: FloatFormat, result: FloatFormat) -> PE:
    # Layouts of A, B and the psum, A lowest.
    settings = layout(a) | layout(b) << LAYOUT_BITS | layout(result) << (2 * LAYOUT_BITS)
    kernel_of_these = replace(RECORD.kernel, settings=settings)
    return replace(RECORD, kernel=kernel_of_these, arithmetic=arithmetic(result))


RECORD = PE(
    name="fma",
    title="fused multiply-add",
    source="IEEE 754-2019, fusedMultiplyAdd",
    nest=None,  # a sum that rounds cannot be deferred past, so that no rewrite of one is licensed
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=Dense(lanes=range(1, 2)),
    ways=frozenset({Way.KEEP, Way.PASS}),
    hardware=Hardware(
        cell="fma", finish="word", latency=lambda params: int(params.get("stages", 1)) - 1
    ),
    arithmetic=arithmetic(float_format(SUMS[0])),
    parameters=(
        c_type_parameter(
            SUMS,
            "format of the psum, and of C: rounded to in every step",
            "fp16 costs accuracy and range; saves half of the psum, and area of the cell",
        ),
        stages_parameter("stages", 2, "2 registers the exact products", "Stages"),
    ),
    at=at,
    conflict=acc_bits_conflict,
)
