"""The AXI4-Stream wrapper of an engine's top, `PREFIX_axis`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tpe.hdl import emit
from tpe.hdl.emit import resets, sources
from tpe.hdl.emit.package_files.facts import Interface, facts
from tpe.hdl.emit.templates import template

if TYPE_CHECKING:
    from tpe.engine.config import Config


def axis_modules(engine: Config, reset: str = "async") -> dict[str, str]:
    """`tpe_axis` and the FIFO it is made of, before `emit.rename`: module name -> text.

    `reset` as in `emit.engine_modules`. Raises TpeError for an engine without RTL.

    >>> from tpe.model.engine import Engine
    >>> text = axis_modules(Engine("mac", "systolic_os", (2, 3)))["tpe_axis"]
    >>> "[15:0]  s_axis_a_tdata" in text, "[95:0]  m_axis_c_tdata" in text
    (True, True)
    """
    known = facts(engine)
    own = {"tpe_axis": _wrapper(engine, known, reset), "tpe_fifo": sources.text("tpe_fifo")}
    return resets.rewritten(own, reset)


def taken_bytes(known: Interface) -> int:
    """Bytes of a beat of the stream of what a word of C takes with it; 0 if that is nothing."""
    return sum(part.bytes for _, part in known.taken)


def lasts(known: Interface) -> dict[str, str]:
    """What tlast ends in each stream, for a person."""
    if known.chained:
        return {"a": "the rows of a pass", "b": "a tile of B", "c": "the rows of a pass"}
    plane = "a plane of a pass" if known.planes > 1 else "a pass"
    if known.sparse:
        return {"a": plane, "b": "a load of B", "c": "a tile"}
    whole = "the K of a plane" if known.planes > 1 else "the K of a tile"
    return {"a": whole, "b": "nothing: it is ignored, A's counts", "c": "a tile"}


def _wrapper(engine: Config, known: Interface, reset: str) -> str:
    packed: list[tuple[str, Any, int, int]] = []
    low, at = 0, 0
    for port, part in known.taken:
        packed.append((port, part, low, at))
        low, at = low + part.width, at + part.bytes * 8
    beside_in = [(port, f"[{_zero_bits(engine, port) - 1}:0]") for port in known.zeros]
    guarded = "overflow_o" in known.ports
    beside_in += [("overflow_clear_i", " " * 12)] if guarded else []
    endings = lasts(known)
    return template(
        "axis.sv.j2",
        title=engine.name,
        clocked_reset=reset == "sync",
        a=known.a,
        b=known.b,
        c=known.c,
        vectors=[("A", known.a), ("B", known.b), ("C", known.c)],
        streams=known.streams,
        passes=known.passes,
        staged=known.staged,
        streamed=known.streamed,
        chained=known.chained,
        planes=known.planes,
        pass_bits=_pass_bits(engine, known),
        taken=known.taken,
        taken_bits=low,
        taken_bytes=taken_bytes(known),
        slices=packed,
        beside_in=beside_in,
        beside_out=["overflow_o"] if guarded else [],
        connections=_connections(known, packed),
        unused=_unused(known),
        **{f"{side}_last": text for side, text in endings.items()},
    )


def _pass_bits(engine: Config, known: Interface) -> int:
    """Bits that count the passes of K, or the rows, that are in an array at once."""
    registers = 8 + emit.rtl_widths(engine)["CellLatency"]  # those of a tile's way, and more
    return (known.planes * (known.rows + known.cols + registers)).bit_length()


def _zero_bits(engine: Config, port: str) -> int:
    return emit.stored_formats(engine)["ab".index(port[0])].bits


def _connections(
    known: Interface, packed: list[tuple[str, Any, int, int]]
) -> list[tuple[str, str]]:
    signals = {
        "clk_i": "aclk",
        "rst_ni": "aresetn",
        "load_i": "pass_q[0]",
        "clear_i": "pass_q[1]",
        "flush_i": "pass_q[2]",
        "done_o": "pass_done",
        "c_take_o": "d_take",
    }
    signals |= {port: f"d[{low}+:{part.width}]" for port, part, low, _ in packed}
    beside = (*known.zeros, "overflow_o", "overflow_clear_i")
    own = {port: port for port in beside}
    return [(port, (signals | own).get(port, port.rsplit("_", 1)[0])) for port in known.ports]


def _unused(known: Interface) -> list[str]:
    """What the wrapper has and no one reads: padding, and what the engine has no port for."""
    padded = {
        "s_axis_a_tdata": known.a,
        "s_axis_b_tdata": known.b,
    }
    names = [name for name, part in padded.items() if part.slot != part.bits]
    if any(part.slot != part.bits for _, part in known.taken):
        names.append("s_axis_d_tdata")
    if known.passes:
        names.append("s_axis_p_tdata")
    if known.passes and "load_i" not in known.ports:
        names.append("pass_q[0]")
    if "b_last_i" not in known.ports:
        names.append("b_last")
    return names


def axis_text(known: Interface, prefix: str) -> str:
    """What is said of the wrapper below the table of its streams."""
    lines = [
        "Beats come in the order above, and each stream at its own pace: offer all of them at the",
        "same time, none waits for another to be finished first. Each goes through a FIFO of two",
        "beats, so that tready and tvalid come from registers; that adds a cycle on the way in and",
        "one on the way out. tready is high in reset; the protocol forbids tvalid there.",
    ]
    if known.streams > 1:
        lines += [
            f"A beat of A has a part for each of {known.streams} rows and lanes, which the engine",
            "takes one by one; it is taken when each part has room, so that none leads the slowest",
            "by more than `Lead` beats (a parameter, 2 by default): cycles may be more than below.",
        ]
    if known.passes and not known.streamed:
        lines += ["A pass takes one cycle more, in which its byte is read."]
    if known.staged:
        lines += [
            "A beat of s_axis_d for every word of C, those of padded rows and columns too. A is "
            "held",
            "back until the next word's is there.",
        ]
    elif known.taken:
        lines += ["A beat of s_axis_d for every word of C, those of padded rows and columns too."]
    beside = [p for p in (*known.zeros, "overflow_o", "overflow_clear_i") if p in known.ports]
    if beside:
        names = ", ".join(f"`{p}`" for p in beside)
        lines += [f"{names}: as at `{prefix}`, beside the streams."]
    if known.zeros:
        lines += ["Change a zero point only when every word of the GEMM before has left."]
    return "\n".join(lines)
