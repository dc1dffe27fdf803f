"""Engines in PyTorch: a linear layer that computes on one, and models whose layers are such.

    import tpe, tpe.torch

    tpe.torch.swap_linears(model, tpe.Engine("lmul", "matrix2d", "16x16"))  # then train or test it

`Linear(engine, in_features, out_features, bias=True, scales=None)` is a `torch.nn.Linear` whose
product is `tpe.matmul`; so is `Linear.of(engine, layer)`, which keeps the parameters of a layer.
Gradients are those of the exact product (straight-through estimator, arXiv:1308.3432). PyTorch is
the extra `capture`; without it whatever is asked for here is one line that says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tpe.base.errors import TpeError, unknown

if TYPE_CHECKING:
    from tpe.engine.config import Config
    from tpe.model.matmul import Scales

__all__ = ["Linear", "swap_linears"]


def __getattr__(name: str) -> Any:
    if name != "Linear":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tpe.torch.layers import linear_class

    return linear_class()


def swap_linears(
    model: Any,
    engine: Config,
    names: Iterable[str] | None = None,
    scales: Scales = None,
) -> Any:
    """Put a `tpe.torch.Linear` in the place of every `torch.nn.Linear` of a model; returns it.

    engine, scales: as `tpe.matmul` takes them. names: those as `model.named_modules()` has them;
    None: all. The parameters stay the same objects, so that an optimiser of them goes on. The model
    is changed in place, and returned; one that is a Linear itself is returned as another module.
    Subclasses of Linear stay: the output projection of `torch.nn.MultiheadAttention` is one, and
    that module computes without calling it.
    Raises TpeError: no such layer, no layer at all, an engine that `tpe.matmul` does not take.
    """
    from tpe.torch.layers import linear_class, require_torch

    nn = require_torch().nn
    if not isinstance(model, nn.Module):
        raise TpeError(f"model is a {type(model).__name__}; legal: a torch.nn.Module")
    layers = {name: layer for name, layer in model.named_modules() if type(layer) is nn.Linear}
    if not layers:
        raise TpeError(f"model {type(model).__name__} has no torch.nn.Linear; legal: one or more")
    chosen = list(layers) if names is None else list(names)
    for name in chosen:
        if name not in layers:
            raise unknown("layer", name, layers)
    for name in chosen:
        layer = linear_class().of(engine, layers[name], scales)
        if name == "":
            return layer
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, layer)
    return model
