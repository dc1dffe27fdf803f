"""One GEMM as it was given, and as an array sees it: formats and zero points checked."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tpe import pe as pes
from tpe.base.errors import TpeError
from tpe.numbers.blocks import Blocks
from tpe.numbers.formats import Format, IntFormat, number_format
from tpe.numbers.operands import Ints, as_operands
from tpe.numbers.zero_points import Zero, ZeroPoints, coded, correction, offset
from tpe.workloads.base import Layer
from tpe.workloads.draw import MAX_ELEMENTS
from tpe.workloads.lazy import LazyLayer, StoredTypeError

# What some layers have beside their operands.
_OWN = ("a_zero", "b_zero", "a_type", "b_type", "bits_per_weight")


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
    bits_per_weight: float | None = None  # of storage in the source


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
    """What the array sees of a task: A (M, K), B (K, N), and what zero points leave out of either.

    rests -- (M, 1) or (1, 1) of A and (1, N) or (1, 1) of B; None: nothing
    """

    a: Ints
    b: Ints
    rests: tuple[Ints, Ints] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """M, K and N."""
        return *self.a.shape, self.b.shape[1]

    @cached_property
    def correction(self) -> Ints | None:
        """What is added to C (M, N); None: nothing."""
        return None if self.rests is None else correction(self.a, self.b, *self.rests)

    def groups(self, size: int) -> Iterator[Seen]:
        """The same of every group of so many operands of K; the last one may be short."""
        for start in range(0, self.a.shape[1], size):
            end = start + size
            yield Seen(self.a[:, start:end], self.b[start:end], self.rests)


def see(task: Task, a_format: Format, b_format: Format, mode: str) -> Seen:
    """Check a task's operands and zero points and turn them into what enters the array."""
    _check_formats(task, a_format, b_format)
    try:
        a, b = as_operands(task.a, task.b, a_format, b_format, task.name)
    except TpeError:
        _refuse_floats(task, a_format, b_format)
        raise
    a_zero, b_zero = _zeros(task, (a.shape[0], b.shape[1]), (a_format, b_format), mode)
    a_coded, b_coded = coded(a, a_zero, a_format, mode), coded(b, b_zero, b_format, mode)
    if mode != ZeroPoints.OFFSET:
        return Seen(a_coded, b_coded)
    a_rest, b_rest = offset(a_format, mode) - a_zero, offset(b_format, mode) - b_zero
    return Seen(a_coded, b_coded, (a_rest, b_rest))


def layer_zeros(layer: Layer, formats: tuple[Format, Format], mode: str) -> tuple[Ints, Ints]:
    """Zero points (M, 1) or (1, 1) and (1, N) or (1, 1) of a layer, its operands not looked at.

    TpeError as `see` for stored formats and zero points that do not fit.
    """
    own = {x: getattr(layer, x) for x in _OWN if hasattr(layer, x)}
    task = Task(layer.name, layer.op, None, None, **own)
    _check_formats(task, *formats)
    return _zeros(task, (layer.m, layer.n), formats, mode)


def _check_formats(task: Task, a_format: Format, b_format: Format) -> None:
    where = f"layer '{task.name}'"
    _check_stored(task.a_type, a_format, f"{where}: activations", "a_type")
    _check_stored(task.b_type, b_format, f"{where}: weights", "b_type")


def _refuse_floats(task: Task, a_format: Format, b_format: Format) -> None:
    """TpeError for floats where integers are wanted: it says which PEs take them."""
    for side, operands, number in (("A", task.a, a_format), ("B", task.b, b_format)):
        kind = _kind(operands) if isinstance(number, IntFormat) else ""
        if kind:
            takers = [pe.name for pe in map(pes.get, pes.usable()) if not pe.arithmetic.integral]
            raise TpeError(
                f"layer '{task.name}': {side} are {kind}; legal: integers (quantise them first), "
                f"or a PE that takes floats: {', '.join(takers)}"
            )


def _kind(operands: Any) -> str:
    """The type of operands that are floats, none of them NaN; else nothing."""
    with suppress(TypeError, ValueError, OverflowError, RuntimeError):  # no array at all
        array = np.asarray(operands)
        if array.dtype.kind == "f" and not np.isnan(array).any():
            return str(array.dtype)
    return ""


def _zeros(
    task: Task, size: tuple[int, int], formats: tuple[Format, Format], mode: str
) -> tuple[Ints, Ints]:
    where = f"layer '{task.name}'"
    check_zero(task.a_zero, formats[0], mode, f"{where}: a_zero")
    check_zero(task.b_zero, formats[1], mode, f"{where}: b_zero")
    a_zero = _along(task.a_zero, (size[0], 1), f"{where}: a_zero")
    return a_zero, _along(task.b_zero, (1, size[1]), f"{where}: b_zero")


def fingerprint(task: Task, handshake: object) -> str:
    """A short text that changes with a GEMM's operands, zero points and handshake."""
    sums = [zlib.crc32(np.ascontiguousarray(x).data) for x in map(_contents, (task.a, task.b))]
    zeros = [np.asarray(zero).tolist() for zero in (task.a_zero, task.b_zero)]
    return f"{sums} {zeros} {handshake}"


def _contents(operand: Any) -> Any:
    """What is to be told apart of an operand: of blocks their codes and scales, in one array."""
    if not isinstance(operand, Blocks):
        return operand
    number = [operand.codes.shape, operand.format.name, operand.tensor_scale]
    parts = (operand.codes.tobytes(), operand.scales.tobytes(), repr(number).encode())
    return np.frombuffer(b"".join(parts), np.uint8)


def _along(zero: Zero, shape: tuple[int, int], where: str) -> Ints:
    values = np.asarray(zero, np.int64)
    if values.size not in (1, max(shape)):
        raise TpeError(f"{where} has {values.size} values; legal: 1 or {max(shape)}")
    return values.reshape(shape if values.size > 1 else (1, 1))


def _check_stored(stored: str | None, number: Format, where: str, field: str) -> None:
    if stored is None:
        return
    own = number_format(stored)
    if own.low < number.low or own.high > number.high:
        raise StoredTypeError(
            f"{where} are stored as {stored}, {field} = {number.name}; set {field} = {stored}"
        )


def check_zero(zero: Zero, number: Format, mode: str, where: str) -> None:
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
    if mode == ZeroPoints.NONE and values.any():
        raise StoredTypeError(f"{where} is not 0: set zero_points = subtract, or offset")
