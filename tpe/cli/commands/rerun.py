"""`tpe rerun`."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

from tpe.cli.command import Command
from tpe.cli.options import JsonOption, Output, document, plain_table
from tpe.cli.paths import READS

MOST = 20  # differences shown on the terminal


def rerun(
    result: Annotated[
        str, typer.Argument(metavar="RESULT.json", help="What a command wrote with --json."), READS
    ],
    json_file: JsonOption = None,
) -> None:
    """Make a result again by the command that it holds, and say what differs.

    The version of tpe may differ, and is told; any other difference is listed, with exit code 1.
    """
    from tpe.cli.rerun import as_held, command_of, differences, made_again, version_of
    from tpe.version import __version__

    out = Output(json_file)
    words, before = command_of(result)
    now = as_held(made_again(words), before)
    found = list(differences(before, now))
    command = shlex.join(["tpe", "rerun", result])
    out.echo(command)
    out.text(shlex.join(["tpe", *words]))
    of = version_of(before)
    made_by = f" Made by tpe {of}, this is {__version__}." if of not in (None, __version__) else ""
    if not found:
        out.text(f"equal: nothing differs.{made_by}")
    else:
        table = plain_table("where", "before", "now", left=("where", "before", "now"))
        for where, old, new in found[:MOST]:
            table.add_row(where, _short(old), _short(new))
        out.table(table)
        more = f", {MOST} of them shown" if len(found) > MOST else ""
        count = "1 value differs" if len(found) == 1 else f"{len(found)} values differ"
        out.text(f"{count}{more}.{made_by}")
    rows = [{"where": where, "before": old, "now": new} for where, old, new in found]
    out.json(document(command, made_by=of, equal=not found, differences=rows))
    if found:
        raise typer.Exit(1)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


RECORD = Command(rerun, "tpe rerun result.json")
