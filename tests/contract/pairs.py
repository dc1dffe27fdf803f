"""Engines in which every legal pair of choices of a PE and an array occurs at least once.

What one choice does alone is in `combos`; what two do to each other, a clock gate behind another
one for instance, is seen where both are chosen. A value is a set of engine parameters: types and
what goes with them are one choice.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

from tests.contract.combos import engine
from tpe.array.base import Array
from tpe.base.errors import TpeError
from tpe.engine.choices import Gating
from tpe.hdl import emit
from tpe.pe.base import PE
from tpe.testing.cases import other_values, set_by

Choice = dict[str, Any]
Row = dict[str, int]  # index of a value by the name of its choice

TYPES: list[Choice] = [
    {},
    {"a_type": "int3", "b_type": "int5", "acc_bits": 17},
    {"a_type": "uint8", "b_type": "uint7", "zero_points": "subtract"},
    {"a_type": "uint8", "b_type": "int6", "zero_points": "offset"},
    {"acc_bits": 24, "overflow": "saturate"},
]


def domains(pe: PE, array: Array) -> dict[str, list[Choice]]:
    """The values of every choice, the default first."""
    found = {"types": TYPES}
    found["encode"] = [{}, {"encode": "weights"}]
    found["gating"] = [{"gating": str(way)} for way in Gating]
    for p in map(array.narrowed, (*pe.parameters, *array.parameters(pe))):
        if p.name not in set_by(array):
            found[p.name] = [{}, *({p.name: v} for v in other_values(p))]
    return {name: values for name, values in found.items() if len(values) > 1}


class Covering:
    """Rows that cover the pairs of one combination, the same in every run."""

    def __init__(self, pe: PE, array: Array) -> None:
        self.pe, self.array, self.values = pe, array, domains(pe, array)
        self.known: dict[tuple[int, ...], bool] = {}
        self.draw = random.Random(f"{pe.name} {array.name}")

    def parameters(self, row: Row) -> Choice:
        """The engine parameters of a row."""
        found: Choice = {}
        for name, index in row.items():
            found |= self.values[name][index]
        return found

    def legal(self, row: Row) -> bool:
        """Whether there is such an engine, and RTL of it."""
        key = tuple(row.get(name, 0) for name in self.values)
        if key not in self.known:
            try:
                emit.record(engine(self.pe, self.array, (2, 2), **self.parameters(row)))
                self.known[key] = True
            except TpeError:
                self.known[key] = False
        return self.known[key]

    def pairs(self) -> set[frozenset[tuple[str, int]]]:
        """Every pair of values that is legal with all others as they are."""
        return {
            frozenset({(one, i), (other, j)})
            for one, other in combinations(self.values, 2)
            for i, j in product(range(len(self.values[one])), range(len(self.values[other])))
            if self.legal({one: i, other: j})
        }

    def rows(self) -> Iterator[Row]:
        """Rows until no pair is left; each begins with one that is."""
        left = self.pairs()
        while left:
            row = self._filled(dict(min(left, key=sorted)), left)
            left -= set(map(frozenset, combinations(row.items(), 2)))
            yield row

    def _filled(self, row: Row, left: set[frozenset[tuple[str, int]]]) -> Row:
        """The row with a value of every other choice: the one that brings most of what is left."""
        names = [name for name in self.values if name not in row]
        self.draw.shuffle(names)
        for name in names:
            indices = list(range(len(self.values[name])))
            self.draw.shuffle(indices)
            new = {i: sum(frozenset({x, (name, i)}) in left for x in row.items()) for i in indices}
            indices.sort(key=lambda i, new=new: -new[i])  # type: ignore[misc]
            row[name] = next((i for i in indices if self.legal({**row, name: i})), 0)
        return row
