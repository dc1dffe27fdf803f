"""`tpe synth --shares`: which primitive of a cell takes which part of its area and its energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tpe.cli_common import Output
from tpe.commands.synth_power import PowerAsked

if TYPE_CHECKING:
    from tpe.synth.synthesis import Result


def print_shares(out: Output, result: Result, power: PowerAsked) -> dict[str, Any]:
    """The shares of every design's cell by the first recipe; energy only if power is asked for."""
    from tpe.synth.energy_shares import cell_energy_shares
    from tpe.synth.shares import cell_shares

    tech, recipe = result.technology, result.recipes[0]
    found: dict[str, dict[str, Any]] = {"shares": {}}
    for design in result.designs:
        area = cell_shares(design.engine, tech, recipe)
        parts = _print(out, f"{design.name} area", recipe.name, area.area_um2, area.residual)
        found["shares"][design.name] = parts
        if power.on:
            energy = cell_energy_shares(design.engine, tech, recipe, power.workload, power.seed)
            name = f"{design.name} energy"
            parts = _print(out, name, energy.activity_source, energy.energy_fj, energy.residual)
            found.setdefault("energy_shares", {})[design.name] = parts
    return found


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
