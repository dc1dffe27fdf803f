"""`tpe reproduce`: a paper's claims beside what is measured here."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.errors import TpeError
from tpe.cli.command import Command
from tpe.cli.commands.synth_text import library_text, number
from tpe.cli.options import JsonOption, Output, document, option_words, plain_table, progress
from tpe.cli.paths import READS, WRITES

if TYPE_CHECKING:
    from tpe.report.papers.facts import Paper
    from tpe.report.papers.measure import Finding, Measured
    from tpe.technology.technology import Technology

PaperArgument = Annotated[
    str,
    typer.Argument(
        metavar="PAPER",
        help=(
            "hpca25, ent, fma_approxnorm, lmul, lut_tc, mixpe, ternary_lut, tensorcore or gpperf."
        ),
    ),
]
LibrariesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--liberty",
        metavar="FILE[,FILE]",
        help="A library: a built-in name, a Liberty file, or several that belong together; may be "
        "repeated for a library each. Default: tpe130.",
    ),
    READS,
]
UsersOption = Annotated[
    str | None,
    typer.Option("--cost", metavar="CSV", help="Your own numbers in place of synthesis."),
    READS,
]
QuickOption = Annotated[
    bool, typer.Option("--quick/--portfolio", help="A few recipes, or all of the portfolio.")
]
RecipeOption = Annotated[
    str | None,
    typer.Option("--recipe", metavar="NAME,...", help="Names of recipes, in place of either."),
]
PictureOption = Annotated[
    str | None,
    typer.Option("--figure", metavar="FILE", help="Draw the ratios: a .png, .svg or .pdf file."),
    WRITES,
]

RunsOption = Annotated[
    str | None,
    typer.Option("--table", metavar="FILE", help="Of gpperf: the runs that it published."),
    READS,
]
EnergyOption = Annotated[
    bool,
    typer.Option(
        "--energy/--no-energy", help="Measure energies too: the longer part of a first run."
    ),
]


def reproduce(
    paper: PaperArgument,
    liberty: LibrariesOption = None,
    cost: UsersOption = None,
    quick: QuickOption = True,
    recipe: RecipeOption = None,
    energy: EnergyOption = True,
    figure: PictureOption = None,
    table: RunsOption = None,
    json_file: JsonOption = None,
) -> None:
    """Put a paper's claims beside our own measurements, with clock, recipe and activity.

    For every claim: what the paper prints, what the synthesis rows of its repository give, what
    the same comparison gives here, the spread over recipes, and a sentence that says whether we
    agree and, where not, why. fma_approxnorm and lmul are of cells, both sides at the same clocks,
    with their errors beside. lut_tc, mixpe and ternary_lut are of tiles: areas of all of their
    parts, tables and registers among them. tensorcore is of results alone: probes of every
    architecture. gpperf is of a GPU's runs, which --table names: a forest on rows at random, and
    on whole GEMMs.
    """
    from tpe.report.papers import CELLS, NUMERICS, RUNS, TILES, get

    out = Output(json_file)
    priced = {"cost": cost, "figure": figure}
    mapped = {"liberty": liberty, "portfolio": not quick, "recipe": recipe, "no-energy": not energy}
    if paper in (*RUNS, *NUMERICS):
        _refuse(paper, {**priced, **mapped, "table": None if paper in RUNS else table})
        _numerics(out, paper, table)
        return
    _refuse(paper, {"table": table})
    if recipe is not None and not quick:
        raise TpeError("--recipe and --portfolio are both given; legal: either")
    recipes = recipe or ("quick" if quick else "portfolio")
    words = [word for file in liberty or () for word in ("--liberty", file)]
    words += option_words({**priced, **mapped, "liberty": None, "figure": None})
    if paper in (*CELLS, *TILES):
        _refuse(paper, {**priced, "no-energy": paper in TILES and not energy})
        _mapped(out, paper, _libraries(liberty), recipes, energy, words)
        return
    found = get(paper)
    if cost is not None and liberty:
        raise TpeError("--liberty and --cost are both given; --cost replaces synthesis")
    if figure is not None:
        from tpe.report.cycles_figure import check_figure

        check_figure(figure)
    command = shlex.join(["tpe", "reproduce", found.name, *words])
    results = _measured(found, liberty, cost, recipes, energy)
    out.echo(command)
    _print(out, found, results)
    if figure is not None:
        from tpe.report.cycles_figure import write_figure
        from tpe.report.papers.figure import ratios_figure

        write_figure(ratios_figure(results), figure)
        out.console.print(f"picture in {figure}", soft_wrap=True)
    out.json(document(command, **_json(found, results, recipes)))


def _mapped(
    out: Output,
    paper: str,
    libraries: Sequence[Technology],
    recipes: str,
    energy: bool,
    words: Sequence[str],
) -> None:
    """A paper of cells, or of tiles."""
    from tpe.report.papers import TILES

    if paper in TILES:
        from tpe.cli.commands.reproduce_tiles import reproduce_tiles

        reproduce_tiles(out, paper, libraries, recipes, words)
        return
    from tpe.cli.commands.reproduce_cells import reproduce_cells

    reproduce_cells(out, paper, libraries, recipes, energy, words)


def _refuse(paper: str, options: Mapping[str, object]) -> None:
    """TpeError for an option that a paper does not take."""
    from tpe.report.papers import CELLS, PAPERS, RUNS, TILES

    for name, value in options.items():
        if value:
            takers: tuple[str, ...] = PAPERS if name in ("cost", "figure") else (*PAPERS, *CELLS)
            if name == "table":
                takers = RUNS
            elif name not in ("cost", "figure", "no-energy"):
                takers = (*takers, *TILES)
            raise TpeError(f"--{name} is not legal for {paper}; legal: for {', '.join(takers)}")


def _numerics(out: Output, paper: str, table_file: str | None) -> None:
    """Probes of results, a table; of a GPU's runs scores."""
    from importlib import import_module

    from tpe.report.papers import RUNS

    if paper in RUNS:
        from tpe.cli.commands.reproduce_gpperf import reproduce_gpperf

        reproduce_gpperf(out, table_file)
        return
    module = import_module(f"tpe.report.papers.{paper}")
    rows, command = module.measured(), f"tpe reproduce {paper}"
    out.echo(command)
    for line in (f"{module.TITLE}.", *module.FACTS):
        out.text(line)
    out.text("")
    errors = ("product", "inner\nsum", "accumu-\nlation")
    heads = ("arch", "A = B, D", *errors, "not near.\ninner", "not near.\naccum.", "compared")
    table = plain_table(*heads, left=("arch", "A = B, D", "compared"))
    for row in module.table(rows):
        table.add_row(*row)
    out.table(table)
    out.json(
        document(command, paper=paper, title=module.TITLE, facts=list(module.FACTS), probes=rows)
    )


