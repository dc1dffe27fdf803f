"""Properties of an engine's ports in SystemVerilog, bound to its top: for simulators and provers.

The module stands beside the emitted RTL with its `bind`, in a file list of its own: the RTL's list
is read by tools that know no concurrent assertions. What is asked of the inputs is in it too, to
be asserted in simulation and assumed in a proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpe.hdl import emit
from tpe.hdl.emit import resets
from tpe.hdl.emit.package_files.facts import Interface, facts
from tpe.hdl.emit.templates import template
from tpe.pe.parameters import EncodeIn

if TYPE_CHECKING:
    from tpe.engine.config import Config


def sva_modules(engine: Config, held: bool = True, reset: str = "async") -> dict[str, str]:
    """`tpe_sva` and its bind to `tpe_engine` as one source, before `emit.rename`.

    held: whether a beat once offered is asked to stay until it is taken, as AXI4-Stream asks it.
    The engines do without, so a bench whose source takes beats back says False. `reset` as in
    `emit.engine_modules`. Raises TpeError for an engine without RTL.

    >>> from tpe.model.engine import Engine
    >>> text = sva_modules(Engine("mac", "systolic_os", (2, 2)))["tpe_sva"]
    >>> "bind tpe_engine tpe_sva" in text, "m_a_waits" in text, "overflow_i" in text
    (True, True, False)
    """
    pe, known = emit.record(engine), facts(engine)
    formats = dict(zip(("a_zero_i", "b_zero_i"), emit.stored_formats(engine), strict=True))
    planes = pe.planes(engine.widths) if known.paired else known.planes
    stored = engine.choices.encode_in is EncodeIn.STORED
    most_rows = engine.params["psum_depth"] if known.chained else 0
    most_beats = engine.widths.depth // known.per_beat if known.sparse else 0
    zeros = [(port, formats[port].bits) for port in known.zeros]
    # The one register of a finish chain holds one word; the unit of scales keeps groups inside.
    taking = known.staged and not engine.scale_group
    text = template(
        "sva.sv.j2",
        title=engine.name,
        ports=known.ports,
        tiled=not known.chained,  # a tile is Rows words; a chain's blocks are as long as they are
        paired=known.paired,
        chained=known.chained,
        passes=known.passes,
        streamed=known.streamed,
        counts_b=known.passes and not known.chained and not known.overlapped,
        planes=planes,
        counted=planes > 1 or most_beats or most_rows,
        streams=_streams(known),
        depth=engine.widths.depth,
        most_beats=most_beats,
        most_rows=most_rows,
        zeros=zeros,
        controls="".join(f", {x}" for x in _controls(known)),
        held=held,
        clocked_reset=reset == "sync",
        selects=stored and engine.encoder == "booth",
        guarded="overflow_o" in known.ports,
        taking=taking,
        connections=_connections(known, taking),
    )
    return resets.rewritten({"tpe_sva": text}, reset)


def _controls(known: Interface) -> list[str]:
    """Inputs that say what a pass does."""
    return [port for port in ("load_i", "clear_i", "flush_i") if port in known.ports]


def _streams(known: Interface) -> str:
    """How many streams of A the top has, by its own parameters: benches change its size."""
    return "$bits(a_valid_i)" if known.streams > 1 or known.sparse else "1"


def _connections(known: Interface, taking: bool) -> list[tuple[str, str]]:
    """Ports of the properties' module and what of the top they see."""
    names = ["clk_i", "rst_ni", *_controls(known)]
    names += ["done_o"] if known.passes else []
    names += ["a_valid_i", "a_ready_o", "a_last_i", "a_i", "b_valid_i", "b_ready_o"]
    names += [] if known.paired else ["b_last_i"]
    names += ["b_i", *known.zeros]
    names += ["c_take_o"] if taking else []
    names += ["overflow_o", "overflow_clear_i"] if "overflow_o" in known.ports else []
    names += ["c_valid_o", "c_ready_i", "c_last_o", "c_o"]
    return [(f"{name.rsplit('_', 1)[0]}_i" if name[-1] == "o" else name, name) for name in names]
