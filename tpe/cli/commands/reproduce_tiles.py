"""`tpe reproduce` of papers of tiles: areas by part, multiply-accumulates and area, sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tpe.cli.commands.reproduce_cells import print_head, print_technology
from tpe.cli.commands.synth_text import number
from tpe.cli.options import Output, document, plain_table, progress

if TYPE_CHECKING:
    from tpe.report.papers.tiles import TileComparison, TilesMeasured
    from tpe.technology.technology import Technology

PARTS = {
    "cell": "cells",
    "front": "tables",
    "row": "terms of\nrows",
    "finish": "finishes",
    "scales": "units of\nscales",
    "registers": "operand\nregisters",
}


def reproduce_tiles(
    out: Output, name: str, libraries: Sequence[Technology], recipes: str, words: Sequence[str]
) -> None:
    """Price a paper's tiles in every library, print and write them.

    words -- the options of the command that is echoed
    """
    from tpe.report.papers import get_tiles
    from tpe.report.papers.tiles import steps, tiles_measured
    from tpe.synth.netlist.recipes import find_recipes

    paper, chosen = get_tiles(name), find_recipes(recipes)
    with progress(steps(paper, chosen) * len(libraries)) as step:
        results = [tiles_measured(paper, tech, chosen, step) for tech in libraries]
    command = print_head(out, paper, recipes, words)
    for result in results:
        print_technology(out, result.technology)
        for comparison in paper.comparisons:
            _print(out, comparison, result)
        for sentence in result.sentences:
            out.text(f"  {sentence}")
    libraries_json = [
        {
            "library": result.technology.name,
            "corner": result.technology.corner,
            "node_nm": result.technology.node_nm,
            "cost_source": f"synthesis: {result.technology.source}",
            "tiles": [row.to_json() for row in result.rows],
            "sentences": list(result.sentences),
        }
        for result in results
    ]
    content = {"paper": paper.name, "title": paper.title, "recipes": recipes}
    facts = list(paper.facts)
    out.json(document(command, **content, facts=facts, libraries=libraries_json))


def _print(out: Output, comparison: TileComparison, result: TilesMeasured) -> None:
    """A row for every tile: area at the common clock, what it does at its own; then its parts."""
    rows = result.of(comparison.title)
    base = next(row for row in rows if row.title == comparison.baseline)
    out.text(f"\n{comparison.title}, at {rows[0].clock_ns:.2f} ns and at clocks of their own\n")
    heads = ("", "um2", "MACs a\ncycle", "um2 a\nMAC", "of the\nbaseline", "ns", "GMAC/s\na mm2")
    table = plain_table(*heads, left=("",))
    for row in rows:
        table.add_row(
            row.title,
            f"{row.area_um2:,.0f}",
            f"{row.macs_per_cycle:.1f}",
            f"{row.um2_per_mac:,.0f}",
            number(row.um2_per_mac / base.um2_per_mac, 3),
            f"{row.best_clock_ns:.2f}",
            f"{row.best_gmacs_per_mm2:,.1f}",
        )
    out.table(table)
    out.text("\nPer cent of the area\n")
    parts = plain_table("", *PARTS.values(), left=("",))
    for row in rows:
        shares = (100 * row.areas.get(kind, 0.0) / row.area_um2 for kind in PARTS)
        parts.add_row(row.title, *(f"{share:.1f}" for share in shares))
    out.table(parts)
