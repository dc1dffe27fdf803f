"""Number formats as data: each is one literal with its range."""

from __future__ import annotations

from dataclasses import dataclass

from tpe.errors import unknown


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


FORMATS: dict[str, IntFormat] = {
    f"int{bits}": IntFormat(f"int{bits}", bits, True) for bits in range(2, 17)
}


def int_format(name: str | IntFormat, field: str = "type") -> IntFormat:
    """The format called `name`; `TpeError` naming `field` if there is none.

    >>> int_format("int4").bits
    4
    """
    if isinstance(name, IntFormat):
        return name
    if name not in FORMATS:
        raise unknown(field, name, FORMATS)
    return FORMATS[name]
