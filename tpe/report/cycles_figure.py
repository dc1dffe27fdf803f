"""Pictures of a comparison, drawn with matplotlib (extra `report`), which is loaded when asked.

Colours are those of Okabe and Ito, told apart with any colour vision; the terms of the cycles
always have the same ones. The same comparison gives the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from tpe.array.base import TERMS
from tpe.base.errors import TpeError, missing_extra
from tpe.base.files import check_writable, whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tpe.model.layer_run import LayerRun
    from tpe.model.runnable import AnyRun
    from tpe.study.comparison import Comparison

TITLE = "Where the cycles went"
ENDINGS = (".png", ".svg", ".pdf")
MOST_LAYERS = 300  # in one picture
NOTE = "Cycles alone rank no PE: area and energy are unknown until synthesis (--iso area)."

# Okabe and Ito, "Color Universal Design", jfly.uni-koeln.de/color: without yellow; black is grey.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, GREY = "#E69F00", "#56B4E9", "#333333"
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY)
COLOURS = {
    "useful": BLUE,
    "empty_group": ORANGE,
    "lane_sync": PURPLE,
    "edge": GREEN,
    "fill_drain": SKY,
    "load": VERMILION,
    "stall": GREY,
}
LEGEND = {
    "useful": "useful steps",
    "empty_group": "groups without a digit",
    "lane_sync": "lanes waiting",
    "edge": "padded K",
    "fill_drain": "filling, draining",
    "load": "loading",
    "stall": "stalled",
}
_SETTINGS: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.parse_math": False,  # a $ in a layer's name is a $
    "svg.hashsalt": "tpe",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


def require_matplotlib() -> None:
    """Raise `MissingExtra`, with the pip command, unless matplotlib can be loaded."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise missing_extra("matplotlib", "report") from None


def check_figure(path: str | os.PathLike[str]) -> None:
    """Raise TpeError if a picture could not be written to `path`; to be asked before long work."""
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise TpeError(
            f"cannot write '{os.fspath(path)}': unknown ending '{ending}'; "
            f"legal: {', '.join(ENDINGS)}"
        )
    require_matplotlib()
    check_writable(os.fspath(path))


def write_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """A picture into a file, whole or not at all; without the date, so equal ones are equal."""
    import matplotlib
    from matplotlib import style

    kind = Path(path).suffix.lower().lstrip(".")
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
    with style.context("default"), matplotlib.rc_context(_SETTINGS), whole_file(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=160, metadata=metadata[kind])


def figure(comparison: Comparison, layers: bool) -> Figure:
    """Where the cycles went, of every layer or of the whole."""
    return by_layer(comparison) if layers else by_engine(comparison)


def save_figure(comparison: Comparison, path: str | os.PathLike[str], layers: bool) -> None:
    """The same as a `.png`, `.svg` or `.pdf` file; the file is checked before it is drawn."""
    check_figure(path)
    write_figure(figure(comparison, layers), path)


def by_engine(comparison: Comparison) -> Figure:
    """One bar per engine, stacked by where its cycles went, with its total on top."""
    runs = comparison.ran
    with styled():
        from matplotlib.figure import Figure

        ticks = [_tick(label, run) for label, run in runs]
        widest = max(len(line) for tick in ticks for line in tick.split("\n"))
        width = 2.4 + max(1.1, 0.09 * widest) * len(runs)
        figure = Figure(figsize=(max(5.0, width), 4.2), layout="constrained")
        axes = figure.add_subplot()
        scale, unit = _unit(max(run.cycles for _, run in runs))
        bottoms = [0.0] * len(runs)
        for term in _terms([run for _, run in runs]):
            heights = [float(getattr(run.terms, term)) / scale for _, run in runs]
            axes.bar(
                range(len(runs)),
                heights,
                bottom=bottoms,
                width=0.62,
                color=COLOURS[term],
                label=LEGEND[term],
                edgecolor="white",
                linewidth=0.6,
            )
            bottoms = [low + height for low, height in zip(bottoms, heights, strict=True)]
        for x, ((_, run), top) in enumerate(zip(runs, bottoms, strict=True)):
            axes.annotate(
                _cycles(run, run.estimated),
                (x, top),
                (0, 3),
                textcoords="offset points",
                ha="center",
            )
        axes.set_xticks(range(len(runs)), ticks)
        axes.set_xlim(-0.6, len(runs) - 0.4)
        axes.set_ylim(0, max(bottoms) * 1.08)
        axes.set_ylabel(f"cycles{unit}")
        axes.yaxis.grid(True, color="#DDDDDD", linewidth=0.6)
        axes.tick_params(axis="x", length=0)
        axes.set_title(TITLE, loc="left", fontweight="bold", fontsize=11)
        handles, labels = axes.get_legend_handles_labels()  # in the order of the stack
        figure.legend(handles[::-1], labels[::-1], loc="outside right upper", frameon=False)
        _caption(figure, comparison)
    return figure


