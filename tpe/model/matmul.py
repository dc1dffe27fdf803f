"""A product of real matrices through an engine: rounded or quantised, multiplied, scaled back."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from tpe.base.errors import TpeError
from tpe.engine.config import Config, checked_config
from tpe.engine.task import Seen, Task, see
from tpe.model.engine import Engine
from tpe.model.group_scaled import group_scaled, in_groups
from tpe.numbers.block_operands import BlockOperand
from tpe.numbers.blocks import Blocks
from tpe.numbers.float_arrays import rounded
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import Array, Format, IntFormat
from tpe.numbers.quantise import as_reals, largest_scale, quantised
from tpe.numbers.quantised_tensor import QuantisedTensor

Scales: TypeAlias = tuple[Any, Any] | None
"""Of x, one or as many as it has rows; of w, one or as many as it has columns; None: found."""


def matmul(engine: Config, x: Any, w: Any, scales: Scales = None) -> Array:
    """x (..., K) @ w (K, N) as the engine computes it: reals (..., N), float32 or float64.

    engine: a `tpe.Engine` or `tpe.Config` of integers or of floating point, or of weights that are
    integers and activations that are not, without finish stages.
    x / x_scale and w / w_scale are rounded to its `a_type` and `b_type`, to nearest, ties to even;
    integers saturate, floats overflow as their format does. The engine's product is multiplied by
    x_scale * w_scale in float64. Cycles, firings and errors are what `Engine.run` gives.

    Weights with scales along K, w a `tpe.QuantisedTensor` (K, N), or reals and an engine with
    `scale_group`, which are quantised so: every group of K is summed by itself, times its scale, in
    fp32 (`tpe.numbers.group_scales`); x is quantised as above, its scale multiplies at the end. An
    engine that takes weights of floating point gets scale x (q - zero point), rounded to `b_type`.

    Of formats in blocks (MX, NVFP4) x and w are quantised along K as `tpe.quantise` does by
    default, or are `tpe.Blocks` already; a tensor's scale, which no engine knows, multiplies C.

    scales: (x_scale, w_scale), numbers above 0; x_scale one, or one a row (x without its last
    axis), w_scale one, or one a column (N,). None, of either: floats are not scaled; of integers
    every row of x and every column of w gets the scale that puts its largest magnitude on the
    format's largest integer (vector-wise, arXiv:2208.07339), so that no row depends on another.

    Returns float64 if x or w is float64 or holds integers, else float32. An empty sum is 0.
    Raises TpeError, one line: shapes, types, scales; of integers NaN, infinities, a sum that the
    accumulator may not hold, and negative numbers where the type has no sign.

    >>> mac = Engine("mac", "matrix2d", "2x2")
    >>> matmul(mac, [[0.5, 1.0]], [[1.0], [-0.25]]).round(2).tolist()
    [[0.25]]
    >>> matmul(Engine("lmul", "matrix2d", "2x2"), [1.5, 0.0], [[1.5], [1.0]]).tolist()
    [2.125]
    """
    runner = Engine.of(checked_config(engine))
    _check_engine(runner)
    x_scale, w_scale = _pair(scales)
    weights = in_groups(runner, w, w_scale)
    if weights is not None:
        if not isinstance(runner.b_format, FloatFormat):
            return _in_groups(runner, x, x_scale, weights)
        w = weights.values()
    left = _reals(x, x_scale, runner.a_format, "x", axis=1)
    right = _reals(w, w_scale, runner.b_format, "w", axis=0)
    _check_shapes(left, right)
    shape = (*left.shape[:-1], right.shape[1])
    dtype = np.result_type(left.dtype, right.dtype, np.float32)
    if left.size == 0 or right.size == 0:
        return np.zeros(shape, dtype)
    rows = left.reshape(-1, left.shape[-1])
    a_scale = _scale(x_scale, "x_scale", rows, runner.a_format, left.shape[:-1], axis=1)
    b_scale = _scale(w_scale, "w_scale", right, runner.b_format, right.shape[1:], axis=0)
    if isinstance(runner.a_format, BlockOperand):
        given = (x if isinstance(x, Blocks) else rows), (w if isinstance(w, Blocks) else right)
        seen, whole = _seen_in_blocks(runner, *given, a_scale, b_scale)
    else:
        seen, whole = _seen(runner, rows, right, a_scale, b_scale), 1.0
    c = runner.product(seen)
    with np.errstate(all="ignore"):
        scaled: Array = c * (a_scale * b_scale * whole)
        return scaled.astype(dtype).reshape(shape)


def _in_groups(engine: Engine, x: object, x_scale: object, w: QuantisedTensor) -> Array:
    """x (..., K) times weights in groups of K."""
    left = _reals(x, x_scale, engine.a_format, "x", axis=1)
    _check_shapes(left, w.codes)
    dtype = np.result_type(left.dtype, np.float32)
    shape = (*left.shape[:-1], w.codes.shape[1])
    if left.size == 0 or w.codes.size == 0:
        return np.zeros(shape, dtype)
    rows = left.reshape(-1, left.shape[-1])
    scale = _scale(x_scale, "x_scale", rows, engine.a_format, left.shape[:-1], axis=1)
    with np.errstate(all="ignore"):
        if isinstance(engine.a_format, IntFormat):
            a = quantised(rows, engine.a_format, scale, "x")
        else:
            a = rounded(rows / scale, engine.a_format)
        scaled: Array = group_scaled(engine, a, w) * scale
        return scaled.astype(dtype).reshape(shape)


def _seen(engine: Engine, x: Array, w: Array, a_scale: Array, b_scale: Array) -> Seen:
    """What the array sees of x (M, K) and w (K, N)."""
    sides = ((x, a_scale, engine.a_format, "x"), (w, b_scale, engine.b_format, "w"))
    if isinstance(engine.a_format, FloatFormat):
        with np.errstate(over="ignore", invalid="ignore"):
            a, b = (form.codes(y / scale) for y, scale, form, _ in sides)  # type: ignore[attr-defined]
        return Seen(a, b)
    a, b = (quantised(y, form, scale, where) for y, scale, form, where in sides)  # type: ignore[arg-type]
    task = Task("matmul", "matmul", a, b)
    return see(task, engine.a_format, engine.b_format, engine.params["zero_points"])


def _seen_in_blocks(
    engine: Engine, x: Array | Blocks, w: Array | Blocks, a_scale: Array, b_scale: Array
) -> tuple[Seen, float]:
    """The same in blocks along K, and what the scales of both tensors multiply C by."""
    whole, codes = 1.0, []
    sides = ((x, a_scale, engine.a_format, "x", 1), (w, b_scale, engine.b_format, "w", 0))
    for y, scale, form, where, axis in sides:
        assert isinstance(form, BlockOperand)
        with np.errstate(over="ignore", invalid="ignore"):
            blocks = form.blocked(y if isinstance(y, Blocks) else y / scale, where, axis)
        whole *= blocks.tensor_scale
        codes.append(form.codes(blocks))
    return Seen(codes[0], codes[1]), whole


def _reals(value: object, scale: object, number: Format, where: str, axis: int) -> Array:
    """A side's numbers; of blocks, where the engine takes them and no scale is beside, theirs."""
    if isinstance(value, QuantisedTensor):
        raise TpeError(
            f"{where} is a QuantisedTensor; legal: numbers, and {where}_scale beside them"
        )
    if not isinstance(value, Blocks) or not isinstance(number, BlockOperand):
        return as_reals(value, where)
    if scale is not None:
        raise TpeError(f"{where} is in blocks and {where}_scale is given; legal: None beside them")
    return number.blocked(value, where, axis).values()


