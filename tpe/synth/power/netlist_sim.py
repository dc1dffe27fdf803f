"""Mapped netlists as something to simulate: the cells' functions as Verilog, and a bench's modules.

A cell behaves as its Liberty functions say, without delay. Only the cells that a netlist uses are
written, so that a cell that cannot be simulated is no obstacle elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tpe.base.errors import TpeError
from tpe.hdl.simulate.build import Design
from tpe.synth.netlist.mapped import Mapped
from tpe.technology import function, roles
from tpe.technology.library import Cell, Library, Sequential


def cell_modules(names: Iterable[str], library: Library) -> dict[str, str]:
    """Verilog of cells by name; TpeError for one that is neither logic nor a flip-flop."""
    return {name: cell_module(library.cell(name)) for name in names}


def cell_module(cell: Cell) -> str:
    """Verilog of one cell, from its functions."""
    ports = [f"input wire {pin.name}" for pin in cell.inputs]
    ports += [f"output wire {pin.name}" for pin in cell.outputs]
    body: list[str] = []
    if cell.sequential:
        if len(cell.sequential) != 1 or cell.sequential[0].kind != "ff":
            raise TpeError(f"cell {cell.name} is no flip-flop: it cannot be simulated")
        body += _register(cell.name, cell.sequential[0])
    elif not roles.combinational(cell):
        raise TpeError(f"cell {cell.name} has no function of its inputs: it cannot be simulated")
    for pin in cell.outputs:
        if pin.function is None:
            raise TpeError(f"pin {pin.name} of cell {cell.name} has no function")
        body.append(f"  assign {pin.name} = {function.verilog(pin.function)};")
    return "\n".join([f"module {cell.name} ({', '.join(ports)});", *body, "endmodule", ""])


def _register(name: str, state: Sequential) -> list[str]:
    """A flip-flop's state variables and how they change."""
    value, inverse = (*state.variables, "unused_inverse")[:2]
    clock, rising = _edge(name, state.clocked_on)
    events, branches = [f"{'pos' if rising else 'neg'}edge {clock}"], []
    for text, constant in ((state.clear, "1'b0"), (state.preset, "1'b1")):
        if text is None:
            continue
        pin, high = _edge(name, text)
        events.append(f"{'pos' if high else 'neg'}edge {pin}")
        branches.append(f"if ({'' if high else '!'}{pin}) {value} <= {constant}; else ")
    return [
        f"  reg {value};",
        f"  wire {inverse};",
        f"  assign {inverse} = ~{value};",
        f"  always @({' or '.join(events)})",
        f"    {''.join(branches)}{value} <= {function.verilog(state.next_state)};",
    ]


def _edge(cell: str, text: str) -> tuple[str, bool]:
    """(pin, whether it acts when high) of a function of one pin."""
    pins = function.pins(text)
    if len(pins) != 1:
        raise TpeError(f"cell {cell}: {text!r} is no function of one pin: it cannot be simulated")
    return pins[0], function.truth_table(text, pins) == 0b10


def with_mapped(design: Design, mapped: Mapping[str, Mapped], library: Library) -> Design:
    """A bench with netlists in place of RTL: `mapped` by the part's top, such as `tpe_cell`.

    The module of that name keeps its parameters and ports, and holds the netlist. What only the
    RTL needed stays among the sources, unused.
    """
    modules = dict(design.sources)
    used: set[str] = set()
    for top, netlist in mapped.items():
        gates = f"{top}_gates"
        text = re.sub(rf"\bmodule {top}\b", f"module {gates}", netlist.text)
        modules[gates] = "`default_nettype wire\n" + text
        modules[top] = _around(modules[top], gates)
        used |= netlist.cells.keys()
    modules |= cell_modules(sorted(used), library)
    return replace(design, sources=modules)


def _around(alias: str, gates: str) -> str:
    """An alias module with another module inside: without parameters, all ports by name."""
    changed, count = re.subn(
        r"\n +tpe_\w+ #\(.*?\n +\) (u_\w+) \(", rf"\n  {gates} \1 (", alias, flags=re.DOTALL
    )
    assert count == 1, "an alias holds one instance, with parameters"
    return changed
