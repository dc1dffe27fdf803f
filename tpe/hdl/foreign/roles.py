"""Which port, or which part of one, plays which role, and how many cycles later it does so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tpe.base.errors import TpeError, unknown
from tpe.hdl.foreign.read import UserModule, UserPort

# Roles that say something about a cycle; every other role is an operand.
INPUTS = ("clk", "rst", "valid", "clear", "first", "load", "out_ready")
RESULTS = ("out", "sum", "carry")
OUTPUTS = (*RESULTS, "out_valid", "ready")
CONTROLS = (*INPUTS, *OUTPUTS)
WIDEST_RESULT = 64
LONGEST_DELAY = 16
_SUFFIX = re.compile(r"(?P<name>.*?)(?P<suffix>(?:@[^@:\[\].]*|:[^@:\[\].]*)*)", re.DOTALL)
_DELAY = re.compile(r"[+-]?\d{1,3}")


@dataclass(frozen=True)
class PartSelect:
    """A port, or some bits of one: `name` as the user wrote it, `low` the lowest bit."""

    name: str
    port: str
    low: int
    bits: int
    signed: bool


@dataclass(frozen=True)
class Connection:
    """What plays one role.

    `low`: the role is active when the port is 0. `delay`: what the port carries in a cycle belongs
    to the operands of so many cycles before.
    """

    role: str
    parts: tuple[PartSelect, ...]
    low: bool = False
    delay: int = 0

    @property
    def bits(self) -> int:
        """Bits of all parts."""
        return sum(part.bits for part in self.parts)

    @property
    def names(self) -> str:
        """For a message: the names of the parts."""
        return ", ".join(part.name for part in self.parts)

    @property
    def written(self) -> str:
        """As an option names it: `valid=v@1:low` without the role."""
        delay = f"@{self.delay}" if self.delay else ""
        return ",".join(part.name for part in self.parts) + delay + (":low" if self.low else "")


@dataclass(frozen=True)
class _Word:
    """A role's value taken apart: PORT@DELAY:LEVEL."""

    name: str
    delay: str
    level: str


def pins(
    module: UserModule, ports: Mapping[str, str | Iterable[str] | None], reset: str | None
) -> dict[str, Connection]:
    """Role -> what plays it, checked against the module; TpeError for any that cannot.

    A role's value is a port's name, a member of it (`in.x`, `v[3]`), or several (one per lane).
    `PORT:low` is active low, `PORT@1` belongs to the operands of the cycle before. `reset` is the
    role `rst`, as `PORT:low` or `PORT:high`, or only its polarity.
    """
    given = {role: _words(module, value) for role, value in ports.items() if value is not None}
    if reset is not None:
        given["rst"] = [_reset(module, given.get("rst"), reset)]
    found = {role: _pin(module, role, words) for role, words in given.items()}
    _check_overlap(found)
    _check_results(module, found)
    if not set(found) - set(CONTROLS):
        raise TpeError(
            f"ports names no operand, such as 'a' and 'b'; legal: {_names(module, 'input')}"
        )
    return found


def _words(module: UserModule, value: str | Iterable[str]) -> list[_Word]:
    if isinstance(value, str):
        words = [value] if value in module.ports else value.split(",")
    else:
        words = [str(word) for word in value]
    return [_word(module, word.strip()) for word in words]


def _word(module: UserModule, text: str) -> _Word:
    if text.removeprefix("\\") in module.ports:  # an escaped name may hold anything
        return _Word(text, "", "")
    match = _SUFFIX.fullmatch(text)
    assert match
    delay = level = ""
    for mark, value in re.findall(r"([@:])([^@:]*)", match["suffix"]):
        if mark == "@":
            delay = value or "?"
        else:
            level = value or "?"
    return _Word(match["name"].strip(), delay, level)


