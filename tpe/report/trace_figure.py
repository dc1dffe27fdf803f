"""The picture of a trace: cycles by lanes, a panel per rule, and digits, a panel per encoding."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tpe.report.cycles_figure import COLOURS, styled, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tpe.study.operand_trace import OperandTrace

MEAN, WAITING = COLOURS["useful"], COLOURS["lane_sync"]  # as in the pictures of cycles
COLUMNS = 7
TITLE = "One trace through every rule"
NOTE = (
    "Blue: a lane alone. Pink: its waiting for the slowest lane it meets. Rules of other papers "
    "are partly from memory.\nCycles alone rank no PE: a lane of one rule is not as large as a "
    "lane of another."
)


def save_figure(result: OperandTrace, path: str | os.PathLike[str]) -> None:
    """Draw a trace into a .png, .svg or .pdf file."""
    write_figure(draw(result), path)


def draw(result: OperandTrace) -> Figure:
    """A panel per rule, one scale for all; under them a panel per encoding."""
    names = list(dict.fromkeys(row["rule"] for row in result.rows))
    rule_rows = -(-len(names) // COLUMNS)
    with styled():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11.0, 1.0 + 1.9 * (rule_rows + 1)), layout="constrained")
        grid = figure.add_gridspec(rule_rows + 1, COLUMNS)
        top = 1.08 * max(row["max"] for row in result.rows)
        for i, name in enumerate(names):
            axes = figure.add_subplot(grid[i // COLUMNS, i % COLUMNS])
            _rule_panel(axes, result, name, top)
            _outer_labels(axes, i % COLUMNS == 0, "cycles per operand")
            axes.set_xlabel("lanes")
        for i, (name, counts) in enumerate(result.digits.items()):
            axes = figure.add_subplot(grid[rule_rows, i])
            _digit_panel(axes, name, counts, max(map(len, result.digits.values())))
            _outer_labels(axes, i == 0, "operands (%)")
        figure.suptitle(TITLE, x=0.01, ha="left", fontweight="bold", fontsize=11)
        types = f"{result.params['a_type']} x {result.params['b_type']}"
        assumed = f"{result.assumed}\n" if result.assumed else ""
        text = f"{result.workload}, {types}, seed {result.seed}\n{assumed}{NOTE}"
        figure.supxlabel(text, x=0.01, ha="left", fontsize=7.5, color="#444444")
    return figure


def _rule_panel(axes: Axes, result: OperandTrace, name: str, top: float) -> None:
    rows = sorted((row for row in result.rows if row["rule"] == name), key=lambda r: r["lanes"])
    ticks = range(len(rows))
    mean, most = [row["mean"] for row in rows], [row["max"] for row in rows]
    axes.fill_between(ticks, 0, mean, color=MEAN, linewidth=0)
    axes.fill_between(ticks, mean, most, color=WAITING, linewidth=0)
    axes.plot(ticks, most, color="#333333", linewidth=1.0, marker="o", markersize=2.5)
    axes.annotate(
        f"{most[-1]:.2f}",
        (len(rows) - 1, most[-1]),
        (0, 4),
        textcoords="offset points",
        ha="right",
        fontsize=8,
    )
    axes.set_ylim(0, top)
    axes.set_xticks(ticks, [str(row["lanes"]) for row in rows], fontsize=7)
    axes.set_title(name, fontsize=9)


def _digit_panel(axes: Axes, name: str, counts: dict[int, int], most: int) -> None:
    total = sum(counts.values())
    axes.bar(list(counts), [100 * n / total for n in counts.values()], color=MEAN, width=0.8)
    axes.set_xlim(-0.6, most - 0.4)
    axes.set_ylim(0, 100)
    axes.set_xlabel("non-zero digits")
    axes.set_title(name, fontsize=9)


def _outer_labels(axes: Any, first: bool, label: str) -> None:
    """The scale stands once, at the left."""
    axes.yaxis.grid(True, color="#DDDDDD", linewidth=0.6)
    if first:
        axes.set_ylabel(label)
    else:
        axes.tick_params(axis="y", labelleft=False)
