"""A Liberty library as data, in one set of units: ns, fF, fJ, nW, um2, V, C.

`tpe.technology.read` makes one of files. Everything here is frozen, and what a file does not state
is None, never 0.

An energy table says what one edge of its pin costs inside the cell, in the manual's unit,
capacitance x voltage**2. The charge of the net that an output drives is not in it: Liberty leaves
that to whoever counts toggles. One edge alone may be negative (the library books C V**2 / 2 of
the load on it); a rise and a fall together are what was spent.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tpe.base.errors import TpeError, unknown
from tpe.technology.lookup import Table


@dataclass(frozen=True)
class Arc:
    """Timing from `related_pin` to the pin that holds it: `type` and `sense` as in Liberty.

    Delay and transition tables are of (slew, load), constraints (setup, hold, recovery, removal)
    of (related, constrained); None where the file gives none.
    """

    related_pin: str
    type: str = "combinational"
    sense: str | None = None
    when: str | None = None
    cell_rise: Table | None = None
    cell_fall: Table | None = None
    rise_transition: Table | None = None
    fall_transition: Table | None = None
    rise_constraint: Table | None = None
    fall_constraint: Table | None = None


@dataclass(frozen=True)
class InternalEnergy:
    """Internal energy (fJ) of a rise and of a fall of the pin that holds it.

    Of an output, `related_pin` is the input that caused the edge; of an input it is None. Where a
    file splits energy between supplies, each `pg_pin` has one of its own: they are added.
    """

    related_pin: str | None = None
    when: str | None = None
    pg_pin: str | None = None
    rise: Table | None = None
    fall: Table | None = None


@dataclass(frozen=True)
class Pin:
    """A signal pin. `function` of an output is over pins and state variables.

    `gate_role` is clock, enable, test or out for a pin of an integrated clock gate.
    """

    name: str
    direction: str
    capacitance_ff: float | None = None
    rise_capacitance_ff: float | None = None
    fall_capacitance_ff: float | None = None
    max_capacitance_ff: float | None = None
    max_transition_ns: float | None = None
    function: str | None = None
    three_state: str | None = None
    state_function: str | None = None
    clock: bool = False
    gate_role: str | None = None
    arcs: tuple[Arc, ...] = ()
    energies: tuple[InternalEnergy, ...] = ()


@dataclass(frozen=True)
class Leakage:
    """Leakage (nW) in the states that satisfy `when`; None: in all that no other names."""

    power_nw: float
    when: str | None = None
    pg_pin: str | None = None


@dataclass(frozen=True)
class Sequential:
    """A `ff` or `latch` group: its two state variables and the functions that set them.

    Of a latch `clocked_on` is `enable` and `next_state` is `data_in`. `clear_preset` is what the
    two variables become when clear and preset are both active (L, H, N, T or X), if stated.
    """

    kind: str
    variables: tuple[str, ...]
    clocked_on: str
    next_state: str
    clear: str | None = None
    preset: str | None = None
    clear_preset: tuple[str | None, str | None] = (None, None)


@dataclass(frozen=True)
class Cell:
    """A cell. `leakage_nw` is the library's own average, or else the mean over its states.

    `statetable` is (inputs and nodes, table) as written, for a cell that is told in that form.
    """

    name: str
    area_um2: float
    leakage_nw: float | None
    leakages: tuple[Leakage, ...] = ()
    pins: tuple[Pin, ...] = ()
    sequential: tuple[Sequential, ...] = ()
    clock_gating: str | None = None
    statetable: tuple[tuple[str, ...], str] | None = None
    has_bus: bool = False
    dont_use: bool = False
    dont_touch: bool = False
    footprint: str | None = None

    def pin(self, name: str) -> Pin:
        """The pin of that name; TpeError if there is none."""
        for pin in self.pins:
            if pin.name == name:
                return pin
        raise unknown(f"pin of {self.name}", name, [pin.name for pin in self.pins])

    @property
    def inputs(self) -> tuple[Pin, ...]:
        """Pins of direction input, in the file's order."""
        return tuple(pin for pin in self.pins if pin.direction == "input")

    @property
    def outputs(self) -> tuple[Pin, ...]:
        """Pins of direction output, in the file's order."""
        return tuple(pin for pin in self.pins if pin.direction == "output")


