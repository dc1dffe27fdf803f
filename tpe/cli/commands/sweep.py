"""`tpe sweep`: every point of a space, or a sample, as a row of a table that survives."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from tpe.base.errors import TpeError
from tpe.base.progress import Progress
from tpe.cli.command import Command
from tpe.cli.command_line import option_words
from tpe.cli.options import JsonOption, Output, SeedOption, document, plain_table
from tpe.cli.paths import FILLS, READS

SpaceArgument = Annotated[
    str, typer.Argument(metavar="SPACE.toml", help="The space: see docs/howto/explore.md."), READS
]
FolderOption = Annotated[
    str,
    typer.Option("-o", "--output", metavar="DIR", help="The run directory; made if need be."),
    FILLS,
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with the run that is there, whatever ended it.")
]
WorkersOption = Annotated[
    int, typer.Option("--workers", metavar="N", help="Processes of this machine.")
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="ADDRESS", help="tcp://HOST:PORT of a Dask scheduler, in their place."
    ),
]
SampleOption = Annotated[
    int | None,
    typer.Option("--sample", metavar="N", help="So many points alone, by a Sobol sequence."),
]
BestOption = Annotated[
    str | None, typer.Option("--best", metavar="COLUMN", help="Show the best point by a column.")
]
WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where", metavar="CONDITION", help="... of those that meet it: 'area_um2 <= 1e6'."
    ),
]
# Of the best point, as it is shown.
SHOWN = (
    *("pe", "array", "rows", "cols", "depth", "workload", "cycles", "clock_ns", "area_um2"),
    *("time_us", "throughput_tops", "energy_fj_per_mac"),
)


def sweep(
    space: SpaceArgument,
    folder: FolderOption = "",
    sample: SampleOption = None,
    resume: ResumeOption = False,
    workers: WorkersOption = 1,
    cluster: ClusterOption = None,
    csv: Annotated[bool, typer.Option("--csv", help="Write points.csv too.")] = False,
    best: BestOption = None,
    where: WhereOption = None,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Run every point of a space; the rows are kept as they come, and in points.parquet at the end.

    A run that was ended, killed or interrupted goes on with --resume: nothing is lost or repeated.
    The rows are the same for any number of workers, and on any cluster.
    """
    from tpe.explore.expressions import Expression
    from tpe.explore.objectives import Objective, best_row
    from tpe.explore.sweep import sweep as swept

    out = Output(json_file)
    folder = named_folder(folder)
    if where is not None and best is None:
        raise TpeError("--where is given without --best; legal: with it")
    objective = None if best is None else Objective(best)
    rule = None if where is None else Expression(where)
    options = {"sample": sample, "workers": workers, "cluster": cluster, "csv": csv}
    words = option_words({**options, "best": best, "where": where, "seed": seed})
    command = shlex.join(["tpe", "sweep", space, "-o", folder, *words])
    with resumable(command), Progress(what="sweep", even=True) as step:
        done = swept(
            space,
            folder,
            sample=sample,
            seed=seed,
            resume=resume,
            workers=workers,
            cluster=cluster,
            csv=csv,
            progress=step,
        )
    row = None if objective is None else best_row(done.table, objective, rule)
    out.echo(command)
    say_damage(out, done.damage)
    out.text(
        f"{done.points:,} points, {done.computed:,} of them done now, {done.refused:,} refused: "
        f"{done.table}"
    )
    if row is not None:
        out.text("")
        out.table(_best(row))
    content = {name: getattr(done, name) for name in ("points", "computed", "refused", "damage")}
    out.json(document(command, space=space, table=str(done.table), **content, best=row))


def named_folder(folder: str) -> str:
    """The run directory; TpeError if none is named."""
    if not folder:
        raise TpeError("-o is missing; legal: -o DIR, the run directory")
    return folder


@contextmanager
def resumable(command: str) -> Iterator[None]:
    """An interrupt ends with the command that goes on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        said = f"{stop}; " if str(stop) else ""
        raise KeyboardInterrupt(f"{said}go on with: {command} --resume") from None


def say_damage(out: Output, damage: str | None) -> None:
    """What of a run directory was damaged."""
    if damage is not None:
        out.text(damage)


def _best(row: Mapping[str, Any]) -> Any:
    """The best point: its columns, those that are known."""
    names = [name for name in SHOWN if row[name] is not None]
    table = plain_table("best", "", left=("best",))
    table.columns[0].min_width = max(map(len, names))  # a long name of a workload gives way
    table.columns[1].no_wrap, table.columns[1].overflow = False, "fold"
    for name in names:
        value = row[name]
        table.add_row(name, f"{value:.6g}" if isinstance(value, float) else str(value))
    return table


RECORD = Command(sweep, "tpe sweep space.toml -o run1 --workers 2")
