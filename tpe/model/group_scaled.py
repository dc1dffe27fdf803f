"""Products of weights that were quantised in groups of K, through an engine.

An engine of integers, or one that takes weights as integers, sums every group by itself;
`tpe.numbers.group_scales` says what becomes of the sums. One of floating point gets the weights as
numbers, scale x (q - zero point) rounded once to its `b_type`: to dequantise first, the baseline.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tpe.base.errors import TpeError
from tpe.engine.choices import Overflow
from tpe.engine.task import Task, see
from tpe.model.engine import Engine
from tpe.numbers.block_operands import BlockOperand
from tpe.numbers.formats import Array, CodedFormat, Format, IntFormat
from tpe.numbers.group_scales import GroupScales, scaled_sums
from tpe.numbers.operands import check_accumulator
from tpe.numbers.quantised_tensor import QuantisedTensor
from tpe.numbers.quantisers import NUMBERS, quantise_integers
from tpe.numbers.words import wrap


def in_groups(engine: Engine, w: object, scale: object = None) -> QuantisedTensor | None:
    """Weights (K, N) as they are multiplied in groups; None where no scale is inside K.

    Reals are quantised to the engine's `b_type` in its groups, as `tpe.quantise_integers` does by
    default; without groups by columns, where activations are no integers. TpeError for a tensor
    whose groups, or integers, are not the engine's, and for a `scale` of w given beside.
    """
    weights = _in_groups(engine, w)
    if weights is not None and scale is not None:
        raise TpeError("w_scale is given, and w has scales in groups; legal: None beside them")
    return weights


def _in_groups(engine: Engine, w: object) -> QuantisedTensor | None:
    """The same without a look at other scales."""
    number = engine.b_format
    if not isinstance(w, QuantisedTensor):
        mixed = isinstance(number, IntFormat) and not isinstance(engine.a_format, IntFormat)
        if not engine.scale_group and not mixed:
            return None
        if number.name not in NUMBERS:
            legal = ", ".join(name for name in NUMBERS if name.startswith(("int", "uint")))
            raise TpeError(
                f"scale_group = {engine.scale_group} and b_type = {number.name}; legal: {legal}"
            )
        per, group = ("group", engine.scale_group) if engine.scale_group else ("channel", None)
        return quantise_integers(w, number.name, per=per, group=group, axis=0)
    if isinstance(number, BlockOperand):
        raise TpeError(
            f"w is quantised to {w.number.name}; legal for b_type = {number.name}: numbers, or "
            "blocks of it"
        )
    if not isinstance(number, IntFormat):
        return w
    if w.number.low < number.low or w.number.high > number.high:
        raise TpeError(
            f"w holds {w.number.name}, {w.number.low} to {w.number.high}; legal for b_type = "
            f"{number.name}: {number.low} to {number.high}"
        )
    several = w.axis == 0 and w.groups > 1
    if engine.scale_group and several and w.group != engine.scale_group:
        raise TpeError(
            f"w is in groups of {w.group}, and the engine has scale_group = {engine.scale_group}; "
            "legal: one size, or an engine without scale_group"
        )
    return w


def group_scaled(engine: Engine, a: Array, w: QuantisedTensor) -> Array:
    """A (M, K), as the engine takes operands, times weights (K, N) with scales: C (M, N), float32.

    Raises TpeError as `GroupScales.of`, and if the accumulator may not hold a group's sum.

    >>> engine = Engine("mac", "os", "2x2")
    >>> w = quantise_integers([[7.0], [-3.0], [1.4]], "int4", per="group", group=2, axis=0)
    >>> group_scaled(engine, np.array([[1, 1, 10]]), w).tolist()  # 1 (7 - 3) + 0.2 (10 x 7)
    [[18.0]]
    """
    scales = GroupScales.of(w, engine.scale_type)
    q = w.integers().astype(np.int64)
    if scales.zeros is not None:
        _check_room(engine, w, min(scales.size, len(q)))
    return scaled_sums(_sums(engine, a, q, scales), scales)


def _sums(engine: Engine, a: Array, q: Array, scales: GroupScales) -> Iterator[Array]:
    """What is multiplied by a scale: the sums (M, N) of every group, zero points taken out."""
    number, exact = engine.b_format, engine.arithmetic.integral
    for group, (start, end) in enumerate(scales.spans(len(q))):
        codes, operands = q[start:end], a[:, start:end]
        zero = None if scales.zeros is None else scales.zeros[group]
        if zero is not None and not exact:  # the array has a rounding: taken out before it
            codes = codes - zero
            _check_difference(codes, number)
        seen = see(
            Task("matmul", "matmul", operands, codes),
            engine.a_format,
            number,
            engine.params["zero_points"],
        )
        total = engine.product(seen)
        if zero is not None and exact:
            total = total - operands.sum(axis=1, dtype=np.int64)[:, None] * zero
            total = wrap(total, engine.widths.acc)
        yield total


def _check_room(engine: Engine, w: QuantisedTensor, terms: int) -> None:
    """TpeError if a sum less its zero points may leave the accumulator."""
    if not engine.arithmetic.integral or engine.choices.overflow is Overflow.WRAP:
        return
    zeros = w.zeros
    assert zeros is not None
    least, most = w.number.low - int(zeros.max()), w.number.high - int(zeros.min())
    less = CodedFormat(f"{w.number.name} less zero", engine.b_format.bits + 1, True, least, most)
    check_accumulator("matmul", terms, engine.a_format, less, engine.params["acc_bits"])


def _check_difference(q: Array, number: Format) -> None:
    """TpeError for weights less their zero points that are none of the engine's."""
    low, high = int(q.min()), int(q.max())
    if low < number.low or high > number.high:
        worst = low if low < number.low else high
        raise TpeError(
            f"w less its zero points holds {worst}; legal for b_type = {number.name}: "
            f"{number.low} to {number.high}"
        )
