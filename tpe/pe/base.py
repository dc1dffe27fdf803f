"""What a PE is: one record that arrays, benches, commands and reports read.

A PE is three stages read off its nest: the *front* (what was hoisted out), the *cell* (what
happens every step) and the *finish* (what was deferred past the reduction). Between cells
travels a psum of a declared kind. Adding a PE is two files of one stem: `tpe/pe/x.py`, which
defines `RECORD`, and `rtl/pe/tpe_pe_x.sv`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import numpy as np

from tpe.base.errors import TpeError, pick
from tpe.nest.notation import Loop, Nest

ENCODERS: dict[str, int] = {"booth": 0, "ent": 1}  # the recodings that have RTL, by its parameter


class Pace(Enum):
    """Steps an operand takes: one, a fixed number, as many as A has digits, or as both have."""

    DENSE, SERIAL, SPARSE_A, SPARSE_AB = range(4)


class Way(Enum):
    """Where a psum goes: stays in its cell, on to the next cell, or into a spatial reduction."""

    KEEP, PASS, REDUCE = range(3)


@dataclass(frozen=True)
class Parameter:
    """A choice of a PE or an array: name, default, what is legal, and the RTL parameter it sets."""

    name: str
    default: Any
    legal: range | tuple[Any, ...]
    doc: str
    rtl: str = ""  # RTL parameter of the cell or front; empty if the model alone uses it

    def check(self, value: Any) -> Any:
        """`value` as this parameter's type; `TpeError` with the legal range if it is none.

        Words are taken in upper or lower case; True and False are `on` and `off`.

        >>> Parameter("bias", "off", ("off", "on"), "").check(True)
        'on'
        >>> Parameter("encoder", "booth", ("booth", "ent"), "").check("Ent")
        'ent'
        """
        if isinstance(self.legal, range):
            number = _integer(value)
            if number is None or number not in self.legal:
                raise TpeError(f"{self.name} = {value!r} is not legal: {self.describe()}")
            return number
        words = {str(choice): choice for choice in self.legal}
        if set(words) == {"off", "on"} and str(value).lower() in ("true", "false"):
            return "on" if str(value).lower() == "true" else "off"
        if isinstance(value, str) and all(isinstance(choice, str) for choice in self.legal):
            return pick(self.name, value, words)
        if isinstance(value, str) and value in words:
            return words[value]
        same = [choice for choice in self.legal if _equal(value, choice)]
        if not same:
            raise TpeError(f"{self.name} = {value!r} is not legal: {self.describe()}")
        return same[0]

    def describe(self) -> str:
        """The legal values, for a person."""
        if isinstance(self.legal, range):
            step = f" in steps of {self.legal.step}" if self.legal.step != 1 else ""
            return f"an integer from {self.legal[0]} to {self.legal[-1]}{step}"
        return " | ".join(str(choice) for choice in self.legal)

    def rtl_value(self, value: Any) -> int:
        """The value as the RTL's integer parameter; a word's is its place among the legal ones."""
        if self.name == "encoder":
            return ENCODERS[value]
        return tuple(self.legal).index(value) if isinstance(value, str) else int(value)


def _equal(value: Any, choice: Any) -> bool:
    """Whether a number, Python's or numpy's, is one of the legal ones; True is no 1."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value == choice