def _reset(module: UserModule, named: list[_Word] | None, reset: str) -> _Word:
    port, colon, level = reset.rpartition(":")
    if level not in ("low", "high") or (colon and not port) or (not colon and not named):
        raise TpeError(f"reset = {reset!r} is not legal: PORT:low or PORT:high")
    name = port if colon else (named or [])[0].name
    if named and named[0].name != name:
        raise TpeError(f"reset = {reset!r}, but ports maps rst to '{named[0].name}'; name one")
    return _Word(name, named[0].delay if named else "", level)


def _pin(module: UserModule, role: str, words: list[_Word]) -> Connection:
    if not role.isidentifier():
        raise TpeError(f"role {role!r} is not legal: a name such as a, b, out")
    parts = tuple(_part(module, role, word.name) for word in words)
    level, delay = words[0].level, _delay(role, words)
    if role not in CONTROLS or role in (*RESULTS, "clk"):
        if any(word.level for word in words):
            written = f"{words[0].name}:{level}"
            raise TpeError(f"{role}: '{written}' has a level; legal for {role}: a port's name")
    elif level not in ("", "low", "high"):
        raise TpeError(f"{role}: level '{level}' of '{words[0].name}:{level}'; legal: low, high")
    if role in CONTROLS and len(parts) != 1:
        raise TpeError(f"{role} is mapped to {len(parts)} ports; legal: one")
    name, bits = parts[0].name, parts[0].bits
    if role == "rst" and not level:
        raise TpeError(f"rst: the level of '{name}' is open; legal: {name}:low or {name}:high")
    if role in CONTROLS and role not in RESULTS and bits != 1:
        raise TpeError(f"{role}: port '{name}' has {bits} bits; legal: 1")
    if role in RESULTS and bits > WIDEST_RESULT:
        raise TpeError(f"{role}: port '{name}' has {bits} bits; legal: 1 to {WIDEST_RESULT}")
    return Connection(role, parts, level == "low", delay)


def _delay(role: str, words: list[_Word]) -> int:
    given = dict.fromkeys(word.delay or "0" for word in words)
    if len(given) > 1:
        raise TpeError(f"{role}: delays {', '.join(given)} differ; legal: one for all its ports")
    text = next(iter(given))
    if not _DELAY.fullmatch(text) or abs(int(text)) > LONGEST_DELAY:
        raise TpeError(
            f"{role}: delay '@{text}' of '{words[0].name}@{text}' is not legal: "
            f"-{LONGEST_DELAY} to {LONGEST_DELAY} cycles"
        )
    if int(text) and role in ("clk", "rst"):
        raise TpeError(f"{role}: '{words[0].name}@{text}' has a delay; legal for {role}: none")
    return int(text)


def _part(module: UserModule, role: str, name: str) -> PartSelect:
    port, path = split(module, name)
    direction = "output" if role in OUTPUTS else "input"
    if port not in module.ports:
        raise unknown(f"port of {module.top} for {role}", name, _of(module, direction))
    found = module.ports[port]
    if found.kind:
        raise TpeError(f"{role}: port '{name}' is {found.kind}; legal: a vector of bits")
    if found.direction != direction:
        raise TpeError(
            f"{role}: port '{name}' of {module.top} is an {found.direction}; legal: an "
            f"{direction}, of {_names(module, direction)}"
        )
    low, shape = found.shape.select(path, port)
    return PartSelect(name.removeprefix("\\"), port, low, shape.bits, shape.signed)


def split(module: UserModule, name: str) -> tuple[str, str]:
    """A port and what is selected of it: `in.x` is a member, unless a port is called so."""
    plain = name.removeprefix("\\").strip()
    if plain in module.ports:
        return plain, ""
    port, path = plain, ""
    while (cut := max(port.rfind("."), port.rfind("["))) > 0:
        port, path = port[:cut], port[cut:] + path
        if port in module.ports:
            return port, path
    return plain, ""


def _check_overlap(found: Mapping[str, Connection]) -> None:
    taken: list[tuple[str, PartSelect]] = []
    for role, pin in found.items():
        for part in pin.parts:
            for other, before in taken:
                if before.port != part.port or (role == other and part.bits == 0):
                    continue
                if part.low < before.low + before.bits and before.low < part.low + part.bits:
                    raise TpeError(f"port '{part.name}' is mapped to {other} and to {role}")
            taken.append((role, part))


