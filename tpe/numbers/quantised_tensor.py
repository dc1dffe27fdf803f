"""Tensors of narrow integers with scales: of a whole tensor, of lines, or of groups along an axis.

A number is scale x (integer - zero point) + offset, each of the three shared by a group. Formats
have zero points (GPTQ, AWQ, ONNX) or offsets (the minima of GGUF's Q4_1 and Q4_K), or neither.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.blocks import checked_axis
from tpe.numbers.formats import Array, CodedFormat, Format
from tpe.numbers.matrices import is_int, shape_text
from tpe.numbers.quantise import as_reals

TERNARY = CodedFormat("ternary", 2, True, -1, 1)
"""-1, 0 and 1, in two bits."""
_KINDS = {"codes": "iu", "scales": "iuf", "zeros": "iu", "offsets": "iuf", "index": "iu"}


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

    Arrays are held as read-only views. Raises TpeError for other types, shapes that do not fit,
    codes outside the format, and scales and offsets that are NaN or infinite, naming where.

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
        for name, kinds in _KINDS.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _read_only(value, f"{self.where}: {name}", kinds))
        object.__setattr__(self, "axis", checked_axis(self.codes, self.axis))
        if not is_int(self.group) or self.group < 1:
            raise TpeError(f"{self.where}: group = {self.group!r}; legal: an integer of 1 or more")
        self._check_shapes()
        self._check_codes()
        for name in ("scales", "offsets"):
            values = getattr(self, name)
            if values is not None and not np.isfinite(values).all():
                at = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
                raise TpeError(
                    f"{self.where}: {name} hold {values[tuple(at)]} at {at}; legal: finite numbers"
                )

    @property
    def groups(self) -> int:
        """How many scales there are along the axis."""
        return int(self.scales.shape[self.axis])

    @property
    def missing(self) -> int:
        """How many numbers the last group lacks; they would be zeros."""
        return self.groups * self.group - self.codes.shape[self.axis] if self.index is None else 0

    @property
    def T(self) -> QuantisedTensor:  # noqa: N802 -- as an array has it
        """A matrix turned, its groups with it: files have weights as N x K, products as K x N.

        TpeError for a tensor of other than two dimensions.

        >>> tensor = QuantisedTensor(TERNARY, np.array([[1, -1, 0]]), np.array([[0.5, 2.0]]), 1, 2)
        >>> tensor.T.values().tolist(), tensor.T.axis
        ([[0.5], [-0.5], [0.0]], 0)
        """
        if self.codes.ndim != 2:
            raise TpeError(f"{self.where} has {self.codes.ndim} dimensions; legal: a matrix")
        zeros, offsets = (None if x is None else x.T for x in (self.zeros, self.offsets))
        return replace(
            self,
            codes=self.codes.T,
            scales=self.scales.T,
            axis=1 - self.axis,
            zeros=zeros,
            offsets=offsets,
        )

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
        if scales.ndim != codes.ndim:
            self._refuse_scales("as many dimensions")
        size = codes.shape[self.axis]
        enough = self.groups if self.index is not None else -(-size // self.group)
        fits = all(
            have == (enough if place == self.axis else have if have == 1 else wanted)
            for place, (have, wanted) in enumerate(zip(scales.shape, codes.shape, strict=True))
        )
        others = (self.zeros, self.offsets)
        if not (fits and all(x is None or x.shape == scales.shape for x in others)):
            self._refuse_scales(
                f"{enough} scales along axis {self.axis}, groups of {self.group}, and zero points "
                "and offsets of the scales' shape"
            )
        index = self.index
        if index is not None and (
            index.shape != (size,) or index.min() < 0 or index.max() >= self.groups
        ):
            raise TpeError(
                f"{self.where}: {index.size} groups named for {size} places, "
                f"{index.min()} to {index.max()}; legal: one each, 0 to {self.groups - 1}"
            )

    def _refuse_scales(self, legal: str) -> NoReturn:
        codes, scales = shape_text(self.codes), shape_text(self.scales)
        raise TpeError(f"{self.where}: codes are {codes} and scales {scales}; legal: {legal}")

    def _check_codes(self) -> None:
        values = self.integers()
        low, high = values.min(initial=0), values.max(initial=0)
        if low < self.number.low or high > self.number.high:
            worst = low if low < self.number.low else high
            raise TpeError(
                f"{self.where}: codes hold {worst}; legal for {self.number.name}: "
                f"{self.number.low} to {self.number.high}"
            )


def _read_only(value: object, where: str, kinds: str) -> Array:
    """A view of an array that is of one of these kinds of numbers; TpeError for any other."""
    array = as_reals(value, where)
    if array.dtype.kind not in kinds:
        raise TpeError(f"{where} are {array.dtype}; legal: integers")
    view = array.view()
    view.flags.writeable = False
    return view
