"""Imported networks on 32 x 32 PEs: ResNet-50 on every sparse PE, all nine light networks."""

from __future__ import annotations

import time
from collections.abc import Iterator

import tpe
from benchmarks.timing import Figure
from tpe import pe as pes
from tpe.report.catalogue import operand_steps
from tpe.workloads import onnx_light


def figures() -> Iterator[Figure]:
    """Cycles and firings of real networks, C included, kernels warm."""
    for name in pes.names():
        if operand_steps(pes.get(name).pace).startswith("non-zero"):
            yield resnet50(name)
    engine = tpe.Engine("opt4c", "matrix2d", (32, 32))
    start = time.perf_counter()
    count = 0
    for name in onnx_light():
        count += len(engine.run(f"onnx:{name}").layers)
    nine = time.perf_counter() - start
    yield Figure(f"all nine networks: {count} layers", f"{nine:.1f} s", "< 60 s", nine < 60)


def resnet50(pe: str) -> Figure:
    """ResNet-50 on one sparse PE."""
    engine = tpe.Engine(pe, "matrix2d", (32, 32))
    engine.run("gemm:64x64x64")
    start = time.perf_counter()
    run = engine.run("onnx:light_resnet50")
    took = time.perf_counter() - start
    name = f"ResNet-50 on {pe} 32x32: {len(run.layers)} layers, {run.cycles:,} cycles"
    return Figure(name, f"{took:.1f} s", "< 5 s", took < 5)
