"""The bit-weight TPE: OPT1 and OPT2 in four topologies; OPT3, OPT4C, OPT4E beside bit-slice PEs.

The abstract's ratios are over the MAC baseline of each topology, SMIC 28 nm; they are OPT1's or
OPT2's, the text does not say which, so that both stand against them. Where the evaluation section
prints another figure than the abstract, both stand.
"""

from __future__ import annotations

from tpe.report.papers.facts import Claim, Paper, PaperCase, Spec

_SIDE = (16, 16)
# What a portfolio tries beside the recipes, of a design as of its baseline.
_HONEST = ("tree", "stages", "encoder", "negate")
_CELLS = ("tree", "negate", "cell_stages")  # of bit-slice PEs

# Topology -> array, size, lanes, area claims, energy claims.
_TOPOLOGIES = (
    ("systolic, output-stationary", "systolic_os", _SIDE, (1.27,), (1.04,)),
    ("systolic, weight-stationary", "systolic_ws", _SIDE, (1.27,), (1.04,)),
    ("cube", "cube3d", (*_SIDE, 4), (1.28,), (1.56,)),
    ("tree", "adder_tree", (4, 16), (1.56, 1.58), (1.49,)),
    ("2D matrix", "matrix2d", _SIDE, (1.44, 1.34), (1.20, 1.11)),
)
_SAED32 = {
    "systolic_os": "OS_systolic_array",
    "systolic_ws": "WS_systolic_array",
    "cube3d": "3D_cube",
}
_COLUMN = (("column_array_OS", "OPT4C"), ("OS_PE", "MAC"))


def _claims(values: tuple[float, ...]) -> tuple[Claim, ...]:
    """The abstract's figure, then the evaluation section's where it is another."""
    return tuple(Claim(v, w) for v, w in zip(values, ("abs", "read"), strict=False))  # type: ignore[arg-type]


def _traditional() -> list[PaperCase]:
    cases = []
    for title, array, size, area, energy in _TOPOLOGIES:
        mac = Spec("mac", array, size, vary=_HONEST, lean=True)
        for pe in ("opt1", "opt2"):
            if (pe, array) == ("opt2", "systolic_ws"):
                continue  # four pairs a psum passed from cell to cell: nobody builds it
            params = {"lanes": 4} if pe == "opt2" and array in ("matrix2d", "systolic_os") else {}
            rows = _SAED32.get(array) if pe == "opt1" else None
            saed32 = ((rows, "OPT1"), (rows, "MAC")) if rows else None
            cases.append(
                PaperCase(
                    f"{pe.upper()} over MAC, {title}",
                    Spec(pe, array, size, params, _HONEST, True),
                    mac,
                    _claims(area),
                    _claims(energy),
                    saed32,
                )
            )
    return cases


def _sparse() -> list[PaperCase]:
    mac = Spec("mac", "matrix2d", _SIDE, vary=_HONEST, lean=True)
    laconic = Spec("laconic", "matrix2d", _SIDE, vary=_CELLS)
    bitlet = Spec("bitlet", "matrix2d", _SIDE, vary=_CELLS)
    equal_area = {"opt4c": (Claim(2.7, "read"),), "opt4e": (Claim(3.6, "read"),)}
    cases = []
    for pe in ("opt3", "opt4c", "opt4e"):
        own = Spec(pe, "matrix2d", _SIDE, lean=True)
        title = pe.upper()
        saed32 = _COLUMN if pe == "opt4c" else None
        claims = equal_area.get(pe, ())
        cases.append(PaperCase(f"{title} over MAC, at equal area", own, mac, claims, (), saed32))
        over = (Claim(2.85, "abs"),), (Claim(12.10, "abs"),)
        cases.append(PaperCase(f"{title} over Laconic", own, laconic, *over))
        cases.append(PaperCase(f"{title} over Bitlet", own, bitlet))
    return cases


PAPER = Paper(
    name="hpca25",
    title="bit-weight TPE (HPCA 2025, arXiv:2503.06342)",
    node="SMIC 28 nm",
    workload="gemm:64x64x256:normal:20",
    cases=(*_traditional(), *_sparse()),
    facts=(
        "The paper (read): adder and accumulator are 61.4 % of a MAC's area and 74.6 % of its "
        "delay; OPT1's critical path falls from 1.95 to 0.92 ns; a MAC grows 1.93x from 1.0 to "
        "1.5 GHz, OPT1 1.14x; an OPT4C PE takes 81 um2, a parallel MAC 246 um2.",
        "2.7x and 3.6x are throughput at equal area: 3 OPT4C, 1 OPT4E, 1 MAC.",
        "The published rows: cube is a chain that passes (sum, carry) along depth through "
        "registers, not a tree; on them OPT1 saves area and not energy.",
    ),
)
