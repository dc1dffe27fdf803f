"""Cells of tensor cores in Verilator: the rule in Python's integers, what GPUs gave, seeded faults.

The contract holds cell and model together; here the cell meets the slow implementation, which
shares nothing with either. A sum begins with a step of products that make its c, where there are
such; else at zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import break_cell
from tests.numbers.slow_tensor_core import BINARIES, NAN, decoded, dot, step
from tests.numbers.test_tensor_cores import measured, rows_of
from tests.numbers.tiles import KINDS, codes, tiles
from tpe.array.base import ALWAYS
from tpe.hdl import emit
from tpe.hdl.simulate import cell_cosim
from tpe.hdl.simulate.cell_cosim import CellStimulus
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.numbers.tensor_cores import FusedDot, all_rules, fused_dot

Codes = tuple[list[int], list[int]]

# ---- sums that begin at c ----


def power(exponent: int, name: str) -> int | None:
    """The code of 2**exponent in a format; None if it has none."""
    f = BINARIES[name]
    if 1 - f.bias <= exponent <= f.bias:
        return (exponent + f.bias) << f.fraction
    place = exponent + f.bias - 1 + f.fraction
    return 1 << place if 0 <= place < f.fraction else None


def scaled(whole: int, exponent: int, name: str) -> int | None:
    """The code of whole * 2**exponent, whole of at most a significand's bits; None if none."""
    f = BINARIES[name]
    top = whole.bit_length() - 1
    if top + exponent < 1 - f.bias:
        by = exponent + f.bias - 1 + f.fraction
        return whole << by if by >= 0 else None
    code = (top + exponent + f.bias - 1 << f.fraction) + (whole << (f.fraction - top))
    kind = decoded(code, name).kind
    return code if code >> (f.fraction + f.exponent) == 0 and kind == "finite" else None


def products_of(c: int, rule: FusedDot) -> Codes | None:
    """Codes of A and B, of a step from zero that gives c; None if there are no such products."""
    left, right = rule.a.name, rule.b.name
    number, out = decoded(c, rule.d.name), BINARIES[rule.d.name]
    one = BINARIES[right].bias << BINARIES[right].fraction
    sign = number.sign << (rule.a.bits - 1)
    f = BINARIES[left]
    highest = ((1 << f.exponent) - 1) << f.fraction
    if number.kind == "infinity" and f.specials == "ieee":
        return [sign | highest], [one]
    if number.kind == "nan" and c == NAN[rule.d.name] and f.specials != "none":
        return [highest | ((1 << f.fraction) - 1)], [one]
    if number.kind != "finite":
        return ([], []) if c == 0 else None
    found: Codes = ([], [])
    whole, exponent, width = number.whole, number.exponent - out.fraction, f.fraction + 1
    lowest = 1 - BINARIES[right].bias - BINARIES[right].fraction
    while whole:
        part = whole & ((1 << width) - 1)
        by = min(max(exponent, lowest), BINARIES[right].bias - 1)
        x, y = scaled(part, exponent - by, left) if part else 0, power(by, right)
        if x is None or y is None:
            return None
        found[0].append(sign | x)
        found[1].append(y)
        whole, exponent = whole >> width, exponent + width
    names = left, right
    if len(found[0]) > rule.lanes or step(*found, 0, names, rule.arch, rule.d.name) != c:
        return None
    return found


