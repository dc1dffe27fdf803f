"""Sums whose groups of K have scales: whole in a group, in fp32 over the groups.

A weight is scale x (q - zero point), both of a group of K and an output channel, so that

    C[m, n] = sum over g of s[g, n] (sum over k of A[m, k] q[k, n] - z[g, n] sum over k of A[m, k])

The sums over k of a group are whole numbers, exact. What is rounded, to nearest, ties to even:
1. a scale, once, to the format that it is kept in;
2. u s of a group, u the whole number in the brackets: exact, then once to fp32;
3. the sum of that and of the accumulator, in fp32, from +0, groups ascending.
Subnormals are kept; what is beyond fp32 is infinite (arXiv:2411.16158; docs/decisions/0042).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.base.jit import compiled, kernel
from tpe.numbers.float_arrays import rounded
from tpe.numbers.fma_gemm import F64, odd_sums
from tpe.numbers.formats import Array
from tpe.numbers.quantised_tensor import QuantisedTensor
from tpe.numbers.threads import by_rows

SCALE_TYPES = ("fp32", "fp16", "bf16")
_NARROW = 29  # bits of a sum whose product with 24 of a scale is exact in float64
_HALF = 28  # ... of the lower part of a wider one, of 57 at most
F32 = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, eq=False)
class GroupScales:
    """Scales and zero points of groups of K, one for each output channel.

    size    operands of K in a group; the last one may be short
    scales  (groups, N) float32, each a number of the format that they are kept in, none of them 0
    zeros   (groups, N) int64, or None: 0
    """

    size: int
    scales: F32
    zeros: Array | None = None

    @property
    def groups(self) -> int:
        """How many there are."""
        return len(self.scales)

    def spans(self, k: int) -> Iterator[tuple[int, int]]:
        """First operand of K of every group, and the one behind its last."""
        return ((start, min(start + self.size, k)) for start in range(0, k, self.size))

    @classmethod
    def ones(cls, size: int, k: int, n: int) -> GroupScales:
        """Scales of 1 for weights (K, N): the sums themselves."""
        return cls(size, np.ones((-(-k // size), n), np.float32))

    @classmethod
    def of(cls, tensor: QuantisedTensor, scale_type: str = "fp32", where: str = "w") -> GroupScales:
        """Those of weights (K, N), scales rounded to `scale_type`: fp32, fp16 or bf16.

        Scales are of the tensor, of columns, or of groups of neighbours along K, axis 0.
        Raises TpeError, a line: another scale type; a tensor that is no matrix; scales that change
        inside a group of K, for they are no factor of its sum; offsets, which are no zero points;
        scales that are 0, or infinite, in their format.

        >>> from tpe.numbers.quantisers import quantise_integers
        >>> tensor = quantise_integers([[7.0], [-3.0], [1.4]], "int4", per="group", group=2, axis=0)
        >>> scales = GroupScales.of(tensor, "bf16")
        >>> scales.scales.tolist(), list(scales.spans(3))
        ([[1.0], [0.2001953125]], [(0, 2), (2, 3)])
        """
        if scale_type not in SCALE_TYPES:
            raise unknown("scale_type", scale_type, SCALE_TYPES)
        _check_leaves(tensor, where)
        columns = tensor.codes.shape[1]
        along_k = tensor.axis == 0
        size = tensor.group if along_k else max(1, len(tensor.codes))

        def shared(values: Array) -> Array:
            if not along_k and values.shape[1] > 1:  # groups of columns
                values = values.take(np.arange(columns) // tensor.group, axis=1)
            return np.broadcast_to(values, (len(values), columns))

        kept = _kept(shared(tensor.scales), scale_type, where)
        zeros = None if tensor.zeros is None else shared(tensor.zeros).astype(np.int64)
        return cls(size, kept, zeros)


def _check_leaves(tensor: QuantisedTensor, where: str) -> None:
    """TpeError where a scale is no factor of a group's sum, or not all that there is."""
    if tensor.codes.ndim != 2:
        raise TpeError(f"{where} has {tensor.codes.ndim} dimensions; legal: a matrix, K x N")
    if tensor.offsets is not None:
        raise TpeError(f"{where} has offsets; legal: zero points, integers, or neither")
    if tensor.index is not None:
        raise TpeError(
            f"{where} has groups that are no neighbours along K: a sum of neighbours has several "
            "scales; legal: K in the order of groups"
        )
    if tensor.axis != 0 and tensor.scales.shape[0] > 1:
        raise TpeError(
            f"{where} has a scale for every operand of K, groups lie along N: inside a sum over K "
            "scales must not change; legal: groups along K, axis 0"
        )


