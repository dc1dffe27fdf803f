"""A multiplier as a table of its products, one for every pair of codes, and how far it is off.

Row i, column j holds the product of the first operand whose code is i and the second whose code is
j. A code is the operand modulo 2**bits: itself if unsigned, two's complement if signed, so that
row 255 of an int8 operand is that of -1. Nothing is assumed of the products: they need be neither
exact nor symmetric, nor may a product with zero be taken to be zero.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import IntFormat
from tpe.numbers.operands import Ints
from tpe.numbers.words import wrap

MOST_BITS = 8  # of an operand
LEAST, MOST = -(1 << 31), (1 << 31) - 1  # of a product


@dataclass(frozen=True)
class TableErrors:
    """How far products are from the exact ones, over all pairs of operands, each pair once.

    An error is table - exact; means are over all pairs, but where it says otherwise.

    mean_absolute      -- of |error| (MAE; also mean error distance)
    normalised_mean    -- the same over the largest |exact product| (NMED)
    largest            -- the largest |error|, the worst case
    mean_relative      -- of |error / exact|, over the pairs whose exact product is not zero (MRED)
    largest_relative   -- the largest of these
    error_rate         -- share of the pairs whose product is wrong
    bias               -- of the error with its sign
    wrong_zeros        -- pairs whose exact product is zero and the table's is not, which relative
                          errors leave out
    """

    mean_absolute: float
    normalised_mean: float
    largest: int
    mean_relative: float
    largest_relative: float
    error_rate: float
    bias: float
    wrong_zeros: int

    def to_json(self) -> dict[str, Any]:
        """The measures as data."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class MultiplierTable:
    """Products (2**a.bits, 2**b.bits), int32, read-only, by code; see this module.

    Two are equal if formats and products are.

    >>> from tpe.numbers.formats import FORMATS
    >>> uint2 = FORMATS["uint2"]
    >>> table = multiplier_table([[0, 0, 0, 0], [0, 1, 2, 3], [0, 2, 4, 6], [0, 3, 6, 7]], uint2)
    >>> int(table.of(np.array(3), np.array(3))), table.extremes, table.errors.error_rate
    (7, (0, 7), 0.0625)
    """

    products: Ints
    a: IntFormat
    b: IntFormat

    def of(self, a: Ints, b: Ints) -> Ints:
        """Products of operands, int64; integers that broadcast, of each its low bits are a code."""
        rows, columns = self.products.shape
        found: Ints = self.products[low_bits(a, rows), low_bits(b, columns)].astype(np.int64)
        return found

    @cached_property
    def extremes(self) -> tuple[int, int]:
        """The least and the largest product."""
        return int(self.products.min()), int(self.products.max())

    @cached_property
    def exact(self) -> Ints:
        """The exact products, int64, in the places of the table's."""
        sides = (operands_by_code(number) for number in (self.a, self.b))
        return np.multiply.outer(*sides)

    @cached_property
    def errors(self) -> TableErrors:
        """How far the products are from the exact ones."""
        exact = self.exact
        error = self.products.astype(np.int64) - exact
        size, true = np.abs(error), np.abs(exact)
        relative = size[true > 0] / true[true > 0]
        mean = float(size.mean())
        return TableErrors(
            mean_absolute=mean,
            normalised_mean=mean / int(true.max()),
            largest=int(size.max()),
            mean_relative=float(relative.mean()),
            largest_relative=float(relative.max()),
            error_rate=float(np.mean(error != 0)),
            bias=float(error.mean()),
            wrong_zeros=int(np.count_nonzero(error[true == 0])),
        )

    @cached_property
    def _facts(self) -> tuple[IntFormat, IntFormat, bytes]:
        return self.a, self.b, self.products.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiplierTable) and self._facts == other._facts

    def __hash__(self) -> int:
        return hash(self._facts)

    def __reduce__(self) -> tuple[Any, ...]:
        return multiplier_table, (self.products, self.a, self.b)


def multiplier_table(
    products: Any, a: IntFormat, b: IntFormat | None = None, where: str = "table"
) -> MultiplierTable:
    """The table of a multiplier, checked.

    products: integers (2**a.bits, 2**b.bits), -2**31 to 2**31 - 1; row and column are codes.
    a, b: formats of the operands, at most 8 bits; b is a if it is not given.
    where: opens the text of errors. Raises TpeError, one line, for another shape, for what are no
    integers, and for one out of range.

    >>> from tpe.numbers.formats import FORMATS
    >>> multiplier_table([[0, 1], [2, 3]], FORMATS["int2"])
    Traceback (most recent call last):
    tpe.TpeError: table is 2 x 2; legal for int2 x int2: 4 x 4, a row for every code of the first
    """
    b = a if b is None else b
    check_narrow(a, b)
    try:
        array = np.asarray(products)
    except ValueError:
        raise TpeError(f"{where} is no table: its rows are of unequal length") from None
    if array.dtype.kind not in "iu":
        raise TpeError(f"{where} holds {array.dtype}; legal: integers, the products")
    shape = (1 << a.bits, 1 << b.bits)
    if array.shape != shape:
        raise TpeError(
            f"{where} is {' x '.join(map(str, array.shape)) or 'one number'}; legal for {a.name} x "
            f"{b.name}: {shape[0]} x {shape[1]}, a row for every code of the first"
        )
    for extreme in (int(array.min()), int(array.max())):
        if not LEAST <= extreme <= MOST:
            place = [int(i) for i in np.argwhere(array == extreme)[0]]
            raise TpeError(f"{where} holds {extreme} at {place}; legal: {LEAST} to {MOST}")
    own = np.array(array, np.int32, order="C")
    own.setflags(write=False)
    return MultiplierTable(own, a, b)


def check_narrow(*numbers: IntFormat) -> None:
    """TpeError for formats of operands that no table is held of."""
    for number in numbers:
        if number.bits > MOST_BITS:
            raise TpeError(f"{number.name} is not legal: an integer of at most {MOST_BITS} bits")


def low_bits(x: Ints, size: int) -> Ints:
    """Integers of any type modulo `size`, a power of 2 up to 256, as uint8: codes of operands.

    >>> low_bits(np.array([-1, 5, 257]), 256).tolist(), low_bits(np.array([-3]), 4).tolist()
    ([255, 5, 1], [1])
    """
    codes: Ints = np.asarray(x).astype(np.uint8) & np.uint8(size - 1)
    return codes


def operands_by_code(number: IntFormat) -> Ints:
    """The operand that each code stands for, int64.

    >>> from tpe.numbers.formats import FORMATS
    >>> operands_by_code(FORMATS["int2"]).tolist()
    [0, 1, -2, -1]
    """
    codes = np.arange(1 << number.bits, dtype=np.int64)
    return wrap(codes, number.bits) if number.signed else codes
