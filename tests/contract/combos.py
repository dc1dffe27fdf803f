"""What the contract covers, read off the records: every legal PE x array, its variants and types.

Nothing here names a PE or an array: a new file in `tpe/pe` or `tpe/array` is covered by being
there.
"""

from __future__ import annotations

from typing import Any

from tpe.array import combinations
from tpe.array.base import Array
from tpe.numbers.arithmetic import INTEGER
from tpe.pe.base import PE
from tpe.testing.cases import (
    TYPES,
    UNSIGNED,
    engine,
    operands,
    takes,
    types_of,
    variants,
    wrapped,
)

__all__ = [
    "FULL_SIZES",
    "LANDING_SIZES",
    "LEGAL",
    "REFUSED",
    "TYPES",
    "UNSIGNED",
    "WITH_RTL",
    "combo_id",
    "engine",
    "landing_variants",
    "operands",
    "own_variants",
    "share",
    "takes",
    "turn",
    "types_of",
    "variants",
    "wrapped",
]

# Of integers: what has another arithmetic is held to `tpe.testing.contract`, in test_arithmetics.
# An array that fixes a parameter is one that leaves it, held here with every value of it.
LEGAL = [
    (pe, array)
    for pe, array, reason in combinations()
    if reason is None and pe.arithmetic == INTEGER and not array.fixed
]
REFUSED = [(pe, array, reason) for pe, array, reason in combinations() if reason is not None]
WITH_RTL = [(pe, array) for pe, array in LEGAL if pe.rtl]

# Both axes from 1 to 5 and 17 (rows: 34, in `scale`); every other size is in `FULL_SIZES`.
# A combination of the landing tier has a third of them.
LANDING_SIZES = [(1, 1), (1, 3), (3, 1), (2, 2), (2, 5), (4, 3), (5, 4), (1, 17)]
FULL_SIZES = [(r, 1 + r % 2) for r in range(6, 17)] + [(1, c) for c in range(6, 17)]
FULL_SIZES += [(9, 9), (17, 1)]


def combo_id(combo: tuple[PE, Array]) -> str:
    """A test id."""
    return f"{combo[0].name}-{combo[1].name}"


def share(items: list[Any], combo: tuple[PE, Array], parts: int) -> list[Any]:
    """One of `parts` shares of a list, another one for the next combination.

    All combinations together cover the list several times over; the full tier gives it to each.
    """
    first = [combo_id(other) for other in LEGAL].index(combo_id(combo))
    return items[first % parts :: parts]


def own_variants(pe: PE, array: Array) -> list[dict[str, Any]]:
    """The variants of a combination, each in one of the PE's arrays, another PE's in another one.

    The default, and what only this array may have, always.
    """
    homes = [other for owner, other in LEGAL if owner is pe]
    found = []
    for variant in variants(pe, array):
        having = [home.name for home in homes if variant in variants(pe, home)]
        home = having[turn(f"{pe.name} {sorted(variant.items())}", len(having))]
        if not variant or home == array.name:
            found.append(variant)
    return found


def landing_variants(pe: PE, array: Array) -> list[dict[str, Any]]:
    """Of those the ones that the landing tier builds; the full tier builds all of all arrays.

    Sparse PEs have one array, whose rows take the same RTL around their cells: they take turns.
    The cell itself is held to all pairs in every other of its variants, in the full tier in each.
    """
    found = own_variants(pe, array)
    if not pe.sparse:
        return found
    kin = [(p, variants(p, array)) for p, home in WITH_RTL if p.sparse and home is array]
    chosen = []
    for variant in found:
        having = [p for p, theirs in kin if variant in theirs]
        if not variant or having[turn(f"{sorted(variant.items())}", len(having))] is pe:
            chosen.append(variant)
    return chosen


def turn(text: str, count: int) -> int:
    """Whose turn it is, of so many; the same in every run."""
    return sum(map(ord, text)) % count
