"""Papers of whole tiles: rows by columns of cells with tables, registers and finishes, priced.

A tile is an engine of `matrix2d`, and its area the sum of its parts by their number: cells, fronts
(tables and the registers from which they are broadcast), terms of rows, finishes, units of scales,
and the registers of operands at the edge. Controllers and what drains C are left out, alike for
all. Every part is mapped by the same recipes; at a clock the smallest netlist of each that meets it
is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tpe.base.errors import unknown
from tpe.hdl.emit import scales
from tpe.model.engine import Engine
from tpe.numbers.lookup_tables import entries, entry_bits
from tpe.report.papers.facts import PRINTED, Where
from tpe.report.papers.words import agrees
from tpe.synth.area.boundary import edge_flop
from tpe.synth.area.designs import module_part, pe_parts
from tpe.synth.area.pareto import Point, at_clock, pareto
from tpe.synth.area.points import measured
from tpe.synth.netlist import mapper
from tpe.synth.netlist.mapped import Part
from tpe.synth.netlist.recipes import Recipe
from tpe.technology.technology import Technology

COMMON = 1.25  # clock of a comparison, as a multiple of the shortest that all its tiles meet


@dataclass(frozen=True)
class Tile:
    """An engine as a tile.

    fused -- tables come with the activations, built by what made these: of a front nothing but the
             register of its table is left, and no register of activations
    """

    title: str
    engine: Engine
    fused: bool = False

    @property
    def macs_per_cycle(self) -> float:
        """Multiply-accumulates a cycle, all cells busy."""
        e = self.engine
        grid, planes = e.grid, e.pe.bit_planes(e.widths)
        return grid.m * grid.n * e.widths.lanes / planes

    def counts(self) -> dict[str, int]:
        """How many of each part it has."""
        grid = self.engine.grid
        found = {"cell": grid.m * grid.n, "front": grid.m, "row": grid.m, "finish": grid.n}
        return found | {"scales": grid.n}

    def registers(self) -> int:
        """Flip-flops of operands at its edge; B twice where its planes come out of a register."""
        e = self.engine
        a = 0 if self.fused else e.grid.m * e.widths.lanes * e.widths.a
        return a + e.grid.n * e.widths.lanes * e.widths.b * (2 if e.pe.serial else 1)

    def parts(self) -> dict[str, Part]:
        """What is mapped, by kind."""
        return self._parts

    @cached_property
    def _parts(self) -> dict[str, Part]:
        e = self.engine
        found = {kind: some[0] for kind, some in pe_parts(e, ()).items()}
        if self.fused:
            kind, lanes = e.params["table"], e.widths.lanes
            own = {
                "Entries": entries(kind, lanes),
                "EntryWidth": entry_bits(kind, e.widths.a, lanes),
            }
            found["front"] = module_part(e, "tpe_lut_broadcast", own)
        if e.scale_group:
            unit = scales.parameters(e) | {"Count": 1, "GroupRows": e.grid.m}
            found["scales"] = module_part(e, "tpe_group_post", unit | {"AccWidth": e.widths.acc})
        return found


@dataclass(frozen=True)
class TileClaim:
    """A paper's area of a tile over that of another one of the same comparison, as printed."""

    design: str
    baseline: str
    value: float
    where: Where


@dataclass(frozen=True)
class TileComparison:
    """Tiles beside each other; `baseline` is the title of the one that others are held against."""

    title: str
    tiles: tuple[Tile, ...]
    baseline: str
    claims: tuple[TileClaim, ...] = ()
    cross: tuple[str, str] | None = None
    """beginnings of titles of two lines, each with a number of bits behind, that may cross"""


@dataclass(frozen=True)
class TilePaper:
    """A paper of tiles: what is compared, and what has to be said beside it."""

    name: str
    title: str
    comparisons: tuple[TileComparison, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True)
