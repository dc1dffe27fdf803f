"""`tpe list`: what there is to choose from."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.errors import TpeError, pick
from tpe.cli.command import Command
from tpe.cli.options import (
    JsonOption,
    Output,
    ParamOption,
    SeedOption,
    document,
    option_words,
    parse_params,
    plain_table,
)
from tpe.cli.paths import READS

if TYPE_CHECKING:
    from rich.table import Table

CombinationsOption = Annotated[
    bool,
    typer.Option(
        "--combinations",
        help="Every PE with every array: what is to choose there, or why they are not legal.",
    ),
]


KINDS = (
    *("pes", "arrays", "presets", "workloads", "formats", "encodings"),
    *("technologies", "columns", "commands"),
)
KindArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="KIND|FILE",
        help=f"{', '.join(KINDS)}; or a file of weights, .gguf, .safetensors or .onnx, or "
        "a folder of .safetensors: its tensors. Default: all kinds.",
    ),
    READS,
]
GptqOption = Annotated[
    str | None,
    typer.Option("--gptq", metavar="v1|v2", help="Of a file's GPTQ. Default: told from it."),
]


def list_(
    kind: KindArgument = None,
    combinations: CombinationsOption = False,
    param: ParamOption = None,
    gptq: GptqOption = None,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """List PEs, arrays, presets, workloads, formats and the like, one kind of them, or a file.

    Of a file of quantised weights: its tensors, how they are stored, and bits a weight.
    What an installed package has and cannot be used is noted at the end, with the reason.
    With -p, only the PEs that take that parameter with that value. Nothing here is random.
    """
    from tpe.report import describe

    out = Output(json_file)
    if kind is not None and ("." in kind or (kind not in KINDS and os.path.isdir(kind))):
        _list_file(out, kind, gptq, seed, combinations, param)
        return
    if gptq is not None:
        raise TpeError(f"--gptq {gptq} is given; legal: with a file, such as model.safetensors")
    chosen: tuple[str, ...] = KINDS if kind is None else (pick("kind", kind, KINDS),)
    if kind is not None and (combinations or (param and "pes" not in chosen)):
        other = "--combinations" if combinations else f"-p {param[0]}" if param else ""
        raise TpeError(f"list {kind} and {other} are both given; legal: one of them")
    pes = _pes_with(param)
    command = _command(chosen[0] if kind else None, combinations, param or [], seed)
    found = describe.catalogue()
    if combinations:
        rows = [row for row in describe.combinations() if row["pe"] in pes]
        content: dict[str, Any] = {"combinations": rows, "choices": describe.trades(pes)}
        chosen = ("pes", "arrays")
    else:
        found["pes"] = [row for row in found["pes"] if row["name"] in pes]
        content = {name: found[name] for name in chosen}
    content["broken"] = [row for row in found["broken"] if row["kind"] in chosen]
    out.echo(command)
    if combinations:
        _print_combinations(out, rows, content["choices"])
    else:
        _print_catalogue(out, content)
    for row in content["broken"]:
        out.console.print(f"not usable: {row['reason']}", soft_wrap=True)  # one line each
    out.json(document(command, **content))


def _list_file(
    out: Output,
    path: str,
    gptq: str | None,
    seed: int,
    combinations: bool,
    param: list[str] | None,
) -> None:
    """The tensors of a file of weights."""
    import shlex

    from tpe.workloads.weights.file import read_weights

    if combinations or param:
        other = "--combinations" if combinations else f"-p {param[0]}" if param else ""
        raise TpeError(f"list {path} and {other} are both given; legal: one of them")
    file = read_weights(path, gptq=gptq)
    words = ["tpe", "list", path, *option_words({"gptq": gptq}), "--seed", str(seed)]
    command = shlex.join(words)
    out.echo(command)
    rows = file.rows()
    heads = ("tensor", "type", "shape", "codes", "group", "bits/weight", "bytes")
    table = plain_table(*heads, left=heads[:4])
    for row in rows:
        if row["part_of"] is None:
            table.add_row(*_tensor_cells(row))
    out.table(table)
    out.text("")
    out.text(f"Matrices of codes: {len(file.matrices)}, bits a weight: {_of(file.bits_per_weight)}")
    for note in file.notes:
        out.text(f"Note: {note}")
    facts = {"kind": file.kind, "bits_per_weight": file.bits_per_weight, "notes": [*file.notes]}
    out.json(document(command, file=facts, tensors=rows, broken=[]))


def _tensor_cells(row: dict[str, Any]) -> list[str]:
    """A tensor's row, for a person."""
    shape = " x ".join(map(str, row["shape"])) or "one number"
    numbers = [_of(row[name]) for name in ("group", "bits_per_weight", "bytes")]
    return [row["name"], row["type"], shape, row["codes"] or "-", *numbers]


