"""One layer of a run: values, cycles and where they went, firings, and how far C is from A @ B."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from tpe.array.base import Cycles, Schedule, TiledGemm
from tpe.numbers.operands import Ints


@dataclass(frozen=True)
class Error:
    """How far C is from A @ B: the largest distance, and sums to take relative bias from.

    Floats, and infinite, where C or A @ B has an infinity or a NaN.
    """

    largest: float = 0
    total: float = 0  # sum of C - exact
    size: float = 0  # sum of |exact|; 0 if nothing differs

    def __add__(self, other: Error) -> Error:
        return Error(
            max(self.largest, other.largest), self.total + other.total, self.size + other.size
        )

    @classmethod
    def of(cls, c: Ints, exact: Ints) -> Error:
        """The error of `c` (M, N); free if it is the exact array itself."""
        if c is exact:
            return cls()
        with np.errstate(invalid="ignore"):
            difference = c - exact
        if not difference.any():
            return cls()
        if not np.isfinite(difference).all():
            return cls(inf, inf, 1)
        largest, total = np.abs(difference).max().item(), difference.sum().item()
        return cls(largest, total, np.abs(exact).sum().item())


@dataclass(frozen=True, eq=False)
class LayerRun:
    """One layer of a run. C (M, N), int64 or float32, is one GEMM; counts are over all `repeat`.

    Without values (`values` = "none") C, `error` and `overflowed` are None. `standard_error`: of
    `cycles` where they are estimated from a sample of tiles; None where they are exact. Firings
    that then depend on operands are None too.

    >>> from tpe.model.engine import Engine
    >>> layer = Engine("mac", "os", "2x2").run([[1, 2]], [[3], [4]]).layers[0]
    >>> layer.macs, layer.cycles, layer.error.largest
    (2, 9, 0)
    """

    name: str
    op: str
    m: int
    n: int
    k: int
    repeat: int
    operand_source: str
    C: Ints | None = field(repr=False)  # None: not computed, or not kept in a saved run
    terms: Cycles
    nonzero_digits: int | None
    firings: Mapping[str, int | None]
    tiles: int
    bandwidth: tuple[int | None, int | None]
    error: Error | None
    fingerprint: str  # of the operands and the handshake
    overflowed: bool | None = False  # a sum did not fit `acc_bits`
    row_steps: int | None = None  # of all rows of a sparse PE, with and without a digit
    pe_pj: float | None = None  # energy of the PEs, None where it is not known
    no_energy: str | None = None  # why it is not, where it was asked for
    library: str | None = None  # that `pe_pj` is of
    cost_source: str | None = None  # where it is from, in words
    standard_error: float | None = None
    bits_per_weight: float | None = None  # of storage in the layer's source, None: not known
    a_type: str | None = None  # format of the operands themselves, None: the engine's
    b_type: str | None = None

    @property
    def cycles(self) -> int:
        """Clock cycles of the layer."""
        return self.terms.total

    @property
    def macs(self) -> int:
        """Multiplications of the layer."""
        return self.m * self.n * self.k * self.repeat


def counts(
    tiled: TiledGemm,
    timing: Schedule,
    firings: Mapping[str, int | None],
    bandwidth: tuple[int | None, int | None],
    repeat: int,
) -> dict[str, Any]:
    """What is counted of a layer of `repeat` equal GEMMs, by the names of `LayerRun`'s fields.

    What is not known of one is not known of all.
    """

    def of_all(count: int | None) -> int | None:
        return None if count is None else count * repeat

    return {
        "terms": timing.cycles * repeat,
        "nonzero_digits": of_all(timing.nonzero_digits),
        "firings": {op: of_all(count) for op, count in firings.items()},
        "tiles": tiled.tiles * repeat,
        "bandwidth": bandwidth,
        "row_steps": of_all(timing.row_steps),
    }
