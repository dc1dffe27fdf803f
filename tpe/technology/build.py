"""The tree of a Liberty file -> `tpe.technology.library.Library`: meanings, units, defaults."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tpe.base.errors import TpeError
from tpe.technology import function
from tpe.technology.grammar import Group, Text, arguments
from tpe.technology.library import (
    Arc,
    Cell,
    InternalEnergy,
    Leakage,
    Library,
    Pin,
    Sequential,
    Thresholds,
    Units,
    WireLoad,
)
from tpe.technology.lookup import Table
from tpe.technology.units import units_of

_VARIABLES = {
    "input_net_transition": "slew",
    "input_transition_time": "slew",
    "total_output_net_capacitance": "load",
    "related_pin_transition": "related",
    "constrained_pin_transition": "constrained",
}
_ORDER = ("slew", "load", "related", "constrained")
_DELAYS = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
_TABLES = (*_DELAYS, "rise_constraint", "fall_constraint")
_ROLES = ("clock", "enable", "test", "out")
_NUMBERS = str.maketrans('",\\\n\r\t', "      ")


def library_of(source: Text, tree: Group, sha256: str) -> Library:
    """The library of a parsed file, in the units of `tpe.technology.library`."""
    reader = _LibertyReader(source, tree, units_of(source, tree))
    conditions = tree.attributes.get("default_operating_conditions")
    default = next((g for g in tree.of("operating_conditions") if g.name == conditions), None)
    cells = tuple(map(reader.cell, tree.of("cell")))
    twice = [name for name, n in Counter(cell.name for cell in cells).items() if n > 1]
    if twice:
        raise TpeError(f"{source.path}: cell {twice[0]} stands in it twice")

    def nominal(name: str) -> float | None:
        own = reader.number(tree, f"nom_{name}")
        return reader.number(default, name) if own is None and default else own

    return Library(
        name=tree.name,
        cells=cells,
        units=reader.units,
        voltage_v=nominal("voltage"),
        temperature_c=nominal("temperature"),
        process=nominal("process"),
        operating_conditions=conditions,
        thresholds=reader.thresholds(),
        wire_loads=tuple(map(reader.wire_load, tree.of("wire_load"))),
        default_wire_load=tree.attributes.get("default_wire_load"),
        default_max_transition_ns=reader.scaled(
            tree, "default_max_transition", reader.units.time_ns
        ),
        sha256=(sha256,),
    )


_SMALLEST, _LARGEST = 1e-6, 1e9  # um2 of a cell: below any atom's, above any chip's


@dataclass
class _LibertyReader:
    """What every group of one file needs: its text for errors, its units, its templates."""

    source: Text
    tree: Group
    units: Units
    axes: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.templates = {
            group.name: group
            for kind in ("lu_table_template", "power_lut_template")
            for group in self.tree.of(kind)
        }
        self.scales = {
            "slew": self.units.time_ns,
            "related": self.units.time_ns,
            "constrained": self.units.time_ns,
            "load": self.units.capacitance_ff,
        }

    def number(self, group: Group, name: str) -> float | None:
        """An attribute as a number; None if it is absent, an error at the group if it is none."""
        written = group.attributes.get(name)
        if written is None:
            return None
        try:
            return float(written)
        except ValueError:
            what = f"{name} of {group.kind} ({group.name}): {written!r} is not a number"
            raise self.source.error(group.offset, what) from None

    def scaled(self, group: Group, name: str, unit: float) -> float | None:
        """A number times its unit, None if it is absent."""
        value = self.number(group, name)
        return None if value is None else value * unit

    def thresholds(self) -> Thresholds:
        """Thresholds, in fractions, the manual's defaults where the file is silent."""
        names = {
            f"{side}_{edge}": f"{side}_threshold_pct_{edge}"
            for side in ("input", "output", "slew_lower", "slew_upper")
            for edge in ("rise", "fall")
        }
        values = {ours: self.scaled(self.tree, theirs, 0.01) for ours, theirs in names.items()}
        values["slew_derate"] = self.number(self.tree, "slew_derate_from_library")
        return Thresholds(**{name: v for name, v in values.items() if v is not None})

    def wire_load(self, group: Group) -> WireLoad:
        """A wire load; resistance is kohm per unit of length if the file names no unit."""
        pairs = [arguments(text) for text in group.lists.get("fanout_length", ())]
        return WireLoad(
            name=group.name,
            capacitance_ff=self.scaled(group, "capacitance", self.units.capacitance_ff) or 0.0,
            resistance_kohm=self.scaled(group, "resistance", self.units.resistance_kohm or 1.0)
            or 0.0,
            slope=self.number(group, "slope") or 0.0,
            lengths=tuple(sorted((int(float(p[0])), float(p[1])) for p in pairs)),
        )

    def cell(self, group: Group) -> Cell:
        """A cell; pins of a `bus` or `bundle` are read where they are listed one by one."""
        area = self.number(group, "area")
        if area is None:
            raise self.source.error(group.offset, f"cell {group.name} has no area")
        if not (area == 0 or _SMALLEST <= area <= _LARGEST):  # 0: fillers, which nobody maps to
            legal = f"{_SMALLEST:g} to {_LARGEST:g} um2, 0 for a cell that nothing is mapped to"
            what = f"cell {group.name}: area {area:g} is not legal: {legal}"
            raise self.source.error(group.offset, what)
        wide = group.of("bus") + group.of("bundle")
        pins = [pin for holder in (group, *wide) for pin in holder.of("pin")]
        leakages = tuple(map(self.leakage, group.of("leakage_power")))
        kinds = ("ff", "latch", "ff_bank", "latch_bank")
        tables = [(g.names, g.attributes.get("table", "")) for g in group.of("statetable")]
        flag = {name: _true(group.attributes.get(name)) for name in ("dont_use", "dont_touch")}
        return Cell(
            name=group.name,
            area_um2=area,
            leakage_nw=self.average_leakage(group, leakages),
            leakages=leakages,
            pins=tuple(self.pin(pin, name) for pin in pins for name in pin.names),
            sequential=tuple(self.sequential(g) for kind in kinds for g in group.of(kind)),
            clock_gating=group.attributes.get("clock_gating_integrated_cell"),
            statetable=tables[0] if tables else None,
            has_bus=bool(wide),
            footprint=group.attributes.get("cell_footprint"),
            **flag,
        )

    def leakage(self, group: Group) -> Leakage:
        """One `leakage_power` group."""
        return Leakage(
            power_nw=self.power(group, "value") or 0.0,
            when=self.condition(group),
            pg_pin=group.attributes.get("related_pg_pin"),
        )

    def power(self, group: Group, name: str) -> float | None:
        """A leakage power in nW."""
        value = self.number(group, name)
        if value is not None and self.units.leakage_nw is None:
            raise self.source.error(group.offset, f"{name} without a leakage_power_unit")
        return None if value is None else value * (self.units.leakage_nw or 0.0)

    def average_leakage(self, group: Group, leakages: tuple[Leakage, ...]) -> float | None:
        """The cell's own figure, else its unconditional one, else the mean over its states."""
        own = self.power(group, "cell_leakage_power")
        if own is not None:
            return own
        states: dict[str | None, float] = {}
        for leakage in leakages:
            states[leakage.when] = states.get(leakage.when, 0.0) + leakage.power_nw
        if None in states:
            return states[None]
        if states:
            return sum(states.values()) / len(states)
        default = self.tree.attributes.get("default_cell_leakage_power")
        return None if default is None else self.power(self.tree, "default_cell_leakage_power")

    def sequential(self, group: Group) -> Sequential:
        """A flip-flop or a latch."""
        latch = group.kind.startswith("latch")
        names = ("enable", "data_in") if latch else ("clocked_on", "next_state")
        given = group.attributes
        return Sequential(
            kind=group.kind,
            variables=group.names,
            clocked_on=given.get(names[0], ""),
            next_state=given.get(names[1], ""),
            clear=given.get("clear"),
            preset=given.get("preset"),
            clear_preset=(given.get("clear_preset_var1"), given.get("clear_preset_var2")),
        )

    def pin(self, group: Group, name: str) -> Pin:
        """A pin; an input without a capacitance has the library's default, if it states one."""
        direction = group.attributes.get("direction", "")
        if direction not in ("input", "output", "inout", "internal"):
            what = f"pin {name}: direction {direction!r} is not input, output, inout or internal"
            raise self.source.error(group.offset, what)
        unit = self.units.capacitance_ff
        own = self.scaled(group, "capacitance", unit)
        if own is None:
            own = self.scaled(self.tree, f"default_{direction}_pin_cap", unit)
        rise, fall = (self.scaled(group, f"{e}_capacitance", unit) for e in ("rise", "fall"))
        if own is None and rise is not None and fall is not None:
            own = (rise + fall) / 2
        role = [r for r in _ROLES if _true(group.attributes.get(f"clock_gate_{r}_pin"))]
        return Pin(
            name=name,
            direction=direction,
            capacitance_ff=own,
            rise_capacitance_ff=own if rise is None else rise,
            fall_capacitance_ff=own if fall is None else fall,
            max_capacitance_ff=self.scaled(group, "max_capacitance", unit),
            max_transition_ns=self.scaled(group, "max_transition", self.units.time_ns),
            function=self.boolean(group, "function"),
            three_state=self.boolean(group, "three_state"),
            state_function=group.attributes.get("state_function"),
            clock=_true(group.attributes.get("clock")),
            gate_role=role[0] if role else None,
            arcs=tuple(arc for g in group.of("timing") for arc in self.arcs(g)),
            energies=tuple(e for g in group.of("internal_power") for e in self.energies(g)),
        )

    def boolean(self, group: Group, name: str) -> str | None:
        """A function, checked to be one."""
        text = group.attributes.get(name)
        if text is None:
            return None
        try:
            function.parse(text)
        except TpeError as error:
            raise self.source.error(group.offset, f"pin {group.name}: {error}") from None
        return text

    def condition(self, group: Group) -> str | None:
        """The `when` of a group, None if it always holds."""
        return self.boolean(group, "when") if group.attributes.get("when") else None

    def arcs(self, group: Group) -> list[Arc]:
        """A `timing` group, once per related pin."""
        tables = {
            kind: self.table(table, self.units.time_ns)
            for kind in _TABLES
            for table in group.of(kind)[:1]
        }
        given = group.attributes
        return [
            Arc(
                related_pin=pin,
                type=given.get("timing_type", "combinational"),
                sense=given.get("timing_sense"),
                when=self.condition(group),
                **tables,
            )
            for pin in given.get("related_pin", "").split() or [""]
        ]

    def energies(self, group: Group) -> list[InternalEnergy]:
        """An `internal_power` group, once per related pin; `power` stands for both edges."""
        unit = self.units.energy_fj
        both = group.of("power")
        rise, fall = (group.of(f"{edge}_power") or both for edge in ("rise", "fall"))
        tables = [self.table(edge[0], unit) if edge else None for edge in (rise, fall)]
        return [
            InternalEnergy(
                related_pin=pin or None,
                when=self.condition(group),
                pg_pin=group.attributes.get("related_pg_pin"),
                rise=tables[0],
                fall=tables[1],
            )
            for pin in group.attributes.get("related_pin", "").split() or [""]
        ]

    def table(self, group: Group, unit: float) -> Table:
        """A table with its own axes or its template's, in our order and units."""
        template = self.templates.get(group.name)
        if template is None and group.name != "scalar":
            raise self.source.error(group.offset, f"{group.kind}: no template {group.name!r}")
        variables, axes = [], []
        for k in (1, 2, 3) if template else ():
            written = template.attributes.get(f"variable_{k}") if template else None
            if written is None:
                break
            if written not in _VARIABLES or k == 3:
                what = f"{group.kind} over {written}: at most slew and load are understood"
                raise self.source.error(group.offset, what)
            lists = group.lists.get(f"index_{k}") or (template or group).lists.get(f"index_{k}")
            if not lists:
                raise self.source.error(group.offset, f"{group.kind}: index_{k} is missing")
            variables.append(_VARIABLES[written])
            axes.append(self.axis(group, lists[-1], variables[-1]))
        return self.filled(group, variables, axes, unit)

    def filled(
        self, group: Group, variables: list[str], axes: list[NDArray[np.float64]], unit: float
    ) -> Table:
        """The table of these axes with the group's values, its variables in our order."""
        values = self.vector(group, "".join(group.lists.get("values", [""])[-1:]))
        shape = tuple(map(len, axes))
        if len(values) != int(np.prod(shape, dtype=int)):
            what = f"{group.kind} ({group.name}): {len(values)} values for axes of {shape}"
            raise self.source.error(group.offset, what)
        filled = values.reshape(shape) * unit
        if [_ORDER.index(name) for name in variables] == sorted(map(_ORDER.index, variables)):
            return Table(tuple(variables), tuple(axes), filled)
        return Table(tuple(variables[::-1]), tuple(axes[::-1]), np.ascontiguousarray(filled.T))

    def axis(self, group: Group, text: str, variable: str) -> NDArray[np.float64]:
        """An axis in our units; equal ones are one array."""
        key = variable + text
        if key not in self.axes:
            axis = self.vector(group, text) * self.scales[variable]
            if len(axis) == 0 or np.any(np.diff(axis) <= 0):
                raise self.source.error(group.offset, f"{group.kind}: the axis {text} must rise")
            self.axes[key] = axis
        return self.axes[key]

    def vector(self, group: Group, text: str) -> NDArray[np.float64]:
        """The numbers of a list, whatever quotes and line breaks stand between them."""
        try:
            return np.array(text.translate(_NUMBERS).split(), float)
        except ValueError:
            what = f"{group.kind} ({group.name}): a value that is not a number"
            raise self.source.error(group.offset, what) from None


def _true(text: str | None) -> bool:
    return text is not None and text.strip().lower() == "true"
