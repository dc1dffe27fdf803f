"""Block-scaled products of Blackwell's tensor cores: MX and NVFP4, scales along K.

A and B have a scale for every `block` operands of K. Eight-bit and narrower elements (`mxf8f6f4`)
follow the rule of `tpe.numbers.tensor_cores`, the scales' exponents added to a product's. Of
four-bit elements (`mxf4`, `nvf4`) the products of 16 lanes are summed exactly first; a term is that
sum times the significands of both scales, and its exponent is the scales' alone, whatever the sum
is: it counts unless all products, or a scale, are zero. c and D are fp32.

No row of these was measured: the rule is that of mmasim 2.1.1 and arXiv:2511.10909, oracle only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.base.jit import compiled, kernel
from tpe.numbers.block_operands import ELEMENT, ELEMENT_BITS
from tpe.numbers.blocks import block_format
from tpe.numbers.floats import E4M3FN, FloatFormat
from tpe.numbers.formats import number_format
from tpe.numbers.fused_words import (
    BITS,
    FINITE,
    FLOOR,
    INFINITE,
    LANES,
    MISSING,
    RULES,
    ZERO,
    A,
    B,
    D,
    aligned,
    decoded,
    result_word,
    rule_number,
    rule_row,
    special_word,
)
from tpe.numbers.operands import Ints
from tpe.numbers.tensor_cores import (
    ORACLE_ONLY,
    RESULTS,
    FusedDot,
    fused_dot,
    illegal,
    scaled_alike,
)
from tpe.numbers.threads import by_rows
from tpe.numbers.words import I64

_E8M0_BIAS, _E8M0_NAN = 127, 255
_SCALE_FRACTIONS = E4M3FN.fraction_bits  # of a scale's significand, whichever its format
_SCALE_ROW: I64 = RULES[rule_number(fused_dot("blackwell", "e4m3fn", "e4m3fn"))]
GROUP, POWERS = range(_SCALE_ROW.size, _SCALE_ROW.size + 2)
_UE4M3 = 0x7F  # a scale has no sign: the bit of it is not looked at


@dataclass(frozen=True)
class BlockScaled:
    """A kind of block-scaled product.

    elements -- formats of A and of B;  scale -- format of scales, of `block` operands each
    lanes    -- of a step;  group -- of them, summed exactly first; 1: none are
    fraction_bits, floor -- as of every fused step
    """

    name: str
    title: str
    elements: tuple[str, ...]
    scale: str
    block: int
    lanes: int
    group: int
    fraction_bits: int
    floor: int
    evidence: str = ORACLE_ONLY

    def row(self, a: FloatFormat, b: FloatFormat) -> I64:
        """The rule as `tpe.numbers.fused_words` takes it."""
        bits, d = self.fraction_bits, RESULTS["fp32"]
        return rule_row(FusedDot("blackwell", a, b, d, self.lanes, bits, self.floor, 23))


BLOCK_SCALED: dict[str, BlockScaled] = {
    kind.name: kind
    for kind in (
        BlockScaled(
            "mxf8f6f4",
            "MXFP8, MXFP6, MXFP4",
            ("e4m3fn", "e5m2", "e3m2", "e2m3", "e2m1"),
            "ue8m0",
            32,
            32,
            1,
            25,
            -133,
        ),
        BlockScaled("mxf4", "MXFP4", ("e2m1",), "ue8m0", 32, 64, 16, 35, -139),
        BlockScaled("nvf4", "NVFP4", ("e2m1",), "ue4m3", 16, 64, 16, 35, -139),
    )
}


@kernel()
def scale_of(code: int, powers: bool) -> tuple[int, int, int]:
    """A scale as `decoded` has numbers, its significand in eighths; powers: of two, else ue4m3."""
    if powers:
        kind = MISSING if code == _E8M0_NAN else FINITE
        return kind, 1 << _SCALE_FRACTIONS, code - _E8M0_BIAS
    return decoded(code & _UE4M3, _SCALE_ROW, A)


@kernel()
def group_term(a: I64, b: I64, first: int, last: int, row: I64) -> tuple[int, int, int, int]:
    """The sum of a group's products in units of their last place; what it is; its exponent.

    Of one product that is its own, its kind and its exponent; of several the exponent is 0, which
    those of four-bit formats allow. The last is whether an infinite product is negative.
    """
    total, kind, largest, negative = 0, ZERO, 0, 0
    for k in range(first, last):
        x_kind, x, x_exponent = decoded(a[k], row, A)
        y_kind, y, y_exponent = decoded(b[k], row, B)
        if x_kind == MISSING or y_kind == MISSING:
            return 0, MISSING, 0, 0
        if x_kind == INFINITE or y_kind == INFINITE:
            if x_kind == ZERO or y_kind == ZERO:
                return 0, MISSING, 0, 0
            return 0, INFINITE, 0, int((x < 0) != (y < 0))
        if x and y:
            kind = FINITE
            largest = x_exponent + y_exponent if last - first == 1 else 0
            total += x * y if last - first == 1 else (x * y) << (x_exponent + y_exponent)
    return total, kind, largest, negative


@kernel()
def scaled_step(
    a: I64, b: I64, a_scales: I64, b_scales: I64, c: int, row: I64, group: int, powers: bool
) -> int:
    """D, an fp32 word, of a step of one output: elements (lanes,), a scale for each group."""
    groups = -(-a.size // group)
    terms, exponents = np.zeros(groups + 1, np.int64), np.zeros(groups + 1, np.int64)
    kind, whole, exponent = decoded(c, row, D)
    missing, positive, negative = kind == MISSING, 0, 0
    largest = row[FLOOR]
    if kind == FINITE:
        largest = max(largest, exponent)
        terms[groups], exponents[groups] = whole, exponent
    elif kind == INFINITE:
        positive, negative = int(whole > 0), int(whole < 0)
    for g in range(groups):
        end = min((g + 1) * group, a.size)
        total, kind, exponent, below = group_term(a, b, g * group, end, row)
        x_kind, x, x_exponent = scale_of(a_scales[g], powers)
        y_kind, y, y_exponent = scale_of(b_scales[g], powers)
        if kind == MISSING or x_kind == MISSING or y_kind == MISSING:
            missing = True
        elif kind == INFINITE:
            missing |= x_kind == ZERO or y_kind == ZERO
            positive |= 1 - below
            negative |= below
        elif kind == FINITE and x and y:
            terms[g], exponents[g] = total * x * y, exponent + x_exponent + y_exponent
            largest = max(largest, exponents[g])
    if missing or positive or negative:
        return special_word(int(missing), positive, negative, row)
    places = row[A + 1] + row[B + 1] + 2 * _SCALE_FRACTIONS
    summed = aligned(terms[groups], row[BITS] - row[D + 1] - (largest - exponents[groups]))
    for g in range(groups):
        summed += aligned(terms[g], row[BITS] - places - (largest - exponents[g]))
    return result_word(summed, largest - row[BITS], row)


@kernel()
def scaled_gemm(
    a: I64, b: I64, a_scales: I64, b_scales: I64, c: I64, row: I64, group: int, powers: bool
) -> None:
    """D of every output, in `c` (M, N): A (M, K), B (N, K), a scale for each group of K."""
    lanes = row[LANES]
    for m in range(c.shape[0]):
        for n in range(c.shape[1]):
            for k in range(0, a.shape[1], lanes):
                end = min(k + lanes, a.shape[1])
                first, last = k // group, -(-end // group)
                c[m, n] = scaled_step(
                    a[m, k:end],
                    b[n, k:end],
                    a_scales[m, first:last],
                    b_scales[n, first:last],
                    c[m, n],
                    row,
                    group,
                    powers,
                )


@dataclass(frozen=True)
class ScaledDot:
    """What an architecture does with two block formats; `number` is its place in `SCALED_RULES`.

    >>> rule = scaled_dot("blackwell", "mx_e4m3fn", "mx_e2m1")
    >>> rule.kind.name, rule.kind.lanes, scaled_dot("blackwell", "mx_e2m1", "mx_e2m1").kind.name
    ('mxf8f6f4', 32, 'mxf4')
    """

    kind: BlockScaled
    a: FloatFormat
    b: FloatFormat

    @property
    def number(self) -> int:
        """Its place in `SCALED_RULES`."""
        return _EVERY.index(self)


def scaled_dot(arch: str, a_type: str, b_type: str, d_type: str = "fp32") -> ScaledDot:
    """The rule of an architecture for block formats of A and B; TpeError with the legal ones.

    Two of mx_e2m1 are `mxf4`, as packed elements of four bits are; one of them beside another
    format of MX is `mxf8f6f4`.
    """
    if d_type != "fp32" or not scaled_alike(arch, a_type, b_type):
        raise illegal(arch, a_type, b_type, d_type)
    a, b = block_format(a_type), block_format(b_type)
    narrow = "nvf4" if a.tensor else "mxf4"
    own = BLOCK_SCALED[narrow]
    fits = {a.element.name, b.element.name} <= set(own.elements)
    return _dot(own if fits else BLOCK_SCALED["mxf8f6f4"], a.element.name, b.element.name)


def _dot(kind: BlockScaled, a: str, b: str) -> ScaledDot:
    return ScaledDot(kind, number_format(a), number_format(b))  # type: ignore[arg-type]


_EVERY = tuple(
    _dot(kind, a, b) for kind in BLOCK_SCALED.values() for a in kind.elements for b in kind.elements
)
SCALED_RULES: I64 = np.stack(
    [np.append(x.kind.row(x.a, x.b), [x.kind.group, int(x.kind.scale == "ue8m0")]) for x in _EVERY]
)
"""A row for every `ScaledDot`: that of `BlockScaled.row`, then at `GROUP` and `POWERS` two more."""


@kernel()
def packed_step(codes: I64, b: I64, cell: int, c: int, row: I64) -> int:
    """D of a step of one cell: codes (lanes, cells) of `tpe.numbers.block_operands`."""
    lanes, group = codes.shape[0], row[GROUP]
    groups = -(-lanes // group)
    x, y = np.empty(lanes, np.int64), np.empty(lanes, np.int64)
    x_scales, y_scales = np.empty(groups, np.int64), np.empty(groups, np.int64)
    for lane in range(lanes):
        x[lane], y[lane] = codes[lane, cell] & ELEMENT, b[lane, cell] & ELEMENT
    for g in range(groups):
        x_scales[g] = codes[g * group, cell] >> ELEMENT_BITS
        y_scales[g] = b[g * group, cell] >> ELEMENT_BITS
    return scaled_step(x, y, x_scales, y_scales, c, row, group, row[POWERS] == 1)


def packed_product(a: Ints, b: Ints, rule: ScaledDot) -> Ints:
    """Words of D (M, N), not negative, of codes (M, K) and (K, N) as a step of a cell takes them.

    The last block of K may be short, as if zeros were in it.
    """
    group = rule.kind.group
    sides = [np.asarray(x, np.int64) for x in (a, np.asarray(b).T)]
    left, right = (np.ascontiguousarray(x & ELEMENT) for x in sides)
    left_scales, right_scales = (np.ascontiguousarray(x[:, ::group] >> ELEMENT_BITS) for x in sides)
    words = np.zeros((left.shape[0], right.shape[0]), np.int64)
    run, row = compiled(scaled_gemm), SCALED_RULES[rule.number]
    powers = bool(row[POWERS])

    def rows(some: slice) -> None:
        scales = left_scales[some], right_scales
        run(left[some], right, *scales, words[some], row, group, powers)

    by_rows(rows, len(left), words.size * left.shape[1])
    return words


def block_scaled_product(
    a: Ints,
    b: Ints,
    scales: tuple[Ints, Ints],
    kind: str,
    types: tuple[str, str] = ("e2m1", "e2m1"),
    c: Ints | None = None,
) -> Ints:
    """Words of D (M, N) in fp32, not negative, of codes A (M, K) and B (K, N) with their scales.

    scales: codes (M, K / block) of A's and (K / block, N) of B's. kind: `mxf8f6f4`, `mxf4`,
    `nvf4`: see `BLOCK_SCALED`. types: formats of A and of B. c: words (M, N) of fp32; zeros by
    default. A NaN of a scale is NaN; K is a whole number of blocks. Raises TpeError for a kind
    that there is not, formats that it has not, and shapes that do not fit.

    >>> ones = np.full((1, 32), 2)  # in e2m1
    >>> scale = np.full((1, 1), 128)  # 2 in ue8m0
    >>> hex(block_scaled_product(ones, ones.T, (scale, scale), "mxf4")[0, 0])  # 32 * 2 * 2
    '0x43000000'
    """
    if kind not in BLOCK_SCALED:
        raise unknown("kind", kind, BLOCK_SCALED)
    rule = BLOCK_SCALED[kind]
    for name in types:
        if name not in rule.elements:
            raise TpeError(f"{name} is not legal for {kind}: {', '.join(rule.elements)}")
    left, right = (np.ascontiguousarray(x, np.int64) for x in (a, np.asarray(b).T))
    blocks = _spread(scales, left.shape, right.shape, rule)
    shape = (left.shape[0], right.shape[0])
    words = np.zeros(shape, np.int64) if c is None else np.array(c, np.int64)
    if words.shape != shape:
        raise TpeError(f"c has shape {words.shape}; legal: {shape}")
    formats = [number_format(name) for name in types]
    row = rule.row(*formats)  # type: ignore[arg-type]
    run = compiled(scaled_gemm)
    run(left, right, *blocks, words, row, rule.group, rule.scale == "ue8m0")
    return words


def _spread(
    scales: tuple[Ints, Ints], a: tuple[int, ...], b: tuple[int, ...], rule: BlockScaled
) -> tuple[I64, I64]:
    """Scales of A (M, groups) and of B (N, groups), one for every group of lanes."""
    if a[1] != b[1] or a[1] % rule.block or not a[1]:
        raise TpeError(
            f"A has K = {a[1]} and B {b[1]}; legal for {rule.name}: one K, a multiple of "
            f"{rule.block}"
        )
    wanted = (a[0], a[1] // rule.block), (b[1] // rule.block, b[0])
    for side, given, shape in zip("AB", scales, wanted, strict=True):
        if np.shape(given) != shape:
            raise TpeError(f"scales of {side} have shape {np.shape(given)}; legal: {shape}")
    times = rule.block // rule.group
    left, right = np.asarray(scales[0], np.int64), np.asarray(scales[1], np.int64).T
    return np.repeat(left, times, axis=1), np.repeat(right, times, axis=1)
