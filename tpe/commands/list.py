"""`tpe list`: what there is to choose from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tpe.cli_common import (
    JsonOption,
    Output,
    ParamOption,
    SeedOption,
    check_seed,
    document,
    plain_table,
)

CombinationsOption = Annotated[
    bool, typer.Option("--combinations", help="Every PE with every array: legal, or why not.")
]


def list_(
    combinations: CombinationsOption = False,
    param: ParamOption = None,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """List PEs, arrays, workloads, formats and encodings.

    With -p, only the PEs that take that parameter with that value. Nothing here is random.
    """
    from tpe import show

    check_seed(seed)
    out = Output(json_file)
    pes = show.pes_with(param or [])
    command = _command(combinations, param or [], seed)
    if combinations:
        rows = [row for row in show.combinations() if row["pe"] in pes]
        content: dict[str, Any] = {"combinations": rows}
    else:
        content = show.catalogue()
        content["pes"] = [row for row in content["pes"] if row["name"] in pes]
    out.echo(command)
    if combinations:
        _print_combinations(out, rows)
    else:
        _print_catalogue(out, content)
    out.json(document(command, **content))


def _command(combinations: bool, param: list[str], seed: int) -> str:
    import shlex

    words = ["tpe", "list", *(["--combinations"] if combinations else [])]
    words += [word for text in param for word in ("-p", text)]
    return shlex.join([*words, "--seed", str(seed)])


def _print_catalogue(out: Output, content: dict[str, Any]) -> None:
    text = ("PE", "title", "pace", "source", "checked", "arrays")
    table = plain_table(*text, left=text)
    for row in content["pes"]:
        cells = [row[key] for key in ("name", "title", "pace", "source", "checked")]
        table.add_row(*cells, "\n".join(row["arrays"]) or "none")
    out.table(table)
    out.text("")
    text = ("array", "title", "aliases", "rows and cols", "psum")
    table = plain_table(*text, left=text)
    for row in content["arrays"]:
        size = f"{row['size']['first']} to {row['size']['last']}"
        cells = (row["name"], row["title"], ", ".join(row["aliases"]) or "-", size, row["psum"])
        table.add_row(*cells)
    out.table(table)
    for kind in ("workload", "encoding"):
        out.text("")
        table = plain_table(kind, "title", left=(kind, "title"))
        for row in content[f"{kind}s"]:
            table.add_row(row["name"], row["title"])
        out.table(table)
    formats = [row["name"] for row in content["formats"]]
    out.text("")
    out.text(f"formats: {', '.join(formats)}")


def _print_combinations(out: Output, rows: list[dict[str, Any]]) -> None:
    text = ("PE", "array", "", "reason")
    table = plain_table(*text, left=text)
    for row in rows:
        table.add_row(
            row["pe"], row["array"], "legal" if row["legal"] else "refused", row["reason"] or ""
        )
    out.table(table)
