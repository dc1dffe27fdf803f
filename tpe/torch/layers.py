"""The linear layer itself: its class is made when PyTorch is there."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tpe.base.errors import missing_extra
from tpe.engine.config import Config
from tpe.model.engine import Engine
from tpe.model.matmul import Scales, matmul


def require_torch() -> Any:
    """The module `torch`; MissingExtra, with the pip command, without it."""
    try:
        import torch
    except ImportError:
        raise missing_extra("torch", "capture") from None
    return torch


def as_array(tensor: Any) -> np.ndarray:
    """A tensor's values as a NumPy array, float32 where NumPy has not its type."""
    plain = tensor.detach().cpu()
    narrow = plain.dtype in (require_torch().bfloat16, require_torch().float16)
    array: np.ndarray = (plain.float() if narrow else plain).numpy()
    return array


@cache
def product_class() -> Any:
    """The autograd function x (..., K), weight (N, K) -> x @ weight.T on an engine."""
    torch = require_torch()

    class Product(torch.autograd.Function):  # type: ignore[misc,name-defined]
        """Forward on the engine; backward as if the product were exact."""

        @staticmethod
        def forward(ctx: Any, x: Any, weight: Any, engine: Engine, scales: Scales) -> Any:
            """Reals (..., N) of the type and on the device of `x`."""
            ctx.save_for_backward(x, weight)
            c = matmul(engine, as_array(x), as_array(weight).T, scales)
            return torch.from_numpy(c).to(device=x.device, dtype=x.dtype)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            """Gradients of x and of the weight."""
            x, weight = ctx.saved_tensors
            rows = gradient.reshape(-1, weight.shape[0])
            of_x = (rows @ weight).reshape(x.shape) if ctx.needs_input_grad[0] else None
            of_weight = rows.T @ x.reshape(-1, x.shape[-1]) if ctx.needs_input_grad[1] else None
            return of_x, of_weight, None, None

    return Product


@cache
def linear_class() -> Any:
    """The class `tpe.torch.Linear`."""
    torch = require_torch()
    product = product_class()

    class Linear(torch.nn.Linear):  # type: ignore[misc,name-defined]
        """`torch.nn.Linear` with its product on an engine: y = matmul(x, weight.T) + bias.

        engine, scales: as `tpe.matmul` takes them; x_scale and w_scale as there, w_scale one a row
        of the weight. The bias is added in the type of x. Gradients are of the exact product.
        """

        def __init__(
            self,
            engine: Config,
            in_features: int,
            out_features: int,
            bias: bool = True,
            scales: Scales = None,
            **options: Any,
        ) -> None:
            super().__init__(in_features, out_features, bias, **options)
            self.engine, self.scales = engine, scales
            # Refused here, not at the first batch.
            matmul(engine, np.zeros((1, 1)), np.zeros((1, 1)))

        @classmethod
        def of(cls, engine: Config, layer: Any, scales: Scales = None) -> Any:
            """A layer with the parameters, hooks left out, of a `torch.nn.Linear`."""
            size = layer.in_features, layer.out_features
            other = cls(engine, *size, layer.bias is not None, scales, device="meta")
            other.weight, other.bias, other.training = layer.weight, layer.bias, layer.training
            return other

        def forward(self, x: Any) -> Any:
            """(..., in_features) to (..., out_features)."""
            y = product.apply(x, self.weight, self.engine, self.scales)
            return y if self.bias is None else y + self.bias

        def extra_repr(self) -> str:
            """What `print(model)` shows."""
            return f"{super().extra_repr()}, engine={self.engine.name}"

    Linear.__module__, Linear.__qualname__ = "tpe.torch", "Linear"  # where pickle finds it
    return Linear
