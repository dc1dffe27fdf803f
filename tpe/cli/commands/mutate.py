"""`tpe mutate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tpe.base.errors import TpeError
from tpe.cli.command import Command
from tpe.cli.options import JsonOption, Output, SeedOption, plain_table, progress

if TYPE_CHECKING:
    from tpe.hdl.mutate.mutate import MutationReport


def mutate(
    count: Annotated[int, typer.Option("--count", metavar="N", help="Mutants to make.")] = 50,
    pe: Annotated[
        str | None,
        typer.Option("--pe", metavar="PE", help="Only engines of this PE. Default: a sample."),
    ] = None,
    limit: Annotated[
        float, typer.Option("--limit", metavar="SECONDS", help="For the proof of a survivor.")
    ] = 20.0,
    floor: Annotated[
        float, typer.Option("--floor", metavar="RATE", help="Least share of mutants killed.")
    ] = 0.98,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Make faults in the RTL and count those that the benches see."""
    from tpe.hdl.mutate.mutate import mutate as run
    from tpe.hdl.mutate.subjects import sample, subjects_of

    out = Output(json_file)
    if not 0 <= floor <= 1:
        raise TpeError(f"--floor {floor} is not legal: 0 to 1")
    if not 0 < limit <= 86400:
        raise TpeError(f"--limit {limit} is not legal: seconds, more than 0, 86400 at most")
    engines = sample(count, seed) if pe is None else subjects_of(pe)
    words = [f"--count {count}", *([f"--pe {pe}"] if pe else [])]
    command = f"tpe mutate {' '.join(words)} --limit {limit:g} --floor {floor:g} --seed {seed}"
    with progress(len(engines)) as begin:
        report = run(count, seed, engines, limit, begin)
    out.echo(command)
    _print(out, report)
    out.json(report.to_json(command) | {"floor": floor, "ok": report.rate >= floor})
    if report.rate < floor:
        raise typer.Exit(1)


def _print(out: Output, report: MutationReport) -> None:
    from tpe.hdl.mutate.mutate import FATES, survivors
    from tpe.hdl.mutate.subjects import label

    keys: tuple[Literal["part", "module"], ...] = ("part", "module")
    for key in keys:
        table = plain_table(key, "mutants", *FATES, left=(key,))
        for name, fates in report.table(key).items():
            table.add_row(name, str(sum(fates.values())), *(str(fates[fate]) for fate in FATES))
        out.table(table)
        out.text("")
    for engine, verdict in survivors(report):
        out.text(f"survived ({verdict.proof}) in {label(engine)}: {verdict.mutant.describe()}")
    killed, equivalent = report.count("killed"), report.count("equivalent")
    out.text(
        f"{len(report.verdicts):,} mutants of {len(report.subjects)} engines: {killed:,} killed, "
        f"{equivalent:,} shown equivalent, {report.count('survived'):,} survived; "
        f"{report.rate:.2%} killed of those not equivalent, {report.raw_rate:.2%} of all"
    )


RECORD = Command(mutate, "tpe mutate --count 1000 --json -")
