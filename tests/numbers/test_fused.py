"""Fused multiply-adds, step by step, against rational arithmetic and against Berkeley SoftFloat."""

from __future__ import annotations

from fractions import Fraction
from math import copysign, isinf, isnan

import numpy as np
import pytest

import tpe
from tpe.base.jit import compiled
from tpe.numbers.float_parts import exact_product, fused_sum, layout, rounded_word
from tpe.numbers.floats import BF16, E2M1, E4M3FN, E5M2, FP16, FP32, FloatFormat
from tpe.pe import fma
from tpe.pe.kernel import Facts
from tpe.testing.cases import operands, right

NUMBERS = (BF16, FP16, FP32, E4M3FN, E5M2)


# ---- the definition, in rational numbers ----


def rounded(number: FloatFormat, x: Fraction) -> int:
    """The code nearest to x, which is not zero, ties to even, by what lies on either side."""
    size = abs(x)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()  # or one too many
    exponent -= size < Fraction(2) ** exponent
    exponent = max(exponent, 1 - number.bias)
    below, over = divmod(size / Fraction(2) ** (exponent - number.fraction_bits), 1)
    whole = below + (over > Fraction(1, 2) or (over == Fraction(1, 2) and below % 2 == 1))
    code = whole + ((exponent + number.bias - 1) << number.fraction_bits)
    infinite = ((1 << number.exponent_bits) - 1) << number.fraction_bits
    return min(code, infinite) | (x < 0) << (number.bits - 1)


def step(c: FloatFormat, x: float, y: float, z: float) -> int:
    """The code of z + x * y, IEEE 754's fused multiply-add, by definition."""
    top = ((1 << c.exponent_bits) - 1) << c.fraction_bits
    negative = (copysign(1, x) < 0) ^ (copysign(1, y) < 0)
    if isnan(x) or isnan(y) or isnan(z) or (isinf(x) and y == 0) or (isinf(y) and x == 0):
        return c.nan_code
    if isinf(x) or isinf(y):
        opposed = isinf(z) and (z < 0) != negative
        return c.nan_code if opposed else top | negative << (c.bits - 1)
    if isinf(z):
        return top | (z < 0) << (c.bits - 1)
    total = Fraction(x) * Fraction(y) + Fraction(z)
    if total:
        return rounded(c, total)
    both = negative and copysign(1, z) < 0 and x * y == 0 and z == 0
    return 1 << (c.bits - 1) if both else 0


# ---- the kernel, on many steps at once ----


def kernel_steps(a: FloatFormat, b: FloatFormat, c: FloatFormat, x, y, words) -> np.ndarray:
    settings = layout(a) | layout(b) << 11 | layout(c) << 22
    facts = Facts(c.bits, a.bits, b.bits, c.bits, 0, settings)
    psum = np.array(words, np.int64)[None].copy()
    rows = (np.ascontiguousarray(z, np.int64)[None] for z in (x, y))
    compiled(fma.step)(*rows, 0, psum, facts)
    return psum[0]


def check(a: FloatFormat, b: FloatFormat, c: FloatFormat, x, y, words) -> None:
    pairs = ((a, x), (b, y), (c, words))
    values = (number.values(z).astype(np.float64).tolist() for number, z in pairs)
    expected = [step(c, *z) for z in zip(*values, strict=True)]
    shown = kernel_steps(a, b, c, x, y, words)
    wrong = np.flatnonzero(shown != np.array(expected))
    assert not len(wrong), [(hex(x[i]), hex(y[i]), hex(words[i])) for i in wrong[:3]]


def codes(number: FloatFormat, rng: np.random.Generator, count: int) -> np.ndarray:
    """Any codes, and as many of exponents near one."""
    every = rng.integers(0, 1 << number.bits, count)
    near = rng.integers(-4, 5, count) + number.bias
    mask = ((1 << number.exponent_bits) - 1) << number.fraction_bits
    return np.where(rng.random(count) < 0.5, every, every & ~mask | near << number.fraction_bits)


