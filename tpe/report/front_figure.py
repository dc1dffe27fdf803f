"""A picture of a front: every row of a table by two objectives, the front joined, its knee."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import missing_extra

if TYPE_CHECKING:
    from tpe.predict.fronts import ParetoFront


def front_figure(front: ParetoFront) -> Any:
    """The first two objectives; of a third one the front's rows have their size.

    A matplotlib figure, with both axes as logarithms where all values are positive.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("matplotlib", "report") from None
    names = [name.removeprefix("-") for name in front.objectives]
    x, y = (front.frame[name].to_numpy(np.float64, na_value=np.nan) for name in names[:2])
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    places = list(front.places)
    axes.scatter(x, y, s=12, color="0.75", label=f"{len(x):,} rows")
    order = sorted(places, key=lambda place: (x[place], y[place]))
    if len(names) == 2:
        axes.plot(x[order], y[order], drawstyle="steps-post", color="tab:blue", linewidth=1)
    axes.scatter(x[order], y[order], s=24, color="tab:blue", label=f"front, {len(places)}")
    axes.scatter(x[front.knee], y[front.knee], s=90, facecolors="none", edgecolors="tab:red")
    axes.annotate("knee", (x[front.knee], y[front.knee]), xytext=(6, 6), textcoords="offset points")
    if np.nanmin(x) > 0 and np.nanmin(y) > 0:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    axes.legend()
    return figure
