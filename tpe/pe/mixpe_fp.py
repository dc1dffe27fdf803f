"""MixPE with activations of floating point: weights of few bits by shift and add, sums in fp32.

An activation is (-1)**s m 2**e with whole m, so that times a weight q it is (-1)**s (m q) 2**e: the
significand by shift and add of the weight's bits, exact, the exponent as it is. Order of rounding:

1. psum = round(psum + a * q) in every step, to fp32, nearest, ties to even, k ascending, from +0;
2. at the end of a group of K (`scale_group`) psum times the group's scale, rounded once to fp32;
3. that and the accumulator, rounded once to fp32, groups ascending (`tpe.numbers.group_scales`).

Zero points are taken out of the weights before: q is then q - z, a bit wider, and still exact.
Dequantised first, each weight is rounded to bf16 or fp16 and there is one sum of all of K: `fma`
computes that. Subnormals are kept, beyond fp32 is infinity, infinity times 0 and infinities of
opposite signs are NaN (arXiv:2411.16158).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

from tpe.base.jit import kernel
from tpe.numbers.arithmetic import Arithmetic
from tpe.numbers.float_parts import INFINITE, NAN, fused_sum, layout, unpacked
from tpe.numbers.floats import FP32, FloatFormat
from tpe.numbers.fma_gemm import fused_product
from tpe.numbers.words import I64
from tpe.pe.base import PE, Way
from tpe.pe.floating import choices, float_format
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.paces import Dense
from tpe.pe.widths import Params

A_TYPES = ("bf16", "fp16")
B_TYPES = ("int4", "int5", "uint4", "int3", "uint3", "int2", "uint2")
_SUM = layout(FP32)


@kernel()
def shift_and_add(significand: int, size: int) -> int:
    """Their product, a row for every bit of `size`.

    >>> shift_and_add(1027, 8), shift_and_add(1027, 5)
    (8216, 5135)
    """
    total = 0
    while size:
        total += significand if size & 1 else 0
        significand <<= 1
        size >>= 1
    return total


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Multiply exactly, add, round once; lanes one after another."""
    for lane in range(codes.shape[0]):
        for n in range(codes.shape[1]):
            weight = b[lane, n]
            what, negative, exponent, significand = unpacked(codes[lane, n], facts.settings)
            product = shift_and_add(significand, abs(weight))
            if what == INFINITE and weight == 0:
                what = NAN
            sign = negative ^ int(weight < 0)
            psum[0, n] = fused_sum(what, sign, exponent, product, psum[0, n], _SUM)


def _choices() -> dict[str, tuple[object, ...]]:
    """Common parameters: those of sums in fp32, but scales of groups; the activation is encoded."""
    own = {
        name: legal for name, legal in choices(("fp32",)).items() if not name.startswith("scale")
    }
    return {**own, "encode": ("activations",)}


def at(record: PE, params: Params) -> PE:
    """The PE for the format of its activations."""
    return _at(float_format(params.get("a_type", A_TYPES[0])))


@cache
def _at(a: FloatFormat) -> PE:
    return replace(RECORD, kernel=replace(RECORD.kernel, settings=layout(a)))


RECORD = PE(
    name="mixpe_fp",
    title="shift and add of floats",
    source="arXiv:2411.16158",
    nest=None,  # a sum that rounds cannot be deferred past, so that no rewrite of one is licensed
    kernel=Kernel(
        Psum("word", lambda w: w.acc), step, resolve, settings=layout(float_format(A_TYPES[0]))
    ),
    pace=Dense(lanes=range(1, 2)),
    ways=frozenset({Way.KEEP, Way.PASS}),
    hardware=None,
    arithmetic=Arithmetic(
        "shift and add of floats",
        a_types=A_TYPES,
        b_types=B_TYPES,
        product=partial(fused_product, result=FP32),
        result=FP32,
        choices=_choices(),
    ),
    at=at,
)
