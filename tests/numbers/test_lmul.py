"""L-Mul of every convention, against its definition; its errors; the fast product."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import tpe
from tpe.base.jit import compiled
from tpe.numbers.floats import BF16, E4M3FN, E5M2, FP16, FloatFormat
from tpe.numbers.lmul import (
    OFFSETS,
    OVERFLOWS,
    SUBNORMALS,
    convention,
    formula,
    lmul_code,
    packed,
    shift_of,
)
from tpe.pe.lmul import TYPES

CONVENTIONS = list(product(OFFSETS, SUBNORMALS, OVERFLOWS))
L = {2: 2, 3: 3, 4: 3, 7: 4, 10: 4}  # the paper's


def defined(x: np.ndarray, y: np.ndarray, number: FloatFormat, choice: tuple[str, ...]):
    """Codes of the products: fields and cases as the text has them, a case after another."""
    offset, subnormals, overflow = choice
    m, half = number.fraction_bits, 1 << (number.bits - 1)
    sign, (x, y) = (x ^ y) & half, (v & (half - 1) for v in (x, y))
    tiny = 1 << m if subnormals == "flush" else 1
    added = 2 ** (m - L[m]) if offset == "paper" else 0
    r = x + y - number.bias * 2**m + added
    infinity = number.largest_code + 1 if number.infinity else -1
    above = {
        "inf": sign | infinity if number.infinity else np.full(r.shape, number.nan_code),
        "saturate": sign | number.largest_code,
        "wrap": sign | (r % half),
    }[overflow]
    out = np.where(r > number.largest_code, above, sign | np.maximum(r, 0))
    zero = (x < tiny) | (y < tiny)
    out = np.where(zero | (r < tiny), sign, out)
    infinite = (x == infinity) | (y == infinity)
    out = np.where(infinite, sign | infinity, out)
    limit = max(infinity, number.largest_code)
    nan = (x > limit) | (y > limit) | (infinite & zero)
    return np.where(nan, number.nan_code, out)


def by_kernel(x: np.ndarray, y: np.ndarray, number: FloatFormat, choice: tuple[str, ...]):
    settings, multiply = packed(number, convention(number, *choice)), compiled(lmul_code)
    return np.array([multiply(int(a), int(b), settings) for a, b in zip(x, y, strict=True)])


def pairs(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(codes, codes)
    return x.ravel(), y.ravel()


@pytest.mark.parametrize("choice", CONVENTIONS, ids="-".join)
@pytest.mark.parametrize("number", [E4M3FN, E5M2], ids=lambda x: x.name)
def test_every_pair_of_an_8_bit_format(number, choice):
    x, y = pairs(np.arange(256))
    assert (by_kernel(x, y, number, choice) == defined(x, y, number, choice)).all()


@pytest.mark.parametrize("choice", CONVENTIONS, ids="-".join)
def test_every_pair_of_fractions_of_bf16_and_codes_at_the_ends(choice):
    x, y = pairs(np.arange(128))
    ends = np.array([0, 1, 0x7F, 0x80, 0x3F80, 0x7F7F, 0x7F80, 0x7FC0])
    near = np.random.default_rng(0).integers(0, 1 << 16, 4000)
    codes = np.concatenate([ends, ends | 0x8000])
    p, q = pairs(codes)
    lefts = [x | 0x3F80, x | 0x7E80, x | 0x2000, p, near]
    rights = [y | 0xBF80, y | 0x4100, y | 0x2000, q, near[::-1]]
    for left, right in zip(lefts, rights, strict=True):
        assert (by_kernel(left, right, BF16, choice) == defined(left, right, BF16, choice)).all()
    a, b = near[:2000], near[2000:]
    assert (by_kernel(a, b, FP16, choice) == defined(a, b, FP16, choice)).all()


# Mean absolute relative error over all pairs of fractions, per cent: by integer, by formula, and
# by integer without the offset; the paper's section in `m`, the rest computed elsewhere.
ERRORS = [
    (E5M2, 14.67, 11.11, 3.57),
    (E4M3FN, 5.24, 6.89, 3.78),
    (FloatFormat("e5m4", 5, 4, bias=15), 5.14, 6.94, 3.83),
    (BF16, 2.66, 7.51, 3.85),
]


@pytest.mark.parametrize(("number", "integer", "printed", "bare"), ERRORS, ids=lambda x: str(x))
def test_errors_on_all_fractions(number, integer, printed, bare):
    one = number.bias << number.fraction_bits
    x, y = pairs(np.arange(1 << number.fraction_bits) + one)
    exact = number.values(x).astype(np.float64) * number.values(y)

    def error(values: np.ndarray) -> float:
        return 100 * float(np.abs(values / exact - 1).mean())

    def by_integer(offset: str) -> float:
        return error(number.values(by_kernel(x, y, number, (offset, "flush", "inf"))))

    found = [by_integer("paper"), error(formula(x, y, number)), by_integer("none")]
    assert np.abs(np.array(found) - [integer, printed, bare]).max() < 0.006


@pytest.mark.parametrize(("number", "differs"), [(E4M3FN, 44), (BF16, 55)], ids=str)
def test_the_integer_addition_is_not_the_printed_formula(number, differs):
    one = number.bias << number.fraction_bits
    x, y = pairs(np.arange(1 << number.fraction_bits) + one)
    words = by_kernel(x, y, number, ("paper", "flush", "inf"))
    share = 100 * (number.values(words).astype(np.float64) != formula(x, y, number)).mean()
    assert abs(share - differs) < 0.6


def test_l_is_the_papers():
    assert {m: shift_of(m) for m in L} == L
    with pytest.raises(tpe.TpeError, match="codes of bf16 hold infinity or NaN; legal: finite"):
        formula(np.array([0x7F80]), np.array([0x3F80]), BF16)


@pytest.mark.parametrize("a_type", TYPES)
@pytest.mark.parametrize("choice", CONVENTIONS, ids="-".join)
def test_the_fast_product_is_the_kernels(a_type, choice):
    names = dict(zip(("offset", "subnormals", "product_overflow"), choice, strict=True))
    e = tpe.Engine("lmul", "systolic_ws", (3, 2), a_type=a_type, **names)
    rng = np.random.default_rng(5)
    number = e.a_format
    for finite in (False, True):
        for _ in range(4):
            a, b = number.drawn(rng, (7, 19)), number.drawn(rng, (19, 5))
            if finite:
                a, b = (np.where(np.isfinite(x), x, np.float32(1)) for x in (a, b))
            fast, bits = (e.run(a, b, values=v).C.view(np.uint32) for v in ("fast", "bits"))
            assert (fast == bits).all()


def test_operands_of_two_formats_are_refused():
    with pytest.raises(
        tpe.TpeError, match="a_type = 'bf16' is not legal with b_type = 'fp16': legal: two of one"
    ):
        tpe.Engine("lmul", a_type="bf16", b_type="fp16")
    assert tpe.Engine("lmul", a_type="fp16").params["b_type"] == "fp16"
    with pytest.raises(tpe.TpeError, match="a_type = 'tf32' is not legal for pe lmul"):
        tpe.Engine("lmul", a_type="tf32")
