"""Kernels of users: typed in, and without a signature."""

from __future__ import annotations

from dataclasses import replace

import pytest

import tpe
from tpe import pe as pes
from tpe.base.jit import kernel
from tpe.pe.kernel import resolve_type, step_type

KERNELS = """
def step(codes, b, plane, psum, facts):
    for lane in range(codes.shape[0]):
        for cell in range(codes.shape[1]):
            word = psum[0, cell] + codes[lane, cell] * b[lane, cell]
            psum[0, cell] = word & ((1 << facts.psum_bits) - 1)


def resolve(psum, plane, acc, facts):
    acc[:] = psum[0]
"""


@pytest.mark.parametrize("signed", [True, False])
def test_a_kernel_that_was_typed_in_runs(signed: bool) -> None:
    functions: dict = {"__name__": __name__}
    exec(compile(KERNELS, "<stdin>", "exec"), functions)
    step = kernel(step_type if signed else None)(functions["step"])
    resolve = kernel(resolve_type if signed else None)(functions["resolve"])
    mac = pes.get("mac")
    mine = replace(mac, name="mine", kernel=replace(mac.kernel, step=step, resolve=resolve))
    run = tpe.Engine(mine, "os", "2x2").run([[1, -2], [3, 4]], [[3], [-128]], values="bits")
    assert run.C.tolist() == [[259], [-503]]
