"""What `tpe compare` prints: tables, a picture of characters, and what they do not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tpe.base.units import column
from tpe.cli.commands.run import WHERE, cycles_text, metrics_line
from tpe.cli.options import Output, largest, left_line, plain_table

if TYPE_CHECKING:
    from rich.table import Table

    from tpe.model.runnable import AnyRun
    from tpe.study.comparison import Comparison

UNKNOWN = "unknown"
BAR = 48  # characters of the longest bar of the picture
GLYPHS = {
    "useful": "█",
    "empty_group": "▓",
    "lane_sync": "▒",
    "edge": "░",
    "fill_drain": ".",
    "load": "+",
    "stall": "!",
}


def print_comparison(
    out: Output,
    result: Comparison,
    rows: Sequence[Mapping[str, Any]],
    layer_rows: Sequence[Mapping[str, Any]] | None,
    figure: str | None,
    all_layers: bool,
) -> None:
    """Everything; characters stand in for the picture if none was drawn into a file.

    `rows` and `layer_rows` are the comparison's, the latter None if layers are not asked for.
    """
    from tpe.study.record import NOT_BY_CYCLES

    macs = result[result.baseline].totals()["macs"]
    counted = len(result[result.baseline].layers)
    out.text(
        f"{result.workload}: {counted:,} layer{'s' if counted > 1 else ''}, {macs:,} MACs. "
        f"Ratios are to {result.baseline}."
    )
    out.text("")
    out.table(_costs(rows))
    for row in rows:
        if row["status"] != "ok":
            out.text(f"{row['label']} is refused: {row['reason']}")
    ran = [row for row in rows if row["status"] == "ok"]
    out.text("")
    out.table(_operands(ran))
    out.text("")
    out.table(_where(ran))
    if layer_rows is not None:
        _print_layers(out, result, layer_rows, all_layers)
    out.text("")
    if figure is None:
        _picture(out, result.ran)
        out.text("")
    else:
        out.console.print(f"picture in {figure}", soft_wrap=True)
    metrics = result[result.baseline].metrics
    if metrics:
        out.text(f"{metrics_line(metrics)} on {result.baseline}")
    for line in (result.assumed, result.without_values):
        if line:
            out.text(line)
    out.text(result.overlaps)
    out.text(_outputs(result))
    out.text(NOT_BY_CYCLES)


def _print_layers(
    out: Output, result: Comparison, rows: Sequence[Mapping[str, Any]], all_layers: bool
) -> None:
    """Every layer with every PE, or the layers that take the baseline longest, of many."""
    layers, engines = result[result.baseline].layers, len(result.ran)
    places = largest([layer.cycles for layer in layers], all_layers)
    shown = [row for place in places for row in rows[place * engines : (place + 1) * engines]]
    out.text("")
    out.table(_layers(shown))
    if len(places) < len(layers):
        share = sum(layers[place].cycles for place in places) / result[result.baseline].cycles
        out.text("")
        out.text(left_line(len(layers) - len(places), 1 - share))


def _costs(rows: Sequence[Mapping[str, Any]]) -> Table:
    """What every PE costs, as far as it is known."""
    costs, units = _priced(rows)
    heads = ("PE", "array", "cycles", "cycles\nratio", "PEs\nutilised", *units)
    table = plain_table(*heads, left=heads[:2])
    for row, cost in zip(rows, costs, strict=True):
        size = "" if row["rows"] is None else f" {row['rows']}x{row['cols']}"
        array = f"{row['array'] or 'own nest'}{size}"
        if row["status"] != "ok":
            table.add_row(row["label"], array, "refused", *["-"] * 4)
            continue
        table.add_row(
            row["label"],
            array,
            cycles_text(row),
            _number(row["cycles_ratio"]),
            f"{row['overall_utilization']:.1%}",
            *cost,
        )
    return table


def _priced(rows: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Area and energy of every row, and the heads of the two columns: no table is without them."""
    columns, heads = [], []
    for name, key in (("area", "area_um2"), ("energy", "energy_pj")):
        values = [row[key] for row in rows]
        unit, texts = column(values, name)
        columns.append([UNKNOWN if v is None else t for v, t in zip(values, texts, strict=True)])
        heads.append(f"{name}\n{unit}")
    return list(zip(*columns, strict=True)), tuple(heads)