class TileRow:
    """A tile at the common clock of its comparison, and at the clock of its own that is best.

    areas -- um2 by kind of part, all of a kind together; best_* -- where multiply-accumulates a
    second and area are most
    """

    comparison: str
    title: str
    clock_ns: float
    areas: Mapping[str, float]
    macs_per_cycle: float
    best_clock_ns: float
    best_area_um2: float

    @property
    def area_um2(self) -> float:
        """Of the tile at the common clock."""
        return sum(self.areas.values())

    @property
    def um2_per_mac(self) -> float:
        """Area for a multiply-accumulate a cycle, at the common clock."""
        return self.area_um2 / self.macs_per_cycle

    @property
    def best_gmacs_per_mm2(self) -> float:
        """1e9 multiply-accumulates a second and mm2 at the tile's own clock."""
        return 1e6 * self.macs_per_cycle / (self.best_clock_ns * self.best_area_um2)

    def to_json(self) -> dict[str, Any]:
        """The row as data."""
        return {
            "comparison": self.comparison,
            "title": self.title,
            "clock_ns": self.clock_ns,
            "area_um2": self.area_um2,
            "area_by_part_um2": dict(self.areas),
            "macs_per_cycle": self.macs_per_cycle,
            "um2_per_mac": self.um2_per_mac,
            "best_clock_ns": self.best_clock_ns,
            "best_area_um2": self.best_area_um2,
            "best_gmacs_per_mm2": self.best_gmacs_per_mm2,
        }


@dataclass(frozen=True)
class TilesMeasured:
    """A paper's tiles in one library."""

    technology: Technology
    rows: tuple[TileRow, ...]
    sentences: tuple[str, ...]

    def of(self, comparison: str) -> list[TileRow]:
        """The rows of a comparison."""
        return [row for row in self.rows if row.comparison == comparison]


@dataclass(eq=False)
class TileBench:
    """Where tiles are priced: a library and recipes; step is called as each job of mapping ends."""

    technology: Technology
    recipes: Sequence[Recipe]
    step: Callable[[str], None] = lambda name: None
    workers: int | None = None
    fronts: dict[str, tuple[Point, ...]] = field(default_factory=dict)

    def prepare(self, comparisons: Sequence[TileComparison]) -> None:
        """Map every part of them once, all at a time."""
        wanted = _distinct(comparisons)
        missing = [key for key in wanted if key not in self.fronts]
        given = (self.technology, self.recipes, self.step)
        found = measured([wanted[key] for key in missing], *given, workers=self.workers)
        self.fronts |= {key: tuple(pareto(p)) for key, p in zip(missing, found, strict=True)}

    def of(self, tile: Tile) -> dict[str, tuple[Point, ...]]:
        """The netlists of each part of a tile that none beats, by kind."""
        return {kind: self.fronts[_key(part)] for kind, part in tile.parts().items()}

    def areas(self, tile: Tile, clock_ns: float) -> dict[str, float] | None:
        """um2 by kind at a clock, operand registers too; None where a part does not meet it."""
        counts, found = tile.counts(), {}
        for kind, front in self.of(tile).items():
            point = at_clock(front, clock_ns)
            if point is None:
                return None
            found[kind] = counts[kind] * point.area_um2
        found["registers"] = tile.registers() * edge_flop(self.technology).area_um2
        return found

    def shortest(self, tile: Tile) -> float:
        """The shortest clock that all of its parts meet, ns."""
        return max(min(p.period_ns for p in front) for front in self.of(tile).values())

    def best(self, tile: Tile) -> tuple[float, float]:
        """(clock, area) at which the product of both is least."""
        least = self.shortest(tile)
        clocks = {p.period_ns for front in self.of(tile).values() for p in front}
        found = []
        for clock in sorted({least, *(c for c in clocks if c >= least)}):
            areas = self.areas(tile, clock)
            assert areas is not None
            found.append((clock, sum(areas.values())))
        return min(found, key=lambda pair: pair[0] * pair[1])

    def rows(self, comparison: TileComparison) -> list[TileRow]:
        """All tiles of a comparison at their common clock, and each at its own."""
        self.prepare([comparison])
        clock = COMMON * max(self.shortest(tile) for tile in comparison.tiles)
        found = []
        for tile in comparison.tiles:
            areas = self.areas(tile, clock)
            assert areas is not None
            own = (comparison.title, tile.title, clock, areas, tile.macs_per_cycle)
            found.append(TileRow(*own, *self.best(tile)))
        return found


