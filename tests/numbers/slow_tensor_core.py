"""Tensor cores in Python's integers, one term after another: slow, and written from the papers.

Nothing of tpe is used: formats, architectures and rounding stand here a second time, from
arXiv:2511.10909 and arXiv:2512.07004. A code goes in, a code comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple


class Binary(NamedTuple):
    """Exponent bits, fraction bits, bias; what the highest exponent holds."""

    exponent: int
    fraction: int
    bias: int
    specials: str  # "ieee": infinity and NaN; "nan": the highest code alone; "none"


BINARIES = {
    "fp32": Binary(8, 23, 127, "ieee"),
    "tf32": Binary(8, 10, 127, "ieee"),
    "bf16": Binary(8, 7, 127, "ieee"),
    "fp16": Binary(5, 10, 15, "ieee"),
    "e5m2": Binary(5, 2, 15, "ieee"),
    "e4m3fn": Binary(4, 3, 7, "nan"),
    "e3m2": Binary(3, 2, 3, "none"),
    "e2m3": Binary(2, 3, 1, "none"),
    "e2m1": Binary(2, 1, 1, "none"),
}
NAN = {"fp32": 0x7FFFFFFF, "fp16": 0x7FFF}
BYTES = {"volta": 8, "turing": 16, "ampere": 16, "ada": 16, "hopper": 32, "blackwell": 32}
BITS = {"volta": 23, "turing": 24, "ampere": 24, "ada": 24, "hopper": 25, "blackwell": 25}
FLOOR = {
    "fp32": {23: -131, 24: -132, 25: -133},
    "fp16": {23: -19, 24: -20, 25: -21},
}
STORED = {"fp16": 2, "bf16": 2, "tf32": 4, "e4m3fn": 1, "e5m2": 1, "e3m2": 1, "e2m3": 1, "e2m1": 1}
EIGHT = ("e4m3fn", "e5m2")


class Number(NamedTuple):
    """(-1)**sign * whole * 2**(exponent - fraction bits), or what is none."""

    kind: str  # "zero", "finite", "infinity", "nan"
    sign: int
    whole: int = 0
    exponent: int = 0


@cache
def decoded(code: int, name: str) -> Number:
    f = BINARIES[name]
    fraction = code & ((1 << f.fraction) - 1)
    exponent = (code >> f.fraction) & ((1 << f.exponent) - 1)
    sign = (code >> (f.fraction + f.exponent)) & 1
    highest = exponent == (1 << f.exponent) - 1
    if f.specials == "ieee" and highest:
        return Number("nan" if fraction else "infinity", sign)
    if f.specials == "nan" and highest and fraction == (1 << f.fraction) - 1:
        return Number("nan", sign)
    if exponent == 0:
        kind = "finite" if fraction else "zero"
        return Number(kind, sign, fraction, 1 - f.bias)
    return Number("finite", sign, fraction + (1 << f.fraction), exponent - f.bias)


def times(x: Number, y: Number) -> Number:
    sign = x.sign ^ y.sign
    if "nan" in (x.kind, y.kind):
        return Number("nan", 0)
    if "infinity" in (x.kind, y.kind):
        return Number("nan" if "zero" in (x.kind, y.kind) else "infinity", sign)
    if "zero" in (x.kind, y.kind):
        return Number("zero", sign)
    return Number("finite", sign, x.whole * y.whole, x.exponent + y.exponent)


def towards_zero(whole: int, by: int) -> int:
    """whole * 2**-by of a whole number that is not negative."""
    return whole >> by if by >= 0 else whole << -by


def encoded(total: int, unit: int, out: str, keep: int, nearest: bool) -> int:
    """The code of total * 2**unit with `keep` fraction bits, nearest even or towards zero."""
    if total == 0:
        return 0
    f = BINARIES[out]
    size = abs(total)
    exponent = max(size.bit_length() - 1 + unit, 1 - f.bias)
    drop = exponent - keep - unit
    whole = towards_zero(size, drop)
    if nearest and drop > 0:
        rest, half = size - (whole << drop), 1 << (drop - 1)
        whole += rest > half or (rest == half and whole % 2 == 1)
    if whole == 0:
        return 0
    whole <<= f.fraction - keep
    if whole >= 2 << f.fraction:
        whole, exponent = whole // 2, exponent + 1
    normal = whole >= 1 << f.fraction
    infinity = ((1 << f.exponent) - 1) << f.fraction
    code = ((exponent + f.bias) << f.fraction) + whole - (1 << f.fraction) if normal else whole
    sign = (total < 0) << (f.fraction + f.exponent)
    return sign | (infinity if exponent > f.bias else code)


def accumulator_bits(arch: str, name: str) -> int:
    return 13 if name in EIGHT and arch in ("ada", "hopper") else BITS[arch]


def step(
    a: Sequence[int], b: Sequence[int], c: int, names: tuple[str, str], arch: str, out: str
) -> int:
    """One fused step: D of A, B and c, all at once."""
    left, right = BINARIES[names[0]], BINARIES[names[1]]
    bits = accumulator_bits(arch, names[0])
    floor = FLOOR[out][BITS[arch]]
    terms = [
        (times(decoded(x, names[0]), decoded(y, names[1])), left.fraction + right.fraction)
        for x, y in zip(a, b, strict=True)
    ]
    terms.append((decoded(c, out), BINARIES[out].fraction))
    kinds = [term.kind for term, _ in terms]
    signs = {term.sign for term, _ in terms if term.kind == "infinity"}
    if "nan" in kinds or len(signs) == 2:
        return NAN[out]
    if signs:
        f = BINARIES[out]
        return (signs.pop() << (f.fraction + f.exponent)) | (((1 << f.exponent) - 1) << f.fraction)
    finite = [(term, fraction) for term, fraction in terms if term.kind == "finite"]
    largest = max([floor, *(term.exponent for term, _ in finite)])
    total = sum(
        (-1) ** term.sign * towards_zero(term.whole, fraction + largest - term.exponent - bits)
        for term, fraction in finite
    )
    keep = 13 if bits == 13 and out == "fp32" else BINARIES[out].fraction
    return encoded(total, largest - bits, out, keep, nearest=out == "fp16")


def nearest_sum(x: int, y: int) -> int:
    """x + y of fp32 codes, rounded once to nearest even."""
    p, q = decoded(x, "fp32"), decoded(y, "fp32")
    if "nan" in (p.kind, q.kind) or (p.kind == q.kind == "infinity" and p.sign != q.sign):
        return NAN["fp32"]
    if "infinity" in (p.kind, q.kind):
        return x if p.kind == "infinity" else y
    if p.kind == q.kind == "zero":
        return x & y
    unit = min(p.exponent if p.whole else 999, q.exponent if q.whole else 999)
    total = (-1) ** p.sign * (p.whole << max(p.exponent - unit, 0))
    total += (-1) ** q.sign * (q.whole << max(q.exponent - unit, 0))
    return encoded(total, unit - 23, "fp32", 23, nearest=True)


def dot(
    a: Sequence[int],
    b: Sequence[int],
    names: tuple[str, str],
    arch: str,
    out: str = "fp32",
    c: int = 0,
    c_add: str = "fused",
    promote_every: int = 0,
) -> int:
    """All of K: fused steps, k ascending, each of which hands D to the next as its c.

    With `promote_every` c is what sums of so many of K are added to in fp32, one after another.
    """
    lanes = BYTES[arch] // STORED[names[0]]
    total, partial = (c, 0) if promote_every else (None, c)
    for k in range(0, len(a), lanes):
        if total is not None and k and k % promote_every == 0:
            total, partial = nearest_sum(total, partial), 0
        x, y = a[k : k + lanes], b[k : k + lanes]
        if c_add == "late":
            partial = nearest_sum(partial, step(x, y, 0, names, arch, out))
        else:
            partial = step(x, y, partial if c_add == "fused" else 0, names, arch, out)
    return partial if total is None else nearest_sum(total, partial)


# ---- block scales ----


class Scaled(NamedTuple):
    """Lanes of a step, of a block, of a group that is summed exactly; aligned bits; the floor."""

    lanes: int
    block: int
    group: int
    bits: int
    floor: int
    scale: str


SCALED = {
    "mxf8f6f4": Scaled(32, 32, 1, 25, -133, "ue8m0"),
    "mxf4": Scaled(64, 32, 16, 35, -139, "ue8m0"),
    "nvf4": Scaled(64, 16, 16, 35, -139, "ue4m3"),
}


class Term(NamedTuple):
    """whole * 2**power, and the exponent that it is aligned by."""

    whole: int
    power: int
    exponent: int


def term(x: Number, name: str) -> Term:
    whole = -x.whole if x.sign else x.whole
    return Term(whole, x.exponent - BINARIES[name].fraction, x.exponent)


def scale(code: int, kind: str) -> Term | None:
    """A scale; None is NaN."""
    if kind == "ue8m0":
        return None if code == 255 else Term(1, code - 127, code - 127)
    number = decoded(code & 0x7F, "e4m3fn")
    return None if number.kind == "nan" else term(number, "e4m3fn")


def group_sum(products: Sequence[Number], names: tuple[str, str]) -> Term:
    """The exact sum of finite products, aligned by the first one's exponent."""
    lowest = min(p.exponent for p in products)
    total = sum((-p.whole if p.sign else p.whole) << (p.exponent - lowest) for p in products)
    fractions = BINARIES[names[0]].fraction + BINARIES[names[1]].fraction
    return Term(total, lowest - fractions, products[0].exponent)


