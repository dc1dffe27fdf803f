"""QuantizeLinear and DequantizeLinear as opsets 10 and 13 define them, and weights of MatMulNBits.

onnx's reference evaluator has the former from opset 19 on only, and most quantised models are
older; the latter it has not at all.
Importing this module imports onnx.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun

from tpe.workloads.onnx.nbits import DOMAIN, Packed


class DequantizeLinear(OpRun):
    """y = (x - zero) * scale, one scale or one per index of `axis`."""

    op_domain = ""

    def _run(
        self,
        x: np.ndarray,
        scale: np.ndarray,
        zero: np.ndarray | None = None,
        axis: int | None = 1,
        **_later: Any,  # attributes of later opsets, at their defaults
    ) -> tuple[np.ndarray]:
        shape = _along(x, scale, axis)
        offset = 0 if zero is None else zero.astype(np.int64).reshape(_along(x, zero, axis))
        steps = (x.astype(np.int64) - offset).astype(scale.dtype)
        return (steps * scale.reshape(shape),)


class QuantizeLinear(OpRun):
    """y = saturate(round_half_even(x / scale) + zero), uint8 unless zero says otherwise."""

    op_domain = ""

    def _run(
        self,
        x: np.ndarray,
        scale: np.ndarray,
        zero: np.ndarray | None = None,
        axis: int | None = 1,
        **_later: Any,  # attributes of later opsets, at their defaults
    ) -> tuple[np.ndarray]:
        offset = np.zeros((), np.uint8) if zero is None else zero
        limits = np.iinfo(offset.dtype)
        steps = np.rint(x / scale.reshape(_along(x, scale, axis)))
        total = steps + offset.astype(np.float64).reshape(_along(x, offset, axis))
        return (np.clip(total, limits.min, limits.max).astype(offset.dtype),)


class DequantizeNBits(OpRun):
    """The weights (K, N) of a MatMulNBits, in its scales' type, computed in float32."""

    op_domain = DOMAIN

    def _run(
        self,
        codes: np.ndarray,
        scale: np.ndarray,
        zero: np.ndarray | None = None,
        groups: np.ndarray | None = None,
        **sizes: int,
    ) -> tuple[np.ndarray]:
        packed = Packed(sizes["bits"], sizes["K"], sizes["N"], sizes["block_size"])
        places = np.arange(packed.k) // packed.block if groups is None else groups
        shape = packed.n, packed.blocks
        if zero is None:
            offset: Any = np.float32(1 << packed.bits - 1)
        else:
            unpacked = packed.zeros(zero) if zero.dtype == np.uint8 else zero.reshape(shape)
            offset = unpacked.astype(np.float32)[:, places]
        scales = scale.reshape(shape).astype(np.float32)[:, places]
        weights = (packed.codes(codes).astype(np.float32) - offset) * scales
        return (np.ascontiguousarray(weights.T).astype(scale.dtype),)


def ops_for(opsets: Any) -> list[type[OpRun]]:
    """The operators to add to the evaluator for a model with these opset imports."""
    version = max((item.version for item in opsets if item.domain in ("", "ai.onnx")), default=1)
    return [DequantizeNBits, *([DequantizeLinear, QuantizeLinear] if version < 19 else [])]


def _along(x: np.ndarray, parameter: np.ndarray, axis: int | None) -> tuple[int, ...]:
    """The shape that spreads `parameter` along one axis of x."""
    if parameter.size == 1:
        return ()
    wanted = [1] * x.ndim
    wanted[1 if axis is None else axis] = parameter.size
    return tuple(wanted)
