"""A convolution as a GEMM: M = batch x output pixels, K = C x kernel in ONNX weight order."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from tpe.base.errors import TpeError


@dataclass(frozen=True)
class Window:
    """Where the kernel of a convolution stands, one entry per spatial axis.

    size        of the input
    kernel, stride, dilation    1 or more
    pads        (before, after), 0 or more

    Errors: `TpeError` naming the field and the axis. It opens with `where`.

    >>> Window((224, 224), (7, 7), (2, 2), (1, 1), ((3, 3), (3, 3))).out
    (112, 112)
    """

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    where: str = "convolution"

    def __post_init__(self) -> None:
        fields = {
            "input size": self.size,
            "kernel_shape": self.kernel,
            "strides": self.stride,
            "dilations": self.dilation,
        }
        for name, values in fields.items():
            if len(values) != len(self.size):
                raise TpeError(
                    f"{self.where}: {name} has {len(values)} values; legal: {len(self.size)}"
                )
            if any(value < 1 for value in values):
                raise TpeError(f"{self.where}: {name} is {list(values)}; legal: 1 or more")
        if len(self.pads) != len(self.size) or any(min(pair) < 0 for pair in self.pads):
            raise TpeError(
                f"{self.where}: pads are {[list(pair) for pair in self.pads]}; "
                f"legal: {len(self.size)} pairs of 0 or more"
            )
        for axis, size in enumerate(self.out):
            if size < 1:
                raise TpeError(
                    f"{self.where}: the kernel {list(self.kernel)} with dilations "
                    f"{list(self.dilation)} does not fit axis {axis} of the padded input "
                    f"{list(self.size)}; legal: at least one output pixel"
                )

    @property
    def out(self) -> tuple[int, ...]:
        """Output pixels per axis; a last window that does not fit whole is none."""
        return tuple(
            (size + sum(pads) - dilation * (kernel - 1) - 1) // stride + 1
            for size, kernel, stride, dilation, pads in zip(
                self.size, self.kernel, self.stride, self.dilation, self.pads, strict=True
            )
        )


def im2col(x: np.ndarray, window: Window, fill: int = 0) -> np.ndarray:
    """The rows of a convolution, in the type of `x`.

    x      (batch, C, *size) integers
    fill   what padding is: the zero point of `x`

    Returns (batch * out pixels, C * kernel), rows in (batch, *out) order, columns in
    (C, *kernel) order, as ONNX stores weights.

    >>> x = np.arange(9, dtype=np.int8).reshape(1, 1, 3, 3)
    >>> im2col(x, Window((3, 3), (2, 2), (1, 1), (1, 1), ((0, 0), (0, 0))))[0].tolist()
    [0, 1, 3, 4]
    """
    rank = len(window.size)
    if any(any(pair) for pair in window.pads):
        x = np.pad(x, ((0, 0), (0, 0), *window.pads), constant_values=fill)
    reach = tuple(d * (k - 1) + 1 for d, k in zip(window.dilation, window.kernel, strict=True))
    axes = tuple(range(2, 2 + rank))
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=axes)
    steps = (
        slice(None),
        slice(None),
        *(slice(None, None, s) for s in window.stride),
        *(slice(None, None, d) for d in window.dilation),
    )
    view = view[steps]
    order = (0, *axes, 1, *range(2 + rank, 2 + 2 * rank))
    rows = x.shape[0] * prod(window.out)
    return np.ascontiguousarray(view.transpose(order)).reshape(rows, -1)
