"""Energy per multiply-accumulate where it is known, and None where nothing measures it."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass

from tpe.engine import Engine
from tpe.synth.rows import Chosen
from tpe.synth.tech import Technology

NO_ENERGY = "energy is unknown here: no power analysis is installed, and --cost gives none"


@dataclass(frozen=True)
class Energy:
    """Energy of one useful multiply-accumulate, fJ, and the activity that it stands on.

    It is the PE's: its cell and its share of front and finish, without what an array puts between.
    `leakage_mw` is that of one PE.
    """

    fj_per_mac: float
    leakage_mw: float | None
    activity_source: str


def pe_energy(engine: Engine, chosen: Chosen, tech: Technology, clock_ns: float) -> Energy | None:
    """The energy of a PE at a clock, or None without `tpe.synth.power`. Never a guess."""
    if importlib.util.find_spec("tpe.synth.power") is None:
        return None
    power = importlib.import_module("tpe.synth.power")
    found = power.pe_power(engine, chosen, tech, clock_ns)
    return Energy(found.energy_fj_per_mac, found.leakage_mw, found.activity_source)
