"""Cells of tensor cores in Verilator: the rule in Python's integers, what GPUs gave, seeded faults.

The contract holds cell and model together; here the cell meets the slow implementation, which
shares nothing with either. A sum begins with a step of products that make its c, where there are
such; else at zero.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tpe
from tests.numbers.slow_tensor_core import BINARIES, NAN, decoded, dot, step
from tests.numbers.test_tensor_cores import measured, rows_of
from tests.numbers.tiles import KINDS, tiles
from tpe.array.base import ALWAYS
from tpe.hdl.simulate import cell_cosim
from tpe.hdl.simulate.build import QUICK
from tpe.hdl.simulate.cell_cosim import CellStimulus
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.numbers.tensor_cores import ARCHITECTURES, FusedDot, all_rules, fused_dot

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


def compared(rule: FusedDot, count: int, **more: Any) -> tuple[int, int]:
    """Sums of every kind, of cell and rule; how many, and how many with a c that is not zero."""
    e = engine(rule, **more)
    parts, expected, begun = [], [], 0
    rng = np.random.default_rng(7)
    promoted = e.params["promote_every"] > 0
    for kind in KINDS:
        for _ in range(2):
            a, b, c = tiles(rule, kind, count, rng)
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
    assert sums_compared == 80 * len(KINDS) and (begun > 10 or "promote_every" in more)


@pytest.mark.full
@pytest.mark.parametrize("number", range(len(all_rules())))
def test_a_cell_of_every_rule(number):
    rule = all_rules()[number]
    done, _ = compared(rule, 200, stages=1 + number % 3)
    assert done == 400 * len(KINDS)
    if rule.d.name == "fp32":
        compared(rule, 100, c_add="late", stages=1 + number % 3)
        compared(rule, 100, c_add="late", promote_every=2 * rule.lanes)
