"""Tensor cores: what GPUs gave, and a slow implementation in Python's integers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tests.numbers.slow_tensor_core import dot
from tests.numbers.tiles import KINDS, codes, tiles
from tpe.base.jit import compiled
from tpe.numbers.fused_gemm import words_of_c, words_product
from tpe.numbers.fused_words import RULES, rule_number
from tpe.numbers.operands import Ints
from tpe.numbers.tensor_cores import ARCHITECTURES, FusedDot, all_rules, fused_dot

ROWS = Path(__file__).resolve().parents[3] / "shared/reference/tensorcore_vectors.npz"
ARCHES = {
    "V100": "volta",
    "A100": "ampere",
    "A2": "ampere",
    "Ada": "ada",
    "L40S": "ada",
    "H100": "hopper",
    "H200": "hopper",
    "B200": "blackwell",
}
FORMATS = {"E4M3": "e4m3fn", "E5M2": "e5m2"}
C_USES = {"fused": "fused", "c_not_applied": "none", "c_added_late_fp32_rne": "late"}
every_rule = pytest.mark.parametrize("rule", all_rules(), ids=lambda r: name_of(r))


def name_of(rule: FusedDot) -> str:
    return f"{rule.arch}-{rule.a.name}-{rule.b.name}-{rule.d.name}"


# ---- what GPUs gave ----


@cache
def measured() -> tuple[Any, list[dict[str, Any]]]:
    if not ROWS.is_file():
        pytest.skip("../shared/reference/tensorcore_vectors.npz is not beside the project")
    arrays = np.load(ROWS)
    return arrays, json.loads(arrays["meta"].tobytes())["sets"]


def rows_of(one: dict[str, Any]) -> tuple[FusedDot, str, Ints, Ints, Ints, Ints]:
    """A set's rule, what becomes of c, and the codes of A (rows, K), B (rows, K), c and D."""
    a, b, c, d = (measured()[0][one[x]].astype(np.int64) for x in "abcd")
    name = FORMATS.get(one["fmt"], one["fmt"])
    if name == "tf32":  # the upper bits of a float32
        a, b = a >> 13, b >> 13
    if one["out"] == "fp16":
        with np.errstate(all="ignore"):
            c = c.astype(np.uint32).view(np.float32).astype(np.float16).view(np.uint16)
    rule = fused_dot(ARCHES[one["arch"]], name, name, one["out"])
    return rule, C_USES[one["c_use"]], a, b, c.astype(np.int64), d


def products(rule: FusedDot, a: Ints, b: Ints, c: Ints, **how: Any) -> Ints:
    """Words of D (rows,) of rows of A times rows of B, by the GEMM."""
    each = zip(a, b, c, strict=True)
    found = [words_product(x[None], y[:, None], rule, z.reshape(1, 1), **how) for x, y, z in each]
    return np.concatenate(found)[:, 0]


def word_by_word(rule: FusedDot, a: Ints, b: Ints, c: Ints, **how: Any) -> Ints:
    """Words of D (rows,) of rows of A times rows of B."""
    words = c.copy()
    run, row = compiled(words_of_c), RULES[rule_number(rule)]
    late, period = how.get("late", False), how.get("period", 0)
    one = np.ones((1, 1), bool)
    for i in range(len(a)):
        word = words[i : i + 1].reshape(1, 1)
        run(a[i : i + 1], b[i][:, None].copy(), row, late, period, word, one)
    return words


def test_every_measured_row_is_reproduced():
    """105 000 rows of eight GPUs, in 42 sets, each with what became of its c."""
    sets, count = measured()[1], 0
    assert len(sets) == 42
    for one in sets:
        rule, c_use, a, b, c, d = rows_of(one)
        assert rule.evidence(c_use) != "oracle only"
        start = np.zeros_like(c) if c_use == "none" else c
        words = word_by_word(rule, a, b, start, late=c_use == "late")
        assert (words == d).all(), f"{one['arch']} {name_of(rule)}: {(words != d).sum()} differ"
        fast = products(rule, a[:200], b[:200], start[:200], late=c_use == "late")
        assert (fast == d[:200]).all(), f"{one['arch']} {name_of(rule)}"
        count += len(d)
    assert count == 105_000


# ---- a slow implementation ----


def slow(rule: FusedDot, a: Ints, b: Ints, c: Ints, **how: Any) -> Ints:
    """Words of D (rows,) by Python's integers."""
    names = (rule.a.name, rule.b.name)
    each = zip(a.tolist(), b.tolist(), c.tolist(), strict=True)
    return np.array([dot(x, y, names, rule.arch, rule.d.name, z, **how) for x, y, z in each])


def compared(rule: FusedDot, kind: str, count: int, rng: np.random.Generator) -> int:
    """Tiles of a kind by all three; how many."""
    a, b, c = tiles(rule, kind, count, rng)
    expected = slow(rule, a, b, c)
    for way in (word_by_word, products):
        wrong = np.flatnonzero(way(rule, a, b, c) != expected)
        assert not len(wrong), f"{kind}, {way.__name__}: {a[wrong[0]]} {b[wrong[0]]} {c[wrong[0]]}"
    return count


