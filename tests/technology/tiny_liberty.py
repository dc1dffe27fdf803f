"""A Liberty library small enough to time netlists by hand.

Every table is a plane, `base + slew * x + load * y` in ns and fF, but for those of cells that are
there for their bends. A plane is its own interpolation, and its own continuation.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD = """library (tiny) {{
  delay_model : table_lookup;
  time_unit : "1ns"; voltage_unit : "1V"; current_unit : "1mA"; leakage_power_unit : "1nW";
  pulling_resistance_unit : "1kohm"; capacitive_load_unit (1, ff);
  nom_process : 1; nom_voltage : 1; nom_temperature : 25;
  input_threshold_pct_rise : 50; input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50; output_threshold_pct_fall : 50;
  slew_lower_threshold_pct_rise : {low}; slew_lower_threshold_pct_fall : {low};
  slew_upper_threshold_pct_rise : {high}; slew_upper_threshold_pct_fall : {high};
  slew_derate_from_library : {derate};
  lu_table_template (plane) {{
    variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("0, 1"); index_2 ("0, 10");
  }}
  lu_table_template (bent) {{
    variable_1 : total_output_net_capacitance; variable_2 : input_net_transition;
    index_1 ("0, 2, 4"); index_2 ("0, 0.1, 0.2");
  }}
  lu_table_template (by_load) {{
    variable_1 : total_output_net_capacitance; index_1 ("0, 2, 4");
  }}
  lu_table_template (check) {{
    variable_1 : related_pin_transition; variable_2 : constrained_pin_transition;
    index_1 ("0, 1"); index_2 ("0, 1");
  }}
"""


@dataclass(frozen=True)
class Plane:
    """`base + slew * x + load * y`."""

    base: float
    slew: float = 0.0
    load: float = 0.0

    def __call__(self, x: float, y: float) -> float:
        return self.base + self.slew * x + self.load * y

    def text(self, kind: str, template: str = "plane") -> str:
        step = 1.0 if template == "check" else 10.0
        rows = [(self(x, 0.0), self(x, step)) for x in (0.0, 1.0)]
        values = ", ".join(f'"{a:.9g}, {b:.9g}"' for a, b in rows)
        return f"{kind} ({template}) {{ values ({values}); }}"


@dataclass(frozen=True)
class Edge:
    """Delay and slew of one edge of an output."""

    delay: Plane
    slew: Plane


def arc(pin: str, rise: Edge, fall: Edge, *words: str) -> str:
    """A timing group."""
    tables = [
        rise.delay.text("cell_rise"),
        rise.slew.text("rise_transition"),
        fall.delay.text("cell_fall"),
        fall.slew.text("fall_transition"),
    ]
    return f'timing () {{ related_pin : "{pin}"; {" ".join(words)} {" ".join(tables)} }}'


def of_input(name: str, rise: float, fall: float, *more: str) -> str:
    """An input pin and what it weighs, fF."""
    weights = f"capacitance : {(rise + fall) / 2:g}; rise_capacitance : {rise:g};"
    words = f"direction : input; {weights} fall_capacitance : {fall:g};"
    return f"pin ({name}) {{ {words} {' '.join(more)} }}"


def of_output(name: str, function: str, *arcs: str) -> str:
    """An output pin."""
    return f'pin ({name}) {{ direction : output; function : "{function}"; {" ".join(arcs)} }}'


def cell(name: str, area: float, *groups: str) -> str:
    """A cell."""
    return f"cell ({name}) {{ area : {area:g}; {' '.join(groups)} }}\n"


NEGATIVE, POSITIVE = "timing_sense : negative_unate;", "timing_sense : positive_unate;"
NON_UNATE = "timing_sense : non_unate;"

INV_RISE = Edge(Plane(0.05, 0.2, 0.02), Plane(0.03, 0.1, 0.03))
INV_FALL = Edge(Plane(0.03, 0.1, 0.01), Plane(0.02, 0.2, 0.02))
BUF = Edge(Plane(0.1, 0.1, 0.01), Plane(0.02, 0.0, 0.01))
NAND_A = Edge(Plane(0.04, 0.1, 0.01), Plane(0.4, 0.1, 0.01))  # early, and slow to turn
NAND_B = Edge(Plane(0.3, 0.1, 0.01), Plane(0.02, 0.1, 0.01))
XOR_RISE = Edge(Plane(0.1, 1.0, 0.01), Plane(0.05, 0.1, 0.01))
XOR_FALL = Edge(Plane(0.2, 0.1, 0.01), Plane(0.05, 0.1, 0.01))
SUM = Edge(Plane(0.5, 0.1, 0.01), Plane(0.05, 0.1, 0.01))
CARRY = Edge(Plane(0.3, 0.1, 0.01), Plane(0.05, 0.1, 0.01))
WHEN_0 = Edge(Plane(0.9, 0.1, 0.01), Plane(0.05, 0.1, 0.01))
WHEN_1 = Edge(Plane(0.6, 0.1, 0.01), Plane(0.05, 0.1, 0.01))
Q_RISE = Edge(Plane(0.2, 1.0, 0.01), Plane(0.04, 0.0, 0.01))
Q_FALL = Edge(Plane(0.25, 1.0, 0.02), Plane(0.06, 0.0, 0.02))
SETUP_RISE, SETUP_FALL = Plane(0.05, 1.0, 0.2), Plane(0.15, 1.0, 0.4)  # of clock, of data


def setup(kind: str = "rising") -> str:
    """The setup time of a data pin."""
    rise = SETUP_RISE.text("rise_constraint", "check")
    fall = SETUP_FALL.text("fall_constraint", "check")
    return f'timing () {{ related_pin : "CK"; timing_type : setup_{kind}; {rise} {fall} }}'


def flip_flop(name: str, area: float, kind: str = "rising", reset: bool = False) -> str:
    """A flip-flop; D weighs 2 and 3 fF."""
    clock = "CK" if kind == "rising" else "!CK"
    clear = ' clear : "!RN";' if reset else ""
    state = f'ff (IQ, IQN) {{ clocked_on : "{clock}"; next_state : "D";{clear} }}'
    pins = [of_input("CK", 1, 1, "clock : true;"), of_input("D", 2, 3, setup(kind))]
    arcs = [arc("CK", Q_RISE, Q_FALL, f"timing_type : {kind}_edge;", NON_UNATE)]
    if reset:
        pins.append(of_input("RN", 1, 1))
        arcs.append(arc("RN", SUM, SUM, "timing_type : clear;", POSITIVE))
    return cell(name, area, state, *pins, of_output("Q", "IQ", *arcs))


def bent(pin: str) -> str:
    """Tables that bend, loads first: 0 to 2 fF costs nothing, 2 to 4 fF 1 ns; slew likewise."""
    kinds = ("cell_rise", "cell_fall")
    values = '"0, 0, 1", "0, 0, 1", "1, 1, 2"'
    delays = " ".join(f"{kind} (bent) {{ values ({values}); }}" for kind in kinds)
    slews = 'rise_transition (by_load) { values ("0.1, 0.1, 0.3"); } '
    slews += 'fall_transition (scalar) { values ("0.25"); }'
    return f'timing () {{ related_pin : "{pin}"; {POSITIVE} {delays} {slews} }}'


def library(
    low: float = 20, high: float = 80, derate: float = 1.0, plain: bool = True, more: str = ""
) -> str:
    """The whole library; without `plain` every flip-flop has a reset."""
    both = [arc(pin, SUM, SUM, NON_UNATE) for pin in "ABC"]
    carry = [arc(pin, CARRY, CARRY, POSITIVE) for pin in "ABC"]
    whens = [
        arc("A", WHEN_0, WHEN_0, 'when : "!B";', POSITIVE),
        arc("A", WHEN_1, WHEN_1, 'when : "B";', NEGATIVE),
        arc("B", WHEN_1, WHEN_1, NON_UNATE),
    ]
    enable = arc("B", BUF, BUF, "timing_type : three_state_enable;")
    nands = [arc("A", NAND_A, NAND_A, NEGATIVE), arc("B", NAND_B, NAND_B, NEGATIVE)]
    xors = [arc(pin, XOR_RISE, XOR_FALL, NON_UNATE) for pin in "AB"]
    two = [of_input("A", 1, 1), of_input("B", 1, 1)]
    cells = [
        cell("INV", 1, of_input("A", 2, 6), of_output("Y", "!A", arc("A", INV_RISE, INV_FALL))),
        cell("BUF", 2, of_input("A", 1, 1), of_output("Y", "A", arc("A", BUF, BUF, POSITIVE))),
        cell("BENT", 9, of_input("A", 1, 1), of_output("Y", "A", bent("A"))),
        cell("NAND", 2, *two, of_output("Y", "!(A B)", *nands)),
        cell("XOR", 4, *two, of_output("Y", "A ^ B", *xors)),
        cell("WHEN", 8, *two, of_output("Y", "A ^ B", *whens)),
        cell(
            "FA",
            5,
            *two,
            of_input("C", 1, 1),
            of_output("S", "A ^ B ^ C", *both),
            of_output("CO", "(A B) + (C (A + B))", *carry),
        ),
        cell("TIE", 1, of_output("ONE", "1"), of_output("NIL", "0")),
        cell(
            "OFF",
            3,
            *two,
            of_output("Y", "A", 'three_state : "B";', enable),
        ),
        cell(
            "LATCH",
            4,
            'latch (IQ, IQN) { enable : "G"; data_in : "D"; }',
            of_input("G", 1, 1),
            of_input("D", 1, 1),
            of_output("Q", "IQ", arc("D", BUF, BUF, POSITIVE)),
        ),
        flip_flop("DFF", 5) if plain else "",
        flip_flop("DFFR", 6, reset=True),
        flip_flop("DFFN", 7, "falling"),
    ]
    return HEAD.format(low=low, high=high, derate=derate) + "".join(cells) + more + "}\n"