def random_steps(count: int) -> None:
    rng = np.random.default_rng(1)
    x, y, words = codes(BF16, rng, count), codes(BF16, rng, count), codes(FP32, rng, count)
    check(BF16, BF16, FP32, x, y, words)


def test_random_steps_in_fp32():
    random_steps(10_000)


@pytest.mark.full
def test_a_million_random_steps_in_fp32():
    random_steps(1_000_000)


def directed(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps at which rounding is hard: ties and their neighbours, near cancellation, subnormal
    sums, overflow, the corners with each other."""
    rng = np.random.default_rng(2)
    x, y = codes(BF16, rng, count), codes(BF16, rng, count)
    corners = BF16.codes(BF16.corners())
    x[: count // 8], y[: count // 8] = (rng.choice(corners, count // 8) for _ in range(2))
    with np.errstate(all="ignore"):
        product = BF16.values(x).astype(np.float64) * BF16.values(y)
        words = FP32.codes(-product)  # a sum that cancels ...
        kind = rng.integers(0, 6, count)
        tie = FP32.codes(product * 2.0 ** rng.integers(10, 26, count))  # ... one with a tie near
    words = np.where(kind == 0, words + rng.integers(-3, 4, count), words)
    words = np.where((kind == 1) | (kind == 2), tie ^ rng.integers(0, 2, count), words)
    words = np.where(kind == 3, tie & ~0xFFF | rng.integers(0, 2, count) << 31, words)
    words = np.where(kind == 4, rng.integers(0, 1 << 24, count), words)  # tiny ones
    some = FP32.codes(FP32.corners())
    words = np.where(kind == 5, rng.choice(some, count), words)
    return x, y, words & 0xFFFFFFFF


def test_directed_steps_in_fp32():
    check(BF16, BF16, FP32, *directed(100_000))


@pytest.mark.parametrize("c", [FP32, FP16], ids=lambda c: c.name)
@pytest.mark.parametrize("b", NUMBERS, ids=lambda b: b.name)
@pytest.mark.parametrize("a", NUMBERS, ids=lambda a: a.name)
def test_steps_of_any_two_formats(a, b, c):
    rng = np.random.default_rng(a.bits + 7 * b.bits)
    x, y = codes(a, rng, 1500), codes(b, rng, 1500)
    words = codes(c, rng, 1500)
    with np.errstate(all="ignore"):
        product = a.values(x).astype(np.float64) * b.values(y)
        near = c.codes(np.where(np.isnan(product), 0, -product))
    words = np.where(rng.random(1500) < 0.3, near, words)
    check(a, b, c, x, y, words)


@pytest.mark.parametrize("number", [FP16, FP32], ids=lambda x: x.name)
def test_steps_are_softfloats(number):
    """J. Hauser's SoftFloat 3, which knows no hardware; a NaN of its is any."""
    softfloat = pytest.importorskip("softfloatpy")
    kind = {16: softfloat.Float16, 32: softfloat.Float32}[number.bits]
    multiply_add = {16: softfloat.f16_mul_add, 32: softfloat.f32_mul_add}[number.bits]

    def one(*words: int) -> int:
        sides = (kind.from_bytes(int(w).to_bytes(number.bits // 8, "big")) for w in words)
        result = multiply_add(*sides)
        code = int.from_bytes(result.to_bytes(), "big")
        return number.nan_code if np.isnan(number.values(np.array(code))) else code

    rng = np.random.default_rng(number.bits)
    x, y, words = (codes(number, rng, 40_000) for _ in range(3))
    with np.errstate(all="ignore"):
        product = number.values(x).astype(np.float64) * number.values(y)
        near = number.codes(np.where(np.isnan(product), 0, -product)) ^ rng.integers(0, 4, 40_000)
    words = np.where(rng.random(40_000) < 0.3, near, words)
    expected = [one(*z) for z in zip(x, y, words, strict=True)]
    assert (kernel_steps(number, number, number, x, y, words) == expected).all()


def test_corners_meet_each_other():
    for a, c in ((BF16, FP32), (FP16, FP16), (E4M3FN, FP32), (E5M2, FP16)):
        every = a.codes(a.corners())
        x, y, words = (
            z.ravel() for z in np.meshgrid(every, every, c.codes(c.corners()), indexing="ij")
        )
        check(a, a, c, x, y, words)


def test_words_round_as_formats_do():
    rng = np.random.default_rng(3)
    for number in (FP32, FP16, BF16):
        for exponent in (-1, 0, -160, -140, 90, -20):
            size = rng.integers(0, 1 << 30, 500)
            shown = [rounded_word(1, exponent, int(n), layout(number)) for n in size]
            assert (number.codes(-(size * 2.0**exponent)) == shown).all()


def test_a_sum_of_zeros_has_its_sign_by_the_rule():
    form, minus = layout(FP32), 1 << 31
    zeros = [fused_sum(0, a, -9, 0, b, form) for a in (0, 1) for b in (0, minus)]
    assert zeros == [0, 0, 0, minus]
    assert fused_sum(0, 1, 0, 1, 0x3F800000, form) == 0
    assert fused_sum(0, 1, -200, 1, 0, form) == minus  # less than half of the smallest


def test_formats_that_kernels_cannot_read_are_refused():
    with pytest.raises(tpe.TpeError, match="odd is not legal here"):
        layout(FloatFormat("odd", 4, 3, bias=9))
    assert exact_product(1, 7, layout(E2M1), layout(E2M1)) == (0, 0, -1 + 1 + 0, 3)


# ---- engines ----


def test_c_does_not_depend_on_the_size_or_the_array():
    e = tpe.Engine("fma", "os", (2, 3))
    a, b = operands(e, 5, 6, 37, seed=2)
    whole = e.arithmetic.words(e.run(a, b).C)
    assert (whole == right(e, a, b)).all()
    for array, size in (("ws", (4, 2)), ("matrix2d", (1, 1)), ("ws", (64, 3))):
        other = tpe.Engine("fma", array, size)
        assert (other.arithmetic.words(other.run(a, b, values="bits").C) == whole).all()


def test_the_psum_decides_what_c_is():
    e = tpe.Engine("fma", "os", (2, 2), c_type="fp16", a_type="fp16", b_type="fp16")
    assert e.widths.acc == 16 and e.params["acc_bits"] == 16
    c = e.run([[60000.0, 1.0]], [[1.0], [20000.0]]).C
    assert c.dtype == np.float32 and c.tolist() == [[np.inf]]
    assert e.run([[1.0, 2.0**-12]], [[1.0], [1.0]]).C.tolist() == [[1.0]]
    assert tpe.Engine("fma", "os", (2, 2)).widths.acc == 32
    with pytest.raises(
        tpe.TpeError, match="acc_bits = 32 is not legal with c_type = 'fp16': legal"
    ):
        tpe.Engine("fma", c_type="fp16", acc_bits=32)
    with pytest.raises(tpe.TpeError, match=r"unknown c_type 'bf16' .* legal: fp32, fp16"):
        tpe.Engine("fma", c_type="bf16")
    with pytest.raises(tpe.TpeError, match=r"legal: bf16 \| fp16 \| fp32 \| e4m3fn \| e5m2"):
        tpe.Engine("fma", a_type="tf32")


def test_a_product_is_not_rounded():
    """1 + 2**-7 squared has a bit that a float32 sum of it and -1 shows, a rounded one loses."""
    x = 1 + 2.0**-7
    e = tpe.Engine("fma", "os", (2, 2), c_type="fp16")
    assert e.run([[-1.0, x]], [[1.0], [x]]).C.tolist() == [[x * x - 1]]


def test_rounding_beyond_the_largest_exponents():
    assert tpe.rounded([1e62, -1e300, 2.0**129], "fp32").tolist() == [np.inf, -np.inf, np.inf]
