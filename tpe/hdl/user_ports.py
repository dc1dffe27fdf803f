"""Somebody else's module: its text, its ports as elaborated, and which port plays which role."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tpe.errors import TpeError, unknown
from tpe.hdl.build import BuildFailed
from tpe.hdl.elaborate import constant, tree
from tpe.hdl.toolchain import verilator

# Roles that say something about a cycle; every other role is an operand.
INPUTS = ("clk", "rst", "valid", "clear", "first")
OUTPUTS = ("out", "out_valid")
CONTROLS = (*INPUTS, *OUTPUTS)
WIDEST_RESULT = 64
_NUMBER = re.compile(r"-?\d+(\.\d+)?|\d*'s?[bodhBODH][0-9a-fA-F_]+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_KEYWORD_BITS = {"byte": 8, "shortint": 16, "int": 32, "integer": 32, "longint": 64, "time": 64}


@dataclass(frozen=True)
class Port:
    """A port as elaborated: direction `input`, `output` or `inout`; bits 0 if it is no vector."""

    name: str
    direction: str
    bits: int
    signed: bool
    kind: str = ""  # why it is no vector of bits


@dataclass(frozen=True)
class Pin:
    """The ports that play one role; `low` if the role is active when the port is 0."""

    role: str
    ports: tuple[Port, ...]
    low: bool = False

    @property
    def bits(self) -> int:
        """Bits of all ports."""
        return sum(port.bits for port in self.ports)

    @property
    def names(self) -> str:
        """For a message: the names of the ports."""
        return ", ".join(port.name for port in self.ports)


@dataclass(frozen=True)
class Module:
    """A user's top: its preprocessed text, its name, parameters given, and ports."""

    text: str
    top: str
    params: Mapping[str, str]  # as Verilog literals
    ports: Mapping[str, Port]


# ---- from files to a module ----


def read_module(
    files: Sequence[str | os.PathLike[str]],
    top: str,
    params: Mapping[str, Any],
    include: Sequence[str | os.PathLike[str]] = (),
    define: Mapping[str, Any] | None = None,
) -> Module:
    """Preprocess and elaborate `top`; TpeError with Verilator's first error if it refuses."""
    if not files:
        raise TpeError("no file given; legal: one Verilog or SystemVerilog file or more")
    for file in files:
        if not Path(file).is_file():
            raise TpeError(f"cannot read {file}: no such file")
    if not _IDENTIFIER.fullmatch(top):
        raise TpeError(f"top = {top!r} is not legal: the name of a module")
    text = _preprocessed(files, include, define or {})
    literals = {name: literal(value) for name, value in params.items()}
    try:
        design = _elaborated(text, top, literals)
    except BuildFailed as failed:
        raise _refusal(text, top, literals, str(failed)) from None
    return Module(text, top, literals, {port.name: port for port in _ports(design, top)})


def literal(value: Any) -> str:
    """A parameter's value in Verilog: numbers as they are, other text as a string.

    >>> literal(8), literal("16'hbeef"), literal("table.hex")
    ('8', "16'hbeef", '"table.hex"')
    """
    text = str(int(value)) if isinstance(value, bool) else str(value)
    if _NUMBER.fullmatch(text):
        return text
    if any(c in text for c in '"\\\n'):
        raise TpeError(f"parameter value {text!r} is not legal: a number, or text without quotes")
    return f'"{text}"'


