"""What `tpe synth` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tpe.base import units
from tpe.cli.options import Output, plain_table

if TYPE_CHECKING:
    from tpe.synth.area.synthesis import Result


def print_result(out: Output, result: Result, front: bool) -> None:
    """The technology and the tool in a line each, then a row per design and clock."""
    from tpe.synth.area import timing

    tech = result.technology
    out.text(library_text(tech.name, tech.node_nm, tech.corner, tech.source))
    wires = tech.wire_load or "none"
    out.text(f"FO4 {result.fo4_ns:.4f} ns. Wires in timing: {wires}. Timing: {_tools(result)}.")
    out.text(f"Assumed: {timing.ASSUMPTIONS}.\n")
    _print_rows(out, result.rows())
    if result.powers:
        _print_power(out, result.rows())
    if not result.clocks_ns:
        out.text("\nThe clock is the fastest that all of these designs meet.")
    if front:
        out.text("\nFronts: each design at its own clocks.\n")
        _print_rows(out, result.front_rows())
    left = [row for row in result.rows() if row.get("memory_bits_left_out")]
    for name, bits in {row["design"]: row["memory_bits_left_out"] for row in left}.items():
        out.text(f"\n{name}: {bits} bits of memory are left out, of area and of timing.")


def _tools(result: Result) -> str:
    tools = {str(row["timing_tool"]) for row in result.rows() if row["timing_tool"]}
    return ", ".join(sorted(tools)) or "none"


def _print_rows(out: Output, rows: Sequence[dict[str, Any]]) -> None:
    """The numbers as a table, then what each netlist was made by."""
    fastest, speeds = units.column([row["fmax_mhz"] for row in rows], "frequency")
    areas = {"area": "area_um2"}
    if any(row.get("area_finish_um2") is not None for row in rows):
        areas |= {"front": "area_front_um2", "finish": "area_finish_um2"}
    if any(row.get("area_row_um2") is not None for row in rows):
        areas |= {"row term": "area_row_um2"}
    flat = [row.get(key) for row in rows for key in areas.values()]
    area, texts = units.column(flat, "area")
    columns = ["", "design", "clock ns", "met", "period", "FO4", f"{fastest} max"]
    table = plain_table(*columns, *(f"{part} {area}" for part in areas))
    for place, row in enumerate(rows):
        table.add_row(
            str(place + 1),
            str(row["design"]),
            units.number(row["clock_ns"]),
            "yes" if row["clock_met"] else "no",
            units.number(row["period_ns"]),
            units.number(row["period_fo4"]),
            speeds[place],
            *texts[place * len(areas) : (place + 1) * len(areas)],
        )
    out.table(table)
    out.text("\nRecipes, and what limits the clock:")
    for place, row in enumerate(rows, 1):
        parts = [row["recipe"]]
        for kind in ("row", "front", "finish"):
            if row.get(f"recipe_{kind}"):
                parts.append(f"{kind} {row[f'recipe_{kind}']}")
        out.text(f"  {place}  {', '.join(parts)}; {row['limited_by']}")


def _print_power(out: Output, rows: Sequence[dict[str, Any]]) -> None:
    """Power, and where its activity comes from."""
    kinds = {"power": "power_mw", "leakage": "leakage_mw"}
    found = {name: units.column([row[key] for row in rows], "power") for name, key in kinds.items()}
    energy, energies = units.column([row["energy_fj_per_mac"] for row in rows], "energy_per_mac")
    heads = [f"{name} {unit}" for name, (unit, _) in found.items()]
    table = plain_table("", "design", *heads, f"{energy} per MAC", "TOPS/W")
    for place, row in enumerate(rows):
        table.add_row(
            str(place + 1),
            str(row["design"]),
            *(texts[place] for _, texts in found.values()),
            energies[place],
            units.number(row["tops_per_w"]),
        )
    out.text("")
    out.table(table)
    for place, row in enumerate(rows, 1):
        nets = f"{row['annotated_fraction']:.1%} of nets annotated"
        out.text(f"  {place}  {row['activity_source']}; {nets}")


def library_text(name: str, node_nm: float | None, corner: str, source: str) -> str:
    """A technology in a line."""
    node = f"{node_nm:g} nm" if node_nm else "node unknown"
    return f"{name}: {node}, {corner}; {source}"


def number(value: float | None, digits: int) -> str:
    """A number, or a dash for what is not known."""
    return "-" if value is None else f"{value:.{digits}f}"
