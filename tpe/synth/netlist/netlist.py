"""Mapped netlists: instances of library cells and the nets between them, read from Verilog.

The text is what Yosys writes after mapping: modules that hold declarations, aliases (`assign`)
and instances with named pins. Names are as they stand in the text, so that a simulation of it and
an activity file of that simulation speak of the same nets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tpe.base.errors import TpeError
from tpe.technology import roles
from tpe.technology.library import Cell, Library

_NAME = r"(?:\\\S+|[A-Za-z_$][\w$]*)"
_MODULE = re.compile(rf"^module ({_NAME}) ?\((.*?)\);\n(.*?)^endmodule", re.MULTILINE | re.DOTALL)
_PORT = re.compile(rf"^ +(input|output) (?:\[(\d+):(\d+)\] )?({_NAME}) ?;", re.MULTILINE)
_CELL = re.compile(rf"^  ({_NAME}) +({_NAME}) +\(\n(.*?)^  \);", re.MULTILINE | re.DOTALL)
_PIN = re.compile(rf"^ +\.({_NAME}) ?\((.*?)\),?$", re.MULTILINE)
_ALIAS = re.compile(r"^ +assign (.*?) = (.*?);", re.MULTILINE)


@dataclass(frozen=True)
class NetlistPort:
    """A port of a module: `direction` is input or output, `width` in bits."""

    name: str
    direction: str
    width: int


@dataclass(frozen=True)
class Instance:
    """An instance of a cell or of a module, with the net of every connected pin."""

    cell: str
    name: str
    pins: Mapping[str, str]


@dataclass(frozen=True)
class Module:
    """A module of a netlist; `text` is its Verilog, `aliases` are (net, the net it is)."""

    name: str
    text: str
    ports: tuple[NetlistPort, ...]
    instances: tuple[Instance, ...]
    aliases: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Netlist:
    """A mapped design: its modules by name, every one once, and which of them is the top."""

    top: str
    modules: Mapping[str, Module]

    @property
    def text(self) -> str:
        """All of it as Verilog."""
        return "\n".join(module.text for module in self.modules.values())

    @property
    def ports(self) -> tuple[NetlistPort, ...]:
        """Ports of the top."""
        return self.modules[self.top].ports

    @cached_property
    def copies(self) -> dict[str, int]:
        """How often each module stands in the design, the top once."""
        found: Counter[str] = Counter()

        def count(name: str, times: int) -> None:
            found[name] += times
            inner = Counter(i.cell for i in self.modules[name].instances if i.cell in self.modules)
            for module, copies in inner.items():
                count(module, times * copies)

        count(self.top, 1)
        return dict(found)

    @cached_property
    def cells(self) -> dict[str, int]:
        """How often each cell stands in the design, by name, sorted."""
        total: Counter[str] = Counter()
        for name, copies in self.copies.items():
            for cell, count in self.cells_of(name).items():
                total[cell] += copies * count
        return dict(sorted(total.items()))

    def cells_of(self, module: str) -> dict[str, int]:
        """How often each cell stands in one copy of a module, modules inside it left out."""
        inside = (i.cell for i in self.modules[module].instances if i.cell not in self.modules)
        return dict(sorted(Counter(inside).items()))

    def flip_flops(self, library: Library) -> tuple[int, int]:
        """(flip-flops, those of them with a reset or preset that is driven)."""
        total = driven = 0
        for name, copies in self.copies.items():
            tied = _tied(self.modules[name], library)
            for instance in self.modules[name].instances:
                cell = library.by_name.get(instance.cell)
                if cell is None or not cell.sequential:
                    continue
                total += copies
                driven += copies * _is_reset(cell, instance, tied)
        return total, driven

    def latches(self, library: Library) -> int:
        """How many latches stand in it."""
        return sum(
            count
            for name, count in self.cells.items()
            if name in library.by_name
            and any(state.kind == "latch" for state in library.by_name[name].sequential)
        )


def _tied(module: Module, library: Library) -> set[str]:
    """Nets that a cell without inputs drives: constants."""
    found = set()
    for instance in module.instances:
        cell = library.by_name.get(instance.cell)
        if cell is not None and not cell.inputs and not cell.sequential:
            found |= {instance.pins.get(pin.name, "") for pin in cell.outputs}
    return found | {net for net, source in module.aliases if source.strip() in found}


def _is_reset(cell: Cell, instance: Instance, tied: set[str]) -> bool:
    """Whether a clear or preset pin of a flip-flop hangs on a net rather than on a constant."""
    from tpe.technology import function

    for state in cell.sequential:
        for text in (state.clear, state.preset):
            pins = function.pins(text) if text else ()
            nets = [instance.pins.get(pin, "1'b0") for pin in pins]
            if any("'" not in net and net not in tied for net in nets):
                return True
    return False


def read_netlist(text: str, top: str) -> Netlist:
    """The netlist in Verilog text as Yosys writes it; TpeError if the top is not in it.

    >>> n = read_netlist("module m(a, y);\\n  input a;\\n  output y;\\n  inv _0_ (\\n"
    ...                  "    .A(a),\\n    .Y(y)\\n  );\\nendmodule\\n", "m")
    >>> n.cells, [(p.name, p.direction, p.width) for p in n.ports]
    ({'inv': 1}, [('a', 'input', 1), ('y', 'output', 1)])
    """
    modules = {name: _module(name, whole, body) for name, whole, body in _modules(text)}
    if top not in modules:
        raise TpeError(f"module {top} is not in the netlist; it has {', '.join(modules) or 'none'}")
    return Netlist(top, modules)


def _modules(text: str) -> Iterator[tuple[str, str, str]]:
    for match in _MODULE.finditer(text):
        yield match[1].removeprefix("\\"), match[0] + "\n", match[3]


def _module(name: str, whole: str, body: str) -> Module:
    ports = tuple(
        NetlistPort(match[4], match[1], int(match[2]) - int(match[3]) + 1 if match[2] else 1)
        for match in _PORT.finditer(body)
    )
    instances = tuple(
        Instance(
            match[1].removeprefix("\\"),
            match[2],
            {pin[1]: pin[2].strip() for pin in _PIN.finditer(match[3])},
        )
        for match in _CELL.finditer(body)
    )
    return Module(name, whole, ports, instances, tuple(_ALIAS.findall(body)))


def area_um2(counts: Mapping[str, int], library: Library) -> float:
    """The sum of cell areas, um2; TpeError, with the nearest name, for a cell it has not."""
    return sum(library.cell(name).area_um2 * count for name, count in counts.items())


def full_adder(usable: tuple[Cell, ...]) -> str | None:
    """Verilog rules that turn Yosys's `$fa` into the library's smallest full adder; None without.

    A full adder is a cell of three inputs with one output that is their parity and one that is
    their majority.
    """
    found = [(cell.area_um2, cell.name, pins) for cell in usable for pins in [_adder_pins(cell)]]
    chosen = [(area, name, pins) for area, name, pins in found if pins is not None]
    if not chosen:
        return None
    _, name, (inputs, parity, majority) = min(chosen)
    joined = ", ".join(f".{pin}({net}[i])" for pin, net in zip(inputs, "ABC", strict=True))
    return (
        '(* techmap_celltype = "$fa" *)\nmodule _80_tpe_fa (A, B, C, X, Y);\n'
        "  parameter WIDTH = 1;\n  (* force_downto *) input [WIDTH-1:0] A, B, C;\n"
        "  (* force_downto *) output [WIDTH-1:0] X, Y;\n  genvar i;\n  generate\n"
        f"    for (i = 0; i < WIDTH; i = i + 1) begin : gen_bit\n      {name} u_fa ({joined}, "
        f".{parity}(Y[i]), .{majority}(X[i]));\n    end\n  endgenerate\nendmodule\n"
    )


def _adder_pins(cell: Cell) -> tuple[list[str], str, str] | None:
    """(inputs, parity output, majority output) of a full adder, None for any other cell."""
    from tpe.technology import function

    if not roles.combinational(cell) or len(cell.inputs) != 3 or len(cell.outputs) != 2:
        return None
    inputs = [pin.name for pin in cell.inputs]
    tables = {
        function.truth_table(pin.function, inputs): pin.name
        for pin in cell.outputs
        if pin.function is not None
    }
    parity, majority = tables.get(0b10010110), tables.get(0b11101000)
    return (inputs, parity, majority) if parity and majority else None