def _operands(rows: Sequence[Mapping[str, Any]]) -> Table:
    """What an operand takes: steps, digits, and bits a cycle on either side at full pace."""
    heads = (
        "PE",
        "cycles/\noperand",
        "digits/\noperand",
        "A bits/\ncycle",
        "B bits/\ncycle",
        "bits\nratio",
    )
    table = plain_table(*heads, left=heads[:1])
    for row in rows:
        bits = [row[f"operand_bits_per_cycle_{side}"] for side in "ab"]
        table.add_row(
            row["label"],
            _number(row["cycles_per_operand"], 3),
            _number(row["nonzero_digits_per_operand"], 3),
            *("-" if value is None else f"{value:,}" for value in bits),
            _number(row["operand_bits_per_cycle_ratio"]),
        )
    return table


def _where(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Where the cycles of every PE went, in percent of its own."""
    first = "where the\ncycles went"
    heads = [head.replace(" ", "\n").replace("/", "/\n") for head in WHERE.values()]
    table = plain_table(first, *heads, left=(first,))
    for row in rows:
        shares = [row[f"cycles_{term}"] / row["cycles"] for term in WHERE]
        table.add_row(row["label"], *(f"{share:.1%}" for share in shares))
    return table


def _layers(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Every layer, with every PE."""
    costs, units = _priced(rows)
    heads = ("layer", "PE", "cycles", "cycles\nratio", "cycles/\noperand", *units)
    table = plain_table(*heads, left=heads[:2])
    before = None
    for row, cost in zip(rows, costs, strict=True):
        name = "" if row["layer"] == before else row["layer"]
        table.add_row(
            name,
            row["label"],
            cycles_text(row),
            _number(row["cycles_ratio"]),
            _number(row["cycles_per_operand"], 3),
            *cost,
        )
        before = row["layer"]
    return table


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _outputs(result: Comparison) -> str:
    """Whether all engines computed the same."""
    equal = [entry.outputs_equal for entry in result.entries if entry.run is not None]
    if all(layer.error is None for _, run in result.ran for layer in run.layers):
        return "No outputs were computed."
    if None in equal:
        return "Outputs are compared between engines of the same operand types only."
    if all(equal):
        return "All outputs are equal, bit for bit."
    return "OUTPUTS DIFFER: see outputs_equal in --json."


def _picture(out: Output, runs: Sequence[tuple[str, AnyRun]]) -> None:
    """Bars of characters, one per engine, the longest one `BAR` long."""
    most = max(run.cycles for _, run in runs)
    width = min(max(len(label) for label, _ in runs), 20)
    terms = [term for term in GLYPHS if any(getattr(run.terms, term) for _, run in runs)]
    for label, run in runs:
        bar = bar_of({t: getattr(run.terms, t) for t in terms}, Fraction(BAR, most))
        name = label if len(label) <= width else f"{label[: width - 2]}.."
        out.console.print(f"{name:<{width}} {bar} {run.cycles:,}", soft_wrap=True)
    heads = {**WHERE, "stall": "stall"}
    out.text("cycles: " + ", ".join(f"{GLYPHS[term]} {heads[term]}" for term in terms))


def bar_of(terms: Mapping[str, Fraction], scale: Fraction) -> str:
    """A bar of the terms' glyphs: every boundary at its place, to the nearest character.

    >>> bar_of({"useful": Fraction(30), "load": Fraction(12)}, Fraction(1, 10))
    '███+'
    """
    bar, end = "", Fraction(0)
    for term, value in terms.items():
        end += value * scale
        bar += GLYPHS[term] * (int(end + Fraction(1, 2)) - len(bar))
    return bar
