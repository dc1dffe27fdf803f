"""Sums of floating point: products of bf16 by three PEs, beside apytypes'."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

import tpe
from benchmarks.timing import Figure, best
from tpe.numbers.operands import as_operands

SIZE = 512
RATES = {"fma_approxnorm": 300, "lmul": 1500, "fma": 0}  # millions of multiply-adds a second
RATIOS = {"fma_approxnorm": 8, "lmul": 40}  # to the peer


def figures() -> Iterator[Figure]:
    """Multiply-adds a second of each, and the ratio to a peer of two of them."""
    rng = np.random.default_rng(0)
    a, b = (tpe.rounded(rng.normal(size=(SIZE, SIZE)), "bf16") for _ in range(2))
    seconds = {}
    for pe, limit in RATES.items():
        engine = tpe.Engine(pe, "systolic_ws", (16, 16))
        codes = as_operands(a, b, engine.a_format, engine.b_format, "benchmark")
        work = partial(engine.arithmetic.product, *codes, engine.a_format, engine.b_format)
        seconds[pe] = best(work)
        rate = SIZE**3 / seconds[pe] / 1e6
        yield Figure(
            f"{pe}: bf16 values, {SIZE}^3, multiply-adds a second",
            f"{rate:.0f} million",
            f">= {limit} million" if limit else "-",
            rate >= limit,
        )
    peer = best(peer_product(a, b), 1)
    for pe, limit in RATIOS.items():
        ratio = peer / seconds[pe]
        yield Figure(
            f"{pe}: bf16 values, {SIZE}^3, rate against apytypes' matmul",
            f"{ratio:.1f}",
            f">= {limit}",
            ratio >= limit,
        )


def peer_product(a: np.ndarray, b: np.ndarray) -> partial[object]:
    """The same product by apytypes, accumulated in fp32."""
    from apytypes import APyFloatAccumulatorContext, APyFloatArray

    left, right = (APyFloatArray.from_float(x, 8, 7) for x in (a, b))

    def multiply() -> object:
        with APyFloatAccumulatorContext(exp_bits=8, man_bits=23):
            return left @ right

    return partial(multiply)
