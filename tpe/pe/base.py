"""What a PE is: one record that arrays, benches, commands and reports read.

A PE is three stages read off its nest: the *front* (what was hoisted out), the *cell* (what
happens every step) and the *finish* (what was deferred past the reduction). Between cells
travels a psum of a declared kind. Adding a PE is two files of one stem: `tpe/pe/x.py`, which
defines `RECORD`, and `rtl/pe/tpe_pe_x.sv`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tpe.base.errors import TpeError
from tpe.nest.notation import Nest
from tpe.numbers.arithmetic import INTEGER, Arithmetic
from tpe.numbers.formats import Format
from tpe.numbers.operands import Ints
from tpe.numbers.three_greedy import KnownWord
from tpe.pe.kernel import Kernel
from tpe.pe.meetings import Rule
from tpe.pe.paces import BitPlanes, FreeRows, Groups, LockStep, Pace, Planes
from tpe.pe.parameters import Parameter, check_name, rtl_folder
from tpe.pe.widths import Loops, Params, Widths


class Way(Enum):
    """Where a psum goes: stays in its cell, on to the next cell, or into a spatial reduction."""

    KEEP, PASS, REDUCE = range(3)


@dataclass(frozen=True)
class Hardware:
    """How a PE is built in RTL. All widths in bits, all latencies in cycles."""

    cell: str  # stem of the RTL module of the cell: tpe_pe_<cell>
    finish: str  # stem of the RTL module that resolves a psum: tpe_finish_<finish>
    front: str = "none"  # stem of the RTL module of what was hoisted out: tpe_front_<front>
    row: str = "none"  # ... of what cells leave to their row, and its finish adds: tpe_row_<row>
    built: Callable[[Widths], Mapping[str, int]] = lambda widths: {}
    """primitive -> output width as built; "half_reduce 4:2" where that compressor has another"""
    code_bits: Callable[[Widths, Params], int] = lambda widths, params: widths.a
    plane_bits: Callable[[Widths, Params], int] = lambda widths, params: 1
    latency: Callable[[Params], int] = lambda params: 0  # registers of the cell before the psum's
    numbers: Callable[[Params], Mapping[str, int]] = lambda params: {}
    """integers of the PE's own that its modules take: RTL parameter -> value, widths beside"""
    finish_latency: Callable[[Params], int] = lambda params: int(params.get("finish_stages", 1)) - 1
    """registers inside the finish"""
    trees: Callable[[Widths, Params], tuple[tuple[int, int], ...]] = lambda widths, params: ()
    """(words, width) of every compressor that `tree` rewires"""
    shapes: Callable[[Widths, Params], Mapping[tuple[int, int], tuple[KnownWord, ...]]] = (
        lambda widths, params: {}
    )
    """of those that are `Shaped` in RTL: what is known of each word, by (words, width)"""
    front_bits: Callable[[Widths, Ints], Ints] | None = None
    """of a front whose code is of all lanes together: operands (..., lanes) -> (..., bits), 0 or 1,
    the lowest first, of all that it makes of them"""
    stored_b: Callable[[Format, Ints], Ints] | None = None
    """operands of B, of the format that enters the array, (..., lanes): words as they are stored"""
    stored_note: str = ""  # how, for who stores them
    folder: Path | None = None  # of RTL that does not come with tpe, one module a file

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", rtl_folder(f"cell {self.cell}", self.folder))

    @property
    def module(self) -> str:
        """The RTL module of the cell."""
        return f"tpe_pe_{self.cell}"