@every_rule
def test_tiles_are_those_of_the_slow_implementation(rule):
    rng = np.random.default_rng(rule_number(rule))
    done = sum(compared(rule, kind, 6, rng) for kind in KINDS for _ in range(2))
    assert done == 12 * len(KINDS)


@pytest.mark.full
@every_rule
def test_a_hundred_thousand_tiles_are_those_of_the_slow_implementation(rule):
    rng = np.random.default_rng(1000 + rule_number(rule))
    done = sum(compared(rule, kind, 700, rng) for kind in KINDS for _ in range(24))
    assert done > 100_000


@every_rule
def test_whole_gemms_are_those_of_the_slow_implementation(rule):
    """Rows of A with columns of B, some of them not finite, over two blocks of columns at once."""
    rng = np.random.default_rng(rule_number(rule))
    m, n, k = 3, 3, 2 * rule.lanes + 1
    a, b = codes(rule.a, "near", rng, (m, k)), codes(rule.b, "near", rng, (k, n))
    c = codes(rule.d, "near", rng, (m, n))
    a[0], b[:, 1] = codes(rule.a, "any", rng, (k,)), codes(rule.b, "any", rng, (k,))
    wide = np.concatenate([b] * 200, axis=1)  # 600 columns
    words = words_product(a, wide, rule, np.concatenate([c] * 200, axis=1))
    for i in range(m):
        expected = slow(rule, np.repeat(a[i : i + 1], n, axis=0), b.T, c[i])
        assert (words[i].reshape(200, n) == expected).all()


SUMS = [rule for rule in all_rules() if rule.d.name == "fp32" and rule.a == rule.b]


@pytest.mark.parametrize("rule", SUMS, ids=name_of)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("late", "steps"), [(True, 0), (False, 1), (False, 2), (True, 2)])
def test_sums_in_fp32_are_those_of_the_slow_implementation(rule, kind, late, steps):
    rng = np.random.default_rng(rule_number(rule))
    a, b, c = tiles(rule, kind, 4, rng)
    c_add = "late" if late else "fused"
    expected = slow(rule, a, b, c, c_add=c_add, promote_every=steps * rule.lanes)
    for way in (word_by_word, products):
        assert (way(rule, a, b, c, late=late, period=steps) == expected).all()


# ---- by hand ----


def fp16(*values: float) -> Ints:
    return np.array(values, np.float16).view(np.uint16).astype(np.int64)


