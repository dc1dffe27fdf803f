"""Tables for ternary weights (arXiv:2604.25183): what they gain by the format of activations."""

from __future__ import annotations

from typing import Any

from tpe.model.engine import Engine
from tpe.report.papers.tiles import Tile, TileComparison, TilePaper

SIZE = (2, 64)
TERNARY, TWO_BITS = "ternary table", "half table, 2 planes"
ACTIVATIONS = ("int4", "int8", "fp16")


def _engine(a_type: str, **own: Any) -> Engine:
    pe = "lut_tc_fp" if a_type == "fp16" else "lut_tc"
    return Engine(pe, "matrix2d", SIZE, a_type=a_type, stages=1, lanes=own.pop("lanes", 4), **own)


def _multiplying(a_type: str) -> Tile:
    if a_type == "fp16":
        own = {"a_type": "fp16", "b_type": "fp16", "stages": 1}
        return Tile("fma, weights in fp16", Engine("fma", "matrix2d", SIZE, **own))
    own = {"a_type": a_type, "b_type": "int2", "stages": 1}
    return Tile("mac, weights in int2", Engine("mac", "matrix2d", SIZE, lanes=4, **own))


def _comparison(a_type: str) -> TileComparison:
    tiles = (
        Tile(f"{TERNARY}, groups of 3", _engine(a_type, b_type="ternary", lanes=3)),
        Tile(f"{TERNARY}, groups of 4", _engine(a_type, b_type="ternary")),
        Tile(TWO_BITS, _engine(a_type, b_type="int2")),
        _multiplying(a_type),
    )
    return TileComparison(f"activations {a_type}", tiles, tiles[-1].title)


PAPER = TilePaper(
    name="ternary_lut",
    title="Ternary tables (ISPASS 2026, arXiv:2604.25183)",
    comparisons=tuple(_comparison(a_type) for a_type in ACTIVATIONS),
    facts=(
        "The paper: a ternary table over groups of mu needs (3^mu - 1) / 2 entries, and its gain "
        "is large for fp16 activations and small for small integers.",
        "Here: area a multiply-accumulate over that of cells that multiply, at one clock for all "
        "of a format; entries of fp16 have all their bits, 8 below the largest one's last.",
        "Not modelled: power, controllers and what drains C, wires, the clock tree.",
    ),
)
