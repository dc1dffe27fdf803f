"""The picture of an engine's errors: their distribution at every K, and how they grow with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tpe.report.cycles_figure import PALETTE, styled, write_figure
from tpe.study.errors import BINS, RELATIVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tpe.study.errors import ErrorRow, ErrorStudy

_MARKS = "osD^v"
_MEASURES = (
    ("largest", "largest |error|"),
    ("root_mean_square", "root mean square"),
    ("mean_absolute", "mean |error|"),
    ("bias", "|bias|"),
    ("outward_bias", "|outward bias|"),
)


def save_figure(study: ErrorStudy, path: str | os.PathLike[str]) -> None:
    """Draw errors into a .png, .svg or .pdf file."""
    write_figure(draw(study), path)


def draw(study: ErrorStudy) -> Figure:
    """Two panels, against the exact sums: shares of outputs by error, and measures by K."""
    rows = [row for row in study.of("exact") if row.outputs]
    with styled():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9.6, 4.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        _distribution(left, rows)
        _growth(right, rows, study.growth())
        for axes in (left, right):
            axes.grid(True, color="#DDDDDD", linewidth=0.6)
        engine = study.engine
        types = f"{engine.a_format.name} x {engine.b_format.name}"
        figure.suptitle(
            f"Errors of {engine.pe.name}, {types}",
            x=0.01,
            ha="left",
            fontweight="bold",
            fontsize=11,
        )
        figure.supxlabel(_caption(study), x=0.01, ha="left", fontsize=7.5, color="#444444")
    return figure


def _distribution(axes: Axes, rows: list[ErrorRow]) -> None:
    axes.set_title("Distribution of result - exact sum", loc="left", fontsize=9.5)
    axes.set_xlabel("error (%)")
    axes.set_ylabel(f"outputs in a bin (%), {BINS} bins for every K")
    inexact = [row for row in rows if row.largest]
    if not inexact:
        _say(axes, "every output is exact" if rows else "no output is finite")
        return
    for number, row in enumerate(inexact):
        shares = [100 * count / row.outputs for count in row.counts]
        edges = [100 * edge for edge in row.edges]
        axes.stairs(
            shares,
            edges,
            color=PALETTE[number % len(PALETTE)],
            linewidth=1.3,
            label=f"K = {row.k:,}",
        )
    axes.axvline(0, color="#333333", linewidth=0.8)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8)


def _growth(axes: Axes, rows: list[ErrorRow], exponent: float | None) -> None:
    rate = "" if exponent is None else f": mean |error| as K^{exponent:.2f}"
    axes.set_title(f"Growth with K{rate}", loc="left", fontsize=9.5)
    axes.set_xlabel("K")
    axes.set_ylabel("error (%)")
    if not any(row.largest for row in rows):
        _say(axes, "every output is exact" if rows else "no output is finite")
        return
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    for number, (name, label) in enumerate(_MEASURES):
        points = [(row.k, 100 * abs(getattr(row, name))) for row in rows if getattr(row, name)]
        axes.plot(
            [k for k, _ in points],
            [size for _, size in points],
            color=PALETTE[number],
            marker=_MARKS[number],
            markersize=4,
            linewidth=1.2,
            linestyle="--" if "bias" in name else "-",
            label=label,
        )
    low, high = axes.get_ylim()
    if high < 100 * low:  # too few powers of ten to read a size from
        from matplotlib.ticker import LogLocator

        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xticks([row.k for row in rows], [f"{row.k:,}" for row in rows])
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=8)


def _say(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color="#444444")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("")
    axes.set_ylabel("")


def _caption(study: ErrorStudy) -> str:
    rows = study.of("exact")
    left_out = sum(row.not_finite for row in rows)
    outputs = max((row.outputs + row.not_finite for row in rows), default=0)
    lines = [
        f"{study.operands}, seed {study.seed}, {outputs:,} outputs for every K; "
        f"errors in % of {RELATIVE[study.relative]} over them."
    ]
    exact = [f"{row.k:,}" for row in rows if row.outputs and not row.largest]
    if exact and len(exact) < len(rows):
        lines.append(f"Not drawn, every output is exact: K = {', '.join(exact)}.")
    if left_out:
        lines.append(f"Left out: {left_out:,} outputs that are not finite.")
    return "\n".join(lines)
