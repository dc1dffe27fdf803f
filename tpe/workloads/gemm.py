"""One GEMM of a given shape with generated operands: `gemm:MxNxK[:uniform|normal:SIGMA]`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from tpe.errors import TpeError, unknown
from tpe.formats import IntFormat, int_format
from tpe.workloads.base import Layer, Workload, is_int

PATTERN = "gemm:MxNxK[:uniform|normal:SIGMA]"
TITLE = "One generated GEMM"
DISTRIBUTIONS = ("uniform", "normal")
MAX_ELEMENTS = 2**30
"""Most elements of A, B and C together: 8 GiB as int64."""

ACTIVATIONS, WEIGHTS = 0, 1
"""The sides of a layer, as `draw` keys them."""

_SHAPE = re.compile(r"([0-9]{1,12})x([0-9]{1,12})x([0-9]{1,12})")


@dataclass(frozen=True)
class Distribution:
    """How operands are drawn over a format's range; `sigma` is None for uniform.

    uniform  every value of the format equally likely, its lowest included
    normal   mean 0, standard deviation `sigma` before rounding to the nearest integer; values
             the format cannot hold are drawn again (never clipped, which would pile them up at
             the ends)

    >>> str(Distribution("normal", 20.0)), str(Distribution("uniform"))
    ('normal:20', 'uniform')
    """

    name: str
    sigma: float | None = None

    def __str__(self) -> str:
        return self.name if self.sigma is None else f"{self.name}:{_number(self.sigma)}"

    def source(self, seed: int) -> str:
        """What a layer's `operand_source` says.

        >>> Distribution("normal", 20.0).source(0)
        'normal sigma 20 seed 0'
        """
        sigma = "" if self.sigma is None else f" sigma {_number(self.sigma)}"
        return f"{self.name}{sigma} seed {seed}"


def gemm_workload(
    spec: str,
    *,
    seed: int = 0,
    a_type: str | IntFormat = "int8",
    b_type: str | IntFormat = "int8",
) -> Workload:
    """The workload of a `gemm:` spec: one layer, activations M x K, weights K x N.

    `a_type` and `b_type` are the formats of the activations and of the weights. Errors: `TpeError`
    naming the spec or the argument, the value and what is legal.

    >>> (layer,) = gemm_workload("gemm:2x3x4:normal:20").layers
    >>> layer.m, layer.n, layer.k, layer.operand_source
    (2, 3, 4, 'normal sigma 20 seed 0')
    >>> gemm_workload("gemm:2x0x4")
    Traceback (most recent call last):
    tpe.errors.TpeError: workload 'gemm:2x0x4': N is 0; legal: 1 or more
    """
    where = f"workload '{spec}'"
    _, _, arguments = spec.partition(":")
    shape_part, _, rest = arguments.partition(":")
    m, n, k = _parse_shape(shape_part, where)
    distribution = _parse_distribution(rest, where) if rest else Distribution("uniform")
    a_format, b_format = int_format(a_type, "a_type"), int_format(b_type, "b_type")
    layer = Layer(
        "gemm",
        "gemm",
        draw(a_format, (m, k), distribution, seed, layer=0, side=ACTIVATIONS),
        draw(b_format, (k, n), distribution, seed, layer=0, side=WEIGHTS),
        operand_source=distribution.source(seed),
    )
    return Workload(f"gemm:{m}x{n}x{k}:{distribution}", TITLE, layer.operand_source, (layer,))


def draw(
    fmt: IntFormat,
    shape: tuple[int, int],
    distribution: Distribution,
    seed: int,
    *,
    layer: int,
    side: int,
) -> np.ndarray:
    """Operands of one side of one layer: read-only int64 of `shape`, each within `fmt`.

    A counter-based generator (Philox) keyed by (seed, layer, side): no operand depends on what
    was drawn before it. The mapping from its bits to values is ours, in integers, since numpy
    promises the bits of a bit generator for ever but not the streams of its distributions.

    seed   0 .. 2**64 - 1;  layer  index in the workload, from 0;  side  ACTIVATIONS or WEIGHTS

    >>> draw(int_format("int4"), (1, 6), Distribution("uniform"), 0, layer=0, side=WEIGHTS)
    array([[ 5,  4,  2, -1,  3, -4]])
    """
    if not is_int(seed) or not 0 <= seed < 2**64:
        raise TpeError(f"seed is {seed!r}; legal: an integer, 0 .. 2**64 - 1")
    key = np.array([seed, 2 * layer + side], dtype=np.uint64)
    try:
        bits = np.random.Philox(key=key).random_raw(shape)
        values = (
            _uniform(bits, fmt)
            if distribution.sigma is None
            else _normal(bits, fmt, distribution.sigma)
        )
    except MemoryError:
        raise TpeError(
            f"operands of {shape[0]} x {shape[1]} do not fit in this machine's memory; "
            "legal: a smaller shape"
        ) from None
    values.flags.writeable = False
    return values


def _uniform(bits: np.ndarray, fmt: IntFormat) -> np.ndarray:
    # The range of an integer format is a power of two: its top bits are exactly uniform.
    bits >>= np.uint64(64 - fmt.bits)
    values = bits.astype(np.int64)
    values += fmt.low
    return values


def _normal(bits: np.ndarray, fmt: IntFormat, sigma: float) -> np.ndarray:
    # Rounding, then redrawing what does not fit, is a distribution over the format's values;
    # inverting its cumulative sum draws from it in one step, so that a sigma far beyond the
    # format cannot redraw for ever.
    bits >>= np.uint64(64 - 53)
    values = np.searchsorted(_thresholds(fmt, sigma), bits, side="right").astype(np.int64)
    values += fmt.low
    return values


def _thresholds(fmt: IntFormat, sigma: float) -> np.ndarray:
    """Entry i: P(value <= low + i) in units of 2**-53, for all values but the highest."""
    # Beyond 2**40 the distribution is uniform to 53 bits, and 1 / sigma would lose its own.
    scale = min(sigma, 2.0**40) * math.sqrt(2.0)
    edges = [math.erf((value + 0.5) / scale) for value in range(fmt.low - 1, fmt.high + 1)]
    first, last = edges[0], edges[-1]
    return np.array(
        [round((edge - first) / (last - first) * 2**53) for edge in edges[1:-1]], dtype=np.uint64
    )


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
    elements = m * k + k * n + m * n
    if elements > MAX_ELEMENTS:
        raise TpeError(
            f"{where}: A, B and C have {elements} elements together; legal: at most {MAX_ELEMENTS}"
        )
    return m, n, k


def _parse_distribution(text: str, where: str) -> Distribution:
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


def _number(value: float) -> str:
    """20.0 as "20", 0.1 as "0.1"."""
    return repr(value).removesuffix(".0")