def _measured(
    paper: Paper, liberty: Sequence[str] | None, cost: str | None, recipes: str, energy: bool
) -> list[Measured]:
    """The paper in every library, or with the user's numbers."""
    from tpe.report.papers.measure import Experiment, measure, steps
    from tpe.study.cost_file import read_cost
    from tpe.synth.netlist.recipes import find_recipes

    if cost is not None:
        return [measure(Experiment(paper, None, (), read_cost(cost), energy=energy))]
    chosen = find_recipes(recipes)
    libraries = _libraries(liberty)
    with progress(steps(paper, chosen) * len(libraries)) as step:
        return [
            measure(Experiment(paper, tech, chosen, step=step, energy=energy)) for tech in libraries
        ]


def _libraries(liberty: Sequence[str] | None) -> list[Technology]:
    """The technologies that `--liberty` names, or the built-in one."""
    from tpe.technology.technology import technology

    names = liberty or ("tpe130",)
    return [technology([part.strip() for part in text.split(",")]) for text in names]


def _json(paper: Paper, results: Sequence[Measured], recipes: str) -> dict[str, Any]:
    from tpe.report.papers.saed32 import SOURCE
    from tpe.report.papers.words import drawn_text, finding_json

    return {
        "paper": paper.name,
        "title": paper.title,
        "node": paper.node,
        "workload": paper.workload,
        "operands": drawn_text(results[0]),
        "recipes": recipes,
        "facts": list(paper.facts),
        "saed32_source": SOURCE,
        "libraries": [
            {
                "library": result.name,
                "corner": result.technology.corner if result.technology else None,
                "node_nm": result.technology.node_nm if result.technology else None,
                "cost_source": result.source,
                "findings": [finding_json(finding) for finding in result.findings],
            }
            for result in results
        ],
    }


