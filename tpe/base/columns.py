"""The columns of the flat table as records: what each holds, in which unit, and who fills it."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from operator import index
from typing import Any

from tpe.base.errors import TpeError, unknown

DTYPES = {"text": "string", "integer": "Int64", "number": "Float64", "flag": "boolean"}


@dataclass(frozen=True)
class Column:
    """A column of a table: null where its value is not known, never 0 for that.

    type  text, integer, number or flag
    unit  what a number is counted in; empty for a pure number
    doc   what it holds, in a line
    by    who fills it: those of `OWNERS` for the table's own, else the set of columns
    """

    name: str
    type: str
    unit: str
    doc: str
    by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise TpeError(f"column {self.name!r} is not legal: letters, digits and _")
        if self.type not in DTYPES:
            raise unknown(f"type of column '{self.name}'", self.type, DTYPES)

    @property
    def dtype(self) -> str:
        """The column's type in a data frame."""
        return DTYPES[self.type]

    @property
    def head(self) -> str:
        """Name and unit, for a person.

        >>> Column("stall", "number", "us", "waiting for memory").head
        'stall, us'
        """
        return f"{self.name}, {self.unit}" if self.unit else self.name

    def checked(self, value: Any) -> Any:
        """The value as a plain one of this type; TypeError or ValueError for any other.

        >>> Column("stall", "number", "us", "waiting for memory").checked(3)
        3.0
        """
        if value is None:
            return None
        # NumPy's flag by its name: this module is of what answers without NumPy.
        flag = isinstance(value, bool) or type(value).__name__ == "bool"
        text = isinstance(value, str)
        if flag != (self.type == "flag") or text != (self.type == "text"):
            raise TypeError(f"no {self.type}")
        if flag or text:
            return bool(value) if flag else str(value)
        if self.type == "integer":
            return index(value)
        number = float(value)
        if not isfinite(number):
            raise ValueError("not finite; what is not known is None")
        return number


# Who fills columns of the table itself.
OWNERS = {
    "table": "every command that writes rows",
    "engine": "what an engine is",
    "run": "what it does: a run",
    "energy": "the energy of a run's PEs: the set of columns that is called so",
    "synthesis": "area, timing and power: `tpe synth`, comparisons at equal area, users' numbers",
}


def _columns(by: str, text: str) -> tuple[Column, ...]:
    """A column a line: name, type, unit or -, and what it holds."""
    parts = (line.split(None, 3) for line in text.strip().splitlines())
    return tuple(
        Column(name, kind, "" if unit == "-" else unit, doc, tuple(by.split()))
        for name, kind, unit, doc in parts
    )


RUN_COLUMNS: tuple[Column, ...] = (
    *_columns(
        "table",
        """
        schema_version integer - version of this table
        point_id text - hash of engine, workload, operands, seed and version
        status text - ok or refused
        reason text - why it was refused
        tpe_version text - the tpe that made the row
        seed integer - of whatever is generated
        command text - the command that makes the row again
        """,
    ),
    *_columns(
        "engine",
        """
        pe text - id of the PE
        array text - name of the array
        rows integer - rows of the array
        cols integer - columns of the array
        depth integer - depth of a cube
        pe_count integer - PEs of the array
        encoding text - recoding of the encoded operand
        encoded_operand text - activations or weights
        a_type text - format of A
        b_type text - format of B
        acc_bits integer bits width of the accumulator
        params_json text - every parameter
        rtl_checked text - how model and RTL were compared
        """,
    ),
    *_columns(
        "run",
        """
        workload text - name of the workload
        layer text - name of the layer, or total
        op text - operator that the layer is
        m integer - rows of A and C
        n integer - columns of B and C
        k integer - columns of A, rows of B
        repeat integer - how often the GEMM is run
        macs integer - multiplications
        operand_source text - where operands are from
        cycles integer cycles clock cycles
        cycles_estimated flag - whether they are estimated from a sample
        cycles_standard_error number cycles standard error of an estimate
        cycles_useful number cycles in which PEs work
        cycles_empty_group number cycles for groups without a non-zero digit
        cycles_lane_sync number cycles of waiting for other lanes
        cycles_edge number cycles of PEs outside the matrices
        cycles_fill_drain number cycles of filling and draining
        cycles_load number cycles of loading B
        cycles_stall number cycles of idle sources and busy sinks
        cycles_per_operand number cycles for an operand of a lane
        nonzero_digits_per_operand number - of the encoded operand
        operand_bits_per_cycle_a number bits that the ports of A take at full pace
        operand_bits_per_cycle_b number bits that the ports of B take at full pace
        mapping_efficiency number - share of PEs that have an output of the layer
        compute_utilization number - share of PE-cycles that work, stalls aside
        overall_utilization number - share of PE-cycles that work
        """,
    ),
    *_columns(
        "synthesis",
        """
        time_us number us time of the cycles at the clock
        throughput_tops number TOPS operations, two a MAC
        """,
    ),
    *_columns("synthesis energy", "library text - cell library that costs are of"),
    *_columns(
        "synthesis",
        """
        node_nm number nm node of the library
        corner text - corner of the library
        clock_ns number ns clock period
        clock_met flag - whether the design meets it
        fmax_mhz number MHz fastest clock
        recipe text - how it was mapped
        area_um2 number um2 area of cells
        power_mw number mW power at the clock
        leakage_mw number mW leakage
        energy_pj number pJ energy of everything
        """,
    ),
    *_columns("energy synthesis", "energy_pe_pj number pJ energy of the PEs"),
    *_columns(
        "synthesis",
        """
        energy_buffer_pj number pJ energy of buffers
        energy_dram_pj number pJ energy of the memory
        """,
    ),
    *_columns("energy synthesis", "energy_fj_per_mac number fJ energy of a MAC"),
    *_columns(
        "synthesis",
        """
        tops_per_w number TOPS/W operations for energy
        tops_per_mm2 number TOPS/mm2 operations for area
        """,
    ),
    *_columns(
        "energy synthesis",
        """
        cost_source text - where costs are from
        activity_source text - what the activity is of
        """,
    ),
    *_columns(
        "synthesis", "annotated_fraction number - share of nets whose activity was simulated"
    ),
    *_columns(
        "run",
        """
        exact flag - whether C is A @ B
        max_abs_error_vs_exact number - largest distance from it
        bias_relative number - mean distance, relative
        accuracy number - of the network
        """,
    ),
)
COLUMN = {column.name: column for column in RUN_COLUMNS}
