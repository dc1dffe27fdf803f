"""`tpe reproduce` of papers of cells: contests by clock, verdicts, errors."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tpe.cli.commands.synth_text import library_text, number
from tpe.cli.options import Output, document, plain_table, progress

if TYPE_CHECKING:
    from tpe.report.papers.cells import CellPaper, CellsMeasured
    from tpe.report.papers.tiles import TilePaper
    from tpe.study.contest import ContestResult
    from tpe.technology.technology import Technology


def reproduce_cells(
    out: Output,
    name: str,
    libraries: Sequence[Technology],
    recipes: str,
    energy: bool,
    words: Sequence[str],
) -> None:
    """Measure a paper of cells in every library, print and write it.

    words -- the options of the command that is echoed
    """
    from tpe.report.papers import get_cells
    from tpe.report.papers.cells import cells_measured, error_rows, steps, verdict_text
    from tpe.synth.netlist.recipes import find_recipes

    paper, chosen = get_cells(name), find_recipes(recipes)
    total = steps(paper, chosen, energy) * len(libraries) + len(paper.engines)
    with progress(total) as step:
        results = [cells_measured(paper, tech, chosen, energy, step) for tech in libraries]
        errors = error_rows(paper, step)
    products, published = paper.tables() if paper.tables else ([], [])
    command = print_head(out, paper, recipes, words)
    for result in results:
        _print_library(out, result)
        out.text("")
        for found in result.verdicts:
            out.text(f"  {verdict_text(found)}")
    _print_errors(out, paper, errors)
    _print_products(out, products)
    _print_published(out, published)
    content = _json(paper, results, recipes)
    tables = {"errors": errors, "product_errors": products, "published": published}
    out.json(document(command, **content, **tables))


def _json(paper: CellPaper, results: Sequence[CellsMeasured], recipes: str) -> dict[str, Any]:
    return {
        "paper": paper.name,
        "title": paper.title,
        "operands": paper.operands,
        "recipes": recipes,
        "facts": list(paper.facts),
        "libraries": [
            {
                "library": result.technology.name,
                "corner": result.technology.corner,
                "node_nm": result.technology.node_nm,
                "cost_source": f"synthesis: {result.technology.source}",
                "verdicts": [found.to_json() for found in result.verdicts],
                "contests": [row.to_json() for one in result.results for row in one.rows],
                "entrant_fronts": [
                    {"contest": one.contest.title, **asdict(point)}
                    for one in result.results
                    for point in one.fronts
                ],
            }
            for result in results
        ],
    }


# ---- what is printed ----


def print_head(
    out: Output, paper: CellPaper | TilePaper, recipes: str, words: Sequence[str]
) -> str:
    """The command that is run, and what a paper is of; the command."""
    command = shlex.join(["tpe", "reproduce", paper.name, *words])
    out.echo(command)
    out.text(f"{paper.title}. Recipes: {recipes}.")
    for fact in paper.facts:
        out.text(fact)
    return command


def print_technology(out: Output, tech: Technology) -> None:
    """The library that what follows is of."""
    line = library_text(tech.name, tech.node_nm, tech.corner, tech.source)
    out.text(f"\n{line}; no wires, no clock tree", style="bold")


def _print_library(out: Output, result: CellsMeasured) -> None:
    print_technology(out, result.technology)
    for found in result.results:
        _print_contest(out, found)


def _print_contest(out: Output, found: ContestResult) -> None:
    """A row for every clock and entrant, with what it takes of each baseline's; recipes in JSON."""
    from tpe.report.papers.cells import QUANTITY
    from tpe.study.contest import COLUMN

    measured = [row.energy is not None for row in found.rows]
    quantities = {"um2": QUANTITY["area"]} | ({"fJ": QUANTITY["energy"]} if any(measured) else {})
    over = [(name, unit) for name in found.contest.baselines for unit in quantities]
    module = all(row.finish_um2 is None for row in found.rows)
    heads = ["clock\nns", "", "um2"] + ([] if module else [f"in a column\nof {COLUMN}"])
    heads += ["fJ per\nMAC"] if any(measured) else []
    out.text(f"\n{found.contest.title.capitalize()}\n")
    table = plain_table(*heads, *(f"{unit} of\n{name}" for name, unit in over), left=("",))
    for row in found.rows:
        cells = [f"{row.clock_ns:.2f}", row.title, f"{row.area_um2:,.0f}"]
        cells += [] if module else [f"{row.column_um2:,.0f}"]
        cells += [number(row.energy.fj_per_mac if row.energy else None, 0)] if any(measured) else []
        ratios = (found.ratio(row.title, name, row.factor, quantities[unit]) for name, unit in over)
        table.add_row(*cells, *(number(ratio, 3) for ratio in ratios))
    out.table(table)


def _print_errors(out: Output, paper: CellPaper, rows: Sequence[dict[str, Any]]) -> None:
    out.text(f"\nErrors against exact sums, operands {paper.operands}, in units of mean |A B|\n")
    table = plain_table("", "K", "outward bias", "mean", "largest", left=("",))
    for row in rows:
        found = [row["outward_bias"], row["mean_absolute"], row["largest"]]
        table.add_row(row["title"], str(row["k"]), *(f"{x:.2e}" for x in found))
    out.table(table)


def _print_products(out: Output, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    out.text("\nErrors of one product, per cent of the exact one, over all pairs of fractions\n")
    table = plain_table("format", "m", "form", "mean", "bias", left=("format", "form"))
    for row in rows:
        errors = (f"{100 * row[name]:.2f}" for name in ("mean_absolute", "bias"))
        table.add_row(row["number"], str(row["fraction_bits"]), row["form"], *errors)
    out.table(table)


def _print_published(out: Output, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    out.text("\nWhat others publish; none of it is measured here\n")
    heads = ("source", "what", "nm", "format", "um2", "area", "cells")
    table = plain_table(*heads, left=("source", "what", "format"))
    for row in rows:
        changes = (row["area_change"], row["cells_change"])
        shown = ("-" if x is None else f"{100 * x:+.1f} %" for x in changes)
        names = (row["source"], row["what"], f"{row['node_nm']:g}", row["format"])
        table.add_row(*names, number(row["area_um2"], 1), *shown)
    out.table(table)
