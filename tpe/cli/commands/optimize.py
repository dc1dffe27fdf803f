"""`tpe optimize`: a search of a space for what is best in several columns."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.progress import Progress
from tpe.cli.command import Command
from tpe.cli.command_line import option_words
from tpe.cli.commands.sweep import (
    ClusterOption,
    FolderOption,
    ResumeOption,
    SpaceArgument,
    WorkersOption,
    named_folder,
    resumable,
    say_damage,
)
from tpe.cli.options import JsonOption, Output, SeedOption, document, plain_table

if TYPE_CHECKING:
    from tpe.explore.search import Search

MOST = 20  # points of the front that are shown
WHAT = ("pe", "array", "rows", "cols", "params_json")


def optimize(
    space: SpaceArgument,
    folder: FolderOption = "",
    objective: Annotated[
        str | None,
        typer.Option(
            "--objective", metavar="COLUMN,...", help="What to make best. Default: the space's."
        ),
    ] = None,
    trials: Annotated[
        int, typer.Option("--trials", metavar="N", help="Trials in all, with earlier ones.")
    ] = 100,
    storage: Annotated[
        str | None,
        typer.Option("--storage", metavar="URL", help="Of trials. Default: SQLite in the run."),
    ] = None,
    resume: ResumeOption = False,
    workers: WorkersOption = 1,
    cluster: ClusterOption = None,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Search a space by NSGA-II (Optuna): points that none beats in all objectives.

    Points are kept as `tpe sweep` keeps them, trials in a database; a run goes on with --resume.
    """
    from tpe.explore.search import optimize as searched

    out = Output(json_file)
    folder = named_folder(folder)
    columns = [name.strip() for name in objective.split(",")] if objective else []
    options = {"objective": objective, "trials": trials, "storage": storage}
    words = option_words({**options, "workers": workers, "cluster": cluster, "seed": seed})
    command = shlex.join(["tpe", "optimize", space, "-o", folder, *words])
    with resumable(command), Progress(what="search", even=True) as step:
        found = searched(
            space,
            folder,
            trials=trials,
            objectives=columns,
            seed=seed,
            resume=resume,
            workers=workers,
            cluster=cluster,
            storage=storage,
            progress=step,
        )
    out.echo(command)
    say_damage(out, found.damage)
    out.text(
        f"{found.trials:,} trials by NSGA-II, {found.refused:,} of them refused; "
        f"{found.computed:,} points done now: {found.table}"
    )
    out.text(f"{len(found.best):,} that none beats:")
    out.text("")
    out.table(_front(found))
    content = {name: getattr(found, name) for name in ("trials", "refused", "computed", "damage")}
    lists = {"objectives": list(found.objectives), "best": list(found.best)}
    out.json(document(command, space=space, table=str(found.table), **content, **lists))


def _front(found: Search) -> Any:
    """The best points, the first ones of many, by what they are and by the objectives."""
    table = plain_table(*WHAT[:4], *found.objectives, left=WHAT[:2])
    for row in found.best[:MOST]:
        values = (row[name] for name in (*WHAT[:4], *found.objectives))
        table.add_row(*(f"{x:.6g}" if isinstance(x, float) else str(x) for x in values))
    return table


RECORD = Command(optimize, "tpe optimize space.toml -o run1 --objective cycles,pe_count")
