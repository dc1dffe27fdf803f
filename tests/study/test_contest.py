"""Contests: areas and ratios recomputed from netlists; a module's energy is of its own RTL."""

from __future__ import annotations

import numpy as np
import pytest

from tpe.base.errors import TpeError
from tpe.hdl.emit import rtl_names
from tpe.model.engine import Engine
from tpe.study.contest import (
    COLUMN,
    ENERGY_FACTOR,
    FACTORS,
    Contest,
    ContestBench,
    Entrant,
    count_steps,
)
from tpe.synth.area.designs import module_part
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import technology

RECIPES = find_recipes("brent_kung/small,brent_kung/small/booth")


def engine(pe: str, **more: object) -> Engine:
    return Engine(pe, "systolic_ws", (8, 8), a_type="e5m2", b_type="e5m2", **more)


def lmul(added: int = 1) -> Entrant:
    values = {"ExpWidth": 5, "FracWidth": 2, "Bias": 15, "Added": added}
    return Entrant("L-Mul", engine("lmul"), "tpe_lmul", values)


def products(energy: bool = True, added: int = 1) -> Contest:
    multiplier = Entrant("exact", engine("fma"), "tpe_fp_multiply")
    return Contest("products", (lmul(added), multiplier), ("exact",), energy)


def test_areas_are_the_smallest_that_meet_a_common_clock() -> None:
    """By hand, from every netlist that was made."""
    done: list[str] = []
    contest = products(energy=False)
    bench = ContestBench(technology(), RECIPES, "normal:1", False, done.append, workers=1)
    result = bench.hold(contest)
    assert len(done) == count_steps([contest], RECIPES, False)
    points = [bench.design(entrant).points["cell"] for entrant in contest.entrants]
    shortest = max(min(p.period_ns for p in own) for own in points)
    for factor in FACTORS:
        areas = [min(p.area_um2 for p in own if p.period_ns <= factor * shortest) for own in points]
        rows = [result.row(title, factor) for title in ("L-Mul", "exact")]
        assert [row.area_um2 for row in rows] == areas
        assert {row.clock_ns for row in rows} == {factor * shortest}
        assert all(row.finish_um2 is None and row.column_um2 == row.area_um2 for row in rows)
        assert result.ratio("L-Mul", "exact", factor, "area_um2") == areas[0] / areas[1]
        assert result.ratio("L-Mul", "exact", factor, "fj_per_mac") is None
    assert {row.no_energy for row in result.rows} == {"energy was not asked for"}
    for entrant, own in zip(contest.entrants, points, strict=True):
        front = [(p.period_ns, p.area_um2) for p in result.fronts if p.title == entrant.title]
        assert front == sorted(front) and set(front) <= {(p.period_ns, p.area_um2) for p in own}
    with pytest.raises(TpeError, match="products has no MAC at 1 times its clock"):
        result.row("MAC", 1.0)


def test_a_column_has_one_finish() -> None:
    own = Entrant("an-1-1", engine("fma_approxnorm"))
    bench = ContestBench(technology(), RECIPES, "normal:1", False, workers=1)
    row = bench.hold(Contest("cells", (own,), ())).row("an-1-1", 1.0)
    design = bench.design(own)
    assert row.finish_um2 is not None and row.finish_um2 > 0
    finishes = [p.area_um2 for p in design.points["finish"] if p.period_ns <= row.clock_ns]
    assert row.column_um2 == pytest.approx(row.area_um2 + min(finishes) / COLUMN)


def test_the_energy_of_a_module_is_of_the_rtl_in_its_cell() -> None:
    """A netlist of other parameters than the cell's is found out in the simulation."""
    one = find_recipes("brent_kung/small")
    bench = ContestBench(technology(), one, "normal:1", workers=1)
    good, bad = (
        bench.hold(Contest("products", (lmul(added),), ())).row("L-Mul", ENERGY_FACTOR)
        for added in (1, 0)
    )
    assert good.energy is not None and good.no_energy is None
    # Between nothing and every gate's output switching once a cycle at 1.8 V on 20 fF.
    gates = sum(bench.design(lmul()).points["cell"][0].mapped.cells.values())
    assert 1.0 < good.energy.fj_per_mac < gates * 1.8**2 / 2 * 20
    assert "gate-level simulation, zero delay" in good.energy.activity_source
    assert bad.energy is None and "is not its RTL" in str(bad.no_energy)


def test_a_module_takes_the_formats_of_its_engine() -> None:
    part = module_part(Engine("fma", a_type="e4m3fn", b_type="bf16"), "tpe_fp_multiply")
    text = part.modules["tpe_fp_multiply"]
    top = next(word for word, value in rtl_names.named()["Special"].items() if value == 1)
    assert "AExpWidth = 4" in text and "BExpWidth = 8" in text
    assert top == "top" and "tpe_pkg::SpecialTop" in text
    with pytest.raises(TpeError, match="module tpe_fp_adder is not in the RTL of tpe_fp_adder"):
        module_part(engine("fma"), "tpe_fp_adder")


@pytest.mark.full
def test_energy_of_a_cell_of_floats_follows_its_operands() -> None:
    """Zeros in most of A cost less than drawn operands."""
    from tpe.synth.area.synthesis import compare
    from tpe.synth.power.pe import pe_power

    own = Engine("lmul", "matrix2d", (1, 1), a_type="e5m2")
    result = compare([own], recipes="brent_kung/small", vary=(), workers=1)
    clock = 2 * result.common_clock_ns
    chosen = result.designs[0].at(clock)
    given = (own, chosen, technology(), clock)
    drawn, sparse = (
        pe_power(*given, operands, cycles=300).energy_fj_per_mac
        for operands in ("normal:1", "sparse:0.9")
    )
    assert np.isfinite(drawn) and 0 < sparse < drawn
