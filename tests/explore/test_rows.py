"""Rows of points in company are those of each alone: what they share changes nothing."""

from __future__ import annotations

import pytest

from tpe.explore.design import DesignPoint
from tpe.explore.rows import rows_of

SIZES = ("2x3", "2x5", "5x3")


@pytest.mark.parametrize("pe", ["opt4c", "opt4e", "stripes"])
@pytest.mark.parametrize("workload", ["gemm:7x21x6", "digits_mlp"])
def test_points_in_company_are_as_they_are_alone(pe: str, workload: str) -> None:
    """Sampled operands, and given ones; encoders and depths that share no counts."""
    choices = [(("encoder", "ent"),), (("depth", 16),)] if pe != "stripes" else [(("lanes", 4),)]
    points = [
        DesignPoint(pe, "matrix2d", size, given, workload)
        for size in SIZES[: 3 if workload.startswith("gemm") else 2]
        for given in ((), *choices)
    ]
    together = rows_of(points)
    assert together == [row for point in points for row in rows_of([point])]
    assert len({row["cycles"] for row in together}) > 2
