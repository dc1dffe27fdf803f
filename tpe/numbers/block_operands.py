"""Operands in blocks along K, as an engine takes them: every element with the scale of its block.

An array has one code for an operand. Here that is the code of the element, in the low byte, and
above it the code of the scale that its block shares, so that what turns, cuts or pads a matrix of
codes needs not know of blocks. No wire is as wide: a block's scale comes once for all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.blocks import BLOCK_FORMATS, BlockFormat, Blocks, quantise, spread_over
from tpe.numbers.float_arrays import decoded
from tpe.numbers.floats import FloatFormat, real_matrix, spread_reals
from tpe.numbers.formats import Array, Format

ELEMENT_BITS = 8  # of a code: the element's; the scale's are above
ELEMENT = (1 << ELEMENT_BITS) - 1
_REACH = 3  # powers of two by which rows and columns of what is drawn differ, either way


@dataclass(frozen=True)
class BlockOperand(Format):
    """A block format of floating-point elements as the format of A or of B.

    `bits` are an element's; `low` and `high` those with the largest scale, the tensor's left out.

    >>> MX_E2M1.name, MX_E2M1.bits, NVFP4.high
    ('mx_e2m1', 4, 2688.0)
    """

    blocks: BlockFormat

    @property
    def name(self) -> str:  # type: ignore[override]
        """That of the block format."""
        return self.blocks.name

    @property
    def element(self) -> FloatFormat:
        """The format of an element."""
        assert isinstance(self.blocks.element, FloatFormat)
        return self.blocks.element

    @property
    def bits(self) -> int:  # type: ignore[override]
        """Of an element, without its share of the scale."""
        return self.element.bits

    @property
    def signed(self) -> bool:  # type: ignore[override]
        """An array takes the codes as they are."""
        return True

    @property
    def low(self) -> float:
        """The lowest finite value."""
        return -self.high

    @property
    def high(self) -> float:
        """The highest finite value."""
        return self.blocks.high * self.blocks.scale.high

    def port_bits(self, bits: int) -> int:
        """Bits of so many bits of elements with the scales of their blocks.

        >>> MX_E4M3FN.port_bits(32 * 8), NVFP4.port_bits(64 * 4)
        (264, 288)
        """
        blocks = -(-bits // (self.bits * self.blocks.size))
        return bits + blocks * self.blocks.scale.bits

    def blocked(
        self, value: object, where: str, axis: int, tensor_scale: float | None = None
    ) -> Blocks:
        """A matrix in blocks along `axis`, that of K: checked if it is given so, else quantised.

        Reals are quantised as `tpe.quantise` does by default: elements to nearest, ties to even,
        what is beyond the largest is the largest; scales of MX by OCP's rule. `tensor_scale`: of
        reals, where the format has one; None: found. Raises TpeError, `where` first, for blocks of
        another format, axis or shape, and for codes that there are not.
        """
        if isinstance(value, Blocks):
            self._check(value, where, axis)
            return value
        scale = tensor_scale if self.blocks.tensor else None
        matrix = real_matrix(value, where, _dims(axis))
        return quantise(matrix, self.blocks, axis=axis, tensor_scale=scale)

    def codes(self, blocks: Blocks) -> Array:
        """The codes of a matrix, int64: scale above element; the tensor's scale is in none.

        >>> [hex(code) for code in MX_E2M1.codes(quantise([1.0, 6.0], "mx_e2m1"))]
        ['0x7f02', '0x7f07']
        """
        scales = blocks.scales.astype(np.int64)
        spread = spread_over(scales, self.blocks.size, blocks.codes.shape, blocks.axis)
        codes: Array = (spread << ELEMENT_BITS) | blocks.codes
        return codes

    def read(self, value: object, where: str, dims: str, field: str) -> Array:
        """The codes of a matrix in blocks along K; of reals, quantised with a tensor scale of 1.

        An engine knows no tensor scale: blocks with another one are refused; `tpe.matmul` takes
        them, and multiplies by it behind the engine.
        """
        axis = 1 if dims.endswith("K") else 0
        blocks = self.blocked(value, where, axis, tensor_scale=1.0)
        if blocks.tensor_scale != 1.0:
            raise TpeError(
                f"{where} has tensor_scale = {blocks.tensor_scale:.9g}; legal for {field} = "
                f"{self.name}: 1, as tpe.quantise(..., tensor_scale=1.0) gives; tpe.matmul takes "
                "others, and multiplies by them"
            )
        return self.codes(blocks)

    def values(self, codes: Array) -> Array:
        """What codes stand for, exact in float64."""
        elements = decoded(codes & ELEMENT, self.element).astype(np.float64)
        scaled: Array = elements * decoded(codes >> ELEMENT_BITS, self.blocks.scale)
        return scaled

    def corners(self) -> Array:
        """Those of an element."""
        return self.element.corners()

    def drawn(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Numbers as elements are drawn, of other powers of two in every row and column."""
        powers = sum(
            rng.integers(-_REACH, _REACH + 1, [n if i == axis else 1 for i, n in enumerate(shape)])
            for axis in range(len(shape))
        )
        return np.ldexp(self.element.drawn(rng, shape).astype(np.float64), powers)

    def spread(self, bits: Array, sigma: float | None) -> Array:
        """Uniform from -1 to 1, or normal; not rounded: K's axis is not known yet."""
        return spread_reals(bits, sigma)

    def _check(self, blocks: Blocks, where: str, axis: int) -> None:
        """TpeError for blocks that are not such a matrix along this axis."""
        if blocks.format != self.blocks:
            raise TpeError(
                f"{where} is in blocks of {blocks.format.name}; legal: of {self.name}, or numbers"
            )
        if blocks.codes.ndim != 2 or blocks.axis != axis:
            raise TpeError(
                f"{where} is in blocks along axis {blocks.axis} of {blocks.codes.ndim}; legal: "
                f"{_dims(axis)}, in blocks along K, axis {axis}"
            )
        blocks.check(where)


def _dims(axis: int) -> str:
    return "M x K" if axis else "K x N"


MX_E4M3FN, MX_E5M2, MX_E3M2, MX_E2M3, MX_E2M1, NVFP4 = (
    BlockOperand(BLOCK_FORMATS[name])
    for name in ("mx_e4m3fn", "mx_e5m2", "mx_e3m2", "mx_e2m3", "mx_e2m1", "nvfp4")
)
