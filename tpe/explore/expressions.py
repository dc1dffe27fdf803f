"""Conditions as text, of a small language of their own: read by `ast`, never run as Python.

Names, numbers, text in quotes and true or false; `+ - * / // %`; comparisons, chained ones too, and
`in` a list; `and`, `or`, `not`; brackets. Values are NumPy arrays of one length, or single values.

    rows * cols <= 1024
    pe == 'mac' or lanes in [2, 4]

>>> rule = Expression("rows * cols <= 64 and pe != 'mac'")
>>> sorted(rule.names), rule.value({"rows": np.array([4, 16]), "cols": 8, "pe": "opt1"}).tolist()
(['cols', 'pe', 'rows'], [True, False])
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np

from tpe.base.errors import TpeError

LONGEST = 1000  # characters
LARGEST = 2**53  # of a number: all is calculated in float64
LEGAL = "names, numbers, text in quotes, + - * / // %, comparisons, in [...], and, or, not"

Value = Any  # a number, a text, a flag, or an array of them

_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
}
_ORDER: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_LOGIC = {ast.And: np.logical_and, ast.Or: np.logical_or}
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True)
class Expression:
    """A condition; TpeError, with the part that is not of the language, if it is none."""

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TpeError(f"constraint {self.text!r} is not legal: text")
        _check(self, self._tree)

    @cached_property
    def _tree(self) -> ast.expr:
        if len(self.text) > LONGEST:
            raise self.refusal(f"{len(self.text)} characters; legal: up to {LONGEST}")
        try:
            return ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
            raise self.refusal(f"cannot be read: {reason}; legal: {LEGAL}") from None

    @cached_property
    def names(self) -> frozenset[str]:
        """What it speaks of."""
        every = (node for node in ast.walk(self._tree) if isinstance(node, ast.Name))
        return frozenset(node.id for node in every) - _FLAGS.keys()

    def value(self, values: Mapping[str, Value]) -> Any:
        """Whether it holds, an array of flags or one flag, where names have these values.

        TpeError if text is compared with numbers, for a division by zero, and for a result that is
        no flag.
        """
        try:
            result = np.asarray(_value(self._tree, values))
        except FloatingPointError:
            raise self.refusal("a division by zero, or a number that is too large") from None
        except TypeError as error:
            raise self.refusal(str(error).splitlines()[0]) from None
        if result.dtype != bool:
            raise self.refusal("a number or a text; legal: what is true or false")
        return result

    def refusal(self, reason: str) -> TpeError:
        """The error that names the condition."""
        shown = self.text if len(self.text) <= 100 else self.text[:100] + "..."
        return TpeError(f"constraint {shown!r}: {reason}")


def _check(expression: Expression, node: ast.AST) -> None:
    """TpeError for what is not of the language."""
    operators = (*_ARITHMETIC, *_ORDER, *_LOGIC, ast.Eq, ast.NotEq, ast.In, ast.NotIn)
    kinds = (ast.Name, ast.BinOp, ast.BoolOp, ast.UnaryOp, ast.Compare, ast.List, ast.Tuple)
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant):
            _check_constant(expression, inner.value)
        elif not isinstance(inner, (*kinds, *operators, ast.Not, ast.USub, ast.Load)):
            part = ast.unparse(inner) if isinstance(inner, ast.expr) else type(inner).__name__
            raise expression.refusal(f"{part[:60]!r} is not legal: {LEGAL}")
        if isinstance(inner, ast.Compare):
            _check_lists(expression, inner)


def _check_constant(expression: Expression, value: object) -> None:
    number = isinstance(value, int | float) and abs(value) <= LARGEST
    if not number and not isinstance(value, str | bool):
        raise expression.refusal(f"{value!r} is not legal: text, or a number up to 2**53")


def _check_lists(expression: Expression, node: ast.Compare) -> None:
    """A list stands behind `in`, and nothing else does."""
    for op, right in zip(node.ops, node.comparators, strict=True):
        listed = isinstance(right, ast.List | ast.Tuple)
        if listed is not isinstance(op, ast.In | ast.NotIn):
            raise expression.refusal(f"{ast.unparse(right)[:60]!r}; legal: a list behind in")


def _value(node: ast.AST, values: Mapping[str, Value]) -> Value:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return _FLAGS[node.id] if node.id in _FLAGS else values[node.id]
    if isinstance(node, ast.BoolOp):
        parts = (_flag(_value(part, values)) for part in node.values)
        return reduce(_LOGIC[type(node.op)], parts)
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, values)
        return np.logical_not(_flag(inner)) if isinstance(node.op, ast.Not) else -_number(inner)
    if isinstance(node, ast.BinOp):
        left, right = (_number(_value(side, values)) for side in (node.left, node.right))
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            return _ARITHMETIC[type(node.op)](left, right)
    if isinstance(node, ast.Compare):
        return _compared(node, values)
    raise TypeError("a list; legal: behind in")


def _compared(node: ast.Compare, values: Mapping[str, Value]) -> Value:
    """A chain of comparisons: all of them hold."""
    left, results = _value(node.left, values), []
    for op, place in zip(node.ops, node.comparators, strict=True):
        if isinstance(place, ast.List | ast.Tuple):
            members = [_equal(left, _value(item, values)) for item in place.elts]
            inside = reduce(np.logical_or, members, np.False_)
            results.append(np.logical_not(inside) if isinstance(op, ast.NotIn) else inside)
            continue
        right = _value(place, values)
        if isinstance(op, ast.Eq | ast.NotEq):
            same = _equal(left, right)
            results.append(same if isinstance(op, ast.Eq) else np.logical_not(same))
        else:
            results.append(_ORDER[type(op)](_number(left), _number(right)))
        left = right
    return reduce(np.logical_and, results)


def _is_text(value: Value) -> bool:
    return np.asarray(value).dtype.kind in "UO"


def _equal(left: Value, right: Value) -> Value:
    if _is_text(left) != _is_text(right):
        raise TypeError("a text is compared with a number")
    return np.equal(np.asarray(left), np.asarray(right)).astype(bool)


def _number(value: Value) -> Value:
    """As float64, so that no product wraps."""
    if _is_text(value):
        raise TypeError("a text in place of a number")
    return np.asarray(value, np.float64)


def _flag(value: Value) -> Value:
    if np.asarray(value).dtype != bool:
        raise TypeError("a number or a text in place of what is true or false")
    return value
