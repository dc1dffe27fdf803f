"""Properties of an engine's ports in SystemVerilog, bound to its top: for simulators and provers.

The module stands beside the emitted RTL with its `bind`, in a file list of its own: the RTL's list
is read by tools that know no concurrent assertions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpe.hdl import emit, sources

if TYPE_CHECKING:
    from tpe.engine import Engine


def sva_modules(engine: Engine) -> dict[str, str]:
    """`tpe_sva` and its bind to `tpe_engine` as one source, before `emit.rename`.

    Raises TpeError for an engine without RTL.

    >>> from tpe.engine import Engine
    >>> text = sva_modules(Engine("mac", "systolic_os", (2, 2)))["tpe_sva"]
    >>> "bind tpe_engine tpe_sva" in text, "overflow_o" in text
    (True, False)
    """
    pe = emit.record(engine)
    assert engine.array is not None
    ports = sources.port_names(emit.engine_modules(engine)["tpe_engine"])
    chained = engine.array.chained
    text = emit.template(
        "sva.sv.j2",
        title=engine.name,
        tiled=not chained,  # a tile is Rows words; a chain's blocks of M are as long as they are
        paired=not chained and not pe.sparse,
        planes=pe.planes(engine.widths, engine.params),
        c_bits=engine.chain.out.bits,
        guarded="overflow_o" in ports,
        taking="c_take_o" in ports,
    )
    return {"tpe_sva": text}
