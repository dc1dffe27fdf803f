"""What stands around a netlist while it is timed: flip-flops, and an ideal clock."""

from __future__ import annotations

from tpe.technology import function
from tpe.technology.library import Cell
from tpe.technology.roles import FlipFlop
from tpe.technology.technology import Technology

CLOCK, RESET = "clk_i", "rst_ni"
CLOCK_SLEW_NS = 0.05
ASSUMPTIONS = (
    "every path from a flip-flop's clock edge to a flip-flop's setup time; the smallest plain "
    "flip-flop of the library before every input and behind every output; ideal clock"
)


def edge_flop(tech: Technology) -> FlipFlop:
    """The flip-flop that stands around a netlist: rising, without reset if there is one."""
    rising = [flop for flop in tech.flip_flops if flop.rising]
    plain = [flop for flop in rising if flop.clear is None and flop.preset is None]
    return (plain or rising)[0]


def tied_off(cell: Cell) -> dict[str, int]:
    """The level that keeps every asynchronous reset and preset pin of a flip-flop inactive."""
    tied = {}
    for state in cell.sequential:
        for text in (state.clear, state.preset):
            for pin in function.pins(text) if text else ():
                tied[pin] = 0 if function.truth_table(text or "", (pin,)) == 0b10 else 1
    return tied


def edge_name(port: str, bit: int, inward: bool) -> str:
    """The name of the flip-flop at a bit of a port."""
    return f"tpe_{'in' if inward else 'out'}_{port}_{bit}"
