"""Workloads: what an engine runs, as layers of integer operands.

>>> workload("gemm:4x5x6").layers[0].macs
120
>>> metrics = workload("digits_mlp").drive(exact_gemm)
>>> metrics["accuracy"] == metrics["accuracy_integer"]
True
"""

from __future__ import annotations

from tpe.errors import TpeError, unknown
from tpe.formats import IntFormat
from tpe.workloads import digits_mlp, gemm, npz
from tpe.workloads.base import Gemm, Layer, Workload, exact_gemm
from tpe.workloads.npz import load_npz, save_npz

__all__ = ["Gemm", "Layer", "Workload", "exact_gemm", "load_npz", "names", "save_npz", "workload"]

_BUILT_IN = {"digits_mlp": (digits_mlp.TITLE, digits_mlp.load)}
_PATTERNS = {gemm.PATTERN: gemm.TITLE, npz.PATTERN: npz.TITLE}


def names() -> dict[str, str]:
    """What `workload` takes, each with a title: the built-in names, then the patterns.

    >>> list(names())
    ['digits_mlp', 'gemm:MxNxK[:uniform|normal:SIGMA]', 'npz:FILE']
    """
    return {name: title for name, (title, _) in _BUILT_IN.items()} | _PATTERNS


def workload(
    spec: str | Workload,
    *,
    seed: int = 0,
    a_type: str | IntFormat = "int8",
    b_type: str | IntFormat = "int8",
) -> Workload:
    """The workload called `spec`; a `Workload` is returned as it is.

    spec            a built-in name, `gemm:MxNxK[:uniform|normal:SIGMA]` or `npz:FILE`
    seed            of generated operands, 0 .. 2**64 - 1
    a_type, b_type  formats of generated activations and weights; operands that are given keep
                    their values

    Errors: `TpeError`, one line with the value and what is legal.

    >>> workload("digits_mpl")
    Traceback (most recent call last):
    tpe.errors.TpeError: unknown workload 'digits_mpl' (did you mean 'digits_mlp'?); \
legal: digits_mlp, gemm:MxNxK[:uniform|normal:SIGMA], npz:FILE
    """
    if isinstance(spec, Workload):
        return spec
    if not isinstance(spec, str):
        raise TpeError(f"workload is a {type(spec).__name__}; legal: a Workload or a name, as text")
    if not spec.isprintable():
        raise TpeError(f"workload {ascii(spec)[:200]}; legal: printable text")
    if spec in _BUILT_IN:
        return _BUILT_IN[spec][1]()
    prefix, colon, rest = spec.partition(":")
    if prefix == "gemm":
        return gemm.gemm_workload(spec, seed=seed, a_type=a_type, b_type=b_type)
    if prefix == "npz":
        return npz.load_npz(rest)
    if spec.endswith(".npz"):
        raise TpeError(f"unknown workload '{spec}' (did you mean 'npz:{spec}'?)")
    if colon and prefix not in _BUILT_IN:
        raise unknown("workload prefix", prefix, ["gemm", "npz"])
    raise unknown("workload", spec, names())
