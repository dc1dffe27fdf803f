"""Fit the built-in technology to a published library: writes tpe/technology/data/tpe130.lib.

    python tools/fit_technology.py SKY130HD_TT.LIB[.gz] [--out FILE]

The source is sky130_fd_sc_hd at tt, 25 C, 1.80 V of the SkyWater PDK (Apache-2.0). Of about 40
cells every arc's surfaces over (slew, load) become seven numbers each, by weighted least squares:

    y(s, c) = p0 + p1 s + p2 c + p3 sqrt(s) + p4 sqrt(c) + p5 sqrt(s c) + p6 s c

tabulated on 5 x 5 points. The fit is of what a timer sees, the bilinear surface between these
points. Energies are fitted as the sum of a rise and a fall, which is what is spent, and their
difference, which holds the charge of the load and cancels. Areas, capacitances and leakage are
the published figures, the last two to four digits. Cell names are kept, so that one netlist can
be timed and priced with either library.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tpe.technology.library import Arc, Cell, InternalEnergy, Library, Pin
from tpe.technology.lookup import Table
from tpe.technology.read import read_liberty

Floats = NDArray[np.float64]

PREFIX = "sky130_fd_sc_hd__"
CELLS = """
inv_1 inv_2 inv_4 inv_8 buf_1 buf_2 buf_4 buf_8 clkbuf_4
nand2_1 nand2_2 nand2_4 nand3_1 nand3_2 nand4_1 nor2_1 nor2_2 nor2_4 nor3_1 nand2b_1 nor2b_1
and2_1 and3_1 or2_1 or3_1 a21oi_1 o21ai_1 a22oi_1 o22ai_1 a31oi_1 a32oi_1 a21o_1 o21a_1 a22o_1
xor2_1 xor2_2 xnor2_1 maj3_1 mux2_1 fa_1 ha_1
dfxtp_1 dfxtp_2 dfrtp_1 dfrtp_2 dfstp_1 conb_1 dlclkp_1
""".split()  # those that ABC takes most for the cells of rtl/pe, their sizes, and what is tied
LEFT_OUT = ("min_pulse_width",)
DELAYS = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")

SLEWS = np.array([0.01, 0.04, 0.12, 0.4, 1.5])  # ns
LEAST_LOAD = 0.5  # fF
DEFAULT_OUT = Path(__file__).resolve().parent.parent / "tpe/technology/data/tpe130.lib"


def basis(s: Floats, c: Floats) -> Floats:
    """The seven terms at slews (ns) and loads (fF): shape (points, 7)."""
    one = np.ones_like(s)
    return np.stack([one, s, c, np.sqrt(s), np.sqrt(c), np.sqrt(s * c), s * c], axis=1)


def load_axis(most: float) -> Floats:
    """Five loads (fF) up to a largest one, taken from a series that many cells share."""
    end = 2.0 ** (np.ceil(2 * np.log2(most)) / 2)
    return np.array([float(f"{c:.4g}") for c in np.geomspace(LEAST_LOAD, end, 5)])


def weights_of(axis: Floats, at: Floats) -> Floats:
    """The share of every point of an axis in the linear interpolation at each place."""
    unit = np.eye(len(axis))
    return np.stack([np.interp(at, axis, row) for row in unit], axis=1)


@dataclass
class Errors:
    """Relative errors of every surface, by quantity, where netlists of `rtl/` work."""

    found: dict[str, list[Floats]] = field(default_factory=dict)

    def note(self, quantity: str, errors: Floats) -> None:
        """Keep the errors of one surface."""
        self.found.setdefault(quantity, []).append(errors)

    def lines(self) -> list[str]:
        """RMS, bias and worst of every quantity, in percent."""
        rows = []
        for quantity, surfaces in self.found.items():
            every = np.concatenate(surfaces) * 100
            rms, worst = np.sqrt(np.mean(every**2)), np.abs(every).max()
            text = f"rms {rms:4.1f} %  bias {np.mean(every):+5.2f} %  worst {worst:4.0f} %"
            rows.append(f"{quantity:<16} {len(surfaces):4} surfaces  {text}")
        return rows


def core(s: Floats, c: Floats, most: float) -> NDArray[np.bool_]:
    """Where the cells of a mapped PE work: slews of 0.02..0.4 ns, up to a quarter of the load."""
    return (s > 0.02) & (s < 0.4) & (c > 1.5) & (c < most / 4)


def fit(
    value: Callable[[Floats, Floats], Floats], loads: Floats, most: float, floor: float
) -> tuple[Floats, Floats]:
    """(5 x 5 values, relative errors where cells work) of a surface over slew and load.

    A point's error counts relative to its value, or to `floor` where that is larger; points
    outside the region of `core`'s slews and loads count less.
    """
    s, c = (
        axis.ravel()
        for axis in np.meshgrid(
            np.geomspace(SLEWS[0], SLEWS[-1], 17), np.geomspace(LEAST_LOAD, most, 17), indexing="ij"
        )
    )
    wanted = value(s, c)
    scale = np.maximum(np.abs(wanted), floor)
    weight = np.where((s > 0.5) | (c > most / 3), 0.2, 1.0) / scale
    points = np.meshgrid(SLEWS, loads, indexing="ij")
    terms = basis(points[0].ravel(), points[1].ravel())  # (25, 7)
    shares = weights_of(SLEWS, s)[:, :, None] * weights_of(loads, c)[:, None, :]
    design = shares.reshape(len(s), -1) @ terms  # (points, 7)
    parameters = np.linalg.lstsq(design * weight[:, None], wanted * weight, rcond=None)[0]
    errors = (design @ parameters - wanted) / scale
    return (terms @ parameters).reshape(5, 5), errors[core(s, c, most)]


def fit_line(value: Callable[[Floats], Floats], floor: float) -> tuple[Floats, Floats]:
    """(5 values, relative errors) of a curve over slew: p0 + p1 s + p2 sqrt(s)."""
    s = np.geomspace(SLEWS[0], SLEWS[-1], 33)
    wanted = value(s)
    scale = np.maximum(np.abs(wanted), floor)
    weight = np.where(s > 0.5, 0.2, 1.0) / scale
    terms = np.stack([np.ones(5), SLEWS, np.sqrt(SLEWS)], axis=1)
    design = weights_of(SLEWS, s) @ terms
    parameters = np.linalg.lstsq(design * weight[:, None], wanted * weight, rcond=None)[0]
    inside = (s > 0.02) & (s < 0.4)
    return terms @ parameters, ((design @ parameters - wanted) / scale)[inside]


def numbers(values: Floats) -> str:
    """Numbers of a table as Liberty: rows in quotes, four significant digits."""
    rows = np.atleast_2d(values)
    return ", ".join('"' + ", ".join(f"{v:.4g}" for v in row) + '"' for row in rows)


@dataclass
class Writer:
    """Lines of the library, and the errors of the fits made on the way."""

    lines: list[str] = field(default_factory=list)
    errors: Errors = field(default_factory=Errors)
    templates: dict[str, Floats] = field(default_factory=dict)

    def put(self, depth: int, text: str) -> None:
        """One line."""
        self.lines.append("  " * depth + text)

    def table(self, kind: str, template: str, values: Floats) -> None:
        """One table inside a timing or an energy group."""
        self.put(4, f"{kind} ({template}) {{ values ({numbers(values)}); }}")

    def template(self, most: float) -> str:
        """The suffix of the template of a load axis, noted for the head of the file."""
        axis = load_axis(most)
        name = f"{axis[-1]:.0f}"
        self.templates[name] = axis
        return name

    def cell(self, cell: Cell) -> None:
        """A cell."""
        self.put(1, f'cell ("{cell.name}") {{')
        self.put(2, f"area : {cell.area_um2:.6g};")
        self.put(2, f"cell_leakage_power : {cell.leakage_nw:.4g};")
        for state in cell.leakages:
            self.put(
                2, f'leakage_power () {{ value : {state.power_nw:.4g}; when : "{state.when}"; }}'
            )
        if cell.clock_gating:
            self.put(2, f'clock_gating_integrated_cell : "{cell.clock_gating}";')
        self.state(cell)
        for pin in cell.pins:
            self.pin(pin)
        self.put(1, "}")

    def state(self, cell: Cell) -> None:
        """Its flip-flop or state table."""
        for ff in cell.sequential:
            names = ", ".join(f'"{name}"' for name in ff.variables)
            rest = "".join(
                f' {name} : "{text}";'
                for name, text in (("clear", ff.clear), ("preset", ff.preset))
                if text
            )
            body = f'clocked_on : "{ff.clocked_on}"; next_state : "{ff.next_state}";{rest}'
            self.put(2, f"{ff.kind} ({names}) {{ {body} }}")
        if cell.statetable:
            names = ", ".join(f'"{name}"' for name in cell.statetable[0])
            self.put(2, f'statetable ({names}) {{ table : "{cell.statetable[1]}"; }}')

    def pin(self, pin: Pin) -> None:
        """A pin with its arcs and energies."""
        self.put(2, f'pin ("{pin.name}") {{')
        self.put(3, f"direction : {pin.direction};")
        if pin.direction == "internal":
            self.put(3, f'internal_node : "{pin.name}";')
        if pin.direction == "input":
            for name in ("capacitance", "rise_capacitance", "fall_capacitance"):
                self.put(3, f"{name} : {getattr(pin, name + '_ff') / 1e3:.4g};")
        for name, text in (("function", pin.function), ("state_function", pin.state_function)):
            if text:
                self.put(3, f'{name} : "{text}";')
        if pin.clock:
            self.put(3, "clock : true;")
        if pin.gate_role:
            self.put(3, f"clock_gate_{pin.gate_role}_pin : true;")
        if pin.max_capacitance_ff:
            self.put(3, f"max_capacitance : {pin.max_capacitance_ff / 1e3:.4g};")
        if pin.max_transition_ns:
            self.put(3, f"max_transition : {pin.max_transition_ns:.4g};")
        for arc in pin.arcs:
            if arc.type not in LEFT_OUT:
                self.arc(arc)
        for energy in pin.energies:
            self.energy(energy)
        self.put(2, "}")

    def arc(self, arc: Arc) -> None:
        """A timing arc: fitted delays, or a constraint as a bilinear plane."""
        self.put(3, "timing () {")
        self.put(4, f'related_pin : "{arc.related_pin}"; timing_type : {arc.type};')
        if arc.sense:
            self.put(4, f"timing_sense : {arc.sense};")
        if arc.when:
            self.put(4, f'when : "{arc.when}";')
        for kind in DELAYS:
            table = getattr(arc, kind)
            if table is not None:
                self.surface(kind, table)
        for kind in ("rise_constraint", "fall_constraint"):
            table = getattr(arc, kind)
            if table is not None:
                self.table(kind, "constraint", self.plane(arc.type.split("_")[0], table))
        self.put(3, "}")

    def surface(self, kind: str, table: Table) -> None:
        """A delay or a transition."""
        most = float(table.axes[1][-1])
        name = self.template(most)
        values, errors = fit(table.at, load_axis(most), most, floor=0.02)
        self.errors.note(kind, errors)
        self.table(kind, f"delay_{name}", values)

    def plane(self, kind: str, table: Table) -> Floats:
        """A constraint on the four corners of its slews; its error is in ns, per 0.1 ns."""
        corners = SLEWS[[0, -1]]
        x, y = (a.ravel() for a in np.meshgrid(*table.axes, indexing="ij"))
        weight = np.where((x > 1) | (y > 1), 0.05, 1.0)
        shares = weights_of(corners, x)[:, :, None] * weights_of(corners, y)[:, None, :]
        design = shares.reshape(len(x), 4)
        wanted = table.at(x, y)
        solved = np.linalg.lstsq(design * weight[:, None], wanted * weight, rcond=None)
        values = np.asarray(solved[0], np.float64)
        inside = (x < 1) & (y < 1)
        self.errors.note(f"{kind} / 0.1 ns", ((design @ values - wanted) / 0.1)[inside])
        return values.reshape(2, 2)

    def energy(self, energy: InternalEnergy) -> None:
        """An energy: sum and difference of rise and fall, each fitted."""
        rise, fall = energy.rise, energy.fall
        assert rise is not None and fall is not None, "the source gives both edges"
        self.put(3, "internal_power () {")
        if energy.related_pin:
            self.put(4, f'related_pin : "{energy.related_pin}";')
        if energy.when:
            self.put(4, f'when : "{energy.when}";')
        if len(rise.axes) == 2:
            most = float(rise.axes[1][-1])
            name = f"energy_{self.template(most)}"
            loads = load_axis(most)
            both, errors = fit(lambda s, c: rise.at(s, c) + fall.at(s, c), loads, most, floor=2.0)
            apart, _ = fit(lambda s, c: rise.at(s, c) - fall.at(s, c), loads, most, floor=2.0)
            self.errors.note("energy, output", errors)
        else:
            name = "energy_input"
            both, errors = fit_line(lambda s: rise.at(s) + fall.at(s), floor=1.0)
            apart, _ = fit_line(lambda s: rise.at(s) - fall.at(s), floor=1.0)
            self.errors.note("energy, input", errors)
        self.table("rise_power", name, (both + apart) / 2e3)  # fJ to pJ
        self.table("fall_power", name, (both - apart) / 2e3)
        self.put(3, "}")


def head(writer: Writer, source: Library, cells: int) -> Iterator[str]:
    """The head of the file: where it comes from, how well it fits, units, templates."""
    yield "/* tpe130: a compact standard-cell library, written by tools/fit_technology.py."
    yield ""
    yield f"   {cells} cells fitted to {source.name} of the SkyWater 130 nm PDK"
    yield "   (https://github.com/google/skywater-pdk, Copyright the SkyWater PDK Authors,"
    yield "   Apache-2.0: https://www.apache.org/licenses/LICENSE-2.0). Changed: delay,"
    yield "   transition and energy are least-squares fits of seven numbers per surface over (slew,"
    yield "   load) and three per curve over slew, tabulated; setup, hold, recovery and removal are"
    yield "   bilinear planes of four numbers; pulse widths are left out."
    yield "   Area is as published; capacitance and leakage are, to four digits. Cell and pin"
    yield "   names are the source's, so that one netlist can be priced with either library."
    yield ""
    yield "   Errors of the fit at slews of 0.02..0.4 ns and 1.5 fF to a quarter of the largest"
    yield "   load, relative to the value (or to 0.02 ns, 2 fJ, 1 fJ where that is larger);"
    yield "   energies are those of a rise and a fall together; planes at slews up to 0.5 ns:"
    yield from (f"     {line}" for line in writer.errors.lines())
    yield "*/"
    yield "library (tpe130) {"
    yield "  technology (cmos);"
    yield "  delay_model : table_lookup;"
    for unit in ("time_unit : 1ns", "voltage_unit : 1V", "current_unit : 1mA"):
        name, value = unit.split(" : ")
        yield f'  {name} : "{value}";'
    yield '  leakage_power_unit : "1nW";'
    yield '  pulling_resistance_unit : "1kohm";'
    yield "  capacitive_load_unit (1, pf);"
    yield from conditions(source)
    yield from wire_loads(source)
    for name, axis in writer.templates.items():
        for kind, slew in (("lu_table", "input_net_transition"), ("power_lut", "")):
            yield from template(kind, name, slew or "input_transition_time", axis)
    yield "  power_lut_template (energy_input) {"
    yield f"    variable_1 : input_transition_time; index_1 ({numbers(SLEWS)});"
    yield "  }"
    yield "  lu_table_template (constraint) {"
    for k, pin in enumerate(("related", "constrained"), 1):
        yield f"    variable_{k} : {pin}_pin_transition; index_{k} ({numbers(SLEWS[[0, -1]])});"
    yield "  }"


def conditions(source: Library) -> Iterator[str]:
    """Operating conditions and thresholds, those of the source."""
    values = (source.process, source.voltage_v, source.temperature_c)
    names = ("process", "voltage", "temperature")
    for name, value in zip(names, values, strict=True):
        yield f"  nom_{name} : {value:g};"
    body = " ".join(f"{name} : {value:g};" for name, value in zip(names, values, strict=True))
    yield f'  operating_conditions ("{source.operating_conditions}") {{ {body} }}'
    yield f'  default_operating_conditions : "{source.operating_conditions}";'
    for side in ("input", "output", "slew_lower", "slew_upper"):
        for edge in ("rise", "fall"):
            percent = 100 * getattr(source.thresholds, f"{side}_{edge}")
            yield f"  {side}_threshold_pct_{edge} : {percent:g};"
    yield f"  slew_derate_from_library : {source.thresholds.slew_derate:g};"
    yield f"  default_max_transition : {source.default_max_transition_ns:g};"
    for kind in ("input", "output", "inout"):
        yield f"  default_{kind}_pin_cap : 0;"


def wire_loads(source: Library) -> Iterator[str]:
    """The source's wire loads, as published; none of them is the default, so wires cost nothing."""
    for load in source.wire_loads:
        yield f"  wire_load ({load.name}) {{"
        yield f"    capacitance : {load.capacitance_ff / 1e3:.6g};"
        yield f"    resistance : {load.resistance_kohm:.6g};"
        yield f"    slope : {load.slope:.6g};"
        yield from (f"    fanout_length ({n}, {length:.6g});" for n, length in load.lengths)
        yield "  }"


