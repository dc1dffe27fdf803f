"""L-Mul in arrays: every pair of operands, for every convention, in model and RTL."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree
from tpe.array.base import ALWAYS
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.numbers.lmul import OFFSETS, OVERFLOWS, SUBNORMALS

EVERY = list(product(OFFSETS, SUBNORMALS, OVERFLOWS))
SOME = [("paper", "flush", "inf"), ("none", "keep", "saturate"), ("paper", "keep", "wrap")]


def engine(array: str, a_type: str, choice: tuple[str, ...]) -> tpe.Engine:
    named: dict[str, Any] = dict(
        zip(("offset", "subnormals", "product_overflow"), choice, strict=True)
    )
    if array == "systolic_ws":
        named["psum_depth"] = 64
    return tpe.Engine("lmul", array, (4, 4), a_type=a_type, **named)


def all_pairs(e: tpe.Engine) -> Case:
    """Every pair of 8-bit codes; of bf16 and fp16 every pair of fractions, at a few exponents."""
    number = e.a_format
    m = number.fraction_bits
    codes = np.arange(1 << number.bits)
    if number.bits > 8:
        codes = np.arange(128) << max(0, m - 7)
        codes = codes | (number.bias << m)
    values = number.values(codes)
    return Case(e, values[:, None], values[None, :])


def drawn(e: tpe.Engine, k: int, pauses: Any) -> Case:
    rng = np.random.default_rng(k)
    return Case(e, e.a_format.drawn(rng, (6, k)), e.b_format.drawn(rng, (k, 5)), pauses)


def agree(choices: list[tuple[str, ...]], array: str, types: tuple[str, ...]) -> None:
    engines = [engine(array, a_type, choice) for a_type in types for choice in choices]
    cases = [all_pairs(e) for e in engines]
    cases += [drawn(e, k, h) for e in engines for k in (1, 9, 30) for h in (ALWAYS, STALLS)]
    assert_all_agree(cases)


@pytest.mark.parametrize("a_type", ["bf16", "fp16", "e4m3fn", "e5m2"])
def test_every_pair_and_drawn_ones_equal_the_rtl(a_type: str) -> None:
    agree(SOME, "matrix2d", (a_type,))


def test_a_few_in_the_other_arrays() -> None:
    agree(SOME[2:], "systolic_ws", ("bf16", "e4m3fn"))
    agree(SOME[2:], "systolic_os", ("fp16", "e5m2"))


@pytest.mark.full
@pytest.mark.parametrize("array", ["matrix2d", "systolic_os", "systolic_ws"])
@pytest.mark.parametrize("a_type", ["bf16", "fp16", "e4m3fn", "e5m2"])
def test_every_convention_equals_the_rtl(array: str, a_type: str) -> None:
    agree(EVERY, array, (a_type,))
