"""`tpe compare --iso`: PEs at equal area, throughput, power, clock or operand bandwidth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tpe.base.errors import TpeError
from tpe.base.units import column, number
from tpe.cli.commands.run import cycles_text
from tpe.cli.commands.synth_text import library_text
from tpe.cli.options import Output, option_words, plain_table, progress

if TYPE_CHECKING:
    from rich.table import Table

    from tpe.study.compare import Plan
    from tpe.study.equal_table import IsoComparison

DEFAULT_PES = ("mac", "opt1", "opt4c")


def chosen_by_pricing(lean: bool) -> frozenset[str]:
    """Parameters that pricing chooses unless they are given."""
    from tpe.study.forms import CHOSEN
    from tpe.synth.area.designs import VARIED

    return frozenset({*VARIED, "encoder"}) | (CHOSEN if lean else frozenset())


def check_options(
    iso: str | None,
    liberty: Sequence[str] | None,
    cost: str | None,
    clock_ns: float | None,
    recipe: str | None,
    lean: bool,
    layers: bool,
) -> str | None:
    """The `iso` that the options mean, None for a comparison of cycles; TpeError if they clash."""
    from tpe.study.equal import check_iso
    from tpe.study.pricer import DEFAULT_RECIPES, check_clock
    from tpe.synth.netlist.recipes import find_recipes

    if cost is not None and (liberty or recipe or lean):
        other = "--liberty" if liberty else "--recipe" if recipe else "--lean"
        raise TpeError(f"{other} and --cost are both given; --cost replaces synthesis")
    if iso is None and (liberty or cost or clock_ns is not None or recipe or lean):
        iso = "area"
    if iso is None:
        return None
    check_iso(iso)
    if layers:
        raise TpeError("--layers and --iso are both given; legal: one of them")
    check_clock(clock_ns, "--clock-ns")
    find_recipes(recipe or DEFAULT_RECIPES)
    return iso


def iso_words(
    iso: str,
    liberty: Sequence[str] | None,
    cost: str | None,
    clock_ns: float | None,
    recipe: str | None,
    lean: bool,
    energy: bool,
) -> list[str]:
    """The options of a priced comparison, as they are given again."""
    words = option_words({"iso": iso, "cost": cost, "clock-ns": clock_ns, "recipe": recipe})
    words += option_words({"lean": lean, "no-energy": not energy})
    return words + [word for file in liberty or () for word in ("--liberty", file)]


def run_iso(
    plan: Plan,
    iso: str,
    liberty: Sequence[str] | None,
    cost: str | None,
    clock_ns: float | None,
    recipe: str | None,
    lean: bool,
    energy: bool,
) -> IsoComparison:
    """Price every engine of the plan and compare; a bar on a terminal meanwhile."""
    from tpe.study import pricer
    from tpe.study.equal import compare_iso

    if cost is not None:
        return compare_iso(plan, pricer.from_file(cost), iso, clock_ns, energy)
    recipes = recipe or pricer.DEFAULT_RECIPES
    table = pricer.from_table(liberty, clock_ns, recipe, lean)
    with progress(pricer.steps(plan, recipes, lean, table)) as step:
        given = (liberty or ("tpe130",), clock_ns, recipes, step, lean, table)
        found = pricer.by_synthesis(plan, *given)
        return compare_iso(plan, found, iso, clock_ns, energy)


# ---- what is printed ----


def finish_iso(out: Output, result: IsoComparison, command: str, figure: str | None) -> None:
    """Print, draw and write a comparison."""
    from tpe.study.equal_table import EXTRA

    result = replace(result, command=str(command))
    if figure is not None:
        from tpe.report.cost_figure import cost_figure
        from tpe.report.cycles_figure import write_figure

        write_figure(cost_figure(result), figure)
    out.echo(command)
    print_iso(out, result, figure)
    out.rows(result.rows(), EXTRA)
    out.json(result.to_json())


def print_iso(out: Output, result: IsoComparison, figure: str | None) -> None:
    """What is equal, the tables, how everything was built, and what stands in no number."""
    from tpe.study.equal_table import ISO
    from tpe.study.forms import form_text

    rows = result.rows()
    base = next(row for row in rows if row["label"] == result.baseline)
    out.text(f"{result.workload}: {base['macs']:,} MACs. Equal {result.iso}: {ISO[result.iso]}.")
    out.text(_source(base))
    for text in _tabled(rows):
        out.text(text)
    out.text("")
    out.table(_costs(rows))
    for row in rows:
        if row["status"] != "ok":
            out.text(f"{row['label']} is refused: {row['reason']}")
    done = [row for row in rows if row["status"] == "ok"]
    out.text(f"\nRatios to {result.baseline}:")
    out.table(_ratios(done))
    out.text("\nBuilt by:")
    for entry in result.entries:
        if entry.option is not None:
            built = "; ".join(filter(None, (form_text(entry.option.form), entry.option.recipe)))
            out.text(f"  {entry.label}: {built}")
    for line in (result.assumed, result.without_values):
        if line:
            out.text(line)
    for line in (*_notes(done), *result.of_energies):
        out.text(line)
    if figure is not None:
        out.console.print(f"picture in {figure}", soft_wrap=True)


def _source(row: Mapping[str, Any]) -> str:
    if row["library"] is None:
        return f"Numbers of {row['cost_source']}: not from synthesis here; area is PEs alone."
    return library_text(row["library"], row["node_nm"], row["corner"], row["cost_source"])


def _tabled(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which PEs were in the table that ships, and which had to be synthesised."""
    from tpe.study.price_table import SOURCE

    done = [row for row in rows if row["status"] == "ok"]
    known = [row["label"] for row in done if str(row["cost_source"]).startswith(SOURCE)]
    others = [row["label"] for row in done if row["label"] not in known]
    if not known:
        return []
    mapped = f"; not in it, so mapped here: {', '.join(others)}" if others else ""
    return [f"From the table that ships: {', '.join(known)}{mapped}. Anew: --recipe quick."]


