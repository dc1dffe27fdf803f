"""GEMMs of a PyTorch module as a workload: what its operators multiply, with values and names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import Array, Format, IntFormat, number_format
from tpe.numbers.quantise import largest_scale, quantised
from tpe.torch.layers import as_array, linear_class, require_torch
from tpe.workloads.im2col import Window
from tpe.workloads.imported import ImportedWorkload
from tpe.workloads.lazy import MAX_LAYERS, LazyLayer, Operand, unique_names
from tpe.workloads.onnx_geometry import ConvShape

# Operators that multiply matrices: where their two factors stand among the arguments.
_FACTORS = {
    "mm": (0, 1),
    "bmm": (0, 1),
    "mv": (0, 1),
    "dot": (0, 1),
    "addmm": (1, 2),
    "addmv": (1, 2),
    "addbmm": (1, 2),
    "baddbmm": (1, 2),
}
# What else computes products: told as unsupported, never left out silently.
_PRODUCTS = re.compile(
    r"^(?!_?upsample).*(conv|rnn|lstm|gru|attention|linear|fft|cdist|einsum|dot_product)"
    r"|(^|_)[a-z]*mm(_|$)|(^|_)[a-z]*mv(_|$)|(^|_)v?dot(_|$)"
)


@dataclass(frozen=True)
class _Captured:
    """One or more equal GEMMs as an operator has them: a (groups, M, K), b (groups, K, N)."""

    name: str
    op: str
    a: Array
    b: Array
    shape: ConvShape | None = None  # of a convolution: a is its input, b its weights


@dataclass
class _Watched:
    """What a run went through."""

    modules: list[Any] = field(default_factory=list)  # (name, module), innermost last
    products: list[_Captured] = field(default_factory=list)
    unsupported: Counter[str] = field(default_factory=Counter)
    not_gemm: Counter[str] = field(default_factory=Counter)


def capture(
    model: Any, *inputs: Any, a_type: str = "int8", b_type: str = "int8", **named: Any
) -> ImportedWorkload:
    """The GEMMs that a `torch.nn.Module` computes on inputs of yours, as a workload, without ONNX.

    inputs, named: what the model is called with; NumPy arrays become tensors. It runs once, in
    evaluation mode and without gradients, and is left as it was.
    a_type, b_type: formats of the first and of the second factor, of integers or floating point.
    Floats are rounded; integers are quantised symmetrically, one scale a tensor, the largest
    magnitude on the format's largest integer.

    Linear layers, matrix products, attention (as products and a softmax, whatever kernel the module
    would take) and convolutions, by im2col, are layers: activations (M, K), rows in the order of
    the batch, and weights (K, N). A layer has the name of the module that computes it, `#2` and so
    on where that has several; `name[g]` is one matrix of a batch, one group of a convolution.
    `unsupported` counts operators that compute products and are not lowered (transposed
    convolutions), `not_gemm` all others.

    Raises TpeError: no module, nothing that is lowered, an unknown format, NaN or infinities where
    integers are asked for; MissingExtra without PyTorch.
    """
    torch = require_torch()
    if not isinstance(model, torch.nn.Module):
        raise TpeError(f"model is a {type(model).__name__}; legal: a torch.nn.Module")
    formats = _format(a_type, "a_type"), _format(b_type, "b_type")
    tensors = [torch.as_tensor(x) if isinstance(x, np.ndarray) else x for x in inputs]
    watched = _Watched()
    with ExitStack() as stack:
        for manager in (_evaluating(model), _plain(torch), _named(model, watched), torch.no_grad()):
            stack.enter_context(manager)
        stack.enter_context(_watching(watched))
        model(*tensors, **named)
    title = type(model).__name__
    if not watched.products:
        raise TpeError(f"model {title} computes no matrix product here; legal: at least one")
    return ImportedWorkload(
        name=title,
        title=f"{title}, captured from PyTorch",
        source=f"torch {torch.__version__}",
        layers=_layers(watched.products, formats),
        unsupported=dict(sorted(watched.unsupported.items())),
        not_gemm=dict(sorted(watched.not_gemm.items())),
        notes=(),
    )


# ---- running ----


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """In evaluation mode; every module gets its own mode back."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


