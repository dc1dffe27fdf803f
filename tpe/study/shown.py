"""How comparisons are shown: a line, a dozen columns, a table for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpe.base import html
from tpe.base.units import short
from tpe.model.shown import count
from tpe.study.record import ComparisonRecord

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "label array rows cols cycles cycles_ratio cycles_per_operand overall_utilization "
    "operand_bits_per_cycle_ratio area_ratio energy_ratio outputs_equal status reason"
).split()


def comparison_text(comparison: ComparisonRecord) -> str:
    """The comparison in a line: of how many engines, on what, against which."""
    engines = count(len(comparison.entries), "engine")
    name, base = short(comparison.workload), short(comparison.baseline)
    return f"<Comparison of {engines} on {name}, to {base}>"


def comparison_summary(comparison: ComparisonRecord) -> pd.DataFrame:
    """A row per engine, all layers together: `COLUMNS`."""
    return comparison.to_frame()[COLUMNS]


def comparison_html(comparison: ComparisonRecord) -> str:
    """The summary as a table for a notebook."""
    cells = [[row[column] for column in COLUMNS] for row in comparison.rows()]
    return html.table(comparison_text(comparison).strip("<>"), COLUMNS, cells)
