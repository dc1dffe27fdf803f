"""Multiply-add with approximate normalisation: the psum travels so, and is rounded in the finish.

A psum is a significand of `int_bits` integer and `psum_fraction_bits` fraction bits, with an
exponent. In every step the exact product, of which two integer bits come as they are, and the psum
are aligned to the larger exponent, whatever their highest ones, and added; a carry shifts the sum
right by one. Then the normaliser looks at its bits from the highest integer bit down: if one of the
top `norm_k` is set it shifts by 0, else if one of the next `norm_lambda` is set by `norm_k`, else
by `norm_k` + `norm_lambda`: there is no count of leading zeros, and no rounding. The finish
normalises and rounds once, to nearest, ties to even. What the paper leaves open:

alignment   -- `align` = truncate drops what is shifted out, sticky keeps in the lowest bit whether
               there was any. A magnitude is cut towards zero, two's complement towards -infinity
zero        -- a product of zero leaves the psum as it is, bit by bit; a sum of zero is +0, and has
               an exponent below all others, so that it aligns nothing
subnormals  -- of operands and of C are kept
overflow    -- only in the finish, to infinity: the exponent on its way holds 2**32 products
no numbers  -- NaN, infinity times zero and infinities of opposite signs give one NaN, which stays

`normaliser` = exact counts leading zeros in the same datapath, none leaves sums as the carry left
them. In two's complement (`psum_form`), bits that differ from the sign take the place of set ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from tpe.base.jit import kernel
from tpe.numbers.approx_gemm import LARGEST, approx_product
from tpe.numbers.approx_sums import Datapath, approx_step, datapath, datapath_of, finished, packed
from tpe.numbers.arithmetic import Arithmetic
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import Format
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.floating import (
    acc_bits_conflict,
    acc_bits_of_c,
    c_type_parameter,
    choices,
    encoded_types,
    float_format,
)
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.paces import Dense
from tpe.pe.parameters import FINISH_STAGES, Parameter, stages_parameter
from tpe.pe.widths import Params

TYPES = ("bf16", "e4m3fn", "e5m2")  # whose products have less than 16 fraction bits
RESULTS = ("fp32", "bf16")


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Multiply exactly, align, add, normalise as far as the datapath does."""
    how = datapath_of(facts.settings)
    for lane in range(codes.shape[0]):
        for n in range(codes.shape[1]):
            psum[0, n] = approx_step(psum[0, n], codes[lane, n], b[lane, n], how)


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """Normalise and round."""
    how = datapath_of(facts.settings)
    for n in range(acc.size):
        acc[n] = finished(psum[0, n], how)


@dataclass(frozen=True)
class ApproxProduct:
    """C of a GEMM by this datapath: `Arithmetic.product`, and it pickles."""

    result: FloatFormat
    how: Datapath

    def __call__(self, a: Ints, b: Ints, a_format: Format, b_format: Format) -> Ints:
        """Words of C (M, N)."""
        assert isinstance(a_format, FloatFormat) and isinstance(b_format, FloatFormat)
        return approx_product(a, b, a_format, b_format, self.result, self.how)


def at(record: PE, params: Params) -> PE:
    """The PE for these formats and choices."""
    named = (PSUM_FRACTION_BITS, INT_BITS)
    words = (NORMALISER, ALIGN, PSUM_FORM)
    return _at(
        *encoded_types(params, TYPES[0]),
        float_format(params["c_type"]),
        params[NORM_K.name],
        params[NORM_LAMBDA.name],
        *(int(params[p.name]) for p in named),
        *(p.rtl_value(params[p.name]) for p in words),
    )


@cache
def _at(a: FloatFormat, b: FloatFormat, c: FloatFormat, *choice: int) -> PE:
    how = datapath(a, b, c, choice)
    bits = 2 + how.exponent_bits + 1 + how.int_bits + how.fraction_bits
    own = Kernel(Psum("word", lambda w: bits), step, resolve, settings=packed(how))
    return replace(RECORD, kernel=own, arithmetic=arithmetic(c, how))


