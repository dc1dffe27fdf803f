"""What an array is: a topology that places cells, moves operands and drains results."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from tpe.array.closed import ClosedForm
from tpe.base.errors import TpeError
from tpe.nest.notation import Dim
from tpe.numbers.sparsity import Selection
from tpe.pe.base import PE, Way
from tpe.pe.paces import LockStep, Pace
from tpe.pe.parameters import EncodeIn, Parameter, check_name, rtl_folder
from tpe.pe.widths import Params, Widths

TERMS = ("useful", "empty_group", "lane_sync", "edge", "fill_drain", "load", "stall")


class Overlap(StrEnum):
    """What of the next tile is done behind a tile: nothing, the load of its B, or its operands.

    drain: they follow once the last psum has left its cell, while rows of C leave. stream: they
    follow without a gap.
    """

    NONE = "none"
    LOAD = "load"
    DRAIN = "drain"
    STREAM = "stream"


class Stall(StrEnum):
    """How a word that the sink refuses holds the array.

    direct: in the cycle of the refusal. registered: by registers, from the next cycle on; a place
    beside C's register keeps the word.
    """

    DIRECT = "direct"
    REGISTERED = "registered"


class BSupply(StrEnum):
    """Where the B of cells that want it by index comes from.

    copies: a memory for every row. broadcast: no memory, B of what rows work on goes to all cells.
    ported: one memory with a read port for every row, which is simulated and has no price.
    """

    COPIES = "copies"
    BROADCAST = "broadcast"
    PORTED = "ported"


def overlap_parameter(*legal: Overlap, trade: str) -> Parameter:
    """The choice of how tiles overlap, of those that an array has RTL for.

    >>> overlap_parameter(Overlap.NONE, Overlap.STREAM, trade="").check("drain")
    Traceback (most recent call last):
    tpe.TpeError: unknown overlap 'drain'; legal: none, stream
    """
    doc = "what of the next tile is done behind a tile: the load of B, or all while it drains"
    words = tuple(map(str, Overlap))
    return Parameter("overlap", "none", tuple(map(str, legal)), doc, "Overlap", trade, words)


STALL = Parameter(
    "stall",
    str(Stall.DIRECT),
    tuple(map(str, Stall)),
    "how a refused word holds the array: in the same cycle, or by registers, from the next on",
    "Stall",
    trade="registered costs a place for a word in every column; saves period, the net to all cells",
)
LOADED = overlap_parameter(
    Overlap.NONE,
    Overlap.LOAD,
    trade="load costs a second register or bank for all of B; saves its load behind a tile",
)


@dataclass(frozen=True)
class Cycles:
    """Cycles of a run and where they went: averages over lanes, exact, summing to the cycles.

    useful       steps spent on operands (dense) or on non-zero digits (sparse)
    empty_group  steps spent on groups without a non-zero digit
    lane_sync    lanes waiting for each other, or for the finish they share
    edge         steps spent on padded K
    fill_drain   skew, pipeline and draining of C
    load         loading the operand that stays
    stall        source idle or sink busy
    """

    useful: Fraction = Fraction(0)
    empty_group: Fraction = Fraction(0)
    lane_sync: Fraction = Fraction(0)
    edge: Fraction = Fraction(0)
    fill_drain: Fraction = Fraction(0)
    load: Fraction = Fraction(0)
    stall: Fraction = Fraction(0)

    @cached_property
    def total(self) -> int:
        """Clock cycles, by D1: from the first accepted beat to the last accepted word."""
        terms = [getattr(self, term) for term in TERMS]
        broken = [term for term in terms if term.denominator != 1]
        total = sum((term.numerator for term in terms if term.denominator == 1), sum(broken))
        assert total.denominator == 1, f"cycle terms sum to {total}, no whole number"
        return int(total)

    @classmethod
    def of(cls, form: ClosedForm) -> Cycles:
        """The exact terms of a closed form of single integers.

        >>> Cycles.of(ClosedForm(useful=5, per=2, steps=3, fill_drain=4)).edge
        Fraction(1, 2)
        """
        useful = Fraction(form.useful, form.per)
        drain, load = Fraction(form.fill_drain), Fraction(form.load)
        return cls(useful=useful, edge=form.steps - useful, fill_drain=drain, load=load)

    @property
    def compute(self) -> Fraction:
        """Cycles in which the array steps through K: all but filling, draining, loading, stalls."""
        return self.useful + self.empty_group + self.lane_sync + self.edge

    def __add__(self, other: Cycles) -> Cycles:
        return Cycles(*(getattr(self, t) + getattr(other, t) for t in TERMS))

    def __mul__(self, times: int) -> Cycles:
        return Cycles(*(getattr(self, t) * times for t in TERMS))


@dataclass(frozen=True)
class Handshake:
    """When the source is idle and the sink busy: bit c % 32 of a mask, for cycle c of the run.

    >>> Handshake(idle=0b101).source(2), Handshake(idle=0b101).source(33)
    (False, True)
    """

    registered: ClassVar[bool] = False  # whether words pass a register before the sink
    idle: int = 0
    busy: int = 0

    def __post_init__(self) -> None:
        for name, mask in (("idle", self.idle), ("busy", self.busy)):
            if not isinstance(mask, int) or not 0 <= mask < 2**32 - 1:
                raise TpeError(f"{name} = {mask!r} is not legal: a 32-bit mask that leaves a cycle")

    def source(self, cycle: int) -> bool:
        """Whether the source offers a beat in this cycle."""
        return not self.idle >> (cycle % 32) & 1

    def sink(self, cycle: int) -> bool:
        """Whether the sink takes a word in this cycle."""
        return not self.busy >> (cycle % 32) & 1


ALWAYS = Handshake()


@dataclass
class Exit:
    """Where words leave an array, and when it is held for a busy sink, cycle by cycle.

    registered -- a word that is refused waits here, and holds the array from the next cycle on
    waits      -- such a word is here
    """

    handshake: Handshake
    registered: bool
    waits: bool = False

    def holds(self, cycle: int, word: bool) -> bool:
        """Whether the array is held in this cycle; `word`: it has one, which else goes on.

        To be asked once a cycle.
        """
        held = self.waits
        refused = (word or held) and not self.handshake.sink(cycle)
        self.waits = refused and self.registered
        return held if self.registered else refused


@dataclass(frozen=True)
class TiledGemm:
    """One GEMM cut into tiles of outputs: A (M, K) is the encoded operand, B (K, N) the other.

    None is an operand that is not known. `rows` x `cols` outputs are a tile; `chain` cells pass a
    sum over K from one to the next.
    """

    widths: Widths
    rows: int
    cols: int
    chain: int
    m: int
    n: int
    k: int
    a: Any
    b: Any

    @property
    def k_tile(self) -> int:
        """Operands of K of an output that cells take at once: in their lanes, along a chain."""
        return self.chain * self.widths.lanes

    @property
    def m_tiles(self) -> int:
        """Tiles along M."""
        return -(-self.m // self.rows)

    @property
    def n_tiles(self) -> int:
        """Tiles along N."""
        return -(-self.n // self.cols)

    @property
    def tiles(self) -> int:
        """Output tiles."""
        return self.m_tiles * self.n_tiles


@dataclass(frozen=True)
class Job(TiledGemm):
    """One GEMM as an array sees it. Only PEs whose steps depend on the operands read them.

    With a `selection` K is what is stored of the sparse operand, of which `used` are none of the
    padding of its last group. `source` names A: jobs of one that is not None have the same A.
    """

    pe: PE
    params: Params
    selection: Selection | None = None
    used: int = 0
    source: Hashable = None

    @property
    def useful_k(self) -> int:
        """Operands of K of an output that are not padding."""
        return self.used if self.selection else self.k

    @property
    def a_bits(self) -> int:
        """Bits of A as it comes to the array for a lane: stored digits are more than an operand."""
        return self._lane_bits[0]

    @property
    def b_bits(self) -> int:
        """Bits of B as it comes to the array for a lane: of all operands that are selected from."""
        return self._lane_bits[1]

    @property
    def _lane_bits(self) -> tuple[int, int]:
        a = self.widths.a + self.pe.arithmetic.valid_bit
        if self.params.get("encode_in") == EncodeIn.STORED:
            a = self.pe.code_bits(self.widths, self.params)
        return self.selection.bits(a, self.widths.b) if self.selection else (a, self.widths.b)

    @property
    def registered_stall(self) -> bool:
        """Whether a refused word holds the array from the next cycle on."""
        return self.params.get("stall") == Stall.REGISTERED


@dataclass(frozen=True)
class Schedule:
    """What an array's schedule says of one GEMM."""

    cycles: Cycles
    nonzero_digits: int | None = None  # of A, once per tile of N; None for a dense PE
    busy_steps: int | None = None  # steps of a row in which any of its lanes holds such a digit
    row_steps: int | None = None  # all steps of the rows, with and without a digit


