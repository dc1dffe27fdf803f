"""Somebody's multiplier in Verilog, read off in Verilator: the product of every pair of codes.

The file stands alone: a combinational module of two inputs, at most 8 bits each, and one output.
The first input as declared is the first operand. Which ports these are is seen from the module,
the one that no other of the file instantiates.
"""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePath

import numpy as np

from tpe.base.errors import TpeError
from tpe.base.files import decode
from tpe.hdl.foreign.bench import BUILD_SHARE, bench, play
from tpe.hdl.foreign.files import FileSet
from tpe.hdl.foreign.model import build_model
from tpe.hdl.foreign.read import UserModule, UserPort, read_module
from tpe.hdl.foreign.roles import pins
from tpe.hdl.foreign.slang_ports import tops
from tpe.hdl.foreign.stimulus import stimulus
from tpe.numbers.formats import IntFormat
from tpe.numbers.multiplier_table import MOST_BITS, MultiplierTable, multiplier_table
from tpe.numbers.operands import Ints
from tpe.numbers.words import wrap

WIDEST = 32  # bits of a product
LIMIT_S = 60.0  # of the simulation; Verilator and the compiler may take ten times as long


def read_verilog(path: str, content: bytes, a: IntFormat, b: IntFormat) -> MultiplierTable:
    """The table of the module in a Verilog file, for operands of these formats.

    The output is a two's-complement number if an operand is signed, else unsigned. Raises
    TpeError, one line that begins with the path: text that Verilator refuses, several modules on
    top, ports of another number or width, and results that depend on more than both operands.
    """
    try:
        module = _module(path, decode(path, content, "Verilog"))
        first, second, result = _ports(module, a, b)
        words = _words(module, first, second, result)
    except TpeError as error:
        text = str(error)
        raise TpeError(text if text.startswith(f"{path}:") else f"{path}: {text}") from None
    products = wrap(words, result.bits) if a.signed or b.signed else words
    return multiplier_table(products, a, b, path)


def _module(path: str, text: str) -> UserModule:
    names = tops(text)
    if len(names) != 1:
        raise TpeError(
            f"{', '.join(names) or 'no module'} on top; legal: one module that no other one uses"
        )
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        # A copy, with nothing beside it: an included file would be no part of what was hashed.
        copy = Path(folder) / PurePath(path).name
        copy.write_text(text)
        try:
            return read_module(FileSet(files=[copy]), names[0], {}, LIMIT_S * BUILD_SHARE)
        except TpeError as error:  # of the user's file, not of its copy
            raise TpeError(str(error).replace(f"{folder}/", "")) from None


def _ports(module: UserModule, a: IntFormat, b: IntFormat) -> tuple[UserPort, UserPort, UserPort]:
    """Both operands, in the order of the module, and the result."""
    ports = list(module.ports.values())
    inputs = [port for port in ports if port.direction == "input"]
    outputs = [port for port in ports if port.direction == "output"]
    if (len(inputs), len(outputs), len(ports)) != (2, 1, 3):
        names = ", ".join(f"{port.direction} {port.name}" for port in ports) or "no port"
        raise TpeError(f"{module.top} has {names}; legal: two inputs, one output, no clock")
    for port, most in ((inputs[0], MOST_BITS), (inputs[1], MOST_BITS), (outputs[0], WIDEST)):
        if port.kind or not 1 <= port.bits <= most:
            what = port.kind or f"{port.bits} bits"
            raise TpeError(f"port '{port.name}' is {what}; legal: a vector of 1 to {most} bits")
    for port, number, field in ((inputs[0], a, "first"), (inputs[1], b, "second")):
        if port.bits != number.bits:
            raise TpeError(
                f"port '{port.name}' has {port.bits} bits; legal for {number.name}, the {field} "
                f"operand: {number.bits}"
            )
    return inputs[0], inputs[1], outputs[0]


def _words(module: UserModule, first: UserPort, second: UserPort, result: UserPort) -> Ints:
    """What the module shows for every pair of codes, unsigned; pairs come in no order.

    Thousands come several times, each behind others, and have to give the same again: a module
    that remembers hardly does.
    """
    ports = {"a": first.name, "b": second.name, "out": result.name}
    connections = pins(module, ports, None)
    types = {"a": f"uint{first.bits}", "b": f"uint{second.bits}"}
    model = build_model(_product, connections, types)
    given = stimulus(model, connections, None, 1, 0)
    design = bench(module, connections, [], given.cycles, "")
    shown = play(design, model, connections, given, 0, None, LIMIT_S).out[given.at]
    codes = given.vectors["a"][:, 0], given.vectors["b"][:, 0]
    words = np.zeros((1 << first.bits, 1 << second.bits), np.int64)
    words[codes] = shown.astype(np.int64)
    differing = np.flatnonzero(words[codes] != shown.astype(np.int64))
    if differing.size:
        x, y = (int(side[differing[0]]) for side in codes)
        raise TpeError(
            f"{module.top} gives {int(shown[differing[0]])} and {words[x, y]} for codes {x} and "
            f"{y}; legal: a combinational module"
        )
    return words


def _product(a: Ints, b: Ints) -> Ints:
    """What nothing is compared with: the bench wants a model of what it plays."""
    return a * b
