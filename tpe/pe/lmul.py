"""L-Mul: bf16 products by one integer addition, summed in fp32.

r = x + y - (bias << m) + (1 << (m - l)) on exponent and fraction bits together, m = 7 mantissa
fraction bits of bf16 and l = 4: the hardware's form, not the printed formula, from which it differs
on 55 % of the fractions, since a carry out of them doubles the rest. Subnormal operands and
products are zero; overflow is infinity; sums are rounded to nearest even after every product, k
ascending. The paper says none of the last three.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.arithmetic import PLAIN, Arithmetic
from tpe.numbers.float_words import fp32_sum, lmul_bf16
from tpe.numbers.floats import FP32
from tpe.numbers.formats import Format
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64, wrap
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.paces import Dense
from tpe.pe.parameters import Parameter
from tpe.pe.widths import Params

OFFSET = 1 << (7 - 4)  # 2**-l of the paper, in units of the last fraction bit
_BIAS, _FRACTIONS = 127, 1 << 7


@kernel()
def accumulate(codes: I64, b: I64, psum: I64, offset: int) -> None:
    """Multiply with an offset, add with one rounding."""
    for lane in range(codes.shape[0]):
        for n in range(codes.shape[1]):
            product = lmul_bf16(codes[lane, n], b[lane, n], offset)
            psum[0, n] = fp32_sum(psum[0, n], product << 16)


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """A step with the paper's offset."""
    accumulate(codes, b, psum, OFFSET)


@kernel(step_type)
def step_without_offset(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """The same without an offset: Mitchell's product."""
    accumulate(codes, b, psum, 0)


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """The word is the result."""
    acc[:] = psum[0]


def product(a: Ints, b: Ints, a_format: Format, b_format: Format) -> Ints:
    """Words of C (M, N) in fp32 by NumPy's own addition of float32, with the paper's offset."""
    return _summed(a, b, OFFSET)


def product_without_offset(a: Ints, b: Ints, a_format: Format, b_format: Format) -> Ints:
    """The same without an offset."""
    return _summed(a, b, 0)


def _summed(a: Ints, b: Ints, offset: int) -> Ints:
    total = np.zeros((a.shape[0], b.shape[1]), np.float32)
    with np.errstate(all="ignore"):
        for k in range(a.shape[1]):
            total += _products(a[:, k, None], b[None, k], offset)
    return wrap(FP32.codes(total), FP32.bits)


def _products(x: Ints, y: Ints, offset: int) -> np.ndarray:
    """Products of bf16 codes as float32: fractions added, what they carry goes to the exponent."""
    (ex, ey), (fx, fy) = ((v >> 7) & 0xFF for v in (x, y)), (v & 0x7F for v in (x, y))
    carry, fraction = np.divmod(fx + fy + offset, _FRACTIONS)
    exponent = ex + ey + carry - _BIAS
    value = np.ldexp(np.float32(1) + fraction.astype(np.float32) / _FRACTIONS, exponent - _BIAS)
    zero = (ex == 0) | (ey == 0)
    value = np.where(zero | (exponent < 1), np.float32(0), value)
    value = np.where((exponent > 254) & ~zero, np.float32(np.inf), value)
    infinite = ((ex == 255) & (fx == 0)) | ((ey == 255) & (fy == 0))
    value = np.where(infinite, np.where(zero, np.float32(np.nan), np.float32(np.inf)), value)
    missing = ((ex == 255) & (fx > 0)) | ((ey == 255) & (fy > 0))
    value = np.where(missing, np.float32(np.nan), value)
    return np.where(((x ^ y) >> 15) & 1, -value, value).astype(np.float32)


ARITHMETIC = Arithmetic(
    "L-Mul",
    a_types=("bf16",),
    b_types=("bf16",),
    product=product,
    result=FP32,
    pads_with_zeros=False,  # zero times infinity is NaN
    choices={**PLAIN, "acc_bits": (32,), "overflow": ("inf",)},
)


def at(record: PE, params: Params) -> PE:
    """The PE with or without the offset."""
    if params["offset"] == "paper":
        return RECORD
    return replace(
        RECORD,
        kernel=Kernel(RECORD.kernel.psum, step_without_offset, resolve),
        arithmetic=replace(ARITHMETIC, product=product_without_offset),
    )


RECORD = PE(
    name="lmul",
    title="multiplication by integer addition",
    source="arXiv:2410.00907",
    nest=None,  # a sum that rounds cannot be deferred past, so that no rewrite of one is licensed
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=Dense(lanes=range(1, 2)),
    ways=frozenset({Way.KEEP}),
    hardware=Hardware(cell="lmul", finish="word"),
    arithmetic=ARITHMETIC,
    parameters=(
        Parameter(
            "offset",
            "paper",
            ("paper", "none"),
            "2**-4 that a product gets",
            "LmulOffset",
            trade="none costs accuracy, products are too small; saves nothing, it is one constant",
        ),
    ),
    at=at,
)
