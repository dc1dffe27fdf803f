"""The loops that run a PE's kernel over a GEMM, or over the steps of one cell.

Both drive `tpe.pe.kernel`'s `step` and `resolve`. A cell of a GEMM is an output; cells of several
rows go side by side where a row has few, so that the kernel's inner loop is long.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.words import I64, digit, signed
from tpe.pe.kernel import Facts, facts_type, resolve_type, step_type

CELLS = 128  # outputs at a time: their psums and a block of operands stay in the first caches
LANES = 64  # operands of K at a time


def _gemm_type(t: Any) -> Any:
    functions = t.FunctionType(step_type(t)), t.FunctionType(resolve_type(t))
    matrix = t.int64[:, ::1]
    return matrix(*functions, matrix, matrix, t.int64, t.int64, t.int64, facts_type(t))


@kernel()
def fill(codes: I64, others: I64, a: I64, b: I64, plane: int, facts: Facts) -> None:
    """Operands of every lane and cell: `a` (M, K) times `b` (K, N) row by row, M N cells.

    With a plane, not -1, the digits of that bit weight instead of A. Cells beyond M N stay.
    """
    cols = b.shape[1]
    for k in range(b.shape[0]):
        for m in range(a.shape[0]):
            code = a[m, k]
            if plane >= 0:
                code = digit(code, plane, facts.a_bits, facts.encoder)
            codes[k, m * cols : (m + 1) * cols] = code
            others[k, m * cols : (m + 1) * cols] = b[k]


@kernel(_gemm_type)
def gemm(
    step: Any, resolve: Any, a: I64, b: I64, words: int, planes: int, depth: int, facts: Facts
) -> I64:
    """C (M, N) of A (M, K) and B (K, N), as the accumulator holds it.

    `words`: of the psum. `planes` 0: the kernel takes operands of A, all of K in one pass. Else it
    takes their digits: passes of `depth` operands, `planes` bit weights in each.
    """
    (rows, depth_all), cols = a.shape, b.shape[1]
    c = np.zeros((rows, cols), np.int64)
    wide = min(cols, CELLS)
    high = max(1, min(rows, CELLS // max(wide, 1)))
    codes = np.zeros((min(depth_all, LANES), high * wide), np.int64)
    others, psum = np.zeros_like(codes), np.zeros((words, high * wide), np.int64)
    acc = np.zeros(high * wide, np.int64)
    for m in range(0, rows, high):
        for n in range(0, cols, wide):
            acc[:] = 0
            for first in range(0, depth_all, depth):
                last = min(first + depth, depth_all)
                for plane in range(max(planes, 1)):
                    psum[:] = 0
                    for k in range(first, last, LANES):
                        end = min(k + LANES, last)
                        a_block, b_block = a[m : m + high, k:end], b[k:end, n : n + wide]
                        fill(codes, others, a_block, b_block, plane if planes else -1, facts)
                        step(codes[: end - k], others[: end - k], plane, psum, facts)
                    resolve(psum, plane, acc, facts)
            block = c[m : m + high, n : n + wide]
            for i in range(block.shape[0]):
                for j in range(block.shape[1]):
                    block[i, j] = signed(acc[i * block.shape[1] + j], facts.acc_bits)
    return c


def _trace_type(t: Any) -> Any:
    functions = t.FunctionType(step_type(t)), t.FunctionType(resolve_type(t))
    row, matrix = t.int64[::1], t.int64[:, ::1]
    return row(*functions, row, row, matrix, matrix, t.int64, facts_type(t))


@kernel(_trace_type)
def trace(
    step: Any,
    resolve: Any,
    first: I64,
    plane: I64,
    codes: I64,
    b: I64,
    words: int,
    facts: Facts,
) -> I64:
    """What a single cell resolves to after each step: finish(psum) with a zero accumulator.

    `first`, `plane` (steps,); `codes`, `b` (steps, lanes). Words of acc_bits bits.
    """
    out = np.zeros(first.size, np.int64)
    psum, acc = np.zeros((words, 1), np.int64), np.zeros(1, np.int64)
    lanes = codes.shape[1]
    for t in range(first.size):
        if first[t]:
            psum[:] = 0
        step(codes[t].reshape((lanes, 1)), b[t].reshape((lanes, 1)), plane[t], psum, facts)
        acc[:] = 0
        resolve(psum, plane[t], acc, facts)
        out[t] = acc[0]
    return out