def template(kind: str, name: str, slew: str, loads: Floats) -> Iterator[str]:
    """A template over slew and load."""
    prefix = "delay" if kind == "lu_table" else "energy"
    yield f"  {kind}_template ({prefix}_{name}) {{"
    yield f"    variable_1 : {slew}; index_1 ({numbers(SLEWS)});"
    yield f"    variable_2 : total_output_net_capacitance; index_2 ({numbers(loads / 1e3)});"
    yield "  }"


def fitted(source: Library, names: Sequence[str]) -> tuple[str, list[str]]:
    """(the text of the library, the lines of its errors)."""
    writer = Writer()
    for name in sorted(names):
        writer.cell(source.cell(PREFIX + name))
    lines = [*head(writer, source, len(names)), *writer.lines, "}", ""]
    return "\n".join(lines), writer.errors.lines()


def main() -> None:
    """Read, fit, write, print the errors."""
    parser = argparse.ArgumentParser(description="Fit the built-in technology.")
    parser.add_argument("source", type=Path)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    given = parser.parse_args()
    text, errors = fitted(read_liberty(given.source), CELLS)
    given.out.write_text(text)
    print(f"{given.out}: {len(CELLS)} cells, {len(text)} bytes", *errors, sep="\n")


if __name__ == "__main__":
    main()
