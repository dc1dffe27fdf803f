"""`tpe fit`."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from tpe.cli.command import Command
from tpe.cli.command_line import option_words
from tpe.cli.options import JsonOption, Output, SeedOption, document, plain_table, working
from tpe.cli.paths import READS

if TYPE_CHECKING:
    from tpe.predict.fit import Fit


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
    closed: Annotated[
        str | None,
        typer.Option(
            "--closed",
            metavar="COLUMN",
            help="A column to which the target is nearly proportional; models of the ratio to it.",
        ),
    ] = None,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Fit a random forest to a table of measurements, beside boosted trees and baselines.

    Scores are of groups that were held out whole; those of rows held out at random stand beside,
    and are better than a prediction of something new will be.
    """
    from tpe.predict.fit import fit as fitted

    out = Output(json_file)
    more = {"features": features, "closed": closed, "seed": seed or None}
    words = ["--table", table, "--target", target, "--group", group, *option_words(more)]
    command = shlex.join(["tpe", "fit", *words])
    with working("fitting") as begin:
        given = _names(group), _names(features)
        found = fitted(table, target, *given, closed=closed, seed=seed, progress=begin)
    out.echo(command)
    _print(out, found)
    out.json(document(command, **found.to_json()))


def _print(out: Output, found: Fit) -> None:
    """Scores of every model, the best one's interval, and what its inputs are worth."""
    data = found.data
    out.text(
        f"{len(data.y):,} rows, {data.count:,} groups; {data.target} from {', '.join(data.names)}"
    )
    rows = plain_table(
        *("model", "held out", "R2", "R2 of logs", "mean", "median", "90 %", "in 90 %"),
        left=("model",),
    )
    for score in found.scores:
        errors = (f"{score[key]:.1%}" for key in ("error_mean", "error_median", "error_90"))
        inside = f"{score['coverage']:.0%}"
        fits = (f"{score[key]:.3f}" for key in ("r2", "r2_log"))
        rows.add_row(score["model"], score["split"], *fits, *errors, inside)
    out.table(rows)
    ratio = math.exp(found.widths[found.best])
    out.text(f"errors are relative; least on held-out groups: {found.best}")
    out.text(
        f"its 90 % interval: a factor of {ratio:.3g} either way, from held-out groups; "
        "in 90 %: rows in the intervals that other folds gave"
    )
    first = [f"{name} {cost:.2f}" for name, cost in list(found.importances.items())[:6]]
    out.text(f"log error added by shuffling an input in held-out groups: {', '.join(first)}")


def _names(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


RECORD = Command(fit, "tpe fit --table gemms.csv --target runtime_ms --group m,n,k")