def _distinct(comparisons: Sequence[TileComparison]) -> dict[str, Part]:
    """The parts of all tiles, each once."""
    tiles = (tile for one in comparisons for tile in one.tiles)
    return {_key(part): part for tile in tiles for part in tile.parts().values()}


def _key(part: Part) -> str:
    return repr((part.top, sorted(part.modules.items())))


def tiles_measured(
    paper: TilePaper,
    technology: Technology,
    recipes: Sequence[Recipe],
    step: Callable[[str], None] = lambda name: None,
    workers: int | None = None,
) -> TilesMeasured:
    """Price every tile of a paper in a library."""
    bench = TileBench(technology, recipes, step, workers)
    bench.prepare(paper.comparisons)
    rows = {one.title: bench.rows(one) for one in paper.comparisons}
    sentences = [text for one in paper.comparisons for text in sentences_of(one, rows[one.title])]
    return TilesMeasured(
        technology, tuple(x for some in rows.values() for x in some), tuple(sentences)
    )


def steps(paper: TilePaper, recipes: Sequence[Recipe]) -> int:
    """How often `tiles_measured` calls `step`."""
    return mapper.count_jobs(list(_distinct(paper.comparisons).values()), recipes)


def sentences_of(comparison: TileComparison, rows: Sequence[TileRow]) -> list[str]:
    """Each claim beside ours, and where two lines cross."""
    found = [_claim_text(claim, rows) for claim in comparison.claims]
    return [*found, crossing_text(comparison, rows)] if comparison.cross else found


def _row(rows: Sequence[TileRow], title: str) -> TileRow:
    by_title = {row.title: row for row in rows}
    if title not in by_title:
        raise unknown("tile", title, by_title)
    return by_title[title]


def _claim_text(claim: TileClaim, rows: Sequence[TileRow]) -> str:
    design, baseline = _row(rows, claim.design), _row(rows, claim.baseline)
    ours = design.um2_per_mac / baseline.um2_per_mac
    how = (
        "agrees with"
        if agrees(1 / ours, 1 / claim.value)
        else ("less than" if ours < claim.value else "more than")
    )
    return (
        f"{design.comparison}: area of {claim.design} over {claim.baseline}: {ours:.3f}, {how} "
        f"{claim.value:.3f} ({PRINTED[claim.where]})."
    )


def crossing_text(comparison: TileComparison, rows: Sequence[TileRow]) -> str:
    """Up to how many bits the first of two lines is better, at the common clock and at its own.

    >>> def row(title, area):
    ...     return TileRow("c", title, 2.0, {"cell": area}, 1.0, 1.0, area)
    >>> rows = [row("LUT W1", 1.0), row("MAC W1", 2.0), row("LUT W2", 3.0), row("MAC W2", 2.5)]
    >>> crossing_text(TileComparison("c", (), "", cross=("LUT W", "MAC W")), rows)
    'c: LUT W takes less area a multiply-accumulate than MAC W up to 1 bits at the common clock, \
and does more a second and area up to 1 at clocks of their own.'
    """
    assert comparison.cross is not None
    one, other = comparison.cross
    bits = sorted(
        int(row.title[len(one) :])
        for row in rows
        if row.title.startswith(one) and row.title[len(one) :].isdigit()
    )
    pairs = [(n, _row(rows, f"{one}{n}"), _row(rows, f"{other}{n}")) for n in bits]
    least = _up_to([(n, x.um2_per_mac < y.um2_per_mac) for n, x, y in pairs])
    most = _up_to([(n, x.best_gmacs_per_mm2 > y.best_gmacs_per_mm2) for n, x, y in pairs])
    return (
        f"{comparison.title}: {one} takes less area a multiply-accumulate than {other} up to "
        f"{least} bits at the common clock, and does more a second and area up to {most} at clocks "
        "of their own."
    )


def _up_to(better: Sequence[tuple[int, bool]]) -> int:
    """The largest number of bits before the first at which the line is not better; 0: none."""
    last = 0
    for bits, holds in better:
        if not holds:
            break
        last = bits
    return last
