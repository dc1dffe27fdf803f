"""Train and quantise the digits network: writes tpe/workloads/data/digits_mlp.npz.

    python tools/train_digits_mlp.py [--out FILE]

Needs scikit-learn. Float training differs in the last bits between machines, so the committed file,
not this script, is the reference: rerunning may give other weights and other accuracies. The
arithmetic the file is meant for is stated in `tpe/workloads/digits_mlp.py`.

Data: scikit-learn's 1797 digits images, 8 x 8 pixels of 0..16. Images whose index is a multiple of
5 (360 of them) are held out for testing; training, calibration of the scales and every choice made
here see the other 1437 only.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits  # type: ignore[import-untyped,unused-ignore]
from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped,unused-ignore]

HIDDEN = (64, 32)
SEED = 0
INT8_MAX = 127  # symmetric: -128 is left unused
MULTIPLIER_BITS = 15
DEFAULT_OUT = Path(__file__).resolve().parent.parent / "tpe/workloads/data/digits_mlp.npz"


def train(pixels: np.ndarray, labels: np.ndarray) -> MLPClassifier:
    """The float network, on pixels scaled to 0..1."""
    network = MLPClassifier(
        hidden_layer_sizes=HIDDEN, activation="relu", alpha=1e-2, max_iter=1000, random_state=SEED
    )
    return network.fit(pixels, labels)


def largest_outputs(network: MLPClassifier, pixels: np.ndarray) -> list[float]:
    """The largest output of each hidden layer over the calibration images."""
    largest, x = [], pixels
    for weights, bias in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
        x = np.maximum(x @ weights + bias, 0.0)
        largest.append(float(x.max()))
    return largest


def fixed_point(factor: float) -> tuple[int, int]:
    """(multiplier, shift) with factor ~ multiplier / 2**shift and a multiplier of 15 bits."""
    fraction, exponent = np.frexp(factor)  # 0.5 <= fraction < 1
    multiplier = round(float(fraction) * 2**MULTIPLIER_BITS)
    return multiplier, MULTIPLIER_BITS - int(exponent)


def quantise(network: MLPClassifier, largest: list[float]) -> dict[str, Any]:
    """Symmetric per-tensor int8 weights, int32 biases, and what rescales each sum to int8.

    The weights and biases before that stand beside them, in float32.
    """
    arrays: dict[str, Any] = {}
    scale_in = 1.0 / INT8_MAX  # of the input images: 0..1 -> 0..127
    for i, (weights, bias) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
        layer = f"fc{i + 1}"
        scale = float(np.abs(weights).max()) / INT8_MAX
        arrays[f"{layer}.weights"] = np.rint(weights / scale).astype(np.int8)
        arrays[f"{layer}.bias"] = np.rint(bias / (scale * scale_in)).astype(np.int32)
        arrays[f"{layer}.float_weights"] = weights.astype(np.float32)
        arrays[f"{layer}.float_bias"] = bias.astype(np.float32)
        if i < len(largest):
            scale_out = largest[i] / INT8_MAX
            multiplier, shift = fixed_point(scale * scale_in / scale_out)
            arrays[f"{layer}.multiplier"] = np.int32(multiplier)
            arrays[f"{layer}.shift"] = np.int32(shift)
            scale_in = scale_out
    return arrays


def main() -> None:
    """Train, quantise, write."""
    parser = argparse.ArgumentParser(description="Train and quantise the digits network.")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    out: Path = parser.parse_args().out

    pixels, labels = load_digits(return_X_y=True)  # (1797, 64) of 0.0..16.0, (1797,) of 0..9
    held_out = np.arange(len(labels)) % 5 == 0
    network = train(pixels[~held_out] / 16.0, labels[~held_out])
    accuracy = float(network.score(pixels[held_out] / 16.0, labels[held_out]))

    arrays = quantise(network, largest_outputs(network, pixels[~held_out] / 16.0))
    # round(pixel * 127 / 16), halves up, in integers: exact on every machine
    whole = pixels[held_out].astype(np.int64)
    arrays["test.images"] = ((whole * 2 * INT8_MAX + 16) // 32).astype(np.int8)
    arrays["test.labels"] = labels[held_out].astype(np.int8)
    arrays["accuracy_float"] = np.float64(accuracy)

    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out, **arrays)
    print(f"{out}: {out.stat().st_size} bytes, float accuracy {accuracy:.4f} on {held_out.sum()}")


if __name__ == "__main__":
    main()
