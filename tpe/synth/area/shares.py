"""Which primitive takes which area: shares of a hierarchical run, scaled to the flat total.

Kept hierarchy costs area, since nothing is optimised across modules: totals come from the flat
netlist. The shares of a hierarchical one, scaled to that total, say what takes it; how far the two
runs are apart is told beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tpe.engine.config import Config
from tpe.synth.area import designs
from tpe.synth.netlist.mapped import Mapped, Part
from tpe.synth.netlist.mapper import map_parts
from tpe.synth.netlist.netlist import area_um2
from tpe.synth.netlist.recipes import Recipe
from tpe.technology.technology import Technology

REGISTERS = "registers"
OWN = "other logic"  # of the part itself, in no primitive
# Module -> primitive of the papers; a module that is not here counts for what it stands in.
PRIMITIVES = {
    "tpe_encode": "encode",
    "tpe_encode_booth": "encode",
    "tpe_encode_ent": "encode",
    "tpe_encode_row": "encode",
    "tpe_encode_cut": "encode",
    "tpe_sparse": "sparse",
    "tpe_map": "map",
    "tpe_map_complement": "map",
    "tpe_shift": "shift",
    "tpe_shift_plane": "shift",
    "tpe_shift_pair": "shift",
    "tpe_shift_pair_plane": "shift",
    "tpe_half_reduce": "half_reduce",
    "tpe_half_reduce_ones": "half_reduce",
    "tpe_accumulate_pair": "half_reduce",
    "tpe_accumulate_kept": "half_reduce",
    "tpe_row_digits": "row_term",
    "tpe_row_inner": "row_term",
    "tpe_add": "add",
    "tpe_add_cut": "add",
    "tpe_accumulate": "accumulate",
}


@dataclass(frozen=True)
class Shares:
    """Area by primitive, um2, summing to `flat_um2`; the hierarchical run took more by `residual`.

    residual -- (hierarchical area - flat area) / flat area: what keeping the modules costs, and
                so how far the shares may be off
    """

    area_um2: Mapping[str, float]
    flat_um2: float
    hierarchical_um2: float
    recipe: str

    @property
    def residual(self) -> float:
        """How much more the hierarchical run takes than the flat one, as a fraction."""
        return self.hierarchical_um2 / self.flat_um2 - 1 if self.flat_um2 else 0.0


def area_shares(part: Part, flat: Mapped, technology: Technology, recipe: Recipe) -> Shares:
    """Shares of a part by primitive, scaled to the area of its flat netlist.

    `recipe` should be the one that made `flat`, with that one target: it maps the same RTL again
    with every module kept.
    Raises TpeError if it cannot.
    """
    kept = map_parts([replace(part, keep=None)], technology, [recipe])[0].mapped[0]
    found = _by_primitive(kept, technology)
    total = sum(found.values())
    scale = flat.area_um2 / total if total else 0.0
    areas = {name: area * scale for name, area in sorted(found.items(), key=lambda x: -x[1])}
    return Shares(areas, flat.area_um2, total, kept.label)


def _by_primitive(kept: Mapped, technology: Technology) -> dict[str, float]:
    """Area of a hierarchical netlist by primitive, every copy counted, registers apart."""
    found: dict[str, float] = {}
    netlist, library = kept.netlist, technology.library

    def add(module: str, owner: str) -> None:
        owner = PRIMITIVES.get(module.split("__")[0], owner)
        for cell, count in netlist.cells_of(module).items():
            if cell in kept.memories:
                continue
            name = REGISTERS if library.cell(cell).sequential else owner
            found[name] = found.get(name, 0.0) + area_um2({cell: count}, library)
        for instance in netlist.modules[module].instances:
            if instance.cell in netlist.modules:
                add(instance.cell, owner)

    add(netlist.top, OWN)
    return found


def cell_shares(
    engine: Config,
    technology: Technology,
    recipe: Recipe,
    variant: str = "",
    target: float = 1.0,
) -> Shares:
    """Shares of an engine's cell, or of a variant of it, by one recipe driven to a target."""
    part = designs.cell_part(engine, variant)
    once = replace(recipe, targets=(target,))
    flat = map_parts([part], technology, [once])[0].mapped[0]
    return area_shares(part, flat, technology, once)
