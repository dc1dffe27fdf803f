"""Pictures of a comparison at equal something: area against clock, energy against area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpe.report.cycles_figure import PALETTE, styled, wrapped
from tpe.study.equal_table import ISO, IsoComparison, IsoEntry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = "osD^vP*X<>"  # beside the colours, for print


def cost_figure(result: IsoComparison) -> Figure:
    """Two panels: every PE's front at the size asked for, and what was chosen for each."""
    with styled():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9.2, 4.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        entries = [entry for entry in result.entries if entry.price is not None]
        for number, entry in enumerate(entries):
            _front(left, entry, number)
        left.set_xlabel("clock period (ns)")
        left.set_ylabel("area of the array (mm2)")
        left.set_title("Area against clock, at the size asked for", loc="left", fontsize=9.5)
        _energies(right, [(n, e) for n, e in enumerate(entries) if e.run is not None])
        right.set_title("Energy against area, as chosen", loc="left", fontsize=9.5)
        for axes in (left, right):
            axes.grid(True, color="#DDDDDD", linewidth=0.6)
            axes.set_ylim(bottom=0)
        left.set_xlim(left=0)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper", frameon=False)
        figure.supxlabel(_caption(result), x=0.01, ha="left", fontsize=7.5, color="#444444")
    return figure


def _front(axes: Axes, entry: IsoEntry, number: int) -> None:
    """The front as the steps it is: a clock between two options takes the larger one."""
    assert entry.price is not None and entry.candidate.engine is not None
    size = entry.candidate.engine.size
    front = entry.price.front(size)
    x = [option.period_ns for option in front]
    y = [option.area_um2(size) * 1e-6 for option in front]
    colour, mark = PALETTE[number % len(PALETTE)], _MARKS[number % len(_MARKS)]
    style = "-" if len(front) > 1 else ""
    axes.plot(
        x,
        y,
        linestyle=style,
        drawstyle="steps-post",
        color=colour,
        marker=mark,
        markersize=5,
        label=entry.label,
    )


def _energies(axes: Axes, entries: list[tuple[int, IsoEntry]]) -> None:
    axes.set_xlabel("area of the array (mm2)")
    axes.set_ylabel("energy per MAC (fJ)")
    known = 0
    for number, entry in entries:
        assert entry.option is not None and entry.run is not None
        if entry.energy is None:
            continue
        known += 1
        area = entry.option.area_um2(entry.run.engine.size) * 1e-6
        colour, mark = PALETTE[number % len(PALETTE)], _MARKS[number % len(_MARKS)]
        axes.plot([area], [entry.energy.fj_per_mac], color=colour, marker=mark, linestyle="")
    if not known:
        axes.text(
            0.5, 0.5, "energy is unknown", transform=axes.transAxes, ha="center", color="#666666"
        )
        axes.set_xticks([])
        axes.set_yticks([])
        return
    axes.set_xlim(left=0, right=axes.get_xlim()[1] * 1.15)
    axes.set_ylim(bottom=0, top=axes.get_ylim()[1] * 1.15)


def _caption(result: IsoComparison) -> str:
    base = result[result.baseline]
    price = base.price
    assert price is not None
    tech = price.technology
    where = price.source if tech is None else f"{tech.name}, {tech.corner}"
    refused = [entry.label for entry in result.entries if entry.run is None]
    lines = [
        f"{where}. Equal {result.iso}: {ISO[result.iso]}; baseline {result.baseline}.",
        f"{result.workload}, seed {result.seed}."
        + (f" Refused: {', '.join(refused)}." if refused else ""),
    ]
    notes = (result.assumed, result.without_values, *result.of_energies)
    lines += [wrapped(line) for line in notes if line]
    return "\n".join(lines)
