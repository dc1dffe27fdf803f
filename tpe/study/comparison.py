"""What `tpe.compare` returns: engines beside each other, shown, saved and drawn."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tpe.base import registry
from tpe.model.saved import read_saved, write_saved
from tpe.study.record import ComparisonRecord
from tpe.study.saved import FORMAT, comparison_content, comparison_of
from tpe.study.shown import comparison_html, comparison_summary, comparison_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(ComparisonRecord):
    """What `compare` returns. `comparison["opt4c"]` is that engine's `Run`.

    >>> from tpe.study.points import compare
    >>> comparison = compare(["mac", "opt4c"], "gemm:8x8x8", size="4x4")
    >>> comparison["opt4c"].cycles, comparison.rows()[1]["cycles_ratio"] > 2
    (154, True)
    """

    def __repr__(self) -> str:
        return comparison_text(self)

    def _repr_html_(self) -> str:
        return comparison_html(self)

    def summary(self) -> pd.DataFrame:
        """A dozen columns, a row per engine."""
        return comparison_summary(self)

    def save(self, path: str | os.PathLike[str], values: bool = False) -> None:
        """Write the comparison into a JSON file that `load` reads; see `tpe.Run.save`."""
        write_saved(FORMAT, comparison_content(self, values), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Comparison:
        """The comparison in a file that `save` wrote; see `tpe.Run.load`."""
        return read_saved(FORMAT, path, lambda content: comparison_of(cls, content))

    def figure(self, layers: bool = False) -> Figure:
        """The stacked picture of where the cycles went, of the whole or of every layer."""
        drawn: Figure = registry.find("tpe.figures", "cycles")(self, layers)
        return drawn

    def save_figure(self, path: str | os.PathLike[str], layers: bool = False) -> None:
        """The picture as a `.png`, `.svg` or `.pdf` file."""
        registry.find("tpe.figures", "save")(self, path, layers)