def sums(rule: FusedDot, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[Any, ...]:
    """Of rows of A and B with c: first, codes and b of all steps, where each sum ends, its c."""
    lanes, first, codes, others, ends, starts = rule.lanes, [], [], [], [], []
    dropped = (1 << (rule.d.fraction_bits - rule.kept_bits)) - 1  # of a c that a step can give
    c = np.where(c == NAN[rule.d.name], c, c & ~dropped)
    for x, y, start in zip(a.tolist(), b.tolist(), c.tolist(), strict=True):
        made = products_of(start, rule)
        starts.append(start if made else 0)
        steps = [made] if made and made[0] else []
        steps += [(x[k : k + lanes], y[k : k + lanes]) for k in range(0, len(x), lanes)]
        for i, (left, right) in enumerate(steps):
            first.append(int(i == 0))
            codes.append(left + [0] * (lanes - len(left)))
            others.append(right + [0] * (lanes - len(right)))
        ends.append(len(first) - 1)
    return np.array(first), np.array(codes), np.array(others), np.array(ends), np.array(starts)


def stimulus(first: np.ndarray, codes: np.ndarray, b: np.ndarray, idle: bool) -> CellStimulus:
    """The steps; with `idle` the cell is held now and then, or has no operands."""
    count = len(first)
    rng = np.random.default_rng(count)
    places = np.arange(count)
    if idle:  # cycles in between, of which each lacks one or the other
        places = np.cumsum(rng.integers(1, 3, count)) - 1
    length = int(places[-1]) + 1
    wide = [np.zeros((length, *x.shape[1:]), np.int64) for x in (first, codes, b)]
    for whole, x in zip(wide, (first, codes, b), strict=True):
        whole[:] = x[0]
        whole[places] = x
    en = rng.integers(0, 2, length)
    valid = 1 - en
    en[places] = valid[places] = 1
    return CellStimulus(*wide, np.zeros(length, np.int64), en, valid)


def shown(e: tpe.Engine, steps: CellStimulus) -> np.ndarray:
    """Unsigned words after each step that was taken, by the RTL."""
    taken = np.flatnonzero(steps.en & steps.valid)
    mask = (1 << e.widths.acc) - 1
    rtl = cell_cosim.rtl_steps(e, steps)[taken] & mask
    differs = rtl != cell_cosim.model_steps(e, steps)[taken] & mask
    assert not differs.any(), f"{differs.sum()} of {differs.size} steps are not the model's"
    return rtl


def engine(rule: FusedDot, **more: Any) -> tpe.Engine:
    formats = {"a_type": rule.a.name, "b_type": rule.b.name, "acc_bits": rule.d.bits}
    return tpe.Engine("tensorcore", "systolic_os", (1, 1), arch=rule.arch, **formats, **more)


def by_hand(e: tpe.Engine, rule: FusedDot, rows: Any, starts: np.ndarray) -> list[int]:
    """What sums have to be, by Python's integers; c begins the partial sum, which is promoted."""
    p = e.params
    how = {"c_add": "late" if p["c_add"] == "late" else "fused"}
    if p["promote_every"]:
        how["promote_every"] = p["promote_every"]
    names = rule.a.name, rule.b.name
    each = zip(*(x.tolist() for x in rows), starts.tolist(), strict=True)
    return [dot(x, y, names, rule.arch, rule.d.name, c, **how) for x, y, c in each]


def special(rule: FusedDot, count: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Two steps of zeros, infinities, NaN, ones, the least and the largest, and any c of these."""

    def drawn(number: Any, shape: tuple[int, ...]) -> np.ndarray:
        sign, top = 1 << (number.bits - 1), number.largest_code
        one = number.bias << number.fraction_bits
        kinds = np.array([0, one, 1, top, min(top + 1, sign - 1), sign - 1])
        chances = [0.1, 0.5, 0.1, 0.14, 0.15, 0.01]  # many sums are no NaN
        return rng.choice(kinds, shape, p=chances) | rng.choice([0, sign], shape)

    a, b = (drawn(number, (count, rule.lanes + 1)) for number in (rule.a, rule.b))
    a[:, 3 : rule.lanes] *= rng.random((count, 1)) < 0.3  # few terms in most sums
    c = drawn(rule.d, (count,))
    return a, b, np.where(rng.random(count) < 0.2, NAN[rule.d.name], c)


def near_the_floor(rule: FusedDot, count: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """A step and a half, of products about the floor, as far as formats have such."""
    shape = (count, rule.lanes * 3 // 2)
    target = rng.integers(rule.floor - 24, rule.floor + 12, (count, 1)) + rng.integers(-3, 4, shape)
    lowest = 1 - rule.a.bias
    highest = np.clip(target - (1 - rule.b.bias), lowest, rule.a.bias)
    exponent = rng.integers(lowest, highest + 1)

    def code(number: Any, exponent: np.ndarray) -> np.ndarray:
        field = np.clip(exponent + number.bias, 0, 2 * number.bias)
        size = field << number.fraction_bits | rng.integers(0, 1 << number.fraction_bits, shape)
        return size | rng.integers(0, 2, shape) << (number.bits - 1)

    return code(rule.a, exponent), code(rule.b, target - exponent), np.zeros(count, np.int64)


def long_sum(rule: FusedDot, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """One sum of K = 5000."""
    a, b = (codes(number, "near", rng, (1, 5000)) for number in (rule.a, rule.b))
    return a, b, np.zeros(1, np.int64)


def compared(rule: FusedDot, count: int, **more: Any) -> tuple[int, int]:
    """Sums of every kind, of cell and rule; how many, and how many with a c that is not zero."""
    e = engine(rule, **more)
    parts, expected, begun = [], [], 0
    rng = np.random.default_rng(7)
    promoted = e.params["promote_every"] > 0
    drawn = [tiles(rule, kind, count, rng) for kind in KINDS for _ in range(2)]
    drawn += [special(rule, 4 * count, rng), near_the_floor(rule, 8 * count, rng)]
    for a, b, c in (*drawn, long_sum(rule, rng)):
        parts.append(sums(rule, a, b, c * (not promoted)))
        starts = parts[-1][4]
        expected += by_hand(e, rule, (a, b), starts)
        begun += int((starts != 0).sum())
    first, codes, b = (np.concatenate([part[i] for part in parts]) for i in range(3))
    offsets = np.cumsum([0, *(len(part[0]) for part in parts)])
    ends = np.concatenate([part[3] + at for part, at in zip(parts, offsets, strict=False)])
    found = shown(e, stimulus(first, codes, b, idle=True))[ends]
    wrong = np.flatnonzero(found != np.array(expected))
    assert not len(wrong), f"{len(wrong)} of {len(found)} sums: {found[wrong[:3]]}"
    return len(found), begun


RULES = {
    "volta-fp16": (("volta", "fp16", "fp16", "fp32"), {}),
    "ampere-bf16": (("ampere", "bf16", "bf16", "fp32"), {"stages": 3}),
    "ampere-tf32": (("ampere", "tf32", "tf32", "fp32"), {"stages": 2}),
    "hopper-fp16-fp16": (("hopper", "fp16", "fp16", "fp16"), {"stages": 3}),
    "ada-e4m3fn-e5m2": (("ada", "e4m3fn", "e5m2", "fp32"), {"stages": 3}),
    "blackwell-late": (("blackwell", "e5m2", "e2m1", "fp32"), {"c_add": "late", "stages": 3}),
    "ampere-promoted": (("ampere", "bf16", "bf16", "fp32"), {"promote_every": 16}),
    "volta-none": (("volta", "fp16", "fp16", "fp32"), {"c_add": "none", "promote_every": 4}),
}


@pytest.mark.parametrize("name", RULES)
def test_a_cell_is_the_rule_in_integers(name):
    of, more = RULES[name]
    sums_compared, begun = compared(fused_dot(*of), 40, **more)
    assert sums_compared == 80 * len(KINDS) + 481 and (begun > 10 or "promote_every" in more)


@pytest.mark.full
@pytest.mark.parametrize("number", range(len(all_rules())))
def test_a_cell_of_every_rule(number):
    rule = all_rules()[number]
    done, _ = compared(rule, 200, stages=1 + number % 3)
    assert done == 400 * len(KINDS) + 2401
    if rule.d.name == "fp32":
        compared(rule, 100, c_add="late", stages=1 + number % 3)
        compared(rule, 100, c_add="late", promote_every=2 * rule.lanes)


# ---- what GPUs gave ----


def measured_rows(one: dict[str, Any], count: int, **more: Any) -> int:
    """Rows of a set whose c a step of products can make, or that have none; how many of `count`."""
    rule, c_use, a, b, c, d = rows_of(one)
    some = np.random.default_rng(0).permutation(len(d))[: 4 * count]
    c = np.zeros_like(c) if c_use == "none" else c
    can = [i for i in some if products_of(int(c[i]), rule) is not None][:count]
    late = {"c_add": "late"} if c_use == "late" else {}
    first, steps, others, ends, starts = sums(rule, a[can], b[can], c[can])
    assert (starts == c[can]).all()
    found = shown(engine(rule, **late, **more), stimulus(first, steps, others, idle=False))[ends]
    wrong = np.flatnonzero(found != d[can])
    assert not len(wrong), f"{one['arch']} {one['fmt']}: {len(wrong)} of {len(can)} rows differ"
    return len(can)


def test_measured_rows_come_out_of_a_cell():
    """Of two sets, in fp32 and in fp16."""
    for gpu, out, stages in (("V100", "fp32", 1), ("H100", "fp16", 3)):
        of = (gpu, "fp16", out)
        (one,) = (x for x in measured()[1] if (x["arch"], x["fmt"], x["out"]) == of)
        assert measured_rows(one, 300, stages=stages) == 300


@pytest.mark.full
@pytest.mark.parametrize("number", range(42))
def test_rows_of_every_set_come_out_of_a_cell(number):
    assert measured_rows(measured()[1][number], 1000) > 0


# ---- arrays ----

SMALL = {"arch": "volta", "acc_bits": 32}
PROMOTED = {**SMALL, "promote_every": 8, "stages": 2}
IN_ARRAYS = [
    ("systolic_ws", (2, 1), PROMOTED),
    ("systolic_os", (1, 2), {**SMALL, "stages": 3}),
    ("matrix2d", (2, 1), {"arch": "volta", "acc_bits": 16}),
    ("adder_tree", (4, 2), {**SMALL, "c_add": "late"}),
    ("cube3d", (1, 2, 4), SMALL),
]


def test_every_array_has_values_and_cycles_of_its_model():
    """K of a part of a step to several passes; every value besides by Python's integers."""
    cases = []
    for array, size, params in IN_ARRAYS:
        e = tpe.Engine("tensorcore", array, size, **params)
        for k, handshake in ((1, ALWAYS), (13, STALLS), (700, STALLS)):
            rng = np.random.default_rng(k)
            a, b = e.a_format.drawn(rng, (3, k)), e.b_format.drawn(rng, (k, 3))
            cases.append(Case(e, a, b, handshake))
    for outcome in cosimulate(cases):
        case, e = outcome.case, outcome.case.engine
        where = f"{e.name}, K = {case.a.shape[1]}"
        assert outcome.ok, f"{where}: {outcome.first_mismatch()}, {outcome.cycles_rtl} cycles"
        rule = fused_dot("volta", "fp16", "fp16", f"fp{e.widths.acc}")
        a, b = e.a_format.codes(case.a), e.b_format.codes(case.b).T
        pairs = [np.array(x) for x in zip(*((x, y) for x in a for y in b), strict=True)]
        expected = by_hand(e, rule, pairs, np.zeros(len(pairs[0]), np.int64))
        words = outcome.C & ((1 << e.widths.acc) - 1)
        assert words.ravel().tolist() == expected, where


def test_parts_of_k_are_a_model():
    e = tpe.Engine("tensorcore", "systolic_os", (1, 1), split_k=3)
    with pytest.raises(tpe.TpeError, match="with split_k = 3 is model only: it has no RTL"):
        emit.engine_modules(e)


# ---- faults that somebody might write ----

FAULTS = {  # module, what stands there, what might; and a rule that shows it
    "c does not set the largest exponent": (
        "tpe_fp_dot", "Terms'({c_zero, zero_i})", "Terms'({1'b1, zero_i})",
        "volta-fp16",
    ),
    "a zero term sets the largest exponent": (
        "tpe_fp_align_all", "(zero_i[t] || negative)", "negative", "volta-fp16",
    ),
    "the floor is one lower": (
        "tpe_pe_tensorcore", ".FloorBelow(FloorBelow)", ".FloorBelow(FloorBelow + 1)",
        "ampere-tf32",
    ),
    "a product's exponent is one more": (
        "tpe_fp_dot", "TopExp'(Bias + FloorBelow - 1)", "TopExp'(Bias + FloorBelow)", "volta-fp16",
    ),
    "terms are cut with a sticky bit": (
        "tpe_fp_align_all", "(tpe_pkg::AlignTruncate)", "(tpe_pkg::AlignSticky)", "volta-fp16",
    ),
    "the sum is rounded to nearest": (
        "tpe_pe_tensorcore", "(AccWidth == 16) ? 1 : 0", "(AccWidth == 16) ? 0 : 1", "volta-fp16",
    ),
    "a sum that is cut to zero keeps its sign": (
        "tpe_fp_total", "&& code[CodeWidth-2:0] != '0", "", "ampere-tf32",
    ),
    "opposite infinities are infinite": (
        "tpe_fp_total", "nan_i || (pos_inf_i && neg_inf_i)", "nan_i", "volta-fp16",
    ),
    "c is not moved on behind the register": (
        "tpe_fp_dot", "top - ((t == Lanes) ? c_exp : prod_top_q)", "top - prod_top_q",
        "ampere-bf16",
    ),
    "what is promoted begins at what it was": (
        "tpe_fp_promote", "ends ? '0 : partial_i", "partial_i", "ampere-promoted",
    ),
}  # fmt: skip


def faults() -> list[Any]:
    """Every other one in the full tier alone."""
    return [pytest.param(x, marks=[pytest.mark.full] * (i % 2)) for i, x in enumerate(FAULTS)]


@pytest.mark.parametrize("fault", faults())
def test_a_fault_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch):
    module, right, wrong, name = FAULTS[fault]
    of, more = RULES[name]
    break_cell(monkeypatch, module, right, wrong)
    with pytest.raises(AssertionError, match=r"\d+ of \d+ (steps|sums)"):
        compared(fused_dot(*of), 40, **more)
