"""The model's speed: exact values against numpy, cycles, start-up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

import tpe
from benchmarks.timing import Figure, best, process

SIZE = 2048


def figures() -> Iterator[Figure]:
    """Values of the dense PEs, cycles of opt4c, start-up."""
    rng = np.random.default_rng(0)
    a = rng.integers(-128, 128, (SIZE, SIZE)).astype(np.int8)
    b = rng.integers(-128, 128, (SIZE, SIZE)).astype(np.int8)
    left, right = a.astype(np.float32), b.astype(np.float32)
    peer = best(lambda: left @ right)
    for pe in ("mac", "opt1"):
        engine = tpe.Engine(pe, "systolic_os", (32, 32))
        assert (engine.run(a, b).C[:64, :64] == a[:64].astype(np.int64) @ b[:, :64]).all()
        ours = best(partial(engine.run, a, b))
        yield Figure(
            f"{pe}: exact int8 values, 2048^3, rate against numpy float32 matmul",
            f"{peer / ours:.2f}",
            ">= 0.50",
            peer / ours >= 0.5,
        )
    yield opt4c_cycles(a)
    yield opt4c_cycles(a.reshape(-1, 64))
    numpy_alone = process("import numpy")
    imported = process("import numpy, tpe") - numpy_alone
    yield Figure("import tpe beyond numpy", f"{max(imported, 0):.2f} s", "< 0.3 s", imported < 0.3)
    listing = process(
        "import sys; sys.argv = ['tpe', 'list']\nfrom tpe.cli.main import main\nmain()"
    )
    yield Figure("tpe list", f"{listing:.2f} s", "< 1 s", listing < 1)


def opt4c_cycles(a: np.ndarray) -> Figure:
    """Operands of A a second through the cycle rule of opt4c."""
    from tpe.array.base import ALWAYS
    from tpe.array.free_rows import sparse_timing

    engine = tpe.Engine("opt4c", "matrix2d", (32, 32))
    k = a.shape[1]
    job = engine.job(a, np.zeros((k, SIZE), a.dtype))
    rate = a.size / best(lambda: sparse_timing(job, ALWAYS), 7)
    return Figure(
        f"opt4c 32x32: int8 operands a second through the cycle rule, K = {k}",
        f"{rate / 1e6:.0f} million",
        ">= 500 million",
        rate >= 500e6,
    )
