"""Timing constraints of an emitted top in SDC."""

from __future__ import annotations

from tpe.hdl.emit import sources
from tpe.hdl.emit.templates import template
from tpe.version import __version__

FREE = ("clk_i", "rst_ni")  # ports that take no input delay from the clock's neighbours


def sdc(clock_ns: float, top: str, prefix: str, reset: str = "async") -> str:
    """The text of PREFIX.sdc for a top module's text: all margins are Tcl variables at its head.

    clock_ns: the clock's period, ns. Other times are ns, loads pF, as SDC's units say.
    reset: "async" or "sync", as the top's registers have it.
    """
    return template(
        "package.sdc.j2",
        prefix=prefix,
        version=__version__,
        clocked_reset=reset == "sync",
        period=f"{clock_ns:g}",
        inputs=_ports_of(top, "input"),
        outputs=_ports_of(top, "output"),
    )


def _ports_of(top: str, direction: str) -> list[str]:
    listed = sources.port_records(top)
    return [port.name for port in listed if port.direction == direction and port.name not in FREE]
