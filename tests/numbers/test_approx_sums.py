"""Sums with approximate normalisation, against the definition in integers and fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import copysign, floor, isinf, isnan, trunc

import numpy as np
import pytest

import tpe
from tests.numbers.test_fused import codes, rounded
from tpe.base.jit import compiled
from tpe.numbers import approx_sums
from tpe.numbers.approx_sums import Datapath
from tpe.numbers.floats import BF16, E4M3FN, E5M2, FP32, FloatFormat
from tpe.pe import fma_approxnorm
from tpe.pe.kernel import Facts
from tpe.testing.cases import operands, right

CHOICES = [
    dict(zip(("psum_fraction_bits", "normaliser", "align", "psum_form"), x, strict=True))
    for x in product(
        (16, 24),
        ("approx", "exact", "none"),
        ("truncate", "sticky"),
        ("sign_magnitude", "twos_complement"),
    )
]
SHAPES = [  # an-1-1, an-1-2, an-2-2, and others
    {"norm_k": k, "norm_lambda": lam, "int_bits": i}
    for k, lam, i in ((1, 1, 2), (1, 2, 2), (2, 2, 2), (3, 5, 4), (8, 8, 5), (2, 1, 3))
]


def engine(**params):
    return tpe.Engine("fma_approxnorm", "ws", (4, 4), **params)


def datapath(e: tpe.Engine) -> Datapath:
    return approx_sums.datapath_of(e.pe.kernel.settings)


# ---- the definition: a psum is an exponent and a number of units of its last bit ----


class Definition:
    """A psum of an engine; `exponent` None: it is zero. `special`: what is no number, or 0."""

    def __init__(self, e: tpe.Engine):
        self.params, self.c = e.params, e.arithmetic.result
        self.fraction = e.params["psum_fraction_bits"]
        self.width = self.fraction + e.params["int_bits"]
        self.exponent: int | None = None
        self.units, self.special = 0, 0.0

    def cut(self, units: Fraction) -> int:
        """A whole number of units."""
        magnitudes = self.params["psum_form"] == "sign_magnitude"
        whole = trunc(units) if magnitudes else floor(units)
        if whole == units or self.params["align"] == "truncate":
            return whole
        return -(-whole | 1) if magnitudes and units < 0 else whole | 1

    def leading_zeros(self) -> int:
        size = abs(self.units)
        if self.params["psum_form"] == "twos_complement" and self.units < 0:
            size -= 1
        return self.width - len(f"{size:b}") if size else self.width

    def shift(self) -> int:
        zeros, k, lam = self.leading_zeros(), self.params["norm_k"], self.params["norm_lambda"]
        if self.params["normaliser"] == "none":
            return 0
        if self.params["normaliser"] == "exact":
            return zeros
        return 0 if zeros < k else k if zeros < k + lam else k + lam

    def add(self, x: float, y: float, exponent: int) -> None:
        """Add x * y, whose operands' exponents have this sum."""
        if self.special or not (abs(x) < np.inf and abs(y) < np.inf):
            self.add_special(x, y)
            return
        value = Fraction(x) * Fraction(y)
        if value == 0:
            return
        top = exponent if self.exponent is None else max(exponent, self.exponent)
        unit = Fraction(2) ** (top - self.fraction)
        before = self.value()
        self.units = self.cut(value / unit) + self.cut(before / unit)
        self.exponent = top
        limit = 2**self.width
        low = -limit if self.params["psum_form"] == "twos_complement" else 1 - limit
        if not low <= self.units < limit:
            self.units, self.exponent = self.cut(Fraction(self.units, 2)), top + 1
        if self.units == 0:
            self.exponent = None
            return
        up = self.shift()
        self.units, self.exponent = self.units << up, self.exponent - up
        assert low <= self.units < limit and up <= self.width

    def add_special(self, x: float, y: float) -> None:
        with np.errstate(all="ignore"):
            signs = [copysign(1, z) if z else 0.0 for z in (x, y)]
            pairs = zip((x, y), signs, strict=True)
            term = np.prod([z if isinf(z) or isnan(z) else s for z, s in pairs])
        if isinf(term) or isnan(term):
            self.special = self.special + term
        # a finite term changes no infinity and no NaN

    def value(self) -> Fraction:
        if self.exponent is None:
            return Fraction(0)
        return self.units * Fraction(2) ** (self.exponent - self.fraction)

    def word(self) -> int:
        """C."""
        top = ((1 << self.c.exponent_bits) - 1) << self.c.fraction_bits
        if isnan(self.special):
            return self.c.nan_code
        if self.special:
            return top | (self.special < 0) << (self.c.bits - 1)
        return rounded(self.c, self.value()) if self.units else 0


def exponents(number: FloatFormat, x: np.ndarray) -> np.ndarray:
    """Of codes; that of subnormals is the least."""
    mask = (1 << number.exponent_bits) - 1
    return np.maximum(x >> number.fraction_bits & mask, 1) - number.bias


