"""A real network, no download: an int8 multilayer perceptron that reads handwritten digits.

Images, weights and constants are committed in `data/digits_mlp.npz`; `tools/train_digits_mlp.py`
made them and says how. The arithmetic of a layer, all in integers:

    sum = saturate_int32(C + bias)                               C: what the engine returns
    out = max(0, saturate_int8((sum * multiplier + 2**(shift - 1)) >> shift))    fc1 and fc2
    digit = the first index of the largest sum                                   fc3

The shift rounds to nearest, halves up.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import ClassVar

import numpy as np

from tpe.numbers.matrices import owned
from tpe.workloads.base import Gemm, Layer, Workload, exact_gemm, run_layer

TITLE = "Handwritten digits, int8 MLP"
DATA = "digits_mlp.npz"
_INT8, _INT32 = np.iinfo(np.int8), np.iinfo(np.int32)


@dataclass(frozen=True, eq=False)
class Rescale:
    """What follows a layer's GEMM: the bias, and for a hidden layer the way back to int8.

    bias        (N,) integers within int32
    multiplier  15 bits, or None in the last layer, whose sums are the scores
    shift       1 or more
    """

    bias: np.ndarray
    multiplier: int | None = None
    shift: int = 1

    def __call__(self, c: np.ndarray) -> np.ndarray:
        """The next layer's activations, (M, N) within 0..127, or the scores of the last layer.

        >>> half = Rescale(np.array([1, 0, 0, 9]), multiplier=2**14, shift=15)
        >>> half(np.array([[2, 5, -8, 1000]])).tolist()
        [[2, 3, 0, 127]]
        """
        if c.dtype.kind == "f":  # of floating-point sums the nearest integers, as a converter makes
            c = np.rint(np.clip(np.nan_to_num(c), _INT32.min, _INT32.max)).astype(np.int64)
        # Saturated before the addition: an engine may return anything that int64 holds.
        total: np.ndarray = np.clip(c, _INT32.min - self.bias, _INT32.max - self.bias) + self.bias
        if self.multiplier is None:
            return total
        rounded = (total * self.multiplier + (1 << (self.shift - 1))) >> self.shift
        saturated = np.clip(rounded, _INT8.min, _INT8.max)
        rectified: np.ndarray = np.maximum(saturated, 0)
        return rectified


@dataclass(frozen=True, eq=False)
class DigitsMlp(Workload):
    """The network as a workload: layers fc1, fc2, fc3 of sizes 64-64-32-10 over 360 images.

    after           one `Rescale` per layer
    labels          (360,) digits 0..9
    accuracy_float  of the network before quantisation, on the same images, as recorded
    """

    after: tuple[Rescale, ...]
    labels: np.ndarray
    accuracy_float: float

    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "accuracy_integer", "accuracy_float")

    def drive(self, gemm: Gemm) -> dict[str, float]:
        """Run the network on `gemm`, each layer's result feeding the next.

        accuracy          fraction of the images read rightly with `gemm`
        accuracy_integer  the same with exact arithmetic, computed here
        accuracy_float    of the float network, as recorded when it was trained
        """
        return {
            "accuracy": self._accuracy(gemm),
            "accuracy_integer": self._accuracy(exact_gemm),
            "accuracy_float": self.accuracy_float,
        }

    def _accuracy(self, gemm: Gemm) -> float:
        x = self.layers[0].activations
        for layer, rescale in zip(self.layers, self.after, strict=True):
            x = rescale(run_layer(gemm, replace(layer, activations=x)))
        return float(np.mean(np.argmax(x, axis=1) == self.labels))


@functools.cache
def load() -> DigitsMlp:
    """The built-in workload `digits_mlp`, read once per process.

    Source: scikit-learn's `load_digits` (the test part of UCI's Optical Recognition of
    Handwritten Digits, Alpaydin and Kaynak 1998). The 360 images whose index is a multiple of 5
    were held out of training; a pixel p of 0..16 becomes round(p * 127 / 16), halves up.

    >>> [(layer.name, layer.m, layer.n, layer.k) for layer in load().layers]
    [('fc1', 360, 64, 64), ('fc2', 360, 32, 64), ('fc3', 360, 10, 32)]
    """
    data = _read_data()
    names = ("fc1", "fc2", "fc3")
    after = tuple(_rescale(data, name) for name in names)
    layers = []
    x = owned(data["test.images"])
    source = "digits test images"
    for name, rescale in zip(names, after, strict=True):
        layers.append(Layer(name, "fc", x, data[f"{name}.weights"], operand_source=source))
        x = rescale(exact_gemm(layers[-1]))
        source = f"digits test images through {name}"
    return DigitsMlp(
        name="digits_mlp",
        title=TITLE,
        source="scikit-learn digits, weights by tools/train_digits_mlp.py",
        layers=tuple(layers),
        after=after,
        labels=owned(data["test.labels"]),
        accuracy_float=float(data["accuracy_float"]),
    )


@dataclass(frozen=True, eq=False)
class FloatDigits:
    """The same network before quantisation, on the same images.

    images   (360, 64) float32 within 0..1
    labels   (360,) digits 0..9
    layers   weights (K, N) and biases (N,) of fc1, fc2 and fc3, float32
    """

    images: np.ndarray
    labels: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    def scores(self, product: Callable[[str, np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
        """(360, 10) scores, the largest of a row is the digit; `product` is called fc1, fc2, fc3.

        >>> scores = load_float().scores(lambda name, x, w: x @ w)
        >>> float(np.mean(scores.argmax(axis=1) == load().labels)) == load().accuracy_float
        True
        """
        x = self.images
        for number, (weights, bias) in enumerate(self.layers, 1):
            x = product(f"fc{number}", x, weights) + bias
            x = x if number == len(self.layers) else np.maximum(x, 0)
        return x


@functools.cache
def load_float() -> FloatDigits:
    """The network in float32; its images are those of `load`, whose pixels are exact there."""
    data = _read_data()
    whole = np.rint(data["test.images"] * (16 / _INT8.max))
    layers = tuple(
        (data[f"{name}.float_weights"], data[f"{name}.float_bias"])
        for name in ("fc1", "fc2", "fc3")
    )
    return FloatDigits((whole / 16).astype(np.float32), owned(data["test.labels"]), layers)


def _read_data() -> dict[str, np.ndarray]:
    content = resources.files("tpe.workloads").joinpath("data", DATA).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def _rescale(data: Mapping[str, np.ndarray], name: str) -> Rescale:
    bias = owned(data[f"{name}.bias"])
    if f"{name}.multiplier" not in data:
        return Rescale(bias)
    return Rescale(bias, int(data[f"{name}.multiplier"]), int(data[f"{name}.shift"]))