def _costs(rows: Sequence[Mapping[str, Any]]) -> Table:
    """What every PE is and costs, each column in the unit that fits its largest number."""
    times, time = _column(rows, "time_us", "time")
    areas, area = _column(rows, "area_um2", "area")
    energies, energy = _column(rows, "energy_fj_per_mac", "energy_per_mac")
    units = (f"time\n{time}", f"area\n{area}", "area\nused", f"{energy}/MAC")
    heads = ("PE", "size", "clock\nns", "cycles", *units)
    table = plain_table(*heads, left=heads[:2])
    for place, row in enumerate(rows):
        if row["status"] != "ok":
            table.add_row(row["label"], row["size"], "refused", *["-"] * 5)
            continue
        table.add_row(
            row["label"],
            row["size"],
            number(row["clock_ns"]),
            cycles_text(row),
            times[place],
            areas[place],
            f"{row['area_ratio']:.1%}",
            "unknown" if row["energy_fj_per_mac"] is None else energies[place],
        )
    return table


def _column(rows: Sequence[Mapping[str, Any]], key: str, kind: str) -> tuple[list[str], str]:
    """The texts of a column of the table, and their unit; refused rows have none."""
    unit, texts = column([row[key] if row["status"] == "ok" else None for row in rows], kind)
    return texts, unit


def _ratios(rows: Sequence[Mapping[str, Any]]) -> Table:
    heads = ("PE", "PEs", "throughput", "TOPS/mm2", "TOPS/mm2\nratio", "TOPS/W", "TOPS/W\nratio")
    table = plain_table(*heads, left=heads[:1])
    for row in rows:
        table.add_row(
            row["label"],
            f"{row['pe_count']:,}",
            number(row["throughput_ratio"]),
            number(row["tops_per_mm2"]),
            number(row["tops_per_mm2_ratio"]),
            "unknown" if row["tops_per_w"] is None else number(row["tops_per_w"]),
            number(row["tops_per_w_ratio"]),
        )
    return table


def _notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a reader of the numbers has to know."""
    left = {row["label"]: row["memory_bits_left_out"] for row in rows}
    bits = ", ".join(f"{label} {n:,}" for label, n in left.items() if n)
    found = [f"Bits of memory in no area: {bits}."] if bits else []
    if rows[0]["library"] is not None:
        found.append(
            "Areas are scaled from small arrays that were mapped, clocks are those of the small "
            "ones as a whole; no wires, no clock tree (docs/decisions/0008)."
        )
    return found
