"""`tpe synth --shares`: which primitive of a cell takes which part of its area and its energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tpe.cli.commands.synth_power import PowerAsked
from tpe.cli.options import Output

if TYPE_CHECKING:
    from tpe.synth.area.compose import Composed
    from tpe.synth.area.rows import Chosen
    from tpe.synth.area.synthesis import Result
    from tpe.synth.netlist.mapped import Mapped


def print_shares(out: Output, result: Result, power: PowerAsked) -> dict[str, Any]:
    """The shares of every design's cell as it is at the first clock; energy only with power."""
    from tpe.synth.area.shares import cell_shares
    from tpe.synth.power.shares import cell_energy_shares

    tech = result.technology
    clock = (result.clocks_ns or (result.common_clock_ns,))[0]
    found: dict[str, dict[str, Any]] = {"shares": {}}
    for design in result.designs:
        cell = _cell(design.at(clock))
        recipe = next(r for r in result.recipes if r.name == cell.recipe)
        built: dict[str, Any] = {"variant": cell.variant, "target": cell.target}
        area = cell_shares(design.engine, tech, recipe, **built)
        parts = _print(out, f"{design.name} area", cell.label, area.area_um2, area.residual)
        found["shares"][design.name] = parts
        if power.on:
            asked = power.workload, power.seed
            energy = cell_energy_shares(design.engine, tech, recipe, *asked, **built)
            name = f"{design.name} energy"
            parts = _print(out, name, energy.activity_source, energy.energy_fj, energy.residual)
            found.setdefault("energy_shares", {})[design.name] = parts
    return found


def _cell(chosen: Chosen | Composed) -> Mapped:
    """The netlist of the cell that was chosen."""
    from tpe.synth.area.compose import Composed

    if isinstance(chosen, Composed):
        return chosen.versions["tpe_cell"].source
    return chosen.points["cell"].mapped


def _print(
    out: Output, name: str, source: str, values: Mapping[str, float], residual: float
) -> dict[str, float]:
    """A line of shares and one of how rough they are; the shares."""
    whole = sum(values.values())
    parts = {primitive: value / whole for primitive, value in values.items()}
    text = ", ".join(f"{primitive} {part:.1%}" for primitive, part in parts.items())
    out.text(f"\n{name} of the cell by primitive ({source}): {text}")
    out.text(f"Kept hierarchy takes {residual:+.1%}: shares are that rough.")
    return parts | {"residual": residual}
