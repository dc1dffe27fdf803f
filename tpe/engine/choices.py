"""An engine's parameters that are one of a few words, as what they mean: no text is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tpe.array.base import BSupply, Overlap, Stall
from tpe.numbers.zero_points import ZeroPoints
from tpe.pe.parameters import EncodeIn


class Overflow(StrEnum):
    """What is done if the accumulator may not hold C; see `tpe.engine.finish`."""

    RAISE = "raise"
    WRAP = "wrap"
    SATURATE = "saturate"
    FLAG = "flag"
    INF = "inf"  # floats alone: the sum becomes an infinity


OF_INTEGERS = (Overflow.RAISE, Overflow.WRAP, Overflow.SATURATE, Overflow.FLAG)


class Gating(StrEnum):
    """What a cell without a step gets: zeros for operands, or no clock."""

    NONE = "none"
    ISOLATE = "isolate"
    CLOCK = "clock"


@dataclass(frozen=True)
class Choices:
    """The words of an engine. One that its PE or array has no parameter for is the plain one.

    >>> from tpe.engine.config import Config
    >>> Config("opt1", "ws", overlap="load").choices.overlap
    <Overlap.LOAD: 'load'>
    >>> Config("opt4c").choices.encode_in.name
    'CELL'
    """

    zero_points: ZeroPoints
    overflow: Overflow
    gating: Gating
    encode_in: EncodeIn
    overlap: Overlap
    b_supply: BSupply
    stall: Stall

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Choices:
        """Those of an engine with these parameters."""
        return cls(
            ZeroPoints(params["zero_points"]),
            Overflow(params["overflow"]),
            Gating(params["gating"]),
            EncodeIn(params.get("encode_in", EncodeIn.CELL)),
            Overlap(params.get("overlap", Overlap.NONE)),
            BSupply(params.get("b_supply", BSupply.BROADCAST)),
            Stall(params.get("stall", Stall.DIRECT)),
        )
