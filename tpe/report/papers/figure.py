"""The picture of `tpe reproduce`: every ratio a row, the paper's, its repository's and ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tpe.report.cycles_figure import GREY, ORANGE, PALETTE, styled
from tpe.report.papers.facts import QUANTITIES
from tpe.report.papers.words import drawn_text

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tpe.report.papers.measure import Finding, Measured

_PAPER = {"abs": ("^", "the paper, abstract"), "read": ("v", "the paper, evaluation")}
_OURS = PALETTE[:4]
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
_FINE = (0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8)  # where all ratios are near 1


def ratios_figure(results: Sequence[Measured]) -> Figure:
    """A panel for area and, if any is known, one for energy; logarithmic, 1 is the baseline."""
    quantities = ["area"]
    if any(f.ours is not None for r in results for f in r.findings if f.quantity == "energy"):
        quantities.append("energy")
    cases = [f.case.name for f in results[0].findings if f.quantity == "area"]
    with styled():
        from matplotlib.figure import Figure

        height = 1.9 + 0.36 * len(cases)
        figure = Figure(figsize=(5.2 + 3.6 * len(quantities), height), layout="constrained")
        panels = figure.subplots(1, len(quantities), sharey=True, squeeze=False)[0]
        for axes, quantity in zip(panels, quantities, strict=True):
            _panel(axes, quantity, results)
        panels[0].set_yticks(range(len(cases)), cases)
        panels[0].set_ylim(len(cases) - 0.4, -0.6)
        handles: dict[str, Artist] = {}
        for axes in panels:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        figure.legend(
            list(handles.values()), list(handles), loc="outside lower left", ncols=3, frameon=False
        )
        figure.suptitle(results[0].paper.title, x=0.01, ha="left", fontweight="bold", fontsize=11)
        drawn = drawn_text(results[0])  # above the panels: below them a legend of any height stands
        panels[0].set_title(drawn, loc="left", fontsize=7.5, color="#444444")
    return figure


def _panel(axes: Axes, quantity: str, results: Sequence[Measured]) -> None:
    first = [f for f in results[0].findings if f.quantity == quantity]
    for place, finding in enumerate(first):
        for claim in finding.claims:
            mark, label = _PAPER[claim.where]
            axes.plot(claim.value, place, mark, color=GREY, label=label)
        if finding.published is not None:
            axes.plot(finding.published, place, "s", color=ORANGE, label="its SAED32 rows")
    for number, result in enumerate(results):
        colour = _OURS[number % len(_OURS)]
        own = [f for f in result.findings if f.quantity == quantity]
        for place, finding in enumerate(own):
            _ours(axes, finding, place + 0.18 * (number + 1), colour, result.name)
    axes.axvline(1, color="#888888", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel(f"{QUANTITIES[quantity]}, ratio to the baseline")
    ticks = [t for t in _TICKS if _covers(axes, t)]
    if len(ticks) < 3:
        ticks = [t for t in _FINE if _covers(axes, t)]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.xaxis.grid(True, color="#DDDDDD", linewidth=0.6)
    axes.tick_params(axis="y", length=0)


def _covers(axes: Axes, value: float) -> bool:
    low, high = axes.get_xlim()
    return bool(low <= value <= high)


def _ours(axes: Axes, finding: Finding, place: float, colour: str, name: str) -> None:
    if finding.ours is None:
        return
    if finding.spread is not None:
        axes.plot(finding.spread, [place, place], "-", color=colour, linewidth=1.6)
    axes.plot(finding.ours, place, "o", color=colour, label=f"here, {name}, over the best MAC")
    if finding.one_stage is not None:
        label = f"here, {name}, cells of one stage"
        axes.plot(  # a ring, so that a dot at the same place is seen
            finding.one_stage,
            place,
            "o",
            color=colour,
            label=label,
            markerfacecolor="none",
            markersize=8,
        )
