"""Matrix products whose multiplications are look-ups in a table, exactly summed, fast.

For an operand of A its row of the table stays in the first cache while a row of B, one byte a code,
goes by; rows of a few k at a time, so that sums are read and written less often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tpe.base.jit import compiled, kernel
from tpe.numbers.formats import Format
from tpe.numbers.multiplier_table import MOST, MultiplierTable, low_bits
from tpe.numbers.operands import Ints
from tpe.numbers.threads import by_rows

U8 = np.ndarray[Any, np.dtype[np.uint8]]
I32 = np.ndarray[Any, np.dtype[np.int32]]


@kernel()
def sums_of_products(a: U8, b: U8, products: I32, out: Ints) -> None:
    """Add to `out` (M, N), of int32 or int64, the products of codes (M, K) and (K, N).

    `products` has a row for every code of A and 256 columns: no code of B leaves them, so that
    nothing is checked.
    """
    rows, all_k, cols = a.shape[0], a.shape[1], b.shape[1]
    by_fours = all_k - all_k % 4
    for m in range(rows):
        for k in range(0, by_fours, 4):
            first, second = products[a[m, k]], products[a[m, k + 1]]
            third, fourth = products[a[m, k + 2]], products[a[m, k + 3]]
            for n in range(cols):
                out[m, n] += (
                    first[b[k, n]] + second[b[k + 1, n]] + third[b[k + 2, n]] + fourth[b[k + 3, n]]
                )
        for k in range(by_fours, all_k):
            one = products[a[m, k]]
            for n in range(cols):
                out[m, n] += one[b[k, n]]


@dataclass(frozen=True)
class TableProduct:
    """C of a whole GEMM by a table: the product of an `Arithmetic`.

    >>> from tpe.numbers.formats import FORMATS
    >>> from tpe.numbers.multipliers import MULTIPLIERS
    >>> uint8 = FORMATS["uint8"]
    >>> product = TableProduct(MULTIPLIERS["mitchell"].table(uint8, uint8))
    >>> product(np.array([[3, 8]]), np.array([[3], [5]]), uint8, uint8).tolist()
    [[48]]
    """

    table: MultiplierTable

    def __call__(self, a: Ints, b: Ints, a_format: Format, b_format: Format) -> Ints:
        """C (M, N), int64 and exact, of operands (M, K) and (K, N) of the table's formats."""
        return table_product(a, b, self.table)


def table_product(a: Ints, b: Ints, table: MultiplierTable) -> Ints:
    """Sums over K of the table's products of operands (M, K) and (K, N): int64, exact.

    They are taken in int32 where K times the largest |product| fits, since then no partial sum
    leaves it either; else in int64, which 2**32 products of 32 bits do not leave.
    """
    rows, columns = table.products.shape
    left, right = low_bits(a, rows), np.ascontiguousarray(low_bits(b, columns))
    full = np.zeros((rows, 256), np.int32)
    full[:, :columns] = table.products
    dtype = np.int32 if sums_fit_int32(table, a.shape[1]) else np.int64
    multiply = compiled(sums_of_products)

    def block(block_rows: slice) -> Ints:
        part = np.ascontiguousarray(left[block_rows])
        out = np.zeros((len(part), right.shape[1]), dtype)
        multiply(part, right, full, out)
        return out

    parts = by_rows(block, len(left), left.size * right.shape[1])
    return np.concatenate(parts).astype(np.int64)


def sums_fit_int32(table: MultiplierTable, k: int) -> bool:
    """Whether no sum of up to `k` products, in any order, leaves int32.

    >>> from tpe.numbers.formats import FORMATS
    >>> from tpe.numbers.multipliers import MULTIPLIERS
    >>> exact = MULTIPLIERS["exact"].table(FORMATS["int8"], FORMATS["int8"])
    >>> sums_fit_int32(exact, 131071), sums_fit_int32(exact, 131072)
    (True, False)
    """
    return k * max(map(abs, table.extremes)) <= MOST
