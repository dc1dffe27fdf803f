"""What an array sees of an operand: unsigned ones widened, zero points taken out exactly.

The PEs are signed. C[m, n] = sum_k (a - a_zero) (b - b_zero) reaches them in one of three ways,
the engine's parameter `zero_points`:

none      no zero points. A signed operand goes in as it is; an unsigned one of W bits is
          zero-extended to W + 1, which is one digit more where W is even.
subtract  the zero point is subtracted as the operand enters: W + 1 bits, any zero point, no
          correction afterwards, and an operand at the zero point is a true zero.
offset    an unsigned operand goes in less 2**(W-1), W bits wide; a signed one as it is. What that
          leaves out is added to each output exactly:
          a_rest sum_k b' + b_rest sum_k a' + K a_rest b_rest, where a - a_zero = a' + a_rest.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import CodedFormat, IntFormat, int_format
from tpe.numbers.operands import Ints, as_operands
from tpe.workloads.base import Layer
from tpe.workloads.draw import MAX_ELEMENTS
from tpe.workloads.lazy import LazyLayer, StoredTypeError

MODES = ("none", "subtract", "offset")
_OWN = ("a_zero", "b_zero", "a_type", "b_type")  # what some layers have beside their operands
Zero = int | Ints  # one for the side, or one per row of A (M,) or per column of B (N,)


@dataclass(frozen=True, eq=False)
class Task:
    """One GEMM as it was given: A (M, K) and B (K, N) as stored, with their zero points."""

    name: str
    op: str
    a: Any
    b: Any
    repeat: int = 1
    operand_source: str = "given"
    a_zero: Zero = 0
    b_zero: Zero = 0
    a_type: str | None = None  # the formats of the source, if it names any
    b_type: str | None = None


def task_of(layer: Layer) -> Task:
    """A layer of a workload as a task; layers with formats of their own carry zero points."""
    if isinstance(layer, LazyLayer) and layer.too_large:
        raise TpeError(
            f"layer '{layer.name}': A, B and C of {layer.m} x {layer.n} x {layer.k} have more than "
            f"{MAX_ELEMENTS} elements, the most that are computed; values = none gives cycles alone"
        )
    operands = getattr(layer, "operands", None)
    a, b = operands() if operands else (layer.activations, layer.weights)
    own = {x: getattr(layer, x) for x in _OWN if hasattr(layer, x)}
    return Task(layer.name, layer.op, a, b, layer.repeat, layer.operand_source, **own)


@dataclass(frozen=True, eq=False)
class Seen:
    """What the array sees of a task, and what is added to its output (None: nothing)."""

    a: Ints
    b: Ints
    correction: Ints | None


def see(task: Task, a_format: IntFormat, b_format: IntFormat, mode: str) -> Seen:
    """Check a task's operands and zero points and turn them into what enters the array."""
    _check_formats(task, a_format, b_format)
    a, b = as_operands(task.a, task.b, a_format, b_format, task.name)
    a_zero, b_zero = _zeros(task, (a.shape[0], b.shape[1]), (a_format, b_format), mode)
    a_coded, b_coded = coded(a, a_zero, a_format, mode), coded(b, b_zero, b_format, mode)
    if mode != "offset":
        return Seen(a_coded, b_coded, None)
    a_rest, b_rest = offset(a_format, mode) - a_zero, offset(b_format, mode) - b_zero
    return Seen(a_coded, b_coded, correction(a_coded, b_coded, a_rest, b_rest))


def layer_zeros(layer: Layer, formats: tuple[IntFormat, IntFormat], mode: str) -> tuple[Ints, Ints]:
    """Zero points (M, 1) or (1, 1) and (1, N) or (1, 1) of a layer, its operands not looked at.

    TpeError as `see` for stored formats and zero points that do not fit.
    """
    own = {x: getattr(layer, x) for x in _OWN if hasattr(layer, x)}
    task = Task(layer.name, layer.op, None, None, **own)
    _check_formats(task, *formats)
    return _zeros(task, (layer.m, layer.n), formats, mode)


def _check_formats(task: Task, a_format: IntFormat, b_format: IntFormat) -> None:
    where = f"layer '{task.name}'"
    _check_stored(task.a_type, a_format, f"{where}: activations", "a_type")
    _check_stored(task.b_type, b_format, f"{where}: weights", "b_type")


