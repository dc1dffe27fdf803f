"""How generated operands are drawn: distributions over the numbers of a format, by a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Format
from tpe.numbers.matrices import is_int

DISTRIBUTIONS = ("uniform", "normal")
MAX_ELEMENTS = 2**30
"""Most elements of A, B and C together that are generated: 8 GiB as int64."""

ACTIVATIONS, WEIGHTS = 0, 1
"""The sides of a layer, as `draw` keys them."""

_SAMPLES = 2**62  # layers' keys from here on are samples'


@dataclass(frozen=True)
class Distribution:
    """How operands are drawn over a format's range; `sigma` is None for uniform.

    uniform  every value of the format equally likely, its lowest included
    normal   mean 0, standard deviation `sigma` before rounding to the nearest integer; values
             the format cannot hold are drawn again (never clipped, which would pile them up at
             the ends)

    Of a floating-point format: uniform from -1 to 1, or normal, rounded to the format.

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


@dataclass(frozen=True)
class Drawn:
    """How one side of a layer is drawn: every value on its own, all of one distribution.

    layer, side  what `draw` is keyed by beside the seed
    """

    format: Format
    distribution: Distribution
    seed: int
    layer: int
    side: int

    def values(self, shape: tuple[int, int]) -> np.ndarray:
        """The operands themselves: read-only, of `shape`; integers are int64."""
        return draw(
            self.format, shape, self.distribution, self.seed, layer=self.layer, side=self.side
        )

    def sample(self, shape: tuple[int, int], stream: int) -> np.ndarray:
        """Others of the same distribution, of `shape`, apart for every `stream`.

        stream: 0 .. 2**20 - 1
        """
        key = _SAMPLES + (self.layer << 20) + stream
        return draw(self.format, shape, self.distribution, self.seed, layer=key, side=self.side)


def draw(
    fmt: Format,
    shape: tuple[int, int],
    distribution: Distribution,
    seed: int,
    *,
    layer: int,
    side: int,
) -> np.ndarray:
    """Operands of one side of one layer: read-only, of `shape`, each within `fmt`; integers int64.

    A counter-based generator (Philox) keyed by (seed, layer, side): no operand depends on what
    was drawn before it. The mapping from its bits to values is ours, in integers, since numpy
    promises the bits of a bit generator for ever but not the streams of its distributions.

    seed   0 .. 2**64 - 1;  layer  index in the workload, from 0;  side  ACTIVATIONS or WEIGHTS

    >>> from tpe.numbers.formats import int_format
    >>> draw(int_format("int4"), (1, 6), Distribution("uniform"), 0, layer=0, side=WEIGHTS)
    array([[ 5,  4,  2, -1,  3, -4]])
    """
    check_seed(seed)
    key = np.array([seed, 2 * layer + side], dtype=np.uint64)
    try:
        bits = np.random.Philox(key=key).random_raw(shape)
        values = fmt.spread(bits, distribution.sigma)
    except MemoryError:
        raise TpeError(
            f"operands of {shape[0]} x {shape[1]} do not fit in this machine's memory; "
            "legal: a smaller shape"
        ) from None
    values.flags.writeable = False
    return values


def check_seed(seed: object) -> None:
    """`TpeError` unless `seed` is one."""
    if not is_int(seed) or not 0 <= seed < 2**64:  # type: ignore[operator]
        raise TpeError(f"seed is {seed!r}; legal: an integer, 0 .. 2**64 - 1")


def _number(value: float) -> str:
    """20.0 as "20", 0.1 as "0.1"."""
    return repr(value).removesuffix(".0")