@dataclass(frozen=True)
class WireLoad:
    """An estimate of a net's length from its fan-out: fF and kohm per unit of length.

    `lengths` are (fan-out, length) pairs, rising; `slope` is length per further sink.
    """

    name: str
    capacitance_ff: float
    resistance_kohm: float
    slope: float
    lengths: tuple[tuple[int, float], ...]

    def length(self, fanout: int) -> float:
        """The length of a net with that many sinks, linear between entries.

        >>> WireLoad("w", 1.0, 1.0, 5.0, ((1, 10.0), (3, 20.0))).length(2)
        15.0
        >>> WireLoad("w", 1.0, 1.0, 5.0, ((1, 10.0), (3, 20.0))).length(5)
        30.0
        """
        if fanout <= 0:
            return 0.0
        known = ((0, 0.0), *self.lengths)
        for (f0, l0), (f1, l1) in itertools.pairwise(known):
            if fanout <= f1:
                return l0 + (l1 - l0) * (fanout - f0) / (f1 - f0)
        return known[-1][1] + self.slope * (fanout - known[-1][0])

    def load_ff(self, fanout: int) -> float:
        """The capacitance of such a net's wire, fF."""
        return self.length(fanout) * self.capacitance_ff


@dataclass(frozen=True)
class Thresholds:
    """Where delay and slew are measured, fractions of the supply (0..1)."""

    input_rise: float = 0.5
    input_fall: float = 0.5
    output_rise: float = 0.5
    output_fall: float = 0.5
    slew_lower_rise: float = 0.2
    slew_lower_fall: float = 0.2
    slew_upper_rise: float = 0.8
    slew_upper_fall: float = 0.8
    slew_derate: float = 1.0


@dataclass(frozen=True)
class Units:
    """What one unit of a file is: ns, fF, V, nW (None if the file names none), kohm."""

    time_ns: float
    capacitance_ff: float
    voltage_v: float
    leakage_nw: float | None
    resistance_kohm: float | None

    @property
    def energy_fj(self) -> float:
        """One unit of internal energy, capacitance x voltage**2."""
        return self.capacitance_ff * self.voltage_v**2


@dataclass(frozen=True)
class Library:
    """Cells and what they share; numbers are in this module's units, `units` were the file's."""

    name: str
    cells: tuple[Cell, ...]
    units: Units
    voltage_v: float | None
    temperature_c: float | None
    process: float | None
    operating_conditions: str | None
    thresholds: Thresholds
    wire_loads: tuple[WireLoad, ...] = ()
    default_wire_load: str | None = None
    default_max_transition_ns: float | None = None
    sha256: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Cell]:
        """Cells by name."""
        return {cell.name: cell for cell in self.cells}

    def cell(self, name: str) -> Cell:
        """The cell of that name; TpeError, with the nearest name, if there is none."""
        try:
            return self.by_name[name]
        except KeyError:
            near = difflib.get_close_matches(name, self.by_name, n=1)
            hint = f" (did you mean '{near[0]}'?)" if near else ""
            raise TpeError(f"library {self.name} has no cell '{name}'{hint}") from None

    def wire_load(self, name: str) -> WireLoad:
        """The wire load of that name; TpeError if there is none."""
        for load in self.wire_loads:
            if load.name == name:
                return load
        legal = [load.name for load in self.wire_loads] or ["(none in this library)"]
        raise unknown(f"wire load of {self.name}", name, legal)


def merge(parts: Sequence[tuple[str, Library]]) -> Library:
    """One library from (file, library) pairs that belong together; TpeError if they do not."""
    first_file, first = parts[0]
    if len(parts) == 1:
        return first
    owner: dict[str, str] = {}
    for file, library in parts:
        for field in ("voltage_v", "temperature_c", "process", "thresholds"):
            mine, other = getattr(library, field), getattr(first, field)
            if mine != other:
                raise TpeError(
                    f"{file} does not belong to {first_file}: {field} {mine}, not {other}"
                )
        for cell in library.cells:
            if cell.name in owner:
                raise TpeError(f"{file}: cell {cell.name} stands in {owner[cell.name]} already")
            owner[cell.name] = file
    libraries = [library for _, library in parts]
    loads = {load.name: load for library in libraries for load in library.wire_loads}
    return Library(
        name=common_name([library.name for library in libraries]),
        cells=tuple(cell for library in libraries for cell in library.cells),
        units=first.units,
        voltage_v=first.voltage_v,
        temperature_c=first.temperature_c,
        process=first.process,
        operating_conditions=first.operating_conditions,
        thresholds=first.thresholds,
        wire_loads=tuple(loads.values()),
        default_wire_load=_first(library.default_wire_load for library in libraries),
        default_max_transition_ns=first.default_max_transition_ns,
        sha256=tuple(digest for library in libraries for digest in library.sha256),
    )


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)


def common_name(names: Sequence[str]) -> str:
    """A name for several libraries: the words that all of them share, or else all names.

    >>> common_name(["asap7sc7p5t_AO_RVT_TT_nldm_211120", "asap7sc7p5t_SEQ_RVT_TT_nldm_220123"])
    'asap7sc7p5t_RVT_TT_nldm'
    """
    words = [re.split(r"_+", name) for name in names]
    shared = [word for word in words[0] if all(word in other for other in words)]
    return "_".join(shared) if shared else "+".join(names)
