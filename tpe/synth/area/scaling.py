"""The area of an array at any size, from a few small ones that are mapped.

A mapped array is hierarchical: its area is the copies of each module times the area of one. The
copies are exact in rows and columns. What lies between them, one flat module, is mapped at the
sizes of `calibration` and fitted: a + b R + c C + d R C, and with e R^2 + f C^2 where operands are
skewed, since row i is then delayed by i registers. Sides that change the cell itself, the depth of
a cube and the rows of an adder tree, are never scaled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.nest.notation import Dim
from tpe.synth.area import designs
from tpe.synth.area.compose import AROUND, Version, compose
from tpe.synth.area.designs import Size, sized
from tpe.synth.netlist.mapped import Mapped
from tpe.synth.netlist.mapper import map_parts
from tpe.technology.technology import Technology

_EXACT = 1e-6  # copies are whole numbers, so that a fit that is none shows


def rows_are_lanes(engine: Config) -> bool:
    """Whether the rows of the array are lanes of one cell: then they are never scaled."""
    return engine.array.dims[0] is Dim.K and not engine.array.chained


def _skewed(engine: Config) -> bool:
    return engine.array.skewed or engine.array.chained


def reference(engine: Config) -> Size:
    """The size at which a whole array is timed: 4 to a side where the sides may be scaled."""
    if rows_are_lanes(engine):
        return (engine.rows, 4)
    return (4, 4, *engine.size[2:])


def calibration(engine: Config) -> tuple[Size, ...]:
    """The sizes that are mapped to fit what lies between the cells."""
    if rows_are_lanes(engine):
        return tuple((engine.rows, cols) for cols in (2, 4))
    sides = [(2, 2), (2, 4), (4, 2), (4, 4)]
    sides += [(8, 2), (2, 8)] if _skewed(engine) else []
    return tuple((*pair, *engine.size[2:]) for pair in sides)


def terms(engine: Config, size: Size) -> tuple[float, ...]:
    """What the fitted coefficients are multiplied by at a size."""
    rows, cols = size[:2]
    if rows_are_lanes(engine):
        if rows != engine.rows:
            raise TpeError(f"rows = {rows} is not legal: this area is of {engine.rows} rows alone")
        return (1.0, cols)
    plain = (1.0, rows, cols, rows * cols)
    return (*plain, rows**2, cols**2) if _skewed(engine) else plain


@dataclass(frozen=True)
class Scaling:
    """An array's copies and the area between them, at any size.

    engine      -- the array; its size is that of `reference`
    top         -- the module that lies between the others
    between_um2 -- coefficients of that module's area, by the recipe that made it
    copies      -- coefficients of the copies of each other module
    memory_bits -- coefficients of the bits of memories that are left out
    """

    engine: Config
    top: str
    between_um2: Mapping[str, tuple[float, ...]]
    copies: Mapping[str, tuple[float, ...]]
    memory_bits: tuple[float, ...]

    def area_um2(
        self, size: Size, recipe: str, modules: Mapping[str, float], resized: float = 1.0
    ) -> float:
        """um2 of an array, its top made by `recipe`, from the area of one copy of each module.

        resized -- by what the top became larger where gates were resized, at the reference size
        """
        at = terms(self.engine, size)
        inner = sum(self.count(name, size) * modules[name] for name in self.copies)
        return inner + resized * _value(self.between_um2[recipe], at)

    def count(self, module: str, size: Size) -> int:
        """Copies of a module."""
        return round(_value(self.copies[module], terms(self.engine, size)))

    def memory_bits_at(self, size: Size) -> int:
        """Bits of memories that are in no area here."""
        return round(_value(self.memory_bits, terms(self.engine, size)))


def _value(coefficients: Sequence[float], at: Sequence[float]) -> float:
    return float(np.dot(coefficients, at))


@dataclass(frozen=True)
class CalibrationPoint:
    """One calibration size as mapped, by the recipes of `AROUND`.

    Parts of the PE are black boxes but at the size of `reference`.
    """

    size: Size
    mapped: tuple[Mapped, ...]

    @cached_property
    def copies(self) -> dict[str, int]:
        """How often each module stands in the top, and each black box that is no memory."""
        mapped, netlist = self.mapped[0], self.mapped[0].netlist
        inside = {name: n for name, n in netlist.copies.items() if name != netlist.top}
        left_out = {*mapped.cells, *mapped.memories}
        return inside | {name: n for name, n in netlist.cells.items() if name not in left_out}

    @property
    def memory_bits(self) -> int:
        """Bits of memories that are left out."""
        return sum(bits * copies for bits, copies in self.mapped[0].memories.values())


def samples(
    engine: Config,
    tech: Technology,
    step: Callable[[str], None] = lambda name: None,
    workers: int | None = None,
) -> tuple[CalibrationPoint, ...]:
    """The calibration sizes of an engine's array, mapped."""
    sizes = calibration(engine)
    parts = [
        (designs.array_part if size == reference(engine) else designs.around_part)(
            sized(engine, size)
        )
        for size in sizes
    ]
    made = map_parts(parts, tech, AROUND, step, workers=workers)
    return tuple(CalibrationPoint(size, out.mapped) for size, out in zip(sizes, made, strict=True))


def of_reference(engine: Config, samples: Sequence[CalibrationPoint]) -> CalibrationPoint:
    """The sample of the reference size."""
    return next(sample for sample in samples if sample.size == reference(engine))


def scaling(
    engine: Config,
    tech: Technology,
    samples: Sequence[CalibrationPoint],
    modules: Mapping[str, Sequence[Version]],
) -> Scaling:
    """What lies between the cells at any size, fitted to samples.

    modules -- versions of every module that stands in the array; the first is taken for the
               buffers of nets that many of them share
    """
    at = np.array([terms(engine, sample.size) for sample in samples])
    top = samples[0].mapped[0].top
    between = {
        mapped.recipe: _fit(at, [_top_um2(tech, top, s.mapped[i], modules) for s in samples])
        for i, mapped in enumerate(samples[0].mapped)
    }
    names = samples[0].copies
    copies = {name: _fit_exact(at, [s.copies[name] for s in samples], name) for name in names}
    bits = _fit_exact(at, [s.memory_bits for s in samples], "memory bits")
    return Scaling(sized(engine, reference(engine)), top, between, copies, bits)


def _top_um2(
    tech: Technology, top: str, mapped: Mapped, modules: Mapping[str, Sequence[Version]]
) -> float:
    """The area of the module between the others, with the buffers of nets that they share."""
    own = Version(mapped, mapped.netlist.modules[top], 0.0, 0.0)
    versions = {**{name: found[:1] for name, found in modules.items()}, top: [own]}
    composed = compose(tech, top, versions, {}, 0.0)
    return composed.area_by_module[top][1]


def _fit(at: np.ndarray, values: Sequence[float]) -> tuple[float, ...]:
    found = np.linalg.lstsq(at, np.array(values, float), rcond=None)[0]
    return tuple(float(x) for x in found)


def _fit_exact(at: np.ndarray, values: Sequence[int], name: str) -> tuple[float, ...]:
    """A fit of whole numbers; TpeError if it is not one."""
    found = _fit(at, values)
    if np.abs(at @ np.array(found) - np.array(values)).max() > _EXACT * max(1, *values):
        raise TpeError(f"the copies of {name} are no polynomial of rows and columns: {values}")
    return found
