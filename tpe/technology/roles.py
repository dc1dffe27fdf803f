"""What the cells of a library are, told from their functions: inverters, flip-flops, ties."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tpe.technology import function
from tpe.technology.library import Cell, Pin, Sequential

INVERTER, BUFFER, NAND2 = (1, 0b01), (1, 0b10), (2, 0b0111)  # (inputs, truth table)
_MOST_INPUTS = 6  # of a function that is turned into a truth table


@dataclass(frozen=True)
class FlipFlop:
    """A flip-flop that keeps what one data pin held at the clock's edge.

    `clear` and `preset` are the active levels, high or low, of asynchronous pins, None without
    one; `outputs` are its output pins.
    """

    cell: str
    area_um2: float
    clock: str
    data: str
    outputs: tuple[str, ...]
    rising: bool
    clear: str | None
    preset: str | None


def combinational(cell: Cell) -> bool:
    """Whether a cell has outputs whose functions are over its inputs alone."""
    ports = {pin.name for pin in cell.inputs}
    return (
        bool(cell.outputs)
        and not cell.sequential
        and cell.statetable is None
        and not cell.has_bus
        and not any(pin.direction == "inout" for pin in cell.pins)
        and all(_over(pin, ports) for pin in cell.outputs)
    )


def _over(pin: Pin, ports: set[str]) -> bool:
    if pin.function is None or pin.three_state is not None:
        return False
    return ports.issuperset(function.pins(pin.function))


def logic(cell: Cell) -> tuple[int, int] | None:
    """(inputs, truth table) of a combinational cell with one output; else None."""
    if not combinational(cell) or len(cell.outputs) != 1 or len(cell.inputs) > _MOST_INPUTS:
        return None
    text = cell.outputs[0].function
    names = [pin.name for pin in cell.inputs]
    return None if text is None else (len(names), function.truth_table(text, names))


def having(cells: Iterable[Cell], wanted: tuple[int, int]) -> tuple[str, ...]:
    """Names of the cells with this function, smallest first."""
    found = [cell for cell in cells if logic(cell) == wanted]
    return tuple(cell.name for cell in sorted(found, key=lambda cell: cell.area_um2))


def tie(cells: Iterable[Cell], value: int) -> tuple[str, str] | None:
    """(cell, pin) of the smallest cell without inputs that has a constant output of 0 or 1."""
    found = [
        (cell.area_um2, cell.name, pin.name)
        for cell in cells
        if combinational(cell) and not cell.inputs
        for pin in cell.outputs
        if pin.function is not None and function.truth_table(pin.function, []) == value
    ]
    return min(found)[1:] if found else None


def flip_flops(cells: Iterable[Cell]) -> tuple[FlipFlop, ...]:
    """Plain flip-flops, smallest first: one data pin, no enable, no scan."""
    found = [ff for cell in cells for ff in [flip_flop(cell)] if ff is not None]
    return tuple(sorted(found, key=lambda ff: (ff.area_um2, ff.cell)))


def flip_flop(cell: Cell) -> FlipFlop | None:
    """The flip-flop that a cell is, None if it is none or keeps more than one pin's value."""
    if len(cell.sequential) != 1 or cell.sequential[0].kind != "ff":
        return None
    state: Sequential = cell.sequential[0]
    data, clock = function.pins(state.next_state), function.pins(state.clocked_on)
    levels = [_level(text) for text in (state.clear, state.preset)]
    if len(data) != 1 or len(clock) != 1 or "mixed" in levels:
        return None
    return FlipFlop(
        cell=cell.name,
        area_um2=cell.area_um2,
        clock=clock[0],
        data=data[0],
        outputs=tuple(pin.name for pin in cell.outputs),
        rising=function.truth_table(state.clocked_on, clock) == 0b10,
        clear=levels[0],
        preset=levels[1],
    )


def _level(text: str | None) -> str | None:
    if text is None:
        return None
    pins = function.pins(text)
    if len(pins) != 1:
        return "mixed"
    return "high" if function.truth_table(text, pins) == 0b10 else "low"
