"""What a PE computes with: the formats that it takes, and what it makes of a GEMM of them.

Below the check of operands everything is codes, integers in int64: what the array sees. An
`Arithmetic` says what these stand for, so that values, room, errors, drawn operands and corners
are right for integers, for floating point and for numbers without a zero alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tpe.numbers.formats import Format
from tpe.numbers.operands import Ints
from tpe.numbers.words import wrap

_FLOAT32_EXACT = 1 << 24  # integers up to here are exact in float32 ...
_FLOAT64_EXACT = 1 << 53  # ... and in float64
_SMALLEST_BLOCK = 256  # a shorter block of K is slower in float32 than a long one in float64

Product = Callable[[Ints, Ints, Format, Format], Ints]


def zero_code(number: Format) -> int:
    """Code 0, whatever the format."""
    return 0


@dataclass(frozen=True)
class Arithmetic:
    """How operands of a PE are read, multiplied and summed.

    a_types, b_types -- names of the formats it takes of A and of B, its default first; none named:
               all integers
    product -- words of C (M, N), without overflow, from codes (M, K) and (K, N) and their formats
    result  -- the format of C's words, if they are no integers of `acc_bits` bits
    products -- the least and the largest product, of integers whose products are not the exact ones
    pads_with_zeros -- whether what operands of code 0 make is 0, whatever they meet
    valid_bit -- whether a code of A has a bit above the operand's that says that it is one
    b_padding -- the code of B that K is padded by: with code 0 of A it changes no psum
    choices -- parameters of an engine that have fewer values here; the first is the default
    follows -- those of them whose value others decide where none is given, and how
    instead -- what an operand of another arithmetic is here; empty: nothing
    evidence -- of hardware that somebody else made: what its values were compared with
    """

    name: str
    a_types: tuple[str, ...]
    b_types: tuple[str, ...]
    product: Product
    result: Format | None = None
    products: tuple[int, int] | None = None
    pads_with_zeros: bool = True
    valid_bit: bool = False
    b_padding: Callable[[Format], int] = zero_code
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict, hash=False)
    instead: str = ""
    evidence: str = ""
    follows: Mapping[str, Callable[[Mapping[str, Any]], Any]] = field(
        default_factory=dict, hash=False
    )

    @property
    def exact(self) -> bool:
        """Whether C is A @ B, but for overflow."""
        return self.integral and self.products is None

    @property
    def integral(self) -> bool:
        """Whether words of C are integers of `acc_bits` bits."""
        return self.result is None

    def values(self, words: Ints) -> Ints:
        """What words of C stand for."""
        return words if self.result is None else self.result.values(words)

    def words(self, values: Ints) -> Ints:
        """Words of C, signed, that stand for these values."""
        if self.result is None:
            return values
        return wrap(self.result.codes(values), self.result.bits)  # type: ignore[attr-defined]

    def legal(self, name: str) -> tuple[Any, ...] | None:
        """What an engine's parameter may be here, its default first; None: whatever it may be."""
        own = {"a_type": self.a_types, "b_type": self.b_types}
        return own.get(name) or self.choices.get(name)


def exact_product(a: Ints, b: Ints, a_format: Format, b_format: Format) -> Ints:
    """A (M, K) @ B (K, N) exactly, as int64.

    Blocks of K so short that no partial sum leaves the integers which the float type holds
    exactly go through BLAS, which numpy's integer matrix multiplication does not.
    """
    largest = max(abs(x * y) for x in _range(a_format) for y in _range(b_format))
    block = _FLOAT32_EXACT // largest
    dtype: np.dtype[Any] = np.dtype(np.float32)
    if block < min(_SMALLEST_BLOCK, a.shape[1]):
        block, dtype = _FLOAT64_EXACT // largest, np.dtype(np.float64)
    left, right = a.astype(dtype), b.astype(dtype)
    if a.shape[1] <= block:
        product: Ints = (left @ right).astype(np.int64)
        return product
    c = np.zeros((a.shape[0], b.shape[1]), np.int64)
    part = np.empty(c.shape, dtype)
    for start in range(0, a.shape[1], block):
        np.matmul(left[:, start : start + block], right[start : start + block], out=part)
        c += part.astype(np.int64)
    return c


def _range(number: Format) -> tuple[int, int]:
    return number.low, number.high


def of_values(a: Ints, b: Ints, a_format: Format, b_format: Format) -> Ints:
    """The exact product of what codes stand for, where all of it is integers."""
    return exact_product(a_format.values(a), b_format.values(b), a_format, b_format)


INTEGER = Arithmetic("integer", (), (), exact_product)
NO_STAGES: Mapping[str, tuple[Any, ...]] = {
    "zero_points": ("none",),
    "c0": ("off",),
    "bias": ("off",),
    "requant": ("off",),
    "relu": ("off",),
}
"""Choices of an arithmetic that has no zero points and nothing between the array and the port."""
PLAIN: Mapping[str, tuple[Any, ...]] = {**NO_STAGES, "scale_group": (0,), "scale_type": ("fp32",)}
"""The same of one whose weights have no scales in groups of K."""