def _kept(scales: Array, scale_type: str, where: str) -> F32:
    """Scales as they are kept; TpeError for those that are 0, or infinite, then."""
    with np.errstate(over="ignore"):
        kept: F32 = rounded(scales, scale_type).astype(np.float32)
    wrong = ~np.isfinite(kept) | (kept == 0)
    if wrong.any():
        at = [int(i) for i in np.argwhere(wrong)[0]]
        raise TpeError(
            f"{where}: the scale {scales[tuple(at)]:g} of group {at[0]}, column {at[1]}, is "
            f"{kept[tuple(at)]:g} in {scale_type}; legal: finite numbers that are not 0 there"
        )
    return kept


@kernel()
def add_scaled(sums: F64, scales: F64, out: F32) -> None:
    """Add sums (M, N) times scales (N,) to `out`: rounded to fp32, then added in fp32.

    Sums of `_NARROW` bits at most, whose products with 24 bits are exact in float64.
    """
    for m in range(out.shape[0]):
        for n in range(out.shape[1]):
            out[m, n] += np.float32(sums[m, n] * scales[n])


@kernel()
def add_scaled_parts(high: F64, low: F64, scales: F64, out: F32) -> None:
    """The same of sums that are high + low: both products are exact, their sum is rounded to odd.

    So the rounding to fp32 is the only one that is seen (`tpe.numbers.fma_gemm`).
    """
    total, rest = np.empty(scales.size, np.float64), np.empty(scales.size, np.float64)
    for m in range(out.shape[0]):
        odd_sums(high[m] * scales, 1.0, low[m] * scales, total, rest)
        for n in range(scales.size):
            out[m, n] += np.float32(total[n])


def scaled_sums(sums: Iterable[Array], scales: GroupScales) -> F32:
    """C (M, N) in fp32 from the sums (M, N) of every group, ascending: see this module.

    sums: integers of 56 bits at most, exact, or numbers of fp32. Infinities and NaN of those, and
    sums beyond fp32, are as in IEEE 754.

    >>> scales = GroupScales(2, np.array([[1.0], [2**-24]], np.float32))
    >>> scaled_sums([np.array([[1]]), np.array([[3]])], scales).tolist()  # 1 + 3 / 2**24
    [[1.000000238418579]]
    """
    out = None
    with np.errstate(all="ignore"):
        for part, scale in zip(sums, scales.scales.astype(np.float64), strict=True):
            out = np.zeros(part.shape, np.float32) if out is None else out
            _add(np.ascontiguousarray(part), scale, out)
    assert out is not None, "no group"
    return out


def _add(part: Array, scale: F64, out: F32) -> None:
    """Add one group's sums, a block of rows a thread."""
    wide = part.dtype.kind in "iu" and max(part.max(initial=0), -part.min(initial=0)) >> _NARROW

    def run(rows: slice) -> None:
        if wide:
            high, low = part[rows] >> _HALF << _HALF, part[rows] & ((1 << _HALF) - 1)
            parts = high.astype(np.float64), low.astype(np.float64)
            compiled(add_scaled_parts)(*parts, scale, out[rows])
        else:
            compiled(add_scaled)(part[rows].astype(np.float64), scale, out[rows])

    by_rows(run, len(out), out.size)
