"""What an exact integer engine outputs: by matrix multiplication, or by its bit-level kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.jit import compiled
from tpe.numbers.formats import IntFormat
from tpe.numbers.operands import Ints
from tpe.pe.parameters import ENCODERS

if TYPE_CHECKING:
    from tpe.engine.config import Config

_FLOAT32_EXACT = 1 << 24  # integers up to here are exact in float32 ...
_FLOAT64_EXACT = 1 << 53  # ... and in float64
_SMALLEST_BLOCK = 256  # a shorter block of K is slower in float32 than a long one in float64


def exact_product(a: Ints, b: Ints, a_format: IntFormat, b_format: IntFormat) -> Ints:
    """A (M, K) @ B (K, N) exactly, as int64.

    Blocks of K so short that no partial sum leaves the integers which the float type holds
    exactly go through BLAS, which numpy's integer matrix multiplication does not.
    """
    largest = max(abs(x * y) for x in _range(a_format) for y in _range(b_format))
    block = _FLOAT32_EXACT // largest
    dtype: np.dtype[Any] = np.dtype(np.float32)
    if block < min(_SMALLEST_BLOCK, a.shape[1]):
        block, dtype = _FLOAT64_EXACT // largest, np.dtype(np.float64)
    left, right = a.astype(dtype), b.astype(dtype)
    if a.shape[1] <= block:
        product: Ints = (left @ right).astype(np.int64)
        return product
    c = np.zeros((a.shape[0], b.shape[1]), np.int64)
    part = np.empty(c.shape, dtype)
    for start in range(0, a.shape[1], block):
        np.matmul(left[:, start : start + block], right[start : start + block], out=part)
        c += part.astype(np.int64)
    return c


def _range(number: IntFormat) -> tuple[int, int]:
    return number.low, number.high


def bit_level(engine: Config, encoded: Ints, other: Ints) -> Ints:
    """C by the PE's kernel: every partial product, every compressor row, every wrap."""
    from tpe.model import kernels

    pe, w = engine.pe, engine.widths
    assert pe is not None
    return np.asarray(
        compiled(kernels.gemm)(
            compiled(pe.kernel.step),
            compiled(pe.kernel.resolve),
            np.ascontiguousarray(encoded, np.int64).copy(),
            np.ascontiguousarray(other, np.int64).copy(),
            len(pe.kernel.psum.words(w)),
            w.digits if pe.digit_serial else 0,
            w.depth if pe.sparse else max(1, encoded.shape[1]),
            *pe.kernel.facts(w, ENCODERS[engine.encoder]),
        )
    )
