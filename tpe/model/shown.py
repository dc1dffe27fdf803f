"""How engines and runs are shown: a line, a dozen columns, a table for notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tpe.base import html
from tpe.base.table import to_frame
from tpe.base.units import short
from tpe.engine.spec import EngineSpec
from tpe.model.result import RunRecord

if TYPE_CHECKING:
    import pandas as pd

ENGINE_COLUMNS = (
    "pe array rows cols depth pe_count encoding encoded_operand a_type b_type acc_bits rtl_checked"
).split()
RUN_COLUMNS = (
    "layer m n k repeat macs cycles cycles_per_operand overall_utilization energy_pe_pj "
    "operand_source exact"
).split()


def count(number: int, noun: str) -> str:
    """
    >>> count(1, "layer"), count(2000, "layer")
    ('1 layer', '2,000 layers')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Some columns of the flat table, with its types."""
    known = [{key: value for key, value in row.items() if key in columns} for row in rows]
    return to_frame(known)[list(columns)]


# ---- engines ----


def engine_summary(engine: EngineSpec) -> pd.DataFrame:
    """What the engine is: one row of `ENGINE_COLUMNS`."""
    return frame([engine.describe()], ENGINE_COLUMNS)


def engine_html(engine: EngineSpec) -> str:
    """What the engine is and every parameter, for a notebook."""
    facts = engine.describe()
    rows = [(key, facts[key]) for key in ENGINE_COLUMNS]
    return html.table(engine.name, ("", "value"), [*rows, *engine.params.items()])


# ---- runs ----


def run_text(run: RunRecord) -> str:
    """The run in a line: what ran on what, and its cycles."""
    layers = count(len(run.layers), "layer")
    name = short(run.engine.name)
    return f"<Run {short(run.workload)} on {name}: {layers}, {run.cycles:,} cycles>"


def run_summary(run: RunRecord) -> pd.DataFrame:
    """The layers and, last, all of them together: `RUN_COLUMNS`."""
    return frame([*run.rows(), run.totals()], RUN_COLUMNS)


def run_html(run: RunRecord) -> str:
    """The summary as a table for a notebook."""
    rows = [*run.rows(), run.totals()]
    cells = [[row[column] for column in RUN_COLUMNS] for row in rows]
    return html.table(run_text(run).strip("<>"), RUN_COLUMNS, cells)
