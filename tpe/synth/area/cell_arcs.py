"""The timing arcs of a cell as a timer takes them: which edges cause which, by which tables.

A pin that a netlist holds at a constant disables arcs: those from it, those whose `when` cannot
hold, those that the function no longer passes. An arc that is left is taken whatever its `when`:
the latest edge and the worst slew of any state count.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tpe.base.errors import TpeError
from tpe.technology import function
from tpe.technology.library import Arc, Cell, Pin
from tpe.technology.lookup import Table

RISE, FALL = 0, 1
POSITIVE, NEGATIVE, BOTH = 0b1001, 0b0110, 0b1111  # bit 2 * edge in + edge out
_SENSES = {"positive_unate": POSITIVE, "negative_unate": NEGATIVE, "non_unate": BOTH}
# Arcs of these types carry a path, to these edges of the output.
_TYPES = {"combinational": BOTH, "combinational_rise": 0b0101, "combinational_fall": 0b1010}
Pair = tuple[Table | None, Table | None]  # of a rise, of a fall


@dataclass(frozen=True, eq=False)
class Delay:
    """An arc from one pin to another, by their places among the cell's pins.

    Bit 2 * edge in + edge out of `edges` says that a path goes on so; of `slew_edges` that the
    slew counts, which it does in every state, as in OpenSTA.
    """

    source: int
    sink: int
    edges: int
    slew_edges: int
    delays: Pair
    slews: Pair


@dataclass(frozen=True, eq=False)
class Launch:
    """An output that changes at an edge of a clock pin."""

    clock: int
    sink: int
    falling: bool
    delays: Pair
    slews: Pair


@dataclass(frozen=True, eq=False)
class Setup:
    """A data pin that must be steady before an edge of a clock pin; tables by the data's edge."""

    data: int
    clock: int
    falling: bool
    times: Pair


@dataclass(frozen=True, eq=False)
class Arcs:
    """What a timer needs of a cell whose pins may be held: its arcs, and which outputs are held."""

    cell: Cell
    delays: tuple[Delay, ...]
    launches: tuple[Launch, ...]
    setups: tuple[Setup, ...]
    constant: tuple[tuple[int, int], ...]  # (output, value)


def arcs_of(cell: Cell, held: Mapping[str, int]) -> Arcs:
    """The arcs of a cell whose pins in `held` are constant.

    TpeError for a latch, whose paths borrow time, and for an output that may be off.
    """
    if any(state.kind.startswith("latch") for state in cell.sequential) and not cell.clock_gating:
        raise TpeError(f"cell {cell.name} is a latch: not timed; legal: flip-flops, or --timer sta")
    place = {pin.name: i for i, pin in enumerate(cell.pins)}
    constant = {place[pin.name]: value for pin in cell.outputs for value in _value(cell, pin, held)}
    delays, launches, setups = [], [], []
    for pin in cell.pins:
        for arc in pin.arcs:
            source, sink = place.get(arc.related_pin), place[pin.name]
            if source is None or arc.related_pin in held or not _possible(arc, held):
                continue
            if arc.type.startswith("setup_"):
                times = arc.rise_constraint, arc.fall_constraint
                setups.append(Setup(sink, source, arc.type == "setup_falling", times))
            elif sink in constant:
                continue
            elif arc.type in ("rising_edge", "falling_edge"):
                falling = arc.type == "falling_edge"
                launches.append(Launch(source, sink, falling, *_tables(arc)))
            elif arc.type in _TYPES:
                delays += _delay(cell, pin, arc, (source, sink), held)
            elif arc.type.startswith("three_state"):
                raise TpeError(
                    f"cell {cell.name} has a three-state output {pin.name}: not timed; "
                    "legal: cells that always drive, or --timer sta"
                )
    return Arcs(cell, tuple(delays), tuple(launches), tuple(setups), tuple(constant.items()))


def _tables(arc: Arc) -> tuple[Pair, Pair]:
    return (arc.cell_rise, arc.cell_fall), (arc.rise_transition, arc.fall_transition)


def _delay(
    cell: Cell, pin: Pin, arc: Arc, ends: tuple[int, int], held: Mapping[str, int]
) -> list[Delay]:
    """The arc, or nothing if no edge passes it."""
    by_function = _sense(cell, pin, arc.related_pin, {})
    stated = _SENSES.get(arc.sense or "")
    slew_edges = (by_function if stated is None else stated) & _TYPES[arc.type]
    passes = _sense(cell, pin, arc.related_pin, held) if held else BOTH
    if not passes or not slew_edges:
        return []
    return [Delay(*ends, slew_edges & passes, slew_edges, *_tables(arc))]


def _sense(cell: Cell, pin: Pin, source: str, held: Mapping[str, int]) -> int:
    """Which edges the function passes from a pin; all where it is not told by inputs alone."""
    text = pin.function
    if text is None or not _told(cell, text):
        return BOTH
    if source not in function.pins(text):
        return 0
    low, high = (_rows(text, {**held, source: value}) for value in (0, 1))
    found = 0
    if np.any(high & ~low):
        found |= POSITIVE
    if np.any(low & ~high):
        found |= NEGATIVE
    return found


def _value(cell: Cell, pin: Pin, held: Mapping[str, int]) -> list[int]:
    """The constant that an output is, in a list; [] if it is none."""
    if pin.function is None or not _told(cell, pin.function):
        return []
    names = function.pins(pin.function)
    if names and not any(name in held for name in names):
        return []
    rows = _rows(pin.function, held)
    return [int(rows[0])] if rows.all() or not rows.any() else []


def _possible(arc: Arc, held: Mapping[str, int]) -> bool:
    """Whether an arc's `when` can hold."""
    if arc.when is None or not held:
        return True
    return bool(_rows(arc.when, held).any())


def _told(cell: Cell, text: str) -> bool:
    return {pin.name for pin in cell.inputs}.issuperset(function.pins(text))


def _rows(text: str, held: Mapping[str, int]) -> NDArray[np.bool_]:
    """A function's value in every state of its pins that are not held."""
    names = function.pins(text)
    free = [name for name in names if name not in held]
    states = np.array(list(itertools.product((False, True), repeat=len(free))), bool)
    shape = len(states)
    values = {name: states[:, k] for k, name in enumerate(free)}
    values |= {name: np.full(shape, bool(held[name])) for name in names if name in held}
    return np.broadcast_to(function.evaluate(text, values), (shape,))
