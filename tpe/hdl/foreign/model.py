"""What a user's PE should compute: operand types, lanes, and the model of its result."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.hdl.foreign.roles import CONTROLS, Connection
from tpe.numbers.formats import IntFormat
from tpe.numbers.operands import Ints

WIDEST_OPERAND = 32
MODELS = {
    "multiply": ("a", "b"),
    "multiply_add": ("a", "b", "c"),
    "dot": ("a", "b"),
    "mac": ("a", "b"),
}
_TYPE = re.compile(r"(u?)int([1-9]\d?)")


@dataclass(frozen=True)
class OperandPort:
    """An operand as it goes in: `lanes` values of one type, lane 0 in the lowest bits."""

    pin: Connection
    number: IntFormat
    lanes: int
    declared: bool  # the user named the type; else it is the port's

    @property
    def role(self) -> str:
        """Its name in the model."""
        return self.pin.role


@dataclass(frozen=True)
class Model:
    """Operands -> result, compared modulo 2**`bits`; `sums` if results accumulate."""

    name: str
    operands: tuple[OperandPort, ...]
    bits: int
    signed: bool
    sums: bool
    function: Callable[..., Any] | None = None

    def terms(self, values: Mapping[str, Ints]) -> Ints:
        """The result of each vector alone, int64 modulo 2**64; `values` are (vectors, lanes)."""
        if self.function is not None:
            return _called(self.function, self.operands, values)
        total: Ints = (values["a"] * values["b"]).sum(axis=1)
        return total + values["c"][:, 0] if "c" in values else total

    def largest_term(self) -> tuple[int, int]:
        """The range of a product, summed over lanes."""
        a, b = self.operands[0], self.operands[1]
        corners = [
            x * y for x in (a.number.low, a.number.high) for y in (b.number.low, b.number.high)
        ]
        return a.lanes * min(corners), a.lanes * max(corners)

    def terms_in_range(self) -> int:
        """How many terms a sum may have and never leave the result's bits."""
        low, high = self.largest_term()
        ends = (1 << (self.bits - 1)) if self.signed else 1 << self.bits
        limits = [(ends - 1) // high] if high > 0 else []
        limits += [ends // -low] if low < 0 else []
        return min(limits, default=1)

    def reduced(self, words: Ints) -> Ints:
        """Words modulo 2**bits, as the result's type shows them."""
        if self.bits == 64:
            return words.astype(np.int64 if self.signed else np.uint64)
        low = words.astype(np.int64) & ((1 << self.bits) - 1)
        half = 1 << (self.bits - 1)
        return ((low + half) & ((1 << self.bits) - 1)) - half if self.signed else low


def number_type(text: str, field: str) -> IntFormat:
    """An operand type, int1 to int32 or uint1 to uint32; TpeError naming the field.

    >>> number_type("uint12", "types a").high
    4095
    """
    match = _TYPE.fullmatch(str(text))
    if not match or int(match.group(2)) > WIDEST_OPERAND:
        raise TpeError(
            f"{field} = {text!r} is not legal: int1 to int{WIDEST_OPERAND}, "
            f"uint1 to uint{WIDEST_OPERAND}"
        )
    return IntFormat(str(text), int(match.group(2)), match.group(1) == "")


def build_model(
    model: str | Callable[..., Any], pins: Mapping[str, Connection], types: Mapping[str, str]
) -> Model:
    """The model over the operands that `pins` holds; TpeError where they do not fit together."""
    roles = [role for role in pins if role not in CONTROLS]
    for role in types:
        if role not in (*roles, "out"):
            raise unknown("role of types", role, (*roles, "out"))
    name, function = _function(model)
    if function is None:
        _check_roles(name, roles)
        roles = list(MODELS[name])
    operands = tuple(_operand(pins[role], types.get(role)) for role in roles)
    out = pins["out" if "out" in pins else "sum"].parts[0]
    signed = out.signed or any(x.number.signed for x in operands)
    if "out" in types:
        chosen = _TYPE.fullmatch(str(types["out"]))
        if not chosen or int(chosen.group(2)) != out.bits:
            raise TpeError(
                f"types out = {types['out']!r}: port '{out.name}' has {out.bits} bits; "
                f"legal: int{out.bits}, uint{out.bits}"
            )
        signed = chosen.group(1) == ""
    built = Model(name, operands, out.bits, signed, name == "mac", function)
    if function is None:
        _check_lanes(built)
        _check_result(built, out.name)
    _check_controls(built, pins)
    _check_pace(built, pins)
    return built


def _function(model: str | Callable[..., Any]) -> tuple[str, Callable[..., Any] | None]:
    if callable(model):
        return getattr(model, "__name__", type(model).__name__), model
    path, colon, name = str(model).rpartition(":")
    if colon and path.endswith(".py"):
        return name, _loaded(path, name)
    if model not in MODELS:
        raise unknown("model", model, [*MODELS, "a Python callable", "FILE.py:FUNCTION"])
    return model, None


def _loaded(path: str, name: str) -> Callable[..., Any]:
    if not Path(path).is_file():
        raise TpeError(f"model '{path}:{name}': no such file")
    spec = importlib.util.spec_from_file_location("tpe_user_model", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's file raises
        raise TpeError(f"model '{path}:{name}': {type(error).__name__}: {error}") from None
    function = getattr(module, name, None)
    if not callable(function):
        raise unknown(f"function of {path}", name, [x for x in vars(module) if x[:1] != "_"])
    chosen: Callable[..., Any] = function
    return chosen


def _check_roles(model: str, roles: list[str]) -> None:
    wanted = MODELS[model]
    for role in roles:
        if role not in wanted:
            raise unknown(f"role of ports for model {model}", role, (*wanted, *CONTROLS))
    for role in wanted:
        if role not in roles:
            raise TpeError(
                f"ports lacks '{role}' for model {model}; legal: {', '.join(wanted)} and out"
            )


def _operand(pin: Connection, name: str | None) -> OperandPort:
    """The operand on a pin; without a type, each port is a lane of its own width and sign."""
    first = pin.parts[0]
    if name is None:
        if first.bits > WIDEST_OPERAND:
            raise TpeError(
                f"{pin.role}: port '{first.name}' has {first.bits} bits; name the type of a lane: "
                f"types = {{'{pin.role}': 'int8'}}, --type {pin.role}=int8"
            )
        if any((p.bits, p.signed) != (first.bits, first.signed) for p in pin.parts):
            raise TpeError(f"{pin.role}: ports {pin.names} differ; legal: of one width and sign")
        kind = f"{'' if first.signed else 'u'}int{first.bits}"
        return OperandPort(pin, number_type(kind, pin.role), len(pin.parts), False)
    number = number_type(name, f"types {pin.role}")
    for port in pin.parts:
        if port.bits % number.bits:
            raise TpeError(
                f"{pin.role}: port '{port.name}' has {port.bits} bits and does not fit "
                f"{number.name}; legal: {number.bits} bits, or a multiple for lanes"
            )
    return OperandPort(pin, number, pin.bits // number.bits, True)


def _check_lanes(model: Model) -> None:
    lanes = model.operands[0].lanes if model.name in ("dot", "mac") else 1
    for x in model.operands:
        wanted = 1 if x.role == "c" else lanes
        if x.lanes != wanted:
            raise TpeError(
                f"{x.role}: port '{x.pin.names}' has {x.pin.bits} bits, {x.lanes} x "
                f"{x.number.name}; legal for model {model.name}: {wanted * x.number.bits} bits, "
                f"{wanted} x {x.number.name}"
            )


def _check_result(model: Model, port: str) -> None:
    low, high = model.largest_term()
    needed = max(high, -low - 1).bit_length() + (1 if low < 0 else 0)
    if model.bits < needed:
        types = ", ".join(f"{x.role} {x.number.name}" for x in model.operands)
        raise TpeError(
            f"out: port '{port}' has {model.bits} bits; {model.name} of {types} needs {needed}; "
            f"legal: {needed} bits or more, or a Python callable, compared modulo 2**{model.bits}"
        )


def _check_controls(model: Model, pins: Mapping[str, Connection]) -> None:
    if not model.sums:
        for role in ("clear", "first"):
            if role in pins:
                raise TpeError(
                    f"ports maps {role}, but {model.name} keeps no sum; legal: model mac"
                )
        return
    if "clk" not in pins:
        raise TpeError("ports lacks 'clk': model mac sums over clock cycles")
    if "clear" in pins and "first" in pins:
        raise TpeError("ports maps clear and first; legal: one of them")
    if not {"clear", "first", "rst"} & set(pins):
        raise TpeError("ports lacks clear, first and rst: model mac needs one, to begin a sum")


def _check_pace(model: Model, pins: Mapping[str, Connection]) -> None:
    """What does not go with `ready`: the bench waits for it, cycle by cycle."""
    if "ready" not in pins:
        return
    for role in ("load", "clear"):
        if role in pins:
            raise TpeError(f"ports maps ready and {role}; legal: one of them")
    if model.sums and "first" not in pins:
        raise TpeError("ports lacks 'first': with ready, model mac begins a sum by it")
    late = next((pin for pin in pins.values() if pin.delay), None)
    if late is not None:
        raise TpeError(f"{late.role}: '{late.written}' has a delay; legal with ready: none")


def _called(
    function: Callable[..., Any], operands: tuple[OperandPort, ...], values: Mapping[str, Ints]
) -> Ints:
    """The user's model; operands by name, vectors alone if an operand has one lane."""
    given = {x.role: values[x.role] if x.lanes > 1 else values[x.role][:, 0] for x in operands}
    name = getattr(function, "__name__", "model")
    count = len(next(iter(given.values())))
    try:
        result = function(**given) if _by_name(function, list(given)) else function(*given.values())
    except TpeError:
        raise
    except Exception as error:  # whatever the user's function raises
        raise TpeError(f"model {name} raised {type(error).__name__}: {error}") from None
    array = np.asarray(result)
    if array.shape != (count,) or array.dtype.kind not in "iubO":
        raise TpeError(
            f"model {name} returned {array.dtype} of shape {array.shape}; "
            f"legal: integers of shape ({count},)"
        )
    if array.dtype.kind == "O":
        array = np.array([int(x) & (2**64 - 1) for x in array], np.uint64)
    return array.astype(np.int64)


def _by_name(function: Callable[..., Any], roles: list[str]) -> bool:
    """Whether operands go in by name: always, but for a ufunc, which has no names to check."""
    try:
        inspect.signature(function).bind(**dict.fromkeys(roles))
    except ValueError:
        return False
    except TypeError as error:
        if isinstance(function, np.ufunc):
            return False
        name = getattr(function, "__name__", "model")
        raise TpeError(f"model {name} does not take {', '.join(roles)}: {error}") from None
    return True