def _check_engine(engine: Engine) -> None:
    """TpeError for formats that real numbers are not brought to, and for finish stages."""
    formats = engine.a_format, engine.b_format
    kinds = IntFormat, FloatFormat, BlockOperand
    alike = any(all(isinstance(x, kind) for x in formats) for kind in kinds)
    if not (alike or isinstance(engine.b_format, IntFormat)):
        names = " x ".join(number.name for number in formats)
        raise TpeError(
            f"engine {engine.name} takes {names}; legal: integers or floating point on both "
            "sides, or blocks of it"
        )
    if engine.chain.valued:
        stages = ", ".join(engine.chain.valued)
        raise TpeError(f"engine {engine.name} has {stages}; legal: an engine without finish stages")


def _check_shapes(x: Array, w: Array) -> None:
    if x.ndim < 1 or w.ndim != 2 or x.shape[-1] != w.shape[0]:
        raise TpeError(
            f"x is of shape {x.shape} and w of {w.shape}; legal: (..., K) and (K, N) with the "
            "same K"
        )


def _pair(scales: Any) -> tuple[Any, Any]:
    if scales is None:
        return None, None
    try:
        x_scale, w_scale = scales
    except (TypeError, ValueError):
        raise TpeError("scales is no pair; legal: (x_scale, w_scale), None for either") from None
    return x_scale, w_scale


def _scale(
    value: Any, where: str, x: Array, number: Format, shape: tuple[int, ...], axis: int
) -> Array:
    """The scale of a side, to be broadcast against it; `shape`: as many as may be given."""
    if value is None:
        if isinstance(number, IntFormat):
            with np.errstate(invalid="ignore"):
                return largest_scale(x, number, axis)
        return np.ones((1, 1))
    scale = as_reals(value, where).astype(np.float64)
    if scale.shape not in ((), shape):
        raise TpeError(f"{where} is of shape {scale.shape}; legal: one number, or {shape}")
    if not (np.isfinite(scale) & (scale > 0)).all():
        worst = scale[~(np.isfinite(scale) & (scale > 0))].flat[0]
        raise TpeError(f"{where} holds {worst:g}; legal: finite numbers above 0")
    return scale.reshape((-1, 1) if axis == 1 else (1, -1))
