"""An estimate of wires and of the clock tree, where it is asked for: stated, never silent.

A net's wire is what the library's own wire load says of its fan-out: for `tpe130` the SkyWater
PDK's `Small`, as published. The clock tree is a buffer for every 16 flip-flops, the library's
smallest that drives them within its limit: its input pin and its internal energy, twice a cycle.
Both are guesses before layout; a layout decides.
"""

from __future__ import annotations

from dataclasses import replace

from tpe.base.errors import TpeError, unknown
from tpe.synth.area.timing import CLOCK_SLEW_NS
from tpe.synth.power.gates import GateState, pin_energy_fj
from tpe.technology.library import Pin
from tpe.technology.technology import Technology

CHOICES = ("none", "estimate")
SINKS = 16  # flip-flops of a leaf of the clock tree


def with_wires(tech: Technology, wires: str) -> Technology:
    """The technology whose nets have wires, or as it is; TpeError if the library has no model."""
    if wires not in CHOICES:
        raise unknown("wires", wires, CHOICES)
    if wires == "none" or tech.wire_load is not None:
        return tech
    loads = tech.library.wire_loads
    if not loads:
        raise TpeError(f"{tech.name} has no wire load to estimate wires by; legal: wires = none")
    return replace(tech, wire_load=tech.library.default_wire_load or loads[0].name)


def clock_tree_fj(tech: Technology, flip_flops: int, clock_ff: float) -> tuple[float, float]:
    """(switching, internal) of the tree's leaves in a cycle, fJ; `clock_ff` is one clock pin.

    TpeError for a library without a buffer or a voltage.
    """
    volts = tech.library.voltage_v
    if not tech.buffers or volts is None:
        raise TpeError(f"{tech.name} has no buffer or no voltage: no clock tree to estimate")
    load = SINKS * clock_ff
    name = next(
        (x for x in tech.buffers if (_output(tech, x).max_capacitance_ff or load) >= load),
        tech.buffers[-1],
    )
    cell, out = tech.library.cell(name), _output(tech, name)
    leaves = -(-flip_flops // SINKS)
    source = cell.inputs[0]
    state = GateState({source.name: 0.5, out.name: 0.5}, {source.name: 2.0, out.name: 2.0})
    slews = {source.name: CLOCK_SLEW_NS, out.name: CLOCK_SLEW_NS}
    internal = sum(pin_energy_fj(cell, pin, slews, load, state) for pin in (source, out))
    return leaves * (source.capacitance_ff or 0.0) * volts**2, leaves * 2 * internal


def _output(tech: Technology, name: str) -> Pin:
    return tech.library.cell(name).outputs[0]


def words(tech: Technology, wires: str) -> str:
    """What is in a figure beside gates."""
    if wires == "none":
        return "no wires, no clock tree" if tech.wire_load is None else f"wires {tech.wire_load}"
    load = with_wires(tech, wires).wire_load
    return f"wires estimated by wire load {load}, clock tree by a buffer per {SINKS} flip-flops"
