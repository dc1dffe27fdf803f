"""`tpe show`: what an engine is made of, and what it looks like."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tpe.base.files import check_writable
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
    command_line,
    document,
    engine_of,
    plain_table,
)
from tpe.cli.paths import WRITES

SaveOption = Annotated[
    str | None,
    typer.Option("--save", metavar="FILE", help="Write the engine.toml that --engine reads."),
    WRITES,
]


def show(
    pe: PeOption = None,
    array: ArrayOption = None,
    size: SizeOption = None,
    engine_file: EngineOption = None,
    param: ParamOption = None,
    save: SaveOption = None,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Show a PE in an array: parameters, stages, loop nest, rewrites, hardware, a drawing.

    Nothing here is random: the seed changes nothing.
    """
    from tpe.report.describe import describe

    out = Output(json_file)
    if save is not None:
        check_writable(save)
    engine = engine_of(pe, array, size, param, engine_file)
    facts = describe(engine)
    if save is not None:
        engine.save(save)
    command = command_line("show", engine, seed, default_size=DEFAULT_SIZE)
    out.echo(command)
    _print(out, facts)
    if save is not None:
        out.text("")
        out.console.print(f"engine in {save}", soft_wrap=True)
    out.json(document(command, **facts))


def _print(out: Output, facts: dict[str, Any]) -> None:
    from tpe.pe import NOT_CHECKED

    engine = facts["engine"]
    out.text(f"{engine['pe']}: {facts['title']}", style="bold")
    grid = "x".join(str(engine[side]) for side in ("rows", "cols", "depth") if engine[side])
    out.text(f"  source   {facts['source']}")
    out.text(f"  array    {engine['array']} {grid}, {engine['pe_count']:,} PEs: {facts['array']}")
    out.text(f"  arrays   legal in {', '.join(facts['arrays'])}")
    out.text(f"  steps    {facts['pace']} per operand")
    hint = ": tpe verify compares the RTL with the model"
    checked = engine["rtl_checked"]
    out.text(f"  checked  {checked}{hint if checked == NOT_CHECKED else ''}")
    if facts["evidence"]:
        out.text(f"  values   {facts['evidence']}")
    out.text(f"  psum     {facts['psum']['text']}")
    out.text(f"  hash     {facts['hash']}")
    for head, part in (
        ("Parameters", _parameters),
        ("Choices", _choices),
        ("Stages", _stages),
        ("Loop nest", _nest),
        ("Rewrites", _rewrites),
        ("Hardware", _inventory),
        ("Drawing", _drawing),
    ):
        out.text("")
        out.text(head, style="bold")
        part(out, facts)


def _parameters(out: Output, facts: dict[str, Any]) -> None:
    table = plain_table("name", "value", "default", "legal", "what", left=("legal", "what"))
    for row in facts["parameters"]:
        default = "by type" if row["default"] is None else str(row["default"])
        table.add_row(row["name"], str(row["value"]), default, row["legal_text"], row["doc"])
    for column in table.columns[:3]:
        column.justify = "left"
    out.table(table)


def _choices(out: Output, facts: dict[str, Any]) -> None:
    table = plain_table("name", "costs and saves", left=("name", "costs and saves"))
    rows = [row for row in facts["parameters"] if row["choice"]]
    for row in rows:
        table.add_row(row["name"], row["trade"] or "unsaid")
    out.table(table) if rows else out.text("  none")


def _stages(out: Output, facts: dict[str, Any]) -> None:
    text = ("stage", "does", "RTL module")
    table = plain_table(*text, left=text)
    for row in facts["stages"]:
        table.add_row(row["stage"], ", ".join(row["ops"]) or "-", row["module"] or "-")
    out.table(table)


def _nest(out: Output, facts: dict[str, Any]) -> None:
    if not facts["nest"]:
        out.text("  none: this PE's rule is not written as a nest")
    for line in facts["nest"]:
        out.console.print(f"  {line}", soft_wrap=True)


def _rewrites(out: Output, facts: dict[str, Any]) -> None:
    if facts["nest_why"]:
        out.text(f"  none: {facts['nest_why']}")
        return
    chain, near = facts["rewrites"]["chain"], facts["rewrites"]["reachable"]
    if chain is None:
        out.text("  no short chain from the MAC nest is known")
    else:
        text = ("from", "to", "by")
        table = plain_table(*text, left=text)
        for row in chain:
            table.add_row(row["from"], row["to"], ", ".join(row["rewrites"]))
        out.table(table) if chain else out.text("  none: this is the MAC nest they start from")
    out.text("")
    out.text(f"One legal rewrite from here: {', '.join(near) or 'none'}")


def _inventory(out: Output, facts: dict[str, Any]) -> None:
    if not facts["inventory"]:
        out.text("  not counted: this PE is not written as a nest")
        return
    heads = ("primitive", "copies", "fan-in", "needed bits", "built bits")
    table = plain_table(*heads, left=("primitive",))
    for row in facts["inventory"]:
        built = "-" if row["built_bits"] is None else str(row["built_bits"])
        numbers = (f"{row['copies']:,}", str(row["fan_in"]), str(row["needed_bits"]), built)
        table.add_row(row["op"], *numbers)
    out.table(table)
    out.text(
        f"Needed: for sums of K = {facts['inventory_k']:,} operands, {facts['inventory_why']}."
    )


def _drawing(out: Output, facts: dict[str, Any]) -> None:
    for line in facts["picture"].splitlines():
        out.console.print(line, soft_wrap=True)


RECORD = Command(show, "tpe show --pe opt4c --size 8x8 -p depth=1024")
