"""`tpe trace`: one trace of operands through the cycle rules of PEs that skip or serialise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.errors import TpeError
from tpe.cli.command import Command
from tpe.cli.command_line import CommandLine, option_words, param_words
from tpe.cli.options import (
    BatchOption,
    DimOption,
    InputsOption,
    JsonOption,
    LoopIterationsOption,
    LoopSecondsOption,
    Output,
    SeedOption,
    TableOption,
    check_figure,
    document,
    model_options,
    model_words,
    parse_params,
    plain_table,
    working,
)
from tpe.cli.paths import READS, WRITES

if TYPE_CHECKING:
    from rich.table import Table

    from tpe.study.operand_trace import OperandTrace

DEFAULT_WORKLOAD = "gemm:4096x32x128:normal:20"
DEFAULT_LANES = "1,4,8,16,32,64"
CHECK_FAILED = 1

# Columns that this command adds to the flat table, with their types.
EXTRA = {
    "rule": "string",
    "lanes": "Int64",
    "mean_per_operand": "Float64",
    "max_per_operand": "Float64",
    "mean_per_group": "Float64",
    "max_per_group": "Float64",
    "groups": "Int64",
}
BINS = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 7), (8, 15), (16, 31), (32, None))

TraceWorkloadOption = Annotated[
    str,
    typer.Option(
        "--workload",
        metavar="NAME",
        help="Where the operands come from: what `tpe run` takes.",
    ),
    READS,
]
LanesOption = Annotated[
    str | None,
    typer.Option(
        "--lanes",
        metavar="N,...",
        help=f"Numbers of lanes that meet. Default: {DEFAULT_LANES}, as far as there are rows.",
    ),
]
TraceParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--param",
        metavar="KEY=VALUE",
        help="a_type, b_type, zero_points or encode; may be repeated.",
    ),
]
TraceFigureOption = Annotated[
    str | None,
    typer.Option("--figure", metavar="FILE", help="Draw it: a .png, .svg or .pdf file."),
    WRITES,
]


def trace(
    workload: TraceWorkloadOption = DEFAULT_WORKLOAD,
    lanes: LanesOption = None,
    param: TraceParamOption = None,
    inputs: InputsOption = None,
    batch: BatchOption = None,
    dim: DimOption = None,
    loop_seconds: LoopSecondsOption = None,
    loop_iterations: LoopIterationsOption = None,
    seed: SeedOption = 0,
    figure: TraceFigureOption = None,
    json_file: JsonOption = None,
    table_file: TableOption = None,
) -> None:
    """Put one trace of operands through every cycle rule: lanes alone, and waiting for each other.

    Cycles only: rules do not say what a lane costs in area. Exits with 1 if a PE's own way of
    computing a dot product of the trace does not give A @ B.
    """
    from tpe.study import operand_trace
    from tpe.study.operand_trace import COMMON

    out = Output(json_file, table_file)
    check_figure(figure)
    params = parse_params(param, COMMON, "a trace")
    model = model_options(inputs, batch, dim, loop_seconds, loop_iterations)
    with working("tracing"):
        result = operand_trace.trace(
            workload, _lanes(lanes) if lanes else (), seed=seed, model=model, **params
        )
    words = model_words(inputs, batch, dim, loop_seconds, loop_iterations)
    command = _command(result, words, lanes, params)
    if figure is not None:
        from tpe.report.trace_figure import save_figure

        save_figure(result, figure)
    out.echo(command)
    _print(out, result)
    if figure is not None:
        out.text("")
        out.console.print(f"figure in {figure}", soft_wrap=True)
    out.rows(_table_rows(result, command), EXTRA)
    out.json(document(command, **result.to_json()))
    if not result.ok:
        raise typer.Exit(CHECK_FAILED)


def _lanes(text: str) -> list[int]:
    """The numbers in `1,4,8`; TpeError for anything else."""
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if not (word.isascii() and word.isdigit()):
            raise TpeError(f"--lanes {text}: '{word}' is no number; legal: such as {DEFAULT_LANES}")
    return [int(word) for word in words]


def _command(
    result: OperandTrace, words: list[str], lanes: str | None, given: dict[str, str]
) -> str:
    counts = ",".join(str(n) for n in _counts(result))
    from tpe.engine.parameters import COMMON

    defaults = {p.name: p.default for p in COMMON}
    given = {name: value for name, value in given.items() if value != defaults[name]}
    place, tail = {"workload": result.workload}, ["--seed", str(result.seed)]
    full = [*option_words({**place, "lanes": counts}), *words, *param_words(result.params)]
    short = [*option_words({**place, "lanes": lanes and counts}), *words, *param_words(given)]
    return CommandLine(["tpe", "trace", *full, *tail], ["tpe", "trace", *short, *tail])


def _counts(result: OperandTrace) -> list[int]:
    """The numbers of lanes, ascending."""
    return sorted({row["lanes"] for row in result.rows})


def _table_rows(result: OperandTrace, command: str) -> list[dict[str, Any]]:
    from tpe.base.table import SCHEMA_VERSION
    from tpe.version import __version__

    return [
        {
            "schema_version": SCHEMA_VERSION,
            "status": "ok",
            "tpe_version": __version__,
            "seed": result.seed,
            "command": command,
            "pe": row["pe"],
            "encoded_operand": result.params["encode"],
            "a_type": result.params["a_type"],
            "b_type": result.params["b_type"],
            "workload": result.workload,
            "cycles_per_operand": row["max"],
            "exact": result.exact[row["pe"]],
            "rule": row["rule"],
            "lanes": row["lanes"],
            "mean_per_operand": row["mean"],
            "max_per_operand": row["max"],
            "mean_per_group": row["meeting_mean"],
            "max_per_group": row["meeting_max"],
            "groups": row["meetings"],
        }
        for row in result.rows
    ]


# ---- text ----


def _print(out: Output, result: OperandTrace) -> None:
    counts = _counts(result)
    out.text(f"{result.operands:,} operands of the encoded side.")
    if result.assumed:
        out.text(result.assumed)
    for head, keys, note in (
        ("Cycles per operand", ("mean", "max"), "mean over lanes alone / max over lanes"),
        (
            "Cycles per group",
            ("meeting_mean", "meeting_max"),
            "mean / max, from meeting to meeting",
        ),
    ):
        out.text("")
        out.text(f"{head}, by lanes ({note})", style="bold")
        out.table(_cycle_table(result, counts, keys))
    out.text("")
    out.text("Operands by non-zero digits", style="bold")
    out.table(_digit_table(result))
    out.text("")
    out.text(f"Lane imbalance: lanes by cycles waited at a meeting of {counts[-1]}", style="bold")
    out.table(_wait_table(result, counts[-1]))
    out.text("")
    out.text("Lanes and where they meet", style="bold")
    out.table(_rule_table())
    out.text("")
    wrong = [name for name, right in result.exact.items() if not right]
    out.text(
        f"{result.products:,} dot products of the trace computed the way of each PE: "
        + (f"WRONG for {', '.join(wrong)}." if wrong else "all exact.")
    )
    out.text(
        "Rules of other papers are partly from memory. Cycles alone rank no PE: a lane of one "
        "rule is not as large as a lane of another."
    )


def _cycle_table(result: OperandTrace, counts: list[int], keys: tuple[str, str]) -> Table:
    table = plain_table("rule", *(str(n) for n in counts), left=("rule",))
    for name in dict.fromkeys(row["rule"] for row in result.rows):
        rows = [result.find(name, n) for n in counts]
        table.add_row(name, *("/".join(_short(row[key]) for key in keys) for row in rows))
    return table


def _short(value: float) -> str:
    """Three digits at least: 2.47, 12.6, 317.

    >>> _short(2.4742), _short(12.57), _short(316.7)
    ('2.47', '12.6', '317')
    """
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _digit_table(result: OperandTrace) -> Table:
    most = max(n for counts in result.digits.values() for n in counts)
    table = plain_table("digits", *(str(n) for n in range(most + 1)), "mean", left=("digits",))
    for name, counts in result.digits.items():
        total = sum(counts.values())
        shares = (f"{100 * counts.get(n, 0) / total:.1f}%" for n in range(most + 1))
        mean = sum(n * count for n, count in counts.items()) / total
        table.add_row(name, *shares, f"{mean:.2f}")
    return table


def _wait_table(result: OperandTrace, lanes: int) -> Table:
    heads = [
        f"{low}+" if high is None else str(low) if low == high else f"{low}-{high}"
        for low, high in BINS
    ]
    table = plain_table("rule", *heads, "mean", left=("rule",))
    for row in result.rows:
        if row["lanes"] != lanes:
            continue
        waits, total = row["waits"], sum(row["waits"].values())
        shares = [
            sum(n for cycles, n in waits.items() if low <= cycles and (not high or cycles <= high))
            if high != 0
            else waits.get(0, 0)
            for low, high in BINS
        ]
        mean = sum(cycles * n for cycles, n in waits.items()) / total
        table.add_row(row["rule"], *(f"{100 * n / total:.1f}%" for n in shares), _short(mean))
    return table


def _rule_table() -> Table:
    from tpe.study.trace_rules import rules

    heads = ("rule", "a lane is", "lanes meet")
    table = plain_table(*heads, left=heads)
    for rule in rules():
        table.add_row(rule.name, rule.lane, rule.meets)
    return table


RECORD = Command(trace, "tpe trace --lanes 1,32 -p a_type=int4")
