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
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tpe.base.errors import MissingExtra, TpeError, unknown
from tpe.numbers.formats import IntFormat
from tpe.workloads import digits_mlp, gemm, npz
from tpe.workloads.base import Gemm, Layer, Workload, exact_gemm
from tpe.workloads.npz import load_npz, save_npz

if TYPE_CHECKING:
    from tpe.workloads.imported import ImportedWorkload
    from tpe.workloads.lazy import LazyLayer
    from tpe.workloads.onnx_file import onnx_light
    from tpe.workloads.onnx_model import load_onnx
    from tpe.workloads.scalesim import load_scalesim
    from tpe.workloads.zigzag import load_zigzag

__all__ = [
    "Gemm",
    "ImportedWorkload",
    "Layer",
    "LazyLayer",
    "Workload",
    "exact_gemm",
    "load_npz",
    "load_onnx",
    "load_scalesim",
    "load_zigzag",
    "names",
    "networks",
    "onnx_light",
    "save_npz",
    "workload",
]

_BUILT_IN = {"digits_mlp": (digits_mlp.TITLE, digits_mlp.load)}
_PATTERNS = {
    gemm.PATTERN: gemm.TITLE,
    npz.PATTERN: npz.TITLE,
    "FILE.onnx": "ONNX network",
    "FILE.csv": "SCALE-Sim topology",
    "FILE.yaml": "ZigZag workload",
}
# The importers are loaded when they are used: nobody else pays for them.
_LATER = {
    "ImportedWorkload": "imported",
    "LazyLayer": "lazy",
    "load_onnx": "onnx_model",
    "load_scalesim": "scalesim",
    "load_zigzag": "zigzag",
    "onnx_light": "onnx_file",
}
_TOPOLOGIES = {
    ".csv": "load_scalesim",
    ".tsv": "load_scalesim",
    ".yaml": "load_zigzag",
    ".yml": "load_zigzag",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


def names() -> dict[str, str]:
    """What `workload` takes, each with a title: the built-in names, then the patterns.

    >>> list(names())
    ['digits_mlp', 'gemm:MxNxK[:uniform|normal:SIGMA]', 'npz:FILE', 'FILE.onnx', 'FILE.csv', \
'FILE.yaml']
    """
    return {name: title for name, (title, _) in _BUILT_IN.items()} | _PATTERNS


def networks() -> dict[str, str]:
    """Every network that `workload` has by name, each with a title: built in, and onnx's own.

    Without the onnx package: the built-in ones.

    >>> list(networks())[:3]
    ['digits_mlp', 'onnx:light_bvlc_alexnet', 'onnx:light_densenet121']
    """
    from tpe.workloads.onnx_file import onnx_light

    found = {name: title for name, (title, _) in _BUILT_IN.items()}
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
) -> Workload:
    """The workload called `spec`, or of {layer name: (A, B)}; a `Workload` is returned as it is.

    spec            a built-in name, `gemm:MxNxK[:uniform|normal:SIGMA]`, `npz:FILE`, an ONNX
                    model (FILE.onnx, or onnx:NAME for one of `onnx_light()`), a SCALE-Sim topology
                    (FILE.csv) or a ZigZag workload (FILE.yaml, FILE.yml); or such a file's path
    seed            of generated operands, 0 .. 2**64 - 1
    a_type, b_type  formats of generated activations and weights; operands that are given keep
                    their values
    inputs, batch, dims    of an ONNX model: values of its inputs (npz file or mapping), and sizes
                    of what it leaves open; see `load_onnx`
    loop_seconds, loop_iterations    of an ONNX model that runs on its inputs: how long its loops
                    may take

    Errors: `TpeError`, one line with the value and what is legal.

    >>> workload("digits_mpl")
    Traceback (most recent call last):
    tpe.TpeError: unknown workload 'digits_mpl' (did you mean 'digits_mlp'?); \
legal: digits_mlp, gemm:MxNxK[:uniform|normal:SIGMA], npz:FILE, FILE.onnx, FILE.csv, FILE.yaml
    """
    loops = {"loop_seconds": loop_seconds, "loop_iterations": loop_iterations}
    given = {"inputs": inputs, "batch": batch, "dims": dims, **loops}
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
    prefix, colon, rest = spec.partition(":")
    ending = os.path.splitext(spec)[1].lower()
    if colon and prefix == "onnx":
        return _onnx(spec, rest, seed=seed, a_type=a_type, b_type=b_type, **given)
    if ending == ".onnx" and not (colon and prefix in ("gemm", "npz")):
        return _onnx(spec, None, seed=seed, a_type=a_type, b_type=b_type, **given)
    _refuse(given, spec)
    if spec in _BUILT_IN:
        return _BUILT_IN[spec][1]()
    if prefix == "gemm":
        return gemm.gemm_workload(spec, seed=seed, a_type=a_type, b_type=b_type)
    if prefix == "npz":
        return npz.load_npz(rest)
    if ending in _TOPOLOGIES:
        load = __getattr__(_TOPOLOGIES[ending])
        topology: Workload = load(spec, seed=seed, a_type=a_type, b_type=b_type)
        return topology
    if spec.endswith(".npz"):
        raise TpeError(f"unknown workload '{spec}' (did you mean 'npz:{spec}'?)")
    if colon and prefix not in _BUILT_IN:
        raise unknown("workload prefix", prefix, ["gemm", "npz", "onnx"])
    raise unknown("workload", spec, names())


def _refuse(given: Mapping[str, Any], spec: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise TpeError(f"{name} is given for workload '{spec}'; legal: for an ONNX model only")


def _onnx(spec: str, name: str | None, **arguments: Any) -> Workload:
    """The model that `onnx:NAME` means, or that of the file `spec`; its name is the spec."""
    from tpe.workloads.onnx_file import find_onnx
    from tpe.workloads.onnx_model import load_onnx

    for limit in ("loop_seconds", "loop_iterations"):
        if arguments[limit] is None:
            del arguments[limit]
    return replace(load_onnx(spec if name is None else find_onnx(name), **arguments), name=spec)
