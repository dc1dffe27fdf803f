"""Boolean functions of Liberty cells: read once, evaluated over arrays, written as Verilog.

Operators of the manual, strongest first: `!x` and `x'`; `^`; `*`, `&` or nothing between two
operands; `+` and `|`. Constants are 0 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tpe.base.errors import TpeError

_TOKEN = re.compile(r"\s*(?:([A-Za-z_][\w\[\].]*|\\\S+)|([01])(?!\w)|([!'^*&+|()]))")
_Rule = Callable[[list[str], str], tuple["Node", list[str]]]
_VERILOG = {"and": "&", "or": "|", "xor": "^"}


@dataclass(frozen=True)
class Node:
    """An operator (`and`, `or`, `xor`, `not`), a pin (`pin`) or a constant (`0`, `1`)."""

    op: str
    inputs: tuple[Node, ...] = ()
    pin: str = ""


@cache
def parse(text: str) -> Node:
    """The tree of a function; TpeError, without a file's name, if it is none.

    >>> parse("!(A B)").op
    'not'
    """
    tokens = _tokens(text)
    node, rest = _or(tokens, text)
    if rest:
        raise TpeError(f"function {text!r}: unexpected {rest[0]!r}")
    return node


@cache
def pins(text: str) -> tuple[str, ...]:
    """The pins of a function, sorted.

    >>> pins("(B & A) | !A")
    ('A', 'B')
    """
    return tuple(sorted(_pins(parse(text))))


def evaluate(text: str, values: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """The function's value for arrays of pin values of one shape; KeyError for a missing pin.

    >>> evaluate("A ^ B'", {"A": np.array([0, 1], bool), "B": np.array([0, 0], bool)})
    array([ True, False])
    """
    return np.asarray(_evaluate(parse(text), values), bool)


def truth_table(text: str, order: Sequence[str]) -> int:
    """The function as an integer: bit i is its value where pin k holds bit k of i.

    >>> bin(truth_table("!(A & B)", ["A", "B"]))
    '0b111'
    """
    rows = np.arange(2 ** len(order))
    values = {pin: (rows >> k & 1).astype(bool) for k, pin in enumerate(order)}
    result = np.broadcast_to(evaluate(text, values), rows.shape)
    return sum(1 << int(row) for row in rows[result])


def verilog(text: str) -> str:
    """The function as a Verilog expression.

    >>> verilog("!(A1 A2 + B')")
    '~((A1 & A2) | ~B)'
    """
    return _verilog(parse(text))


def _tokens(text: str) -> list[str]:
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise TpeError(f"function {text!r}: unexpected {text[position:].strip()[0]!r}")
        tokens.append(match.group().strip())
        position = match.end()
    return tokens


def _or(tokens: list[str], text: str) -> tuple[Node, list[str]]:
    return _chain(tokens, text, "or", ("+", "|"), _and)


def _and(tokens: list[str], text: str) -> tuple[Node, list[str]]:
    node, tokens = _xor(tokens, text)
    while tokens and tokens[0] not in ("+", "|", ")"):
        tokens = tokens[1:] if tokens[0] in ("*", "&") else tokens
        right, tokens = _xor(tokens, text)
        node = Node("and", (node, right))
    return node, tokens


def _xor(tokens: list[str], text: str) -> tuple[Node, list[str]]:
    return _chain(tokens, text, "xor", ("^",), _operand)


def _chain(
    tokens: list[str], text: str, op: str, signs: tuple[str, ...], operand: _Rule
) -> tuple[Node, list[str]]:
    node, tokens = operand(tokens, text)
    while tokens and tokens[0] in signs:
        right, tokens = operand(tokens[1:], text)
        node = Node(op, (node, right))
    return node, tokens


def _operand(tokens: list[str], text: str) -> tuple[Node, list[str]]:
    if not tokens:
        raise TpeError(f"function {text!r}: an operand is missing at its end")
    head, rest = tokens[0], tokens[1:]
    if head == "!":
        inner, rest = _operand(rest, text)
        return Node("not", (inner,)), rest
    if head == "(":
        node, rest = _or(rest, text)
        if not rest or rest[0] != ")":
            raise TpeError(f"function {text!r}: a ')' is missing")
        rest = rest[1:]
    elif head in ("0", "1"):
        node = Node(head)
    elif head[0].isalpha() or head[0] in "_\\":
        node = Node("pin", pin=head)
    else:
        raise TpeError(f"function {text!r}: unexpected {head!r}")
    while rest and rest[0] == "'":
        node, rest = Node("not", (node,)), rest[1:]
    return node, rest


def _pins(node: Node) -> set[str]:
    if node.op == "pin":
        return {node.pin}
    return set().union(*map(_pins, node.inputs))


def _evaluate(node: Node, values: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    if node.op == "pin":
        return values[node.pin]
    if node.op in ("0", "1"):
        return np.array(node.op == "1")
    inputs = [_evaluate(part, values) for part in node.inputs]
    if node.op == "not":
        return ~inputs[0]
    left, right = inputs
    return left & right if node.op == "and" else left | right if node.op == "or" else left ^ right


def _verilog(node: Node) -> str:
    if node.op == "pin":
        return node.pin
    if node.op in ("0", "1"):
        return f"1'b{node.op}"
    if node.op == "not":
        return f"~{_verilog(node.inputs[0])}"
    left, right = map(_verilog, node.inputs)
    return f"({left} {_VERILOG[node.op]} {right})"