def scaled_step(
    a: Sequence[int],
    b: Sequence[int],
    scales: tuple[Sequence[int], Sequence[int]],
    c: int,
    kind: str,
    names: tuple[str, str],
) -> int:
    """One step with c in fp32: scales (lanes / block,) of either side."""
    rule = SCALED[kind]
    number = decoded(c, "fp32")
    kinds, signs = {number.kind}, {number.sign} if number.kind == "infinity" else set()
    terms = [term(number, "fp32")] if number.kind == "finite" else []
    for first in range(0, len(a), rule.group):
        pairs = zip(a[first : first + rule.group], b[first : first + rule.group], strict=True)
        products = [times(decoded(x, names[0]), decoded(y, names[1])) for x, y in pairs]
        x, y = (scale(side[first // rule.block], rule.scale) for side in scales)
        if x is None or y is None:
            kinds.add("nan")
            continue
        factor = x.whole * y.whole
        for product in products:
            kinds.add("nan" if product.kind == "infinity" and not factor else product.kind)
            signs |= {product.sign} if product.kind == "infinity" else set()
        finite = [p for p in products if p.kind == "finite"]
        if not finite or not factor:
            continue
        own = group_sum(finite, names)
        exponent = x.exponent + y.exponent + (own.exponent if rule.group == 1 else 0)
        terms.append(Term(own.whole * factor, own.power + x.power + y.power, exponent))
    if "nan" in kinds or len(signs) == 2:
        return NAN["fp32"]
    if signs:
        return signs.pop() << 31 | 0x7F800000
    unit = max([rule.floor, *(t.exponent for t in terms)]) - rule.bits
    cut = [(t.whole < 0, towards_zero(abs(t.whole), unit - t.power)) for t in terms]
    return encoded(sum(-x if minus else x for minus, x in cut), unit, "fp32", 23, nearest=False)


def scaled_dot(
    a: Sequence[int],
    b: Sequence[int],
    scales: tuple[Sequence[int], Sequence[int]],
    kind: str,
    names: tuple[str, str],
    c: int,
) -> int:
    """All of K, a step after another."""
    lanes, block = SCALED[kind].lanes, SCALED[kind].block
    for k in range(0, len(a), lanes):
        part = slice(k // block, (k + lanes) // block)
        own = scales[0][part], scales[1][part]
        c = scaled_step(a[k : k + lanes], b[k : k + lanes], own, c, kind, names)
    return c
