"""How the tensors of a node become the matrices of a GEMM, one group at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.workloads.im2col import Window, im2col
from tpe.workloads.lazy import clean


@dataclass(frozen=True)
class ConvShape:
    """A convolution: x (batch, channels, *size), w (out_channels, channels / groups, *kernel)."""

    batch: int
    channels: int
    out_channels: int
    groups: int
    window: Window

    n_axis = 0
    """Axis of the weights that becomes N."""

    @property
    def op(self) -> str:
        """What a layer of it is called."""
        if self.groups == 1:
            return "conv"
        return "depthwise conv" if self.groups == self.channels else "grouped conv"

    @property
    def m(self) -> int:
        """Batch x output pixels."""
        return self.batch * prod(self.window.out)

    @property
    def n(self) -> int:
        """Output channels of one group."""
        return self.out_channels // self.groups

    @property
    def k(self) -> int:
        """Input channels of one group x kernel."""
        return self.channels // self.groups * prod(self.window.kernel)

    @property
    def drawn(self) -> tuple[int, ...]:
        """Shape of one group's input: the pixels that `rows` repeats are drawn once."""
        return (self.batch, self.channels // self.groups, *self.window.size)

    def part_a(self, x: np.ndarray, group: int) -> np.ndarray:
        """The channels of x that one group reads."""
        size = self.channels // self.groups
        return x[:, group * size : (group + 1) * size]

    def rows(self, part: np.ndarray, fill: int) -> np.ndarray:
        """(M, K) from one group's channels; padding is `fill`, the zero point."""
        return im2col(part, self.window, fill)

    def columns(self, w: np.ndarray, group: int) -> np.ndarray:
        """(K, N) of one group."""
        part = w[group * self.n : (group + 1) * self.n]
        return part.reshape(self.n, self.k).T

    def zero_rows(self, zero: np.ndarray, group: int) -> np.ndarray:
        """Zero point of the rows: one, since padding takes it too."""
        return zero.reshape(1)

    def zero_columns(self, zero: np.ndarray, group: int) -> np.ndarray:
        """Zero points of one group's columns, from one or one per output channel."""
        if zero.size == 1:
            return zero.reshape(1)
        return zero.reshape(self.out_channels)[group * self.n : (group + 1) * self.n]


@dataclass(frozen=True)
class MatShape:
    """A matrix product: a (*batch_a, rows, K) by b (*batch_b, K, N), either one transposed.

    Weights without a batch are shared: the batch of the activations is folded into M. Otherwise
    each matrix of the broadcast batch is a group of its own.
    """

    op: str
    batch_a: tuple[int, ...]
    batch_b: tuple[int, ...]
    size: tuple[int, int, int]
    trans_a: bool = False
    trans_b: bool = False

    @classmethod
    def of(
        cls,
        op: str,
        a: tuple[int, ...],
        b: tuple[int, ...],
        trans_a: bool,
        trans_b: bool,
        where: str,
    ) -> MatShape:
        """The product of tensors of shapes `a` and `b`; `TpeError` if there is none."""
        fault = f"{where}: inputs are {list(a)} and {list(b)}"
        if not a or not b or (op == "gemm" and (len(a), len(b)) != (2, 2)):
            raise TpeError(f"{fault}; legal: matrices")
        a_two = (1, *a) if len(a) == 1 else a
        b_two = (*b, 1) if len(b) == 1 else b
        rows, k = a_two[-2:][::-1] if trans_a else a_two[-2:]
        k_b, n = b_two[-2:][::-1] if trans_b else b_two[-2:]
        try:
            np.broadcast_shapes(a_two[:-2], b_two[:-2])
        except ValueError:
            raise TpeError(f"{fault}; legal: batches that broadcast") from None
        if k != k_b:
            raise TpeError(f"{fault}; legal: M x K and K x N with the same K")
        return cls(op, a_two[:-2], b_two[:-2], (rows, n, k), trans_a, trans_b)

    @property
    def batch(self) -> tuple[int, ...]:
        """The broadcast batch."""
        return tuple(np.broadcast_shapes(self.batch_a, self.batch_b))

    @property
    def folded(self) -> bool:
        """Whether the batch is rows of one GEMM."""
        return prod(self.batch_b) == 1

    @property
    def groups(self) -> int:
        """GEMMs of this shape."""
        return 1 if self.folded else prod(self.batch)

    @property
    def m(self) -> int:
        """Rows of one GEMM."""
        return self.size[0] * (prod(self.batch) if self.folded else 1)

    @property
    def n(self) -> int:
        """Columns of one GEMM."""
        return self.size[1]

    @property
    def k(self) -> int:
        """Length of each sum."""
        return self.size[2]

    @property
    def n_axis(self) -> int:
        """Axis of the weights that becomes N."""
        return len(self.batch_b) + (0 if self.trans_b else 1)

    @property
    def drawn(self) -> tuple[int, ...]:
        """Shape of the generated rows of one GEMM."""
        return (self.m, self.k)

    def part_a(self, x: np.ndarray, group: int) -> np.ndarray:
        """(M, K) of one group."""
        rows, _, k = self.size
        stored = (k, rows) if self.trans_a else (rows, k)
        x = x.reshape(*self.batch_a, *stored)
        if self.trans_a:
            x = x.swapaxes(-1, -2)
        if self.folded:
            return x.reshape(self.m, self.k)
        picked: np.ndarray = np.broadcast_to(x, (*self.batch, rows, k))[self._index(group)]
        return picked

    def rows(self, part: np.ndarray, fill: int) -> np.ndarray:
        """(M, K): what `part_a` returned; nothing is padded."""
        return np.ascontiguousarray(part)

    def columns(self, w: np.ndarray, group: int) -> np.ndarray:
        """(K, N) of one group."""
        _, n, k = self.size
        w = w.reshape(*self.batch_b, *((n, k) if self.trans_b else (k, n)))
        if self.trans_b:
            w = w.swapaxes(-1, -2)
        if self.folded:
            return w.reshape(k, n)
        picked: np.ndarray = np.broadcast_to(w, (*self.batch, k, n))[self._index(group)]
        return picked

    def zero_rows(self, zero: np.ndarray, group: int) -> np.ndarray:
        """Zero points of one group's rows, from one, one per row, or (*batch, rows, 1)."""
        if zero.size == 1:
            return zero.reshape(-1)
        rows = self.size[0]
        full = zero.reshape(-1, 1) if zero.ndim == 1 else zero
        every = np.broadcast_to(full, (*self.batch, rows, 1))
        return np.asarray(every if self.folded else every[self._index(group)]).reshape(-1)

    def zero_columns(self, zero: np.ndarray, group: int) -> np.ndarray:
        """Zero points of one group's columns, from one, one per column, or (*batch, 1, N)."""
        if zero.size == 1:
            return zero.reshape(-1)
        if self.folded:
            return zero.reshape(self.n)
        every = np.broadcast_to(zero, (*self.batch, 1, self.n))
        return np.asarray(every[self._index(group)]).reshape(-1)

    def _index(self, group: int) -> tuple[int, ...]:
        return tuple(int(i) for i in np.unravel_index(group, self.batch))


def window_of(
    attributes: Mapping[str, Any], size: tuple[int, ...], kernel: tuple[int, ...], where: str
) -> Window:
    """The window of a convolution's attributes over an input of `size`; `TpeError` if illegal."""
    rank = len(size)
    stride = tuple(attributes.get("strides", (1,) * rank))
    dilation = tuple(attributes.get("dilations", (1,) * rank))
    flat = list(attributes.get("pads", (0,) * (2 * rank)))
    auto = attributes.get("auto_pad", "NOTSET")
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise TpeError(
            f"{where}: auto_pad is '{clean(auto)}'; legal: NOTSET, VALID, SAME_UPPER, SAME_LOWER"
        )
    if len(flat) != 2 * rank:
        raise TpeError(f"{where}: pads has {len(flat)} values; legal: {2 * rank}")
    pads = tuple(zip(flat[:rank], flat[rank:], strict=True))
    unpadded = ((0, 0),) * rank
    if auto == "NOTSET":
        return Window(size, kernel, stride, dilation, pads, where)
    # Checks strides and dilations before they are divided by.
    Window(tuple(2**40 for _ in size), kernel, stride, dilation, unpadded, where)
    if auto == "VALID":
        return Window(size, kernel, stride, dilation, unpadded, where)
    same = []
    for axis in range(rank):
        reach = dilation[axis] * (kernel[axis] - 1) + 1
        total = max(0, (-(-size[axis] // stride[axis]) - 1) * stride[axis] + reach - size[axis])
        small, large = total // 2, total - total // 2
        same.append((small, large) if auto == "SAME_UPPER" else (large, small))
    return Window(size, kernel, stride, dilation, tuple(same), where)
