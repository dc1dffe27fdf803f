"""MixPE (arXiv:2411.16158): weights of 4 bits by shift and add, beside multipliers."""

from __future__ import annotations

from typing import Any

from tpe.model.engine import Engine
from tpe.report.papers.tiles import Tile, TileComparison, TilePaper

SIZE = (16, 16)
GROUP = 128
BASELINE, SCALED = "mac, W8 A8", f"mixpe, scales of {GROUP} in fp16"


_SCALES = {"scale_group": GROUP, "scale_type": "fp16"}


def _engine(pe: str, a_type: str, b_type: str, **own: Any) -> Engine:
    return Engine(pe, "matrix2d", SIZE, a_type=a_type, b_type=b_type, stages=1, **own)


PAPER = TilePaper(
    name="mixpe",
    title="MixPE (arXiv:2411.16158)",
    comparisons=(
        TileComparison(
            "W4 A8, 16 x 16",
            (
                Tile("mixpe, W4 A8", _engine("mixpe", "int8", "int4")),
                Tile(SCALED, _engine("mixpe", "int8", "int4", **_SCALES)),
                Tile("mac, W4 A8", _engine("mac", "int8", "int4")),
                Tile(BASELINE, _engine("mac", "int8", "int8")),
                Tile("fma, dequantised first, A16", _engine("fma", "fp16", "fp16")),
            ),
            BASELINE,
        ),
    ),
    facts=(
        "The paper: 2.6 times the speed and 1.4 times less energy than other accelerators of "
        "quantised models (abstract): whole systems, memory among them, of which no cell's area "
        "says anything.",
        "Here: the same sums of 32 bits by shift and add, by a multiplier of 4 bits, by one of 8, "
        "and of weights that were dequantised to fp16 first. With scales a column "
        "has a unit behind its sums: a multiplier by fp16, an adder of fp32, an accumulator a row.",
        "Not modelled: power, controllers and what drains C, wires, the clock tree.",
    ),
)