def by_layer(comparison: Comparison) -> Figure:
    """A panel per engine with one bar per layer, all panels to one scale."""
    runs = comparison.ran
    names = [layer.name for layer in runs[0][1].layers]
    if len(names) > MOST_LAYERS:
        raise TpeError(f"{len(names)} layers in one picture; legal: at most {MOST_LAYERS}")
    with styled():
        from matplotlib.figure import Figure

        size = (3.8 + 2.6 * len(runs), 1.9 + 0.24 * len(names))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(runs), sharex=True, sharey=True, squeeze=False)[0]
        scale, unit = _unit(max(layer.cycles for _, run in runs for layer in run.layers))
        terms = _terms([layer for _, run in runs for layer in run.layers])
        most = 0.0
        for axes, (label, run) in zip(panels, runs, strict=True):
            most = max(most, _layer_bars(axes, run, terms, scale))
            axes.set_title(_name(label, run), fontsize=9)
            axes.set_xlabel(f"cycles{unit}")
            axes.xaxis.grid(True, color="#DDDDDD", linewidth=0.6)
            axes.tick_params(axis="y", length=0)
        panels[0].set_yticks(range(len(names)), _distinct(names))
        panels[0].set_ylim(len(names) - 0.5, -0.5)
        panels[0].set_xlim(0, most * 1.28)  # room for the totals
        figure.suptitle(TITLE, x=0.01, ha="left", fontweight="bold", fontsize=11)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper", frameon=False)
        _caption(figure, comparison)
    return figure


def _layer_bars(axes: Axes, run: AnyRun, terms: Sequence[str], scale: float) -> float:
    """The bars of one engine's layers; the longest one's length."""
    layers = run.layers
    lefts = [0.0] * len(layers)
    for term in terms:
        widths = [float(getattr(layer.terms, term)) / scale for layer in layers]
        axes.barh(
            range(len(layers)),
            widths,
            left=lefts,
            height=0.7,
            color=COLOURS[term],
            label=LEGEND[term],
            linewidth=0,
        )
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    for y, (layer, end) in enumerate(zip(layers, lefts, strict=True)):
        axes.annotate(
            _cycles(layer, layer.standard_error is not None),
            (end, y),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    return max(lefts)


def styled() -> Any:
    """Our settings over matplotlib's own, whatever the user's are."""
    require_matplotlib()
    from contextlib import ExitStack

    import matplotlib
    from matplotlib import style

    stack = ExitStack()
    stack.enter_context(style.context("default"))
    stack.enter_context(matplotlib.rc_context(_SETTINGS))
    return stack


def _caption(figure: Figure, comparison: Comparison) -> None:
    """Under everything: what was run, what was refused, what the picture does not say."""
    types = {(run.engine.a_format.name, run.engine.b_format.name) for _, run in comparison.ran}
    what = [_short(comparison.workload, 40)]
    what += [f"{a} x {b}" for a, b in types if len(types) == 1]
    lines = [", ".join([*what, f"seed {comparison.seed}"])]
    refused = [_short(entry.label) for entry in comparison.entries if entry.run is None]
    lines += [f"Refused: {', '.join(refused)}."] if refused else []
    lines += [line for line in (comparison.assumed, comparison.without_values) if line]
    text = "\n".join(wrapped(line) for line in [*lines, NOTE])
    figure.supxlabel(text, x=0.01, ha="left", fontsize=7.5, color="#444444")


def _cycles(part: AnyRun | LayerRun, estimated: bool) -> str:
    """Cycles as a number, with a sign before them if they are estimated."""
    return f"{'~' if estimated else ''}{part.cycles:,}"


def wrapped(line: str) -> str:
    """A line of a caption, broken between words so that it fits under a narrow picture."""
    return "\n".join(wrap(line, 90))


def _terms(parts: Sequence[AnyRun | LayerRun]) -> list[str]:
    """The terms that occur."""
    return [term for term in TERMS if any(getattr(part.terms, term) for part in parts)]


def _unit(most: int) -> tuple[float, str]:
    """What to divide cycles by, and how an axis says so."""
    for scale, word in ((1e9, "billions"), (1e6, "millions"), (1e3, "thousands")):
        if most >= 10 * scale:
            return scale, f" ({word})"
    return 1.0, ""


def _name(label: str, run: AnyRun) -> str:
    """A label with the array and its size under it."""
    engine = run.engine
    array = engine.describe()["array"] or "own nest"
    return f"{_short(label)}\n{array} {engine.rows}x{engine.cols}"


def _tick(label: str, run: AnyRun) -> str:
    """The same, narrow enough to stand under a bar."""
    name, below = _name(label, run).split("\n")
    return "\n".join([*wrap(label if len(label) <= 80 else name, 18), *below.split()])


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, as short as they can be and still differ."""
    for longest in (28, 40, 60):
        short = [_short(name, longest) for name in names]
        if len(set(short)) == len(names):
            return short
    return list(names)


def _short(name: str, longest: int = 28) -> str:
    """A name with its middle left out if it is long: layers differ at either end.

    >>> _short("encoder.layer.11.attention.output.dense")
    'encoder.layer.1..utput.dense'
    """
    if len(name) <= longest:
        return name
    head = longest // 2 + 1
    return f"{name[:head]}..{name[head + 2 - longest :]}"
