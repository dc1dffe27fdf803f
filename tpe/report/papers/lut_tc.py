"""LUT Tensor Core (arXiv:2408.06003): four steps from a full table, and look-ups beside MACs."""

from __future__ import annotations

from typing import Any

from tpe.model.engine import Engine
from tpe.report.papers.tiles import Tile, TileClaim, TileComparison, TilePaper

SIZE, LANES = (2, 64), 4
BITS = range(1, 9)
BASELINE = "conventional table"
STEPS = ("reinterpreted weights", "negation removed", "tables from the operator before")
CLAIMED = (13117, 12780, 11991)  # um2, of 17272
BASELINE_UM2 = 17272


def look_ups(b_type: str, **params: Any) -> Engine:
    """A tile of look-ups in tables of int8 activations."""
    return Engine("lut_tc", "matrix2d", SIZE, b_type=b_type, stages=1, lanes=LANES, **params)


def weights(bits: int) -> str:
    """The format of weights of so many bits that a tile of look-ups takes."""
    return f"int{bits}" if bits > 1 else "bipolar1"


def _mac(bits: int) -> Engine:
    number = f"int{max(2, bits)}"
    return Engine("mac", "matrix2d", SIZE, b_type=number, stages=1, lanes=LANES)


def _floats(bits: int) -> Engine:
    own = {"a_type": "fp16", "b_type": weights(bits), "stages": 1}
    return Engine("lut_tc_fp", "matrix2d", SIZE, table_bits=8, **own)


_STEPS = TileComparison(
    "W2 A8, 2 x 64 x 4",
    (
        Tile("bit-serial, no table", look_ups("int2", table="none")),
        Tile(BASELINE, look_ups("int2", table="full")),
        Tile(STEPS[0], look_ups("int2", inversion="cell")),
        Tile(STEPS[1], look_ups("int2")),
        Tile(STEPS[2], look_ups("int2"), fused=True),
    ),
    BASELINE,
    tuple(
        TileClaim(step, BASELINE, um2 / BASELINE_UM2, "read")
        for step, um2 in zip(STEPS, CLAIMED, strict=True)
    ),
)
_LINES = TileComparison(
    "look-ups beside MACs, A8",
    tuple(
        tile
        for bits in BITS
        for tile in (
            Tile(f"LUT W{bits}", look_ups(weights(bits))),
            Tile(f"MAC W{bits}", _mac(bits)),
        )
    ),
    "MAC W8",
    cross=("LUT W", "MAC W"),
)
_FLOATS = TileComparison(
    "look-ups beside MACs, A16",
    (
        Tile("LUT W1", _floats(1)),
        Tile("LUT W4", _floats(4)),
        Tile(
            "fma, weights in fp16",
            Engine("fma", "matrix2d", SIZE, a_type="fp16", b_type="fp16", stages=1),
        ),
    ),
    "fma, weights in fp16",
    (TileClaim("LUT W1", "fma, weights in fp16", 3.39 / 61.55, "read"),),
)

PAPER = TilePaper(
    name="lut_tc",
    title="LUT Tensor Core (ISCA 2025, arXiv:2408.06003)",
    comparisons=(_STEPS, _LINES, _FLOATS),
    facts=(
        "The paper, 28 nm, W2 A8, 512 multiply-accumulates: UNPU 17272 um2, with reinterpreted "
        "weights 13117, negation removed 12780, tables built by the operator before 11991; W1 A16, "
        "a dot product of 4: 61.55 against 3.39 TFLOP/s/mm2; look-ups beat a MAC up to weights of "
        "6 bits.",
        "Here the conventional table stands once a row, broadcast to 64 columns, in every step; "
        "sums are of 32 bits, and the fp16 tables have entries of 8 bits and sums in fp32. A MAC "
        "of 1-bit weights has 2 bits: no integer has fewer.",
        "Not modelled: power, controllers and what drains C, wires, the clock tree; storage of "
        "tables where they are built before.",
    ),
)
