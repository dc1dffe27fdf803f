"""`tpe list`: what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.cli_common import (
    JsonOption,
    Output,
    ParamOption,
    SeedOption,
    document,
    parse_params,
    plain_table,
)
from tpe.errors import TpeError

if TYPE_CHECKING:
    from rich.table import Table

CombinationsOption = Annotated[
    bool, typer.Option("--combinations", help="Every PE with every array: legal, or why not.")
]


def list_(
    combinations: CombinationsOption = False,
    param: ParamOption = None,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """List PEs, arrays, presets, workloads, formats and encodings.

    With -p, only the PEs that take that parameter with that value. Nothing here is random.
    """
    from tpe import show

    out = Output(json_file)
    pes = _pes_with(param)
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


def _pes_with(param: list[str] | None) -> list[str]:
    """Ids of the PEs that take every one of these parameters with its value."""
    from tpe import pe as pes
    from tpe.parameters import parameters_of, resolve_parameters

    records = [pes.get(name) for name in pes.names()]
    known = dict.fromkeys(p.name for pe in records for p in parameters_of(pe))
    params = parse_params(param, known, "any PE")
    found, refused = [], None
    for pe in records:
        try:
            resolve_parameters(pe, params)
            found.append(pe.name)
        except TpeError as error:
            takes = params.keys() <= {p.name for p in parameters_of(pe)}
            refused = error if takes or refused is None else refused
    if refused and not found:
        raise refused
    return found


def _command(combinations: bool, param: list[str], seed: int) -> str:
    import shlex

    words = ["tpe", "list", *(["--combinations"] if combinations else [])]
    words += [word for text in param for word in ("-p", text)]
    return shlex.join([*words, "--seed", str(seed)])


def _print_catalogue(out: Output, content: dict[str, Any]) -> None:
    out.table(_pe_table(content["pes"]))
    out.text("")
    out.table(_array_table(content["arrays"]))
    out.text("")
    out.table(_preset_table(content["presets"]))
    out.text("")
    out.table(_source_table(content))
    for kind in ("workload", "encoding"):
        out.text("")
        table = plain_table(kind, "title", left=(kind, "title"))
        for row in content[f"{kind}s"]:
            table.add_row(row["name"], row["title"])
        out.table(table)
    out.text("")
    out.text(f"formats: {', '.join(row['name'] for row in content['formats'])}")


def _pe_table(rows: list[dict[str, Any]]) -> Table:
    heads = ("PE", "title", "steps per operand", "checked", "arrays")
    table = plain_table(*heads, left=heads)
    for row in rows:
        cells = [row[key] for key in ("name", "title", "pace", "checked")]
        table.add_row(*cells, " ".join(row["arrays"]) or "none")
    return table


def _source_table(content: dict[str, Any]) -> Table:
    heads = ("", "source")
    table = plain_table(*heads, left=heads)
    for row in (*content["pes"], *content["arrays"]):
        table.add_row(row["name"], row["source"])
    for row in content["presets"]:
        table.add_row(row["name"], f"{row['source']}. Differs: {row['differs']}")
    return table


def _preset_table(rows: list[dict[str, Any]]) -> Table:
    """Engines to be had with `--engine`, or why not yet."""
    heads = ("preset", "title", "engine", "")
    table = plain_table(*heads, left=heads)
    for row in rows:
        engine = f"{row['pe']} {row['array']} {row['size']}"
        table.add_row(row["name"], row["title"], engine, row["reason"] or "available")
    return table


def _array_table(rows: list[dict[str, Any]]) -> Table:
    heads = ("array", "title", "alias", "rows, cols", "psum")
    table = plain_table(*heads, left=heads)
    for row in rows:
        size = f"{row['size']['first']} to {row['size']['last']}"
        aliases = ", ".join(row["aliases"]) or "-"
        table.add_row(row["name"], row["title"], aliases, size, row["psum"])
    return table


def _print_combinations(out: Output, rows: list[dict[str, Any]]) -> None:
    text = ("PE", "array", "", "reason")
    table = plain_table(*text, left=text)
    for row in rows:
        table.add_row(
            row["pe"], row["array"], "legal" if row["legal"] else "refused", row["reason"] or ""
        )
    out.table(table)
