"""Spaces: a million points whose cycles follow from shapes, rows that are kept, mixed PEs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.timing import Figure
from tpe.explore.analytic import group_of
from tpe.explore.batch import of_rows, packed
from tpe.explore.design import DesignPoint
from tpe.explore.plan import chunks
from tpe.explore.rows import rows_of
from tpe.explore.space import Space
from tpe.explore.space_file import space_of
from tpe.explore.store import Store
from tpe.explore.sweep import sweep
from tpe.workloads.onnx_file import onnx_light

NETWORKS = 6
KEPT = 30_000  # rows
PORTION = 64  # rows of a batch


def figures() -> Iterator[Figure]:
    """Seconds, and rows a second."""
    space = million()
    with tempfile.TemporaryDirectory() as folder:
        group_of(next(chunks(space))[0])  # what is loaded once
        begun = time.perf_counter()
        count = computed(space)
        took = time.perf_counter() - begun
        name = f"{count:,} analytic points, {NETWORKS} networks: cycles"
        yield Figure(name, f"{took:.1f} s", "< 10 s", took < 10)
        begun = time.perf_counter()
        done = sweep(space, Path(folder) / "million")
        took = time.perf_counter() - begun
        name = f"{done.points:,} analytic points: computed, kept, written as Parquet"
        yield Figure(name, f"{took:.1f} s", "< 30 s", took < 30)
        yield kept(Path(folder))
        yield mixed(Path(folder))


def million() -> Space:
    """Two dense PEs in two arrays, each with its overlaps, of 64 x 326 sizes, on six networks."""
    engines = {
        "pe": ["mac", "opt1"],
        "array": ["systolic_os", "systolic_ws"],
        "rows": {"from": 1, "to": 64},
        "cols": {"from": 1, "to": 326},
        "parameters": {"overlap": ["none", "stream"]},
    }
    networks = [f"onnx:{name}" for name in islice(onnx_light(), NETWORKS)]
    return space_of({"workload": networks, "engines": engines})


def computed(space: Space) -> int:
    """Points whose columns were computed."""
    count = 0
    for pieces in chunks(space):
        for piece in pieces:
            group = group_of(piece)
            assert group is not None and piece.sides is not None
            count += len(group.columns(piece.sides)["cycles"])
    return count


def kept(folder: Path) -> Figure:
    """Rows of single points, committed in portions as a pool gives them."""
    (row,) = rows_of([DesignPoint("mac", "matrix2d", "4x4", (), "gemm:8x8x8")])
    folder = folder / "kept"
    folder.mkdir()
    begun = time.perf_counter()
    with Store(folder, make=True) as store:
        for start in range(0, KEPT, PORTION):
            rows: list[dict[str, Any]] = [{**row, "seed": start + i} for i in range(PORTION)]
            batch: pa.RecordBatch = of_rows(rows)
            keys = [(start + i).to_bytes(16, "big") for i in range(PORTION)]
            store.add(keys, packed(batch))
    rate = KEPT / (time.perf_counter() - begun)
    return Figure(
        f"durable rows, {PORTION} a commit", f"{rate:,.0f} a second", ">= 3,000", rate >= 3000
    )


def mixed(folder: Path) -> Figure:
    """A thousand points of six PEs, dense and sparse, on ResNet-50, in two processes."""
    engines = {
        "pe": ["mac", "opt1", "opt2", "opt3", "opt4c", "opt4e"],
        "rows": [8, 12, 16, 20, 24, 28, 32, 40, 48],
        "cols": [8, 12, 16, 20, 24, 28, 32, 40, 48],
        "parameters": {"encoder": ["booth", "ent"]},
    }
    space = space_of({"workload": "onnx:light_resnet50", "engines": engines})
    begun = time.perf_counter()
    done = sweep(space, folder / "mixed", sample=1000, workers=2)
    took = time.perf_counter() - begun
    name = f"{done.points:,} points of six PEs on ResNet-50, two processes"
    return Figure(name, f"{took:.1f} s", "< 20 s", took < 20)
