"""Columns that synthesis adds to a run: the energy of the PEs, where a table was fitted to them."""

from __future__ import annotations

from dataclasses import replace

from tpe.engine.task import Seen
from tpe.model.engine import Engine
from tpe.model.layer_run import LayerRun
from tpe.synth.power.table import LIBRARY, energy_or_reason, source


def energy(engine: Engine, layer: LayerRun, seen: Seen) -> LayerRun:
    """The layer with the energy of its PEs, and where it is from; or with why it has none."""
    each, reason = energy_or_reason(engine, seen, layer)
    if each is None:
        return replace(layer, no_energy=reason)
    pes = engine.grid.m * engine.grid.n * engine.grid.chain
    found = each * layer.cycles * pes / 1000
    return replace(layer, pe_pj=found, library=LIBRARY, cost_source=source(engine))
