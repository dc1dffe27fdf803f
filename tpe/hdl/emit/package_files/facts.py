"""What the ports of one engine carry, as every file beside its RTL says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tpe.array.base import Overlap
from tpe.hdl import emit
from tpe.hdl.emit import finish, sources

if TYPE_CHECKING:
    from tpe.engine.config import Config


@dataclass(frozen=True)
class Elements:
    """A vector of `count` equal elements of `bits` bits each, element 0 lowest."""

    count: int
    bits: int
    signed: bool = True

    @property
    def slot(self) -> int:
        """Bits of an element in whole bytes.

        >>> Elements(4, 9).slot, Elements(4, 8).slot
        (16, 8)
        """
        return -(-self.bits // 8) * 8

    @property
    def width(self) -> int:
        """Bits of the vector as the engine's port has it."""
        return self.count * self.bits

    @property
    def bytes(self) -> int:
        """Bytes of the vector with every element in whole bytes."""
        return self.count * self.slot // 8


@dataclass(frozen=True)
class Interface:
    """The ports of an engine's top: widths, streams, and what its array asks of them."""

    rows: int  # Rows and Cols of the RTL
    cols: int
    a: Elements  # a beat of A, all streams together
    b: Elements
    c: Elements
    streams: int  # of A
    planes: int  # how often the A of a pass is sent
    b_planes: int  # ... and its B
    sparse: bool
    falling: bool  # the most significant plane comes first
    chained: bool  # B stays in the cells
    overlapped: bool  # B of the next pass loads behind a pass
    streamed: bool  # operands of the next tile or pass are taken while one drains
    per_beat: int  # operands of K that a row has in a beat of A
    taken: tuple[tuple[str, Elements], ...]  # ports that a word of C takes something from
    ports: tuple[str, ...]  # of the top, in order

    @property
    def passes(self) -> bool:
        """Whether the engine is told of every pass what it does, and says when it is done."""
        return "done_o" in self.ports

    @property
    def paired(self) -> bool:
        """Whether a beat of A and one of B are accepted together."""
        return not self.sparse and not self.chained

    @property
    def staged(self) -> bool:
        """Whether words of C pass the register of a finish chain that says when it takes one."""
        return "c_take_o" in self.ports

    @property
    def zeros(self) -> tuple[str, ...]:
        """Ports of zero points."""
        return tuple(port for port in ("a_zero_i", "b_zero_i") if port in self.ports)


def facts(engine: Config) -> Interface:
    """What the ports of an engine's RTL carry. Raises TpeError for an engine without RTL.

    >>> from tpe.model.engine import Engine
    >>> found = facts(Engine("mac", "systolic_os", (2, 3)))
    >>> found.a, found.c.width, found.paired
    (Elements(count=2, bits=8, signed=True), 96, True)
    """
    pe = emit.record(engine)
    w, chained = engine.widths, engine.array.chained
    rows, cols = emit.rtl_size(engine)
    in_a_cell = pe.beat(w)  # operands of A
    in_b_cell = 1 if pe.sparse else in_a_cell
    (a_lane, b_lane), selection = emit.port_lanes(engine), engine.selection
    placed = [selection is not None and selection.encoded is side for side in (True, False)]
    planes = w.digits if pe.sparse else pe.planes(w)
    lone = not pe.sparse or engine.params["drift"] > 0
    (a_bits, b_bits), formats = emit.port_bits(engine), emit.stored_formats(engine)
    bits, signed = finish.word_format(engine)
    taken = tuple(
        (part.port, Elements(part.count(cols), part.bits, _signed(part.port, signed)))
        for part in finish.fields(engine)
    )
    return Interface(
        rows=rows,
        cols=cols,
        a=Elements(rows * in_a_cell * a_lane, a_bits, formats[0].signed and not placed[0]),
        b=Elements(cols * in_b_cell * b_lane, b_bits, formats[1].signed and not placed[1]),
        c=Elements(cols, bits, signed),
        streams=1 if lone else rows * w.lanes,
        planes=planes,
        b_planes=1 if pe.sparse else planes,
        sparse=pe.sparse,
        falling=pe.falling,
        chained=chained,
        overlapped=engine.choices.overlap is not Overlap.NONE,
        streamed=engine.choices.overlap in (Overlap.DRAIN, Overlap.STREAM),
        per_beat=engine.grid.chain * in_a_cell,
        taken=taken,
        ports=tuple(sources.port_names(emit.engine_modules(engine)["tpe_engine"])),
    )


def _signed(port: str, out_signed: bool) -> bool:
    """Whether what a port carries is two's complement; multipliers and shifts are not."""
    if port == "out_zero_i":
        return out_signed
    return port not in ("scale_i", "shift_i", "group_scale_i", "group_i")
