"""Workloads: what an engine runs, as layers of integer operands.

>>> workload("gemm:4x5x6").layers[0].macs
120
>>> metrics = workload("digits_mlp").drive(exact_gemm)
>>> metrics["accuracy"] == metrics["accuracy_integer"]
True
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tpe.base import registry
from tpe.base.errors import MissingExtra, TpeError, unknown
from tpe.numbers.formats import IntFormat
from tpe.workloads.base import Gemm, Layer, Source, Workload, exact_gemm
from tpe.workloads.npz import load_npz, save_npz

if TYPE_CHECKING:
    from tpe.workloads.imported import ImportedWorkload
    from tpe.workloads.lazy import LazyLayer
    from tpe.workloads.onnx_file import onnx_light
    from tpe.workloads.onnx_model import load_onnx
    from tpe.workloads.scalesim import load_scalesim
    from tpe.workloads.weights.workload import load_weights
    from tpe.workloads.zigzag import load_zigzag

__all__ = [
    "Gemm",
    "ImportedWorkload",
    "Layer",
    "LazyLayer",
    "Source",
    "Workload",
    "broken",
    "exact_gemm",
    "load_npz",
    "load_onnx",
    "load_scalesim",
    "load_weights",
    "load_zigzag",
    "names",
    "networks",
    "onnx_light",
    "save_npz",
    "workload",
]

# The importers are loaded when they are used: nobody else pays for them.
_LATER = {
    "ImportedWorkload": "imported",
    "LazyLayer": "lazy",
    "load_onnx": "onnx_model",
    "load_scalesim": "scalesim",
    "load_weights": "weights.workload",
    "load_zigzag": "zigzag",
    "onnx_light": "onnx_file",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


def names() -> dict[str, str]:
    """What `workload` takes, each with a title: the built-in names, then the patterns.

    >>> list(names())
    ['digits_mlp', 'gemm:MxNxK[:uniform|normal:SIGMA]', 'npz:FILE', 'FILE.onnx', \
'FILE.gguf[:tokens=N]', 'FILE.safetensors[:tokens=N]', 'FILE.csv', 'FILE.yaml', \
'pruned:N:M:WORKLOAD']
    """
    found, _ = registry.usable("tpe.workloads", _source)
    return {source.pattern or name: source.title for name, source in found.items() if source.listed}


def broken() -> dict[str, str]:
    """Why a workload of another package cannot be used, by its name."""
    return registry.usable("tpe.workloads", _source)[1]


def networks() -> dict[str, str]:
    """Every network that `workload` has by name, each with a title: built in, and onnx's own.

    Without the onnx package: the built-in ones.

    >>> list(networks())[:3]
    ['digits_mlp', 'onnx:light_bvlc_alexnet', 'onnx:light_densenet121']
    """
    from tpe.workloads.onnx_file import onnx_light

    sources, _ = registry.usable("tpe.workloads", _source)
    found = {x: source.title for x, source in sources.items() if ":" not in x and "." not in x}
    with suppress(MissingExtra):
        found |= {f"onnx:{name}": "ONNX network, weights assumed" for name in onnx_light()}
    return found


def workload(
    spec: str | os.PathLike[str] | Workload | Mapping[str, Any],
    *,
    seed: int = 0,
    a_type: str | IntFormat = "int8",
    b_type: str | IntFormat = "int8",
    inputs: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    batch: int | None = None,
    dims: Mapping[str, int] | None = None,
    loop_seconds: float | None = None,
    loop_iterations: int | None = None,
    types: Mapping[str, Mapping[str, str]] | None = None,
) -> Workload:
    """The workload called `spec`, or of {layer name: (A, B)}; a `Workload` is returned as it is.

    spec            a built-in name, `gemm:MxNxK[:uniform|normal:SIGMA]`, `npz:FILE`, an ONNX
                    model (FILE.onnx, or onnx:NAME for one of `onnx_light()`), a SCALE-Sim topology
                    (FILE.csv) or a ZigZag workload (FILE.yaml, FILE.yml); or such a file's path;
                    quantised weights (FILE.gguf, FILE.safetensors, FILE.safetensors.index.json or
                    the folder of several), with :tokens=N behind; any of them with pruned weights
                    (pruned:2:4:...)
    seed            of generated operands, 0 .. 2**64 - 1
    a_type, b_type  formats of generated activations and weights; operands that are given keep
                    their values
    inputs, batch, dims    of an ONNX model: values of its inputs (npz file or mapping), and sizes
                    of what it leaves open; see `load_onnx`
    loop_seconds, loop_iterations    of an ONNX model that runs on its inputs: how long its loops
                    may take
    types           {layer: {"a_type": ..., "b_type": ...}}: formats of single layers' operands in
                    place of a_type and b_type; see `tpe.layer_types`

    Errors: `TpeError`, one line with the value and what is legal.

    >>> workload("digits_mpl")
    Traceback (most recent call last):
    tpe.TpeError: unknown workload 'digits_mpl' (did you mean 'digits_mlp'?); \
