"""Tensor cores: what GPUs gave, and a slow implementation in Python's integers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tpe.base.jit import compiled
from tpe.numbers.fused_gemm import words_of_c, words_product
from tpe.numbers.fused_words import RULES, rule_number
from tpe.numbers.operands import Ints
from tpe.numbers.tensor_cores import FusedDot, all_rules, fused_dot

ROWS = Path(tpe.__file__).parents[2] / "shared" / "reference" / "tensorcore_vectors.npz"
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
