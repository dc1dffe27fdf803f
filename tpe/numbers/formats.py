"""Number formats as data: each is one literal with its range."""

from __future__ import annotations

from dataclasses import dataclass

from tpe.base.errors import unknown


@dataclass(frozen=True)
class IntFormat:
    """A two's-complement (`signed`) or plain binary integer of `bits` bits.

    >>> FORMATS["int8"].low, FORMATS["int8"].high
    (-128, 127)
    """

    name: str
    bits: int
    signed: bool

    @property
    def low(self) -> int:
        """Smallest representable value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest representable value."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1


@dataclass(frozen=True)
class CodedFormat(IntFormat):
    """A signed format that holds fewer values than its bits could: what an array sees of a side.

    `lowest` and `highest` are the values that occur, `bits` the width that the hardware has.
    """

    lowest: int
    highest: int

    @property
    def low(self) -> int:
        """Smallest value that occurs."""
        return self.lowest

    @property
    def high(self) -> int:
        """Largest value that occurs."""
        return self.highest


FORMATS: dict[str, IntFormat] = {
    f"{prefix}int{bits}": IntFormat(f"{prefix}int{bits}", bits, not prefix)
    for prefix in ("", "u")
    for bits in range(2, 17)
}


def int_format(name: str | IntFormat, field: str = "type") -> IntFormat:
    """The format called `name`; `TpeError` naming `field` if there is none.

    >>> int_format("int4").bits, int_format("uint4").high
    (4, 15)
    """
    if isinstance(name, IntFormat):
        return name
    if name not in FORMATS:
        raise unknown(field, name, FORMATS)
    return FORMATS[name]
