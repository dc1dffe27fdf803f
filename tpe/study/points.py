"""Design points as pure functions: several beside each other, or one as a row."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, overload

from tpe.base import checks
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.study.candidates import Choice, Compared
from tpe.study.compare import Plan, prepare
from tpe.study.comparison import Comparison
from tpe.study.equal import Pricer, compare_iso
from tpe.study.equal_table import IsoComparison
from tpe.study.pricer import (
    DEFAULT_RECIPES,
    Liberty,
    by_synthesis,
    check_clock,
    from_file,
    from_table,
)
from tpe.workloads import Workload

Engines = Iterable[Compared] | Mapping[str, Compared]
Runs = str | Workload | Mapping[str, Any]


@overload
def compare(engines: Engines, workload: Runs = ..., *, iso: None = None, **more: Any) -> Comparison:
    pass


@overload
def compare(engines: Engines, workload: Runs = ..., *, iso: str, **more: Any) -> IsoComparison:
    pass


def compare(
    engines: Engines,
    workload: Runs = "digits_mlp",
    *,
    iso: str | None = None,
    array: str | Mapping[str, str] | None = None,
    size: str | int | Sequence[int] | None = None,
    baseline: str | None = None,
    seed: int = 0,
    per_pe: Mapping[str, Mapping[str, Any]] | None = None,
    model: Mapping[str, Any] | None = None,
    values: str = "auto",
    liberty: Liberty | None = None,
    cost: str | os.PathLike[str] | None = None,
    clock_ns: float | None = None,
    recipes: str | None = None,
    lean: bool = False,
    energy: bool = True,
    progress: Callable[[str], None] | None = None,
    **parameters: Any,
) -> Comparison | IsoComparison:
    """Run one workload on several engines and put them side by side, as `tpe compare` does.

    engines     names or records of PEs, or `Engine`s, as a list or as {label: engine}
    workload    a `Workload`, or a name or {name: (A, B)} as `tpe.workload` takes them
    iso         area, throughput, power, clock or bandwidth: with this equal, sizes chosen for it
                and everything synthesised; None: cycles alone, at the size that is given
    array       of every PE, or {pe: array}; default: matrix2d, or else the PE's first legal one
    size        of every PE's array, one number for both sides; default 16x16
    baseline    the label that ratios are to; default `mac`, or else the first engine
    parameters  go to the PEs that have them; `per_pe` = {pe: {key: value}} to one PE
    model       `inputs`, `batch` and `dims` of an ONNX model, as `tpe.workload` takes them
    values      how C is computed, as `Engine.run` takes it; "none": cycles alone
    liberty     with iso: a technology's name, Liberty files, or a `Technology`; default tpe130
    cost        with iso: a file of your own numbers in place of synthesis
    clock_ns    with iso: one clock for all; default: each at its best
    recipes     with iso: of synthesis, "quick" or "portfolio" or names
    lean        with iso: other forms of every PE too, `tpe.study.forms`; twice the time or more
    energy      with iso: whether energies are measured, the longer part of a first run
    progress    called with what begins, engine and layer or job of synthesis

    With iso alone prices are of the table that ships where it has the RTL: see `cost_source`.
    Where nothing is asked of `overlap`, a PE given by name takes what its array can do at once of
    tiles that follow each other: stream, or else load. An `Engine` is compared as it is.
    A PE that is not legal in its array, or refuses a value that another one takes, is a row with
    status `refused` and the reason. Raises TpeError for what no engine takes, if every engine is
    refused, if the baseline is, and for options of iso without it.

    >>> comparison = compare(["mac", "opt4c"], "gemm:8x8x8", size="4x4")
    >>> [(row["label"], row["cycles"], row["area_um2"]) for row in comparison.rows()]
    [('mac', 39, None), ('opt4c', 154, None)]
    """
    checks.flag(lean, "lean")
    choice = Choice(array, size, parameters, per_pe or {})
    plan = prepare(engines, workload, choice, baseline, seed, model, values)
    if iso is None:
        _only_of_iso(liberty=liberty, cost=cost, clock_ns=clock_ns, recipes=recipes, lean=lean)
        return plan.run(progress)
    pricer = _pricer(plan, liberty, cost, clock_ns, recipes, progress, lean)
    return compare_iso(plan, pricer, iso, clock_ns, energy)


def _only_of_iso(**given: Any) -> None:
    """TpeError for what only a comparison takes that prices."""
    for name, value in given.items():
        if value not in (None, False):
            raise TpeError(f"{name} is given without iso; legal: with iso = 'area', or another")


def _pricer(
    plan: Plan,
    liberty: Liberty | None,
    cost: str | os.PathLike[str] | None,
    clock_ns: float | None,
    recipes: str | None,
    progress: Callable[[str], None] | None,
    lean: bool,
) -> Pricer:
    """Where prices come from: a file of the user's, or synthesis with a technology and recipes."""
    if cost is not None and (liberty is not None or recipes is not None or lean):
        raise TpeError("cost replaces synthesis; legal: cost, or liberty, recipes and lean")
    check_clock(clock_ns)
    if cost is not None:
        return from_file(cost)
    step = progress or (lambda name: None)
    chosen = recipes or DEFAULT_RECIPES
    table = from_table(liberty, clock_ns, recipes, lean)
    return by_synthesis(plan, liberty or "tpe130", clock_ns, chosen, step, lean, table)


def point(
    config: Config | str,
    workload: Runs = "digits_mlp",
    technology: Liberty | None = None,
    seed: int = 0,
    *,
    clock_ns: float | None = None,
    recipes: str | None = None,
    energy: bool = True,
) -> dict[str, Any]:
    """One design point as a row of the flat table: a pure function, for anybody's own loop.

    config      an `Engine`, or a `Config`, or the name of a PE
    workload    as `compare` takes it
    technology  where the point is priced: area, clock, energy; None: cycles alone
    clock_ns    to price it at; default: the clock of most steps a second and area
    recipes     of synthesis, "quick" or "portfolio" or names
    energy      whether energies are measured

    Equal arguments give equal rows, in any process: nothing is kept but caches named by content.
    Raises TpeError for what `compare` refuses.

    >>> row = point(Config("opt4c", "matrix2d", "4x4", depth=64), "gemm:8x8x8")
    >>> row["pe"], row["cycles"], row["area_um2"]
    ('opt4c', 162, None)
    """
    checks.flag(energy, "energy")
    for name, value in {"clock_ns": clock_ns, "recipes": recipes}.items():
        if technology is None and value is not None:
            raise TpeError(f"{name} is given without technology; legal: with technology = 'tpe130'")
    if technology is None:
        (row,) = compare([config], workload, seed=seed).rows()
        return row
    priced = compare(
        [config],
        workload,
        iso="area",
        seed=seed,
        liberty=technology,
        clock_ns=clock_ns,
        recipes=recipes,
        energy=energy,
    )
    (row,) = priced.rows()
    return row
