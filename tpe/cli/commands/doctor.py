"""`tpe doctor`: tools found, versions, paths, and how to get the rest."""

from __future__ import annotations

import typer

from tpe.cli.command import Command
from tpe.cli.options import JsonOption, Output, SeedOption, document, plain_table


def doctor(seed: SeedOption = 0, json_file: JsonOption = None) -> None:
    """Look for everything that tpe uses, and say how to get what is not there.

    Exits with 1 if anything is lacking that `tpe run` or `tpe verify` needs. Nothing here is
    random: the seed changes nothing.
    """
    from tpe.cli.doctor import checks, lacking

    out = Output(json_file)
    found = checks()
    lack = lacking(found)
    command = f"tpe doctor --seed {seed}"
    out.echo(command)
    heads = ("what", "needed for", "", "version", "where")
    table = plain_table(*heads, left=heads)
    for check in found:
        where = ", ".join(part for part in (check.detail, check.path) if part)
        table.add_row(check.name, check.needed_for, check.status, check.version or "-", where)
    out.table(table)
    fixes: dict[str, list[str]] = {}
    for check in found:
        if check.fix:
            fixes.setdefault(check.fix, []).append(check.name)
    if fixes:
        out.text("")
        out.text("How to get the rest", style="bold")
        for fix, names in fixes.items():
            out.console.print(f"  {', '.join(names)}: {fix}", soft_wrap=True)
    out.text("")
    for use, names in lack.items():
        out.text(f"tpe {use}: {'ready' if not names else f'lacks {chr(44).join(names)}'}")
    ok = not any(lack.values())
    out.json(document(command, ok=ok, lacking=lack, checks=[c.describe() for c in found]))
    if not ok:
        raise typer.Exit(1)


RECORD = Command(doctor, "tpe doctor --json -")
