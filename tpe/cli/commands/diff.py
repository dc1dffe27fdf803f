"""`tpe diff`: what changed between two runs or tables."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.cli.command import Command
from tpe.cli.command_line import option_words
from tpe.cli.options import JsonOption, Output, document, plain_table
from tpe.cli.paths import READS

if TYPE_CHECKING:
    from tpe.predict.differences import Differences

MOST = 20  # changes that a terminal shows


def diff(
    before: Annotated[
        str,
        typer.Argument(metavar="BEFORE", help="A saved run (.json), or a .csv or .parquet table."),
        READS,
    ],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Another one."), READS],
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="A,B,...",
            help="Columns that say what a row is of. Default: PE, array, size, workload, layer.",
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", metavar="SHARE", help="Nearer numbers are equal."),
    ] = 0.0,
    json_file: JsonOption = None,
) -> None:
    """Say what changed between two runs or tables: of two versions of code, a library, a PE.

    Rows are matched by what they are of; every other column is compared. Exit code 0 where nothing
    changed, 1 where something did.
    """
    from tpe.predict.differences import differences

    out = Output(json_file)
    names = [part.strip() for part in (key or "").split(",") if part.strip()]
    found = differences(before, after, names, tolerance)
    words = [before, after, *option_words({"key": key, "tolerance": tolerance or None})]
    command = shlex.join(["tpe", "diff", *words])
    out.echo(command)
    _print(out, found)
    out.json(document(command, **found.to_json()))
    if not found.equal:
        raise typer.Exit(1)


def _print(out: Output, found: Differences) -> None:
    for name, (old, new) in found.told.items():
        out.text(f"{name}: {'; '.join(old)} -> {'; '.join(new)}")
    for what, rows in (("only before", found.gone), ("only after", found.new)):
        for row in rows[:MOST]:
            out.text(f"{what}: {_key(row)}")
    for what, columns in (("only before", found.columns_gone), ("only after", found.columns_new)):
        if columns:
            out.text(f"columns {what}: {', '.join(columns)}")
    if found.changes:
        table = plain_table("of", "column", "before", "after", "ratio", left=("of", "column"))
        for change in found.changes[:MOST]:
            ratio = "" if change.ratio is None else f"{change.ratio:.4g}"
            values = (_text(change.before), _text(change.after), ratio)
            table.add_row(_key(change.key), change.column, *values)
        out.table(table)
    if len(found.changes) > MOST:
        for name, (count, low, high) in found.by_column().items():
            ratios = "" if low is None or high is None else f", ratios {low:.4g} to {high:.4g}"
            out.text(f"{name}: {count} changes{ratios}")
    out.text(f"{found.matched:,} rows matched, {len(found.changes):,} values changed")


def _key(key: Any) -> str:
    return " ".join(_text(value) for value in key.values() if value is not None)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:40]


RECORD = Command(diff, "tpe diff before.json after.json")