@dataclass(frozen=True)
class PE:
    """A processing element.

    `nest` gives the PE's loop nest from the loops of an array and the PE's parameters; a PE whose
    rule is not written in that notation has none.
    """

    name: str
    title: str  # five words at most
    source: str
    nest: Callable[[Loops, Params], Nest] | None
    kernel: Kernel
    pace: Pace
    ways: frozenset[Way]
    hardware: Hardware | None  # None: model only
    arithmetic: Arithmetic = INTEGER
    parameters: tuple[Parameter, ...] = ()
    at: Callable[[PE, Params], PE] | None = None  # this record for parameters that change it
    conflict: Callable[[Params], str | None] = lambda params: None
    """Which legal values do not go together, and what does, as a line; None if all do."""
    model_only: str = ""  # what of its parameters has no RTL, where it is none of the PE itself
    rules: tuple[Rule, ...] = ()  # its cycle rules as `tpe trace` counts them

    def __post_init__(self) -> None:
        check_name("a pe", self.name)
        if not self.ways or not all(isinstance(way, Way) for way in self.ways):
            raise TpeError(
                f"pe {self.name}: ways = {self.ways!r} is not legal: one or more of "
                f"{', '.join(f'Way.{way.name}' for way in Way)}, so that an array takes it"
            )

    @property
    def rtl(self) -> bool:
        """Whether it has RTL; else it is a model only."""
        return self.hardware is not None

    @property
    def sparse(self) -> bool:
        """Whether a front selects digits, and rows run at paces of their own."""
        return isinstance(self.pace, FreeRows)

    @property
    def stepped(self) -> bool:
        """Whether a step of the whole array takes several cycles, as many as its slowest cell."""
        return isinstance(self.pace, LockStep)

    @property
    def grouped(self) -> bool:
        """Whether a front selects digits, and rows meet at groups of K."""
        return isinstance(self.pace, Groups)

    @property
    def digit_serial(self) -> bool:
        """Whether the kernel's codes are digits, one bit weight after another."""
        return isinstance(self.pace, Planes | FreeRows | Groups)

    @property
    def group(self) -> int:
        """Operands of K that a front takes in a step; 1 without a front."""
        return self.pace.group if isinstance(self.pace, FreeRows | Groups) else 1

    @property
    def window(self) -> int:
        """Groups of K by which a row may lead the slowest, where rows meet at groups."""
        return self.pace.window if isinstance(self.pace, Groups) else 0

    @property
    def ahead(self) -> int:
        """Stages that a group of K passes before it is in work."""
        return self.pace.ahead if isinstance(self.pace, FreeRows | Groups) else 0

    def beat(self, widths: Widths) -> int:
        """Operands of K that a row takes in a beat of A."""
        return self.group if self.grouped else self.group * widths.lanes

    def offered(self, widths: Widths) -> int:
        """Operands of B that stand at a cell's port."""
        return self.group * (self.window + 1) if self.grouped else widths.lanes

    @property
    def own_front(self) -> bool:
        """Whether there is a front in every cell."""
        return isinstance(self.pace, FreeRows) and self.pace.own_front

    @property
    def shadow(self) -> bool:
        """Whether a psum that is whole waits for the finish beside its cell, which goes on."""
        return isinstance(self.pace, FreeRows) and self.pace.shadow

    @property
    def falling(self) -> bool:
        """Whether bit weights come from the most significant down, into one psum."""
        return isinstance(self.pace, FreeRows) and self.pace.falling

    @property
    def front(self) -> str:
        """Stem of the RTL module of the front, "none" without one."""
        return self.hardware.front if self.hardware else "none"

    def planes(self, widths: Widths) -> int:
        """Times that K is streamed."""
        return self.pace.count(widths) if isinstance(self.pace, Planes) else 1

    @property
    def serial(self) -> bool:
        """Whether a step takes the bit planes of B one a cycle."""
        return isinstance(self.pace, BitPlanes)

    def bit_planes(self, widths: Widths) -> int:
        """Bit planes of B that a step takes, a cycle each; 1 where it takes B as it is."""
        return self.pace.count(widths) if isinstance(self.pace, BitPlanes) else 1

    def longest(self, widths: Widths) -> int:
        """Most cycles that a step takes."""
        longest = self.pace.longest if isinstance(self.pace, LockStep) else None
        return longest(widths) if longest else 1

    def latency(self, params: Params) -> int:
        """Registers of the cell before the psum's, in cycles."""
        return self.hardware.latency(params) if self.hardware else 0

    def finish_latency(self, params: Params) -> int:
        """Registers inside the finish, in cycles."""
        return self.hardware.finish_latency(params) if self.hardware else 0

    def code_bits(self, widths: Widths, params: Params) -> int:
        """Bits of an operand of A, or of a digit, on its way to the cells."""
        return self.hardware.code_bits(widths, params) if self.hardware else widths.a

    def built(self, widths: Widths) -> Mapping[str, int]:
        """Output width of each primitive as built; empty for a model only."""
        return self.hardware.built(widths) if self.hardware else {}

    def built_bits(self, widths: Widths, op: str, fan_in: int) -> int:
        """Output width of a primitive that so many words enter; 0 for a model only."""
        built = self.built(widths)
        return built.get(f"{op} {fan_in}:2", built.get(op, 0))

    def parameter(self, name: str) -> Parameter | None:
        """The parameter called `name`, or None."""
        return next((p for p in self.parameters if p.name == name), None)
