"""Parts that were mapped beforehand: a table that ships, read before anything is mapped.

A line of the table is one engine's PE: of each of its parts the front of area and shortest period,
and a hash of what that was made from, RTL text, library and recipes. Whoever asks gives RTL too, so
that a part whose RTL is another text, or whose parameters make it so, is not in the table. The
table is made by `python -m tools.part_table`, a line at a time, and packed into `FILE`.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tpe.base.cache import digest
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.synth.area.designs import pe_parts
from tpe.synth.netlist.mapped import Part
from tpe.synth.netlist.recipes import Recipe, find_recipes
from tpe.technology.technology import Technology

FILE = Path(__file__).resolve().parents[1] / "data" / "parts_tpe130.jsonl.xz"
LARGEST = 3_000_000  # bytes of the packed file
LIBRARY = "tpe130"
# Five netlists of one kind of gates, from the fastest to the smallest: a part is elaborated once.
RECIPES = ("brent_kung/fast", "brent_kung/small")
COLUMNS = ("recipe", "period_ns", "area_um2", "cells", "flip_flops", "full_adders")
Row = dict[str, Any]


@dataclass(frozen=True)
class PartPoint:
    """A netlist that was mapped: what made it, its shortest period in ns, its area in um2."""

    recipe: str
    period_ns: float
    area_um2: float
    cells: int
    flip_flops: int
    full_adders: int


def made_from(part: Part, tech: Technology, recipes: Sequence[Recipe]) -> str:
    """A hash of all that a part's points are made from, but of the tools.

    >>> from tpe.synth.area.designs import cell_part
    >>> from tpe.technology.technology import technology
    >>> tech, some = technology("tpe130"), find_recipes(RECIPES)
    >>> narrow, wide = (cell_part(Config("mac", acc_bits=n)) for n in (24, 32))
    >>> made_from(narrow, tech, some) == made_from(wide, tech, some)
    False
    """
    kept = None if part.keep is None else sorted(part.keep)
    rtl = [dict(part.modules), part.top, kept, sorted(part.boxes)]
    how = [[r.name, r.script, r.targets, *r.gates] for r in recipes]
    return digest([rtl, list(tech.library.sha256), sorted(tech.refused), how])


def unpacked(packed: bytes, where: str) -> list[Row]:
    """The lines of a packed table; TpeError, one line, for a file that is damaged."""
    try:
        return [json.loads(line) for line in lzma.decompress(packed).decode().splitlines()]
    except (lzma.LZMAError, ValueError) as error:
        raise TpeError(f"{where}: no table of parts: {error}") from None


def packed(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Lines as the file that ships; TpeError if they are more than `LARGEST` bytes.

    >>> unpacked(packed([{"pe": "mac"}]), "here")
    [{'pe': 'mac'}]
    """
    text = "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows)
    found = lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
    if len(found) > LARGEST:
        raise TpeError(f"the table takes {len(found):,} bytes; legal: {LARGEST:,}")
    return found


@cache
def rows() -> tuple[Row, ...]:
    """Every line of the table that ships; none if it is not there."""
    return tuple(unpacked(FILE.read_bytes(), str(FILE))) if FILE.exists() else ()


@cache
def _by_rtl() -> dict[str, tuple[PartPoint, ...]]:
    return {
        part["made_from"]: tuple(PartPoint(*point) for point in part["points"])
        for row in rows()
        for part in row.get("parts", {}).values()
    }


def points_of(part: Part, tech: Technology) -> tuple[PartPoint, ...] | None:
    """The front of a part as the table has it, fastest first; None if it has none of this RTL."""
    if tech.name != LIBRARY:
        return None
    return _by_rtl().get(made_from(part, tech, find_recipes(RECIPES)))


def fronts_of(engine: Config, tech: Technology) -> dict[str, tuple[PartPoint, ...]] | None:
    """The fronts of all parts of an engine's PE, as they stand in it; None if one is not there."""
    found = {kind: points_of(own[0], tech) for kind, own in pe_parts(engine, ()).items()}
    known = {kind: points for kind, points in found.items() if points is not None}
    return known if len(known) == len(found) else None
