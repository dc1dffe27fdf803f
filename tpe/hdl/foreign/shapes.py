"""What a port is made of: members of structs, elements of packed arrays, and where they lie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tpe.base.errors import TpeError, unknown

_STEP = re.compile(r"\.([A-Za-z_][\w$]*)|\[\s*(-?\d+)\s*(?::\s*(-?\d+)\s*)?\]")


@dataclass(frozen=True)
class Shape:
    """A type: `bits` 0 if it is no vector of bits, and then `reason` says what it is."""

    bits: int
    signed: bool = False
    reason: str = ""
    fields: tuple[tuple[str, int, Shape], ...] = ()  # of a struct: name, lowest bit, shape
    element: Shape | None = None  # of a packed array
    left: int = 0
    right: int = 0

    def select(self, path: str, port: str) -> tuple[int, Shape]:
        """The lowest bit and the shape of what `path` selects, such as `.x`, `[3]` or `[7:4]`.

        Raises TpeError, naming `port` and what is legal, for what is not there.
        """
        low, shape, rest = 0, self, path
        while rest:
            match = _STEP.match(rest)
            if match is None:
                raise TpeError(f"port '{port}{path}': '{rest}' is not legal: .MEMBER, [I] or [L:R]")
            if match.group(1):
                begin, shape = shape._member(match.group(1), port)
            else:
                begin, shape = shape._range(match.group(2), match.group(3), port)
            low, rest = low + begin, rest[match.end() :]
        return low, shape

    def _member(self, name: str, port: str) -> tuple[int, Shape]:
        for field, low, shape in self.fields:
            if field == name:
                return low, shape
        if not self.fields:
            raise TpeError(f"port '{port}' has no members there: no '.{name}'")
        raise unknown(f"member of port '{port}'", name, [field for field, _, _ in self.fields])

    def _range(self, first: str, last: str | None, port: str) -> tuple[int, Shape]:
        element = self.element
        if element is None:
            raise TpeError(f"port '{port}' is no packed array there: no [{first}]")
        ends = sorted((self.left, self.right))
        wanted = [int(first), int(last if last is not None else first)]
        text = f"[{first}]" if last is None else f"[{first}:{last}]"
        if any(not ends[0] <= x <= ends[1] for x in wanted):
            raise TpeError(f"port '{port}' has no {text}; legal: {ends[0]} to {ends[1]}")
        if wanted[0] != wanted[1] and (wanted[0] < wanted[1]) != (self.left < self.right):
            raise TpeError(
                f"port '{port}': {text} is reversed; legal: as [{self.left}:{self.right}]"
            )
        low = min(abs(x - self.right) for x in wanted)
        count = abs(wanted[0] - wanted[1]) + 1
        if last is None:
            return low * element.bits, element
        part = Shape(count * element.bits, False, "", (), element, wanted[0], wanted[1])
        return low * element.bits, part

    def leaves(self, name: str, low: int = 0) -> Iterator[tuple[str, int, int]]:
        """Members down to the last struct: name, lowest bit, bits."""
        if not self.fields:
            yield name, low, self.bits
        for field, begin, shape in self.fields:
            yield from shape.leaves(f"{name}.{field}", low + begin)


def shape_of(kind: Any) -> Shape:
    """The shape of a type as slang elaborated it."""
    plain = kind.canonicalType
    if plain.isUnpackedArray:
        return Shape(0, reason="an unpacked array")
    if not plain.isIntegral:
        words = {True: f"of type {plain}", False: "no vector of bits"}
        return Shape(0, reason=words[plain.isFloating or plain.isString or plain.isCHandle])
    bits, signed = int(plain.bitWidth), bool(plain.isSigned)
    if plain.kind.name in ("PackedStructType", "PackedUnionType"):
        fields = tuple(
            (str(x.name), int(x.bitOffset), shape_of(x.type))
            for x in plain
            if x.kind.name == "Field"
        )
        return Shape(bits, signed, "", fields)
    if plain.kind.name == "PackedArrayType":
        span = plain.range
        return Shape(
            bits, signed, "", (), shape_of(plain.elementType), int(span.left), int(span.right)
        )
    if bits > 1 and not plain.isEnum:  # int, byte and the like
        return Shape(bits, signed, "", (), Shape(1), bits - 1, 0)
    return Shape(bits, signed)
