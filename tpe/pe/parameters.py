"""Parameters of PEs and arrays: a choice, its default, what is legal; those that PEs share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from tpe.base.errors import TpeError, pick
from tpe.pe.widths import Params, Widths

ENCODERS: dict[str, int] = {"booth": 0, "ent": 1}  # the recodings that have RTL, by its parameter


class EncodeIn(StrEnum):
    """Where A is encoded: in every cell, once at the array's edge, or beforehand."""

    CELL = "cell"
    EDGE = "edge"
    STORED = "stored"


class Negate(StrEnum):
    """Where the 1 of a negative multiple of B is added, which is else a complement."""

    ADDER = "adder"
    FREE_BITS = "free_bits"
    ROW = "row"


NAME = re.compile(r"[a-z][a-z0-9_]*")


def check_name(kind: str, name: object) -> None:
    """TpeError for a name that no module of RTL could have: emitted ones begin with it.

    >>> check_name("a pe", "my-pe")
    Traceback (most recent call last):
    tpe.TpeError: name of a pe = 'my-pe' is not legal: lower-case letters, digits and _, a letter \
first
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise TpeError(
            f"name of {kind} = {name!r} is not legal: lower-case letters, digits and _, "
            "a letter first"
        )


def rtl_folder(owner: str, folder: object) -> Path | None:
    """Where the RTL of a record lies, given as a path or as text; TpeError for anything else."""
    if folder is None or isinstance(folder, str | os.PathLike):
        return None if folder is None else Path(folder)
    raise TpeError(f"{owner}: folder = {folder!r} is not legal: the path of a folder of RTL")


@dataclass(frozen=True)
class Parameter:
    """A choice of a PE or an array: name, default, what is legal, and the RTL parameter it sets.

    `trade`: what its values cost and what they save, where it says how a thing is built. `follows`:
    the value that is taken where none is given, if others decide it: `default` is the usual one.
    """

    name: str
    default: Any
    legal: range | tuple[Any, ...]
    doc: str
    rtl: str = ""  # RTL parameter of the cell or front; empty if the model alone uses it
    trade: str = ""
    words: tuple[str, ...] = ()  # all that the RTL parameter knows, if not all of them are legal
    follows: Callable[[Params], Any] | None = None
    optional: bool = False  # among the settings of an engine only where it is not at its default

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
        """The value as the RTL's integer parameter; a word's is its place among all words."""
        if self.name == "encoder":
            return ENCODERS[value]
        words: tuple[Any, ...] = self.words or tuple(self.legal)
        return words.index(value) if isinstance(value, str) else int(value)


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
    "encoder",
    "booth",
    tuple(ENCODERS),
    "recoding of the encoded operand",
    "Encoder",
    trade="ent costs a carry from digit to digit; saves non-zero digits, and bits of stored ones",
)
TREE = Parameter(
    "tree",
    "chain",
    ("chain", "wallace", "dadda", "three_greedy"),
    "how compressors of carry-save sums are wired",
    trade="others than chain cost irregular wires; save rows of adders in series, so period",
)
ENCODE_IN = Parameter(
    "encode_in",
    str(EncodeIn.CELL),
    tuple(map(str, EncodeIn)),
    "where A is encoded: in every cell, once at the array's edge, or beforehand, stored as digits",
    trade="edge costs wider codes on their way, stored wider memory too; either saves encoders",
)


NEGATE = Parameter(
    "negate",
    str(Negate.ADDER),
    tuple(map(str, Negate)),
    "where the 1 of a negative multiple is added: by an adder in every map, at bits that are free "
    "in the compressor, or once a row, with the finish",
    "Negate",
    trade="free_bits costs words that are no multiples, row a term a row; both save adders",
)
# ... of PEs whose rows have no term.
NEGATE_IN_CELL = replace(
    NEGATE,
    legal=NEGATE.legal[:2],
    doc="where the 1 of a negative multiple is added: by an adder in every map, or at bits that "
    "are free in the compressor",
    trade="free_bits costs words that are no multiples, and any other tree; saves adders",
)
BIASED = Parameter(
    "biased",
    "off",
    ("off", "on"),
    "no partial product is negative: each has a bias, which leaves once a row, with the finish",
    "Biased",
    trade="on costs a term a row and an adder in the finish; saves sign extension in every cell",
)


HOLD = Parameter(
    "hold",
    "mux",
    ("mux", "zero"),
    "a cycle without a step: registers keep what they have, or codes of zero are added, with a "
    "clock gate a row for back-pressure",
    "Hold",
    trade="zero costs a clock gate a row, ready within half a cycle; saves a mux a flip-flop",
)


FINISH_STAGES = Parameter(
    "finish_stages",
    1,
    range(1, 3),
    "pipeline stages of a finish: 2 has a register inside, where it pays",
    trade="2 costs a register in every column, a cycle to fill; saves period",
)


def ones_in_a_chain(params: Params) -> str | None:
    """What is wrong where ones stand in the carry words of a chain, and another tree is chosen."""
    if params["negate"] != Negate.FREE_BITS or params["tree"] == TREE.default:
        return None
    return (
        f"tree = {params['tree']!r} is not legal with negate = 'free_bits': the ones stand in the "
        "carry words of a chain; legal: chain"
    )


def code_bits(widths: Widths, params: Params) -> int:
    """Bits of an operand of A on its way to the cells, for PEs with the parameter `encode_in`.

    Digits travel as Booth's three select lines each, or as EN-T stores them: two bits each and
    one sign (arXiv:2404.11887), 9 bits for int8.
    """
    if params["encode_in"] == EncodeIn.CELL:
        return widths.a
    return 3 * widths.digits if params["encoder"] == "booth" else 2 * widths.digits + 1


def stages_parameter(name: str, most: int, cuts: str, rtl: str) -> Parameter:
    """Pipeline stages of a cell, 1 to `most`: what it computes comes a cycle later with each more.

    They are `fill_drain` and no other cycle: a cell begins a step as often as with one. `stages`
    is their name where a step is a cycle, `cell_stages` where it may be several.
    cuts: what each one more registers. rtl: the parameter of the cell's module.

    >>> stages_parameter("stages", 2, "2 registers the words", "Stages").doc
    'pipeline stages of a cell: 2 registers the words'
    """
    doc = f"pipeline stages of a cell: {cuts}"
    trade = "each costs registers in every cell and a later first result; saves period"
    return Parameter(name, 1, range(1, most + 1), doc, rtl, trade)


def cell_latency(params: Params) -> int:
    """Registers of a cell before its psum's, where `cell_stages` says how many it has."""
    return int(params["cell_stages"]) - 1


def lanes_parameter(default: int, legal: range) -> Parameter:
    """Operands of K that one cell takes in a step; an array that unrolls K there sets it itself."""
    return Parameter(
        "lanes",
        default,
        legal,
        "operands of K that a cell takes in one step",
        trade="more cost operands a cycle, period, padding of K; save cycles and psums",
    )