@dataclass(frozen=True)
class Grid:
    """What the cells of an array unroll: an output tile of m x n, and K in lanes or in a chain."""

    m: int
    n: int
    lanes: int | None  # operands of K that a cell merges; None: the PE's own choice
    chain: int  # cells that pass a sum over K from one to the next


@dataclass(frozen=True)
class Array:
    """A topology. `timing` is its schedule: cycles of a job, exactly those of its RTL."""

    name: str
    title: str
    source: str
    aliases: tuple[str, ...]
    way: Way
    dims: tuple[Dim, ...]  # which loops its rows, columns and depth unroll
    paces: frozenset[type[Pace]]
    rtl: Callable[[PE], str]  # stem of the RTL module for a PE
    timing: Callable[[Job, Handshake], Schedule]
    bandwidth: Callable[[Job], tuple[int, int]]  # operand bits a cycle, A and B, at full pace
    legal_size: range = field(default=range(1, 1025))
    skewed: bool = False  # operands pass from cell to cell; else every cell of a row gets them
    parameters: Callable[[PE], tuple[Parameter, ...]] = lambda pe: ()
    # Cycles by shape alone, of jobs whose sides may be arrays; None where operands count, or if the
    # array says none.
    closed: Callable[[Job], ClosedForm | None] = lambda job: None
    fixed: Mapping[str, Any] = field(default_factory=dict, hash=False)  # parameters with one value
    folder: Path | None = None  # of RTL that does not come with tpe, one module a file

    def __post_init__(self) -> None:
        check_name("an array", self.name)
        object.__setattr__(self, "folder", rtl_folder(f"array {self.name}", self.folder))

    @property
    def chained(self) -> bool:
        """Whether B stays in the cells and psums pass through them."""
        return self.way is Way.PASS

    @property
    def sides(self) -> tuple[str, ...]:
        """What a size says, in order: rows, cols and, of a cube, depth."""
        return ("rows", "cols", "depth")[: len(self.dims)]

    @property
    def lanes_side(self) -> str | None:
        """The side of a size that is the lanes of a cell; None: they are the PE's choice."""
        along_k = Dim.K in self.dims and not self.chained
        return self.sides[self.dims.index(Dim.K)] if along_k else None

    def grid(self, size: tuple[int, ...]) -> Grid:
        """What an array of this size unrolls."""
        trips = dict(zip(self.dims, size, strict=True))
        along_k = trips.get(Dim.K)
        return Grid(
            m=trips.get(Dim.M, 1),
            n=trips.get(Dim.N, 1),
            lanes=None if self.chained else along_k,
            chain=along_k if self.chained and along_k is not None else 1,
        )

    def narrowed(self, parameter: Parameter) -> Parameter:
        """A parameter of every engine, or of its PE, as it is here.

        A cell of a chain takes one operand of K unless it is told to take more.
        """
        if parameter.name in self.fixed:
            value = self.fixed[parameter.name]
            return replace(parameter, default=value, legal=(value,))
        one = parameter.name == "lanes" and self.chained and 1 in parameter.legal
        return replace(parameter, default=1) if one else parameter

    def cut(self, size: tuple[int, ...], most: int) -> tuple[int, ...]:
        """A size with at most `most` cells to a side; a side that decides a cell's lanes stays."""
        decides = () if self.chained else (Dim.K,)
        sides = zip(self.dims, size, strict=True)
        return tuple(s if dim in decides else min(s, most) for dim, s in sides)

    def refuses(self, pe: PE) -> str | None:
        """Why this PE cannot stand in this array; None if it can."""
        if self.way not in pe.ways:
            ways = ", ".join(sorted(way.name.lower() for way in pe.ways))
            return f"{self.name} has its psum {self.way.name.lower()}, {pe.name} supports {ways}"
        if pe.stepped and LockStep not in self.paces:
            return f"{self.name} takes a step a cycle, {pe.name} several, and all cells wait"
        if type(pe.pace) not in self.paces:
            return (
                f"{self.name} moves operands in lock-step, {pe.name} takes "
                f"as many steps as its operands have digits"
            )
        for name, value in self.fixed.items():
            legal = pe.arithmetic.legal(name)
            if legal is not None and value not in legal:
                return f"{self.name} has {name} = {value}, {pe.name} takes {', '.join(legal)}"
        return None

    def takes(self, pe: PE, params: Params) -> bool:
        """Whether these parameters of a PE go together, and it can stand here with them."""
        made = pe.at(pe, params) if pe.at else pe
        return pe.conflict(params) is None and self.refuses(made) is None


def next_cycle(willing: Callable[[int], bool], cycle: int) -> int:
    """The first cycle, from `cycle` on, in which somebody is willing."""
    while not willing(cycle):
        cycle += 1
    return cycle


def describe_size(array: Array) -> str:
    """The legal size of an array, for a person."""
    sides = "x".join(side.upper() for side in array.sides)
    return f"{sides}, each from {array.legal_size[0]} to {array.legal_size[-1]}"