def chain(e: tpe.Engine, x: np.ndarray, y: np.ndarray) -> list[int]:
    """C after every step, by definition."""
    a, b = e.a_format, e.b_format
    added = (exponents(a, x) + exponents(b, y)).tolist()
    psum, words = Definition(e), []
    values = a.values(x).tolist(), b.values(y).tolist()
    for one in zip(*values, added, strict=True):
        psum.add(*one)
        words.append(psum.word())
    return words


def kernel_chain(e: tpe.Engine, x: np.ndarray, y: np.ndarray) -> list[int]:
    kernel, words = e.pe.kernel, []
    facts = kernel.facts(e.widths, 0)
    step, resolve = compiled(kernel.step), compiled(kernel.resolve)
    psum, acc = np.zeros((1, 1), np.int64), np.zeros(1, np.int64)
    for u, v in zip(x, y, strict=True):
        step(np.array([[u]], np.int64), np.array([[v]], np.int64), 0, psum, facts)
        resolve(psum, 0, acc, facts)
        words.append(int(acc[0]))
    return words


def cancelling(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Products of which most nearly undo the one before: signs alternate."""
    x, y = codes(BF16, rng, count) & 0x7FFF, codes(BF16, rng, count) & 0x7FFF
    x = np.where(x >= 0x7F80, 0x3F80, x)
    y = np.where(y >= 0x7F80, 0x3F81, y)
    x[1::2] = x[: count - count % 2 : 2][: len(x[1::2])] | 0x8000
    y[1::2] = y[: count - count % 2 : 2][: len(y[1::2])] + rng.integers(0, 2, len(y[1::2]))
    return x, y


@pytest.mark.parametrize("choice", CHOICES, ids=lambda c: "-".join(map(str, c.values())))
def test_every_step_is_the_definitions(choice):
    for number, shape in enumerate(SHAPES):
        e = engine(**choice, **shape, c_type=("fp32", "bf16")[number % 2])
        rng = np.random.default_rng(number)
        for x, y in (
            (codes(BF16, rng, 60), codes(BF16, rng, 60)),
            cancelling(rng, 60),
            tuple(
                np.clip(codes(BF16, rng, 80), 0x3D00, 0x4200) | (rng.integers(0, 2, 80) << 15)
                for _ in range(2)
            ),
        ):
            assert kernel_chain(e, x, y) == chain(e, x, y), (choice, shape)


@pytest.mark.parametrize("number", [E4M3FN, E5M2], ids=lambda x: x.name)
def test_every_step_of_eight_bits_is_the_definitions(number):
    rng = np.random.default_rng(5)
    for choice in CHOICES:
        e = engine(**choice, a_type=number.name, b_type=number.name)
        x, y = codes(number, rng, 50), codes(number, rng, 50)
        finite = np.isfinite(number.values(x)) & np.isfinite(number.values(y))
        x, y = np.where(finite | (rng.random(50) < 0.05), (x, y), 0)
        assert kernel_chain(e, x, y) == chain(e, x, y), choice


def test_a_long_chain_is_the_definitions():
    """K = 4096, near cancellation throughout, in the kernel and in the fast product."""
    for choice in ({}, {"psum_form": "twos_complement"}, {"normaliser": "none"}):
        e = engine(**choice)
        x, y = cancelling(np.random.default_rng(9), 4096)
        words = chain(e, x, y)[-1:]
        a, b = BF16.values(x)[None], BF16.values(y)[:, None]
        signed = e.arithmetic.words(e.run(a, b, values="bits").C)
        assert (signed.ravel() & 0xFFFFFFFF).tolist() == words
        assert (right(e, a, b) == signed).all()


# ---- the normaliser ----


@pytest.mark.parametrize("form", ["sign_magnitude", "twos_complement"])
@pytest.mark.parametrize(("k", "lam"), [(1, 1), (1, 2), (2, 2), (3, 4)])
def test_the_shift_never_exceeds_the_leading_zeros(form, k, lam):
    e = engine(psum_form=form, norm_k=k, norm_lambda=lam)
    approx, exact = datapath(e), datapath(engine(psum_form=form, normaliser="exact"))
    width = approx.int_bits + approx.fraction_bits
    left = compiled(approx_sums.left_shift)
    rng = np.random.default_rng(k)
    sizes = [*range(1, 1 << 10), *rng.integers(1, 1 << width, 4000).tolist()]
    sizes += [s >> i % 17 or 1 for i, s in enumerate(sizes[-4000:])]
    for size in sizes:
        for significand in (size, -size):
            shift, zeros = left(significand, approx), left(significand, exact)
            assert 0 <= shift <= zeros
            assert shift == zeros or zeros not in (0, k, k + lam)
            kept = approx_sums.stored(500, significand << shift, approx)
            assert approx_sums.loaded(kept, approx)[3] == significand << shift


def test_steps_of_those_leading_zeros_are_the_exact_normalisers():
    """Bit for bit, whatever the psum before; and others are not."""
    for shape in SHAPES[:3]:
        approx, exact = engine(**shape), engine(**shape, normaliser="exact")
        step = compiled(approx_sums.approx_step)
        rng = np.random.default_rng(11)
        how, other = datapath(approx), datapath(exact)
        counts = {0, shape["norm_k"], shape["norm_k"] + shape["norm_lambda"]}
        word, same, differs = 0, 0, 0
        x, y = rng.integers(0x3F00, 0x4000, (2, 4000))
        x[1::2], y[1::2] = x[::2] | 0x8000, y[::2] + rng.integers(-3, 4, 2000)
        for number in range(4000):
            word = word if number % 6 else 0
            pair = int(x[number]), int(y[number])
            definition = Definition(exact)
            word_exact = step(word, *pair, other)
            none = step(word, *pair, how._replace(normaliser=approx_sums.NONE))
            word = step(word, *pair, how)
            definition.units = approx_sums.loaded(none, how)[3]
            if not definition.units:
                continue
            if definition.leading_zeros() in counts:
                same += 1
                assert word == word_exact
            else:
                differs += word != word_exact
        assert same > 500 and differs > 500


# ---- engines ----


def test_the_psum_does_not_depend_on_where_k_is_cut():
    e = engine()
    a, b = operands(e, 5, 6, 37, seed=2)
    whole = right(e, a, b)
    for array, size in (("ws", (5, 2)), ("os", (2, 2)), ("matrix2d", (3, 3))):
        other = tpe.Engine("fma_approxnorm", array, size)
        assert (other.arithmetic.words(other.run(a, b, values="bits").C) == whole).all()


def test_the_fast_product_is_the_kernel_for_every_choice():
    for choice in CHOICES:
        for shape in SHAPES[::2]:
            e = engine(**choice, **shape)
            a, b = operands(e, 4, 9, 60, seed=3)
            assert (e.arithmetic.words(e.run(a, b, values="bits").C) == right(e, a, b)).all()


def test_infinities_and_nan_are_found_apart():
    e = engine()
    inf, nan = np.inf, np.nan
    a = np.array([[inf, 1.0], [inf, -inf], [nan, 0.0], [0.0, -0.0], [-2.0, -inf], [1.0, 3.0]])
    b = np.array([[1.0, 0.0, -1.0], [1.0, 1.0, inf]])
    for values in ("fast", "bits"):
        c = e.run(a, b, values=values).C
        assert np.isnan(c[2]).all() and np.isnan(c[[0, 1], 1]).all() and np.isnan(c[1, 0])
        assert c[0, 0] == inf and np.isnan(c[0, 2]) and c[4, 0] == -inf and c[5, 2] == inf
        assert c[3, :2].tolist() == [0.0, 0.0] and not np.signbit(c[3, :2]).any()


def test_sums_overflow_only_in_the_finish():
    e = engine()
    big = tpe.rounded([[3e38, 3e38, -3e38, -3e38]], "bf16")
    assert e.run(big, big.T * [[1.0], [1.0], [1.0], [1.0]]).C.tolist() == [[np.inf]]
    ones = np.ones((4, 1))
    assert e.run(big, ones).C.tolist() == [[0.0]]  # 6e38 on its way
    assert e.run(big[:, :2], ones[:2]).C.tolist() == [[np.inf]]


def test_more_fraction_bits_are_nearer_to_the_exact_sum():
    """Beside a Kulisch sum, which is exact: K = 256, operands normal, 30 % zeros."""
    rng = np.random.default_rng(13)
    a, b = (tpe.rounded(rng.normal(size=s), "bf16") for s in ((12, 256), (256, 12)))
    a *= rng.random(a.shape) > 0.3
    left, right_ = (np.vectorize(Fraction, otypes=[object])(x) for x in (a, b))
    kulisch = left @ right_
    errors = {}
    for bits, normaliser in product((16, 24), ("exact", "approx")):
        c = engine(psum_fraction_bits=bits, normaliser=normaliser).run(a, b).C
        difference = np.vectorize(lambda x, y: float(abs(Fraction(float(x)) - y)))(c, kulisch)
        errors[bits, normaliser] = float(difference.mean())
    assert errors[24, "exact"] * 50 < errors[16, "exact"] <= errors[16, "approx"]
    assert errors[24, "exact"] <= errors[24, "approx"] * 1.001


def test_what_a_choice_may_not_be_is_told():
    with pytest.raises(
        tpe.TpeError, match="int_bits = 6 is not legal with psum_fraction_bits = 24"
    ):
        engine(int_bits=6, psum_fraction_bits=24)
    with pytest.raises(tpe.TpeError, match="norm_k = 0 is not legal: an integer from 1 to 8"):
        engine(norm_k=0)
    with pytest.raises(tpe.TpeError, match="a_type = 'fp16' is not legal for pe fma_approxnorm"):
        engine(a_type="fp16")
    assert engine(c_type="bf16").widths.acc == 16
    assert FP32 is engine().arithmetic.result


def test_facts_hold_the_datapath():
    for choice, shape in product(CHOICES, SHAPES):
        e = engine(**choice, **shape)
        how = datapath(e)
        assert approx_sums.packed(how) == e.pe.kernel.settings
        assert (how.k, how.lam, how.int_bits) == tuple(shape.values())
        assert how.fraction_bits == choice["psum_fraction_bits"]
    assert fma_approxnorm.RECORD.kernel.facts(e.widths, 0).settings
    assert Facts(1, 2, 3, 4, 5).settings == 0
