"""Where workloads come from by name: what each is called, and what loads it.

The importers are loaded when they are used: nobody else pays for them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tpe.workloads import digits_mlp, gemm, npz
from tpe.workloads.base import Source, Workload


def _digits(spec: str, **formats: Any) -> Workload:
    return digits_mlp.load()


def _gemm(spec: str, **formats: Any) -> Workload:
    return gemm.gemm_workload(spec, **formats)


def _npz(spec: str, **formats: Any) -> Workload:
    return npz.load_npz(spec.partition(":")[2])


def _scalesim(spec: str, **formats: Any) -> Workload:
    from tpe.workloads.scalesim import load_scalesim

    return load_scalesim(spec, **formats)


def _zigzag(spec: str, **formats: Any) -> Workload:
    from tpe.workloads.zigzag import load_zigzag

    return load_zigzag(spec, **formats)


def _weights(spec: str, **arguments: Any) -> Workload:
    from tpe.workloads.weights.workload import load_weights

    return load_weights(spec, **arguments)


def _onnx(spec: str, **arguments: Any) -> Workload:
    """The model that `onnx:NAME` means, or that of a file; its name is the spec."""
    from tpe.workloads.onnx_file import find_onnx
    from tpe.workloads.onnx_model import load_onnx

    path = find_onnx(spec.removeprefix("onnx:")) if spec.startswith("onnx:") else spec
    return replace(load_onnx(path, **arguments), name=spec)


DIGITS_MLP = Source(digits_mlp.TITLE, _digits)
GEMM = Source(gemm.TITLE, _gemm, pattern=gemm.PATTERN)
NPZ = Source(npz.TITLE, _npz, pattern=npz.PATTERN)
ONNX_OWN = Source("ONNX network of the onnx package", _onnx, model=True, listed=False)
ONNX = Source("ONNX network", _onnx, pattern="FILE.onnx", model=True)
SCALESIM = Source("SCALE-Sim topology", _scalesim, pattern="FILE.csv")
GGUF = Source("Quantised weights, GGUF", _weights, pattern="FILE.gguf[:tokens=N]")
SAFETENSORS = Source(
    "Quantised weights, safetensors", _weights, pattern="FILE.safetensors[:tokens=N]"
)
SAFETENSORS_INDEX = Source("Quantised weights, several safetensors", _weights, listed=False)
ZIGZAG = Source("ZigZag workload", _zigzag, pattern="FILE.yaml")
