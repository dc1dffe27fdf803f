"""Structured sparsity N:M: of every M consecutive k of an operand at most N are not zero.

Such an operand is stored as N values of each M, and where they stood: a place of log2(M) bits each.
Whoever multiplies by it takes the other operand's M and selects N of them. 2:4 is the pattern of
NVIDIA's tensor cores since Ampere (arXiv:2104.08378).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tpe.base.errors import TpeError, pick
from tpe.numbers.blocks import checked_axis
from tpe.numbers.formats import Array
from tpe.numbers.operands import Ints
from tpe.numbers.quantise import as_reals, finite

Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


class Compressed(NamedTuple):
    """A sparse operand as it is stored, both (rows, K'): values, and their places, 0 to M - 1.

    The places of a group rise. Where fewer than N are not zero, zeros fill up, of the lowest places
    that are left.
    """

    values: Ints
    places: Ints


@dataclass(frozen=True)
class Sparsity:
    """At most `n` of every `m` consecutive k are not zero; K is padded with zeros to whole groups.

    >>> two = PATTERNS["2:4"]
    >>> two.name, two.place_bits, two.stored(8), two.stored(9)
    ('2:4', 2, 4, 6)
    """

    n: int
    m: int

    @property
    def name(self) -> str:
        """As it is written: N:M."""
        return f"{self.n}:{self.m}"

    @property
    def place_bits(self) -> int:
        """Bits that say where in its group a value stood."""
        return (self.m - 1).bit_length()

    def stored(self, k: int) -> int:
        """Values that are stored of K operands: N of each group that is begun."""
        return -(-k // self.m) * self.n

    def used(self, k: int) -> int:
        """Those of them that may stand for an operand of K, not for what pads the last group.

        >>> PATTERNS["2:4"].used(8), PATTERNS["2:4"].used(9), PATTERNS["2:4"].used(11)
        (4, 5, 6)
        """
        return k // self.m * self.n + min(self.n, k % self.m)

    def pruned(self, x: Array) -> Array:
        """`x` (..., K) with zeros for all but the N of largest magnitude of each group.

        Of equal ones the first stays.
        """
        groups = self._grouped(_magnitudes(x))
        order = np.argsort(_falling(groups), axis=-1, kind="stable")
        keep = np.zeros(groups.shape, bool)
        np.put_along_axis(keep, order[..., : self.n], True, axis=-1)
        flat = keep.reshape(*x.shape[:-1], -1)[..., : x.shape[-1]]
        kept: Array = np.where(flat, x, x.dtype.type(0))
        return kept

    def check(self, nonzero: Flags, where: str, line: str) -> None:
        """TpeError, naming the first group, where more than N of M are not zero.

        nonzero: (rows, K), whether an operand is. line: what a row of it is called.
        """
        groups = self._grouped(nonzero)
        full = np.argwhere(groups.sum(axis=2) > self.n)
        if not len(full):
            return
        row, group = full[0].tolist()
        first = group * self.m
        at = ", ".join(str(first + place) for place in np.flatnonzero(groups[row, group]))
        raise TpeError(
            f"{where} are not {self.name}: {line} {row} is not 0 at k = {at}; legal: at most "
            f"{self.n} of k = {first} to {first + self.m - 1}, as tpe.prune leaves them"
        )

    def compressed(self, x: Ints, nonzero: Flags) -> Compressed:
        """The values of `x` (rows, K) that are stored and their places; `x` is as `check` wants it.

        >>> x = np.array([[0, 7, 0, -1, 5, 0]])
        >>> values, places = PATTERNS["2:4"].compressed(x, x != 0)
        >>> values.tolist(), places.tolist()
        ([[7, -1, 5, 0]], [[1, 3, 0, 1]])
        """
        groups, flags = self._grouped(x), self._grouped(nonzero)
        order = np.argsort(~flags, axis=2, kind="stable")  # what is not zero first
        places = np.sort(order[:, :, : self.n], axis=2)
        values = np.take_along_axis(groups, places, axis=2)
        return Compressed(values.reshape(len(x), -1), places.reshape(len(x), -1))

    def _grouped(self, x: Array) -> Array:
        """(..., K) in groups, (..., groups, M), the last one padded with zeros."""
        missing = -x.shape[-1] % self.m
        padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)])
        return padded.reshape(*x.shape[:-1], -1, self.m)


PATTERNS = {pattern.name: pattern for pattern in (Sparsity(2, 4), Sparsity(1, 2), Sparsity(1, 4))}


@dataclass(frozen=True)
class Selection:
    """How cells that take `lanes` stored operands a step select the others.

    encoded -- whether the sparse operand is the encoded one of an array, or the other

    A step of `lanes` operands is of `groups` groups, or of a part of one, and the M of each stand
    at the cell.

    >>> one, four = (Selection(PATTERNS["2:4"], False, lanes) for lanes in (1, 4))
    >>> (one.offered, one.widening), (four.offered, four.widening)
    ((4, 4), (8, 2))
    """

    sparsity: Sparsity
    encoded: bool
    lanes: int

    def __post_init__(self) -> None:
        n = self.sparsity.n
        if self.lanes % n and n % self.lanes:
            raise TpeError(
                f"lanes = {self.lanes} is not legal with sparsity = {self.sparsity.name}: a step "
                f"is of whole groups, or a part of one; legal: a multiple of {n}, or a divisor"
            )

    @property
    def groups(self) -> int:
        """Groups of K that a step is of, at least a part."""
        return max(1, self.lanes // self.sparsity.n)

    @property
    def offered(self) -> int:
        """Operands of the side that is not sparse, at a cell in a step."""
        return self.groups * self.sparsity.m

    @property
    def widening(self) -> int:
        """The same for each lane."""
        return self.offered // self.lanes

    def bits(self, encoded: int, other: int) -> tuple[int, int]:
        """Bits of a lane of the encoded operand and of the other one, each of so many, at a cell.

        >>> Selection(PATTERNS["2:4"], False, 2).bits(8, 8)
        (16, 10)
        """
        own, wide = self.sparsity.place_bits, self.widening
        return (encoded + own, wide * other) if self.encoded else (wide * encoded, other + own)

    def spread(self, dense: Ints, steps: int) -> Ints:
        """The side that is not sparse, (rows, K), as it comes step by step: (rows, steps offered).

        A group that takes several steps comes in each of them.
        """
        width = self.offered
        first = np.arange(steps) * self.lanes // self.sparsity.n * self.sparsity.m
        k = (first[:, None] + np.arange(width)).reshape(-1)
        padded = np.pad(dense, ((0, 0), (0, max(0, int(k.max()) + 1 - dense.shape[1]))))
        return padded[:, k]


def prune(x: object, sparsity: str = "2:4", *, axis: int = 0) -> Array:
    """A tensor with zeros for all but the N largest magnitudes of every M neighbours along an axis.

    x         integers or floats, finite; a copy is returned, of the same type
    sparsity  N:M, 2:4, 1:2 or 1:4
    axis      that of K: 0 of weights (K, N), 1 of activations (M, K)

    Of equal magnitudes the first stays. A last group that is short is as if filled with zeros, so
    that N of it stay, too. Raises TpeError for another pattern, type or axis, NaN and infinities.

    >>> prune([3, -9, 4, -4, 8], axis=0).tolist()
    [0, -9, 4, 0, 8]
    >>> prune([[1.0, 2.0]], "1:3", axis=1)
    Traceback (most recent call last):
    tpe.TpeError: unknown sparsity '1:3' (did you mean '1:4'?); legal: 2:4, 1:2, 1:4
    """
    pattern = PATTERNS[pick("sparsity", sparsity, PATTERNS)]
    array = finite(as_reals(x, "x"), "x")
    along = checked_axis(array, axis)
    moved = np.moveaxis(array, along, -1)
    pruned: Array = np.ascontiguousarray(np.moveaxis(pattern.pruned(moved), -1, along))
    return pruned


def _magnitudes(x: Array) -> Array:
    """Absolute values: of integers without a sign, since that of the lowest one is no integer."""
    if x.dtype.kind != "i":
        return np.abs(x)
    wide = x.astype(np.int64)
    return np.where(
        wide < 0, (-(wide + 1)).astype(np.uint64) + np.uint64(1), wide.astype(np.uint64)
    )


def _falling(magnitudes: Array) -> Array:
    """Keys that rise where magnitudes fall."""
    if magnitudes.dtype.kind == "f":
        return -magnitudes
    return np.iinfo(magnitudes.dtype).max - magnitudes
