"""What a model is run with: values of its inputs, and how long its loops may take."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.matrices import is_int
from tpe.workloads.lazy import clean
from tpe.workloads.npz import read_arrays
from tpe.workloads.onnx_file import OnnxFile

LOOP_SECONDS, LOOP_ITERATIONS = 5.0, 100_000


@dataclass(frozen=True)
class LoopLimits:
    """How long the bodies of Loop and Scan may run, together, in one evaluation.

    seconds     above 0
    iterations  1 or more

    >>> LoopLimits(seconds=0)
    Traceback (most recent call last):
    tpe.TpeError: loop_seconds is 0; legal: a number above 0
    """

    seconds: float = LOOP_SECONDS
    iterations: int = LOOP_ITERATIONS

    def __post_init__(self) -> None:
        if not isinstance(self.seconds, int | float) or not self.seconds > 0:
            raise TpeError(f"loop_seconds is {self.seconds!r}; legal: a number above 0")
        if not is_int(self.iterations) or self.iterations < 1:
            raise TpeError(f"loop_iterations is {self.iterations!r}; legal: an integer, 1 or more")


def read_inputs(
    inputs: str | os.PathLike[str] | Mapping[str, Any], file: OnnxFile
) -> tuple[dict[str, np.ndarray], str]:
    """({input: values}, what to call their source), from an npz file or a mapping.

    Errors: `TpeError` naming the file or the input: damaged, Python objects, a name that the
    graph does not have, an input left out, a type that does not convert.
    """
    if isinstance(inputs, Mapping):
        raw, source = {str(k): np.asarray(v) for k, v in inputs.items()}, "inputs given"
    else:
        path = os.path.expanduser(os.fspath(inputs))
        raw, source = read_arrays(path), clean(os.path.basename(path))
    items = {item.name: item for item in file.inputs()}
    legal = ", ".join(clean(name) for name in items) or "none"
    for name in raw:
        if name not in items:
            raise TpeError(f"inputs: '{clean(name)}' is no input of {file.where}; legal: {legal}")
    for name in items:
        if name not in raw:
            raise TpeError(f"inputs: '{clean(name)}' of {file.where} is missing; legal: {legal}")
    return {name: _as_input(raw[name], items[name]) for name in items}, source


def _as_input(value: np.ndarray, item: Any) -> np.ndarray:
    from onnx import helper

    where = f"inputs: '{clean(item.name)}'"
    try:
        wanted = helper.tensor_dtype_to_np_dtype(item.type.tensor_type.elem_type)
    except (KeyError, ValueError):
        raise TpeError(f"{where} is no tensor of numbers; legal: a tensor") from None
    same_kind = np.can_cast(value.dtype, wanted, "same_kind")
    if value.dtype.kind == "O" or not (
        same_kind or (value.dtype.kind in "iu" and _fits(value, wanted))
    ):
        raise TpeError(f"{where} is {value.dtype}; legal: {wanted}")
    return value.astype(wanted)


def _fits(value: np.ndarray, wanted: np.dtype[Any]) -> bool:
    if wanted.kind not in "iu" or value.size == 0:
        return wanted.kind in "iuf"
    limits = np.iinfo(wanted)
    return int(value.min()) >= limits.min and int(value.max()) <= limits.max