legal: digits_mlp, gemm:MxNxK[:uniform|normal:SIGMA], npz:FILE, FILE.onnx, \
FILE.gguf[:tokens=N], FILE.safetensors[:tokens=N], FILE.csv, FILE.yaml, pruned:N:M:WORKLOAD
    """
    loops = {"loop_seconds": loop_seconds, "loop_iterations": loop_iterations}
    given = {"inputs": inputs, "batch": batch, "dims": dims, **loops}

    def load(a: str | None, b: str | None) -> Workload:
        return _loaded(spec, seed, a or a_type, b or b_type, given)

    if types is None:
        return load(None, None)
    from tpe.workloads.layer_types import typed

    return typed(load(None, None), types, load)


def _loaded(
    spec: str | os.PathLike[str] | Workload | Mapping[str, Any],
    seed: int,
    a_type: str | IntFormat,
    b_type: str | IntFormat,
    given: dict[str, Any],
) -> Workload:
    """The workload, by whatever it was named; `given`: what is said of an ONNX model."""
    if isinstance(spec, Workload):
        _refuse(given, spec.name)
        return spec
    if isinstance(spec, Mapping):
        _refuse(given, "arrays")
        return Workload.from_arrays(spec)
    if isinstance(spec, os.PathLike):
        spec = f"npz:{path}" if (path := os.fspath(spec)).endswith(".npz") else path
    if not isinstance(spec, str):
        raise TpeError(
            f"workload is a {type(spec).__name__}; legal: a Workload, a name as text, "
            "or {name: (A, B)}"
        )
    if not spec.isprintable():
        raise TpeError(f"workload {ascii(spec)[:200]}; legal: printable text")
    source = _source(_key(spec))
    if source.model:
        given = {x: v for x, v in given.items() if not x.startswith("loop_") or v is not None}
    else:
        _refuse(given, spec)
        given = {}
    return _checked(spec, source.load(spec, seed=seed, a_type=a_type, b_type=b_type, **given))


def _checked(spec: str, loaded: object) -> Workload:
    """What a source gave; TpeError if it is no workload."""
    if isinstance(loaded, Workload):
        return loaded
    raise TpeError(
        f"workload '{spec}': its source gives a {type(loaded).__name__}; "
        "legal: a tpe.workloads.Workload"
    )


def _key(spec: str) -> str:
    """The name, prefix or ending by which a workload is found; TpeError if it has none."""
    known = registry.homes("tpe.workloads")
    prefix, colon, _ = spec.partition(":")
    ending = os.path.splitext(spec)[1].lower()
    endings = [key for key in known if key.startswith(".") and f"{key}:" in f"{spec.lower()}:"]
    # The last ones are of a.gguf:tokens=4 and a.b.json.
    for key in (spec, f"{prefix}:", ending, *endings):
        if key in known:
            return key
    if os.path.isdir(spec) or os.path.isdir(prefix):
        return ".safetensors"
    if spec.endswith(".npz"):
        raise TpeError(f"unknown workload '{spec}' (did you mean 'npz:{spec}'?)")
    if colon and prefix not in known:
        prefixes = [name.removesuffix(":") for name in known if name.endswith(":")]
        raise unknown("workload prefix", prefix, prefixes)
    raise unknown("workload", spec, names())


def _source(name: str) -> Source:
    return registry.record("tpe.workloads", name, Source)


def _refuse(given: Mapping[str, Any], spec: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise TpeError(f"{name} is given for workload '{spec}'; legal: for an ONNX model only")
