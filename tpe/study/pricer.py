"""What prices the engines of a comparison: synthesis, or a file of your own numbers."""

from __future__ import annotations

import os
from collections.abc import Container, Mapping, Sequence
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

from tpe.base import checks
from tpe.base.errors import TpeError
from tpe.engine.config import Config, checked_config
from tpe.model.engine import Engine
from tpe.study.compare import Plan
from tpe.study.cost_file import read_cost
from tpe.study.equal import Pricer
from tpe.study.forms import best, tried
from tpe.study.price import Price, count_steps, users_price, varied
from tpe.study.price import price as price_of
from tpe.study.price_table import tabled
from tpe.synth.area.part_table import LIBRARY
from tpe.synth.area.synthesis import Step
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import Technology, technology

DEFAULT_RECIPES = "quick"
Liberty = str | Path | Sequence[str | Path] | Technology


def price(
    config: Config,
    liberty: Liberty = "tpe130",
    *,
    clocks_ns: Sequence[float] = (),
    recipes: str = DEFAULT_RECIPES,
    progress: Step = lambda name: None,
) -> Price:
    """What an engine's PE costs in its array at any size: options of area, clock and registers.

    liberty    a technology's name, Liberty files that belong together, or a `Technology`
    clocks_ns  clocks that options are found for; default: those of the options themselves
    recipes    of synthesis, "quick" or "portfolio" or names
    progress   called with a name as each job of synthesis ends

    Raises TpeError for an engine without RTL, and for a library that nothing can be mapped to.

    >>> found = price(Config("mac", "os", "2x2"), recipes="ripple/fast")
    >>> found.options[0].area_um2((4, 4)) > found.options[0].area_um2((2, 2))
    True
    """
    clocks, found = checks.numbers(clocks_ns, "clocks_ns"), find_recipes(recipes)
    return price_of(checked_config(config), _technology(liberty), found, clocks, step=progress)


def from_file(path: str | os.PathLike[str]) -> Pricer:
    """Prices of a cost file, see `tpe.study.cost_file`; nothing is synthesised."""
    costs = read_cost(os.fspath(path))
    return lambda engine: users_price(engine, costs)


def by_synthesis(
    plan: Plan,
    liberty: Liberty = "tpe130",
    clock_ns: float | None = None,
    recipes: str = DEFAULT_RECIPES,
    step: Step = lambda name: None,
    lean: bool = False,
    table: bool = False,
) -> Pricer:
    """Prices of synthesis; a parameter that an engine was given is not varied.

    step   called with a name as each of `steps` jobs ends
    lean   other forms of every PE too, see `tpe.study.forms`
    table  the table that ships is read first: see `from_table`
    """
    tech = _technology(liberty)
    found, clocks = find_recipes(recipes), () if clock_ns is None else (clock_ns,)

    def priced(own: Config, form: Mapping[str, Any], given: Container[str]) -> Price:
        vary = _vary(own, given, form)
        known = tabled(own, tech, found, vary) if table else None
        return known or price_of(own, tech, found, clocks, vary, step)

    def pricer(engine: Engine) -> Price:
        given = _given(plan, engine)
        return best(engine, partial(priced, given=given), lean, given)

    return pricer


def from_table(liberty: object, clock_ns: float | None, recipes: str | None, lean: bool) -> bool:
    """Whether prices are those of the table that ships, where it has them.

    It holds what the defaults give; whoever asks for a library, a clock, recipes or other forms
    gets synthesis.

    >>> from_table(None, None, None, False), from_table(None, 4.0, None, False)
    (True, False)
    """
    return not liberty and clock_ns is None and recipes is None and not lean


def steps(
    plan: Plan, recipes: str = DEFAULT_RECIPES, lean: bool = False, table: bool = False
) -> int:
    """Jobs of pricing all engines of a plan that have RTL and, with `table`, are not in it."""
    found, jobs = find_recipes(recipes), 0
    tech = technology(LIBRARY)
    for engine in (c.engine for c in plan.candidates):
        if not isinstance(engine, Engine) or not engine.pe.rtl:
            continue
        given = _given(plan, engine)
        for form, own in tried(engine, lean, given):
            if table and tabled(own, tech, found, _vary(own, given, form)):
                continue
            jobs += count_steps(own, found, _vary(own, given, form))
    return jobs


def check_clock(clock_ns: float | None, where: str = "clock_ns") -> None:
    """TpeError unless it is a time."""
    if clock_ns is None:
        return
    if not isinstance(clock_ns, Real) or not 0 < clock_ns < 1e6:
        shown = f"{clock_ns:g}" if isinstance(clock_ns, Real) else repr(clock_ns)
        raise TpeError(f"{where} {shown} is not legal: above 0, in ns")


def _technology(liberty: Liberty) -> Technology:
    return liberty if isinstance(liberty, Technology) else technology(liberty)


def _given(plan: Plan, engine: Engine) -> Mapping[str, Any]:
    """What an engine of a plan was given, of a PE by name."""
    return next((c.asked for c in plan.candidates if c.engine is engine), {})


def _vary(engine: Config, *fixed: Container[str]) -> list[str]:
    return [name for name in varied(engine) if not any(name in own for own in fixed)]