def _check_results(module: UserModule, found: Mapping[str, Connection]) -> None:
    legal = _names(module, "output")
    pair = [role for role in ("sum", "carry") if role in found]
    if "out" in found and pair:
        raise TpeError(f"ports maps out and {pair[0]}; legal: out, or sum and carry")
    if len(pair) == 1:
        other = "carry" if pair[0] == "sum" else "sum"
        raise TpeError(f"ports maps {pair[0]} and no {other}; legal: both, or out; of {legal}")
    if not pair and "out" not in found:
        raise TpeError(f"ports lacks 'out', where the result is; legal: {legal}")
    if pair and (found["sum"].bits, found["sum"].delay) != (
        found["carry"].bits,
        found["carry"].delay,
    ):
        widths = f"{found['sum'].bits} and {found['carry'].bits} bits"
        raise TpeError(f"sum and carry have {widths}; legal: of one width and delay")
    if "out_ready" in found and "out_valid" not in found:
        raise TpeError("ports maps out_ready, but no out_valid; legal: both, or no out_ready")
    for role, needed in (("ready", "valid"), ("out_ready", "ready"), ("load", "b")):
        if role in found and needed not in found:
            raise TpeError(f"ports maps {role}, but no {needed}; legal: both, or no {role}")


# ---- what is held ----


def held(
    module: UserModule, connections: Mapping[str, Connection], ties: Mapping[str, int]
) -> list[tuple[PartSelect, int]]:
    """Inputs held at a value; TpeError for one that does not fit, or for bits left open."""
    tied = [(_tied(module, name), name, value) for name, value in ties.items()]
    mapped = [(role, part) for role, pin in connections.items() for part in pin.parts]
    for part, name, value in tied:
        for role, other in mapped:
            if other.port == part.port and not (
                part.low >= other.low + other.bits or other.low >= part.low + part.bits
            ):
                raise TpeError(f"ties: port '{name}' is mapped to {role} already")
        low = -(1 << (part.bits - 1))
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not (low <= value < 1 << part.bits)
        ):
            raise TpeError(
                f"ties: {name} = {value!r} does not fit {_bits(part.bits)}; "
                f"legal: {low} to {(1 << part.bits) - 1}"
            )
    covered = [part for _, part in mapped] + [part for part, _, _ in tied]
    for port in module.ports.values():
        if port.direction != "output":
            _check_open(module, port, [part for part in covered if part.port == port.name])
    return [(part, value & ((1 << part.bits) - 1)) for part, _, value in tied]


def _tied(module: UserModule, name: str) -> PartSelect:
    return _part(module, "ties", name)


def _check_open(module: UserModule, port: UserPort, covered: list[PartSelect]) -> None:
    if port.direction == "inout" or port.kind:
        what = port.kind or "an inout"
        raise TpeError(f"port '{port.name}' of {module.top} is {what}: wrap it in a module")
    mask = 0
    for part in covered:
        mask |= ((1 << part.bits) - 1) << part.low
    for name, low, bits in port.shape.leaves(port.name):
        missing = ~(mask >> low) & ((1 << bits) - 1)
        if missing:
            which = name if missing == (1 << bits) - 1 else f"{name}[{missing.bit_length() - 1}]"
            raise TpeError(
                f"input '{which}' ({_bits(missing.bit_count())}) of {module.top} is mapped to no "
                f"role; map it, or hold it: ties = {{'{which}': 0}}, --tie {which}=0"
            )


def _bits(count: int) -> str:
    return f"{count} bit{'s' if count != 1 else ''}"


def _of(module: UserModule, direction: str) -> list[str]:
    return [port.name for port in module.ports.values() if port.direction == direction]


def _names(module: UserModule, direction: str) -> str:
    return ", ".join(_of(module, direction)) or f"none, {module.top} has no {direction}"
