"""The one flat table: its columns, rows, frames, and the files that it is written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tpe.base.errors import TpeError
from tpe.base.files import whole_file

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1

COLUMNS: tuple[str, ...] = tuple(
    """
    schema_version point_id status reason tpe_version seed command
    pe array rows cols depth pe_count encoding encoded_operand a_type b_type acc_bits params_json
    rtl_checked
    workload layer op m n k repeat macs operand_source
    cycles cycles_estimated cycles_standard_error
    cycles_useful cycles_empty_group cycles_lane_sync cycles_edge cycles_fill_drain
    cycles_load cycles_stall cycles_per_operand nonzero_digits_per_operand
    operand_bits_per_cycle_a operand_bits_per_cycle_b
    mapping_efficiency compute_utilization overall_utilization time_us throughput_tops
    library node_nm corner clock_ns clock_met fmax_mhz recipe
    area_um2 power_mw leakage_mw energy_pj energy_pe_pj energy_buffer_pj energy_dram_pj
    energy_fj_per_mac tops_per_w tops_per_mm2
    cost_source activity_source annotated_fraction
    exact max_abs_error_vs_exact bias_relative accuracy
    """.split()
)

_TEXT = frozenset(
    """
    status reason tpe_version command point_id pe array encoding encoded_operand a_type b_type
    params_json rtl_checked workload layer op operand_source library corner recipe cost_source
    activity_source
    """.split()
)
_INTEGER = frozenset(
    "schema_version seed rows cols depth pe_count acc_bits m n k repeat macs cycles".split()
)
_LARGEST = 2**63 - 1
_FLAG = frozenset({"exact", "clock_met", "cycles_estimated"})


def full_row(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` in the table's order; what is not known is None, never 0. Unknown names raise."""
    stray = set(values) - set(COLUMNS)
    assert not stray, f"not columns of the table: {sorted(stray)}"
    return {column: values.get(column) for column in COLUMNS}


def to_frame(
    rows: Iterable[Mapping[str, Any]], extra: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The rows as a data frame with fixed, nullable types: string, Int64, boolean, Float64.

    `extra`: columns that one command adds behind the table's own, each with its type.
    """
    import pandas as pd

    more = dict(extra or {})
    full = [_split(row, more) for row in rows]
    for row in full:
        _check_integers(row)
    types = {column: _dtype(column) for column in COLUMNS} | more
    return pd.DataFrame(full, columns=list(types)).astype(types)


def _split(row: Mapping[str, Any], extra: Mapping[str, str]) -> dict[str, Any]:
    """A full row of the table's columns and of the extra ones."""
    own = {column: value for column, value in row.items() if column not in extra}
    return full_row(own) | {column: row.get(column) for column in extra}


def _check_integers(row: Mapping[str, Any]) -> None:
    """TpeError for a count that the table's 64 bits do not hold; JSON holds it."""
    for column in COLUMNS:
        if column in _INTEGER and row[column] is not None and abs(row[column]) > _LARGEST:
            raise TpeError(
                f"{column} = {row[column]} does not fit a table; legal: up to {_LARGEST} "
                "(JSON holds any)"
            )


def _dtype(column: str) -> str:
    if column in _TEXT:
        return "string"
    if column in _INTEGER:
        return "Int64"
    return "boolean" if column in _FLAG else "Float64"


def json_type(column: str) -> dict[str, Any]:
    """The JSON Schema of a column in a row: its type, or null.

    >>> json_type("cycles"), json_type("area_um2")
    ({'type': ['integer', 'null']}, {'type': ['number', 'null']})
    """
    name = {"string": "string", "Int64": "integer", "boolean": "boolean"}.get(_dtype(column))
    return {"type": [name or "number", "null"]}


def table_ending(path: str) -> str:
    """`.parquet` or `.csv`, or TpeError."""
    ending = Path(path).suffix
    if ending not in (".parquet", ".csv"):
        raise TpeError(f"cannot write '{path}': unknown ending '{ending}'; legal: .parquet, .csv")
    return ending


def write_table(
    path: str, rows: Sequence[Mapping[str, Any]], extra: Mapping[str, str] | None = None
) -> None:
    """The table as `.parquet` or `.csv`, by the file's ending; `extra` as for `to_frame`."""
    ending = table_ending(path)
    frame = to_frame(rows, extra)
    with whole_file(path) as temporary:
        if ending == ".parquet":
            frame.to_parquet(temporary, index=False)
        else:
            frame.to_csv(temporary, index=False)