def _of(value: float | None) -> str:
    """A number, or that there is none.

    >>> _of(None), _of(4.5), _of(123456)
    ('-', '4.5', '123,456')
    """
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else f"{value:,}"


def _pes_with(param: list[str] | None) -> list[str]:
    """Ids of the PEs that take every one of these parameters with its value."""
    from tpe import pe as pes
    from tpe.engine.parameters import parameters_of, resolve_parameters

    records = [pes.get(name) for name in pes.usable()]
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


def _command(kind: str | None, combinations: bool, param: list[str], seed: int) -> str:
    import shlex

    words = [
        "tpe",
        "list",
        *([kind] if kind else []),
        *(["--combinations"] if combinations else []),
    ]
    words += [word for text in param for word in ("-p", text)]
    return shlex.join([*words, "--seed", str(seed)])


def _print_catalogue(out: Output, content: dict[str, Any]) -> None:
    """A table for each kind that is there."""
    tables = [
        make(content[kind])
        for kind, make in (
            ("pes", _pe_table),
            ("arrays", _array_table),
            ("presets", _preset_table),
            ("workloads", partial(_titles, "workload")),
            ("encodings", partial(_titles, "encoding")),
            ("technologies", partial(_homes, "technology")),
            ("columns", partial(_homes, "columns")),
            ("commands", partial(_homes, "command")),
        )
        if kind in content
    ]
    sourced = len(content.keys() & {"pes", "arrays", "presets"})
    if sourced:
        tables.insert(sourced, _source_table(content))
    for place, table in enumerate(tables):
        out.text("") if place else None
        out.table(table)
    if "formats" in content:
        out.text("") if tables else None
        out.text(f"formats: {', '.join(row['name'] for row in content['formats'])}")


def _titles(kind: str, rows: list[dict[str, Any]]) -> Table:
    table = plain_table(kind, "title", left=(kind, "title"))
    for row in rows:
        table.add_row(row["name"], row["title"])
    return table


def _homes(kind: str, rows: list[dict[str, Any]]) -> Table:
    """What is known by name, and where it is from."""
    table = plain_table(kind, "package", "from", left=(kind, "package", "from"))
    for row in rows:
        table.add_row(row["name"], row["package"], row["home"])
    return table


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
    for row in (*content.get("pes", ()), *content.get("arrays", ())):
        table.add_row(row["name"], row["source"])
    for row in content.get("presets", ()):
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


def _print_combinations(
    out: Output, rows: list[dict[str, Any]], trades: list[dict[str, Any]]
) -> None:
    """What fits where and what is to choose there; what all of them leave to choose, once."""
    text = ("PE", "array", "", "choices, or the reason")
    table = plain_table(*text, left=text)
    legal = [list(map(_choice, row["choices"])) for row in rows if row["legal"]]
    everywhere = [x for x in legal[0] if all(x in other for other in legal)] if legal else []
    for row in rows:
        here = [x for x in map(_choice, row["choices"]) if x not in everywhere]
        words = ("legal", " ".join(here)) if row["legal"] else ("refused", row["reason"])
        table.add_row(row["pe"], row["array"], *words)
    if everywhere:
        table.add_row("all", "all", "legal", " ".join(everywhere))
    out.table(table)
    out.text("")
    heads = ("choice", "costs and saves")
    table = plain_table(*heads, left=heads)
    for row in trades:
        table.add_row(row["name"], row["trade"] or f"unsaid; {row['doc']}")
    out.table(table)


def _choice(row: dict[str, Any]) -> str:
    """A parameter with its legal values, in a word."""
    legal = row["legal"]
    if isinstance(legal, list):
        return f"{row['name']}={'|'.join(map(str, legal))}"
    step = f":{legal['step']}" if legal["step"] != 1 else ""
    return f"{row['name']}={legal['first']}..{legal['last']}{step}"


RECORD = Command(list_, "tpe list --combinations")
