"""`tpe fit`."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from tpe.cli.command import Command
from tpe.cli.command_line import option_words
from tpe.cli.options import JsonOption, Output, SeedOption, document, plain_table, working
from tpe.cli.paths import READS


def fit(
    table: Annotated[
        str,
        typer.Option("--table", metavar="FILE", help="A .csv, .csv.gz or .parquet file."),
        READS,
    ],
    target: Annotated[
        str, typer.Option("--target", metavar="COLUMN", help="What to predict: positive numbers.")
    ],
    group: Annotated[
        str,
        typer.Option(
            "--group",
            metavar="A,B,...",
            help="Columns that make two rows one experiment; inputs, held out together.",
        ),
    ],
    features: Annotated[
        str | None,
        typer.Option("--features", metavar="A,B,...", help="More columns that are inputs."),
    ] = None,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Fit a random forest to a table of measurements, beside a log-linear baseline.

    Scores are of groups that were held out whole; those of rows held out at random stand beside,
    and are better than a prediction of something new will be.
    """
    from tpe.predict.fit import fit as fitted

    out = Output(json_file)
    more = {"features": features, "seed": seed or None}
    words = ["--table", table, "--target", target, "--group", group, *option_words(more)]
    command = shlex.join(["tpe", "fit", *words])
    with working("fitting") as begin:
        found = fitted(table, target, _names(group), _names(features), seed=seed, progress=begin)
    out.echo(command)
    data = found.data
    out.text(
        f"{len(data.y):,} rows, {data.count:,} groups; {data.target} from {', '.join(data.names)}"
    )
    rows = plain_table(
        "model", "held out", "R2", "R2 of logs", "mean", "median", "90 %", left=("model",)
    )
    for score in found.scores:
        errors = (f"{score[key]:.1%}" for key in ("error_mean", "error_median", "error_90"))
        fits = (f"{score[key]:.3f}" for key in ("r2", "r2_log"))
        rows.add_row(score["model"], score["split"], *fits, *errors)
    out.table(rows)
    out.text(f"errors are relative; least on held-out groups: {found.best}")
    out.json(document(command, **found.to_json()))


def _names(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


RECORD = Command(fit, "tpe fit --table gemms.csv --target runtime_ms --group m,n,k")
