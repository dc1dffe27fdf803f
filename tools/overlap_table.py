"""Cycles of ten networks without and with tiles that follow each other: reports/overlap.md.

    python -m tools.overlap_table -o reports/overlap.md

The PE is `mac`, 16x16; what it computes has no part in its cycles, so that the weights of the light
ONNX models, which are constant, do none either.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import tpe

_NAMES = [workload["name"] for workload in tpe.list_workloads()]
NETWORKS = ("digits_mlp", *(name for name in _NAMES if name.startswith("onnx:")))
ARRAYS = ("systolic_os", "matrix2d", "systolic_ws")
SIZE = "16x16"
HEAD = """# Tiles one after another, and without a gap

Cycles of all layers that are computed (convolutions, products of matrices; batch 1), `mac` 16x16,
int8, with `overlap` = none and stream. `saved` is the share of the cycles without that is not there
with; `most` the layer of which most is, and how much. The cycles of the RTL are the same:
tests/array/test_overlap.py. `tpe run --workload NAME -p overlap=stream --table layers.parquet` has
every layer.
"""
COLUMNS = ("network", "layers", "array", "none", "stream", "saved", "most")


def rows(network: str) -> Iterator[tuple[str, ...]]:
    """A row of the table for each array."""
    layers = tpe.workload(network)
    for array in ARRAYS:
        apart, following = (
            tpe.Engine("mac", array, SIZE, overlap=overlap).run(layers, values="none")
            for overlap in ("none", "stream")
        )
        pairs = zip(apart.layers, following.layers, strict=True)
        most, name = max((1 - b.cycles / a.cycles, a.name) for a, b in pairs)
        saved = 1 - following.cycles / apart.cycles
        yield (
            f"`{network}`",
            str(len(apart.layers)),
            array,
            f"{apart.cycles:,}",
            f"{following.cycles:,}",
            f"{saved:.1%}",
            f"{most:.1%} `{name}`",
        )


def table(networks: tuple[str, ...] = NETWORKS) -> list[str]:
    """The lines of the table."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|--:|---|--:|--:|--:|---|"]
    return lines + [f"| {' | '.join(row)} |" for network in networks for row in rows(network)]


def main() -> None:
    """Run everything and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=Path("reports/overlap.md"))
    out = parser.parse_args().out
    out.write_text("\n".join([HEAD, *table()]) + "\n")


if __name__ == "__main__":
    main()
