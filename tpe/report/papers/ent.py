"""EN-T: the encoder leaves the multiplier and is shared, or operands are stored encoded.

256 GOPS, 1 TOPS and 4 TOPS are read here as 16, 32 and 64 PEs to a side: 256, 1024 and 4096
multiply-accumulates a cycle at 0.5 GHz. The baseline encodes by Booth in every cell.
"""

from __future__ import annotations

from tpe.report.papers.facts import Claim, Paper, PaperCase, Spec

_STAGES = ("tree", "stages", "negate")
_SIDES = (
    (16, "256 GOPS", 1.087, 1.130),
    (32, "1 TOPS", 1.122, 1.175),
    (64, "4 TOPS", 1.110, 1.155),
)
_FORMS = (
    ("EN-T, encoded at the edge", {"encode_in": "edge", "encoder": "ent"}),
    ("EN-T, stored encoded in 9 bits", {"encode_in": "stored", "encoder": "ent"}),
    ("Booth, encoded at the edge, 12 bits", {"encode_in": "edge", "encoder": "booth"}),
)


def _cases() -> list[PaperCase]:
    cases = []
    for title, params in _FORMS:
        for side, rate, area, energy in _SIDES:
            size = (side, side)
            claimed = params["encoder"] == "ent"
            cases.append(
                PaperCase(
                    f"{title}, {rate}",
                    Spec("mac", "matrix2d", size, params, _STAGES),
                    Spec("mac", "matrix2d", size, {"encoder": "booth"}, _STAGES),
                    (Claim(area, "abs"),) if claimed else (),
                    (Claim(energy, "abs"),) if claimed else (),
                )
            )
    return cases


PAPER = Paper(
    name="ent",
    title="EN-T (ICCD 2024, arXiv:2404.11887)",
    node="node not carried here",
    workload="gemm:128x128x256:normal:20",
    cases=tuple(_cases()),
    facts=(
        "Area efficiency +8.7 / +12.2 / +11.0 % and energy efficiency +13.0 / +17.5 / +15.5 % at "
        "256 GOPS / 1 TOPS / 4 TOPS (abs).",
        "Energies here are of the cells: encoders at the edge, one for a row, are in every area "
        "and in no energy, and memory for stored codes is in neither.",
    ),
)