def _integer(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if str(number) == str(value).strip() else None


ENCODER = Parameter(
    "encoder", "booth", tuple(ENCODERS), "recoding of the encoded operand", "Encoder"
)


@dataclass(frozen=True)
class Widths:
    """The widths, in bits, and the counts that a PE's hardware is built for."""

    a: int  # encoded operand
    b: int  # other operand
    acc: int  # accumulator
    lanes: int = 1  # operands of K merged in one step
    depth: int = 1  # operands of K that one pass sums at most; 1 for a PE without resident B

    @property
    def digits(self) -> int:
        """Radix-4 digits of the encoded operand: the planes of a digit-serial PE."""
        return (self.a + 1) // 2

    @property
    def plane_bits(self) -> int:
        """Width of the number of a plane."""
        return max(1, (self.digits - 1).bit_length())


@dataclass(frozen=True)
class Psum:
    """What travels between cells: opaque bits to every array.

    `word_bits` is the width of its widest word: a `word` psum is one, a `carry_save` psum is
    {carry, sum}, `pairs` times, `bit_weights` is such a pair for every bit weight bw, 2 bw bits
    narrower each. A carry-save pair is exact modulo 2**(its width) only.
    """

    kind: Literal["word", "carry_save", "bit_weights", "fp"]
    word_bits: Callable[[Widths], int]
    pairs: int = 1  # of a `carry_save` psum

    def words(self, widths: Widths) -> tuple[int, ...]:
        """The width of each of its words, lowest first.

        >>> Psum("bit_weights", lambda w: w.acc).words(Widths(a=4, b=4, acc=24))
        (24, 24, 22, 22)
        """
        top = self.word_bits(widths)
        if self.kind == "word":
            return (top,)
        if self.kind == "carry_save":
            return (top,) * (2 * self.pairs)
        assert self.kind == "bit_weights", f"a psum of kind {self.kind} has no integer words"
        return tuple(top - 2 * bw for bw in range(widths.digits) for _ in ("sum", "carry"))

    def bits(self, widths: Widths) -> int:
        """All bits of the psum."""
        return sum(self.words(widths))


Params = Mapping[str, Any]
Loops = tuple[Loop, ...]

TREE = Parameter(
    "tree", "chain", ("chain", "wallace", "dadda"), "how compressors of carry-save sums are wired"
)
ENCODE_IN = Parameter(
    "encode_in",
    "cell",
    ("cell", "edge", "stored"),
    "where A is encoded: in every cell, once at the array's edge, or beforehand, stored as digits",
)


def code_bits(widths: Widths, params: Params) -> int:
    """Bits of an operand of A on its way to the cells, for PEs with the parameter `encode_in`.

    Digits travel as Booth's three select lines each, or as EN-T stores them: two bits each and
    one sign (arXiv:2404.11887), 9 bits for int8.
    """
    if params["encode_in"] == "cell":
        return widths.a
    return 3 * widths.digits if params["encoder"] == "booth" else 2 * widths.digits + 1


def lanes_parameter(default: int, legal: range) -> Parameter:
    """Operands of K that one cell takes in a step; an array that unrolls K there sets it itself."""
    return Parameter("lanes", default, legal, "operands of K that a cell takes in one step")


@dataclass(frozen=True)
class PE:
    """A processing element. All widths in bits, all latencies in cycles.

    `nest` gives the PE's loop nest from the loops of an array and the PE's parameters; a PE whose
    rule is not written in that notation has none. `step` and `resolve` are its kernels, with the
    signatures of `tpe.base.jit.step_type` and `resolve_type`: they are written by hand, and the RTL
    by hand again; only the contract joins them.
    """

    name: str
    title: str  # five words at most
    source: str
    nest: Callable[[Loops, Params], Nest] | None
    pace: Pace
    ways: frozenset[Way]
    psum: Psum
    finish: str  # stem of the RTL module that resolves a psum
    step: Callable[..., tuple[int, int]]
    resolve: Callable[..., int]
    built: Callable[[Widths], Mapping[str, int]]  # primitive -> output width as built
    parameters: tuple[Parameter, ...] = ()
    front: str = "none"  # stem of the RTL module of what was hoisted out
    lanes: range = field(default=range(1, 2))  # K operands that one cell can merge per step
    group: int = 1  # K operands per front step
    own_front: bool = False  # a front in every cell; else one for a row
    code_bits: Callable[[Widths, Params], int] = lambda widths, params: widths.a
    plane_bits: Callable[[Widths, Params], int] = lambda widths, params: 1
    planes: Callable[[Widths, Params], int] = lambda widths, params: 1  # times K is streamed
    cell_latency: Callable[[Params], int] = lambda params: 0  # registers before the psum's
    trees: Callable[[Widths, Params], tuple[tuple[int, int], ...]] = lambda widths, params: ()
    """(words, width) of every compressor that `tree` rewires"""
    planewise: bool = False  # the kernel takes one digit of A a step, as if bit weights were serial
    steps: Callable[..., Any] | None = (
        None  # lock-step: (A, widths, params) -> cycles of every row's groups; see `stepped`
    )
    pair_steps: Callable[..., Any] | None = None  # the same where they depend on both operands
    longest: Callable[[Widths], int] | None = None  # lock-step: most cycles that a step takes
    cell: str = ""  # stem of its RTL cell, if not its name
    at: Callable[[Params], PE] | None = None  # the record for these parameters, if they change it
    rtl: bool = True  # False: model only

    @property
    def sparse(self) -> bool:
        """Whether a front selects digits, and rows run at paces of their own."""
        return self.front != "none"

    @property
    def stepped(self) -> bool:
        """Whether a step of the whole array takes several cycles, as many as its slowest cell."""
        return self.steps is not None or self.pair_steps is not None

    @property
    def module(self) -> str:
        """The RTL module of the cell."""
        return f"tpe_pe_{self.cell or self.name}"

    def parameter(self, name: str) -> Parameter | None:
        """The parameter called `name`, or None."""
        return next((p for p in self.parameters if p.name == name), None)
