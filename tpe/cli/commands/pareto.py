"""`tpe pareto`: the front of any table by any objectives."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from tpe.base.errors import TpeError
from tpe.cli.command import Command
from tpe.cli.command_line import option_words
from tpe.cli.options import (
    JsonOption,
    Output,
    SeedOption,
    check_figure,
    document,
    plain_table,
)
from tpe.cli.paths import READS, WRITES

if TYPE_CHECKING:
    from tpe.predict.fronts import ParetoFront
    from tpe.predict.rehearsal import Rehearsal

ReferenceOption = Annotated[
    str | None,
    typer.Option(
        "--reference",
        metavar="X,Y,...",
        help="What the hypervolume is measured from. Default: 1.1 times the worst of each.",
    ),
]
ShowOption = Annotated[
    str | None,
    typer.Option("--show", metavar="A,B,...", help="More columns of the rows on the front."),
]
RehearseOption = Annotated[
    str | None,
    typer.Option(
        "--rehearse",
        metavar="A,B,...",
        help="Inputs of a model that proposes rows: how many must be confirmed to find the "
        "front, against all of them.",
    ),
]


def pareto(
    table: Annotated[
        str,
        typer.Option("--table", metavar="FILE", help="A .csv, .csv.gz or .parquet file."),
        READS,
    ],
    objectives: Annotated[
        str,
        typer.Option(
            "--objectives",
            metavar="A,B,...",
            help="Columns, two or more; less is better, or more of a -NAME.",
        ),
    ],
    reference: ReferenceOption = None,
    show: ShowOption = None,
    rehearse: RehearseOption = None,
    seed: SeedOption = 0,
    figure: Annotated[
        str | None,
        typer.Option("--figure", metavar="FILE", help="Draw it: a .png, .svg or .pdf file."),
        WRITES,
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Find the rows of a table that no other row beats in all objectives.

    The front is exact; its hypervolume says how good it is as a whole, its knee is the row nearest
    to the best of all objectives at once. With --rehearse the table is a space whose costs are
    asked for one by one: a forest proposes, the table confirms.
    """
    from tpe.predict.fronts import pareto as front_of
    from tpe.predict.rehearsal import rehearsed

    out = Output(json_file)
    check_figure(figure)
    names = _names(objectives)
    found = front_of(table, names, _numbers(reference))
    more: dict[str, object] = {"reference": reference, "show": show, "rehearse": rehearse}
    more |= {"seed": seed or None, "figure": figure}
    words = ["--table", table, "--objectives", objectives, *option_words(more)]
    command = shlex.join(["tpe", "pareto", *words])
    tried = None if rehearse is None else rehearsed(found, _names(rehearse), seed=seed)
    out.echo(command)
    _print(out, found, _shown(found, show))
    if tried is not None:
        _print_rehearsal(out, tried)
    if figure is not None:
        from tpe.report.cycles_figure import write_figure
        from tpe.report.front_figure import front_figure

        write_figure(front_figure(found), figure)
        out.text(f"picture in {figure}")
    rehearsal = None if tried is None else tried.to_json()
    out.json(document(command, **found.to_json(), rehearsal=rehearsal))


def _print(out: Output, found: ParetoFront, shown: list[str]) -> None:
    left = f", {found.left_out} left out for want of a value" if found.left_out else ""
    out.text(f"{len(found.places):,} of {len(found.frame):,} rows are on the front{left}")
    names = [name.removeprefix("-") for name in found.objectives]
    rows = plain_table("row", *names, *shown, "", left=(*shown, ""))
    for place in found.places:
        row = found.frame.iloc[place]
        values = [f"{float(row[name]):.6g}" for name in names]
        knee = "knee" if place == found.knee else ""
        rows.add_row(str(place + 1), *values, *(str(row[name]) for name in shown), knee)
    out.table(rows)
    at = ", ".join(f"{x:.6g}" for x in found.reference)
    out.text(f"hypervolume {found.hypervolume:.6g} from the reference {at}")


def _print_rehearsal(out: Output, tried: Rehearsal) -> None:
    out.text(
        f"a forest found {tried.share:.2%} of it with {tried.confirmed} of {tried.rows} rows "
        f"confirmed ({tried.confirmed / tried.rows:.1%}), in {tried.rounds} rounds after "
        f"{tried.first} at random; as many at random alone: {tried.at_random:.2%}"
    )


def _shown(found: ParetoFront, show: str | None) -> list[str]:
    from tpe.base.errors import unknown

    names, columns = _names(show), [str(column) for column in found.frame.columns]
    for name in names:
        if name not in columns:
            raise unknown("column", name, columns)
    return names


def _names(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _numbers(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise TpeError(f"--reference {text} is not legal: numbers, such as 1000,2.5") from None


RECORD = Command(pareto, "tpe pareto --table points.csv --objectives area_um2,cycles")