def _zeros(
    task: Task, size: tuple[int, int], formats: tuple[IntFormat, IntFormat], mode: str
) -> tuple[Ints, Ints]:
    where = f"layer '{task.name}'"
    check_zero(task.a_zero, formats[0], mode, f"{where}: a_zero")
    check_zero(task.b_zero, formats[1], mode, f"{where}: b_zero")
    a_zero = _along(task.a_zero, (size[0], 1), f"{where}: a_zero")
    return a_zero, _along(task.b_zero, (1, size[1]), f"{where}: b_zero")


def fingerprint(task: Task, handshake: object) -> str:
    """A short text that changes with a GEMM's operands, zero points and handshake."""
    sums = [zlib.crc32(np.ascontiguousarray(x).data) for x in (task.a, task.b)]
    zeros = [np.asarray(zero).tolist() for zero in (task.a_zero, task.b_zero)]
    return f"{sums} {zeros} {handshake}"


def _along(zero: Zero, shape: tuple[int, int], where: str) -> Ints:
    values = np.asarray(zero, np.int64)
    if values.size not in (1, max(shape)):
        raise TpeError(f"{where} has {values.size} values; legal: 1 or {max(shape)}")
    return values.reshape(shape if values.size > 1 else (1, 1))


def _check_stored(stored: str | None, number: IntFormat, where: str, field: str) -> None:
    if stored is None:
        return
    own = int_format(stored)
    if own.low < number.low or own.high > number.high:
        raise StoredTypeError(
            f"{where} are stored as {stored}, {field} = {number.name}; set {field} = {stored}"
        )


def coded_format(number: IntFormat, mode: str) -> IntFormat:
    """The signed format in which an array works on operands of `number`.

    >>> uint8 = IntFormat("uint8", 8, False)
    >>> [coded_format(uint8, mode).bits for mode in MODES]
    [9, 9, 8]
    """
    if mode == "subtract":
        reach = number.high - number.low
        return CodedFormat(f"{number.name} less zero", number.bits + 1, True, -reach, reach)
    if number.signed:
        return number
    if mode == "offset":
        return IntFormat(f"{number.name} less {1 << (number.bits - 1)}", number.bits, True)
    return CodedFormat(number.name, number.bits + 1, True, 0, number.high)


def difference_format(number: IntFormat, mode: str) -> IntFormat:
    """The range of an operand less its zero point: what C is a sum of."""
    return coded_format(number, "none" if mode == "none" else "subtract")


def offset(number: IntFormat, mode: str) -> int:
    """What `offset` takes off every operand before it enters: 2**(W-1) if unsigned, else 0."""
    return 1 << (number.bits - 1) if mode == "offset" and not number.signed else 0


def coded(x: Ints, zero: Zero, number: IntFormat, mode: str) -> Ints:
    """Operands as they enter the array; `zero` broadcasts against `x`."""
    taken = zero if mode == "subtract" else offset(number, mode)
    if not np.any(taken):
        return x
    wide = np.int16 if number.bits < 15 else np.int32
    difference: Ints = x.astype(wide) - np.asarray(taken, wide)
    return difference


def check_zero(zero: Zero, number: IntFormat, mode: str, where: str) -> None:
    """Raise if a zero point leaves its format, or is not 0 where none is taken out."""
    try:
        values = np.asarray(zero)
    except ValueError:
        values = np.asarray(None)  # rows of unequal length: refused below
    if values.dtype.kind not in "iu":
        raise TpeError(
            f"{where} = {zero!r} is not legal: an integer, {number.low} to {number.high}"
        )
    if (values < number.low).any() or (values > number.high).any():
        worst = values.min() if (values < number.low).any() else values.max()
        raise TpeError(
            f"{where} = {worst} is not legal for {number.name}: {number.low} to {number.high}"
        )
    if mode == "none" and values.any():
        raise StoredTypeError(f"{where} is not 0: set zero_points = subtract, or offset")


def correction(a: Ints, b: Ints, a_rest: Any, b_rest: Any) -> Ints:
    """What `offset` adds to A' @ B', (M, N); the rests broadcast against (M, 1) and (1, N)."""
    a_rest, b_rest = np.asarray(a_rest, np.int64), np.asarray(b_rest, np.int64)
    rows = a.sum(axis=1, dtype=np.int64)[:, None]
    columns = b.sum(axis=0, dtype=np.int64)[None, :]
    total: Ints = a_rest * columns + rows * b_rest + a.shape[1] * a_rest * b_rest
    return total
