"""`tpe run`: a workload on an engine; cycles, where they went, and what the network still does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.errors import TpeError
from tpe.base.units import count, quantity
from tpe.cli.command import Command
from tpe.cli.options import (
    DEFAULT_SIZE,
    AllLayersOption,
    ArrayOption,
    BatchOption,
    DimOption,
    EngineOption,
    InputsOption,
    JsonOption,
    LoopIterationsOption,
    LoopSecondsOption,
    Output,
    ParamOption,
    PeOption,
    SeedOption,
    SizeOption,
    TableOption,
    command_line,
    engine_of,
    largest,
    left_line,
    model_options,
    model_words,
    option_words,
    plain_table,
    progress,
)
from tpe.cli.paths import READS
from tpe.cli.type_options import TypesOption, types_of, types_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from tpe.base.columns import Column
    from tpe.model.engine import Run
    from tpe.workloads import Workload

LONGEST_NAME = 10  # of a layer that is kept whole in a narrow terminal
NOT_MODELLED = "Not modelled: memory stalls. Area is unknown until synthesis (tpe synth)."

WorkloadOption = Annotated[
    str,
    typer.Option(
        "--workload",
        metavar="NAME",
        help="A built-in workload, gemm:MxNxK[:uniform|normal:SIGMA], npz:FILE, an .onnx model "
        "(or onnx:NAME of a light one), .gguf or .safetensors weights or a folder of these "
        "(:tokens=N behind), a SCALE-Sim .csv or a ZigZag .yaml.",
    ),
    READS,
]

# A term of the cycles, and the head of its column.
WHERE = {
    "useful": "useful",
    "empty_group": "empty group",
    "lane_sync": "lane sync",
    "edge": "edge",
    "fill_drain": "fill/drain",
    "load": "load",
}
EnergyOption = Annotated[
    bool, typer.Option("--energy", help="The PEs' energy too, where a table was fitted to them.")
]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="NAME,...",
        help="Sets of columns that the table gets more of: energy, operands, storage, and those "
        "of other packages.",
    ),
]

ValuesOption = Annotated[
    str,
    typer.Option(
        "--values",
        metavar="auto|fast|bits|none",
        help="How C is computed. none: cycles alone, at any size. Default: auto, none for layers "
        "whose operands are generated and too many.",
    ),
]


def run(
    pe: PeOption = None,
    array: ArrayOption = None,
    size: SizeOption = None,
    engine_file: EngineOption = None,
    workload: WorkloadOption = "digits_mlp",
    param: ParamOption = None,
    inputs: InputsOption = None,
    batch: BatchOption = None,
    dim: DimOption = None,
    loop_seconds: LoopSecondsOption = None,
    loop_iterations: LoopIterationsOption = None,
    types: TypesOption = None,
    energy: EnergyOption = False,
    columns: ColumnsOption = None,
    values: ValuesOption = "auto",
    all_layers: AllLayersOption = False,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
    table_file: TableOption = None,
) -> None:
    """Run a workload on an engine: exact results, exact cycles, and where the cycles went."""
    from tpe.model.operand_types import narrower

    out = Output(json_file, table_file)
    energy, more = _column_sets(energy, columns)
    engine = engine_of(pe, array, size, param, engine_file)
    model = (inputs, batch, dim, loop_seconds, loop_iterations)
    with progress(what=f"reading {workload}") as step:
        found = engine.find(workload, seed, **model_options(*model), **types_of(types))
        step.total = len(found.layers)
        result = engine.run(found, seed=seed, values=values, progress=step, energy=energy)
    chosen = option_words({"energy": energy, "columns": ",".join(more) or None})
    words = [*model_words(*model), *types_words(types), *chosen, *values_words(values)]
    command = command_line(
        "run", engine, seed, *words, default_size=DEFAULT_SIZE, workload=found.name
    )
    result = replace(result, command=str(command))
    for name in more:
        result = result.with_columns(name)
    rows = result.rows() if table_file or json_file else None
    out.echo(command)
    _print(out, result, rows, all_layers)
    if energy:
        out.text(_energy_line(result))
    for line in (result.assumed, result.without_values, narrower(result), *left_out(found)):
        if line:
            out.text(line)
    if rows is not None:
        out.rows(rows, {column.name: column.dtype for column in result.more_columns})
        out.json({**result.to_json(rows), **imported(found)})


def _column_sets(energy: bool, columns: str | None) -> tuple[bool, list[str]]:
    """Whether energy is asked for, and the other sets of columns; TpeError for one that is none."""
    from tpe.model.columns import column_set

    names = [name.strip() for name in columns.split(",")] if columns is not None else []
    for name in names:
        column_set(name)
        if names.count(name) > 1:
            raise TpeError(f"--columns {columns}: {name} is given twice; legal: each once")
    return energy or "energy" in names, [name for name in names if name != "energy"]


def values_words(values: str) -> list[str]:
    """`--values` as it is echoed."""
    return [] if values == "auto" else ["--values", values]


def imported(workload: Workload) -> dict[str, Any]:
    """What an import says beside its layers: operators left out, with counts, and notes."""
    names = ("unsupported", "not_gemm", "notes")
    return {name: getattr(workload, name) for name in names if hasattr(workload, name)}


def left_out(workload: Workload) -> list[str]:
    """The same for a person, a line each; nothing for a workload that was not imported."""
    said = imported(workload)
    lines = []
    for name, head in (("unsupported", "NOT COUNTED"), ("not_gemm", "No GEMM")):
        counts = said.get(name) or {}
        if counts:
            lines.append(f"{head}: " + ", ".join(f"{op} ({n})" for op, n in counts.items()))
    return [*lines, *(f"Note: {note}" for note in said.get("notes", ()))]


def _print(
    out: Output, result: Run, rows: Sequence[Mapping[str, Any]] | None, all_layers: bool
) -> None:
    """The engine, the layers, or the largest of many, and where their cycles went."""
    engine = result.engine
    out.text(
        f"{engine.pe.name}, {engine.pe.title}, in {engine.array.name} {engine.rows}x{engine.cols}: "
        f"{engine.rows * engine.cols:,} PEs, {engine.a_format.name} x {engine.b_format.name}, "
        f"{engine.widths.acc}-bit accumulator"
    )
    out.text("")
    places = largest([layer.cycles for layer in result.layers], all_layers)
    chosen = [result.layers[place] for place in places]
    shown = result.rows(chosen) if rows is None else [rows[place] for place in places]
    totals = result.totals()
    out.table(_layers(shown, totals), LONGEST_NAME)
    out.text("")
    out.table(_where(shown, totals), LONGEST_NAME)
    out.text("")
    if result.more_columns:
        out.table(_more(result.more_columns, [*shown, totals]), LONGEST_NAME)
        out.text("")
    if len(chosen) < len(result.layers):
        share = sum(layer.cycles for layer in chosen) / result.cycles
        out.text(left_line(len(result.layers) - len(chosen), 1 - share))
    if result.metrics:
        out.text(metrics_line(result.metrics))
    out.text(NOT_MODELLED)


def _energy_line(result: Run) -> str:
    """The energy of the PEs in a line, and where it comes from; or that it is not known."""
    row = result.totals()
    if row["energy_pe_pj"] is None:
        reasons = dict.fromkeys(x.no_energy for x in result.layers if x.no_energy)
        return f"Energy is unknown: {'; '.join(reasons)}. See tpe synth --power."
    total = quantity(row["energy_pe_pj"], "energy")
    each = quantity(row["energy_fj_per_mac"], "energy_per_mac")
    return f"Energy of the PEs: {total}, {each} per MAC; {row['cost_source']}"


def _layers(rows: Sequence[Mapping[str, Any]], totals: Mapping[str, Any]) -> Table:
    """What every layer is and takes, and all of them together."""
    sparse = rows[0]["nonzero_digits_per_operand"] is not None
    heads = ["layer", "M x N x K", "MACs", "cycles", "cycles/\noperand"]
    heads += ["digits/\noperand"] if sparse else []
    table = plain_table(*heads, left=heads[:2])
    for row in rows:
        times = f", {row['repeat']:,} times" if row["repeat"] > 1 else ""
        shape = " x ".join(str(x) if x < 10**9 else f"{x:.4g}" for x in (row[d] for d in "mnk"))
        table.add_row(row["layer"], shape + times, *_counts(row, sparse))
    table.add_section()
    table.add_row("total", "", *_counts(totals, sparse), style="bold")
    return table


def cycles_text(row: Mapping[str, Any]) -> str:
    """The cycles of a row, with a sign before them if they are estimated.

    >>> cycles_text({"cycles": 12345, "cycles_estimated": True})
    '~12,345'
    """
    return f"{'~' if row['cycles_estimated'] else ''}{count(row['cycles'])}"


def _counts(row: Mapping[str, Any], sparse: bool) -> list[str]:
    counts = [count(row["macs"]), cycles_text(row), f"{row['cycles_per_operand']:.3f}"]
    return [*counts, f"{row['nonzero_digits_per_operand']:.3f}"] if sparse else counts


def _where(rows: Sequence[Mapping[str, Any]], totals: Mapping[str, Any]) -> Table:
    """Where the cycles of every layer went, in percent of them, and how much of the array works.

    Mapped: PEs that have an output of the layer. Utilised: the part of all PE-cycles in which a
    PE takes an operand, or a digit if it is digit-serial.
    """
    first = "where the\ncycles went"
    heads = [head.replace(" ", "\n").replace("/", "/\n") for head in WHERE.values()]
    table = plain_table(first, *heads, "PEs\nmapped", "PEs\nutilised", left=(first,))
    for row in rows:
        table.add_row(row["layer"], *_shares(row))
    table.add_section()
    table.add_row("total", *_shares(totals), style="bold")
    return table


def _shares(row: Mapping[str, Any]) -> list[str]:
    shares = [row[f"cycles_{term}"] / row["cycles"] for term in WHERE]
    shares += [row["mapping_efficiency"], row["overall_utilization"]]
    return [f"{share:.1%}" for share in shares]


def _more(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> Table:
    """The columns behind the table's own, of every layer and, last, of all of them together."""
    table = plain_table("layer", *(column.head for column in columns), left=("layer",))
    for row in rows:
        cells = [cell(row[column.name]) for column in columns]
        table.add_row(row["layer"], *cells, style="bold" if row is rows[-1] else None)
    return table


def cell(value: Any) -> str:
    """A value of any type for a person.

    >>> [cell(value) for value in (None, True, 12345, 0.123456, "LPDDR4")]
    ['-', 'yes', '12,345', '0.1235', 'LPDDR4']
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def metrics_line(metrics: Mapping[str, float]) -> str:
    """A network's metrics side by side, fractions as percent.

    >>> metrics_line({"accuracy": 0.975, "accuracy_integer": 0.975, "accuracy_float": 0.98})
    'accuracy 97.50%, integer 97.50%, float 98.00%'
    """
    first = next(iter(metrics))
    return ", ".join(
        f"{name.removeprefix(f'{first}_').replace('_', ' ')} {value:.2%}"
        for name, value in metrics.items()
    )


RECORD = Command(run, "tpe run --pe opt4c --size 32x32 --workload digits_mlp")