@contextmanager
def _plain(torch: Any) -> Iterator[None]:
    """Attention and recurrent layers as the products they are, not as one fused operator."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    mha, mkldnn = torch.backends.mha, torch.backends.mkldnn
    before = mha.get_fastpath_enabled(), mkldnn.enabled
    mha.set_fastpath_enabled(False)
    mkldnn.enabled = False
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        mha.set_fastpath_enabled(before[0])
        mkldnn.enabled = before[1]


@contextmanager
def _named(model: Any, watched: _Watched) -> Iterator[None]:
    """`watched.modules` holds the modules that are running."""
    handles = []
    for name, module in model.named_modules():
        label = (name or type(model).__name__, module)
        handles += [
            module.register_forward_pre_hook(partial(_enter, watched, label)),
            module.register_forward_hook(partial(_leave, watched), always_call=True),
        ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _enter(watched: _Watched, label: Any, module: Any, inputs: Any) -> None:
    watched.modules.append(label)


def _leave(watched: _Watched, module: Any, inputs: Any, output: Any) -> None:
    name, _ = watched.modules.pop()
    if isinstance(module, linear_class()):  # its product is no operator of PyTorch
        a = as_array(inputs[0]).reshape(1, -1, module.in_features)
        watched.products.append(_Captured(name, "gemm", a.copy(), as_array(module.weight).T[None]))


def _watching(watched: _Watched) -> Any:
    """A mode of PyTorch that notes every operator, and computes it."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Watch(TorchDispatchMode):  # type: ignore[misc,unused-ignore]
        def __torch_dispatch__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            _note(watched, function.overloadpacket.__name__, args)
            return function(*args, **(kwargs or {}))

    return Watch()


def _note(watched: _Watched, operator: str, args: Any) -> None:
    name, module = watched.modules[-1]
    operator = operator.removesuffix("_")  # of one that writes in place
    if operator in _FACTORS:
        a, b = (as_array(args[place]) for place in _FACTORS[operator])
        if not a.size or not b.size:
            return
        a = a[None, :] if a.ndim == 1 else a
        b = b[:, None] if b.ndim == 1 else b
        op = "gemm" if type(module) is require_torch().nn.Linear else "matmul"
        a, b = (x if x.ndim == 3 else x[None] for x in (a, b))
        watched.products.append(_Captured(name, op, a.copy(), b.copy()))
    elif operator == "convolution" and not args[6]:
        shape = _conv_shape(args, name)
        x, w = (as_array(factor).copy() for factor in args[:2])
        watched.products.append(_Captured(name, shape.op, x, w, shape))
    elif _PRODUCTS.search(operator):
        label = "transposed convolution" if operator == "convolution" else operator
        watched.unsupported[label] += 1
    else:
        watched.not_gemm[operator] += 1


def _conv_shape(args: Any, name: str) -> ConvShape:
    """Of aten.convolution(input, weight, bias, stride, padding, dilation, ...)."""
    x, w, _, *steps = args[:6]
    rank = x.dim() - 2
    stride, padding, dilation = (tuple(s) if len(s) == rank else tuple(s) * rank for s in steps)
    pads = tuple((pad, pad) for pad in padding)
    size, kernel = tuple(x.shape[2:]), tuple(w.shape[2:])
    window = Window(size, kernel, stride, dilation, pads, where=f"layer '{name}'")
    return ConvShape(x.shape[0], x.shape[1], w.shape[0], args[8], window)


# ---- layers ----


def _format(name: str, field_name: str) -> Format:
    number = number_format(name, field_name)
    if not isinstance(number, IntFormat | FloatFormat):
        raise TpeError(f"{field_name} = {number.name}; legal: integers or floating point")
    return number


def _layers(products: list[_Captured], formats: tuple[Format, Format]) -> tuple[LazyLayer, ...]:
    groups = [len(p.a) if p.shape is None else p.shape.groups for p in products]
    if sum(groups) > MAX_LAYERS:
        raise TpeError(f"the model computes {sum(groups)} products; legal: at most {MAX_LAYERS}")
    layers: list[LazyLayer] = []
    names = unique_names([product.name for product in products])
    for product, name, count in zip(products, names, groups, strict=True):
        a = _stored(product.a, formats[0], f"layer '{name}': activations")
        b = _stored(product.b, formats[1], f"layer '{name}': weights")
        for group in range(count):
            label = name if count == 1 else f"{name}[{group}]"
            sides = _sides(product.shape, a, b, group)
            layers.append(
                LazyLayer(
                    label,
                    product.op,
                    *sides,
                    operand_source="captured",
                    a_type=formats[0].name,
                    b_type=formats[1].name,
                )
            )
    return tuple(layers)


def _sides(shape: ConvShape | None, a: Array, b: Array, group: int) -> tuple[Operand, Operand]:
    """One GEMM's activations and weights, in the narrow type that is stored."""
    if shape is None:
        (m, k), n = a.shape[1:], b.shape[2]
        rows, columns = partial(np.ascontiguousarray, a[group]), b[group]
    else:
        m, k, n = shape.m, shape.k, shape.n
        rows, columns = partial(shape.rows, shape.part_a(a, group), 0), shape.columns(b, group)
    return Operand(m, k, rows), Operand(k, n, partial(np.ascontiguousarray, columns))


def _stored(x: Array, number: Format, where: str) -> Array:
    """A tensor in its format: floats rounded, integers by one scale."""
    if isinstance(number, FloatFormat):
        return number.values(number.codes(x))
    assert isinstance(number, IntFormat)
    with np.errstate(invalid="ignore"):
        return quantised(x, number, largest_scale(x, number), where)
