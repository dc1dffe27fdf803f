"""L-Mul (arXiv:2410.00907): products by one integer addition, beside exact multipliers."""

from __future__ import annotations

from typing import Any

from tpe.hdl.emit import rtl_names
from tpe.model.engine import Engine
from tpe.numbers.lmul import OFFSETS, OVERFLOWS, SUBNORMALS, convention
from tpe.pe.floating import float_format
from tpe.report.papers.cells import CellPaper, Saving, published
from tpe.study.contest import Contest, Entrant
from tpe.study.lmul_errors import product_errors

FORMATS = ("bf16", "e4m3fn", "e5m2")
LMUL, EXACT, FMA = "L-Mul", "exact product", "fma"
ELEMENTWISE, DOT = 0.95, 0.80


def _engine(pe: str, name: str) -> Engine:
    return Engine(pe, "systolic_ws", (16, 16), a_type=name, b_type=name)


def _product(name: str) -> Entrant:
    """The multiplier as the cell has it, its parameters those of the format."""
    number = float_format(name)
    usual = convention(number, OFFSETS[0], SUBNORMALS[0], OVERFLOWS[0])
    defaults = {
        "ExpWidth": number.exponent_bits,
        "FracWidth": number.fraction_bits,
        "Bias": number.bias,
        "Added": usual.added,
        "Special": rtl_names.number("Special", number.nan),
    }
    return Entrant(LMUL, _engine("lmul", name), "tpe_lmul", defaults)


def _contests(name: str) -> tuple[Contest, Contest]:
    multiplier = Entrant(EXACT, _engine("fma", name), "tpe_fp_multiply")
    cells = (Entrant("lmul", _engine("lmul", name)), Entrant(FMA, _engine("fma", name)))
    return (
        Contest(f"products in {name}", (_product(name), multiplier), (EXACT,)),
        Contest(f"cells in {name}, sums in fp32", cells, (FMA,)),
    )


def _savings(products: Contest, cells: Contest) -> list[Saving]:
    return [
        Saving("area", products.title, (LMUL,), EXACT),
        Saving("energy", products.title, (LMUL,), EXACT, ELEMENTWISE, "abs"),
        Saving("area", cells.title, ("lmul",), FMA),
        Saving("energy", cells.title, ("lmul",), FMA, DOT, "abs"),
    ]


def _tables() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return [row.to_json() for row in product_errors()], published("lmul_areas.csv")


_PAIRS = tuple(_contests(name) for name in FORMATS)

PAPER = CellPaper(
    name="lmul",
    title="L-Mul (arXiv:2410.00907)",
    operands="normal:1",
    contests=tuple(contest for pair in _PAIRS for contest in pair),
    savings=tuple(saving for pair in _PAIRS for saving in _savings(*pair)),
    engines=tuple(
        (f"{pe}, {name}", _engine(pe, name)) for name in FORMATS for pe in ("lmul", "fma")
    ),
    lengths=(16, 256, 4096),
    facts=(
        "The paper: energy -95 % of element-wise products and -80 % of dot products (abstract); "
        "m = 4 as accurate as e4m3, m = 3 more than e5m2. Its energies are sums over single "
        "operations; the abstract does not name the format that it compares with.",
        "Here: both multipliers are those of our cells, at the same clocks. The exact product has "
        "all its bits and is not rounded to a code of its format, since no sum needs that; a "
        "multiplier that gives codes is larger. L-Mul's sees to the ends of the range itself, so "
        "that whole cells are the fairer comparison.",
        "Not modelled: glitches, of which a multiplier has more than an adder; wires, the clock "
        "tree; memory, which products of 8 bits save alike.",
    ),
    tables=_tables,
)
