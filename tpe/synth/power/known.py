"""Energy per multiply-accumulate where it is known, and None where nothing measures it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tpe.base import cache
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.synth.area.pareto import Point
from tpe.synth.area.rows import Chosen
from tpe.synth.power.sampled import Sample
from tpe.synth.power.stimulus import Operands
from tpe.technology.technology import Technology

if TYPE_CHECKING:
    from tpe.synth.power.pe import Power

NO_ENERGY = "energy is unknown: nothing here measures it and --cost gives none"
OPERANDS = "normal:20"

Draw = Callable[[], Operands]  # operands, made where they are needed; TpeError if there are none


@dataclass(frozen=True)
class Energy:
    """Energy of one useful multiply-accumulate, fJ, and the activity that it stands on.

    It is the PE's: its cell and its share of front and finish, without what an array puts between.
    `leakage_mw` is that of one PE.
    """

    fj_per_mac: float
    leakage_mw: float | None
    activity_source: str


def pe_energy(
    engine: Config,
    chosen: Chosen,
    tech: Technology,
    clock_ns: float,
    draw: Draw = lambda: OPERANDS,
) -> Energy | None:
    """The energy of a PE at a clock on operands, from the cache if it is known there.

    None for a library without voltage or energies: never a guess.
    """
    from tpe.synth.power.pe import pe_power

    if tech.library.voltage_v is None:
        return None

    operands = draw()
    seed = operands.seed if isinstance(operands, Sample) else 0
    facts = _facts(engine.hash, chosen.points, tech, clock_ns, operands)
    file = cache.place("energy", facts, "tpe.synth.power.pe")
    return _kept(file, lambda: pe_power(engine, chosen, tech, clock_ns, operands, seed))


def module_energy(
    engine: Config, name: str, point: Point, tech: Technology, clock_ns: float, operands: str
) -> Energy | None:
    """The energy of one module of an engine's RTL, as `pe_energy` has that of its PE.

    name  -- of the engine, the module and its parameters: equal only where the RTL is
    point -- the module's netlist, `tpe.synth.area.designs.module_part`
    """
    from tpe.synth.power.module import module_power

    if tech.library.voltage_v is None:
        return None

    facts = _facts(name, {point.mapped.part: point}, tech, clock_ns, operands)
    file = cache.place("module-energy", facts, "tpe.synth.power.module")
    return _kept(file, lambda: module_power(engine, point, tech, clock_ns, operands))


def known_energy(measure: Callable[[], Energy | None]) -> tuple[Energy | None, str | None]:
    """An energy, or None and why: what cannot be simulated still has an area."""
    try:
        energy = measure()
    except TpeError as error:
        return None, str(error)
    return energy, None if energy else NO_ENERGY


def _kept(file: Path, simulate: Callable[[], Power]) -> Energy:
    """The energy that a file holds, or else that of the simulation, which is then kept there."""

    def simulated() -> dict[str, object]:
        power = simulate()
        return asdict(Energy(power.energy_fj_per_mac, power.leakage_mw, power.activity_source))

    return Energy(**cache.kept(file, simulated))


def _facts(
    name: str, points: Mapping[str, Point], tech: Technology, clock_ns: float, operands: Operands
) -> list[object]:
    """All that an energy depends on but code: the values of operands are among it."""
    parts = {
        kind: (p.mapped.folder.name, p.mapped.number, p.mapped.variant)
        for kind, p in points.items()
    }
    drawn = [str(operands)]
    if isinstance(operands, Sample):
        drawn += [str(operands.seed), operands.fingerprint]
    return [name, parts, tech.wire_load, list(tech.library.sha256), clock_ns, drawn]