def fp32(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def fp32_d(arch: str, a: list[float], b: list[float], c: float) -> int:
    """D in fp32 of fp16 operands, by both ways."""
    rule = fused_dot(arch, "fp16", "fp16")
    operands = fp16(*a)[None], fp16(*b)[None], np.array([fp32(c)])
    (word,), (again,) = (way(rule, *operands) for way in (word_by_word, products))
    assert word == again
    return int(word)


SMALL = 2.0**-12
ULP = 2.0**-23  # of 1 in fp32
DIFFERENT = {  # A, B, c; D of Volta, of Turing, Ampere and Ada, of Hopper and Blackwell
    # Two halves of the last place are kept with 24 bits, four quarters with 25.
    "halves": ([SMALL] * 2, [SMALL] * 2, 1.0, (1, 1 + ULP, 1 + ULP)),
    "quarters": ([SMALL] * 4, [SMALL / 2] * 4, 1.0, (1, 1, 1 + ULP)),
    "both": ([SMALL] * 6, [SMALL] * 2 + [SMALL / 2] * 4, 1.0, (1, 1 + ULP, 1 + 2 * ULP)),
    "negative": ([-SMALL] * 2, [SMALL] * 2, -1.0, (-1, -1 - ULP, -1 - ULP)),
    # Volta cuts 1 beside 2**24; so does no other, until a larger one comes in the same step.
    "cancelled": ([4096, 1, 0, 0, -4096], [4096, 1, 0, 0, 4096], 0.0, (0, 1, 1)),
    # The fifth product is Volta's second step, the ninth Ampere's: there c is one of the terms.
    "fifth": ([SMALL] * 5, [SMALL] + [0] * 3 + [SMALL], 1.0, (1, 1 + ULP, 1 + ULP)),
    "ninth": ([SMALL] * 9, [SMALL] + [0] * 7 + [SMALL], 1.0, (1, 1, 1 + ULP)),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_architectures_differ_where_they_have_to(name):
    a, b, c, results = DIFFERENT[name]
    groups = (("volta",), ("turing", "ampere", "ada"), ("hopper", "blackwell"))
    assert len(set(results)) > 1
    for arches, result in zip(groups, results, strict=True):
        for arch in arches:
            assert fp32_d(arch, a, b, c) == fp32(result), arch


def test_volta_ampere_and_hopper_give_three_results():
    assert any(len(set(results)) == 3 for *_, results in DIFFERENT.values())


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_what_is_not_finite_and_the_sign_of_zero(arch):
    inf, nan, most = np.inf, np.nan, 65504.0
    assert fp32_d(arch, [inf, 1], [1, 1], 0.0) == 0x7F800000
    assert fp32_d(arch, [-inf, 1], [1, 1], 0.0) == 0xFF800000
    assert fp32_d(arch, [1], [1], -inf) == 0xFF800000
    for a, b, c in (([inf], [0], 0), ([inf, -inf], [1, 1], 0), ([inf], [1], -inf), ([1], [nan], 0)):
        assert fp32_d(arch, a, b, c) == 0x7FFFFFFF
    assert fp32_d(arch, [1], [1], nan) == 0x7FFFFFFF
    assert fp32_d(arch, [-0.0, -0.0], [1, 0.0], -0.0) == 0
    assert fp32_d(arch, [1, -1], [1, 1], 0.0) == 0
    assert fp32_d(arch, [2.0**-24], [2.0**-24], 0.0) == fp32(2.0**-48)  # of subnormals
    largest = float(np.finfo(np.float32).max)
    assert fp32_d(arch, [most] * 2, [most] * 2, largest) == fp32(largest)  # cut away

    half = fused_dot(arch, "fp16", "fp16", "fp16")
    operands = fp16(most)[None], fp16(1.0)[None]
    for c, expected in ((15.9, most), (16.0, inf), (-most, 0.0)):
        found = word_by_word(half, *operands, fp16(c))
        assert found == products(half, *operands, fp16(c)) == fp16(expected)


@pytest.mark.parametrize("arch", ["ampere", "hopper"])
def test_a_zero_never_decides_where_terms_are_cut(arch):
    """65504 times 0, beside what would be cut there."""
    assert fp32_d(arch, [65504, SMALL], [0, SMALL], 0.0) == fp32(SMALL * SMALL)


def test_the_largest_exponent_has_a_floor():
    """A tie of fp16's last place that a product below the floor's bits would break."""
    rule = fused_dot("ampere", "fp16", "fp16", "fp16")
    a = fp16(2.0**-10, 2.0**-10, -(2.0**-22))
    b = fp16(2.0**-14, 2.0**-15, 2.0**-24)
    assert word_by_word(rule, a[None], b[None], fp16(0.0)) == 2  # to even, not to 1
    assert products(rule, a[None], b[None], fp16(0.0)) == 2


def test_eight_bit_sums_keep_13_bits_and_promotion_the_rest():
    """On Hopper 1 beside 2**14 is lost; added in fp32 every 32 operands it is not."""
    rule = fused_dot("hopper", "e4m3fn", "e4m3fn")
    a, b = np.zeros((1, 64)), np.zeros((1, 64))
    a[0, :32], b[0, :32] = 16, 32  # 2**14 in all
    a[0, 32], b[0, 32] = 1, 1
    operands = rule.a.codes(a), rule.b.codes(b), np.zeros(1, np.int64)
    assert word_by_word(rule, *operands) == products(rule, *operands) == fp32(2**14)
    for way in (word_by_word, products):
        assert way(rule, *operands, period=1) == fp32(2**14 + 1)


def test_formats_that_an_architecture_has_not_are_refused_with_those_it_has():
    with pytest.raises(tpe.TpeError, match=r"e2m1 x e2m1 into fp32 is not legal for arch = hopper"):
        fused_dot("hopper", "e2m1", "e2m1")
    with pytest.raises(tpe.TpeError, match=r"unknown arch 'pascal'; legal: volta, turing, ampere"):
        fused_dot("pascal", "fp16", "fp16")
    with pytest.raises(tpe.TpeError, match="any two of e4m3fn, e5m2 into fp32 or fp16"):
        fused_dot("ada", "e4m3fn", "fp16")


def test_what_overflows_fp32_is_infinite():
    rule = fused_dot("ampere", "bf16", "bf16")
    a, b = (rule.a.codes(np.array([[x, 1.0]])) for x in (2.0**100, 2.0**27))
    for sign, c, expected in ((1, 0, 0x7F000000), (1, 0x7F000000, 0x7F800000), (0, 0x7F000000, 0)):
        left = a if sign else a ^ 0x8000
        for way in (word_by_word, products):
            (word,) = way(rule, left, b, np.array([c]))
            assert word == expected


def test_what_was_measured_is_said():
    assert {r.evidence() for r in all_rules() if r.arch == "turing"} == {"oracle only"}
    measured_on = {r.arch for r in all_rules() if r.evidence() != "oracle only"}
    assert measured_on == {*ARCHITECTURES} - {"turing"}
    assert fused_dot("hopper", "e5m2", "e4m3fn").evidence("none") == "oracle only"  # mixed
    assert fused_dot("blackwell", "e5m2", "e5m2").evidence("late") == "measured: B200, mma.sync"
