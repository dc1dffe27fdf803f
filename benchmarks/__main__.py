"""`python -m benchmarks`: every figure with its limit; exit 1 if one is missed."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from benchmarks import (
    evaluate,
    explore,
    face,
    floats,
    model,
    multipliers,
    networks,
    numbers,
    predictions,
    rtl,
    synth,
    tensor_cores,
    timer,
)


def main() -> int:
    """Measure and print."""
    table = Table("figure", "measured", "limit", "reached")
    figures = []
    for figure in (
        *model.figures(),
        *numbers.figures(),
        *tensor_cores.figures(),
        *floats.figures(),
        *multipliers.figures(),
        *networks.figures(),
        *evaluate.figures(),
        *explore.figures(),
        *predictions.figures(),
        *face.figures(),
        *rtl.figures(),
        *synth.figures(),
        *timer.figures(),
    ):
        figures.append(figure)
        table.add_row(figure.name, figure.measured, figure.limit, "yes" if figure.ok else "NO")
    Console(width=130).print(table)
    return 0 if all(figure.ok for figure in figures) else 1


sys.exit(main())
