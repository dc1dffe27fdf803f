"""The loops that run a PE's kernel over a GEMM, or over the steps of one cell.

Both drive `tpe.pe.kernel`'s `step` and `resolve`. A cell of a GEMM is an output; cells of several
rows go side by side where a row has few, so that the kernel's inner loop is long.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64, digit, signed
from tpe.pe.kernel import Facts, facts_type, resolve_type, step_type

CELLS = 128  # outputs at a time: their psums and a block of operands stay in the first caches
LANES = 32  # operands of K at a time, where a kernel takes any number of them


def _table_type(t: Any) -> Any:
    return t.Array(t.int32, 2, "C", readonly=True)


def _gemm_type(t: Any) -> Any:
    functions = t.FunctionType(step_type(t)), t.FunctionType(resolve_type(t))
    matrix, table = t.int64[:, ::1], _table_type(t)
    return matrix(*functions, matrix, matrix, table, *[t.int64] * (5 + len(Facts._fields)))


@kernel()
def tiled(b: I64, times: int) -> I64:
    """`b` (K, N) as many times side by side."""
    out = np.empty((b.shape[0], times, b.shape[1]), np.int64)
    for k in range(out.shape[0]):
        for i in range(times):
            for n in range(out.shape[2]):
                out[k, i, n] = b[k, n]
    return out.reshape((out.shape[0], times * out.shape[2]))


@kernel()
def fill(codes: I64, a: I64, plane: int, facts: Facts) -> None:
    """Codes of every lane and cell, the cells of a row of `a` (M, K) beside each other.

    With a plane, not -1, the digits of that bit weight instead of operands.
    """
    rows = a.shape[0]
    cells = codes.reshape((codes.shape[0], rows, codes.shape[1] // rows))
    for k in range(codes.shape[0]):
        for m in range(rows):
            code = a[m, k]
            if plane >= 0:
                code = digit(code, plane, facts.a_bits, facts.encoder)
            for n in range(cells.shape[2]):
                cells[k, m, n] = code


@kernel()
def look_up(codes: I64, b: I64, table: Ints) -> None:
    """Put the table's products of codes and operands of B, (lanes, cells), in the codes' place.

    An empty table changes nothing.
    """
    rows, columns = table.shape
    for k in range(codes.shape[0] if rows else 0):
        for n in range(codes.shape[1]):
            codes[k, n] = table[codes[k, n] & (rows - 1), b[k, n] & (columns - 1)]


@kernel(_gemm_type)
def gemm(
    step: Any,
    resolve: Any,
    a: I64,
    b: I64,
    table: Ints,
    words: int,
    planes: int,
    falling: int,
    depth: int,
    together: int,
    psum_bits: int,
    a_bits: int,
    b_bits: int,
    acc_bits: int,
    encoder: int,
    settings: int,
    period: int,
) -> I64:
    """C (M, N) of A (M, K) and B (K, N), as the accumulator holds it.

    `table`: of products, by code; empty if the kernel multiplies. `words`: of the psum. `planes` 0:
    the kernel takes operands of A, all of K in one pass. Else it takes their digits: passes of
    `depth` operands, `planes` bit weights in each; `falling`: from the top down into one psum,
    which a step with plane 1 moves up first, the first of each but the top one. `together`:
    operands of K that the kernel gets at a time. Then the fields of `Facts`, one by one: a tuple
    takes numba longer to look at than a short GEMM takes.
    """
    facts = Facts(psum_bits, a_bits, b_bits, acc_bits, encoder, settings, period)
    (rows, all_k), cols = a.shape, b.shape[1]
    c = np.zeros((rows, cols), np.int64)
    wide = min(cols, CELLS)
    most = max(1, min(rows, CELLS // max(wide, 1)))
    for n in range(0, cols, wide):
        others = tiled(b[:, n : n + wide], most)
        width = others.shape[1] // most
        for m in range(0, rows, most):
            high = min(most, rows - m)
            if high < most:  # the last rows: their cells alone, side by side
                others = tiled(b[:, n : n + wide], high)
            codes = np.empty((min(all_k, together), high * width), np.int64)
            psum, acc = np.zeros((words, high * width), np.int64), np.zeros(high * width, np.int64)
            for first in range(0, all_k, depth):
                last = min(first + depth, all_k)
                for i in range(max(planes, 1)):
                    plane = planes - 1 - i if falling else i
                    if i == 0 or not falling:
                        psum[:] = 0
                    for k in range(first, last, together):
                        end = min(k + together, last)
                        fill(codes[: end - k], a[m : m + high, k:end], plane - (planes == 0), facts)
                        look_up(codes[: end - k], others[k:end], table)
                        place = int(i > 0 and k == first) if falling else plane
                        step(codes[: end - k], others[k:end], place, psum, facts)
                    if plane == 0 or not falling:
                        resolve(psum, plane, acc, facts)
            for i in range(high):
                for j in range(width):
                    c[m + i, n + j] = signed(acc[i * width + j], acc_bits)
    return c


def _trace_type(t: Any) -> Any:
    functions = t.FunctionType(step_type(t)), t.FunctionType(resolve_type(t))
    row, matrix = t.int64[::1], t.int64[:, ::1]
    return row(*functions, row, row, matrix, matrix, _table_type(t), t.int64, facts_type(t))


@kernel(_trace_type)
def trace(
    step: Any,
    resolve: Any,
    first: I64,
    plane: I64,
    codes: I64,
    b: I64,
    table: Ints,
    words: int,
    facts: Facts,
) -> I64:
    """What a single cell resolves to after each step: finish(psum) with a zero accumulator.

    `first`, `plane` (steps,); `codes`, `b` (steps, lanes); `table` as of `gemm`, whose products
    then take the place of codes. Words of acc_bits bits.
    """
    out = np.zeros(first.size, np.int64)
    psum, acc = np.zeros((words, 1), np.int64), np.zeros(1, np.int64)
    lanes = codes.shape[1]
    for t in range(first.size):
        if first[t]:
            psum[:] = 0
        code, other = codes[t].reshape((lanes, 1)), b[t].reshape((lanes, 1))
        look_up(code, other, table)
        step(code, other, plane[t], psum, facts)
        acc[:] = 0
        resolve(psum, plane[t], acc, facts)
        out[t] = acc[0]
    return out
