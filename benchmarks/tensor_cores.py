"""Tensor cores: multiply-accumulates a second of a whole GEMM, and beside mmasim's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np

from benchmarks.timing import Figure, best
from tpe.numbers.fused_gemm import words_product
from tpe.numbers.operands import Ints
from tpe.numbers.tensor_cores import FusedDot, fused_dot

SIZE = 512
FEATURES = ("avx2", "avx512f", "avx512dq", "neon")
RULES = (("ampere", "fp16", 800), ("hopper", "fp16", 400), ("hopper", "e4m3fn", 400))


def figures() -> Iterator[Figure]:
    """Rates with 24, 25 and 13 aligned bits; where mmasim is installed, the ratio to it."""
    machine = processor()
    for arch, name, limit in RULES:
        rule = fused_dot(arch, name, name)
        a, b = operands(rule, SIZE)
        seconds = best(lambda a=a, b=b, rule=rule: words_product(a, b, rule))  # type: ignore[misc]
        rate = SIZE**3 / seconds / 1e6
        yield Figure(
            f"tensor core, {arch} {name}, {SIZE}^3 ({machine})",
            f"{rate:.0f} million MAC/s",
            f">= {limit} million MAC/s",
            rate >= limit,
        )
    if find_spec("mmasim"):
        yield beside_mmasim()


def processor() -> str:
    """Processors at hand, and what of vectors they have, as the compiler sees it.

    >>> processor().partition(" ")[2].startswith("processors")
    True
    """
    from llvmlite.binding import get_host_cpu_features, get_host_cpu_name

    found = get_host_cpu_features()
    names = [name for name in FEATURES if found.get(name)]
    count = os.cpu_count()
    return f"{count} processors, {get_host_cpu_name()}: {' '.join(names) or 'no vectors'}"


def operands(rule: FusedDot, size: int) -> tuple[Ints, Ints]:
    """Codes of A and B, square, of normally distributed numbers."""
    rng = np.random.default_rng(0)
    return tuple(x.codes(rng.normal(size=(size, size))) for x in (rule.a, rule.b))  # type: ignore[return-value]


def beside_mmasim() -> Figure:
    """The same GEMM by mmasim: 64 by 64 outputs of K = 512, which give the same words."""
    import torch
    from mmasim.nv_ptx import MMA

    rule = fused_dot("ampere", "fp16", "fp16")
    a, b = operands(rule, SIZE)
    small, small_b = a[:64], np.ascontiguousarray(b[:, :64])
    left, right = (
        torch.from_numpy(x.astype(np.int16)).view(torch.float16) for x in (small, small_b)
    )
    start = torch.zeros((64, 64))
    operation = MMA("Ampere", "m16n8k16.f32.f16.f16.f32")
    expected = operation(left, right, start).view(torch.int32).numpy()
    assert (words_product(small, small_b, rule) == expected.view(np.uint32)).all()
    theirs = SIZE * 64**2 / best(lambda: operation(left, right, start), 2)
    ours = SIZE**3 / best(lambda: words_product(a, b, rule))
    return Figure(
        f"tensor core, ampere fp16: rate against mmasim's {theirs / 1e6:.1f} million MAC/s",
        f"{ours / theirs:.0f}x",
        ">= 100x",
        ours >= 100 * theirs,
    )
