"""Columns that synthesis adds to a run: the energy of the PEs, where a table was fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tpe.base.columns import COLUMN
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.task import Seen
from tpe.model.columns import ColumnSet, Values
from tpe.model.layer_run import LayerRun
from tpe.model.result import RunRecord
from tpe.synth.power.table import LIBRARY, energy_or_reason, source

NAMES = ("energy_pe_pj", "energy_fj_per_mac", "library", "cost_source", "activity_source")


def measured(engine: Config, layer: LayerRun, seen: Seen) -> LayerRun:
    """The layer with the energy of its PEs, and where it is from; or with why it has none."""
    each, reason = energy_or_reason(engine, seen, layer)
    if each is None:
        return replace(layer, no_energy=reason)
    pes = engine.grid.m * engine.grid.n * engine.grid.chain
    found = each * layer.cycles * pes / 1000
    return replace(layer, pe_pj=found, library=LIBRARY, cost_source=source(engine))


def energies(run: RunRecord) -> Values:
    """The columns of every layer and of all together; of buffers and memory none is known."""
    if all(layer.pe_pj is None and layer.no_energy is None for layer in run.layers):
        raise TpeError(
            "energy is taken of operands while they are run, and was not asked for; "
            "legal: Engine.run(..., energy=True)"
        )
    parts = [*([layer] for layer in run.layers), run.layers]
    rows = [_together(part) for part in parts]
    return {name: [row.get(name) for row in rows] for name in NAMES}


def _together(layers: Sequence[LayerRun]) -> dict[str, Any]:
    """The columns of some layers; nothing if one of them has no energy."""
    known = [layer.pe_pj for layer in layers if layer.pe_pj is not None]
    if len(known) < len(layers):
        return {}
    return {
        "energy_pe_pj": sum(known),
        "energy_fj_per_mac": 1000 * sum(known) / sum(layer.macs for layer in layers),
        "library": layers[0].library,
        "cost_source": layers[0].cost_source,
        "activity_source": "toggles",
    }


ENERGY = ColumnSet("energy", tuple(COLUMN[name] for name in NAMES), energies, measured)
