"""`tpe reproduce gpperf`: scores of a forest on a GPU's runs, beside what they hide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpe.base.errors import TpeError
from tpe.cli.options import Output, document, plain_table, working

if TYPE_CHECKING:
    from tpe.report.papers.gpperf import Scored


def reproduce_gpperf(out: Output, table: str | None) -> None:
    """Every model on both splits; then a sentence."""
    from tpe.report.papers.gpperf import FACTS, PRINTED, TITLE, measured, verdict

    if table is None:
        raise TpeError(
            "gpperf needs --table FILE: the runs that the paper published, a .csv or .csv.gz"
        )
    with working("scoring") as begin:
        found = measured(table, begin)
    command = f"tpe reproduce gpperf --table {table}"
    out.echo(command)
    for line in (f"{TITLE}.", *FACTS):
        out.text(line)
    rows = plain_table("model", "held out", "R2", "R2 of logs", "mean", "median", left=("model",))
    for one in found:
        rows.add_row(one.model, one.split, _r2(one), f"{one.mean('r2_log'):.3f}", *_errors(one))
    out.table(rows)
    out.text(f"\n{verdict(found)}.")
    scores = [{"model": one.model, "split": one.split, "scores": list(one.scores)} for one in found]
    told = {"paper": "gpperf", "title": TITLE, "facts": list(FACTS), "printed": PRINTED}
    out.json(document(command, **told, models=scores, says=verdict(found)))


def _r2(one: Scored) -> str:
    low, high = one.spread("r2")
    return f"{one.mean('r2'):.3f}" + (f" ({low:.2f}..{high:.2f})" if high > low else "")


def _errors(one: Scored) -> tuple[str, str]:
    return f"{one.mean('error_mean'):.1%}", f"{one.mean('error_median'):.1%}"
