"""One GEMM of a given shape with generated operands: `gemm:MxNxK[:uniform|normal:SIGMA]`."""

from __future__ import annotations

import math
import re
from functools import partial

from tpe.base.errors import TpeError, unknown
from tpe.numbers.formats import Format, number_format
from tpe.workloads.base import Workload
from tpe.workloads.draw import (
    ACTIVATIONS,
    DISTRIBUTIONS,
    MAX_ELEMENTS,
    WEIGHTS,
    Distribution,
    Drawn,
    check_seed,
    draw,
)
from tpe.workloads.lazy import LazyLayer, Operand

__all__ = ["ACTIVATIONS", "MAX_ELEMENTS", "WEIGHTS", "Distribution", "draw", "gemm_workload"]

PATTERN = "gemm:MxNxK[:uniform|normal:SIGMA]"
TITLE = "One generated GEMM"

_SHAPE = re.compile(r"([0-9]{1,15})x([0-9]{1,15})x([0-9]{1,15})")


def gemm_workload(
    spec: str,
    *,
    seed: int = 0,
    a_type: str | Format = "int8",
    b_type: str | Format = "int8",
) -> Workload:
    """The workload of a `gemm:` spec: one layer, activations M x K, weights K x N.

    `a_type` and `b_type` are the formats of the activations and of the weights. Operands are drawn
    when they are first read, at most `MAX_ELEMENTS` of a side; a shape may be larger.
    Errors: `TpeError` naming the spec or the argument, the value and what is legal.

    >>> (layer,) = gemm_workload("gemm:2x3x4:normal:20").layers
    >>> layer.m, layer.n, layer.k, layer.operand_source
    (2, 3, 4, 'normal sigma 20 seed 0')
    >>> gemm_workload("gemm:2x0x4")
    Traceback (most recent call last):
    tpe.TpeError: workload 'gemm:2x0x4': N is 0; legal: 1 or more
    """
    where = f"workload '{spec}'"
    _, _, arguments = spec.partition(":")
    shape_part, _, rest = arguments.partition(":")
    m, n, k = _parse_shape(shape_part, where)
    distribution = parse_distribution(rest, where) if rest else Distribution("uniform")
    a_format, b_format = number_format(a_type, "a_type"), number_format(b_type, "b_type")
    check_seed(seed)
    layer = LazyLayer(
        "gemm",
        "gemm",
        _operand(Drawn(a_format, distribution, seed, 0, ACTIVATIONS), m, k),
        _operand(Drawn(b_format, distribution, seed, 0, WEIGHTS), k, n),
        operand_source=distribution.source(seed),
    )
    return Workload(f"gemm:{m}x{n}x{k}:{distribution}", TITLE, layer.operand_source, (layer,))


def _operand(drawn: Drawn, rows: int, cols: int) -> Operand:
    """A side of the layer, drawn when it is first asked for."""
    return Operand(rows, cols, partial(drawn.values, (rows, cols)), drawn, kept=True)


def _parse_shape(text: str, where: str) -> tuple[int, int, int]:
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise TpeError(
            f"{where}: the shape is '{text}'; legal: MxNxK, three integers of 1 or more, "
            "such as gemm:64x64x64"
        )
    m, n, k = (int(size) for size in match.groups())
    for dim, size in zip("MNK", (m, n, k), strict=True):
        if size == 0:
            raise TpeError(f"{where}: {dim} is 0; legal: 1 or more")
    return m, n, k


def parse_distribution(text: str, where: str) -> Distribution:
    """`uniform` or `normal:SIGMA`; TpeError, `where` first, for anything else.

    >>> parse_distribution("normal:2.5", "x")
    Distribution(name='normal', sigma=2.5)
    """
    name, colon, parameter = text.partition(":")
    if name not in DISTRIBUTIONS:
        raise TpeError(f"{where}: {unknown('distribution', name, DISTRIBUTIONS)}")
    if name == "uniform":
        if colon:
            raise TpeError(f"{where}: uniform takes no '{parameter}'; legal: {PATTERN}")
        return Distribution("uniform")
    if not parameter:
        raise TpeError(f"{where}: normal has no sigma; legal: normal:SIGMA, such as normal:20")
    try:
        sigma = float(parameter)
    except ValueError:
        sigma = math.nan
    if not (math.isfinite(sigma) and sigma > 0):
        raise TpeError(f"{where}: sigma is '{parameter}'; legal: a finite number above 0")
    return Distribution("normal", sigma)
