"""Tensors of narrow integers with scales: of a whole tensor, of lines, or of groups along an axis.

A number is scale x (integer - zero point) + offset, each of the three shared by a group. Formats
have zero points (GPTQ, AWQ, ONNX) or offsets (the minima of GGUF's Q4_1 and Q4_K), or neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Array, CodedFormat, Format
from tpe.numbers.matrices import shape_text

TERNARY = CodedFormat("ternary", 2, True, -1, 1)
"""-1, 0 and 1, in two bits."""


@dataclass(frozen=True, eq=False)
class QuantisedTensor:
    """Integers of a format, and what turns them back into numbers.

    number  the format of the codes, of 1 to 8 bits
    codes   in the tensor's shape; of an integer format the integers themselves
    scales  float64, of as many dimensions, each of the tensor's size or 1; along `axis` as many as
            there are groups. Any finite number: of 0, all of its group are the offset
    axis    along which groups lie; K of a GEMM
    group   how many neighbours share a scale; the last group may be short
    zeros   zero points, integers in the shape of `scales`; None: 0
    offsets float64 in the shape of `scales`; None: 0
    index   the group of every place along `axis`, where groups are no neighbours; None: they are

    Raises TpeError for shapes that do not fit, codes outside the format, and scales, offsets that
    are NaN or infinite, naming where.

    >>> tensor = QuantisedTensor(TERNARY, np.array([[1, -1, 0]]), np.array([[0.5, 2.0]]), 1, 2)
    >>> tensor.values().tolist(), tensor.missing
    ([[0.5, -0.5, 0.0]], 1)
    """

    number: Format
    codes: Array
    scales: Array
    axis: int
    group: int
    zeros: Array | None = None
    offsets: Array | None = None
    index: Array | None = None
    where: str = "tensor"

    def __post_init__(self) -> None:
        self._check_shapes()
        self._check_codes()
        for name in ("scales", "offsets"):
            values = getattr(self, name)
            if values is not None and not np.isfinite(values).all():
                at = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
                raise TpeError(
                    f"{self.where}: {name} hold {values[tuple(at)]} at {at}; legal: finite numbers"
                )
        for array in (self.codes, self.scales, self.zeros, self.offsets, self.index):
            if array is not None:
                array.flags.writeable = False

    @property
    def groups(self) -> int:
        """How many scales there are along the axis."""
        return int(self.scales.shape[self.axis])

    @property
    def missing(self) -> int:
        """How many numbers the last group lacks; they would be zeros."""
        return self.groups * self.group - self.codes.shape[self.axis] if self.index is None else 0

    def integers(self) -> Array:
        """What is multiplied: the numbers that the codes stand for, without zero points."""
        return self.number.values(self.codes)

    def values(self) -> Array:
        """The numbers, float64: one rounding at most, where an offset is added.

        Exact where scales have 24 bits or fewer, those of files do, and there is no offset; with
        offsets of fp16 and fp16 x 6 bits, as GGUF's are, exact as well.
        """
        whole = self.integers().astype(np.float64)
        if self.zeros is not None:
            whole -= self._spread(self.zeros)
        whole *= self._spread(self.scales)
        if self.offsets is not None:
            whole += self._spread(self.offsets)
        return whole

    def _spread(self, shared: Array) -> Array:
        """What groups share, for every place along the axis; broadcast along the others."""
        places = self.index
        if places is None:
            places = np.arange(self.codes.shape[self.axis]) // self.group
        return shared.take(places, axis=self.axis)

    def _check_shapes(self) -> None:
        codes, scales = self.codes, self.scales
        size = codes.shape[self.axis] if codes.ndim else 0
        enough = -(-size // self.group) if self.index is None and self.group else self.groups
        fits = scales.ndim == codes.ndim and all(
            have == (enough if place == self.axis else have if have == 1 else wanted)
            for place, (have, wanted) in enumerate(zip(scales.shape, codes.shape, strict=False))
        )
        others = (self.zeros, self.offsets)
        if not (fits and all(x is None or x.shape == scales.shape for x in others)):
            raise TpeError(
                f"{self.where}: codes are {shape_text(codes)} and scales {shape_text(scales)}; "
                f"legal: {enough} scales along axis {self.axis}, groups of {self.group}, and zero "
                "points and offsets of the scales' shape"
            )
        index = self.index
        if index is not None and (
            index.shape != (size,) or index.min() < 0 or index.max() >= self.groups
        ):
            raise TpeError(
                f"{self.where}: {index.size} groups named for {size} places, "
                f"{index.min()} to {index.max()}; legal: one each, 0 to {self.groups - 1}"
            )

    def _check_codes(self) -> None:
        values = self.integers()
        low, high = values.min(initial=0), values.max(initial=0)
        if low < self.number.low or high > self.number.high:
            worst = low if low < self.number.low else high
            raise TpeError(
                f"{self.where}: codes hold {worst}; legal for {self.number.name}: "
                f"{self.number.low} to {self.number.high}"
            )