def arithmetic(result: FloatFormat, how: Datapath) -> Arithmetic:
    """What it computes, by this datapath."""
    return Arithmetic(
        "multiply-add with approximate normalisation",
        a_types=TYPES,
        b_types=TYPES,
        product=ApproxProduct(result, how),
        result=result,
        pads_with_zeros=False,  # zero times infinity is NaN
        choices=choices(RESULTS),
        follows={"acc_bits": acc_bits_of_c},
    )


def conflict(params: Params) -> str | None:
    """What is wrong where C has another width than `acc_bits`, or a significand is too wide."""
    fraction, integer = int(params["psum_fraction_bits"]), int(params["int_bits"])
    if fraction + integer <= LARGEST:
        return acc_bits_conflict(params)
    return (
        f"int_bits = {integer} is not legal with psum_fraction_bits = {fraction}: a significand "
        f"has at most {LARGEST} bits; legal: {INT_BITS.legal[0]} to {LARGEST - fraction}"
    )


NORM_K = Parameter(
    "norm_k",
    1,
    range(1, 9),
    "k of the approximate normaliser: top bits of which one that is set leaves a sum as it is",
    "NormK",
    trade="a larger one leaves sums further from normal, which costs accuracy; saves nothing",
)
NORM_LAMBDA = Parameter(
    "norm_lambda",
    1,
    range(1, 9),
    "lambda of it: bits below those, of which one that is set has the sum shifted by k",
    "NormLambda",
    trade="a larger one costs a wider test; saves bits of sums that are far from normal",
)
PSUM_FRACTION_BITS = Parameter(
    "psum_fraction_bits",
    16,
    (16, 24),
    "fraction bits of the psum's significand",
    "PsumFracBits",
    trade="24 costs area of every cell; saves most of what alignment cuts off",
)
INT_BITS = Parameter(
    "int_bits",
    2,
    range(2, 8),
    "integer bits of the psum's significand: a product has two",
    "IntBits",
    trade="more cost area of every cell; save carries where nothing normalises",
)
NORMALISER = Parameter(
    "normaliser",
    "approx",
    ("approx", "exact", "none"),
    "how far a sum is moved up in a step: by two tests, by a count of its leading zeros, or not",
    "Normaliser",
    trade="exact costs a count and a full shifter; none saves both, and costs accuracy",
)
ALIGN = Parameter(
    "align",
    "truncate",
    ("truncate", "sticky"),
    "what becomes of bits that are shifted out: dropped, or or-ed into the lowest",
    "Align",
    trade="sticky costs an or over all that may be shifted out; saves bias of sums",
)
PSUM_FORM = Parameter(
    "psum_form",
    "sign_magnitude",
    ("sign_magnitude", "twos_complement"),
    "how a psum is signed",
    "PsumForm",
    trade="twos_complement costs bias, it is cut downwards; saves the negation behind the adder",
)
_FIRST = float_format(TYPES[0])
_DEFAULT = datapath(_FIRST, _FIRST, float_format(RESULTS[0]), (1, 1, 16, 2, 0, 0, 0))

RECORD = PE(
    name="fma_approxnorm",
    title="approximate normalisation",
    source="arXiv:2408.11997",
    nest=None,  # sums that are cut cannot be deferred past, so that no rewrite is licensed
    kernel=Kernel(Psum("word", lambda w: 31), step, resolve, settings=packed(_DEFAULT)),
    pace=Dense(lanes=range(1, 2)),
    ways=frozenset({Way.KEEP, Way.PASS}),
    hardware=Hardware(
        cell="fma_approxnorm",
        finish="fma_approxnorm",
        latency=lambda params: int(params.get("stages", 1)) - 1,
    ),
    arithmetic=arithmetic(float_format(RESULTS[0]), _DEFAULT),
    parameters=(
        NORM_K,
        NORM_LAMBDA,
        PSUM_FRACTION_BITS,
        INT_BITS,
        NORMALISER,
        ALIGN,
        PSUM_FORM,
        c_type_parameter(
            RESULTS,
            "format of C, to which the finish rounds",
            "bf16 costs accuracy; saves half of C's words",
        ),
        stages_parameter("stages", 2, "2 registers the exact products", "Stages"),
        FINISH_STAGES,
    ),
    at=at,
    conflict=conflict,
)
