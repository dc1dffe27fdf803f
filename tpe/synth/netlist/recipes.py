"""Synthesis recipes as data: which adder, which ABC script, how hard it is driven.

A comparison is decided by its recipes as much as by its designs, so that every design is mapped
by all of them and keeps the best for each clock. None of them retimes: a flip-flop of the RTL is
a flip-flop of the netlist. `-D` alone changes nothing in ABC, so that each script that takes a
target sizes and buffers explicitly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tpe.base.errors import TpeError, unknown

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
_GIA = "buffer;upsize {D};dnsize {D};stime"
_NF = "strash;&get -n;&dch -f;&nf {D};&put"
# Commands of ABC; {D} becomes `-D picoseconds`, or nothing where the fastest is wanted.
SCRIPTS: dict[str, str] = {
    "fast": f"strash;dch;dch;map -B 0.9 {{D}};{_SIZE}",
    "flat": f"strash;&get -n;&sopb;&put;dch;map -B 0.9 {{D}};{_SIZE}",
    "mixed": f"strash;dch;map -a;{_SIZE}",
    "small": f"strash;dch;amap -m;{_SIZE}",
    "lean": f"strash;&get -n;&dch -x;&nf;&put;{_SIZE}",
    "rewritten": f"strash;ifraig;scorr;dc2;strash;&get -n;&dch -f;&nf;&put;{_SIZE}",
    "choices": f"&get -n;&st;&dch;&nf {{D}};&put;{_GIA}",
    "spread": "strash;dch -f;map {D};buffer -N 8;upsize {D};dnsize {D};stime",
    # What Yosys runs unasked for a library with constraints, without its retiming.
    "yosys": f"strash;&get -n;&fraig -x;&put;scorr;dc2;{_NF};{_GIA}",
}

Gates: TypeAlias = tuple[str, bool, bool]  # adder, full adders, Booth digits


@dataclass(frozen=True)
class Recipe:
    """How a design is mapped.

    adder       -- of ADDERS: how the carries of adders are built
    script      -- ABC's commands, of SCRIPTS
    targets     -- delay targets, of the recipe's fastest; 1.0 alone: as fast as it comes
    full_adders -- sums of three bits become the library's full adders, where it has one
    booth       -- products written as `a * b` are made of Booth digits, as Yosys's `booth` does
    """

    name: str
    adder: str
    script: str
    targets: tuple[float, ...] = (1.0,)
    full_adders: bool = False
    booth: bool = False

    @property
    def gates(self) -> Gates:
        """What recipes have in common that share their gates."""
        return self.adder, self.full_adders, self.booth

    def points(self) -> int:
        """How many netlists it makes."""
        return len(self.targets)


_FEW = (1.0, 1.5)
# Delay targets, of the fastest that a recipe reaches, where they win on some library.
_TARGETS: dict[str, tuple[float, ...]] = {
    "brent_kung/fast": (1.0, 1.1, 2.0),
    "brent_kung/small": _FEW,
    "brent_kung/fast/booth": (1.0, 1.1),
    "brent_kung/small/booth": _FEW,
    "sklansky/fast": (1.0, 1.25, 2.0),
    "sklansky/small": _FEW,
    "sklansky/small/booth": _FEW,
    "ripple/small/full_adders": _FEW,
    "han_carlson/fast": (1.0, 1.1),
}


def _make(adder: str, script: str, full_adders: bool = False, booth: bool = False) -> Recipe:
    name = f"{adder}/{script}" + "/booth" * booth + "/full_adders" * full_adders
    return Recipe(name, adder, SCRIPTS[script], _TARGETS.get(name, (1.0,)), full_adders, booth)


def _portfolio() -> tuple[Recipe, ...]:
    """Every adder with the scripts that win somewhere, full adders and Booth digits.

    Brent and Kung's adder comes with every script: a design without adders has no other.
    """
    made = [_make("brent_kung", script) for script in SCRIPTS]
    made += [_make("sklansky", script) for script in ("fast", "mixed", "small", "flat")]
    made += [_make("ripple", script) for script in ("fast", "mixed", "small")]
    made += [_make("kogge_stone", script) for script in ("fast", "mixed", "small")]
    made += [_make("han_carlson", "fast")]
    made += [_make(adder, "small", full_adders=True) for adder in ("ripple", "sklansky")]
    made += [_make("brent_kung", x, booth=True) for x in ("fast", "small", "choices", "yosys")]
    made += [_make(adder, "small", booth=True) for adder in ("sklansky", "ripple")]
    return tuple(made)


PORTFOLIO: tuple[Recipe, ...] = _portfolio()
_QUICK = (
    *("brent_kung/fast", "brent_kung/small", "brent_kung/mixed", "brent_kung/flat"),
    *("sklansky/fast", "sklansky/small", "ripple/small", "kogge_stone/fast", "han_carlson/fast"),
    *("brent_kung/fast/booth", "brent_kung/small/booth", "ripple/small/booth"),
)
QUICK: tuple[Recipe, ...] = tuple(recipe for recipe in PORTFOLIO if recipe.name in _QUICK)
# By these every variant of a design is mapped; the others map what may then stand on the front.
_SCREEN = tuple(f"brent_kung/{name}" for name in ("fast", "small", "fast/booth", "small/booth"))
SETS: dict[str, tuple[Recipe, ...]] = {"portfolio": PORTFOLIO, "quick": QUICK}


def screening(recipes: Sequence[Recipe]) -> tuple[tuple[Recipe, ...], tuple[Recipe, ...]]:
    """(recipes that map every variant of a design, those that map the promising ones).

    >>> [[recipe.name for recipe in some] for some in screening(QUICK)][0][:2]
    ['brent_kung/fast', 'brent_kung/small']
    """
    screen = tuple(recipe for recipe in recipes if recipe.name in _SCREEN)
    if not any(not recipe.booth for recipe in screen):
        return tuple(recipes), ()
    return screen, tuple(recipe for recipe in recipes if recipe not in screen)


def find_recipes(names: str | Sequence[str] | Sequence[Recipe]) -> tuple[Recipe, ...]:
    """The recipes of a set or of several names; TpeError, with the legal ones, for another.

    >>> [recipe.name for recipe in find_recipes("sklansky/fast")]
    ['sklansky/fast']
    """
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",")]
    if not isinstance(names, Iterable):
        raise TpeError(f"recipes = {names!r} is not legal: portfolio, quick, or names of recipes")
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
