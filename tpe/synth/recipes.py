"""Synthesis recipes as data: which adder, which ABC script, how hard it is driven.

A comparison is decided by its recipes as much as by its designs, so that every design is mapped
by all of them and keeps the best for each clock. None of them retimes: a flip-flop of the RTL is
a flip-flop of the netlist. `-D` alone changes nothing in ABC, so that each script that takes a
target sizes and buffers explicitly.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tpe.errors import TpeError, unknown

# How Yosys builds the carries of an adder: the rules that `techmap` reads before its own, which
# are Brent and Kung's. "+/" is Yosys's own folder, "@" the folder of data here.
ADDERS: dict[str, str | None] = {
    "brent_kung": None,
    "ripple": "@ripple.v",
    "sklansky": "+/choices/sklansky.v",
    "kogge_stone": "+/choices/kogge-stone.v",
    "han_carlson": "+/choices/han-carlson.v",
}

_SIZE = "topo;buffer -c;topo;upsize {D};dnsize {D};stime"
# Commands of ABC; {D} becomes `-D picoseconds`, or nothing where the fastest is wanted.
SCRIPTS: dict[str, str] = {
    "fast": f"strash;dch;dch;map -B 0.9 {{D}};{_SIZE}",
    "flat": f"strash;&get -n;&sopb;&put;dch;map -B 0.9 {{D}};{_SIZE}",
    "mixed": f"strash;dch;map -a;{_SIZE}",
    "small": f"strash;dch;amap -m;{_SIZE}",
    "lean": f"strash;&get -n;&dch -x;&nf;&put;{_SIZE}",
    "rewritten": f"strash;ifraig;scorr;dc2;strash;&get -n;&dch -f;&nf;&put;{_SIZE}",
}

LADDER = (1.0, 1.1, 1.25, 1.5, 2.0)  # delay targets, of the fastest that the recipe reaches


@dataclass(frozen=True)
class Recipe:
    """How a design is mapped.

    adder       -- of ADDERS: how the carries of adders are built
    script      -- ABC's commands, of SCRIPTS
    targets     -- delay targets, of the recipe's fastest; 1.0 alone: as fast as it comes
    full_adders -- sums of three bits become the library's full adders, where it has one
    """

    name: str
    adder: str
    script: str
    targets: tuple[float, ...] = (1.0,)
    full_adders: bool = False

    def points(self) -> int:
        """How many netlists it makes."""
        return len(self.targets)


def _make(adder: str, script: str, full_adders: bool = False) -> Recipe:
    targets = LADDER if script == "fast" else (1.0, 1.5) if script == "small" else (1.0,)
    name = f"{adder}/{script}" + ("/full_adders" if full_adders else "")
    return Recipe(name, adder, SCRIPTS[script], targets, full_adders)


def _portfolio() -> tuple[Recipe, ...]:
    """Every adder with the scripts that win somewhere, and the library's full adders."""
    common = ("brent_kung", "ripple", "sklansky", "kogge_stone")
    made = [_make(*pair) for pair in itertools.product(common, ("fast", "mixed", "small"))]
    made += [_make("han_carlson", "fast"), _make("sklansky", "flat")]
    made += [_make("brent_kung", "lean"), _make("brent_kung", "rewritten")]
    made += [_make(adder, "small", full_adders=True) for adder in ("ripple", "sklansky")]
    return tuple(made)


PORTFOLIO: tuple[Recipe, ...] = _portfolio()
QUICK: tuple[Recipe, ...] = tuple(
    recipe
    for recipe in PORTFOLIO
    if recipe.name in ("sklansky/fast", "sklansky/small", "ripple/small", "kogge_stone/fast")
)
SETS: dict[str, tuple[Recipe, ...]] = {"portfolio": PORTFOLIO, "quick": QUICK}


def find_recipes(names: str | Sequence[str] | Sequence[Recipe]) -> tuple[Recipe, ...]:
    """The recipes of a set or of several names; TpeError, with the legal ones, for another.

    >>> [recipe.name for recipe in find_recipes("sklansky/fast")]
    ['sklansky/fast']
    """
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",")]
    known = {recipe.name: (recipe,) for recipe in PORTFOLIO} | SETS
    found: dict[str, Recipe] = {}
    for name in names:
        if isinstance(name, Recipe):
            found[name.name] = name
        elif name in known:
            found |= {recipe.name: recipe for recipe in known[name]}
        else:
            raise unknown("recipe", name, [*SETS, *(r.name for r in PORTFOLIO)])
    if not found:
        raise TpeError("no recipe given; legal: portfolio, quick, or names of recipes")
    return tuple(found.values())