# ---- what is printed ----


def _print(out: Output, paper: Paper, results: Sequence[Measured]) -> None:
    """Per library and quantity a table; then how each was built, and a sentence for each."""
    from tpe.report.papers.words import drawn_text

    out.text(f"{paper.title}, {paper.node}. Ratios of the design to its baseline: above 1 is")
    out.text(f"better. Workload {paper.workload}; each design at the clock of its most")
    out.text("multiply-accumulates a second and area.")
    for fact in paper.facts:
        out.text(fact)
    out.text("Energies are those of the PEs: what lies between them is in areas alone.")
    out.text(drawn_text(results[0]))
    for result in results:
        out.text(f"\n{_library(result)}", style="bold")
        for quantity in ("area", "energy"):
            own = [f for f in result.findings if f.quantity == quantity]
            _print_table(out, quantity, own)
        _print_built(out, result.findings)


def _library(result: Measured) -> str:
    tech = result.technology
    if tech is None:
        return f"Numbers of {result.source}: areas are of PEs alone."
    line = library_text(tech.name, tech.node_nm, tech.corner, tech.source)
    return f"{line}; no wires, no clock tree"


def _print_table(out: Output, quantity: str, findings: Sequence[Finding]) -> None:
    from tpe.report.papers.facts import QUANTITIES
    from tpe.report.papers.words import claims_text, sentence

    out.text(f"\n{QUANTITIES[quantity].capitalize()}\n")
    heads = (
        "",
        "design over baseline",
        "paper",
        "SAED32\nrows",
        "ours",
        "over\nrecipes",
        "of one\nstage",
    )
    table = plain_table(*heads, left=heads[1:3])
    for place, f in enumerate(findings, 1):
        spread = f"{f.spread[0]:.2f}..{f.spread[1]:.2f}" if f.spread else "-"
        cells = [number(f.published, 2), number(f.ours, 2), spread, number(f.one_stage, 2)]
        table.add_row(str(place), f.case.name, claims_text(f.claims), *cells)
    out.table(table)
    unknown = {str(f.reason) for f in findings if f.ours is None}
    for reason in sorted(unknown):
        out.text(f"\n- is unknown: {reason}.")
    out.text("")
    for place, f in enumerate(findings, 1):
        if f.ours is not None:
            out.text(f"  {place}  {sentence(f)}")


def _print_built(out: Output, findings: Sequence[Finding]) -> None:
    """Clock, recipe and activity of every design, once."""
    lines: dict[str, None] = {}
    for f in findings:
        for built in (f.design, f.baseline):
            if built is None:
                continue
            spec, energy = built.spec, built.energy
            params = " ".join(f"{k}={v}" for k, v in spec.params.items())
            name = f"{spec.pe} {spec.array} {'x'.join(map(str, spec.size))} {params}".strip()
            activity = f"; activity {energy.activity_source}" if energy else ""
            bits = built.option.memory_bits(spec.size)
            left = f"; {bits:,} bits of memory in no area" if bits else ""
            lines[
                f"  {name}: {built.clock_ns:.3f} ns, {built.area_um2:,.0f} um2, "
                f"{built.macs_per_cycle:.1f} MACs a cycle; {built.option.recipe}{left}{activity}"
            ] = None
    out.text("\nBuilt by:")
    for line in lines:
        out.text(line)


RECORD = Command(reproduce, "tpe reproduce hpca25 --liberty tpe130 --figure ratios.png")
