"""Prices that were synthesised beforehand: read first, so that a comparison needs no synthesis.

An entry is all options of a PE in an array at any size, as `tpe.study.price` makes them with the
quick recipes, under a hash of the RTL that was mapped: every variant of every part, and the small
arrays that areas are scaled from. An engine whose RTL is any other is not here, and is synthesised.
Energies are of operands drawn `OPERANDS`, not of a workload's own: they say so. The table is made
by `python -m tools.part_table --prices`.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from tpe.base.cache import digest
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.study.price import Option, Price, Scaled, varied
from tpe.synth.area import designs
from tpe.synth.area.compose import AROUND
from tpe.synth.area.designs import Size, share_of, sized
from tpe.synth.area.part_table import LIBRARY, made_from
from tpe.synth.area.scaling import Scaling, calibration, reference
from tpe.synth.netlist.recipes import Recipe, find_recipes
from tpe.synth.power.known import Draw, Energy
from tpe.technology.technology import Technology, technology

FILE = Path(__file__).resolve().parent / "data" / "prices_tpe130.json.xz"
OPERANDS = "normal:20"
RECIPES = "quick"  # that options were made by
SOURCE = "table that ships, synthesised"


@dataclass(frozen=True, kw_only=True)
class Tabled(Scaled):
    """An option of the table: what `tpe.study.price.Synthesised` says, without its netlists.

    energies -- by part (dynamic fJ a cycle, leakage nW) of a PE of the reference size, the cycles
                and the multiply-accumulates of one PE that they are of; None: not measured
    """

    cell_recipe: str
    params: Mapping[str, Any]
    energies: Mapping[str, Any] | None

    def energy(self, clock_ns: float, size: Size, draw: Draw) -> Energy | None:
        """Of the PE alone, on operands drawn `OPERANDS`; `draw` is not called."""
        if self.energies is None:
            raise TpeError(
                "the table has no energy of this option; with --recipe quick it is synthesised"
            )
        small = self.scale.engine
        fj, leakage = 0.0, 0.0
        for kind, (dynamic, nw) in self.energies["parts"].items():
            shares = share_of(kind, sized(small, size), small)
            fj += shares[0] * dynamic
            leakage += shares[1] * nw
        cycles, macs = self.energies["cycles"], self.energies["macs"]
        each = (fj + leakage * clock_ns * 1e-3) * cycles / macs
        return Energy(each, leakage * 1e-6, self.energies["activity"])


def key_of(engine: Config, tech: Technology, recipes: Sequence[Recipe], vary: Sequence[str]) -> str:
    """A hash of all RTL that a price is made from, and of how it is mapped."""
    own = sized(engine, reference(engine))
    parts = [p for kind in designs.pe_parts(own, vary).values() for p in kind]
    mapped = [(p.variant, sorted(p.fits), made_from(p, tech, recipes)) for p in parts]
    sizes = [sized(own, size) for size in calibration(own)]
    around = [made_from(designs.array_part(one), tech, AROUND) for one in sizes]
    return digest([mapped, around])


def entry_of(key: str, price: Price, energies: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """An entry from a price that was synthesised; energies by the place of an option."""
    scale: Scaling = price.options[0].scale  # type: ignore[attr-defined]
    options: list[dict[str, Any]] = []
    for place, option in enumerate(price.options):
        found: Any = option
        own = ("period_ns", "recipe", "cell_recipe", "top_recipe", "resized")
        options.append(
            {
                **{name: getattr(found, name) for name in own},
                "areas": dict(found.areas),
                "params": dict(found.params),
                "energies": energies.get(place),
            }
        )
    return {
        "key": key,
        "pe": emit.record(price.engine).name,
        "array": price.engine.array.name,
        "scaling": {
            "top": scale.top,
            "between_um2": {name: list(x) for name, x in scale.between_um2.items()},
            "copies": {name: list(x) for name, x in scale.copies.items()},
            "memory_bits": list(scale.memory_bits),
        },
        "options": options,
    }


def energies_of(option: Option, engine: Config, tech: Technology) -> dict[str, Any]:
    """What `Tabled` keeps of an option's energy: a simulation of its gates."""
    from tpe.synth.power.pe import pe_power

    chosen: Any = option
    power = pe_power(engine, chosen.chosen, tech, option.period_ns, OPERANDS)
    parts = {
        kind: [own.dynamic_fj, sum(own.leakage_nw.values())] for kind, own in power.parts.items()
    }
    activity = f"{SOURCE}; {power.activity_source}"
    return {"parts": parts, "cycles": power.cycles, "macs": power.macs, "activity": activity}


def packed(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """Entries as the file that ships."""
    return lzma.compress(json.dumps(entries, sort_keys=True).encode(), preset=9)


@cache
def _entries() -> dict[str, dict[str, Any]]:
    if not FILE.exists():
        return {}
    try:
        return {entry["key"]: entry for entry in json.loads(lzma.decompress(FILE.read_bytes()))}
    except (lzma.LZMAError, ValueError, KeyError, TypeError) as error:
        raise TpeError(f"{FILE}: no table of prices: {error}") from None


def tabled(
    engine: Config, tech: Technology, recipes: Sequence[Recipe], vary: Sequence[str]
) -> Price | None:
    """The price of an engine as the table has it; None if it has none of this RTL."""
    names = {entry["pe"] for entry in _entries().values()}
    if tech.name != LIBRARY or emit.record(engine).name not in names:
        return None
    entry = _entries().get(key_of(engine, tech, recipes, vary))
    if entry is None:
        return None
    own = sized(engine, reference(engine))
    scale = Scaling(own, **entry["scaling"])
    options = tuple(Tabled(**option, scale=scale) for option in entry["options"])
    return Price(own, options, f"{SOURCE}: {tech.source}", tech)


def shipped(engine: Config, clock_ns: float | None) -> dict[str, Any] | None:
    """Columns of an engine's area, clock and energy from the table; None where it has none.

    For a clock the smallest option that meets it, or the fastest with `clock_met` False; without
    one the option of the least area times period. Energies are of operands drawn `OPERANDS`, and of
    one option of a PE alone: None for another.
    """
    price = _shipped(sized(engine, reference(engine))) if engine.pe.rtl else None
    if price is None:
        return None
    tech, size = technology(LIBRARY), engine.size
    clock = clock_ns if clock_ns is not None else price.densest(size).period_ns
    meets = [option for option in price.options if option.period_ns <= clock]
    fast = min(price.options, key=lambda option: option.period_ns)
    option = min(meets, key=lambda option: option.area_um2(size)) if meets else fast
    known = isinstance(option, Tabled) and option.energies is not None
    energy = option.energy(clock, size, lambda: OPERANDS) if known else None
    return {
        "node_nm": tech.node_nm,
        "corner": tech.corner,
        "clock_ns": clock,
        "clock_met": bool(meets),
        "fmax_mhz": 1000.0 / option.period_ns,
        "recipe": option.recipe,
        "area_um2": option.area_um2(size),
        "energy_fj_per_mac": energy.fj_per_mac if energy else None,
        "cost_source": price.source,
        "activity_source": energy.activity_source if energy else None,
    }


@lru_cache(maxsize=4096)
def _shipped(engine: Config) -> Price | None:
    """The price of an engine of the reference size, as a comparison asks for it."""
    try:
        return tabled(engine, technology(LIBRARY), find_recipes(RECIPES), varied(engine))
    except TpeError:  # there is no RTL of it
        return None
