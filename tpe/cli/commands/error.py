"""`tpe error`: how far an engine's results are from the exact sums, and how that grows with K."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.errors import TpeError
from tpe.cli.command import Command
from tpe.cli.options import (
    DEFAULT_SIZE,
    ArrayOption,
    EngineOption,
    JsonOption,
    Output,
    ParamOption,
    PeOption,
    SeedOption,
    SizeOption,
    check_figure,
    command_line,
    document,
    engine_of,
    plain_table,
    working,
)
from tpe.cli.paths import WRITES

if TYPE_CHECKING:
    from rich.table import Table

    from tpe.numbers.multiplier_table import TableErrors
    from tpe.study.errors import ErrorStudy

DEFAULT_OPERANDS = "uniform"
DEFAULT_LENGTHS = "16,64,256,1024,4096"
DEFAULT_OUTPUTS = 32

OperandsOption = Annotated[
    str,
    typer.Option(
        "--operands",
        metavar="uniform|normal:SIGMA",
        help="How operands are drawn; of floating point uniform from -1 to 1.",
    ),
]
LengthsOption = Annotated[
    str, typer.Option("--lengths", metavar="K,...", help="The K's: products in a sum.")
]
RowsOption = Annotated[int, typer.Option("--rows", metavar="M", help="Rows of C.")]
ColumnsOption = Annotated[int, typer.Option("--columns", metavar="N", help="Columns of C.")]
RelativeOption = Annotated[
    str,
    typer.Option(
        "--relative",
        metavar="results|products",
        help="What errors are divided by: the mean of |A B|, or of |A| |B|.",
    ),
]
ErrorFigureOption = Annotated[
    str | None,
    typer.Option("--figure", metavar="FILE", help="Draw it: a .png, .svg or .pdf file."),
    WRITES,
]


def error(
    pe: PeOption = None,
    array: ArrayOption = None,
    size: SizeOption = None,
    engine_file: EngineOption = None,
    operands: OperandsOption = DEFAULT_OPERANDS,
    lengths: LengthsOption = DEFAULT_LENGTHS,
    rows: RowsOption = DEFAULT_OUTPUTS,
    columns: ColumnsOption = DEFAULT_OUTPUTS,
    relative: RelativeOption = "results",
    param: ParamOption = None,
    seed: SeedOption = 0,
    figure: ErrorFigureOption = None,
    json_file: JsonOption = None,
) -> None:
    """Measure an engine's errors against exact sums and against float64, for several K.

    Bias keeps its sign and is apart from the absolute error. Engines of integers are exact where
    their accumulator holds every sum.
    """
    from tpe.study import errors

    out = Output(json_file)
    check_figure(figure)
    counts = _lengths(lengths)
    engine = engine_of(pe, array, size, param, engine_file)
    with working("measuring") as begin:
        study = errors.error(
            engine,
            operands,
            counts,
            rows=rows,
            columns=columns,
            relative=relative,
            seed=seed,
            progress=begin,
        )
    command = command_line(
        "error",
        engine,
        seed,
        default_size=DEFAULT_SIZE,
        operands=study.operands,
        lengths=",".join(str(k) for k in counts),
        rows=rows,
        columns=columns,
        relative=relative,
    )
    out.echo(command)
    _print(out, study)
    if figure is not None:
        from tpe.report.error_figure import save_figure

        save_figure(study, figure)
        out.console.print(f"figure in {figure}", soft_wrap=True)
    out.json(document(command, **study.to_json()))


def _lengths(text: str) -> list[int]:
    """The numbers in `16,64`; TpeError for anything else."""
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if not (word.isascii() and word.isdigit()):
            raise TpeError(
                f"--lengths {text}: '{word}' is no number; legal: such as {DEFAULT_LENGTHS}"
            )
    return [int(word) for word in words]


def _print(out: Output, study: ErrorStudy) -> None:
    from tpe.study.errors import RELATIVE

    engine = study.engine
    out.text(
        f"{engine.pe.name}, {engine.pe.title}: {engine.a_format.name} x {engine.b_format.name}, "
        f"{study.operands}; errors in % of {RELATIVE[study.relative]}"
    )
    for reference, head in (("exact", "exact sums"), ("fp64", "float64, k ascending")):
        out.text("")
        out.text(f"Against {head}", style="bold")
        out.table(_table(study, reference))
        exponent = study.growth(reference)
        if exponent is not None:
            out.text(f"mean |error| grows as K^{exponent:.2f}")
    out.text("")
    out.text("+-: standard error of the bias. Outward bias: above 0 where results are too large.")
    worst = max(row.reference_error for row in study.of("fp64"))
    out.text(f"float64 itself is {_percent(worst)} % from the exact sums, at most.")
    if study.multiplier is not None:
        _print_products(out, study.multiplier)


def _print_products(out: Output, errors: TableErrors) -> None:
    """What is known of a multiplier by its table."""
    out.text("")
    out.text("The products themselves, all pairs of operands", style="bold")
    rate, mean, most = (
        _percent(x) for x in (errors.error_rate, errors.mean_relative, errors.largest_relative)
    )
    out.text(f"wrong: {rate} %; off by {mean} % on average (MRED), {most} % at most, where the")
    out.text(f"exact product is not 0; where it is, {errors.wrong_zeros:,} are wrong")
    normalised = _percent(errors.normalised_mean)
    out.text(
        f"mean |error| {errors.mean_absolute:.4g} (MAE), {normalised} % of the largest product "
        f"(NMED); largest {errors.largest:,}; bias {errors.bias:.4g}"
    )


def _table(study: ErrorStudy, reference: str) -> Table:
    heads = ("K", "bias", "+-", "outward\nbias", "mean\n|error|", "largest", "1 %", "99 %")
    table = plain_table(*heads, "not\nequal", "not\nfinite")
    for row in study.of(reference):
        sizes = (row.bias, row.bias_standard_error, row.outward_bias)
        levels: tuple[Any, ...] = row.quantiles or (None,) * 5
        spread = (row.mean_absolute, row.largest, levels[0], levels[-1])
        cells = [_percent(value) for value in (*sizes, *spread)]
        table.add_row(f"{row.k:,}", *cells, f"{row.differing:,}", f"{row.not_finite:,}")
    return table


def _percent(value: float | None) -> str:
    """A fraction in percent, three digits.

    >>> [_percent(value) for value in (0.0, -0.01234, 2.5e-9, None)]
    ['0', '-1.23', '2.5e-07', '-']
    """
    if value is None or value != value:
        return "-"
    return f"{100 * value:.3g}"


RECORD = Command(error, "tpe error --pe lmul --operands normal:1 --figure errors.png")
