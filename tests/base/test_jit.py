"""Kernels of users: typed in, and without a signature."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

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


@pytest.mark.parametrize(
    "runs", [("", "# changed"), pytest.param(("", "", "# changed"), marks=pytest.mark.full)]
)
def test_compiled_code_is_kept_by_all_the_code_that_it_holds(
    runs: tuple[str, ...], tmp_path: Path
) -> None:
    """A change in a function that a kernel calls, in another file, is another kernel."""
    program = (
        "import tpe; from tpe.base.cache import _text as text; from tpe.base import cache\n"
        "import sys; words = sys.argv[1]\n"
        "cache._text = lambda name: text(name) + (words if name == 'tpe.numbers.words' else '')\n"
        "tpe.Engine('mac', 'os', '2x2').run([[1]], [[1]], values='bits')\n"
    )
    kept = []
    for words in runs:
        environment = {**os.environ, "TPE_CACHE_DIR": str(tmp_path)}
        subprocess.run([sys.executable, "-c", program, words], check=True, env=environment)
        kept.append(sorted(tmp_path.rglob("mac.step*.nbi")))
    assert len(kept[0]) == 1 and kept[-2] == kept[0]
    assert len(kept[-1]) == 2


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