def _preprocessed(
    files: Sequence[str | os.PathLike[str]],
    include: Sequence[str | os.PathLike[str]],
    define: Mapping[str, Any],
) -> str:
    tool = verilator()
    command = [tool.executable, "-E", *(f"-I{folder}" for folder in include)]
    # A file finds what stands beside it, wherever the command runs.
    command += sorted({f"-I{Path(file).parent}" for file in files})
    command += [f"-D{name}={value}" for name, value in define.items()]
    done = subprocess.run(
        [*command, *(os.fspath(file) for file in files)],
        env=tool.environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise TpeError(f"Verilator refuses {files[0]}: {first_error(done.stderr)}")
    return done.stdout


def first_error(text: str) -> str:
    """The first error that Verilator reports: FILE:LINE:COLUMN and what it is.

    >>> first_error("%Warning-WIDTH: a.v:1:1: x\\n%Error: a.v:3:5: syntax error\\n")
    'a.v:3:5: syntax error'
    """
    found = re.search(r"^%Error(?:-\w+)?: (.*)$", text, re.MULTILINE)
    return (
        found.group(1).strip() if found else (text.strip().splitlines() or ["no reason given"])[0]
    )


def _elaborated(text: str, top: str, params: Mapping[str, str]) -> dict[str, Any]:
    flags = tuple(f"-G{name}={value}" for name, value in params.items())
    return tree({"user_design": text}, top, (*flags, "-Wno-lint", "-Wno-style"))


def _refusal(text: str, top: str, params: Mapping[str, str], message: str) -> TpeError:
    """The error for a design that does not elaborate: its top, its parameters, or its text."""
    first = first_error(message)
    if first.startswith("Specified --top-module"):
        if not _module_names(text):
            return TpeError(f"top {top}: no module in the files; legal: Verilog or SystemVerilog")
        return unknown("top module", top, dict.fromkeys(_module_names(text)))
    if first.startswith("Parameters from the command line"):
        known = _parameters(_elaborated(text, top, {}), top)
        wrong = next((name for name in params if name not in known), "")
        if not known:
            return TpeError(f"{top} has no parameter '{wrong}'; legal: no parameter")
        return unknown(f"parameter of {top}", wrong, known)
    return TpeError(f"Verilator refuses {top}: {first}")


def _module_names(text: str) -> list[str]:
    bare = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    return re.findall(r"\bmodule\s+(?:automatic\s+|static\s+)?(\w+)", bare)


def _top(design: Mapping[str, Any], top: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(
        module for module in design["modulesp"] if module.get("origName") == top
    )
    return found


def _parameters(design: Mapping[str, Any], top: str) -> list[str]:
    return [v["name"] for v in _top(design, top)["stmtsp"] if v.get("isGParam")]


def _ports(design: Mapping[str, Any], top: str) -> Iterator[Port]:
    types = {node["addr"]: node for table in design["miscsp"] for node in table.get("typesp", ())}
    for variable in _top(design, top)["stmtsp"]:
        if variable.get("type") != "VAR" or variable.get("direction", "NONE") == "NONE":
            if variable.get("varType") == "IFACEREF":
                yield Port(variable["origName"], "inout", 0, False, "an interface")
            continue
        bits, signed, kind = _shape(variable["dtypep"], types)
        yield Port(variable["origName"], variable["direction"].lower(), bits, signed, kind)


def _shape(address: str, types: Mapping[str, Any]) -> tuple[int, bool, str]:
    """Bits and signedness of a type, or why it is no vector."""
    node = types[address]
    kind, signed = node["type"], bool(node.get("signed"))
    if kind == "BASICDTYPE":
        if node.get("keyword") in ("real", "string", "event", "chandle"):
            return 0, False, f"of type {node['keyword']}"
        default = _KEYWORD_BITS.get(node.get("keyword", ""), 1)
        return (_span(node["range"]) if node.get("range") else default), signed, ""
    if kind in ("REFDTYPE", "ENUMDTYPE", "MEMBERDTYPE", "CONSTDTYPE"):
        return _shape(node.get("refDTypep") or node["dtypep"], types)
    if kind == "PACKARRAYDTYPE":
        bits, _, reason = _shape(node["refDTypep"], types)
        return bits * _range(node), signed, reason
    if kind in ("STRUCTDTYPE", "UNIONDTYPE") and node.get("packed"):
        members = [_shape(m["dtypep"], types)[0] for m in node["membersp"]]
        return (sum(members) if kind == "STRUCTDTYPE" else max(members)), signed, ""
    return 0, False, "an unpacked array" if kind == "UNPACKARRAYDTYPE" else "no vector of bits"


def _span(text: str) -> int:
    left, right = (int(x) for x in text.split(":"))
    return abs(left - right) + 1


def _range(node: Mapping[str, Any]) -> int:
    ends = node["rangep"][0]
    left, right = (constant(ends[side][0]["name"]) for side in ("leftp", "rightp"))
    return abs(left - right) + 1


# ---- from roles to ports ----


def pins(
    module: Module, ports: Mapping[str, str | Iterable[str] | None], reset: str | None
) -> dict[str, Pin]:
    """Role -> the ports that play it, checked against the module; TpeError for any that cannot.

    A role's value is a port's name, or several (one per lane); `PORT:low` is active low. `reset`
    is the role `rst`, as `PORT:low` or `PORT:high`, or only its polarity.
    """
    given = {role: _words(value) for role, value in ports.items() if value is not None}
    if reset is not None:
        given["rst"] = _reset(given.get("rst"), reset)
    found: dict[str, Pin] = {}
    taken: dict[str, str] = {}
    for role, words in given.items():
        found[role] = _pin(module, role, words)
        for port in found[role].ports:
            if port.name in taken:
                raise TpeError(f"port '{port.name}' is mapped to {taken[port.name]} and to {role}")
            taken[port.name] = role
    if "out" not in found:
        raise TpeError(f"ports lacks 'out', where the result is; legal: {_names(module, 'output')}")
    if not set(found) - set(CONTROLS):
        raise TpeError(
            f"ports names no operand, such as 'a' and 'b'; legal: {_names(module, 'input')}"
        )
    return found


def _words(value: str | Iterable[str]) -> list[str]:
    words = value.split(",") if isinstance(value, str) else [str(word) for word in value]
    return [word.strip() for word in words]


def _reset(named: list[str] | None, reset: str) -> list[str]:
    port, colon, level = reset.rpartition(":")
    if level not in ("low", "high") or (colon and not port) or (not colon and not named):
        raise TpeError(f"reset = {reset!r} is not legal: PORT:low or PORT:high")
    name = port if colon else (named or [""])[0].partition(":")[0]
    if named and named[0].partition(":")[0] != name:
        raise TpeError(f"reset = {reset!r}, but ports maps rst to '{named[0]}'; name one")
    return [f"{name}:{level}"]


def _pin(module: Module, role: str, words: list[str]) -> Pin:
    if not role.isidentifier():
        raise TpeError(f"role {role!r} is not legal: a name such as a, b, out")
    levels = [word.partition(":")[2] for word in words]
    chosen = tuple(_port(module, role, word.partition(":")[0]) for word in words)
    if role not in CONTROLS or role in ("out", "clk"):
        if any(levels):
            raise TpeError(f"{role}: '{words[0]}' has a level; legal for {role}: a port's name")
    elif levels[0] not in ("", "low", "high"):
        raise TpeError(f"{role}: level '{levels[0]}' of '{words[0]}'; legal: low, high")
    if role in CONTROLS and len(chosen) != 1:
        raise TpeError(f"{role} is mapped to {len(chosen)} ports; legal: one")
    name = chosen[0].name
    if role == "rst" and not levels[0]:
        raise TpeError(f"rst: the level of '{name}' is open; legal: {name}:low or {name}:high")
    if role in CONTROLS and role != "out" and chosen[0].bits != 1:
        raise TpeError(f"{role}: port '{name}' has {chosen[0].bits} bits; legal: 1")
    if role == "out" and chosen[0].bits > WIDEST_RESULT:
        raise TpeError(f"out: port '{name}' has {chosen[0].bits} bits; legal: 1 to {WIDEST_RESULT}")
    return Pin(role, chosen, levels[0] == "low")


def _port(module: Module, role: str, name: str) -> Port:
    direction = "output" if role in OUTPUTS else "input"
    if name not in module.ports:
        raise unknown(f"port of {module.top} for {role}", name, _of(module, direction))
    port = module.ports[name]
    if port.kind:
        raise TpeError(f"{role}: port '{name}' is {port.kind}; legal: a vector of bits")
    if port.direction != direction:
        raise TpeError(
            f"{role}: port '{name}' of {module.top} is an {port.direction}; legal: an {direction}, "
            f"of {_names(module, direction)}"
        )
    return port


def held(module: Module, found: Mapping[str, Pin], ties: Mapping[str, int]) -> dict[str, int]:
    """Inputs held at a value; TpeError for one that does not fit, or an input left open."""
    mapped = {port.name: role for role, pin in found.items() for port in pin.ports}
    for name, value in ties.items():
        port = _port(module, "ties", name)
        if name in mapped:
            raise TpeError(f"ties: port '{name}' is mapped to {mapped[name]} already")
        low = -(1 << (port.bits - 1))
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not (low <= value < 1 << port.bits)
        ):
            raise TpeError(
                f"ties: {name} = {value!r} does not fit {_bits(port)}; "
                f"legal: {low} to {(1 << port.bits) - 1}"
            )
    for port in module.ports.values():
        if port.direction == "output" or port.name in mapped or port.name in ties:
            continue
        if port.direction == "inout" or port.kind:
            what = port.kind or "an inout"
            raise TpeError(f"port '{port.name}' of {module.top} is {what}: wrap it in a module")
        raise TpeError(
            f"input '{port.name}' ({_bits(port)}) of {module.top} is mapped to no role; map it, "
            f"or hold it: ties = {{'{port.name}': 0}}, --tie {port.name}=0"
        )
    return {name: value & ((1 << module.ports[name].bits) - 1) for name, value in ties.items()}


def _bits(port: Port) -> str:
    return f"{port.bits} bit{'s' if port.bits != 1 else ''}"


def _of(module: Module, direction: str) -> list[str]:
    return [port.name for port in module.ports.values() if port.direction == direction]


def _names(module: Module, direction: str) -> str:
    return ", ".join(_of(module, direction)) or f"none, {module.top} has no {direction}"
