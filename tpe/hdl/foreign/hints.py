"""Why a run failed, if one change explains it: a role a few cycles off, types, operands swapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations, product

import numpy as np

from tpe.hdl.foreign.bench import Recorded
from tpe.hdl.foreign.judge import Recording, least, traced
from tpe.hdl.foreign.model import Model, OperandPort
from tpe.hdl.foreign.roles import LONGEST_DELAY, OUTPUTS, RESULTS, Connection
from tpe.hdl.foreign.stimulus import Stimulus, expected_of
from tpe.numbers.operands import Ints

SHIFTS = (1, -1, 2, -2)
_STEADY = ("clk", "rst", *RESULTS, "ready", "out_ready")  # roles that are never shifted
_MOST_OPERANDS = 4  # whose signs and order are tried

Replay = Callable[[Mapping[str, Connection]], tuple[Stimulus, Recorded]]


def explained(
    model: Model, pins: Mapping[str, Connection], stimulus: Stimulus, shown: Recorded, latest: int
) -> str:
    """A change of types, operands or flag that makes what was shown right; empty if none does."""
    trace = traced(model, stimulus, shown)
    if (trace.stimulus.at < 0).any():
        return ""
    room = len(shown.out) - 1 - int(trace.stimulus.at[-1])
    for words, values in _readings(model, stimulus.vectors):
        expected = model.reduced(expected_of(model, values, stimulus.begins))
        if (expected == trace.expected).all():
            continue  # a product is the same the other way round
        if _matches(replace(trace, expected=expected), min(latest, room)):
            return f"matches with {words}"
    if trace.valid is not None and not stimulus.paced:
        for shift in SHIFTS:
            moved = np.roll(trace.valid, -shift)
            if _matches(replace(trace, valid=moved), min(latest, room)):
                return f"matches with {_named(pins, {'out_valid': shift})}"
    return ""


def shifted(
    model: Model, pins: Mapping[str, Connection], replay: Replay, latest: int
) -> tuple[dict[str, Connection], str]:
    """The pins with one role, or several, some cycles off with which a short run is right."""
    for shifts in _shifts(model, pins):
        moved = {
            role: replace(pin, delay=pin.delay + shifts.get(role, 0)) for role, pin in pins.items()
        }
        if any(abs(pin.delay) > LONGEST_DELAY for pin in moved.values()):
            continue
        stimulus, shown = replay(moved)
        if _matches(traced(model, stimulus, shown), latest):
            return moved, f"matches with {_named(pins, shifts)}"
    return {}, ""


def _matches(trace: Recording, latest: int) -> bool:
    return least(trace, latest) == 0


def _named(pins: Mapping[str, Connection], shifts: Mapping[str, int]) -> str:
    moved = {role: replace(pins[role], delay=pins[role].delay + x) for role, x in shifts.items()}
    return ", ".join(f"{role}={pin.written}" for role, pin in moved.items())


def _shifts(model: Model, pins: Mapping[str, Connection]) -> Iterator[dict[str, int]]:
    """What is tried, the simplest first: one role, all controls, one operand, two controls."""
    roles = [role for role in pins if role not in (*_STEADY, *OUTPUTS)]
    operands = [x.role for x in model.operands if x.role in roles]
    controls = [role for role in roles if role not in operands]
    for role, shift in product(controls, SHIFTS):
        yield {role: shift}
    if len(controls) > 1:
        for shift in SHIFTS:
            yield dict.fromkeys(controls, shift)
    for role, shift in product(operands, SHIFTS):
        yield {role: shift}
    for pair in combinations(controls, 2):
        for first, second in product(SHIFTS, SHIFTS):
            if first != second or len(controls) > 2:
                yield {pair[0]: first, pair[1]: second}


# ---- the same results, read otherwise ----


def _readings(model: Model, values: Mapping[str, Ints]) -> Iterator[tuple[str, dict[str, Ints]]]:
    operands = model.operands[:_MOST_OPERANDS]
    for size in range(1, len(operands) + 1):
        for chosen in combinations(operands, size):
            words = ", ".join(f"type {x.role}={_other_type(x)}" for x in chosen)
            yield words, {**values, **{x.role: _other_sign(x, values[x.role]) for x in chosen}}
    for x, y in combinations(operands, 2):
        if (x.number.bits, x.number.signed, x.lanes) == (y.number.bits, y.number.signed, y.lanes):
            swapped = {x.role: values[y.role], y.role: values[x.role]}
            yield f"{x.role} and {y.role} swapped", {**values, **swapped}


def _other_type(x: OperandPort) -> str:
    return f"{'u' if x.number.signed else ''}int{x.number.bits}"


def _other_sign(x: OperandPort, values: Ints) -> Ints:
    """The same bits as the type of the other sign reads them."""
    whole, half = 1 << x.number.bits, 1 << (x.number.bits - 1)
    bits = values & (whole - 1)
    return bits if x.number.signed else (bits + half) % whole - half
