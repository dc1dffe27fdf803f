"""L-Mul: floating-point products by one integer addition, summed in fp32.

r = x + y - (bias << m) + (1 << (m - l)) on exponent and fraction bits together, m mantissa fraction
bits, l of the paper: the hardware's form, not the printed formula (`tpe.numbers.lmul`). A and B
have one format; sums are rounded to nearest even after every product, k ascending, and overflow to
infinity. What becomes of subnormals and of a product beyond the largest code is a choice: the
paper says neither. NaN, and infinity times zero, give the one NaN, 7FC00000 of a sum; a sum of zero
is +0.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

from tpe.base.jit import kernel
from tpe.numbers.arithmetic import PLAIN, Arithmetic
from tpe.numbers.float_parts import LAYOUT_BITS, fused_sum, layout, unpacked
from tpe.numbers.floats import FP32, FloatFormat
from tpe.numbers.lmul import (
    OFFSETS,
    OVERFLOWS,
    SUBNORMALS,
    Convention,
    convention,
    lmul_code,
    packed,
)
from tpe.numbers.lmul_gemm import lmul_product
from tpe.numbers.words import I64
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.floating import encoded_types, float_format
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.paces import Dense
from tpe.pe.parameters import Parameter
from tpe.pe.widths import Params

TYPES = ("bf16", "fp16", "e4m3fn", "e5m2")
_SUM = layout(FP32)
_FORM = (1 << LAYOUT_BITS) - 1


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Multiply by an integer addition, add with one rounding; lanes one after another."""
    form = facts.settings & _FORM
    for lane in range(codes.shape[0]):
        for n in range(codes.shape[1]):
            product = lmul_code(codes[lane, n], b[lane, n], facts.settings)
            what, negative, exponent, significand = unpacked(product, form)
            psum[0, n] = fused_sum(what, negative, exponent, significand, psum[0, n], _SUM)


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """The word is the result."""
    acc[:] = psum[0]


def arithmetic(number: FloatFormat, how: Convention) -> Arithmetic:
    """What it computes with operands of this format."""
    return Arithmetic(
        "L-Mul",
        a_types=TYPES,
        b_types=TYPES,
        product=partial(lmul_product, number=number, how=how),
        result=FP32,
        pads_with_zeros=False,  # zero times infinity is NaN
        choices={**PLAIN, "acc_bits": (FP32.bits,), "overflow": ("inf",)},
    )


def at(record: PE, params: Params) -> PE:
    """The PE for the format of its operands and its conventions."""
    number, _ = encoded_types(params, TYPES[0])
    how = convention(number, params["offset"], params["subnormals"], params["product_overflow"])
    return _at(number, how)


@cache
def _at(number: FloatFormat, how: Convention) -> PE:
    own = replace(RECORD.kernel, settings=packed(number, how))
    return replace(RECORD, kernel=own, arithmetic=arithmetic(number, how))


def types_conflict(params: Params) -> str | None:
    """A line where the operands have two formats: their fields are added as they are."""
    a, b = (params.get(name, TYPES[0]) for name in ("a_type", "b_type"))
    if a == b:
        return None
    return f"a_type = '{a}' is not legal with b_type = '{b}': legal: two of one format"


_USUAL = convention(float_format(TYPES[0]), OFFSETS[0], SUBNORMALS[0], OVERFLOWS[0])

RECORD = PE(
    name="lmul",
    title="multiplication by integer addition",
    source="arXiv:2410.00907",
    nest=None,  # a sum that rounds cannot be deferred past, so that no rewrite of one is licensed
    kernel=Kernel(
        Psum("word", lambda w: w.acc),
        step,
        resolve,
        settings=packed(float_format(TYPES[0]), _USUAL),
    ),
    pace=Dense(lanes=range(1, 2)),
    ways=frozenset({Way.KEEP, Way.PASS}),
    hardware=Hardware(cell="lmul", finish="word"),
    arithmetic=arithmetic(float_format(TYPES[0]), _USUAL),
    parameters=(
        Parameter(
            "offset",
            OFFSETS[0],
            OFFSETS,
            "2**-l that a product gets: 2**-4 in bf16 and fp16, 2**-3 in e4m3fn, 2**-2 in e5m2",
            "LmulOffset",
            trade="none costs accuracy at 7 fraction bits and gains it below; saves one constant",
        ),
        Parameter(
            "subnormals",
            SUBNORMALS[0],
            SUBNORMALS,
            "subnormal operands and products: zero, or codes that are added like any other",
            "Subnormals",
            trade="keep costs a shifter, but in bf16; saves products that are small",
        ),
        Parameter(
            "product_overflow",
            OVERFLOWS[0],
            OVERFLOWS,
            "a product above the largest code: infinity (NaN in e4m3fn), that code, its low bits",
            "ProductOverflow",
            trade="wrap costs all sense of what is too large, and saves a comparison",
        ),
    ),
    at=at,
    conflict=types_conflict,
)
