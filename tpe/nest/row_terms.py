"""What a row makes up for, where cells left it: its value, and the hardware that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tpe.nest.forms import ROW_FORMS, Form
from tpe.nest.notation import ADD, CHAIN, ENCODE, SPACE, TIME, K, M, N, Nest

Interval = tuple[int, int]


@dataclass(frozen=True)
class RowUnit:
    """A primitive beside the columns, or behind them: as `readings.Unit`, its width not yet known.

    `whole`: its result is a word of the accumulator; else it is as wide as others of its kind.
    """

    op: str
    copies: int
    fan_in: int
    runs: int
    whole: bool = True


def has_term(nest: Nest) -> bool:
    """Whether the cells of a row leave something to it."""
    return bool(nest.forms & ROW_FORMS)


def bias_of(nest: Nest, b_bits: int) -> int:
    """What every partial product of a B of so many bits has too much; 0 without a bias."""
    return 2 << b_bits if Form.BIAS in nest.forms else 0


def left(nest: Nest, digit: Any, b_bits: int) -> Any:
    """What `map` leaves to the row of digits, an array: the 1s of negative ones, less the bias."""
    ones = (digit < 0).astype(np.int64) if Form.COMPLEMENT in nest.forms else 0
    return ones - bias_of(nest, b_bits) + np.zeros_like(digit, dtype=np.int64)


def mapped_span(nest: Nest, digit: Interval, product: Interval, b_bits: int) -> Interval:
    """The interval of a partial product as the cell has it, of that of digit times B."""
    lack = int(Form.COMPLEMENT in nest.forms and digit[0] < 0)
    bias = bias_of(nest, b_bits)
    return product[0] - lack + bias, product[1] + bias


def row_units(nest: Nest) -> list[RowUnit]:
    """What a nest with a row term has besides its steps: encoders and terms of rows, its finish.

    A row encodes its operands once more where else every cell does.
    """
    if not has_term(nest):
        return []
    rows = nest.trips({M}, SPACE) * nest.trips({K}, CHAIN)  # each has a part of a sum in a chain
    lanes = nest.trips({K}, SPACE)
    steps = nest.trips({M, N, K}, TIME)
    found = [RowUnit("row_term", rows, lanes + 1, rows * steps)]
    encode = nest.steps[nest.index(ENCODE)]
    if N in encode.over and not encode.stored:
        found.append(RowUnit("encode", rows * lanes, 1, rows * lanes * steps, whole=False))
    outputs = nest.trips({M, N}, SPACE) * nest.trips({M, N}, TIME)
    finish = nest.steps[-1]
    columns = nest.trips({N}, SPACE)
    if finish.op == ADD:  # a compressor ahead of the adder that is there
        return [*found, RowUnit("half_reduce", columns, 3, outputs)]
    return [*found, RowUnit("add", columns, 1, outputs)]
